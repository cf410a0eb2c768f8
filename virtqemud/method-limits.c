/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods of a machine's share of the host's memory, disks and memory nodes. */
#define ERR_FROM ERR_FROM_QEMU
#include "base/str.h"
#include "model/domain/domain.h"
#include "virtqemud/definition.h"
#include "virtqemud/limits.h"
#include "virtqemud/method.h"
#include "virtqemud/params.h"
#include "virtqemud/qemud.h"
#include "virtqemud/status.h"

enum { AFFECT = API_DOMAIN_AFFECT_LIVE | API_DOMAIN_AFFECT_CONFIG };

/* Each kind refuses in its own words where there is no such controller. */
static int check_controller(struct req *rq, const struct vm *vm, enum cgroup_controller controller,
                            const char *words)
{
    return limits_has(vm->run, controller) ? 0 : err_set(&rq->err, ERR_OPERATION_INVALID, "%s", words);
}

/* For get: one of the two models. */
static int one_model(struct req *rq, struct vm *vm, unsigned flags, bool *ret_live,
                     const struct domain **ret_domain)
{
    if (method_flags(rq, flags, AFFECT | PARAM_STRING_OKAY) < 0 ||
        vm_affected_one(rq, vm, flags, ret_live) < 0)
        return -1;
    *ret_domain = *ret_live ? vm->run->domain : definition_load(rq, vm, &rq->arena);
    return *ret_domain ? 0 : -1;
}

/* ---- memory ---- */

static const uint64_t unlimited_kib = 9007199254740991; /* the largest number that a double holds whole */

/* Row: its name, its place in the kernel and in the model. In the order in which they are told. */
static const struct {
    const char *name;
    enum cgroup_key key;
    size_t offset;
} memory_rows[] = {
    {"hard_limit", CGROUP_MEMORY_HARD, offsetof(struct memtune, hard_limit)},
    {"soft_limit", CGROUP_MEMORY_SOFT, offsetof(struct memtune, soft_limit)},
    {"swap_hard_limit", CGROUP_MEMORY_SWAP, offsetof(struct memtune, swap_hard_limit)},
};
enum { HARD, SOFT, SWAP };

static struct opt_u64 *memory_place(struct memtune *tune, size_t row)
{
    return (struct opt_u64 *)((char *)tune + memory_rows[row].offset);
}

static uint64_t memory_model(const struct memtune *tune, size_t row)
{
    const struct opt_u64 *place = (const struct opt_u64 *)((const char *)tune + memory_rows[row].offset);

    return place->set ? place->value : unlimited_kib;
}

static int check_memory_session(struct req *rq)
{
    return qemud.privileged ? 0
                            : err_set(&rq->err, ERR_OPERATION_UNSUPPORTED,
                                      "Memory tuning is not available in session mode");
}

static const char no_memory[] = "cgroup memory controller is not mounted";

static int m_get_memory(struct req *rq, struct vm *vm,
                        const struct remote_domain_get_memory_parameters_in *in,
                        struct remote_domain_get_memory_parameters_out *out)
{
    struct params params = {.arena = &rq->arena};
    const struct domain *domain;
    bool live;

    if (check_memory_session(rq) < 0 || one_model(rq, vm, in->flags, &live, &domain) < 0 ||
        (live && in->nparams && check_controller(rq, vm, CGROUP_MEMORY, no_memory) < 0))
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(memory_rows); i++) {
        uint64_t value = live ? CGROUP_UNLIMITED : memory_model(&domain->memtune, i);

        /* a kernel without accounting of swap has no such file: nothing limits it */
        if (live && limits_get(vm->run, memory_rows[i].key, &value) == 0 && value != CGROUP_UNLIMITED)
            value /= 1024;
        params_ulong(&params, value > unlimited_kib ? unlimited_kib : value, "%s", memory_rows[i].name);
    }
    params_give(&params, in->nparams, in->flags, out);
    return 0;
}

static int check_swap(struct req *rq, const struct memtune *tune)
{
    if (memory_model(tune, HARD) <= memory_model(tune, SWAP))
        return 0;
    return err_set(&rq->err, ERR_INVALID_ARG,
                   "memory hard_limit tunable value must be lower than or equal to swap_hard_limit");
}

static void change_memory(struct memtune *tune, const struct wire_typed_param *v, uint32_t n)
{
    for (size_t i = 0; i < ARRAY_SIZE(memory_rows); i++) {
        const struct wire_typed_value *value = params_find(v, n, memory_rows[i].name);

        if (value)
            *memory_place(tune, i) = (struct opt_u64){value->ul, value->ul < unlimited_kib};
    }
}

static int write_memory(struct req *rq, const struct vm *vm, const struct memtune *tune, size_t row)
{
    uint64_t kib = memory_model(tune, row);

    return limits_set(vm->run, memory_rows[row].key, kib == unlimited_kib ? CGROUP_UNLIMITED : kib * 1024,
                      &rq->err);
}

/* The sum of memory and swap may at no moment be below the memory: the one that grows goes first. */
static int set_live_memory(struct req *rq, struct vm *vm, const struct memtune *tune)
{
    const struct memtune *old = &vm->run->domain->memtune;
    bool grows = memory_model(tune, HARD) > memory_model(old, HARD);
    bool v2 = vm->run->limits->machine.at[CGROUP_MEMORY].v2; /* counts swap alone: always after the memory */
    const size_t order[] = {SOFT, grows && !v2 ? SWAP : HARD, grows && !v2 ? HARD : SWAP};

    for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
        bool changed = memory_model(tune, order[i]) != memory_model(old, order[i]);

        if (order[i] == SWAP && v2 && memory_model(tune, HARD) != memory_model(old, HARD))
            changed = memory_model(tune, SWAP) != unlimited_kib;
        if (changed && write_memory(rq, vm, tune, order[i]) < 0)
            return -1;
    }
    vm->run->domain->memtune = *tune;
    status_save(vm);
    return 0;
}

static int m_set_memory(struct req *rq, struct vm *vm,
                        const struct remote_domain_set_memory_parameters_in *in,
                        struct remote_domain_set_memory_parameters_out *out)
{
    static const struct param_rule rules[] = {
        {"hard_limit", PARAM_ULLONG}, {"soft_limit", PARAM_ULLONG}, {"swap_hard_limit", PARAM_ULLONG}, {0}};
    struct memtune tune;
    struct domain *domain = NULL;
    bool live, config;

    if (method_flags(rq, in->flags, AFFECT) < 0 || params_check(rq, in->params.v, in->params.n, rules) < 0 ||
        check_memory_session(rq) < 0 || vm_affected(rq, vm, in->flags, &live, &config) < 0 ||
        (live && check_controller(rq, vm, CGROUP_MEMORY, no_memory) < 0))
        return -1;
    if (config) {
        domain = definition_load(rq, vm, &rq->arena);
        if (!domain || (live && vm_check_active(rq, vm) < 0))
            return -1;
        change_memory(&domain->memtune, in->params.v, in->params.n);
        if (check_swap(rq, &domain->memtune) < 0)
            return -1;
    }
    if (live) {
        tune = vm->run->domain->memtune;
        change_memory(&tune, in->params.v, in->params.n);
        if (check_swap(rq, &tune) < 0 || set_live_memory(rq, vm, &tune) < 0)
            return -1;
    }
    return config ? definition_save(rq, vm, domain) : 0;
}

/* ---- disks of the host ---- */

/* Row: its name, its member of a device. In the order in which they are told, behind the weight of all. */
static const struct {
    const char *name;
    size_t offset;
    bool wide; /* 64 bits */
} disk_rows[] = {
    {"device_weight", offsetof(struct blkio_device, weight), false},
    {"device_read_iops_sec", offsetof(struct blkio_device, read_iops_sec), false},
    {"device_write_iops_sec", offsetof(struct blkio_device, write_iops_sec), false},
    {"device_read_bytes_sec", offsetof(struct blkio_device, read_bytes_sec), true},
    {"device_write_bytes_sec", offsetof(struct blkio_device, write_bytes_sec), true},
};

static uint64_t disk_get(const struct blkio_device *disk, size_t row)
{
    const char *place = (const char *)disk + disk_rows[row].offset;

    return disk_rows[row].wide ? *(const uint64_t *)place : *(const uint32_t *)place;
}

static void disk_set(struct blkio_device *disk, size_t row, uint64_t value)
{
    char *place = (char *)disk + disk_rows[row].offset;

    if (disk_rows[row].wide)
        *(uint64_t *)place = value;
    else
        *(uint32_t *)place = (uint32_t)value;
}

static int check_blkio_session(struct req *rq)
{
    return qemud.privileged ? 0
                            : err_set(&rq->err, ERR_CONFIG_UNSUPPORTED,
                                      "Block I/O tuning is not available in session mode");
}

static const char no_blkio[] = "blkio cgroup isn't mounted";

static int m_get_blkio(struct req *rq, struct vm *vm, const struct remote_domain_get_blkio_parameters_in *in,
                       struct remote_domain_get_blkio_parameters_out *out)
{
    struct params params = {.arena = &rq->arena};
    const struct domain *domain;
    uint64_t weight;
    bool live;

    if (check_blkio_session(rq) < 0 || one_model(rq, vm, in->flags, &live, &domain) < 0 ||
        (live && in->nparams && check_controller(rq, vm, CGROUP_BLKIO, no_blkio) < 0))
        return -1;
    if (!live || limits_get(vm->run, CGROUP_BLKIO_WEIGHT, &weight) < 0)
        weight = domain->blkiotune.weight;
    params_uint(&params, (uint32_t)weight, "weight");
    for (size_t row = 0; row < ARRAY_SIZE(disk_rows); row++) {
        auto_buf struct buf text = {0};

        for (size_t i = 0; i < domain->blkiotune.n_devices; i++)
            if (disk_get(domain->blkiotune.devices[i], row))
                buf_printf(&text, "%s%s,%llu", text.length ? "," : "", domain->blkiotune.devices[i]->path,
                           (unsigned long long)disk_get(domain->blkiotune.devices[i], row));
        params_string(&params, buf_text(&text), "%s", disk_rows[row].name);
    }
    params_give(&params, in->nparams, in->flags, out);
    return 0;
}

static struct blkio_device *disk_of(struct blkiotune *tune, struct arena *arena, const char *path,
                                    size_t length)
{
    struct blkio_device *disk;

    for (size_t i = 0; i < tune->n_devices; i++)
        if (strlen(tune->devices[i]->path) == length && !strncmp(tune->devices[i]->path, path, length))
            return tune->devices[i];
    disk = ARENA_NEW(arena, struct blkio_device);
    disk->path = arena_strndup(arena, path, length);
    tune->devices = arena_grow(arena, tune->devices, tune->n_devices, sizeof(disk));
    tune->devices[tune->n_devices++] = disk;
    return disk;
}

/* "PATH,NUMBER,PATH,NUMBER": into the model, and into the kernel when `vm` is given. */
static int change_disks(struct req *rq, const struct vm *vm, struct blkiotune *tune, struct arena *arena,
                        const char *text, size_t row)
{
    for (const char *at = text; *at;) {
        size_t length = strcspn(at, ",");
        const char *number = at + length + 1;
        struct blkio_device *disk, one;
        uint64_t value;

        if (!length || !at[length] || str_take_u64(&number, &value) < 0 || (*number && *number != ',') ||
            (*number == ',' && !number[1]) || (!disk_rows[row].wide && value > UINT32_MAX))
            return err_set(&rq->err, ERR_INVALID_ARG, "unable to parse blkio device '%s' '%s'",
                           disk_rows[row].name, text);
        disk = disk_of(tune, arena, at, length);
        one = (struct blkio_device){.path = disk->path};
        disk_set(&one, row, value);
        if (vm && limits_set_disk(vm->run, &one, false, &rq->err) < 0)
            return -1;
        disk_set(disk, row, value);
        at = *number ? number + 1 : number;
    }
    return 0;
}

static int check_weight(struct req *rq, const struct vm *vm, uint32_t weight)
{
    bool v2 = vm->run->limits->unit.at[CGROUP_BLKIO].v2;
    uint32_t low = v2 ? 1 : 10, high = v2 ? 10000 : 1000;

    if (weight >= low && weight <= high)
        return 0;
    return err_set(&rq->err, ERR_INVALID_ARG, "blkio weight '%u' must be in range [%u, %u]", weight, low,
                   high);
}

static int change_blkio(struct req *rq, const struct vm *vm, struct blkiotune *tune, struct arena *arena,
                        const struct wire_typed_param *v, uint32_t n)
{
    const struct wire_typed_value *weight = params_find(v, n, "weight");
    int r = 0;

    if (weight && vm && check_weight(rq, vm, weight->ui) < 0)
        return -1;
    if (weight) {
        if (vm && limits_set(vm->run, CGROUP_BLKIO_WEIGHT, weight->ui, &rq->err) < 0)
            return -1;
        tune->weight = weight->ui;
    }
    for (size_t row = 0; r == 0 && row < ARRAY_SIZE(disk_rows); row++) {
        const struct wire_typed_value *text = params_find(v, n, disk_rows[row].name);

        if (text)
            r = change_disks(rq, vm, tune, arena, text->s, row);
    }
    return blkiotune_settle(tune, r < 0 ? NULL : &rq->err) < 0 ? -1 : r;
}

static int m_set_blkio(struct req *rq, struct vm *vm, const struct remote_domain_set_blkio_parameters_in *in,
                       struct remote_domain_set_blkio_parameters_out *out)
{
    static const struct param_rule rules[] = {{"weight", PARAM_UINT},
                                              {"device_weight", PARAM_STRING},
                                              {"device_read_iops_sec", PARAM_STRING},
                                              {"device_write_iops_sec", PARAM_STRING},
                                              {"device_read_bytes_sec", PARAM_STRING},
                                              {"device_write_bytes_sec", PARAM_STRING},
                                              {0}};
    struct domain *domain = NULL;
    bool live, config;

    if (method_flags(rq, in->flags, AFFECT) < 0 || params_check(rq, in->params.v, in->params.n, rules) < 0 ||
        check_blkio_session(rq) < 0 || vm_affected(rq, vm, in->flags, &live, &config) < 0 ||
        (live && check_controller(rq, vm, CGROUP_BLKIO, no_blkio) < 0))
        return -1;
    if (config) {
        domain = definition_load(rq, vm, &rq->arena);
        if (!domain ||
            change_blkio(rq, NULL, &domain->blkiotune, &rq->arena, in->params.v, in->params.n) < 0 ||
            (live && vm_check_active(rq, vm) < 0))
            return -1;
    }
    if (live) {
        int r =
            change_blkio(rq, vm, &vm->run->domain->blkiotune, &vm->run->arena, in->params.v, in->params.n);

        status_save(vm);
        if (r < 0)
            return -1;
    }
    return config ? definition_save(rq, vm, domain) : 0;
}

/* ---- memory nodes ---- */

static int m_get_numa(struct req *rq, struct vm *vm, const struct remote_domain_get_numa_parameters_in *in,
                      struct remote_domain_get_numa_parameters_out *out)
{
    struct params params = {.arena = &rq->arena};
    auto_buf struct buf nodes = {0};
    const struct domain *domain;
    bool live;

    if (one_model(rq, vm, in->flags, &live, &domain) < 0)
        return -1;
    if (domain->numatune.nodes)
        bitmap_format(domain->numatune.nodes, &nodes);
    params_int(&params, domain->numatune.mode ? (int32_t)domain->numatune.mode - NUMA_STRICT : 0,
               "numa_mode");
    params_string(&params, buf_text(&nodes), "numa_nodeset");
    params_give(&params, in->nparams, in->flags, out);
    return 0;
}

static void change_numa(struct numatune *tune, struct arena *arena, enum numa_mode mode,
                        const struct bitmap *nodes)
{
    if (mode)
        tune->mode = mode;
    else if (!tune->mode)
        tune->mode = NUMA_STRICT;
    if (nodes) {
        tune->nodes = ARENA_NEW(arena, struct bitmap);
        tune->nodes->arena = arena;
        bitmap_copy(tune->nodes, nodes);
        tune->placement = PLACEMENT_UNSET;
    }
    tune->memory = tune->nodes != NULL;
}

/* The memory that a running guest has doesn't move, unless nobody but its control group says where it is. */
static int set_live_numa(struct req *rq, struct vm *vm, enum numa_mode mode, const struct bitmap *nodes)
{
    struct numatune *tune = &vm->run->domain->numatune;

    if (mode && mode != (tune->mode ? tune->mode : NUMA_STRICT))
        return err_set(&rq->err, ERR_OPERATION_INVALID, "can't change numatune mode for running domain");
    if (nodes && !(tune->nodes && bitmap_eq(tune->nodes, nodes))) {
        if (tune->memory && tune->mode != NUMA_RESTRICTIVE)
            return err_set(&rq->err, ERR_OPERATION_INVALID,
                           "change of nodeset for running domain requires restrictive numa mode");
        if (limits_set_nodes(vm->run, nodes, &rq->err) < 0)
            return -1;
    }
    change_numa(tune, &vm->run->arena, mode, nodes);
    status_save(vm);
    return 0;
}

static int m_set_numa(struct req *rq, struct vm *vm, const struct remote_domain_set_numa_parameters_in *in,
                      struct remote_domain_set_numa_parameters_out *out)
{
    static const struct param_rule rules[] = {{"numa_mode", PARAM_INT}, {"numa_nodeset", PARAM_STRING}, {0}};
    const struct wire_typed_value *mode_value, *nodes_value;
    enum numa_mode mode = NUMA_MODE_UNSET;
    auto_bitmap struct bitmap nodes = {0};
    struct domain *domain = NULL;
    bool live, config;

    if (method_flags(rq, in->flags, AFFECT) < 0 || params_check(rq, in->params.v, in->params.n, rules) < 0 ||
        vm_affected(rq, vm, in->flags, &live, &config) < 0)
        return -1;
    mode_value = params_find(in->params.v, in->params.n, "numa_mode");
    nodes_value = params_find(in->params.v, in->params.n, "numa_nodeset");
    if (mode_value && (mode_value->i < 0 || mode_value->i > NUMA_RESTRICTIVE - NUMA_STRICT))
        return err_set(&rq->err, ERR_INVALID_ARG, "unsupported numatune mode: '%d'", mode_value->i);
    if (mode_value)
        mode = (enum numa_mode)(mode_value->i + NUMA_STRICT);
    if (nodes_value && (bitmap_parse(nodes_value->s, 65536, &nodes) < 0 || bitmap_empty(&nodes)))
        return err_set(&rq->err, ERR_INVALID_ARG, "Invalid nodeset of 'numatune': %s", nodes_value->s);
    if (live && check_controller(rq, vm, CGROUP_CPUSET, "cgroup cpuset controller is not mounted") < 0)
        return -1;
    if (config) {
        domain = definition_load(rq, vm, &rq->arena);
        if (!domain || (live && vm_check_active(rq, vm) < 0))
            return -1;
        change_numa(&domain->numatune, &rq->arena, mode, nodes_value ? &nodes : NULL);
    }
    if (live && set_live_numa(rq, vm, mode, nodes_value ? &nodes : NULL) < 0)
        return -1;
    return config ? definition_save(rq, vm, domain) : 0;
}

const struct method limits_methods[] = {
    METHOD(remote, DOMAIN_GET_MEMORY_PARAMETERS, m_get_memory),
    METHOD(remote, DOMAIN_SET_MEMORY_PARAMETERS, m_set_memory),
    METHOD(remote, DOMAIN_GET_BLKIO_PARAMETERS, m_get_blkio),
    METHOD(remote, DOMAIN_SET_BLKIO_PARAMETERS, m_set_blkio),
    METHOD(remote, DOMAIN_GET_NUMA_PARAMETERS, m_get_numa),
    METHOD(remote, DOMAIN_SET_NUMA_PARAMETERS, m_set_numa),
    {0},
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods of I/O threads: which there are, where they run, more or fewer of them, how they poll. */
#define ERR_FROM ERR_FROM_QEMU
#include <stdio.h>
#include <unistd.h>

#include "model/domain/domain.h"
#include "virtqemud/events.h"
#include "virtqemud/definition.h"
#include "virtqemud/iothread.h"
#include "virtqemud/limits.h"
#include "virtqemud/method.h"
#include "virtqemud/params.h"
#include "virtqemud/qmp.h"
#include "virtqemud/status.h"
#include "virtqemud/vcpu.h"

enum { AFFECT = API_DOMAIN_AFFECT_LIVE | API_DOMAIN_AFFECT_CONFIG };

/* ---- info ---- */

/* Where a thread may run: its pin, or <vcpu cpuset=''>, or anywhere. */
static void fill_info(struct req *rq, const struct domain *domain, uint32_t id,
                      struct wire_domain_iothread_info *ret)
{
    const struct pin *pin = iothread_pin(&domain->vcpus, id);
    const struct bitmap *cpus = pin ? pin->cpus : domain->vcpus.cpus;
    long count = sysconf(_SC_NPROCESSORS_CONF);

    ret->iothread_id = id;
    ret->cpumap.n = (uint32_t)(count + 7) / 8;
    ret->cpumap.v = ARENA_ARRAY(&rq->arena, uint8_t, ret->cpumap.n);
    if (cpus)
        bitmap_to_bytes(cpus, ret->cpumap.v, ret->cpumap.n);
    for (long cpu = 0; !cpus && cpu < count; cpu++)
        ret->cpumap.v[cpu / 8] |= (uint8_t)(1u << (cpu % 8));
}

static int m_get_info(struct req *rq, struct vm *vm, const struct remote_domain_get_iothread_info_in *in,
                      struct remote_domain_get_iothread_info_out *out)
{
    const struct domain *domain;
    bool live;
    size_t count;

    if (method_flags(rq, in->flags, AFFECT) < 0 || vm_affected_one(rq, vm, in->flags, &live) < 0)
        return -1;
    domain = live ? vm->run->domain : definition_load(rq, vm, &rq->arena);
    if (!domain)
        return -1;
    count = live ? vm->run->count_iothreads : domain->vcpus.n_iothreads;
    out->info.v = ARENA_ARRAY(&rq->arena, struct wire_domain_iothread_info, count + 1);
    for (size_t i = 0; i < count; i++)
        fill_info(rq, domain, live ? vm->run->iothreads[i].id : domain->vcpus.iothreads[i]->id,
                  &out->info.v[i]);
    out->info.n = out->ret = (uint32_t)count;
    return 0;
}

/* ---- pin ---- */

static int set_pin(struct req *rq, struct domain *domain, struct arena *arena, uint32_t id,
                   const struct bitmap *cpus)
{
    struct cputune *tune = &domain->vcpus.tune;
    struct pin *pin = iothread_pin(&domain->vcpus, id);

    if (!vcpus_iothread(&domain->vcpus, id))
        return err_set(&rq->err, ERR_INVALID_ARG, "iothreadid %u not found", id);
    if (!pin) {
        pin = ARENA_NEW(arena, struct pin);
        pin->id = (struct opt_u32){id, true};
        tune->iothreadpins = arena_grow(arena, tune->iothreadpins, tune->n_iothreadpins, sizeof(pin));
        tune->iothreadpins[tune->n_iothreadpins++] = pin;
    }
    pin->cpus = ARENA_NEW(arena, struct bitmap);
    pin->cpus->arena = arena;
    bitmap_copy(pin->cpus, cpus);
    return 0;
}

static int m_pin(struct req *rq, struct vm *vm, const struct remote_domain_pin_iothread_in *in,
                 struct remote_domain_pin_iothread_out *out)
{
    auto_bitmap struct bitmap cpus = {0};
    auto_buf struct buf text = {0};
    struct params told = {.arena = &rq->arena};
    struct domain *domain = NULL;
    bool live, config;

    if (method_flags(rq, in->flags, AFFECT) < 0 || vm_affected(rq, vm, in->flags, &live, &config) < 0)
        return -1;
    bitmap_from_bytes(&cpus, in->cpumap.v, in->cpumap.n);
    if (bitmap_empty(&cpus))
        return err_set(&rq->err, ERR_INVALID_ARG, "Empty iothread cpumap list for pinning");
    if (config) {
        domain = definition_load(rq, vm, &rq->arena);
        if (!domain || set_pin(rq, domain, &rq->arena, in->iothreads_id, &cpus) < 0 ||
            (live && vm_check_active(rq, vm) < 0))
            return -1;
    }
    if (live) {
        const struct run_iothread *thread = iothread_running(vm->run, in->iothreads_id);
        char group[32];

        snprintf(group, sizeof(group), "iothread%u", in->iothreads_id);
        if (!thread)
            return err_set(&rq->err, ERR_INVALID_ARG, "iothread %u not found", in->iothreads_id);
        if (limits_pin(vm->run, group, thread->thread, &cpus, &rq->err) < 0 ||
            set_pin(rq, vm->run->domain, &vm->run->arena, in->iothreads_id, &cpus) < 0)
            return -1;
        status_save(vm);
        bitmap_format(&cpus, &text);
        params_string(&told, buf_text(&text), "cputune.iothreadpin%u", in->iothreads_id);
        event_tunable(vm, &told);
    }
    return config ? definition_save(rq, vm, domain) : 0;
}

/* ---- more and fewer ---- */

static int check_absent(struct req *rq, const struct domain *domain, uint32_t id)
{
    if (!vcpus_iothread(&domain->vcpus, id))
        return 0;
    return err_set(&rq->err, ERR_INVALID_ARG, "an IOThread is already using iothread_id '%u'", id);
}

static void remove_model(struct domain *domain, uint32_t id)
{
    struct cputune *tune = &domain->vcpus.tune;
    size_t pins = 0;

    for (size_t i = 0; i < tune->n_iothreadpins; i++)
        if (tune->iothreadpins[i]->id.value != id)
            tune->iothreadpins[pins++] = tune->iothreadpins[i];
    tune->n_iothreadpins = pins;
    vcpus_drop_iothread(&domain->vcpus, id);
}

static int add_live(struct req *rq, struct vm *vm, uint32_t id)
{
    const char *name = arena_printf(&rq->arena, "iothread%u", id);
    const struct run_iothread *thread;
    struct qmp *qmp = vm_monitor(rq, vm);

    if (!qmp ||
        qmp_call(rq, qmp, "object-add", json_text(&rq->arena, "{'qom-type':'iothread','id':%s}", name), NULL,
                 SECONDS(30)) < 0 ||
        vm_check_active(rq, vm) < 0)
        return -1;
    vcpus_add_iothread(&vm->run->domain->vcpus, &vm->run->arena, id);
    status_save(vm);
    if (iothread_learn(rq, vm) < 0 || vm_check_active(rq, vm) < 0)
        return -1;
    thread = iothread_running(vm->run, id);
    if (!thread)
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "QEMU made no thread '%s'", name);
    if (limits_add_thread(vm->run, LIMITS_IOTHREAD, name, thread->thread, &rq->err) < 0)
        return -1;
    return vcpu_settle(rq, vm);
}

static int m_add(struct req *rq, struct vm *vm, const struct remote_domain_add_iothread_in *in,
                 struct remote_domain_add_iothread_out *out)
{
    struct domain *domain = NULL;
    bool live, config;

    if (method_flags(rq, in->flags, AFFECT) < 0 || vm_affected(rq, vm, in->flags, &live, &config) < 0)
        return -1;
    if (!in->iothread_id)
        return err_set(&rq->err, ERR_INVALID_ARG, "invalid value of 0 for iothread_id");
    if (live && check_absent(rq, vm->run->domain, in->iothread_id) < 0)
        return -1;
    if (config) {
        domain = definition_load(rq, vm, &rq->arena);
        if (!domain || check_absent(rq, domain, in->iothread_id) < 0)
            return -1;
        vcpus_add_iothread(&domain->vcpus, &rq->arena, in->iothread_id);
    }
    if (live && add_live(rq, vm, in->iothread_id) < 0)
        return -1;
    return config ? definition_save(rq, vm, domain) : 0;
}

/* A thread that a disk or a SCSI controller runs in stays. */
static int check_unused(struct req *rq, const struct domain *domain, uint32_t id)
{
    const struct devices *devices = &domain->devices;

    if (!vcpus_iothread(&domain->vcpus, id))
        return err_set(&rq->err, ERR_INVALID_ARG, "cannot find IOThread '%u' in iothreadids list", id);
    for (size_t i = 0; i < devices->n_disks; i++) {
        const struct disk *disk = devices->disks[i];
        bool used = disk->iothread == id;

        for (size_t k = 0; k < disk->n_iothreads; k++)
            used |= disk->iothreads[k]->id == id;
        if (used)
            return err_set(&rq->err, ERR_INVALID_ARG,
                           "cannot remove IOThread %u since it is being used by disk '%s'", id, disk->dst);
    }
    for (size_t i = 0; i < devices->n_controllers; i++)
        if (devices->controllers[i]->iothread == id)
            return err_set(&rq->err, ERR_INVALID_ARG,
                           "cannot remove IOThread '%u' since it is being used by controller", id);
    return 0;
}

static int del_live(struct req *rq, struct vm *vm, uint32_t id)
{
    const char *name = arena_printf(&rq->arena, "iothread%u", id);
    struct qmp *qmp = vm_monitor(rq, vm);

    if (!qmp ||
        qmp_call(rq, qmp, "object-del", json_text(&rq->arena, "{'id':%s}", name), NULL, SECONDS(30)) < 0 ||
        vm_check_active(rq, vm) < 0)
        return -1;
    remove_model(vm->run->domain, id);
    limits_remove_thread(vm->run, name);
    status_save(vm);
    return iothread_learn(rq, vm);
}

static int m_del(struct req *rq, struct vm *vm, const struct remote_domain_del_iothread_in *in,
                 struct remote_domain_del_iothread_out *out)
{
    struct domain *domain = NULL;
    bool live, config;

    if (method_flags(rq, in->flags, AFFECT) < 0 || vm_affected(rq, vm, in->flags, &live, &config) < 0)
        return -1;
    if (!in->iothread_id)
        return err_set(&rq->err, ERR_INVALID_ARG, "invalid value of 0 for iothread_id");
    if (live && check_unused(rq, vm->run->domain, in->iothread_id) < 0)
        return -1;
    if (config) {
        domain = definition_load(rq, vm, &rq->arena);
        if (!domain || check_unused(rq, domain, in->iothread_id) < 0)
            return -1;
        remove_model(domain, in->iothread_id);
    }
    if (live && del_live(rq, vm, in->iothread_id) < 0)
        return -1;
    return config ? definition_save(rq, vm, domain) : 0;
}

/* ---- polling and pools ---- */

/* Row: a parameter; QEMU's name for it. */
static const struct {
    const char *name, *property;
} settings[] = {
    {"poll_max_ns", "poll-max-ns"},         {"poll_grow", "poll-grow"},
    {"poll_shrink", "poll-shrink"},         {"thread_pool_min", "thread-pool-min"},
    {"thread_pool_max", "thread-pool-max"},
};
enum { POOL_MIN = 3, POOL_MAX = 4 };

static const struct param_rule rules[] = {
    {"poll_max_ns", PARAM_ULLONG},  {"poll_grow", PARAM_UINT},      {"poll_shrink", PARAM_UINT},
    {"thread_pool_min", PARAM_INT}, {"thread_pool_max", PARAM_INT}, {0},
};

static int64_t number_of(const struct wire_typed_value *value)
{
    return value->type == PARAM_ULLONG ? (int64_t)value->ul
           : value->type == PARAM_UINT ? (int64_t)value->ui
                                       : value->i;
}

static int check_pool(struct req *rq, int64_t min, int64_t max)
{
    if (min < -1)
        return err_set(&rq->err, ERR_OPERATION_INVALID,
                       "thread_pool_min (%lld) must be equal to or greater than -1", (long long)min);
    if (max < -1)
        return err_set(&rq->err, ERR_OPERATION_INVALID,
                       "thread_pool_max (%lld) must be equal to or greater than -1", (long long)max);
    if (min > max && max >= 0)
        return err_set(&rq->err, ERR_OPERATION_INVALID,
                       "thread_pool_min (%lld) can't be greater than thread_pool_max (%lld)", (long long)min,
                       (long long)max);
    return 0;
}

/* Into the model; its pool is checked with what the call leaves as it is. */
static int set_model(struct req *rq, struct iothread *thread, const struct wire_typed_param *v, uint32_t n)
{
    const struct wire_typed_value *values[ARRAY_SIZE(settings)];

    for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
        values[i] = params_find(v, n, settings[i].name);
    if (check_pool(rq,
                   values[POOL_MIN]       ? values[POOL_MIN]->i
                   : thread->pool_min.set ? (int64_t)thread->pool_min.value
                                          : -1,
                   values[POOL_MAX]       ? values[POOL_MAX]->i
                   : thread->pool_max.set ? (int64_t)thread->pool_max.value
                                          : -1) < 0)
        return -1;
    if (values[0])
        thread->poll_max = (struct opt_u64){values[0]->ul, true};
    if (values[1])
        thread->poll_grow = (struct opt_u64){values[1]->ui, true};
    if (values[2])
        thread->poll_shrink = (struct opt_u64){values[2]->ui, true};
    if (values[0] || values[1] || values[2])
        thread->poll = true;
    if (values[POOL_MIN])
        thread->pool_min = (struct opt_u32){(uint32_t)values[POOL_MIN]->i, values[POOL_MIN]->i >= 0};
    if (values[POOL_MAX])
        thread->pool_max = (struct opt_u32){(uint32_t)values[POOL_MAX]->i, values[POOL_MAX]->i >= 0};
    return 0;
}

static int set_property(struct req *rq, struct vm *vm, uint32_t id, size_t i, int64_t value)
{
    struct qmp *qmp = vm_monitor(rq, vm);
    const char *path = arena_printf(&rq->arena, "/objects/iothread%u", id);
    const char *args = json_text(&rq->arena, "{'path':%s,'property':%s,'value':%lld}", path,
                                 settings[i].property, (long long)value);

    return qmp ? qmp_call(rq, qmp, "qom-set", args, NULL, SECONDS(30)) : -1;
}

/* In an order that never has the pool's least above its most. */
static int set_live(struct req *rq, struct vm *vm, const struct iothread *old, uint32_t id,
                    const struct wire_typed_param *v, uint32_t n)
{
    const struct wire_typed_value *min = params_find(v, n, "thread_pool_min");
    bool min_last = min && old->pool_max.set && min->i > (int64_t)old->pool_max.value;

    for (size_t turn = 0; turn < 2; turn++)
        for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
            const struct wire_typed_value *value = params_find(v, n, settings[i].name);

            if (!value || (i == POOL_MIN && min_last) != turn)
                continue;
            if (set_property(rq, vm, id, i, number_of(value)) < 0 || vm_check_active(rq, vm) < 0)
                return -1;
        }
    return 0;
}

static struct iothread *find_for_set(struct req *rq, const struct domain *domain, uint32_t id)
{
    struct iothread *thread = vcpus_iothread(&domain->vcpus, id);

    if (!thread)
        err_set(&rq->err, ERR_INVALID_ARG, "cannot find IOThread '%u' in iothreadids", id);
    return thread;
}

static int m_set(struct req *rq, struct vm *vm, const struct remote_domain_set_iothread_params_in *in,
                 struct remote_domain_set_iothread_params_out *out)
{
    struct domain *domain = NULL;
    struct iothread *thread;
    bool live, config;

    if (method_flags(rq, in->flags, AFFECT) < 0 || params_check(rq, in->params.v, in->params.n, rules) < 0 ||
        vm_affected(rq, vm, in->flags, &live, &config) < 0)
        return -1;
    if (!in->iothread_id)
        return err_set(&rq->err, ERR_INVALID_ARG, "invalid value of 0 for iothread_id");
    if (config) {
        domain = definition_load(rq, vm, &rq->arena);
        thread = domain ? find_for_set(rq, domain, in->iothread_id) : NULL;
        if (!thread || set_model(rq, thread, in->params.v, in->params.n) < 0)
            return -1;
    }
    if (live) {
        struct iothread changed;

        if (vm_check_active(rq, vm) < 0 || !(thread = find_for_set(rq, vm->run->domain, in->iothread_id)))
            return -1;
        changed = *thread;
        if (set_model(rq, &changed, in->params.v, in->params.n) < 0 ||
            set_live(rq, vm, thread, in->iothread_id, in->params.v, in->params.n) < 0 ||
            !(thread = find_for_set(rq, vm->run->domain, in->iothread_id)))
            return -1;
        *thread = changed;
        status_save(vm);
    }
    return config ? definition_save(rq, vm, domain) : 0;
}

const struct method iothread_methods[] = {
    METHOD(remote, DOMAIN_GET_IOTHREAD_INFO, m_get_info), METHOD(remote, DOMAIN_PIN_IOTHREAD, m_pin),
    METHOD(remote, DOMAIN_ADD_IOTHREAD, m_add),           METHOD(remote, DOMAIN_DEL_IOTHREAD, m_del),
    METHOD(remote, DOMAIN_SET_IOTHREAD_PARAMS, m_set),    {0},
};

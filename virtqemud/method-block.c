/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods of a machine's disks: limits, size, errors, thresholds, and a look at their bytes. */
#define ERR_FROM ERR_FROM_QEMU
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/time.h"
#include "loop/work.h"
#include "model/domain/domain.h"
#include "virtqemud/definition.h"
#include "virtqemud/dev/dev.h"
#include "virtqemud/events.h"
#include "virtqemud/method.h"
#include "virtqemud/params.h"
#include "virtqemud/qmp.h"
#include "virtqemud/stats.h"
#include "virtqemud/status.h"

enum { AFFECT = API_DOMAIN_AFFECT_LIVE | API_DOMAIN_AFFECT_CONFIG };

/* By target or by source; NULL with rq->err set, in the words of the two models. */
static struct disk *find_disk(struct req *rq, const struct domain *domain, const char *name, bool live)
{
    for (size_t i = 0; i < domain->devices.n_disks; i++) {
        struct disk *disk = domain->devices.disks[i];

        if (str_eq(disk->dst, name) || (*name && str_eq(disk->src.path, name)))
            return disk;
    }
    err_set(&rq->err, ERR_INVALID_ARG,
            live ? "disk '%s' not found in domain" : "disk '%s' was not found in the domain config", name);
    return NULL;
}

/* ---- limits ---- */

/*
 * Row: a number's name and place; the group of numbers that it belongs to: a call that gives one of a group
 * gives all of it. In the order in which they are told; group_name comes before the row that it belongs to.
 */
enum tune_group { BYTES, IOPS, BYTES_MAX, IOPS_MAX, SIZE, BYTES_LENGTH, IOPS_LENGTH, GROUP_COUNT };
#define ROW(member, group)                                                                                   \
    {                                                                                                        \
#member, offsetof(struct disk_iotune, member), group                                                 \
    }
static const struct {
    const char *name;
    size_t offset;
    enum tune_group group;
} tune_rows[] = {
    ROW(total_bytes_sec, BYTES),
    ROW(read_bytes_sec, BYTES),
    ROW(write_bytes_sec, BYTES),
    ROW(total_iops_sec, IOPS),
    ROW(read_iops_sec, IOPS),
    ROW(write_iops_sec, IOPS),
    ROW(total_bytes_sec_max, BYTES_MAX),
    ROW(read_bytes_sec_max, BYTES_MAX),
    ROW(write_bytes_sec_max, BYTES_MAX),
    ROW(total_iops_sec_max, IOPS_MAX),
    ROW(read_iops_sec_max, IOPS_MAX),
    ROW(write_iops_sec_max, IOPS_MAX),
    ROW(size_iops_sec, SIZE),
    ROW(total_bytes_sec_max_length, BYTES_LENGTH),
    ROW(read_bytes_sec_max_length, BYTES_LENGTH),
    ROW(write_bytes_sec_max_length, BYTES_LENGTH),
    ROW(total_iops_sec_max_length, IOPS_LENGTH),
    ROW(read_iops_sec_max_length, IOPS_LENGTH),
    ROW(write_iops_sec_max_length, IOPS_LENGTH),
};
#undef ROW
enum { BEFORE_GROUP_NAME = 13, TUNE_ROWS = ARRAY_SIZE(tune_rows), TUNE_MAXIMA = 6 };
static const uint64_t tune_max = 1000000000000000; /* what QEMU takes */

static uint64_t *tune_place(struct disk_iotune *tune, size_t row)
{
    return (uint64_t *)((char *)tune + tune_rows[row].offset);
}

static uint64_t tune_value(const struct disk_iotune *tune, size_t row)
{
    return tune ? *(const uint64_t *)((const char *)tune + tune_rows[row].offset) : 0;
}

static bool tune_empty(const struct disk_iotune *tune)
{
    for (size_t i = 0; i < TUNE_ROWS; i++)
        if (tune_value(tune, i))
            return false;
    return true;
}

static int m_get_tune(struct req *rq, struct vm *vm, const struct remote_domain_get_block_io_tune_in *in,
                      struct remote_domain_get_block_io_tune_out *out)
{
    struct params params = {.arena = &rq->arena};
    const struct disk_iotune *tune = NULL;
    bool live;

    if (method_flags(rq, in->flags, AFFECT | PARAM_STRING_OKAY) < 0 ||
        vm_affected_one(rq, vm, in->flags, &live) < 0)
        return -1;
    if (in->disk) {
        const struct domain *domain = live ? vm->run->domain : definition_load(rq, vm, &rq->arena);
        const struct disk *disk = domain ? find_disk(rq, domain, in->disk, live) : NULL;

        if (!disk)
            return -1;
        tune = disk->iotune;
    }
    for (size_t i = 0; i < TUNE_ROWS; i++) {
        if (i == BEFORE_GROUP_NAME)
            params_string(&params, tune && tune->group_name ? tune->group_name : "", "group_name");
        params_ulong(&params, tune_value(tune, i), "%s", tune_rows[i].name);
    }
    params_give(&params, in->nparams, in->flags, out);
    return 0;
}

/* A total and a part of it exclude each other. */
static int check_totals(struct req *rq, const struct disk_iotune *tune)
{
    static const char *const names[] = {"bytes_sec", "iops_sec", "bytes_sec_max", "iops_sec_max"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (tune_value(tune, 3 * i) && (tune_value(tune, 3 * i + 1) || tune_value(tune, 3 * i + 2)))
            return err_set(&rq->err, ERR_INVALID_ARG,
                           "total and read/write of %s cannot be set at the same time", names[i]);
    return 0;
}

/* What the call gives, over what the disk has. */
static int change_tune(struct req *rq, const struct remote_domain_set_block_io_tune_in *in,
                       const struct disk_iotune *old, struct arena *arena, struct disk_iotune *ret,
                       struct params *told)
{
    const struct wire_typed_value *name = params_find(in->params.v, in->params.n, "group_name");
    bool given[GROUP_COUNT] = {0};
    struct disk_iotune only = {0};

    for (size_t i = 0; i < TUNE_ROWS; i++) {
        const struct wire_typed_value *value = params_find(in->params.v, in->params.n, tune_rows[i].name);

        if (!value)
            continue;
        if (value->ul > tune_max)
            return err_set(&rq->err, ERR_ARGUMENT_UNSUPPORTED,
                           "block I/O throttle limit must be no more than %llu using QEMU",
                           (unsigned long long)tune_max);
        given[tune_rows[i].group] = true;
        *tune_place(&only, i) = value->ul;
        if (told)
            params_ulong(told, value->ul, "blkdeviotune.%s", tune_rows[i].name);
    }
    if (check_totals(rq, &only) < 0)
        return -1;
    *ret = (struct disk_iotune){.group_name = old ? old->group_name : NULL};
    for (size_t i = 0; i < TUNE_ROWS; i++)
        *tune_place(ret, i) = given[tune_rows[i].group] ? tune_value(&only, i) : tune_value(old, i);
    /* how long a burst may last means nothing without one */
    for (size_t i = 0; i < TUNE_MAXIMA; i++)
        if (given[tune_rows[6 + i].group] && !tune_value(ret, 6 + i) && !given[tune_rows[13 + i].group])
            *tune_place(ret, 13 + i) = 0;
    if (name) {
        ret->group_name = str_empty(name->s) ? NULL : arena_strdup(arena, name->s);
        if (told)
            params_string(told, name->s, "blkdeviotune.group_name");
    }
    return 0;
}

static int check_maxima(struct req *rq, const struct disk_iotune *tune)
{
    for (size_t i = 0; i < TUNE_MAXIMA; i++)
        if (tune_value(tune, 6 + i) && tune_value(tune, 6 + i) < tune_value(tune, i))
            return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "value '%s' cannot be smaller than '%s'",
                           tune_rows[6 + i].name, tune_rows[i].name);
    return 0;
}

int block_tune_change(struct req *rq, const struct wire_typed_param *v, uint32_t n,
                      const struct disk_iotune *old, struct arena *arena, struct disk_iotune *ret)
{
    const struct remote_domain_set_block_io_tune_in in = {
        .params = {.n = n, .v = (struct wire_typed_param *)v}};
    struct param_rule rules[TUNE_ROWS + 2] = {{"group_name", PARAM_STRING}};

    for (size_t i = 0; i < TUNE_ROWS; i++)
        rules[i + 1] = (struct param_rule){tune_rows[i].name, PARAM_ULLONG};
    if (params_check(rq, v, n, rules) < 0 || change_tune(rq, &in, old, arena, ret, NULL) < 0)
        return -1;
    return check_maxima(rq, ret);
}

static struct disk_iotune *keep_tune(struct arena *arena, const struct disk_iotune *tune)
{
    struct disk_iotune *kept;

    if (tune_empty(tune) && !tune->group_name)
        return NULL;
    kept = ARENA_NEW(arena, struct disk_iotune);
    *kept = *tune;
    return kept;
}

static int set_live_tune(struct req *rq, struct vm *vm, const struct remote_domain_set_block_io_tune_in *in)
{
    struct params told = {.arena = &rq->arena};
    struct disk *disk = find_disk(rq, vm->run->domain, in->disk, true), changed;
    struct qmp *qmp = vm_monitor(rq, vm);
    struct disk_iotune tune;

    if (!disk || !qmp)
        return -1;
    params_string(&told, disk->dst, "blkdeviotune.disk");
    if (change_tune(rq, in, disk->iotune, &vm->run->arena, &tune, &told) < 0 || check_maxima(rq, &tune) < 0)
        return -1;
    changed = *disk;
    changed.iotune = &tune;
    if (!storage_is_empty(&disk->src) && disk_set_iotune(rq, qmp, &changed) < 0)
        return -1;
    if (vm_check_active(rq, vm) < 0 || !(disk = find_disk(rq, vm->run->domain, in->disk, true)))
        return -1;
    disk->iotune = keep_tune(&vm->run->arena, &tune);
    status_save(vm);
    event_tunable(vm, &told);
    return 0;
}

static int m_set_tune(struct req *rq, struct vm *vm, const struct remote_domain_set_block_io_tune_in *in,
                      struct remote_domain_set_block_io_tune_out *out)
{
    struct param_rule rules[TUNE_ROWS + 2] = {{"group_name", PARAM_STRING}};
    struct domain *domain = NULL;
    struct disk *disk;
    bool live, config;

    for (size_t i = 0; i < TUNE_ROWS; i++)
        rules[i + 1] = (struct param_rule){tune_rows[i].name, PARAM_ULLONG};
    if (method_flags(rq, in->flags, AFFECT) < 0 || params_check(rq, in->params.v, in->params.n, rules) < 0 ||
        vm_affected(rq, vm, in->flags, &live, &config) < 0)
        return -1;
    if (config) {
        struct disk_iotune tune;

        domain = definition_load(rq, vm, &rq->arena);
        disk = domain ? find_disk(rq, domain, in->disk, false) : NULL;
        if (!disk || change_tune(rq, in, disk->iotune, &rq->arena, &tune, NULL) < 0 ||
            (live && vm_check_active(rq, vm) < 0))
            return -1;
        disk->iotune = keep_tune(&rq->arena, &tune);
    }
    if (live && set_live_tune(rq, vm, in) < 0)
        return -1;
    return config ? definition_save(rq, vm, domain) : 0;
}

/* ---- size, errors, thresholds ---- */

static int m_resize(struct req *rq, struct vm *vm, const struct remote_domain_block_resize_in *in,
                    struct remote_domain_block_resize_out *out)
{
    enum { BYTES_FLAG = 1, SECTOR = 512 };
    const struct disk *disk;
    uint64_t size = in->size;
    struct qmp *qmp;

    if (method_flags(rq, in->flags, BYTES_FLAG) < 0)
        return -1;
    if (!(in->flags & BYTES_FLAG) && __builtin_mul_overflow(size, 1024, &size))
        return err_set(&rq->err, ERR_OVERFLOW, "size must be less than %llu",
                       (unsigned long long)(UINT64_MAX / 1024));
    if (!(qmp = vm_monitor(rq, vm)) || !(disk = find_disk(rq, vm->run->domain, in->disk, false)))
        return -1;
    if (storage_is_empty(&disk->src) || disk->readonly)
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "can't resize empty or readonly disk '%s'",
                       disk->dst);
    if (disk->src.format == FORMAT_QCOW2 || disk->src.format == FORMAT_QED)
        size = (size + SECTOR - 1) / SECTOR * SECTOR;
    return qmp_call(rq, qmp, "block_resize",
                    json_text(&rq->arena, "{'node-name':%s,'size':%llu}",
                              arena_printf(&rq->arena, "libvirt-%u-format", disk->src.index.value),
                              (unsigned long long)size),
                    NULL, SECONDS(60));
}

static int m_errors(struct req *rq, struct vm *vm, const struct remote_domain_get_disk_errors_in *in,
                    struct remote_domain_get_disk_errors_out *out)
{
    enum { UNSPECIFIED = 1, NO_SPACE = 2 };
    CLEANUP(stats_done) struct stats stats = {0};
    const struct devices *devices;

    if (method_flags(rq, in->flags, 0) < 0 || !vm_monitor(rq, vm))
        return -1;
    if (!in->maxerrors) {
        out->nerrors = (int32_t)vm->run->domain->devices.n_disks;
        return 0;
    }
    stats_ask(rq, &stats, vm, STATS_ASK_BLOCK);
    stats_await(rq, &stats, time_monotonic() + SECONDS(10));
    if (!stats_run(&stats))
        return vm_check_active(rq, vm);
    devices = &stats_run(&stats)->domain->devices;
    out->errors.v = ARENA_ARRAY(&rq->arena, struct wire_domain_disk_error, devices->n_disks + 1);
    for (size_t i = 0; i < devices->n_disks && out->errors.n < in->maxerrors; i++) {
        const char *status =
            json_string(stats_of_disk(&stats, STATS_ASK_BLOCK, devices->disks[i]), "io-status");
        int32_t error = str_eq(status, "nospace") ? NO_SPACE : str_eq(status, "failed") ? UNSPECIFIED : 0;

        if (error)
            out->errors.v[out->errors.n++] =
                (struct wire_domain_disk_error){arena_strdup(&rq->arena, devices->disks[i]->dst), error};
    }
    out->nerrors = (int32_t)out->errors.n;
    return 0;
}

/* "vda", or "vda[2]" for a layer of its chain; NULL: there is none. */
static const struct storage *find_layer(const struct domain *domain, const char *name)
{
    size_t length = strcspn(name, "[");
    uint64_t index;

    for (size_t i = 0; i < domain->devices.n_disks; i++) {
        const struct disk *disk = domain->devices.disks[i];
        const char *at = name + length + 1;

        if (strlen(disk->dst) != length || strncmp(disk->dst, name, length) != 0)
            continue;
        if (!name[length])
            return storage_is_empty(&disk->src) ? NULL : &disk->src;
        if (str_take_u64(&at, &index) < 0 || !str_eq(at, "]"))
            return NULL;
        for (const struct storage *layer = &disk->src; layer && layer->type; layer = layer->backing)
            if (layer->index.set && layer->index.value == index)
                return layer;
    }
    return NULL;
}

static int m_threshold(struct req *rq, struct vm *vm, const struct remote_domain_set_block_threshold_in *in,
                       struct remote_domain_set_block_threshold_out *out)
{
    const struct storage *layer;
    struct qmp *qmp;

    if (method_flags(rq, in->flags, 0) < 0 || !(qmp = vm_monitor(rq, vm)))
        return -1;
    layer = find_layer(vm->run->domain, in->dev);
    if (!layer)
        return err_set(&rq->err, ERR_INVALID_ARG, "failed to find disk '%s'", in->dev);
    return qmp_call(rq, qmp, "block-set-write-threshold",
                    json_text(&rq->arena, "{'node-name':%s,'write-threshold':%llu}",
                              arena_printf(&rq->arena, "libvirt-%u-storage", layer->index.value),
                              (unsigned long long)in->threshold),
                    NULL, SECONDS(30));
}

/* ---- bytes ---- */

/* Read on a worker: the file may be on a server that hangs. */
struct peek {
    char *path;
    uint64_t offset;
    uint8_t *bytes;
    size_t size;
    bool opened;
    unsigned refs; /* the method's and the worker's; counted on the loop's thread alone */
};

static int peek_read(void *arg)
{
    struct peek *peek = arg;
    auto_fd int fd = open(peek->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t done = 0;

    if (fd < 0)
        return -errno;
    peek->opened = true;
    while (done < peek->size) {
        ssize_t n = pread(fd, peek->bytes + done, peek->size - done, (off_t)(peek->offset + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -ENODATA;
        done += (size_t)n;
    }
    return 0;
}

static void peek_release(void *arg)
{
    struct peek *peek = arg;

    if (--peek->refs)
        return;
    free(peek->path);
    free(peek->bytes);
    free(peek);
}

static int m_peek(struct req *rq, struct vm *vm, const struct remote_domain_block_peek_in *in,
                  struct remote_domain_block_peek_out *out)
{
    const struct domain *domain = vm->run ? vm->run->domain : definition_load(rq, vm, &rq->arena);
    const struct disk *disk;
    struct peek *peek;
    int r;

    if (method_flags(rq, in->flags, 0) < 0 || !domain || !(disk = find_disk(rq, domain, in->path, true)))
        return -1;
    if (disk->src.format != FORMAT_RAW || storage_is_empty(&disk->src))
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED,
                       "peeking is only supported for disk with 'raw' format not '%s'",
                       storage_is_empty(&disk->src) ? "none" : storage_format_names[disk->src.format]);
    if (!disk->src.path || (disk->src.type != STORAGE_FILE && disk->src.type != STORAGE_BLOCK))
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "disk '%s' has no local file to look at",
                       disk->dst);
    if (in->size > 4u << 20 || in->offset > (uint64_t)INT64_MAX - in->size)
        return err_set(&rq->err, ERR_INVALID_ARG, "%u bytes at %llu are out of range", in->size,
                       (unsigned long long)in->offset);
    peek = NEW(struct peek);
    peek->path = mem_strdup(disk->src.path);
    peek->offset = in->offset;
    peek->size = in->size;
    peek->bytes = mem_zalloc(in->size + 1);
    peek->refs = 2;
    r = work_run(rq, peek_read, peek_release, peek, SECONDS(30), "an image of the machine");
    if (r == 0) {
        out->buffer.v = arena_alloc(&rq->arena, in->size + 1);
        memcpy(out->buffer.v, peek->bytes, in->size);
        out->buffer.n = in->size;
    } else if (r == -ETIMEDOUT) {
        err_set(&rq->err, ERR_OPERATION_TIMEOUT, "reading disk '%s' takes too long", in->path);
    } else if (!peek->opened) {
        err_system(&rq->err, r, "Failed to open file '%s'", peek->path);
    } else {
        err_system(&rq->err, r, "%s: failed to seek or read", peek->path);
    }
    peek_release(peek);
    return r < 0 ? -1 : 0;
}

const struct method block_methods[] = {
    METHOD(remote, DOMAIN_GET_BLOCK_IO_TUNE, m_get_tune),
    METHOD(remote, DOMAIN_SET_BLOCK_IO_TUNE, m_set_tune),
    METHOD(remote, DOMAIN_BLOCK_RESIZE, m_resize),
    METHOD(remote, DOMAIN_GET_DISK_ERRORS, m_errors),
    METHOD(remote, DOMAIN_SET_BLOCK_THRESHOLD, m_threshold),
    METHOD(remote, DOMAIN_BLOCK_PEEK, m_peek),
    {0},
};

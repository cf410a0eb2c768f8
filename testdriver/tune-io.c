/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods of how much a machine may read, write, send and receive. */
#define ERR_FROM ERR_FROM_TEST
#include "testdriver/find-device.h"
#include "testdriver/params.h"

enum { BOTH = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG, STRINGS = VIR_TYPED_PARAM_STRING_OKAY };

/* ---- disks of the host ---- */

/* Member of struct blkio_device; wide: 64 bits. */
static const struct blkio_row {
    const char *name;
    size_t offset;
    bool wide;
} blkio_rows[] = {
    {VIR_DOMAIN_BLKIO_DEVICE_WEIGHT, offsetof(struct blkio_device, weight), false},
    {VIR_DOMAIN_BLKIO_DEVICE_READ_IOPS, offsetof(struct blkio_device, read_iops_sec), false},
    {VIR_DOMAIN_BLKIO_DEVICE_WRITE_IOPS, offsetof(struct blkio_device, write_iops_sec), false},
    {VIR_DOMAIN_BLKIO_DEVICE_READ_BPS, offsetof(struct blkio_device, read_bytes_sec), true},
    {VIR_DOMAIN_BLKIO_DEVICE_WRITE_BPS, offsetof(struct blkio_device, write_bytes_sec), true},
};

static uint64_t blkio_get(const struct blkio_device *device, const struct blkio_row *row)
{
    const void *member = (const char *)device + row->offset;

    return row->wide ? *(const uint64_t *)member : *(const uint32_t *)member;
}

static void blkio_set(struct blkio_device *device, const struct blkio_row *row, uint64_t value)
{
    void *member = (char *)device + row->offset;

    if (row->wide)
        *(uint64_t *)member = value;
    else
        *(uint32_t *)member = (uint32_t)value;
}

static int m_blkio_get(struct req *rq, struct vm *vm, const struct remote_domain_get_blkio_parameters_in *in,
                       struct remote_domain_get_blkio_parameters_out *out)
{
    const struct domain *domain = vm_model(rq, vm, in->flags);
    struct params params = {.arena = rq->arena};

    if (!domain)
        return -1;
    params_add(&params, VIR_TYPED_PARAM_UINT, VIR_DOMAIN_BLKIO_WEIGHT)->ui = domain->blkiotune.weight;
    for (size_t r = 0; r < ARRAY_SIZE(blkio_rows); r++) {
        auto_buf struct buf text = {0};

        for (size_t i = 0; i < domain->blkiotune.n_devices; i++) {
            const struct blkio_device *device = domain->blkiotune.devices[i];
            uint64_t value = blkio_get(device, &blkio_rows[r]);

            if (value)
                buf_printf(&text, "%s%s,%llu", text.length ? "," : "", device->path,
                           (unsigned long long)value);
        }
        params_add(&params, VIR_TYPED_PARAM_STRING, "%s", blkio_rows[r].name)->s =
            arena_strdup(rq->arena, buf_text(&text));
    }
    PARAMS_ANSWER(in, out, &params);
    return 0;
}

static struct blkio_device *blkio_device(struct doc *doc, const char *path)
{
    struct blkiotune *tune = &doc->domain->blkiotune;
    struct blkio_device *device;

    for (size_t i = 0; i < tune->n_devices; i++)
        if (str_eq(tune->devices[i]->path, path))
            return tune->devices[i];
    device = ARENA_NEW(&doc->arena, struct blkio_device);
    device->path = arena_strdup(&doc->arena, path);
    tune->devices = arena_grow(&doc->arena, tune->devices, tune->n_devices, sizeof(*tune->devices));
    tune->devices[tune->n_devices++] = device;
    return device;
}

/* "/dev/sda,100,/dev/sdb,200"; doc NULL: only look. */
static int blkio_take(struct req *rq, struct doc *doc, const struct blkio_row *row, const char *text)
{
    auto_strv char **words = str_split(text, ",");
    size_t n = strv_length(words);

    for (size_t i = 0; i < n; i += 2) {
        uint64_t value;

        if (i + 1 == n || str_to_u64(words[i + 1], &value) < 0)
            return err_set_from(rq->err, ERR_FROM_DOMAIN, ERR_INVALID_ARG,
                                "unable to parse blkio device '%s' '%s'", row->name, text);
        if (doc)
            blkio_set(blkio_device(doc, words[i]), row, value);
    }
    return 0;
}

static int blkio_apply(struct req *rq, struct doc *doc, const struct wire_typed_param *params, uint32_t n)
{
    for (uint32_t p = 0; p < n; p++) {
        if (str_eq(params[p].field, VIR_DOMAIN_BLKIO_WEIGHT)) {
            if (doc)
                doc->domain->blkiotune.weight = params[p].value.ui;
            continue;
        }
        for (size_t r = 0; r < ARRAY_SIZE(blkio_rows); r++)
            if (str_eq(params[p].field, blkio_rows[r].name) &&
                blkio_take(rq, doc, &blkio_rows[r], params[p].value.s) < 0)
                return -1;
    }
    /* a device without any limit isn't kept */
    if (doc) {
        struct blkiotune *tune = &doc->domain->blkiotune;
        size_t kept = 0;

        for (size_t i = 0; i < tune->n_devices; i++) {
            uint64_t any = 0;

            for (size_t r = 0; r < ARRAY_SIZE(blkio_rows); r++)
                any |= blkio_get(tune->devices[i], &blkio_rows[r]);
            if (any)
                tune->devices[kept++] = tune->devices[i];
        }
        tune->n_devices = kept;
    }
    return 0;
}

static int m_blkio_set(struct req *rq, struct vm *vm, const struct remote_domain_set_blkio_parameters_in *in,
                       struct remote_domain_set_blkio_parameters_out *out)
{
    static const struct param_row rows[] = {
        {VIR_DOMAIN_BLKIO_WEIGHT, VIR_TYPED_PARAM_UINT, 0},
        {VIR_DOMAIN_BLKIO_DEVICE_WEIGHT, VIR_TYPED_PARAM_STRING, 0},
        {VIR_DOMAIN_BLKIO_DEVICE_READ_IOPS, VIR_TYPED_PARAM_STRING, 0},
        {VIR_DOMAIN_BLKIO_DEVICE_WRITE_IOPS, VIR_TYPED_PARAM_STRING, 0},
        {VIR_DOMAIN_BLKIO_DEVICE_READ_BPS, VIR_TYPED_PARAM_STRING, 0},
        {VIR_DOMAIN_BLKIO_DEVICE_WRITE_BPS, VIR_TYPED_PARAM_STRING, 0},
    };
    struct affected affected;

    if (params_check(rq, in->params.v, in->params.n, rows, ARRAY_SIZE(rows)) < 0 ||
        vm_affected(rq, vm, in->flags, &affected) < 0 ||
        blkio_apply(rq, NULL, in->params.v, in->params.n) < 0)
        return -1;
    for (int i = 0; i < 2; i++)
        if (affected_doc(&affected, i))
            blkio_apply(rq, affected_doc(&affected, i), in->params.v, in->params.n);
    return 0;
}

/* ---- a machine's disk ---- */

#define IOTUNE(name)                                                                                         \
    {                                                                                                        \
#name, VIR_TYPED_PARAM_ULLONG, offsetof(struct disk_iotune, name)                                    \
    }
/* In the order in which they are told. */
static const struct param_row iotune_rows[] = {
    IOTUNE(total_bytes_sec),
    IOTUNE(read_bytes_sec),
    IOTUNE(write_bytes_sec),
    IOTUNE(total_iops_sec),
    IOTUNE(read_iops_sec),
    IOTUNE(write_iops_sec),
    IOTUNE(total_bytes_sec_max),
    IOTUNE(read_bytes_sec_max),
    IOTUNE(write_bytes_sec_max),
    IOTUNE(total_iops_sec_max),
    IOTUNE(read_iops_sec_max),
    IOTUNE(write_iops_sec_max),
    IOTUNE(size_iops_sec),
    {"group_name", VIR_TYPED_PARAM_STRING, offsetof(struct disk_iotune, group_name)},
    IOTUNE(total_bytes_sec_max_length),
    IOTUNE(read_bytes_sec_max_length),
    IOTUNE(write_bytes_sec_max_length),
    IOTUNE(total_iops_sec_max_length),
    IOTUNE(read_iops_sec_max_length),
    IOTUNE(write_iops_sec_max_length),
};

static struct disk *need_disk(struct req *rq, const struct domain *domain, const char *name)
{
    struct disk *disk = find_disk(domain, name);

    if (!disk)
        err_set(rq->err, ERR_INVALID_ARG, "disk '%s' was not found in the domain config", name);
    return disk;
}

static int m_iotune_get(struct req *rq, struct vm *vm, const struct remote_domain_get_block_io_tune_in *in,
                        struct remote_domain_get_block_io_tune_out *out)
{
    static const struct disk_iotune none;
    const struct domain *domain = vm_model(rq, vm, in->flags);
    const struct disk *disk = domain ? need_disk(rq, domain, in->disk) : NULL;
    struct params params = {.arena = rq->arena};

    if (!disk)
        return -1;
    params_show(&params, iotune_rows, ARRAY_SIZE(iotune_rows), disk->iotune ? disk->iotune : &none);
    PARAMS_ANSWER(in, out, &params);
    return 0;
}

static uint64_t *limit(struct disk_iotune *tune, size_t row)
{
    return (uint64_t *)((char *)tune + iotune_rows[row].offset);
}

/* Total or read and write, never both; and none above its burst. */
static int check_iotune(struct req *rq, struct disk_iotune *tune)
{
    static const char *const groups[] = {"bytes_sec", "iops_sec", "bytes_sec_max", "iops_sec_max"};

    for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
        if (*limit(tune, i * 3) && (*limit(tune, i * 3 + 1) || *limit(tune, i * 3 + 2)))
            return err_set(rq->err, ERR_INVALID_ARG,
                           "total and read/write of %s cannot be set at the same time", groups[i]);
    for (size_t i = 0; i < 6; i++)
        if (*limit(tune, i) > *limit(tune, i + 6))
            return err_set(rq->err, ERR_INVALID_ARG, "%s cannot be set higher than %s ", iotune_rows[i].name,
                           iotune_rows[i + 6].name);
    return 0;
}

static void take_iotune(struct disk_iotune *tune, const struct wire_typed_param *params, uint32_t n,
                        struct arena *arena)
{
    for (uint32_t p = 0; p < n; p++) {
        const struct param_row *row = params_row(&params[p], iotune_rows, ARRAY_SIZE(iotune_rows));

        if (row->type == VIR_TYPED_PARAM_STRING)
            tune->group_name = arena_strdup(arena, params[p].value.s);
        else
            *(uint64_t *)((char *)tune + row->offset) = params[p].value.ul;
    }
}

static int m_iotune_set(struct req *rq, struct vm *vm, const struct remote_domain_set_block_io_tune_in *in,
                        struct remote_domain_set_block_io_tune_out *out)
{
    struct disk_iotune none = {0};
    struct affected affected;

    if (params_check(rq, in->params.v, in->params.n, iotune_rows, ARRAY_SIZE(iotune_rows)) < 0 ||
        vm_affected(rq, vm, in->flags, &affected) < 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        const struct doc *doc = affected_doc(&affected, i);
        const struct disk *disk = doc ? need_disk(rq, doc->domain, in->disk) : NULL;
        struct disk_iotune asked = disk && disk->iotune ? *disk->iotune : none;

        take_iotune(&asked, in->params.v, in->params.n, rq->arena);
        if (doc && (!disk || check_iotune(rq, &asked) < 0))
            return -1;
    }
    for (int i = 0; i < 2; i++) {
        struct doc *doc = affected_doc(&affected, i);
        struct disk *disk = doc ? find_disk(doc->domain, in->disk) : NULL;

        if (!disk)
            continue;
        if (!disk->iotune)
            disk->iotune = ARENA_NEW(&doc->arena, struct disk_iotune);
        take_iotune(disk->iotune, in->params.v, in->params.n, &doc->arena);
        if (!memcmp(disk->iotune, &none, sizeof(none)))
            disk->iotune = NULL;
    }
    return 0;
}

/* ---- an interface ---- */

#define RATE(direction, name)                                                                                \
    {                                                                                                        \
        direction "." #name, VIR_TYPED_PARAM_UINT, offsetof(struct rate, name)                               \
    }
static const struct param_row rate_rows[] = {
    RATE("inbound", average),  RATE("inbound", peak),  RATE("inbound", burst),  RATE("inbound", floor),
    RATE("outbound", average), RATE("outbound", peak), RATE("outbound", burst),
};
enum { INBOUND_ROWS = 4 };

static int m_rates_get(struct req *rq, struct vm *vm,
                       const struct remote_domain_get_interface_parameters_in *in,
                       struct remote_domain_get_interface_parameters_out *out)
{
    static const struct rate none;
    const struct domain *domain = vm_model(rq, vm, in->flags);
    const struct iface *iface = domain ? find_iface(rq, domain, in->device) : NULL;
    struct params params = {.arena = rq->arena};

    if (!iface)
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(rate_rows); i++) {
        const struct rate *rate = !iface->bandwidth  ? NULL
                                  : i < INBOUND_ROWS ? iface->bandwidth->in
                                                     : iface->bandwidth->out;

        params_add(&params, VIR_TYPED_PARAM_UINT, "%s", rate_rows[i].name)->ui =
            (uint32_t) * (const uint64_t *)((const char *)(rate ? rate : &none) + rate_rows[i].offset);
    }
    PARAMS_ANSWER(in, out, &params);
    return 0;
}

/* One direction: without an average there is no limit. */
static void take_rate(struct rate **rate, const struct wire_typed_param *params, uint32_t n, bool in,
                      struct arena *arena)
{
    struct rate taken = {0};
    bool average = false;

    for (uint32_t p = 0; p < n; p++) {
        const struct param_row *row = params_row(&params[p], rate_rows, ARRAY_SIZE(rate_rows));

        if ((row - rate_rows < INBOUND_ROWS) != in)
            continue;
        *(uint64_t *)((char *)&taken + row->offset) = params[p].value.ui;
        average |= row->offset == offsetof(struct rate, average);
    }
    if (average)
        *rate = taken.average ? arena_dup(arena, &taken, sizeof(taken)) : NULL;
}

static int m_rates_set(struct req *rq, struct vm *vm,
                       const struct remote_domain_set_interface_parameters_in *in,
                       struct remote_domain_set_interface_parameters_out *out)
{
    struct affected affected;

    if (params_check(rq, in->params.v, in->params.n, rate_rows, ARRAY_SIZE(rate_rows)) < 0 ||
        vm_affected(rq, vm, in->flags, &affected) < 0)
        return -1;
    for (int i = 0; i < 2; i++)
        if (affected_doc(&affected, i) && !find_iface(rq, affected_doc(&affected, i)->domain, in->device))
            return -1;
    for (int i = 0; i < 2; i++) {
        struct doc *doc = affected_doc(&affected, i);
        struct iface *iface = doc ? find_iface(rq, doc->domain, in->device) : NULL;

        if (!iface)
            continue;
        if (!iface->bandwidth)
            iface->bandwidth = ARENA_NEW(&doc->arena, struct bandwidth);
        take_rate(&iface->bandwidth->in, in->params.v, in->params.n, true, &doc->arena);
        take_rate(&iface->bandwidth->out, in->params.v, in->params.n, false, &doc->arena);
        if (!iface->bandwidth->in && !iface->bandwidth->out)
            iface->bandwidth = NULL;
    }
    return 0;
}

const struct method tune_io_methods[] = {
    METHOD(remote, DOMAIN_GET_BLKIO_PARAMETERS, m_blkio_get, BOTH | STRINGS),
    METHOD(remote, DOMAIN_SET_BLKIO_PARAMETERS, m_blkio_set, BOTH),
    METHOD(remote, DOMAIN_GET_BLOCK_IO_TUNE, m_iotune_get, BOTH | STRINGS),
    METHOD(remote, DOMAIN_SET_BLOCK_IO_TUNE, m_iotune_set, BOTH),
    METHOD(remote, DOMAIN_GET_INTERFACE_PARAMETERS, m_rates_get, BOTH | STRINGS),
    METHOD(remote, DOMAIN_SET_INTERFACE_PARAMETERS, m_rates_set, BOTH),
    {0},
};

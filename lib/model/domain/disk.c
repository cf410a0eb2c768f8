/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disk: rows of <disk>, and the rules that concern one disk alone. */
#define ERR_FROM ERR_FROM_DOMAIN

#include "model/domain/disk.h"

#include <ctype.h>

#include "base/str.h"

const char *const disk_device_names[] = {"", "disk", "cdrom", "floppy", "lun", NULL};
const char *const disk_bus_names[] = {"",    "ide",  "fdc", "scsi", "virtio", "xen", "usb",
                                      "uml", "sata", "sd",  "nvme", "none",   NULL};
const char *const disk_cache_names[] = {"",          "default",    "none",   "writethrough",
                                        "writeback", "directsync", "unsafe", NULL};
const char *const disk_io_names[] = {"", "native", "threads", "io_uring", NULL};
const char *const disk_discard_names[] = {"", "unmap", "ignore", NULL};
const char *const disk_detect_zeroes_names[] = {"", "off", "on", "unmap", NULL};
const char *const disk_error_policy_names[] = {"", "stop", "report", "ignore", "enospace", NULL};
const char *const disk_tray_names[] = {"", "closed", "open", NULL};
const char *const disk_model_names[] = {
    "", "virtio", "virtio-transitional", "virtio-non-transitional", "usb-storage", "usb-bot", NULL};
const char *const disk_mirror_state_names[] = {"", "yes", "abort", "pivot", NULL};

/* ---- names ---- */

static const char *const prefixes[] = {"fd", "hd", "vd", "sd", "xvd", "ubd", "nvme", NULL};

int disk_name_to_index(const char *name)
{
    const char *letters = NULL;
    int index = 0;

    for (int i = 0; prefixes[i] && !letters; i++)
        letters = str_after(name, prefixes[i]);
    if (!letters || !*letters)
        return -1;
    for (int n = 0; islower((unsigned char)*letters); letters++, n++) {
        if (n >= 5)
            return -1;
        index = (index + (n ? 1 : 0)) * 26 + (*letters - 'a');
    }
    /* what follows the letters may only be a partition's number */
    if (!str_only(letters, "0123456789") || (letters[0] == '0' && letters[1]))
        return -1;
    return index;
}

char *disk_index_to_name(struct arena *arena, const char *prefix, unsigned index)
{
    char letters[16];
    size_t at = sizeof(letters);

    letters[--at] = '\0';
    for (long rest = index; rest >= 0; rest = rest / 26 - 1)
        letters[--at] = (char)('a' + rest % 26);
    return arena_printf(arena, "%s%s", prefix, letters + at);
}

/* ---- rules ---- */

static int disk_finish(struct xt_parse *parse, void *object)
{
    struct disk *disk = object;
    const char *digits;

    if (!disk->device)
        disk->device = DISK_DISK;
    /* a drive without a medium has no type of source */
    if (!disk->src.type || (disk->device != DISK_DISK && storage_is_empty(&disk->src)))
        disk->src.type = STORAGE_FILE;
    if (storage_finish(parse, &disk->src) < 0 ||
        (disk->mirror && storage_finish(parse, &disk->mirror->storage) < 0))
        return -1;
    if (disk->src.protocol == NETPROTO_ISCSI && disk->src.name && !strchr(disk->src.name, '/'))
        disk->src.name = arena_printf(parse->arena, "%s/0", disk->src.name);
    if (!disk->dst)
        return disk->src.path ? err_set(parse->err, ERR_NO_TARGET, "%s", disk->src.path)
                              : err_set(parse->err, ERR_NO_TARGET, NULL);
    if (disk->device != DISK_FLOPPY && disk->device != DISK_CDROM && disk->bus != DISK_BUS_FDC &&
        str_after(disk->dst, "fd"))
        return err_set(parse->err, ERR_INTERNAL_ERROR, "Invalid harddisk device name: %s", disk->dst);
    digits = str_after(disk->wwn, "0x") ? str_after(disk->wwn, "0x") : disk->wwn;
    if (digits && (strlen(digits) != 16 || !str_only(digits, "0123456789abcdefABCDEF")))
        return err_set_from(parse->err, ERR_FROM_NONE, ERR_INTERNAL_ERROR, "Malformed wwn: %s", disk->wwn);
    if (disk->device == DISK_FLOPPY && !str_after(disk->dst, "fd"))
        return err_set(parse->err, ERR_INTERNAL_ERROR, "Invalid floppy device name: %s", disk->dst);
    if (!disk->bus) {
        if (disk->device == DISK_FLOPPY)
            disk->bus = DISK_BUS_FDC;
        else if (str_after(disk->dst, "hd"))
            disk->bus = DISK_BUS_IDE;
        else if (str_after(disk->dst, "sd"))
            disk->bus = DISK_BUS_SCSI;
        else if (str_after(disk->dst, "vd"))
            disk->bus = DISK_BUS_VIRTIO;
        else if (str_after(disk->dst, "xvd"))
            disk->bus = DISK_BUS_XEN;
        else if (str_after(disk->dst, "ubd"))
            disk->bus = DISK_BUS_UML;
        else
            disk->bus = DISK_BUS_IDE;
    }
    if (disk->device == DISK_FLOPPY && disk->bus != DISK_BUS_FDC && disk->bus != DISK_BUS_USB)
        return err_set(parse->err, ERR_INTERNAL_ERROR, "Invalid bus type '%s' for floppy disk",
                       disk_bus_names[disk->bus]);
    if (disk->device == DISK_CDROM)
        disk->readonly = true;
    if (disk->readonly && str_eq(disk->snapshot, "no"))
        disk->snapshot = NULL; /* goes without saying */
    if (disk->src.type == STORAGE_VHOSTUSER && !disk->snapshot)
        disk->snapshot = (char *)"no";
    if (disk->src.format == FORMAT_AIO)
        disk->src.format = FORMAT_RAW;
    /* a closed tray and a fixed medium are what everybody expects: only the opposite is said */
    if (disk->tray == DISK_TRAY_CLOSED)
        disk->tray = DISK_TRAY_UNSET;
    if (disk->mirror && !disk->mirror->job && !(parse->flags & XT_PARSE_INACTIVE))
        disk->mirror->job = (char *)"copy";
    return 0;
}

/* A limit is for both directions or for each. */
static int iotune_finish(struct xt_parse *parse, void *object)
{
    const struct disk_iotune *tune = object;
    const char *what = NULL;

    if (tune->total_bytes_sec && (tune->read_bytes_sec || tune->write_bytes_sec))
        what = "bytes_sec";
    else if (tune->total_iops_sec && (tune->read_iops_sec || tune->write_iops_sec))
        what = "iops_sec";
    else if (tune->total_bytes_sec_max && (tune->read_bytes_sec_max || tune->write_bytes_sec_max))
        what = "bytes_sec_max";
    else if (tune->total_iops_sec_max && (tune->read_iops_sec_max || tune->write_iops_sec_max))
        what = "iops_sec_max";
    return what ? err_set(parse->err, ERR_XML_ERROR, "total and read/write %s cannot be set at the same time",
                          what)
                : 0;
}

/* clang-format off */
XT_DECLARE(statistic_table, struct statistic);
#define T struct statistic
XT_DEFINE(statistic_table, "statistic", NULL, XT_ATTR(T, interval, "interval", u32, XT_REQUIRED));
#undef T

XT_DECLARE(histogram_bin_table, struct histogram_bin);
#define T struct histogram_bin
XT_DEFINE(histogram_bin_table, "bin", NULL, XT_ATTR(T, start, "start", opt_u64, XT_REQUIRED));
#undef T

XT_DECLARE(histogram_table, struct histogram);
#define T struct histogram
XT_DEFINE(histogram_table, "latency-histogram", NULL,
    XT_ATTR(T, type, "type", str, 0),
    XT_LIST(T, bins, n_bins, "bin", histogram_bin_table, XT_REQUIRED));
#undef T

#define T struct disk_iotune
#define LIMIT(name) XT_TEXT(T, name, #name, u64, 0)
XT_DEFINE(disk_iotune_table, "iotune", iotune_finish,
    LIMIT(total_bytes_sec), LIMIT(read_bytes_sec), LIMIT(write_bytes_sec),
    LIMIT(total_iops_sec), LIMIT(read_iops_sec), LIMIT(write_iops_sec),
    LIMIT(total_bytes_sec_max), LIMIT(read_bytes_sec_max), LIMIT(write_bytes_sec_max),
    LIMIT(total_iops_sec_max), LIMIT(read_iops_sec_max), LIMIT(write_iops_sec_max),
    LIMIT(size_iops_sec),
    XT_TEXT(T, group_name, "group_name", str, 0),
    LIMIT(total_bytes_sec_max_length), LIMIT(read_bytes_sec_max_length), LIMIT(write_bytes_sec_max_length),
    LIMIT(total_iops_sec_max_length), LIMIT(read_iops_sec_max_length), LIMIT(write_iops_sec_max_length));
#undef LIMIT
#undef T

XT_DECLARE(throttle_filter_table, struct throttle_filter);
#define T struct throttle_filter
XT_DEFINE(throttle_filter_table, "throttlefilter", NULL, XT_ATTR(T, group, "group", str, XT_REQUIRED));
#undef T

XT_DECLARE(disk_mirror_table, struct disk_mirror);
#define T struct disk_mirror
XT_DEFINE(disk_mirror_table, "mirror", NULL,
    XT_ENUM(T, storage.type, "type", storage_type_names, 0),
    XT_ATTR(T, job, "job", str, 0),
    XT_ENUM(T, ready, "ready", disk_mirror_state_names, 0),
    XT_GROUP("format", 0,
        XT_ENUM(T, storage.format, "type", storage_format_names, 0),
        XT_GROUP("metadata_cache", 0, XT_TEXT(T, storage.cache_max_size, "max_size", bytes, 0))),
    XT_EMBED(T, storage, NULL, storage_source_table, 0),
    XT_CHILD(T, storage.backing, "backingStore", backing_table, XT_NO_ABI));
#undef T

#define T struct disk
XT_DEFINE(disk_table, "disk", disk_finish,
    XT_ENUM(T, src.type, "type", storage_type_names, 0),
    XT_ENUM(T, device, "device", disk_device_names, XT_ABI),
    XT_ENUM(T, model, "model", disk_model_names, XT_ABI),
    XT_ATTR(T, rawio, "rawio", yesno, 0),
    XT_ATTR(T, sgio, "sgio", str, 0),
    XT_ATTR(T, snapshot, "snapshot", str, 0),
    XT_GROUP("driver", 0,
        XT_ATTR(T, driver_name, "name", str, 0),
        XT_ENUM(T, src.format, "type", storage_format_names, 0),
        XT_ENUM(T, cache, "cache", disk_cache_names, 0),
        XT_ENUM(T, error_policy, "error_policy", disk_error_policy_names, 0),
        XT_ENUM(T, rerror_policy, "rerror_policy", disk_error_policy_names, 0),
        XT_ENUM(T, io, "io", disk_io_names, 0),
        XT_ATTR(T, ioeventfd, "ioeventfd", onoff, 0),
        XT_ATTR(T, event_idx, "event_idx", onoff, XT_ABI),
        XT_ATTR(T, copy_on_read, "copy_on_read", onoff, 0),
        XT_ENUM(T, discard, "discard", disk_discard_names, 0),
        XT_ATTR(T, iothread, "iothread", u32, 0),
        XT_ENUM(T, detect_zeroes, "detect_zeroes", disk_detect_zeroes_names, 0),
        XT_ATTR(T, queues, "queues", u32, XT_ABI),
        XT_ATTR(T, queue_size, "queue_size", u32, XT_ABI),
        XT_ATTR(T, discard_no_unref, "discard_no_unref", onoff, 0),
        XT_EMBED(T, virtio, NULL, virtio_options_table, 0),
        XT_GROUP("iothreads", 0,
            XT_LIST(T, iothreads, n_iothreads, "iothread", iothread_map_table, 0)),
        XT_GROUP("statistics", 0,
            XT_LIST(T, statistics, n_statistics, "statistic", statistic_table, 0),
            XT_LIST(T, histograms, n_histograms, "latency-histogram", histogram_table, 0)),
        XT_GROUP("metadata_cache", 0,
            XT_TEXT(T, src.cache_max_size, "max_size", bytes, 0))),
    XT_CHILD(T, auth, "auth", storage_auth_table, 0),
    XT_EMBED(T, src, NULL, storage_source_table, 0),
    XT_CHILD(T, src.backing, "backingStore", backing_table, XT_NO_ABI),
    XT_GROUP("backenddomain", 0,
        XT_ATTR(T, backend_domain, "name", str, 0)),
    XT_GROUP("geometry", 0,
        XT_ATTR(T, cyls, "cyls", u32, XT_ABI),
        XT_ATTR(T, heads, "heads", u32, XT_ABI),
        XT_ATTR(T, secs, "secs", u32, XT_ABI),
        XT_ATTR(T, trans, "trans", str, XT_ABI)),
    XT_GROUP("blockio", 0,
        XT_ATTR(T, logical_block_size, "logical_block_size", u32, XT_ABI),
        XT_ATTR(T, physical_block_size, "physical_block_size", u32, XT_ABI),
        XT_ATTR(T, discard_granularity, "discard_granularity", opt_u32, 0)),
    XT_CHILD(T, mirror, "mirror", disk_mirror_table, XT_LIVE | XT_NO_ABI),
    XT_GROUP("target", 0,
        XT_ATTR(T, dst, "dev", str, XT_ABI),
        XT_ENUM(T, bus, "bus", disk_bus_names, XT_ABI),
        XT_ENUM(T, tray, "tray", disk_tray_names, 0),
        XT_ATTR(T, removable, "removable", onoff, XT_ABI),
        XT_ATTR(T, rotation_rate, "rotation_rate", opt_u32, XT_ABI),
        XT_ATTR(T, dpofua, "dpofua", onoff, XT_ABI)),
    XT_CHILD(T, iotune, "iotune", disk_iotune_table, 0),
    XT_GROUP("throttlefilters", 0,
        XT_LIST(T, throttle_filters, n_throttle_filters, "throttlefilter", throttle_filter_table, 0)),
    XT_FLAG(T, readonly, "readonly", XT_ABI),
    XT_FLAG(T, shareable, "shareable", 0),
    XT_FLAG(T, transient, "transient", 0,
        XT_ATTR(T, transient_share_backing, "shareBacking", yesno, 0)),
    XT_TEXT(T, serial, "serial", str, XT_ABI),
    XT_TEXT(T, wwn, "wwn", str, XT_ABI),
    XT_TEXT(T, vendor, "vendor", str, XT_ABI),
    XT_TEXT(T, product, "product", str, XT_ABI),
    XT_CHILD(T, encryption, "encryption", storage_encryption_table, 0),
    XT_EMBED(T, info, NULL, device_info_table, 0),
    XT_GROUP("privateData", XT_STATUS,
        XT_GROUP("qom", 0, XT_ATTR(T, qom, "name", str, 0))));
#undef T

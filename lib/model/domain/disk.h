/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disk: one <disk> of a machine. */
#pragma once

#include "model/domain/storage.h"

enum disk_device { DISK_DEVICE_UNSET, DISK_DISK, DISK_CDROM, DISK_FLOPPY, DISK_LUN, DISK_DEVICE_MAX };
extern const char *const disk_device_names[];

enum disk_bus {
    DISK_BUS_UNSET,
    DISK_BUS_IDE,
    DISK_BUS_FDC,
    DISK_BUS_SCSI,
    DISK_BUS_VIRTIO,
    DISK_BUS_XEN,
    DISK_BUS_USB,
    DISK_BUS_UML,
    DISK_BUS_SATA,
    DISK_BUS_SD,
    DISK_BUS_NVME,
    DISK_BUS_NONE,
    DISK_BUS_MAX
};
extern const char *const disk_bus_names[];

enum disk_cache {
    DISK_CACHE_UNSET,
    DISK_CACHE_DEFAULT,
    DISK_CACHE_NONE,
    DISK_CACHE_WRITETHROUGH,
    DISK_CACHE_WRITEBACK,
    DISK_CACHE_DIRECTSYNC,
    DISK_CACHE_UNSAFE,
    DISK_CACHE_MAX
};
extern const char *const disk_cache_names[];

enum disk_io { DISK_IO_UNSET, DISK_IO_NATIVE, DISK_IO_THREADS, DISK_IO_URING, DISK_IO_MAX };
extern const char *const disk_io_names[];

enum disk_discard { DISK_DISCARD_UNSET, DISK_DISCARD_UNMAP, DISK_DISCARD_IGNORE, DISK_DISCARD_MAX };
extern const char *const disk_discard_names[];

enum disk_detect_zeroes {
    DETECT_ZEROES_UNSET,
    DETECT_ZEROES_OFF,
    DETECT_ZEROES_ON,
    DETECT_ZEROES_UNMAP,
    DETECT_ZEROES_MAX
};
extern const char *const disk_detect_zeroes_names[];

enum disk_error_policy {
    ERROR_POLICY_UNSET,
    ERROR_POLICY_STOP,
    ERROR_POLICY_REPORT,
    ERROR_POLICY_IGNORE,
    ERROR_POLICY_ENOSPACE,
    ERROR_POLICY_MAX
};
extern const char *const disk_error_policy_names[];

enum disk_tray { DISK_TRAY_UNSET, DISK_TRAY_CLOSED, DISK_TRAY_OPEN, DISK_TRAY_MAX };
extern const char *const disk_tray_names[];

enum disk_model {
    DISK_MODEL_UNSET,
    DISK_MODEL_VIRTIO,
    DISK_MODEL_VIRTIO_TRANSITIONAL,
    DISK_MODEL_VIRTIO_NON_TRANSITIONAL,
    DISK_MODEL_USB_STORAGE,
    DISK_MODEL_USB_BOT,
    DISK_MODEL_MAX
};
extern const char *const disk_model_names[];

enum disk_mirror_state { MIRROR_NOT_READY, MIRROR_READY, MIRROR_ABORT, MIRROR_PIVOT, MIRROR_STATE_MAX };
extern const char *const disk_mirror_state_names[];

/* I/O limits; 0 is "no limit". Each of the six has a burst maximum and the seconds that it may last. */
struct disk_iotune {
    uint64_t total_bytes_sec, read_bytes_sec, write_bytes_sec;
    uint64_t total_iops_sec, read_iops_sec, write_iops_sec;
    uint64_t total_bytes_sec_max, read_bytes_sec_max, write_bytes_sec_max;
    uint64_t total_iops_sec_max, read_iops_sec_max, write_iops_sec_max;
    uint64_t size_iops_sec;
    char *group_name;
    uint64_t total_bytes_sec_max_length, read_bytes_sec_max_length, write_bytes_sec_max_length;
    uint64_t total_iops_sec_max_length, read_iops_sec_max_length, write_iops_sec_max_length;
};

/* A running copy of the disk (live). */
struct disk_mirror {
    char *job; /* copy, active-commit */
    enum disk_mirror_state ready;
    struct storage storage;
};

/* What QEMU counts beside the totals: over intervals, and by how long requests took. */
struct statistic {
    uint32_t interval; /* seconds */
};
struct histogram_bin {
    struct opt_u64 start; /* ns */
};
struct histogram {
    char *type; /* read, write, zone, flush; NULL: all */
    struct histogram_bin **bins;
    size_t n_bins;
};

/* The disk takes part in a throttle group of the machine. */
struct throttle_filter {
    char *group;
};

struct disk {
    enum disk_device device;
    enum disk_model model;
    enum tristate rawio; /* yes, no */
    char *sgio;          /* filtered, unfiltered */
    char *snapshot;      /* no, internal, external, manual */

    char *driver_name;
    enum disk_cache cache;
    enum disk_error_policy error_policy, rerror_policy;
    enum disk_io io;
    enum tristate ioeventfd, event_idx, copy_on_read, discard_no_unref; /* on, off */
    enum disk_discard discard;
    enum disk_detect_zeroes detect_zeroes;
    uint32_t iothread, queues, queue_size; /* 0: not given */
    struct iothread_map **iothreads;
    size_t n_iothreads;
    struct statistic **statistics;
    size_t n_statistics;
    struct histogram **histograms;
    size_t n_histograms;
    struct virtio_options virtio;

    struct storage src;                    /* with its format and its backing chain */
    struct storage_auth *auth;             /* given beside <source> instead of in it */
    struct storage_encryption *encryption; /* likewise */
    struct disk_mirror *mirror;

    char *dst; /* target: "vda" */
    enum disk_bus bus;
    enum disk_tray tray;
    enum tristate dpofua;    /* on, off */
    enum tristate removable; /* on, off */
    struct opt_u32 rotation_rate;

    bool readonly, shareable, transient;
    enum tristate transient_share_backing; /* yes, no */
    char *serial, *wwn, *vendor, *product;
    uint32_t cyls, heads, secs;
    char *trans;
    uint32_t logical_block_size, physical_block_size;
    struct opt_u32 discard_granularity;
    struct disk_iotune *iotune;
    struct throttle_filter **throttle_filters;
    size_t n_throttle_filters;
    char *backend_domain;
    char *qom; /* status file: what QEMU calls the device in its tree */
    struct device_info info;
};
XT_DECLARE(disk_table, struct disk);
XT_DECLARE(disk_iotune_table, struct disk_iotune);

/* "vdb" -> 1, "sdaa" -> 26; negative when the name has no disk number. */
int disk_name_to_index(const char *name);
/* 1 with prefix "vd" -> "vdb". */
char *disk_index_to_name(struct arena *arena, const char *prefix, unsigned index);

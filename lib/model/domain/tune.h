/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tune: what a machine may take from the host's disks and NUMA nodes, and in which cgroup it runs. */
#pragma once

#include "model/domain/vcpu.h"

enum numa_mode {
    NUMA_MODE_UNSET,
    NUMA_STRICT,
    NUMA_PREFERRED,
    NUMA_INTERLEAVE,
    NUMA_RESTRICTIVE,
    NUMA_MODE_MAX
};
extern const char *const numa_mode_names[];

/* Limits per host disk; 0: none. */
struct blkio_device {
    char *path;
    uint32_t weight, read_iops_sec, write_iops_sec;
    uint64_t read_bytes_sec, write_bytes_sec;
};

struct blkiotune {
    uint32_t weight; /* 100 to 1000; 0: not given */
    struct blkio_device **devices;
    size_t n_devices;
};

struct numa_memnode {
    struct opt_u32 cell; /* of the guest */
    enum numa_mode mode;
    struct bitmap *nodes; /* of the host */
};

struct numatune {
    bool memory; /* <memory> is there */
    enum numa_mode mode;
    enum placement placement;
    struct bitmap *nodes;
    struct numa_memnode **memnodes;
    size_t n_memnodes;
};

struct resource {
    char *partition; /* "/machine" */
    char *appid;     /* fibre channel */
};
XT_DECLARE_ROWS(blkiotune_table, struct blkiotune);
XT_DECLARE_ROWS(numatune_table, struct numatune);
XT_DECLARE(resource_table, struct resource);

int blkiotune_settle(struct blkiotune *blkiotune, struct err *err);
int numatune_settle(struct numatune *numatune, bool vcpus_auto, struct err *err);

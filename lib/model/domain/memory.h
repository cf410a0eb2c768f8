/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory: how much a machine has and may get, what backs it, and its limits on the host. All sizes in KiB. */
#pragma once

#include "model/domain/cpu.h"

enum memory_source { MEMORY_SOURCE_UNSET, MEMORY_FILE, MEMORY_ANONYMOUS, MEMORY_MEMFD, MEMORY_SOURCE_MAX };
extern const char *const memory_source_names[];

enum memory_allocation { ALLOCATION_UNSET, ALLOCATION_IMMEDIATE, ALLOCATION_ONDEMAND, MEMORY_ALLOCATION_MAX };
extern const char *const memory_allocation_names[];

struct hugepage {
    uint64_t size;
    struct bitmap *nodes; /* guest NUMA nodes; NULL: all others */
};

struct memory_backing {
    bool hugepages;
    struct hugepage **pages; /* none: of the host's default size */
    size_t n_pages;
    bool nosharepages, locked, discard;
    enum memory_source source;
    enum memory_access access;
    enum memory_allocation allocation;
    struct opt_u32 threads; /* that allocate */
};

struct memtune {
    struct opt_u64 hard_limit, soft_limit, min_guarantee, swap_hard_limit;
};

struct memory {
    uint64_t max; /* <maxMemory>, with hotplug; 0: not given */
    struct opt_u32 slots;
    uint64_t total;          /* <memory>: at start, plugged modules included */
    enum tristate dump_core; /* on, off */
    uint64_t current;        /* <currentMemory>: what the balloon leaves the guest */
};
XT_DECLARE_ROWS(memory_table, struct memory);
XT_DECLARE_ROWS(memtune_table, struct memtune);
XT_DECLARE_ROWS(memory_backing_table, struct memory_backing);

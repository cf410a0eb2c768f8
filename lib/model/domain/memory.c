/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The XML of <memory> and its siblings, <memoryBacking> and <memtune>. */
#include "model/domain/memory.h"

const char *const memory_source_names[] = {"", "file", "anonymous", "memfd", NULL};
const char *const memory_allocation_names[] = {"", "immediate", "ondemand", NULL};

/* clang-format off */
#define T struct memory
XT_DEFINE_ROWS(memory_table, "memory", NULL,
    XT_GROUP("maxMemory", 0,
        XT_ATTR(T, slots, "slots", opt_u32, XT_ABI),
        XT_OWN(T, max, kib, XT_REQUIRED | XT_ABI)),
    XT_GROUP("memory", 0,
        XT_ATTR(T, dump_core, "dumpCore", onoff, 0),
        XT_OWN(T, total, kib, XT_ABI | XT_ALWAYS)),
    XT_TEXT(T, current, "currentMemory", kib, XT_ALWAYS));

#define M struct memtune
XT_DEFINE_ROWS(memtune_table, "memtune", NULL,
    XT_TEXT(M, hard_limit, "hard_limit", opt_kib, 0),
    XT_TEXT(M, soft_limit, "soft_limit", opt_kib, 0),
    XT_TEXT(M, min_guarantee, "min_guarantee", opt_kib, 0),
    XT_TEXT(M, swap_hard_limit, "swap_hard_limit", opt_kib, 0));

#define P struct hugepage
XT_DECLARE(hugepage_table, P);
XT_DEFINE(hugepage_table, "page", NULL,
    XT_ATTR(P, size, "size", kib, XT_REQUIRED),
    XT_ATTR(P, nodes, "nodeset", bitmap, 0));

#define B struct memory_backing
XT_DEFINE_ROWS(memory_backing_table, "memoryBacking", NULL,
    XT_FLAG(B, hugepages, "hugepages", 0, XT_LIST(B, pages, n_pages, "page", hugepage_table, 0)),
    XT_FLAG(B, nosharepages, "nosharepages", 0),
    XT_FLAG(B, locked, "locked", 0),
    XT_GROUP("source", 0, XT_ENUM(B, source, "type", memory_source_names, 0)),
    XT_GROUP("access", 0, XT_ENUM(B, access, "mode", memory_access_names, 0)),
    XT_GROUP("allocation", 0,
        XT_ENUM(B, allocation, "mode", memory_allocation_names, 0),
        XT_ATTR(B, threads, "threads", opt_u32, 0)),
    XT_FLAG(B, discard, "discard", 0));
/* clang-format on */

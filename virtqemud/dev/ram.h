/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ram: memory backends (-object memory-backend-...), for main memory, NUMA cells and modules alike. */
#pragma once

#include "virtqemud/dev/dev.h"

struct ram {
    const char *id;
    uint64_t size; /* KiB */
    enum memory_access access;
    enum tristate discard;
    const char *path;     /* a file of its own: nvdimm */
    uint64_t pagesize;    /* KiB; 0: as the machine's <memoryBacking> says for this cell */
    uint64_t alignsize;   /* KiB */
    const char *nodemask; /* host nodes, "0-3" */
    int cell;             /* guest NUMA cell; -1: none */
    bool main;            /* the machine's own, not a module or a cell */
    bool pmem, readonly, no_prealloc;
};
int build_ram(struct build *build, const struct ram *ram, struct err *err);
/* Does <memoryBacking> ask for anything that plain memory isn't? */
bool ram_is_special(const struct domain *domain);

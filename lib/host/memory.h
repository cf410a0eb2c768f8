/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory: the host's memory, its NUMA nodes and pools of huge pages, read from procfs and sysfs each time:
 * these numbers change. `root` as in cpu.h. Functions return 0 or -errno.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bitmap.h"

/* KiB, as the kernel shows them. */
struct host_memory {
    uint64_t total, free, buffers, cached;
};
/* node -1: the whole host. -ENOENT: no such node. */
int host_memory_read(const char *root, int node, struct host_memory *ret);

struct host_pages {
    unsigned size; /* KiB */
    uint64_t total, free;
};
/* Page sizes of the host: the ordinary one first, then huge ones, ascending. At most `room`; returns the
 * count or -errno. */
int host_page_sizes(const char *root, unsigned *sizes, unsigned room);
/* Pool of one page size on a node (-1: whole host). -ENOENT: no such size or node. */
int host_pages_read(const char *root, int node, unsigned size, struct host_pages *ret);
/* The file that holds the size of a pool. */
enum { HOST_PAGES_PATH = 128 };
void host_pages_path(char path[HOST_PAGES_PATH], int node, unsigned size);
/* Change the pool of huge pages: to `count`, or by that many more. *ret_count: how many there are now. */
int host_pages_alloc(const char *root, int node, unsigned size, uint64_t count, bool add,
                     uint64_t *ret_count);

struct host_node {
    unsigned id;
    uint64_t memory; /* KiB */
    struct bitmap cpus;
    unsigned *distances; /* to every node, in the order of the nodes; NULL: not told */
};
struct host_nodes {
    struct host_node *node;
    unsigned count; /* 0: the kernel knows no NUMA */
    bool fake;      /* one node made up for such a kernel */
};
int host_nodes_read(const char *root, struct host_nodes *ret);
void host_nodes_done(struct host_nodes *nodes);
#define auto_host_nodes CLEANUP(host_nodes_done)
/* Ids of the nodes only. */
int host_node_ids(const char *root, struct bitmap *ret);

/* Kernel samepage merging: the files of /sys/kernel/mm/ksm. -ENOENT: this kernel has no such file. */
int host_ksm_get(const char *root, const char *name, uint64_t *ret);
int host_ksm_set(const char *root, const char *name, uint64_t value);

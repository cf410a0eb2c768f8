/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls about the host's memory: statistics, NUMA nodes, pools of pages, samepage merging. */
#define ERR_FROM ERR_FROM_QEMU
#include <errno.h>

#include "base/str.h"
#include "host/memory.h"
#include "virtqemud/host.h"
#include "virtqemud/method.h"

enum {
    PARAM_UINT = 2, /* of virTypedParameterType */
    PARAM_ULLONG = 4,
    PARAM_STRING_OK = 4, /* flag that every client of this century sets */
    PAGES_SET = 1,       /* of virNodeAllocPages: instead of add */
};

static int m_node_get_memory_stats(struct req *rq, struct client *client,
                                   const struct remote_node_get_memory_stats_in *in,
                                   struct remote_node_get_memory_stats_out *out)
{
    struct host_memory memory;
    bool whole = in->cell_num == -1;
    int r;

    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    r = in->cell_num < -1 ? -ENOENT : host_memory_read("", in->cell_num, &memory);
    if (r == -ENOENT) {
        auto_bitmap struct bitmap nodes = {0};

        (void)host_node_ids("", &nodes);
        return host_invalid(rq, "cellNum in %s must be less than or equal to %d", "virHostMemGetStats",
                            (int)bitmap_last(&nodes));
    }
    if (r < 0)
        return err_system(&rq->err, r, "cannot read the memory statistics of this host");
    const struct host_stat rows[] = {{"total", memory.total},
                                     {"free", memory.free},
                                     {"buffers", memory.buffers},
                                     {"cached", memory.cached}};
    unsigned count = whole ? ARRAY_SIZE(rows) : 2; /* a cell knows no buffers and no cache */

    out->nparams = (int32_t)count;
    if (!in->nparams)
        return 0;
    if (in->nparams != (int32_t)count)
        return host_invalid(rq, "nparams in %s must be %u", "virHostMemGetStatsLinux", count);
    out->params.v = host_stats(rq, rows, count);
    out->params.n = count;
    return 0;
}

static int m_node_get_free_memory(struct req *rq, struct client *client,
                                  const struct remote_node_get_free_memory_in *in,
                                  struct remote_node_get_free_memory_out *out)
{
    auto_bitmap struct bitmap nodes = {0};
    struct host_memory memory;

    (void)host_node_ids("", &nodes);
    BITMAP_FOREACH(&nodes, node)
        if (host_memory_read("", (int)node, &memory) == 0)
            out->free_mem += memory.free * 1024;
    if (!out->free_mem && host_memory_read("", -1, &memory) == 0)
        out->free_mem = memory.free * 1024;
    if (!out->free_mem)
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "Cannot determine free memory");
    return 0;
}

/* Nodes from `start`, at most `count`; sets the error when start is not one of them. */
static int cell_range(struct req *rq, int start, unsigned count, int *ret_last)
{
    auto_bitmap struct bitmap nodes = {0};

    (void)host_node_ids("", &nodes);
    int last = bitmap_empty(&nodes) ? 0 : (int)bitmap_last(&nodes);

    if (start < 0 || start > last)
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "start cell %d out of range (0-%d)", start, last);
    *ret_last = count && (unsigned)(last - start) >= count ? start + (int)count - 1 : last;
    return 0;
}

static int m_node_get_cells_free_memory(struct req *rq, struct client *client,
                                        const struct remote_node_get_cells_free_memory_in *in,
                                        struct remote_node_get_cells_free_memory_out *out)
{
    int last;

    if (in->maxcells <= 0)
        return host_invalid(rq, "maxCells in %s must be greater than zero", "virNodeGetCellsFreeMemory");
    if (cell_range(rq, in->start_cell, (unsigned)in->maxcells, &last) < 0)
        return -1;
    out->cells.v = ARENA_ARRAY(&rq->arena, uint64_t, (size_t)(last - in->start_cell + 1));
    for (int cell = in->start_cell; cell <= last; cell++) {
        struct host_memory memory = {0};

        (void)host_memory_read("", cell, &memory); /* nodes may have gaps: those are empty */
        out->cells.v[out->cells.n++] = memory.free * 1024;
    }
    return 0;
}

static int no_such_page(struct req *rq, unsigned size, int node)
{
    if (node < 0)
        return err_set(&rq->err, ERR_OPERATION_FAILED, "page size %u is not available", size);
    return err_set(&rq->err, ERR_OPERATION_FAILED, "page size %u is not available on node %d", size, node);
}

static int m_node_get_free_pages(struct req *rq, struct client *client,
                                 const struct remote_node_get_free_pages_in *in,
                                 struct remote_node_get_free_pages_out *out)
{
    int last, first = in->start_cell;

    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    if (first == -1) /* the whole host */
        last = -1;
    else if (cell_range(rq, first, in->cell_count, &last) < 0)
        return -1;
    out->counts.v = ARENA_ARRAY(&rq->arena, uint64_t, (size_t)(last - first + 1) * in->pages.n);
    for (int cell = first; cell <= last; cell++)
        for (uint32_t i = 0; i < in->pages.n; i++) {
            struct host_pages pages;
            int r = host_pages_read("", cell, in->pages.v[i], &pages);

            if (r == -ENOENT)
                return no_such_page(rq, in->pages.v[i], cell);
            if (r < 0)
                return err_system(&rq->err, r, "cannot read the pool of pages of size %u on node %d",
                                  in->pages.v[i], cell);
            out->counts.v[out->counts.n++] = pages.free;
        }
    return 0;
}

static int m_node_alloc_pages(struct req *rq, struct client *client,
                              const struct remote_node_alloc_pages_in *in,
                              struct remote_node_alloc_pages_out *out)
{
    int last, first = in->start_cell;

    if (method_flags(rq, in->flags, PAGES_SET) < 0)
        return -1;
    if (in->page_sizes.n != in->page_counts.n)
        return err_set(&rq->err, ERR_INVALID_ARG, "as many page sizes as page counts are needed");
    if (first == -1)
        last = -1;
    else if (cell_range(rq, first, in->cell_count, &last) < 0)
        return -1;
    for (int cell = first; cell <= last; cell++)
        for (uint32_t i = 0; i < in->page_sizes.n; i++) {
            char path[HOST_PAGES_PATH];
            uint64_t now;
            int r = host_pages_alloc("", cell, in->page_sizes.v[i], in->page_counts.v[i],
                                     !(in->flags & PAGES_SET), &now);

            if (r == -ENOENT)
                return no_such_page(rq, in->page_sizes.v[i], cell);
            if (r < 0) {
                host_pages_path(path, cell, in->page_sizes.v[i]);
                return err_system(&rq->err, r, "Unable to write to: %s", path);
            }
            if (in->flags & PAGES_SET && now != in->page_counts.v[i])
                return err_set(&rq->err, ERR_OPERATION_FAILED,
                               "Unable to allocate %llu pages. Allocated only %llu",
                               (unsigned long long)in->page_counts.v[i], (unsigned long long)now);
            out->ret++;
        }
    return 0;
}

/* Kernel samepage merging: parameter, file, type, and whether it can be set. */
static const struct ksm_row {
    const char *name, *file;
    int type;
    bool writable;
} ksm_rows[] = {
    {"shm_pages_to_scan", "pages_to_scan", PARAM_UINT, true},
    {"shm_sleep_millisecs", "sleep_millisecs", PARAM_UINT, true},
    {"shm_pages_shared", "pages_shared", PARAM_ULLONG, false},
    {"shm_pages_sharing", "pages_sharing", PARAM_ULLONG, false},
    {"shm_pages_unshared", "pages_unshared", PARAM_ULLONG, false},
    {"shm_pages_volatile", "pages_volatile", PARAM_ULLONG, false},
    {"shm_full_scans", "full_scans", PARAM_ULLONG, false},
    {"shm_merge_across_nodes", "merge_across_nodes", PARAM_UINT, true},
};

static int m_node_get_memory_parameters(struct req *rq, struct client *client,
                                        const struct remote_node_get_memory_parameters_in *in,
                                        struct remote_node_get_memory_parameters_out *out)
{
    if (method_flags(rq, in->flags, PARAM_STRING_OK) < 0)
        return -1;
    out->nparams = ARRAY_SIZE(ksm_rows);
    if (!in->nparams)
        return 0;
    unsigned room = in->nparams > 0 ? (unsigned)in->nparams : 0;

    out->params.v = ARENA_ARRAY(&rq->arena, struct wire_typed_param, ARRAY_SIZE(ksm_rows));
    for (size_t i = 0; i < ARRAY_SIZE(ksm_rows) && out->params.n < room; i++) {
        struct wire_typed_param *param = &out->params.v[out->params.n];
        uint64_t value;
        int r = host_ksm_get("", ksm_rows[i].file, &value);

        if (r == -ENOENT)
            continue; /* a kernel without it, or without KSM at all */
        if (r < 0)
            return err_system(&rq->err, r, "cannot read /sys/kernel/mm/ksm/%s", ksm_rows[i].file);
        param->field = (char *)ksm_rows[i].name;
        param->value.type = ksm_rows[i].type;
        if (ksm_rows[i].type == PARAM_UINT)
            param->value.ui = (uint32_t)value;
        else
            param->value.ul = value;
        out->params.n++;
    }
    out->nparams = (int32_t)out->params.n;
    return 0;
}

static int m_node_set_memory_parameters(struct req *rq, struct client *client,
                                        const struct remote_node_set_memory_parameters_in *in,
                                        struct remote_node_set_memory_parameters_out *out)
{
    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    /* first look at all of them, then change */
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < in->params.n; i++) {
            const struct wire_typed_param *param = &in->params.v[i];
            const struct ksm_row *row = NULL;

            for (size_t k = 0; k < ARRAY_SIZE(ksm_rows); k++)
                if (ksm_rows[k].writable && str_eq(ksm_rows[k].name, param->field))
                    row = &ksm_rows[k];
            if (!row)
                return err_set(&rq->err, ERR_INVALID_ARG, "parameter '%s' not supported", param->field);
            if (param->value.type != row->type)
                return err_set(&rq->err, ERR_INVALID_ARG, "invalid type for parameter '%s', expected 'uint'",
                               param->field);
            int r = pass ? host_ksm_set("", row->file, param->value.ui) : 0;

            if (r == -ENOENT)
                return err_set(&rq->err, ERR_OPERATION_INVALID,
                               "Parameter '%s' is not supported by this kernel", row->name);
            if (r < 0)
                return err_system(&rq->err, r, "failed to set %s", row->name);
        }
    return 0;
}

const struct method memory_methods[] = {
    METHOD(remote, NODE_GET_MEMORY_STATS, m_node_get_memory_stats),
    METHOD(remote, NODE_GET_FREE_MEMORY, m_node_get_free_memory),
    METHOD(remote, NODE_GET_CELLS_FREE_MEMORY, m_node_get_cells_free_memory),
    METHOD(remote, NODE_GET_FREE_PAGES, m_node_get_free_pages),
    METHOD(remote, NODE_ALLOC_PAGES, m_node_alloc_pages),
    METHOD(remote, NODE_GET_MEMORY_PARAMETERS, m_node_get_memory_parameters),
    METHOD(remote, NODE_SET_MEMORY_PARAMETERS, m_node_set_memory_parameters),
    {0},
};

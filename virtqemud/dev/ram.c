/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ram: which backend a piece of memory gets. */
#define ERR_FROM ERR_FROM_QEMU

#include "base/str.h"

#include "virtqemud/dev/ram.h"

/* Huge pages of the size that is wanted for this cell: 0 for ordinary pages. */
static uint64_t page_size(const struct domain *domain, const struct ram *ram)
{
    const struct memory_backing *backing = &domain->backing;
    uint64_t size = 0;

    if (ram->pagesize)
        return ram->pagesize;
    if (!backing->hugepages)
        return 0;
    for (size_t i = 0; i < backing->n_pages; i++) {
        const struct hugepage *page = backing->pages[i];
        if (!page->nodes)
            size = size ? size : page->size;
        else if (ram->cell >= 0 && bitmap_get(page->nodes, (uint32_t)ram->cell))
            return page->size;
    }
    return size ? size : 2048;
}

bool ram_is_special(const struct domain *domain)
{
    const struct memory_backing *backing = &domain->backing;

    return backing->hugepages || backing->source || backing->access || backing->discard ||
           backing->allocation;
}

static void bind_nodes(struct props *props, const struct bitmap *nodes, enum numa_mode mode)
{
    static const char *const policies[NUMA_MODE_MAX] = {
        [NUMA_STRICT] = "bind", [NUMA_PREFERRED] = "preferred", [NUMA_INTERLEAVE] = "interleave"};

    /* restrictive leaves it to the cgroup */
    if (!nodes || !policies[mode])
        return;
    props_array(props, "host-nodes");
    BITMAP_FOREACH(nodes, node)
        props_u64(props, NULL, (uint64_t)node);
    props_end_array(props);
    props_string(props, "policy", policies[mode]);
}

/* From which nodes of the host: what the module says, or its cell, or the whole machine. */
static void host_nodes(const struct domain *domain, const struct ram *ram, struct props *props)
{
    const struct numatune *tune = &domain->numatune;
    enum numa_mode mode = tune->mode ? tune->mode : NUMA_STRICT;
    auto_bitmap struct bitmap nodes = {0};

    if (ram->nodemask) {
        if (bitmap_parse(ram->nodemask, 1024, &nodes) == 0)
            bind_nodes(props, &nodes, mode);
        return;
    }
    for (size_t i = 0; i < tune->n_memnodes; i++)
        if (ram->cell >= 0 && tune->memnodes[i]->cell.value == (uint32_t)ram->cell) {
            bind_nodes(props, tune->memnodes[i]->nodes,
                       tune->memnodes[i]->mode ? tune->memnodes[i]->mode : mode);
            return;
        }
    if (tune->memory)
        bind_nodes(props, tune->nodes, mode);
}

int build_ram(struct build *build, const struct ram *ram, struct err *err)
{
    enum { KIB = 1024 };
    const struct memory_backing *backing = &build->domain->backing;
    uint64_t pages = page_size(build->domain, ram);
    enum memory_access access = ram->access ? ram->access : backing->access;
    enum tristate discard = ram->discard ? ram->discard : backing->discard ? TRI_YES : TRI_NONE;
    bool is_file = ram->path || (!pages && backing->source == MEMORY_FILE);
    bool is_memfd = pages || backing->source == MEMORY_MEMFD ||
                    (access == MEMORY_SHARED && backing->source != MEMORY_FILE);
    auto_props struct props props = {0};

    if (ram->size > UINT64_MAX / KIB)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "memory of %s is too big", ram->id);
    if (ram->path) {
        props_string(&props, "qom-type", "memory-backend-file");
        props_string(&props, "mem-path", ram->path);
        props_number(&props, "align", ram->alignsize * KIB);
        if (ram->pmem)
            props_bool(&props, "pmem", true);
        if (ram->readonly)
            props_bool(&props, "readonly", true);
    } else if (is_memfd) {
        props_string(&props, "qom-type", "memory-backend-memfd");
        if (pages) {
            props_bool(&props, "hugetlb", true);
            props_u64(&props, "hugetlbsize", pages * KIB);
        }
    } else if (backing->source == MEMORY_FILE) {
        props_string(&props, "qom-type", "memory-backend-file");
        props_format(&props, "mem-path", "%s/%s", build->lib_dir, ram->id);
    } else {
        props_string(&props, "qom-type", "memory-backend-ram");
    }
    props_string(&props, "id", ram->id);
    /* so that a machine moves to one with another backend: QEMU knows main memory by its plain name */
    if (ram->main && (is_memfd || is_file))
        props_bool(&props, "x-use-canonical-path-for-ramblock-id", false);
    if (access)
        props_bool(&props, "share", access == MEMORY_SHARED);
    /* only a file's pages can be dropped without being written */
    if (discard == TRI_YES && is_file)
        props_bool(&props, "discard-data", true);
    if (!ram->no_prealloc && (pages || backing->allocation == ALLOCATION_IMMEDIATE)) {
        props_bool(&props, "prealloc", true);
        if (backing->threads.set)
            props_u64(&props, "prealloc-threads", backing->threads.value);
    }
    if (build->domain->memory.dump_core)
        props_bool(&props, "dump", build->domain->memory.dump_core == TRI_YES);
    props_u64(&props, "size", ram->size * KIB);
    host_nodes(build->domain, ram, &props);
    build_json(build, "-object", &props);
    return 0;
}

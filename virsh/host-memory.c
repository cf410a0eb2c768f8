/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Host: memory of the machine underneath, by NUMA node and size of pages. */
#include "virsh/virsh.h"

/* The numbers that an expression finds in the capabilities; owned by cmd, NULL after telling. */
static unsigned *numbers(struct cmd *cmd, const char *document, const char *xpath, size_t *ret_count)
{
    char **texts = xml_values(cmd, document, xpath);
    size_t count = strv_length(texts);
    unsigned *found = cmd_own(cmd, NEW_ARRAY(unsigned, count + 1), free);

    for (size_t i = 0; i < count; i++)
        if (str_to_u32(texts[i], &found[i]) < 0) {
            say_error(cmd, "conversion from string failed");
            return NULL;
        }
    *ret_count = count;
    return found;
}

/* The connection's capabilities; owned by cmd, NULL after telling. */
static const char *node_capabilities(struct cmd *cmd)
{
    char *document = cmd_own_text(cmd, virConnectGetCapabilities(cmd_conn(cmd)));

    if (!document)
        say_error(cmd, "unable to get node capabilities");
    return document;
}

static unsigned *node_ids(struct cmd *cmd, const char *document, size_t *ret_count)
{
    unsigned *ids = numbers(cmd, document, "/capabilities/host/topology/cells/cell/@id", ret_count);

    if (ids && !*ret_count) {
        say_error(cmd, "could not get information about NUMA topology");
        return NULL;
    }
    return ids;
}

/* ---- free memory ----------------------------------------------------------------------------------------
 */

static int freecell_all(struct cmd *cmd)
{
    const char *document = node_capabilities(cmd);
    size_t count;
    unsigned *ids = document ? node_ids(cmd, document, &count) : NULL;
    unsigned long long total = 0;

    if (!ids)
        return -1;
    auto_free unsigned long long *free_bytes = NEW_ARRAY(unsigned long long, count);

    for (size_t i = 0; i < count; i++)
        if (virNodeGetCellsFreeMemory(cmd_conn(cmd), &free_bytes[i], (int)ids[i], 1) != 1)
            return say_error(cmd, "failed to get free memory for NUMA node number: %u", ids[i]);
    layout(cmd, LAYOUT_NONE);
    open_array(cmd, "nodes");
    for (size_t i = 0; i < count; i++) {
        open_object(cmd, NULL);
        field_u64(cmd, "node", NULL, ids[i], NULL);
        field_u64(cmd, "free_kib", NULL, free_bytes[i] / 1024, NULL);
        close_one(cmd);
        print(cmd, "%5u: %10llu KiB\n", ids[i], free_bytes[i] / 1024);
        total += free_bytes[i] / 1024;
    }
    close_one(cmd);
    field_u64(cmd, "free_kib", NULL, total, NULL);
    if (!is_quiet(cmd))
        print(cmd, "--------------------\n%5s: %10llu KiB\n", "Total", total);
    return 0;
}

static int freecell(struct cmd *cmd)
{
    unsigned long long bytes;
    int cell = -1;
    int given = cmd_int(cmd, "cellno", &cell);

    if (given < 0)
        return -1;
    if (cmd_has(cmd, "all"))
        return freecell_all(cmd);
    layout(cmd, LAYOUT_BARE);
    if (given) {
        if (virNodeGetCellsFreeMemory(cmd_conn(cmd), &bytes, cell, 1) != 1)
            return -1;
    } else {
        bytes = virNodeGetFreeMemory(cmd_conn(cmd));
        if (!bytes)
            return -1;
    }
    field_u64(cmd, "free_kib", given ? cmd_printf(cmd, "%d:", cell) : "Total:", bytes / 1024, " KiB");
    return 0;
}

const struct command cmd_freecell = {
    "freecell",
    "NUMA free memory",
    "display available free memory for the NUMA cell.",
    OPTIONS(NUMBER("cellno", "NUMA cell number"), FLAG("all", 0, "show free memory for all NUMA cells")),
    .run = freecell,
    .conflicts = "all cellno",
    .json = "{free_kib: number, nodes: [{node: number, free_kib: number}]?}",
};

/* ---- pages ----------------------------------------------------------------------------------------------
 */

/* The sizes of pages that the host has, in KiB. */
static unsigned *page_sizes(struct cmd *cmd, const char *document, size_t *ret_count)
{
    unsigned *sizes = numbers(cmd, document, "/capabilities/host/cpu/pages/@size", ret_count);

    if (sizes && !*ret_count)
        sizes = numbers(cmd, document, "/capabilities/host/topology/cells/cell[1]/pages/@size", ret_count);
    if (sizes && !*ret_count) {
        say_error(cmd, "could not get information about supported page sizes");
        return NULL;
    }
    return sizes;
}

/* --pagesize in KiB; 1 when it was given, -1 after telling. */
static int cmd_page_size(struct cmd *cmd, unsigned *ret)
{
    unsigned long long bytes = 0;
    int given = cmd_scaled(cmd, "pagesize", 1024, UINT32_MAX, &bytes);

    *ret = (unsigned)(bytes / 1024);
    return given;
}

static void print_page(struct cmd *cmd, unsigned size, unsigned long long count)
{
    open_object(cmd, NULL);
    field_u64(cmd, "page_kib", NULL, size, NULL);
    field_u64(cmd, "free", NULL, count, NULL);
    close_one(cmd);
    print(cmd, "%uKiB: %lld\n", size, (long long)count);
}

static int freepages_all(struct cmd *cmd, unsigned size)
{
    const char *document = node_capabilities(cmd);
    size_t size_count = 1, count;
    unsigned *sizes = &size;

    if (!document || (!size && !(sizes = page_sizes(cmd, document, &size_count))))
        return -1;
    unsigned *ids = node_ids(cmd, document, &count);
    auto_free unsigned long long *free_pages = NEW_ARRAY(unsigned long long, size_count);

    if (!ids)
        return -1;
    open_array(cmd, NULL);
    for (size_t i = 0; i < count; i++) {
        if (virNodeGetFreePages(cmd_conn(cmd), (unsigned)size_count, sizes, (int)ids[i], 1, free_pages, 0) <
            0)
            return -1;
        open_object(cmd, NULL);
        field_u64(cmd, "node", NULL, ids[i], NULL);
        open_array(cmd, "pages");
        print(cmd, "Node %u:\n", ids[i]);
        for (size_t k = 0; k < size_count; k++)
            print_page(cmd, sizes[k], free_pages[k]);
        print(cmd, "\n");
        close_one(cmd);
        close_one(cmd);
    }
    return 0;
}

static int freepages(struct cmd *cmd)
{
    unsigned long long count;
    unsigned size;
    int cell = -1;
    int has_cell = cmd_int(cmd, "cellno", &cell), has_size = has_cell < 0 ? -1 : cmd_page_size(cmd, &size);

    if (has_size < 0)
        return -1;
    layout(cmd, LAYOUT_NONE);
    if (cmd_has(cmd, "all"))
        return freepages_all(cmd, has_size ? size : 0);
    if (!has_cell)
        return say_error(cmd, "missing cellno argument");
    if (cell < -1)
        return say_error(cmd, "cell number must be non-negative integer or -1");
    if (!has_size)
        return say_error(cmd, "missing pagesize argument");
    if (virNodeGetFreePages(cmd_conn(cmd), 1, &size, cell, 1, &count, 0) < 0)
        return -1;
    print_page(cmd, size, count);
    return 0;
}

const struct command cmd_freepages = {
    "freepages",
    "NUMA free pages",
    "display available free pages for the NUMA cell.",
    OPTIONS(NUMBER("cellno", "NUMA cell number"), NUMBER("pagesize", "page size (in kibibytes)"),
            FLAG("all", 0, "show free pages for all NUMA cells")),
    .run = freepages,
    .conflicts = "all cellno",
    .json = "{page_kib: number, free: number} | [{node: number?, pages: [{page_kib: number, free: number}]}]",
};

static int allocpages(struct cmd *cmd)
{
    unsigned long long count = 0;
    unsigned size, flags = cmd_has(cmd, "add") ? VIR_NODE_ALLOC_PAGES_ADD : VIR_NODE_ALLOC_PAGES_SET;
    size_t cells = 1;
    int cell = -1;

    if (cmd_int(cmd, "cellno", &cell) < 0 || cmd_page_size(cmd, &size) < 0 ||
        cmd_u64(cmd, "pagecount", &count) < 0)
        return -1;
    if (cmd_has(cmd, "all")) {
        const char *document = node_capabilities(cmd);

        if (!document || !node_ids(cmd, document, &cells))
            return -1;
        cell = 0;
    }
    return virNodeAllocPages(cmd_conn(cmd), 1, &size, &count, cell, (unsigned)cells, flags) < 0 ? -1 : 0;
}

const struct command cmd_allocpages = {
    "allocpages",
    "Manipulate pages pool size",
    "Allocate or free some pages in the pool for NUMA cell.",
    OPTIONS(ARG_NUMBER("pagesize", "page size (in kibibytes)"), ARG_NUMBER("pagecount", "page count"),
            NUMBER("cellno", "NUMA cell number"),
            FLAG("add", 0, "instead of setting new pool size add pages to it"),
            FLAG("all", 0, "set on all NUMA cells")),
    .run = allocpages,
    .conflicts = "all cellno",
};

/* ---- figures and settings -------------------------------------------------------------------------------
 */

static int nodememstats(struct cmd *cmd)
{
    int cell = VIR_NODE_MEMORY_STATS_ALL_CELLS, count = 0;

    if (cmd_int(cmd, "cell", &cell) < 0)
        return -1;
    if (virNodeGetMemoryStats(cmd_conn(cmd), cell, NULL, &count, 0) < 0)
        return say_error(cmd, "Unable to get number of memory stats");
    auto_free virNodeMemoryStatsPtr stats = NEW_ARRAY(virNodeMemoryStats, (size_t)count);

    if (count && virNodeGetMemoryStats(cmd_conn(cmd), cell, stats, &count, 0) < 0)
        return say_error(cmd, "Unable to get memory stats");
    layout(cmd, LAYOUT_NONE);
    for (int i = 0; i < count; i++) {
        field_u64(cmd, stats[i].field, NULL, stats[i].value, NULL);
        print(cmd, "%-7s: %20llu KiB\n", stats[i].field, stats[i].value);
    }
    return 0;
}

const struct command cmd_nodememstats = {
    "nodememstats",
    "Prints memory stats of the node.",
    "Returns memory stats of the node, in kilobytes.",
    OPTIONS(NUMBER("cell", "prints specified cell statistics only.")),
    .run = nodememstats,
    .json = "{*: number}",
};

static int print_memory_tune(struct cmd *cmd)
{
    int count = 0;

    if (virNodeGetMemoryParameters(cmd_conn(cmd), NULL, &count, 0) < 0)
        return say_error(cmd, "Unable to get number of memory parameters");
    auto_free virTypedParameterPtr params = NEW_ARRAY(virTypedParameter, (size_t)count);

    if (count && virNodeGetMemoryParameters(cmd_conn(cmd), params, &count, 0) < 0)
        return say_error(cmd, "Unable to get memory parameters");
    layout(cmd, LAYOUT_NONE);
    if (count)
        print(cmd, "Shared memory:\n");
    for (int i = 0; i < count; i++) {
        field_param(cmd, NULL, &params[i]);
        print(cmd, "\t%-15s %s\n", params[i].field, param_text(cmd, &params[i]));
    }
    virTypedParamsClear(params, count);
    return 0;
}

static int node_memory_tune(struct cmd *cmd)
{
    static const struct {
        const char *option, *field;
    } rows[] = {
        {"shm-pages-to-scan", VIR_NODE_MEMORY_SHARED_PAGES_TO_SCAN},
        {"shm-sleep-millisecs", VIR_NODE_MEMORY_SHARED_SLEEP_MILLISECS},
        {"shm-merge-across-nodes", VIR_NODE_MEMORY_SHARED_MERGE_ACROSS_NODES},
    };
    virTypedParameter params[ARRAY_SIZE(rows)];
    int count = 0;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        unsigned value = 0;
        int given = cmd_uint(cmd, rows[i].option, &value);

        if (given < 0)
            return -1;
        if (!given)
            continue;
        params[count] = (virTypedParameter){.type = VIR_TYPED_PARAM_UINT, .value.ui = value};
        memcpy(params[count++].field, rows[i].field, strlen(rows[i].field) + 1);
    }
    if (!count)
        return print_memory_tune(cmd);
    if (virNodeSetMemoryParameters(cmd_conn(cmd), params, count, 0) < 0)
        return say_error(cmd, "Unable to change memory parameters");
    return 0;
}

const struct command cmd_node_memory_tune = {
    "node-memory-tune",
    "Get or set node memory parameters",
    "Get or set node memory parameters\n"
    "    To get the memory parameters, use following command: \n"
    "\n"
    "    virsh # node-memory-tune",
    OPTIONS(
        NUMBER("shm-pages-to-scan", "number of pages to scan before the shared memory service goes to sleep"),
        NUMBER("shm-sleep-millisecs",
               "number of millisecs the shared memory service should sleep before next scan"),
        NUMBER("shm-merge-across-nodes", "Specifies if pages from different numa nodes can be merged")),
    .run = node_memory_tune,
    .json = "{*: number}",
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The XML of <cpu>, and the defaults inside it. */
#define ERR_FROM ERR_FROM_CPU
#include "model/domain/cpu.h"

#include "base/str.h"

const char *const cpu_mode_names[] = {"", "custom", "host-model", "host-passthrough", "maximum", NULL};
const char *const cpu_match_names[] = {"", "minimum", "exact", "strict", NULL};
const char *const cpu_check_names[] = {"", "none", "partial", "full", NULL};
const char *const cpu_fallback_names[] = {"", "allow", "forbid", NULL};
const char *const cpu_policy_names[] = {"", "force", "require", "optional", "disable", "forbid", NULL};
const char *const cpu_cache_mode_names[] = {"", "emulate", "passthrough", "disable", NULL};
const char *const phys_addr_mode_names[] = {"", "emulate", "passthrough", NULL};
const char *const memory_access_names[] = {"", "shared", "private", NULL};

/* Bytes, always printed as such. */
XT_TYPE(line_size, uint64_t);

static int line_size_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    return xt_size.parse(parse, text, aux, value);
}

static void line_size_format(struct buf *text, const void *value, const void *aux)
{
    xt_u64.format(text, value, aux);
}

static const char *line_size_unit(const void *value)
{
    return "B";
}

const struct xt_type xt_line_size = {.name = "size",
                                     .unit = line_size_unit,
                                     .size = sizeof(uint64_t),
                                     .parse = line_size_parse,
                                     .format = line_size_format};

/* clang-format off */
#define F struct cpu_feature
XT_DECLARE(cpu_feature_table, F);
XT_DEFINE(cpu_feature_table, "feature", NULL,
    XT_ENUM(F, policy, "policy", cpu_policy_names, XT_ABI),
    XT_ATTR(F, name, "name", str, XT_REQUIRED | XT_ABI));

#define D struct numa_distance
XT_DECLARE(numa_distance_table, D);
XT_DEFINE(numa_distance_table, "sibling", NULL,
    XT_ATTR(D, id, "id", opt_u32, XT_REQUIRED | XT_ABI),
    XT_ATTR(D, value, "value", u32, XT_REQUIRED | XT_ABI));

#define H struct numa_cache
XT_DECLARE(numa_cache_table, H);
XT_DEFINE(numa_cache_table, "cache", NULL,
    XT_ATTR(H, level, "level", u32, XT_REQUIRED | XT_ABI),
    XT_ATTR(H, associativity, "associativity", str, XT_REQUIRED | XT_ABI),
    XT_ATTR(H, policy, "policy", str, XT_REQUIRED | XT_ABI),
    XT_GROUP("size", XT_REQUIRED, XT_ATTR(H, size, "value", kib, XT_REQUIRED | XT_ABI)),
    XT_GROUP("line", XT_REQUIRED, XT_ATTR(H, line, "value", line_size, XT_REQUIRED | XT_ABI)));

#define N struct numa_cell
XT_DECLARE(numa_cell_table, N);
XT_DEFINE(numa_cell_table, "cell", NULL,
    XT_ATTR(N, id, "id", opt_u32, XT_ABI),
    XT_ATTR(N, cpus, "cpus", bitmap, XT_ABI),
    XT_ATTR(N, memory, "memory", kib, XT_REQUIRED | XT_ALWAYS | XT_ABI),
    XT_ENUM(N, access, "memAccess", memory_access_names, XT_ABI),
    XT_ATTR(N, discard, "discard", yesno, 0),
    XT_GROUP("distances", 0, XT_LIST(N, distances, n_distances, "sibling", numa_distance_table, XT_ABI)),
    XT_LIST(N, caches, n_caches, "cache", numa_cache_table, XT_ABI));

#define I struct numa_link
XT_DECLARE(numa_latency_table, I);
XT_DEFINE(numa_latency_table, "latency", NULL,
    XT_ATTR(I, initiator, "initiator", opt_u32, XT_REQUIRED | XT_ABI),
    XT_ATTR(I, target, "target", opt_u32, XT_REQUIRED | XT_ABI),
    XT_ATTR(I, cache, "cache", opt_u32, XT_ABI),
    XT_ATTR(I, type, "type", str, XT_REQUIRED | XT_ABI),
    XT_ATTR(I, value, "value", u64, XT_REQUIRED | XT_ABI));
XT_DECLARE(numa_bandwidth_table, I);
XT_DEFINE(numa_bandwidth_table, "bandwidth", NULL,
    XT_ATTR(I, initiator, "initiator", opt_u32, XT_REQUIRED | XT_ABI),
    XT_ATTR(I, target, "target", opt_u32, XT_REQUIRED | XT_ABI),
    XT_ATTR(I, cache, "cache", opt_u32, XT_ABI),
    XT_ATTR(I, type, "type", str, XT_REQUIRED | XT_ABI),
    XT_ATTR(I, value, "value", kib, XT_REQUIRED | XT_ABI));

/* clang-format on */

/* Two kinds of elements in one list: the document's order is kept across them. */
static const struct xt_table *link_table(const struct numa_link *link)
{
    return link->is_bandwidth ? &numa_bandwidth_table : &numa_latency_table;
}

static void add_link(struct cpu *cpu, struct arena *arena, struct numa_link *link)
{
    cpu->links = arena_grow(arena, cpu->links, cpu->n_links, sizeof(void *));
    cpu->links[cpu->n_links++] = link;
}

static int links_parse(struct xt_parse *parse, struct xml_node *node, void *object)
{
    struct xml_node *child;

    for (child = node->first; child; child = child->next) {
        struct numa_link *link;

        if (child->foreign || (!str_eq(child->name, "latency") && !str_eq(child->name, "bandwidth")))
            continue;
        link = ARENA_NEW(parse->arena, struct numa_link);
        link->is_bandwidth = str_eq(child->name, "bandwidth");
        if (xt_parse_node(parse, link_table(link), child, link) < 0)
            return -1;
        add_link(object, parse->arena, link);
    }
    return 0;
}

static void links_format(struct xt_format *format, const void *object)
{
    const struct cpu *cpu = object;

    if (!cpu->n_links)
        return;
    xt_format_line(format, "<interconnects>");
    format->indent += 2;
    for (size_t i = 0; i < cpu->n_links; i++)
        xt_format_node(format, link_table(cpu->links[i]), NULL, cpu->links[i]);
    format->indent -= 2;
    xt_format_line(format, "</interconnects>");
}

static void links_copy(struct arena *arena, void *to, const void *from)
{
    const struct cpu *cpu = from;

    for (size_t i = 0; i < cpu->n_links; i++) {
        struct numa_link *link = xt_copy(link_table(cpu->links[i]), arena, cpu->links[i]);

        link->is_bandwidth = cpu->links[i]->is_bandwidth;
        add_link(to, arena, link);
    }
}

static int links_compare(const void *source, const void *target, struct err *err)
{
    const struct cpu *was = source, *is = target;

    if (was->n_links != is->n_links)
        return err_set(err, ERR_CONFIG_UNSUPPORTED,
                       "Target NUMA interconnect count %zu does not match source %zu", is->n_links,
                       was->n_links);
    for (size_t i = 0; i < was->n_links; i++) {
        if (was->links[i]->is_bandwidth != is->links[i]->is_bandwidth)
            return err_set(err, ERR_CONFIG_UNSUPPORTED, "Target NUMA interconnect %zu does not match source",
                           i);
        if (xt_compare(link_table(was->links[i]), was->links[i], is->links[i], err) < 0)
            return -1;
    }
    return 0;
}

static const struct xt_hook links_hook = {
    .parse = links_parse,
    .format = links_format,
    .copy = links_copy,
    .compare = links_compare,
    .known = (const char *const[]){"latency", "latency/@initiator", "latency/@target", "latency/@cache",
                                   "latency/@type", "latency/@value", "bandwidth", "bandwidth/@initiator",
                                   "bandwidth/@target", "bandwidth/@cache", "bandwidth/@type",
                                   "bandwidth/@value", "bandwidth/@unit", NULL},
};

/* clang-format off */
#define T struct cpu
static int cpu_finish(struct xt_parse *parse, void *object);
XT_DEFINE(cpu_table, "cpu", cpu_finish,
    XT_ENUM(T, mode, "mode", cpu_mode_names, XT_ABI),
    XT_ENUM(T, match, "match", cpu_match_names, XT_ABI),
    XT_ENUM(T, check, "check", cpu_check_names, 0),
    XT_ATTR(T, migratable, "migratable", onoff, XT_ABI),
    XT_ATTR(T, deprecated_features, "deprecated_features", onoff, 0),
    XT_GROUP("model", 0,
        XT_ENUM(T, fallback, "fallback", cpu_fallback_names, 0),
        XT_ATTR(T, vendor_id, "vendor_id", str, XT_ABI),
        XT_OWN(T, model, str, XT_ABI)),
    XT_TEXT(T, vendor, "vendor", str, XT_ABI),
    XT_GROUP("topology", 0,
        XT_ATTR(T, topology.sockets, "sockets", u32, XT_REQUIRED | XT_ABI),
        XT_ATTR(T, topology.dies, "dies", u32, XT_ABI),
        XT_ATTR(T, topology.clusters, "clusters", u32, XT_ABI),
        XT_ATTR(T, topology.cores, "cores", u32, XT_REQUIRED | XT_ABI),
        XT_ATTR(T, topology.threads, "threads", u32, XT_REQUIRED | XT_ABI)),
    XT_GROUP("cache", 0,
        XT_ATTR(T, cache_level, "level", opt_u32, XT_ABI),
        XT_ENUM(T, cache, "mode", cpu_cache_mode_names, XT_REQUIRED | XT_ABI)),
    XT_GROUP("maxphysaddr", 0,
        XT_ENUM(T, phys_addr, "mode", phys_addr_mode_names, XT_REQUIRED | XT_ABI),
        XT_ATTR(T, phys_addr_bits, "bits", opt_u32, XT_ABI),
        XT_ATTR(T, phys_addr_limit, "limit", opt_u32, 0)),
    XT_LIST(T, features, n_features, "feature", cpu_feature_table, XT_ABI),
    XT_GROUP("numa", 0,
        XT_LIST(T, cells, n_cells, "cell", numa_cell_table, XT_ABI),
        XT_HOOK_ALL("interconnects", links_hook, XT_ABI)));
/* clang-format on */

static int cpu_finish(struct xt_parse *parse, void *object)
{
    return cpu_settle(object, parse->arena, parse->err);
}

bool cpu_has_model(const struct cpu *cpu)
{
    return cpu && (cpu->model || (cpu->mode && cpu->mode != CPU_CUSTOM));
}

void cpu_default_check(struct cpu *cpu, bool emulated, bool x86)
{
    if (cpu && cpu->mode == CPU_HOST_PASSTHROUGH && x86 && !cpu->migratable)
        cpu->migratable = TRI_ON;
    if (!cpu_has_model(cpu) || cpu->check)
        return;
    if (cpu->mode == CPU_HOST_MODEL)
        cpu->check = CPU_CHECK_PARTIAL;
    else if (cpu->mode == CPU_CUSTOM)
        cpu->check = emulated ? CPU_CHECK_NONE : CPU_CHECK_PARTIAL;
    else
        cpu->check = CPU_CHECK_NONE;
}

static int settle_model(struct cpu *cpu, struct err *err)
{
    bool named = cpu->model;

    /* without a model there is nothing to be custom, or to match */
    if (!named && cpu->mode == CPU_CUSTOM)
        cpu->mode = CPU_MODE_UNSET;
    if (!cpu->mode && named)
        cpu->mode = CPU_CUSTOM;
    if (cpu->mode == CPU_CUSTOM && named && !cpu->match)
        cpu->match = CPU_EXACT;
    if (cpu->mode != CPU_CUSTOM)
        cpu->match = CPU_MATCH_UNSET;
    if (named && !cpu->fallback)
        cpu->fallback = CPU_FALLBACK_ALLOW;
    if (!named)
        cpu->fallback = CPU_FALLBACK_UNSET; /* of what? */
    if (cpu->migratable && cpu->mode != CPU_HOST_PASSTHROUGH && cpu->mode != CPU_MAXIMUM)
        return err_set(err, ERR_XML_ERROR,
                       "Attribute migratable is only allowed for 'host-passthrough' / "
                       "'maximum' CPU mode");
    if (cpu->cache && cpu->cache_level.set && (cpu->cache_level.value < 1 || cpu->cache_level.value > 3))
        return err_set(err, ERR_XML_ERROR, "invalid CPU cache level, must be in range [1,3]");
    if (cpu->vendor && !named)
        return err_set(err, ERR_XML_ERROR, "CPU vendor specified without CPU model");
    if (cpu->vendor_id && (strlen(cpu->vendor_id) != 12 || strchr(cpu->vendor_id, ',')))
        return err_set(err, ERR_XML_ERROR,
                       "vendor_id must be exactly 12 characters long, without commas: '%s'", cpu->vendor_id);
    return 0;
}

static int settle_features(struct cpu *cpu, struct err *err)
{
    for (size_t i = 0; i < cpu->n_features; i++) {
        if (!cpu->features[i]->policy)
            cpu->features[i]->policy = CPU_REQUIRE;
        for (size_t j = 0; j < i; j++)
            if (str_eq(cpu->features[i]->name, cpu->features[j]->name))
                return err_set(err, ERR_XML_ERROR, "CPU feature '%s' specified more than once",
                               cpu->features[i]->name);
    }
    return 0;
}

/* Cells may come in any order, and without ids; afterwards cell n is at place n. */
static int settle_cells(struct cpu *cpu, struct arena *arena, struct err *err)
{
    struct numa_cell **sorted = ARENA_ARRAY(arena, struct numa_cell *, cpu->n_cells), *cell;
    struct bitmap seen = {.arena = arena};

    for (size_t i = 0; i < cpu->n_cells; i++) {
        cell = cpu->cells[i];
        if (!cell->id.set)
            cell->id = (struct opt_u32){(uint32_t)i, true};
        if (cell->id.value >= cpu->n_cells)
            return err_set_from(
                err, ERR_FROM_DOMAIN, ERR_XML_ERROR,
                "Exactly one 'cell' element per guest NUMA cell allowed, non-contiguous ranges or "
                "ranges not starting from 0 are not allowed");
        if (sorted[cell->id.value])
            return err_set_from(err, ERR_FROM_DOMAIN, ERR_XML_ERROR,
                                "Duplicate NUMA cell info for cell id '%u'", cell->id.value);
        if (cell->cpus && bitmap_overlaps(&seen, cell->cpus))
            return err_set_from(err, ERR_FROM_DOMAIN, ERR_XML_ERROR, "NUMA cells overlap in CPUs: cell '%u'",
                                cell->id.value);
        if (cell->cpus)
            bitmap_or(&seen, cell->cpus);
        sorted[cell->id.value] = cell;
    }
    for (size_t i = 0; i < cpu->n_cells; i++)
        cpu->cells[i] = sorted[i];
    return 0;
}

/* A distance given one way holds both ways; to itself it is 10, to others 20, when any is given. */
static int settle_distances(struct cpu *cpu, struct arena *arena, struct err *err)
{
    size_t n = cpu->n_cells;
    uint32_t *value = ARENA_ARRAY(arena, uint32_t, n * n), other;
    bool any = false;

    for (size_t i = 0; i < n; i++)
        for (size_t d = 0; d < cpu->cells[i]->n_distances; d++) {
            const struct numa_distance *distance = cpu->cells[i]->distances[d];

            if (distance->id.value >= n)
                return err_set(err, ERR_XML_ERROR,
                               "'sibling_id %u' does not refer to a valid cell within NUMA 'cell id %zu'",
                               distance->id.value, i);
            if (distance->value < 10 || distance->value > 255)
                return err_set(err, ERR_XML_ERROR,
                               "'value %u' is invalid for 'sibling id %u' under NUMA 'cell id %zu'",
                               distance->value, distance->id.value, i);
            value[i * n + distance->id.value] = distance->value;
            any = true;
        }
    if (!any)
        return 0;
    for (size_t i = 0; i < n; i++) {
        struct numa_cell *cell = cpu->cells[i];

        cell->n_distances = 0;
        cell->distances = NULL;
        for (size_t j = 0; j < n; j++) {
            struct numa_distance *distance = ARENA_NEW(arena, struct numa_distance);

            other = value[j * n + i];
            distance->id = (struct opt_u32){(uint32_t)j, true};
            distance->value = value[i * n + j] ? value[i * n + j] : other ? other : i == j ? 10 : 20;
            cell->distances = arena_grow(arena, cell->distances, cell->n_distances, sizeof(void *));
            cell->distances[cell->n_distances++] = distance;
        }
    }
    return 0;
}

enum { CELLS_MAX = 1024 };

int cpu_settle(struct cpu *cpu, struct arena *arena, struct err *err)
{
    if (cpu->n_cells > CELLS_MAX)
        return err_set(err, ERR_XML_ERROR, "%zu NUMA cells are more than %d", cpu->n_cells, (int)CELLS_MAX);
    if (cpu->topology.sockets && !cpu->topology.dies)
        cpu->topology.dies = 1;
    if (cpu->n_features && !cpu->model && (!cpu->mode || cpu->mode == CPU_CUSTOM))
        return err_set_from(err, ERR_FROM_CPU, ERR_XML_ERROR,
                            "Non-empty feature list specified without CPU model");
    if (settle_model(cpu, err) < 0 || settle_features(cpu, err) < 0)
        return -1;
    if (!cpu->n_cells)
        return 0;
    return settle_cells(cpu, arena, err) < 0 ? -1 : settle_distances(cpu, arena, err);
}

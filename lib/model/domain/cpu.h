/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cpu: the virtual processors' kind, how they are arranged, and the guest's NUMA cells. */
#pragma once

#include "xml/xt.h"

enum cpu_mode { CPU_MODE_UNSET, CPU_CUSTOM, CPU_HOST_MODEL, CPU_HOST_PASSTHROUGH, CPU_MAXIMUM, CPU_MODE_MAX };
extern const char *const cpu_mode_names[];

enum cpu_match { CPU_MATCH_UNSET, CPU_MINIMUM, CPU_EXACT, CPU_STRICT, CPU_MATCH_MAX };
extern const char *const cpu_match_names[];

enum cpu_check { CPU_CHECK_UNSET, CPU_CHECK_NONE, CPU_CHECK_PARTIAL, CPU_CHECK_FULL, CPU_CHECK_MAX };
extern const char *const cpu_check_names[];

enum cpu_fallback { CPU_FALLBACK_UNSET, CPU_FALLBACK_ALLOW, CPU_FALLBACK_FORBID, CPU_FALLBACK_MAX };
extern const char *const cpu_fallback_names[];

enum cpu_policy {
    CPU_POLICY_UNSET,
    CPU_FORCE,
    CPU_REQUIRE,
    CPU_OPTIONAL,
    CPU_DISABLE,
    CPU_FORBID,
    CPU_POLICY_MAX
};
extern const char *const cpu_policy_names[];

enum cpu_cache_mode {
    CPU_CACHE_UNSET,
    CPU_CACHE_EMULATE,
    CPU_CACHE_PASSTHROUGH,
    CPU_CACHE_DISABLE,
    CPU_CACHE_MAX
};
extern const char *const cpu_cache_mode_names[];

enum phys_addr_mode { PHYS_ADDR_UNSET, PHYS_ADDR_EMULATE, PHYS_ADDR_PASSTHROUGH, PHYS_ADDR_MODE_MAX };
extern const char *const phys_addr_mode_names[];

enum memory_access { MEMORY_ACCESS_UNSET, MEMORY_SHARED, MEMORY_PRIVATE, MEMORY_ACCESS_MAX };
extern const char *const memory_access_names[];

struct cpu_feature {
    enum cpu_policy policy;
    char *name;
};

struct numa_distance {
    struct opt_u32 id;
    uint32_t value; /* 10 (itself) to 255 (unreachable) */
};

struct numa_cache {
    uint32_t level;
    char *associativity, *policy;
    uint64_t size, line; /* KiB; bytes */
};

struct numa_cell {
    struct opt_u32 id;
    struct bitmap *cpus;
    uint64_t memory; /* KiB */
    enum memory_access access;
    enum tristate discard; /* yes, no */
    struct numa_distance **distances;
    size_t n_distances;
    struct numa_cache **caches;
    size_t n_caches;
};

/* <latency>, or <bandwidth>. */
struct numa_link {
    bool is_bandwidth;
    struct opt_u32 initiator, target, cache;
    char *type;
    uint64_t value; /* ns; KiB/s */
};

struct cpu {
    enum cpu_mode mode;
    enum cpu_match match;
    enum cpu_check check;
    enum tristate migratable;          /* on, off */
    enum tristate deprecated_features; /* on, off */
    char *model, *vendor_id, *vendor;
    enum cpu_fallback fallback;
    struct {
        uint32_t sockets, dies, clusters, cores, threads; /* sockets 0: no topology */
    } topology;
    struct opt_u32 cache_level;
    enum cpu_cache_mode cache;
    enum phys_addr_mode phys_addr;
    struct opt_u32 phys_addr_bits, phys_addr_limit;
    struct cpu_feature **features;
    size_t n_features;
    struct numa_cell **cells;
    size_t n_cells;
    struct numa_link **links; /* of both kinds, in the document's order */
    size_t n_links;
};
XT_DECLARE(cpu_table, struct cpu);

/* The defaults that need only the element itself; called for each <cpu> read. */
int cpu_settle(struct cpu *cpu, struct arena *arena, struct err *err);
/* What check and migratable are when not given: a CPU that is emulated needn't fit the host. cpu may be NULL.
 */
void cpu_default_check(struct cpu *cpu, bool emulated, bool x86);
/* Does <cpu> say anything about the model (and not only about arrangement)? */
bool cpu_has_model(const struct cpu *cpu);

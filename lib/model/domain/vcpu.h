/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Vcpu: the number of virtual CPUs and I/O threads, and how the host schedules them. */
#pragma once

#include "xml/xt.h"

enum placement { PLACEMENT_UNSET, PLACEMENT_STATIC, PLACEMENT_AUTO, PLACEMENT_MAX };
extern const char *const placement_names[];

enum sched_policy {
    SCHED_UNSET,
    SCHED_POLICY_BATCH,
    SCHED_POLICY_IDLE,
    SCHED_POLICY_FIFO,
    SCHED_POLICY_RR,
    SCHED_POLICY_MAX
};
extern const char *const sched_policy_names[];

enum { VCPUS_MAX = 16384, IOTHREADS_MAX = 65536 };

/* One virtual CPU whose state is told apart from the others'. */
struct vcpu {
    struct opt_u32 id;
    enum tristate enabled, hotpluggable; /* yes, no */
    uint32_t order;                      /* in which they were plugged; 0: at start */
};

struct iothread {
    uint32_t id;
    struct opt_u32 pool_min, pool_max;
    bool poll;
    struct opt_u64 poll_max, poll_grow, poll_shrink;
    struct opt_u32 poll_weight;
};

/* The threads of vCPU or I/O thread `id` run on these host CPUs. */
struct pin {
    struct opt_u32 id;
    struct bitmap *cpus;
};

struct sched {
    struct bitmap *ids; /* of vCPUs or I/O threads; NULL for the emulator */
    enum sched_policy policy;
    struct opt_i32 priority; /* fifo, rr */
};

/* Shares of cache and memory bandwidth (resctrl). Sizes in bytes. */
struct cache_share {
    struct opt_u32 id;
    uint32_t level;
    char *type;
    uint64_t size;
};
struct cache_monitor {
    uint32_t level;
    struct bitmap *vcpus;
};
struct cachetune {
    struct bitmap *vcpus;
    char *id; /* live */
    struct cache_share **shares;
    size_t n_shares;
    struct cache_monitor **monitors;
    size_t n_monitors;
};
struct bandwidth_share {
    struct opt_u32 id;
    uint32_t bandwidth; /* percent */
};
struct memorytune {
    struct bitmap *vcpus;
    char *id; /* live */
    struct bandwidth_share **nodes;
    size_t n_nodes;
    struct cache_monitor **monitors;
    size_t n_monitors;
};

struct energytune {
    struct bitmap *vcpus;
    char *id; /* live */
    struct cache_monitor **monitors;
    size_t n_monitors;
};

/* Times in microseconds; quota -1: unlimited. */
struct cputune {
    struct opt_u64 shares;
    uint64_t period, global_period, emulator_period, iothread_period;
    struct opt_i64 quota, global_quota, emulator_quota, iothread_quota;
    struct pin **vcpupins;
    size_t n_vcpupins;
    struct bitmap *emulatorpin;
    struct pin **iothreadpins;
    size_t n_iothreadpins;
    struct sched **vcpuscheds;
    size_t n_vcpuscheds;
    struct sched **iothreadscheds;
    size_t n_iothreadscheds;
    struct sched *emulatorsched;
    struct cachetune **cachetunes;
    size_t n_cachetunes;
    struct memorytune **memorytunes;
    size_t n_memorytunes;
    struct energytune **energytunes;
    size_t n_energytunes;
};

struct vcpus {
    uint32_t max;     /* text of <vcpu> */
    uint32_t current; /* online at start; 0: all. See vcpus_online() */
    enum placement placement;
    struct bitmap *cpus; /* host CPUs that they may use */
    struct vcpu **each;  /* <vcpus>; none: nothing told apart */
    size_t n_each;
    /* Those of <iothreadids> first, then as many as <iothreads> asks for; n_iothreadids are shown: all or
     * none. */
    struct iothread **iothreads;
    size_t n_iothreads, n_iothreadids;
    struct opt_u32 iothreads_given;
    struct opt_u32 default_pool_min, default_pool_max; /* <defaultiothread> */
    struct cputune tune;
};
XT_DECLARE_ROWS(vcpus_table, struct vcpus);

/* How many are online at start. */
static inline uint32_t vcpus_online(const struct vcpus *vcpus)
{
    return vcpus->current ? vcpus->current : vcpus->max;
}
int vcpus_settle(struct vcpus *vcpus, struct arena *arena, struct err *err);
int vcpus_check(const struct vcpus *vcpus, struct err *err);
/* A copy has only what the document shows; this adds the I/O threads that only the number asks for. */
void vcpus_fill_iothreads(struct vcpus *vcpus, struct arena *arena);
/* Add one, or forget one that exists; the document then shows ids. */
struct iothread *vcpus_add_iothread(struct vcpus *vcpus, struct arena *arena, uint32_t id);
void vcpus_drop_iothread(struct vcpus *vcpus, uint32_t id);
struct iothread *vcpus_iothread(const struct vcpus *vcpus, uint32_t id);
/* The pin of a vCPU, or NULL. */
struct pin *vcpus_pin(const struct vcpus *vcpus, uint32_t vcpu);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods that count: bulk statistics, blocks, interfaces, memory, processors. None takes a job. */
#define ERR_FROM ERR_FROM_QEMU
#include <errno.h>
#include <stdio.h>

#include "base/bitmap.h"
#include "base/str.h"
#include "base/time.h"
#include "host/cgroup.h"
#include "host/tap.h"
#include "model/domain/domain.h"
#include "virtqemud/definition.h"
#include "virtqemud/limits.h"
#include "virtqemud/method.h"
#include "virtqemud/process.h"
#include "virtqemud/qemud.h"
#include "virtqemud/stats.h"
#include "virtqemud/vcpu.h"

/* A QEMU that works answers within a millisecond or two; one that is busy gets this long, once for all
 * machines. */
static const uint64_t bulk_wait = MILLISECONDS(500);
static const uint64_t single_wait = SECONDS(10);

enum {
    STATS_KNOWN = API_DOMAIN_STATS_STATE | API_DOMAIN_STATS_CPU_TOTAL | API_DOMAIN_STATS_BALLOON |
                  API_DOMAIN_STATS_VCPU | API_DOMAIN_STATS_INTERFACE | API_DOMAIN_STATS_BLOCK |
                  API_DOMAIN_STATS_PERF | API_DOMAIN_STATS_IOTHREAD | API_DOMAIN_STATS_MEMORY |
                  API_DOMAIN_STATS_DIRTYRATE | API_DOMAIN_STATS_VM,
    BULK_FILTERS = API_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | API_CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE |
                   API_CONNECT_GET_ALL_DOMAINS_STATS_PERSISTENT |
                   API_CONNECT_GET_ALL_DOMAINS_STATS_TRANSIENT | API_CONNECT_GET_ALL_DOMAINS_STATS_RUNNING |
                   API_CONNECT_GET_ALL_DOMAINS_STATS_PAUSED | API_CONNECT_GET_ALL_DOMAINS_STATS_SHUTOFF |
                   API_CONNECT_GET_ALL_DOMAINS_STATS_OTHER,
};

static int m_bulk(struct req *rq, struct client *client,
                  const struct remote_connect_get_all_domain_stats_in *in,
                  struct remote_connect_get_all_domain_stats_out *out)
{
    const unsigned enforce = API_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS;
    unsigned groups = in->stats ? in->stats : STATS_KNOWN;
    struct found_domains list;
    struct stats *stats;
    uint64_t deadline;

    if (method_flags(rq, in->flags,
                     BULK_FILTERS | enforce | API_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT |
                         API_CONNECT_GET_ALL_DOMAINS_STATS_BACKING) < 0)
        return -1;
    if (in->flags & enforce && groups & ~(unsigned)STATS_KNOWN)
        return err_set(&rq->err, ERR_ARGUMENT_UNSUPPORTED,
                       "Stats types bits 0x%x are not supported by this daemon or QEMU",
                       groups & ~(unsigned)STATS_KNOWN);
    list = in->doms.n ? method_find_named(rq, in->doms.v, in->doms.n, "read")
                      : method_find(rq, in->flags & BULK_FILTERS, "read");
    stats = ARENA_ARRAY(&rq->arena, struct stats, list.count + 1);
    for (uint32_t i = 0; i < list.count; i++) {
        struct vm *vm = vms_find_uuid(qemud.vms, list.v[i].uuid, list.v[i].name, NULL);

        if (!vm)
            continue;
        stats_ask(rq, &stats[i], vm, stats_questions(groups));
        vm_unref(vm);
    }
    deadline = time_monotonic() + bulk_wait;
    out->ret_stats.v = ARENA_ARRAY(&rq->arena, struct wire_domain_stats_record, list.count + 1);
    for (uint32_t i = 0; i < list.count; i++) {
        struct params params = {.arena = &rq->arena};
        auto_arena struct arena arena = {0}; /* a definition may be large, and only its numbers are kept */
        const struct domain *domain;

        if (!stats[i].vm)
            continue;
        stats_await(rq, &stats[i], deadline);
        domain = stats_run(&stats[i]) ? stats_run(&stats[i])->domain : NULL;
        if (!domain && vm_is_persistent(stats[i].vm))
            domain = definition_load(rq, stats[i].vm, &arena);
        if (domain) {
            struct wire_domain_stats_record *record = &out->ret_stats.v[out->ret_stats.n++];

            record->dom = list.v[i];
            stats_groups(rq, &stats[i], domain, groups, &params);
            record->params.v = params.v;
            record->params.n = params.n;
        } else {
            err_clear(&rq->err); /* gone, or broken by hand: the others count */
        }
        stats_done(&stats[i]);
    }
    return 0;
}

/* ---- one machine ---- */

/* Ask one machine and wait; it must run. The caller ends with stats_done in every case. */
static int ask_one(struct req *rq, struct vm *vm, unsigned ask, struct stats *stats)
{
    if (vm_check_active(rq, vm) < 0 || !vm_monitor(rq, vm))
        return -1;
    stats_ask(rq, stats, vm, ask);
    stats_await(rq, stats, time_monotonic() + single_wait);
    return stats_run(stats) ? 0 : vm_check_active(rq, vm);
}

static const struct disk *find_disk(struct req *rq, const struct domain *domain, const char *path)
{
    for (size_t i = 0; i < domain->devices.n_disks; i++) {
        const struct disk *disk = domain->devices.disks[i];

        if (str_eq(disk->dst, path) || (*path && str_eq(disk->src.path, path)))
            return disk;
    }
    err_set(&rq->err, ERR_INVALID_ARG, "invalid path: %s", path);
    return NULL;
}

/* The same in other words, which scripts know, too. */
static const struct disk *find_assigned(struct req *rq, const struct domain *domain, const char *path)
{
    auto_err struct err err = {0};
    const struct disk *disk = find_disk(rq, domain, path);

    if (disk)
        return disk;
    err_move(&err, &rq->err);
    err_set(&rq->err, ERR_INVALID_ARG, "invalid path %s not assigned to domain", path);
    return NULL;
}

/* The sum over one disk, or over all for path "". Negative with rq->err set. */
static int count_blocks(struct req *rq, struct vm *vm, const char *path, const char *const *counters,
                        uint64_t *sums, size_t count)
{
    CLEANUP(stats_done) struct stats stats = {0};
    const struct domain *domain;
    const struct disk *only = NULL;
    bool any = false;

    if (vm_check_active(rq, vm) < 0)
        return -1;
    if (*path && !find_disk(rq, vm->run->domain, path))
        return -1;
    if (ask_one(rq, vm, STATS_ASK_BLOCKSTATS, &stats) < 0)
        return -1;
    domain = stats_run(&stats)->domain;
    if (*path && !(only = find_disk(rq, domain, path)))
        return -1;
    for (size_t i = 0; i < domain->devices.n_disks; i++) {
        struct json_object *entry;

        if (only && only != domain->devices.disks[i])
            continue;
        entry = json_get(stats_of_disk(&stats, STATS_ASK_BLOCKSTATS, domain->devices.disks[i]), "stats");
        any |= entry != NULL;
        for (size_t k = 0; k < count; k++)
            sums[k] += json_uint(entry, counters[k], 0);
    }
    if (!any && domain->devices.n_disks)
        return err_set(&rq->err, ERR_OPERATION_FAILED, "no statistics of disk '%s' of domain '%s' from QEMU",
                       path, vm->name);
    return 0;
}

static int m_block_stats(struct req *rq, struct vm *vm, const struct remote_domain_block_stats_in *in,
                         struct remote_domain_block_stats_out *out)
{
    static const char *const counters[] = {"rd_operations", "rd_bytes", "wr_operations", "wr_bytes"};
    uint64_t sums[ARRAY_SIZE(counters)] = {0};

    if (count_blocks(rq, vm, in->path, counters, sums, ARRAY_SIZE(counters)) < 0)
        return -1;
    out->rd_req = (int64_t)sums[0];
    out->rd_bytes = (int64_t)sums[1];
    out->wr_req = (int64_t)sums[2];
    out->wr_bytes = (int64_t)sums[3];
    out->errs = -1; /* QEMU has no such number */
    return 0;
}

static int m_block_stats_flags(struct req *rq, struct vm *vm,
                               const struct remote_domain_block_stats_flags_in *in,
                               struct remote_domain_block_stats_flags_out *out)
{
    static const char *const names[] = {"wr_bytes",       "wr_operations",    "rd_bytes",
                                        "rd_operations",  "flush_operations", "wr_total_times",
                                        "rd_total_times", "flush_total_times"};
    static const char *const counters[] = {"wr_bytes",         "wr_operations",      "rd_bytes",
                                           "rd_operations",    "flush_operations",   "wr_total_time_ns",
                                           "rd_total_time_ns", "flush_total_time_ns"};
    uint64_t sums[ARRAY_SIZE(counters)] = {0};
    struct params params = {.arena = &rq->arena};

    if (method_flags(rq, in->flags, PARAM_STRING_OKAY) < 0 ||
        count_blocks(rq, vm, in->path, counters, sums, ARRAY_SIZE(counters)) < 0)
        return -1;
    out->nparams = ARRAY_SIZE(names);
    if (!in->nparams)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(names) && (int64_t)i < in->nparams; i++)
        params_long(&params, (int64_t)sums[i], "%s", names[i]);
    out->params.v = params.v;
    out->params.n = params.n;
    out->nparams = (int32_t)params.n;
    return 0;
}

static int m_block_info(struct req *rq, struct vm *vm, const struct remote_domain_get_block_info_in *in,
                        struct remote_domain_get_block_info_out *out)
{
    CLEANUP(stats_done) struct stats stats = {0};
    const struct domain *domain = vm->run ? vm->run->domain : definition_load(rq, vm, &rq->arena);
    const struct disk *disk;
    struct json_object *image;
    struct image_size size;

    if (method_flags(rq, in->flags, 0) < 0 || !domain || !(disk = find_assigned(rq, domain, in->path)))
        return -1;
    if (!disk->src.path && disk->src.type != STORAGE_NETWORK)
        return err_set(&rq->err, ERR_INVALID_ARG, "disk '%s' does not currently have a source assigned",
                       in->path);
    if (vm->run && (disk->src.format != FORMAT_RAW || disk->src.type != STORAGE_FILE)) {
        if (ask_one(rq, vm, STATS_ASK_BLOCK, &stats) < 0 ||
            !(disk = find_disk(rq, stats_run(&stats)->domain, in->path)))
            return -1;
        image = json_get(json_get(stats_of_disk(&stats, STATS_ASK_BLOCK, disk), "inserted"), "image");
        out->capacity = json_uint(image, "virtual-size", 0);
        out->allocation = out->physical = json_uint(image, "actual-size", 0);
        if (disk->src.type != STORAGE_FILE && disk->src.type != STORAGE_BLOCK)
            return 0;
    }
    /* what the file system says is newer than what QEMU has cached */
    if (stats_image(disk, &size, out->capacity ? NULL : &rq->err) < 0)
        return out->capacity ? 0 : -1;
    if (!out->capacity)
        out->capacity = size.capacity;
    out->allocation = size.allocation;
    out->physical = size.physical;
    return 0;
}

static int m_interface_stats(struct req *rq, struct vm *vm, const struct remote_domain_interface_stats_in *in,
                             struct remote_domain_interface_stats_out *out)
{
    const struct devices *devices;
    const struct iface *iface = NULL;
    struct iface_stats host;
    char mac[MAC_TEXT];

    if (vm_check_active(rq, vm) < 0)
        return -1;
    devices = &vm->run->domain->devices;
    for (size_t i = 0; i < devices->n_ifaces && !iface; i++)
        if (str_eq(devices->ifaces[i]->target, in->device) ||
            str_eq_nocase(mac_format(&devices->ifaces[i]->mac, mac), in->device))
            iface = devices->ifaces[i];
    if (!iface)
        return err_set(&rq->err, ERR_INVALID_ARG, "'%s' is not a known interface", in->device);
    if (!iface->target)
        return err_set(&rq->err, ERR_OPERATION_INVALID,
                       "interface '%s' has no device on the host that counts", in->device);
    if (iface_get_stats(iface->target, &host, &rq->err) < 0)
        return -1;
    /* the other end of a tap: what the guest sends is received by the host */
    if (iface->type != IFACE_DIRECT)
        host = (struct iface_stats){host.tx_bytes, host.tx_packets, host.tx_errs, host.tx_drop,
                                    host.rx_bytes, host.rx_packets, host.rx_errs, host.rx_drop};
    *out = (struct remote_domain_interface_stats_out){
        .rx_bytes = (int64_t)host.rx_bytes,
        .rx_packets = (int64_t)host.rx_packets,
        .rx_errs = (int64_t)host.rx_errs,
        .rx_drop = (int64_t)host.rx_drop,
        .tx_bytes = (int64_t)host.tx_bytes,
        .tx_packets = (int64_t)host.tx_packets,
        .tx_errs = (int64_t)host.tx_errs,
        .tx_drop = (int64_t)host.tx_drop,
    };
    return 0;
}

static int m_memory_stats(struct req *rq, struct vm *vm, const struct remote_domain_memory_stats_in *in,
                          struct remote_domain_memory_stats_out *out)
{
    /* the order in which they are told */
    static const uint8_t order[] = {
        API_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON,
        API_DOMAIN_MEMORY_STAT_SWAP_IN,
        API_DOMAIN_MEMORY_STAT_SWAP_OUT,
        API_DOMAIN_MEMORY_STAT_MAJOR_FAULT,
        API_DOMAIN_MEMORY_STAT_MINOR_FAULT,
        API_DOMAIN_MEMORY_STAT_UNUSED,
        API_DOMAIN_MEMORY_STAT_AVAILABLE,
        API_DOMAIN_MEMORY_STAT_USABLE,
        API_DOMAIN_MEMORY_STAT_LAST_UPDATE,
        API_DOMAIN_MEMORY_STAT_DISK_CACHES,
        API_DOMAIN_MEMORY_STAT_HUGETLB_PGALLOC,
        API_DOMAIN_MEMORY_STAT_HUGETLB_PGFAIL,
        API_DOMAIN_MEMORY_STAT_RSS,
    };
    CLEANUP(stats_done) struct stats stats = {0};
    struct memory_stats memory;

    if (method_flags(rq, in->flags, 0) < 0 || ask_one(rq, vm, STATS_ASK_BALLOON, &stats) < 0)
        return -1;
    stats_memory(&stats, &memory);
    out->stats.v = ARENA_ARRAY(&rq->arena, struct wire_domain_memory_stat, ARRAY_SIZE(order));
    for (size_t i = 0; i < ARRAY_SIZE(order) && out->stats.n < in->max_stats; i++)
        if (memory.known[order[i]])
            out->stats.v[out->stats.n++] = (struct wire_domain_memory_stat){order[i], memory.value[order[i]]};
    return 0;
}

/* ---- processors ---- */

/* All host CPUs together. */
static int cpu_total(struct req *rq, struct vm *vm, struct params *params)
{
    struct cpu_times times;

    if (qemud.privileged && !limits_has(vm->run, CGROUP_CPUACCT))
        return err_set(&rq->err, ERR_OPERATION_INVALID, "cgroup CPUACCT controller is not mounted");

    if (!stats_cpu(vm->run, &times))
        return err_set(&rq->err, ERR_OPERATION_FAILED, "cannot read the CPU time of domain '%s'", vm->name);
    params_ulong(params, times.total, "cpu_time");
    params_ulong(params, times.user, "user_time");
    params_ulong(params, times.system, "system_time");
    return 0;
}

/* What the vCPUs alone used of each host CPU. */
static void add_vcpu_times(const struct run *run, uint64_t *sums, size_t count)
{
    for (unsigned i = 0; i < run->count_vcpus; i++) {
        auto_cgroup struct cgroup group = {0};
        auto_free uint64_t *times = NULL;
        size_t found = 0;
        char name[32];

        snprintf(name, sizeof(name), "vcpu%u", i);
        if (cgroup_child(&run->limits->machine, name, CGROUP_FIND_THREADS, &group) < 0 ||
            cgroup_get_percpu(&group, &times, &found) < 0)
            continue;
        for (size_t cpu = 0; cpu < found && cpu < count; cpu++)
            sums[cpu] += times[cpu];
    }
}

/*
 * With start_cpu -1 the sum, else one set of parameters for each of ncpus host CPUs. nparams 0 asks how many
 * parameters a set has, ncpus 0 how many CPUs there are.
 */
static int m_cpu_stats(struct req *rq, struct vm *vm, const struct remote_domain_get_cpu_stats_in *in,
                       struct remote_domain_get_cpu_stats_out *out)
{
    enum { PER_CPU_PARAMS = 2 };
    struct params params = {.arena = &rq->arena};
    auto_free uint64_t *times = NULL;
    uint64_t *vcpu_times;
    size_t count = 0;
    int r;

    if (method_flags(rq, in->flags, PARAM_STRING_OKAY) < 0 || vm_check_active(rq, vm) < 0)
        return -1;
    if (in->start_cpu == -1) {
        if (cpu_total(rq, vm, &params) < 0)
            return -1;
        out->nparams = (int32_t)params.n;
        if (in->nparams) {
            out->params.v = params.v;
            out->params.n = params.n < in->nparams ? params.n : in->nparams;
            out->nparams = (int32_t)out->params.n;
        }
        return 0;
    }
    r = vm->run->limits ? cgroup_get_percpu(&vm->run->limits->machine, &times, &count) : -ENODEV;
    if (r < 0)
        return err_set(&rq->err, ERR_OPERATION_INVALID, "cgroup CPUACCT controller is not mounted");
    if (!in->ncpus) {
        out->nparams = (int32_t)count;
        return 0;
    }
    out->nparams = PER_CPU_PARAMS;
    if (!in->nparams)
        return 0;
    if (in->start_cpu < 0 || (size_t)in->start_cpu >= count)
        return err_set(&rq->err, ERR_INVALID_ARG, "start_cpu %d larger than maximum of %zu", in->start_cpu,
                       count - 1);
    vcpu_times = ARENA_ARRAY(&rq->arena, uint64_t, count);
    add_vcpu_times(vm->run, vcpu_times, count);
    for (uint32_t i = 0; i < in->ncpus && in->start_cpu + i < count; i++) {
        params_ulong(&params, times[in->start_cpu + i], "cpu_time");
        if (in->nparams >= PER_CPU_PARAMS)
            params_ulong(&params, vcpu_times[in->start_cpu + i], "vcpu_time");
    }
    out->nparams = (int32_t)(in->nparams < PER_CPU_PARAMS ? in->nparams : PER_CPU_PARAMS);
    out->params.v = params.v;
    out->params.n = params.n;
    return 0;
}

const struct method stats_methods[] = {
    METHOD(remote, CONNECT_GET_ALL_DOMAIN_STATS, m_bulk),
    METHOD(remote, DOMAIN_BLOCK_STATS, m_block_stats),
    METHOD(remote, DOMAIN_BLOCK_STATS_FLAGS, m_block_stats_flags),
    METHOD(remote, DOMAIN_GET_BLOCK_INFO, m_block_info),
    METHOD(remote, DOMAIN_GET_CPU_STATS, m_cpu_stats),
    METHOD(remote, DOMAIN_INTERFACE_STATS, m_interface_stats),
    METHOD(remote, DOMAIN_MEMORY_STATS, m_memory_stats),
    {0},
};

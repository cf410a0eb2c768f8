/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Limits at start: groups are made and QEMU is moved on a worker thread (a move waits for the kernel's other
 * processors, some 15 ms) while QEMU starts. When its vCPUs and iothreads are known they get groups of their
 * own, and what the definition says is written. Moves of one burst share that wait.
 */
#define ERR_FROM ERR_FROM_CGROUP
#include <errno.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/log.h"
#include "host/memory.h"
#include "loop/work.h"
#include "model/domain/domain.h"
#include "virtqemud/limits.h"
#include "virtqemud/limits-devices.h"
#include "virtqemud/qemud.h"
#include "virtqemud/scope.h"

/* All that the worker needs, and what it makes: nothing of the run. */
struct placing {
    pid_t pid;
    char *path; /* NULL: the unit that systemd gave it */
    struct placed_thread {
        pid_t id;
        char group[32];
    } * threads;
    unsigned count_threads;
    char **devices; /* paths, "r" or "w" before each; NULL at the end */
    struct limits *limits;
};

static void placing_release(void *arg)
{
    struct placing *placing = arg;

    if (placing->limits) {
        cgroup_done(&placing->limits->unit);
        cgroup_done(&placing->limits->machine);
        free(placing->limits);
    }
    for (char **device = placing->devices; device && *device; device++)
        free(*device);
    free(placing->devices);
    free(placing->threads);
    free(placing->path);
    free(placing);
}

static int place_thread(const struct cgroup *machine, const char *name, pid_t thread)
{
    auto_cgroup struct cgroup group = {0};
    int r = cgroup_child(machine, name, CGROUP_MAKE_THREADS, &group);

    /* a thread that has ended meanwhile needs no place */
    r = r < 0 ? r : cgroup_add_thread(&group, thread);
    return r == -ESRCH ? 0 : r;
}

/* v1: nothing but these devices. A path that isn't there needs no rule. */
static int place_devices(const struct placing *placing)
{
    const struct cgroup *machine = &placing->limits->machine;
    int r = cgroup_has(machine, CGROUP_DEVICES) ? cgroup_device(machine, false, "a") : -ENODEV;

    if (r < 0)
        return r == -ENODEV ? 0 : r;
    r = cgroup_device(machine, true, "c 136:* rw"); /* pseudo terminals */
    for (char **device = placing->devices; r == 0 && *device; device++) {
        bool writes = **device == 'w';
        struct stat status;

        if (stat(*device + 1, &status) == 0 && (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode))) {
            char rule[64];

            snprintf(rule, sizeof(rule), "%c %u:%u %s", S_ISBLK(status.st_mode) ? 'b' : 'c',
                     major(status.st_rdev), minor(status.st_rdev), writes ? "rw" : "r");
            r = cgroup_device(machine, true, rule);
        }
    }
    return r;
}

/*
 * v2 hands controllers on only when nobody stands in the group itself: move, then make again. In the end QEMU
 * stands with the emulator's threads, so that those that it makes from now on are born there.
 */
static int place_process(void *arg)
{
    struct placing *placing = arg;
    struct limits *limits = placing->limits;
    auto_cgroup struct cgroup emulator = {0};
    int r = cgroup_make_path("", placing->pid, placing->path, &limits->unit);

    for (int turn = 0; r == 0 && turn < 2; turn++) {
        cgroup_done(&limits->machine);
        r = cgroup_child(&limits->unit, "libvirt", CGROUP_MAKE, &limits->machine);
        if (r == 0 && turn == 0)
            r = cgroup_add_process(&limits->machine, placing->pid);
    }
    if (r == 0)
        r = cgroup_child(&limits->machine, "emulator", CGROUP_MAKE_THREADS, &emulator);
    return r < 0 ? r : cgroup_add_process(&emulator, placing->pid);
}

/* Those that aren't the emulator's. The machine's groups are there already. */
static int place_threads(void *arg)
{
    struct placing *placing = arg;
    int r = limits_of_process(placing->pid, placing->limits);

    for (unsigned i = 0; r == 0 && i < placing->count_threads; i++)
        r = place_thread(&placing->limits->machine, placing->threads[i].group, placing->threads[i].id);
    return r < 0 ? r : place_devices(placing);
}

static void add_thread(struct placing *placing, const char *kind, unsigned number, pid_t id)
{
    struct placed_thread *thread = &placing->threads[placing->count_threads];

    if (!id)
        return;
    thread->id = id;
    snprintf(thread->group, sizeof(thread->group), "%s%u", kind, number);
    placing->count_threads++;
}

static struct placing *placing_new(const struct run *run)
{
    struct placing *placing = NEW(struct placing);

    placing->pid = run->pid;
    if (!run->machine_name)
        placing->path = mem_printf("/machine/qemu-%d-%s.libvirt-qemu", run->vm->id, run->vm->name);
    placing->threads = NEW_ARRAY(struct placed_thread, run->count_vcpus + run->count_iothreads + 1);
    for (unsigned i = 0; i < run->count_vcpus; i++)
        add_thread(placing, "vcpu", i, run->vcpus[i].thread);
    for (unsigned i = 0; i < run->count_iothreads; i++)
        add_thread(placing, "iothread", run->iothreads[i].id, run->iothreads[i].thread);
    placing->devices = limits_devices(run->domain);
    placing->limits = NEW(struct limits);
    return placing;
}

/* ---- while QEMU starts ---- */

struct early {
    struct req rq;
    struct vm *vm;
    struct run *run; /* valid while it is the vm's */
};

static void early_main(struct req *rq, void *arg)
{
    struct early *early = arg;
    struct vm *vm = early->vm;
    int r;

    scope_await(rq, vm);
    if (vm->run != early->run)
        return;
    r = work_run(rq, place_process, placing_release, placing_new(vm->run), SECONDS(30), "the control groups");
    if (vm->run == early->run)
        wait_wake(&vm->run->placed, r);
}

static void early_done(struct req *rq, void *arg)
{
    struct early *early = arg;

    vm_unref(early->vm);
    arena_done(&rq->arena);
    err_clear(&rq->err);
    free(early);
}

void limits_place(struct vm *vm)
{
    struct early *early;

    if (!qemud.privileged)
        return;
    early = NEW(struct early);
    *early = (struct early){.rq.name = "place", .vm = vm_ref(vm), .run = vm->run};
    vm->run->placing = true;
    fiber_start(&early->rq, early_main, early_done, early);
}

int limits_await(struct req *rq, struct run *run)
{
    return run->placing ? fiber_await(rq, &run->placed, SECONDS(45), "the control groups") : -ENODEV;
}

/* ---- what the definition says ---- */

struct cpu_limit limits_model_bandwidth(const struct cputune *tune, enum limits_threads threads)
{
    static const struct cpu_limit none;

    switch (threads) {
    case LIMITS_GLOBAL:
        return (struct cpu_limit){tune->global_period, tune->global_quota.value};
    case LIMITS_VCPU:
        return (struct cpu_limit){tune->period, tune->quota.value};
    case LIMITS_EMULATOR:
        return (struct cpu_limit){tune->emulator_period, tune->emulator_quota.value};
    case LIMITS_IOTHREAD:
        return (struct cpu_limit){tune->iothread_period, tune->iothread_quota.value};
    default:
        return none;
    }
}

static bool wants_bandwidth(const struct cputune *tune)
{
    for (int i = 0; i < LIMITS_THREADS_MAX; i++) {
        struct cpu_limit bandwidth = limits_model_bandwidth(tune, (enum limits_threads)i);

        if (bandwidth.period || bandwidth.quota)
            return true;
    }
    return false;
}

static bool wants_memory(const struct memtune *tune)
{
    return tune->hard_limit.set || tune->soft_limit.set || tune->swap_hard_limit.set;
}

/* Devices of the host reach all of a guest's memory, so it stays where it is. */
static bool gives_devices(const struct devices *devices)
{
    for (size_t i = 0; i < devices->n_hostdevs; i++)
        if (devices->hostdevs[i]->type == HOSTDEV_PCI || devices->hostdevs[i]->type == HOSTDEV_MDEV)
            return true;
    for (size_t i = 0; i < devices->n_disks; i++)
        if (devices->disks[i]->src.type == STORAGE_NVME)
            return true;
    return false;
}

uint64_t limits_locked_memory(const struct domain *domain)
{
    enum { KIB = 1024, REST_KIB = 1 << 20 }; /* what devices have beside the guest's memory */
    const struct opt_u64 *hard = &domain->memtune.hard_limit;

    if (hard->set)
        return hard->value * KIB;
    if (domain->backing.locked)
        return UINT64_MAX;
    return gives_devices(&domain->devices) ? (domain->memory.total + REST_KIB) * KIB : 0;
}

int limits_memory_policy(const struct domain *domain)
{
    static const int policies[NUMA_MODE_MAX] = {
        [NUMA_STRICT] = MPOL_BIND, [NUMA_PREFERRED] = MPOL_PREFERRED, [NUMA_INTERLEAVE] = MPOL_INTERLEAVE};

    return domain->numatune.nodes ? policies[domain->numatune.mode] : 0;
}

int limits_check(const struct domain *domain, struct err *err)
{
    const char *what = NULL;

    if (!qemud.privileged) {
        if (wants_memory(&domain->memtune))
            what = "Memory tuning is";
        else if (domain->blkiotune.weight)
            what = "Block I/O tuning is";
        else if (domain->vcpus.tune.shares.set || wants_bandwidth(&domain->vcpus.tune))
            what = "CPU tuning is";
    }
    if (what)
        return err_set_from(err, ERR_FROM_QEMU, ERR_CONFIG_UNSUPPORTED, "%s not available in session mode",
                            what);
    if (domain->numatune.nodes) {
        auto_bitmap struct bitmap there = {0};

        if (host_node_ids("", &there) == 0)
            BITMAP_FOREACH(domain->numatune.nodes, node)
                if (!bitmap_get(&there, (uint32_t)node))
                    return err_set_from(err, ERR_FROM_NONE, ERR_CONFIG_UNSUPPORTED,
                                        "NUMA node %zd is unavailable", node);
    }
    return 0;
}

/* A group without the controller that the definition needs. */
static int check_controllers(const struct run *run, const struct domain *domain, struct err *err)
{
    const char *what = NULL;

    if (wants_memory(&domain->memtune) && !limits_has(run, CGROUP_MEMORY))
        what = "Memory cgroup is not available on this host";
    else if ((domain->blkiotune.weight || domain->blkiotune.n_devices) && !limits_has(run, CGROUP_BLKIO))
        what = "Block I/O tuning is not available on this host";
    else if (domain->vcpus.tune.shares.set && !limits_has(run, CGROUP_CPU))
        what = "CPU tuning is not available on this host";
    return what ? err_set_from(err, ERR_FROM_QEMU, ERR_CONFIG_UNSUPPORTED, "%s", what) : 0;
}

static int apply_kib(const struct run *run, enum cgroup_key key, struct opt_u64 kib, struct err *err)
{
    return kib.set ? limits_set(run, key, kib.value * 1024, err) : 0;
}

static int apply(const struct run *run, struct err *err)
{
    const struct domain *domain = run->domain;
    const struct cputune *tune = &domain->vcpus.tune;
    const struct numatune *numa = &domain->numatune;

    if (domain->blkiotune.weight && limits_set(run, CGROUP_BLKIO_WEIGHT, domain->blkiotune.weight, err) < 0)
        return -1;
    for (size_t i = 0; i < domain->blkiotune.n_devices; i++)
        if (limits_set_disk(run, domain->blkiotune.devices[i], false, err) < 0)
            return -1;
    /* the sum of both is never below the memory alone */
    if (apply_kib(run, CGROUP_MEMORY_HARD, domain->memtune.hard_limit, err) < 0 ||
        apply_kib(run, CGROUP_MEMORY_SOFT, domain->memtune.soft_limit, err) < 0 ||
        apply_kib(run, CGROUP_MEMORY_SWAP, domain->memtune.swap_hard_limit, err) < 0)
        return -1;
    if (tune->shares.set && limits_set(run, CGROUP_CPU_SHARES, tune->shares.value, err) < 0)
        return -1;
    if (numa->nodes && (numa->mode == NUMA_STRICT || numa->mode == NUMA_RESTRICTIVE) &&
        limits_has(run, CGROUP_CPUSET) && limits_set_nodes(run, numa->nodes, err) < 0)
        return -1;
    return 0;
}

static int apply_bandwidths(const struct run *run, struct err *err)
{
    for (int i = 0; i < LIMITS_THREADS_MAX; i++) {
        struct cpu_limit bandwidth = limits_model_bandwidth(&run->domain->vcpus.tune, (enum limits_threads)i);

        if (limits_set_bandwidth(run, (enum limits_threads)i, &bandwidth, err) < 0)
            return -1;
    }
    return 0;
}

int limits_begin(struct req *rq, struct vm *vm)
{
    struct run *run = vm->run;
    const struct domain *domain = run->domain;
    int r;

    if (!qemud.privileged)
        return 0;
    r = limits_await(rq, run);
    if (r == 0 && vm->run == run)
        r = work_run(rq, place_threads, placing_release, placing_new(run), SECONDS(30), "the control groups");
    if (vm->run != run)
        return -1;
    if (r < 0)
        log_debug("domain '%s' has no control groups: %s", vm->name, strerror(-r));
    else
        limits_find(run);
    if (run->limits && !run->domain->resource) {
        run->domain->resource = ARENA_NEW(&run->arena, struct resource);
        run->domain->resource->partition = arena_strdup(&run->arena, "/machine");
    }
    if (run->limits && (check_controllers(run, domain, &rq->err) < 0 || apply(run, &rq->err) < 0))
        return -1;
    if (!run->limits && (wants_memory(&domain->memtune) || domain->blkiotune.weight ||
                         domain->blkiotune.n_devices || domain->vcpus.tune.shares.set))
        log_warning("domain '%s': no control group on this host, limits of its definition don't hold",
                    vm->name);
    return apply_bandwidths(run, &rq->err);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits: the groups themselves, and one number at a time. What a definition asks for is in limits-apply.c.
 */
#define ERR_FROM ERR_FROM_CGROUP
#include "virtqemud/limits.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/str.h"
#include "loop/work.h"
#include "model/domain/domain.h"
#include "virtqemud/scope.h"

static const struct cgroup *group_of(const struct run *run, enum cgroup_key key)
{
    bool weight = key == CGROUP_CPU_SHARES || key == CGROUP_BLKIO_WEIGHT;

    return weight ? &run->limits->unit : &run->limits->machine;
}

/* A v2 tree that hands on no controller is as good as none. */
static bool limits_anything(const struct cgroup *group)
{
    return cgroup_has(group, CGROUP_CPU) || cgroup_has(group, CGROUP_CPUSET) ||
           cgroup_has(group, CGROUP_MEMORY) || cgroup_has(group, CGROUP_BLKIO);
}

int limits_of_process(pid_t pid, struct limits *ret)
{
    int r = cgroup_of_pid("", pid, &ret->unit);

    if (r < 0)
        return r;
    cgroup_to_unit(&ret->unit);
    /* the group of the whole host or of the daemon itself has no such child */
    return cgroup_child(&ret->unit, "libvirt", CGROUP_FIND, &ret->machine);
}

void limits_find(struct run *run)
{
    struct limits *limits = NEW(struct limits);

    if (limits_of_process(run->pid, limits) == 0 && limits_anything(&limits->machine)) {
        run->limits = limits;
        return;
    }
    cgroup_done(&limits->unit);
    cgroup_done(&limits->machine);
    free(limits);
}

static void limits_release(void *arg)
{
    struct limits *limits = arg;

    if (!limits)
        return;
    cgroup_done(&limits->unit);
    cgroup_done(&limits->machine);
    free(limits);
}

void limits_free(struct run *run)
{
    limits_release(TAKE(run->limits));
}

static int remove_groups(void *arg)
{
    return cgroup_remove(&((struct limits *)arg)->unit);
}

static void removal_main(struct req *rq, void *arg)
{
    work_run(rq, remove_groups, limits_release, arg, SECONDS(30), "the control groups");
}

static void removal_done(struct req *rq, void *arg UNUSED)
{
    arena_done(&rq->arena);
    free(rq);
}

void limits_end(struct run *run)
{
    struct req *rq;

    if (!run->limits)
        return;
    rq = NEW(struct req);
    rq->name = "remove groups";
    fiber_start(rq, removal_main, removal_done, TAKE(run->limits));
}

bool limits_has(const struct run *run, enum cgroup_controller controller)
{
    return run->limits && cgroup_has(&run->limits->machine, controller);
}

int limits_get(const struct run *run, enum cgroup_key key, uint64_t *ret)
{
    return run->limits ? cgroup_get(group_of(run, key), key, ret) : -ENODEV;
}

/* What systemd calls a weight, by the kind of its hierarchy; it writes its own idea of it again some day. */
static void tell_systemd(const struct run *run, enum cgroup_key key, uint64_t value)
{
    const struct cgroup_place *place = &run->limits->unit.at[cgroup_key_controller(key)];
    const char *unit = strrchr(place->path, '/');

    if (!str_ends(unit, ".scope"))
        return;
    if (key == CGROUP_CPU_SHARES)
        scope_set_weight(unit + 1, place->v2 ? "CPUWeight" : "CPUShares", value);
    else
        scope_set_weight(unit + 1, place->v2 ? "IOWeight" : "BlockIOWeight", value);
}

/* A number as the user gave it, so that the error shows it. */
static int refused(struct err *err, int r, const struct cgroup *group, enum cgroup_key key, uint64_t value)
{
    return err_system(err, r, "Invalid value '%lld' for '%s'",
                      value == CGROUP_UNLIMITED ? -1 : (long long)value, cgroup_key_file(group, key));
}

int limits_set(const struct run *run, enum cgroup_key key, uint64_t value, struct err *err)
{
    bool weight = key == CGROUP_CPU_SHARES || key == CGROUP_BLKIO_WEIGHT;
    int r = run->limits ? cgroup_set(group_of(run, key), key, value) : -ENODEV;

    if (r < 0)
        return run->limits
                   ? refused(err, r, group_of(run, key), key, value)
                   : err_set(err, ERR_OPERATION_INVALID, "the machine has no control group of its own");
    if (weight)
        tell_systemd(run, key, value);
    return 0;
}

/* ---- time of processors ---- */

/* The nth group of a kind: its name in text; NULL when there are no more. */
static const char *thread_group(const struct run *run, enum limits_threads kind, unsigned n, char text[32])
{
    switch (kind) {
    case LIMITS_EMULATOR:
        return n ? NULL : "emulator";
    case LIMITS_VCPU:
        snprintf(text, 32, "vcpu%u", n);
        return n < run->count_vcpus ? text : NULL;
    case LIMITS_IOTHREAD:
        if (n >= run->count_iothreads)
            return NULL;
        snprintf(text, 32, "iothread%u", run->iothreads[n].id);
        return text;
    default:
        return NULL;
    }
}

int limits_get_bandwidth(const struct run *run, enum limits_threads threads, struct cpu_limit *ret)
{
    auto_cgroup struct cgroup found = {0};
    const struct cgroup *group = run->limits ? &run->limits->machine : NULL;
    uint64_t period, quota;
    char text[32];
    const char *name = threads == LIMITS_GLOBAL ? NULL : thread_group(run, threads, 0, text);
    int r = group ? 0 : -ENODEV;

    *ret = (struct cpu_limit){0};
    if (r == 0 && threads != LIMITS_GLOBAL) {
        if (!name)
            return 0; /* no such threads: nothing limits them */
        r = cgroup_child(group, name, CGROUP_FIND_THREADS, &found);
        group = &found;
    }
    r = r < 0 ? r : cgroup_get(group, CGROUP_CPU_PERIOD, &period);
    r = r < 0 ? r : cgroup_get(group, CGROUP_CPU_QUOTA, &quota);
    if (r == 0)
        *ret = (struct cpu_limit){period, quota != CGROUP_UNLIMITED  ? (int64_t)quota
                                          : group->at[CGROUP_CPU].v2 ? limits_quota_max
                                                                     : -1};
    return r;
}

static int set_bandwidth(const struct cgroup *group, const struct cpu_limit *bandwidth, struct err *err)
{
    uint64_t quota = bandwidth->quota < 0 ? CGROUP_UNLIMITED : (uint64_t)bandwidth->quota;
    int r = bandwidth->quota ? 0 : cgroup_get(group, CGROUP_CPU_QUOTA, &quota);

    if (r == 0)
        r = cgroup_set_bandwidth(group, bandwidth->period, quota);
    return r < 0 ? refused(err, r, group, CGROUP_CPU_QUOTA, quota) : 0;
}

int limits_set_bandwidth(const struct run *run, enum limits_threads threads,
                         const struct cpu_limit *bandwidth, struct err *err)
{
    const char *name;
    char text[32];

    if (!bandwidth->period && !bandwidth->quota)
        return 0;
    if (!limits_has(run, CGROUP_CPU))
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "cgroup cpu is required for scheduler tuning");
    if (threads == LIMITS_GLOBAL)
        return set_bandwidth(&run->limits->machine, bandwidth, err);
    for (unsigned i = 0; (name = thread_group(run, threads, i, text)); i++) {
        auto_cgroup struct cgroup group = {0};

        if (cgroup_child(&run->limits->machine, name, CGROUP_FIND_THREADS, &group) == 0 &&
            set_bandwidth(&group, bandwidth, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- disks and memory nodes ---- */

static int set_one(const struct run *run, enum cgroup_disk_key key, const char *path, uint64_t value,
                   struct err *err)
{
    struct stat status;
    int r;

    if (stat(path, &status) < 0)
        return err_system(err, errno, "Path '%s' is not accessible", path);
    if (!S_ISBLK(status.st_mode))
        return err_system(err, EINVAL, "Path '%s' must be a block device", path);
    r = run->limits
            ? cgroup_set_disk(&run->limits->machine, key, major(status.st_rdev), minor(status.st_rdev), value)
            : -ENODEV;
    if (r == -EOPNOTSUPP && key == CGROUP_DISK_WEIGHT)
        return err_set(err, ERR_OPERATION_INVALID, "blkio device weight is valid only for cfq scheduler");
    return r < 0 ? err_system(err, r, "cannot limit disk '%s' to '%llu'", path, (unsigned long long)value)
                 : 0;
}

int limits_set_disk(const struct run *run, const struct blkio_device *disk, bool all, struct err *err)
{
    const uint64_t values[CGROUP_DISK_KEY_MAX] = {
        [CGROUP_DISK_WEIGHT] = disk->weight,
        [CGROUP_DISK_READ_IOPS] = disk->read_iops_sec,
        [CGROUP_DISK_WRITE_IOPS] = disk->write_iops_sec,
        [CGROUP_DISK_READ_BPS] = disk->read_bytes_sec,
        [CGROUP_DISK_WRITE_BPS] = disk->write_bytes_sec,
    };

    for (int key = 0; key < CGROUP_DISK_KEY_MAX; key++)
        if ((values[key] || all) && set_one(run, (enum cgroup_disk_key)key, disk->path, values[key], err) < 0)
            return -1;
    return 0;
}

int limits_set_nodes(const struct run *run, const struct bitmap *nodes, struct err *err)
{
    int r = run->limits ? cgroup_set_mems(&run->limits->machine, nodes) : -ENODEV;
    auto_buf struct buf text = {0};
    static const enum limits_threads kinds[] = {LIMITS_VCPU, LIMITS_EMULATOR, LIMITS_IOTHREAD};

    /* v1's groups beneath have sets of their own, which hold them back when this one shrinks */
    for (size_t i = 0; i < ARRAY_SIZE(kinds) && run->limits; i++) {
        const char *name;
        char room[32];

        for (unsigned n = 0; (name = thread_group(run, kinds[i], n, room)); n++) {
            auto_cgroup struct cgroup group = {0};

            if (cgroup_child(&run->limits->machine, name, CGROUP_FIND_THREADS, &group) == 0 &&
                cgroup_set_mems(&group, nodes) == 0 && r == -EBUSY)
                r = cgroup_set_mems(&run->limits->machine, nodes);
        }
    }
    if (r == 0)
        return 0;
    bitmap_format(nodes, &text);
    return err_system(err, r, "cannot restrict memory to nodes '%s'", buf_text(&text));
}

/* ---- threads ---- */

int limits_pin(const struct run *run, const char *group, pid_t thread, const struct bitmap *cpus,
               struct err *err)
{
    auto_cgroup struct cgroup found = {0};
    cpu_set_t set;

    CPU_ZERO(&set);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (!cpus || bitmap_get(cpus, cpu))
            CPU_SET(cpu, &set);
    if (cpus && limits_has(run, CGROUP_CPUSET) &&
        cgroup_child(&run->limits->machine, group, CGROUP_FIND_THREADS, &found) == 0 &&
        cgroup_has(&found, CGROUP_CPUSET)) {
        int r = cgroup_set_cpus(&found, cpus);

        if (r < 0)
            return err_system(err, r, "Unable to write to '%s/cpuset.cpus'", found.at[CGROUP_CPUSET].path);
    }
    if (sched_setaffinity(thread, sizeof(set), &set) < 0 && errno != ESRCH)
        return err_system(err, errno, "cannot set CPU affinity on process %d", thread);
    return 0;
}

int limits_add_thread(const struct run *run, enum limits_threads kind, const char *group, pid_t thread,
                      struct err *err)
{
    struct cpu_limit bandwidth = limits_model_bandwidth(&run->domain->vcpus.tune, kind);
    auto_cgroup struct cgroup made = {0};
    int r;

    if (!run->limits || !thread)
        return 0;
    r = cgroup_child(&run->limits->machine, group, CGROUP_MAKE_THREADS, &made);
    if (r == 0)
        r = cgroup_add_thread(&made, thread);
    if (r < 0)
        return err_system(err, r, "cannot put thread %d into the control group '%s'", thread, group);
    if (!bandwidth.period && !bandwidth.quota)
        return 0;
    return set_bandwidth(&made, &bandwidth, err);
}

void limits_remove_thread(const struct run *run, const char *group)
{
    auto_cgroup struct cgroup found = {0};

    if (run->limits && cgroup_child(&run->limits->machine, group, CGROUP_FIND_THREADS, &found) == 0)
        cgroup_remove(&found);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Limits: the control groups of a running machine, laid out as stock libvirt does: UNIT/libvirt holds QEMU,
 * beneath it are `emulator`, `vcpuN` and `iothreadN` for its threads. UNIT is the machine's scope, or
 * /machine/NAME.libvirt-qemu where no systemd gave it one. Weights among machines belong to UNIT, which
 * systemd is told, too; all other limits to `libvirt` and beneath. A session's machines have no groups, nor
 * have those of a host without control groups: then run->limits is NULL.
 *
 * Functions that change something return negative with err set.
 */
#pragma once

#include "host/cgroup.h"
#include "virtqemud/run.h"

struct cputune;

struct limits {
    struct cgroup unit, machine;
};

/* What this daemon can't do at all: limits in a session, memory nodes that aren't there. */
int limits_check(const struct domain *domain, struct err *err);
/* How much QEMU may lock, bytes; 0: as the host has it. */
uint64_t limits_locked_memory(const struct domain *domain);
/* MPOL_* of the kernel for the process; 0: none. */
int limits_memory_policy(const struct domain *domain);
/* QEMU starts: make its groups and move it there as soon as machined has answered; needs no waiting. */
void limits_place(struct vm *vm);
/* Until that has ended: 0, or -errno when there are no groups. */
int limits_await(struct req *rq, struct run *run);
/* Before the guest runs: sort QEMU's threads into groups, apply the definition. */
int limits_begin(struct req *rq, struct vm *vm);
/* The groups of a QEMU that was placed; 0 or -errno, ret must be cgroup_done in both cases. Any thread. */
int limits_of_process(pid_t pid, struct limits *ret);
/* After a restart of the daemon: the groups that are there. */
void limits_find(struct run *run);
/* The machine has ended: what systemd doesn't remove goes soon. When the daemon ends: forget. */
void limits_end(struct run *run);
void limits_free(struct run *run);

bool limits_has(const struct run *run, enum cgroup_controller controller);
/* One number; 0 or -errno. */
int limits_get(const struct run *run, enum cgroup_key key, uint64_t *ret);
int limits_set(const struct run *run, enum cgroup_key key, uint64_t value, struct err *err);

/* Whose time on the host's processors. */
enum limits_threads { LIMITS_GLOBAL, LIMITS_VCPU, LIMITS_EMULATOR, LIMITS_IOTHREAD, LIMITS_THREADS_MAX };
struct cpu_limit {
    uint64_t period; /* us; 0: as it is */
    int64_t quota;   /* us per period; negative: unlimited; 0: as it is */
};
/* The largest quota, us: what the kernel counts in ns, in 54 bits. v2's "max" is told as this. */
static const int64_t limits_quota_max = 17592186044415;
int limits_get_bandwidth(const struct run *run, enum limits_threads threads, struct cpu_limit *ret);
int limits_set_bandwidth(const struct run *run, enum limits_threads threads,
                         const struct cpu_limit *bandwidth, struct err *err);
/* What a definition says; the model's two members of each kind. */
struct cpu_limit limits_model_bandwidth(const struct cputune *tune, enum limits_threads threads);

struct blkio_device;
/* All limits of one disk of the host; those that are 0 are taken away when `all`, else left as they are. */
int limits_set_disk(const struct run *run, const struct blkio_device *disk, bool all, struct err *err);
int limits_set_nodes(const struct run *run, const struct bitmap *nodes, struct err *err);

/* A thread's processors: its group's (where there is one) and its own affinity. cpus NULL: any. */
int limits_pin(const struct run *run, const char *group, pid_t thread, const struct bitmap *cpus,
               struct err *err);
/* A thread that came later (hotplug): its group, and the limits of its kind. The group of one that left. */
int limits_add_thread(const struct run *run, enum limits_threads kind, const char *group, pid_t thread,
                      struct err *err);
void limits_remove_thread(const struct run *run, const char *group);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cgroup: where a machine's processes stand in the kernel's control groups, and the limits there; the same
 * calls on v1, v2, mixed and missing hierarchies. Files of cgroupfs never block. Functions return 0 or
 * -errno: -ENODEV where no hierarchy has the controller, -EOPNOTSUPP where this kind of hierarchy has no such
 * knob.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bitmap.h"
#include "base/mem.h"

enum cgroup_controller {
    CGROUP_CPU,
    CGROUP_CPUACCT, /* v2: part of cpu, there even where cpu isn't enabled */
    CGROUP_CPUSET,
    CGROUP_MEMORY,
    CGROUP_DEVICES, /* v2: BPF, not done here: never there */
    CGROUP_FREEZER, /* v2: part of the core */
    CGROUP_BLKIO,   /* v2: "io" */
    CGROUP_PIDS,
    CGROUP_SYSTEMD, /* the hierarchy that systemd tracks processes in; v2 where it is unified */
    CGROUP_CONTROLLER_MAX
};
extern const char *const cgroup_controller_names[];

/* One group: a directory in each hierarchy. The zero value stands nowhere. */
struct cgroup {
    struct cgroup_place {
        char *path; /* absolute directory; NULL: this controller isn't there */
        bool v2;
    } at[CGROUP_CONTROLLER_MAX];
};
#define auto_cgroup CLEANUP(cgroup_done)
void cgroup_done(struct cgroup *group);

/*
 * The group that a process (0: ourselves) is in. `root` goes before /proc and /sys ("" for the real ones;
 * tests have trees of their own). A host without any cgroup is no error: the group is empty then.
 */
int cgroup_of_pid(const char *root, pid_t pid, struct cgroup *ret);
/*
 * The group of a path in every hierarchy, made where it is missing, for a machine that shall have one of its
 * own: "/machine/NAME.libvirt-qemu"; NULL: the path that systemd's hierarchy has the process at, up to its
 * unit (-ENODEV: there is none). systemd makes a unit's directory only where it controls something itself. A
 * hierarchy that refuses (read-only, say) is left out. The process stays where it is.
 */
int cgroup_make_path(const char *root, pid_t pid, const char *path, struct cgroup *ret);
/* Upwards to the scope or service (the last *.scope, *.service or *.libvirt-qemu component): a machine's own
 * group. */
void cgroup_to_unit(struct cgroup *group);
bool cgroup_has(const struct cgroup *group, enum cgroup_controller controller);
bool cgroup_empty(const struct cgroup *group);

/*
 * The group beneath: "libvirt" for a machine's process, "vcpu0" in it for a thread. CGROUP_FIND: -ENOENT when
 * it isn't there. The others make it where it is missing; v1's cpuset starts as the parent's. v2 gives a
 * child its controllers only once no process stands in the parent itself: move the process into the child,
 * then make it again. A group of threads (CGROUP_MAKE_THREADS, and CGROUP_FIND_THREADS to find it) has only
 * the controllers of processors.
 */
enum cgroup_make { CGROUP_FIND, CGROUP_FIND_THREADS, CGROUP_MAKE, CGROUP_MAKE_THREADS };
int cgroup_child(const struct cgroup *parent, const char *name, enum cgroup_make make, struct cgroup *ret);
/* Remove the group and all beneath it; processes must be gone. */
int cgroup_remove(const struct cgroup *group);

int cgroup_add_process(const struct cgroup *group, pid_t pid);
int cgroup_add_thread(const struct cgroup *group, pid_t tid);
/* Send a signal to every process in the group and beneath; the number of processes, or -errno. */
int cgroup_kill(const struct cgroup *group, int signal);

/* Numbers. What has no limit is CGROUP_UNLIMITED, in and out. */
#define CGROUP_UNLIMITED UINT64_MAX
enum cgroup_key {
    CGROUP_CPU_SHARES,   /* v1 cpu.shares 2..262144; v2 cpu.weight 1..10000; as they are, like libvirt */
    CGROUP_CPU_PERIOD,   /* us */
    CGROUP_CPU_QUOTA,    /* us per period, or unlimited */
    CGROUP_CPU_USAGE,    /* ns, read only */
    CGROUP_CPU_USER,     /* ns, read only */
    CGROUP_CPU_SYSTEM,   /* ns, read only */
    CGROUP_MEMORY_HARD,  /* bytes */
    CGROUP_MEMORY_SOFT,  /* bytes */
    CGROUP_MEMORY_SWAP,  /* bytes of memory and swap together, on both kinds of hierarchy */
    CGROUP_MEMORY_USAGE, /* bytes, read only */
    CGROUP_BLKIO_WEIGHT, /* v1 10..1000; v2 1..10000 */
    CGROUP_FROZEN,       /* 1 or 0 */
    CGROUP_KEY_MAX
};
int cgroup_get(const struct cgroup *group, enum cgroup_key key, uint64_t *ret);
int cgroup_set(const struct cgroup *group, enum cgroup_key key, uint64_t value);
enum cgroup_controller cgroup_key_controller(enum cgroup_key key);
/* The file that a key stands in, for messages: "memory.max". */
const char *cgroup_key_file(const struct cgroup *group, enum cgroup_key key);
/* Period (us; 0: as it is) and quota (us per period, or unlimited) at once: v1 refuses some orders of two
 * good values. */
int cgroup_set_bandwidth(const struct cgroup *group, uint64_t period, uint64_t quota);

/* Limits for one disk of the host, by its numbers; 0 takes a limit away. */
enum cgroup_disk_key {
    CGROUP_DISK_WEIGHT,
    CGROUP_DISK_READ_IOPS,
    CGROUP_DISK_WRITE_IOPS,
    CGROUP_DISK_READ_BPS,
    CGROUP_DISK_WRITE_BPS,
    CGROUP_DISK_KEY_MAX
};
int cgroup_set_disk(const struct cgroup *group, enum cgroup_disk_key key, unsigned major, unsigned minor,
                    uint64_t value);

/* CPU and memory node sets. */
int cgroup_set_cpus(const struct cgroup *group, const struct bitmap *cpus);
int cgroup_get_cpus(const struct cgroup *group, struct bitmap *ret);
int cgroup_set_mems(const struct cgroup *group, const struct bitmap *nodes);
int cgroup_get_mems(const struct cgroup *group, struct bitmap *ret);
/* Per-CPU time of the group in ns, one entry per possible CPU (v1 only). */
int cgroup_get_percpu(const struct cgroup *group, uint64_t **ret_times, size_t *ret_count);

/* v1's device list; `rule` is the kernel's "c 136:* rwm" ("a" with allow false: deny everything). */
int cgroup_device(const struct cgroup *group, bool allow, const char *rule);
/* Bytes and requests of all disks together. */
struct cgroup_io {
    uint64_t read_bytes, write_bytes, read_requests, write_requests;
};
int cgroup_get_io(const struct cgroup *group, struct cgroup_io *ret);

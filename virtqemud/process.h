/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Process: QEMU as a process: its user, limits, descriptors and output; and a pid that can't be mistaken. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bitmap.h"
#include "base/err.h"

struct process_spec {
    const char *const *argv; /* argv[0]: absolute path */
    const char *const *env;
    const int *keep; /* descriptors that keep their number, ascending or not; all others are closed */
    unsigned count_keep;
    int output; /* becomes stdout and stderr */
    uid_t uid;  /* (uid_t)-1: as we are */
    gid_t gid;
    const gid_t *groups; /* beside that one; those of the daemon are never kept */
    size_t count_groups;
    uint64_t max_core;                              /* RLIMIT_CORE; UINT64_MAX: unlimited */
    uint64_t max_files, max_processes, max_memlock; /* 0: as they are */
    int memory_policy; /* MPOL_* of linux/mempolicy.h for all its memory; 0: as the host has it */
    const struct bitmap *memory_nodes;
};

/* Start it in a session of its own. *ret_pidfd is close-on-exec. Negative with err set. */
int process_spawn(const struct process_spec *spec, pid_t *ret_pid, int *ret_pidfd, struct err *err);

/* When the process began, clock ticks since boot (field 22 of /proc/PID/stat); 0: no such process. */
uint64_t process_start_time(pid_t pid);
/* A pidfd of pid if it is still the process that began then; else -errno (-ESRCH). */
int process_open(pid_t pid, uint64_t start_time);
/* User and system time of a process or thread in ns, and resident memory in KiB; 0 or -errno. */
int process_usage(pid_t pid, pid_t thread, uint64_t *ret_user, uint64_t *ret_system, uint64_t *ret_rss_kib,
                  int *ret_cpu);
/* Stopped by SIGSTOP or a debugger: it hears nothing but SIGKILL. */
bool process_stopped(pid_t pid);
/* What a QEMU says is a thread of its own, as long as it is one; else 0. Nothing of others is ever touched.
 */
pid_t process_thread(pid_t pid, int64_t thread);

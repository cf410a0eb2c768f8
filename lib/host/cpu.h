/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cpu: the host's processors as sysfs and procfs describe them. `root` goes before /proc and /sys: "" for the
 * real ones. What a file doesn't say has its natural default (one thread per core ...). Functions return 0 or
 * -errno.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bitmap.h"

struct host_cpu {
    unsigned id;
    int socket, die, core;  /* as the kernel numbers them; -1: not told */
    struct bitmap siblings; /* threads of the same core, itself among them */
};

struct host_cpus {
    struct bitmap present, online;
    struct host_cpu *cpu; /* the online ones, by id */
    unsigned count;
};
int host_cpus_read(const char *root, struct host_cpus *ret);
void host_cpus_done(struct host_cpus *cpus);
#define auto_host_cpus CLEANUP(host_cpus_done)

/* node_get_info: so that nodes * sockets * cores * threads covers all CPUs, by libvirt's rule. */
struct host_topology {
    unsigned cpus, nodes, sockets, dies, cores, threads, mhz;
};
int host_topology_read(const char *root, struct host_topology *ret);
/* CPUs that are online; cheap. */
int host_cpus_online(const char *root, unsigned *ret);

/* Times in ns since boot; id -1: all CPUs together. -ENOENT: no such CPU (or offline). */
struct host_cpu_times {
    uint64_t user, system, idle, iowait, intr;
};
int host_cpu_times_read(const char *root, int id, struct host_cpu_times *ret);

/* Microcode revision, 0: not known. Physical address bits, 0: not known. */
unsigned host_microcode_read(const char *root);
unsigned host_physical_bits_read(const char *root);

struct host_cache {
    unsigned id, level;
    char type;     /* 'd'ata, 'i'nstruction, 'u'nified */
    uint64_t size; /* bytes */
    struct bitmap cpus;
};
/* Caches of one level and up, each once, ordered by level, type, id; the caller frees with host_caches_free.
 */
int host_caches_read(const char *root, unsigned level, struct host_cache **ret, unsigned *ret_count);
void host_caches_free(struct host_cache *caches, unsigned count);

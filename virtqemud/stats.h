/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stats: the numbers of a machine. What the host knows is read at once; what only QEMU knows is asked for in
 * one go, of all machines before any answer is waited for, and never waited for long: a QEMU that doesn't
 * answer costs its own numbers, not those of others.
 */
#pragma once

#include "virtqemud/params.h"
#include "virtqemud/qmp.h"
#include "virtqemud/run.h"

struct disk;

/* What is asked of QEMU for one machine. */
enum stats_ask {
    STATS_ASK_BLOCKSTATS = 1 << 0,
    STATS_ASK_BLOCK = 1 << 1,   /* sizes of images */
    STATS_ASK_BALLOON = 1 << 2, /* what the guest's driver said of its memory */
    STATS_ASK_IOTHREADS = 1 << 3,
    STATS_ASK_DIRTY = 1 << 4,
};
enum { STATS_ASK_COUNT = 5 };

struct stats {
    struct vm *vm;  /* referenced */
    int32_t id;     /* of the run that was asked; the machine may have ended since */
    unsigned asked; /* enum stats_ask */
    struct qmp_call calls[STATS_ASK_COUNT];
    struct json_object *answers[STATS_ASK_COUNT]; /* NULL: not asked, refused, or too late */
};

/* Take a reference and put the questions that make sense for this machine; nothing is sent to a stopped QEMU.
 */
void stats_ask(struct req *rq, struct stats *stats, struct vm *vm, unsigned ask);
/* Wait for the answers until `deadline` (CLOCK_MONOTONIC us). Errors of QEMU are missing numbers. */
void stats_await(struct req *rq, struct stats *stats, uint64_t deadline);
/* The run that was asked, or NULL when it has ended meanwhile. */
struct run *stats_run(const struct stats *stats);
void stats_done(struct stats *stats);

/* The entry of query-blockstats' or query-block's answer for a disk; NULL: not there. */
struct json_object *stats_of_disk(const struct stats *stats, enum stats_ask which, const struct disk *disk);

/* The guest's memory statistics in the order of their tags (virDomainMemoryStatTags); false: not known. */
enum { MEMORY_STAT_COUNT = 13 };
struct memory_stats {
    bool known[MEMORY_STAT_COUNT];
    uint64_t value[MEMORY_STAT_COUNT];
};
void stats_memory(const struct stats *stats, struct memory_stats *ret);

/* Have the guest tell of its memory every so many seconds; 0: never. Negative with rq->err set. */
int stats_poll_balloon(struct req *rq, struct vm *vm, uint32_t seconds);

/* Time that a machine used, ns. False: not known. */
struct cpu_times {
    uint64_t total, user, system;
};
bool stats_cpu(const struct run *run, struct cpu_times *ret);

/* Capacity, allocation and physical size of an image that no QEMU has open. False with err set. */
struct image_size {
    uint64_t capacity, allocation, physical;
};
int stats_image(const struct disk *disk, struct image_size *ret, struct err *err);

/* Groups of numbers (API_DOMAIN_STATS_*) of an asked machine, under the names of the bulk call. */
void stats_groups(struct req *rq, const struct stats *stats, const struct domain *domain, unsigned groups,
                  struct params *params);
/* Which questions the groups need. */
unsigned stats_questions(unsigned groups);

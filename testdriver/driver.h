/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The test driver: a whole host with its machines, networks, pools and devices that exists only in the
 * program's memory. `test:///default` is one world that all connections of the program share; each
 * `test:///FILE` is a world of its own, read from the file. driver.c is the way in: it takes the world's
 * lock, checks flags, finds the object, calls the method; so methods do none of that.
 */
#pragma once

#include <libvirt/libvirt.h>
#include <pthread.h>

#include "base/list.h"
#include "base/str.h"
#include "base/uuid.h"
#include "libvirt/local.h"
#include "protocol/method.h"
#include "protocol/remote.h"

/* What every object with a life has; embedded first. Strings belong to the object's definition. */
struct thing {
    struct list link; /* in a list of the world */
    char *name;
    uint8_t uuid[UUID_SIZE];
    bool active, persistent, autostart;
};

enum { CELLS_MAX = 16 };

struct cell {
    unsigned cpus;   /* in it */
    uint64_t memory; /* KiB */
    struct cell_pages {
        uint32_t size; /* KiB */
        uint64_t count;
    } pages[3];
};

struct node {
    char model[32];
    uint64_t memory; /* KiB */
    int cpus, mhz, nodes, sockets, cores, threads;
    unsigned n_cells;
    struct cell cells[CELLS_MAX];
};

struct user {
    char *name, *password; /* password NULL: none asked */
};

struct world {
    pthread_mutex_t lock;
    unsigned connections;
    struct arena arena;
    struct list clients;
    struct list vms, networks, interfaces, pools, devices;
    struct node node;
    int last_id; /* of machines that ran */
    struct user *users;
    size_t n_users;
    struct list saved_interfaces; /* while a change is begun */
    bool interfaces_changing;
};

/* One connection. */
struct client {
    struct list link;
    struct world *world;
    struct local_host host;
    struct registration *registrations;
    int last_registration;
};

/* One call; lives as long as it runs, under the world's lock. */
struct req {
    struct arena *arena;
    struct err *err;
    struct client *client;
    struct world *world;
    struct local_call *call;
};

/* Tables of methods by family. */
extern const struct method host_methods[], event_methods[], list_methods[], define_methods[], life_methods[],
    save_methods[], vcpu_methods[], memory_methods[], tune_methods[], tune_io_methods[], stats_methods[],
    agent_methods[], metadata_methods[], iothread_methods[], screen_methods[], snapshot_methods[],
    checkpoint_methods[], network_methods[], interface_methods[], pool_methods[], volume_methods[],
    device_methods[];

/* The built-in world; a world from a file. */
int world_fill_default(struct world *world, struct err *err);
int world_fill_file(struct world *world, const char *path, struct err *err);
void world_free(struct world *world);

/* An error whose message is that of its code alone. Always -1. */
int fail_plain(struct req *rq, enum err_code code);

/* Flags that the call doesn't know. Always -1. */
int fail_flags(struct req *rq, unsigned unknown);

/* By name or UUID in one of the world's lists; NULL. */
void *thing_by_name(const struct list *things, const char *name);
void *thing_by_uuid(const struct list *things, const uint8_t *uuid);

/*
 * The thing that a definition speaks of, NULL when it is new. Name and UUID must belong together; inactive:
 * it may not be active.
 */
struct thing_kind {
    enum err_domain from;
    const char *word; /* in messages */
};
int thing_same(const struct list *things, const struct thing_kind *kind, const char *name,
               const uint8_t *uuid, bool inactive, struct thing **ret, struct err *err);

/*
 * Lists. A group of filter bits without one set lets everything through; `is` has the bits that are true of
 * the object.
 */
bool list_passes(unsigned is, unsigned filter, const unsigned *groups, size_t n_groups);

/* Two words to a bit: NULL-safe helpers for filters. */
static inline unsigned either(bool what, unsigned yes, unsigned no)
{
    return what ? yes : no;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pool: one storage pool of the daemon, and the set of all. Whoever changes one holds its job; the sets never
 * wait, so what they say holds until the next wait of the caller.
 */
#pragma once

#include "base/map.h"
#include "loop/job.h"
#include "model/storage/pool.h"
#include "rpc/server.h"

struct backend;
struct store_entry;
struct volume;

struct pool {
    unsigned references;  /* the set holds one */
    struct arena arena;   /* of def */
    struct pool_def *def; /* never NULL: as it is now */
    struct arena next_arena;
    struct pool_def *next; /* as it will be after the next start; NULL: the same */
    char uuid[UUID_TEXT];
    const struct backend *backend;
    struct store_entry *entry; /* NULL: transient, or gone */
    bool active, gone;
    bool loading;       /* active since before the daemon's start, its volumes are being read */
    struct job job;     /* whoever changes it */
    unsigned users;     /* calls that work on the content of its volumes, see volume_hold() */
    struct map volumes; /* by name; empty unless active */
};

extern const struct object_type pool_type;

/* def is moved in with the arena. */
struct pool *pool_new(struct arena *arena, struct pool_def *def);
struct pool *pool_ref(struct pool *pool);
void pool_unref(struct pool *pool);
static inline void pool_unrefp(struct pool **pool)
{
    pool_unref(*pool);
}
#define auto_pool CLEANUP(pool_unrefp)

struct wire_storage_pool wire_of_pool(struct req *rq, const struct pool *pool);

/* ---- the set ---- */

/* Read all that is in the store and in the state directory; starts fibers that bring back what was active. */
void pools_load(void);
void pools_done(void);
void pools_add(struct pool *pool);
void pools_remove(struct pool *pool);
/* Borrowed; NULL when there is none. */
struct pool *pools_find(const uint8_t *uuid);
struct pool *pools_find_name(const char *name);
/* All at this moment, each with a reference; NULL-terminated, in rq's arena. To be given to pools_unref. */
struct pool **pools_all(struct req *rq);
void pools_unref(struct pool **pools);

/* ---- one pool ---- */

/*
 * Take the job. Negative with rq->err set when the pool is gone meanwhile or its volumes are in use; both are
 * only possible for calls that wait.
 */
int pool_take(struct req *rq, struct pool *pool, const char *operation);
void pool_give(struct req *rq, struct pool *pool);
/* Wait until the volumes are there; negative with rq->err set when the pool isn't active. */
int pool_use(struct req *rq, struct pool *pool);
int pool_check_active(const struct pool *pool, struct err *err);
int pool_check_idle(const struct pool *pool, struct err *err);

/* Everything that a pool has in memory while it is active goes away; a transient pool leaves the set. */
void pool_deactivate(struct pool *pool);
/* The definitions change places, with the arenas that they live in. */
void pool_set_def(struct pool *pool, struct arena *arena, struct pool_def *def);

struct volume *pool_volume(const struct pool *pool, const char *name); /* borrowed */
void pool_add_volume(struct pool *pool, struct volume *volume);        /* takes a reference of its own */
void pool_remove_volume(struct volume *volume);
void pool_clear_volumes(struct pool *pool);

/* Lifecycle events: VIR_STORAGE_POOL_EVENT_x. */
void pool_tell(struct pool *pool, int event);
void pool_tell_refresh(struct pool *pool);

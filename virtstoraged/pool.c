/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_STORAGE
#include "virtstoraged/pool.h"

#include <libvirt/libvirt.h>

#include "base/str.h"
#include "protocol/remote.h"
#include "rpc/client.h"
#include "rpc/event.h"
#include "virtstoraged/backend.h"
#include "virtstoraged/storaged.h"

/* Longer than reading many files of a slow server, or formatting, may take. */
#define JOB_TIMEOUT SECONDS(300)

/* ---- one pool ---- */

struct pool *pool_new(struct arena *arena, struct pool_def *def)
{
    struct pool *pool = NEW(struct pool);

    pool->references = 1;
    pool->arena = *arena;
    pool->def = def;
    pool->backend = backends[def->type];
    *arena = (struct arena){0};
    uuid_format(def->uuid, pool->uuid);
    return pool;
}

struct pool *pool_ref(struct pool *pool)
{
    pool->references++;
    return pool;
}

void pool_unref(struct pool *pool)
{
    if (!pool || --pool->references)
        return;
    arena_done(&pool->arena);
    arena_done(&pool->next_arena);
    free(pool);
}

static void *find(struct req *rq, const void *wire, struct err *err)
{
    const struct wire_storage_pool *reference = wire;
    struct pool *pool = pools_find(reference->uuid);
    char text[UUID_TEXT];

    if (pool)
        return pool_ref(pool);
    err_set(err, ERR_NO_STORAGE_POOL, "no storage pool with matching uuid '%s' (%s)",
            uuid_format(reference->uuid, text), reference->name);
    return NULL;
}

static void unref(void *object)
{
    pool_unref(object);
}

static void describe(struct arena *arena, const void *object, struct acl_object *ret)
{
    const struct pool *pool = object;

    ret->title = arena_printf(arena, "storage pool '%s'", pool->def->name);
    ret->attributes[ret->count++] = (struct acl_attribute){"pool_name", arena_strdup(arena, pool->def->name)};
    ret->attributes[ret->count++] = (struct acl_attribute){"pool_uuid", arena_strdup(arena, pool->uuid)};
}

const struct object_type pool_type = {.find = find, .unref = unref, .describe = describe};

struct wire_storage_pool wire_of_pool(struct req *rq, const struct pool *pool)
{
    struct wire_storage_pool wire = {.name = arena_strdup(&rq->arena, pool->def->name)};

    memcpy(wire.uuid, pool->def->uuid, UUID_SIZE);
    return wire;
}

static struct event_object event_object_of(const struct pool *pool)
{
    return (struct event_object){.uuid = pool->def->uuid, .name = pool->def->name, .object = pool};
}

static struct wire_storage_pool event_wire_of(const struct pool *pool)
{
    struct wire_storage_pool wire = {.name = pool->def->name};

    memcpy(wire.uuid, pool->def->uuid, UUID_SIZE);
    return wire;
}

void pool_tell(struct pool *pool, int event)
{
    struct event_object object = event_object_of(pool);
    struct remote_storage_pool_event_lifecycle_msg message = {.pool = event_wire_of(pool), .event = event};

    event_emit(storaged.server, remote_program.number, REMOTE_STORAGE_POOL_EVENT_LIFECYCLE, &object,
               &message);
}

void pool_tell_refresh(struct pool *pool)
{
    struct event_object object = event_object_of(pool);
    struct remote_storage_pool_event_refresh_msg message = {.pool = event_wire_of(pool)};

    event_emit(storaged.server, remote_program.number, REMOTE_STORAGE_POOL_EVENT_REFRESH, &object, &message);
}

/* ---- the right to change it ---- */

int pool_check_active(const struct pool *pool, struct err *err)
{
    if (pool->active)
        return 0;
    return err_set(err, ERR_OPERATION_INVALID, "storage pool '%s' is not active", pool->def->name);
}

int pool_check_idle(const struct pool *pool, struct err *err)
{
    if (!pool->users)
        return 0;
    return err_set(err, ERR_INTERNAL_ERROR, "pool '%s' has asynchronous jobs running.", pool->def->name);
}

int pool_take(struct req *rq, struct pool *pool, const char *operation)
{
    const char *whose = arena_printf(&rq->arena, "storage pool '%s'", pool->def->name);

    if (job_take(rq, &pool->job, whose, operation, JOB_TIMEOUT) < 0)
        return -1;
    if (!pool->gone)
        return 0;
    job_give(rq, &pool->job);
    return err_set(&rq->err, ERR_NO_STORAGE_POOL, "no storage pool with matching uuid '%s' (%s)", pool->uuid,
                   pool->def->name);
}

void pool_give(struct req *rq, struct pool *pool)
{
    job_give(rq, &pool->job);
}

int pool_use(struct req *rq, struct pool *pool)
{
    /* whoever loads it has the job */
    if (pool->loading) {
        if (pool_take(rq, pool, "wait for its volumes") < 0)
            return -1;
        pool_give(rq, pool);
    }
    return pool_check_active(pool, &rq->err);
}

/* ---- what changes ---- */

void pool_set_def(struct pool *pool, struct arena *arena, struct pool_def *def)
{
    struct arena old = pool->arena;
    bool listed = pools_find(pool->def->uuid) == pool;

    /* the keys of the sets live in the definition */
    if (listed) {
        uuid_map_remove(&storaged.pools, pool->def->uuid);
        map_remove(&storaged.names, pool->def->name);
    }
    pool->arena = *arena;
    pool->def = def;
    *arena = (struct arena){0};
    if (listed) {
        uuid_map_put(&storaged.pools, def->uuid, pool);
        map_put(&storaged.names, def->name, pool);
    }
    arena_done(&old);
}

void pool_deactivate(struct pool *pool)
{
    pool->active = pool->loading = false;
    pool_clear_volumes(pool);
    if (pool->next)
        pool_set_def(pool, &pool->next_arena, TAKE(pool->next));
    if (!pool->entry)
        pools_remove(pool);
}

struct volume *pool_volume(const struct pool *pool, const char *name)
{
    return map_get(&pool->volumes, name);
}

void pool_add_volume(struct pool *pool, struct volume *volume)
{
    if (map_put(&pool->volumes, volume->def->name, volume) == 0)
        volume_ref(volume);
}

void pool_remove_volume(struct volume *volume)
{
    if (volume->gone || pool_volume(volume->pool, volume->def->name) != volume)
        return;
    map_remove(&volume->pool->volumes, volume->def->name);
    volume->gone = true;
    volume_unref(volume);
}

void pool_clear_volumes(struct pool *pool)
{
    struct map volumes = pool->volumes;
    struct volume *volume;

    pool->volumes = (struct map){0};
    MAP_FOREACH(&volumes, volume) {
        volume->gone = true;
        volume_unref(volume);
    }
    map_done(&volumes);
}

/* ---- the set ---- */

struct pool *pools_find(const uint8_t *uuid)
{
    return uuid_map_get(&storaged.pools, uuid);
}

struct pool *pools_find_name(const char *name)
{
    return map_get(&storaged.names, name);
}

void pools_add(struct pool *pool)
{
    uuid_map_put(&storaged.pools, pool->def->uuid, pool_ref(pool));
    map_put(&storaged.names, pool->def->name, pool);
}

void pools_remove(struct pool *pool)
{
    if (pool->gone)
        return;
    pool->gone = true;
    pool_clear_volumes(pool);
    uuid_map_remove(&storaged.pools, pool->def->uuid);
    map_remove(&storaged.names, pool->def->name);
    pool_unref(pool);
}

static int by_name(const void *a, const void *b)
{
    const struct pool *const *x = a, *const *y = b;

    return strcmp((*x)->def->name, (*y)->def->name);
}

struct pool **pools_all(struct req *rq)
{
    struct pool **all = ARENA_ARRAY(&rq->arena, struct pool *, storaged.names.count + 1), *pool;
    size_t count = 0;

    MAP_FOREACH(&storaged.names, pool)
        all[count++] = pool_ref(pool);
    qsort(all, count, sizeof(struct pool *), by_name);
    return all;
}

void pools_unref(struct pool **pools)
{
    for (; *pools; pools++)
        pool_unref(*pools);
}

void pools_done(void)
{
    struct pool *pool;

    MAP_FOREACH(&storaged.pools, pool) {
        pool_clear_volumes(pool);
        pool_unref(pool);
    }
    map_done(&storaged.names);
    uuid_map_done(&storaged.pools);
}

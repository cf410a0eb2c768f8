/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Definitions: which may be, and how they get to disk. */
#define ERR_FROM ERR_FROM_STORAGE
#include <libvirt/libvirt.h>

#include "base/str.h"
#include "loop/work.h"
#include "rpc/client.h"
#include "virtstoraged/backend.h"
#include "virtstoraged/pool-life.h"
#include "virtstoraged/storaged.h"

static int run_op(void *arg)
{
    store_op_run(arg);
    return 0;
}

/* Run a change of the store to its end. op NULL: rq->err is set already. */
static int store_change(struct req *rq, struct store_op *op, struct store_entry **ret)
{
    int r;

    if (!op)
        return -1;
    fiber_shield(rq, true);
    r = work_run(rq, run_op, NULL, op, SECONDS(600), "the disk that definitions are on");
    fiber_shield(rq, false);
    if (r < 0)
        return err_set(&rq->err, ERR_OPERATION_TIMEOUT,
                       "the definition could not be written: its disk does not answer");
    return store_op_finish(storaged.store, op, ret, &rq->err);
}

static int save(struct req *rq, struct pool *pool, const struct pool_def *def)
{
    auto_buf struct buf text = {0};
    struct store_facts facts = {0};

    memcpy(facts.uuid, def->uuid, UUID_SIZE);
    pool_format(def, &text);
    return store_change(rq, store_op_save(storaged.store, def->name, &facts, buf_text(&text), &rq->err),
                        &pool->entry);
}

/* Two pools of one storage would spoil each other's numbers, and the second's stop would stop the first. */
static int check_source(const struct pool_def *def, const struct backend *backend, struct err *err)
{
    struct pool *other;

    MAP_FOREACH(&storaged.pools, other)
        if (other->def->type == def->type && !str_eq(other->def->name, def->name) && backend->same &&
            backend->same(other->def, def))
            return err_set(err, ERR_OPERATION_FAILED, "Storage source conflict with pool: '%s'",
                           other->def->name);
    return 0;
}

/* May the set hold fresh? *ret: the pool that it would be another definition of, NULL when it is new. */
static int check(const struct pool *fresh, bool live, struct pool **ret, struct err *err)
{
    const struct pool_def *def = fresh->def;
    struct pool *same = pools_find(def->uuid), *other = pools_find_name(def->name);

    if (!backend_of(def->type, err) || check_source(def, fresh->backend, err) < 0)
        return -1;
    if (same && !str_eq(same->def->name, def->name))
        return err_set(err, ERR_OPERATION_FAILED, "pool '%s' is already defined with uuid %s",
                       same->def->name, same->uuid);
    if (!same && other)
        return err_set(err, ERR_OPERATION_FAILED, "pool '%s' already exists with uuid %s", other->def->name,
                       other->uuid);
    if (same && live && same->active)
        return err_set(err, ERR_OPERATION_INVALID, "pool is already active as '%s'", same->def->name);
    *ret = same;
    return 0;
}

/* What becomes an argument of a command must not look like an option of it. */
static int check_words(const struct pool_def *def, struct err *err)
{
    bool devices = def->type == POOL_FS || def->type == POOL_LOGICAL || def->type == POOL_DISK;

    if (def->path && def->path[0] != '/')
        return err_set(err, ERR_XML_ERROR, "target path '%s' of pool '%s' is not absolute", def->path,
                       def->name);
    if (def->source.name && def->source.name[0] == '-')
        return err_set(err, ERR_XML_ERROR, "source name '%s' of pool '%s' begins with '-'", def->source.name,
                       def->name);
    for (size_t i = 0; i < def->source.n_devices; i++)
        if (def->source.devices[i]->path[0] == '-' || (devices && def->source.devices[i]->path[0] != '/'))
            return err_set(err, ERR_XML_ERROR, "source device '%s' of pool '%s' is not an absolute path",
                           def->source.devices[i]->path, def->name);
    for (size_t i = 0; i < def->source.n_hosts; i++)
        if (def->source.hosts[i]->name[0] == '-')
            return err_set(err, ERR_XML_ERROR, "'%s' of pool '%s' is no name of a host",
                           def->source.hosts[i]->name, def->name);
    return 0;
}

static struct pool *parse(struct req *rq, const char *xml, unsigned flags)
{
    auto_arena struct arena arena = {0};
    struct pool_def *def = pool_parse(&arena, xml, flags, &rq->err);

    if (!def || store_check_name("storage pool", def->name, &rq->err) < 0 || check_words(def, &rq->err) < 0)
        return NULL;
    return pool_new(&arena, def);
}

/* ---- define ---- */

static int redefine(struct req *rq, struct pool *pool, struct pool *fresh)
{
    struct pool *same;
    int r;

    if (pool_take(rq, pool, "define") < 0)
        return -1;
    r = check(fresh, /* live= */ false, &same, &rq->err);
    if (r >= 0)
        r = save(rq, pool, fresh->def);
    if (r >= 0 && pool->active) {
        arena_done(&pool->next_arena);
        pool->next_arena = fresh->arena;
        pool->next = fresh->def;
        fresh->arena = (struct arena){0};
    } else if (r >= 0) {
        pool_set_def(pool, &fresh->arena, fresh->def);
    }
    if (r >= 0)
        pool_tell(pool, VIR_STORAGE_POOL_EVENT_DEFINED);
    pool_give(rq, pool);
    return r;
}

int pool_define(struct req *rq, const char *xml, unsigned parse_flags, struct pool **ret)
{
    auto_pool struct pool *fresh = parse(rq, xml, parse_flags);
    auto_pool struct pool *old = NULL;
    struct pool *same;

    if (!fresh || req_check(rq, OBJECT_STORAGE_POOL, fresh) < 0 ||
        check(fresh, /* live= */ false, &same, &rq->err) < 0)
        return -1;
    if (same) {
        old = pool_ref(same);
        if (redefine(rq, old, fresh) < 0)
            return -1;
        *ret = TAKE(old);
        return 0;
    }
    /* in the set while it is written: nobody else may take the name */
    pools_add(fresh);
    if (pool_take(rq, fresh, "define") < 0)
        return -1;
    if (save(rq, fresh, fresh->def) < 0) {
        pool_give(rq, fresh);
        pools_remove(fresh);
        return -1;
    }
    pool_tell(fresh, VIR_STORAGE_POOL_EVENT_DEFINED);
    pool_give(rq, fresh);
    *ret = TAKE(fresh);
    return 0;
}

/* ---- create ---- */

/* What is defined comes back when it stops. */
static void set_aside_definition(struct pool *pool, struct pool *fresh)
{
    struct arena old = {0};

    uuid_map_remove(&storaged.pools, pool->def->uuid);
    map_remove(&storaged.names, pool->def->name);
    old = pool->arena;
    pool->next = pool->def;
    pool->arena = fresh->arena;
    pool->def = fresh->def;
    pool->next_arena = old;
    fresh->arena = (struct arena){0};
    uuid_map_put(&storaged.pools, pool->def->uuid, pool);
    map_put(&storaged.names, pool->def->name, pool);
}

int pool_create(struct req *rq, const char *xml, unsigned parse_flags, unsigned flags, struct pool **ret)
{
    auto_pool struct pool *fresh = parse(rq, xml, parse_flags);
    auto_pool struct pool *pool = NULL;
    struct pool *same;
    int r;

    if (!fresh || req_check(rq, OBJECT_STORAGE_POOL, fresh) < 0 ||
        check(fresh, /* live= */ true, &same, &rq->err) < 0)
        return -1;
    pool = pool_ref(same ? same : fresh);
    if (!same)
        pools_add(fresh);
    if (pool_take(rq, pool, "create") < 0)
        return -1;
    r = same ? check(fresh, /* live= */ true, &same, &rq->err) : 0;
    if (r >= 0 && same)
        set_aside_definition(pool, fresh);
    if (r >= 0)
        r = pool_bring_up(rq, pool, flags);
    if (r >= 0)
        pool_tell(pool, VIR_STORAGE_POOL_EVENT_STARTED);
    else if (!pool->active)
        pool_deactivate(pool);
    pool_give(rq, pool);
    if (r >= 0)
        *ret = TAKE(pool);
    return r;
}

/* ---- undefine, autostart ---- */

int pool_undefine(struct req *rq, struct pool *pool)
{
    int r = 0;

    if (pool_take(rq, pool, "undefine") < 0)
        return -1;
    if (pool->active)
        r = err_set(&rq->err, ERR_OPERATION_INVALID, "storage pool '%s' is still active", pool->def->name);
    if (r >= 0)
        r = store_change(rq, store_op_remove(storaged.store, pool->entry, &rq->err), NULL);
    if (r >= 0) {
        pool->entry = NULL;
        pool_tell(pool, VIR_STORAGE_POOL_EVENT_UNDEFINED);
        pools_remove(pool);
    }
    pool_give(rq, pool);
    return r;
}

int pool_set_autostart(struct req *rq, struct pool *pool, bool on)
{
    int r = 0;

    if (pool_take(rq, pool, "set autostart") < 0)
        return -1;
    if (!pool->entry)
        r = err_set(&rq->err, ERR_INTERNAL_ERROR, "pool has no config file");
    else if (pool->entry->autostart != on)
        r = store_change(rq, store_op_autostart(storaged.store, pool->entry, on, &rq->err), NULL);
    pool_give(rq, pool);
    return r;
}

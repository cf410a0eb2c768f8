/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starting, stopping, building, erasing and refreshing. */
#define ERR_FROM ERR_FROM_STORAGE
#include "virtstoraged/pool-life.h"

#include <errno.h>
#include <libvirt/libvirt.h>

#include "base/file.h"
#include "base/log.h"
#include "virtstoraged/backend.h"
#include "virtstoraged/storaged.h"

/* ---- the state file ---- */

static char *state_name(const struct pool *pool)
{
    return mem_printf("%s.xml", pool->def->name);
}

int pool_save_state(struct pool *pool, struct err *err)
{
    auto_free char *name = state_name(pool);
    auto_buf struct buf text = {0};
    int r;

    buf_add_string(&text, "<poolstate>\n");
    xt_format(&pool_table, &text, pool->def, /* flags= */ 0, /* indent= */ 2);
    buf_add_string(&text, "</poolstate>\n");
    r = file_replace_lazy(storaged.state_fd, name, 0600, text.data, text.length);
    if (r < 0)
        return err_system(err, r, "cannot write '%s/%s'", storaged.state_dir, name);
    return 0;
}

void pool_remove_state(const struct pool *pool)
{
    auto_free char *name = state_name(pool);
    int r = file_remove(storaged.state_fd, name);

    if (r < 0 && r != -ENOENT)
        log_warning("cannot remove '%s/%s': %s", storaged.state_dir, name, strerror(-r));
}

/* ---- up and down ---- */

static int build(struct req *rq, struct pool *pool, unsigned flags)
{
    if (!pool->backend->build)
        return err_set(&rq->err, ERR_NO_SUPPORT, "pool does not support pool creation");
    if (pool->backend->build(rq, pool, flags) < 0)
        return -1;
    pool_tell(pool, VIR_STORAGE_POOL_EVENT_CREATED);
    return 0;
}

/* Flags of a start as flags of a build; false: none is wanted. */
static bool build_wanted(unsigned flags, unsigned *ret)
{
    *ret = 0;
    if (flags & VIR_STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE)
        *ret |= VIR_STORAGE_POOL_BUILD_OVERWRITE;
    if (flags & VIR_STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE)
        *ret |= VIR_STORAGE_POOL_BUILD_NO_OVERWRITE;
    return *ret || (flags & VIR_STORAGE_POOL_CREATE_WITH_BUILD);
}

void pool_bring_down(struct req *rq, struct pool *pool)
{
    struct err why = {0};

    /* whatever made it necessary is what the caller hears of */
    err_move(&why, &rq->err);
    fiber_shield(rq, true);
    if (pool->backend->stop && pool->backend->stop(rq, pool) < 0)
        log_warning("storage pool '%s' could not be stopped: %s", pool->def->name, rq->err.message);
    fiber_shield(rq, false);
    err_clear(&rq->err);
    err_move(&rq->err, &why);
    pool_remove_state(pool);
}

int pool_bring_up(struct req *rq, struct pool *pool, unsigned flags)
{
    unsigned build_flags;

    if (build_wanted(flags, &build_flags) && build(rq, pool, build_flags) < 0)
        return -1;
    if (pool->backend->start && pool->backend->start(rq, pool) < 0)
        return -1;
    if (pool_save_state(pool, &rq->err) < 0 || pool->backend->refresh(rq, pool) < 0) {
        pool_bring_down(rq, pool);
        return -1;
    }
    pool->active = true;
    return 0;
}

/* ---- calls ---- */

static int check_inactive(const struct pool *pool, const char *already, struct err *err)
{
    if (!pool->active)
        return 0;
    return err_set(err, ERR_OPERATION_INVALID, "storage pool '%s' is %s active", pool->def->name, already);
}

int pool_start(struct req *rq, struct pool *pool, unsigned flags)
{
    int r;

    if (pool_take(rq, pool, "start") < 0)
        return -1;
    r = check_inactive(pool, "already", &rq->err);
    if (r >= 0)
        r = pool_bring_up(rq, pool, flags);
    if (r >= 0)
        pool_tell(pool, VIR_STORAGE_POOL_EVENT_STARTED);
    pool_give(rq, pool);
    return r;
}

int pool_stop(struct req *rq, struct pool *pool)
{
    int r;

    if (pool_take(rq, pool, "stop") < 0)
        return -1;
    r = pool_check_active(pool, &rq->err);
    if (r >= 0)
        r = pool_check_idle(pool, &rq->err);
    if (r >= 0 && pool->backend->stop)
        r = pool->backend->stop(rq, pool);
    if (r >= 0) {
        pool_remove_state(pool);
        pool_tell(pool, VIR_STORAGE_POOL_EVENT_STOPPED);
        pool_deactivate(pool);
    }
    pool_give(rq, pool);
    return r;
}

int pool_build(struct req *rq, struct pool *pool, unsigned flags)
{
    int r;

    if (pool_take(rq, pool, "build") < 0)
        return -1;
    r = check_inactive(pool, "already", &rq->err);
    if (r >= 0)
        r = build(rq, pool, flags);
    pool_give(rq, pool);
    return r;
}

int pool_erase(struct req *rq, struct pool *pool, unsigned flags)
{
    int r;

    if (pool_take(rq, pool, "delete") < 0)
        return -1;
    r = check_inactive(pool, "still", &rq->err);
    if (r >= 0 && !pool->backend->erase)
        r = err_set(&rq->err, ERR_NO_SUPPORT, "pool does not support pool deletion");
    if (r >= 0)
        r = pool->backend->erase(rq, pool, flags);
    if (r >= 0)
        pool_tell(pool, VIR_STORAGE_POOL_EVENT_DELETED);
    pool_give(rq, pool);
    return r;
}

/* A pool that can't be read any more is stopped: its volumes are not there. */
int pool_refresh(struct req *rq, struct pool *pool)
{
    int r;

    if (pool_take(rq, pool, "refresh") < 0)
        return -1;
    r = pool_check_active(pool, &rq->err);
    if (r >= 0)
        r = pool_check_idle(pool, &rq->err);
    if (r >= 0) {
        r = pool->backend->refresh(rq, pool);
        if (r >= 0) {
            pool_tell_refresh(pool);
        } else {
            pool_bring_down(rq, pool);
            pool_tell(pool, VIR_STORAGE_POOL_EVENT_STOPPED);
            pool_deactivate(pool);
        }
    }
    pool_give(rq, pool);
    return r;
}

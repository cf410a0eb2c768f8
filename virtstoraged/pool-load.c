/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the daemon finds when it starts: definitions in the store, active pools in the state directory (of an
 * earlier run, ours or stock's), and what is to be started with the host. Reading the volumes is left to
 * fibers: nobody waits for a slow pool but those who ask for it.
 */
#define ERR_FROM ERR_FROM_STORAGE
#include <errno.h>
#include <libvirt/libvirt.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "virtstoraged/backend.h"
#include "virtstoraged/pool-life.h"
#include "virtstoraged/storaged.h"

enum { STATE_MAX = 1024 * 1024 };

struct state {
    struct pool_def *pool;
};
XT_DECLARE(state_table, struct state);
XT_DEFINE(state_table, "poolstate", NULL, XT_CHILD(struct state, pool, "pool", pool_table, XT_REQUIRED));

/* ---- definitions ---- */

static int load(struct store_entry *entry, struct err *err)
{
    auto_arena struct arena text_arena = {0};
    auto_arena struct arena arena = {0};
    auto_pool struct pool *pool = NULL;
    struct pool_def *def;
    char *text = store_read(storaged.store, entry, &text_arena, /* ret_length= */ NULL, err);

    def = text ? pool_parse(&arena, text, /* flags= */ 0, err) : NULL;
    if (!def || !backend_of(def->type, err))
        return -1;
    if (!str_eq(def->name, entry->name))
        return err_set(err, ERR_INTERNAL_ERROR, "it holds the pool '%s'", def->name);
    pool = pool_new(&arena, def);
    pool->entry = entry;
    pools_add(pool);
    return 0;
}

/* ---- what is active ---- */

/* Work of the daemon's own on one pool. */
struct start {
    struct req rq;
    struct pool *pool;
};

static void start_done(struct req *rq, void *arg)
{
    struct start *start = arg;

    pool_unref(start->pool);
    err_clear(&rq->err);
    arena_done(&rq->arena);
    daemon_release(storaged.daemon);
    free(start);
}

static void start_begin(struct pool *pool, const char *name, void (*main)(struct req *rq, void *arg))
{
    struct start *start = NEW(struct start);

    start->rq.name = name;
    start->pool = pool_ref(pool);
    daemon_hold(storaged.daemon);
    fiber_start(&start->rq, main, start_done, start);
}

/* Is it up still, and what is in it? */
static int take_over(struct req *rq, struct pool *pool)
{
    bool active = true;

    if (pool->backend->check && pool->backend->check(rq, pool, &active) < 0)
        return -1;
    if (!active)
        return err_set(&rq->err, ERR_OPERATION_FAILED, "it was taken down meanwhile");
    return pool->backend->refresh(rq, pool);
}

static void load_main(struct req *rq, void *arg)
{
    struct pool *pool = ((struct start *)arg)->pool;

    if (pool_take(rq, pool, "read its volumes") < 0)
        return;
    if (take_over(rq, pool) < 0) {
        log_error("storage pool '%s' is not active any more: %s", pool->def->name, rq->err.message);
        pool_bring_down(rq, pool);
        pool_deactivate(pool);
    }
    pool->loading = false;
    pool_give(rq, pool);
}

static struct pool_def *read_state(const char *file, struct arena *arena, struct err *err)
{
    static const struct xt_document document = {&state_table, "(storage_pool_state)", pool_namespaces};
    auto_buf struct buf text = {0};
    struct state *state;
    int r = file_read(storaged.state_fd, file, STATE_MAX, &text);

    if (r < 0) {
        err_system(err, r, "cannot read it");
        return NULL;
    }
    state = xt_parse(&document, arena, store_skip_header(buf_text(&text)), XT_PARSE_INACTIVE, err);
    return state && backend_of(state->pool->type, err) ? state->pool : NULL;
}

static int adopt(const char *file, const char *name, struct err *err)
{
    auto_arena struct arena arena = {0};
    auto_pool struct pool *fresh = NULL;
    struct pool_def *def = read_state(file, &arena, err);
    struct pool *pool = def ? pools_find(def->uuid) : NULL;

    if (!def)
        return -1;
    if (!str_eq(def->name, name) || (pool && !str_eq(pool->def->name, name)) ||
        (!pool && pools_find_name(name)))
        return err_set(err, ERR_INTERNAL_ERROR, "it belongs to another pool");
    fresh = pool_new(&arena, def);
    if (!pool) { /* a transient one */
        pool = fresh;
        pools_add(pool);
    } else {
        auto_buf struct buf now = {0};
        auto_buf struct buf later = {0};

        pool_format(def, &now);
        pool_format(pool->def, &later);
        if (!str_eq(buf_text(&now), buf_text(&later))) {
            pool->next_arena = pool->arena;
            pool->next = pool->def;
            pool->arena = (struct arena){0};
            pool_set_def(pool, &fresh->arena, def);
        }
    }
    pool->active = pool->loading = true;
    start_begin(pool, "read the volumes of a pool", load_main);
    return 0;
}

static void adopt_all(void)
{
    auto_strv char **files = NULL;

    if (file_list(storaged.state_fd, ".", &files) < 0)
        return;
    for (char **file = files; *file; file++) {
        auto_free char *name = str_ends(*file, ".xml") ? mem_strndup(*file, strlen(*file) - 4) : NULL;
        auto_err struct err err = {0};

        if ((*file)[0] == '.' && str_ends(*file, ".new")) /* an earlier daemon was killed while it wrote */
            (void)unlinkat(storaged.state_fd, *file, 0);
        else if (name && adopt(*file, name, &err) < 0)
            log_error("'%s/%s' is left alone: %s", storaged.state_dir, *file, err.message);
    }
}

/* ---- autostart ---- */

static void autostart_main(struct req *rq, void *arg)
{
    struct pool *pool = ((struct start *)arg)->pool;

    if (!pool->active && pool_start(rq, pool, /* flags= */ 0) < 0)
        log_error("storage pool '%s' could not be started: %s", pool->def->name, rq->err.message);
}

/* Once after the host's start, not each time that the daemon comes back; the mark is stock's. */
static bool autostart_due(void)
{
    auto_fd int fd = openat(storaged.state_fd, "autostarted", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    return fd >= 0;
}

void pools_load(void)
{
    struct store_entry *entry;
    struct pool *pool;

    (void)store_load(storaged.store, /* max= */ 0);
    STORE_FOREACH(storaged.store, entry) {
        auto_err struct err why = {0};

        if (load(entry, &why) < 0)
            log_warning("storage pool file '%s.xml' is skipped: %s", entry->name, why.message);
    }
    adopt_all();
    if (!autostart_due())
        return;
    MAP_FOREACH(&storaged.names, pool)
        if (pool->entry && pool->entry->autostart && !pool->active)
            start_begin(pool, "autostart a pool", autostart_main);
}

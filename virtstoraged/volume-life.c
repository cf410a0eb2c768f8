/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_STORAGE
#include "virtstoraged/volume-life.h"

#include <libvirt/libvirt.h>

#include "base/log.h"
#include "base/str.h"
#include "rpc/client.h"
#include "virtstoraged/backend.h"
#include "virtstoraged/file-raw.h"
#include "virtstoraged/tool.h"

/* An estimate until the next refresh: others use the same file system. */
static void count_space(struct pool *pool, uint64_t more, uint64_t less)
{
    struct pool_def *def = pool->def;
    uint64_t allocation = def->allocation + more;

    if (pool->backend->counts)
        return;
    allocation -= less < allocation ? less : allocation;
    def->available = def->capacity > allocation ? def->capacity - allocation : 0;
    def->allocation = allocation;
}

/* ---- create ---- */

/* What a copy takes over from where it comes. */
static void take_from(struct volume_def *def, const struct volume_def *from)
{
    if (!def->capacity.set || def->capacity.value < from->capacity.value)
        def->capacity = from->capacity;
}

static int check_new(struct req *rq, const struct pool *pool, const struct volume_def *def, bool copy)
{
    const struct volume *other = pool_volume(pool, def->name);

    if (other && copy)
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "storage volume name '%s' already in use.", def->name);
    if (other)
        return err_set(&rq->err, ERR_STORAGE_VOL_EXIST, "'%s'", def->name);
    return 0;
}

/* A place in the set, so that nobody else takes the name; with the pool's job. */
static int reserve(struct req *rq, struct pool *pool, struct volume *volume, const struct volume *from)
{
    int r;

    if (pool_take(rq, pool, "create a volume") < 0)
        return -1;
    r = pool_check_active(pool, &rq->err);
    if (r >= 0)
        r = check_new(rq, pool, volume->def, from != NULL);
    if (r >= 0 && from && from->building)
        r = err_set(&rq->err, ERR_OPERATION_INVALID, "volume '%s' is still being allocated.",
                    from->def->name);
    if (r >= 0)
        r = pool->backend->place(rq, pool, volume->def, &volume->arena);
    if (r >= 0) {
        volume->building = true;
        pool_add_volume(pool, volume);
        pool->users++;
    }
    pool_give(rq, pool);
    return r;
}

int volume_create(struct req *rq, struct pool *pool, const char *xml, struct volume *from, unsigned flags,
                  struct volume **ret)
{
    unsigned parse = (from ? VOLUME_PARSE_NO_CAPACITY : 0u) |
                     (flags & VIR_STORAGE_VOL_CREATE_VALIDATE ? VOLUME_PARSE_VALIDATE : 0u);
    auto_volume struct volume *volume = NULL;
    auto_arena struct arena arena = {0};
    struct volume_def *def;
    int r;

    if (pool_use(rq, pool) < 0)
        return -1;
    if (!pool->backend->make)
        return err_set(&rq->err, ERR_NO_SUPPORT, "storage pool does not support volume creation");
    def = volume_parse(&arena, xml, pool_kind_of(pool->def), parse, &rq->err);
    if (!def)
        return -1;
    def->key = def->name; /* until it has a place */
    if (from)
        take_from(def, from->def);
    if (!def->allocation.set)
        def->allocation = (struct opt_u64){def->capacity.value, false};
    volume = volume_new(pool, &arena, def);
    if (req_check(rq, OBJECT_STORAGE_VOL, volume) < 0 || reserve(rq, pool, volume, from) < 0)
        return -1;
    if (from)
        volume_hold(from);
    r = pool->backend->make(rq, volume, from, flags & ~(unsigned)VIR_STORAGE_VOL_CREATE_VALIDATE);
    if (from)
        volume_release(from);
    pool->users--;
    volume->building = false;
    if (r >= 0)
        r = pool->backend->look(rq, volume);
    if (r < 0) {
        pool_remove_volume(volume);
        return -1;
    }
    count_space(pool, volume->def->allocation.value, 0);
    *ret = TAKE(volume);
    return 0;
}

/* ---- others ---- */

int volume_delete(struct req *rq, struct volume *volume, unsigned flags)
{
    struct pool *pool = volume->pool;
    int r = pool_take(rq, pool, "delete a volume");

    if (r < 0)
        return -1;
    r = volume_check_free(volume, &rq->err);
    if (r >= 0 && !pool->backend->remove)
        r = err_set(&rq->err, ERR_NO_SUPPORT, "storage pool does not support volume deletion");
    if (r >= 0) {
        volume->building = true; /* nobody may begin to use it */
        r = pool->backend->remove(rq, volume, flags);
        volume->building = false;
    }
    if (r >= 0) {
        count_space(pool, 0, volume->def->allocation.value);
        pool_remove_volume(volume);
    }
    pool_give(rq, pool);
    return r;
}

/* The size that is meant; negative with rq->err set when it may not be. */
static int new_capacity(struct req *rq, const struct volume *volume, uint64_t capacity, unsigned flags,
                        uint64_t *ret)
{
    const struct volume_def *def = volume->def;
    uint64_t now = def->capacity.value;

    if (flags & VIR_STORAGE_VOL_RESIZE_DELTA) {
        if (flags & VIR_STORAGE_VOL_RESIZE_SHRINK)
            capacity = now - (capacity < now ? capacity : now);
        else if (__builtin_add_overflow(now, capacity, &capacity))
            return err_set(&rq->err, ERR_OVERFLOW, "volume '%s' can't have that size", def->name);
    }
    if (capacity > INT64_MAX)
        return err_set(&rq->err, ERR_OVERFLOW, "volume '%s' can't have that size", def->name);
    if (capacity < def->allocation.value)
        return err_set(&rq->err, ERR_INVALID_ARG, "can't shrink capacity below existing allocation");
    if (capacity < now && !(flags & VIR_STORAGE_VOL_RESIZE_SHRINK))
        return err_set(
            &rq->err, ERR_INVALID_ARG,
            "Can't shrink capacity below current capacity unless shrink flag explicitly specified");
    if ((flags & VIR_STORAGE_VOL_RESIZE_ALLOCATE) &&
        capacity > def->allocation.value + volume->pool->def->available)
        return err_set(&rq->err, ERR_OPERATION_FAILED, "Not enough space left on storage pool");
    *ret = capacity;
    return 0;
}

int volume_look(struct req *rq, struct volume *volume)
{
    return volume->building || !volume->pool->backend->look ? 0 : volume->pool->backend->look(rq, volume);
}

int volume_resize(struct req *rq, struct volume *volume, uint64_t capacity, unsigned flags)
{
    const struct backend *backend = volume->pool->backend;
    uint64_t wanted = 0, before;
    int r;

    if (volume_check_free(volume, &rq->err) < 0)
        return -1;
    if (!backend->resize)
        return err_set(&rq->err, ERR_NO_SUPPORT, "storage pool does not support changing of volume capacity");
    volume_hold(volume);
    r = volume_look(rq, volume);
    before = volume->def->allocation.value;
    if (r >= 0)
        r = new_capacity(rq, volume, capacity, flags, &wanted);
    if (r >= 0)
        r = backend->resize(rq, volume, wanted, flags);
    if (r >= 0)
        r = volume_look(rq, volume);
    if (r >= 0)
        count_space(volume->pool, volume->def->allocation.value, before);
    volume_release(volume);
    return r;
}

/* scrub knows the patterns; zeros need nobody. */
static int wipe_content(struct req *rq, const struct volume *volume, uint32_t algorithm)
{
    static const char *const patterns[] = {NULL,       "nnsa",      "dod",        "bsi",   "gutmann",
                                           "schneier", "pfitzner7", "pfitzner33", "random"};
    const char *path = volume->def->target.path;
    struct tool tool = {0};

    if (algorithm == VIR_STORAGE_VOL_WIPE_ALG_ZERO)
        return raw_change_run(rq, raw_change_new(path, RAW_WIPE));
    if (algorithm >= ARRAY_SIZE(patterns))
        return err_set(&rq->err, ERR_ARGUMENT_UNSUPPORTED, "'trim' algorithm not supported");
    tool_add(rq, &tool, "scrub", "-f", "-p", patterns[algorithm], path, NULL);
    return tool_run(rq, &tool, TOOL_LONG, NULL);
}

int volume_wipe(struct req *rq, struct volume *volume, uint32_t algorithm)
{
    int r;

    if (algorithm > VIR_STORAGE_VOL_WIPE_ALG_TRIM)
        return err_set(&rq->err, ERR_INVALID_ARG, "wiping algorithm %d not supported", (int)algorithm);
    if (volume_check_free(volume, &rq->err) < 0)
        return -1;
    if (!volume->pool->backend->content)
        return err_set(&rq->err, ERR_NO_SUPPORT, "storage pool doesn't support volume wiping");
    volume_hold(volume);
    r = wipe_content(rq, volume, algorithm);
    if (r >= 0)
        r = volume_look(rq, volume);
    volume_release(volume);
    return r;
}

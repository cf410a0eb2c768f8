/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_STORAGE
#include "virtstoraged/volume.h"

#include "base/str.h"
#include "protocol/remote.h"
#include "virtstoraged/pool.h"

struct volume *volume_new(struct pool *pool, struct arena *arena, struct volume_def *def)
{
    struct volume *volume = NEW(struct volume);

    volume->references = 1;
    volume->pool = pool_ref(pool);
    volume->arena = *arena;
    volume->def = def;
    *arena = (struct arena){0};
    return volume;
}

struct volume *volume_ref(struct volume *volume)
{
    volume->references++;
    return volume;
}

void volume_unref(struct volume *volume)
{
    if (!volume || --volume->references)
        return;
    volume_unref(volume->real);
    pool_unref(volume->pool);
    arena_done(&volume->arena);
    free(volume);
}

/* A volume of a pool that is still being read: what the client says of it, until volume_use() knows better.
 */
static struct volume *supposed(struct pool *pool, const struct wire_storage_vol *reference)
{
    struct arena arena = {0};
    struct volume_def *def = ARENA_NEW(&arena, struct volume_def);

    def->name = arena_strdup(&arena, reference->name);
    def->key = arena_strdup(&arena, reference->key);
    return volume_new(pool, &arena, def);
}

static int no_volume(struct err *err, const char *name)
{
    return err_set(err, ERR_NO_STORAGE_VOL, "no storage vol with matching name '%s'", name);
}

static void *find(struct req *rq, const void *wire, struct err *err)
{
    const struct wire_storage_vol *reference = wire;
    struct pool *pool = pools_find_name(reference->pool);
    struct volume *volume;

    if (!pool) {
        err_set(err, ERR_NO_STORAGE_POOL, "no storage pool with matching name '%s'", reference->pool);
        return NULL;
    }
    if (pool->loading)
        return supposed(pool, reference);
    if (pool_check_active(pool, err) < 0)
        return NULL;
    volume = pool_volume(pool, reference->name);
    if (volume)
        return volume_ref(volume);
    no_volume(err, reference->name);
    return NULL;
}

static void unref(void *object)
{
    volume_unref(object);
}

static void describe(struct arena *arena, const void *object, struct acl_object *ret)
{
    const struct volume *volume = object;

    ret->title =
        arena_printf(arena, "storage volume '%s' of pool '%s'", volume->def->name, volume->pool->def->name);
    ret->attributes[ret->count++] =
        (struct acl_attribute){"pool_name", arena_strdup(arena, volume->pool->def->name)};
    ret->attributes[ret->count++] =
        (struct acl_attribute){"pool_uuid", arena_strdup(arena, volume->pool->uuid)};
    ret->attributes[ret->count++] =
        (struct acl_attribute){"vol_name", arena_strdup(arena, volume->def->name)};
    ret->attributes[ret->count++] = (struct acl_attribute){"vol_key", arena_strdup(arena, volume->def->key)};
}

const struct object_type volume_type = {.find = find, .unref = unref, .describe = describe};

struct wire_storage_vol wire_of_volume(struct req *rq, const struct volume *volume)
{
    return (struct wire_storage_vol){.pool = arena_strdup(&rq->arena, volume->pool->def->name),
                                     .name = arena_strdup(&rq->arena, volume->def->name),
                                     .key = arena_strdup(&rq->arena, volume->def->key)};
}

int volume_use(struct req *rq, struct volume **volume)
{
    struct volume *asked = *volume, *real;

    if (asked->def->type != VOLUME_UNSET)
        return 0;
    if (pool_use(rq, asked->pool) < 0)
        return -1;
    real = pool_volume(asked->pool, asked->def->name);
    /* access was granted to what the client said it is */
    if (!real || !str_eq(real->def->key, asked->def->key))
        return no_volume(&rq->err, asked->def->name);
    volume_unref(asked->real);
    *volume = asked->real = volume_ref(real);
    return 0;
}

/* Memory of the arena is only used when something changed: a volume is looked at often. */
static void update_text(struct volume *volume, char **text, const char *seen)
{
    if (!str_eq(*text, seen))
        *text = arena_strdup(&volume->arena, seen);
}

void volume_update(struct volume *volume, const struct volume_def *seen)
{
    struct volume_def *def = volume->def;
    char *label = def->target.permissions.label;

    def->capacity = seen->capacity;
    def->allocation = seen->allocation;
    def->physical = seen->physical;
    def->target.permissions = seen->target.permissions;
    def->target.permissions.label = label;
    def->target.timestamps = seen->target.timestamps;
    def->target.cluster_size = seen->target.cluster_size;
    def->target.has_features = seen->target.has_features;
    def->target.lazy_refcounts = seen->target.lazy_refcounts;
    def->target.extended_l2 = seen->target.extended_l2;
    if (def->type == VOLUME_FILE)
        update_text(volume, &def->target.format, seen->target.format);
    update_text(volume, &def->target.compat, seen->target.compat);
    if (def->type != VOLUME_FILE) {
        /* a device's facts about others come from its pool */
    } else if (!seen->backing) {
        def->backing = NULL;
    } else if (!def->backing || !str_eq(def->backing->path, seen->backing->path) ||
               !str_eq(def->backing->format, seen->backing->format)) {
        def->backing = xt_copy(&volume_target_table, &volume->arena, seen->backing);
    } else {
        def->backing->permissions = seen->backing->permissions;
        def->backing->timestamps = seen->backing->timestamps;
    }
}

void volume_redefine(struct volume *volume, struct arena *arena, struct volume_def *def)
{
    struct map *volumes = &volume->pool->volumes;
    bool listed = map_get(volumes, volume->def->name) == volume;

    /* the key of the set lives in the definition */
    if (listed)
        map_remove(volumes, volume->def->name);
    arena_done(&volume->arena);
    volume->arena = *arena;
    volume->def = def;
    *arena = (struct arena){0};
    if (listed)
        map_put(volumes, def->name, volume);
}

int volume_check_free(const struct volume *volume, struct err *err)
{
    if (volume->gone)
        return no_volume(err, volume->def->name);
    if (volume->users)
        return err_set(err, ERR_OPERATION_INVALID, "volume '%s' is still in use.", volume->def->name);
    if (volume->building)
        return err_set(err, ERR_OPERATION_INVALID, "volume '%s' is still being allocated.",
                       volume->def->name);
    return 0;
}

void volume_hold(struct volume *volume)
{
    volume_ref(volume);
    volume->users++;
    volume->pool->users++;
}

void volume_release(struct volume *volume)
{
    volume->pool->users--;
    volume->users--;
    volume_unref(volume);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists and lookups of pools and volumes. */
#define ERR_FROM ERR_FROM_STORAGE
#include <libvirt/libvirt.h>

#include "base/str.h"
#include "protocol/remote.h"
#include "rpc/client.h"
#include "store/store.h"
#include "virtstoraged/pool.h"
#include "virtstoraged/storaged.h"
#include "virtstoraged/volume.h"

/* ---- pools ---- */

enum {
    FILTER_ACTIVE = VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE | VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE,
    FILTER_PERSISTENT = VIR_CONNECT_LIST_STORAGE_POOLS_PERSISTENT | VIR_CONNECT_LIST_STORAGE_POOLS_TRANSIENT,
    FILTER_AUTOSTART = VIR_CONNECT_LIST_STORAGE_POOLS_AUTOSTART | VIR_CONNECT_LIST_STORAGE_POOLS_NO_AUTOSTART,
};

static const unsigned type_filters[POOL_TYPE_MAX] = {
    [POOL_DIR] = VIR_CONNECT_LIST_STORAGE_POOLS_DIR,
    [POOL_FS] = VIR_CONNECT_LIST_STORAGE_POOLS_FS,
    [POOL_NETFS] = VIR_CONNECT_LIST_STORAGE_POOLS_NETFS,
    [POOL_LOGICAL] = VIR_CONNECT_LIST_STORAGE_POOLS_LOGICAL,
    [POOL_DISK] = VIR_CONNECT_LIST_STORAGE_POOLS_DISK,
    [POOL_ISCSI] = VIR_CONNECT_LIST_STORAGE_POOLS_ISCSI,
    [POOL_ISCSI_DIRECT] = VIR_CONNECT_LIST_STORAGE_POOLS_ISCSI_DIRECT,
    [POOL_SCSI] = VIR_CONNECT_LIST_STORAGE_POOLS_SCSI,
    [POOL_MPATH] = VIR_CONNECT_LIST_STORAGE_POOLS_MPATH,
    [POOL_RBD] = VIR_CONNECT_LIST_STORAGE_POOLS_RBD,
    [POOL_SHEEPDOG] = VIR_CONNECT_LIST_STORAGE_POOLS_SHEEPDOG,
    [POOL_GLUSTER] = VIR_CONNECT_LIST_STORAGE_POOLS_GLUSTER,
    [POOL_ZFS] = VIR_CONNECT_LIST_STORAGE_POOLS_ZFS,
    [POOL_VSTORAGE] = VIR_CONNECT_LIST_STORAGE_POOLS_VSTORAGE,
};

static unsigned all_types(void)
{
    unsigned all = 0;

    for (size_t i = 0; i < ARRAY_SIZE(type_filters); i++)
        all |= type_filters[i];
    return all;
}

/* Of each group of filters none means all. */
static bool wanted(const struct pool *pool, unsigned flags)
{
    bool autostart = pool->entry && pool->entry->autostart;
    const struct {
        unsigned group, mine;
    } groups[] = {
        {FILTER_ACTIVE,
         pool->active ? VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE : VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE},
        {FILTER_PERSISTENT,
         pool->entry ? VIR_CONNECT_LIST_STORAGE_POOLS_PERSISTENT : VIR_CONNECT_LIST_STORAGE_POOLS_TRANSIENT},
        {FILTER_AUTOSTART,
         autostart ? VIR_CONNECT_LIST_STORAGE_POOLS_AUTOSTART : VIR_CONNECT_LIST_STORAGE_POOLS_NO_AUTOSTART},
        {all_types(), type_filters[pool->def->type]},
    };

    for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
        if ((flags & groups[i].group) && !(flags & groups[i].mine))
            return false;
    return true;
}

/* The pools that the filters let through and the caller may see. Asking for access may wait. */
static struct wire_storage_pool *visible(struct req *rq, unsigned flags, uint32_t *ret_count)
{
    struct pool **all = pools_all(rq);
    struct wire_storage_pool *list =
        ARENA_ARRAY(&rq->arena, struct wire_storage_pool, storaged.names.count + 1);
    uint32_t count = 0;

    for (struct pool **pool = all; *pool; pool++)
        if (wanted(*pool, flags) && req_sees(rq, OBJECT_STORAGE_POOL, *pool))
            list[count++] = wire_of_pool(rq, *pool);
    pools_unref(all);
    *ret_count = count;
    return list;
}

static int32_t count_pools(struct req *rq, unsigned flags)
{
    uint32_t count;

    visible(rq, flags, &count);
    return (int32_t)count;
}

static char **name_pools(struct req *rq, unsigned flags, int32_t max, uint32_t *ret_count)
{
    uint32_t count;
    struct wire_storage_pool *list = visible(rq, flags, &count);
    char **names;

    if (max < 0 || count > (uint32_t)max)
        count = max < 0 ? 0 : (uint32_t)max;
    names = ARENA_ARRAY(&rq->arena, char *, count);
    for (uint32_t i = 0; i < count; i++)
        names[i] = list[i].name;
    *ret_count = count;
    return names;
}

static int m_connect_num_of_storage_pools(struct req *rq, struct client *client,
                                          const struct remote_connect_num_of_storage_pools_in *in,
                                          struct remote_connect_num_of_storage_pools_out *out)
{
    out->num = count_pools(rq, VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE);
    return 0;
}

static int m_connect_list_storage_pools(struct req *rq, struct client *client,
                                        const struct remote_connect_list_storage_pools_in *in,
                                        struct remote_connect_list_storage_pools_out *out)
{
    out->names.v = name_pools(rq, VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE, in->maxnames, &out->names.n);
    return 0;
}

static int
m_connect_num_of_defined_storage_pools(struct req *rq, struct client *client,
                                       const struct remote_connect_num_of_defined_storage_pools_in *in,
                                       struct remote_connect_num_of_defined_storage_pools_out *out)
{
    out->num = count_pools(rq, VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE);
    return 0;
}

static int m_connect_list_defined_storage_pools(struct req *rq, struct client *client,
                                                const struct remote_connect_list_defined_storage_pools_in *in,
                                                struct remote_connect_list_defined_storage_pools_out *out)
{
    out->names.v = name_pools(rq, VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE, in->maxnames, &out->names.n);
    return 0;
}

static int m_connect_list_all_storage_pools(struct req *rq, struct client *client,
                                            const struct remote_connect_list_all_storage_pools_in *in,
                                            struct remote_connect_list_all_storage_pools_out *out)
{
    struct wire_storage_pool *list;

    if (method_flags(rq, in->flags, FILTER_ACTIVE | FILTER_PERSISTENT | FILTER_AUTOSTART | all_types()) < 0)
        return -1;
    list = visible(rq, in->flags, &out->ret);
    if (in->need_results) {
        out->pools.n = out->ret;
        out->pools.v = list;
    }
    return 0;
}

/* A pool that no reference named: may the caller see it? */
static int show_pool(struct req *rq, struct pool *pool, struct wire_storage_pool *ret)
{
    int r;

    pool_ref(pool);
    r = req_check(rq, OBJECT_STORAGE_POOL, pool);
    if (r >= 0)
        *ret = wire_of_pool(rq, pool);
    pool_unref(pool);
    return r;
}

static int m_storage_pool_lookup_by_name(struct req *rq, struct client *client,
                                         const struct remote_storage_pool_lookup_by_name_in *in,
                                         struct remote_storage_pool_lookup_by_name_out *out)
{
    struct pool *pool = pools_find_name(in->name);

    if (!pool)
        return err_set(&rq->err, ERR_NO_STORAGE_POOL, "no storage pool with matching name '%s'", in->name);
    return show_pool(rq, pool, &out->pool);
}

static int m_storage_pool_lookup_by_uuid(struct req *rq, struct client *client,
                                         const struct remote_storage_pool_lookup_by_uuid_in *in,
                                         struct remote_storage_pool_lookup_by_uuid_out *out)
{
    struct pool *pool = pools_find(in->uuid);
    char text[UUID_TEXT];

    if (!pool)
        return err_set(&rq->err, ERR_NO_STORAGE_POOL, "no storage pool with matching uuid '%s'",
                       uuid_format(in->uuid, text));
    return show_pool(rq, pool, &out->pool);
}

/* The reference alone says which pool: the row checks access to that. */
static int m_storage_pool_lookup_by_volume(struct req *rq, struct volume *volume,
                                           const struct remote_storage_pool_lookup_by_volume_in *in,
                                           struct remote_storage_pool_lookup_by_volume_out *out)
{
    return show_pool(rq, volume->pool, &out->pool);
}

static int m_storage_pool_lookup_by_target_path(struct req *rq, struct client *client,
                                                const struct remote_storage_pool_lookup_by_target_path_in *in,
                                                struct remote_storage_pool_lookup_by_target_path_out *out)
{
    const char *path = path_sanitize(&rq->arena, in->path);
    struct pool *pool;

    MAP_FOREACH(&storaged.names, pool)
        if (pool->active && str_eq(pool->def->path, path))
            return show_pool(rq, pool, &out->pool);
    return err_set(&rq->err, ERR_NO_STORAGE_POOL, "no storage pool with matching target path '%s'", path);
}

/* ---- volumes ---- */

static int by_name(const void *a, const void *b)
{
    const struct wire_storage_vol *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static int visible_volumes(struct req *rq, struct pool *pool, struct wire_storage_vol **ret,
                           uint32_t *ret_count)
{
    struct volume **all, *volume;
    struct wire_storage_vol *list;
    uint32_t count = 0, shown = 0;

    if (pool_use(rq, pool) < 0)
        return -1;
    all = ARENA_ARRAY(&rq->arena, struct volume *, pool->volumes.count);
    list = ARENA_ARRAY(&rq->arena, struct wire_storage_vol, pool->volumes.count);
    MAP_FOREACH(&pool->volumes, volume)
        all[count++] = volume_ref(volume);
    for (uint32_t i = 0; i < count; i++) {
        if (req_sees(rq, OBJECT_STORAGE_VOL, all[i]))
            list[shown++] = wire_of_volume(rq, all[i]);
        volume_unref(all[i]);
    }
    qsort(list, shown, sizeof(*list), by_name);
    *ret = list;
    *ret_count = shown;
    return 0;
}

static int m_storage_pool_num_of_volumes(struct req *rq, struct pool *pool,
                                         const struct remote_storage_pool_num_of_volumes_in *in,
                                         struct remote_storage_pool_num_of_volumes_out *out)
{
    struct wire_storage_vol *list;
    uint32_t count;

    if (visible_volumes(rq, pool, &list, &count) < 0)
        return -1;
    out->num = (int32_t)count;
    return 0;
}

static int m_storage_pool_list_volumes(struct req *rq, struct pool *pool,
                                       const struct remote_storage_pool_list_volumes_in *in,
                                       struct remote_storage_pool_list_volumes_out *out)
{
    struct wire_storage_vol *list;
    uint32_t count;

    if (visible_volumes(rq, pool, &list, &count) < 0)
        return -1;
    if (in->maxnames < 0 || count > (uint32_t)in->maxnames)
        count = in->maxnames < 0 ? 0 : (uint32_t)in->maxnames;
    out->names.n = count;
    out->names.v = ARENA_ARRAY(&rq->arena, char *, count);
    for (uint32_t i = 0; i < count; i++)
        out->names.v[i] = list[i].name;
    return 0;
}

static int m_storage_pool_list_all_volumes(struct req *rq, struct pool *pool,
                                           const struct remote_storage_pool_list_all_volumes_in *in,
                                           struct remote_storage_pool_list_all_volumes_out *out)
{
    struct wire_storage_vol *list;

    if (method_flags(rq, in->flags, 0) < 0 || visible_volumes(rq, pool, &list, &out->ret) < 0)
        return -1;
    if (in->need_results) {
        out->vols.n = out->ret;
        out->vols.v = list;
    }
    return 0;
}

static int show_volume(struct req *rq, struct volume *volume, struct wire_storage_vol *ret)
{
    int r;

    volume_ref(volume);
    r = req_check(rq, OBJECT_STORAGE_VOL, volume);
    if (r >= 0)
        *ret = wire_of_volume(rq, volume);
    volume_unref(volume);
    return r;
}

static int m_storage_vol_lookup_by_name(struct req *rq, struct pool *pool,
                                        const struct remote_storage_vol_lookup_by_name_in *in,
                                        struct remote_storage_vol_lookup_by_name_out *out)
{
    struct volume *volume;

    if (pool_use(rq, pool) < 0)
        return -1;
    volume = pool_volume(pool, in->name);
    if (!volume)
        return err_set(&rq->err, ERR_NO_STORAGE_VOL, "no storage vol with matching name '%s'", in->name);
    return show_volume(rq, volume, &out->vol);
}

/* The first volume of an active pool that fits. Borrowed; NULL when there is none. May wait. */
static struct volume *find_volume(struct req *rq, bool (*fits)(const struct volume *volume, const char *what),
                                  const char *what)
{
    struct pool **all = pools_all(rq);
    struct volume *found = NULL, *volume;

    for (struct pool **pool = all; *pool; pool++)
        if ((*pool)->loading && pool_use(rq, *pool) < 0)
            err_clear(&rq->err); /* one that turned out to be gone */
    for (struct pool **pool = all; *pool && !found; pool++)
        MAP_FOREACH(&(*pool)->volumes, volume)
            if (!found && fits(volume, what))
                found = volume;
    pools_unref(all);
    return found;
}

static bool has_key(const struct volume *volume, const char *key)
{
    return str_eq(volume->def->key, key);
}

static bool has_path(const struct volume *volume, const char *path)
{
    return str_eq(volume->def->target.path, path);
}

static int m_storage_vol_lookup_by_key(struct req *rq, struct client *client,
                                       const struct remote_storage_vol_lookup_by_key_in *in,
                                       struct remote_storage_vol_lookup_by_key_out *out)
{
    struct volume *volume = find_volume(rq, has_key, in->key);

    if (!volume)
        return err_set(&rq->err, ERR_NO_STORAGE_VOL, "no storage vol with matching key %s", in->key);
    return show_volume(rq, volume, &out->vol);
}

static int m_storage_vol_lookup_by_path(struct req *rq, struct client *client,
                                        const struct remote_storage_vol_lookup_by_path_in *in,
                                        struct remote_storage_vol_lookup_by_path_out *out)
{
    const char *path = path_sanitize(&rq->arena, in->path);
    struct volume *volume = find_volume(rq, has_path, path);

    if (!volume)
        return err_set(&rq->err, ERR_NO_STORAGE_VOL, "no storage vol with matching path '%s'", in->path);
    return show_volume(rq, volume, &out->vol);
}

const struct method list_methods[] = {
    METHOD(remote, CONNECT_NUM_OF_STORAGE_POOLS, m_connect_num_of_storage_pools),
    METHOD(remote, CONNECT_LIST_STORAGE_POOLS, m_connect_list_storage_pools),
    METHOD(remote, CONNECT_NUM_OF_DEFINED_STORAGE_POOLS, m_connect_num_of_defined_storage_pools),
    METHOD(remote, CONNECT_LIST_DEFINED_STORAGE_POOLS, m_connect_list_defined_storage_pools),
    METHOD(remote, CONNECT_LIST_ALL_STORAGE_POOLS, m_connect_list_all_storage_pools),
    METHOD(remote, STORAGE_POOL_LOOKUP_BY_NAME, m_storage_pool_lookup_by_name),
    METHOD(remote, STORAGE_POOL_LOOKUP_BY_UUID, m_storage_pool_lookup_by_uuid),
    METHOD(remote, STORAGE_POOL_LOOKUP_BY_VOLUME, m_storage_pool_lookup_by_volume),
    METHOD(remote, STORAGE_POOL_LOOKUP_BY_TARGET_PATH, m_storage_pool_lookup_by_target_path),
    METHOD(remote, STORAGE_POOL_NUM_OF_VOLUMES, m_storage_pool_num_of_volumes),
    METHOD(remote, STORAGE_POOL_LIST_VOLUMES, m_storage_pool_list_volumes),
    METHOD(remote, STORAGE_POOL_LIST_ALL_VOLUMES, m_storage_pool_list_all_volumes),
    METHOD(remote, STORAGE_VOL_LOOKUP_BY_NAME, m_storage_vol_lookup_by_name),
    METHOD(remote, STORAGE_VOL_LOOKUP_BY_KEY, m_storage_vol_lookup_by_key),
    METHOD(remote, STORAGE_VOL_LOOKUP_BY_PATH, m_storage_vol_lookup_by_path),
    {0},
};

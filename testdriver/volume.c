/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Volumes: names and sizes in a pool, without any bytes. */
#define ERR_FROM ERR_FROM_TEST
#include "testdriver/storage.h"

struct volume *volume_by_name(const struct pool *pool, const char *name)
{
    struct volume *volume;

    LIST_FOREACH(&pool->volumes, volume, link)
        if (str_eq(volume->def->name, name))
            return volume;
    return NULL;
}

void volume_free(struct volume *volume)
{
    list_remove(&volume->link);
    arena_done(&volume->arena);
    free(volume);
}

static int check(const struct pool *pool, const struct volume_def *def, bool found, struct err *err)
{
    if (volume_by_name(pool, def->name))
        return err_set(err, ERR_OPERATION_FAILED, "storage vol already exists");
    if (!found && def->allocation.value > pool->def->available)
        return err_set(err, ERR_INTERNAL_ERROR, "Not enough free space in pool for volume '%s'", def->name);
    return 0;
}

struct volume *volume_add(struct pool *pool, const char *xml, enum volume_how how, struct err *err)
{
    struct volume *volume = NEW(struct volume);
    struct volume_def *def;

    list_init(&volume->link);
    volume->pool = pool;
    def = volume->def = volume_parse(&volume->arena, xml, pool_kind_of(pool->def),
                                     how == VOLUME_COPIED ? VOLUME_PARSE_NO_CAPACITY : 0, err);
    if (def && how != VOLUME_COPIED && !def->capacity.set)
        err_set_from(err, ERR_FROM_STORAGE, ERR_XML_ERROR, "missing capacity element");
    if (def && !def->allocation.set)
        def->allocation = def->capacity;
    if (!def || err_is_set(err) || check(pool, def, how == VOLUME_FOUND, err) < 0) {
        volume_free(volume);
        return NULL;
    }
    if (!def->type)
        def->type = VOLUME_FILE;
    def->allocation.set = def->capacity.set = true;
    if (how != VOLUME_FOUND || !def->target.path)
        def->target.path =
            arena_printf(&volume->arena, "%s/%s", pool->def->path ? pool->def->path : "(null)", def->name);
    if (how != VOLUME_FOUND || !def->key)
        def->key = def->target.path;
    pool->def->allocation += def->allocation.value;
    pool->def->available = pool->def->capacity - pool->def->allocation;
    list_append(&pool->volumes, &volume->link);
    return volume;
}

static struct wire_storage_vol wire(const struct volume *volume)
{
    return (struct wire_storage_vol){
        .pool = volume->pool->thing.name, .name = volume->def->name, .key = volume->def->key};
}

/* ---- methods ---- */

static uint32_t count(const struct pool *pool)
{
    struct volume *volume;
    uint32_t n = 0;

    LIST_FOREACH(&pool->volumes, volume, link)
        n++;
    return n;
}

static int m_num(struct req *rq, struct pool *pool, const struct remote_storage_pool_num_of_volumes_in *in,
                 struct remote_storage_pool_num_of_volumes_out *out)
{
    out->num = (int32_t)count(pool);
    return pool_need_active(rq, pool);
}

static int m_names(struct req *rq, struct pool *pool, const struct remote_storage_pool_list_volumes_in *in,
                   struct remote_storage_pool_list_volumes_out *out)
{
    struct volume *volume;

    if (pool_need_active(rq, pool) < 0)
        return -1;
    out->names.v = ARENA_ARRAY(rq->arena, char *, count(pool));
    LIST_FOREACH(&pool->volumes, volume, link)
        if ((int64_t)out->names.n < in->maxnames)
            out->names.v[out->names.n++] = volume->def->name;
    return 0;
}

static int m_list_all(struct req *rq, struct pool *pool,
                      const struct remote_storage_pool_list_all_volumes_in *in,
                      struct remote_storage_pool_list_all_volumes_out *out)
{
    struct volume *volume;

    if (pool_need_active(rq, pool) < 0)
        return -1;
    out->vols.v = ARENA_ARRAY(rq->arena, struct wire_storage_vol, count(pool));
    LIST_FOREACH(&pool->volumes, volume, link) {
        if (in->need_results)
            out->vols.v[out->vols.n++] = wire(volume);
        out->ret++;
    }
    return 0;
}

static int m_by_name(struct req *rq, struct pool *pool, const struct remote_storage_vol_lookup_by_name_in *in,
                     struct remote_storage_vol_lookup_by_name_out *out)
{
    struct volume *volume;

    if (pool_need_active(rq, pool) < 0)
        return -1;
    volume = volume_by_name(pool, in->name);
    if (!volume)
        return err_set(rq->err, ERR_NO_STORAGE_VOL, "no storage vol with matching name '%s'", in->name);
    out->vol = wire(volume);
    return 0;
}

/* By path, or by key: the same unless the world's file says otherwise. */
static struct volume *find(const struct world *world, const char *path, const char *key)
{
    struct pool *pool;
    struct volume *volume;

    LIST_FOREACH(&world->pools, pool, thing.link)
        LIST_FOREACH(&pool->volumes, volume, link)
            if (pool->thing.active &&
                (path ? str_eq(volume->def->target.path, path) : str_eq(volume->def->key, key)))
                return volume;
    return NULL;
}

static int m_by_key(struct req *rq, struct client *client,
                    const struct remote_storage_vol_lookup_by_key_in *in,
                    struct remote_storage_vol_lookup_by_key_out *out)
{
    struct volume *volume = find(rq->world, NULL, in->key);

    if (!volume)
        return err_set(rq->err, ERR_NO_STORAGE_VOL, "no storage vol with matching key '%s'", in->key);
    out->vol = wire(volume);
    return 0;
}

static int m_by_path(struct req *rq, struct client *client,
                     const struct remote_storage_vol_lookup_by_path_in *in,
                     struct remote_storage_vol_lookup_by_path_out *out)
{
    struct volume *volume = find(rq->world, in->path, NULL);

    if (!volume)
        return err_set(rq->err, ERR_NO_STORAGE_VOL, "no storage vol with matching path '%s'", in->path);
    out->vol = wire(volume);
    return 0;
}

static int m_create(struct req *rq, struct pool *pool, const struct remote_storage_vol_create_xml_in *in,
                    struct remote_storage_vol_create_xml_out *out)
{
    struct volume *volume;

    if (pool_need_active(rq, pool) < 0)
        return -1;
    volume = volume_add(pool, in->xml, VOLUME_NEW, rq->err);
    if (!volume)
        return -1;
    out->vol = wire(volume);
    return 0;
}

static int m_create_from(struct req *rq, struct pool *pool,
                         const struct remote_storage_vol_create_xml_from_in *in,
                         struct remote_storage_vol_create_xml_from_out *out)
{
    struct volume *original, *volume;

    if (pool_need_active(rq, pool) < 0)
        return -1;
    original = volume_by_name(pool, in->clonevol.name);
    if (!original)
        return err_set(rq->err, ERR_NO_STORAGE_VOL, "no storage vol with matching name '%s'",
                       in->clonevol.name);
    volume = volume_add(pool, in->xml, VOLUME_COPIED, rq->err);
    if (!volume)
        return -1;
    out->vol = wire(volume);
    return 0;
}

static int m_delete(struct req *rq, struct volume *volume, const struct remote_storage_vol_delete_in *in,
                    struct remote_storage_vol_delete_out *out)
{
    struct pool_def *pool = volume->pool->def;

    pool->allocation -= volume->def->allocation.value;
    pool->available = pool->capacity - pool->allocation;
    volume_free(volume);
    return 0;
}

/* The pool decides, whatever the volume's document says. */
static int type_by_pool(enum pool_type pool)
{
    switch (pool) {
    case POOL_DIR:
    case POOL_FS:
    case POOL_NETFS:
    case POOL_VSTORAGE:
        return VIR_STORAGE_VOL_FILE;
    case POOL_ISCSI_DIRECT:
    case POOL_RBD:
    case POOL_SHEEPDOG:
    case POOL_GLUSTER:
        return VIR_STORAGE_VOL_NETWORK;
    default:
        return VIR_STORAGE_VOL_BLOCK;
    }
}

static int m_info(struct req *rq, struct volume *volume, const struct remote_storage_vol_get_info_in *in,
                  struct remote_storage_vol_get_info_out *out)
{
    out->type = type_by_pool(volume->pool->def->type);
    out->capacity = volume->def->capacity.value;
    out->allocation = volume->def->allocation.value;
    return 0;
}

static int m_xml(struct req *rq, struct volume *volume, const struct remote_storage_vol_get_xml_desc_in *in,
                 struct remote_storage_vol_get_xml_desc_out *out)
{
    auto_buf struct buf text = {0};

    volume_format(volume->def, &text);
    out->xml = arena_strdup(rq->arena, buf_text(&text));
    return 0;
}

static int m_path(struct req *rq, struct volume *volume, const struct remote_storage_vol_get_path_in *in,
                  struct remote_storage_vol_get_path_out *out)
{
    out->name = volume->def->target.path;
    return 0;
}

const struct method volume_methods[] = {
    METHOD(remote, STORAGE_POOL_NUM_OF_VOLUMES, m_num),
    METHOD(remote, STORAGE_POOL_LIST_VOLUMES, m_names),
    METHOD(remote, STORAGE_POOL_LIST_ALL_VOLUMES, m_list_all),
    METHOD(remote, STORAGE_VOL_LOOKUP_BY_NAME, m_by_name),
    METHOD(remote, STORAGE_VOL_LOOKUP_BY_KEY, m_by_key),
    METHOD(remote, STORAGE_VOL_LOOKUP_BY_PATH, m_by_path),
    METHOD(remote, STORAGE_VOL_CREATE_XML, m_create, VIR_STORAGE_VOL_CREATE_VALIDATE),
    METHOD(remote, STORAGE_VOL_CREATE_XML_FROM, m_create_from, VIR_STORAGE_VOL_CREATE_VALIDATE),
    METHOD(remote, STORAGE_VOL_DELETE, m_delete),
    METHOD(remote, STORAGE_VOL_GET_INFO, m_info),
    METHOD(remote, STORAGE_VOL_GET_XML_DESC, m_xml),
    METHOD(remote, STORAGE_VOL_GET_PATH, m_path),
    {0},
};

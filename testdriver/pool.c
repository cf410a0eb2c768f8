/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pools. */
#define ERR_FROM ERR_FROM_TEST
#include "base/enum.h"
#include "testdriver/event.h"
#include "testdriver/listing.h"
#include "testdriver/storage.h"
#include "testdriver/world.h"

#define POOL_CAPACITY (100ULL * 1024 * 1024 * 1024)
#define FILTER(name) VIR_CONNECT_LIST_STORAGE_POOLS_##name

static const unsigned groups[] = {FILTER(ACTIVE) | FILTER(INACTIVE), FILTER(PERSISTENT) | FILTER(TRANSIENT),
                                  FILTER(AUTOSTART) | FILTER(NO_AUTOSTART), 0xfffc0};

/* ---- the list ---- */

static void arena_drop(struct arena **arena)
{
    if (*arena)
        arena_done(*arena);
    free(*arena);
    *arena = NULL;
}

static void set_def(struct pool *pool, struct arena *arena, struct pool_def *def)
{
    uint64_t allocation = pool->def ? pool->def->allocation : 0;

    arena_drop(&pool->arena);
    pool->arena = arena;
    pool->def = def;
    def->capacity = POOL_CAPACITY;
    def->allocation = allocation;
    def->available = POOL_CAPACITY - allocation;
    pool->thing.name = def->name;
    memcpy(pool->thing.uuid, def->uuid, UUID_SIZE);
}

static void pool_remove(struct pool *pool)
{
    struct volume *volume;

    LIST_FOREACH(&pool->volumes, volume, link)
        volume_free(volume);
    list_remove(&pool->thing.link);
    arena_drop(&pool->arena);
    arena_drop(&pool->new_arena);
    free(pool);
}

void pools_free(struct world *world)
{
    struct pool *pool;

    LIST_FOREACH(&world->pools, pool, thing.link)
        pool_remove(pool);
}

static const struct thing_kind kind = {ERR_FROM_STORAGE, "pool"};

static struct pool *pool_add(struct world *world, const char *xml, bool live, unsigned flags, struct err *err)
{
    struct arena *arena = NEW(struct arena);
    struct pool_def *def = pool_parse(arena, xml, flags, err);
    struct thing *thing = NULL;
    struct pool *pool;

    if (!def || thing_same(&world->pools, &kind, def->name, def->uuid, live, &thing, err) < 0) {
        arena_drop(&arena);
        return NULL;
    }
    pool = (struct pool *)thing;
    if (!pool) {
        pool = NEW(struct pool);
        list_init(&pool->volumes);
        list_append(&world->pools, &pool->thing.link);
    } else if (pool->thing.active) {
        /* from the next start on */
        arena_drop(&pool->new_arena);
        pool->new_arena = arena;
        pool->newdef = def;
        return pool;
    }
    set_def(pool, arena, def);
    return pool;
}

static void pool_stopped(struct pool *pool)
{
    pool->thing.active = false;
    if (!pool->newdef)
        return;
    set_def(pool, pool->new_arena, pool->newdef);
    pool->new_arena = NULL;
    pool->newdef = NULL;
}

int load_pool(const struct world_load *load)
{
    struct pool *pool = pool_add(load->world, load->text, false, 0, load->err);

    if (!pool)
        return -1;
    pool->thing.active = pool->thing.persistent = true;
    for (struct xml_node *node = xml_child(load->node, "volume"); node; node = xml_next(node, "volume")) {
        const char *file = xml_attr(node, "file");
        auto_buf struct buf text = {0};

        if (file && world_read(load, file, &text) < 0)
            return -1;
        if (!file)
            xml_format(node, 0, &text);
        if (!volume_add(pool, buf_text(&text), VOLUME_FOUND, load->err))
            return -1;
    }
    return 0;
}

static struct wire_storage_pool wire(const struct pool *pool)
{
    struct wire_storage_pool wire = {.name = pool->thing.name};

    memcpy(wire.uuid, pool->thing.uuid, UUID_SIZE);
    return wire;
}

int pool_need_active(struct req *rq, const struct pool *pool)
{
    return pool->thing.active
               ? 0
               : err_set(rq->err, ERR_OPERATION_INVALID, "storage pool '%s' is not active", pool->thing.name);
}

static int need_inactive(struct req *rq, const struct pool *pool)
{
    return pool->thing.active
               ? err_set(rq->err, ERR_OPERATION_INVALID, "storage pool '%s' is active", pool->thing.name)
               : 0;
}

/* ---- methods ---- */

/* clang-format off */
LISTING_METHODS(pools, storage_pools)
THING_METHODS(pool, storage_pool)
/* clang-format on */

/* The bits of the types begin where those of the states end, in the order of the types. */
static unsigned type_bit(enum pool_type type)
{
    static const unsigned bits[POOL_TYPE_MAX] = {
        [POOL_DIR] = FILTER(DIR),           [POOL_FS] = FILTER(FS),
        [POOL_NETFS] = FILTER(NETFS),       [POOL_LOGICAL] = FILTER(LOGICAL),
        [POOL_DISK] = FILTER(DISK),         [POOL_ISCSI] = FILTER(ISCSI),
        [POOL_SCSI] = FILTER(SCSI),         [POOL_MPATH] = FILTER(MPATH),
        [POOL_RBD] = FILTER(RBD),           [POOL_SHEEPDOG] = FILTER(SHEEPDOG),
        [POOL_GLUSTER] = FILTER(GLUSTER),   [POOL_ZFS] = FILTER(ZFS),
        [POOL_VSTORAGE] = FILTER(VSTORAGE), [POOL_ISCSI_DIRECT] = FILTER(ISCSI_DIRECT),
    };

    return bits[type];
}

static int m_list_all(struct req *rq, struct client *client,
                      const struct remote_connect_list_all_storage_pools_in *in,
                      struct remote_connect_list_all_storage_pools_out *out)
{
    struct pool *pool;

    LIST_FOREACH(&rq->world->pools, pool, thing.link) {
        const struct thing *t = &pool->thing;
        unsigned is = either(t->active, FILTER(ACTIVE), FILTER(INACTIVE)) |
                      either(t->persistent, FILTER(PERSISTENT), FILTER(TRANSIENT)) |
                      either(t->autostart, FILTER(AUTOSTART), FILTER(NO_AUTOSTART)) |
                      type_bit(pool->def->type);

        if (!list_passes(is, in->flags, groups, ARRAY_SIZE(groups)))
            continue;
        if (in->need_results) {
            out->pools.v = arena_grow(rq->arena, out->pools.v, out->pools.n, sizeof(*out->pools.v));
            out->pools.v[out->pools.n++] = wire(pool);
        }
        out->ret++;
    }
    return 0;
}

static int m_by_name(struct req *rq, struct client *client,
                     const struct remote_storage_pool_lookup_by_name_in *in,
                     struct remote_storage_pool_lookup_by_name_out *out)
{
    struct pool *pool = thing_by_name(&rq->world->pools, in->name);

    if (!pool)
        return err_set(rq->err, ERR_NO_STORAGE_POOL, "no storage pool with matching name '%s'", in->name);
    out->pool = wire(pool);
    return 0;
}

static int m_by_uuid(struct req *rq, struct client *client,
                     const struct remote_storage_pool_lookup_by_uuid_in *in,
                     struct remote_storage_pool_lookup_by_uuid_out *out)
{
    struct pool *pool = thing_by_uuid(&rq->world->pools, in->uuid);
    char uuid[UUID_TEXT];

    if (!pool)
        return err_set(rq->err, ERR_NO_STORAGE_POOL, "no storage pool with matching uuid '%s'",
                       uuid_format(in->uuid, uuid));
    out->pool = wire(pool);
    return 0;
}

static int m_by_volume(struct req *rq, struct volume *volume,
                       const struct remote_storage_pool_lookup_by_volume_in *in,
                       struct remote_storage_pool_lookup_by_volume_out *out)
{
    out->pool = wire(volume->pool);
    return 0;
}

static int m_create_xml(struct req *rq, struct client *client,
                        const struct remote_storage_pool_create_xml_in *in,
                        struct remote_storage_pool_create_xml_out *out)
{
    struct pool *pool = pool_add(rq->world, in->xml, /* live= */ true, 0, rq->err);

    if (!pool)
        return -1;
    pool->thing.active = true;
    event_pool(rq, &pool->thing, VIR_STORAGE_POOL_EVENT_STARTED);
    out->pool = wire(pool);
    return 0;
}

static int m_define_xml(struct req *rq, struct client *client,
                        const struct remote_storage_pool_define_xml_in *in,
                        struct remote_storage_pool_define_xml_out *out)
{
    struct pool *pool =
        pool_add(rq->world, in->xml, /* live= */ false, in->flags ? XT_PARSE_VALIDATE : 0, rq->err);

    if (!pool)
        return -1;
    pool->thing.persistent = true;
    event_pool(rq, &pool->thing, VIR_STORAGE_POOL_EVENT_DEFINED);
    out->pool = wire(pool);
    return 0;
}

static int m_undefine(struct req *rq, struct pool *pool, const struct remote_storage_pool_undefine_in *in,
                      struct remote_storage_pool_undefine_out *out)
{
    if (need_inactive(rq, pool) < 0)
        return -1;
    event_pool(rq, &pool->thing, VIR_STORAGE_POOL_EVENT_UNDEFINED);
    pool_remove(pool);
    return 0;
}

static int m_create(struct req *rq, struct pool *pool, const struct remote_storage_pool_create_in *in,
                    struct remote_storage_pool_create_out *out)
{
    if (need_inactive(rq, pool) < 0)
        return -1;
    pool->thing.active = true;
    event_pool(rq, &pool->thing, VIR_STORAGE_POOL_EVENT_STARTED);
    return 0;
}

static int m_build(struct req *rq, struct pool *pool, const struct remote_storage_pool_build_in *in,
                   struct remote_storage_pool_build_out *out)
{
    if (need_inactive(rq, pool) < 0)
        return -1;
    event_pool(rq, &pool->thing, VIR_STORAGE_POOL_EVENT_CREATED);
    return 0;
}

static int m_delete(struct req *rq, struct pool *pool, const struct remote_storage_pool_delete_in *in,
                    struct remote_storage_pool_delete_out *out)
{
    if (need_inactive(rq, pool) < 0)
        return -1;
    event_pool(rq, &pool->thing, VIR_STORAGE_POOL_EVENT_DELETED);
    return 0;
}

static int m_destroy(struct req *rq, struct pool *pool, const struct remote_storage_pool_destroy_in *in,
                     struct remote_storage_pool_destroy_out *out)
{
    if (pool_need_active(rq, pool) < 0)
        return -1;
    event_pool(rq, &pool->thing, VIR_STORAGE_POOL_EVENT_STOPPED);
    pool_stopped(pool);
    if (!pool->thing.persistent)
        pool_remove(pool);
    return 0;
}

static int m_refresh(struct req *rq, struct pool *pool, const struct remote_storage_pool_refresh_in *in,
                     struct remote_storage_pool_refresh_out *out)
{
    if (pool_need_active(rq, pool) < 0)
        return -1;
    event_pool_refresh(rq, &pool->thing);
    return 0;
}

static int m_info(struct req *rq, struct pool *pool, const struct remote_storage_pool_get_info_in *in,
                  struct remote_storage_pool_get_info_out *out)
{
    out->state = pool->thing.active ? VIR_STORAGE_POOL_RUNNING : VIR_STORAGE_POOL_INACTIVE;
    out->capacity = pool->def->capacity;
    out->allocation = pool->def->allocation;
    out->available = pool->def->available;
    return 0;
}

static int m_xml(struct req *rq, struct pool *pool, const struct remote_storage_pool_get_xml_desc_in *in,
                 struct remote_storage_pool_get_xml_desc_out *out)
{
    auto_buf struct buf text = {0};

    pool_format(pool->def, &text);
    out->xml = arena_strdup(rq->arena, buf_text(&text));
    return 0;
}

/* ---- searching for pools: the same two answers always ---- */

static int m_find_sources(struct req *rq, struct client *client,
                          const struct remote_connect_find_storage_pool_sources_in *in,
                          struct remote_connect_find_storage_pool_sources_out *out)
{
    int type = enum_find(pool_type_names, in->type);
    struct pool_source *source;
    auto_buf struct buf text = {0};

    if (type != POOL_LOGICAL && type != POOL_NETFS) {
        if (type == POOL_DIR)
            return err_set(rq->err, ERR_INTERNAL_ERROR, "unknown storage pool type %s", in->type);
        return err_set(rq->err, ERR_NO_SUPPORT, "pool type '%s' does not support source discovery", in->type);
    }
    source = pool_source_parse(rq->arena, in->src_spec, (enum pool_type)type, rq->err);
    if (!source)
        return -1;
    if (type == POOL_NETFS && !source->n_hosts)
        return err_set(rq->err, ERR_INVALID_ARG, "hostname must be specified for netfs sources");
    buf_add_string(&text, "<sources>\n");
    for (int i = 0; type == POOL_LOGICAL && i < 2; i++)
        buf_printf(&text,
                   "  <source>\n    <device path='/dev/sda2%d'/>\n    <name>testvg%d</name>\n"
                   "    <format type='lvm2'/>\n  </source>\n",
                   i, i + 1);
    if (type == POOL_NETFS) {
        buf_add_string(&text, "  <source>\n    <host name='");
        buf_add_xml(&text, source->hosts[0]->name);
        buf_add_string(&text, "'/>\n    <dir path='/testshare'/>\n    <format type='nfs'/>\n  </source>\n");
    }
    buf_add_string(&text, "</sources>\n");
    out->xml = arena_strdup(rq->arena, buf_text(&text));
    return 0;
}

const struct method pool_methods[] = {
    METHOD(remote, CONNECT_NUM_OF_STORAGE_POOLS, m_num),
    METHOD(remote, CONNECT_LIST_STORAGE_POOLS, m_names),
    METHOD(remote, CONNECT_NUM_OF_DEFINED_STORAGE_POOLS, m_num_defined),
    METHOD(remote, CONNECT_LIST_DEFINED_STORAGE_POOLS, m_names_defined),
    METHOD(remote, CONNECT_LIST_ALL_STORAGE_POOLS, m_list_all, 0xfffff),
    METHOD(remote, CONNECT_FIND_STORAGE_POOL_SOURCES, m_find_sources),
    METHOD(remote, STORAGE_POOL_LOOKUP_BY_NAME, m_by_name),
    METHOD(remote, STORAGE_POOL_LOOKUP_BY_UUID, m_by_uuid),
    METHOD(remote, STORAGE_POOL_LOOKUP_BY_VOLUME, m_by_volume),
    METHOD(remote, STORAGE_POOL_CREATE_XML, m_create_xml),
    METHOD(remote, STORAGE_POOL_DEFINE_XML, m_define_xml, VIR_STORAGE_POOL_DEFINE_VALIDATE),
    METHOD(remote, STORAGE_POOL_UNDEFINE, m_undefine),
    METHOD(remote, STORAGE_POOL_CREATE, m_create),
    METHOD(remote, STORAGE_POOL_BUILD, m_build),
    METHOD(remote, STORAGE_POOL_DELETE, m_delete),
    METHOD(remote, STORAGE_POOL_DESTROY, m_destroy),
    METHOD(remote, STORAGE_POOL_REFRESH, m_refresh),
    METHOD(remote, STORAGE_POOL_GET_INFO, m_info),
    METHOD(remote, STORAGE_POOL_GET_XML_DESC, m_xml),
    METHOD(remote, STORAGE_POOL_GET_AUTOSTART, m_get_autostart),
    METHOD(remote, STORAGE_POOL_SET_AUTOSTART, m_set_autostart),
    METHOD(remote, STORAGE_POOL_IS_ACTIVE, m_is_active),
    METHOD(remote, STORAGE_POOL_IS_PERSISTENT, m_is_persistent),
    {0},
};

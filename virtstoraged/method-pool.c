/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What clients can do with pools. Access, lookup and decoding are done already, see rpc/dispatch.h. */
#define ERR_FROM ERR_FROM_STORAGE
#include <libvirt/libvirt.h>

#include "base/enum.h"
#include "protocol/remote.h"
#include "rpc/client.h"
#include "store/store.h"
#include "virtstoraged/backend.h"
#include "virtstoraged/pool-life.h"
#include "virtstoraged/poolcaps.h"
#include "virtstoraged/storaged.h"

#define EXCLUSIVE(rq, flags, a, b) check_exclusive(rq, flags, a, #a, b, #b)

enum {
    START_FLAGS = VIR_STORAGE_POOL_CREATE_WITH_BUILD | VIR_STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE |
                  VIR_STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE,
};

static int check_start_flags(struct req *rq, unsigned flags, unsigned more)
{
    if (method_flags(rq, flags, START_FLAGS | more) < 0)
        return -1;
    return EXCLUSIVE(rq, flags, VIR_STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE,
                     VIR_STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE);
}

static int m_storage_pool_define_xml(struct req *rq, struct client *client,
                                     const struct remote_storage_pool_define_xml_in *in,
                                     struct remote_storage_pool_define_xml_out *out)
{
    auto_pool struct pool *pool = NULL;

    if (method_flags(rq, in->flags, VIR_STORAGE_POOL_DEFINE_VALIDATE) < 0 ||
        pool_define(rq, in->xml, in->flags & VIR_STORAGE_POOL_DEFINE_VALIDATE ? XT_PARSE_VALIDATE : 0,
                    &pool) < 0)
        return -1;
    out->pool = wire_of_pool(rq, pool);
    return 0;
}

static int m_storage_pool_create_xml(struct req *rq, struct client *client,
                                     const struct remote_storage_pool_create_xml_in *in,
                                     struct remote_storage_pool_create_xml_out *out)
{
    auto_pool struct pool *pool = NULL;

    if (check_start_flags(rq, in->flags, 0) < 0 || pool_create(rq, in->xml, 0, in->flags, &pool) < 0)
        return -1;
    out->pool = wire_of_pool(rq, pool);
    return 0;
}

static int m_storage_pool_create(struct req *rq, struct pool *pool,
                                 const struct remote_storage_pool_create_in *in,
                                 struct remote_storage_pool_create_out *out)
{
    return check_start_flags(rq, in->flags, 0) < 0 ? -1 : pool_start(rq, pool, in->flags);
}

static int m_storage_pool_build(struct req *rq, struct pool *pool,
                                const struct remote_storage_pool_build_in *in,
                                struct remote_storage_pool_build_out *out)
{
    if (EXCLUSIVE(rq, in->flags, VIR_STORAGE_POOL_BUILD_OVERWRITE, VIR_STORAGE_POOL_BUILD_NO_OVERWRITE) < 0)
        return -1;
    return pool_build(rq, pool, in->flags);
}

static int m_storage_pool_destroy(struct req *rq, struct pool *pool,
                                  const struct remote_storage_pool_destroy_in *in,
                                  struct remote_storage_pool_destroy_out *out)
{
    return pool_stop(rq, pool);
}

static int m_storage_pool_delete(struct req *rq, struct pool *pool,
                                 const struct remote_storage_pool_delete_in *in,
                                 struct remote_storage_pool_delete_out *out)
{
    return pool_erase(rq, pool, in->flags);
}

static int m_storage_pool_undefine(struct req *rq, struct pool *pool,
                                   const struct remote_storage_pool_undefine_in *in,
                                   struct remote_storage_pool_undefine_out *out)
{
    return pool_undefine(rq, pool);
}

static int m_storage_pool_refresh(struct req *rq, struct pool *pool,
                                  const struct remote_storage_pool_refresh_in *in,
                                  struct remote_storage_pool_refresh_out *out)
{
    return method_flags(rq, in->flags, 0) < 0 ? -1 : pool_refresh(rq, pool);
}

static int m_storage_pool_get_info(struct req *rq, struct pool *pool,
                                   const struct remote_storage_pool_get_info_in *in,
                                   struct remote_storage_pool_get_info_out *out)
{
    out->state = pool->active ? VIR_STORAGE_POOL_RUNNING : VIR_STORAGE_POOL_INACTIVE;
    out->capacity = pool->def->capacity;
    out->allocation = pool->def->allocation;
    out->available = pool->def->available;
    return 0;
}

static int m_storage_pool_get_xml_desc(struct req *rq, struct pool *pool,
                                       const struct remote_storage_pool_get_xml_desc_in *in,
                                       struct remote_storage_pool_get_xml_desc_out *out)
{
    auto_buf struct buf text = {0};

    if (method_flags(rq, in->flags, VIR_STORAGE_XML_INACTIVE) < 0)
        return -1;
    pool_format((in->flags & VIR_STORAGE_XML_INACTIVE) && pool->next ? pool->next : pool->def, &text);
    out->xml = arena_strdup(&rq->arena, buf_text(&text));
    return 0;
}

static int m_storage_pool_get_autostart(struct req *rq, struct pool *pool,
                                        const struct remote_storage_pool_get_autostart_in *in,
                                        struct remote_storage_pool_get_autostart_out *out)
{
    out->autostart = pool->entry && pool->entry->autostart;
    return 0;
}

static int m_storage_pool_set_autostart(struct req *rq, struct pool *pool,
                                        const struct remote_storage_pool_set_autostart_in *in,
                                        struct remote_storage_pool_set_autostart_out *out)
{
    return pool_set_autostart(rq, pool, in->autostart != 0);
}

static int m_storage_pool_is_active(struct req *rq, struct pool *pool,
                                    const struct remote_storage_pool_is_active_in *in,
                                    struct remote_storage_pool_is_active_out *out)
{
    out->active = pool->active;
    return 0;
}

static int m_storage_pool_is_persistent(struct req *rq, struct pool *pool,
                                        const struct remote_storage_pool_is_persistent_in *in,
                                        struct remote_storage_pool_is_persistent_out *out)
{
    out->persistent = pool->entry != NULL;
    return 0;
}

static int
m_connect_get_storage_pool_capabilities(struct req *rq, struct client *client,
                                        const struct remote_connect_get_storage_pool_capabilities_in *in,
                                        struct remote_connect_get_storage_pool_capabilities_out *out)
{
    auto_buf struct buf text = {0};

    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    poolcaps_format(&text);
    out->capabilities = arena_strdup(&rq->arena, buf_text(&text));
    return 0;
}

static int m_connect_find_storage_pool_sources(struct req *rq, struct client *client,
                                               const struct remote_connect_find_storage_pool_sources_in *in,
                                               struct remote_connect_find_storage_pool_sources_out *out)
{
    int type = enum_find(pool_type_names, in->type);
    auto_buf struct buf text = {0};
    struct pool_source *where;

    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    if (type < 0)
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "unknown storage pool type %s", in->type);
    if (!backend_of((enum pool_type)type, &rq->err))
        return -1;
    if (!backends[type]->find_sources)
        return err_set(&rq->err, ERR_NO_SUPPORT, "pool type '%s' does not support source discovery",
                       in->type);
    where = pool_source_parse(&rq->arena, in->src_spec, (enum pool_type)type, &rq->err);
    if (!where)
        return -1;
    buf_add_string(&text, "<sources>\n");
    if (backends[type]->find_sources(rq, where, &text) < 0)
        return -1;
    buf_add_string(&text, "</sources>\n");
    out->xml = arena_strdup(&rq->arena, buf_text(&text));
    return 0;
}

const struct method pool_methods[] = {
    METHOD(remote, STORAGE_POOL_DEFINE_XML, m_storage_pool_define_xml),
    METHOD(remote, STORAGE_POOL_CREATE_XML, m_storage_pool_create_xml),
    METHOD(remote, STORAGE_POOL_CREATE, m_storage_pool_create),
    METHOD(remote, STORAGE_POOL_BUILD, m_storage_pool_build),
    METHOD(remote, STORAGE_POOL_DESTROY, m_storage_pool_destroy),
    METHOD(remote, STORAGE_POOL_DELETE, m_storage_pool_delete),
    METHOD(remote, STORAGE_POOL_UNDEFINE, m_storage_pool_undefine),
    METHOD(remote, STORAGE_POOL_REFRESH, m_storage_pool_refresh),
    METHOD(remote, STORAGE_POOL_GET_INFO, m_storage_pool_get_info),
    METHOD(remote, STORAGE_POOL_GET_XML_DESC, m_storage_pool_get_xml_desc),
    METHOD(remote, STORAGE_POOL_GET_AUTOSTART, m_storage_pool_get_autostart),
    METHOD(remote, STORAGE_POOL_SET_AUTOSTART, m_storage_pool_set_autostart),
    METHOD(remote, STORAGE_POOL_IS_ACTIVE, m_storage_pool_is_active),
    METHOD(remote, STORAGE_POOL_IS_PERSISTENT, m_storage_pool_is_persistent),
    METHOD(remote, CONNECT_GET_STORAGE_POOL_CAPABILITIES, m_connect_get_storage_pool_capabilities),
    METHOD(remote, CONNECT_FIND_STORAGE_POOL_SOURCES, m_connect_find_storage_pool_sources),
    {0},
};

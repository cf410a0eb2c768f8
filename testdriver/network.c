/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Networks. */
#define ERR_FROM ERR_FROM_TEST
#include "testdriver/network.h"

#include "model/network-update.h"

#include "testdriver/event.h"
#include "testdriver/listing.h"
#include "testdriver/world.h"

struct network {
    struct thing thing;
    struct arena *arena; /* of the definition; owned */
    struct network_def *def;
    struct arena *new_arena;    /* of newdef; owned */
    struct network_def *newdef; /* from the next start on; NULL: the same */
};

#define FILTER(name) VIR_CONNECT_LIST_NETWORKS_##name
static const unsigned groups[] = {FILTER(ACTIVE) | FILTER(INACTIVE), FILTER(PERSISTENT) | FILTER(TRANSIENT),
                                  FILTER(AUTOSTART) | FILTER(NO_AUTOSTART)};
enum {
    ALL_FILTERS = FILTER(ACTIVE) | FILTER(INACTIVE) | FILTER(PERSISTENT) | FILTER(TRANSIENT) |
                  FILTER(AUTOSTART) | FILTER(NO_AUTOSTART)
};

/* ---- the list ---- */

static void set_def(struct network *network, struct arena *arena, struct network_def *def)
{
    if (network->arena)
        arena_done(network->arena);
    free(network->arena);
    network->arena = arena;
    network->def = def;
    network->thing.name = def->name;
    memcpy(network->thing.uuid, def->uuid, UUID_SIZE);
}

static void drop_new(struct network *network)
{
    if (network->new_arena)
        arena_done(network->new_arena);
    free(network->new_arena);
    network->new_arena = NULL;
    network->newdef = NULL;
}

static void network_remove(struct network *network)
{
    list_remove(&network->thing.link);
    drop_new(network);
    arena_done(network->arena);
    free(network->arena);
    free(network);
}

void networks_free(struct world *world)
{
    struct network *network;

    LIST_FOREACH(&world->networks, network, thing.link)
        network_remove(network);
}

static const struct thing_kind kind = {ERR_FROM_NETWORK, "network"};

static struct network *network_add(struct world *world, const char *xml, bool live, unsigned flags,
                                   struct err *err)
{
    struct arena *arena = NEW(struct arena);
    struct network_def *def = network_parse(arena, xml, flags, err);
    struct thing *thing = NULL;
    struct network *network;

    if (!def || thing_same(&world->networks, &kind, def->name, def->uuid, live, &thing, err) < 0) {
        arena_done(arena);
        free(arena);
        return NULL;
    }
    network = (struct network *)thing;
    if (!network) {
        network = NEW(struct network);
        list_append(&world->networks, &network->thing.link);
    }
    set_def(network, arena, def);
    return network;
}

int load_network(const struct world_load *load)
{
    struct network *network = network_add(load->world, load->text, false, 0, load->err);

    if (!network)
        return -1;
    network->thing.active = network->thing.persistent = true;
    return 0;
}

static struct wire_network wire(const struct network *network)
{
    struct wire_network wire = {.name = network->thing.name};

    memcpy(wire.uuid, network->thing.uuid, UUID_SIZE);
    return wire;
}

const struct network_def *network_find(struct req *rq, const char *name)
{
    const struct network *network = thing_by_name(&rq->world->networks, name);

    if (network)
        return network->def;
    err_set(rq->err, ERR_NO_NETWORK, "no network with matching name '%s'", name);
    return NULL;
}

/* ---- methods ---- */

/* clang-format off */
LISTING_METHODS(networks, networks)
THING_METHODS(network, network)
/* clang-format on */

static int m_list_all(struct req *rq, struct client *client,
                      const struct remote_connect_list_all_networks_in *in,
                      struct remote_connect_list_all_networks_out *out)
{
    struct network *network;

    LIST_FOREACH(&rq->world->networks, network, thing.link) {
        const struct thing *t = &network->thing;
        unsigned is = either(t->active, FILTER(ACTIVE), FILTER(INACTIVE)) |
                      either(t->persistent, FILTER(PERSISTENT), FILTER(TRANSIENT)) |
                      either(t->autostart, FILTER(AUTOSTART), FILTER(NO_AUTOSTART));

        if (!list_passes(is, in->flags, groups, ARRAY_SIZE(groups)))
            continue;
        if (in->need_results) {
            out->nets.v = arena_grow(rq->arena, out->nets.v, out->nets.n, sizeof(*out->nets.v));
            out->nets.v[out->nets.n++] = wire(network);
        }
        out->ret++;
    }
    return 0;
}

static int m_by_name(struct req *rq, struct client *client, const struct remote_network_lookup_by_name_in *in,
                     struct remote_network_lookup_by_name_out *out)
{
    struct network *network = thing_by_name(&rq->world->networks, in->name);

    if (!network)
        return err_set(rq->err, ERR_NO_NETWORK, "no network with matching name '%s'", in->name);
    out->net = wire(network);
    return 0;
}

static int m_by_uuid(struct req *rq, struct client *client, const struct remote_network_lookup_by_uuid_in *in,
                     struct remote_network_lookup_by_uuid_out *out)
{
    struct network *network = thing_by_uuid(&rq->world->networks, in->uuid);
    char uuid[UUID_TEXT];

    if (!network)
        return err_set(rq->err, ERR_NO_NETWORK, "no network with matching uuid '%s'",
                       uuid_format(in->uuid, uuid));
    out->net = wire(network);
    return 0;
}

static int create(struct req *rq, const char *xml, unsigned flags, struct wire_network *ret)
{
    struct network *network =
        network_add(rq->world, xml, /* live= */ true, flags ? NETWORK_PARSE_VALIDATE : 0, rq->err);

    if (!network)
        return -1;
    network->thing.active = true;
    event_network(rq, &network->thing, VIR_NETWORK_EVENT_STARTED);
    *ret = wire(network);
    return 0;
}

static int define(struct req *rq, const char *xml, unsigned flags, struct wire_network *ret)
{
    struct network *network =
        network_add(rq->world, xml, /* live= */ false, flags ? NETWORK_PARSE_VALIDATE : 0, rq->err);

    if (!network)
        return -1;
    network->thing.persistent = true;
    event_network(rq, &network->thing, VIR_NETWORK_EVENT_DEFINED);
    *ret = wire(network);
    return 0;
}

static int m_create_xml(struct req *rq, struct client *client, const struct remote_network_create_xml_in *in,
                        struct remote_network_create_xml_out *out)
{
    return create(rq, in->xml, 0, &out->net);
}

static int m_create_xml_flags(struct req *rq, struct client *client,
                              const struct remote_network_create_xml_flags_in *in,
                              struct remote_network_create_xml_flags_out *out)
{
    return create(rq, in->xml, in->flags, &out->net);
}

static int m_define_xml(struct req *rq, struct client *client, const struct remote_network_define_xml_in *in,
                        struct remote_network_define_xml_out *out)
{
    return define(rq, in->xml, 0, &out->net);
}

static int m_define_xml_flags(struct req *rq, struct client *client,
                              const struct remote_network_define_xml_flags_in *in,
                              struct remote_network_define_xml_flags_out *out)
{
    return define(rq, in->xml, in->flags, &out->net);
}

static int m_undefine(struct req *rq, struct network *network, const struct remote_network_undefine_in *in,
                      struct remote_network_undefine_out *out)
{
    if (network->thing.active)
        return err_set(rq->err, ERR_OPERATION_INVALID, "Network '%s' is still running", network->thing.name);
    event_network(rq, &network->thing, VIR_NETWORK_EVENT_UNDEFINED);
    network_remove(network);
    return 0;
}

static int m_create(struct req *rq, struct network *network, const struct remote_network_create_in *in,
                    struct remote_network_create_out *out)
{
    if (network->thing.active)
        return err_set(rq->err, ERR_OPERATION_INVALID, "Network '%s' is already running",
                       network->thing.name);
    network->thing.active = true;
    event_network(rq, &network->thing, VIR_NETWORK_EVENT_STARTED);
    return 0;
}

static int m_destroy(struct req *rq, struct network *network, const struct remote_network_destroy_in *in,
                     struct remote_network_destroy_out *out)
{
    network->thing.active = false;
    if (network->newdef) {
        set_def(network, network->new_arena, network->newdef);
        network->new_arena = NULL;
        network->newdef = NULL;
    }
    event_network(rq, &network->thing, VIR_NETWORK_EVENT_STOPPED);
    if (!network->thing.persistent)
        network_remove(network);
    return 0;
}

static int m_xml(struct req *rq, struct network *network, const struct remote_network_get_xml_desc_in *in,
                 struct remote_network_get_xml_desc_out *out)
{
    auto_buf struct buf text = {0};

    network_format(network->def, 0, &text);
    out->xml = arena_strdup(rq->arena, buf_text(&text));
    return 0;
}

static int m_bridge_name(struct req *rq, struct network *network,
                         const struct remote_network_get_bridge_name_in *in,
                         struct remote_network_get_bridge_name_out *out)
{
    if (!network->def->bridge)
        return err_set(rq->err, ERR_INTERNAL_ERROR, "network '%s' does not have a bridge name.",
                       network->thing.name);
    out->name = network->def->bridge;
    return 0;
}

/* On a copy, which takes the definition's place when all went well. */
static int update(struct req *rq, struct arena **place_arena, struct network_def **place,
                  const struct network_def *from, const struct remote_network_update_in *in)
{
    struct arena *arena = NEW(struct arena);
    struct network_def *def = network_copy(arena, from);

    if (network_update(def, arena, in->command, in->section, in->parent_index, in->xml, rq->err) < 0) {
        arena_done(arena);
        free(arena);
        return -1;
    }
    if (*place_arena)
        arena_done(*place_arena);
    free(*place_arena);
    *place_arena = arena;
    *place = def;
    return 0;
}

static int m_update(struct req *rq, struct network *network, const struct remote_network_update_in *in,
                    struct remote_network_update_out *out)
{
    bool live = in->flags & VIR_NETWORK_UPDATE_AFFECT_LIVE;
    bool config = in->flags & VIR_NETWORK_UPDATE_AFFECT_CONFIG;

    if (!live && !config) {
        live = network->thing.active;
        config = !live;
    }
    if (live && !network->thing.active)
        return err_set_from(rq->err, ERR_FROM_NETWORK, ERR_OPERATION_INVALID, "network is not running");
    if (config && !network->thing.persistent)
        return err_set_from(rq->err, ERR_FROM_NETWORK, ERR_OPERATION_INVALID,
                            "cannot change persistent config of a transient network");
    if (config && network->thing.active &&
        update(rq, &network->new_arena, &network->newdef, network->newdef ? network->newdef : network->def,
               in) < 0)
        return -1;
    if ((live || !network->thing.active) && update(rq, &network->arena, &network->def, network->def, in) < 0)
        return -1;
    network->thing.name = network->def->name;
    return 0;
}

const struct method network_methods[] = {
    METHOD(remote, CONNECT_NUM_OF_NETWORKS, m_num),
    METHOD(remote, CONNECT_LIST_NETWORKS, m_names),
    METHOD(remote, CONNECT_NUM_OF_DEFINED_NETWORKS, m_num_defined),
    METHOD(remote, CONNECT_LIST_DEFINED_NETWORKS, m_names_defined),
    METHOD(remote, CONNECT_LIST_ALL_NETWORKS, m_list_all, ALL_FILTERS),
    METHOD(remote, NETWORK_LOOKUP_BY_NAME, m_by_name),
    METHOD(remote, NETWORK_LOOKUP_BY_UUID, m_by_uuid),
    METHOD(remote, NETWORK_CREATE_XML, m_create_xml),
    METHOD(remote, NETWORK_CREATE_XML_FLAGS, m_create_xml_flags, VIR_NETWORK_CREATE_VALIDATE),
    METHOD(remote, NETWORK_DEFINE_XML, m_define_xml),
    METHOD(remote, NETWORK_DEFINE_XML_FLAGS, m_define_xml_flags, VIR_NETWORK_DEFINE_VALIDATE),
    METHOD(remote, NETWORK_UNDEFINE, m_undefine),
    METHOD(remote, NETWORK_CREATE, m_create),
    METHOD(remote, NETWORK_DESTROY, m_destroy),
    METHOD(remote, NETWORK_GET_XML_DESC, m_xml),
    METHOD(remote, NETWORK_UPDATE, m_update,
           VIR_NETWORK_UPDATE_AFFECT_LIVE | VIR_NETWORK_UPDATE_AFFECT_CONFIG),
    METHOD(remote, NETWORK_GET_BRIDGE_NAME, m_bridge_name),
    METHOD(remote, NETWORK_GET_AUTOSTART, m_get_autostart),
    METHOD(remote, NETWORK_SET_AUTOSTART, m_set_autostart),
    METHOD(remote, NETWORK_IS_ACTIVE, m_is_active),
    METHOD(remote, NETWORK_IS_PERSISTENT, m_is_persistent),
    {0},
};

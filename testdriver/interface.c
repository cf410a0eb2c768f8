/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Interfaces of the host. While a change is begun, what was there before is kept for the way back. */
#define ERR_FROM ERR_FROM_TEST
#include "model/interface.h"

#include "testdriver/listing.h"
#include "testdriver/world.h"

struct interface {
    struct thing thing;
    struct arena arena;
    struct interface_def *def;
};

#define FILTER(name) VIR_CONNECT_LIST_INTERFACES_##name
static const unsigned groups[] = {FILTER(ACTIVE) | FILTER(INACTIVE)};

static void interface_free(struct interface *interface)
{
    list_remove(&interface->thing.link);
    arena_done(&interface->arena);
    free(interface);
}

void interfaces_free(struct list *interfaces)
{
    struct interface *interface;

    LIST_FOREACH(interfaces, interface, thing.link)
        interface_free(interface);
}

/* A new one, or a new definition for the one of that name. */
static struct interface *interface_add(struct list *interfaces, const char *xml, unsigned flags,
                                       struct err *err)
{
    struct interface *interface = NEW(struct interface), *old;

    list_init(&interface->thing.link);
    interface->def = interface_parse(&interface->arena, xml, flags, err);
    if (!interface->def) {
        interface_free(interface);
        return NULL;
    }
    interface->thing.name = interface->def->name;
    old = thing_by_name(interfaces, interface->def->name);
    if (old) {
        interface->thing.active = old->thing.active;
        interface_free(old);
    }
    list_append(interfaces, &interface->thing.link);
    return interface;
}

int load_interface(const struct world_load *load)
{
    struct interface *interface = interface_add(&load->world->interfaces, load->text, 0, load->err);

    if (!interface)
        return -1;
    interface->thing.active = true;
    return 0;
}

static char *mac_of(const struct interface *interface)
{
    return interface->def->mac ? interface->def->mac : (char *)"";
}

static struct wire_interface wire(const struct interface *interface)
{
    return (struct wire_interface){.name = interface->thing.name, .mac = mac_of(interface)};
}

/* ---- methods ---- */

/* clang-format off */
LISTING_METHODS(interfaces, interfaces)
/* clang-format on */

static int m_list_all(struct req *rq, struct client *client,
                      const struct remote_connect_list_all_interfaces_in *in,
                      struct remote_connect_list_all_interfaces_out *out)
{
    struct interface *interface;

    LIST_FOREACH(&rq->world->interfaces, interface, thing.link) {
        if (!list_passes(either(interface->thing.active, FILTER(ACTIVE), FILTER(INACTIVE)), in->flags, groups,
                         ARRAY_SIZE(groups)))
            continue;
        if (in->need_results) {
            out->ifaces.v = arena_grow(rq->arena, out->ifaces.v, out->ifaces.n, sizeof(*out->ifaces.v));
            out->ifaces.v[out->ifaces.n++] = wire(interface);
        }
        out->ret++;
    }
    return 0;
}

static int m_by_name(struct req *rq, struct client *client,
                     const struct remote_interface_lookup_by_name_in *in,
                     struct remote_interface_lookup_by_name_out *out)
{
    struct interface *interface = thing_by_name(&rq->world->interfaces, in->name);

    if (!interface)
        return err_set(rq->err, ERR_NO_INTERFACE, "no interface with matching name '%s'", in->name);
    out->iface = wire(interface);
    return 0;
}

static int m_by_mac(struct req *rq, struct client *client,
                    const struct remote_interface_lookup_by_mac_string_in *in,
                    struct remote_interface_lookup_by_mac_string_out *out)
{
    struct interface *interface, *found = NULL;
    unsigned count = 0;

    LIST_FOREACH(&rq->world->interfaces, interface, thing.link)
        if (str_eq_nocase(interface->def->mac, in->mac)) {
            found = interface;
            count++;
        }
    if (!count)
        return err_set(rq->err, ERR_NO_INTERFACE, "no interface with matching mac '%s'", in->mac);
    if (count > 1)
        return fail_plain(rq, ERR_MULTIPLE_INTERFACES);
    out->iface = wire(found);
    return 0;
}

static int m_define(struct req *rq, struct client *client, const struct remote_interface_define_xml_in *in,
                    struct remote_interface_define_xml_out *out)
{
    struct interface *interface =
        interface_add(&rq->world->interfaces, in->xml, in->flags ? XT_PARSE_VALIDATE : 0, rq->err);

    if (!interface)
        return -1;
    out->iface = wire(interface);
    return 0;
}

static int m_undefine(struct req *rq, struct interface *interface,
                      const struct remote_interface_undefine_in *in,
                      struct remote_interface_undefine_out *out)
{
    interface_free(interface);
    return 0;
}

static int m_create(struct req *rq, struct interface *interface, const struct remote_interface_create_in *in,
                    struct remote_interface_create_out *out)
{
    if (interface->thing.active)
        return fail_plain(rq, ERR_OPERATION_INVALID);
    interface->thing.active = true;
    return 0;
}

static int m_destroy(struct req *rq, struct interface *interface,
                     const struct remote_interface_destroy_in *in, struct remote_interface_destroy_out *out)
{
    if (!interface->thing.active)
        return fail_plain(rq, ERR_OPERATION_INVALID);
    interface->thing.active = false;
    return 0;
}

static int m_xml(struct req *rq, struct interface *interface,
                 const struct remote_interface_get_xml_desc_in *in,
                 struct remote_interface_get_xml_desc_out *out)
{
    auto_buf struct buf text = {0};

    interface_format(interface->def, &text);
    out->xml = arena_strdup(rq->arena, buf_text(&text));
    return 0;
}

static int m_is_active(struct req *rq, struct interface *interface,
                       const struct remote_interface_is_active_in *in,
                       struct remote_interface_is_active_out *out)
{
    out->active = interface->thing.active;
    return 0;
}

/* ---- changes ---- */

static int copy_all(const struct list *from, struct list *to, struct err *err)
{
    struct interface *interface, *copy;

    LIST_FOREACH(from, interface, thing.link) {
        auto_buf struct buf text = {0};

        interface_format(interface->def, &text);
        copy = interface_add(to, buf_text(&text), 0, err);
        if (!copy)
            return -1;
        copy->thing.active = interface->thing.active;
    }
    return 0;
}

static int m_begin(struct req *rq, struct client *client, const struct remote_interface_change_begin_in *in,
                   struct remote_interface_change_begin_out *out)
{
    if (rq->world->interfaces_changing)
        return err_set(rq->err, ERR_OPERATION_INVALID, "there is another transaction running.");
    if (copy_all(&rq->world->interfaces, &rq->world->saved_interfaces, rq->err) < 0)
        return -1;
    rq->world->interfaces_changing = true;
    return 0;
}

static int m_commit(struct req *rq, struct client *client, const struct remote_interface_change_commit_in *in,
                    struct remote_interface_change_commit_out *out)
{
    if (!rq->world->interfaces_changing)
        return err_set(rq->err, ERR_OPERATION_INVALID, "no transaction running, nothing to be committed.");
    interfaces_free(&rq->world->saved_interfaces);
    rq->world->interfaces_changing = false;
    return 0;
}

static int m_rollback(struct req *rq, struct client *client,
                      const struct remote_interface_change_rollback_in *in,
                      struct remote_interface_change_rollback_out *out)
{
    struct interface *interface;

    if (!rq->world->interfaces_changing)
        return err_set(rq->err, ERR_OPERATION_INVALID, "no transaction running, nothing to rollback.");
    interfaces_free(&rq->world->interfaces);
    LIST_FOREACH(&rq->world->saved_interfaces, interface, thing.link) {
        list_remove(&interface->thing.link);
        list_append(&rq->world->interfaces, &interface->thing.link);
    }
    rq->world->interfaces_changing = false;
    return 0;
}

const struct method interface_methods[] = {
    METHOD(remote, CONNECT_NUM_OF_INTERFACES, m_num),
    METHOD(remote, CONNECT_LIST_INTERFACES, m_names),
    METHOD(remote, CONNECT_NUM_OF_DEFINED_INTERFACES, m_num_defined),
    METHOD(remote, CONNECT_LIST_DEFINED_INTERFACES, m_names_defined),
    METHOD(remote, CONNECT_LIST_ALL_INTERFACES, m_list_all, FILTER(ACTIVE) | FILTER(INACTIVE)),
    METHOD(remote, INTERFACE_LOOKUP_BY_NAME, m_by_name),
    METHOD(remote, INTERFACE_LOOKUP_BY_MAC_STRING, m_by_mac),
    METHOD(remote, INTERFACE_DEFINE_XML, m_define, VIR_INTERFACE_DEFINE_VALIDATE),
    METHOD(remote, INTERFACE_UNDEFINE, m_undefine),
    METHOD(remote, INTERFACE_CREATE, m_create),
    METHOD(remote, INTERFACE_DESTROY, m_destroy),
    METHOD(remote, INTERFACE_GET_XML_DESC, m_xml),
    METHOD(remote, INTERFACE_IS_ACTIVE, m_is_active),
    METHOD(remote, INTERFACE_CHANGE_BEGIN, m_begin),
    METHOD(remote, INTERFACE_CHANGE_COMMIT, m_commit),
    METHOD(remote, INTERFACE_CHANGE_ROLLBACK, m_rollback),
    {0},
};

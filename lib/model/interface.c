/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_INTERFACE
#include "model/interface.h"

const char *const interface_type_names[] = {"", "ethernet", "bridge", "bond", "vlan", NULL};

static int interface_finish(struct xt_parse *parse, void *object)
{
    struct interface_def *def = object;

    if (!def->name)
        return err_set(parse->err, ERR_XML_ERROR, "interface has no name");
    if (def->type == INTERFACE_BRIDGE && !def->bridge)
        return err_set(parse->err, ERR_XML_ERROR, "bridge interface misses the bridge element");
    if (def->type == INTERFACE_BOND && !def->bond)
        return err_set(parse->err, ERR_XML_ERROR, "bond interface misses the bond element");
    if (def->type == INTERFACE_VLAN && !def->vlan)
        return err_set(parse->err, ERR_XML_ERROR, "vlan interface misses the vlan element");
    return 0;
}

static int vlan_finish(struct xt_parse *parse, void *object)
{
    const struct interface_vlan *vlan = object;

    if (!vlan->tag)
        return err_set(parse->err, ERR_XML_ERROR, "vlan interface misses the tag attribute");
    if (!vlan->interface)
        return err_set(parse->err, ERR_XML_ERROR, "vlan interface misses name attribute");
    return 0;
}

/* clang-format off */
#define T struct interface_ip
XT_DECLARE(interface_ip_table, T);
XT_DEFINE(interface_ip_table, "ip", NULL,
    XT_ATTR(T, address, "address", str, 0),
    XT_ATTR(T, prefix, "prefix", u32, 0));
#undef T
#define T struct interface_protocol
XT_DECLARE(interface_protocol_table, T);
XT_DEFINE(interface_protocol_table, "protocol", NULL,
    XT_ATTR(T, family, "family", str, 0),
    XT_FLAG(T, autoconf, "autoconf", 0),
    XT_FLAG(T, dhcp, "dhcp", 0, XT_ATTR(T, peerdns, "peerdns", yesno, 0)),
    XT_LIST(T, ips, n_ips, "ip", interface_ip_table, 0),
    XT_GROUP("route", 0, XT_ATTR(T, gateway, "gateway", str, 0)));
#undef T
#define T struct interface_bridge
XT_DECLARE(interface_bridge_table, T);
XT_DEFINE(interface_bridge_table, "bridge", NULL,
    XT_ATTR(T, stp, "stp", onoff, 0),
    XT_ATTR(T, delay, "delay", str, 0),
    XT_LIST(T, members, n_members, "interface", interface_table, XT_SPREAD));
#undef T
#define T struct interface_bond
XT_DECLARE(interface_bond_table, T);
XT_DEFINE(interface_bond_table, "bond", NULL,
    XT_ATTR(T, mode, "mode", str, 0),
    XT_GROUP("miimon", 0,
        XT_ATTR(T, freq, "freq", opt_u32, 0),
        XT_ATTR(T, downdelay, "downdelay", opt_u32, 0),
        XT_ATTR(T, updelay, "updelay", opt_u32, 0),
        XT_ATTR(T, carrier, "carrier", str, 0)),
    XT_GROUP("arpmon", 0,
        XT_ATTR(T, interval, "interval", opt_u32, 0),
        XT_ATTR(T, target, "target", str, 0),
        XT_ATTR(T, validate, "validate", str, 0)),
    XT_LIST(T, members, n_members, "interface", interface_table, XT_SPREAD));
#undef T
#define T struct interface_vlan
XT_DECLARE(interface_vlan_table, T);
XT_DEFINE(interface_vlan_table, "vlan", vlan_finish,
    XT_ATTR(T, tag, "tag", str, 0),
    XT_GROUP("interface", 0, XT_ATTR(T, interface, "name", str, 0)));
#undef T
#define T struct interface_def
XT_DEFINE(interface_table, "interface", interface_finish,
    XT_ENUM(T, type, "type", interface_type_names, XT_REQUIRED),
    XT_ATTR(T, name, "name", str, 0),
    XT_GROUP("start", 0, XT_ATTR(T, start, "mode", str, 0)),
    XT_GROUP("mtu", 0, XT_ATTR(T, mtu, "size", u32, 0)),
    XT_LIST(T, protocols, n_protocols, "protocol", interface_protocol_table, XT_SPREAD),
    XT_GROUP("link", 0,
        XT_ATTR(T, link_speed, "speed", str, XT_LIVE),
        XT_ATTR(T, link_state, "state", str, XT_LIVE)),
    XT_GROUP("mac", 0, XT_ATTR(T, mac, "address", str, 0)),
    XT_CHILD(T, bridge, "bridge", interface_bridge_table, XT_SPREAD),
    XT_CHILD(T, bond, "bond", interface_bond_table, XT_SPREAD),
    XT_CHILD(T, vlan, "vlan", interface_vlan_table, 0));
#undef T
/* clang-format on */

struct interface_def *interface_parse(struct arena *arena, const char *xml, unsigned flags, struct err *err)
{
    static const struct xt_document document = {.table = &interface_table, .what = "(interface_definition)"};

    return xt_parse(&document, arena, xml, flags, err);
}

void interface_format(const struct interface_def *def, struct buf *text)
{
    xt_format(&interface_table, text, def, /* flags= */ 0, /* indent= */ 0);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_NETWORK
#include "model/network.h"

#include "base/enum.h"
#include "base/str.h"

const char *const forward_mode_names[] = {"",        "nat",  "route",       "open",    "bridge",
                                          "private", "vepa", "passthrough", "hostdev", NULL};

#define DNSMASQ_URI "http://libvirt.org/schemas/network/dnsmasq/1.0"

/* ---- hooks ---- */

/* The root declares the namespace of the options when there are some. */
static int namespace_parse(struct xt_parse *parse, struct xml_node *node, void *object)
{
    return 0;
}

static void namespace_attrs(struct xt_format *format, const void *object)
{
    const struct network_def *def = object;

    if (def->n_options)
        buf_add_string(format->text, " xmlns:dnsmasq='" DNSMASQ_URI "'");
}

static void namespace_format(struct xt_format *format, const void *object)
{
}

static void namespace_copy(struct arena *arena, void *to, const void *from)
{
}

static const struct xt_hook namespace_hook = {.parse = namespace_parse,
                                              .format = namespace_format,
                                              .format_attrs = namespace_attrs,
                                              .copy = namespace_copy};

static int lease_finish(struct xt_parse *parse, void *object)
{
    struct network_lease *lease = object;

    if (!lease->unit)
        lease->unit = (char *)"minutes";
    return 0;
}

/* ---- the tables ---- */

/* clang-format off */
#define T struct network_if
XT_DEFINE(network_if_table, "interface", NULL,
    XT_ATTR(T, dev, "dev", str, XT_REQUIRED),
    XT_ATTR(T, connections, "connections", opt_u32, XT_LIVE));
#undef T
#define T struct network_pci
XT_DECLARE(network_pci_table, T);
XT_DEFINE(network_pci_table, "address", NULL,
    XT_ATTR(T, type, "type", str, XT_REQUIRED),
    XT_EMBED(T, pci, NULL, pci_address_table, 0),
    XT_ATTR(T, connections, "connections", opt_u32, XT_LIVE));
#undef T
#define T struct network_forward
XT_DECLARE(network_forward_table, T);
XT_DEFINE(network_forward_table, "forward", NULL,
    XT_ATTR(T, dev, "dev", str, 0),
    XT_ENUM(T, mode, "mode", forward_mode_names, 0),
    XT_ATTR(T, managed, "managed", yesno, 0),
    XT_GROUP("driver", 0,
        XT_ATTR(T, driver, "name", str, 0),
        XT_ATTR(T, driver_model, "model", str, 0)),
    XT_GROUP("nat", 0,
        XT_ATTR(T, nat_ipv6, "ipv6", yesno, 0),
        XT_GROUP("address", 0,
            XT_ATTR(T, nat_start, "start", str, 0),
            XT_ATTR(T, nat_end, "end", str, 0)),
        XT_GROUP("port", 0,
            XT_ATTR(T, nat_port_start, "start", u32, 0),
            XT_ATTR(T, nat_port_end, "end", u32, 0))),
    XT_LIST(T, pfs, n_pfs, "pf", network_if_table, 0),
    XT_LIST(T, interfaces, n_interfaces, "interface", network_if_table, 0),
    XT_LIST(T, addresses, n_addresses, "address", network_pci_table, XT_NO_ABI));
#undef T
#define T struct network_lease
XT_DECLARE(network_lease_table, T);
XT_DEFINE(network_lease_table, "lease", lease_finish,
    XT_ATTR(T, expiry, "expiry", u32, XT_ALWAYS),
    XT_ATTR(T, unit, "unit", str, 0));
#undef T
#define T struct network_range
XT_DEFINE(network_range_table, "range", NULL,
    XT_ATTR(T, start, "start", str, 0),
    XT_ATTR(T, end, "end", str, 0),
    XT_CHILD(T, lease, "lease", network_lease_table, 0));
#undef T
#define T struct network_host
XT_DEFINE(network_host_table, "host", NULL,
    XT_ATTR(T, mac, "mac", str, 0),
    XT_ATTR(T, id, "id", str, 0),
    XT_ATTR(T, name, "name", str, 0),
    XT_ATTR(T, ip, "ip", str, 0),
    XT_CHILD(T, lease, "lease", network_lease_table, 0));
#undef T
#define T struct network_dhcp
XT_DECLARE(network_dhcp_table, T);
XT_DEFINE(network_dhcp_table, "dhcp", NULL,
    XT_LIST(T, ranges, n_ranges, "range", network_range_table, 0),
    XT_LIST(T, hosts, n_hosts, "host", network_host_table, 0),
    XT_GROUP("bootp", 0,
        XT_ATTR(T, bootp_file, "file", str, 0),
        XT_ATTR(T, bootp_server, "server", str, 0)));
#undef T
#define T struct network_ip
XT_DECLARE(network_ip_table, T);
XT_DEFINE(network_ip_table, "ip", NULL,
    XT_ATTR(T, family, "family", str, 0),
    XT_ATTR(T, address, "address", str, 0),
    XT_ATTR(T, netmask, "netmask", str, 0),
    XT_ATTR(T, prefix, "prefix", opt_u32, 0),
    XT_ATTR(T, local_ptr, "localPtr", yesno, 0),
    XT_GROUP("tftp", 0, XT_ATTR(T, tftp_root, "root", str, 0)),
    XT_CHILD(T, dhcp, "dhcp", network_dhcp_table, XT_SPREAD));
#undef T
#define T struct network_route
XT_DECLARE(network_route_table, T);
XT_DEFINE(network_route_table, "route", NULL,
    XT_ATTR(T, family, "family", str, 0),
    XT_ATTR(T, address, "address", str, 0),
    XT_ATTR(T, netmask, "netmask", str, 0),
    XT_ATTR(T, prefix, "prefix", opt_u32, 0),
    XT_ATTR(T, gateway, "gateway", str, 0),
    XT_ATTR(T, metric, "metric", opt_u32, 0));
#undef T
#define T struct network_forwarder
XT_DECLARE(network_forwarder_table, T);
XT_DEFINE(network_forwarder_table, "forwarder", NULL,
    XT_ATTR(T, domain, "domain", str, 0),
    XT_ATTR(T, address, "addr", str, 0),
    XT_ATTR(T, port, "port", u32, 0));
#undef T
#define T struct network_txt
XT_DEFINE(network_txt_table, "txt", NULL,
    XT_ATTR(T, name, "name", str, 0),
    XT_ATTR(T, value, "value", str, 0));
#undef T
#define T struct network_srv
XT_DEFINE(network_srv_table, "srv", NULL,
    XT_ATTR(T, service, "service", str, 0),
    XT_ATTR(T, protocol, "protocol", str, 0),
    XT_ATTR(T, domain, "domain", str, 0),
    XT_ATTR(T, target, "target", str, 0),
    XT_ATTR(T, port, "port", u32, 0),
    XT_ATTR(T, priority, "priority", u32, 0),
    XT_ATTR(T, weight, "weight", u32, 0));
#undef T
#define T struct network_text
XT_DECLARE(network_hostname_table, T);
XT_DEFINE(network_hostname_table, "hostname", NULL, XT_OWN(T, value, str, 0));
XT_DECLARE(network_option_table, T);
XT_DEFINE(network_option_table, "dnsmasq:option", NULL, XT_ATTR(T, value, "value", str, XT_REQUIRED));
#undef T
#define T struct network_dns_host
XT_DEFINE(network_dns_host_table, "host", NULL,
    XT_ATTR(T, ip, "ip", str, 0),
    XT_LIST(T, names, n_names, "hostname", network_hostname_table, 0));
#undef T
#define T struct network_dns
XT_DECLARE(network_dns_table, T);
XT_DEFINE(network_dns_table, "dns", NULL,
    XT_ATTR(T, enable, "enable", yesno, 0),
    XT_ATTR(T, forward_plain, "forwardPlainNames", yesno, 0),
    XT_LIST(T, forwarders, n_forwarders, "forwarder", network_forwarder_table, 0),
    XT_LIST(T, txts, n_txts, "txt", network_txt_table, 0),
    XT_LIST(T, srvs, n_srvs, "srv", network_srv_table, 0),
    XT_LIST(T, hosts, n_hosts, "host", network_dns_host_table, 0));
#undef T
#define T struct network_portgroup
XT_DEFINE(network_portgroup_table, "portgroup", NULL,
    XT_ATTR(T, name, "name", str, XT_REQUIRED),
    XT_ATTR(T, is_default, "default", yesno, 0),
    XT_ATTR(T, trust_rx_filters, "trustGuestRxFilters", yesno, 0),
    XT_CHILD(T, vlan, "vlan", vlan_table, 0),
    XT_CHILD(T, virtualport, "virtualport", virtual_port_table, 0),
    XT_CHILD(T, bandwidth, "bandwidth", bandwidth_table, 0),
    XT_GROUP("port", 0, XT_ATTR(T, isolated, "isolated", yesno, 0)));
#undef T
#define T struct network_def
XT_DEFINE_ROWS(network_table, "network", NULL,
    XT_HOOK_ALL(NULL, namespace_hook, 0),
    XT_ATTR(T, connections, "connections", opt_u32, XT_LIVE),
    XT_ATTR(T, ipv6, "ipv6", yes, 0),
    XT_ATTR(T, trust_rx_filters, "trustGuestRxFilters", yesno, 0),
    XT_TEXT(T, name, "name", str, XT_REQUIRED),
    XT_TEXT(T, uuid, "uuid", uuid, 0),
    XT_TEXT(T, title, "title", str, 0),
    XT_TEXT(T, description, "description", str, 0),
    XT_HOOK(T, metadata, "metadata", xt_verbatim, 0),
    XT_CHILD(T, forward, "forward", network_forward_table, 0),
    XT_GROUP("bridge", 0,
        XT_ATTR(T, bridge, "name", str, 0),
        XT_ATTR(T, zone, "zone", str, 0),
        XT_ATTR(T, stp, "stp", onoff, 0),
        XT_ATTR(T, delay, "delay", opt_u32, 0),
        XT_ATTR(T, mac_table_manager, "macTableManager", str, 0)),
    XT_GROUP("mtu", 0, XT_ATTR(T, mtu, "size", u32, 0)),
    XT_GROUP("mac", 0, XT_ATTR(T, mac, "address", mac, 0)),
    XT_GROUP("domain", 0,
        XT_ATTR(T, domain, "name", str, 0),
        XT_ATTR(T, domain_local, "localOnly", yesno, 0),
        XT_ATTR(T, domain_register, "register", yesno, 0)),
    XT_CHILD(T, dns, "dns", network_dns_table, 0),
    XT_CHILD(T, vlan, "vlan", vlan_table, 0),
    XT_CHILD(T, bandwidth, "bandwidth", bandwidth_table, 0),
    XT_GROUP("port", 0, XT_ATTR(T, isolated, "isolated", yesno, 0)),
    XT_LIST(T, ips, n_ips, "ip", network_ip_table, XT_SPREAD),
    XT_LIST(T, routes, n_routes, "route", network_route_table, 0),
    XT_CHILD(T, virtualport, "virtualport", virtual_port_table, 0),
    XT_LIST(T, portgroups, n_portgroups, "portgroup", network_portgroup_table, 0),
    XT_GROUP("dnsmasq:options", 0,
        XT_LIST(T, options, n_options, "dnsmasq:option", network_option_table, 0)));
#undef T
/* clang-format on */

/* ---- rules between the members ---- */

static bool has_bridge(enum forward_mode mode)
{
    return mode == FORWARD_NONE || mode == FORWARD_NAT || mode == FORWARD_ROUTE || mode == FORWARD_OPEN;
}

/* <forward dev='x'/> and its first <interface dev='x'/> say the same. */
static int settle_forward(struct network_def *def, struct arena *arena, struct err *err)
{
    struct network_forward *forward = def->forward;

    if (forward->mode == FORWARD_NONE)
        forward->mode = FORWARD_NAT;
    if (forward->dev && !forward->n_interfaces) {
        forward->interfaces = arena_grow(arena, NULL, 0, sizeof(*forward->interfaces));
        forward->interfaces[0] = ARENA_NEW(arena, struct network_if);
        forward->interfaces[0]->dev = forward->dev;
        forward->n_interfaces = 1;
    } else if (forward->dev && !str_eq(forward->dev, forward->interfaces[0]->dev)) {
        return err_set(err, ERR_XML_ERROR,
                       "forward dev '%s' must match first interface element dev '%s' in network '%s'",
                       forward->dev, forward->interfaces[0]->dev, def->name);
    } else if (forward->n_interfaces) {
        forward->dev = forward->interfaces[0]->dev;
    }
    return 0;
}

/* No device of the host twice. */
static int check_interfaces(const struct network_def *def, struct err *err)
{
    const struct network_forward *forward = def->forward;

    for (size_t i = 0; forward && i < forward->n_interfaces; i++)
        for (size_t j = 0; j < i; j++)
            if (str_eq(forward->interfaces[i]->dev, forward->interfaces[j]->dev))
                return err_set(err, ERR_XML_ERROR, "interface '%s' can only be listed once in network %s",
                               forward->interfaces[i]->dev, def->name);
    return 0;
}

static int check_forward(const struct network_def *def, struct err *err)
{
    const struct network_forward *forward = def->forward;
    enum forward_mode mode = network_mode(def);

    if ((mode == FORWARD_NAT || mode == FORWARD_ROUTE) && !def->n_ips)
        return err_set(err, ERR_XML_ERROR,
                       "%s forwarding requested, but no IP address provided for network '%s'",
                       forward_mode_names[mode], def->name);
    if (has_bridge(mode) && forward && forward->n_interfaces > 1)
        return err_set(err, ERR_XML_ERROR,
                       "multiple forwarding interfaces specified for network '%s', only one is supported",
                       def->name);
    return 0;
}

static int network_settle(struct network_def *def, struct arena *arena, struct err *err)
{
    if (strchr(def->name, '/'))
        return err_set(err, ERR_XML_ERROR, "name %s cannot contain '/'", def->name);
    if (!uuid_valid(def->uuid))
        uuid_generate(def->uuid);
    if (def->forward && settle_forward(def, arena, err) < 0)
        return -1;
    if (check_interfaces(def, err) < 0 || check_forward(def, err) < 0)
        return -1;
    if (has_bridge(network_mode(def))) {
        if (!def->stp)
            def->stp = TRI_ON;
        def->delay.set = true;
    }
    return 0;
}

/* ---- documents ---- */

static const struct xml_namespace namespaces[] = {{"dnsmasq", DNSMASQ_URI}, {0}};

struct network_def *network_parse(struct arena *arena, const char *xml, unsigned flags, struct err *err)
{
    static const struct xt_document document = {&network_table, "(network_definition)", namespaces};
    struct network_def *def = xt_parse(&document, arena, xml, flags | XT_PARSE_INACTIVE, err);

    return def && network_settle(def, arena, err) < 0 ? NULL : def;
}

void network_format(const struct network_def *def, unsigned flags, struct buf *text)
{
    xt_format(&network_table, text, def, flags, /* indent= */ 0);
}

struct network_def *network_copy(struct arena *arena, const struct network_def *def)
{
    return xt_copy(&network_table, arena, def);
}

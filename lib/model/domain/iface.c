/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Iface: rows of <interface>, and the rules that concern one interface alone. */
#define ERR_FROM ERR_FROM_DOMAIN

#include "model/domain/iface.h"

#include "base/str.h"

const char *const iface_type_names[] = {"",      "user",    "ethernet", "vhostuser", "server", "client",
                                        "mcast", "network", "bridge",   "internal",  "direct", "hostdev",
                                        "udp",   "vdpa",    "null",     "vds",       NULL};
const char *const macvtap_mode_names[] = {"", "vepa", "private", "bridge", "passthrough", NULL};
/* The words differ from those of other unix sockets: "server" listens. */
static const char *const vhostuser_mode_names[] = {[CHARMODE_UNSET] = "",
                                                   [CHARMODE_CONNECT] = "client",
                                                   [CHARMODE_BIND] = "server",
                                                   [CHARDEV_MODE_MAX] = NULL};
const char *const link_state_names[] = {"", "up", "down", NULL};

static int missing(struct xt_parse *parse, const struct iface *iface, const char *attribute,
                   const char *element)
{
    return err_set(parse->err, ERR_XML_ERROR,
                   "No <source> '%s' attribute specified with <interface type='%s'/>%s", attribute,
                   iface_type_names[iface->type], element);
}

static bool speaks_virtio(const struct iface *iface)
{
    return str_eq(iface->model, "virtio") || str_eq(iface->model, "virtio-transitional") ||
           str_eq(iface->model, "virtio-non-transitional");
}

/* Known models are written in one way; what only virtio cards have goes when the card isn't one. */
static void settle_model(struct iface *iface)
{
    static const char *const models[] = {"virtio",
                                         "virtio-transitional",
                                         "virtio-non-transitional",
                                         "e1000",
                                         "e1000e",
                                         "igb",
                                         "rtl8139",
                                         "usb-net",
                                         "vmxnet3",
                                         NULL};

    for (int i = 0; iface->model && models[i]; i++)
        if (str_eq_nocase(iface->model, models[i]))
            iface->model = (char *)models[i];
    if (iface->queues == 1)
        iface->queues = 0;
    if (speaks_virtio(iface))
        return;
    iface->driver_name = iface->txmode = iface->backend_vhost = NULL;
    iface->ioeventfd = iface->event_idx = iface->rss = iface->rss_hash_report = TRI_NONE;
    iface->queues = iface->rx_queue_size = iface->tx_queue_size = 0;
    iface->host_offload = iface->guest_offload = (struct iface_offload){0};
}

static int iface_finish(struct xt_parse *parse, void *object)
{
    struct iface *iface = object;
    char mac[MAC_TEXT];

    if (!iface->type)
        return err_set(parse->err, ERR_XML_ERROR, "missing type attribute of <interface>");
    if (mac_is_multicast(&iface->mac))
        return err_set(parse->err, ERR_XML_ERROR, "expected unicast mac address, found multicast '%s'",
                       mac_format(&iface->mac, mac));
    if (iface->model &&
        !str_only(iface->model, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"))
        return err_set(parse->err, ERR_INVALID_ARG, "Model name contains invalid characters");
    if (reconnect_check(&iface->vhostuser.reconnect, parse->err) < 0)
        return -1;
    settle_model(iface);
    switch (iface->type) {
    case IFACE_NETWORK:
        if (!iface->network)
            return missing(parse, iface, "network", "");
        break;
    case IFACE_BRIDGE:
        if (!iface->bridge)
            return missing(parse, iface, "bridge", "");
        break;
    case IFACE_DIRECT:
        if (!iface->dev)
            return missing(parse, iface, "dev", "");
        if (!iface->mode)
            iface->mode = MACVTAP_VEPA;
        break;
    case IFACE_INTERNAL:
        if (!iface->name)
            return missing(parse, iface, "name", "");
        break;
    case IFACE_SERVER:
    case IFACE_CLIENT:
    case IFACE_MCAST:
    case IFACE_UDP:
        if (!iface->port)
            return missing(parse, iface, "port", "");
        break;
    case IFACE_VHOSTUSER:
        iface->vhostuser.type = CHARDEV_UNIX;
        if (!iface->vhostuser.path)
            return missing(parse, iface, "path", "");
        break;
    case IFACE_VDPA:
        if (!iface->dev)
            return missing(parse, iface, "dev", "");
        break;
    default:
        break;
    }
    if (iface->type != IFACE_NETWORK && iface->type != IFACE_BRIDGE && iface->type != IFACE_ETHERNET)
        iface->filter = NULL; /* there is nothing of ours to filter */
    /* names that the system makes itself belong to a run, not to the configuration */
    if (parse->flags & XT_PARSE_INACTIVE &&
        (str_after(iface->target, "vnet") || str_after(iface->target, "macvtap") ||
         str_after(iface->target, "macvlan")))
        iface->target = NULL;
    return 0;
}

/* clang-format off */
XT_DECLARE(iface_ip_table, struct iface_ip);
static int ip_finish(struct xt_parse *parse UNUSED, void *object)
{
    struct iface_ip *ip = object;

    if (!ip->family)
        ip->family = (char *)(strchr(ip->address, ':') ? "ipv6" : "ipv4");
    return 0;
}

#define T struct iface_ip
XT_DEFINE(iface_ip_table, "ip", ip_finish,
    XT_ATTR(T, address, "address", str, XT_REQUIRED),
    XT_ATTR(T, family, "family", str, 0),
    XT_ATTR(T, prefix, "prefix", opt_u32, 0),
    XT_ATTR(T, peer, "peer", str, 0));
#undef T

XT_DECLARE(iface_route_table, struct iface_route);
#define T struct iface_route
XT_DEFINE(iface_route_table, "route", NULL,
    XT_ATTR(T, family, "family", str, 0),
    XT_ATTR(T, address, "address", str, XT_REQUIRED),
    XT_ATTR(T, netmask, "netmask", str, 0),
    XT_ATTR(T, prefix, "prefix", opt_u32, 0),
    XT_ATTR(T, gateway, "gateway", str, 0),
    XT_ATTR(T, metric, "metric", opt_u32, 0));
#undef T

#define T struct iface_ips
XT_DEFINE_ROWS(iface_ips_table, "ips", NULL,
    XT_LIST(T, ips, n_ips, "ip", iface_ip_table, 0),
    XT_LIST(T, routes, n_routes, "route", iface_route_table, 0));
#undef T

XT_DECLARE(port_range_table, struct port_range);
#define T struct port_range
XT_DEFINE(port_range_table, "range", NULL,
    XT_ATTR(T, start, "start", u32, XT_REQUIRED),
    XT_ATTR(T, end, "end", u32, 0),
    XT_ATTR(T, to, "to", u32, 0),
    XT_ATTR(T, exclude, "exclude", yesno, 0));
#undef T

XT_DECLARE(port_forward_table, struct port_forward);
#define T struct port_forward
XT_DEFINE(port_forward_table, "portForward", NULL,
    XT_ATTR(T, proto, "proto", str, XT_REQUIRED),
    XT_ATTR(T, address, "address", str, 0),
    XT_ATTR(T, dev, "dev", str, 0),
    XT_LIST(T, ranges, n_ranges, "range", port_range_table, 0));
#undef T

XT_DECLARE(vlan_tag_table, struct vlan_tag);
#define T struct vlan_tag
XT_DEFINE(vlan_tag_table, "tag", NULL,
    XT_ATTR(T, id, "id", u32, XT_ALWAYS),
    XT_ATTR(T, native_mode, "nativeMode", str, 0));
#undef T

#define T struct vlan
XT_DEFINE(vlan_table, "vlan", NULL,
    XT_ATTR(T, trunk, "trunk", yesno, 0),
    XT_LIST(T, tags, n_tags, "tag", vlan_tag_table, XT_REQUIRED));
#undef T

#define T struct virtual_port
XT_DEFINE(virtual_port_table, "virtualport", NULL,
    XT_ATTR(T, type, "type", str, 0),
    XT_GROUP("parameters", 0,
        XT_ATTR(T, managerid, "managerid", opt_u32, 0),
        XT_ATTR(T, typeid, "typeid", opt_u32, 0),
        XT_ATTR(T, typeidversion, "typeidversion", opt_u32, 0),
        XT_ATTR(T, instanceid, "instanceid", str, 0),
        XT_ATTR(T, interfaceid, "interfaceid", str, 0),
        XT_ATTR(T, profileid, "profileid", str, 0)));
#undef T

XT_DECLARE(rate_table, struct rate);
#define T struct rate
XT_DEFINE(rate_table, "inbound", NULL,
    XT_ATTR(T, average, "average", u64, 0),
    XT_ATTR(T, peak, "peak", u64, 0),
    XT_ATTR(T, floor, "floor", u64, 0),
    XT_ATTR(T, burst, "burst", u64, 0));
#undef T

#define T struct bandwidth
XT_DEFINE(bandwidth_table, "bandwidth", NULL,
    XT_ATTR(T, class_id, "classID", opt_u32, XT_LIVE),
    XT_CHILD(T, in, "inbound", rate_table, 0),
    XT_CHILD(T, out, "outbound", rate_table, 0));
#undef T

XT_DECLARE(filter_parameter_table, struct filter_parameter);
#define T struct filter_parameter
XT_DEFINE(filter_parameter_table, "parameter", NULL,
    XT_ATTR(T, name, "name", str, XT_REQUIRED),
    XT_ATTR(T, value, "value", str, XT_REQUIRED));
#undef T

XT_DECLARE_ROWS(iface_host_table, struct iface_offload);
XT_DECLARE_ROWS(iface_guest_table, struct iface_offload);
#define T struct iface_offload
XT_DEFINE_ROWS(iface_host_table, "host", NULL,
    XT_ATTR(T, csum, "csum", onoff, XT_ABI),
    XT_ATTR(T, gso, "gso", onoff, XT_ABI),
    XT_ATTR(T, tso4, "tso4", onoff, XT_ABI),
    XT_ATTR(T, tso6, "tso6", onoff, XT_ABI),
    XT_ATTR(T, ecn, "ecn", onoff, XT_ABI),
    XT_ATTR(T, ufo, "ufo", onoff, XT_ABI),
    XT_ATTR(T, mrg_rxbuf, "mrg_rxbuf", onoff, XT_ABI));
XT_DEFINE_ROWS(iface_guest_table, "guest", NULL,
    XT_ATTR(T, csum, "csum", onoff, XT_ABI),
    XT_ATTR(T, tso4, "tso4", onoff, XT_ABI),
    XT_ATTR(T, tso6, "tso6", onoff, XT_ABI),
    XT_ATTR(T, ecn, "ecn", onoff, XT_ABI),
    XT_ATTR(T, ufo, "ufo", onoff, XT_ABI));
#undef T

#define T struct iface
#define SOCKET_ARM(type) XT_ARM(type,                                                                        \
        XT_ATTR(T, address, "address", str, 0),                                                              \
        XT_ATTR(T, port, "port", u32, 0),                                                                    \
        XT_GROUP("local", 0,                                                                                 \
            XT_ATTR(T, local_address, "address", str, 0),                                                    \
            XT_ATTR(T, local_port, "port", u32, 0)),                                                         \
        XT_EMBED(T, host, NULL, iface_ips_table, 0))
XT_DEFINE(iface_table, "interface", iface_finish,
    XT_ENUM(T, type, "type", iface_type_names, 0),
    XT_ATTR(T, managed, "managed", yesno, 0),
    XT_ATTR(T, trust_rx_filters, "trustGuestRxFilters", yesno, 0),
    XT_GROUP("mac", 0,
        XT_ATTR(T, mac, "address", mac, XT_ABI),
        XT_ATTR(T, mac_type, "type", str, 0),
        XT_ATTR(T, mac_check, "check", yesno, 0),
        XT_ATTR(T, mac_current, "currentAddress", mac, XT_LIVE)),
    XT_UNION(T, type, 0,
        XT_ARM(IFACE_HOSTDEV,
            XT_GROUP("driver", 0,
                XT_ATTR(T, hostdev.driver, "name", str, 0),
                XT_ATTR(T, hostdev.driver_model, "model", str, 0),
                XT_ATTR(T, hostdev.iommufd, "iommufd", yesno, 0)))),
    XT_GROUP("source", 0,
        XT_UNION(T, type, 0,
            XT_ARM(IFACE_NETWORK,
                XT_ATTR(T, network, "network", str, 0),
                XT_ATTR(T, portgroup, "portgroup", str, 0),
                XT_ATTR(T, portid, "portid", str, XT_LIVE),
                XT_ATTR(T, bridge, "bridge", str, XT_LIVE),
                XT_ATTR(T, mac_table_manager, "macTableManager", str, XT_LIVE)),
            XT_ARM(IFACE_BRIDGE,
                XT_ATTR(T, bridge, "bridge", str, 0),
                XT_ATTR(T, mac_table_manager, "macTableManager", str, 0)),
            XT_ARM(IFACE_DIRECT,
                XT_ATTR(T, dev, "dev", str, 0),
                XT_ENUM(T, mode, "mode", macvtap_mode_names, 0)),
            XT_ARM(IFACE_USER,
                XT_ATTR(T, dev, "dev", str, 0),
                XT_EMBED(T, host, NULL, iface_ips_table, 0)),
            XT_ARM(IFACE_ETHERNET,
                XT_ATTR(T, dev, "dev", str, 0),
                XT_EMBED(T, host, NULL, iface_ips_table, 0)),
            XT_ARM(IFACE_VDPA,
                XT_ATTR(T, dev, "dev", str, 0)),
            XT_ARM(IFACE_INTERNAL,
                XT_ATTR(T, name, "name", str, 0)),
            XT_ARM(IFACE_VHOSTUSER,
                XT_ENUM(T, vhostuser.type, "type", chardev_type_names, 0),
                XT_ATTR(T, vhostuser.path, "path", str, 0),
                XT_ENUM(T, vhostuser.mode, "mode", vhostuser_mode_names, 0),
                XT_EMBED(T, vhostuser.reconnect, "reconnect", reconnect_table, 0)),
            XT_ARM(IFACE_HOSTDEV,
                XT_GROUP("address", 0,
                    XT_ATTR(T, hostdev.type, "type", str, 0),
                    XT_EMBED(T, hostdev.pci, NULL, pci_address_table, 0))),
            XT_ARM(IFACE_VDS,
                XT_ATTR(T, switchid, "switchid", str, 0),
                XT_ATTR(T, portid, "portid", str, 0),
                XT_ATTR(T, portgroupid, "portgroupid", str, 0),
                XT_ATTR(T, connectionid, "connectionid", str, 0)),
            SOCKET_ARM(IFACE_SERVER),
            SOCKET_ARM(IFACE_CLIENT),
            SOCKET_ARM(IFACE_MCAST),
            SOCKET_ARM(IFACE_UDP))),
    XT_EMBED(T, guest, NULL, iface_ips_table, 0),
    XT_LIST(T, forwards, n_forwards, "portForward", port_forward_table, 0),
    XT_CHILD(T, vlan, "vlan", vlan_table, 0),
    XT_CHILD(T, virtualport, "virtualport", virtual_port_table, 0),
    XT_CHILD(T, bandwidth, "bandwidth", bandwidth_table, 0),
    XT_GROUP("port", 0, XT_ATTR(T, isolated, "isolated", yesno, 0)),
    XT_GROUP("script", 0, XT_ATTR(T, script, "path", str, 0)),
    XT_GROUP("downscript", 0, XT_ATTR(T, downscript, "path", str, 0)),
    XT_GROUP("backenddomain", 0, XT_ATTR(T, backend_domain, "name", str, 0)),
    XT_GROUP("target", 0,
        XT_ATTR(T, target, "dev", str, 0),
        XT_ATTR(T, target_managed, "managed", yesno, 0)),
    XT_GROUP("guest", 0,
        XT_ATTR(T, guest_dev, "dev", str, 0),
        XT_ATTR(T, guest_actual, "actual", str, XT_LIVE)),
    XT_GROUP("model", 0, XT_ATTR(T, model, "type", str, XT_ABI)),
    XT_GROUP("driver", 0,
        XT_ATTR(T, driver_name, "name", str, 0),
        XT_ATTR(T, txmode, "txmode", str, 0),
        XT_ATTR(T, ioeventfd, "ioeventfd", onoff, 0),
        XT_ATTR(T, event_idx, "event_idx", onoff, XT_ABI),
        XT_ATTR(T, queues, "queues", u32, XT_ABI),
        XT_ATTR(T, rx_queue_size, "rx_queue_size", u32, XT_ABI),
        XT_ATTR(T, tx_queue_size, "tx_queue_size", u32, XT_ABI),
        XT_ATTR(T, rss, "rss", onoff, XT_ABI),
        XT_ATTR(T, rss_hash_report, "rss_hash_report", onoff, XT_ABI),
        XT_EMBED(T, virtio, NULL, virtio_options_table, 0),
        XT_EMBED(T, host_offload, "host", iface_host_table, 0),
        XT_EMBED(T, guest_offload, "guest", iface_guest_table, 0)),
    XT_GROUP("backend", 0,
        XT_ATTR(T, backend_type, "type", str, 0),
        XT_ATTR(T, backend_tap, "tap", str, 0),
        XT_ATTR(T, backend_vhost, "vhost", str, 0),
        XT_ATTR(T, backend_logfile, "logFile", str, 0),
        XT_ATTR(T, backend_hostname, "hostname", str, 0),
        XT_ATTR(T, backend_fqdn, "fqdn", str, 0)),
    XT_GROUP("filterref", 0,
        XT_ATTR(T, filter, "filter", str, 0),
        XT_LIST(T, filter_params, n_filter_params, "parameter", filter_parameter_table, 0)),
    XT_GROUP("teaming", 0,
        XT_ATTR(T, teaming_type, "type", str, 0),
        XT_ATTR(T, teaming_persistent, "persistent", str, 0)),
    XT_GROUP("link", 0, XT_ENUM(T, link, "state", link_state_names, 0)),
    XT_GROUP("tune", 0, XT_TEXT(T, sndbuf, "sndbuf", opt_u64, 0)),
    XT_GROUP("mtu", 0, XT_ATTR(T, mtu, "size", opt_u32, XT_ABI)),
    XT_GROUP("coalesce", 0, XT_GROUP("rx", 0, XT_GROUP("frames", 0,
        XT_ATTR(T, coalesce_rx_frames, "max", u32, 0)))),
    XT_EMBED(T, info, NULL, device_info_table, 0));
#undef T

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Iface: a network card, and what it is plugged into on the host. */
#define ERR_FROM ERR_FROM_QEMU

#include "model/domain/iface.h"

#include "base/str.h"
#include "virtqemud/defaults/defaults.h"
#include "virtqemud/dev/iface.h"

/* A card that is plugged into nothing sits alone on a hub of its own; numbers that no user's hub has. */
enum { EMPTY_HUB = 1000000 };

/* ---- the host's side ---- */

static int iface_prepare(struct req *rq, struct build *build, void *device)
{
    struct iface *iface = device;

    if (iface->type == IFACE_NETWORK && !iface->bridge)
        return err_set(&rq->err, ERR_NO_SUPPORT,
                       "interfaces of type 'network' (network '%s'): virtnetworkd isn't there yet",
                       iface->network);
    if (iface->type == IFACE_VHOSTUSER)
        return prepare_chardev(rq, build, iface->info.alias, &iface->vhostuser, NULL);
    return iface_open_host(rq, build, iface);
}

/* ---- the network's end ---- */

static const struct tap *tap_of(const struct build *build, const struct iface *iface)
{
    for (size_t i = 0; i < build->count_taps; i++)
        if (build->taps[i]->iface == iface)
            return build->taps[i];
    return NULL;
}

static void fd_props(const struct build *build, struct props *props, const char *one, const char *many,
                     const int *fds, unsigned count)
{
    auto_buf struct buf list = {0};

    for (unsigned i = 0; i < count; i++)
        buf_printf(&list, i ? ":%s" : "%s", build_fd_name(build, fds[i]));
    if (count)
        props_string(props, count > 1 ? many : one, buf_text(&list));
}

static void user_props(const struct iface *iface, struct props *props)
{
    props_string(props, "type", "user");
    for (size_t i = 0; i < iface->guest.n_ips; i++) {
        const struct iface_ip *ip = iface->guest.ips[i];

        if (strchr(ip->address, ':')) {
            props_string(props, "ipv6-prefix", ip->address);
            if (ip->prefix.set)
                props_u64(props, "ipv6-prefixlen", ip->prefix.value);
        } else if (ip->prefix.set) {
            props_format(props, "net", "%s/%u", ip->address, ip->prefix.value);
        } else {
            props_string(props, "net", ip->address);
        }
    }
    if (iface->n_forwards)
        props_array(props, "hostfwd");
    for (size_t i = 0; i < iface->n_forwards; i++) {
        const struct port_forward *forward = iface->forwards[i];

        for (size_t j = 0; j < forward->n_ranges; j++) {
            const struct port_range *range = forward->ranges[j];
            uint32_t last = range->end ? range->end : range->start;

            for (uint32_t port = range->start; range->exclude != TRI_YES && port <= last && port < 65536;
                 port++) {
                props_object(props, NULL);
                props_format(props, "str", "%s:%s:%u-:%u", forward->proto,
                             forward->address ? forward->address : "", port,
                             range->to ? range->to + port - range->start : port);
                props_end_object(props);
            }
        }
    }
    if (iface->n_forwards)
        props_end_array(props);
}

static void passt_props(const struct build *build, const struct tap *tap, struct props *props)
{
    props_string(props, "type", "stream");
    props_object(props, "addr");
    props_string(props, "type", "fd");
    props_string(props, "str", build_fd_name(build, tap ? tap->fds[0] : -1));
    props_end_object(props);
    props_bool(props, "server", false);
}

/* Memory goes through this socket as descriptors, which QEMU only hands over on one that it made itself. */
static int vhostuser_chardev(struct build *build, const struct iface *iface, struct err *err)
{
    const char *id = arena_printf(build->arena, "char%s", iface->info.alias);
    auto_buf struct buf option = {0};

    if (iface->vhostuser.type != CHARDEV_UNIX || iface->vhostuser.mode != CHARMODE_BIND)
        return build_chardev(build, id, &iface->vhostuser, err);
    buf_printf(&option, "socket,id=%s", id);
    option_add(&option, "path", iface->vhostuser.path);
    buf_add_string(&option, ",server=on");
    build_arg(build, "-chardev", buf_text(&option));
    return 0;
}

static size_t iface_number(const struct build *build, const struct iface *iface)
{
    size_t i = 0;

    while (i < build->domain->devices.n_ifaces && build->domain->devices.ifaces[i] != iface)
        i++;
    return i;
}

static int netdev_props(struct build *build, const struct iface *iface, struct props *props, struct err *err)
{
    const struct tap *tap = tap_of(build, iface);

    switch (iface->type) {
    case IFACE_USER:
        if (str_eq(iface->backend_type, "passt"))
            passt_props(build, tap, props);
        else
            user_props(iface, props);
        return 0;
    case IFACE_NULL:
        props_string(props, "type", "hubport");
        props_u64(props, "hubid", EMPTY_HUB + (uint64_t)(iface_number(build, iface)));
        return 0;
    case IFACE_BRIDGE:
    case IFACE_NETWORK:
    case IFACE_ETHERNET:
    case IFACE_DIRECT:
        props_string(props, "type", "tap");
        if (!tap) {
            props_string(props, "ifname", iface->target);
            return 0;
        }
        fd_props(build, props, "fd", "fds", tap->fds, tap->queues);
        if (tap->vhosts) {
            props_bool(props, "vhost", true);
            fd_props(build, props, "vhostfd", "vhostfds", tap->vhost, tap->vhosts);
        }
        if (iface->sndbuf.set)
            props_u64(props, "sndbuf", iface->sndbuf.value);
        return 0;
    case IFACE_SERVER:
        props_string(props, "type", "socket");
        props_format(props, "listen", "%s:%u", iface->address ? iface->address : "", iface->port);
        return 0;
    case IFACE_CLIENT:
        props_string(props, "type", "socket");
        props_format(props, "connect", "%s:%u", iface->address, iface->port);
        return 0;
    case IFACE_MCAST:
        props_string(props, "type", "socket");
        props_format(props, "mcast", "%s:%u", iface->address, iface->port);
        return 0;
    case IFACE_UDP:
        props_string(props, "type", "socket");
        props_format(props, "udp", "%s:%u", iface->address, iface->port);
        props_format(props, "localaddr", "%s:%u", iface->local_address, iface->local_port);
        return 0;
    case IFACE_VHOSTUSER:
        if (vhostuser_chardev(build, iface, err) < 0)
            return -1;
        props_string(props, "type", "vhost-user");
        props_format(props, "chardev", "char%s", iface->info.alias);
        props_number(props, "queues", iface->queues);
        return 0;
    default:
        return err_set(err, ERR_NO_SUPPORT, "interfaces of type '%s'", iface_type_names[iface->type]);
    }
}

/* ---- the card ---- */

static void offload_props(const struct iface *iface, struct props *props)
{
    props_tristate(props, "csum", iface->host_offload.csum);
    props_tristate(props, "gso", iface->host_offload.gso);
    props_tristate(props, "host_tso4", iface->host_offload.tso4);
    props_tristate(props, "host_tso6", iface->host_offload.tso6);
    props_tristate(props, "host_ecn", iface->host_offload.ecn);
    props_tristate(props, "host_ufo", iface->host_offload.ufo);
    props_tristate(props, "mrg_rxbuf", iface->host_offload.mrg_rxbuf);
    props_tristate(props, "guest_csum", iface->guest_offload.csum);
    props_tristate(props, "guest_tso4", iface->guest_offload.tso4);
    props_tristate(props, "guest_tso6", iface->guest_offload.tso6);
    props_tristate(props, "guest_ecn", iface->guest_offload.ecn);
    props_tristate(props, "guest_ufo", iface->guest_offload.ufo);
}

static void virtio_props(const struct iface *iface, struct props *props)
{
    if (iface->txmode)
        props_string(props, "tx", str_eq(iface->txmode, "timer") ? "timer" : "bh");
    props_tristate(props, "ioeventfd", iface->ioeventfd);
    props_tristate(props, "event_idx", iface->event_idx);
    offload_props(iface, props);
    if (iface->queues > 1) {
        props_bool(props, "mq", true);
        props_u64(props, "vectors", 2 * iface->queues + 2);
    }
    props_number(props, "rx_queue_size", iface->rx_queue_size);
    props_number(props, "tx_queue_size", iface->tx_queue_size);
    props_tristate(props, "rss", iface->rss);
    props_tristate(props, "hash", iface->rss_hash_report);
    if (iface->mtu.set)
        props_u64(props, "host_mtu", iface->mtu.value);
    if (str_eq(iface->teaming_type, "persistent"))
        props_bool(props, "failover", true);
    props_virtio(props, &iface->virtio);
}

static const char *driver_of(struct build *build, const struct iface *iface)
{
    if (str_eq(iface->model, "virtio"))
        return "virtio-net-pci";
    if (iface_is_virtio(iface))
        return arena_printf(build->arena, "virtio-net-pci-%s", iface->model + strlen("virtio-"));
    return iface->model;
}

static int iface_command(struct build *build, void *device, struct err *err)
{
    const struct iface *iface = device;
    auto_props struct props netdev = {0}, props = {0};
    char mac[MAC_TEXT];

    if (netdev_props(build, iface, &netdev, err) < 0)
        return -1;
    props_format(&netdev, "id", "host%s", iface->info.alias);
    build_json(build, "-netdev", &netdev);
    props_string(&props, "driver", driver_of(build, iface));
    if (iface_is_virtio(iface))
        virtio_props(iface, &props);
    props_format(&props, "netdev", "host%s", iface->info.alias);
    props_string(&props, "mac", mac_format(&iface->mac, mac));
    props_number(&props, "bootindex", build_boot_index(build, &iface->info, BOOT_NETWORK));
    if (props_info(build, &props, &iface->info, err) < 0)
        return -1;
    build_json(build, "-device", &props);
    return 0;
}

const struct dev_kind kind_iface = {
    .name = "interface", DEV_LIST(ifaces), .prepare = iface_prepare, .command = iface_command};

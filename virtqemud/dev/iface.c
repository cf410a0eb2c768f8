/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Iface: a network card, and what it is plugged into on the host. */
#define ERR_FROM ERR_FROM_QEMU

#include "model/domain/iface.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "host/tap.h"
#include "virtqemud/defaults/defaults.h"
#include "virtqemud/dev/dev.h"

/* Descriptors of an interface between prepare and command; kept by alias in the build. */
struct tap {
    const struct iface *iface;
    int fds[TAP_QUEUES_MAX], vhost[TAP_QUEUES_MAX];
    unsigned queues, vhosts;
};

static bool is_virtio(const struct iface *iface)
{
    return str_after(iface->model, "virtio");
}

/* ---- the host's side ---- */

static bool uses_tap(const struct iface *iface)
{
    return iface->type == IFACE_BRIDGE || iface->type == IFACE_NETWORK || iface->type == IFACE_ETHERNET ||
           iface->type == IFACE_DIRECT;
}

/* What carries the card on the host has a name of its own until the machine ends. */
static int open_tap(struct build *build, struct iface *iface, struct tap *tap, struct err *err)
{
    char name[IFNAMSIZ] = "vnet%d";
    struct mac mac = iface->mac;

    if (iface->target && strlen(iface->target) >= sizeof(name))
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "interface name '%s' is too long", iface->target);
    if (iface->target)
        strcpy(name, iface->target);
    if (tap_open(name, tap->queues, is_virtio(iface), tap->fds, err) < 0)
        return -1;
    iface->target = arena_strdup(build->arena, name);
    if (iface->target_managed != TRI_NO)
        build_remember(build, UNDO_TAP, iface->target, -1);
    if (iface->type == IFACE_ETHERNET && iface->target_managed == TRI_NO)
        return 0;
    /* the host's end must not look like the guest's own card; a high first byte keeps a bridge's address
     * stable */
    mac.bytes[0] = 0xfe;
    if (iface_set_mac(name, mac.bytes, err) < 0 ||
        (iface->mtu.set && iface_set_mtu(name, iface->mtu.value, err) < 0))
        return -1;
    if (iface->bridge && bridge_attach(iface->bridge, name, err) < 0)
        return -1;
    if (iface->isolated == TRI_YES && bridge_port_set(name, "isolated", 1, err) < 0)
        return -1;
    return iface_set_up(name, true, err);
}

static int open_macvtap(struct build *build, struct iface *iface, struct tap *tap, struct err *err)
{
    char name[IFNAMSIZ] = "macvtap%d";

    if (iface->target && strlen(iface->target) < sizeof(name))
        strcpy(name, iface->target);
    if (macvtap_create(name, iface->dev, macvtap_mode_names[iface->mode], iface->mac.bytes, err) < 0)
        return -1;
    iface->target = arena_strdup(build->arena, name);
    build_remember(build, UNDO_TAP, iface->target, -1);
    if (iface_set_up(name, true, err) < 0)
        return -1;
    return macvtap_open(name, tap->queues, is_virtio(iface), tap->fds, err);
}

/* The kernel moves packets of virtio cards where KVM runs the guest. */
static int open_vhost(struct build *build, const struct iface *iface, struct tap *tap, struct err *err)
{
    const char *path = iface->backend_vhost ? iface->backend_vhost : "/dev/vhost-net";
    bool wanted = str_eq(iface->driver_name, "vhost");

    if (!is_virtio(iface) || str_eq(iface->driver_name, "qemu") ||
        (!wanted && build->domain->virt != VIRT_KVM))
        return 0;
    for (unsigned i = 0; i < tap->queues; i++) {
        int fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd < 0 && wanted)
            return err_system(err, errno, "vhost-net was requested for an interface, but '%s' is unavailable",
                              path);
        if (fd < 0)
            return 0;
        tap->vhost[tap->vhosts++] = fd;
    }
    return 0;
}

/* What would be lost without a word; a filter that isn't there would even be a hole. */
static int check_left_out(const struct iface *iface, struct err *err)
{
    const struct {
        bool given;
        const char *what;
    } left_out[] = {
        {iface->filter, "network filters"},
        {iface->bandwidth, "bandwidth limits"},
        {iface->vlan, "VLAN tags"},
        {iface->virtualport, "virtual ports"},
        {iface->script || iface->downscript, "scripts"},
        {iface->host.n_ips || iface->host.n_routes, "addresses on the host's side"},
        {iface->coalesce_rx_frames, "coalescing"},
        {str_eq(iface->teaming_type, "transient"), "transient teaming"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(left_out); i++)
        if (left_out[i].given)
            return err_set(err, ERR_NO_SUPPORT, "interfaces with %s", left_out[i].what);
    return 0;
}

static int iface_prepare(struct req *rq, struct build *build, void *device)
{
    struct iface *iface = device;
    struct tap *tap;
    int r;

    if (check_left_out(iface, &rq->err) < 0)
        return -1;
    if (iface->type == IFACE_NETWORK && !iface->bridge)
        return err_set(&rq->err, ERR_NO_SUPPORT,
                       "interfaces of type 'network' (network '%s'): virtnetworkd isn't there yet",
                       iface->network);
    if (!uses_tap(iface) || build->validate_only)
        return 0;
    tap = ARENA_NEW(build->arena, struct tap);
    tap->iface = iface;
    tap->queues = iface->queues && is_virtio(iface) ? iface->queues : 1;
    if (tap->queues > TAP_QUEUES_MAX)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "interface has %u queues, the maximum is %d",
                       tap->queues, TAP_QUEUES_MAX);
    r = iface->type == IFACE_DIRECT ? open_macvtap(build, iface, tap, &rq->err)
                                    : open_tap(build, iface, tap, &rq->err);
    if (r < 0)
        return -1;
    for (unsigned i = 0; i < tap->queues; i++)
        build_pass_fd(build, tap->fds[i]);
    r = open_vhost(build, iface, tap, &rq->err);
    for (unsigned i = 0; i < tap->vhosts; i++)
        build_pass_fd(build, tap->vhost[i]);
    build->taps = arena_grow(build->arena, build->taps, build->count_taps, sizeof(*build->taps));
    build->taps[build->count_taps++] = tap;
    return r;
}

/* ---- the network's end ---- */

static const struct tap *tap_of(const struct build *build, const struct iface *iface)
{
    for (size_t i = 0; i < build->count_taps; i++)
        if (build->taps[i]->iface == iface)
            return build->taps[i];
    return NULL;
}

static void fd_props(struct props *props, const char *one, const char *many, const int *fds, unsigned count)
{
    auto_buf struct buf list = {0};

    for (unsigned i = 0; i < count; i++)
        buf_printf(&list, i ? ":%d" : "%d", fds[i]);
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

static int netdev_props(struct build *build, const struct iface *iface, struct props *props, struct err *err)
{
    const struct tap *tap = tap_of(build, iface);

    switch (iface->type) {
    case IFACE_USER:
        if (str_eq(iface->backend_type, "passt"))
            return err_set(err, ERR_NO_SUPPORT, "interfaces with backend 'passt'");
        user_props(iface, props);
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
        fd_props(props, "fd", "fds", tap->fds, tap->queues);
        if (tap->vhosts) {
            props_bool(props, "vhost", true);
            fd_props(props, "vhostfd", "vhostfds", tap->vhost, tap->vhosts);
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
        if (build_chardev(build, arena_printf(build->arena, "char%s", iface->info.alias), &iface->vhostuser,
                          err) < 0)
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
    if (is_virtio(iface))
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
    if (is_virtio(iface))
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

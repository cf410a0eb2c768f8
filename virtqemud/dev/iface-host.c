/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Iface-host: the end of a network card on the host: tap, macvtap, the kernel's helper for virtio. */
#define ERR_FROM ERR_FROM_QEMU

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/str.h"
#include "virtqemud/dev/iface.h"

bool iface_is_virtio(const struct iface *iface)
{
    return str_after(iface->model, "virtio");
}

bool iface_uses_tap(const struct iface *iface)
{
    return iface->type == IFACE_BRIDGE || iface->type == IFACE_NETWORK || iface->type == IFACE_ETHERNET ||
           iface->type == IFACE_DIRECT;
}

static bool is_ovs(const struct iface *iface)
{
    return iface->virtualport && str_eq(iface->virtualport->type, "openvswitch");
}

/* The name that the definition asks for, or a pattern. */
static int name_of(const struct iface *iface, const char *pattern, char name[IFNAMSIZ], struct err *err)
{
    const char *wanted = iface->target ? iface->target : pattern;

    if (strlen(wanted) >= IFNAMSIZ)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "interface name '%s' is too long", wanted);
    strcpy(name, wanted);
    return 0;
}

/* Where the tap's packets go. */
static int join(struct req *rq, struct build *build, const struct iface *iface)
{
    if (!iface->bridge)
        return 0;
    if (is_ovs(iface))
        return iface_add_to_ovs(rq, build, iface);
    if (bridge_attach(iface->bridge, iface->target, &rq->err) < 0 || iface_set_vlans(iface, &rq->err) < 0)
        return -1;
    return iface->isolated == TRI_YES ? bridge_port_set(iface->target, "isolated", 1, &rq->err) : 0;
}

/* A card of type ethernet is set up by whoever asked for it: by scripts and addresses. */
static int begin_ethernet(struct req *rq, struct build *build, const struct iface *iface)
{
    if (iface->downscript) {
        const char *argv[] = {iface->downscript, iface->target, NULL};

        build_remember_command(build, argv);
    }
    if (iface->script && iface_run_script(rq, iface->script, iface->target) < 0)
        return -1;
    return iface_add_addresses(rq, iface);
}

/* What carries the card on the host has a name of its own until the machine ends. */
static int open_tap(struct req *rq, struct build *build, struct iface *iface, struct tap *tap)
{
    char name[IFNAMSIZ];
    struct mac mac = iface->mac;
    bool up = iface->link != LINK_DOWN;

    if (name_of(iface, "vnet%d", name, &rq->err) < 0 ||
        tap_open(name, tap->queues, iface_is_virtio(iface), tap->fds, &rq->err) < 0)
        return -1;
    iface->target = arena_strdup(build->arena, name);
    if (iface->target_managed != TRI_NO)
        build_remember(build, UNDO_TAP, iface->target, -1);
    if (iface->type == IFACE_ETHERNET && iface->target_managed == TRI_NO)
        return 0;
    /* the host's end must not look like the guest's own card; a high first byte keeps a bridge's address
     * stable */
    mac.bytes[0] = 0xfe;
    if (iface_set_mac(name, mac.bytes, &rq->err) < 0 ||
        (iface->mtu.set && iface_set_mtu(name, iface->mtu.value, &rq->err) < 0) ||
        join(rq, build, iface) < 0 || iface_set_up(name, up, &rq->err) < 0)
        return -1;
    return iface->type == IFACE_ETHERNET ? begin_ethernet(rq, build, iface) : 0;
}

static int open_macvtap(struct req *rq, struct build *build, struct iface *iface, struct tap *tap)
{
    char name[IFNAMSIZ];

    if (name_of(iface, "macvtap%d", name, &rq->err) < 0 ||
        macvtap_create(name, iface->dev, macvtap_mode_names[iface->mode], iface->mac.bytes, &rq->err) < 0)
        return -1;
    iface->target = arena_strdup(build->arena, name);
    build_remember(build, UNDO_TAP, iface->target, -1);
    if ((iface->mtu.set && iface_set_mtu(name, iface->mtu.value, &rq->err) < 0) ||
        iface_set_up(name, iface->link != LINK_DOWN, &rq->err) < 0)
        return -1;
    return macvtap_open(name, tap->queues, iface_is_virtio(iface), tap->fds, &rq->err);
}

/* The kernel moves packets of virtio cards where KVM runs the guest. */
static int open_vhost(struct build *build, const struct iface *iface, struct tap *tap, struct err *err)
{
    const char *path = iface->backend_vhost ? iface->backend_vhost : "/dev/vhost-net";
    bool wanted = str_eq(iface->driver_name, "vhost");

    if (!iface_is_virtio(iface) || str_eq(iface->driver_name, "qemu") ||
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
static int check_supported(const struct iface *iface, struct err *err)
{
    const char *type = iface_type_names[iface->type];
    const char *port = iface->virtualport ? iface->virtualport->type : NULL;
    bool bridged = iface->type == IFACE_BRIDGE || iface->type == IFACE_NETWORK;

    if (iface->filter)
        return err_set(err, ERR_NO_SUPPORT, "interfaces with network filters (filter '%s')", iface->filter);
    if (str_eq(iface->teaming_type, "transient"))
        return err_set(err, ERR_CONFIG_UNSUPPORTED,
                       "a transient teaming device must be a host device: type 'hostdev', not '%s'", type);
    if (iface->vlan && !bridged)
        return err_set(err, ERR_CONFIG_UNSUPPORTED,
                       "an interface of type '%s' is requesting a vlan tag, but that is not supported for "
                       "this type of connection",
                       type);
    if (iface->virtualport && !(bridged && str_eq(port, "openvswitch")))
        return err_set(err, ERR_NO_SUPPORT, "virtual ports of type '%s' on interfaces of type '%s'",
                       port ? port : "", type);
    if ((iface->script || iface->downscript) && iface->type != IFACE_ETHERNET)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "scripts are not supported on interfaces of type %s",
                       type);
    if ((iface->host.n_ips || iface->host.n_routes) && iface->type != IFACE_ETHERNET)
        return err_set(err, ERR_CONFIG_UNSUPPORTED,
                       "Cannot set host-side IP address on interfaces of type %s", type);
    return 0;
}

static bool is_passt(const struct iface *iface)
{
    return iface->type == IFACE_USER && str_eq(iface->backend_type, "passt");
}

static int make_host_end(struct req *rq, struct build *build, struct iface *iface, struct tap *tap)
{
    if (is_passt(iface)) {
        tap->fds[0] = passt_start(rq, build, iface);
        return tap->fds[0] < 0 ? -1 : 0;
    }
    int r =
        iface->type == IFACE_DIRECT ? open_macvtap(rq, build, iface, tap) : open_tap(rq, build, iface, tap);

    if (r == 0 && iface->coalesce_rx_frames)
        r = iface_set_coalesce(iface->target, iface->coalesce_rx_frames, &rq->err);
    if (r == 0 && iface->bandwidth)
        r = iface_set_bandwidth(rq, iface->target, iface->bandwidth);
    return r;
}

int iface_open_host(struct req *rq, struct build *build, struct iface *iface)
{
    struct tap *tap;
    int r;

    if (check_supported(iface, &rq->err) < 0)
        return -1;
    if ((!iface_uses_tap(iface) && !is_passt(iface)) || build->validate_only)
        return 0;
    tap = ARENA_NEW(build->arena, struct tap);
    tap->iface = iface;
    tap->queues = iface->queues && iface_is_virtio(iface) ? iface->queues : 1;
    if (tap->queues > TAP_QUEUES_MAX)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "interface has %u queues, the maximum is %d",
                       tap->queues, TAP_QUEUES_MAX);
    for (unsigned i = 0; i < tap->queues; i++)
        tap->fds[i] = -1;
    r = make_host_end(rq, build, iface, tap);
    for (unsigned i = 0; i < tap->queues; i++)
        if (tap->fds[i] >= 0)
            build_pass_fd(build, tap->fds[i]);
    if (r == 0 && iface_uses_tap(iface))
        r = open_vhost(build, iface, tap, &rq->err);
    for (unsigned i = 0; i < tap->vhosts; i++)
        build_pass_fd(build, tap->vhost[i]);
    build->taps = arena_grow(build->arena, build->taps, build->count_taps, sizeof(*build->taps));
    build->taps[build->count_taps++] = tap;
    return r;
}

void iface_found(struct build *build, const struct iface *iface)
{
    if (!iface->target || !iface_uses_tap(iface))
        return;
    if (iface->target_managed != TRI_NO)
        build_remember(build, UNDO_TAP, iface->target, -1);
    if (is_ovs(iface))
        iface_leave_ovs(build, iface->target);
    if (iface->downscript) {
        const char *argv[] = {iface->downscript, iface->target, NULL};

        build_remember_command(build, argv);
    }
}

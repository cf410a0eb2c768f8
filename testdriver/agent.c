/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods that a guest's agent would answer. Each guest has two file systems on its first disk. */
#define ERR_FROM ERR_FROM_TEST
#include "base/addr.h"
#include "model/network.h"
#include "testdriver/network.h"
#include "testdriver/vm.h"

static const char *const mount_points[2] = {"/", "/boot"};

static int m_hostname(struct req *rq, struct vm *vm, const struct remote_domain_get_hostname_in *in,
                      struct remote_domain_get_hostname_out *out)
{
    if (vm_need_active(rq, vm) < 0)
        return -1;
    out->hostname = arena_printf(rq->arena, "%shost", vm->thing.name);
    return 0;
}

static int m_get_time(struct req *rq, struct vm *vm, const struct remote_domain_get_time_in *in,
                      struct remote_domain_get_time_out *out)
{
    if (!vm_active(vm))
        return err_set(rq->err, ERR_OPERATION_INVALID, "domain is not running");
    out->seconds = vm->guest_seconds;
    out->nseconds = vm->guest_nanoseconds;
    return 0;
}

static int m_set_time(struct req *rq, struct vm *vm, const struct remote_domain_set_time_in *in,
                      struct remote_domain_set_time_out *out)
{
    if (vm_need_active(rq, vm) < 0)
        return -1;
    vm->guest_seconds = in->seconds;
    vm->guest_nanoseconds = in->nseconds;
    return 0;
}

static int m_set_password(struct req *rq, struct vm *vm, const struct remote_domain_set_user_password_in *in,
                          struct remote_domain_set_user_password_out *out)
{
    return vm_need_active(rq, vm);
}

/* ---- file systems ---- */

static int m_fsinfo(struct req *rq, struct vm *vm, const struct remote_domain_get_fsinfo_in *in,
                    struct remote_domain_get_fsinfo_out *out)
{
    const struct devices *devices = &vm->def->domain->devices;

    if (vm_need_active(rq, vm) < 0)
        return -1;
    if (!devices->n_disks)
        return 0;
    out->info.v = ARENA_ARRAY(rq->arena, struct wire_domain_fsinfo, 2);
    for (int i = 0; i < 2; i++) {
        struct wire_domain_fsinfo *info = &out->info.v[out->info.n++];

        info->mountpoint = (char *)mount_points[i];
        info->name = arena_printf(rq->arena, "%s%d", devices->disks[0]->dst, i + 1);
        info->fstype = (char *)"ext4";
        info->dev_aliases.n = 1;
        info->dev_aliases.v = ARENA_ARRAY(rq->arena, char *, 1);
        info->dev_aliases.v[0] = devices->disks[0]->dst;
    }
    out->ret = out->info.n;
    return 0;
}

static int find_mount(struct req *rq, const char *path)
{
    for (int i = 0; i < 2; i++)
        if (str_eq(mount_points[i], path))
            return i;
    return err_set(rq->err, ERR_OPERATION_INVALID, "mount point not found: %s", path);
}

/* Freeze (or thaw) those, all when none is named; how many changed. */
static int freeze(struct req *rq, struct vm *vm, char *const *paths, uint32_t n, bool to, int *ret_changed)
{
    bool chosen[2] = {n == 0, n == 0};
    int changed = 0;

    if (vm_need_active(rq, vm) < 0)
        return -1;
    for (uint32_t i = 0; i < n; i++) {
        int at = find_mount(rq, paths[i]);

        if (at < 0)
            return -1;
        chosen[at] = true;
    }
    for (int i = 0; i < 2; i++)
        if (chosen[i] && vm->frozen[i] != to) {
            vm->frozen[i] = to;
            changed++;
        }
    *ret_changed = changed;
    return 0;
}

static int m_freeze(struct req *rq, struct vm *vm, const struct remote_domain_fsfreeze_in *in,
                    struct remote_domain_fsfreeze_out *out)
{
    return freeze(rq, vm, in->mountpoints.v, in->mountpoints.n, true, &out->filesystems);
}

static int m_thaw(struct req *rq, struct vm *vm, const struct remote_domain_fsthaw_in *in,
                  struct remote_domain_fsthaw_out *out)
{
    return freeze(rq, vm, in->mountpoints.v, in->mountpoints.n, false, &out->filesystems);
}

static int m_trim(struct req *rq, struct vm *vm, const struct remote_domain_fstrim_in *in,
                  struct remote_domain_fstrim_out *out)
{
    const char *path = in->mount_point;

    if (vm_need_active(rq, vm) < 0)
        return -1;
    return path && find_mount(rq, path) < 0 ? -1 : 0;
}

/* ---- addresses: counted up from the network's first, differently for each machine ---- */

static int add_offset(const char *first, uint32_t offset, char **ret, struct arena *arena)
{
    char text[ADDR_TEXT];
    struct addr addr;

    if (addr_parse(first, AF_UNSPEC, &addr) < 0 || addr_add(&addr, offset, &addr) < 0)
        return -1;
    *ret = arena_strdup(arena, addr_format(&addr, text));
    return 0;
}

static int network_address(struct req *rq, const struct vm *vm, const struct iface *iface, size_t index,
                           struct wire_domain_ip_addr *ret)
{
    const struct network_def *network = network_find(rq, iface->network);
    const struct network_ip *ip = network && network->n_ips ? network->ips[0] : NULL;
    bool v6 = ip && str_eq(ip->family, "ipv6");
    const char *first = !ip                              ? NULL
                        : ip->dhcp && ip->dhcp->n_ranges ? ip->dhcp->ranges[0]->start
                                                         : ip->address;

    if (!network)
        return -1;
    if (!ip)
        return err_set(rq->err, ERR_INTERNAL_ERROR, "no IP address in network '%s'", iface->network);
    if (add_offset(first, 20 * ((uint32_t)vm->id - 1) + (uint32_t)index + 1, &ret->addr, rq->arena) < 0)
        return err_set(rq->err, ERR_INTERNAL_ERROR, "'%s' is no IP address", first);
    ret->type = v6 ? VIR_IP_ADDR_TYPE_IPV6 : VIR_IP_ADDR_TYPE_IPV4;
    ret->prefix = ip->prefix.set ? ip->prefix.value : v6 ? 64 : 24;
    return 0;
}

static int m_addresses(struct req *rq, struct vm *vm, const struct remote_domain_interface_addresses_in *in,
                       struct remote_domain_interface_addresses_out *out)
{
    const struct devices *devices = &vm->def->domain->devices;

    if (in->source > VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP)
        return err_set(rq->err, ERR_ARGUMENT_UNSUPPORTED, "Unknown IP address data source %u", in->source);
    if (vm_need_active(rq, vm) < 0)
        return -1;
    out->ifaces.v = ARENA_ARRAY(rq->arena, struct wire_domain_interface, devices->n_ifaces);
    for (size_t i = 0; i < devices->n_ifaces; i++) {
        const struct iface *iface = devices->ifaces[i];
        struct wire_domain_interface *to = &out->ifaces.v[out->ifaces.n++];
        char mac[MAC_TEXT];

        to->name = iface->target;
        to->hwaddr = arena_strdup(rq->arena, mac_format(&iface->mac, mac));
        to->addrs.n = 1;
        to->addrs.v = ARENA_ARRAY(rq->arena, struct wire_domain_ip_addr, 1);
        if (iface->type == IFACE_NETWORK) {
            if (network_address(rq, vm, iface, i, to->addrs.v) < 0)
                return -1;
        } else {
            to->addrs.v[0].type = VIR_IP_ADDR_TYPE_IPV4;
            to->addrs.v[0].prefix = 24;
            to->addrs.v[0].addr = arena_printf(rq->arena, "192.168.0.%zu", 1 + i);
        }
    }
    return 0;
}

const struct method agent_methods[] = {
    METHOD(remote, DOMAIN_GET_HOSTNAME, m_hostname),
    METHOD(remote, DOMAIN_GET_TIME, m_get_time),
    METHOD(remote, DOMAIN_SET_TIME, m_set_time, VIR_DOMAIN_TIME_SYNC),
    METHOD(remote, DOMAIN_SET_USER_PASSWORD, m_set_password, VIR_DOMAIN_PASSWORD_ENCRYPTED),
    METHOD(remote, DOMAIN_GET_FSINFO, m_fsinfo),
    METHOD(remote, DOMAIN_FSFREEZE, m_freeze),
    METHOD(remote, DOMAIN_FSTHAW, m_thaw),
    METHOD(remote, DOMAIN_FSTRIM, m_trim),
    METHOD(remote, DOMAIN_INTERFACE_ADDRESSES, m_addresses),
    {0},
};

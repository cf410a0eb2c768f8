/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_NONE
#include "host/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "host/netlink.h"
#include "host/sysfs.h"

/* A socket for ioctl on interfaces; any kind does. */
static int control_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    return fd < 0 ? -errno : fd;
}

static int set_name(struct ifreq *request, const char *name)
{
    memset(request, 0, sizeof(*request));
    if (str_empty(name) || strlen(name) >= IFNAMSIZ)
        return -ENAMETOOLONG;
    memcpy(request->ifr_name, name, strlen(name));
    return 0;
}

/* One ioctl on one interface: 0 or -errno. */
static int control(unsigned long what, struct ifreq *request)
{
    auto_fd int fd = control_socket();

    if (fd < 0)
        return fd;
    return ioctl(fd, what, request) < 0 ? -errno : 0;
}

static void close_all(int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        fd_close(&fds[i]);
}

/* A queue of the device; the first of a pattern decides its name. */
static int open_queue(const char *path, struct ifreq *request, bool vnet_hdr)
{
    auto_fd int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    int size = 12; /* of a virtio header with the number of buffers */

    if (fd < 0 || ioctl(fd, TUNSETIFF, request) < 0)
        return -errno;
    if (vnet_hdr)
        (void)ioctl(fd, TUNSETVNETHDRSZ, &size); /* the old header of 10 bytes works too */
    return FD_TAKE(fd);
}

int tap_open(char name[IFNAMSIZ], unsigned queues, bool vnet_hdr, int *fds, struct err *err)
{
    struct ifreq request;

    if (!queues || queues > TAP_QUEUES_MAX || set_name(&request, name) < 0)
        return err_set(err, ERR_INVALID_ARG, "tap device '%s' with %u queues", name, queues);
    request.ifr_flags =
        (short)(IFF_TAP | IFF_NO_PI | (queues > 1 ? IFF_MULTI_QUEUE : 0) | (vnet_hdr ? IFF_VNET_HDR : 0));
    for (unsigned i = 0; i < queues; i++) {
        fds[i] = open_queue("/dev/net/tun", &request, vnet_hdr);
        if (fds[i] < 0) {
            int errnum = fds[i];

            close_all(fds, i);
            if (errnum == -ENOENT)
                return err_system(err, errnum, "Unable to open /dev/net/tun, is tun module loaded?");
            return err_system(err, errnum, "Unable to create tap device %s", name);
        }
    }
    memcpy(name, request.ifr_name, IFNAMSIZ);
    return 0;
}

static const struct {
    const char *name;
    uint32_t mode;
} macvtap_modes[] = {
    {"vepa", MACVLAN_MODE_VEPA},
    {"private", MACVLAN_MODE_PRIVATE},
    {"bridge", MACVLAN_MODE_BRIDGE},
    {"passthrough", MACVLAN_MODE_PASSTHRU},
};

/* -EEXIST: the name is taken (err isn't set then). */
static int macvtap_make(const char *name, const char *lower, const char *mode, const uint8_t mac[MAC_BYTES],
                        struct err *err)
{
    struct netlink_message message;
    struct ifinfomsg header = {.ifi_family = AF_UNSPEC};
    uint32_t index = if_nametoindex(lower), value = 0;
    int r;

    for (size_t i = 0; i < ARRAY_SIZE(macvtap_modes); i++)
        if (str_eq(macvtap_modes[i].name, mode))
            value = macvtap_modes[i].mode;
    if (!index)
        return err_system(err, errno, "cannot find the interface '%s' for macvtap", lower);
    if (!value)
        return err_set(err, ERR_INVALID_ARG, "unknown macvtap mode '%s'", mode);
    netlink_begin(&message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
    netlink_add_string(&message, IFLA_IFNAME, name);
    netlink_add(&message, IFLA_LINK, &index, sizeof(index));
    netlink_add(&message, IFLA_ADDRESS, mac, MAC_BYTES);
    size_t info = netlink_nest(&message, IFLA_LINKINFO);

    netlink_add_string(&message, IFLA_INFO_KIND, "macvtap");
    size_t data = netlink_nest(&message, IFLA_INFO_DATA);

    netlink_add(&message, IFLA_MACVLAN_MODE, &value, sizeof(value));
    netlink_unnest(&message, data);
    netlink_unnest(&message, info);
    r = netlink_talk(&message);
    if (r < 0 && r != -EEXIST)
        err_system(err, r, "error creating macvtap interface %s@%s", name, lower);
    return r;
}

int macvtap_create(char name[IFNAMSIZ], const char *lower, const char *mode, const uint8_t mac[MAC_BYTES],
                   struct err *err)
{
    enum { NUMBERS_MAX = 8192 };
    char *number = strstr(name, "%d"), stem[IFNAMSIZ];
    int r = -EEXIST;

    if (number) {
        snprintf(stem, sizeof(stem), "%.*s", (int)(number - name), name);
        /* the kernel fills in a number itself, but doesn't say which */
        for (unsigned i = 0; r == -EEXIST && i < NUMBERS_MAX; i++) {
            if (snprintf(name, IFNAMSIZ, "%s%u", stem, i) >= IFNAMSIZ)
                break;
            r = iface_exists(name) ? -EEXIST : macvtap_make(name, lower, mode, mac, err);
        }
    } else {
        r = macvtap_make(name, lower, mode, mac, err);
    }
    if (r == -EEXIST)
        return err_system(err, r, "error creating macvtap interface %s@%s", name, lower);
    return r < 0 ? -1 : 0;
}

int macvtap_open(const char *name, unsigned queues, bool vnet_hdr, int *fds, struct err *err)
{
    char path[32], number[32];
    unsigned index = if_nametoindex(name), major, minor;
    struct ifreq request;

    if (!index || !queues || queues > TAP_QUEUES_MAX || set_name(&request, name) < 0)
        return err_system(err, index ? EINVAL : errno, "cannot open macvtap interface '%s'", name);
    snprintf(path, sizeof(path), "/dev/tap%u", index);
    /* udev may be slow, or not be there at all (containers): the kernel knows the number of the device */
    if (access(path, F_OK) < 0 &&
        sysfs_read(number, sizeof(number), "", "/sys/class/net/%s/macvtap/tap%u/dev", name, index) > 0 &&
        sscanf(number, "%u:%u", &major, &minor) == 2)
        (void)mknod(path, S_IFCHR | 0600, (dev_t)((major << 8) | (minor & 0xff) | ((minor & ~0xffu) << 12)));
    request.ifr_flags =
        (short)(IFF_TAP | IFF_NO_PI | (queues > 1 ? IFF_MULTI_QUEUE : 0) | (vnet_hdr ? IFF_VNET_HDR : 0));
    for (unsigned i = 0; i < queues; i++) {
        fds[i] = open_queue(path, &request, vnet_hdr);
        if (fds[i] < 0) {
            int errnum = fds[i];

            close_all(fds, i);
            return err_system(err, errnum, "cannot open macvtap tap device %s", path);
        }
    }
    return 0;
}

static int bridge_change(unsigned long what, const char *bridge, const char *name)
{
    struct ifreq request;
    int r = set_name(&request, bridge);

    request.ifr_ifindex = (int)if_nametoindex(name);
    if (r == 0 && !request.ifr_ifindex)
        r = -ENODEV;
    return r < 0 ? r : control(what, &request);
}

int bridge_attach(const char *bridge, const char *name, struct err *err)
{
    int r = bridge_change(SIOCBRADDIF, bridge, name);

    return r < 0 ? err_system(err, r, "Unable to add bridge %s port %s", bridge, name) : 0;
}

int bridge_detach(const char *bridge, const char *name, struct err *err)
{
    int r = bridge_change(SIOCBRDELIF, bridge, name);

    return r < 0 ? err_system(err, r, "Unable to remove bridge %s port %s", bridge, name) : 0;
}

bool bridge_exists(const char *name)
{
    return sysfs_exists("", "/sys/class/net/%s/bridge", name);
}

int bridge_port_set(const char *name, const char *setting, unsigned value, struct err *err)
{
    int r = sysfs_write(value, "", "/sys/class/net/%s/brport/%s", name, setting);

    return r < 0 ? err_system(err, r, "Unable to set %s of bridge port %s", setting, name) : 0;
}

static int port_vlan(const char *name, uint16_t type, unsigned id, unsigned flags)
{
    struct netlink_message message;
    struct ifinfomsg header = {.ifi_family = AF_BRIDGE, .ifi_index = (int)if_nametoindex(name)};
    struct bridge_vlan_info vlan = {.vid = (uint16_t)id};

    if (!header.ifi_index)
        return -ENODEV;
    vlan.flags = (uint16_t)((flags & PORT_VLAN_PVID ? BRIDGE_VLAN_INFO_PVID : 0) |
                            (flags & PORT_VLAN_UNTAGGED ? BRIDGE_VLAN_INFO_UNTAGGED : 0));
    netlink_begin(&message, type, 0, &header, sizeof(header));
    size_t spec = netlink_nest(&message, IFLA_AF_SPEC);

    netlink_add(&message, IFLA_BRIDGE_VLAN_INFO, &vlan, sizeof(vlan));
    netlink_unnest(&message, spec);
    return netlink_talk(&message);
}

int bridge_port_vlan(const char *name, unsigned id, unsigned flags, struct err *err)
{
    int r = port_vlan(name, RTM_SETLINK, id, flags);

    return r < 0 ? err_system(err, r, "error adding vlan %u to bridge port %s", id, name) : 0;
}

int bridge_port_vlan_drop(const char *name, unsigned id, struct err *err)
{
    int r = port_vlan(name, RTM_DELLINK, id, 0);

    return r < 0 ? err_system(err, r, "error removing vlan %u from bridge port %s", id, name) : 0;
}

int iface_set_coalesce(const char *name, unsigned rx_frames, struct err *err)
{
    struct ethtool_coalesce coalesce = {.cmd = ETHTOOL_GCOALESCE};
    struct ifreq request;
    int r = set_name(&request, name);

    request.ifr_data = (char *)&coalesce;
    if (r == 0)
        r = control(SIOCETHTOOL, &request);
    coalesce.cmd = ETHTOOL_SCOALESCE;
    coalesce.rx_max_coalesced_frames = rx_frames;
    if (r == 0)
        r = control(SIOCETHTOOL, &request);
    return r < 0 ? err_system(err, r, "Cannot set coalesce info on '%s'", name) : 0;
}

bool iface_exists(const char *name)
{
    return if_nametoindex(name) != 0;
}

int iface_delete(const char *name, struct err *err)
{
    struct netlink_message message;
    struct ifinfomsg header = {.ifi_family = AF_UNSPEC, .ifi_index = (int)if_nametoindex(name)};
    int r = header.ifi_index ? 0 : -ENODEV;

    netlink_begin(&message, RTM_DELLINK, 0, &header, sizeof(header));
    if (r == 0)
        r = netlink_talk(&message);
    return r < 0 && r != -ENODEV ? err_system(err, r, "error destroying network device %s", name) : 0;
}

int iface_set_up(const char *name, bool up, struct err *err)
{
    struct ifreq request;
    int r = set_name(&request, name);

    if (r == 0)
        r = control(SIOCGIFFLAGS, &request);
    if (r == 0 && up != !!(request.ifr_flags & IFF_UP)) {
        request.ifr_flags = (short)(request.ifr_flags ^ IFF_UP);
        r = control(SIOCSIFFLAGS, &request);
    }
    return r < 0 ? err_system(err, r, "Cannot set interface flags on '%s'", name) : 0;
}

int iface_set_mac(const char *name, const uint8_t mac[MAC_BYTES], struct err *err)
{
    struct ifreq request;
    int r = set_name(&request, name);

    if (r == 0) {
        request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
        memcpy(request.ifr_hwaddr.sa_data, mac, MAC_BYTES);
        r = control(SIOCSIFHWADDR, &request);
    }
    return r < 0 ? err_system(err, r, "Cannot set interface MAC to %02x:%02x:%02x:%02x:%02x:%02x on '%s'",
                              mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], name)
                 : 0;
}

int iface_get_mac(const char *name, uint8_t ret[MAC_BYTES], struct err *err)
{
    struct ifreq request;
    int r = set_name(&request, name);

    if (r == 0)
        r = control(SIOCGIFHWADDR, &request);
    if (r < 0)
        return err_system(err, r, "Cannot get interface MAC on '%s'", name);
    memcpy(ret, request.ifr_hwaddr.sa_data, MAC_BYTES);
    return 0;
}

int iface_set_mtu(const char *name, unsigned mtu, struct err *err)
{
    struct ifreq request;
    int r = set_name(&request, name);

    request.ifr_mtu = (int)mtu;
    if (r == 0)
        r = control(SIOCSIFMTU, &request);
    return r < 0 ? err_system(err, r, "Cannot set interface MTU on '%s'", name) : 0;
}

int iface_get_mtu(const char *name, unsigned *ret, struct err *err)
{
    struct ifreq request;
    int r = set_name(&request, name);

    if (r == 0)
        r = control(SIOCGIFMTU, &request);
    if (r < 0)
        return err_system(err, r, "Cannot get interface MTU on '%s'", name);
    *ret = (unsigned)request.ifr_mtu;
    return 0;
}

int iface_get_stats(const char *name, struct iface_stats *ret, struct err *err)
{
    static const struct {
        const char *file;
        size_t offset;
    } counters[] = {
        {"rx_bytes", offsetof(struct iface_stats, rx_bytes)},
        {"rx_packets", offsetof(struct iface_stats, rx_packets)},
        {"rx_errors", offsetof(struct iface_stats, rx_errs)},
        {"rx_dropped", offsetof(struct iface_stats, rx_drop)},
        {"tx_bytes", offsetof(struct iface_stats, tx_bytes)},
        {"tx_packets", offsetof(struct iface_stats, tx_packets)},
        {"tx_errors", offsetof(struct iface_stats, tx_errs)},
        {"tx_dropped", offsetof(struct iface_stats, tx_drop)},
    };
    struct iface_stats stats = {0};

    for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
        int64_t value;
        int r = sysfs_number(&value, "", "/sys/class/net/%s/statistics/%s", name, counters[i].file);

        if (r < 0)
            return err_set(err, ERR_INTERNAL_ERROR, "Interface not found");
        *(uint64_t *)((char *)&stats + counters[i].offset) = (uint64_t)value;
    }
    *ret = stats;
    return 0;
}

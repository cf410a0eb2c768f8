/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Iface: one <interface> (network card) of a machine. */
#pragma once

#include "model/domain/chardev.h"

enum iface_type {
    IFACE_UNSET,
    IFACE_USER,
    IFACE_ETHERNET,
    IFACE_VHOSTUSER,
    IFACE_SERVER,
    IFACE_CLIENT,
    IFACE_MCAST,
    IFACE_NETWORK,
    IFACE_BRIDGE,
    IFACE_INTERNAL,
    IFACE_DIRECT,
    IFACE_HOSTDEV,
    IFACE_UDP,
    IFACE_VDPA,
    IFACE_NULL,
    IFACE_VDS,
    IFACE_TYPE_MAX
};
extern const char *const iface_type_names[];

enum macvtap_mode {
    MACVTAP_UNSET,
    MACVTAP_VEPA,
    MACVTAP_PRIVATE,
    MACVTAP_BRIDGE,
    MACVTAP_PASSTHROUGH,
    MACVTAP_MODE_MAX
};
extern const char *const macvtap_mode_names[];

enum link_state { LINK_UNSET, LINK_UP, LINK_DOWN, LINK_STATE_MAX };
extern const char *const link_state_names[];

struct iface_ip {
    char *family, *address, *peer;
    struct opt_u32 prefix;
};
struct iface_route {
    char *family, *address, *netmask, *gateway;
    struct opt_u32 prefix, metric;
};
struct iface_ips {
    struct iface_ip **ips;
    size_t n_ips;
    struct iface_route **routes;
    size_t n_routes;
};

XT_DECLARE_ROWS(iface_ips_table, struct iface_ips);

struct port_range {
    uint32_t start, end, to; /* 0: not given */
    enum tristate exclude;   /* yes, no */
};
struct port_forward {
    char *proto, *address, *dev;
    struct port_range **ranges;
    size_t n_ranges;
};

struct vlan_tag {
    uint32_t id;
    char *native_mode; /* tagged, untagged */
};
struct vlan {
    enum tristate trunk; /* yes, no */
    struct vlan_tag **tags;
    size_t n_tags;
};

struct virtual_port {
    char *type; /* 802.1Qbg, 802.1Qbh, openvswitch, midonet; NULL: any */
    struct opt_u32 managerid, typeid, typeidversion;
    char *instanceid, *interfaceid, *profileid;
};

struct rate {
    uint64_t average, peak, burst, floor; /* KiB/s, KiB; 0: not given */
};
struct bandwidth {
    struct opt_u32 class_id;
    struct rate *in, *out;
};

struct filter_parameter {
    char *name, *value;
};

struct iface_offload {
    enum tristate csum, gso, tso4, tso6, ecn, ufo, mrg_rxbuf; /* on, off */
};

/* usb or pci device on the host that an interface of type hostdev hands over */
struct iface_hostdev {
    char *type; /* pci, usb */
    char *driver, *driver_model;
    enum tristate iommufd; /* yes, no */
    struct pci_address pci;
};

struct iface {
    enum iface_type type;
    enum tristate managed;          /* hostdev: yes, no */
    enum tristate trust_rx_filters; /* yes, no */

    struct mac mac;          /* always given after domain_parse */
    char *mac_type;          /* generated, static */
    enum tristate mac_check; /* yes, no */
    struct mac mac_current;

    /* <source>; which of them a type has is the union of the table */
    char *network, *portgroup, *portid;
    char *bridge;
    char *mac_table_manager;
    char *dev; /* direct, vdpa, user with passt, ethernet */
    enum macvtap_mode mode;
    char *name; /* internal */
    char *address, *local_address;
    uint32_t port, local_port;
    struct chardev_source vhostuser;
    char *switchid, *portgroupid, *connectionid; /* vds */
    struct iface_hostdev hostdev;
    struct iface_ips host; /* addresses on the host's side: <source><ip> */

    struct iface_ips guest;
    char *guest_dev, *guest_actual;
    struct port_forward **forwards;
    size_t n_forwards;

    char *script, *downscript;
    char *backend_domain;
    char *target;                 /* name of the tap on the host */
    enum tristate target_managed; /* yes, no */
    char *model;
    char *backend_type; /* default, passt */
    char *backend_tap, *backend_vhost, *backend_logfile, *backend_hostname, *backend_fqdn;

    char *driver_name; /* qemu, vhost */
    char *txmode;
    enum tristate ioeventfd, event_idx, rss, rss_hash_report; /* on, off */
    uint32_t queues, rx_queue_size, tx_queue_size;
    struct virtio_options virtio;
    struct iface_offload host_offload, guest_offload;

    char *filter;
    struct filter_parameter **filter_params;
    size_t n_filter_params;

    struct vlan *vlan;
    struct virtual_port *virtualport;
    struct bandwidth *bandwidth;
    char *teaming_type, *teaming_persistent;
    enum link_state link;
    struct opt_u32 mtu;
    uint32_t coalesce_rx_frames; /* 0: not given */
    struct opt_u64 sndbuf;
    enum tristate isolated; /* yes, no */
    struct device_info info;
};
XT_DECLARE(iface_table, struct iface);
/* Shared with networks. */
XT_DECLARE(vlan_table, struct vlan);
XT_DECLARE(virtual_port_table, struct virtual_port);
XT_DECLARE(bandwidth_table, struct bandwidth);

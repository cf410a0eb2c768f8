/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Network: what is said about a virtual network: how it reaches the world (forward), the bridge, addresses
 * with DHCP and DNS, groups of ports. Everything lives in the document's arena.
 */
#pragma once

#include "model/domain/device.h"
#include "model/domain/iface.h"

enum forward_mode {
    FORWARD_NONE,
    FORWARD_NAT,
    FORWARD_ROUTE,
    FORWARD_OPEN,
    FORWARD_BRIDGE,
    FORWARD_PRIVATE,
    FORWARD_VEPA,
    FORWARD_PASSTHROUGH,
    FORWARD_HOSTDEV,
    FORWARD_MODE_MAX
};
extern const char *const forward_mode_names[];

struct network_if {
    char *dev;
    struct opt_u32 connections; /* live */
};
struct network_pci {
    char *type; /* pci */
    struct pci_address pci;
    struct opt_u32 connections; /* live */
};
struct network_forward {
    char *dev; /* the first of interfaces */
    enum forward_mode mode;
    enum tristate managed; /* yes, no */
    char *driver, *driver_model;
    enum tristate nat_ipv6;
    char *nat_start, *nat_end;
    uint32_t nat_port_start, nat_port_end;
    struct network_if **pfs, **interfaces;
    size_t n_pfs, n_interfaces;
    struct network_pci **addresses;
    size_t n_addresses;
};

struct network_lease {
    uint32_t expiry;
    char *unit; /* seconds, minutes, hours */
};
struct network_range {
    char *start, *end;
    struct network_lease *lease;
};
struct network_host {
    char *mac, *id, *name, *ip;
    struct network_lease *lease;
};
struct network_dhcp {
    struct network_range **ranges;
    size_t n_ranges;
    struct network_host **hosts;
    size_t n_hosts;
    char *bootp_file, *bootp_server;
};
struct network_ip {
    char *family, *address, *netmask;
    struct opt_u32 prefix;
    enum tristate local_ptr; /* yes, no */
    char *tftp_root;
    struct network_dhcp *dhcp;
};
struct network_route {
    char *family, *address, *netmask, *gateway;
    struct opt_u32 prefix, metric;
};

struct network_forwarder {
    char *domain, *address;
    uint32_t port;
};
struct network_txt {
    char *name, *value;
};
struct network_srv {
    char *service, *protocol, *domain, *target;
    uint32_t port, priority, weight;
};
struct network_text {
    char *value;
};
struct network_dns_host {
    char *ip;
    struct network_text **names;
    size_t n_names;
};
struct network_dns {
    enum tristate enable, forward_plain; /* yes, no */
    struct network_forwarder **forwarders;
    size_t n_forwarders;
    struct network_txt **txts;
    size_t n_txts;
    struct network_srv **srvs;
    size_t n_srvs;
    struct network_dns_host **hosts;
    size_t n_hosts;
};

struct network_portgroup {
    char *name;
    enum tristate is_default, trust_rx_filters, isolated; /* yes, no */
    struct vlan *vlan;
    struct virtual_port *virtualport;
    struct bandwidth *bandwidth;
};

struct network_def {
    struct opt_u32 connections;     /* live */
    bool ipv6;                      /* between its ports, without an address */
    enum tristate trust_rx_filters; /* yes, no */
    char *name;
    uint8_t uuid[UUID_SIZE];
    char *title, *description;
    struct xml_node *metadata;
    struct network_forward *forward;
    char *bridge, *mac_table_manager, *zone;
    enum tristate stp; /* on, off */
    struct opt_u32 delay;
    uint32_t mtu;
    struct mac mac;
    char *domain;
    enum tristate domain_local, domain_register;
    struct network_dns *dns;
    struct vlan *vlan;
    struct bandwidth *bandwidth;
    enum tristate isolated;
    struct network_ip **ips;
    size_t n_ips;
    struct network_route **routes;
    size_t n_routes;
    struct virtual_port *virtualport;
    struct network_portgroup **portgroups;
    size_t n_portgroups;
    struct network_text **options; /* of namespace dnsmasq */
    size_t n_options;
};
XT_DECLARE_ROWS(network_table, struct network_def);
/* Of parts that can be updated alone. */
XT_DECLARE(network_if_table, struct network_if);
XT_DECLARE(network_range_table, struct network_range);
XT_DECLARE(network_host_table, struct network_host);
XT_DECLARE(network_txt_table, struct network_txt);
XT_DECLARE(network_srv_table, struct network_srv);
XT_DECLARE(network_dns_host_table, struct network_dns_host);
XT_DECLARE(network_portgroup_table, struct network_portgroup);

enum { NETWORK_PARSE_VALIDATE = XT_PARSE_VALIDATE };
enum { NETWORK_FORMAT_INACTIVE = XT_FORMAT_INACTIVE };

static inline enum forward_mode network_mode(const struct network_def *def)
{
    return def->forward ? def->forward->mode : FORWARD_NONE;
}
/* NULL with err set. */
struct network_def *network_parse(struct arena *arena, const char *xml, unsigned flags, struct err *err);
void network_format(const struct network_def *def, unsigned flags, struct buf *text);
struct network_def *network_copy(struct arena *arena, const struct network_def *def);

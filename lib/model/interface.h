/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Interface: what is said about a network interface of the host: its addresses, and what it is made of. */
#pragma once

#include "xml/xt.h"

enum interface_type {
    INTERFACE_UNSET,
    INTERFACE_ETHERNET,
    INTERFACE_BRIDGE,
    INTERFACE_BOND,
    INTERFACE_VLAN,
    INTERFACE_TYPE_MAX
};
extern const char *const interface_type_names[];

struct interface_ip {
    char *address;
    uint32_t prefix; /* 0: not given */
};
struct interface_protocol {
    char *family; /* ipv4, ipv6 */
    bool autoconf, dhcp;
    enum tristate peerdns; /* yes, no */
    struct interface_ip **ips;
    size_t n_ips;
    char *gateway;
};

struct interface_def;
struct interface_bridge {
    enum tristate stp; /* on, off */
    char *delay;       /* seconds, with a fraction */
    struct interface_def **members;
    size_t n_members;
};
struct interface_bond {
    char *mode;
    struct opt_u32 freq, downdelay, updelay, interval; /* ms */
    char *carrier, *target, *validate;
    struct interface_def **members;
    size_t n_members;
};
struct interface_vlan {
    char *tag, *interface;
};

struct interface_def {
    enum interface_type type;
    char *name;
    char *start; /* onboot, none, hotplug */
    uint32_t mtu;
    struct interface_protocol **protocols;
    size_t n_protocols;
    char *mac;
    char *link_speed, *link_state; /* live */
    struct interface_bridge *bridge;
    struct interface_bond *bond;
    struct interface_vlan *vlan;
};
XT_DECLARE(interface_table, struct interface_def);

/* NULL with err set. */
struct interface_def *interface_parse(struct arena *arena, const char *xml, unsigned flags, struct err *err);
void interface_format(const struct interface_def *def, struct buf *text);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tap: network devices that a machine's backend is made of, and the few settings of interfaces that go with
 * them. All calls are ioctl or rtnetlink on the local kernel: short, never waiting. Negative with err set.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { TAP_QUEUES_MAX = 256, MAC_BYTES = 6 };

/*
 * Make (or open, when it persists) a tap device. name holds a pattern ("vnet%d") or a name, and the real name
 * afterwards. fds gets one descriptor per queue (more than one: multiqueue). With vnet_hdr packets carry a
 * virtio header.
 */
int tap_open(char name[IFNAMSIZ], unsigned queues, bool vnet_hdr, int *fds, struct err *err);

/*
 * macvtap on top of `lower`; mode "vepa", "private", "bridge" or "passthrough"; opened by macvtap_open. name
 * holds a pattern ("macvtap%d") or a name, and the real name afterwards.
 */
int macvtap_create(char name[IFNAMSIZ], const char *lower, const char *mode, const uint8_t mac[MAC_BYTES],
                   struct err *err);
/* Its queues: /dev/tapINDEX. */
int macvtap_open(const char *name, unsigned queues, bool vnet_hdr, int *fds, struct err *err);

int bridge_attach(const char *bridge, const char *name, struct err *err);
int bridge_detach(const char *bridge, const char *name, struct err *err);
bool bridge_exists(const char *name);
/* Port settings in sysfs: isolated, learning, unicast_flood. */
int bridge_port_set(const char *name, const char *setting, unsigned value, struct err *err);

/*
 * VLAN `id` on a port of a bridge that filters; bits of enum port_vlan. The VLAN that every port begins with
 * is removed by bridge_port_vlan_drop.
 */
enum port_vlan { PORT_VLAN_PVID = 1, PORT_VLAN_UNTAGGED = 2 };
int bridge_port_vlan(const char *name, unsigned id, unsigned flags, struct err *err);
int bridge_port_vlan_drop(const char *name, unsigned id, struct err *err);

bool iface_exists(const char *name);
int iface_delete(const char *name, struct err *err);
int iface_set_up(const char *name, bool up, struct err *err);
int iface_set_mac(const char *name, const uint8_t mac[MAC_BYTES], struct err *err);
int iface_get_mac(const char *name, uint8_t ret[MAC_BYTES], struct err *err);
int iface_set_mtu(const char *name, unsigned mtu, struct err *err);
int iface_get_mtu(const char *name, unsigned *ret, struct err *err);

/* Interrupt at the latest after so many received frames; 0: each of them. */
int iface_set_coalesce(const char *name, unsigned rx_frames, struct err *err);

/* Counters as the host sees the interface: what a guest sends is rx of its tap. */
struct iface_stats {
    uint64_t rx_bytes, rx_packets, rx_errs, rx_drop;
    uint64_t tx_bytes, tx_packets, tx_errs, tx_drop;
};
int iface_get_stats(const char *name, struct iface_stats *ret, struct err *err);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Iface: what the files of network cards share: the host's end of a card, and helpers beside it. */
#pragma once

#include "host/tap.h"
#include "virtqemud/dev/dev.h"

/* Descriptors of a card between prepare and command; the build keeps them. */
struct tap {
    const struct iface *iface;
    int fds[TAP_QUEUES_MAX], vhost[TAP_QUEUES_MAX];
    unsigned queues, vhosts;
};

bool iface_is_virtio(const struct iface *iface);
/* Its end on the host is a network device of the kernel. */
bool iface_uses_tap(const struct iface *iface);

/* Make, name and set up the host's end. Negative with rq->err set. */
int iface_open_host(struct req *rq, struct build *build, struct iface *iface);
/* What an earlier daemon made, for the end of the machine. */
void iface_found(struct build *build, const struct iface *iface);

/* iface-port.c: settings of the host's end that tools make. Negative with rq->err set. */
int iface_add_to_ovs(struct req *rq, struct build *build, const struct iface *iface);
void iface_leave_ovs(struct build *build, const char *name);
int iface_set_vlans(const struct iface *iface, struct err *err);
int iface_add_addresses(struct req *rq, const struct iface *iface);
int iface_run_script(struct req *rq, const char *script, const char *name);
/* Limits in both directions, as the guest sees them; NULL: none any more. */
int iface_set_bandwidth(struct req *rq, const char *name, const struct bandwidth *bandwidth);

/* passt.c: a helper that is the network of a guest; the descriptor that QEMU speaks to it on, or -1. */
int passt_start(struct req *rq, struct build *build, const struct iface *iface);

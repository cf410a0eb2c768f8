/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Host: the calls of virtqemud about the host and about what QEMU can do there. main.c lists these tables. */
#pragma once

#include "rpc/dispatch.h"

extern const struct method node_methods[];   /* method-node.c */
extern const struct method memory_methods[]; /* method-memory.c */
extern const struct method caps_methods[];   /* method-caps.c */

/* ERR_INVALID_ARG, with the words alone as its message: that is how these calls have always said it. -1. */
int host_invalid(struct req *rq, const char *format, ...) PRINTF(2, 3);

/* One number of a statistics call, and the wire's form of some. */
struct host_stat {
    const char *name; /* static */
    uint64_t value;
};
struct wire_node_stat *host_stats(struct req *rq, const struct host_stat *rows, unsigned count);

/* connect_get_version: of the QEMU for the host's own architecture, 7002022 for 7.2.22 (server_spec.version).
 */
int host_qemu_version(struct req *rq, uint64_t *ret);
/* Which ways to sleep the kernel offers: bits 1 << SUSPEND_x. */
enum suspend_target { SUSPEND_MEM, SUSPEND_DISK, SUSPEND_HYBRID, SUSPEND_TARGET_MAX };
unsigned host_suspend_targets(const char *root);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Req: one piece of work that somebody asked for: a call of a client, a timer's job, the reconnect of a
 * machine at start-up. It owns the memory that the work makes, the error that it may end with, and the fiber
 * that it runs in. Only a function that takes a `struct req *` first may wait; no rq, no wait.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct fiber;
struct call;     /* lib/rpc: the call of a client; NULL for the daemon's own work */
struct identity; /* lib/access: who asked; NULL is the daemon itself */

struct req {
    struct arena arena; /* given back when the request ends */
    struct err err;     /* why it failed */
    const char *name;   /* what is done, e.g. "domain_suspend"; static or in the arena */
    uint64_t serial;    /* of the request, unique in this daemon; every log line about it carries it */
    const struct identity *identity; /* the caller; lives at least as long as the request */
    struct call *call;               /* set by lib/rpc, see req_client() */
    struct fiber *fiber;             /* set while it runs in a fiber, see fiber.h */
};

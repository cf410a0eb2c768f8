/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Registration: that a client wants to hear of an event. Made and removed by registration.c, read by event.c.
 * Nobody outside of lib/rpc includes it.
 */
#pragma once

#include <regex.h>

#include "rpc/core.h"

struct registration {
    struct list link; /* in server->registrations */
    struct client *client;
    const struct procedure *row; /* callback style */
    int id;
    bool legacy;
    bool one; /* only about this object: */
    uint8_t uuid[16];
    char *name;       /* of objects without UUID */
    char *event;      /* qemu monitor: the event's name; NULL: all */
    regex_t *pattern; /* or what it must match: event, compiled */
    bool nocase;
};

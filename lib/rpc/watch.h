/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watch: sockets that are watched for the loop on one epoll instance of their own (static state of watch.c).
 * What came for many of them is handled in one go, without a round of the loop for each.
 */
#pragma once

#include <stdint.h>

#include "base/list.h"

/* Lives in its owner. */
struct watch {
    int fd;            /* the owner's; -1: not watched */
    uint32_t interest; /* epoll events asked for */
    struct list later; /* in the list of those to be called from the loop */
    /* Either may remove this or any other watch, and free what it lives in. */
    void (*ready)(struct watch *watch, uint32_t events);
    void (*called)(struct watch *watch);
};

/* Watch fd for these events. 0 or -errno. */
int watch_add(struct watch *watch, int fd, uint32_t interest);
/* Other events; costs nothing when they are the same. */
void watch_set(struct watch *watch, uint32_t interest);
/* The loop calls called() soon, once. */
void watch_call(struct watch *watch);
/* Before the descriptor is closed. */
void watch_remove(struct watch *watch);

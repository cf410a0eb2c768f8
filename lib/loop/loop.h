/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Loop: the one event loop of a process, run by one thread: descriptors (struct watch), calls that are due at
 * once (struct later), timers (timer.h), fibers (fiber.h), all on one epoll instance, so that a request costs
 * one wait for many, one receive and one send. sd-event runs beside them, as one more descriptor, for what it
 * is good at: signals and sd-bus.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>

#include "base/list.h"

/*
 * A descriptor that is watched for epoll events; lives in its owner, the zero value watches nothing. ready()
 * may remove this or any other watch, and free what it lives in.
 */
struct watch {
    int fd;            /* the owner's */
    uint32_t interest; /* epoll events asked for */
    bool on;
    void (*ready)(struct watch *watch, uint32_t events);
};

/* Watch fd for these events. 0 or -errno (-EPERM: a regular file, which is always ready). */
int watch_add(struct watch *watch, int fd, uint32_t interest, void (*ready)(struct watch *, uint32_t));
/* Other events; costs nothing when they are the same. A hang-up is told even when none are asked for. */
void watch_set(struct watch *watch, uint32_t interest);
/* Before the descriptor is closed. Nothing happens when it isn't watched. */
void watch_remove(struct watch *watch);

/* A call from the loop, soon and once. Lives in its owner; only `call` is set by it. */
struct later {
    struct list node;
    bool queued;
    void (*call)(struct later *later);
};

void later_call(struct later *later);
void later_cancel(struct later *later);

/*
 * sd-event's loop. Ask for it anew whenever its sources are changed or its bus is used: the loop then has a
 * look at it before it sleeps.
 */
sd_event *loop_event(void);

/* One round: wait for something to happen, at most usec, and handle it. Returns true when anything did. */
bool loop_once(uint64_t usec);
/* Until sd_event_exit(loop_event(), code); returns code. */
int loop_run(void);

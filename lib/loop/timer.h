/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Timer: a callback on the loop after a while, once or again and again. For waiting inside a request use
 * fiber_await. The zero value is a stopped timer. Lives inside the object that it belongs to; timer_stop
 * before that is freed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct timer {
    sd_event_source *source; /* kept when stopped, for the next start */
    void (*due)(void *arg);
    void *arg;
    uint64_t every; /* 0: once */
};

/* (Re)start: due(arg) in usec from now. */
void timer_once(struct timer *timer, uint64_t usec, void (*due)(void *arg), void *arg);
/* The same every usec; a round that is late is not made up for. */
void timer_every(struct timer *timer, uint64_t usec, void (*due)(void *arg), void *arg);
void timer_stop(struct timer *timer);
bool timer_running(const struct timer *timer);
/* Stop and release. */
void timer_done(struct timer *timer);

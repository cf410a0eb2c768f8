/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Timer: a callback on the loop after a while, once or again and again. For waiting inside a request use
 * fiber_await. The zero value is a stopped timer. Lives inside the object that it belongs to; timer_stop
 * before that is freed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer {
    uint64_t at;    /* CLOCK_MONOTONIC, us */
    uint64_t every; /* 0: once */
    size_t place;   /* among those that run; 0: it doesn't */
    void (*due)(void *arg);
    void *arg;
};

/* (Re)start: due(arg) in usec from now. */
void timer_once(struct timer *timer, uint64_t usec, void (*due)(void *arg), void *arg);
/* At this time of CLOCK_MONOTONIC. */
void timer_at(struct timer *timer, uint64_t at, void (*due)(void *arg), void *arg);
/* The same every usec; a round that is late is not made up for. */
void timer_every(struct timer *timer, uint64_t usec, void (*due)(void *arg), void *arg);
void timer_stop(struct timer *timer);
/* The descriptor that all share: made with the loop, since later there may be none left. */
void timer_open(void);
bool timer_running(const struct timer *timer);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All timers of the process share one descriptor, which is only ever set to an earlier time: the usual
 * deadline, which is withdrawn long before it is due, makes no system call.
 */
#include "loop/timer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>

#include "base/time.h"
#include "loop/loop.h"

static struct {
    struct timer **heap; /* binary, by time, first at [1] */
    size_t count, room;
    uint64_t armed; /* what the descriptor is set to; UINT64_MAX: nothing */
    struct watch watch;
    bool open;
} timers = {.armed = UINT64_MAX};

/* -- the heap -- */

static void heap_set(size_t place, struct timer *timer)
{
    timers.heap[place] = timer;
    timer->place = place;
}

static void heap_up(size_t place, struct timer *timer)
{
    for (; place > 1 && timer->at < timers.heap[place / 2]->at; place /= 2)
        heap_set(place, timers.heap[place / 2]);
    heap_set(place, timer);
}

static void heap_down(size_t place, struct timer *timer)
{
    for (size_t child; (child = place * 2) <= timers.count; place = child) {
        if (child < timers.count && timers.heap[child + 1]->at < timers.heap[child]->at)
            child++;
        if (timers.heap[child]->at >= timer->at)
            break;
        heap_set(place, timers.heap[child]);
    }
    heap_set(place, timer);
}

static void heap_add(struct timer *timer)
{
    /* [0] stays empty */
    if (timers.count + 1 >= timers.room) {
        timers.room = timers.room ? timers.room * 2 : 16;
        timers.heap = mem_resize_array(timers.heap, timers.room, sizeof(struct timer *));
    }
    heap_up(++timers.count, timer);
}

static void heap_remove(struct timer *timer)
{
    size_t place = timer->place;
    struct timer *last = timers.heap[timers.count--];

    timer->place = 0;
    if (last == timer)
        return;
    if (place > 1 && last->at < timers.heap[place / 2]->at)
        heap_up(place, last);
    else
        heap_down(place, last);
}

/* -- the descriptor -- */

static void set_descriptor(uint64_t at)
{
    struct itimerspec time = {0}; /* zero: off */

    timers.armed = at;
    if (at != UINT64_MAX) {
        time.it_value.tv_sec = (time_t)(at / 1000000);
        time.it_value.tv_nsec = (long)(at % 1000000 * 1000);
    }
    timerfd_settime(timers.watch.fd, TFD_TIMER_ABSTIME, &time, NULL);
}

static void on_time(struct watch *watch, uint32_t events)
{
    uint64_t now = time_monotonic();

    while (timers.count && timers.heap[1]->at <= now) {
        struct timer *timer = timers.heap[1];

        heap_remove(timer);
        if (timer->every) {
            timer->at = now + timer->every;
            heap_add(timer);
        }
        timer->due(timer->arg);
    }
    /* this also makes the descriptor quiet again */
    set_descriptor(timers.count ? timers.heap[1]->at : UINT64_MAX);
}

void timer_open(void)
{
    int fd, r;

    if (timers.open)
        return;
    timers.open = true; /* watching it may make the loop, which asks for it */
    fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    r = fd < 0 ? -errno : watch_add(&timers.watch, fd, EPOLLIN, on_time);
    if (r < 0) {
        /* without deadlines nothing here holds any more */
        fprintf(stderr, "cannot make a timer: %s\n", strerror(-r));
        abort();
    }
}

/* -- timers -- */

void timer_at(struct timer *timer, uint64_t at, void (*due)(void *arg), void *arg)
{
    timer_stop(timer);
    *timer = (struct timer){.at = at ? at : 1, .due = due, .arg = arg};
    heap_add(timer);
    if (at >= timers.armed)
        return;
    timer_open();
    set_descriptor(timer->at);
}

void timer_once(struct timer *timer, uint64_t usec, void (*due)(void *arg), void *arg)
{
    uint64_t at;

    if (__builtin_add_overflow(time_monotonic(), usec, &at))
        at = UINT64_MAX;
    timer_at(timer, at, due, arg);
}

void timer_every(struct timer *timer, uint64_t usec, void (*due)(void *arg), void *arg)
{
    timer_once(timer, usec, due, arg);
    timer->every = usec;
}

void timer_stop(struct timer *timer)
{
    if (timer->place)
        heap_remove(timer);
}

bool timer_running(const struct timer *timer)
{
    return timer->place;
}

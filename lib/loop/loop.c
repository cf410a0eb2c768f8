/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "loop/loop.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "loop/timer.h"

enum { BATCH_MAX = 64, TURNS_MAX = 16 };

/* One loop a process: this and what timer.c and fiber.c hold is its state. */
static struct {
    int fd;                              /* epoll; 0: not made yet */
    struct epoll_event batch[BATCH_MAX]; /* what is being handled; data.ptr NULL: that one is gone */
    int count;
    struct list later;
    sd_event *event;
    struct watch event_watch;
    bool event_touched; /* its sources may have changed */
    bool finished;      /* sd_event_exit was called */
} loop = {.later = LIST_INIT(loop.later)};

static _Noreturn void no_loop(int error)
{
    fprintf(stderr, "cannot make the event loop: %s\n", strerror(error));
    abort();
}

/* -- descriptors -- */

int watch_add(struct watch *watch, int fd, uint32_t interest, void (*ready)(struct watch *, uint32_t))
{
    struct epoll_event event = {.events = interest, .data.ptr = watch};

    if (!loop.fd) {
        loop.fd = epoll_create1(EPOLL_CLOEXEC);
        if (loop.fd < 0)
            no_loop(errno);
        timer_open();
    }
    if (epoll_ctl(loop.fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return -errno;
    *watch = (struct watch){.fd = fd, .interest = interest, .on = true, .ready = ready};
    return 0;
}

void watch_set(struct watch *watch, uint32_t interest)
{
    struct epoll_event event = {.events = interest, .data.ptr = watch};

    if (interest == watch->interest || !watch->on)
        return;
    watch->interest = interest;
    epoll_ctl(loop.fd, EPOLL_CTL_MOD, watch->fd, &event);
}

void watch_remove(struct watch *watch)
{
    if (!watch->on)
        return;
    for (int i = 0; i < loop.count; i++)
        if (loop.batch[i].data.ptr == watch)
            loop.batch[i].data.ptr = NULL;
    /* a child between fork and exec may have it, too, so that closing alone isn't enough */
    epoll_ctl(loop.fd, EPOLL_CTL_DEL, watch->fd, NULL);
    watch->on = false;
}

/* -- calls that are due -- */

void later_call(struct later *later)
{
    if (later->queued)
        return;
    later->queued = true;
    list_append(&loop.later, &later->node);
}

void later_cancel(struct later *later)
{
    if (later->queued)
        list_remove(&later->node);
    later->queued = false;
}

/* One round: what is asked for meanwhile waits for the next one, so that descriptors have their turn. */
static void call_later(void)
{
    struct list last;

    list_append(&loop.later, &last);
    while (loop.later.next != &last) {
        struct later *later = LIST_ENTRY(loop.later.next, struct later, node);

        later_cancel(later);
        later->call(later);
    }
    list_remove(&last);
}

/* -- sd-event -- */

static void event_turn(void)
{
    int r = 1;

    loop.event_touched = false;
    for (int i = 0; i < TURNS_MAX && r > 0 && !loop.finished; i++) {
        r = sd_event_run(loop.event, 0);
        loop.finished = sd_event_get_state(loop.event) == SD_EVENT_FINISHED;
    }
    if (r > 0)
        loop.event_touched = true; /* it has more to do */
}

static void event_ready(struct watch *watch, uint32_t events)
{
    loop.event_touched = true;
}

sd_event *loop_event(void)
{
    int r;

    loop.event_touched = true;
    if (loop.event)
        return loop.event;
    r = sd_event_default(&loop.event);
    if (r >= 0)
        r = watch_add(&loop.event_watch, sd_event_get_fd(loop.event), EPOLLIN, event_ready);
    if (r < 0)
        no_loop(-r);
    return loop.event;
}

/* -- the loop -- */

static int to_milliseconds(uint64_t usec)
{
    if (usec == UINT64_MAX)
        return -1;
    return usec / 1000 >= INT32_MAX ? INT32_MAX : (int)((usec + 999) / 1000);
}

bool loop_once(uint64_t usec)
{
    bool due = loop.event_touched || !list_empty(&loop.later);
    int count;

    if (!loop.fd)
        loop_event();
    count = epoll_wait(loop.fd, loop.batch, BATCH_MAX, due ? 0 : to_milliseconds(usec));
    loop.count = count;
    for (int i = 0; i < count; i++) {
        struct watch *watch = loop.batch[i].data.ptr;

        if (watch)
            watch->ready(watch, loop.batch[i].events);
    }
    loop.count = 0;
    if (loop.event_touched)
        event_turn();
    if (!list_empty(&loop.later))
        call_later();
    return due || count > 0;
}

int loop_run(void)
{
    sd_event *event = loop_event();
    int code;

    while (!loop.finished)
        loop_once(UINT64_MAX);
    return sd_event_get_exit_code(event, &code) < 0 ? 0 : code;
}

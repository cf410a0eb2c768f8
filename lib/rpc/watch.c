/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rpc/watch.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "loop/fiber.h"

enum { BATCH_MAX = 64, ROUNDS_MAX = 4 };

static struct {
    int fd; /* 0: not made yet */
    sd_event_source *source, *defer;
    struct epoll_event batch[BATCH_MAX]; /* what is being handled; data.ptr NULL: that one is gone */
    int count;
    struct list later;
} all = {.later = LIST_INIT(all.later)};

static int on_ready(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    int rounds = 0;

    do {
        all.count = epoll_wait(fd, all.batch, BATCH_MAX, 0);
        for (int i = 0; i < all.count; i++) {
            struct watch *watch = all.batch[i].data.ptr;

            if (watch)
                watch->ready(watch, all.batch[i].events);
        }
    } while (all.count > 1 && ++rounds < ROUNDS_MAX); /* where many talk, more has come meanwhile */
    all.count = 0;
    return 0;
}

static int on_defer(sd_event_source *source, void *arg)
{
    struct watch *watch;

    while ((watch = LIST_FIRST(&all.later, struct watch, later))) {
        list_remove(&watch->later);
        watch->called(watch);
    }
    return 0;
}

static int open_all(void)
{
    int fd, r;

    if (all.fd)
        return 0;
    fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0)
        return -errno;
    r = sd_event_add_io(loop_event(), &all.source, fd, EPOLLIN, on_ready, NULL);
    if (r >= 0)
        r = sd_event_add_defer(loop_event(), &all.defer, on_defer, NULL);
    if (r < 0) {
        all.source = sd_event_source_disable_unref(all.source);
        close(fd);
        return r;
    }
    sd_event_source_set_enabled(all.defer, SD_EVENT_OFF);
    all.fd = fd;
    return 0;
}

int watch_add(struct watch *watch, int fd, uint32_t interest)
{
    struct epoll_event event = {.events = interest, .data.ptr = watch};
    int r = open_all();

    list_init(&watch->later);
    watch->fd = -1;
    if (r < 0)
        return r;
    if (epoll_ctl(all.fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return -errno;
    watch->fd = fd;
    watch->interest = interest;
    return 0;
}

void watch_set(struct watch *watch, uint32_t interest)
{
    struct epoll_event event = {.events = interest, .data.ptr = watch};

    if (interest == watch->interest || watch->fd < 0)
        return;
    watch->interest = interest;
    epoll_ctl(all.fd, EPOLL_CTL_MOD, watch->fd, &event);
}

void watch_call(struct watch *watch)
{
    if (!list_empty(&watch->later))
        return;
    list_append(&all.later, &watch->later);
    sd_event_source_set_enabled(all.defer, SD_EVENT_ONESHOT);
}

void watch_remove(struct watch *watch)
{
    for (int i = 0; i < all.count; i++)
        if (all.batch[i].data.ptr == watch)
            all.batch[i].data.ptr = NULL;
    list_remove(&watch->later);
    if (watch->fd >=
        0) /* a child between fork and exec may have it, too, so that closing alone isn't enough */
        epoll_ctl(all.fd, EPOLL_CTL_DEL, watch->fd, NULL);
    watch->fd = -1;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program's event loop. It registers its own functions, or asks for the default ones here: watches and
 * timers on poll(), usable from all threads.
 */
#define ERR_FROM ERR_FROM_NONE
#include "libvirt/api.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "libvirt/events.h"

/* What the program registered. Set once, before connections are opened. */
static struct {
    virEventAddHandleFunc add_handle;
    virEventUpdateHandleFunc update_handle;
    virEventRemoveHandleFunc remove_handle;
    virEventAddTimeoutFunc add_timeout;
    virEventUpdateTimeoutFunc update_timeout;
    virEventRemoveTimeoutFunc remove_timeout;
} functions;

bool loop_registered(void)
{
    return functions.add_handle != NULL;
}

API void virEventRegisterImpl(virEventAddHandleFunc addHandle, virEventUpdateHandleFunc updateHandle,
                              virEventRemoveHandleFunc removeHandle, virEventAddTimeoutFunc addTimeout,
                              virEventUpdateTimeoutFunc updateTimeout,
                              virEventRemoveTimeoutFunc removeTimeout)
{
    functions.add_handle = addHandle;
    functions.update_handle = updateHandle;
    functions.remove_handle = removeHandle;
    functions.add_timeout = addTimeout;
    functions.update_timeout = updateTimeout;
    functions.remove_timeout = removeTimeout;
}

API int virEventAddHandle(int fd, int events, virEventHandleCallback cb, void *opaque, virFreeCallback ff)
{
    return functions.add_handle ? functions.add_handle(fd, events, cb, opaque, ff) : -1;
}

API void virEventUpdateHandle(int watch, int events)
{
    if (functions.update_handle)
        functions.update_handle(watch, events);
}

API int virEventRemoveHandle(int watch)
{
    return functions.remove_handle ? functions.remove_handle(watch) : -1;
}

API int virEventAddTimeout(int timeout, virEventTimeoutCallback cb, void *opaque, virFreeCallback ff)
{
    return functions.add_timeout ? functions.add_timeout(timeout, cb, opaque, ff) : -1;
}

API void virEventUpdateTimeout(int timer, int timeout)
{
    if (functions.update_timeout)
        functions.update_timeout(timer, timeout);
}

API int virEventRemoveTimeout(int timer)
{
    return functions.remove_timeout ? functions.remove_timeout(timer) : -1;
}

/* The default loop. */

struct source {
    struct source *next;
    int id;                        /* watch or timer number */
    int fd, events;                /* of a watch */
    int timeout;                   /* of a timer, ms; -1: off */
    int64_t due;                   /* CLOCK_MONOTONIC, ms */
    virEventHandleCallback handle; /* one of the two is set */
    virEventTimeoutCallback timer;
    void *opaque;
    virFreeCallback release;
    bool removed; /* freed at the end of the round, never inside a callback */
};

static struct {
    pthread_mutex_t lock;
    struct source *sources;
    int last_id;
    int wake; /* eventfd: something changed */
    pthread_t runner;
    bool running;
} loop = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = -1};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* With the lock held: the thread that polls, when it is another one, has to look again. */
static void changed(void)
{
    uint64_t one = 1;

    if (loop.running && !pthread_equal(loop.runner, pthread_self()) &&
        write(loop.wake, &one, sizeof(one)) < 0)
        return; /* full: it will wake anyway */
}

static int add(struct source made)
{
    struct source *source = mem_dup(&made, sizeof(made));
    int id;

    pthread_mutex_lock(&loop.lock);
    id = source->id = ++loop.last_id;
    source->next = loop.sources;
    loop.sources = source;
    changed();
    pthread_mutex_unlock(&loop.lock);
    return id;
}

static struct source *find(int id)
{
    for (struct source *source = loop.sources; source; source = source->next)
        if (source->id == id && !source->removed)
            return source;
    return NULL;
}

static int default_add_handle(int fd, int events, virEventHandleCallback cb, void *opaque, virFreeCallback ff)
{
    return add((struct source){
        .fd = fd, .events = events, .timeout = -1, .handle = cb, .opaque = opaque, .release = ff});
}

static int default_add_timeout(int timeout, virEventTimeoutCallback cb, void *opaque, virFreeCallback ff)
{
    return add((struct source){.fd = -1,
                               .timeout = timeout,
                               .due = now_ms() + timeout,
                               .timer = cb,
                               .opaque = opaque,
                               .release = ff});
}

static void default_update_handle(int watch, int events)
{
    struct source *source;

    pthread_mutex_lock(&loop.lock);
    source = find(watch);
    if (source)
        source->events = events;
    changed();
    pthread_mutex_unlock(&loop.lock);
}

static void default_update_timeout(int timer, int timeout)
{
    struct source *source;

    pthread_mutex_lock(&loop.lock);
    source = find(timer);
    if (source) {
        source->timeout = timeout;
        source->due = now_ms() + timeout;
    }
    changed();
    pthread_mutex_unlock(&loop.lock);
}

static int default_remove(int id)
{
    struct source *source;

    pthread_mutex_lock(&loop.lock);
    source = find(id);
    if (source)
        source->removed = true;
    changed();
    pthread_mutex_unlock(&loop.lock);
    return source ? 0 : -1;
}

API int virEventRegisterDefaultImpl(void)
{
    auto_err struct err err = {0};

    error_reset();
    if (loop.wake < 0)
        loop.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop.wake < 0) {
        err_system(&err, errno, "Unable to set up the event loop");
        error_raise(NULL, &err);
        return -1;
    }
    virEventRegisterImpl(default_add_handle, default_update_handle, default_remove, default_add_timeout,
                         default_update_timeout, default_remove);
    return 0;
}

static short to_poll(int events)
{
    return (short)((events & VIR_EVENT_HANDLE_READABLE ? POLLIN : 0) |
                   (events & VIR_EVENT_HANDLE_WRITABLE ? POLLOUT : 0));
}

static int from_poll(short events)
{
    return (events & POLLIN ? VIR_EVENT_HANDLE_READABLE : 0) |
           (events & POLLOUT ? VIR_EVENT_HANDLE_WRITABLE : 0) |
           (events & POLLERR ? VIR_EVENT_HANDLE_ERROR : 0) | (events & POLLHUP ? VIR_EVENT_HANDLE_HANGUP : 0);
}

/* Everything that is due, called without the lock; sources may come and go meanwhile. */
static void run_timers(void)
{
    int64_t now = now_ms();
    int last = loop.last_id;

    for (int id = 1; id <= last; id++) {
        struct source *source = find(id);

        if (!source || !source->timer || source->timeout < 0 || source->due > now)
            continue;
        source->due = now + source->timeout;
        pthread_mutex_unlock(&loop.lock);
        source->timer(source->id, source->opaque);
        pthread_mutex_lock(&loop.lock);
    }
}

static void run_handles(const struct pollfd *polled, const int *ids, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct source *source = polled[i].revents ? find(ids[i]) : NULL;

        if (!source)
            continue;
        pthread_mutex_unlock(&loop.lock);
        source->handle(source->id, polled[i].fd, from_poll(polled[i].revents), source->opaque);
        pthread_mutex_lock(&loop.lock);
    }
}

static void release_removed(void)
{
    struct source **at = &loop.sources;

    while (*at) {
        struct source *source = *at;

        if (!source->removed) {
            at = &source->next;
            continue;
        }
        *at = source->next;
        pthread_mutex_unlock(&loop.lock);
        if (source->release)
            source->release(source->opaque);
        free(source);
        pthread_mutex_lock(&loop.lock);
        at = &loop.sources;
    }
}

API int virEventRunDefaultImpl(void)
{
    auto_free struct pollfd *polled = NULL;
    auto_free int *ids = NULL;
    int64_t wait = -1;
    size_t count = 1, room = 1;
    uint64_t drain;

    error_reset();
    if (loop.wake < 0)
        return -1;
    pthread_mutex_lock(&loop.lock);
    for (struct source *source = loop.sources; source; source = source->next)
        room++;
    polled = NEW_ARRAY(struct pollfd, room);
    ids = NEW_ARRAY(int, room);
    polled[0] = (struct pollfd){.fd = loop.wake, .events = POLLIN};
    for (struct source *source = loop.sources; source; source = source->next) {
        if (source->removed) {
            wait = 0;
        } else if (source->handle && source->events) {
            ids[count] = source->id;
            polled[count++] = (struct pollfd){.fd = source->fd, .events = to_poll(source->events)};
        } else if (source->timer && source->timeout >= 0) {
            int64_t left = source->due - now_ms();

            if (left < 0)
                left = 0;
            if (wait < 0 || left < wait)
                wait = left;
        }
    }
    loop.runner = pthread_self();
    loop.running = true;
    pthread_mutex_unlock(&loop.lock);
    if (poll(polled, count, wait > INT32_MAX ? INT32_MAX : (int)wait) < 0)
        count = 0;
    pthread_mutex_lock(&loop.lock);
    if (polled[0].revents && read(loop.wake, &drain, sizeof(drain)) < 0)
        drain = 0;
    run_timers();
    run_handles(polled, ids, count);
    release_removed();
    loop.running = false;
    pthread_mutex_unlock(&loop.lock);
    return 0;
}

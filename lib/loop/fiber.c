/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A fiber's stack and its bookkeeping are one mapping: guard page, stack, struct fiber. A finished fiber is
 * parked inside its own main loop, so that using it again is one switch. A wake only queues the fiber, which
 * runs from the loop, so a wake never runs anybody else's code.
 */
#include "loop/fiber.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/time.h"
#include "loop/context.h"
#include "loop/loop.h"
#include "loop/timer.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#else
#define __sanitizer_start_switch_fiber(save, bottom, size) ((void)(save), (void)(bottom), (void)(size))
#define __sanitizer_finish_switch_fiber(fake, bottom, size) ((void)(fake))
#define __lsan_register_root_region(memory, size) ((void)0)
#define __lsan_unregister_root_region(memory, size) ((void)0)
#endif
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(start, end) 0
#define VALGRIND_STACK_DEREGISTER(id) ((void)0)
#endif

/* Address space, not memory: a page counts when it was touched. */
#ifdef WITH_ASAN
enum { MAPPING_SIZE = 1024 * 1024 };
#else
enum { MAPPING_SIZE = 256 * 1024 };
#endif
enum { GUARD_SIZE = 16 * 1024, PARKED_MAX = 32 };

struct fiber {
    struct context context, back; /* where it stands; where whoever resumed it stands */
    struct req *rq;
    void (*main)(struct req *rq, void *arg);
    void (*done)(struct req *rq, void *arg);
    void *arg;
    struct wait *wait; /* NULL: running, ready, or parked */
    const char *what;
    uint64_t since;
    struct timer deadline; /* of the wait */
    struct later go_on;    /* the wait is over */
    unsigned shields;
    bool cancelled, finished;
    struct list live; /* in `live`, or in `parked` */
    struct fiber *resumer;
    char *stack;
    size_t stack_size;
    void *fake_stack; /* ASan's, of this fiber while it is switched away */
    const void *back_stack;
    size_t back_size;
    unsigned valgrind_id;
};

static struct {
    struct list live, parked;
    unsigned parked_count;
    struct fiber *current;
    uint64_t serial;
} fibers = {.live = LIST_INIT(fibers.live), .parked = LIST_INIT(fibers.parked)};

static void fiber_go_on(struct later *later);

/* -- switching -- */

static void resume(struct fiber *fiber)
{
    void *fake = NULL;

    fiber->resumer = fibers.current;
    fibers.current = fiber;
    __sanitizer_start_switch_fiber(&fake, fiber->stack, fiber->stack_size);
    context_switch(&fiber->back, &fiber->context);
    __sanitizer_finish_switch_fiber(fake, NULL, NULL);
    fibers.current = fiber->resumer;
}

/* Back to whoever resumed this fiber; returns when it is resumed again. */
static void leave(struct fiber *fiber)
{
    __sanitizer_start_switch_fiber(&fiber->fake_stack, fiber->back_stack, fiber->back_size);
    context_switch(&fiber->context, &fiber->back);
    __sanitizer_finish_switch_fiber(fiber->fake_stack, &fiber->back_stack, &fiber->back_size);
}

static void fiber_entry(void)
{
    struct fiber *fiber = fibers.current;

    __sanitizer_finish_switch_fiber(NULL, &fiber->back_stack, &fiber->back_size);
    for (;;) {
        fiber->main(fiber->rq, fiber->arg);
        fiber->finished = true;
        leave(fiber);
    }
}

static struct fiber *fiber_new(void)
{
    char *mapping = mmap(NULL, MAPPING_SIZE, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    size_t top = (MAPPING_SIZE - sizeof(struct fiber)) & ~(size_t)63;
    struct fiber *fiber;

    /* no address space is as no memory */
    if (mapping == MAP_FAILED || mprotect(mapping, GUARD_SIZE, PROT_NONE) < 0) {
        perror("no memory for the stack of a fiber");
        abort();
    }
    fiber = (struct fiber *)(void *)(mapping + top);
    fiber->stack = mapping + GUARD_SIZE;
    fiber->stack_size = top - GUARD_SIZE;
    __lsan_register_root_region(fiber->stack, MAPPING_SIZE - GUARD_SIZE);
    fiber->valgrind_id = VALGRIND_STACK_REGISTER(fiber->stack, mapping + top);
    context_make(&fiber->context, fiber->stack, fiber->stack_size, fiber_entry);
    list_init(&fiber->live);
    fiber->go_on.call = fiber_go_on;
    return fiber;
}

static void fiber_free(struct fiber *fiber)
{
    list_remove(&fiber->live);
    VALGRIND_STACK_DEREGISTER(fiber->valgrind_id);
    __lsan_unregister_root_region(fiber->stack, MAPPING_SIZE - GUARD_SIZE);
    munmap(fiber->stack - GUARD_SIZE, MAPPING_SIZE);
}

static void fiber_park(struct fiber *fiber)
{
    list_remove(&fiber->live);
    if (fibers.parked_count >= PARKED_MAX) {
        fiber_free(fiber);
        return;
    }
    fibers.parked_count++;
    /* the one used last is the warmest */
    list_prepend(&fibers.parked, &fiber->live);
}

void fiber_trim(void)
{
    struct fiber *fiber;

    while ((fiber = LIST_FIRST(&fibers.parked, struct fiber, live)))
        fiber_free(fiber);
    fibers.parked_count = 0;
}

static void fiber_run(struct fiber *fiber)
{
    struct req *rq = fiber->rq;

    resume(fiber);
    if (fiber->finished) {
        void (*done)(struct req * rq, void *arg) = fiber->done;
        void *arg = fiber->arg;

        rq->fiber = NULL;
        fiber_park(fiber);
        if (done)
            done(rq, arg);
    }
}

void fiber_start(struct req *rq, void (*main)(struct req *rq, void *arg),
                 void (*done)(struct req *rq, void *arg), void *arg)
{
    struct fiber *fiber = LIST_FIRST(&fibers.parked, struct fiber, live);

    if (fiber) {
        list_remove(&fiber->live);
        fibers.parked_count--;
    } else {
        fiber = fiber_new();
    }
    fiber->rq = rq;
    fiber->main = main;
    fiber->done = done;
    fiber->arg = arg;
    fiber->wait = NULL;
    fiber->shields = 0;
    fiber->cancelled = fiber->finished = false;
    list_append(&fibers.live, &fiber->live);
    rq->fiber = fiber;
    if (!rq->serial)
        rq->serial = ++fibers.serial;
    fiber_run(fiber);
}

struct req *fiber_current(void)
{
    return fibers.current ? fibers.current->rq : NULL;
}

/* -- waiting -- */

static void fiber_go_on(struct later *later)
{
    fiber_run(CONTAINER_OF(later, struct fiber, go_on));
}

static void fiber_late(void *arg)
{
    struct fiber *fiber = arg;

    wait_wake(fiber->wait, -ETIMEDOUT);
}

int fiber_await(struct req *rq, struct wait *wait, uint64_t usec, const char *what)
{
    struct fiber *fiber = rq->fiber;
    uint64_t deadline;

    /* a wait outside of its own fiber would suspend somebody else */
    if (!fiber || fiber != fibers.current)
        abort();
    if (fiber_cancelled(rq) && !fiber->shields)
        return -ECANCELED;
    if (wait->done)
        return wait->result;
    wait->rq = rq;
    fiber->wait = wait;
    fiber->what = what;
    fiber->since = time_monotonic();
    if (__builtin_add_overflow(fiber->since, usec, &deadline))
        deadline = UINT64_MAX;
    timer_at(&fiber->deadline, deadline, fiber_late, fiber);
    leave(fiber);
    return wait->result;
}

void wait_wake(struct wait *wait, int result)
{
    struct fiber *fiber;

    if (wait->done)
        return;
    wait->done = true;
    wait->result = result;
    if (!wait->rq)
        return;
    fiber = wait->rq->fiber;
    fiber->wait = NULL;
    timer_stop(&fiber->deadline);
    later_call(&fiber->go_on);
}

void fiber_cancel(struct req *rq)
{
    struct fiber *fiber = rq->fiber;

    if (!fiber)
        return;
    fiber->cancelled = true;
    if (fiber->wait && !fiber->shields)
        wait_wake(fiber->wait, -ECANCELED);
}

bool fiber_cancelled(const struct req *rq)
{
    return rq->fiber && rq->fiber->cancelled;
}

void fiber_shield(struct req *rq, bool on)
{
    if (!rq->fiber || (!on && !rq->fiber->shields))
        abort();
    rq->fiber->shields += on ? 1 : -1u;
}

/* On the stack of fiber_poll. */
struct poll {
    struct watch watch;
    struct wait wait;
};

static void poll_seen(struct watch *watch, uint32_t events)
{
    wait_wake(&CONTAINER_OF(watch, struct poll, watch)->wait, (int)events);
}

int fiber_poll(struct req *rq, int fd, uint32_t events, uint64_t usec, const char *what)
{
    struct poll poll = {0};
    int r = watch_add(&poll.watch, fd, events, poll_seen);

    if (r == -EPERM)
        return (int)events & (EPOLLIN | EPOLLOUT);
    if (r < 0)
        return r;
    r = fiber_await(rq, &poll.wait, usec, what);
    watch_remove(&poll.watch);
    return r;
}

int fiber_sleep(struct req *rq, uint64_t usec, const char *what)
{
    struct wait wait = {0};
    int r = fiber_await(rq, &wait, usec, what);

    return r == -ETIMEDOUT ? 0 : r;
}

void fiber_list(struct buf *text)
{
    uint64_t now = time_monotonic();
    struct fiber *fiber;

    LIST_FOREACH(&fibers.live, fiber, live) {
        buf_printf(text, "%" PRIu64 " %s: ", fiber->rq->serial, fiber->rq->name ? fiber->rq->name : "?");
        if (fiber->wait)
            buf_printf(text, "waits for %s since %.3f s, at most %.3f s more", fiber->what,
                       (double)(now - fiber->since) / 1e6,
                       fiber->deadline.at > now ? (double)(fiber->deadline.at - now) / 1e6 : 0.0);
        else
            buf_add_string(text, fiber == fibers.current ? "runs" : "is about to run");
        if (fiber->cancelled)
            buf_add_string(text, fiber->shields ? ", cancelled but shielded" : ", cancelled");
        buf_add_char(text, '\n');
    }
}

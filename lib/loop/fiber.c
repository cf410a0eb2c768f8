/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A fiber's stack and its bookkeeping are one mapping: guard page, stack, struct fiber. A finished fiber is
 * parked inside its own main loop, so that using it again is one switch. A wake only queues the fiber; it
 * runs when the loop is back in loop_run() (or, for those who drive the sd-event loop themselves, from a
 * defer source), so a wake never runs anybody else's code. All deadlines share one time source that is only
 * ever moved to an earlier time: the usual wait, which ends long before its deadline, makes no system call
 * for it.
 */
#include "loop/fiber.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/time.h"
#include "loop/context.h"

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
/* How late a deadline may be noticed. */
#define ACCURACY MILLISECONDS(1)

struct fiber {
    struct context context, back; /* where it stands; where whoever resumed it stands */
    struct req *rq;
    void (*main)(struct req *rq, void *arg);
    void (*done)(struct req *rq, void *arg);
    void *arg;
    struct wait *wait; /* NULL: running, ready, or parked */
    const char *what;
    uint64_t since, deadline;
    size_t at; /* place in `deadlines`, 0 when not in it */
    unsigned shields;
    bool cancelled, finished;
    struct list live;   /* in `live`, or in `parked` */
    struct list queued; /* in `ready` */
    struct fiber *resumer;
    char *stack;
    size_t stack_size;
    void *fake_stack; /* ASan's, of this fiber while it is switched away */
    const void *back_stack;
    size_t back_size;
    unsigned valgrind_id;
};

/* One loop a process, and one thread that runs it: this is the only state here. */
static struct {
    sd_event *event;
    sd_event_source *defer, *timer;
    bool running; /* inside loop_run */
    uint64_t timer_at;
    struct list live, parked, ready;
    unsigned parked_count;
    struct fiber *current;
    struct fiber **deadlines; /* binary heap by deadline, first at [1] */
    size_t deadline_count, deadline_room;
    uint64_t serial;
} loop = {.live = LIST_INIT(loop.live), .parked = LIST_INIT(loop.parked), .ready = LIST_INIT(loop.ready)};

/* -- deadlines -- */

static void heap_set(size_t at, struct fiber *fiber)
{
    loop.deadlines[at] = fiber;
    fiber->at = at;
}

static void heap_up(size_t at, struct fiber *fiber)
{
    for (; at > 1 && fiber->deadline < loop.deadlines[at / 2]->deadline; at /= 2)
        heap_set(at, loop.deadlines[at / 2]);
    heap_set(at, fiber);
}

static void heap_down(size_t at, struct fiber *fiber)
{
    for (size_t child; (child = at * 2) <= loop.deadline_count; at = child) {
        if (child < loop.deadline_count &&
            loop.deadlines[child + 1]->deadline < loop.deadlines[child]->deadline)
            child++;
        if (loop.deadlines[child]->deadline >= fiber->deadline)
            break;
        heap_set(at, loop.deadlines[child]);
    }
    heap_set(at, fiber);
}

static void deadline_remove(struct fiber *fiber)
{
    size_t at = fiber->at;
    struct fiber *last;

    if (!at)
        return;
    fiber->at = 0;
    last = loop.deadlines[loop.deadline_count--];
    if (last == fiber)
        return;
    if (at > 1 && last->deadline < loop.deadlines[at / 2]->deadline)
        heap_up(at, last);
    else
        heap_down(at, last);
}

static void timer_arm(void)
{
    uint64_t first = loop.deadline_count ? loop.deadlines[1]->deadline : UINT64_MAX;

    if (first >= loop.timer_at)
        return;
    loop.timer_at = first;
    if (sd_event_source_set_time(loop.timer, first) < 0 ||
        sd_event_source_set_enabled(loop.timer, SD_EVENT_ONESHOT) < 0)
        abort(); /* without deadlines nothing here holds any more; can only fail without memory */
}

static void deadline_add(struct fiber *fiber)
{
    /* [0] stays empty */
    if (loop.deadline_count + 1 >= loop.deadline_room) {
        loop.deadline_room = loop.deadline_room ? loop.deadline_room * 2 : 16;
        loop.deadlines = mem_resize_array(loop.deadlines, loop.deadline_room, sizeof(struct fiber *));
    }
    heap_up(++loop.deadline_count, fiber);
    timer_arm();
}

static int timer_due(sd_event_source *source, uint64_t usec, void *arg)
{
    uint64_t now = time_monotonic();

    loop.timer_at = UINT64_MAX;
    while (loop.deadline_count && loop.deadlines[1]->deadline <= now) {
        struct fiber *fiber = loop.deadlines[1];

        deadline_remove(fiber);
        wait_wake(fiber->wait, -ETIMEDOUT);
    }
    timer_arm();
    return 0;
}

/* -- switching -- */

static void resume(struct fiber *fiber)
{
    void *fake = NULL;

    fiber->resumer = loop.current;
    loop.current = fiber;
    __sanitizer_start_switch_fiber(&fake, fiber->stack, fiber->stack_size);
    context_switch(&fiber->back, &fiber->context);
    __sanitizer_finish_switch_fiber(fake, NULL, NULL);
    loop.current = fiber->resumer;
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
    struct fiber *fiber = loop.current;

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
    list_init(&fiber->queued);
    list_init(&fiber->live);
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
    if (loop.parked_count >= PARKED_MAX) {
        fiber_free(fiber);
        return;
    }
    loop.parked_count++;
    /* the one used last is the warmest */
    list_prepend(&loop.parked, &fiber->live);
}

void fiber_trim(void)
{
    struct fiber *fiber;

    while ((fiber = LIST_FIRST(&loop.parked, struct fiber, live)))
        fiber_free(fiber);
    loop.parked_count = 0;
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
    struct fiber *fiber = LIST_FIRST(&loop.parked, struct fiber, live);

    if (fiber) {
        list_remove(&fiber->live);
        loop.parked_count--;
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
    list_append(&loop.live, &fiber->live);
    rq->fiber = fiber;
    if (!rq->serial)
        rq->serial = ++loop.serial;
    fiber_run(fiber);
}

struct req *fiber_current(void)
{
    return loop.current ? loop.current->rq : NULL;
}

/* -- waiting -- */

/* One round: fibers that get ready meanwhile wait for the next one, so that descriptors have their turn. */
static void run_ready(void)
{
    struct list *last = loop.ready.prev;

    while (!list_empty(&loop.ready)) {
        struct list *first = loop.ready.next;
        struct fiber *fiber = LIST_ENTRY(first, struct fiber, queued);

        list_remove(first);
        fiber_run(fiber);
        if (first == last)
            break;
    }
    if (!list_empty(&loop.ready))
        sd_event_source_set_enabled(loop.defer, SD_EVENT_ONESHOT);
}

static int defer_due(sd_event_source *source, void *arg)
{
    run_ready();
    return 0;
}

static void fiber_ready(struct fiber *fiber)
{
    bool first = list_empty(&loop.ready);

    list_append(&loop.ready, &fiber->queued);
    /* loop_run looks at the queue itself */
    if (first && !loop.running)
        sd_event_source_set_enabled(loop.defer, SD_EVENT_ONESHOT);
}

int fiber_await(struct req *rq, struct wait *wait, uint64_t usec, const char *what)
{
    struct fiber *fiber = rq->fiber;

    /* a wait outside of its own fiber would suspend somebody else */
    if (!fiber || fiber != loop.current)
        abort();
    if (fiber_cancelled(rq) && !fiber->shields)
        return -ECANCELED;
    if (wait->done)
        return wait->result;
    loop_event();
    wait->rq = rq;
    fiber->wait = wait;
    fiber->what = what;
    fiber->since = time_monotonic();
    if (__builtin_add_overflow(fiber->since, usec, &fiber->deadline))
        fiber->deadline = UINT64_MAX;
    deadline_add(fiber);
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
    deadline_remove(fiber);
    fiber_ready(fiber);
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

static int poll_seen(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    wait_wake(arg, (int)events);
    return 0;
}

int fiber_poll(struct req *rq, int fd, uint32_t events, uint64_t usec, const char *what)
{
    struct wait wait = {0};
    sd_event_source *source = NULL;
    int r = sd_event_add_io(loop_event(), &source, fd, events, poll_seen, &wait);

    /* epoll doesn't take regular files, which are always ready */
    if (r == -EPERM)
        return (int)events & (EPOLLIN | EPOLLOUT);
    if (r < 0)
        return r;
    sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    r = fiber_await(rq, &wait, usec, what);
    sd_event_source_disable_unref(source);
    return r;
}

int fiber_sleep(struct req *rq, uint64_t usec, const char *what)
{
    struct wait wait = {0};
    int r = fiber_await(rq, &wait, usec, what);

    return r == -ETIMEDOUT ? 0 : r;
}

/* -- the loop -- */

sd_event *loop_event(void)
{
    int r;

    if (loop.event)
        return loop.event;
    r = sd_event_default(&loop.event);
    if (r >= 0)
        r = sd_event_add_defer(loop.event, &loop.defer, defer_due, /* userdata= */ NULL);
    if (r >= 0)
        r = sd_event_source_set_enabled(loop.defer, SD_EVENT_OFF);
    if (r >= 0)
        r = sd_event_add_time(loop.event, &loop.timer, CLOCK_MONOTONIC, UINT64_MAX, ACCURACY, timer_due,
                              /* userdata= */ NULL);
    if (r < 0) {
        fprintf(stderr, "cannot make the event loop: %s\n", strerror(-r));
        abort();
    }
    loop.timer_at = UINT64_MAX;
    return loop.event;
}

int loop_run(void)
{
    sd_event *event = loop_event();
    int r = 0;

    loop.running = true;
    for (;;) {
        if (!list_empty(&loop.ready))
            run_ready();
        if (sd_event_get_state(event) == SD_EVENT_FINISHED)
            break;
        r = sd_event_run(event, UINT64_MAX);
        if (r < 0)
            break;
    }
    loop.running = false;
    if (r >= 0 && sd_event_get_exit_code(event, &r) < 0)
        r = 0;
    return r;
}

void fiber_list(struct buf *text)
{
    uint64_t now = time_monotonic();
    struct fiber *fiber;

    LIST_FOREACH(&loop.live, fiber, live) {
        buf_printf(text, "%" PRIu64 " %s: ", fiber->rq->serial, fiber->rq->name ? fiber->rq->name : "?");
        if (fiber->wait)
            buf_printf(text, "waits for %s since %.3f s, at most %.3f s more", fiber->what,
                       (double)(now - fiber->since) / 1e6,
                       fiber->deadline > now ? (double)(fiber->deadline - now) / 1e6 : 0.0);
        else
            buf_add_string(text, fiber == loop.current ? "runs" : "is about to run");
        if (fiber->cancelled)
            buf_add_string(text, fiber->shields ? ", cancelled but shielded" : ", cancelled");
        buf_add_char(text, '\n');
    }
}

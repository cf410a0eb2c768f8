/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fibers: requests as straight-line code on one loop, one thread, no locks. A fiber runs until it
 * waits; what it saw before a wait may have changed after it (hold the object's job across the wait, or look
 * again). Stacks are recycled: a request that never waits costs no allocation and no system call.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "loop/req.h"

/* Deadlines are durations in microseconds. There is no "forever": pick one and say why. */
#define SECONDS(n) ((uint64_t)(n)*1000000u)
#define MILLISECONDS(n) ((uint64_t)(n)*1000u)

/* One thing to wait for; lives on the stack of the waiting function. The zero value is ready for use. */
struct wait {
    struct req *rq; /* who waits, NULL until then */
    int result;
    bool done;
};

/*
 * Run main(rq, arg) in a fiber of its own. It starts at once and runs until its first wait; then fiber_start
 * returns. When main returns, done(rq, arg) is called outside of the fiber (it may free rq); done may be
 * NULL.
 */
void fiber_start(struct req *rq, void (*main)(struct req *rq, void *arg),
                 void (*done)(struct req *rq, void *arg), void *arg);

/*
 * Wait until wait_wake(wait) was called, at most usec. `what` says for people what is waited for ("the
 * monitor of domain 'a'"); it lives as long as the wait. Returns the waker's result (0 or more; or a negative
 * errno that the waker chose), -ETIMEDOUT, or -ECANCELED when the request's client left or the daemon stops.
 */
int fiber_await(struct req *rq, struct wait *wait, uint64_t usec, const char *what);
/* Let the waiter go on (from anywhere on the loop's thread); later wakes of the same wait are ignored. */
void wait_wake(struct wait *wait, int result);

/*
 * Wait for events (EPOLLIN, EPOLLOUT) on a descriptor: returns the events seen or a negative errno as
 * above. /
 */
int fiber_poll(struct req *rq, int fd, uint32_t events, uint64_t usec, const char *what);
int fiber_sleep(struct req *rq, uint64_t usec, const char *what);

/* End the request's current and all later waits with -ECANCELED; cleanup then runs on the normal path. */
void fiber_cancel(struct req *rq);
bool fiber_cancelled(const struct req *rq);

/*
 * While on, waits of this request are not cut short by fiber_cancel (rollback of something half done).
 * Nests. /
 */
void fiber_shield(struct req *rq, bool on);

/* The request whose fiber is running now; NULL on the loop itself. */
struct req *fiber_current(void);

/* Give stacks that nobody uses back to the system: for a daemon that has nothing to do. */
void fiber_trim(void);

/* A line for every live fiber: request, where it waits, since when. */
struct buf;
void fiber_list(struct buf *text);

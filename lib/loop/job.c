/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "loop/job.h"

#include <errno.h>
#include <inttypes.h>

#include "base/time.h"

/* Lives on the stack of job_take. */
struct job_waiter {
    struct wait wait;
    const char *operation;
    struct job_waiter *next;
};

static void job_hold(struct job *job, struct req *rq, const char *operation)
{
    job->holder = rq;
    job->operation = operation;
    job->since = time_monotonic();
}

static void unlink_waiter(struct job *job, struct job_waiter *waiter)
{
    struct job_waiter *before = NULL;

    for (struct job_waiter *at = job->first; at; before = at, at = at->next) {
        if (at != waiter)
            continue;
        if (before)
            before->next = at->next;
        else
            job->first = at->next;
        if (job->last == at)
            job->last = before;
        return;
    }
}

/* The words in front of "by" are what scripts of libvirt's users look for. */
static int set_busy(struct req *rq, const struct job *job, const char *whose, const char *operation,
                    uint64_t usec)
{
    if (!job->holder)
        return err_set(&rq->err, ERR_OPERATION_TIMEOUT, "cannot acquire state change lock of %s for '%s'",
                       whose, operation);
    return err_set(&rq->err, ERR_OPERATION_TIMEOUT,
                   "cannot acquire state change lock (held by monitor=%s): %s is busy with '%s' since %.1f s "
                   "(request %" PRIu64 "), '%s' waited %.1f s",
                   job->holder->name ? job->holder->name : job->operation, whose, job->operation,
                   (double)(time_monotonic() - job->since) / 1e6, job->holder->serial, operation,
                   (double)usec / 1e6);
}

static int set_broken(struct req *rq, const char *whose, const char *operation)
{
    return err_set(&rq->err, ERR_OPERATION_INVALID, "%s ended before '%s' could begin", whose, operation);
}

int job_take(struct req *rq, struct job *job, const char *whose, const char *operation, uint64_t usec)
{
    struct job_waiter waiter = {.operation = operation};
    int r;

    if (job->broken)
        return set_broken(rq, whose, operation);
    if (!job->holder) {
        job_hold(job, rq, operation);
        return 0;
    }
    if (job->last)
        job->last->next = &waiter;
    else
        job->first = &waiter;
    job->last = &waiter;

    r = fiber_await(rq, &waiter.wait, usec, whose);
    /* job_give and job_break took the waiter out of the queue */
    if (r == 0)
        return 0;
    unlink_waiter(job, &waiter);
    if (r == -ETIMEDOUT)
        return set_busy(rq, job, whose, operation, usec);
    if (r == -ECANCELED)
        return err_set(&rq->err, ERR_OPERATION_ABORTED,
                       "'%s' on %s was cancelled while it waited for its turn", operation, whose);
    return set_broken(rq, whose, operation);
}

static struct job_waiter *pop_waiter(struct job *job)
{
    struct job_waiter *waiter = job->first;

    if (!waiter)
        return NULL;
    job->first = waiter->next;
    if (!job->first)
        job->last = NULL;
    return waiter;
}

void job_give(struct req *rq, struct job *job)
{
    struct job_waiter *waiter;

    if (job->holder != rq)
        abort();
    job->holder = NULL;
    job->operation = NULL;
    while ((waiter = pop_waiter(job))) {
        /* its deadline may have come in this very round of the loop */
        if (waiter->wait.done)
            continue;
        /* handed on at once, so that nobody overtakes the queue */
        job_hold(job, waiter->wait.rq, waiter->operation);
        wait_wake(&waiter->wait, 0);
        return;
    }
}

void job_break(struct job *job, int reason)
{
    struct job_waiter *waiter;

    job->broken = reason < 0 ? reason : -ESHUTDOWN;
    while ((waiter = pop_waiter(job)))
        wait_wake(&waiter->wait, job->broken);
}

void job_reset(struct job *job)
{
    job->broken = 0;
}

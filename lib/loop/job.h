/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Job: the right to change an object, first come first served. Its holder, operation and age can be seen, so
 * that whoever has to wait (or gives up waiting) can say for whom.
 */
#pragma once

#include "loop/fiber.h"

struct job_waiter;

struct job {
    struct req *holder;    /* NULL: free */
    const char *operation; /* what the holder does, e.g. "start"; for messages */
    uint64_t since;        /* CLOCK_MONOTONIC, us */
    struct job_waiter *first, *last;
    int broken; /* negative errno once the job died with its object */
};

/*
 * Take the job, waiting at most usec. On failure rq->err says who holds it, since when and for what
 * (ERR_OPERATION_TIMEOUT), or that the request was cancelled; returns a negative number then. `whose` names
 * the object for people, e.g. "domain 'a'". Not recursive.
 */
int job_take(struct req *rq, struct job *job, const char *whose, const char *operation, uint64_t usec);
void job_give(struct req *rq, struct job *job);
/* The object ended: every waiter is woken with an error; later job_take calls fail until job_reset. */
void job_break(struct job *job, int reason);
void job_reset(struct job *job);

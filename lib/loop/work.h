/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Work that would block the loop. Either a child process, awaited by pidfd, or a pure function on a small
 * pool of worker threads (file systems, name lookup, PAM).
 */
#pragma once

#include <sys/types.h>

#include "base/buf.h"
#include "loop/fiber.h"

struct child_spec {
    const char *const *argv; /* argv[0] is the path; found in PATH when it has no slash */
    const char *const *env;  /* NULL: a small clean environment */
    const char *input;       /* given on stdin; NULL: /dev/null */
    size_t output_max;       /* more than this on stdout or stderr is an error; 0: 1 MiB */
};
struct child_result {
    int status;          /* as waitpid gives it */
    struct buf out, err; /* stdout, stderr; released by the caller (buf_done) */
};
/*
 * Run a program to its end, at most usec (then it is killed). Negative with rq->err set when it couldn't
 * run. /
 */
int child_run(struct req *rq, const struct child_spec *spec, uint64_t usec, struct child_result *ret);
/* As child_run, and an exit status other than 0 is an error that carries what the program said on stderr. */
int child_check(struct req *rq, const struct child_spec *spec, uint64_t usec, struct buf *ret_out);
/* Wait for the end of any process by its pidfd; 0 when it ended, or as fiber_await. */
int child_await(struct req *rq, int pidfd, uint64_t usec, const char *what);

/*
 * Run work(arg) on a worker thread and wait for it, at most usec. When the wait ends early the worker still
 * finishes: arg must then outlive it, so `release(arg)` is called (on the loop's thread) when work is over,
 * in every case; arg is never touched by the caller after a failed work_run. Returns what work returned, or
 * as fiber_await.
 */
int work_run(struct req *rq, int (*work)(void *arg), void (*release)(void *arg), void *arg, uint64_t usec,
             const char *what);

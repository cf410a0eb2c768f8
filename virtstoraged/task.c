/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_STORAGE
#include "virtstoraged/task.h"

#include <errno.h>
#include <inttypes.h>

void task_init(struct task *task, int (*run)(struct task *task), void (*free)(struct task *task))
{
    task->run = run;
    task->free = free;
    task->references = 1;
}

void task_unref(struct task *task)
{
    if (--task->references)
        return;
    err_clear(&task->err);
    task->free(task);
}

static int work(void *arg)
{
    struct task *task = arg;

    return task->run(task);
}

static void release(void *arg)
{
    task_unref(arg);
}

int task_run(struct req *rq, struct task *task, uint64_t usec, const char *what)
{
    int r;

    task->references++;
    r = work_run(rq, work, release, task, usec, what);
    if (r == -ETIMEDOUT)
        return err_set(&rq->err, ERR_OPERATION_TIMEOUT, "%s did not answer within %" PRIu64 " s", what,
                       usec / SECONDS(1));
    if (r == -ECANCELED)
        return err_set(&rq->err, ERR_OPERATION_ABORTED, "waiting for %s was cancelled", what);
    if (r < 0 && err_is_set(&task->err))
        err_move(&rq->err, &task->err);
    else if (r < 0)
        err_system(&rq->err, r, "cannot work on %s", what);
    return r;
}

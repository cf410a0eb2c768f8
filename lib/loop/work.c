/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Worker threads: none while there is nothing to do, few when there is. A worker whose caller gave up counts
 * as lost until it comes back, and another one may take its place, so that a hung file system doesn't hold up
 * the work on others.
 */
#include "loop/work.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/list.h"
#include "loop/loop.h"

enum { WORKERS = 4, LOST_MAX = 60, IDLE_SECONDS = 10, STACK_SIZE = 256 * 1024 };

/* On the stack of work_run. */
struct call {
    struct wait wait;
    int result;
    bool over; /* the work ended and is freed; may be true although the wait ended for another reason */
};

struct work {
    struct list node; /* in waiting or finished */
    int (*work)(void *arg);
    void (*release)(void *arg);
    void *arg;
    int result;
    struct call *call; /* loop's thread only; NULL: the caller gave up */
    bool started;
};

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t more;
    struct list waiting, finished;
    unsigned workers, idle, lost;
    int done_fd;
    struct watch done;
} pool = {.mutex = PTHREAD_MUTEX_INITIALIZER,
          .waiting = LIST_INIT(pool.waiting),
          .finished = LIST_INIT(pool.finished),
          .done_fd = -1};

/* The next work; NULL after a while without any. */
static struct work *next_work(void)
{
    struct timespec until;
    struct work *work;
    int r = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_SECONDS;
    pool.idle++;
    while (!(work = LIST_FIRST(&pool.waiting, struct work, node)) && r != ETIMEDOUT)
        r = pthread_cond_clockwait(&pool.more, &pool.mutex, CLOCK_MONOTONIC, &until);
    pool.idle--;
    if (work) {
        list_remove(&work->node);
        work->started = true;
    }
    return work;
}

static void *worker_main(void *arg)
{
    static const uint64_t one = 1;
    struct work *work;

    pthread_mutex_lock(&pool.mutex);
    while ((work = next_work())) {
        pthread_mutex_unlock(&pool.mutex);
        work->result = work->work(work->arg);
        pthread_mutex_lock(&pool.mutex);
        list_append(&pool.finished, &work->node);
        while (write(pool.done_fd, &one, sizeof(one)) < 0 && errno == EINTR)
            ;
    }
    pool.workers--;
    pthread_mutex_unlock(&pool.mutex);
    return NULL;
}

static void work_finished(struct watch *watch, uint32_t events)
{
    struct list finished;
    struct work *work;
    uint64_t count;

    (void)!read(watch->fd, &count, sizeof(count));
    list_init(&finished);
    pthread_mutex_lock(&pool.mutex);
    while ((work = LIST_FIRST(&pool.finished, struct work, node))) {
        list_remove(&work->node);
        list_append(&finished, &work->node);
        if (!work->call)
            pool.lost--;
    }
    pthread_mutex_unlock(&pool.mutex);
    LIST_FOREACH(&finished, work, node) {
        if (work->call) {
            work->call->over = true;
            work->call->result = work->result;
            wait_wake(&work->call->wait, 0);
        }
        if (work->release)
            work->release(work->arg);
        free(work);
    }
}

static int add_worker(void)
{
    pthread_attr_t attributes;
    sigset_t all, old;
    pthread_t thread;
    int r;

    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    /* signals are for the loop */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    r = pthread_create(&thread, &attributes, worker_main, /* arg= */ NULL);
    pthread_sigmask(SIG_SETMASK, &old, /* oldset= */ NULL);
    pthread_attr_destroy(&attributes);
    if (r == 0)
        pool.workers++;
    return -r;
}

static int pool_open(void)
{
    if (pool.done.on)
        return 0;
    if (pool.done_fd < 0)
        pool.done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (pool.done_fd < 0)
        return -errno;
    return watch_add(&pool.done, pool.done_fd, EPOLLIN, work_finished);
}

static int submit(struct work *work)
{
    unsigned queued = 0;
    struct list *at;
    int r = 0;

    pthread_mutex_lock(&pool.mutex);
    list_append(&pool.waiting, &work->node);
    for (at = pool.waiting.next; at != &pool.waiting; at = at->next)
        queued++;
    if (pool.idle < queued && pool.workers < WORKERS + (pool.lost < LOST_MAX ? pool.lost : LOST_MAX))
        r = add_worker();
    /* with one worker left somebody will come to it */
    if (r < 0 && !pool.workers)
        list_remove(&work->node);
    else
        r = 0;
    pthread_mutex_unlock(&pool.mutex);
    /* who is woken finds the mutex free */
    pthread_cond_signal(&pool.more);
    return r;
}

/* The caller gave up: true when nobody had begun, so that the work is off. */
static bool withdraw(struct work *work)
{
    bool begun;

    pthread_mutex_lock(&pool.mutex);
    work->call = NULL;
    begun = work->started;
    if (begun) {
        pool.lost++;
        /* whoever queues behind the lost one must not wait for it */
        if (!list_empty(&pool.waiting) && !pool.idle && pool.lost < LOST_MAX)
            (void)add_worker();
    } else {
        list_remove(&work->node);
    }
    pthread_mutex_unlock(&pool.mutex);
    return !begun;
}

int work_run(struct req *rq, int (*function)(void *arg), void (*release)(void *arg), void *arg, uint64_t usec,
             const char *what)
{
    struct call call = {0};
    struct work *work = NEW(struct work);
    int r = pool_open();

    *work = (struct work){.work = function, .release = release, .arg = arg, .call = &call};
    list_init(&work->node);
    if (r >= 0)
        r = submit(work);
    if (r >= 0) {
        r = fiber_await(rq, &call.wait, usec, what);
        if (call.over)
            return call.result;
        if (!withdraw(work))
            return r;
    }
    if (release)
        release(arg);
    free(work);
    return r;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Children, worker threads, timers and signals: whatever the loop waits for outside of the process's own
 * fibers.
 */
#include "loop/work.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "loop/loop.h"
#include "loop/signal.h"
#include "loop/timer.h"

static bool over;

static void finish(struct req *rq, void *arg)
{
    over = true;
    arena_done(&rq->arena);
    err_clear(&rq->err);
}

/* Runs body in a fiber, and the loop until it has ended; prepare(rq) runs after its first wait. */
static void in_fiber(void (*body)(struct req *rq, void *arg), void (*meanwhile)(struct req *rq))
{
    struct req rq = {.name = "test"};
    uint64_t end = time_monotonic() + SECONDS(20);

    over = false;
    fiber_start(&rq, body, finish, NULL);
    if (meanwhile)
        meanwhile(&rq);
    while (!over && time_monotonic() < end)
        loop_once(MILLISECONDS(100));
    ck_assert(over);
}

#define SHELL(script)                                                                                        \
    (const char *const[])                                                                                    \
    {                                                                                                        \
        "sh", "-c", (script), NULL                                                                           \
    }

static void output_body(struct req *rq, void *arg)
{
    struct child_spec spec = {.argv = SHELL("cat; echo said >&2; exit 3"), .input = "given"};
    struct child_result result;

    ck_assert_int_eq(child_run(rq, &spec, SECONDS(10), &result), 0);
    ck_assert(WIFEXITED(result.status));
    ck_assert_int_eq(WEXITSTATUS(result.status), 3);
    ck_assert_str_eq(buf_text(&result.out), "given");
    ck_assert_str_eq(buf_text(&result.err), "said\n");
    buf_done(&result.out);
    buf_done(&result.err);
}

START_TEST(output)
{
    in_fiber(output_body, NULL);
}
END_TEST

static void check_body(struct req *rq, void *arg)
{
    struct child_spec good = {.argv = SHELL("echo fine")}, bad = {.argv = SHELL("echo no way >&2; exit 4")};
    struct child_spec killed = {.argv = SHELL("kill -9 $$")},
                      missing = {.argv = (const char *const[]){"/no/such", NULL}};
    struct buf out = {0};

    ck_assert_int_eq(child_check(rq, &good, SECONDS(10), &out), 0);
    ck_assert_str_eq(buf_text(&out), "fine\n");
    buf_done(&out);
    ck_assert_int_lt(child_check(rq, &bad, SECONDS(10), NULL), 0);
    ck_assert_str_eq(rq->err.message, "internal error: 'sh' failed with exit status 4: no way");
    err_clear(&rq->err);
    ck_assert_int_lt(child_check(rq, &killed, SECONDS(10), NULL), 0);
    ck_assert_str_eq(rq->err.message, "internal error: 'sh' was killed by signal 9");
    err_clear(&rq->err);
    ck_assert_int_lt(child_check(rq, &missing, SECONDS(10), NULL), 0);
    ck_assert_str_eq(rq->err.message, "cannot run '/no/such': No such file or directory");
}

START_TEST(exit_status)
{
    in_fiber(check_body, NULL);
}
END_TEST

static void much_body(struct req *rq, void *arg)
{
    struct child_spec spec = {.argv = SHELL("yes"), .output_max = 100000};
    struct child_result result;

    ck_assert_int_lt(child_run(rq, &spec, SECONDS(10), &result), 0);
    ck_assert_str_eq(rq->err.message, "internal error: 'sh' wrote more than 100000 bytes and was killed");
}

START_TEST(output_limit)
{
    in_fiber(much_body, NULL);
}
END_TEST

static void late_body(struct req *rq, void *arg)
{
    /* the grandchild is in the same group and holds the pipe */
    struct child_spec spec = {.argv = SHELL("sleep 100 & sleep 100")};
    struct child_result result;
    uint64_t begin = time_monotonic();

    ck_assert_int_lt(child_run(rq, &spec, MILLISECONDS(100), &result), 0);
    ck_assert_int_eq(rq->err.code, ERR_OPERATION_TIMEOUT);
    ck_assert_uint_lt(time_monotonic() - begin, SECONDS(5));
    /* everything is gone and reaped */
    ck_assert_int_eq(fiber_sleep(rq, MILLISECONDS(100), "the reaper"), 0);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

START_TEST(child_deadline)
{
    in_fiber(late_body, NULL);
}
END_TEST

static void daemon_body(struct req *rq, void *arg)
{
    struct child_spec spec = {.argv = SHELL("sleep 1 & echo started")};
    struct child_result result;
    uint64_t begin = time_monotonic();

    ck_assert_int_eq(child_run(rq, &spec, SECONDS(10), &result), 0);
    ck_assert_uint_lt(time_monotonic() - begin, MILLISECONDS(900));
    ck_assert_str_eq(buf_text(&result.out), "started\n");
    buf_done(&result.out);
    buf_done(&result.err);
}

START_TEST(grandchild_holds_pipe)
{
    in_fiber(daemon_body, NULL);
}
END_TEST

static void cancelled_body(struct req *rq, void *arg)
{
    struct child_spec spec = {.argv = SHELL("sleep 100")};
    struct child_result result;

    ck_assert_int_lt(child_run(rq, &spec, SECONDS(100), &result), 0);
    ck_assert_int_eq(rq->err.code, ERR_OPERATION_ABORTED);
    ck_assert_int_lt(child_run(rq, &spec, SECONDS(100), &result), 0);
}

START_TEST(child_cancel)
{
    in_fiber(cancelled_body, fiber_cancel);
}
END_TEST

/* -- workers -- */

static atomic_int released, hung;

struct task {
    int usec, result;
};

static int task_work(void *arg)
{
    struct task *task = arg;

    usleep((useconds_t)task->usec);
    return task->result;
}

static void task_release(void *arg)
{
    released++;
    free(arg);
}

static struct task *task_new(int usec, int result)
{
    struct task *task = NEW(struct task);

    *task = (struct task){.usec = usec, .result = result};
    return task;
}

static void work_body(struct req *rq, void *arg)
{
    released = 0;
    ck_assert_int_eq(work_run(rq, task_work, task_release, task_new(1000, 5), SECONDS(10), "work"), 5);
    ck_assert_int_eq(released, 1);
    /* a result that looks like the end of the wait */
    ck_assert_int_eq(work_run(rq, task_work, task_release, task_new(0, -ETIMEDOUT), SECONDS(10), "work"),
                     -ETIMEDOUT);
    ck_assert_int_eq(released, 2);
    ck_assert_int_eq(work_run(rq, task_work, task_release, task_new(200000, 1), MILLISECONDS(10), "work"),
                     -ETIMEDOUT);
    ck_assert_int_eq(released, 2);
    ck_assert_int_eq(fiber_sleep(rq, MILLISECONDS(400), "the lost worker"), 0);
    ck_assert_int_eq(released, 3);
}

START_TEST(worker)
{
    in_fiber(work_body, NULL);
}
END_TEST

static void hung_main(struct req *rq, void *arg)
{
    if (work_run(rq, task_work, task_release, task_new(2000000, 1), MILLISECONDS(50), "a hung server") ==
        -ETIMEDOUT)
        hung++;
}

static void beside_body(struct req *rq, void *arg)
{
    static struct req others[10];
    uint64_t begin;

    for (int i = 0; i < 10; i++)
        fiber_start(&others[i], hung_main, NULL, NULL);
    ck_assert_int_eq(fiber_sleep(rq, MILLISECONDS(200), "the others"), 0);
    ck_assert_int_eq(hung, 10);
    begin = time_monotonic();
    ck_assert_int_eq(work_run(rq, task_work, task_release, task_new(0, 9), SECONDS(10), "work"), 9);
    ck_assert_uint_lt(time_monotonic() - begin, MILLISECONDS(500));
    while (released != 11)
        ck_assert_int_eq(fiber_sleep(rq, MILLISECONDS(100), "the lost workers"), 0);
}

START_TEST(hung_workers_hold_up_nobody)
{
    released = hung = 0;
    in_fiber(beside_body, NULL);
}
END_TEST

/* -- timers and signals -- */

static int ticks, signals;

static void tick(void *arg)
{
    ticks++;
}

static void timer_body(struct req *rq, void *arg)
{
    struct timer timer = {0};

    timer_every(&timer, MILLISECONDS(10), tick, NULL);
    ck_assert(timer_running(&timer));
    ck_assert_int_eq(fiber_sleep(rq, MILLISECONDS(150), "ticks"), 0);
    ck_assert_int_ge(ticks, 5);
    timer_stop(&timer);
    ck_assert(!timer_running(&timer));
    ticks = 0;
    timer_once(&timer, MILLISECONDS(10), tick, NULL);
    ck_assert_int_eq(fiber_sleep(rq, MILLISECONDS(100), "one tick"), 0);
    ck_assert_int_eq(ticks, 1);
    timer_once(&timer, MILLISECONDS(10), tick, NULL);
    timer_stop(&timer);
    ck_assert_int_eq(fiber_sleep(rq, MILLISECONDS(50), "no tick"), 0);
    ck_assert_int_eq(ticks, 1);
}

START_TEST(timers)
{
    ticks = 0;
    in_fiber(timer_body, NULL);
}
END_TEST

static void caught(int number, void *arg)
{
    ck_assert_int_eq(number, SIGUSR2);
    signals++;
}

static void signal_body(struct req *rq, void *arg)
{
    ck_assert_int_eq(signal_catch(SIGUSR2, caught, NULL), 0);
    raise(SIGUSR2);
    ck_assert_int_eq(fiber_sleep(rq, MILLISECONDS(20), "the signal"), 0);
    ck_assert_int_eq(signals, 1);
}

START_TEST(signal_is_caught)
{
    in_fiber(signal_body, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("work");
    TCase *tests = tcase_create("work");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, output);
    tcase_add_test(tests, exit_status);
    tcase_add_test(tests, output_limit);
    tcase_add_test(tests, child_deadline);
    tcase_add_test(tests, grandchild_holds_pipe);
    tcase_add_test(tests, child_cancel);
    tcase_add_test(tests, worker);
    tcase_add_test(tests, hung_workers_hold_up_nobody);
    tcase_add_test(tests, timers);
    tcase_add_test(tests, signal_is_caught);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "loop/fiber.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/time.h"
#include "loop/job.h"
#include "loop/loop.h"

enum { MANY = 500 };

/* What one fiber of a test does and saw. */
struct walk {
    struct req rq;
    struct wait wait;
    struct job *job;
    uint64_t usec, due, due_at_last; /* its deadline lies between the two */
    int result, order;
    bool over;
};
static int order;

static void finish(struct req *rq, void *arg)
{
    struct walk *walk = arg;

    ck_assert_ptr_null(rq->fiber);
    walk->over = true;
    arena_done(&rq->arena);
    err_clear(&rq->err);
}

static void wait_main(struct req *rq, void *arg)
{
    struct walk *walk = arg;

    ck_assert_ptr_eq(fiber_current(), rq);
    walk->result = fiber_await(rq, &walk->wait, walk->usec, "the test");
    walk->order = ++order;
}

static void run_until(const bool *over)
{
    uint64_t end = time_monotonic() + SECONDS(20);

    while (!*over && time_monotonic() < end)
        loop_once(MILLISECONDS(100));
    ck_assert(*over);
}

START_TEST(result_of_waker)
{
    struct walk walk = {.usec = SECONDS(10)};

    fiber_start(&walk.rq, wait_main, finish, &walk);
    ck_assert(!walk.over);
    wait_wake(&walk.wait, 7);
    ck_assert_msg(!walk.over, "a wake must not run the fiber itself");
    wait_wake(&walk.wait, 8);
    run_until(&walk.over);
    ck_assert_int_eq(walk.result, 7);
    ck_assert_uint_ne(walk.rq.serial, 0);
}
END_TEST

START_TEST(woken_before_waiting)
{
    struct walk walk = {.usec = SECONDS(10)};

    wait_wake(&walk.wait, 5);
    fiber_start(&walk.rq, wait_main, finish, &walk);
    ck_assert(walk.over);
    ck_assert_int_eq(walk.result, 5);
}
END_TEST

START_TEST(deadline)
{
    struct walk later = {.usec = MILLISECONDS(60)}, sooner = {.usec = MILLISECONDS(20)};
    uint64_t begin = time_monotonic();

    fiber_start(&later.rq, wait_main, finish, &later);
    fiber_start(&sooner.rq, wait_main, finish, &sooner);
    run_until(&later.over);
    ck_assert(sooner.over);
    ck_assert_int_eq(sooner.result, -ETIMEDOUT);
    ck_assert_int_eq(later.result, -ETIMEDOUT);
    ck_assert_int_lt(sooner.order, later.order);
    ck_assert_uint_ge(time_monotonic() - begin, MILLISECONDS(60));
    ck_assert_uint_lt(time_monotonic() - begin, SECONDS(5));
}
END_TEST

START_TEST(cancel_while_waiting)
{
    struct walk walk = {.usec = SECONDS(10)};

    fiber_start(&walk.rq, wait_main, finish, &walk);
    fiber_cancel(&walk.rq);
    run_until(&walk.over);
    ck_assert_int_eq(walk.result, -ECANCELED);
    fiber_cancel(&walk.rq); /* over: nothing to cancel */
}
END_TEST

static void twice_main(struct req *rq, void *arg)
{
    struct walk *walk = arg;
    struct wait second = {0};

    walk->result = fiber_await(rq, &walk->wait, walk->usec, "first");
    ck_assert(fiber_cancelled(rq));
    ck_assert_int_eq(fiber_await(rq, &second, SECONDS(10), "second"), -ECANCELED);
    fiber_shield(rq, true);
    ck_assert_int_eq(fiber_sleep(rq, MILLISECONDS(10), "rollback"), 0);
    fiber_shield(rq, true);
    fiber_shield(rq, false);
    second = (struct wait){0};
    ck_assert_int_eq(fiber_await(rq, &second, MILLISECONDS(10), "rollback"), -ETIMEDOUT);
    fiber_shield(rq, false);
    ck_assert_int_eq(fiber_sleep(rq, SECONDS(10), "third"), -ECANCELED);
}

START_TEST(cancel_holds_for_later_waits_but_not_under_shield)
{
    struct walk walk = {.usec = SECONDS(10)};

    fiber_start(&walk.rq, twice_main, finish, &walk);
    fiber_cancel(&walk.rq);
    run_until(&walk.over);
    ck_assert_int_eq(walk.result, -ECANCELED);
}
END_TEST

static void shielded_main(struct req *rq, void *arg)
{
    struct walk *walk = arg;

    fiber_shield(rq, true);
    walk->result = fiber_await(rq, &walk->wait, walk->usec, "something that must end");
    fiber_shield(rq, false);
}

START_TEST(cancel_under_shield)
{
    struct walk walk = {.usec = SECONDS(10)};

    fiber_start(&walk.rq, shielded_main, finish, &walk);
    fiber_cancel(&walk.rq);
    loop_once(0);
    ck_assert(!walk.over);
    wait_wake(&walk.wait, 3);
    run_until(&walk.over);
    ck_assert_int_eq(walk.result, 3);
}
END_TEST

START_TEST(many)
{
    static struct walk walks[MANY];
    struct buf list = {0};
    size_t lines = 0;

    order = 0;
    for (int i = 0; i < MANY; i++) {
        walks[i] = (struct walk){.usec = SECONDS(10) + (uint64_t)(i * 7919 % MANY)};
        walks[i].rq.name = "walk";
        fiber_start(&walks[i].rq, wait_main, finish, &walks[i]);
    }
    fiber_list(&list);
    for (const char *at = buf_text(&list); (at = strchr(at, '\n')); at++)
        lines++;
    ck_assert_uint_eq(lines, MANY);
    ck_assert_ptr_nonnull(strstr(buf_text(&list), " walk: waits for the test since 0."));
    buf_done(&list);
    for (int i = 0; i < MANY; i++) {
        if (i % 3 == 0)
            fiber_cancel(&walks[i].rq);
        else
            wait_wake(&walks[i].wait, i);
    }
    run_until(&walks[MANY - 1].over);
    for (int i = 0; i < MANY; i++) {
        ck_assert(walks[i].over);
        ck_assert_int_eq(walks[i].result, i % 3 ? i : -ECANCELED);
        ck_assert_msg(walks[i].order == i + 1, "woken as number %d, went on as number %d", i + 1,
                      walks[i].order);
    }
    fiber_trim();
}
END_TEST

/* Every deadline comes in its order, whatever the order in which they were set and others taken out. */
START_TEST(many_deadlines)
{
    static struct walk walks[MANY];
    static struct walk last;

    last = (struct walk){.usec = MILLISECONDS(400)};
    fiber_start(&last.rq, wait_main, finish, &last);
    for (int i = 0; i < MANY; i++) {
        walks[i] = (struct walk){.usec = MILLISECONDS(20) + (uint64_t)(i * 7919 % MANY) * 200};
        walks[i].due = time_monotonic() + walks[i].usec;
        fiber_start(&walks[i].rq, wait_main, finish, &walks[i]);
        walks[i].due_at_last = time_monotonic() + walks[i].usec;
    }
    for (int i = 0; i < MANY; i += 2)
        wait_wake(&walks[i].wait, 1);
    run_until(&last.over);
    for (int i = 0; i < MANY; i++) {
        ck_assert(walks[i].over);
        ck_assert_int_eq(walks[i].result, i % 2 ? -ETIMEDOUT : 1);
    }
    for (int i = 1; i < MANY; i += 2)
        for (int j = 1; j < MANY; j += 2)
            if (walks[i].due_at_last < walks[j].due)
                ck_assert_int_lt(walks[i].order, walks[j].order);
}
END_TEST

static void nested_main(struct req *rq, void *arg)
{
    struct walk inner = {.usec = SECONDS(10)};
    struct walk *walk = arg;

    fiber_start(&inner.rq, wait_main, finish, &inner);
    ck_assert_ptr_eq(fiber_current(), rq);
    wait_wake(&inner.wait, 2);
    ck_assert(!inner.over);
    while (!inner.over)
        ck_assert_int_eq(fiber_sleep(rq, MILLISECONDS(1), "the inner fiber"), 0);
    walk->result = inner.result;
}

START_TEST(fiber_starts_fiber)
{
    struct walk walk = {0};

    fiber_start(&walk.rq, nested_main, finish, &walk);
    run_until(&walk.over);
    ck_assert_int_eq(walk.result, 2);
    ck_assert_ptr_null(fiber_current());
}
END_TEST

static void poll_main(struct req *rq, void *arg)
{
    struct walk *walk = arg;
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(fiber_poll(rq, fds[0], EPOLLIN, MILLISECONDS(10), "nothing"), -ETIMEDOUT);
    ck_assert_int_eq(fiber_poll(rq, fds[1], EPOLLOUT, SECONDS(10), "room"), EPOLLOUT);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    walk->result = fiber_poll(rq, fds[0], EPOLLIN, SECONDS(10), "a byte");
    close(fds[0]);
    close(fds[1]);
}

START_TEST(poll_descriptor)
{
    struct walk walk = {0};

    fiber_start(&walk.rq, poll_main, finish, &walk);
    run_until(&walk.over);
    ck_assert_int_eq(walk.result, EPOLLIN);
}
END_TEST

/* Uses most of a stack, and all of it again in the next fiber. */
static int deep(int level)
{
    volatile char frame[1024];

    frame[0] = (char)level;
    return level ? deep(level - 1) + frame[0] * 0 : 1;
}

static void deep_main(struct req *rq, void *arg)
{
    struct walk *walk = arg;

    walk->result = deep(100);
}

START_TEST(deep_stack)
{
    for (int i = 0; i < 3; i++) {
        struct walk walk = {0};

        fiber_start(&walk.rq, deep_main, finish, &walk);
        ck_assert(walk.over);
        ck_assert_int_eq(walk.result, 1);
    }
}
END_TEST

static void exit_main(struct req *rq, void *arg)
{
    struct walk *walk = arg;

    for (int i = 0; i < 100; i++)
        walk->result += fiber_sleep(rq, 10, "a moment");
    sd_event_exit(loop_event(), 42);
}

/* Last: the loop of the process has ended after it. */
START_TEST(loop_runs)
{
    struct walk walk = {0}, other = {.usec = SECONDS(10)};

    fiber_start(&other.rq, wait_main, finish, &other);
    fiber_start(&walk.rq, exit_main, finish, &walk);
    wait_wake(&other.wait, 1);
    ck_assert_int_eq(loop_run(), 42);
    ck_assert(walk.over && other.over);
}
END_TEST

static void job_main(struct req *rq, void *arg)
{
    struct walk *walk = arg;

    walk->result = job_take(rq, walk->job, "domain 'a'", "test", walk->usec);
    walk->order = ++order;
    if (walk->result < 0)
        return;
    (void)fiber_await(rq, &walk->wait, SECONDS(10), "the test");
    job_give(rq, walk->job);
}

static void job_message_main(struct req *rq, void *arg)
{
    struct walk *walk = arg;

    walk->result = job_take(rq, walk->job, "domain 'a'", "resume", walk->usec);
    ck_assert_int_lt(walk->result, 0);
    ck_assert_int_eq(rq->err.code, ERR_OPERATION_TIMEOUT);
    ck_assert_msg(
        strstr(rq->err.message, "cannot acquire state change lock (held by monitor=domain_suspend)") &&
            strstr(rq->err.message, "domain 'a' is busy with 'test' since 0."),
        "%s", rq->err.message);
}

START_TEST(job_deadline_names_the_holder)
{
    struct job job = {0};
    struct walk holder = {.job = &job, .rq.name = "domain_suspend"};
    struct walk late = {.job = &job, .usec = MILLISECONDS(10)};

    fiber_start(&holder.rq, job_main, finish, &holder);
    ck_assert_ptr_eq(job.holder, &holder.rq);
    fiber_start(&late.rq, job_message_main, finish, &late);
    run_until(&late.over);
    ck_assert_ptr_null(job.first);
    ck_assert_ptr_null(job.last);
    wait_wake(&holder.wait, 0);
    run_until(&holder.over);
    ck_assert_ptr_null(job.holder);
}
END_TEST

START_TEST(job_first_come_first_served)
{
    struct job job = {0};
    static struct walk walks[10];

    order = 0;
    for (int i = 0; i < 10; i++) {
        walks[i] = (struct walk){.job = &job, .usec = SECONDS(10)};
        fiber_start(&walks[i].rq, job_main, finish, &walks[i]);
    }
    /* one gives up in the middle, one at the end of the queue */
    fiber_cancel(&walks[4].rq);
    fiber_cancel(&walks[9].rq);
    run_until(&walks[9].over);
    ck_assert_int_lt(walks[4].result, 0);
    for (int i = 0; i < 9; i++) {
        if (i == 4)
            continue;
        ck_assert_ptr_eq(job.holder, &walks[i].rq);
        wait_wake(&walks[i].wait, 0);
        run_until(&walks[i].over);
        ck_assert_int_eq(walks[i].result, 0);
    }
    ck_assert_ptr_null(job.holder);
    ck_assert_ptr_null(job.last);
}
END_TEST

/*
 * The turn comes in the same round of the loop as the cancellation: nobody may be left with a job he
 * doesn't know of.
 */
START_TEST(job_given_and_cancelled_at_once)
{
    struct job job = {0};
    struct walk first = {.job = &job}, second = {.job = &job, .usec = SECONDS(10)};
    struct walk third = {.job = &job, .usec = SECONDS(10)};

    fiber_start(&first.rq, job_main, finish, &first);
    fiber_start(&second.rq, job_main, finish, &second);
    fiber_start(&third.rq, job_main, finish, &third);
    wait_wake(&first.wait, 0);
    fiber_cancel(&second.rq);
    run_until(&first.over);
    run_until(&second.over);
    ck_assert_ptr_eq(job.holder, &third.rq);
    wait_wake(&third.wait, 0);
    run_until(&third.over);
    ck_assert_ptr_null(job.holder);
}
END_TEST

START_TEST(job_dies_with_its_object)
{
    struct job job = {0};
    struct walk first = {.job = &job}, second = {.job = &job, .usec = SECONDS(10)};
    struct walk late = {.job = &job, .usec = SECONDS(10)}, again = {.job = &job};

    fiber_start(&first.rq, job_main, finish, &first);
    fiber_start(&second.rq, job_main, finish, &second);
    job_break(&job, -ESHUTDOWN);
    run_until(&second.over);
    ck_assert_int_lt(second.result, 0);
    fiber_start(&late.rq, job_main, finish, &late);
    ck_assert(late.over);
    ck_assert_int_lt(late.result, 0);
    wait_wake(&first.wait, 0);
    run_until(&first.over);
    job_reset(&job);
    wait_wake(&again.wait, 0);
    fiber_start(&again.rq, job_main, finish, &again);
    ck_assert(again.over);
    ck_assert_int_eq(again.result, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fiber");
    TCase *fibers = tcase_create("fiber"), *jobs = tcase_create("job"), *last = tcase_create("loop");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(fibers, result_of_waker);
    tcase_add_test(fibers, woken_before_waiting);
    tcase_add_test(fibers, deadline);
    tcase_add_test(fibers, cancel_while_waiting);
    tcase_add_test(fibers, cancel_holds_for_later_waits_but_not_under_shield);
    tcase_add_test(fibers, cancel_under_shield);
    tcase_add_test(fibers, many);
    tcase_add_test(fibers, many_deadlines);
    tcase_add_test(fibers, fiber_starts_fiber);
    tcase_add_test(fibers, poll_descriptor);
    tcase_add_test(fibers, deep_stack);
    tcase_add_test(jobs, job_deadline_names_the_holder);
    tcase_add_test(jobs, job_first_come_first_served);
    tcase_add_test(jobs, job_given_and_cancelled_at_once);
    tcase_add_test(jobs, job_dies_with_its_object);
    tcase_add_test(last, loop_runs);
    suite_add_tcase(suite, fibers);
    suite_add_tcase(suite, jobs);
    suite_add_tcase(suite, last);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

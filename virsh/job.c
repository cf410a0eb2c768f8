/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Job: a call that takes long runs in a thread of its own; meanwhile progress is shown, an interrupt aborts
 * the job, and a time limit acts. The call's error is kept for the end of the command.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"
#include "virsh/domain.h"

enum { TICK_MS = 500 };

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
    interrupted = 1;
}

void interrupt_catch(struct interrupt *interrupt)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    interrupted = 0;
    sigaction(SIGINT, &action, &interrupt->before);
}

bool interrupt_seen(void)
{
    return interrupted;
}

void interrupt_release(struct interrupt *interrupt)
{
    sigaction(SIGINT, &interrupt->before, NULL);
}

/* A job and the thread that does it. */
struct running {
    struct cmd *cmd;
    const struct job *job;
    int result;
    int done[2]; /* end of file: it is done */
};

static void *thread_main(void *data)
{
    struct running *running = data;
    running->result = running->job->call(running->cmd, running->job->data);
    if (running->result < 0)
        keep_error(running->cmd);
    fd_close(&running->done[1]);
    return NULL;
}

void show_progress(struct cmd *cmd, const char *label, unsigned long long remaining, unsigned long long total)
{
    int percent = 100;
    if (total && remaining) {
        percent = remaining < total ? 100 - (int)((double)remaining * 100 / (double)total) : 0;
        percent = percent >= 100 ? 99 : percent;
    }
    if (is_json(cmd))
        return;
    fflush(stdout);
    fprintf(stderr, "\r%s: [%3d %%]", label, percent);
    fflush(stderr);
}

static void watch_progress(struct cmd *cmd, const struct job *job)
{
    virDomainJobInfo info;
    if (virDomainGetJobInfo(job->domain, &info) == 0 && info.dataTotal)
        show_progress(cmd, job->label, info.dataRemaining, info.dataTotal);
    forget_error();
}

static void act_on_timeout(struct cmd *cmd, const struct job *job)
{
    if (job->on_timeout)
        job->on_timeout(cmd, job->data);
    else if (virDomainSuspend(job->domain) < 0)
        say_error(cmd, "suspending domain failed");
}

static void watch(struct cmd *cmd, const struct job *job, int done)
{
    bool verbose = cmd_has(cmd, "verbose"), aborted = false;
    unsigned long long limit = job->timeout_ms ? time_monotonic() + job->timeout_ms * 1000ull : 0;
    struct pollfd fd = {done, POLLIN, 0};
    while (true) {
        int ready = poll(&fd, 1, TICK_MS);
        if (ready > 0)
            break;
        if (interrupt_seen() && !aborted) {
            aborted = true;
            virDomainAbortJob(job->domain);
        }
        if (limit && time_monotonic() > limit) {
            limit = 0;
            act_on_timeout(cmd, job);
        }
        if (verbose && job->domain)
            watch_progress(cmd, job);
    }
}

int job_run(struct cmd *cmd, const struct job *job)
{
    struct running running = {cmd, job, -1, {-1, -1}};
    struct interrupt interrupt;
    pthread_t thread;
    if (pipe2(running.done, O_CLOEXEC) < 0)
        return say_error(cmd, "Failed to make a pipe: %s", strerror(errno));
    interrupt_catch(&interrupt);
    if (pthread_create(&thread, NULL, thread_main, &running) == 0) {
        watch(cmd, job, running.done[0]);
        pthread_join(thread, NULL);
    } else {
        fd_close(&running.done[1]);
    }
    interrupt_release(&interrupt);
    fd_close(&running.done[0]);
    if (running.result >= 0 && cmd_has(cmd, "verbose"))
        show_progress(cmd, job->label, 0, 1);
    return running.result;
}

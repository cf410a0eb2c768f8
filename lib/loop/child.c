/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Children: a program in a process group of its own, its output collected by the loop, its end seen by pidfd.
 * What is not finished in time is killed with its whole group, and reaped whenever the kernel lets it go:
 * nobody waits for a process that hangs in the kernel.
 */
#include "loop/work.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "loop/loop.h"

enum { OUTPUT_MAX = 1024 * 1024, READ_SIZE = 16 * 1024, STDERR_SHOWN = 1024 };

static const char *const clean_env[] = {
    "LC_ALL=C", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};

struct child_pipe {
    struct child *child;
    int fd;
    struct watch watch;
    struct buf data;
};

/* Outlives child_run when the process had to be killed: freed when it is reaped. */
struct child {
    struct list link; /* in `abandoned` then */
    pid_t pid;
    int pidfd;
    struct watch ended;
    struct child_pipe pipes[2]; /* stdout, stderr */
    struct wait *wait;          /* of child_run; NULL: abandoned */
    size_t output_max;
    bool over, too_much;
};

static void pipe_done(struct child_pipe *pipe)
{
    watch_remove(&pipe->watch);
    fd_close(&pipe->fd);
    buf_done(&pipe->data);
}

static struct list abandoned = LIST_INIT(abandoned);

static void child_free(struct child *child)
{
    if (!child)
        return;
    list_remove(&child->link);
    watch_remove(&child->ended);
    for (size_t i = 0; i < ARRAY_SIZE(child->pipes); i++)
        pipe_done(&child->pipes[i]);
    fd_close(&child->pidfd);
    free(child);
}

static void child_wake(struct child *child)
{
    if (child->wait)
        wait_wake(child->wait, 0);
}

/* What is there now. */
static void pipe_drain(struct child_pipe *pipe)
{
    ssize_t got;

    while (pipe->fd >= 0 && !pipe->child->too_much) {
        got = read(pipe->fd, buf_reserve(&pipe->data, READ_SIZE), READ_SIZE);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            watch_remove(&pipe->watch);
            fd_close(&pipe->fd);
            return;
        }
        pipe->data.length += (size_t)got;
        pipe->data.data[pipe->data.length] = '\0';
        pipe->child->too_much = pipe->data.length > pipe->child->output_max;
    }
}

static void pipe_readable(struct watch *watch, uint32_t events)
{
    struct child_pipe *pipe = CONTAINER_OF(watch, struct child_pipe, watch);

    pipe_drain(pipe);
    if (pipe->child->too_much)
        child_wake(pipe->child);
}

static void child_ended(struct watch *watch, uint32_t events)
{
    struct child *child = CONTAINER_OF(watch, struct child, ended);

    child->over = true;
    watch_remove(&child->ended);
    if (child->wait) {
        child_wake(child);
    } else {
        (void)waitpid(child->pid, /* status= */ NULL, WNOHANG);
        child_free(child);
    }
}

/* Gone from now on; whatever it started in its group too. */
static void child_abandon(struct child *child)
{
    kill(-child->pid, SIGKILL);
    child->wait = NULL;
    list_append(&abandoned, &child->link);
    for (size_t i = 0; i < ARRAY_SIZE(child->pipes); i++)
        pipe_done(&child->pipes[i]);
    if (child->over) {
        (void)waitpid(child->pid, /* status= */ NULL, WNOHANG);
        child_free(child);
    }
}

/* The input as a file, so that it never has to be fed piece by piece. */
static int open_input(const char *input)
{
    auto_fd int fd = -1;
    int r;

    if (!input) {
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        return fd < 0 ? -errno : FD_TAKE(fd);
    }
    fd = memfd_create("input", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    r = fd_write_all(fd, input, strlen(input));
    if (r < 0)
        return r;
    return lseek(fd, 0, SEEK_SET) < 0 ? -errno : FD_TAKE(fd);
}

static int spawn(const struct child_spec *spec, const int fds[3], pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int r;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    for (int i = 0; i < 3; i++)
        posix_spawn_file_actions_adddup2(&actions, fds[i], i);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    /* the daemon blocks and ignores signals; the program must not inherit that */
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    r = posix_spawnp(ret_pid, spec->argv[0], &actions, &attributes, (char *const *)spec->argv,
                     (char *const *)(spec->env ? spec->env : clean_env));
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -r;
}

static int watch_pipe(struct child *child, int fd, struct child_pipe *pipe)
{
    pipe->child = child;
    pipe->fd = fd;
    return watch_add(&pipe->watch, fd, EPOLLIN, pipe_readable);
}

static int child_start(const struct child_spec *spec, struct child **ret)
{
    struct child *child = NEW(struct child);
    auto_fd int input = -1;
    auto_fd int out = -1;
    auto_fd int err = -1;
    int ends[2][2] = {{-1, -1}, {-1, -1}};
    int r;

    list_init(&child->link);
    child->pidfd = child->pipes[0].fd = child->pipes[1].fd = -1;
    child->output_max = spec->output_max ? spec->output_max : OUTPUT_MAX;
    r = input = open_input(spec->input);
    for (int i = 0; r >= 0 && i < 2; i++) {
        r = pipe2(ends[i], O_CLOEXEC);
        if (r < 0)
            r = -errno;
        else
            r = fd_set_nonblock(ends[i][0], true);
        if (r >= 0)
            r = watch_pipe(child, ends[i][0], &child->pipes[i]);
        else
            fd_close(&ends[i][0]);
    }
    out = ends[0][1];
    err = ends[1][1];
    if (r >= 0)
        r = spawn(spec, (const int[]){input, out, err}, &child->pid);
    if (r < 0) {
        child_free(child);
        return r;
    }
    /* not reaped yet, so the pid can't be anybody else's */
    r = child->pidfd = pidfd_open(child->pid, 0);
    if (r < 0)
        r = -errno;
    else
        r = watch_add(&child->ended, child->pidfd, EPOLLIN, child_ended);
    if (r < 0) {
        kill(-child->pid, SIGKILL);
        (void)waitpid(child->pid, /* status= */ NULL, 0);
        child_free(child);
        return r;
    }
    *ret = child;
    return 0;
}

int child_run(struct req *rq, const struct child_spec *spec, uint64_t usec, struct child_result *ret)
{
    struct wait wait = {0};
    struct child *child = NULL;
    const char *program = spec->argv[0];
    int r = child_start(spec, &child);

    if (r < 0)
        return err_system(&rq->err, r, "cannot run '%s'", program);
    child->wait = &wait;
    r = fiber_await(rq, &wait, usec, program);
    if (r < 0 || child->too_much) {
        bool too_much = child->too_much;
        size_t output_max = child->output_max;

        child_abandon(child);
        if (too_much)
            return err_set(&rq->err, ERR_INTERNAL_ERROR, "'%s' wrote more than %zu bytes and was killed",
                           program, output_max);
        if (r == -ETIMEDOUT)
            return err_set(&rq->err, ERR_OPERATION_TIMEOUT, "'%s' did not end within %.1f s and was killed",
                           program, (double)usec / 1e6);
        return err_set(&rq->err, ERR_OPERATION_ABORTED, "'%s' was killed because its request was cancelled",
                       program);
    }
    /* a grandchild may hold the pipes open: what is in them now is all that counts */
    for (size_t i = 0; i < ARRAY_SIZE(child->pipes); i++)
        pipe_drain(&child->pipes[i]);
    *ret = (struct child_result){.out = child->pipes[0].data, .err = child->pipes[1].data};
    child->pipes[0].data = child->pipes[1].data = (struct buf){0};
    (void)waitpid(child->pid, &ret->status, WNOHANG);
    child_free(child);
    return 0;
}

static void report(struct req *rq, const char *program, struct child_result *result)
{
    auto_free char *text = buf_steal(&result->err);
    const char *said = str_trim(text);
    size_t length = strlen(said);

    /* the last words say most */
    if (length > STDERR_SHOWN)
        said += length - STDERR_SHOWN;
    if (WIFSIGNALED(result->status))
        err_set(&rq->err, ERR_INTERNAL_ERROR, "'%s' was killed by signal %d%s%s", program,
                WTERMSIG(result->status), length ? ": " : "", said);
    else
        err_set(&rq->err, ERR_INTERNAL_ERROR, "'%s' failed with exit status %d%s%s", program,
                WEXITSTATUS(result->status), length ? ": " : "", said);
}

int child_check(struct req *rq, const struct child_spec *spec, uint64_t usec, struct buf *ret_out)
{
    struct child_result result;
    int r = child_run(rq, spec, usec, &result);

    if (r < 0)
        return r;
    if (result.status != 0) {
        report(rq, spec->argv[0], &result);
        r = -1;
    } else if (ret_out) {
        *ret_out = result.out;
        result.out = (struct buf){0};
    }
    buf_done(&result.out);
    buf_done(&result.err);
    return r;
}

int child_await(struct req *rq, int pidfd, uint64_t usec, const char *what)
{
    int r = fiber_poll(rq, pidfd, EPOLLIN, usec, what);

    return r < 0 ? r : 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * strike PID kill N | strike PID fail N: lets a process run, and at the N-th chance from now on kills it (the
 * system call that it was about to make doesn't happen) or lets that call fail. Counted are the calls of all
 * its threads, and those of its children until they execute something else.
 *
 * kill: every call is a chance. fail: every error that a row of the table names for a call is one, so
 * increasing N goes through all of them. Prints "ready" when the counting begins, then "struck CALL ERROR"
 * ("struck CALL" for a kill) and ends; or "counted N" on SIGTERM. N = 0 only counts. Ends with 77 where
 * processes can't be traced.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

#include "base/mem.h"

#if !defined(__x86_64__)
int main(void)
{
    return 77;
}
#else

enum where { ANY, ON_FILE, ON_OTHER, CREATING, ADDING }; /* on what kind of descriptor, or with which flag */

/* Row: call, when, errors that the kernel may well give then. Memory isn't here: without it, a daemon ends.
 */
static const struct row {
    int number;
    const char *name;
    enum where where;
    short errors[4];
} rows[] = {
    {SYS_openat, "openat", CREATING, {ENOSPC, EROFS}},
    {SYS_openat, "openat", ANY, {EMFILE, ENOMEM, EIO}},
    {SYS_write, "write", ON_FILE, {ENOSPC, EIO}},
    {SYS_write, "write", ON_OTHER, {EINTR}},
    {SYS_read, "read", ON_FILE, {EIO}},
    {SYS_read, "read", ON_OTHER, {EINTR}},
    {SYS_pread64, "pread64", ANY, {EIO}},
    {SYS_fsync, "fsync", ANY, {EIO, ENOSPC}},
    {SYS_fstat, "fstat", ANY, {EIO}},
    {SYS_newfstatat, "newfstatat", ANY, {EIO, ENOMEM}},
    {SYS_rename, "rename", ANY, {ENOSPC, EIO}},
    {SYS_renameat, "renameat", ANY, {ENOSPC, EIO}},
    {SYS_renameat2, "renameat2", ANY, {ENOSPC, EIO}},
    {SYS_linkat, "linkat", ANY, {ENOSPC, EIO}},
    {SYS_symlinkat, "symlinkat", ANY, {ENOSPC, EIO}},
    {SYS_unlink, "unlink", ANY, {EIO}},
    {SYS_unlinkat, "unlinkat", ANY, {EIO, EROFS}},
    {SYS_mkdir, "mkdir", ANY, {ENOSPC, EROFS}},
    {SYS_fchmod, "fchmod", ANY, {EIO}},
    {SYS_socket, "socket", ANY, {EMFILE, ENOMEM}},
    {SYS_socketpair, "socketpair", ANY, {EMFILE, ENOMEM}},
    {SYS_bind, "bind", ANY, {ENOSPC, ENOMEM}},
    {SYS_listen, "listen", ANY, {ENOMEM}},
    {SYS_connect, "connect", ANY, {EINTR, ENOMEM}},
    {SYS_accept4, "accept4", ANY, {EMFILE, ENOMEM, EINTR}},
    {SYS_sendmsg, "sendmsg", ANY, {EINTR, ENOMEM}},
    {SYS_recvmsg, "recvmsg", ANY, {EINTR, ENOMEM}},
    {SYS_epoll_ctl, "epoll_ctl", ADDING, {ENOMEM, ENOSPC}},
    {SYS_epoll_wait, "epoll_wait", ANY, {EINTR}},
    {SYS_dup, "dup", ANY, {EMFILE}},
    {SYS_dup2, "dup2", ANY, {EMFILE}},
    {SYS_dup3, "dup3", ANY, {EMFILE}},
    {SYS_pipe2, "pipe2", ANY, {EMFILE}},
    {SYS_eventfd2, "eventfd2", ANY, {EMFILE, ENOMEM}},
    {SYS_timerfd_create, "timerfd_create", ANY, {EMFILE}},
    {SYS_pidfd_open, "pidfd_open", ANY, {EMFILE, ENOMEM}},
    {SYS_clone, "clone", ANY, {EAGAIN, ENOMEM}},
    {SYS_clone3, "clone3", ANY, {EAGAIN}},
    {SYS_execve, "execve", ANY, {ENOMEM, EIO}},
    {SYS_waitid, "waitid", ANY, {EINTR}},
};

static pid_t target;
static bool killing;
static unsigned long wanted, counted;

static struct {
    pid_t task; /* 0: nobody yet */
    int errnum;
    const char *name;
} failing;

static bool on_file(pid_t task, unsigned long fd)
{
    char path[64], to[8];

    snprintf(path, sizeof(path), "/proc/%d/fd/%lu", task, fd);
    return readlink(path, to, sizeof(to)) > 0 && to[0] == '/';
}

static bool matches(const struct row *row, pid_t task, const struct __ptrace_syscall_info *info)
{
    if ((int)info->entry.nr != row->number)
        return false;
    switch (row->where) {
    case ANY:
        return true;
    case CREATING:
        return info->entry.args[2] & O_CREAT;
    case ADDING:
        return info->entry.args[1] == EPOLL_CTL_ADD;
    default:
        return on_file(task, info->entry.args[0]) == (row->where == ON_FILE);
    }
}

/* The call that this task is about to make is the one that shall fail: it becomes one that doesn't exist. */
static void fail_call(pid_t task, const struct row *row, int errnum)
{
    failing.task = task;
    failing.errnum = errnum;
    failing.name = row->name;
    ptrace(PTRACE_POKEUSER, task, offsetof(struct user, regs.orig_rax), -1L);
}

static void chance_to_fail(pid_t task, const struct __ptrace_syscall_info *info)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (const short *error = rows[i].errors; *error && matches(&rows[i], task, info); error++)
            if (++counted == wanted) {
                fail_call(task, &rows[i], *error);
                return;
            }
}

static const char *name_of(unsigned long number)
{
    static char text[32];

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].number == (int)number)
            return rows[i].name;
    snprintf(text, sizeof(text), "call-%lu", number);
    return text;
}

/* Tracees that are stopped go on by themselves when their tracer ends. */
static void on_call(pid_t task)
{
    struct __ptrace_syscall_info info = {0};

    if (ptrace(PTRACE_GET_SYSCALL_INFO, task, sizeof(info), &info) < 0)
        return;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY && killing && ++counted == wanted) {
        kill(target, SIGKILL);
        printf("struck %s\n", name_of(info.entry.nr));
        exit(0);
    }
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY && !killing)
        chance_to_fail(task, &info);
    if (info.op == PTRACE_SYSCALL_INFO_EXIT && failing.task == task) {
        ptrace(PTRACE_POKEUSER, task, offsetof(struct user, regs.rax), (long)-failing.errnum);
        printf("struck %s %s\n", failing.name, strerrorname_np(failing.errnum));
        exit(0);
    }
}

static void on_stop(pid_t task, int status)
{
    int event = status >> 16, signal = WSTOPSIG(status);

    if (event == PTRACE_EVENT_EXEC && task != target) {
        ptrace(PTRACE_DETACH, task, NULL, NULL); /* a QEMU from here on, not the daemon any more */
        return;
    }
    if (signal == (SIGTRAP | 0x80))
        on_call(task);
    ptrace(PTRACE_SYSCALL, task, NULL, event || signal == (SIGTRAP | 0x80) ? 0L : (long)signal);
}

static void attach(void)
{
    const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                         PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;
    struct dirent *entry;
    char path[64];
    DIR *tasks;

    snprintf(path, sizeof(path), "/proc/%d/task", target);
    tasks = opendir(path);
    if (!tasks)
        exit(1);
    while ((entry = readdir(tasks))) {
        pid_t task = atoi(entry->d_name);

        if (!task)
            continue;
        if (ptrace(PTRACE_SEIZE, task, NULL, options) < 0)
            exit(errno == EPERM || errno == ENOSYS ? 77 : 1);
        ptrace(PTRACE_INTERRUPT, task, NULL, NULL);
        if (waitpid(task, NULL, __WALL) == task)
            ptrace(PTRACE_SYSCALL, task, NULL, NULL);
    }
    closedir(tasks);
}

int main(int argc, char **argv)
{
    sigset_t signals;

    if (argc != 4) {
        fprintf(stderr, "usage: strike PID kill|fail N\n");
        return 2;
    }
    target = atoi(argv[1]);
    killing = !strcmp(argv[2], "kill");
    wanted = strtoul(argv[3], NULL, 10);
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    attach();
    printf("ready\n");
    for (;;) {
        int status;
        pid_t task = waitpid(-1, &status, __WALL | WNOHANG);

        if (task > 0 && WIFSTOPPED(status))
            on_stop(task, status);
        else if (task < 0)
            break; /* the target is gone */
        else if (task == 0 && sigwaitinfo(&signals, NULL) == SIGTERM)
            break;
    }
    printf("counted %lu\n", counted);
    return 0;
}
#endif

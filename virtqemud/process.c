/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Process. The child is made by clone3 with CLONE_PIDFD and shares our memory until exec (CLONE_VFORK): the
 * daemon's size doesn't matter then. Between the two the child only makes system calls on what the parent
 * prepared.
 */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"

/* What the child works on and how it reports; memory is shared until exec. */
struct launch {
    const struct process_spec *spec;
    const sigset_t *mask;
    const char *failed; /* NULL: exec worked */
    int errnum;
};

static void set_limit(int resource, uint64_t value)
{
    struct rlimit limit = {value == UINT64_MAX ? RLIM_INFINITY : value,
                           value == UINT64_MAX ? RLIM_INFINITY : value};

    if (value)
        setrlimit(resource, &limit); /* more than our own hard limit without privilege: stays as it is */
}

static bool kept(const struct process_spec *spec, int fd)
{
    for (unsigned i = 0; i < spec->count_keep; i++)
        if (spec->keep[i] == fd)
            return true;
    return false;
}

/* Close every descriptor from 3 on that isn't kept: the gaps between the kept ones. */
static void close_others(const struct process_spec *spec)
{
    int from = 3, last = 2;

    for (unsigned i = 0; i < spec->count_keep; i++)
        if (spec->keep[i] > last)
            last = spec->keep[i];
    for (int fd = 3; fd <= last; fd++)
        if (kept(spec, fd)) {
            fcntl(fd, F_SETFD, 0);
            if (fd > from)
                syscall(SYS_close_range, from, fd - 1, 0);
            from = fd + 1;
        }
    syscall(SYS_close_range, from, ~0U, 0);
}

static int fail(struct launch *launch, const char *what)
{
    launch->errnum = errno;
    launch->failed = what;
    return 127;
}

static int set_memory_policy(const struct process_spec *spec)
{
    enum { NODES_MAX = 1024 };
    unsigned long mask[NODES_MAX / (8 * sizeof(unsigned long))] = {0};

    if (!spec->memory_policy)
        return 0;
    bitmap_to_bytes(spec->memory_nodes, mask, sizeof(mask));
    return (int)syscall(SYS_set_mempolicy, spec->memory_policy, mask, NODES_MAX + 1);
}

static int child(void *arg)
{
    struct launch *launch = arg;
    const struct process_spec *spec = launch->spec;
    struct sigaction action = {.sa_handler = SIG_DFL};
    int null;

    for (int signal = 1; signal < _NSIG; signal++)
        if (signal != SIGKILL && signal != SIGSTOP)
            sigaction(signal, &action, NULL);
    setsid();
    umask(022);
    null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, 0) < 0 || dup2(spec->output, 1) < 0 || dup2(spec->output, 2) < 0)
        return fail(launch, "cannot set up the descriptors");
    close_others(spec);
    set_limit(RLIMIT_CORE, spec->max_core);
    set_limit(RLIMIT_NOFILE, spec->max_files);
    set_limit(RLIMIT_NPROC, spec->max_processes);
    set_limit(RLIMIT_MEMLOCK, spec->max_memlock);
    if (set_memory_policy(spec) < 0)
        return fail(launch, "cannot bind memory to the host's nodes");
    if (chdir("/") < 0)
        return fail(launch, "cannot change to directory /");
    /* raw calls: libc's wrappers would change the credentials of the daemon's other threads */
    if (spec->gid != (gid_t)-1 && (syscall(SYS_setgroups, spec->count_groups, spec->groups) < 0 ||
                                   syscall(SYS_setresgid, spec->gid, spec->gid, spec->gid) < 0))
        return fail(launch, "cannot change the group");
    if (spec->uid != (uid_t)-1 && syscall(SYS_setresuid, spec->uid, spec->uid, spec->uid) < 0)
        return fail(launch, "cannot change the user");
    sigprocmask(SIG_SETMASK, launch->mask, NULL);
    execve(spec->argv[0], (char *const *)spec->argv, (char *const *)spec->env);
    return fail(launch, "cannot execute binary");
}

int process_spawn(const struct process_spec *spec, pid_t *ret_pid, int *ret_pidfd, struct err *err)
{
    enum { STACK = 64 << 10 };
    sigset_t all, none, old;
    struct launch launch = {.spec = spec, .mask = &none};
    auto_free char *stack = malloc(STACK);
    int pidfd = -1, errnum;
    pid_t pid;

    if (!stack)
        abort();
    sigfillset(&all);
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* no handler of ours may run in the child */
    pid = clone(child, stack + STACK, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &launch, &pidfd);
    errnum = errno;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (pid < 0)
        return err_system(err, errnum, "cannot fork child process");
    if (launch.failed) {
        siginfo_t info;

        waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED);
        close(pidfd);
        return err_system(err, launch.errnum, "%s of '%s'", launch.failed, spec->argv[0]);
    }
    *ret_pid = pid;
    *ret_pidfd = pidfd;
    return 0;
}

/* The fields of /proc/.../stat from the third on, "R" first; -errno when there is no such task. */
static int read_stat(const char *path, char text[512])
{
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;
    char *fields;

    if (fd < 0)
        return -errno;
    n = read(fd, text, 511);
    if (n <= 0)
        return n < 0 ? -errno : -ESRCH;
    text[n] = 0;
    fields = strrchr(text, ')'); /* the name may hold anything */
    if (!fields || !fields[1])
        return -EIO;
    memmove(text, fields + 2, strlen(fields + 2) + 1);
    return 0;
}

uint64_t process_start_time(pid_t pid)
{
    char path[64], text[512];
    unsigned long long start;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    if (pid <= 0 || read_stat(path, text) < 0 ||
        sscanf(text, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
               &start) != 1)
        return 0;
    return text[0] == 'Z' ? 0 : start;
}

int process_open(pid_t pid, uint64_t start_time)
{
    int fd = pid > 0 ? pidfd_open(pid, 0) : (errno = ESRCH, -1);

    if (fd < 0)
        return -errno;
    /* after the open: this pid can't be given to another process while pidfd's is alive */
    if (!start_time || process_start_time(pid) != start_time) {
        close(fd);
        return -ESRCH;
    }
    return fd;
}

pid_t process_thread(pid_t pid, int64_t thread)
{
    char path[64];

    if (pid <= 0 || thread <= 0 || thread > INT32_MAX)
        return 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, (int)thread);
    return access(path, F_OK) == 0 ? (pid_t)thread : 0;
}

int process_usage(pid_t pid, pid_t thread, uint64_t *ret_user, uint64_t *ret_system, uint64_t *ret_rss_kib,
                  int *ret_cpu)
{
    char path[96], text[512];
    unsigned long long user, system;
    long rss;
    int cpu, r;
    uint64_t tick = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);

    if (thread)
        snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, thread);
    else
        snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    r = read_stat(path, text);
    if (r < 0)
        return r;
    if (sscanf(text,
               "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d %*u %*u %ld "
               "%*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*d %d",
               &user, &system, &rss, &cpu) != 4)
        return -EIO;
    if (ret_user)
        *ret_user = user * tick;
    if (ret_system)
        *ret_system = system * tick;
    if (ret_rss_kib)
        *ret_rss_kib = (uint64_t)rss * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
    if (ret_cpu)
        *ret_cpu = cpu;
    return 0;
}

bool process_stopped(pid_t pid)
{
    char path[64], text[512];

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    return read_stat(path, text) == 0 && (text[0] == 'T' || text[0] == 't');
}

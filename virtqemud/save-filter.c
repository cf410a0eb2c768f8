/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/save-filter.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "loop/fiber.h"
#include "loop/work.h"

enum { WRITE, READ, BLOCK = 4096 };

/* By enum save_format; both read stdin and write stdout. */
static const char *const packers[SAVE_FORMAT_MAX][2][3] = {
    [SAVE_GZIP] = {{"gzip", "-c"}, {"gzip", "-dc"}},   [SAVE_BZIP2] = {{"bzip2", "-c"}, {"bzip2", "-dc"}},
    [SAVE_XZ] = {{"xz", "-c"}, {"xz", "-dc"}},         [SAVE_LZOP] = {{"lzop", "-c"}, {"lzop", "-dc"}},
    [SAVE_ZSTD] = {{"zstd", "-qc"}, {"zstd", "-qdc"}},
};

/* The rest behind the last whole block is written without O_DIRECT: dd knows. */
static const char *const past_cache[2][6] = {
    {"dd", "oflag=direct", "iflag=fullblock", "bs=1M", "status=none"},
    {"dd", "iflag=direct", "bs=1M", "status=none"},
};

static int spawn(const char *const *argv, int in, int out, int said, pid_t *ret)
{
    static const char *const env[] = {
        "LC_ALL=C", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int r;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, in, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, said, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    r = posix_spawnp(ret, argv[0], &actions, &attributes, (char *const *)argv, (char *const *)env);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -r;
}

static const char *const *program_of(enum save_format format, bool bypass_cache, bool reading, int file)
{
    if (format)
        return packers[format][reading];
    /* an image of whoever didn't think of blocks is read as any other */
    if (!bypass_cache || lseek(file, 0, SEEK_CUR) % BLOCK)
        return NULL;
    return past_cache[reading];
}

int save_filter_start(enum save_format format, bool bypass_cache, bool reading, int file,
                      struct save_filter *ret, struct err *err)
{
    const char *const *argv = program_of(format, bypass_cache, reading, file);
    auto_fd int near = -1, far = -1, said = -1, pidfd = -1;
    int ends[2], r;
    pid_t pid;

    *ret = (struct save_filter){.stream = file, .pidfd = -1, .said = -1};
    if (!argv)
        return 0;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_system(err, errno, "cannot make a pipe for '%s'", argv[0]);
    near = ends[reading ? 0 : 1];
    far = ends[reading ? 1 : 0];
    said = memfd_create("said", MFD_CLOEXEC);
    if (said < 0)
        return err_system(err, errno, "cannot make room for the words of '%s'", argv[0]);
    r = reading ? spawn(argv, file, far, said, &pid) : spawn(argv, far, file, said, &pid);
    if (r < 0)
        return err_set(err, ERR_OPERATION_FAILED, "cannot run '%s' for the saved state: %s", argv[0],
                       strerror(-r));
    pidfd = pidfd_open(pid, 0);
    if (pidfd < 0) {
        r = errno;
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return err_system(err, r, "cannot watch '%s'", argv[0]);
    }
    *ret = (struct save_filter){argv[0], FD_TAKE(near), FD_TAKE(pidfd), FD_TAKE(said)};
    return 0;
}

int save_filter_finish(struct req *rq, struct save_filter *filter)
{
    siginfo_t info = {0};
    char words[256];
    const char *line;
    ssize_t n;

    if (!filter->program)
        return 0;
    fd_close(&filter->stream);
    if (child_await(rq, filter->pidfd, SECONDS(3600), filter->program) < 0)
        return err_set(&rq->err, ERR_OPERATION_ABORTED, "'%s' doesn't come to its end", filter->program);
    waitid(P_PIDFD, (id_t)filter->pidfd, &info, WEXITED);
    fd_close(&filter->pidfd);
    if (info.si_code == CLD_EXITED && !info.si_status)
        return 0;
    n = pread(filter->said, words, sizeof(words) - 1, 0);
    words[n > 0 ? n : 0] = '\0';
    line = words + strspn(words, "\n");
    return err_set(&rq->err, ERR_OPERATION_FAILED, "'%s' failed with the saved state: %.*s", filter->program,
                   (int)strcspn(line, "\n"), line);
}

int save_filter_open(struct req *rq, enum save_format format, bool bypass_cache, int file,
                     struct save_filter *ret)
{
    int waiting = 0;

    if (save_filter_start(format, bypass_cache, /* reading= */ true, file, ret, &rq->err) < 0)
        return -1;
    if (!ret->program)
        return 0;
    if (fiber_poll(rq, ret->stream, EPOLLIN, SECONDS(600), ret->program) < 0)
        return err_set(&rq->err, ERR_OPERATION_ABORTED, "'%s' gives nothing of the saved state",
                       ret->program);
    /* its end alone is an event, too */
    if (ioctl(ret->stream, FIONREAD, &waiting) == 0 && waiting)
        return 0;
    return save_filter_finish(rq, ret) < 0
               ? -1
               : err_set(&rq->err, ERR_OPERATION_FAILED, "there is no state in the saved machine's file");
}

void save_filter_done(struct save_filter *filter)
{
    if (!filter->program)
        return;
    fd_close(&filter->stream);
    fd_close(&filter->said);
    if (filter->pidfd >= 0) {
        siginfo_t info;

        pidfd_send_signal(filter->pidfd, SIGKILL, NULL, 0);
        waitid(P_PIDFD, (id_t)filter->pidfd, &info, WEXITED);
    }
    fd_close(&filter->pidfd);
}

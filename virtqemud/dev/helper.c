/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Helper: programs that run beside a machine, or once for it. */
#define ERR_FROM ERR_FROM_QEMU

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "loop/loop.h"
#include "loop/work.h"
#include "virtqemud/dev/dev.h"
#include "virtqemud/process.h"

static int on_helper_end(sd_event_source *source, const siginfo_t *info, void *data UNUSED)
{
    log_debug("helper process %d ended with status %d", (int)info->si_pid, info->si_status);
    sd_event_source_set_floating(source, false); /* its last reference */
    return 0;
}

/* The loop collects a helper when it ends, before or after its machine. */
static void collect(int pidfd)
{
    sd_event_source *source = NULL;
    auto_fd int own = fcntl(pidfd, F_DUPFD_CLOEXEC, 3);

    if (own < 0 || sd_event_add_child_pidfd(loop_event(), &source, own, WEXITED, on_helper_end, NULL) < 0) {
        log_warning("nobody waits for the end of a helper process");
        return;
    }
    if (sd_event_source_set_child_pidfd_own(source, true) >= 0)
        FD_TAKE(own);
    sd_event_source_set_floating(source, true);
    sd_event_source_unref(source);
}

/* A helper of ours: a small environment, no limits of its own. A name without a slash is looked for. */
static int spawn(const char *const *argv, const int *keep, unsigned count_keep, int output, int *ret_pidfd,
                 struct err *err)
{
    static const char *const env[] = {
        "LC_ALL=C", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    static const char *const places[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                         "/usr/bin",        "/sbin",          "/bin"};
    struct process_spec spec = {.env = env,
                                .keep = keep,
                                .count_keep = count_keep,
                                .output = output,
                                .uid = (uid_t)-1,
                                .gid = (gid_t)-1,
                                .max_core = 0};
    auto_arena struct arena scratch = {0};
    const char **words, *program = argv[0];
    size_t n = 0;
    pid_t pid;

    for (size_t i = 0; !strchr(program, '/') && i < ARRAY_SIZE(places); i++) {
        const char *path = arena_printf(&scratch, "%s/%s", places[i], program);

        if (access(path, X_OK) == 0)
            program = path;
    }
    if (!strchr(program, '/'))
        return err_set(err, ERR_OPERATION_UNSUPPORTED, "'%s' isn't installed on this host", program);
    while (argv[n])
        n++;
    words = ARENA_ARRAY(&scratch, const char *, n + 1);
    memcpy(words, argv, n * sizeof(*words));
    words[0] = program;
    spec.argv = words;
    return process_spawn(&spec, &pid, ret_pidfd, err);
}

int build_spawn(struct build *build, const char *const *argv, const int *keep, unsigned count_keep,
                const char *log, struct err *err)
{
    auto_fd int output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600), pidfd = -1;

    if (output < 0)
        return err_system(err, errno, "failed to create logfile %s", log);
    if (spawn(argv, keep, count_keep, output, &pidfd, err) < 0)
        return -1;
    collect(pidfd);
    build_remember(build, UNDO_PROCESS, NULL, FD_TAKE(pidfd));
    return 0;
}

/* What it said, to the end of its last line. */
static void read_said(int fd, struct buf *text)
{
    enum { SAID_MAX = 4096 };
    ssize_t n;

    buf_reserve(text, SAID_MAX);
    n = pread(fd, text->data, SAID_MAX - 1, 0);
    while (n > 0 && (text->data[n - 1] == '\n' || text->data[n - 1] == ' '))
        n--;
    text->length = n > 0 ? (size_t)n : 0;
}

int helper_run(struct req *rq, const char *const *argv, const int *keep, unsigned count_keep, uint64_t usec)
{
    auto_fd int output = memfd_create("helper", MFD_CLOEXEC), pidfd = -1;
    auto_buf struct buf said = {0};
    siginfo_t info = {0};

    if (output < 0)
        return err_system(&rq->err, errno, "cannot make room for the output of '%s'", argv[0]);
    if (spawn(argv, keep, count_keep, output, &pidfd, &rq->err) < 0)
        return -1;
    if (child_await(rq, pidfd, usec, argv[0]) < 0) {
        collect(pidfd);
        return -1;
    }
    if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) == 0 && info.si_code == CLD_EXITED && !info.si_status)
        return 0;
    read_said(output, &said);
    return err_set(&rq->err, ERR_INTERNAL_ERROR, "Could not start '%s': %s", argv[0],
                   said.length ? buf_text(&said) : "it ended at once");
}

/* At the end of a machine nobody waits: the command runs beside. */
void helper_run_aside(const char *const *argv)
{
    auto_err struct err err = {0};
    auto_fd int output = open("/dev/null", O_RDWR | O_CLOEXEC), pidfd = -1;

    if (spawn(argv, NULL, 0, output, &pidfd, &err) < 0)
        log_warning("%s", err.message);
    else
        collect(pidfd);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asking a QEMU binary: it is started once per accelerator with no machine, gets every question in one write,
 * and is killed after the last answer. It runs as the unprivileged user, with nothing but its monitor and a
 * bounded place for what it says on stderr.
 */
#define ERR_FROM ERR_FROM_QEMU
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "host/kvm.h"
#include "base/time.h"
#include "loop/work.h"
#include "virtqemud/caps-internal.h"
#include "virtqemud/qmp.h"

enum {
    MONITOR_FD = 3,
    MESSAGE_MAX = 4096,           /* of stderr that an error shows */
    MESSAGE_FILE_MAX = 256 << 10, /* what QEMU may write there */
};
static const uint64_t probe_time = SECONDS(30); /* 0.2 s on an idle host; a loaded one is no reason to fail */

struct probe {
    const char *binary;
    pid_t pid;
    int pidfd, message;
    struct qmp *qmp;
    char *closed; /* why, "" when QEMU just ended */
};

static void probe_event(void *owner, const char *name, struct json_object *data, uint64_t seconds,
                        uint32_t micros)
{
}

static void probe_closed(void *owner, const char *why)
{
    struct probe *probe = owner;

    free(probe->closed);
    probe->closed = mem_strdup(why ? why : "");
}

static const struct qmp_handlers probe_handlers = {.event = probe_event, .closed = probe_closed};

/* In the child: become QEMU. Only system calls from here. */
static void become_qemu(const struct qemu_caps_config *config, const char *binary, const char *accel,
                        int monitor, int message)
{
    char *const argv[] = {(char *)binary,
                          "-S",
                          "-no-user-config",
                          "-nodefaults",
                          "-display",
                          "none",
                          "-machine",
                          (char *)accel,
                          "-chardev",
                          "socket,id=monitor,fd=3",
                          "-mon",
                          "chardev=monitor,mode=control",
                          NULL};
    char *const env[] = {"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    struct rlimit file = {MESSAGE_FILE_MAX, MESSAGE_FILE_MAX}, core = {0, 0};
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_FSIZE, &file);
    setrlimit(RLIMIT_CORE, &core);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    const gid_t kvm = kvm_group();

    /* the three may collide with the low numbers that they are to become: move them up first */
    null = fcntl(null, F_DUPFD_CLOEXEC, MONITOR_FD + 1);
    monitor = fcntl(monitor, F_DUPFD_CLOEXEC, MONITOR_FD + 1);
    message = fcntl(message, F_DUPFD_CLOEXEC, MONITOR_FD + 1);
    if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(message, 2) < 0 || dup2(monitor, MONITOR_FD) < 0)
        _exit(127);
    (void)syscall(SYS_close_range, MONITOR_FD + 1, ~0u, 0);
    if (config->uid != (uid_t)-1 &&
        (setgroups(kvm != (gid_t)-1, &kvm) < 0 || setresgid(config->gid, config->gid, config->gid) < 0 ||
         setresuid(config->uid, config->uid, config->uid) < 0)) {
        dprintf(2, "cannot change to user %u: %s", (unsigned)config->uid, strerror(errno));
        _exit(127);
    }
    execve(binary, argv, env);
    dprintf(2, "%s", strerror(errno));
    _exit(127);
}

static int probe_start(struct req *rq, struct probe *probe, const struct qemu_caps_config *config,
                       const char *accel)
{
    int pair[2];
    auto_fd int ours = -1, theirs = -1;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return err_system(&rq->err, errno, "cannot make a socket pair for the monitor of '%s'",
                          probe->binary);
    ours = pair[0];
    theirs = pair[1];
    probe->message = memfd_create("qemu-probe-stderr", MFD_CLOEXEC);
    if (probe->message < 0 || (probe->pid = fork()) < 0)
        return err_system(&rq->err, errno, "cannot start '%s' to ask for its capabilities", probe->binary);
    if (probe->pid == 0)
        become_qemu(config, probe->binary, accel, theirs, probe->message);
    probe->pidfd = (int)syscall(SYS_pidfd_open, probe->pid, 0);
    probe->qmp = qmp_new(FD_TAKE(ours), probe->binary, &probe_handlers, probe);
    return 0;
}

static void probe_end(struct req *rq, struct probe *probe)
{
    qmp_free(probe->qmp);
    if (probe->pid > 0) {
        kill(probe->pid, SIGKILL); /* not reaped yet, so it is still this process */
        fiber_shield(rq, true);
        if (probe->pidfd >= 0)
            (void)child_await(rq, probe->pidfd, SECONDS(5), "the end of QEMU after the probe");
        fiber_shield(rq, false);
        (void)waitpid(probe->pid, NULL, WNOHANG);
    }
    fd_close(&probe->pidfd);
    fd_close(&probe->message);
    free(probe->closed);
}

/* QEMU is gone or talks nonsense: its own words first. */
static int probe_failed(struct req *rq, struct probe *probe)
{
    char message[MESSAGE_MAX];
    ssize_t n = pread(probe->message, message, sizeof(message) - 1, 0);

    message[n > 0 ? n : 0] = '\0';
    for (char *c = message; *c; c++)
        if (*c == '\n' || (unsigned char)*c < ' ')
            *c = ' ';
    const char *said = str_trim(message);

    if (!*said && probe->closed && *probe->closed)
        said = probe->closed;
    if (!*said && !qmp_broken(probe->qmp))
        return -1; /* it didn't answer in time, or nobody wants to know any more: rq->err says so */
    if (!*said)
        said = "it ended without a word";
    err_clear(&rq->err);
    return err_set(&rq->err, ERR_INTERNAL_ERROR, "Failed to probe QEMU binary '%s' with QMP: %s",
                   probe->binary, said);
}

static int probe_ask(struct req *rq, struct probe *probe, struct qemu_caps *caps, enum qemu_accel accel,
                     bool whole)
{
    auto_arena struct arena arena = {0};
    struct caps_question *questions = caps_questions(&arena, accel, whole);
    size_t count = 0, taken = 0;
    uint64_t deadline = time_monotonic() + probe_time;
    int r;

    while (questions[count].command)
        count++;
    struct qmp_call hello = {0}, *calls = ARENA_ARRAY(&arena, struct qmp_call, count);

    r = qmp_put(rq, probe->qmp, &hello, "qmp_capabilities", NULL);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = qmp_put(rq, probe->qmp, &calls[i], questions[i].command, questions[i].args);
    if (r == 0)
        r = qmp_take(rq, &hello, NULL, probe_time);
    for (; r >= 0 && taken < count; taken++) {
        auto_json struct json_object *answer = NULL;
        uint64_t now = time_monotonic();

        r = qmp_take(rq, &calls[taken], &answer, now < deadline ? deadline - now : 1);
        if (r < 0 && !qmp_broken(probe->qmp) && now < deadline && !fiber_cancelled(rq)) {
            err_clear(&rq->err); /* "no such command" and the like: an answer too */
            r = 0;
        }
        if (r >= 0)
            caps_learn(caps, accel, &questions[taken], answer);
    }
    for (size_t i = taken; i < count; i++)
        qmp_drop(&calls[i]);
    qmp_drop(&hello);
    return r < 0 ? probe_failed(rq, probe) : 0;
}

static int probe_once(struct req *rq, const struct qemu_caps_config *config, struct qemu_caps *caps,
                      enum qemu_accel accel, bool whole)
{
    struct probe probe = {.binary = caps->binary, .pidfd = -1, .message = -1};
    int r = probe_start(rq, &probe, config, accel == QEMU_ACCEL_KVM ? "none,accel=kvm" : "none,accel=tcg");

    if (r == 0)
        r = probe_ask(rq, &probe, caps, accel, whole);
    probe_end(rq, &probe);
    return r;
}

int caps_probe(struct req *rq, const struct qemu_caps_config *config, bool kvm, struct qemu_caps *caps)
{
    /* A binary without TCG (or without KVM) still tells everything else with the other one. */
    if (kvm && probe_once(rq, config, caps, QEMU_ACCEL_KVM, true) == 0)
        caps->accel[QEMU_ACCEL_KVM].supported = true;
    bool whole = !caps->accel[QEMU_ACCEL_KVM].supported;

    if (whole && !fiber_cancelled(rq))
        err_clear(&rq->err);
    if (whole || qemu_caps_has(caps, QEMU_CAP_TCG)) {
        if (probe_once(rq, config, caps, QEMU_ACCEL_TCG, whole) < 0)
            return -1;
        caps->accel[QEMU_ACCEL_TCG].supported = true;
    }
    if (caps->version < 7002000)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED,
                       "QEMU version >= 7.2.0 is required, but '%s' is %u.%u.%u", caps->binary,
                       caps->version / 1000000, caps->version / 1000 % 1000, caps->version % 1000);
    if (str_empty(caps->arch) || !caps->machine_count)
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "QEMU binary '%s' does not say what it emulates",
                       caps->binary);
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Run: from a live QEMU to its end. Everything that start made is undone in run_end, in the opposite order,
 * and every part of it is fine with what was never made; so a failed start, a crash and a destroy all take
 * the same way.
 */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "loop/daemon.h"
#include "virtqemud/build.h"
#include "virtqemud/caps.h"
#include "virtqemud/console.h"
#include "virtqemud/device.h"
#include "virtqemud/hook.h"
#include "virtqemud/life.h"
#include "virtqemud/limits.h"
#include "virtqemud/owner.h"
#include "virtqemud/perf.h"
#include "virtqemud/process.h"
#include "virtqemud/qemud.h"
#include "virtqemud/qmp.h"
#include "virtqemud/scope.h"
#include "virtqemud/status.h"
#include "virtqemud/vms.h"

enum {
    LOG_TAIL_BYTES = 4096,
};
#define TERM_USEC SECONDS(10) /* what QEMU gets to flush its disks before SIGKILL */
#define KILL_USEC SECONDS(30) /* a killed process that isn't gone then hangs in the kernel (dead NFS) */

struct run *run_new(struct vm *vm, struct arena *arena, struct domain *domain)
{
    struct run *run = NEW(struct run);

    run->arena = *arena;
    memset(arena, 0, sizeof(*arena));
    run->domain = domain;
    run->vm = vm;
    run->pidfd = -1;
    run->since = time_monotonic();
    list_init(&run->waiters);
    list_init(&run->consoles);
    list_init(&run->unplugs);
    vm->run = run;
    vm_ref(vm);
    daemon_hold(qemud.daemon);
    return run;
}

static void run_free(struct run *run)
{
    console_let_go(run);
    device_let_go(run);
    client_unwatch(&run->autodestroy);
    watch_remove(&run->exit);
    sd_event_source_disable_unref(run->hung_up);
    sd_event_source_disable_unref(run->kill);
    fd_close(&run->pidfd);
    if (run->caps)
        qemu_caps_unref(run->caps);
    limits_free(run);
    perf_end(run);
    arena_done(&run->arena);
    free(run);
}

void run_abandon(struct run *run)
{
    qmp_free(run->qmp);
    sd_bus_slot_unref(run->scope_slot);
    run_free(run);
}

void run_log(const struct run *run, const char *format, ...)
{
    auto_fd int fd = run->log_path ? open(run->log_path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
    auto_buf struct buf line = {0};
    char stamp[TIME_TEXT];
    va_list args;

    if (fd < 0)
        return;
    time_format(time_real(), stamp);
    buf_printf(&line, "%s: ", stamp);
    va_start(args, format);
    buf_vprintf(&line, format, args);
    va_end(args);
    buf_add_char(&line, '\n');
    fd_write_all(fd, line.data, line.length);
}

const char *run_log_tail(const struct run *run, struct arena *arena)
{
    auto_fd int fd = run->log_path ? open(run->log_path, O_RDONLY | O_CLOEXEC) : -1;
    off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    off_t from = run->log_start > size - LOG_TAIL_BYTES ? run->log_start : size - LOG_TAIL_BYTES;
    char *text;
    ssize_t n;

    if (fd < 0 || size <= run->log_start || lseek(fd, from, SEEK_SET) < 0)
        return "";
    text = arena_alloc(arena, LOG_TAIL_BYTES + 1);
    n = fd_read_all(fd, text, LOG_TAIL_BYTES);
    while (n > 0 && text[n - 1] == '\n')
        n--;
    text[n > 0 ? n : 0] = 0;
    return text;
}

/* Row: an end's reason; its word in the log and for the hook. */
static const char *const stop_words[] = {
    [API_DOMAIN_SHUTOFF_UNKNOWN] = "unknown",     [API_DOMAIN_SHUTOFF_SHUTDOWN] = "shutdown",
    [API_DOMAIN_SHUTOFF_DESTROYED] = "destroyed", [API_DOMAIN_SHUTOFF_CRASHED] = "crashed",
    [API_DOMAIN_SHUTOFF_MIGRATED] = "migrated",   [API_DOMAIN_SHUTOFF_SAVED] = "saved",
    [API_DOMAIN_SHUTOFF_FAILED] = "failed",       [API_DOMAIN_SHUTOFF_FROM_SNAPSHOT] = "from snapshot",
    [API_DOMAIN_SHUTOFF_DAEMON] = "daemon",
};

/* A directory of this run alone, and what QEMU put into it. */
static void remove_dir(const char *dir)
{
    int r = dir ? file_remove_dir(dir) : 0;

    if (r < 0 && r != -ENOENT)
        log_warning("cannot remove '%s': %s", dir, strerror(-r));
}

void run_end(struct vm *vm, unsigned reason, unsigned detail)
{
    struct run *run = vm->run;
    struct run_waiter *waiter;
    bool was_up = run->up;

    if (run->ended)
        return;
    if (run->qmp)
        qmp_drain(run->qmp);
    run->ended = true;
    if (run->stop_reason) {
        reason = run->stop_reason;
        detail = run->stop_detail;
    }
    run_log(run, "shutting down, reason=%s", stop_words[reason]);
    log_info("domain '%s' (pid %d) ended: %s", vm->name, run->pid, stop_words[reason]);
    qmp_free(TAKE(run->qmp));
    build_undo(run->build);
    run->build = NULL;
    if (!vm->entry)
        tpm_forget(run->domain, /* always= */ false);
    owner_restore(run);
    limits_end(run);
    scope_leave(run);
    remove_dir(run->lib_dir);
    remove_dir(run->channel_dir);
    status_remove(vm);
    job_break(&vm->job, -ESHUTDOWN);
    job_reset(&vm->job);
    job_break(&vm->agent, -ESHUTDOWN);
    job_reset(&vm->agent);

    vms_deactivate(qemud.vms, vm);
    vm->run = NULL;
    vm_set_state(vm, API_DOMAIN_SHUTOFF, reason);
    if (vm->entry && !vm->remembered) {
        vm->remembered = true;
        vm_ref(vm);
    }
    hook_later(vm, run->domain, "stopped", stop_words[reason]);
    if (was_up)
        vm_emit_lifecycle(vm, API_DOMAIN_EVENT_STOPPED, (int)detail);
    LIST_FOREACH(&run->waiters, waiter, link) {
        list_remove(&waiter->link);
        wait_wake(&waiter->wait, 0);
    }
    run_free(run);
    vm_unref(vm);
    daemon_release(qemud.daemon);
}

/* The process is gone. How it went tells why, unless somebody knows better. */
static void on_exit_event(struct watch *watch, uint32_t events)
{
    struct run *run = CONTAINER_OF(watch, struct run, exit);
    struct vm *vm = run->vm;
    siginfo_t info = {0};

    if (run->ours && waitid(P_PIDFD, (id_t)run->pidfd, &info, WEXITED | WNOHANG) == 0 && info.si_pid)
        log_debug("domain '%s': QEMU %s %d", vm->name,
                  info.si_code == CLD_EXITED ? "exited with" : "killed by signal", info.si_status);
    vm_ref(vm);
    if (run->qmp)
        qmp_drain(run->qmp); /* its last words may say SHUTDOWN */
    if (vm->run == run && !run->up) {
        run->pid = 0;
        watch_remove(watch);
        qmp_free(TAKE(run->qmp)); /* machine_start waits for an answer, or comes by soon; it ends the run */
        if (!run->starting)
            run_end(vm, API_DOMAIN_SHUTOFF_FAILED, API_DOMAIN_EVENT_STOPPED_FAILED);
    } else if (vm->run == run) {
        if (run->got_shutdown)
            run_end(vm, API_DOMAIN_SHUTOFF_SHUTDOWN, API_DOMAIN_EVENT_STOPPED_SHUTDOWN);
        else
            run_end(vm, API_DOMAIN_SHUTOFF_CRASHED, API_DOMAIN_EVENT_STOPPED_FAILED);
    }
    vm_unref(vm);
}

int run_watch(struct vm *vm)
{
    return watch_add(&vm->run->exit, vm->run->pidfd, EPOLLIN, on_exit_event);
}

int run_await_end(struct req *rq, struct vm *vm, uint64_t usec)
{
    struct run_waiter waiter = {0};
    int r;

    if (!vm->run)
        return 0;
    list_append(&vm->run->waiters, &waiter.link);
    r = fiber_await(rq, &waiter.wait, usec, "the end of QEMU");
    list_remove(&waiter.link);
    return r;
}

static int on_kill_time(sd_event_source *source, uint64_t usec, void *arg)
{
    struct run *run = arg;

    log_warning("domain '%s': QEMU (pid %d) does not end on SIGTERM, killing it", run->vm->name, run->pid);
    pidfd_send_signal(run->pidfd, SIGKILL, NULL, 0);
    return 0;
}

int machine_stop(struct req *rq, struct vm *vm, bool graceful, unsigned reason, unsigned detail)
{
    struct run *run = vm->run;
    int r;

    if (!run)
        return 0;
    run->ending = true;
    run->stop_reason = (uint8_t)reason;
    run->stop_detail = (uint8_t)detail;
    vm_ref(vm);
    if (run->pidfd >= 0 && pidfd_send_signal(run->pidfd, SIGTERM, NULL, 0) == 0 && !graceful) {
        /* one that is stopped (SIGSTOP, a debugger) hears only SIGKILL */
        if (process_stopped(run->pid))
            pidfd_send_signal(run->pidfd, SIGKILL, NULL, 0);
        else if (!run->kill)
            sd_event_add_time_relative(loop_event(), &run->kill, CLOCK_MONOTONIC, TERM_USEC, 0, on_kill_time,
                                       run);
    }
    r = run_await_end(rq, vm, graceful ? TERM_USEC : KILL_USEC);
    if (r == -ETIMEDOUT && vm->run == run) {
        run->ending = false;
        run->stop_reason = 0;
        r = err_set(&rq->err, ERR_OPERATION_FAILED, "failed to kill qemu process with SIG%s",
                    graceful ? "TERM" : "KILL");
    } else if (r < 0 && vm->run == run) {
        r = err_set(&rq->err, ERR_OPERATION_ABORTED, "gave up waiting for the end of domain '%s'", vm->name);
    } else {
        r = 0;
    }
    vm_unref(vm);
    return r;
}

static void stop_main(struct req *rq, void *arg)
{
    struct vm *vm = arg;

    if (vm->run && machine_stop(rq, vm, false, vm->run->stop_reason, vm->run->stop_detail) < 0)
        log_error("domain '%s': %s", vm->name, rq->err.message);
}

static void stop_done(struct req *rq, void *arg)
{
    arena_done(&rq->arena);
    err_clear(&rq->err);
    free(rq);
    vm_unref(arg);
}

void machine_stop_later(struct vm *vm, unsigned reason, unsigned detail)
{
    struct req *rq = NEW(struct req);

    rq->name = "stop";
    vm->run->stop_reason = (uint8_t)reason;
    vm->run->stop_detail = (uint8_t)detail;
    fiber_start(rq, stop_main, stop_done, vm_ref(vm));
}

int machine_pause(struct req *rq, struct vm *vm, unsigned reason)
{
    struct qmp *qmp = vm_monitor(rq, vm);
    int r;

    if (!qmp)
        return -1;
    vm->run->pause_reason = (uint8_t)reason;
    r = qmp_call(rq, qmp, "stop", NULL, NULL, SECONDS(30));
    if (vm->run)
        vm->run->pause_reason = 0;
    return r;
}

int machine_resume(struct req *rq, struct vm *vm, unsigned reason)
{
    struct qmp *qmp = vm_monitor(rq, vm);
    int r;

    if (!qmp)
        return -1;
    vm->run->resume_reason = (uint8_t)reason;
    r = qmp_call(rq, qmp, "cont", NULL, NULL, SECONDS(30));
    if (vm->run)
        vm->run->resume_reason = 0;
    return r;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reconnect: after the daemon's restart each status file is a machine that ran. One fiber a machine: the
 * lists know it at once, with the state that was written last; its monitor is asked what has happened since.
 */
#define ERR_FROM ERR_FROM_QEMU
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/file.h"
#include "base/local.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "loop/fiber.h"
#include "model/domain/domain.h"
#include "virtqemud/build.h"
#include "virtqemud/caps.h"
#include "virtqemud/events.h"
#include "virtqemud/iothread.h"
#include "virtqemud/life.h"
#include "virtqemud/limits.h"
#include "virtqemud/process.h"
#include "virtqemud/qemud.h"
#include "virtqemud/qmp.h"
#include "virtqemud/run.h"
#include "virtqemud/status.h"
#include "virtqemud/vcpu.h"
#include "virtqemud/vms.h"

/* Row: what query-status says; the machine's state. The reason is only used when it differs from the one
 * known. */
static const struct {
    const char *name;
    uint8_t state, reason;
} rows[] = {
    {"running", API_DOMAIN_RUNNING, API_DOMAIN_RUNNING_UNKNOWN},
    {"debug", API_DOMAIN_RUNNING, API_DOMAIN_RUNNING_UNKNOWN},
    {"paused", API_DOMAIN_PAUSED, API_DOMAIN_PAUSED_UNKNOWN},
    {"prelaunch", API_DOMAIN_PAUSED, API_DOMAIN_PAUSED_UNKNOWN},
    {"inmigrate", API_DOMAIN_PAUSED, API_DOMAIN_PAUSED_MIGRATION},
    {"postmigrate", API_DOMAIN_PAUSED, API_DOMAIN_PAUSED_MIGRATION},
    {"finish-migrate", API_DOMAIN_PAUSED, API_DOMAIN_PAUSED_MIGRATION},
    {"save-vm", API_DOMAIN_PAUSED, API_DOMAIN_PAUSED_SAVE},
    {"restore-vm", API_DOMAIN_PAUSED, API_DOMAIN_PAUSED_UNKNOWN},
    {"io-error", API_DOMAIN_PAUSED, API_DOMAIN_PAUSED_IOERROR},
    {"internal-error", API_DOMAIN_PAUSED, API_DOMAIN_PAUSED_UNKNOWN},
    {"watchdog", API_DOMAIN_PAUSED, API_DOMAIN_PAUSED_WATCHDOG},
    {"guest-panicked", API_DOMAIN_CRASHED, API_DOMAIN_CRASHED_PANICKED},
    {"shutdown", API_DOMAIN_SHUTDOWN, API_DOMAIN_SHUTDOWN_UNKNOWN},
    {"suspended", API_DOMAIN_PMSUSPENDED, 0},
};

/* Bring the state up to what QEMU says; a power-off that nobody heard is worked off now. */
static void adopt_state(struct vm *vm, const char *name)
{
    for (size_t i = 0; name && i < ARRAY_SIZE(rows); i++) {
        if (strcmp(rows[i].name, name))
            continue;
        if (rows[i].state == API_DOMAIN_SHUTDOWN)
            life_happened(vm, HAPPENED_GUEST_OFF);
        else if (rows[i].state != vm->state)
            vm_set_state(vm, rows[i].state, rows[i].reason);
        return;
    }
}

/* When the process began; 0 when it isn't this machine's, since its number was given to another one. */
static uint64_t start_time_of(const struct run *run, const char *uuid)
{
    auto_free char *path = mem_printf("/proc/%d/cmdline", run->pid);
    auto_buf struct buf arguments = {0};
    bool same = file_read(AT_FDCWD, path, 1 << 20, &arguments) >= 0 && arguments.length &&
                memmem(arguments.data, arguments.length, uuid, UUID_TEXT - 1);

    return same ? process_start_time(run->pid) : 0;
}

static int open_process(struct vm *vm, const struct status *status)
{
    struct run *run = vm->run;
    uint64_t start = status->start_time;
    char uuid[UUID_TEXT];

    run->pid = (pid_t)status->pid;
    if (!start) /* stock's file doesn't say */
        start = start_time_of(run, uuid_format(vm->uuid, uuid));
    run->start_time = start;
    run->pidfd = process_open(run->pid, start);
    return run->pidfd < 0 ? run->pidfd : run_watch(vm);
}

/* A new connection to the monitor, and what is asked first. */
static int greet(struct req *rq, struct vm *vm, bool starting, struct json_object **ret_state,
                 struct json_object **ret_cpus)
{
    auto_free char *whose = mem_printf("domain '%s'", vm->name);
    struct qmp_call hello = {0}, status = {0}, cpus = {0};
    struct run *run = vm->run;
    struct qmp *qmp;
    int fd = local_connect(run->monitor_path), r;

    if (fd < 0)
        return err_system(&rq->err, fd, "failed to connect to monitor socket");
    qmp = run->qmp = qmp_new(fd, whose, &run_qmp_handlers, vm);
    r = qmp_put(rq, qmp, &hello, "qmp_capabilities", NULL) < 0 ||
                qmp_put(rq, qmp, &status, starting ? "quit" : "query-status", NULL) < 0 ||
                qmp_put(rq, qmp, &cpus, "query-cpus-fast", NULL) < 0
            ? -1
            : 0;
    /* one that is stopped may go on later; others don't wait for it */
    r = r < 0 ? r : qmp_take(rq, &hello, NULL, SECONDS(3600));
    r = r < 0 ? r : qmp_take(rq, &status, ret_state, SECONDS(60));
    r = r < 0 ? r : qmp_take(rq, &cpus, ret_cpus, SECONDS(60));
    qmp_drop(&hello);
    qmp_drop(&status);
    qmp_drop(&cpus);
    return r < 0 || vm->run != run ? -1 : 0;
}

static int reconnect(struct req *rq, struct vm *vm, bool starting, bool known)
{
    auto_json struct json_object *state = NULL, *list = NULL;
    struct run *run = vm->run;

    if (greet(rq, vm, starting, &state, &list) < 0)
        return -1;
    if (known) {
        adopt_state(vm, json_string(state, "status"));
        return 0;
    }
    vcpu_learn(run, list);
    if (iothread_learn(rq, vm) < 0 || vm->run != run)
        return -1;
    limits_find(run);
    if (qemu_caps_get(rq, run->domain->devices.emulator, &run->caps) < 0)
        err_clear(&rq->err); /* the binary was removed or replaced: what needs it says so */
    adopt_state(vm, json_string(state, "status"));
    if (vm->run == run)
        status_save(vm);
    return 0;
}

struct found {
    struct req rq;
    struct vm *vm;
    bool starting; /* the old daemon died in the middle of a start: this machine is nobody's */
    bool orphan;   /* it lives only as long as a client whose connection ended with the old daemon */
    bool known;    /* a machine of ours whose QEMU hung up */
};

static void reconnect_main(struct req *rq, void *arg)
{
    struct found *found = arg;
    struct vm *vm = found->vm;
    struct run *run = vm->run;
    int r;

    if (!run)
        return;
    run->reconnecting = true;
    qmp_free(TAKE(run->qmp));
    r = reconnect(rq, vm, found->starting, found->known);
    /* QEMU 7.2 now and then hangs up on a client that comes in the moment in which another one leaves */
    for (int tries = 0; r < 0 && tries < 5 && !found->starting && vm->run == run; tries++) {
        if ((run->qmp && !qmp_broken(run->qmp)) ||
            fiber_sleep(rq, MILLISECONDS(100), "another try with the monitor") < 0)
            break;
        if (vm->run != run)
            return;
        err_clear(&rq->err);
        qmp_free(TAKE(run->qmp));
        r = reconnect(rq, vm, found->starting, found->known);
    }
    if (vm->run != run)
        return;
    run->reconnecting = false;
    if (r == 0 && !found->starting) {
        log_info("domain '%s' (pid %d) found again", vm->name, run->pid);
        if (found->orphan)
            machine_stop(rq, vm, false, API_DOMAIN_SHUTOFF_DESTROYED, API_DOMAIN_EVENT_STOPPED_DESTROYED);
        return;
    }
    if (found->starting) {
        log_warning("domain '%s' was not fully started, killing it", vm->name);
        if (run->pid)
            pidfd_send_signal(run->pidfd, SIGKILL, NULL, 0);
        else
            run_end(vm, API_DOMAIN_SHUTOFF_FAILED, API_DOMAIN_EVENT_STOPPED_FAILED);
    } else {
        log_error("domain '%s' runs (pid %d) but its monitor can't be used: %s", vm->name, run->pid,
                  rq->err.message);
        if (found->known)
            event_control_error(vm);
    }
}

static void reconnect_done(struct req *rq, void *arg)
{
    struct found *found = arg;

    arena_done(&rq->arena);
    err_clear(&rq->err);
    vm_unref(found->vm);
    free(found);
}

static void begin(struct found *found, struct vm *vm)
{
    found->rq.name = "reconnect";
    found->vm = vm_ref(vm);
    fiber_start(&found->rq, reconnect_main, reconnect_done, found);
}

static int on_hung_up(sd_event_source *source, uint64_t usec, void *arg)
{
    struct vm *vm = arg;
    struct run *run = vm->run;
    struct found *found;

    if (run->ending || run->reconnecting || !run->qmp || !qmp_broken(run->qmp))
        return 0;
    log_warning("domain '%s': QEMU (pid %d) closed its monitor and lives on", vm->name, run->pid);
    found = NEW(struct found);
    found->known = true;
    begin(found, vm);
    return 0;
}

void run_hung_up(struct vm *vm)
{
    struct run *run = vm->run;

    run->hung_up = sd_event_source_disable_unref(run->hung_up);
    if (run->up)
        sd_event_add_time_relative(loop_event(), &run->hung_up, CLOCK_MONOTONIC, SECONDS(1), 0, on_hung_up,
                                   vm);
}

/* Make the vm and its run from the status; it is listed from here on. */
static void adopt(const char *name, struct arena *arena, struct status *status)
{
    auto_vm struct vm *vm = NULL;
    auto_err struct err err = {0};
    struct found *found;
    struct run *run;
    int r;

    if (vms_check_free(qemud.vms, status->domain->name, status->domain->uuid, false, &vm, &err) < 0) {
        log_error("'%s/%s.xml': %s", qemud.dirs.state, name, err.message);
        arena_done(arena);
        return;
    }
    if (!vm)
        vm = vms_add(qemud.vms, status->domain->name, status->domain->uuid);
    run = run_new(vm, arena, status->domain);
    run->up = true;
    run->fake_reboot = status->fake_reboot;
    run->monitor_path = status->monitor_path;
    run->lib_dir = status->lib_dir;
    run->channel_dir = status->channel_dir;
    run->found = status;
    run->machine_name = status->machine_name;
    run->balloon_kib = status->balloon_kib ? status->balloon_kib : status->domain->memory.current;
    run->log_path = arena_printf(&run->arena, "%s/%s.log", qemud.dirs.log, vm->name);
    run->pid_file = true;
    run->owned = UINT32_MAX;
    run->build = build_found(&run->arena, status->domain, run->lib_dir);
    vms_activate(qemud.vms, vm,
                 status->domain->id.set ? (int32_t)status->domain->id.value : vms_next_id(qemud.vms));
    vm_set_state(vm, status->state, status->reason);

    found = NEW(struct found);
    found->starting = status->state == API_DOMAIN_PAUSED && status->reason == API_DOMAIN_PAUSED_STARTING_UP;
    found->orphan = status->autodestroy;
    run->up = !found->starting;
    r = status->pid ? open_process(vm, status) : 0;
    if (r < 0) { /* it ended while nobody looked: not by a power-off, since QEMU waits for us then
                    (-no-shutdown) */
        free(found);
        run_end(vm, API_DOMAIN_SHUTOFF_CRASHED, API_DOMAIN_EVENT_STOPPED_FAILED);
        return;
    }
    begin(found, vm);
}

void reconnect_all(void)
{
    auto_strv char **names = NULL;

    if (file_list(AT_FDCWD, qemud.dirs.state, &names) < 0)
        return;
    for (char **file = names; *file; file++) {
        auto_free char *name = str_ends(*file, ".xml") ? mem_strndup(*file, strlen(*file) - 4) : NULL;
        struct arena arena = {0};
        auto_err struct err err = {0};
        struct status *status;

        if ((*file)[0] == '.' && str_ends(*file, ".new")) { /* an earlier daemon was killed while it wrote */
            auto_free char *path = mem_printf("%s/%s", qemud.dirs.state, *file);

            unlink(path);
        }
        if (!name)
            continue;
        status = status_read(name, &arena, &err);
        if (status && status->domain && str_eq(status->domain->name, name)) {
            adopt(name, &arena, status);
        } else {
            log_error("'%s/%s' is left alone: %s", qemud.dirs.state, *file,
                      err_is_set(&err) ? err.message : "it names another domain");
            arena_done(&arena);
        }
    }
}

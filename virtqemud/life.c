/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The [state][happening] table. Each cell is one small function; an empty cell is a pair that means nothing:
 * QEMU says STOP after a power-off, for example, and the machine is "in shutdown" already.
 */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/life.h"

#include <signal.h>
#include <sys/pidfd.h>

#include "base/log.h"
#include "loop/fiber.h"
#include "model/domain/domain.h"
#include "virtqemud/events.h"
#include "virtqemud/qmp.h"
#include "virtqemud/status.h"

/* Row: reason of PAUSED or RUNNING; what clients are told about it. */
static const int suspended_details[] = {
    [API_DOMAIN_PAUSED_UNKNOWN] = API_DOMAIN_EVENT_SUSPENDED_PAUSED,
    [API_DOMAIN_PAUSED_USER] = API_DOMAIN_EVENT_SUSPENDED_PAUSED,
    [API_DOMAIN_PAUSED_MIGRATION] = API_DOMAIN_EVENT_SUSPENDED_MIGRATED,
    [API_DOMAIN_PAUSED_SAVE] = API_DOMAIN_EVENT_SUSPENDED_PAUSED,
    [API_DOMAIN_PAUSED_DUMP] = API_DOMAIN_EVENT_SUSPENDED_PAUSED,
    [API_DOMAIN_PAUSED_IOERROR] = API_DOMAIN_EVENT_SUSPENDED_IOERROR,
    [API_DOMAIN_PAUSED_WATCHDOG] = API_DOMAIN_EVENT_SUSPENDED_WATCHDOG,
    [API_DOMAIN_PAUSED_FROM_SNAPSHOT] = API_DOMAIN_EVENT_SUSPENDED_FROM_SNAPSHOT,
    [API_DOMAIN_PAUSED_SHUTTING_DOWN] = API_DOMAIN_EVENT_SUSPENDED_PAUSED,
    [API_DOMAIN_PAUSED_SNAPSHOT] = API_DOMAIN_EVENT_SUSPENDED_PAUSED,
    [API_DOMAIN_PAUSED_CRASHED] = API_DOMAIN_EVENT_SUSPENDED_PAUSED,
    [API_DOMAIN_PAUSED_STARTING_UP] = API_DOMAIN_EVENT_SUSPENDED_PAUSED,
    [API_DOMAIN_PAUSED_POSTCOPY] = API_DOMAIN_EVENT_SUSPENDED_POSTCOPY,
    [API_DOMAIN_PAUSED_POSTCOPY_FAILED] = API_DOMAIN_EVENT_SUSPENDED_POSTCOPY_FAILED,
    [API_DOMAIN_PAUSED_API_ERROR] = API_DOMAIN_EVENT_SUSPENDED_API_ERROR,
};

int life_suspended_detail(unsigned paused_reason)
{
    return paused_reason < ARRAY_SIZE(suspended_details) ? suspended_details[paused_reason] : 0;
}

int life_resumed_detail(unsigned running_reason)
{
    switch (running_reason) {
    case API_DOMAIN_RUNNING_MIGRATED:
        return API_DOMAIN_EVENT_RESUMED_MIGRATED;
    case API_DOMAIN_RUNNING_RESTORED:
    case API_DOMAIN_RUNNING_FROM_SNAPSHOT:
        return API_DOMAIN_EVENT_RESUMED_FROM_SNAPSHOT;
    case API_DOMAIN_RUNNING_POSTCOPY:
        return API_DOMAIN_EVENT_RESUMED_POSTCOPY;
    case API_DOMAIN_RUNNING_POSTCOPY_FAILED:
        return API_DOMAIN_EVENT_RESUMED_POSTCOPY_FAILED;
    default:
        return API_DOMAIN_EVENT_RESUMED_UNPAUSED;
    }
}

/* From now on the machine ends; whoever wrote a reason first keeps it. */
static void end(struct vm *vm, unsigned reason, unsigned detail)
{
    struct run *run = vm->run;

    if (!run->stop_reason) {
        run->stop_reason = (uint8_t)reason;
        run->stop_detail = (uint8_t)detail;
    }
    pidfd_send_signal(run->pidfd, SIGTERM, NULL, 0);
}

static void paused(struct vm *vm, unsigned reason)
{
    vm->run->pause_reason = 0;
    vm_set_state(vm, API_DOMAIN_PAUSED, reason);
    vm_emit_lifecycle(vm, API_DOMAIN_EVENT_SUSPENDED, life_suspended_detail(reason));
    status_save(vm);
}

static void on_stop(struct vm *vm)
{
    paused(vm, vm->run->pause_reason);
}

static void on_watchdog(struct vm *vm)
{
    paused(vm, API_DOMAIN_PAUSED_WATCHDOG);
}

static void on_io_error(struct vm *vm)
{
    paused(vm, API_DOMAIN_PAUSED_IOERROR);
}

static void on_resume(struct vm *vm)
{
    unsigned reason = vm->run->resume_reason ? vm->run->resume_reason : API_DOMAIN_RUNNING_UNPAUSED;

    vm->run->resume_reason = 0;
    vm_set_state(vm, API_DOMAIN_RUNNING, reason);
    vm_emit_lifecycle(vm, API_DOMAIN_EVENT_RESUMED, life_resumed_detail(reason));
    status_save(vm);
}

/* A reset in place of an end: reset, then go on. In a fiber, since nobody else waits for the monitor here. */
static void reboot_main(struct req *rq, void *arg)
{
    struct vm *vm = arg;
    struct qmp *qmp = vm_monitor(rq, vm);

    if (!qmp || qmp_call(rq, qmp, "system_reset", NULL, NULL, SECONDS(30)) < 0 ||
        machine_resume(rq, vm, API_DOMAIN_RUNNING_BOOTED) < 0) {
        log_error("domain '%s' does not come back from a reboot: %s", vm->name, rq->err.message);
        if (vm->run)
            end(vm, API_DOMAIN_SHUTOFF_CRASHED, API_DOMAIN_EVENT_STOPPED_FAILED);
    }
}

static void reboot_done(struct req *rq, void *arg)
{
    arena_done(&rq->arena);
    err_clear(&rq->err);
    free(rq);
    vm_unref(arg);
}

static void reboot(struct vm *vm)
{
    struct req *rq = NEW(struct req);

    vm->run->fake_reboot = false;
    rq->name = "reboot";
    vm_set_state(vm, API_DOMAIN_PAUSED, API_DOMAIN_PAUSED_SHUTTING_DOWN);
    fiber_start(rq, reboot_main, reboot_done, vm_ref(vm));
}

static void off(struct vm *vm, int detail)
{
    bool again = vm->run->fake_reboot || vm->run->domain->on_poweroff == ACTION_RESTART;

    vm->run->got_shutdown = true;
    /* a machine that was saved, or ends for its dump, is not shut down */
    if (vm->run->stop_reason == API_DOMAIN_SHUTOFF_SAVED ||
        vm->run->stop_reason == API_DOMAIN_SHUTOFF_CRASHED)
        return;
    vm_set_state(vm, API_DOMAIN_SHUTDOWN, API_DOMAIN_SHUTDOWN_UNKNOWN);
    vm_emit_lifecycle(vm, API_DOMAIN_EVENT_SHUTDOWN, detail);
    if (vm->run->ending)
        return;
    if (again && detail == API_DOMAIN_EVENT_SHUTDOWN_GUEST) {
        vm->run->got_shutdown = false;
        reboot(vm);
        return;
    }
    end(vm, API_DOMAIN_SHUTOFF_SHUTDOWN, API_DOMAIN_EVENT_STOPPED_SHUTDOWN);
}

static void on_guest_off(struct vm *vm)
{
    off(vm, API_DOMAIN_EVENT_SHUTDOWN_GUEST);
}

static void on_host_off(struct vm *vm)
{
    off(vm, API_DOMAIN_EVENT_SHUTDOWN_HOST);
}

static void on_reset(struct vm *vm)
{
    enum domain_action action = vm->run->domain->on_reboot;

    if (action != ACTION_DESTROY && action != ACTION_PRESERVE)
        event_reboot(vm);
    else
        end(vm, API_DOMAIN_SHUTOFF_SHUTDOWN, API_DOMAIN_EVENT_STOPPED_SHUTDOWN);
}

static void on_suspend(struct vm *vm)
{
    vm_set_state(vm, API_DOMAIN_PMSUSPENDED, API_DOMAIN_NOSTATE_UNKNOWN);
    vm_emit_lifecycle(vm, API_DOMAIN_EVENT_PMSUSPENDED, API_DOMAIN_EVENT_PMSUSPENDED_MEMORY);
    status_save(vm);
    event_pmsuspend(vm);
}

static void on_suspend_disk(struct vm *vm)
{
    vm_set_state(vm, API_DOMAIN_PMSUSPENDED, API_DOMAIN_NOSTATE_UNKNOWN);
    vm_emit_lifecycle(vm, API_DOMAIN_EVENT_PMSUSPENDED, API_DOMAIN_EVENT_PMSUSPENDED_DISK);
    status_save(vm);
    event_pmsuspend_disk(vm);
}

static void on_wakeup(struct vm *vm)
{
    vm_set_state(vm, API_DOMAIN_RUNNING, API_DOMAIN_RUNNING_WAKEUP);
    vm_emit_lifecycle(vm, API_DOMAIN_EVENT_STARTED, API_DOMAIN_EVENT_STARTED_WAKEUP);
    status_save(vm);
    event_pmwakeup(vm);
}

static void on_panic(struct vm *vm)
{
    enum domain_action action = vm->run->domain->on_crash;

    vm_set_state(vm, API_DOMAIN_CRASHED, API_DOMAIN_CRASHED_PANICKED);
    vm_emit_lifecycle(vm, API_DOMAIN_EVENT_CRASHED, API_DOMAIN_EVENT_CRASHED_PANICKED);
    status_save(vm);
    if (action == ACTION_COREDUMP_DESTROY || action == ACTION_COREDUMP_RESTART)
        log_warning("domain '%s' crashed; core dumps of guests can't be made yet", vm->name);
    switch (action) {
    case ACTION_RESTART:
    case ACTION_RENAME_RESTART:
    case ACTION_COREDUMP_RESTART:
        reboot(vm);
        break;
    case ACTION_PRESERVE:
        break;
    default:
        end(vm, API_DOMAIN_SHUTOFF_CRASHED, API_DOMAIN_EVENT_STOPPED_CRASHED);
        break;
    }
}

typedef void action(struct vm *vm);

/* clang-format off */
static action *const actions[][HAPPENED_MAX] = {
    [API_DOMAIN_RUNNING] = {
        [HAPPENED_STOP] = on_stop,             [HAPPENED_GUEST_OFF] = on_guest_off, [HAPPENED_HOST_OFF] = on_host_off,
        [HAPPENED_RESET] = on_reset,           [HAPPENED_SUSPEND] = on_suspend,     [HAPPENED_SUSPEND_DISK] = on_suspend_disk,
        [HAPPENED_PANIC] = on_panic,           [HAPPENED_WATCHDOG] = on_watchdog,   [HAPPENED_IO_ERROR] = on_io_error,
    },
    [API_DOMAIN_PAUSED] = {
        [HAPPENED_RESUME] = on_resume,         [HAPPENED_GUEST_OFF] = on_guest_off, [HAPPENED_HOST_OFF] = on_host_off,
        [HAPPENED_RESET] = on_reset,           [HAPPENED_PANIC] = on_panic,
    },
    [API_DOMAIN_SHUTDOWN] = {
        [HAPPENED_RESET] = on_reset,           [HAPPENED_RESUME] = on_resume,
    },
    [API_DOMAIN_CRASHED] = {
        [HAPPENED_RESUME] = on_resume,         [HAPPENED_GUEST_OFF] = on_guest_off, [HAPPENED_HOST_OFF] = on_host_off,
        [HAPPENED_RESET] = on_reset,
    },
    [API_DOMAIN_PMSUSPENDED] = {
        [HAPPENED_WAKEUP] = on_wakeup,         [HAPPENED_RESUME] = on_resume,       [HAPPENED_STOP] = on_stop,
        [HAPPENED_GUEST_OFF] = on_guest_off,   [HAPPENED_HOST_OFF] = on_host_off,   [HAPPENED_RESET] = on_reset,
    },
};
/* clang-format on */

void life_happened(struct vm *vm, enum happening happening)
{
    action *act = vm->state < ARRAY_SIZE(actions) ? actions[vm->state][happening] : NULL;

    if (act && vm->run && !vm->run->ended)
        act(vm);
}

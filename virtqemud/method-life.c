/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods of a machine's life: start, stop, pause, and what a guest is asked to do itself. */
#define ERR_FROM ERR_FROM_QEMU
#include "base/str.h"
#include "model/domain/domain.h"
#include "virtqemud/build.h"
#include "virtqemud/channel.h"
#include "virtqemud/definition.h"
#include "virtqemud/method.h"
#include "virtqemud/qemud.h"
#include "virtqemud/qmp.h"
#include "virtqemud/run.h"
#include "virtqemud/save.h"
#include "virtqemud/status.h"

#define QMP_USEC SECONDS(30)

struct wire_domain method_reference(struct req *rq, const struct vm *vm)
{
    struct wire_domain dom = {.name = arena_strdup(&rq->arena, vm->name), .id = vm->id};

    memcpy(dom.uuid, vm->uuid, UUID_SIZE);
    return dom;
}

int method_flags_exclude(struct req *rq, unsigned flags, unsigned one, const char *one_name, unsigned other,
                         const char *other_name)
{
    if (!(flags & one) || !(flags & other))
        return 0;
    return err_set_bare(&rq->err, ERR_INVALID_ARG,
                        "Flags 'VIR_DOMAIN_%s' and 'VIR_DOMAIN_%s' are mutually exclusive", one_name,
                        other_name);
}

/* ---- start ---- */

static int check_start_flags(struct req *rq, unsigned flags)
{
    const unsigned known = API_DOMAIN_START_PAUSED | API_DOMAIN_START_AUTODESTROY |
                           API_DOMAIN_START_BYPASS_CACHE | API_DOMAIN_START_FORCE_BOOT |
                           API_DOMAIN_START_VALIDATE | API_DOMAIN_START_RESET_NVRAM;

    if (method_flags(rq, flags, known) < 0)
        return -1;
    if (flags & API_DOMAIN_START_RESET_NVRAM)
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "resetting NVRAM at start is not supported yet");
    return 0;
}

static char *managed_save_path(struct req *rq, const struct vm *vm)
{
    return arena_printf(&rq->arena, "%s/%s.save", qemud.dirs.save, vm->name);
}

int life_start(struct req *rq, struct vm *vm, unsigned flags)
{
    struct arena arena = {0};
    struct start_how how = {
        .paused = flags & API_DOMAIN_START_PAUSED,
        .bypass_cache = flags & API_DOMAIN_START_BYPASS_CACHE,
        .autodestroy = flags & API_DOMAIN_START_AUTODESTROY ? req_client(rq) : NULL,
    };
    struct domain *domain;
    bool restored;
    int r;

    if (vm_is_active(vm))
        return err_set(&rq->err, ERR_OPERATION_INVALID, "domain is already running");
    if (flags & API_DOMAIN_START_FORCE_BOOT)
        unlink(managed_save_path(rq, vm));
    r = save_start(rq, vm, &how, &restored);
    if (r < 0 || restored)
        return r;
    domain = definition_load(rq, vm, &arena);
    if (!domain) {
        arena_done(&arena);
        return -1;
    }
    return machine_start(rq, vm, &arena, domain, &how);
}

static int m_create(struct req *rq, struct vm *vm, const struct remote_domain_create_in *in,
                    struct remote_domain_create_out *out)
{
    return life_start(rq, vm, 0);
}

static int m_create_with_flags(struct req *rq, struct vm *vm,
                               const struct remote_domain_create_with_flags_in *in,
                               struct remote_domain_create_with_flags_out *out)
{
    if (check_start_flags(rq, in->flags) < 0 || life_start(rq, vm, in->flags) < 0)
        return -1;
    out->dom = method_reference(rq, vm);
    return 0;
}

static int m_create_with_files(struct req *rq, struct vm *vm,
                               const struct remote_domain_create_with_files_in *in,
                               struct remote_domain_create_with_files_out *out)
{
    unsigned count;

    req_fds(rq, &count);
    if (count)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED,
                       "passing file descriptors to QEMU's init is not possible");
    if (check_start_flags(rq, in->flags) < 0 || life_start(rq, vm, in->flags) < 0)
        return -1;
    out->dom = method_reference(rq, vm);
    return 0;
}

int life_start_as(struct req *rq, struct arena *arena, struct domain *domain, const char *job,
                  const struct start_how *how, struct wire_domain *ret)
{
    auto_vm struct vm *vm = NULL;
    int r;

    if (vms_check_access(rq, domain->name, domain->uuid) < 0 ||
        vms_check_free(qemud.vms, domain->name, domain->uuid, true, &vm, &rq->err) < 0) {
        arena_done(arena);
        return -1;
    }
    if (!vm)
        vm = vms_add(qemud.vms, domain->name, domain->uuid);
    if (vm_take_job(rq, vm, job) < 0) {
        arena_done(arena);
        return -1;
    }
    if (vm->run) {
        arena_done(arena);
        r = err_set(&rq->err, ERR_OPERATION_INVALID, "domain '%s' is already active", vm->name);
    } else {
        r = machine_start(rq, vm, arena, domain, how);
    }
    vm_give_job(rq, vm);
    if (r == 0 && ret)
        *ret = method_reference(rq, vm);
    return r;
}

static int create_xml(struct req *rq, const char *xml, unsigned flags, struct wire_domain *ret)
{
    struct arena arena = {0};
    struct start_how how = {
        .paused = flags & API_DOMAIN_START_PAUSED,
        .autodestroy = flags & API_DOMAIN_START_AUTODESTROY ? req_client(rq) : NULL,
    };
    struct domain *domain;

    if (method_flags(rq, flags,
                     API_DOMAIN_START_PAUSED | API_DOMAIN_START_AUTODESTROY | API_DOMAIN_START_VALIDATE |
                         API_DOMAIN_START_RESET_NVRAM) < 0 ||
        check_start_flags(rq, flags) < 0)
        return -1;
    domain = definition_parse(rq, &arena, xml,
                              DEFINITION_NEW | (flags & API_DOMAIN_START_VALIDATE ? DEFINITION_VALIDATE : 0));
    if (!domain) {
        arena_done(&arena);
        return -1;
    }
    return life_start_as(rq, &arena, domain, "create", &how, ret);
}

static int m_create_xml(struct req *rq, struct client *client, const struct remote_domain_create_xml_in *in,
                        struct remote_domain_create_xml_out *out)
{
    return create_xml(rq, in->xml_desc, in->flags, &out->dom);
}

static int m_create_xml_with_files(struct req *rq, struct client *client,
                                   const struct remote_domain_create_xml_with_files_in *in,
                                   struct remote_domain_create_xml_with_files_out *out)
{
    unsigned count;

    req_fds(rq, &count);
    if (count)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED,
                       "passing file descriptors to QEMU's init is not possible");
    return create_xml(rq, in->xml_desc, in->flags, &out->dom);
}

/* ---- stop ---- */

static int destroy(struct req *rq, struct vm *vm, unsigned flags)
{
    if (method_flags(rq, flags, API_DOMAIN_DESTROY_GRACEFUL | API_DOMAIN_DESTROY_REMOVE_LOGS) < 0)
        return -1;
    if (!vm->run)
        return vm_check_active(rq, vm);
    if (machine_stop(rq, vm, flags & API_DOMAIN_DESTROY_GRACEFUL, API_DOMAIN_SHUTOFF_DESTROYED,
                     API_DOMAIN_EVENT_STOPPED_DESTROYED) < 0)
        return -1;
    if (flags & API_DOMAIN_DESTROY_REMOVE_LOGS) {
        auto_free char *path = mem_printf("%s/%s.log", qemud.dirs.log, vm->name);

        unlink(path);
    }
    return 0;
}

static int m_destroy(struct req *rq, struct vm *vm, const struct remote_domain_destroy_in *in,
                     struct remote_domain_destroy_out *out)
{
    return destroy(rq, vm, 0);
}

static int m_destroy_flags(struct req *rq, struct vm *vm, const struct remote_domain_destroy_flags_in *in,
                           struct remote_domain_destroy_flags_out *out)
{
    return destroy(rq, vm, in->flags);
}

/* ---- pause ---- */

static int m_suspend(struct req *rq, struct vm *vm, const struct remote_domain_suspend_in *in,
                     struct remote_domain_suspend_out *out)
{
    if (vm_check_active(rq, vm) < 0)
        return -1;
    if (vm->state == API_DOMAIN_PMSUSPENDED)
        return err_set(&rq->err, ERR_OPERATION_INVALID, "domain is pmsuspended");
    if (vm->state == API_DOMAIN_PAUSED)
        return 0;
    return machine_pause(rq, vm, API_DOMAIN_PAUSED_USER);
}

static int m_resume(struct req *rq, struct vm *vm, const struct remote_domain_resume_in *in,
                    struct remote_domain_resume_out *out)
{
    if (vm_check_active(rq, vm) < 0)
        return -1;
    if (vm->state == API_DOMAIN_PMSUSPENDED)
        return err_set(&rq->err, ERR_OPERATION_INVALID, "domain is pmsuspended");
    if (vm->state == API_DOMAIN_RUNNING)
        return err_set(&rq->err, ERR_OPERATION_INVALID, "domain is already running");
    return machine_resume(rq, vm, API_DOMAIN_RUNNING_UNPAUSED);
}

static int m_pm_wakeup(struct req *rq, struct vm *vm, const struct remote_domain_pm_wakeup_in *in,
                       struct remote_domain_pm_wakeup_out *out)
{
    struct qmp *qmp;

    if (method_flags(rq, in->flags, 0) < 0 || !(qmp = vm_monitor(rq, vm)))
        return -1;
    return qmp_call(rq, qmp, "system_wakeup", NULL, NULL, QMP_USEC);
}

/* ---- what the guest is asked for ---- */

static int ask_agent(struct req *rq, struct vm *vm, const char *mode)
{
    struct agent_command command = {
        .name = "guest-shutdown",
        .text = json_text(&rq->arena, "{'execute': 'guest-shutdown', 'arguments': {'mode': %s}}", mode),
        .usec = SECONDS(60),
        .ends_guest = true,
    };

    return channel_agent_run(rq, vm, &command, NULL);
}

/* The ACPI button; a guest without a driver for it does nothing, and nobody can tell. */
static int press_button(struct req *rq, struct vm *vm, bool fake_reboot)
{
    struct qmp *qmp = vm_monitor(rq, vm);

    if (!qmp)
        return -1;
    if (vm->run->fake_reboot != fake_reboot) {
        vm->run->fake_reboot = fake_reboot;
        status_save(vm);
    }
    return qmp_call(rq, qmp, "system_powerdown", NULL, NULL, QMP_USEC);
}

/* By the agent when asked for, or when there is one and nothing was asked for; else by the button. */
static int ask_guest(struct req *rq, struct vm *vm, bool agent, bool acpi, bool reboot)
{
    if ((reboot ? vm_check_active(rq, vm) : vm_check_running(rq, vm)) < 0)
        return -1;
    if (agent || (!acpi && channel_agent_connected(vm))) {
        if (vm->run->fake_reboot) {
            vm->run->fake_reboot = false;
            status_save(vm);
        }
        if (ask_agent(rq, vm, reboot ? "reboot" : "powerdown") == 0)
            return 0;
        if (agent && !acpi)
            return -1;
        err_clear(&rq->err);
    }
    return press_button(rq, vm, reboot);
}

static int shutdown_guest(struct req *rq, struct vm *vm, unsigned flags)
{
    if (method_flags(rq, flags, API_DOMAIN_SHUTDOWN_ACPI_POWER_BTN | API_DOMAIN_SHUTDOWN_GUEST_AGENT) < 0)
        return -1;
    return ask_guest(rq, vm, flags & API_DOMAIN_SHUTDOWN_GUEST_AGENT,
                     flags & API_DOMAIN_SHUTDOWN_ACPI_POWER_BTN, false);
}

static int m_shutdown(struct req *rq, struct vm *vm, const struct remote_domain_shutdown_in *in,
                      struct remote_domain_shutdown_out *out)
{
    return shutdown_guest(rq, vm, 0);
}

static int m_shutdown_flags(struct req *rq, struct vm *vm, const struct remote_domain_shutdown_flags_in *in,
                            struct remote_domain_shutdown_flags_out *out)
{
    return shutdown_guest(rq, vm, in->flags);
}

static int m_reboot(struct req *rq, struct vm *vm, const struct remote_domain_reboot_in *in,
                    struct remote_domain_reboot_out *out)
{
    if (method_flags(rq, in->flags, API_DOMAIN_REBOOT_ACPI_POWER_BTN | API_DOMAIN_REBOOT_GUEST_AGENT) < 0)
        return -1;
    return ask_guest(rq, vm, in->flags & API_DOMAIN_REBOOT_GUEST_AGENT,
                     in->flags & API_DOMAIN_REBOOT_ACPI_POWER_BTN, true);
}

static int m_reset(struct req *rq, struct vm *vm, const struct remote_domain_reset_in *in,
                   struct remote_domain_reset_out *out)
{
    struct qmp *qmp;

    if (method_flags(rq, in->flags, 0) < 0 || !(qmp = vm_monitor(rq, vm)) ||
        qmp_call(rq, qmp, "system_reset", NULL, NULL, QMP_USEC) < 0)
        return -1;
    if (vm->run)
        vm->run->fake_reboot = false;
    /* one that was paused by a crash of its guest starts afresh */
    if (vm->state == API_DOMAIN_CRASHED)
        vm_set_state(vm, API_DOMAIN_PAUSED, API_DOMAIN_PAUSED_CRASHED);
    return 0;
}

static int m_set_lifecycle_action(struct req *rq, struct vm *vm,
                                  const struct remote_domain_set_lifecycle_action_in *in,
                                  struct remote_domain_set_lifecycle_action_out *out)
{
    /* in the order of the API's numbers */
    static const enum domain_action actions[] = {ACTION_DESTROY,          ACTION_RESTART,
                                                 ACTION_RENAME_RESTART,   ACTION_PRESERVE,
                                                 ACTION_COREDUMP_DESTROY, ACTION_COREDUMP_RESTART};
    bool live, config;

    if (method_flags(rq, in->flags, API_DOMAIN_AFFECT_LIVE | API_DOMAIN_AFFECT_CONFIG) < 0)
        return -1;
    if (in->type > API_DOMAIN_LIFECYCLE_CRASH)
        return err_set(&rq->err, ERR_INVALID_ARG, "invalid lifecycle type '%u'", in->type);
    if (in->action >= ARRAY_SIZE(actions))
        return err_set(&rq->err, ERR_INVALID_ARG, "invalid lifecycle action '%u'", in->action);
    if (vm_affected(rq, vm, in->flags, &live, &config) < 0)
        return -1;
    if (config) {
        struct domain *domain = definition_load(rq, vm, &rq->arena);
        enum domain_action *at;

        if (!domain)
            return -1;
        at = (enum domain_action *[]){&domain->on_poweroff, &domain->on_reboot, &domain->on_crash}[in->type];
        *at = actions[in->action];
        if (check_life_actions(domain, &rq->err) < 0 || definition_save(rq, vm, domain) < 0)
            return -1;
    }
    if (live && vm->run) {
        struct domain *domain = vm->run->domain;
        enum domain_action *at =
            (enum domain_action *[]){&domain->on_poweroff, &domain->on_reboot, &domain->on_crash}[in->type];
        enum domain_action before = *at;

        *at = actions[in->action];
        if (check_life_actions(domain, &rq->err) < 0) {
            *at = before;
            return -1;
        }
        status_save(vm);
    }
    return 0;
}

const struct method life_methods[] = {
    METHOD(remote, DOMAIN_CREATE, m_create),
    METHOD(remote, DOMAIN_CREATE_WITH_FLAGS, m_create_with_flags),
    METHOD(remote, DOMAIN_CREATE_WITH_FILES, m_create_with_files),
    METHOD(remote, DOMAIN_CREATE_XML, m_create_xml),
    METHOD(remote, DOMAIN_CREATE_XML_WITH_FILES, m_create_xml_with_files),
    METHOD(remote, DOMAIN_DESTROY, m_destroy),
    METHOD(remote, DOMAIN_DESTROY_FLAGS, m_destroy_flags),
    METHOD(remote, DOMAIN_SUSPEND, m_suspend),
    METHOD(remote, DOMAIN_RESUME, m_resume),
    METHOD(remote, DOMAIN_PM_WAKEUP, m_pm_wakeup),
    METHOD(remote, DOMAIN_SHUTDOWN, m_shutdown),
    METHOD(remote, DOMAIN_SHUTDOWN_FLAGS, m_shutdown_flags),
    METHOD(remote, DOMAIN_REBOOT, m_reboot),
    METHOD(remote, DOMAIN_RESET, m_reset),
    METHOD(remote, DOMAIN_SET_LIFECYCLE_ACTION, m_set_lifecycle_action),
    {0},
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods that start, stop and pause machines. */
#define ERR_FROM ERR_FROM_TEST
#include "base/enum.h"
#include "testdriver/event.h"
#include "testdriver/life.h"
#include "testdriver/vm.h"

/* ---- start ---- */

static int create(struct req *rq, const char *xml, unsigned flags, struct wire_domain *ret)
{
    struct doc *doc = doc_parse(
        xml, DOMAIN_PARSE_INACTIVE | (flags & VIR_DOMAIN_START_VALIDATE ? DOMAIN_PARSE_VALIDATE : 0),
        rq->err);
    struct vm *vm = doc ? vm_add(rq->world, doc, VM_ADD_NEW | VM_ADD_LIVE, rq->err) : NULL;

    if (!vm)
        return -1;
    vm_start(rq->world, vm, VIR_DOMAIN_RUNNING_BOOTED);
    event_lifecycle(rq, vm, VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_BOOTED);
    *ret = vm_wire(vm);
    return 0;
}

static int m_create_xml(struct req *rq, struct client *client, const struct remote_domain_create_xml_in *in,
                        struct remote_domain_create_xml_out *out)
{
    return create(rq, in->xml_desc, in->flags, &out->dom);
}

static int m_create_xml_files(struct req *rq, struct client *client,
                              const struct remote_domain_create_xml_with_files_in *in,
                              struct remote_domain_create_xml_with_files_out *out)
{
    return create(rq, in->xml_desc, in->flags, &out->dom);
}

static int start(struct req *rq, struct vm *vm)
{
    if (vm->state != VIR_DOMAIN_SHUTOFF)
        return err_set(rq->err, ERR_INTERNAL_ERROR, "Domain '%s' is already running", vm->thing.name);
    vm->managed_save = false;
    vm_start(rq->world, vm, VIR_DOMAIN_RUNNING_BOOTED);
    event_lifecycle(rq, vm, VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_BOOTED);
    return 0;
}

static int m_create(struct req *rq, struct vm *vm, const struct remote_domain_create_in *in,
                    struct remote_domain_create_out *out)
{
    return start(rq, vm);
}

static int m_create_flags(struct req *rq, struct vm *vm, const struct remote_domain_create_with_flags_in *in,
                          struct remote_domain_create_with_flags_out *out)
{
    if (start(rq, vm) < 0)
        return -1;
    out->dom = vm_wire(vm);
    return 0;
}

static int m_create_files(struct req *rq, struct vm *vm, const struct remote_domain_create_with_files_in *in,
                          struct remote_domain_create_with_files_out *out)
{
    if (start(rq, vm) < 0)
        return -1;
    out->dom = vm_wire(vm);
    return 0;
}

/* ---- pause ---- */

static int m_suspend(struct req *rq, struct vm *vm, const struct remote_domain_suspend_in *in,
                     struct remote_domain_suspend_out *out)
{
    if (vm->state == VIR_DOMAIN_SHUTOFF || vm->state == VIR_DOMAIN_PAUSED)
        return err_set(rq->err, ERR_INTERNAL_ERROR, "domain '%s' not running", vm->thing.name);
    vm->state = VIR_DOMAIN_PAUSED;
    vm->reason = VIR_DOMAIN_PAUSED_USER;
    event_lifecycle(rq, vm, VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_PAUSED);
    return 0;
}

static int m_resume(struct req *rq, struct vm *vm, const struct remote_domain_resume_in *in,
                    struct remote_domain_resume_out *out)
{
    if (vm->state != VIR_DOMAIN_PAUSED)
        return err_set(rq->err, ERR_INTERNAL_ERROR, "domain '%s' not paused", vm->thing.name);
    vm->state = VIR_DOMAIN_RUNNING;
    vm->reason = VIR_DOMAIN_RUNNING_UNPAUSED;
    event_lifecycle(rq, vm, VIR_DOMAIN_EVENT_RESUMED, VIR_DOMAIN_EVENT_RESUMED_UNPAUSED);
    return 0;
}

/* ---- end ---- */

void life_end(struct req *rq, struct vm *vm, int reason, int detail)
{
    vm_stop(vm, reason);
    event_lifecycle(rq, vm, VIR_DOMAIN_EVENT_STOPPED, detail);
    vm_drop_transient(vm);
}

static int power_off(struct req *rq, struct vm *vm)
{
    if (vm->state == VIR_DOMAIN_SHUTOFF)
        return err_set(rq->err, ERR_INTERNAL_ERROR, "domain '%s' not running", vm->thing.name);
    life_end(rq, vm, VIR_DOMAIN_SHUTOFF_SHUTDOWN, VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN);
    return 0;
}

static int m_shutdown(struct req *rq, struct vm *vm, const struct remote_domain_shutdown_in *in,
                      struct remote_domain_shutdown_out *out)
{
    return power_off(rq, vm);
}

static int m_shutdown_flags(struct req *rq, struct vm *vm, const struct remote_domain_shutdown_flags_in *in,
                            struct remote_domain_shutdown_flags_out *out)
{
    return power_off(rq, vm);
}

static int m_destroy(struct req *rq, struct vm *vm, const struct remote_domain_destroy_in *in,
                     struct remote_domain_destroy_out *out)
{
    if (vm_need_active(rq, vm) < 0)
        return -1;
    life_end(rq, vm, VIR_DOMAIN_SHUTOFF_DESTROYED, VIR_DOMAIN_EVENT_STOPPED_DESTROYED);
    return 0;
}

static int m_destroy_flags(struct req *rq, struct vm *vm, const struct remote_domain_destroy_flags_in *in,
                           struct remote_domain_destroy_flags_out *out)
{
    if (vm_need_active(rq, vm) < 0)
        return -1;
    life_end(rq, vm, VIR_DOMAIN_SHUTOFF_DESTROYED, VIR_DOMAIN_EVENT_STOPPED_DESTROYED);
    return 0;
}

/* As its definition says: it starts again, or ends. */
static int m_reboot(struct req *rq, struct vm *vm, const struct remote_domain_reboot_in *in,
                    struct remote_domain_reboot_out *out)
{
    enum domain_action action = vm->def->domain->on_reboot;

    if (vm_need_active(rq, vm) < 0)
        return -1;
    if (action == ACTION_DESTROY || action == ACTION_PRESERVE) {
        life_end(rq, vm, VIR_DOMAIN_SHUTOFF_SHUTDOWN, VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN);
        return 0;
    }
    vm->state = VIR_DOMAIN_RUNNING;
    vm->reason = VIR_DOMAIN_RUNNING_BOOTED;
    return 0;
}

static int m_reset(struct req *rq, struct vm *vm, const struct remote_domain_reset_in *in,
                   struct remote_domain_reset_out *out)
{
    return vm_need_active(rq, vm);
}

static int m_inject_nmi(struct req *rq, struct vm *vm, const struct remote_domain_inject_nmi_in *in,
                        struct remote_domain_inject_nmi_out *out)
{
    return vm_need_active(rq, vm);
}

static int m_send_key(struct req *rq, struct vm *vm, const struct remote_domain_send_key_in *in,
                      struct remote_domain_send_key_out *out)
{
    static const char *const codesets[] = {"linux",  "xt",  "atset1", "atset2", "atset3", "os_x",
                                           "xt_kbd", "usb", "win32",  "qnum",   NULL};

    if (vm_need_active(rq, vm) < 0)
        return -1;
    for (uint32_t i = 0; i < in->keycodes.n; i++)
        if (in->keycodes.v[i] > UINT16_MAX)
            return err_set(rq->err, ERR_INTERNAL_ERROR, "invalid keycode %u of %s codeset", in->keycodes.v[i],
                           enum_name(codesets, (int)in->codeset));
    return 0;
}

static int m_send_signal(struct req *rq, struct vm *vm, const struct remote_domain_send_process_signal_in *in,
                         struct remote_domain_send_process_signal_out *out)
{
    if (in->pid_value != 1)
        return err_set(rq->err, ERR_INVALID_ARG, "only sending a signal to pid 1 is supported");
    if (in->signum > VIR_DOMAIN_PROCESS_SIGNAL_RT32)
        return err_set(rq->err, ERR_INVALID_ARG, "signum value %u is out of range", in->signum);
    return vm_need_active(rq, vm);
}

/* ---- state ---- */

static int m_state(struct req *rq, struct vm *vm, const struct remote_domain_get_state_in *in,
                   struct remote_domain_get_state_out *out)
{
    out->state = vm->state;
    out->reason = vm->reason;
    return 0;
}

static int m_control_info(struct req *rq, struct vm *vm, const struct remote_domain_get_control_info_in *in,
                          struct remote_domain_get_control_info_out *out)
{
    enum { SOON = 10000 };
    int64_t seconds = vm->guest_seconds;

    if (vm_need_active(rq, vm) < 0)
        return -1;
    /* the guest's clock plays the states */
    if (seconds > 0 && seconds < SOON) {
        out->state = VIR_DOMAIN_CONTROL_JOB;
        out->state_time = (uint32_t)seconds;
    } else if (seconds < 0 && seconds > -SOON) {
        out->state = VIR_DOMAIN_CONTROL_OCCUPIED;
        out->state_time = (uint32_t)-seconds;
    } else if (seconds <= -SOON) {
        out->state = VIR_DOMAIN_CONTROL_ERROR;
        out->details = VIR_DOMAIN_CONTROL_ERROR_REASON_UNKNOWN;
    }
    return 0;
}

static int m_messages(struct req *rq, struct vm *vm, const struct remote_domain_get_messages_in *in,
                      struct remote_domain_get_messages_out *out)
{
    return 0; /* nothing made here is deprecated or taints */
}

const struct method life_methods[] = {
    METHOD(remote, DOMAIN_CREATE_XML, m_create_xml, VIR_DOMAIN_START_VALIDATE),
    METHOD(remote, DOMAIN_CREATE_XML_WITH_FILES, m_create_xml_files, VIR_DOMAIN_START_VALIDATE),
    METHOD(remote, DOMAIN_CREATE, m_create),
    METHOD(remote, DOMAIN_CREATE_WITH_FLAGS, m_create_flags),
    METHOD(remote, DOMAIN_CREATE_WITH_FILES, m_create_files),
    METHOD(remote, DOMAIN_SUSPEND, m_suspend),
    METHOD(remote, DOMAIN_RESUME, m_resume),
    METHOD(remote, DOMAIN_SHUTDOWN, m_shutdown),
    METHOD(remote, DOMAIN_SHUTDOWN_FLAGS, m_shutdown_flags),
    METHOD(remote, DOMAIN_DESTROY, m_destroy),
    METHOD(remote, DOMAIN_DESTROY_FLAGS, m_destroy_flags, VIR_DOMAIN_DESTROY_GRACEFUL),
    METHOD(remote, DOMAIN_REBOOT, m_reboot, 0x1f),
    METHOD(remote, DOMAIN_RESET, m_reset),
    METHOD(remote, DOMAIN_INJECT_NMI, m_inject_nmi),
    METHOD(remote, DOMAIN_SEND_KEY, m_send_key),
    METHOD(remote, DOMAIN_SEND_PROCESS_SIGNAL, m_send_signal),
    METHOD(remote, DOMAIN_GET_STATE, m_state),
    METHOD(remote, DOMAIN_GET_CONTROL_INFO, m_control_info),
    METHOD(remote, DOMAIN_GET_MESSAGES, m_messages,
           VIR_DOMAIN_MESSAGE_DEPRECATION | VIR_DOMAIN_MESSAGE_TAINTING),
    {0},
};

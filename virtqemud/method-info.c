/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods that tell what is known of a domain. None waits for a monitor. */
#define ERR_FROM ERR_FROM_QEMU
#include <errno.h>
#include <unistd.h>

#include "base/enum.h"
#include "base/str.h"
#include "base/time.h"
#include "model/domain/domain.h"
#include "virtqemud/definition.h"
#include "virtqemud/method.h"
#include "virtqemud/migratable.h"
#include "virtqemud/process.h"
#include "virtqemud/params.h"
#include "virtqemud/qemud.h"
#include "virtqemud/qmp.h"
#include "virtqemud/run.h"
#include "virtqemud/vcpu.h"

/* A domain that doesn't run is told by its definition, which is parsed for it. */
static const struct domain *known(struct req *rq, struct vm *vm)
{
    return vm->run ? vm->run->domain : definition_load(rq, vm, &rq->arena);
}

static int m_get_info(struct req *rq, struct vm *vm, const struct remote_domain_get_info_in *in,
                      struct remote_domain_get_info_out *out)
{
    const struct domain *domain = known(rq, vm);
    uint64_t user, system;

    if (!domain)
        return -1;
    out->state = vm->state;
    out->max_mem = domain->memory.total;
    out->memory = domain->memory.current;
    out->nr_virt_cpu = (uint16_t)vcpus_online(&domain->vcpus);
    if (!vm->run)
        return 0;
    if (vm->run->balloon_kib)
        out->memory = vm->run->balloon_kib;
    if (vm->run->count_vcpus)
        out->nr_virt_cpu = (uint16_t)vcpu_count_online(vm->run);
    if (vm->run->pid && process_usage(vm->run->pid, 0, &user, &system, NULL, NULL) == 0)
        out->cpu_time = user + system;
    return 0;
}

static int m_get_state(struct req *rq, struct vm *vm, const struct remote_domain_get_state_in *in,
                       struct remote_domain_get_state_out *out)
{
    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    out->state = vm->state;
    out->reason = vm->reason;
    return 0;
}

static int m_get_control_info(struct req *rq, struct vm *vm,
                              const struct remote_domain_get_control_info_in *in,
                              struct remote_domain_get_control_info_out *out)
{
    const struct run *run = vm->run;
    const char *command;
    uint64_t age;

    if (method_flags(rq, in->flags, 0) < 0 || vm_check_active(rq, vm) < 0)
        return -1;
    if (run->qmp && qmp_broken(run->qmp)) {
        out->state = API_DOMAIN_CONTROL_ERROR;
        out->details = API_DOMAIN_CONTROL_ERROR_REASON_MONITOR;
    } else if (run->qmp && (age = qmp_age(run->qmp, &command)) > 0) {
        out->state = API_DOMAIN_CONTROL_OCCUPIED;
        out->state_time = age / 1000;
    } else if (vm->job.holder) {
        out->state = API_DOMAIN_CONTROL_JOB;
        out->state_time = (time_monotonic() - vm->job.since) / 1000;
    }
    return 0;
}

/* A disk that is a volume of a pool says so, whatever it was found to be. */
static void show_volumes(struct req *rq, struct devices *devices)
{
    struct disk **disks = ARENA_ARRAY(&rq->arena, struct disk *, devices->n_disks + 1);

    for (size_t i = 0; i < devices->n_disks; i++) {
        disks[i] = devices->disks[i];
        if (!disks[i]->src.pool || !disks[i]->src.volume)
            continue;
        disks[i] = ARENA_NEW(&rq->arena, struct disk);
        *disks[i] = *devices->disks[i];
        disks[i]->src.type = STORAGE_VOLUME;
    }
    devices->disks = disks;
}

static void format(struct req *rq, struct buf *text, const struct domain *domain, unsigned flags,
                   unsigned asked)
{
    if (asked & API_DOMAIN_XML_MIGRATABLE)
        migratable_format(text, &rq->arena, domain, flags);
    else
        domain_format(text, domain, flags);
}

static int m_get_xml_desc(struct req *rq, struct vm *vm, const struct remote_domain_get_xml_desc_in *in,
                          struct remote_domain_get_xml_desc_out *out)
{
    const unsigned known_flags = API_DOMAIN_XML_SECURE | API_DOMAIN_XML_INACTIVE | API_DOMAIN_XML_UPDATE_CPU |
                                 API_DOMAIN_XML_MIGRATABLE;
    bool live = vm->run && !(in->flags & API_DOMAIN_XML_INACTIVE);
    auto_buf struct buf text = {0};
    const struct domain *domain;
    unsigned flags = 0;

    if (method_flags(rq, in->flags, known_flags) < 0)
        return -1;
    if (in->flags & API_DOMAIN_XML_SECURE)
        flags |= DOMAIN_FORMAT_SECURE;
    if (!live)
        flags |= DOMAIN_FORMAT_INACTIVE;
    domain = live || !vm->entry ? vm->run->domain : definition_load(rq, vm, &rq->arena);
    if (!domain)
        return -1;
    if (live) { /* what the guest has now */
        struct domain now = *domain;

        if (vm->run->balloon_kib)
            now.memory.current = vm->run->balloon_kib;
        show_volumes(rq, &now.devices);
        format(rq, &text, &now, flags, in->flags);
    } else {
        format(rq, &text, domain, flags, in->flags);
    }
    out->xml = arena_strdup(&rq->arena, buf_text(&text));
    return 0;
}

static int m_get_os_type(struct req *rq, struct vm *vm, const struct remote_domain_get_os_type_in *in,
                         struct remote_domain_get_os_type_out *out)
{
    const struct domain *domain = known(rq, vm);

    if (!domain)
        return -1;
    out->type = arena_strdup(&rq->arena, enum_name(os_type_names, (int)domain->os.type));
    return 0;
}

static int m_is_active(struct req *rq, struct vm *vm, const struct remote_domain_is_active_in *in,
                       struct remote_domain_is_active_out *out)
{
    out->active = vm_is_active(vm);
    return 0;
}

static int m_is_persistent(struct req *rq, struct vm *vm, const struct remote_domain_is_persistent_in *in,
                           struct remote_domain_is_persistent_out *out)
{
    out->persistent = vm_is_persistent(vm);
    return 0;
}

/* "Updated" was an idea of the API's early days that the QEMU driver answers with no. */
static int m_is_updated(struct req *rq, struct vm *vm, const struct remote_domain_is_updated_in *in,
                        struct remote_domain_is_updated_out *out)
{
    out->updated = 0;
    return 0;
}

static int m_has_managed_save(struct req *rq, struct vm *vm,
                              const struct remote_domain_has_managed_save_image_in *in,
                              struct remote_domain_has_managed_save_image_out *out)
{
    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    out->result = access(arena_printf(&rq->arena, "%s/%s.save", qemud.dirs.save, vm->name), F_OK) == 0;
    return 0;
}

static int m_managed_save_remove(struct req *rq, struct vm *vm,
                                 const struct remote_domain_managed_save_remove_in *in,
                                 struct remote_domain_managed_save_remove_out *out)
{
    const char *path = arena_printf(&rq->arena, "%s/%s.save", qemud.dirs.save, vm->name);

    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    if (unlink(path) < 0)
        return err_system(&rq->err, errno, "Failed to remove managed save file '%s'", path);
    return 0;
}

/* Nothing runs that has progress to tell. */
static int m_get_job_info(struct req *rq, struct vm *vm, const struct remote_domain_get_job_info_in *in,
                          struct remote_domain_get_job_info_out *out)
{
    if (vm_check_active(rq, vm) < 0)
        return -1;
    out->type = API_DOMAIN_JOB_NONE;
    return 0;
}

static int m_get_job_stats(struct req *rq, struct vm *vm, const struct remote_domain_get_job_stats_in *in,
                           struct remote_domain_get_job_stats_out *out)
{
    if (method_flags(rq, in->flags, API_DOMAIN_JOB_STATS_COMPLETED | API_DOMAIN_JOB_STATS_KEEP_COMPLETED) < 0)
        return -1;
    if (!(in->flags & API_DOMAIN_JOB_STATS_COMPLETED) && vm_check_active(rq, vm) < 0)
        return -1;
    out->type = API_DOMAIN_JOB_NONE;
    return 0;
}

/* Whoever waits for the stream learns that it was canceled. */
static int abort_job(struct req *rq, struct vm *vm)
{
    struct qmp *qmp;

    if (vm_check_active(rq, vm) < 0)
        return -1;
    if (!vm->run->streaming)
        return err_set(&rq->err, ERR_OPERATION_INVALID, "no job is active on the domain");
    qmp = vm_monitor(rq, vm);
    return qmp ? qmp_call(rq, qmp, "migrate_cancel", NULL, NULL, SECONDS(30)) : -1;
}

static int m_abort_job(struct req *rq, struct vm *vm, const struct remote_domain_abort_job_in *in,
                       struct remote_domain_abort_job_out *out)
{
    return abort_job(rq, vm);
}

static int m_abort_job_flags(struct req *rq, struct vm *vm, const struct remote_domain_abort_job_flags_in *in,
                             struct remote_domain_abort_job_flags_out *out)
{
    enum { POSTCOPY = 1 };

    if (method_flags(rq, in->flags, POSTCOPY) < 0 || vm_check_active(rq, vm) < 0)
        return -1;
    if (in->flags & POSTCOPY)
        return err_set(&rq->err, ERR_OPERATION_INVALID,
                       "current job is not outgoing migration in post-copy mode");
    return abort_job(rq, vm);
}

/* ---- what is out of the ordinary ---- */

static void add_message(struct req *rq, struct remote_domain_get_messages_out *out, const char *text)
{
    out->msgs.v = arena_grow(&rq->arena, out->msgs.v, out->msgs.n, sizeof(*out->msgs.v));
    out->msgs.v[out->msgs.n++] = arena_strdup(&rq->arena, text);
}

static int m_get_messages(struct req *rq, struct vm *vm, const struct remote_domain_get_messages_in *in,
                          struct remote_domain_get_messages_out *out)
{
    enum { DEPRECATION = 1, TAINTING = 2 };
    bool taints = !in->flags || in->flags & TAINTING;
    const struct domain *domain;

    if (method_flags(rq, in->flags, DEPRECATION | TAINTING) < 0)
        return -1;
    if (!vm->run || !taints)
        return 0; /* nothing here counts as deprecated */
    domain = vm->run->domain;
    if (vm->run->custom_monitor)
        add_message(rq, out, "tainted: custom monitor control commands issued");
    if (qemud.privileged && (!qemud.conf.user || !qemud.conf.group))
        add_message(rq, out, "tainted: running with undesirable elevated privileges");
    if (native_given(&domain->native))
        add_message(rq, out, "tainted: custom configuration parameters specified");
    if (domain->cpu && domain->cpu->mode == CPU_HOST_PASSTHROUGH)
        add_message(rq, out, "tainted: potentially unsafe use of host CPU passthrough");
    return 0;
}

/* No machine here has its memory encrypted: there is nothing to attest. */
static int m_get_launch_security(struct req *rq, struct vm *vm,
                                 const struct remote_domain_get_launch_security_info_in *in,
                                 struct remote_domain_get_launch_security_info_out *out)
{
    return method_flags(rq, in->flags, PARAM_STRING_OKAY);
}

static int m_set_launch_security(struct req *rq, struct vm *vm,
                                 const struct remote_domain_set_launch_security_state_in *in,
                                 struct remote_domain_set_launch_security_state_out *out)
{
    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED,
                   "setting a launch secret is only supported in SEV-enabled domains");
}

/* DAC is the security driver; a confined label comes with AppArmor and SELinux. */
static int m_get_security_label(struct req *rq, struct vm *vm,
                                const struct remote_domain_get_security_label_in *in,
                                struct remote_domain_get_security_label_out *out)
{
    out->label.v = arena_alloc(&rq->arena, 1);
    out->label.n = 1;
    return 0;
}

static int m_get_security_label_list(struct req *rq, struct vm *vm,
                                     const struct remote_domain_get_security_label_list_in *in,
                                     struct remote_domain_get_security_label_list_out *out)
{
    if (!vm->run || !qemud.privileged)
        return 0;
    struct wire_security_label *label = ARENA_NEW(&rq->arena, struct wire_security_label);
    char *text = arena_printf(&rq->arena, "+%u:+%u", qemud.conf.user, qemud.conf.group);

    label->label.n = (uint32_t)strlen(text) + 1;
    label->label.v = text;
    out->labels.v = label;
    out->labels.n = 1;
    out->ret = 1;
    return 0;
}

const struct method info_methods[] = {
    METHOD(remote, DOMAIN_GET_INFO, m_get_info),
    METHOD(remote, DOMAIN_GET_STATE, m_get_state),
    METHOD(remote, DOMAIN_GET_CONTROL_INFO, m_get_control_info),
    METHOD(remote, DOMAIN_GET_XML_DESC, m_get_xml_desc),
    METHOD(remote, DOMAIN_GET_OS_TYPE, m_get_os_type),
    METHOD(remote, DOMAIN_IS_ACTIVE, m_is_active),
    METHOD(remote, DOMAIN_IS_PERSISTENT, m_is_persistent),
    METHOD(remote, DOMAIN_IS_UPDATED, m_is_updated),
    METHOD(remote, DOMAIN_HAS_MANAGED_SAVE_IMAGE, m_has_managed_save),
    METHOD(remote, DOMAIN_MANAGED_SAVE_REMOVE, m_managed_save_remove),
    METHOD(remote, DOMAIN_GET_JOB_INFO, m_get_job_info),
    METHOD(remote, DOMAIN_GET_JOB_STATS, m_get_job_stats),
    METHOD(remote, DOMAIN_ABORT_JOB, m_abort_job),
    METHOD(remote, DOMAIN_ABORT_JOB_FLAGS, m_abort_job_flags),
    METHOD(remote, DOMAIN_GET_MESSAGES, m_get_messages),
    METHOD(remote, DOMAIN_GET_LAUNCH_SECURITY_INFO, m_get_launch_security),
    METHOD(remote, DOMAIN_SET_LAUNCH_SECURITY_STATE, m_set_launch_security),
    METHOD(remote, DOMAIN_GET_SECURITY_LABEL, m_get_security_label),
    METHOD(remote, DOMAIN_GET_SECURITY_LABEL_LIST, m_get_security_label_list),
    {0},
};

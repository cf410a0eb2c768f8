/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods that make, change and remove definitions. A definition is on disk when the answer says so. */
#define ERR_FROM ERR_FROM_QEMU
#include <errno.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "model/domain/domain.h"
#include "virtqemud/build.h"
#include "virtqemud/autostart.h"
#include "virtqemud/definition.h"
#include "virtqemud/firmware.h"
#include "virtqemud/method.h"
#include "virtqemud/qemud.h"
#include "virtqemud/run.h"

static int define(struct req *rq, const char *xml, unsigned flags, struct wire_domain *ret)
{
    auto_vm struct vm *vm = NULL;
    struct domain *domain;
    bool existed;
    int r;

    if (method_flags(rq, flags, API_DOMAIN_DEFINE_VALIDATE) < 0)
        return -1;
    domain = definition_parse(
        rq, &rq->arena, xml, DEFINITION_NEW | (flags & API_DOMAIN_DEFINE_VALIDATE ? DEFINITION_VALIDATE : 0));
    if (!domain || store_check_name("domain", domain->name, &rq->err) < 0 ||
        vms_check_access(rq, domain->name, domain->uuid) < 0 ||
        vms_check_free(qemud.vms, domain->name, domain->uuid, false, &vm, &rq->err) < 0)
        return -1;
    if (!vm)
        vm = vms_add(qemud.vms, domain->name, domain->uuid);
    if (vm_take_job(rq, vm, "define") < 0)
        return -1;
    existed = vm_is_persistent(vm);
    r = definition_save(rq, vm, domain);
    vm_give_job(rq, vm);
    if (r < 0)
        return -1;
    vm_emit_lifecycle(vm, API_DOMAIN_EVENT_DEFINED,
                      existed ? API_DOMAIN_EVENT_DEFINED_UPDATED : API_DOMAIN_EVENT_DEFINED_ADDED);
    *ret = method_reference(rq, vm);
    return 0;
}

static int m_define_xml(struct req *rq, struct client *client, const struct remote_domain_define_xml_in *in,
                        struct remote_domain_define_xml_out *out)
{
    return define(rq, in->xml, 0, &out->dom);
}

static int m_define_xml_flags(struct req *rq, struct client *client,
                              const struct remote_domain_define_xml_flags_in *in,
                              struct remote_domain_define_xml_flags_out *out)
{
    return define(rq, in->xml, in->flags, &out->dom);
}

/* ---- undefine ---- */

/* What belongs to a definition beside its file, and the flags that say what shall become of it. */
static int remove_parts(struct req *rq, struct vm *vm, const struct domain *domain, unsigned flags)
{
    const char *saved = arena_printf(&rq->arena, "%s/%s.save", qemud.dirs.save, vm->name);
    const char *nvram = NULL;

    if (domain)
        nvram = firmware_nvram_of(&rq->arena, domain, qemud.dirs.nvram);
    if (access(saved, F_OK) == 0) {
        if (!(flags & API_DOMAIN_UNDEFINE_MANAGED_SAVE))
            return err_set(&rq->err, ERR_OPERATION_INVALID,
                           "Refusing to undefine while domain managed save image exists");
        if (unlink(saved) < 0)
            return err_system(&rq->err, errno, "Failed to remove domain managed save image");
    }
    if (nvram && file_exists(nvram) && !vm_is_active(vm)) {
        if (flags & API_DOMAIN_UNDEFINE_NVRAM) {
            if (unlink(nvram) < 0)
                return err_system(&rq->err, errno, "failed to remove nvram: %s", nvram);
        } else if (!(flags & API_DOMAIN_UNDEFINE_KEEP_NVRAM)) {
            return err_set(&rq->err, ERR_OPERATION_INVALID, "cannot undefine domain with nvram");
        }
    }
    return 0;
}

static int undefine(struct req *rq, struct vm *vm, unsigned flags)
{
    const unsigned known = API_DOMAIN_UNDEFINE_MANAGED_SAVE | API_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
                           API_DOMAIN_UNDEFINE_NVRAM | API_DOMAIN_UNDEFINE_KEEP_NVRAM |
                           API_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | API_DOMAIN_UNDEFINE_TPM |
                           API_DOMAIN_UNDEFINE_KEEP_TPM;
    struct domain *domain;

    if (method_flags(rq, flags, known) < 0)
        return -1;
    if ((flags & API_DOMAIN_UNDEFINE_NVRAM) && (flags & API_DOMAIN_UNDEFINE_KEEP_NVRAM))
        return err_set(&rq->err, ERR_OPERATION_INVALID, "cannot both keep and delete nvram");
    if ((flags & API_DOMAIN_UNDEFINE_TPM) && (flags & API_DOMAIN_UNDEFINE_KEEP_TPM))
        return err_set(&rq->err, ERR_OPERATION_INVALID, "cannot both keep and delete TPM");
    if (!vm_is_persistent(vm))
        return err_set(&rq->err, ERR_OPERATION_INVALID, "cannot undefine transient domain");
    domain = definition_load(rq, vm, &rq->arena);
    err_clear(&rq->err); /* a file broken by hand can still be undefined */
    if (remove_parts(rq, vm, domain, flags) < 0)
        return -1;
    if (definition_op(rq, store_op_remove(qemud.store, vm->entry, &rq->err), NULL) < 0)
        return -1;
    autostart_set_once(&rq->arena, vm->name, false, NULL);
    vm->entry = NULL;
    if (domain && !vm_is_active(vm) && !(flags & API_DOMAIN_UNDEFINE_KEEP_TPM))
        tpm_forget(domain, flags & API_DOMAIN_UNDEFINE_TPM);
    if (vm->remembered) {
        vm->remembered = false;
        vm_unref(vm); /* the request holds another one */
    }
    vm_emit_lifecycle(vm, API_DOMAIN_EVENT_UNDEFINED, API_DOMAIN_EVENT_UNDEFINED_REMOVED);
    return 0;
}

static int m_undefine(struct req *rq, struct vm *vm, const struct remote_domain_undefine_in *in,
                      struct remote_domain_undefine_out *out)
{
    return undefine(rq, vm, 0);
}

static int m_undefine_flags(struct req *rq, struct vm *vm, const struct remote_domain_undefine_flags_in *in,
                            struct remote_domain_undefine_flags_out *out)
{
    return undefine(rq, vm, in->flags);
}

/* ---- rename ---- */

static int m_rename(struct req *rq, struct vm *vm, const struct remote_domain_rename_in *in,
                    struct remote_domain_rename_out *out)
{
    auto_buf struct buf text = {0};
    struct vm *other;
    struct domain *domain;
    auto_err struct err unknown = {0};
    bool once;

    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    if (str_empty(in->new_name))
        return err_set(&rq->err, ERR_INVALID_ARG, "new name must not be empty");
    if (vm_is_active(vm))
        return err_set(&rq->err, ERR_OPERATION_INVALID, "cannot rename active domain");
    if (!vm_is_persistent(vm))
        return err_set(&rq->err, ERR_OPERATION_INVALID, "cannot rename a transient domain");
    if (str_eq(in->new_name, vm->name))
        return err_set(&rq->err, ERR_OPERATION_INVALID, "Can't rename domain to itself");
    if (store_check_name("domain", in->new_name, &rq->err) < 0)
        return -1;
    other = vms_find_name(qemud.vms, in->new_name, &unknown);
    if (other) {
        vm_unref(other);
        return err_set(&rq->err, ERR_OPERATION_INVALID, "domain with name '%s' already exists", in->new_name);
    }
    domain = definition_load(rq, vm, &rq->arena);
    if (!domain)
        return -1;
    domain->name = in->new_name;
    once = autostart_is_once(&rq->arena, vm->name);
    autostart_set_once(&rq->arena, vm->name, false, NULL);
    domain_format(&text, domain, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
    if (definition_op(rq, store_op_rename(qemud.store, vm->entry, in->new_name, buf_text(&text), &rq->err),
                      NULL) < 0)
        return -1;
    if (once && autostart_set_once(&rq->arena, in->new_name, true, &rq->err) < 0)
        return -1;
    vm_emit_lifecycle(vm, API_DOMAIN_EVENT_UNDEFINED, API_DOMAIN_EVENT_UNDEFINED_RENAMED);
    vms_renamed(qemud.vms, vm, in->new_name);
    vm_emit_lifecycle(vm, API_DOMAIN_EVENT_DEFINED, API_DOMAIN_EVENT_DEFINED_RENAMED);
    out->retcode = 0;
    return 0;
}

/* ---- autostart ---- */

static int m_get_autostart(struct req *rq, struct vm *vm, const struct remote_domain_get_autostart_in *in,
                           struct remote_domain_get_autostart_out *out)
{
    out->autostart = vm->entry && vm->entry->autostart;
    return 0;
}

static int m_set_autostart(struct req *rq, struct vm *vm, const struct remote_domain_set_autostart_in *in,
                           struct remote_domain_set_autostart_out *out)
{
    bool on = in->autostart != 0;

    if (!vm_is_persistent(vm))
        return err_set(&rq->err, ERR_OPERATION_INVALID, "cannot set autostart for transient domain");
    if (vm->entry->autostart == on)
        return 0;
    return definition_op(rq, store_op_autostart(qemud.store, vm->entry, on, &rq->err), NULL);
}

static int m_get_autostart_once(struct req *rq, struct vm *vm,
                                const struct remote_domain_get_autostart_once_in *in,
                                struct remote_domain_get_autostart_once_out *out)
{
    out->autostart = vm_is_persistent(vm) && autostart_is_once(&rq->arena, vm->name);
    return 0;
}

static int m_set_autostart_once(struct req *rq, struct vm *vm,
                                const struct remote_domain_set_autostart_once_in *in,
                                struct remote_domain_set_autostart_once_out *out)
{
    if (!vm_is_persistent(vm))
        return err_set(&rq->err, ERR_OPERATION_INVALID, "cannot set autostart for transient domain");
    return autostart_set_once(&rq->arena, vm->name, in->autostart != 0, &rq->err);
}

const struct method define_methods[] = {
    METHOD(remote, DOMAIN_DEFINE_XML, m_define_xml),
    METHOD(remote, DOMAIN_DEFINE_XML_FLAGS, m_define_xml_flags),
    METHOD(remote, DOMAIN_UNDEFINE, m_undefine),
    METHOD(remote, DOMAIN_UNDEFINE_FLAGS, m_undefine_flags),
    METHOD(remote, DOMAIN_RENAME, m_rename),
    METHOD(remote, DOMAIN_GET_AUTOSTART, m_get_autostart),
    METHOD(remote, DOMAIN_SET_AUTOSTART, m_set_autostart),
    METHOD(remote, DOMAIN_GET_AUTOSTART_ONCE, m_get_autostart_once),
    METHOD(remote, DOMAIN_SET_AUTOSTART_ONCE, m_set_autostart_once),
    {0},
};

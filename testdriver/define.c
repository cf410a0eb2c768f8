/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods that make, change and forget definitions of machines. */
#define ERR_FROM ERR_FROM_TEST
#include "testdriver/event.h"
#include "testdriver/snapshot.h"
#include "testdriver/vm.h"

static int m_xml(struct req *rq, struct vm *vm, const struct remote_domain_get_xml_desc_in *in,
                 struct remote_domain_get_xml_desc_out *out)
{
    bool inactive = in->flags & VIR_DOMAIN_XML_INACTIVE;
    const struct doc *doc = inactive && vm->newdef ? vm->newdef : vm->def;
    auto_buf struct buf text = {0};

    domain_format(&text, doc->domain,
                  (in->flags & VIR_DOMAIN_XML_SECURE ? DOMAIN_FORMAT_SECURE : 0) |
                      (inactive || !vm_active(vm) ? DOMAIN_FORMAT_INACTIVE : 0) |
                      (in->flags & VIR_DOMAIN_XML_MIGRATABLE ? DOMAIN_FORMAT_MIGRATABLE : 0));
    out->xml = arena_strdup(rq->arena, buf_text(&text));
    return 0;
}

static int define(struct req *rq, const char *xml, unsigned flags, struct wire_domain *ret)
{
    struct doc *doc = doc_parse(
        xml, DOMAIN_PARSE_INACTIVE | (flags & VIR_DOMAIN_DEFINE_VALIDATE ? DOMAIN_PARSE_VALIDATE : 0),
        rq->err);
    struct vm *vm;
    bool known = false;

    if (!doc)
        return -1;
    vm = thing_by_uuid(&rq->world->vms, doc->domain->uuid);
    if (vm)
        known = vm->thing.persistent;
    vm = vm_add(rq->world, doc, 0, rq->err);
    if (!vm)
        return -1;
    vm->thing.persistent = true;
    event_lifecycle(rq, vm, VIR_DOMAIN_EVENT_DEFINED,
                    known ? VIR_DOMAIN_EVENT_DEFINED_UPDATED : VIR_DOMAIN_EVENT_DEFINED_ADDED);
    *ret = vm_wire(vm);
    return 0;
}

static int m_define(struct req *rq, struct client *client, const struct remote_domain_define_xml_in *in,
                    struct remote_domain_define_xml_out *out)
{
    return define(rq, in->xml, 0, &out->dom);
}

static int m_define_flags(struct req *rq, struct client *client,
                          const struct remote_domain_define_xml_flags_in *in,
                          struct remote_domain_define_xml_flags_out *out)
{
    return define(rq, in->xml, in->flags, &out->dom);
}

static unsigned count(const struct list *moments)
{
    unsigned n = 0;

    for (const struct list *at = moments->next; at != moments; at = at->next)
        n++;
    return n;
}

static int undefine(struct req *rq, struct vm *vm, unsigned flags)
{
    if (vm->managed_save && !(flags & VIR_DOMAIN_UNDEFINE_MANAGED_SAVE))
        return err_set(rq->err, ERR_OPERATION_INVALID,
                       "Refusing to undefine while domain managed save image exists");
    if (!vm_active(vm) && !list_empty(&vm->snapshots) && !(flags & VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA))
        return err_set(rq->err, ERR_OPERATION_INVALID, "cannot delete inactive domain with %u snapshots",
                       count(&vm->snapshots));
    vm->managed_save = false;
    event_lifecycle(rq, vm, VIR_DOMAIN_EVENT_UNDEFINED, VIR_DOMAIN_EVENT_UNDEFINED_REMOVED);
    vm->thing.persistent = false;
    vm_drop_transient(vm);
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

static int m_rename(struct req *rq, struct vm *vm, const struct remote_domain_rename_in *in,
                    struct remote_domain_rename_out *out)
{
    const char *name = in->new_name;

    if (str_eq(name, vm->thing.name))
        return err_set_from(rq->err, ERR_FROM_DOMAIN, ERR_OPERATION_INVALID, "Can't rename domain to itself");
    if (thing_by_name(&rq->world->vms, name))
        return err_set_from(rq->err, ERR_FROM_DOMAIN, ERR_OPERATION_INVALID,
                            "domain with name '%s' already exists", name);
    if (vm_active(vm))
        return err_set(rq->err, ERR_OPERATION_INVALID, "cannot rename active domain");
    if (!vm->thing.persistent)
        return err_set(rq->err, ERR_OPERATION_INVALID, "cannot rename a transient domain");
    event_lifecycle(rq, vm, VIR_DOMAIN_EVENT_UNDEFINED, VIR_DOMAIN_EVENT_UNDEFINED_RENAMED);
    vm->def->domain->name = arena_strdup(&vm->def->arena, name);
    vm_renamed(vm);
    event_lifecycle(rq, vm, VIR_DOMAIN_EVENT_DEFINED, VIR_DOMAIN_EVENT_DEFINED_RENAMED);
    return 0;
}

/* ---- small facts ---- */

static int m_is_active(struct req *rq, struct vm *vm, const struct remote_domain_is_active_in *in,
                       struct remote_domain_is_active_out *out)
{
    out->active = vm_active(vm);
    return 0;
}

static int m_is_persistent(struct req *rq, struct vm *vm, const struct remote_domain_is_persistent_in *in,
                           struct remote_domain_is_persistent_out *out)
{
    out->persistent = vm->thing.persistent;
    return 0;
}

static int m_is_updated(struct req *rq, struct vm *vm, const struct remote_domain_is_updated_in *in,
                        struct remote_domain_is_updated_out *out)
{
    out->updated = vm->updated;
    return 0;
}

static int m_get_autostart(struct req *rq, struct vm *vm, const struct remote_domain_get_autostart_in *in,
                           struct remote_domain_get_autostart_out *out)
{
    out->autostart = vm->thing.autostart;
    return 0;
}

static int m_set_autostart(struct req *rq, struct vm *vm, const struct remote_domain_set_autostart_in *in,
                           struct remote_domain_set_autostart_out *out)
{
    vm->thing.autostart = in->autostart != 0;
    return 0;
}

static int m_os_type(struct req *rq, struct vm *vm, const struct remote_domain_get_os_type_in *in,
                     struct remote_domain_get_os_type_out *out)
{
    out->type = (char *)"linux";
    return 0;
}

/* What happens at reboots, crashes, ends. */
static int m_lifecycle_action(struct req *rq, struct vm *vm,
                              const struct remote_domain_set_lifecycle_action_in *in,
                              struct remote_domain_set_lifecycle_action_out *out)
{
    struct affected affected;

    if (in->type >= 3)
        return err_set_from(rq->err, ERR_FROM_DOMAIN, ERR_INVALID_ARG, "invalid lifecycle type '%u'",
                            in->type);
    if (in->action >= ACTION_PRESERVE_RUNNING - 1)
        return err_set_from(rq->err, ERR_FROM_DOMAIN, ERR_INVALID_ARG, "invalid lifecycle action '%u'",
                            in->action);
    if (vm_affected(rq, vm, in->flags, &affected) < 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        struct doc *doc = affected_doc(&affected, i);
        enum domain_action action = (enum domain_action)(in->action + 1);

        if (!doc)
            continue;
        *(in->type == VIR_DOMAIN_LIFECYCLE_POWEROFF ? &doc->domain->on_poweroff
          : in->type == VIR_DOMAIN_LIFECYCLE_REBOOT ? &doc->domain->on_reboot
                                                    : &doc->domain->on_crash) = action;
    }
    return 0;
}

const struct method define_methods[] = {
    METHOD(remote, DOMAIN_GET_XML_DESC, m_xml,
           VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_MIGRATABLE),
    METHOD(remote, DOMAIN_DEFINE_XML, m_define),
    METHOD(remote, DOMAIN_DEFINE_XML_FLAGS, m_define_flags, VIR_DOMAIN_DEFINE_VALIDATE),
    METHOD(remote, DOMAIN_UNDEFINE, m_undefine),
    METHOD(remote, DOMAIN_UNDEFINE_FLAGS, m_undefine_flags,
           VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA),
    METHOD(remote, DOMAIN_RENAME, m_rename),
    METHOD(remote, DOMAIN_IS_ACTIVE, m_is_active),
    METHOD(remote, DOMAIN_IS_PERSISTENT, m_is_persistent),
    METHOD(remote, DOMAIN_IS_UPDATED, m_is_updated),
    METHOD(remote, DOMAIN_GET_AUTOSTART, m_get_autostart),
    METHOD(remote, DOMAIN_SET_AUTOSTART, m_set_autostart),
    METHOD(remote, DOMAIN_GET_OS_TYPE, m_os_type),
    METHOD(remote, DOMAIN_SET_LIFECYCLE_ACTION, m_lifecycle_action, 3),
    {0},
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods that add, remove and change devices: of the running machine, of the definition, or of both. */
#define ERR_FROM ERR_FROM_QEMU

#include "base/str.h"
#include "virtqemud/definition.h"
#include "virtqemud/device-match.h"
#include "virtqemud/device.h"
#include "virtqemud/method.h"
#include "virtqemud/qmp.h"
#include "virtqemud/run.h"

enum { MODIFY_FORCE = 4 };
enum { LIVE_AND_CONFIG = API_DOMAIN_AFFECT_LIVE | API_DOMAIN_AFFECT_CONFIG };

/* ---- definitions ---- */

static int not_in_definition(struct req *rq, const char *what, const char *element)
{
    return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "persistent %s of device '%s' is not supported", what,
                   element);
}

static int attach_config(struct req *rq, struct domain *domain, const char *xml)
{
    struct fragment new;

    if (fragment_parse(&rq->arena, xml, DOMAIN_PARSE_INACTIVE, &new, &rq->err) < 0)
        return -1;
    if (!device_may(new.element, DEVICE_CONFIG))
        return not_in_definition(rq, "attach", new.element);
    if (str_eq(new.element, "console") && ((struct chardev *)new.device)->target != CHARTARGET_VIRTIO)
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "attaching serial console is not supported");
    if (device_check_new(&domain->devices, &new, &rq->err) < 0)
        return -1;
    devices_add(&domain->devices, &rq->arena, new.element, new.device);
    device_account(domain, &new, 1);
    return device_settle(rq, &rq->arena, domain, /* inactive= */ true);
}

static int detach_config(struct req *rq, struct domain *domain, const char *xml)
{
    struct fragment like, there;

    if (fragment_parse(&rq->arena, xml, DOMAIN_PARSE_INACTIVE, &like, &rq->err) < 0)
        return -1;
    if (!device_may(like.element, DEVICE_CONFIG))
        return not_in_definition(rq, "detach", like.element);
    if (device_find(&domain->devices, &like, FIND_IN_CONFIG, &there, &rq->err) < 0)
        return -1;
    device_remove(domain, &there);
    return 0;
}

static int update_config(struct req *rq, struct domain *domain, const char *xml)
{
    struct fragment new, there;

    if (fragment_parse(&rq->arena, xml, DOMAIN_PARSE_INACTIVE, &new, &rq->err) < 0)
        return -1;
    if (!device_may(new.element, DEVICE_CHANGE))
        return not_in_definition(rq, "update", new.element);
    if (device_find(&domain->devices, &new, FIND_TO_UPDATE_CONFIG, &there, &rq->err) < 0)
        return -1;
    /* it stays where it is */
    if (new.info && !new.info->address.type)
        new.info->address = there.info->address;
    device_account(domain, &there, -1);
    devices_replace(&domain->devices, new.element, there.device, new.device);
    device_account(domain, &new, 1);
    return device_settle(rq, &rq->arena, domain, /* inactive= */ true);
}

/* ---- both ---- */

static int detach_live(struct req *rq, struct vm *vm, const char *xml)
{
    struct fragment like, there;

    if (!vm_monitor(rq, vm) || fragment_parse(&rq->arena, xml, 0, &like, &rq->err) < 0)
        return -1;
    if (!device_may(like.element, DEVICE_UNPLUG))
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "live detach of device '%s' is not supported",
                       like.element);
    if (device_find(&vm->run->domain->devices, &like, FIND_TO_DETACH, &there, &rq->err) < 0)
        return -1;
    return device_detach_live(rq, vm, &there);
}

static int detach_alias_live(struct req *rq, struct vm *vm, const char *alias)
{
    struct fragment there;

    if (!vm_monitor(rq, vm))
        return -1;
    if (!devices_by_alias(&vm->run->domain->devices, alias, &there))
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "no device found with alias %s", alias);
    return device_detach_live(rq, vm, &there);
}

static int detach_alias_config(struct req *rq, struct domain *domain, const char *alias)
{
    struct fragment there;

    if (!devices_by_alias(&domain->devices, alias, &there))
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "no device found with alias %s", alias);
    if (!device_may(there.element, DEVICE_CONFIG))
        return not_in_definition(rq, "detach", there.element);
    device_remove(domain, &there);
    return 0;
}

static int update_live(struct req *rq, struct vm *vm, const char *xml)
{
    return device_update_live(rq, vm, xml, /* force= */ false);
}

static int update_live_force(struct req *rq, struct vm *vm, const char *xml)
{
    return device_update_live(rq, vm, xml, /* force= */ true);
}

/* The definition first, in memory; then the machine; the definition is written when all went well. */
static int change(struct req *rq, struct vm *vm, const char *what, unsigned flags,
                  int (*in_config)(struct req *rq, struct domain *domain, const char *what),
                  int (*in_live)(struct req *rq, struct vm *vm, const char *what))
{
    struct domain *domain = NULL;
    bool live, config;

    if (vm_affected(rq, vm, flags & LIVE_AND_CONFIG, &live, &config) < 0)
        return -1;
    if (config) {
        domain = definition_load(rq, vm, &rq->arena);
        if (!domain || in_config(rq, domain, what) < 0)
            return -1;
    }
    if (live && in_live(rq, vm, what) < 0)
        return -1;
    return config ? definition_save(rq, vm, domain) : 0;
}

/* ---- methods ---- */

static int m_attach_device_flags(struct req *rq, struct vm *vm,
                                 const struct remote_domain_attach_device_flags_in *in,
                                 struct remote_domain_attach_device_flags_out *out UNUSED)
{
    if (method_flags(rq, in->flags, LIVE_AND_CONFIG) < 0)
        return -1;
    return change(rq, vm, in->xml, in->flags, attach_config, device_attach_live);
}

static int m_attach_device(struct req *rq, struct vm *vm, const struct remote_domain_attach_device_in *in,
                           struct remote_domain_attach_device_out *out UNUSED)
{
    return change(rq, vm, in->xml, API_DOMAIN_AFFECT_LIVE, attach_config, device_attach_live);
}

static int m_detach_device_flags(struct req *rq, struct vm *vm,
                                 const struct remote_domain_detach_device_flags_in *in,
                                 struct remote_domain_detach_device_flags_out *out UNUSED)
{
    if (method_flags(rq, in->flags, LIVE_AND_CONFIG) < 0)
        return -1;
    return change(rq, vm, in->xml, in->flags, detach_config, detach_live);
}

static int m_detach_device(struct req *rq, struct vm *vm, const struct remote_domain_detach_device_in *in,
                           struct remote_domain_detach_device_out *out UNUSED)
{
    return change(rq, vm, in->xml, API_DOMAIN_AFFECT_LIVE, detach_config, detach_live);
}

static int m_detach_device_alias(struct req *rq, struct vm *vm,
                                 const struct remote_domain_detach_device_alias_in *in,
                                 struct remote_domain_detach_device_alias_out *out UNUSED)
{
    if (method_flags(rq, in->flags, LIVE_AND_CONFIG) < 0)
        return -1;
    return change(rq, vm, in->alias, in->flags, detach_alias_config, detach_alias_live);
}

static int m_update_device_flags(struct req *rq, struct vm *vm,
                                 const struct remote_domain_update_device_flags_in *in,
                                 struct remote_domain_update_device_flags_out *out UNUSED)
{
    if (method_flags(rq, in->flags, LIVE_AND_CONFIG | MODIFY_FORCE) < 0)
        return -1;
    return change(rq, vm, in->xml, in->flags, update_config,
                  in->flags & MODIFY_FORCE ? update_live_force : update_live);
}

/* New certificates of a display, without a guest that would notice. */
static int m_graphics_reload(struct req *rq, struct vm *vm, const struct remote_domain_graphics_reload_in *in,
                             struct remote_domain_graphics_reload_out *out UNUSED)
{
    enum { ANY, VNC };
    const struct devices *devices;
    struct qmp *qmp;

    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    if (in->type > VNC)
        return err_set(&rq->err, ERR_INVALID_ARG, "unknown graphics type '%u'", in->type);
    if (!(qmp = vm_monitor(rq, vm)))
        return -1;
    devices = &vm->run->domain->devices;
    for (size_t i = 0; i < devices->n_graphics; i++)
        if (devices->graphics[i]->type == GRAPHICS_VNC)
            return qmp_call(rq, qmp, "display-reload", "{\"type\":\"vnc\",\"tls-certs\":true}", NULL,
                            SECONDS(30));
    return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "domain '%s' has no VNC display to reload", vm->name);
}

const struct method device_methods[] = {
    METHOD(remote, DOMAIN_ATTACH_DEVICE, m_attach_device),
    METHOD(remote, DOMAIN_ATTACH_DEVICE_FLAGS, m_attach_device_flags),
    METHOD(remote, DOMAIN_DETACH_DEVICE, m_detach_device),
    METHOD(remote, DOMAIN_DETACH_DEVICE_FLAGS, m_detach_device_flags),
    METHOD(remote, DOMAIN_DETACH_DEVICE_ALIAS, m_detach_device_alias),
    METHOD(remote, DOMAIN_UPDATE_DEVICE_FLAGS, m_update_device_flags),
    METHOD(remote, DOMAIN_GRAPHICS_RELOAD, m_graphics_reload),
    {0},
};

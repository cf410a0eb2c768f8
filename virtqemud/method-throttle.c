/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods of throttle groups: limits that several disks of a machine share. */
#define ERR_FROM ERR_FROM_QEMU
#include "base/str.h"
#include "virtqemud/definition.h"
#include "virtqemud/dev/throttle.h"
#include "virtqemud/method.h"
#include "virtqemud/qmp.h"
#include "virtqemud/status.h"

enum { AFFECT = API_DOMAIN_AFFECT_LIVE | API_DOMAIN_AFFECT_CONFIG };
#define QMP_USEC SECONDS(30)

static size_t find(const struct domain *domain, const char *name)
{
    size_t at = 0;

    while (at < domain->n_throttle_groups && !str_eq(domain->throttle_groups[at]->group_name, name))
        at++;
    return at;
}

static const struct disk_iotune *group_of(const struct domain *domain, const char *name)
{
    size_t at = find(domain, name);

    return at < domain->n_throttle_groups ? domain->throttle_groups[at] : NULL;
}

/* The limits are new, or replace those of the group of that name. */
static void keep(struct domain *domain, struct arena *arena, const struct disk_iotune *tune)
{
    size_t at = find(domain, tune->group_name);
    struct disk_iotune *kept = ARENA_NEW(arena, struct disk_iotune);

    *kept = *tune;
    if (at == domain->n_throttle_groups) {
        domain->throttle_groups = arena_grow(arena, domain->throttle_groups, at, sizeof(void *));
        domain->n_throttle_groups++;
    }
    domain->throttle_groups[at] = kept;
}

static int change(struct req *rq, const struct remote_domain_set_throttle_group_in *in,
                  const struct domain *domain, struct arena *arena, struct disk_iotune *ret)
{
    if (block_tune_change(rq, in->params.v, in->params.n, group_of(domain, in->group), arena, ret) < 0)
        return -1;
    ret->group_name = arena_strdup(arena, in->group);
    return 0;
}

static int set_live(struct req *rq, struct vm *vm, const struct remote_domain_set_throttle_group_in *in)
{
    struct qmp *qmp = vm_monitor(rq, vm);
    auto_props struct props props = {0};
    struct disk_iotune tune;
    bool there;

    if (!qmp || change(rq, in, vm->run->domain, &vm->run->arena, &tune) < 0)
        return -1;
    there = group_of(vm->run->domain, in->group);
    throttle_change(&rq->arena, &tune, there, &props);
    if (qmp_call(rq, qmp, there ? "qom-set" : "object-add", props_text(&props), NULL, QMP_USEC) < 0 ||
        vm_check_active(rq, vm) < 0)
        return -1;
    keep(vm->run->domain, &vm->run->arena, &tune);
    status_save(vm);
    return 0;
}

static int m_set(struct req *rq, struct vm *vm, const struct remote_domain_set_throttle_group_in *in,
                 struct remote_domain_set_throttle_group_out *out UNUSED)
{
    struct domain *domain = NULL;
    struct disk_iotune tune;
    bool live, config;

    if (method_flags(rq, in->flags, AFFECT) < 0 || vm_affected(rq, vm, in->flags, &live, &config) < 0)
        return -1;
    if (str_empty(in->group))
        return err_set(&rq->err, ERR_INVALID_ARG, "a throttle group needs a name");
    if (config) {
        domain = definition_load(rq, vm, &rq->arena);
        if (!domain || change(rq, in, domain, &rq->arena, &tune) < 0)
            return -1;
        keep(domain, &rq->arena, &tune);
    }
    if (live && set_live(rq, vm, in) < 0)
        return -1;
    return config ? definition_save(rq, vm, domain) : 0;
}

/* It is there, and nobody needs it. */
static int check_unused(struct req *rq, const struct domain *domain, const char *name)
{
    if (!group_of(domain, name))
        return err_set(&rq->err, ERR_INVALID_ARG, "throttlegroup '%s' was not found in the domain config",
                       name);
    for (size_t i = 0; i < domain->devices.n_disks; i++)
        for (size_t j = 0; j < domain->devices.disks[i]->n_throttle_filters; j++)
            if (str_eq(domain->devices.disks[i]->throttle_filters[j]->group, name))
                return err_set(&rq->err, ERR_OPERATION_INVALID,
                               "throttle group '%s' is still being used by disk %s", name,
                               domain->devices.disks[i]->dst);
    return 0;
}

static void forget(struct domain *domain, const char *name)
{
    size_t at = find(domain, name);

    memmove(domain->throttle_groups + at, domain->throttle_groups + at + 1,
            (--domain->n_throttle_groups - at) * sizeof(*domain->throttle_groups));
}

static int m_del(struct req *rq, struct vm *vm, const struct remote_domain_del_throttle_group_in *in,
                 struct remote_domain_del_throttle_group_out *out UNUSED)
{
    const char *name = in->group ? in->group : "";
    struct domain *domain = NULL;
    struct qmp *qmp;
    bool live, config;

    if (method_flags(rq, in->flags, AFFECT) < 0 || vm_affected(rq, vm, in->flags, &live, &config) < 0)
        return -1;
    if (config && (!(domain = definition_load(rq, vm, &rq->arena)) || check_unused(rq, domain, name) < 0))
        return -1;
    if (live) {
        if (!(qmp = vm_monitor(rq, vm)) || check_unused(rq, vm->run->domain, name) < 0 ||
            qmp_call(rq, qmp, "object-del",
                     json_text(&rq->arena, "{'id':%s}", arena_printf(&rq->arena, "throttle-%s", name)), NULL,
                     QMP_USEC) < 0 ||
            vm_check_active(rq, vm) < 0)
            return -1;
        forget(vm->run->domain, name);
        status_save(vm);
    }
    if (!config)
        return 0;
    forget(domain, name);
    return definition_save(rq, vm, domain);
}

const struct method throttle_methods[] = {
    METHOD(remote, DOMAIN_SET_THROTTLE_GROUP, m_set),
    METHOD(remote, DOMAIN_DEL_THROTTLE_GROUP, m_del),
    {0},
};

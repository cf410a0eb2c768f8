/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_DOMAIN
#include "virtqemud/vm.h"

#include "model/domain/domain.h"
#include "virtqemud/definition.h"
#include "virtqemud/events.h"
#include "virtqemud/qemud.h"
#include "virtqemud/qmp.h"
#include "virtqemud/run.h"
#include "virtqemud/vms.h"

struct vm *vm_ref(struct vm *vm)
{
    vm->refs++;
    return vm;
}

void vm_unref(struct vm *vm)
{
    if (--vm->refs)
        return;
    vms_remove(qemud.vms, vm);
    free(vm->name);
    free(vm);
}

int vm_take_job(struct req *rq, struct vm *vm, const char *operation)
{
    return job_take(rq, &vm->job, arena_printf(&rq->arena, "domain '%s'", vm->name), operation, SECONDS(30));
}

void vm_give_job(struct req *rq, struct vm *vm)
{
    job_give(rq, &vm->job);
}

int vm_check_active(struct req *rq, const struct vm *vm)
{
    if (vm_is_active(vm))
        return 0;
    return err_set(&rq->err, ERR_OPERATION_INVALID, "domain is not running");
}

int vm_check_running(struct req *rq, const struct vm *vm)
{
    if (vm_check_active(rq, vm) < 0)
        return -1;
    if (vm->state == API_DOMAIN_RUNNING)
        return 0;
    return err_set_from(&rq->err, ERR_FROM_QEMU, ERR_OPERATION_INVALID, "domain is not running");
}

int vm_check_inactive(struct req *rq, const struct vm *vm)
{
    if (!vm->run)
        return 0;
    return err_set_from(&rq->err, ERR_FROM_QEMU, ERR_OPERATION_INVALID, "domain is already running");
}

struct qmp *vm_monitor(struct req *rq, const struct vm *vm)
{
    if (vm_check_active(rq, vm) < 0)
        return NULL;
    if (vm->run->qmp && !vm->run->ended)
        return qmp_keep(rq, vm->run->qmp);
    err_set_from(&rq->err, ERR_FROM_QEMU, ERR_OPERATION_INVALID,
                 "the monitor of domain '%s' is not connected", vm->name);
    return NULL;
}

void vm_set_state(struct vm *vm, unsigned state, unsigned reason)
{
    vm->state = (uint8_t)state;
    vm->reason = (uint8_t)reason;
}

void vm_emit_lifecycle(struct vm *vm, int event, int detail)
{
    event_lifecycle(vm, event, detail);
}

int vm_affected(struct req *rq, struct vm *vm, unsigned flags, bool *ret_live, bool *ret_config)
{
    bool live = flags & API_DOMAIN_AFFECT_LIVE, config = flags & API_DOMAIN_AFFECT_CONFIG;

    if (!live && !config) {
        live = vm_is_active(vm);
        config = !live;
    }
    if (live && !vm_is_active(vm))
        return vm_check_active(rq, vm);
    if (config && !vm_is_persistent(vm))
        return err_set(&rq->err, ERR_OPERATION_INVALID,
                       "transient domains do not have any persistent config");
    *ret_live = live;
    *ret_config = config;
    return 0;
}

int vm_affected_one(struct req *rq, struct vm *vm, unsigned flags, bool *ret_live)
{
    bool config;

    if (vm_affected(rq, vm, flags, ret_live, &config) < 0)
        return -1;
    if (*ret_live && config)
        return err_set_bare(&rq->err, ERR_INVALID_ARG,
                            "Flags 'VIR_DOMAIN_AFFECT_LIVE' and "
                            "'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive");
    return 0;
}

const struct domain *vm_model(struct req *rq, struct vm *vm, unsigned flags)
{
    bool live;

    if (vm_affected_one(rq, vm, flags & (API_DOMAIN_AFFECT_LIVE | API_DOMAIN_AFFECT_CONFIG), &live) < 0)
        return NULL;
    return live ? vm->run->domain : definition_load(rq, vm, &rq->arena);
}

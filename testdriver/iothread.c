/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods of I/O threads. */
#define ERR_FROM ERR_FROM_DOMAIN
#include "testdriver/params.h"
#include "testdriver/vm.h"

enum { BOTH = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG };

static struct pin *pin_of(const struct vcpus *vcpus, uint32_t id)
{
    for (size_t i = 0; i < vcpus->tune.n_iothreadpins; i++)
        if (vcpus->tune.iothreadpins[i]->id.value == id)
            return vcpus->tune.iothreadpins[i];
    return NULL;
}

static int m_info(struct req *rq, struct vm *vm, const struct remote_domain_get_iothread_info_in *in,
                  struct remote_domain_get_iothread_info_out *out)
{
    enum { BYTES = 1 };
    const struct domain *domain = vm_model(rq, vm, in->flags);

    if (!domain)
        return -1;
    out->info.v = ARENA_ARRAY(rq->arena, struct wire_domain_iothread_info, domain->vcpus.n_iothreads);
    for (size_t i = 0; i < domain->vcpus.n_iothreads; i++) {
        uint32_t id = domain->vcpus.iothreads[i]->id;
        const struct pin *pin = pin_of(&domain->vcpus, id);
        struct bitmap cpus = {.arena = rq->arena};
        struct wire_domain_iothread_info *info = &out->info.v[out->info.n++];

        if (pin)
            bitmap_copy(&cpus, pin->cpus);
        else
            bitmap_set_range(&cpus, 0, domain->vcpus.max - 1);
        info->iothread_id = id;
        info->cpumap.n = BYTES;
        info->cpumap.v = ARENA_ARRAY(rq->arena, uint8_t, BYTES);
        bitmap_to_bytes(&cpus, info->cpumap.v, BYTES);
    }
    out->ret = out->info.n;
    return 0;
}

static struct poll *poll_of(struct vm *vm, uint32_t id)
{
    for (size_t i = 0; i < vm->n_polls; i++)
        if (vm->polls[i].id == id)
            return &vm->polls[i];
    return NULL;
}

static struct poll *add_poll(struct vm *vm, uint32_t id)
{
    vm->polls = mem_resize_array(vm->polls, vm->n_polls + 1, sizeof(*vm->polls));
    vm->polls[vm->n_polls] = (struct poll){.id = id, .max = 32768};
    return &vm->polls[vm->n_polls++];
}

static int m_add(struct req *rq, struct vm *vm, const struct remote_domain_add_iothread_in *in,
                 struct remote_domain_add_iothread_out *out)
{
    struct affected affected;

    if (!in->iothread_id)
        return err_set_from(rq->err, ERR_FROM_TEST, ERR_INVALID_ARG, "invalid value of 0 for iothread_id");
    if (vm_affected(rq, vm, in->flags, &affected) < 0)
        return -1;
    for (int i = 0; i < 2; i++)
        if (affected_doc(&affected, i) &&
            vcpus_iothread(&affected_doc(&affected, i)->domain->vcpus, in->iothread_id))
            return err_set(rq->err, ERR_INVALID_ARG, "an IOThread is already using iothread_id '%u'",
                           in->iothread_id);
    for (int i = 0; i < 2; i++)
        if (affected_doc(&affected, i))
            vcpus_add_iothread(&affected_doc(&affected, i)->domain->vcpus, &affected_doc(&affected, i)->arena,
                               in->iothread_id);
    if (affected.live)
        add_poll(vm, in->iothread_id);
    return 0;
}

static int m_del(struct req *rq, struct vm *vm, const struct remote_domain_del_iothread_in *in,
                 struct remote_domain_del_iothread_out *out)
{
    struct affected affected;
    struct poll *poll;

    if (vm_affected(rq, vm, in->flags, &affected) < 0)
        return -1;
    for (int i = 0; i < 2; i++)
        if (affected_doc(&affected, i) &&
            !vcpus_iothread(&affected_doc(&affected, i)->domain->vcpus, in->iothread_id))
            return err_set(rq->err, ERR_INVALID_ARG, "cannot find IOThread '%u' in iothreadids list",
                           in->iothread_id);
    for (int i = 0; i < 2; i++)
        if (affected_doc(&affected, i))
            vcpus_drop_iothread(&affected_doc(&affected, i)->domain->vcpus, in->iothread_id);
    poll = affected.live ? poll_of(vm, in->iothread_id) : NULL;
    if (poll)
        *poll = vm->polls[--vm->n_polls];
    return 0;
}

static int m_pin(struct req *rq, struct vm *vm, const struct remote_domain_pin_iothread_in *in,
                 struct remote_domain_pin_iothread_out *out)
{
    struct affected affected;

    if (vm_affected(rq, vm, in->flags, &affected) < 0)
        return -1;
    for (int i = 0; i < 2; i++)
        if (affected_doc(&affected, i) &&
            !vcpus_iothread(&affected_doc(&affected, i)->domain->vcpus, in->iothreads_id))
            return err_set_from(rq->err, ERR_FROM_TEST, ERR_INVALID_ARG, "iothreadid %u not found",
                                in->iothreads_id);
    for (int i = 0; i < 2; i++) {
        struct doc *doc = affected_doc(&affected, i);
        struct cputune *tune = doc ? &doc->domain->vcpus.tune : NULL;
        struct pin *pin = doc ? pin_of(&doc->domain->vcpus, in->iothreads_id) : NULL;

        if (!tune)
            continue;
        if (!pin) {
            pin = ARENA_NEW(&doc->arena, struct pin);
            pin->id = (struct opt_u32){in->iothreads_id, true};
            tune->iothreadpins = arena_grow(&doc->arena, tune->iothreadpins, tune->n_iothreadpins,
                                            sizeof(*tune->iothreadpins));
            tune->iothreadpins[tune->n_iothreadpins++] = pin;
        }
        pin->cpus = ARENA_NEW(&doc->arena, struct bitmap);
        pin->cpus->arena = &doc->arena;
        bitmap_from_bytes(pin->cpus, in->cpumap.v, in->cpumap.n);
    }
    return 0;
}

static int m_set_params(struct req *rq, struct vm *vm, const struct remote_domain_set_iothread_params_in *in,
                        struct remote_domain_set_iothread_params_out *out)
{
    static const struct param_row rows[] = {
        {VIR_DOMAIN_IOTHREAD_POLL_MAX_NS, VIR_TYPED_PARAM_ULLONG, 0},
        {VIR_DOMAIN_IOTHREAD_POLL_GROW, VIR_TYPED_PARAM_UINT, 0},
        {VIR_DOMAIN_IOTHREAD_POLL_SHRINK, VIR_TYPED_PARAM_UINT, 0},
    };
    struct affected affected;
    struct poll *poll;

    if (params_check(rq, in->params.v, in->params.n, rows, ARRAY_SIZE(rows)) < 0 ||
        vm_affected(rq, vm, in->flags, &affected) < 0)
        return -1;
    if (!vcpus_iothread(&vm->def->domain->vcpus, in->iothread_id))
        return err_set_from(rq->err, ERR_FROM_TEST, ERR_INVALID_ARG,
                            "cannot find IOThread '%u' in iothreadids", in->iothread_id);
    poll = poll_of(vm, in->iothread_id);
    if (!poll)
        poll = add_poll(vm, in->iothread_id);
    for (uint32_t i = 0; i < in->params.n; i++) {
        const struct wire_typed_param *param = &in->params.v[i];

        if (param->value.type == VIR_TYPED_PARAM_ULLONG)
            poll->max = param->value.ul;
        else if (str_eq(param->field, VIR_DOMAIN_IOTHREAD_POLL_GROW))
            poll->grow = param->value.ui;
        else
            poll->shrink = param->value.ui;
    }
    return 0;
}

const struct method iothread_methods[] = {
    METHOD(remote, DOMAIN_GET_IOTHREAD_INFO, m_info, BOTH),
    METHOD(remote, DOMAIN_ADD_IOTHREAD, m_add, BOTH),
    METHOD(remote, DOMAIN_DEL_IOTHREAD, m_del, BOTH),
    METHOD(remote, DOMAIN_PIN_IOTHREAD, m_pin, BOTH),
    METHOD(remote, DOMAIN_SET_IOTHREAD_PARAMS, m_set_params, BOTH),
    {0},
};

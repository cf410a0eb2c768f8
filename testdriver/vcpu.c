/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods of virtual CPUs and where they run. */
#define ERR_FROM ERR_FROM_TEST
#include "base/time.h"
#include "testdriver/vm.h"

enum { VCPUS_LIMIT = 32, BOTH = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG };

static uint32_t host_cpus(const struct req *rq)
{
    return (uint32_t)rq->world->node.cpus;
}

/* ---- how many ---- */

static int set_count(struct req *rq, struct vm *vm, uint32_t count, unsigned flags)
{
    struct affected affected;
    bool maximum = flags & VIR_DOMAIN_VCPU_MAXIMUM;

    if (count > VCPUS_LIMIT)
        return err_set(rq->err, ERR_INVALID_ARG,
                       "requested cpu amount exceeds maximum supported amount (%u > %d)", count, VCPUS_LIMIT);
    if (vm_affected(rq, vm, flags, &affected) < 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        const struct doc *doc = affected_doc(&affected, i);

        if (doc && !(maximum && doc == affected.config) && count > doc->domain->vcpus.max)
            return err_set(rq->err, ERR_INVALID_ARG, "requested cpu amount exceeds maximum (%u > %u)", count,
                           doc->domain->vcpus.max);
    }
    for (int i = 0; i < 2; i++) {
        struct doc *doc = affected_doc(&affected, i);
        struct vcpus *vcpus = doc ? &doc->domain->vcpus : NULL;
        uint32_t online = vcpus ? vcpus_online(vcpus) : 0;

        if (!vcpus)
            continue;
        if (maximum && doc == affected.config) {
            /* all stay online that were, and those that come are not */
            vcpus->max = count;
            if (online > count)
                online = count;
        } else {
            online = count;
        }
        vcpus->current = online == vcpus->max ? 0 : online;
    }
    return 0;
}

static int m_set_vcpus(struct req *rq, struct vm *vm, const struct remote_domain_set_vcpus_in *in,
                       struct remote_domain_set_vcpus_out *out)
{
    return set_count(rq, vm, in->nvcpus, VIR_DOMAIN_AFFECT_LIVE);
}

static int m_set_vcpus_flags(struct req *rq, struct vm *vm, const struct remote_domain_set_vcpus_flags_in *in,
                             struct remote_domain_set_vcpus_flags_out *out)
{
    return set_count(rq, vm, in->nvcpus, in->flags);
}

static int m_get_vcpus_flags(struct req *rq, struct vm *vm, const struct remote_domain_get_vcpus_flags_in *in,
                             struct remote_domain_get_vcpus_flags_out *out)
{
    const struct domain *domain = vm_model(rq, vm, in->flags);

    if (!domain)
        return -1;
    out->num =
        (int32_t)(in->flags & VIR_DOMAIN_VCPU_MAXIMUM ? domain->vcpus.max : vcpus_online(&domain->vcpus));
    return 0;
}

static int m_max_vcpus(struct req *rq, struct vm *vm, const struct remote_domain_get_max_vcpus_in *in,
                       struct remote_domain_get_max_vcpus_out *out)
{
    if (vm_need_active(rq, vm) < 0)
        return -1;
    out->num = (int32_t)vm->def->domain->vcpus.max;
    return 0;
}

/* ---- where ---- */

/* The CPUs that it may use: its pin, what all may use, all. */
static void allowed_cpus(const struct req *rq, const struct bitmap *own, const struct vcpus *vcpus,
                         struct bitmap *ret)
{
    const struct bitmap *cpus = own ? own : vcpus->cpus;

    if (cpus)
        bitmap_copy(ret, cpus);
    else
        bitmap_set_range(ret, 0, host_cpus(rq) - 1);
}

static int m_get_vcpus(struct req *rq, struct vm *vm, const struct remote_domain_get_vcpus_in *in,
                       struct remote_domain_get_vcpus_out *out)
{
    const struct vcpus *vcpus = &vm->def->domain->vcpus;
    uint32_t count = vcpus_online(vcpus);
    uint32_t maplen = in->maplen < 0 ? 0 : (uint32_t)in->maplen;

    if (!vm_active(vm))
        return err_set(rq->err, ERR_OPERATION_INVALID, "cannot list vcpus for an inactive domain");
    if ((int64_t)count > in->maxinfo)
        count = in->maxinfo < 0 ? 0 : (uint32_t)in->maxinfo;
    out->info.v = ARENA_ARRAY(rq->arena, struct wire_vcpu_info, count);
    out->cpumaps.n = count * maplen;
    out->cpumaps.v = ARENA_ARRAY(rq->arena, uint8_t, out->cpumaps.n);
    for (uint32_t i = 0; i < count; i++) {
        const struct pin *pin = vcpus_pin(vcpus, i);
        struct bitmap cpus = {.arena = rq->arena};

        allowed_cpus(rq, pin ? pin->cpus : NULL, vcpus, &cpus);
        out->info.v[out->info.n++] = (struct wire_vcpu_info){.number = i,
                                                             .state = VIR_VCPU_RUNNING,
                                                             .cpu_time = time_real() / 10,
                                                             .cpu = (int32_t)bitmap_last(&cpus)};
        bitmap_to_bytes(&cpus, out->cpumaps.v + (size_t)i * maplen, maplen);
    }
    return 0;
}

static int m_pin_info(struct req *rq, struct vm *vm, const struct remote_domain_get_vcpu_pin_info_in *in,
                      struct remote_domain_get_vcpu_pin_info_out *out)
{
    const struct domain *domain = vm_model(rq, vm, in->flags & BOTH);
    uint32_t maplen = in->maplen < 0 ? 0 : (uint32_t)in->maplen, count;

    if (!domain)
        return -1;
    count = vcpus_online(&domain->vcpus);
    if ((int64_t)count > in->ncpumaps)
        count = in->ncpumaps < 0 ? 0 : (uint32_t)in->ncpumaps;
    out->num = (int32_t)count;
    out->cpumaps.n = count * maplen;
    out->cpumaps.v = ARENA_ARRAY(rq->arena, uint8_t, out->cpumaps.n);
    for (uint32_t i = 0; i < count; i++) {
        const struct pin *pin = vcpus_pin(&domain->vcpus, i);
        struct bitmap cpus = {.arena = rq->arena};

        allowed_cpus(rq, pin ? pin->cpus : NULL, &domain->vcpus, &cpus);
        bitmap_to_bytes(&cpus, out->cpumaps.v + (size_t)i * maplen, maplen);
    }
    return 0;
}

static struct bitmap *take_map(struct arena *arena, const void *bytes, uint32_t n)
{
    struct bitmap *cpus = ARENA_NEW(arena, struct bitmap);

    cpus->arena = arena;
    bitmap_from_bytes(cpus, bytes, n);
    return cpus;
}

static int pin_vcpu(struct req *rq, struct vm *vm, uint32_t vcpu, const void *map, uint32_t map_length)
{
    struct vcpus *vcpus = &vm->def->domain->vcpus;
    struct cputune *tune = &vcpus->tune;
    struct pin *pin;

    if (!vm_active(vm))
        return err_set(rq->err, ERR_OPERATION_INVALID, "cannot pin vcpus on an inactive domain");
    if (vcpu >= vcpus_online(vcpus))
        return err_set(rq->err, ERR_INVALID_ARG, "requested vcpu '%u' is not present in the domain", vcpu);
    pin = vcpus_pin(vcpus, vcpu);
    if (!pin) {
        pin = ARENA_NEW(&vm->def->arena, struct pin);
        pin->id = (struct opt_u32){vcpu, true};
        tune->vcpupins =
            arena_grow(&vm->def->arena, tune->vcpupins, tune->n_vcpupins, sizeof(*tune->vcpupins));
        tune->vcpupins[tune->n_vcpupins++] = pin;
    }
    pin->cpus = take_map(&vm->def->arena, map, map_length);
    return 0;
}

static int m_pin_vcpu(struct req *rq, struct vm *vm, const struct remote_domain_pin_vcpu_in *in,
                      struct remote_domain_pin_vcpu_out *out)
{
    return pin_vcpu(rq, vm, in->vcpu, in->cpumap.v, in->cpumap.n);
}

static int m_pin_vcpu_flags(struct req *rq, struct vm *vm, const struct remote_domain_pin_vcpu_flags_in *in,
                            struct remote_domain_pin_vcpu_flags_out *out)
{
    return pin_vcpu(rq, vm, in->vcpu, in->cpumap.v, in->cpumap.n);
}

static int m_pin_emulator(struct req *rq, struct vm *vm, const struct remote_domain_pin_emulator_in *in,
                          struct remote_domain_pin_emulator_out *out)
{
    struct affected affected;

    if (vm_affected(rq, vm, in->flags, &affected) < 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        struct doc *doc = affected_doc(&affected, i);

        if (doc)
            doc->domain->vcpus.tune.emulatorpin = take_map(&doc->arena, in->cpumap.v, in->cpumap.n);
    }
    return 0;
}

static int m_emulator_pin(struct req *rq, struct vm *vm,
                          const struct remote_domain_get_emulator_pin_info_in *in,
                          struct remote_domain_get_emulator_pin_info_out *out)
{
    const struct domain *domain = vm_model(rq, vm, in->flags);
    struct bitmap cpus = {.arena = rq->arena};

    if (!domain)
        return -1;
    allowed_cpus(rq, domain->vcpus.tune.emulatorpin, &domain->vcpus, &cpus);
    out->cpumaps.n = in->maplen < 0 ? 0 : (uint32_t)in->maplen;
    out->cpumaps.v = ARENA_ARRAY(rq->arena, uint8_t, out->cpumaps.n);
    bitmap_to_bytes(&cpus, out->cpumaps.v, out->cpumaps.n);
    out->ret = 1;
    return 0;
}

const struct method vcpu_methods[] = {
    METHOD(remote, DOMAIN_SET_VCPUS, m_set_vcpus),
    METHOD(remote, DOMAIN_SET_VCPUS_FLAGS, m_set_vcpus_flags, BOTH | VIR_DOMAIN_VCPU_MAXIMUM),
    METHOD(remote, DOMAIN_GET_VCPUS_FLAGS, m_get_vcpus_flags, BOTH | VIR_DOMAIN_VCPU_MAXIMUM),
    METHOD(remote, DOMAIN_GET_MAX_VCPUS, m_max_vcpus),
    METHOD(remote, DOMAIN_GET_VCPUS, m_get_vcpus),
    METHOD(remote, DOMAIN_GET_VCPU_PIN_INFO, m_pin_info, ~0u), /* unknown flags don't matter */
    METHOD(remote, DOMAIN_PIN_VCPU, m_pin_vcpu),
    METHOD(remote, DOMAIN_PIN_VCPU_FLAGS, m_pin_vcpu_flags),
    METHOD(remote, DOMAIN_PIN_EMULATOR, m_pin_emulator, BOTH),
    METHOD(remote, DOMAIN_GET_EMULATOR_PIN_INFO, m_emulator_pin, BOTH),
    {0},
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods that get and set how much memory and how many vCPUs a domain has, now and at its next start. */
#define ERR_FROM ERR_FROM_QEMU
#include <sched.h>

#include "model/domain/domain.h"
#include "virtqemud/definition.h"
#include "virtqemud/method.h"
#include "virtqemud/process.h"
#include "virtqemud/qmp.h"
#include "virtqemud/run.h"
#include "virtqemud/status.h"
#include "virtqemud/vcpu.h"

/* ---- memory ---- */

static bool has_balloon(const struct domain *domain)
{
    return domain->devices.balloon && domain->devices.balloon->model != BALLOON_NONE;
}

static int set_live_memory(struct req *rq, struct vm *vm, uint64_t kib)
{
    struct run *run = vm->run;
    struct qmp *qmp = vm_monitor(rq, vm);

    if (!qmp)
        return -1;
    if (kib > run->domain->memory.total)
        return err_set(&rq->err, ERR_INVALID_ARG, "cannot set memory higher than max memory");
    if (!has_balloon(run->domain))
        return err_set(
            &rq->err, ERR_OPERATION_INVALID,
            "Unable to change memory of active domain without the balloon device and guest OS balloon "
            "driver");
    /* the guest gives back what it can, in its own time: BALLOON_CHANGE tells how much */
    return qmp_call(rq, qmp, "balloon",
                    json_text(&rq->arena, "{'value': %llu}", (unsigned long long)kib * 1024), NULL,
                    SECONDS(30));
}

static int set_memory(struct req *rq, struct vm *vm, uint64_t kib, unsigned flags)
{
    bool live, config, maximum = flags & API_DOMAIN_MEM_MAXIMUM;
    struct domain *domain = NULL;

    if (method_flags(rq, flags, API_DOMAIN_AFFECT_LIVE | API_DOMAIN_AFFECT_CONFIG | API_DOMAIN_MEM_MAXIMUM) <
            0 ||
        vm_affected(rq, vm, flags, &live, &config) < 0)
        return -1;
    if (kib > UINT64_MAX / 1024)
        return err_set(&rq->err, ERR_OVERFLOW, "input too large: %llu", (unsigned long long)kib);
    if (live && maximum)
        return err_set(&rq->err, ERR_OPERATION_INVALID,
                       "cannot resize the maximum memory on an active domain");
    if (config) {
        domain = definition_load(rq, vm, &rq->arena);
        if (!domain)
            return -1;
        if (maximum) {
            domain->memory.total = kib;
            if (domain->memory.current > kib)
                domain->memory.current = kib;
        } else if (kib > domain->memory.total) {
            return err_set(&rq->err, ERR_INVALID_ARG, "cannot set memory higher than max memory");
        } else {
            domain->memory.current = kib;
        }
    }
    if (live && set_live_memory(rq, vm, kib) < 0)
        return -1;
    return config ? definition_save(rq, vm, domain) : 0;
}

static int m_set_memory(struct req *rq, struct vm *vm, const struct remote_domain_set_memory_in *in,
                        struct remote_domain_set_memory_out *out)
{
    return set_memory(rq, vm, in->memory, API_DOMAIN_AFFECT_LIVE);
}

static int m_set_memory_flags(struct req *rq, struct vm *vm,
                              const struct remote_domain_set_memory_flags_in *in,
                              struct remote_domain_set_memory_flags_out *out)
{
    return set_memory(rq, vm, in->memory, in->flags);
}

static int m_set_max_memory(struct req *rq, struct vm *vm, const struct remote_domain_set_max_memory_in *in,
                            struct remote_domain_set_max_memory_out *out)
{
    return set_memory(rq, vm, in->memory, API_DOMAIN_MEM_MAXIMUM);
}

static int m_get_max_memory(struct req *rq, struct vm *vm, const struct remote_domain_get_max_memory_in *in,
                            struct remote_domain_get_max_memory_out *out)
{
    const struct domain *domain = vm_model(rq, vm, 0);

    if (!domain)
        return -1;
    out->memory = domain->memory.total;
    return 0;
}

/* ---- vCPUs ---- */

static int set_vcpu_maximum(struct req *rq, struct vm *vm, unsigned count)
{
    struct domain *domain = definition_load(rq, vm, &rq->arena);

    if (!domain)
        return -1;
    if (vcpus_online(&domain->vcpus) < count) /* those that come to the maximum aren't online */
        domain->vcpus.current = vcpus_online(&domain->vcpus);
    else
        domain->vcpus.current = 0;
    domain->vcpus.max = count;
    return definition_save(rq, vm, domain);
}

static int set_vcpus(struct req *rq, struct vm *vm, unsigned count, unsigned flags)
{
    struct domain *domain = NULL;
    bool live, config;

    if (method_flags(rq, flags,
                     API_DOMAIN_AFFECT_LIVE | API_DOMAIN_AFFECT_CONFIG | API_DOMAIN_VCPU_MAXIMUM |
                         API_DOMAIN_VCPU_GUEST | API_DOMAIN_VCPU_HOTPLUGGABLE) < 0 ||
        vm_affected(rq, vm, flags, &live, &config) < 0)
        return -1;
    if (!count || count > INT16_MAX)
        return err_set(&rq->err, ERR_INVALID_ARG, "argument out of range: %u", count);
    if (flags & API_DOMAIN_VCPU_GUEST)
        return vm_check_active(rq, vm) < 0 ? -1 : guest_set_vcpus(rq, vm, count);
    if (flags & API_DOMAIN_VCPU_MAXIMUM)
        return live ? err_set(&rq->err, ERR_INVALID_ARG,
                              "flag 'maximum' is only for the persistent definition")
                    : set_vcpu_maximum(rq, vm, count);
    if (live && count > vm->run->domain->vcpus.max)
        return err_set(&rq->err, ERR_INVALID_ARG,
                       "requested vcpus is greater than max allowable vcpus for the live domain: %u > %u",
                       count, vm->run->domain->vcpus.max);
    if (config) {
        domain = definition_load(rq, vm, &rq->arena);
        if (!domain)
            return -1;
        if (count > domain->vcpus.max)
            return err_set(
                &rq->err, ERR_INVALID_ARG,
                "requested vcpus is greater than max allowable vcpus for the persistent domain: %u > %u",
                count, domain->vcpus.max);
        domain->vcpus.current = count == domain->vcpus.max ? 0 : count;
    }
    if (live && vcpu_set_count(rq, vm, count) < 0)
        return -1;
    return config ? definition_save(rq, vm, domain) : 0;
}

static int m_set_vcpus(struct req *rq, struct vm *vm, const struct remote_domain_set_vcpus_in *in,
                       struct remote_domain_set_vcpus_out *out)
{
    return set_vcpus(rq, vm, in->nvcpus, API_DOMAIN_AFFECT_LIVE);
}

static int m_set_vcpus_flags(struct req *rq, struct vm *vm, const struct remote_domain_set_vcpus_flags_in *in,
                             struct remote_domain_set_vcpus_flags_out *out)
{
    return set_vcpus(rq, vm, in->nvcpus, in->flags);
}

static int get_vcpus_flags(struct req *rq, struct vm *vm, unsigned flags, int32_t *ret)
{
    const struct domain *domain;

    if (method_flags(rq, flags,
                     API_DOMAIN_AFFECT_LIVE | API_DOMAIN_AFFECT_CONFIG | API_DOMAIN_VCPU_MAXIMUM |
                         API_DOMAIN_VCPU_GUEST) < 0)
        return -1;
    if (flags & API_DOMAIN_VCPU_GUEST)
        return vm_check_active(rq, vm) < 0 ? -1
                                           : guest_count_vcpus(rq, vm, flags & API_DOMAIN_VCPU_MAXIMUM, ret);
    domain = vm_model(rq, vm, flags);
    if (!domain)
        return -1;
    if (flags & API_DOMAIN_VCPU_MAXIMUM)
        *ret = (int32_t)domain->vcpus.max;
    else if (vm->run && domain == vm->run->domain && vm->run->count_vcpus)
        *ret = (int32_t)vcpu_count_online(vm->run);
    else
        *ret = (int32_t)vcpus_online(&domain->vcpus);
    return 0;
}

static int m_get_vcpus_flags(struct req *rq, struct vm *vm, const struct remote_domain_get_vcpus_flags_in *in,
                             struct remote_domain_get_vcpus_flags_out *out)
{
    return get_vcpus_flags(rq, vm, in->flags, &out->num);
}

static int m_get_max_vcpus(struct req *rq, struct vm *vm, const struct remote_domain_get_max_vcpus_in *in,
                           struct remote_domain_get_max_vcpus_out *out)
{
    return get_vcpus_flags(rq, vm, API_DOMAIN_AFFECT_LIVE | API_DOMAIN_VCPU_MAXIMUM, &out->num);
}

/* Where each online vCPU's thread runs, how long it ran, and where it may run. */
static int m_get_vcpus(struct req *rq, struct vm *vm, const struct remote_domain_get_vcpus_in *in,
                       struct remote_domain_get_vcpus_out *out)
{
    const struct run *run = vm->run;
    size_t maplen = in->maplen > 0 ? (size_t)in->maplen : 0;
    uint32_t count = 0;

    if (!vm_is_active(vm))
        return err_set(&rq->err, ERR_OPERATION_INVALID,
                       "cannot retrieve vcpu information for inactive domain");
    if (in->maxinfo < 0 || in->maxinfo > INT16_MAX || maplen > 4096)
        return err_set(&rq->err, ERR_INVALID_ARG, "maxinfo %d or maplen %d out of range", in->maxinfo,
                       in->maplen);
    out->info.v = ARENA_ARRAY(&rq->arena, struct wire_vcpu_info, (size_t)in->maxinfo + 1);
    out->cpumaps.v = ARENA_ARRAY(&rq->arena, uint8_t, (size_t)in->maxinfo * maplen + 1);
    for (unsigned i = 0; i < run->count_vcpus && (int32_t)count < in->maxinfo; i++) {
        struct wire_vcpu_info *info = &out->info.v[count];
        uint8_t *map = out->cpumaps.v + count * maplen;
        uint64_t user = 0, system = 0;
        int cpu = 0;
        cpu_set_t set;

        if (!run->vcpus[i].online)
            continue;
        if (run->vcpus[i].thread)
            process_usage(run->pid, run->vcpus[i].thread, &user, &system, NULL, &cpu);
        info->number = i;
        info->state = API_VCPU_RUNNING;
        info->cpu_time = user + system;
        info->cpu = cpu;
        if (run->vcpus[i].thread && sched_getaffinity(run->vcpus[i].thread, sizeof(set), &set) == 0)
            for (size_t bit = 0; bit < maplen * 8 && bit < CPU_SETSIZE; bit++)
                if (CPU_ISSET(bit, &set))
                    map[bit / 8] |= (uint8_t)(1u << (bit % 8));
        count++;
    }
    out->info.n = count;
    out->cpumaps.n = (uint32_t)(count * maplen);
    return 0;
}

const struct method tune_methods[] = {
    METHOD(remote, DOMAIN_SET_MEMORY, m_set_memory),
    METHOD(remote, DOMAIN_SET_MEMORY_FLAGS, m_set_memory_flags),
    METHOD(remote, DOMAIN_SET_MAX_MEMORY, m_set_max_memory),
    METHOD(remote, DOMAIN_GET_MAX_MEMORY, m_get_max_memory),
    METHOD(remote, DOMAIN_SET_VCPUS, m_set_vcpus),
    METHOD(remote, DOMAIN_SET_VCPUS_FLAGS, m_set_vcpus_flags),
    METHOD(remote, DOMAIN_GET_VCPUS_FLAGS, m_get_vcpus_flags),
    METHOD(remote, DOMAIN_GET_MAX_VCPUS, m_get_max_vcpus),
    METHOD(remote, DOMAIN_GET_VCPUS, m_get_vcpus),
    {0},
};

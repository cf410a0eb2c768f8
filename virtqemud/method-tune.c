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
#include "virtqemud/stats.h"
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

static int m_set_stats_period(struct req *rq, struct vm *vm,
                              const struct remote_domain_set_memory_stats_period_in *in,
                              struct remote_domain_set_memory_stats_period_out *out)
{
    struct domain *domain = NULL;
    bool live, config;

    if (method_flags(rq, in->flags, API_DOMAIN_AFFECT_LIVE | API_DOMAIN_AFFECT_CONFIG) < 0 ||
        vm_affected(rq, vm, in->flags, &live, &config) < 0)
        return -1;
    if (in->period < 0)
        return err_set(&rq->err, ERR_INVALID_ARG, "period '%d' must be zero or greater than zero",
                       in->period);
    if (config && !(domain = definition_load(rq, vm, &rq->arena)))
        return -1;
    if (live && vm_check_active(rq, vm) < 0)
        return -1;
    if ((live && !has_balloon(vm->run->domain)) || (config && !has_balloon(domain)))
        return err_set(&rq->err, ERR_OPERATION_INVALID,
                       "Memory balloon model must be virtio to set the collection period");
    if (live) {
        if (stats_poll_balloon(rq, vm, (uint32_t)in->period) < 0 || vm_check_active(rq, vm) < 0)
            return -1;
        vm->run->domain->devices.balloon->stats_period = in->period > 0 ? (uint32_t)in->period : 0;
        status_save(vm);
    }
    if (!config)
        return 0;
    domain->devices.balloon->stats_period = in->period > 0 ? (uint32_t)in->period : 0;
    return definition_save(rq, vm, domain);
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
        domain->vcpus.n_each = 0; /* a number alone tells none apart */
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

/* Which one a map of vCPUs names; those of `max` alone. -1 with rq->err set. */
static int only_one(struct req *rq, const struct bitmap *map, unsigned max, const char *which)
{
    if ((unsigned)bitmap_last(map) >= max)
        return err_set(&rq->err, ERR_INVALID_ARG, "vcpu %zd is not present in %s config", bitmap_last(map),
                       which);
    if (bitmap_weight(map) != 1)
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "only one hotpluggable entity can be selected");
    return (int)bitmap_next(map, 0);
}

static int set_live_vcpu(struct req *rq, struct vm *vm, const struct bitmap *map, bool on)
{
    int id = only_one(rq, map, vm->run->count_vcpus, "live");

    if (id < 0)
        return -1;
    if (vm->run->vcpus[id].online == on)
        return err_set(&rq->err, ERR_INVALID_ARG, "vcpu '%d' is already in requested state", id);
    return vcpu_set_one(rq, vm, (unsigned)id, on);
}

static int set_config_vcpu(struct req *rq, struct domain *domain, const struct bitmap *map, bool on)
{
    struct vcpus *vcpus = &domain->vcpus;
    uint32_t online = 0;

    if ((unsigned)bitmap_last(map) >= vcpus->max)
        return err_set(&rq->err, ERR_INVALID_ARG, "vcpu %zd is not present in persistent config",
                       bitmap_last(map));
    if (bitmap_get(map, 0))
        return err_set(&rq->err, ERR_INVALID_ARG, "vCPU '0' can't be modified");
    vcpu_tell_apart(domain, &rq->arena);
    for (size_t i = 0; i < vcpus->n_each; i++) {
        if (bitmap_get(map, (uint32_t)i))
            *vcpus->each[i] = (struct vcpu){vcpus->each[i]->id, on ? TRI_YES : TRI_NO, TRI_YES, 0};
        vcpus->each[i]->order = 0;
        online += vcpus->each[i]->enabled == TRI_YES;
    }
    vcpus->current = online == vcpus->max ? 0 : online;
    return 0;
}

static int m_set_vcpu(struct req *rq, struct vm *vm, const struct remote_domain_set_vcpu_in *in,
                      struct remote_domain_set_vcpu_out *out)
{
    auto_bitmap struct bitmap map = {0};
    struct domain *domain = NULL;
    bool live, config;

    if (method_flags(rq, in->flags,
                     API_DOMAIN_AFFECT_LIVE | API_DOMAIN_AFFECT_CONFIG | API_DOMAIN_VCPU_ASYNC_UNPLUG) < 0)
        return -1;
    if (in->state != 0 && in->state != 1)
        return err_set(&rq->err, ERR_INVALID_ARG, "unsupported state value");
    if (bitmap_parse(in->cpumap, VCPUS_MAX, &map) < 0)
        return err_set(&rq->err, ERR_INVALID_ARG, "Failed to parse bitmap '%s'", in->cpumap);
    if (bitmap_empty(&map))
        return err_set(&rq->err, ERR_INVALID_ARG, "no vcpus selected for modification");
    if (vm_affected(rq, vm, in->flags, &live, &config) < 0)
        return -1;
    if (config) {
        domain = definition_load(rq, vm, &rq->arena);
        if (!domain || set_config_vcpu(rq, domain, &map, in->state == 1) < 0 ||
            (live && vm_check_active(rq, vm) < 0))
            return -1;
    }
    if (live && set_live_vcpu(rq, vm, &map, in->state == 1) < 0)
        return -1;
    return config ? definition_save(rq, vm, domain) : 0;
}

static int get_vcpus_flags(struct req *rq, struct vm *vm, unsigned flags, int32_t *ret)
{
    const struct domain *domain;

    if (method_flags(rq, flags,
                     API_DOMAIN_AFFECT_LIVE | API_DOMAIN_AFFECT_CONFIG | API_DOMAIN_VCPU_MAXIMUM |
                         API_DOMAIN_VCPU_GUEST) < 0)
        return -1;
    if (flags & API_DOMAIN_VCPU_GUEST && ((flags & API_DOMAIN_AFFECT_CONFIG) || !vm_is_active(vm)))
        return err_set(&rq->err, ERR_INVALID_ARG,
                       "vCPU count provided by the guest agent can only be requested for live domains");
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
    METHOD(remote, DOMAIN_SET_MEMORY_STATS_PERIOD, m_set_stats_period),
    METHOD(remote, DOMAIN_GET_MAX_MEMORY, m_get_max_memory),
    METHOD(remote, DOMAIN_SET_VCPUS, m_set_vcpus),
    METHOD(remote, DOMAIN_SET_VCPUS_FLAGS, m_set_vcpus_flags),
    METHOD(remote, DOMAIN_SET_VCPU, m_set_vcpu),
    METHOD(remote, DOMAIN_GET_VCPUS_FLAGS, m_get_vcpus_flags),
    METHOD(remote, DOMAIN_GET_MAX_VCPUS, m_get_max_vcpus),
    METHOD(remote, DOMAIN_GET_VCPUS, m_get_vcpus),
    {0},
};

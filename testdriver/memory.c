/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods of a machine's memory. */
#define ERR_FROM ERR_FROM_TEST
#include "testdriver/params.h"
#include "testdriver/vm.h"

enum { BOTH = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG };
#define UNLIMITED VIR_DOMAIN_MEMORY_PARAM_UNLIMITED

static int m_get_max(struct req *rq, struct vm *vm, const struct remote_domain_get_max_memory_in *in,
                     struct remote_domain_get_max_memory_out *out)
{
    out->memory = vm->def->domain->memory.total;
    return 0;
}

static int set_maximum(struct req *rq, struct affected *affected, uint64_t kib)
{
    struct memory *memory = affected->config ? &affected->config->domain->memory : NULL;

    if (affected->live)
        return err_set(rq->err, ERR_OPERATION_INVALID,
                       "cannot resize the maximum memory on an active domain");
    if (!memory)
        return 0;
    memory->total = kib;
    if (memory->current > kib)
        memory->current = kib;
    return 0;
}

static int set_memory(struct req *rq, struct vm *vm, uint64_t kib, unsigned flags)
{
    struct affected affected;

    if (vm_affected(rq, vm, flags, &affected) < 0)
        return -1;
    if (flags & VIR_DOMAIN_MEM_MAXIMUM)
        return set_maximum(rq, &affected, kib);
    for (int i = 0; i < 2; i++) {
        const struct doc *doc = affected_doc(&affected, i);

        if (doc && kib > doc->domain->memory.total)
            return err_set(rq->err, ERR_INVALID_ARG, "cannot set memory higher than max memory");
    }
    for (int i = 0; i < 2; i++)
        if (affected_doc(&affected, i))
            affected_doc(&affected, i)->domain->memory.current = kib;
    return 0;
}

static int m_set_max(struct req *rq, struct vm *vm, const struct remote_domain_set_max_memory_in *in,
                     struct remote_domain_set_max_memory_out *out)
{
    return set_memory(rq, vm, in->memory, VIR_DOMAIN_MEM_MAXIMUM);
}

static int m_set(struct req *rq, struct vm *vm, const struct remote_domain_set_memory_in *in,
                 struct remote_domain_set_memory_out *out)
{
    return set_memory(rq, vm, in->memory, VIR_DOMAIN_AFFECT_LIVE);
}

static int m_set_flags(struct req *rq, struct vm *vm, const struct remote_domain_set_memory_flags_in *in,
                       struct remote_domain_set_memory_flags_out *out)
{
    return set_memory(rq, vm, in->memory, in->flags);
}

static int m_stats_period(struct req *rq, struct vm *vm,
                          const struct remote_domain_set_memory_stats_period_in *in,
                          struct remote_domain_set_memory_stats_period_out *out)
{
    struct affected affected;

    if (in->period < 0)
        return err_set(rq->err, ERR_INVALID_ARG, "invalid value for collection period");
    if (vm_affected(rq, vm, in->flags, &affected) < 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        struct doc *doc = affected_doc(&affected, i);

        if (!doc)
            continue;
        if (!doc->domain->devices.balloon)
            return err_set(rq->err, ERR_OPERATION_INVALID,
                           "No memory balloon device configured, can not set the collection period");
        doc->domain->devices.balloon->stats_period = in->period > 0 ? (uint32_t)in->period : 0;
    }
    return 0;
}

/* Shares of what the guest has now. */
static int m_stats(struct req *rq, struct vm *vm, const struct remote_domain_memory_stats_in *in,
                   struct remote_domain_memory_stats_out *out)
{
    const struct domain *domain = vm->def->domain;
    uint64_t now = domain->memory.current;
    const struct wire_domain_memory_stat stats[] = {
        {VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON, now},
        {VIR_DOMAIN_MEMORY_STAT_SWAP_IN, 0},
        {VIR_DOMAIN_MEMORY_STAT_SWAP_OUT, 0},
        {VIR_DOMAIN_MEMORY_STAT_MAJOR_FAULT, 0},
        {VIR_DOMAIN_MEMORY_STAT_MINOR_FAULT, 0},
        {VIR_DOMAIN_MEMORY_STAT_UNUSED, now / 2},
        {VIR_DOMAIN_MEMORY_STAT_AVAILABLE, now},
        {VIR_DOMAIN_MEMORY_STAT_USABLE, now / 2},
        {VIR_DOMAIN_MEMORY_STAT_LAST_UPDATE, 627319920},
        {VIR_DOMAIN_MEMORY_STAT_DISK_CACHES, now / 8},
        {VIR_DOMAIN_MEMORY_STAT_HUGETLB_PGALLOC, 0},
        {VIR_DOMAIN_MEMORY_STAT_HUGETLB_PGFAIL, 0},
        {VIR_DOMAIN_MEMORY_STAT_RSS, now / 2},
    };

    if (vm_need_active(rq, vm) < 0)
        return -1;
    if (!domain->devices.balloon || domain->devices.balloon->model == BALLOON_NONE)
        return 0;
    out->stats.v = arena_dup(rq->arena, stats, sizeof(stats));
    out->stats.n = ARRAY_SIZE(stats) < in->max_stats ? ARRAY_SIZE(stats) : in->max_stats;
    return 0;
}

/* Bytes that count upwards from the address. */
static int m_peek(struct req *rq, struct vm *vm, const struct remote_domain_memory_peek_in *in,
                  struct remote_domain_memory_peek_out *out)
{
    if (in->flags != VIR_MEMORY_VIRTUAL && in->flags != VIR_MEMORY_PHYSICAL)
        return err_set(rq->err, ERR_INVALID_ARG,
                       "flags parameter must be VIR_MEMORY_VIRTUAL or VIR_MEMORY_PHYSICAL");
    if (vm_need_active(rq, vm) < 0)
        return -1;
    out->buffer.n = in->size;
    out->buffer.v = ARENA_ARRAY(rq->arena, uint8_t, in->size);
    for (uint32_t i = 0; i < in->size; i++)
        out->buffer.v[i] = (uint8_t)(in->offset + i);
    return 0;
}

/* ---- limits ---- */

static const struct param_row limits[] = {
    {VIR_DOMAIN_MEMORY_HARD_LIMIT, VIR_TYPED_PARAM_ULLONG, offsetof(struct memtune, hard_limit)},
    {VIR_DOMAIN_MEMORY_SOFT_LIMIT, VIR_TYPED_PARAM_ULLONG, offsetof(struct memtune, soft_limit)},
    {VIR_DOMAIN_MEMORY_SWAP_HARD_LIMIT, VIR_TYPED_PARAM_ULLONG, offsetof(struct memtune, swap_hard_limit)},
};

static struct opt_u64 *limit_of(const struct memtune *memtune, const struct param_row *row)
{
    return (struct opt_u64 *)((char *)memtune + row->offset);
}

static int m_get_limits(struct req *rq, struct vm *vm,
                        const struct remote_domain_get_memory_parameters_in *in,
                        struct remote_domain_get_memory_parameters_out *out)
{
    const struct domain *domain = vm_model(rq, vm, in->flags);
    struct params params = {.arena = rq->arena};

    if (!domain)
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        const struct opt_u64 *limit = limit_of(&domain->memtune, &limits[i]);

        params_add(&params, VIR_TYPED_PARAM_ULLONG, "%s", limits[i].name)->ul =
            limit->set ? limit->value : UNLIMITED;
    }
    PARAMS_ANSWER(in, out, &params);
    return 0;
}

static int m_set_limits(struct req *rq, struct vm *vm,
                        const struct remote_domain_set_memory_parameters_in *in,
                        struct remote_domain_set_memory_parameters_out *out)
{
    struct affected affected;
    const struct wire_typed_param *swap = NULL, *hard = NULL;

    if (params_check(rq, in->params.v, in->params.n, limits, ARRAY_SIZE(limits)) < 0 ||
        vm_affected(rq, vm, in->flags, &affected) < 0)
        return -1;
    for (uint32_t i = 0; i < in->params.n; i++) {
        if (str_eq(in->params.v[i].field, VIR_DOMAIN_MEMORY_SWAP_HARD_LIMIT))
            swap = &in->params.v[i];
        else if (str_eq(in->params.v[i].field, VIR_DOMAIN_MEMORY_HARD_LIMIT))
            hard = &in->params.v[i];
    }
    for (int i = 0; i < 2; i++) {
        const struct doc *doc = affected_doc(&affected, i);
        uint64_t limit = hard                                         ? hard->value.ul
                         : doc && doc->domain->memtune.hard_limit.set ? doc->domain->memtune.hard_limit.value
                                                                      : UNLIMITED;

        if (doc && swap && limit != UNLIMITED && limit > swap->value.ul)
            return err_set(rq->err, ERR_INVALID_ARG,
                           "memory hard_limit tunable value must be lower than or equal to swap_hard_limit");
    }
    for (int i = 0; i < 2; i++)
        for (uint32_t p = 0; affected_doc(&affected, i) && p < in->params.n; p++) {
            const struct param_row *row = params_row(&in->params.v[p], limits, ARRAY_SIZE(limits));

            *limit_of(&affected_doc(&affected, i)->domain->memtune, row) =
                (struct opt_u64){in->params.v[p].value.ul, in->params.v[p].value.ul < UNLIMITED};
        }
    return 0;
}

const struct method memory_methods[] = {
    METHOD(remote, DOMAIN_GET_MAX_MEMORY, m_get_max),
    METHOD(remote, DOMAIN_SET_MAX_MEMORY, m_set_max),
    METHOD(remote, DOMAIN_SET_MEMORY, m_set),
    METHOD(remote, DOMAIN_SET_MEMORY_FLAGS, m_set_flags, BOTH | VIR_DOMAIN_MEM_MAXIMUM),
    METHOD(remote, DOMAIN_SET_MEMORY_STATS_PERIOD, m_stats_period, BOTH),
    METHOD(remote, DOMAIN_MEMORY_STATS, m_stats),
    METHOD(remote, DOMAIN_MEMORY_PEEK, m_peek, VIR_MEMORY_VIRTUAL | VIR_MEMORY_PHYSICAL),
    METHOD(remote, DOMAIN_GET_MEMORY_PARAMETERS, m_get_limits, BOTH | VIR_TYPED_PARAM_STRING_OKAY),
    METHOD(remote, DOMAIN_SET_MEMORY_PARAMETERS, m_set_limits, BOTH),
    {0},
};

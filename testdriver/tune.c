/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods of what a machine may take of the host: NUMA nodes, scheduler, counters. */
#define ERR_FROM ERR_FROM_TEST
#include "testdriver/params.h"
#include "testdriver/vm.h"

enum { BOTH = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG, STRINGS = VIR_TYPED_PARAM_STRING_OKAY };

/* ---- scheduler: one number that nothing changes ---- */

static int m_scheduler_type(struct req *rq, struct vm *vm,
                            const struct remote_domain_get_scheduler_type_in *in,
                            struct remote_domain_get_scheduler_type_out *out)
{
    out->type = (char *)"fair";
    out->nparams = 1;
    return 0;
}

static const struct param_row scheduler_rows[] = {{VIR_DOMAIN_SCHEDULER_WEIGHT, VIR_TYPED_PARAM_UINT, 0}};

static void scheduler_params(struct req *rq, struct params *params)
{
    params->arena = rq->arena;
    params_add(params, VIR_TYPED_PARAM_UINT, VIR_DOMAIN_SCHEDULER_WEIGHT)->ui = 50;
}

static int m_scheduler_get(struct req *rq, struct vm *vm,
                           const struct remote_domain_get_scheduler_parameters_in *in,
                           struct remote_domain_get_scheduler_parameters_out *out)
{
    struct params params = {0};

    scheduler_params(rq, &params);
    out->params.v = params.v;
    out->params.n = params.n;
    return 0;
}

/* Stock's library always says here that it knows strings, and its test driver never takes that. */
static int m_scheduler_get_flags(struct req *rq, struct vm *vm,
                                 const struct remote_domain_get_scheduler_parameters_flags_in *in,
                                 struct remote_domain_get_scheduler_parameters_flags_out *out)
{
    return fail_flags(rq, VIR_TYPED_PARAM_STRING_OKAY);
}

static int m_scheduler_set(struct req *rq, struct vm *vm,
                           const struct remote_domain_set_scheduler_parameters_in *in,
                           struct remote_domain_set_scheduler_parameters_out *out)
{
    return params_check(rq, in->params.v, in->params.n, scheduler_rows, ARRAY_SIZE(scheduler_rows));
}

static int m_scheduler_set_flags(struct req *rq, struct vm *vm,
                                 const struct remote_domain_set_scheduler_parameters_flags_in *in,
                                 struct remote_domain_set_scheduler_parameters_flags_out *out)
{
    return params_check(rq, in->params.v, in->params.n, scheduler_rows, ARRAY_SIZE(scheduler_rows));
}

/* ---- NUMA ---- */

static const struct param_row numa_rows[] = {{VIR_DOMAIN_NUMA_MODE, VIR_TYPED_PARAM_INT, 0},
                                             {VIR_DOMAIN_NUMA_NODESET, VIR_TYPED_PARAM_STRING, 0}};

static int m_numa_get(struct req *rq, struct vm *vm, const struct remote_domain_get_numa_parameters_in *in,
                      struct remote_domain_get_numa_parameters_out *out)
{
    const struct domain *domain = vm_model(rq, vm, in->flags);
    struct params params = {.arena = rq->arena};
    auto_buf struct buf nodes = {0};

    if (!domain)
        return -1;
    if (domain->numatune.nodes)
        bitmap_format(domain->numatune.nodes, &nodes);
    params_add(&params, VIR_TYPED_PARAM_INT, VIR_DOMAIN_NUMA_MODE)->i =
        domain->numatune.mode ? (int)domain->numatune.mode - 1 : 0;
    params_add(&params, VIR_TYPED_PARAM_STRING, VIR_DOMAIN_NUMA_NODESET)->s =
        arena_strdup(rq->arena, buf_text(&nodes));
    PARAMS_ANSWER(in, out, &params);
    return 0;
}

static int take_numa(struct req *rq, const struct wire_typed_param *params, uint32_t n, int *ret_mode,
                     struct bitmap *ret_nodes)
{
    *ret_mode = -1;
    for (uint32_t i = 0; i < n; i++) {
        if (params[i].value.type == VIR_TYPED_PARAM_INT) {
            *ret_mode = params[i].value.i;
            if (*ret_mode < 0 || *ret_mode >= NUMA_MODE_MAX - 1)
                return err_set(rq->err, ERR_INVALID_ARG, "unsupported numatune mode: '%d'", *ret_mode);
        } else if (bitmap_parse(params[i].value.s, 1024, ret_nodes) < 0) {
            return err_set_from(rq->err, ERR_FROM_NONE, ERR_INVALID_ARG, "Failed to parse bitmap '%s'",
                                params[i].value.s);
        }
    }
    return 0;
}

static int m_numa_set(struct req *rq, struct vm *vm, const struct remote_domain_set_numa_parameters_in *in,
                      struct remote_domain_set_numa_parameters_out *out)
{
    struct bitmap nodes = {.arena = rq->arena};
    struct affected affected;
    int mode;

    if (params_check(rq, in->params.v, in->params.n, numa_rows, ARRAY_SIZE(numa_rows)) < 0 ||
        vm_affected(rq, vm, in->flags, &affected) < 0 ||
        take_numa(rq, in->params.v, in->params.n, &mode, &nodes) < 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        struct doc *doc = affected_doc(&affected, i);
        struct numatune *tune = doc ? &doc->domain->numatune : NULL;

        if (!tune)
            continue;
        tune->memory = true;
        if (mode >= 0)
            tune->mode = (enum numa_mode)(mode + 1);
        else if (!tune->mode)
            tune->mode = NUMA_STRICT;
        if (!bitmap_empty(&nodes)) {
            tune->nodes = ARENA_NEW(&doc->arena, struct bitmap);
            tune->nodes->arena = &doc->arena;
            bitmap_copy(tune->nodes, &nodes);
        }
    }
    return 0;
}

/* ---- performance counters ---- */

static const struct param_row perf_rows[] = {
    {"cmt", VIR_TYPED_PARAM_BOOLEAN, 0},
    {"mbmt", VIR_TYPED_PARAM_BOOLEAN, 0},
    {"mbml", VIR_TYPED_PARAM_BOOLEAN, 0},
    {"cpu_cycles", VIR_TYPED_PARAM_BOOLEAN, 0},
    {"instructions", VIR_TYPED_PARAM_BOOLEAN, 0},
    {"cache_references", VIR_TYPED_PARAM_BOOLEAN, 0},
    {"cache_misses", VIR_TYPED_PARAM_BOOLEAN, 0},
    {"branch_instructions", VIR_TYPED_PARAM_BOOLEAN, 0},
    {"branch_misses", VIR_TYPED_PARAM_BOOLEAN, 0},
    {"bus_cycles", VIR_TYPED_PARAM_BOOLEAN, 0},
    {"stalled_cycles_frontend", VIR_TYPED_PARAM_BOOLEAN, 0},
    {"stalled_cycles_backend", VIR_TYPED_PARAM_BOOLEAN, 0},
    {"ref_cpu_cycles", VIR_TYPED_PARAM_BOOLEAN, 0},
    {"cpu_clock", VIR_TYPED_PARAM_BOOLEAN, 0},
    {"task_clock", VIR_TYPED_PARAM_BOOLEAN, 0},
    {"page_faults", VIR_TYPED_PARAM_BOOLEAN, 0},
    {"context_switches", VIR_TYPED_PARAM_BOOLEAN, 0},
    {"cpu_migrations", VIR_TYPED_PARAM_BOOLEAN, 0},
    {"page_faults_min", VIR_TYPED_PARAM_BOOLEAN, 0},
    {"page_faults_maj", VIR_TYPED_PARAM_BOOLEAN, 0},
    {"alignment_faults", VIR_TYPED_PARAM_BOOLEAN, 0},
    {"emulation_faults", VIR_TYPED_PARAM_BOOLEAN, 0},
};

static struct perf_event *perf_find(const struct domain *domain, const char *name)
{
    for (size_t i = 0; i < domain->n_perf; i++)
        if (str_eq(domain->perf[i]->name, name))
            return domain->perf[i];
    return NULL;
}

static int m_perf_get(struct req *rq, struct vm *vm, const struct remote_domain_get_perf_events_in *in,
                      struct remote_domain_get_perf_events_out *out)
{
    const struct domain *domain = vm_model(rq, vm, in->flags & BOTH);
    struct params params = {.arena = rq->arena};

    if (!domain)
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(perf_rows); i++) {
        const struct perf_event *event = perf_find(domain, perf_rows[i].name);

        params_add(&params, VIR_TYPED_PARAM_BOOLEAN, "%s", perf_rows[i].name)->b =
            event && event->enabled == TRI_YES;
    }
    out->params.v = params.v;
    out->params.n = params.n;
    return 0;
}

static int m_perf_set(struct req *rq, struct vm *vm, const struct remote_domain_set_perf_events_in *in,
                      struct remote_domain_set_perf_events_out *out)
{
    struct affected affected;

    if (params_check(rq, in->params.v, in->params.n, perf_rows, ARRAY_SIZE(perf_rows)) < 0 ||
        vm_affected(rq, vm, in->flags & BOTH, &affected) < 0)
        return -1;
    for (int i = 0; i < 2; i++)
        for (uint32_t p = 0; affected_doc(&affected, i) && p < in->params.n; p++) {
            struct doc *doc = affected_doc(&affected, i);
            struct domain *domain = doc->domain;
            struct perf_event *event = perf_find(domain, in->params.v[p].field);

            if (!event) {
                event = ARENA_NEW(&doc->arena, struct perf_event);
                event->name = arena_strdup(&doc->arena, in->params.v[p].field);
                domain->perf = arena_grow(&doc->arena, domain->perf, domain->n_perf, sizeof(*domain->perf));
                domain->perf[domain->n_perf++] = event;
            }
            event->enabled = in->params.v[p].value.b ? TRI_YES : TRI_NO;
        }
    return 0;
}

const struct method tune_methods[] = {
    METHOD(remote, DOMAIN_GET_SCHEDULER_TYPE, m_scheduler_type),
    METHOD(remote, DOMAIN_GET_SCHEDULER_PARAMETERS, m_scheduler_get),
    METHOD(remote, DOMAIN_GET_SCHEDULER_PARAMETERS_FLAGS, m_scheduler_get_flags, STRINGS),
    METHOD(remote, DOMAIN_SET_SCHEDULER_PARAMETERS, m_scheduler_set),
    METHOD(remote, DOMAIN_SET_SCHEDULER_PARAMETERS_FLAGS, m_scheduler_set_flags),
    METHOD(remote, DOMAIN_GET_NUMA_PARAMETERS, m_numa_get, BOTH | STRINGS),
    METHOD(remote, DOMAIN_SET_NUMA_PARAMETERS, m_numa_set, BOTH),
    METHOD(remote, DOMAIN_GET_PERF_EVENTS, m_perf_get, BOTH | STRINGS),
    METHOD(remote, DOMAIN_SET_PERF_EVENTS, m_perf_set, BOTH),
    {0},
};

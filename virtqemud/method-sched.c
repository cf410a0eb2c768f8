/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods of a machine's share of the host's processors. */
#define ERR_FROM ERR_FROM_QEMU
#include "base/str.h"
#include "model/domain/domain.h"
#include "virtqemud/definition.h"
#include "virtqemud/events.h"
#include "virtqemud/limits.h"
#include "virtqemud/method.h"
#include "virtqemud/params.h"
#include "virtqemud/qemud.h"
#include "virtqemud/status.h"

enum { PERIOD_MIN = 1000, PERIOD_MAX = 1000000, QUOTA_MIN = 1000 };
static const uint64_t shares_min = 2, shares_max = 262144, weight_max = 10000; /* v2's weight begins at 1 */

/* Row: whose time; the names of its two numbers. In the order in which they are told. */
static const struct {
    enum limits_threads threads;
    const char *period, *quota;
} rows[] = {
    {LIMITS_VCPU, "vcpu_period", "vcpu_quota"},
    {LIMITS_EMULATOR, "emulator_period", "emulator_quota"},
    {LIMITS_GLOBAL, "global_period", "global_quota"},
    {LIMITS_IOTHREAD, "iothread_period", "iothread_quota"},
};
enum { PARAM_COUNT = 1 + 2 * ARRAY_SIZE(rows) };

static const struct param_rule rules[] = {
    {"cpu_shares", PARAM_ULLONG},    {"vcpu_period", PARAM_ULLONG},
    {"vcpu_quota", PARAM_LLONG},     {"emulator_period", PARAM_ULLONG},
    {"emulator_quota", PARAM_LLONG}, {"global_period", PARAM_ULLONG},
    {"global_quota", PARAM_LLONG},   {"iothread_period", PARAM_ULLONG},
    {"iothread_quota", PARAM_LLONG}, {0},
};

static int check_session(struct req *rq)
{
    return qemud.privileged
               ? 0
               : err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "CPU tuning is not available in session mode");
}

static int check_controller(struct req *rq, const struct vm *vm)
{
    if (limits_has(vm->run, CGROUP_CPU))
        return 0;
    return err_set(&rq->err, ERR_OPERATION_INVALID, "cgroup CPU controller is not mounted");
}

static int m_get_type(struct req *rq, struct vm *vm, const struct remote_domain_get_scheduler_type_in *in,
                      struct remote_domain_get_scheduler_type_out *out)
{
    if (check_session(rq) < 0 || (vm->run && check_controller(rq, vm) < 0))
        return -1;
    out->type = arena_strdup(&rq->arena, "posix");
    out->nparams = PARAM_COUNT;
    return 0;
}

/* ---- get ---- */

static int get_live(struct req *rq, struct vm *vm, struct params *params)
{
    uint64_t shares = 0;

    if (check_controller(rq, vm) < 0)
        return -1;
    (void)limits_get(vm->run, CGROUP_CPU_SHARES, &shares);
    params_ulong(params, shares, "cpu_shares");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct cpu_limit limit = {0};

        (void)limits_get_bandwidth(vm->run, rows[i].threads, &limit);
        params_ulong(params, limit.period, "%s", rows[i].period);
        params_long(params, limit.quota, "%s", rows[i].quota);
    }
    return 0;
}

static int get_config(struct req *rq, struct vm *vm, struct params *params)
{
    const struct domain *domain = definition_load(rq, vm, &rq->arena);

    if (!domain)
        return -1;
    params_ulong(params, domain->vcpus.tune.shares.value, "cpu_shares");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct cpu_limit limit = limits_model_bandwidth(&domain->vcpus.tune, rows[i].threads);

        params_ulong(params, limit.period, "%s", rows[i].period);
        params_long(params, limit.quota, "%s", rows[i].quota);
    }
    return 0;
}

static int get(struct req *rq, struct vm *vm, int32_t nparams, unsigned flags,
               struct remote_domain_get_scheduler_parameters_out *out)
{
    struct params params = {.arena = &rq->arena};
    bool live;

    if (method_flags(rq, flags, API_DOMAIN_AFFECT_LIVE | API_DOMAIN_AFFECT_CONFIG | PARAM_STRING_OKAY) < 0 ||
        check_session(rq) < 0 || vm_affected_one(rq, vm, flags, &live) < 0)
        return -1;
    if ((live ? get_live(rq, vm, &params) : get_config(rq, vm, &params)) < 0)
        return -1;
    out->params.v = params.v;
    out->params.n = nparams > 0 && params.n > (uint32_t)nparams ? (uint32_t)nparams : params.n;
    return 0;
}

static int m_get(struct req *rq, struct vm *vm, const struct remote_domain_get_scheduler_parameters_in *in,
                 struct remote_domain_get_scheduler_parameters_out *out)
{
    return get(rq, vm, in->nparams, 0, out);
}

static int m_get_flags(struct req *rq, struct vm *vm,
                       const struct remote_domain_get_scheduler_parameters_flags_in *in,
                       struct remote_domain_get_scheduler_parameters_flags_out *out)
{
    struct remote_domain_get_scheduler_parameters_out plain = {0};

    if (get(rq, vm, in->nparams, in->flags, &plain) < 0)
        return -1;
    out->params.v = plain.params.v;
    out->params.n = plain.params.n;
    return 0;
}

/* ---- set ---- */

static void set_model(struct cputune *tune, enum limits_threads threads, const struct cpu_limit *limit)
{
    const struct {
        uint64_t *period;
        struct opt_i64 *quota;
    } places[LIMITS_THREADS_MAX] = {
        [LIMITS_GLOBAL] = {&tune->global_period, &tune->global_quota},
        [LIMITS_VCPU] = {&tune->period, &tune->quota},
        [LIMITS_EMULATOR] = {&tune->emulator_period, &tune->emulator_quota},
        [LIMITS_IOTHREAD] = {&tune->iothread_period, &tune->iothread_quota},
    };

    if (limit->period)
        *places[threads].period = limit->period;
    if (limit->quota)
        *places[threads].quota = (struct opt_i64){limit->quota, true};
}

static int check_shares(struct req *rq, const struct vm *vm, uint64_t shares)
{
    bool v2 = limits_has(vm->run, CGROUP_CPU) && vm->run->limits->unit.at[CGROUP_CPU].v2;
    uint64_t high = v2 && shares <= shares_max ? weight_max : shares_max;

    if (shares >= shares_min && shares <= high)
        return 0;
    return err_set(&rq->err, ERR_INVALID_ARG, "shares '%llu' must be in range [%llu, %llu]",
                   (unsigned long long)shares, (unsigned long long)shares_min, (unsigned long long)high);
}

/* What a caller gave for one kind of threads, within bounds; 0 means "as it is" and is fine. */
static int take_limit(struct req *rq, const struct wire_typed_param *v, uint32_t n, size_t row,
                      struct cpu_limit *ret)
{
    const struct wire_typed_value *period = params_find(v, n, rows[row].period);
    const struct wire_typed_value *quota = params_find(v, n, rows[row].quota);

    *ret = (struct cpu_limit){period ? period->ul : 0, quota ? quota->l : 0};
    if ((ret->period && ret->period < PERIOD_MIN) || ret->period > PERIOD_MAX)
        return err_set(&rq->err, ERR_INVALID_ARG, "value of '%s' is out of range [%d, %d]", rows[row].period,
                       PERIOD_MIN, PERIOD_MAX);
    if ((ret->quota > 0 && ret->quota < QUOTA_MIN) || ret->quota > limits_quota_max)
        return err_set(&rq->err, ERR_INVALID_ARG, "value of '%s' is out of range [%d, %lld]", rows[row].quota,
                       QUOTA_MIN, (long long)limits_quota_max);
    return 0;
}

static int set_one(struct req *rq, struct vm *vm, size_t row, const struct cpu_limit *limit,
                   struct params *told)
{
    if (limits_set_bandwidth(vm->run, rows[row].threads, limit, &rq->err) < 0)
        return -1;
    set_model(&vm->run->domain->vcpus.tune, rows[row].threads, limit);
    if (limit->period)
        params_ulong(told, limit->period, "cputune.%s", rows[row].period);
    if (limit->quota)
        params_long(told, limit->quota, "cputune.%s", rows[row].quota);
    return 0;
}

static int set(struct req *rq, struct vm *vm, const struct wire_typed_param *v, uint32_t n, unsigned flags)
{
    const struct wire_typed_value *shares = params_find(v, n, "cpu_shares");
    struct params told = {.arena = &rq->arena};
    struct cpu_limit limits[ARRAY_SIZE(rows)];
    struct domain *domain = NULL;
    bool live, config;
    int r = 0;

    if (method_flags(rq, flags, API_DOMAIN_AFFECT_LIVE | API_DOMAIN_AFFECT_CONFIG) < 0 ||
        params_check(rq, v, n, rules) < 0 || check_session(rq) < 0 ||
        vm_affected(rq, vm, flags, &live, &config) < 0 || (live && check_controller(rq, vm) < 0) ||
        (shares && check_shares(rq, vm, shares->ul) < 0))
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (take_limit(rq, v, n, i, &limits[i]) < 0)
            return -1;
    if (config && !(domain = definition_load(rq, vm, &rq->arena)))
        return -1;
    if (live && vm_check_active(rq, vm) < 0)
        return -1;
    if (live && shares) {
        if (limits_set(vm->run, CGROUP_CPU_SHARES, shares->ul, &rq->err) < 0)
            return -1;
        vm->run->domain->vcpus.tune.shares = (struct opt_u64){shares->ul, true};
        params_ulong(&told, shares->ul, "cputune.cpu_shares");
    }
    for (size_t i = 0; live && r == 0 && i < ARRAY_SIZE(rows); i++)
        r = set_one(rq, vm, i, &limits[i], &told);
    if (live) { /* what was done stays done and is told, also when the rest was refused */
        status_save(vm);
        event_tunable(vm, &told);
    }
    if (r < 0 || !config)
        return r;
    if (shares)
        domain->vcpus.tune.shares = (struct opt_u64){shares->ul, true};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        set_model(&domain->vcpus.tune, rows[i].threads, &limits[i]);
    return definition_save(rq, vm, domain);
}

static int m_set(struct req *rq, struct vm *vm, const struct remote_domain_set_scheduler_parameters_in *in,
                 struct remote_domain_set_scheduler_parameters_out *out)
{
    return set(rq, vm, in->params.v, in->params.n, 0);
}

static int m_set_flags(struct req *rq, struct vm *vm,
                       const struct remote_domain_set_scheduler_parameters_flags_in *in,
                       struct remote_domain_set_scheduler_parameters_flags_out *out)
{
    return set(rq, vm, in->params.v, in->params.n, in->flags);
}

const struct method sched_methods[] = {
    METHOD(remote, DOMAIN_GET_SCHEDULER_TYPE, m_get_type),
    METHOD(remote, DOMAIN_GET_SCHEDULER_PARAMETERS, m_get),
    METHOD(remote, DOMAIN_GET_SCHEDULER_PARAMETERS_FLAGS, m_get_flags),
    METHOD(remote, DOMAIN_SET_SCHEDULER_PARAMETERS, m_set),
    METHOD(remote, DOMAIN_SET_SCHEDULER_PARAMETERS_FLAGS, m_set_flags),
    {0},
};

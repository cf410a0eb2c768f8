/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The XML of <vcpu>, <vcpus>, <iothreads> and <cputune>. */
#define ERR_FROM ERR_FROM_DOMAIN
#include "model/domain/vcpu.h"

#include "base/str.h"

const char *const placement_names[] = {"", "static", "auto", NULL};
const char *const sched_policy_names[] = {"", "batch", "idle", "fifo", "rr", NULL};

/* clang-format off */
#define V struct vcpu
XT_DECLARE(vcpu_table, V);
XT_DEFINE(vcpu_table, "vcpu", NULL,
    XT_ATTR(V, id, "id", opt_u32, XT_REQUIRED | XT_ABI),
    XT_ATTR(V, enabled, "enabled", yesno, XT_REQUIRED | XT_ABI),
    XT_ATTR(V, hotpluggable, "hotpluggable", yesno, 0),
    XT_ATTR(V, order, "order", u32, XT_ABI));

#define I struct iothread
XT_DECLARE(iothread_table, I);
XT_DEFINE(iothread_table, "iothread", NULL,
    XT_ATTR(I, id, "id", u32, XT_REQUIRED),
    XT_ATTR(I, pool_min, "thread_pool_min", opt_u32, 0),
    XT_ATTR(I, pool_max, "thread_pool_max", opt_u32, 0),
    XT_FLAG(I, poll, "poll", 0,
        XT_ATTR(I, poll_max, "max", opt_u64, 0),
        XT_ATTR(I, poll_grow, "grow", opt_u64, 0),
        XT_ATTR(I, poll_shrink, "shrink", opt_u64, 0),
        XT_ATTR(I, poll_weight, "weight", opt_u32, 0)));

#define P struct pin
XT_DECLARE(vcpupin_table, P);
XT_DEFINE(vcpupin_table, "vcpupin", NULL,
    XT_ATTR(P, id, "vcpu", opt_u32, XT_REQUIRED),
    XT_ATTR(P, cpus, "cpuset", bitmap, XT_REQUIRED));
XT_DECLARE(iothreadpin_table, P);
XT_DEFINE(iothreadpin_table, "iothreadpin", NULL,
    XT_ATTR(P, id, "iothread", opt_u32, XT_REQUIRED),
    XT_ATTR(P, cpus, "cpuset", bitmap, XT_REQUIRED));

#define S struct sched
#define SCHED_ROWS \
    XT_ENUM(S, policy, "scheduler", sched_policy_names, XT_REQUIRED), \
    XT_ATTR(S, priority, "priority", opt_i32, 0)
static int sched_finish(struct xt_parse *parse, void *object);
XT_DECLARE(vcpusched_table, S);
XT_DEFINE(vcpusched_table, "vcpusched", sched_finish, XT_ATTR(S, ids, "vcpus", bitmap, XT_REQUIRED), SCHED_ROWS);
XT_DECLARE(iothreadsched_table, S);
XT_DEFINE(iothreadsched_table, "iothreadsched", sched_finish,
    XT_ATTR(S, ids, "iothreads", bitmap, XT_REQUIRED), SCHED_ROWS);
XT_DECLARE(emulatorsched_table, S);
XT_DEFINE(emulatorsched_table, "emulatorsched", sched_finish, SCHED_ROWS);

#define H struct cache_share
XT_DECLARE(cache_share_table, H);
XT_DEFINE(cache_share_table, "cache", NULL,
    XT_ATTR(H, id, "id", opt_u32, XT_REQUIRED),
    XT_ATTR(H, level, "level", u32, XT_REQUIRED),
    XT_ATTR(H, type, "type", str, XT_REQUIRED),
    XT_ATTR(H, size, "size", size_kib, XT_REQUIRED));

#define M struct cache_monitor
XT_DECLARE(cache_monitor_table, M);
XT_DEFINE(cache_monitor_table, "monitor", NULL,
    XT_ATTR(M, level, "level", u32, 0),
    XT_ATTR(M, vcpus, "vcpus", bitmap, XT_REQUIRED));

#define C struct cachetune
XT_DECLARE(cachetune_table, C);
XT_DEFINE(cachetune_table, "cachetune", NULL,
    XT_ATTR(C, vcpus, "vcpus", bitmap, XT_REQUIRED),
    XT_ATTR(C, id, "id", str, XT_LIVE),
    XT_LIST(C, shares, n_shares, "cache", cache_share_table, 0),
    XT_LIST(C, monitors, n_monitors, "monitor", cache_monitor_table, 0));

#define B struct bandwidth_share
XT_DECLARE(bandwidth_share_table, B);
XT_DEFINE(bandwidth_share_table, "node", NULL,
    XT_ATTR(B, id, "id", opt_u32, XT_REQUIRED),
    XT_ATTR(B, bandwidth, "bandwidth", u32, XT_REQUIRED));

#define W struct memorytune
XT_DECLARE(memorytune_table, W);
XT_DEFINE(memorytune_table, "memorytune", NULL,
    XT_ATTR(W, vcpus, "vcpus", bitmap, XT_REQUIRED),
    XT_ATTR(W, id, "id", str, XT_LIVE),
    XT_LIST(W, nodes, n_nodes, "node", bandwidth_share_table, 0),
    XT_LIST(W, monitors, n_monitors, "monitor", cache_monitor_table, 0));

#define E struct energytune
XT_DECLARE(energytune_table, E);
XT_DEFINE(energytune_table, "energytune", NULL,
    XT_ATTR(E, vcpus, "vcpus", bitmap, XT_REQUIRED),
    XT_ATTR(E, id, "id", str, XT_LIVE),
    XT_LIST(E, monitors, n_monitors, "monitor", cache_monitor_table, 0));

#define T struct vcpus
XT_DEFINE_ROWS(vcpus_table, "vcpu", NULL,
    XT_GROUP("vcpu", 0,
        XT_ENUM(T, placement, "placement", placement_names, 0),
        XT_ATTR(T, cpus, "cpuset", bitmap, 0),
        XT_ATTR(T, current, "current", count, 0),
        XT_OWN(T, max, count, XT_ABI)),
    XT_GROUP("vcpus", 0, XT_LIST(T, each, n_each, "vcpu", vcpu_table, XT_ABI)),
    XT_TEXT(T, iothreads_given, "iothreads", opt_u32, 0),
    XT_GROUP("iothreadids", 0, XT_LIST(T, iothreads, n_iothreadids, "iothread", iothread_table, 0)),
    XT_GROUP("defaultiothread", 0,
        XT_ATTR(T, default_pool_min, "thread_pool_min", opt_u32, 0),
        XT_ATTR(T, default_pool_max, "thread_pool_max", opt_u32, 0)),
    XT_GROUP("cputune", 0,
        XT_TEXT(T, tune.shares, "shares", opt_u64, 0),
        XT_TEXT(T, tune.period, "period", u64, 0),
        XT_TEXT(T, tune.quota, "quota", opt_i64, 0),
        XT_TEXT(T, tune.global_period, "global_period", u64, 0),
        XT_TEXT(T, tune.global_quota, "global_quota", opt_i64, 0),
        XT_TEXT(T, tune.emulator_period, "emulator_period", u64, 0),
        XT_TEXT(T, tune.emulator_quota, "emulator_quota", opt_i64, 0),
        XT_TEXT(T, tune.iothread_period, "iothread_period", u64, 0),
        XT_TEXT(T, tune.iothread_quota, "iothread_quota", opt_i64, 0),
        XT_LIST(T, tune.vcpupins, tune.n_vcpupins, "vcpupin", vcpupin_table, 0),
        XT_GROUP("emulatorpin", 0, XT_ATTR(T, tune.emulatorpin, "cpuset", bitmap, XT_REQUIRED)),
        XT_LIST(T, tune.iothreadpins, tune.n_iothreadpins, "iothreadpin", iothreadpin_table, 0),
        XT_CHILD(T, tune.emulatorsched, "emulatorsched", emulatorsched_table, 0),
        XT_LIST(T, tune.vcpuscheds, tune.n_vcpuscheds, "vcpusched", vcpusched_table, 0),
        XT_LIST(T, tune.iothreadscheds, tune.n_iothreadscheds, "iothreadsched", iothreadsched_table, 0),
        XT_LIST(T, tune.cachetunes, tune.n_cachetunes, "cachetune", cachetune_table, 0),
        XT_LIST(T, tune.memorytunes, tune.n_memorytunes, "memorytune", memorytune_table, 0),
        XT_LIST(T, tune.energytunes, tune.n_energytunes, "energytune", energytune_table, 0)));
/* clang-format on */

static bool has_priority(const struct sched *sched)
{
    return sched->policy == SCHED_POLICY_FIFO || sched->policy == SCHED_POLICY_RR;
}

static int sched_finish(struct xt_parse *parse, void *object)
{
    struct sched *sched = object;

    if (has_priority(sched) && !sched->priority.set)
        return err_set(parse->err, ERR_XML_ERROR, "Missing scheduler priority");
    if (!has_priority(sched))
        sched->priority.set = false;
    return 0;
}

/* ---- lookups ---- */

struct iothread *vcpus_iothread(const struct vcpus *vcpus, uint32_t id)
{
    for (size_t i = 0; i < vcpus->n_iothreads; i++)
        if (vcpus->iothreads[i]->id == id)
            return vcpus->iothreads[i];
    return NULL;
}

struct pin *vcpus_pin(const struct vcpus *vcpus, uint32_t vcpu)
{
    for (size_t i = 0; i < vcpus->tune.n_vcpupins; i++)
        if (vcpus->tune.vcpupins[i]->id.value == vcpu)
            return vcpus->tune.vcpupins[i];
    return NULL;
}

/* ---- defaults ---- */

static int settle_count(struct vcpus *vcpus, struct err *err)
{
    if (!vcpus->max)
        vcpus->max = 1;
    if (vcpus->max > VCPUS_MAX)
        return err_set(err, ERR_XML_ERROR,
                       "Maximum CPUs greater than specified machine type limit: '%u' is more than %d",
                       vcpus->max, (int)VCPUS_MAX);
    if (vcpus->current > vcpus->max)
        return err_set(err, ERR_CONFIG_UNSUPPORTED,
                       "maximum vCPU count must not be less than current vCPU count (%u < %u)", vcpus->max,
                       vcpus->current);
    /* equal is the default, which isn't printed */
    if (vcpus->current == vcpus->max)
        vcpus->current = 0;
    if (vcpus->placement == PLACEMENT_AUTO)
        vcpus->cpus = NULL;
    if (vcpus->cpus && bitmap_empty(vcpus->cpus))
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "Invalid value of 'cpuset': no CPU is in it");
    return 0;
}

/* <vcpus> tells all of them, by number: those that the document leaves out are offline. */
static int settle_each(struct vcpus *vcpus, struct arena *arena, struct err *err)
{
    struct vcpu **all;
    uint32_t online = 0;

    if (!vcpus->n_each)
        return 0;
    all = ARENA_ARRAY(arena, struct vcpu *, vcpus->max);
    for (size_t i = 0; i < vcpus->n_each; i++) {
        struct vcpu *vcpu = vcpus->each[i];

        if (vcpu->id.value >= vcpus->max)
            return err_set(err, ERR_XML_ERROR, "vcpu '%u' is not present in domain definition",
                           vcpu->id.value);
        if (all[vcpu->id.value])
            return err_set(err, ERR_XML_ERROR, "vcpu '%u' is there twice", vcpu->id.value);
        if (!vcpu->hotpluggable)
            vcpu->hotpluggable = tri(vcpu->enabled == TRI_NO);
        all[vcpu->id.value] = vcpu;
        online += vcpu->enabled == TRI_YES;
    }
    for (uint32_t id = 0; id < vcpus->max; id++) {
        if (all[id])
            continue;
        all[id] = ARENA_NEW(arena, struct vcpu);
        *all[id] = (struct vcpu){.id = {id, true}, .enabled = TRI_NO, .hotpluggable = TRI_YES};
    }
    vcpus->each = all;
    vcpus->n_each = vcpus->max;
    vcpus->current = online == vcpus->max ? 0 : online;
    return 0;
}

static struct iothread *add_iothread(struct vcpus *vcpus, struct arena *arena, uint32_t id)
{
    struct iothread *thread = ARENA_NEW(arena, struct iothread);

    thread->id = id;
    vcpus->iothreads = arena_grow(arena, vcpus->iothreads, vcpus->n_iothreads, sizeof(void *));
    vcpus->iothreads[vcpus->n_iothreads++] = thread;
    return thread;
}

/* The number printed is the number there is. */
static void count_iothreads(struct vcpus *vcpus)
{
    vcpus->iothreads_given = (struct opt_u32){(uint32_t)vcpus->n_iothreads, vcpus->n_iothreads > 0};
}

struct iothread *vcpus_add_iothread(struct vcpus *vcpus, struct arena *arena, uint32_t id)
{
    struct iothread *thread = add_iothread(vcpus, arena, id);

    vcpus->n_iothreadids = vcpus->n_iothreads;
    count_iothreads(vcpus);
    return thread;
}

void vcpus_drop_iothread(struct vcpus *vcpus, uint32_t id)
{
    size_t kept = 0;

    for (size_t i = 0; i < vcpus->n_iothreads; i++)
        if (vcpus->iothreads[i]->id != id)
            vcpus->iothreads[kept++] = vcpus->iothreads[i];
    vcpus->n_iothreads = vcpus->n_iothreadids = kept;
    count_iothreads(vcpus);
}

/* The rest get the lowest free ids, none of which is larger than the number of all. */
void vcpus_fill_iothreads(struct vcpus *vcpus, struct arena *arena)
{
    uint32_t count = vcpus->iothreads_given.set ? vcpus->iothreads_given.value : 0, id = 0;
    auto_bitmap struct bitmap taken = {0};

    vcpus->n_iothreads = vcpus->n_iothreadids;
    for (size_t i = 0; i < vcpus->n_iothreads; i++)
        if (vcpus->iothreads[i]->id <= count)
            bitmap_set(&taken, vcpus->iothreads[i]->id);
    while (vcpus->n_iothreads < count)
        if (!bitmap_get(&taken, ++id))
            add_iothread(vcpus, arena, id);
    if (vcpus->n_iothreadids)
        vcpus->n_iothreadids = vcpus->n_iothreads;
    count_iothreads(vcpus);
}

static int by_id(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* The ids that are given are positive and differ. */
static int check_iothread_ids(const struct vcpus *vcpus, struct err *err)
{
    auto_free uint32_t *ids = NEW_ARRAY(uint32_t, vcpus->n_iothreadids);

    for (size_t i = 0; i < vcpus->n_iothreadids; i++)
        ids[i] = vcpus->iothreads[i]->id;
    qsort(ids, vcpus->n_iothreadids, sizeof(*ids), by_id);
    if (vcpus->n_iothreadids && !ids[0])
        return err_set(err, ERR_XML_ERROR, "iothread id '0' is not valid");
    for (size_t i = 1; i < vcpus->n_iothreadids; i++)
        if (ids[i] == ids[i - 1])
            return err_set(err, ERR_XML_ERROR, "duplicate iothread id '%u' found", ids[i]);
    return 0;
}

/* <iothreads> is a number, <iothreadids> may name some of them. */
static int settle_iothreads(struct vcpus *vcpus, struct arena *arena, struct err *err)
{
    if (check_iothread_ids(vcpus, err) < 0)
        return -1;
    if (vcpus->iothreads_given.set && vcpus->iothreads_given.value > IOTHREADS_MAX)
        return err_set(err, ERR_XML_ERROR, "invalid iothreads count '%u'", vcpus->iothreads_given.value);
    vcpus_fill_iothreads(vcpus, arena);
    return 0;
}

/* Of a share of cache or bandwidth only vCPUs that exist count; what is left without any vanishes. */
static bool clip_vcpus(const struct vcpus *vcpus, struct bitmap *ids)
{
    ssize_t last = bitmap_last(ids);

    for (uint32_t id = vcpus->max; last >= 0 && id <= (uint32_t)last; id++)
        bitmap_clear(ids, id);
    return !bitmap_empty(ids);
}

/* A part of a cache is given once: as a whole, or its halves. */
static int check_cachetune(const struct cachetune *tune, struct err *err)
{
    for (size_t i = 0; i < tune->n_shares; i++)
        for (size_t j = 0; j < i; j++) {
            const struct cache_share *share = tune->shares[i], *other = tune->shares[j];

            if (share->level == other->level && share->id.value == other->id.value &&
                (str_eq(share->type, other->type) || str_eq(share->type, "both") ||
                 str_eq(other->type, "both")))
                return err_set_from(err, ERR_FROM_RESCTRL, ERR_XML_ERROR,
                                    "Colliding cache allocations for cache level '%u' id '%u', type '%s'",
                                    share->level, share->id.value, share->type);
        }
    return 0;
}

static int settle_shares(struct vcpus *vcpus, struct err *err)
{
    struct cputune *tune = &vcpus->tune;
    size_t kept = 0;

    for (size_t i = 0; i < tune->n_cachetunes; i++)
        if (clip_vcpus(vcpus, tune->cachetunes[i]->vcpus))
            tune->cachetunes[kept++] = tune->cachetunes[i];
    tune->n_cachetunes = kept;
    kept = 0;
    for (size_t i = 0; i < tune->n_memorytunes; i++)
        if (clip_vcpus(vcpus, tune->memorytunes[i]->vcpus))
            tune->memorytunes[kept++] = tune->memorytunes[i];
    tune->n_memorytunes = kept;
    kept = 0;
    for (size_t i = 0; i < tune->n_vcpupins; i++)
        if (tune->vcpupins[i]->id.value < vcpus->max)
            tune->vcpupins[kept++] = tune->vcpupins[i];
    tune->n_vcpupins = kept;
    for (size_t i = 0; i < tune->n_cachetunes; i++) {
        if (check_cachetune(tune->cachetunes[i], err) < 0)
            return -1;
        for (size_t j = 0; j < i; j++)
            if (bitmap_overlaps(tune->cachetunes[i]->vcpus, tune->cachetunes[j]->vcpus))
                return err_set(err, ERR_CONFIG_UNSUPPORTED, "Overlapping vcpus in cachetunes");
    }
    return 0;
}

/* Pins are printed by id. */
static int settle_pins(struct pin **pins, size_t *count, const char *what, struct err *err)
{
    for (size_t i = 0; i < *count; i++) {
        struct pin *pin = pins[i];
        size_t at = i;

        if (bitmap_empty(pin->cpus))
            return err_set(err, ERR_INVALID_ARG, "Invalid value of 'cpuset' of %s '%u': no CPU is in it",
                           what, pin->id.value);
        for (; at && pins[at - 1]->id.value > pin->id.value; at--)
            pins[at] = pins[at - 1];
        pins[at] = pin;
        if (at && pins[at - 1]->id.value == pin->id.value)
            return err_set(err, ERR_INTERNAL_ERROR, "duplicate %s for %.*s '%u'", what,
                           (int)(strlen(what) - strlen("pin")), what, pin->id.value);
    }
    return 0;
}

/* One element for each thread, by number; of vCPUs only those that exist. */
static int settle_scheds(struct sched ***scheds, size_t *count, struct arena *arena, uint32_t limit,
                         const char *what, const char *title, struct err *err)
{
    struct bitmap seen = {.arena = arena};
    struct sched **each = NULL, *one;
    size_t n_each = 0;

    for (size_t i = 0; i < *count; i++) {
        if (bitmap_overlaps(&seen, (*scheds)[i]->ids))
            return err_set(err, ERR_XML_DETAIL, "'%ssched' attributes '%ss' must not overlap", what, what);
        bitmap_or(&seen, (*scheds)[i]->ids);
    }
    BITMAP_FOREACH(&seen, id) {
        if (id >= (ssize_t)limit)
            return err_set(err, ERR_CONFIG_UNSUPPORTED, "%s '%zd' is not present in domain definition", title,
                           id);
        for (size_t i = 0; i < *count; i++) {
            if (!bitmap_get((*scheds)[i]->ids, (uint32_t)id))
                continue;
            one = arena_dup(arena, (*scheds)[i], sizeof(*one));
            one->ids = ARENA_NEW(arena, struct bitmap);
            one->ids->arena = arena;
            bitmap_set(one->ids, (uint32_t)id);
            each = arena_grow(arena, each, n_each, sizeof(void *));
            each[n_each++] = one;
        }
    }
    *scheds = each;
    *count = n_each;
    return 0;
}

/* A quota of 0 is none. */
static void drop_zero(struct opt_i64 *quota)
{
    quota->set = quota->set && quota->value;
}

int vcpus_settle(struct vcpus *vcpus, struct arena *arena, struct err *err)
{
    struct cputune *tune = &vcpus->tune;

    if (settle_count(vcpus, err) < 0 || settle_each(vcpus, arena, err) < 0 ||
        settle_iothreads(vcpus, arena, err) < 0)
        return -1;
    if (settle_shares(vcpus, err) < 0 || settle_pins(tune->vcpupins, &tune->n_vcpupins, "vcpupin", err) < 0 ||
        settle_pins(tune->iothreadpins, &tune->n_iothreadpins, "iothreadpin", err) < 0 ||
        settle_scheds(&tune->vcpuscheds, &tune->n_vcpuscheds, arena, vcpus->max, "vcpu", "vCPU", err) < 0 ||
        settle_scheds(&tune->iothreadscheds, &tune->n_iothreadscheds, arena, IOTHREADS_MAX, "iothread",
                      "iothread", err) < 0)
        return -1;
    drop_zero(&tune->quota);
    drop_zero(&tune->global_quota);
    drop_zero(&tune->emulator_quota);
    drop_zero(&tune->iothread_quota);
    if (!vcpus->placement)
        vcpus->placement = PLACEMENT_STATIC;
    return 0;
}

/* ---- rules ---- */

/* Beyond every range that is checked. */
static int64_t at_most_i64(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static int check_range(const char *name, int64_t value, int64_t low, int64_t high, struct err *err)
{
    if (value >= low && value <= high)
        return 0;
    return err_set(err, ERR_CONFIG_UNSUPPORTED, "Value of cputune '%s' must be in range [%lld, %lld]", name,
                   (long long)low, (long long)high);
}

static int check_each(const struct vcpus *vcpus, struct err *err)
{
    size_t ordered = 0, online = 0;

    for (size_t i = 0; i < vcpus->n_each; i++) {
        const struct vcpu *vcpu = vcpus->each[i];

        online += vcpu->enabled == TRI_YES;
        ordered += vcpu->enabled == TRI_YES && vcpu->order;
    }
    if (ordered && ordered != online)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "all vcpus must have either set or unset order");
    return 0;
}

int vcpus_check(const struct vcpus *vcpus, struct err *err)
{
    const struct cputune *tune = &vcpus->tune;
    const struct {
        const char *name;
        uint64_t value;
    } periods[] = {{"period", tune->period},
                   {"global_period", tune->global_period},
                   {"emulator_period", tune->emulator_period},
                   {"iothread_period", tune->iothread_period}};
    const struct {
        const char *name;
        struct opt_i64 value;
    } quotas[] = {{"quota", tune->quota},
                  {"global_quota", tune->global_quota},
                  {"emulator_quota", tune->emulator_quota},
                  {"iothread_quota", tune->iothread_quota}};
    const struct pin *pin;

    if (check_each(vcpus, err) < 0)
        return -1;
    /* 0 is taken as "not given", as in libvirt */
    if (tune->shares.value && check_range("shares", at_most_i64(tune->shares.value), 2, 262144, err) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(periods); i++)
        if (periods[i].value &&
            check_range(periods[i].name, at_most_i64(periods[i].value), 1000, 1000000, err) < 0)
            return -1;
    for (size_t i = 0; i < ARRAY_SIZE(quotas); i++)
        if (quotas[i].value.set && quotas[i].value.value > 0 &&
            check_range(quotas[i].name, quotas[i].value.value, 1000, 17592186044415, err) < 0)
            return -1;
    for (size_t i = 0; i < tune->n_iothreadpins; i++) {
        pin = tune->iothreadpins[i];
        if (!vcpus_iothread(vcpus, pin->id.value))
            return err_set(err, ERR_CONFIG_UNSUPPORTED, "Cannot find 'iothread' : %u", pin->id.value);
    }
    for (size_t i = 0; i < tune->n_iothreadscheds; i++) {
        uint32_t id = (uint32_t)bitmap_next(tune->iothreadscheds[i]->ids, 0);

        if (!vcpus_iothread(vcpus, id))
            return err_set(err, ERR_CONFIG_UNSUPPORTED, "Cannot find 'iothread' : %u", id);
    }
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods of network interfaces: their share of bandwidth, telling the network where the guest is. */
#define ERR_FROM ERR_FROM_QEMU
#include "base/mac.h"
#include "base/str.h"
#include "model/domain/domain.h"
#include "virtqemud/definition.h"
#include "virtqemud/method.h"
#include "virtqemud/params.h"
#include "virtqemud/qmp.h"
#include "virtqemud/run.h"

enum { AFFECT = API_DOMAIN_AFFECT_LIVE | API_DOMAIN_AFFECT_CONFIG };

/* By MAC or by the host's name for it; NULL with rq->err set. */
static struct iface *find_iface(struct req *rq, const struct domain *domain, const char *name)
{
    char mac[MAC_TEXT];

    for (size_t i = 0; i < domain->devices.n_ifaces; i++) {
        struct iface *iface = domain->devices.ifaces[i];

        if (str_eq(iface->target, name) || str_eq_nocase(mac_format(&iface->mac, mac), name))
            return iface;
    }
    err_set(&rq->err, ERR_INVALID_ARG, "'%s' is not a known interface", name);
    return NULL;
}

/* Row: a number's name and place in one direction. In the order in which they are told. */
static const struct {
    const char *name;
    bool in;
    size_t offset;
} rows[] = {
    {"inbound.average", true, offsetof(struct rate, average)},
    {"inbound.peak", true, offsetof(struct rate, peak)},
    {"inbound.burst", true, offsetof(struct rate, burst)},
    {"inbound.floor", true, offsetof(struct rate, floor)},
    {"outbound.average", false, offsetof(struct rate, average)},
    {"outbound.peak", false, offsetof(struct rate, peak)},
    {"outbound.burst", false, offsetof(struct rate, burst)},
};

static int m_get(struct req *rq, struct vm *vm, const struct remote_domain_get_interface_parameters_in *in,
                 struct remote_domain_get_interface_parameters_out *out)
{
    struct params params = {.arena = &rq->arena};
    const struct bandwidth *bandwidth = NULL;
    bool live;

    if (method_flags(rq, in->flags, AFFECT | PARAM_STRING_OKAY) < 0 ||
        vm_affected_one(rq, vm, in->flags, &live) < 0)
        return -1;
    if (in->nparams) { /* else it only asks how many there are */
        const struct domain *domain = live ? vm->run->domain : definition_load(rq, vm, &rq->arena);
        const struct iface *iface = domain ? find_iface(rq, domain, in->device) : NULL;

        if (!iface)
            return -1;
        bandwidth = iface->bandwidth;
    }
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct rate *rate = !bandwidth ? NULL : rows[i].in ? bandwidth->in : bandwidth->out;
        uint64_t value = rate ? *(const uint64_t *)((const char *)rate + rows[i].offset) : 0;

        params_uint(&params, (uint32_t)value, "%s", rows[i].name);
    }
    params_give(&params, in->nparams, in->flags, out);
    return 0;
}

static bool can_limit(const struct iface *iface)
{
    return iface->type == IFACE_BRIDGE || iface->type == IFACE_NETWORK || iface->type == IFACE_ETHERNET ||
           iface->type == IFACE_DIRECT;
}

/* The numbers of one direction, when any was given: NULL takes the limit away. */
static void change(struct rate **place, struct arena *arena, bool in_direction,
                   const struct wire_typed_param *v, uint32_t n)
{
    struct rate rate = {0};
    bool given = false;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct wire_typed_value *value = params_find(v, n, rows[i].name);

        if (value && rows[i].in == in_direction) {
            *(uint64_t *)((char *)&rate + rows[i].offset) = value->ui;
            given = true;
        }
    }
    if (!given)
        return;
    *place = NULL;
    if (rate.average || rate.floor) {
        *place = ARENA_NEW(arena, struct rate);
        **place = rate;
    }
}

static int m_set(struct req *rq, struct vm *vm, const struct remote_domain_set_interface_parameters_in *in,
                 struct remote_domain_set_interface_parameters_out *out)
{
    struct param_rule rules[ARRAY_SIZE(rows) + 1] = {0};
    struct domain *domain;
    struct iface *iface;
    bool live, config;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        rules[i] = (struct param_rule){rows[i].name, PARAM_UINT};
    if (method_flags(rq, in->flags, AFFECT) < 0 || params_check(rq, in->params.v, in->params.n, rules) < 0 ||
        vm_affected(rq, vm, in->flags, &live, &config) < 0)
        return -1;
    if (live) {
        iface = find_iface(rq, vm->run->domain, in->device);
        if (!iface)
            return -1;
        if (can_limit(iface))
            return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED,
                           "the bandwidth of a running interface can't be changed yet");
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED,
                       "setting bandwidth on interfaces of type '%s' is not implemented yet",
                       iface_type_names[iface->type]);
    }
    domain = definition_load(rq, vm, &rq->arena);
    iface = domain ? find_iface(rq, domain, in->device) : NULL;
    if (!iface)
        return -1;
    if (!can_limit(iface))
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED,
                       "setting bandwidth on interfaces of type '%s' is not implemented yet",
                       iface_type_names[iface->type]);
    if (!iface->bandwidth)
        iface->bandwidth = ARENA_NEW(&rq->arena, struct bandwidth);
    change(&iface->bandwidth->in, &rq->arena, true, in->params.v, in->params.n);
    change(&iface->bandwidth->out, &rq->arena, false, in->params.v, in->params.n);
    if (!iface->bandwidth->in && !iface->bandwidth->out)
        iface->bandwidth = NULL;
    return definition_save(rq, vm, domain);
}

static int m_announce(struct req *rq, struct vm *vm, const struct remote_domain_announce_interface_in *in,
                      struct remote_domain_announce_interface_out *out)
{
    static const struct param_rule rules[] = {
        {"initial", PARAM_UINT}, {"max", PARAM_UINT}, {"rounds", PARAM_UINT}, {"step", PARAM_UINT}, {0}};
    uint32_t values[] = {50, 550, 5, 50}; /* as QEMU has them for itself after a migration, ms */
    const struct iface *iface = NULL;
    auto_buf struct buf args = {0};
    struct qmp *qmp;

    if (method_flags(rq, in->flags, 0) < 0 || params_check(rq, in->params.v, in->params.n, rules) < 0 ||
        !(qmp = vm_monitor(rq, vm)))
        return -1;
    if (in->device && !(iface = find_iface(rq, vm->run->domain, in->device)))
        return -1;
    json_add(&args, "{");
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        const struct wire_typed_value *value = params_find(in->params.v, in->params.n, rules[i].name);

        json_add(&args, "%s:%u,", rules[i].name, value ? value->ui : values[i]);
    }
    if (iface)
        json_add(&args, "'interfaces':[%s],", iface->info.alias);
    args.length--;
    json_add(&args, "}");
    return qmp_call(rq, qmp, "announce-self", buf_text(&args), NULL, SECONDS(30));
}

const struct method iface_methods[] = {
    METHOD(remote, DOMAIN_GET_INTERFACE_PARAMETERS, m_get),
    METHOD(remote, DOMAIN_SET_INTERFACE_PARAMETERS, m_set),
    METHOD(remote, DOMAIN_ANNOUNCE_INTERFACE, m_announce),
    {0},
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods that measure or look: counters of the host's processors, dirty memory, the guest's memory. */
#define ERR_FROM ERR_FROM_QEMU
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "model/domain/domain.h"
#include "virtqemud/definition.h"
#include "virtqemud/method.h"
#include "virtqemud/params.h"
#include "virtqemud/perf.h"
#include "virtqemud/qemud.h"
#include "virtqemud/qmp.h"
#include "virtqemud/status.h"

enum { AFFECT = API_DOMAIN_AFFECT_LIVE | API_DOMAIN_AFFECT_CONFIG };

/* ---- counters ---- */

static struct perf_event *find_event(const struct domain *domain, const char *name)
{
    for (size_t i = 0; i < domain->n_perf; i++)
        if (str_eq(domain->perf[i]->name, name))
            return domain->perf[i];
    return NULL;
}

static int m_get_perf(struct req *rq, struct vm *vm, const struct remote_domain_get_perf_events_in *in,
                      struct remote_domain_get_perf_events_out *out)
{
    struct params params = {.arena = &rq->arena};
    const struct domain *domain;
    bool live;

    if (method_flags(rq, in->flags, AFFECT | PARAM_STRING_OKAY) < 0 ||
        vm_affected_one(rq, vm, in->flags, &live) < 0)
        return -1;
    domain = live ? vm->run->domain : definition_load(rq, vm, &rq->arena);
    if (!domain)
        return -1;
    for (unsigned i = 0; i < PERF_EVENT_COUNT; i++) {
        const struct perf_event *event = find_event(domain, perf_names[i]);
        bool on = live ? perf_is_open(vm->run, i) : event && event->enabled == TRI_YES;

        params_add(&params, PARAM_BOOLEAN, "%s", perf_names[i])->b = on;
    }
    out->params.v = params.v;
    out->params.n = params.n;
    return 0;
}

static void change_model(struct domain *domain, struct arena *arena, const char *name, bool on)
{
    struct perf_event *event = find_event(domain, name);

    if (!event) {
        event = ARENA_NEW(arena, struct perf_event);
        event->name = arena_strdup(arena, name);
        domain->perf = arena_grow(arena, domain->perf, domain->n_perf, sizeof(event));
        domain->perf[domain->n_perf++] = event;
    }
    event->enabled = on ? TRI_YES : TRI_NO;
}

static int m_set_perf(struct req *rq, struct vm *vm, const struct remote_domain_set_perf_events_in *in,
                      struct remote_domain_set_perf_events_out *out)
{
    struct param_rule rules[PERF_EVENT_COUNT + 1] = {0};
    struct domain *domain = NULL;
    bool live, config;

    for (unsigned i = 0; i < PERF_EVENT_COUNT; i++)
        rules[i] = (struct param_rule){perf_names[i], PARAM_BOOLEAN};
    if (method_flags(rq, in->flags, AFFECT) < 0 || params_check(rq, in->params.v, in->params.n, rules) < 0 ||
        vm_affected(rq, vm, in->flags, &live, &config) < 0)
        return -1;
    if (config && !(domain = definition_load(rq, vm, &rq->arena)))
        return -1;
    if (live && vm_check_active(rq, vm) < 0)
        return -1;
    for (uint32_t i = 0; i < in->params.n; i++) {
        const char *name = in->params.v[i].field;
        bool on = in->params.v[i].value.b;

        if (live && perf_set(vm->run, name, on, &rq->err) < 0)
            return -1;
        if (live)
            change_model(vm->run->domain, &vm->run->arena, name, on);
        if (config)
            change_model(domain, &rq->arena, name, on);
    }
    if (live)
        status_save(vm);
    return config ? definition_save(rq, vm, domain) : 0;
}

/* ---- memory that the guest writes ---- */

static int m_dirty_rate(struct req *rq, struct vm *vm,
                        const struct remote_domain_start_dirty_rate_calc_in *in,
                        struct remote_domain_start_dirty_rate_calc_out *out)
{
    enum { SAMPLING = 0, BITMAP = 1, RING = 2, SECONDS_MAX = 60 };
    static const char *const modes[] = {"page-sampling", "dirty-bitmap", "dirty-ring"};
    unsigned mode = in->flags & RING ? RING : in->flags & BITMAP ? BITMAP : SAMPLING;
    struct qmp *qmp;

    if (method_flags(rq, in->flags, BITMAP | RING) < 0)
        return -1;
    if (in->flags == (BITMAP | RING))
        return err_set(&rq->err, ERR_INVALID_ARG, "two modes of calculation exclude each other");
    if (in->seconds < 1 || in->seconds > SECONDS_MAX)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED,
                       "seconds=%d is invalid, please choose value within [1, 60].", in->seconds);
    if (!(qmp = vm_monitor(rq, vm)))
        return -1;
    if (mode == RING && !(vm->run->domain->features.kvm && vm->run->domain->features.kvm->dirty_ring_size))
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED,
                       "dirty-ring calculation mode requires dirty-ring feature enabled.");
    if (mode == BITMAP && vm->run->domain->virt != VIRT_KVM) /* QEMU dies of it */
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "dirty-bitmap calculation mode requires KVM");
    vm->run->measured_dirty = true;
    return qmp_call(rq, qmp, "calc-dirty-rate",
                    json_text(&rq->arena, "{'calc-time':%d,'mode':%s}", in->seconds, modes[mode]), NULL,
                    SECONDS(30));
}

/* ---- memory itself ---- */

/* QEMU writes what it has into a file of its directory. */
static int m_peek(struct req *rq, struct vm *vm, const struct remote_domain_memory_peek_in *in,
                  struct remote_domain_memory_peek_out *out)
{
    enum { VIRTUAL = 1, PHYSICAL = 2 };
    auto_free char *path = NULL;
    auto_fd int fd = -1;
    struct qmp *qmp;
    ssize_t n;
    int r;

    if (method_flags(rq, in->flags, VIRTUAL | PHYSICAL) < 0)
        return -1;
    if (in->flags != VIRTUAL && in->flags != PHYSICAL)
        return err_set(&rq->err, ERR_INVALID_ARG,
                       "flags parameter must be VIR_MEMORY_VIRTUAL or VIR_MEMORY_PHYSICAL");
    if (in->size > 4u << 20)
        return err_set(&rq->err, ERR_INVALID_ARG, "%u bytes are too many", in->size);
    if (!(qmp = vm_monitor(rq, vm)))
        return -1;
    path = mem_printf("%s/peek.XXXXXX", vm->run->lib_dir);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return err_system(&rq->err, errno, "cannot create '%s'", path);
    if (qemud.privileged && fchown(fd, qemud.conf.user, qemud.conf.group) < 0)
        r = err_system(&rq->err, errno, "cannot give '%s' to QEMU's user", path);
    else
        r = qmp_call(rq, qmp, in->flags == VIRTUAL ? "memsave" : "pmemsave",
                     json_text(&rq->arena, "{'val':%llu,'size':%u,'filename':%s}",
                               (unsigned long long)in->offset, in->size, path),
                     NULL, SECONDS(30));
    unlink(path);
    if (r < 0)
        return -1;
    out->buffer.v = arena_alloc(&rq->arena, in->size + 1);
    n = fd_read_all(fd, out->buffer.v, in->size);
    if (n < 0)
        return err_system(&rq->err, (int)-n, "failed to read temporary file created with template %s", path);
    out->buffer.n = (uint32_t)n;
    return 0;
}

const struct method measure_methods[] = {
    METHOD(remote, DOMAIN_GET_PERF_EVENTS, m_get_perf),
    METHOD(remote, DOMAIN_SET_PERF_EVENTS, m_set_perf),
    METHOD(remote, DOMAIN_START_DIRTY_RATE_CALC, m_dirty_rate),
    METHOD(remote, DOMAIN_MEMORY_PEEK, m_peek),
    {0},
};

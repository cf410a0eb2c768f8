/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods that say on which host CPUs a machine's vCPUs and QEMU's own threads run. */
#define ERR_FROM ERR_FROM_QEMU
#include <unistd.h>

#include "base/bitmap.h"
#include "model/domain/domain.h"
#include "virtqemud/definition.h"
#include "virtqemud/events.h"
#include "virtqemud/method.h"
#include "virtqemud/params.h"
#include "virtqemud/run.h"
#include "virtqemud/status.h"
#include "virtqemud/vcpu.h"

enum { EMULATOR = -1 }; /* in place of a vCPU's number */

static struct bitmap *read_map(struct req *rq, struct arena *arena, const uint8_t *bytes, size_t length)
{
    struct bitmap *map = ARENA_NEW(arena, struct bitmap);

    map->arena = arena;
    bitmap_from_bytes(map, bytes, length);
    if (!bitmap_empty(map))
        return map;
    err_set(&rq->err, ERR_INVALID_ARG, "Empty cpu list for pinning");
    return NULL;
}

static int set_pin(struct req *rq, struct domain *domain, struct arena *arena, int32_t vcpu,
                   const uint8_t *bytes, size_t length, const char *which)
{
    struct cputune *tune = &domain->vcpus.tune;
    struct bitmap *cpus = read_map(rq, arena, bytes, length);
    struct pin *pin;

    if (!cpus)
        return -1;
    if (vcpu == EMULATOR) {
        tune->emulatorpin = cpus;
        return 0;
    }
    if ((uint32_t)vcpu >= domain->vcpus.max)
        return err_set(&rq->err, ERR_INVALID_ARG, "vcpu %d is out of range of %s cpu count %u", vcpu, which,
                       vcpus_online(&domain->vcpus));
    pin = vcpus_pin(&domain->vcpus, (uint32_t)vcpu);
    if (!pin) {
        pin = ARENA_NEW(arena, struct pin);
        pin->id = (struct opt_u32){(uint32_t)vcpu, true};
        tune->vcpupins = arena_grow(arena, tune->vcpupins, tune->n_vcpupins, sizeof(pin));
        tune->vcpupins[tune->n_vcpupins++] = pin;
    }
    pin->cpus = cpus;
    return 0;
}

/* Whoever watches hears which, and where to. */
static void tell(struct req *rq, const struct vm *vm, int32_t vcpu, const uint8_t *bytes, size_t length)
{
    struct params told = {.arena = &rq->arena};
    struct bitmap *cpus = read_map(rq, &rq->arena, bytes, length);
    auto_buf struct buf text = {0};

    bitmap_format(cpus, &text);
    if (vcpu == EMULATOR)
        params_string(&told, buf_text(&text), "cputune.emulatorpin");
    else
        params_string(&told, buf_text(&text), "cputune.vcpupin%d", vcpu);
    event_tunable(vm, &told);
}

static int change(struct req *rq, struct vm *vm, int32_t vcpu, const uint8_t *bytes, size_t length,
                  unsigned flags)
{
    struct domain *domain = NULL;
    bool live, config;

    if (method_flags(rq, flags, API_DOMAIN_AFFECT_LIVE | API_DOMAIN_AFFECT_CONFIG) < 0 ||
        vm_affected(rq, vm, flags, &live, &config) < 0)
        return -1;
    if (config) {
        domain = definition_load(rq, vm, &rq->arena);
        if (!domain || set_pin(rq, domain, &rq->arena, vcpu, bytes, length, "persistent") < 0)
            return -1;
    }
    if (live) {
        if (set_pin(rq, vm->run->domain, &vm->run->arena, vcpu, bytes, length, "live") < 0 ||
            vcpu_settle(rq, vm) < 0)
            return -1;
        status_save(vm);
        tell(rq, vm, vcpu, bytes, length);
    }
    return config ? definition_save(rq, vm, domain) : 0;
}

static int m_pin_vcpu(struct req *rq, struct vm *vm, const struct remote_domain_pin_vcpu_in *in,
                      struct remote_domain_pin_vcpu_out *out)
{
    return change(rq, vm, (int32_t)(in->vcpu & INT32_MAX), in->cpumap.v, in->cpumap.n,
                  API_DOMAIN_AFFECT_LIVE);
}

static int m_pin_vcpu_flags(struct req *rq, struct vm *vm, const struct remote_domain_pin_vcpu_flags_in *in,
                            struct remote_domain_pin_vcpu_flags_out *out)
{
    return change(rq, vm, (int32_t)(in->vcpu & INT32_MAX), in->cpumap.v, in->cpumap.n, in->flags);
}

static int m_pin_emulator(struct req *rq, struct vm *vm, const struct remote_domain_pin_emulator_in *in,
                          struct remote_domain_pin_emulator_out *out)
{
    return change(rq, vm, EMULATOR, in->cpumap.v, in->cpumap.n, in->flags);
}

/* What isn't pinned may run where <vcpu cpuset=''> says, or anywhere. */
static void write_map(const struct domain *domain, const struct bitmap *cpus, uint8_t *bytes, size_t length)
{
    long count = sysconf(_SC_NPROCESSORS_CONF);

    cpus = cpus ? cpus : domain->vcpus.cpus;
    if (cpus)
        bitmap_to_bytes(cpus, bytes, length);
    for (long cpu = 0; !cpus && cpu < count && (size_t)cpu < length * 8; cpu++)
        bytes[cpu / 8] |= (uint8_t)(1u << (cpu % 8));
}

static int check_sizes(struct req *rq, int32_t count, int32_t length)
{
    if (count > 0 && length > 0 && count <= VCPUS_MAX && length <= 4096)
        return 0;
    return err_set(&rq->err, ERR_INVALID_ARG, "%d CPU maps of %d bytes are out of range", count, length);
}

static int m_get_vcpu_pin_info(struct req *rq, struct vm *vm,
                               const struct remote_domain_get_vcpu_pin_info_in *in,
                               struct remote_domain_get_vcpu_pin_info_out *out)
{
    const struct domain *domain;
    size_t length = (size_t)in->maplen;

    if (method_flags(rq, in->flags, API_DOMAIN_AFFECT_LIVE | API_DOMAIN_AFFECT_CONFIG) < 0 ||
        check_sizes(rq, in->ncpumaps, in->maplen) < 0)
        return -1;
    domain = vm_model(rq, vm, in->flags);
    if (!domain)
        return -1;
    out->num = in->ncpumaps < (int32_t)domain->vcpus.max ? in->ncpumaps : (int32_t)domain->vcpus.max;
    out->cpumaps.n = (uint32_t)((size_t)out->num * length);
    out->cpumaps.v = ARENA_ARRAY(&rq->arena, uint8_t, out->cpumaps.n);
    for (int32_t i = 0; i < out->num; i++) {
        const struct pin *pin = vcpus_pin(&domain->vcpus, (uint32_t)i);

        write_map(domain, pin ? pin->cpus : NULL, out->cpumaps.v + (size_t)i * length, length);
    }
    return 0;
}

static int m_get_emulator_pin_info(struct req *rq, struct vm *vm,
                                   const struct remote_domain_get_emulator_pin_info_in *in,
                                   struct remote_domain_get_emulator_pin_info_out *out)
{
    const struct domain *domain;

    if (method_flags(rq, in->flags, API_DOMAIN_AFFECT_LIVE | API_DOMAIN_AFFECT_CONFIG) < 0 ||
        check_sizes(rq, 1, in->maplen) < 0)
        return -1;
    domain = vm_model(rq, vm, in->flags);
    if (!domain)
        return -1;
    out->ret = 1;
    out->cpumaps.n = (uint32_t)in->maplen;
    out->cpumaps.v = ARENA_ARRAY(&rq->arena, uint8_t, out->cpumaps.n);
    write_map(domain, domain->vcpus.tune.emulatorpin, out->cpumaps.v, out->cpumaps.n);
    return 0;
}

const struct method pin_methods[] = {
    METHOD(remote, DOMAIN_PIN_VCPU, m_pin_vcpu),
    METHOD(remote, DOMAIN_PIN_VCPU_FLAGS, m_pin_vcpu_flags),
    METHOD(remote, DOMAIN_PIN_EMULATOR, m_pin_emulator),
    METHOD(remote, DOMAIN_GET_VCPU_PIN_INFO, m_get_vcpu_pin_info),
    METHOD(remote, DOMAIN_GET_EMULATOR_PIN_INFO, m_get_emulator_pin_info),
    {0},
};

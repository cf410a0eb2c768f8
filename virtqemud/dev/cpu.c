/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cpu: the processor model and its switches, with those of the hypervisor interfaces that it announces. */
#define ERR_FROM ERR_FROM_QEMU

#include "base/str.h"
#include "virtqemud/dev/dev.h"

#include "base/uuid.h"

static void feature(struct buf *option, const char *name, enum tristate value)
{
    if (value)
        buf_printf(option, ",%s=%s", name, value == TRI_YES ? "on" : "off");
}

/* libvirt's names of features that QEMU calls otherwise. */
static const char *qemu_feature(const char *name)
{
    static const char *const names[][2] = {
        {"cmp_legacy", "cmp-legacy"},       {"ds_cpl", "ds-cpl"},
        {"fxsr_opt", "fxsr-opt"},           {"kvm_pv_eoi", "kvm-pv-eoi"},
        {"kvm_pv_unhalt", "kvm-pv-unhalt"}, {"lahf_lm", "lahf-lm"},
        {"nodeid_msr", "nodeid-msr"},       {"pclmuldq", "pclmulqdq"},
        {"perfctr_core", "perfctr-core"},   {"perfctr_nb", "perfctr-nb"},
        {"tsc_adjust", "tsc-adjust"},       {"sse4.1", "sse4.1"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (str_eq(name, names[i][0]))
            return names[i][1];
    return name;
}

static int model_option(struct build *build, const struct cpu *cpu, struct buf *option, struct err *err)
{
    bool kvm = build->domain->virt == VIRT_KVM;
    const struct qemu_machine *machine = qemu_caps_machine(build->caps, build->domain->os.machine);

    switch (cpu ? cpu->mode : CPU_MODE_UNSET) {
    case CPU_HOST_PASSTHROUGH:
        if (!kvm)
            return err_set(err, ERR_CONFIG_UNSUPPORTED,
                           "CPU mode '%s' for %s %s domain on %s host is not supported by hypervisor",
                           cpu_mode_names[cpu->mode], build->domain->os.arch,
                           domain_virt_names[build->domain->virt], build->domain->os.arch);
        buf_add_string(option, "host");
        feature(option, "migratable", cpu->migratable);
        break;
    case CPU_HOST_MODEL:
        /* the host's CPU as far as the accelerator can show it, without what would tie the guest to it */
        buf_add_string(option, kvm ? "host,migratable=on" : "max");
        break;
    case CPU_MAXIMUM:
        buf_add_string(option, "max");
        feature(option, "migratable", cpu->migratable);
        break;
    default:
        if (cpu && cpu->model)
            option_value(option, cpu->model);
        else if (machine && machine->default_cpu)
            buf_printf(option, "%.*s", (int)(strcspn(machine->default_cpu, "-")), machine->default_cpu);
        else
            buf_add_string(option, "qemu64");
        break;
    }
    if (cpu && cpu->vendor_id)
        option_add(option, "vendor", cpu->vendor_id);
    for (size_t i = 0; cpu && i < cpu->n_features; i++) {
        enum cpu_policy policy = cpu->features[i]->policy;

        if (policy == CPU_FORCE || policy == CPU_REQUIRE)
            buf_printf(option, ",%s=on", qemu_feature(cpu->features[i]->name));
        else if (policy == CPU_DISABLE || policy == CPU_FORBID)
            buf_printf(option, ",%s=off", qemu_feature(cpu->features[i]->name));
    }
    return 0;
}

static void timer_features(const struct clock *clock, struct buf *option)
{
    const struct timer *kvmclock = clock_timer(clock, TIMER_KVMCLOCK), *tsc = clock_timer(clock, TIMER_TSC);
    const struct timer *hyperv = clock_timer(clock, TIMER_HYPERVCLOCK);

    if (kvmclock)
        feature(option, "kvmclock", kvmclock->present);
    if (hyperv && hyperv->present == TRI_YES)
        buf_add_string(option, ",hv-time=on");
    if (tsc && tsc->frequency)
        buf_printf(option, ",tsc-frequency=%llu", (unsigned long long)tsc->frequency);
}

static void hyperv_features(const struct hyperv *hyperv, struct buf *option)
{
    if (hyperv->mode == HYPERV_PASSTHROUGH)
        buf_add_string(option, ",hv-passthrough=on");
    const struct {
        const char *name;
        enum tristate value;
    } switches[] = {
        {"hv-relaxed", hyperv->relaxed},
        {"hv-vapic", hyperv->vapic},
        {"hv-vpindex", hyperv->vpindex},
        {"hv-runtime", hyperv->runtime},
        {"hv-synic", hyperv->synic},
        {"hv-stimer", hyperv->stimer},
        {"hv-stimer-direct", hyperv->stimer_direct},
        {"hv-reset", hyperv->reset},
        {"hv-frequencies", hyperv->frequencies},
        {"hv-reenlightenment", hyperv->reenlightenment},
        {"hv-tlbflush", hyperv->tlbflush},
        {"hv-tlbflush-direct", hyperv->tlbflush_direct},
        {"hv-tlbflush-ext", hyperv->tlbflush_extended},
        {"hv-ipi", hyperv->ipi},
        {"hv-evmcs", hyperv->evmcs},
        {"hv-avic", hyperv->avic},
        {"hv-emsr-bitmap", hyperv->emsr_bitmap},
        {"hv-xmm-input", hyperv->xmm_input},
    };

    for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
        if (switches[i].value == TRI_YES)
            buf_printf(option, ",%s=on", switches[i].name);
    if (hyperv->spinlocks == TRI_YES)
        buf_printf(option, ",hv-spinlocks=0x%x", hyperv->spinlocks_retries);
    if (hyperv->vendor_id == TRI_YES)
        option_add(option, "hv-vendor-id", hyperv->vendor_id_value);
}

int build_cpu(struct build *build, struct err *err)
{
    const struct domain *domain = build->domain;
    const struct features *features = &domain->features;
    const struct cpu *cpu = domain->cpu;
    auto_buf struct buf option = {0};

    if (model_option(build, cpu, &option, err) < 0)
        return -1;
    timer_features(&domain->clock, &option);
    feature(&option, "kvm-pv-eoi", features->apic_eoi);
    feature(&option, "kvm-pv-unhalt", features->pvspinlock);
    if (features->hyperv)
        hyperv_features(features->hyperv, &option);
    for (size_t i = 0; i < domain->devices.n_panics; i++)
        if (domain->devices.panics[i]->model == PANIC_HYPERV)
            buf_add_string(&option, ",hv-crash");
    if (features->kvm) {
        if (features->kvm->hidden == TRI_YES)
            buf_add_string(&option, ",kvm=off");
        if (features->kvm->hint_dedicated == TRI_YES)
            buf_add_string(&option, ",kvm-hint-dedicated=on");
        if (features->kvm->poll_control == TRI_YES)
            buf_add_string(&option, ",kvm-poll-control=on");
        if (features->kvm->pv_ipi)
            feature(&option, "kvm-pv-ipi", features->kvm->pv_ipi);
    }
    feature(&option, "pmu", features->pmu);
    if (cpu && cpu->cache == CPU_CACHE_EMULATE)
        buf_add_string(&option, ",l3-cache=on");
    else if (cpu && cpu->cache == CPU_CACHE_PASSTHROUGH)
        buf_add_string(&option, ",host-cache-info=on,l3-cache=off");
    else if (cpu && cpu->cache == CPU_CACHE_DISABLE)
        buf_add_string(&option, ",l3-cache=off");
    if (cpu && cpu->phys_addr == PHYS_ADDR_PASSTHROUGH)
        buf_add_string(&option, ",host-phys-bits=on");
    else if (cpu && cpu->phys_addr_bits.set)
        buf_printf(&option, ",phys-bits=%u", cpu->phys_addr_bits.value);
    build_arg(build, "-cpu", buf_text(&option));
    return 0;
}

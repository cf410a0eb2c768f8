/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What QEMU can't do with a machine, beside its devices. */
#define ERR_FROM ERR_FROM_QEMU

#include "base/enum.h"
#include "base/str.h"
#include "virtqemud/build.h"
#include "virtqemud/defaults/defaults.h"

static int check_vcpus(const struct domain *domain, struct err *err)
{
    const struct vcpus *vcpus = &domain->vcpus;

    if (vcpus->n_each && vcpus->each[0]->enabled != TRI_YES)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "vcpu 0 can't be offline");
    if ((vcpus->tune.n_cachetunes || vcpus->tune.n_memorytunes) && domain->virt != VIRT_KVM)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "cachetune is only supported for KVM domains");
    return 0;
}

static int check_memory(const struct domain *domain, struct err *err)
{
    if (domain->memtune.min_guarantee.set)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "Parameter 'min_guarantee' not supported by QEMU.");
    if (domain->memory.max && !(domain->cpu && domain->cpu->n_cells))
        return err_set(err, ERR_CONFIG_UNSUPPORTED,
                       "At least one numa node has to be configured when enabling memory hotplug");
    return 0;
}

static int check_cpu(const struct cpu *cpu, struct err *err)
{
    bool host;

    if (!cpu)
        return 0;
    host = cpu->mode == CPU_HOST_PASSTHROUGH || cpu->mode == CPU_MAXIMUM;
    if (cpu->cache == CPU_CACHE_PASSTHROUGH && !host)
        return err_set(
            err, ERR_CONFIG_UNSUPPORTED,
            "CPU cache mode 'passthrough' can only be used with 'host-passthrough' / 'maximum' CPUs");
    if (cpu->cache == CPU_CACHE_EMULATE && cpu->cache_level.set && cpu->cache_level.value != 3)
        return err_set(err, ERR_CONFIG_UNSUPPORTED,
                       "CPU cache mode 'emulate' can only be used with level='3'");
    return 0;
}

/* What happens when a guest ends by itself. */
int check_life_actions(const struct domain *domain, struct err *err)
{
    const struct {
        const char *event;
        enum domain_action action;
    } ends[] = {{"poweroff", domain->on_poweroff}, {"reboot", domain->on_reboot}};

    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        const char *action = enum_name(domain_action_names, ends[i].action);

        if (ends[i].action == ACTION_COREDUMP_DESTROY || ends[i].action == ACTION_COREDUMP_RESTART)
            return err_set_from(err, ERR_FROM_DOMAIN, ERR_CONFIG_UNSUPPORTED,
                                "Lifecycle event '%s' doesn't support '%s' action", ends[i].event, action);
        if (ends[i].action == ACTION_PRESERVE || ends[i].action == ACTION_RENAME_RESTART)
            return err_set(err, ERR_CONFIG_UNSUPPORTED,
                           "qemu driver doesn't support the '%s' action for 'on_reboot'/'on_poweroff'",
                           action);
    }
    if (domain->on_poweroff == ACTION_RESTART && domain->on_reboot == ACTION_DESTROY)
        return err_set(
            err, ERR_CONFIG_UNSUPPORTED,
            "qemu driver doesn't support 'onReboot' set to 'destroy and 'onPoweroff' set to 'reboot'");
    return 0;
}

static int check_life(const struct domain *domain, struct err *err)
{
    if (domain->bootloader)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "bootloader is not supported by QEMU");
    if (check_life_actions(domain, err) < 0)
        return -1;
    if (domain->features.gic && arch_is_x86(domain->os.arch))
        return err_set(err, ERR_CONFIG_UNSUPPORTED,
                       "The 'gic' feature is not supported for architecture '%s' or machine type '%s'",
                       domain->os.arch, domain->os.machine);
    if (domain->features.tb_cache.set && domain->virt != VIRT_QEMU)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "TCG features are incompatible with domain type '%s'",
                       enum_name(domain_virt_names, domain->virt));
    if (domain->os.bios_serial == TRI_YES && !domain->devices.n_serials)
        return err_set(err, ERR_XML_ERROR, "need at least one serial port to use BIOS serial output");
    return 0;
}

/* Other names are QEMU's own. */
static int check_fw_cfg(const struct domain *domain, struct err *err)
{
    for (size_t i = 0; i < domain->n_sysinfos; i++)
        for (size_t j = 0; j < domain->sysinfos[i]->fw_cfg.n_entries; j++)
            if (!str_after(domain->sysinfos[i]->fw_cfg.entries[j]->name, "opt/"))
                return err_set(err, ERR_CONFIG_UNSUPPORTED, "Invalid firmware name");
    return 0;
}

/* All of the guest's memory can be seen by another process. */
static bool memory_is_shared(const struct domain *domain)
{
    const struct cpu *cpu = domain->cpu;
    bool shared = domain->backing.access == MEMORY_SHARED;

    for (size_t i = 0; cpu && i < cpu->n_cells; i++)
        if (cpu->cells[i]->access)
            shared = cpu->cells[i]->access == MEMORY_SHARED;
    return shared;
}

static int check_sharing(const struct domain *domain, struct err *err)
{
    const struct devices *devices = &domain->devices;

    for (size_t i = 0; i < devices->n_filesystems; i++)
        if (devices->filesystems[i]->driver == FS_DRIVER_VIRTIOFS && !memory_is_shared(domain))
            return err_set(err, ERR_CONFIG_UNSUPPORTED, "'virtiofs' requires shared memory");
    return 0;
}

/* Which binaries and hosts can keep a guest's memory from its host; nobody else can. */
static int check_launch(const struct domain *domain, const struct qemu_caps *caps, struct err *err)
{
    if (!domain->launch || !caps)
        return 0;
    switch (domain->launch->type) {
    case LAUNCH_SEV:
        if (!caps->sev)
            return err_set(err, ERR_CONFIG_UNSUPPORTED,
                           "SEV launch security is not supported with this QEMU binary");
        return 0;
    case LAUNCH_SEV_SNP:
        if (!qemu_caps_has(caps, QEMU_CAP_SEV_SNP_GUEST) || !caps->sev)
            return err_set(err, ERR_CONFIG_UNSUPPORTED,
                           "SEV SNP launch security is not supported with this QEMU binary");
        return 0;
    case LAUNCH_TDX:
        if (!qemu_caps_has(caps, QEMU_CAP_TDX_GUEST))
            return err_set(err, ERR_CONFIG_UNSUPPORTED,
                           "Intel TDX launch security is not supported with this QEMU binary");
        return 0;
    default:
        return err_set(err, ERR_CONFIG_UNSUPPORTED,
                       "S390 PV launch security is not supported with this QEMU binary");
    }
}

int check_domain(const struct domain *domain, const struct qemu_caps *caps, struct err *err)
{
    if (check_vcpus(domain, err) < 0)
        return xt_add_place(err, &domain->at.vcpu);
    if (check_memory(domain, err) < 0)
        return xt_add_place(err, &domain->at.maximum);
    if (check_cpu(domain->cpu, err) < 0)
        return xt_add_place(err, &domain->at.cpu);
    if (check_sharing(domain, err) < 0 || check_launch(domain, caps, err) < 0)
        return -1;
    if (check_fw_cfg(domain, err) < 0)
        return xt_add_place(err, &domain->at.sysinfo);
    return check_life(domain, err);
}

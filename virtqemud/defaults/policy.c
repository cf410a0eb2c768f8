/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policy: the steps of defaults in their order, as domain_parse() calls them. */
#define ERR_FROM ERR_FROM_QEMU

#include "base/str.h"
#include "virtqemud/build.h"
#include "virtqemud/defaults/defaults.h"

bool arch_is_x86(const char *arch)
{
    return str_eq(arch, "x86_64") || str_eq(arch, "i686");
}

enum chipset chipset_of(const struct os *os)
{
    const char *machine = os->machine;

    if (!arch_is_x86(os->arch) || !machine)
        return CHIPSET_OTHER;
    if (str_eq(machine, "q35") || str_after(machine, "pc-q35"))
        return CHIPSET_Q35;
    if (str_eq(machine, "isapc"))
        return CHIPSET_ISA;
    if (str_eq(machine, "pc") || str_after(machine, "pc-"))
        return CHIPSET_I440FX;
    return CHIPSET_OTHER;
}

static int policy_defaults(struct domain *domain, struct arena *arena, unsigned flags, void *data,
                           struct err *err)
{
    struct defaults defaults = {
        .domain = domain,
        .devices = &domain->devices,
        .arena = arena,
        .caps = data,
        .flags = flags,
        .err = err,
    };
    static int (*const steps[])(struct defaults *) = {
        defaults_machine,          defaults_devices,       defaults_models,
        defaults_serial_addresses, defaults_pci_addresses, defaults_usb_addresses,
    };

    for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
        if (steps[i](&defaults) < 0)
            return -1;
    devices_sync_console(&domain->devices, arena);
    return 0;
}

struct domain_policy defaults_policy(const struct qemu_caps *caps)
{
    return (struct domain_policy){.defaults = policy_defaults, .check = defaults_check, .data = (void *)caps};
}

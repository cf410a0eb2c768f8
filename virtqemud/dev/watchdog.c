/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watchdog and panic: how a guest that is in trouble is noticed. */
#define ERR_FROM ERR_FROM_QEMU

#include "base/str.h"
#include "virtqemud/dev/dev.h"

static int watchdog_command(struct build *build, void *device, struct err *err)
{
    /* what QEMU shall do; dump and shutdown need our help, so QEMU only stops or tells */
    static const char *const actions[WATCHDOG_ACTION_MAX] = {NULL,    "reset", "shutdown", "poweroff",
                                                             "pause", "pause", "none",     "inject-nmi"};
    const struct watchdog *watchdog = device;
    auto_props struct props props = {0};

    if (watchdog == build->domain->devices.watchdogs[0])
        build_argf(build, "-action", "watchdog=%s", actions[watchdog->action]);
    if (watchdog->model == WATCHDOG_ITCO) {
        /* part of the q35 chipset: only its pin strap is ours */
        build_arg(build, "-global", "ICH9-LPC.noreboot=off");
        return 0;
    }
    if (watchdog->model == WATCHDOG_DIAG288)
        return err_set(err, ERR_CONFIG_UNSUPPORTED,
                       "watchdog model 'diag288' is not supported by this machine");
    props_string(&props, "driver", watchdog_model_names[watchdog->model]);
    if (props_info(build, &props, &watchdog->info, err) < 0)
        return -1;
    build_json(build, "-device", &props);
    return 0;
}

static int panic_command(struct build *build, void *device, struct err *err)
{
    enum { DEFAULT_PORT = 0x505 };
    const struct panic *panic = device;
    auto_props struct props props = {0};

    switch (panic->model) {
    case PANIC_HYPERV:
        return 0; /* a feature of the CPU */
    case PANIC_PVPANIC:
        props_string(&props, "driver", "pvpanic-pci");
        if (props_info(build, &props, &panic->info, err) < 0)
            return -1;
        break;
    case PANIC_ISA:
        props_string(&props, "driver", "pvpanic");
        props_string(&props, "id", panic->info.alias);
        props_u64(&props, "ioport",
                  panic->info.address.type == ADDRESS_ISA && panic->info.address.isa.iobase
                      ? panic->info.address.isa.iobase
                      : DEFAULT_PORT);
        break;
    default:
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "panic model '%s' is not supported by this machine",
                       panic_model_names[panic->model]);
    }
    build_json(build, "-device", &props);
    return 0;
}

const struct dev_kind kind_watchdog = {.name = "watchdog", DEV_LIST(watchdogs), .command = watchdog_command};
const struct dev_kind kind_panic = {.name = "panic", DEV_LIST(panics), .command = panic_command};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watchdog: what happens when the guest stops answering; and Panic: how the guest says that it crashed. */
#pragma once

#include "model/domain/device.h"

enum watchdog_model {
    WATCHDOG_UNSET,
    WATCHDOG_I6300ESB,
    WATCHDOG_IB700,
    WATCHDOG_DIAG288,
    WATCHDOG_ITCO,
    WATCHDOG_MODEL_MAX
};
extern const char *const watchdog_model_names[];

enum watchdog_action {
    WATCHDOG_ACTION_UNSET,
    WATCHDOG_RESET,
    WATCHDOG_SHUTDOWN,
    WATCHDOG_POWEROFF,
    WATCHDOG_PAUSE,
    WATCHDOG_DUMP,
    WATCHDOG_NONE,
    WATCHDOG_INJECT_NMI,
    WATCHDOG_ACTION_MAX
};
extern const char *const watchdog_action_names[];

struct watchdog {
    enum watchdog_model model;
    enum watchdog_action action;
    struct device_info info;
};
XT_DECLARE(watchdog_table, struct watchdog);

enum panic_model {
    PANIC_UNSET,
    PANIC_ISA,
    PANIC_PSERIES,
    PANIC_HYPERV,
    PANIC_S390,
    PANIC_PVPANIC,
    PANIC_MODEL_MAX
};
extern const char *const panic_model_names[];

struct panic {
    enum panic_model model;
    struct device_info info;
};
XT_DECLARE(panic_table, struct panic);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watchdog: rows of <watchdog> and <panic>. */
#define ERR_FROM ERR_FROM_DOMAIN

#include "model/domain/watchdog.h"

const char *const watchdog_model_names[] = {"", "i6300esb", "ib700", "diag288", "itco", NULL};
const char *const watchdog_action_names[] = {"",     "reset", "shutdown",   "poweroff", "pause",
                                             "dump", "none",  "inject-nmi", NULL};
const char *const panic_model_names[] = {"", "isa", "pseries", "hyperv", "s390", "pvpanic", NULL};

static int watchdog_finish(struct xt_parse *parse UNUSED, void *object)
{
    struct watchdog *watchdog = object;

    if (!watchdog->action)
        watchdog->action = WATCHDOG_RESET;
    return 0;
}

/* clang-format off */
#define T struct watchdog
XT_DEFINE(watchdog_table, "watchdog", watchdog_finish,
    XT_ENUM(T, model, "model", watchdog_model_names, XT_REQUIRED | XT_ABI),
    XT_ENUM(T, action, "action", watchdog_action_names, 0),
    XT_EMBED(T, info, NULL, device_info_table, 0));
#undef T

#define T struct panic
XT_DEFINE(panic_table, "panic", NULL,
    XT_ENUM(T, model, "model", panic_model_names, XT_ABI),
    XT_EMBED(T, info, NULL, device_info_table, 0));
#undef T

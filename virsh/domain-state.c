/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domain state: the words for states and for why. */
#include "virsh/domain.h"

static const char *const states[] = {
    "no state", "running", "idle", "paused", "in shutdown", "shut off", "crashed", "pmsuspended", NULL,
};

static const char *const unknown_only[] = {"unknown", NULL};
static const char *const reasons_running[] = {
    "unknown",
    "booted",
    "migrated",
    "restored",
    "from snapshot",
    "unpaused",
    "migration canceled",
    "save canceled",
    "event wakeup",
    "crashed",
    "post-copy",
    "post-copy failed",
    NULL,
};
static const char *const reasons_paused[] = {
    "unknown",   "user",        "migrating",     "saving",           "dumping",
    "I/O error", "watchdog",    "from snapshot", "shutting down",    "creating snapshot",
    "crashed",   "starting up", "post-copy",     "post-copy failed", "api error",
    NULL,
};
static const char *const reasons_shutdown[] = {"unknown", "user", NULL};
static const char *const reasons_shutoff[] = {
    "unknown", "shutdown", "destroyed",     "crashed", "migrated",
    "saved",   "failed",   "from snapshot", "daemon",  NULL,
};
static const char *const reasons_crashed[] = {"unknown", "panicked", NULL};

static const char *const *const reasons[] = {
    [VIR_DOMAIN_NOSTATE] = unknown_only,      [VIR_DOMAIN_RUNNING] = reasons_running,
    [VIR_DOMAIN_BLOCKED] = unknown_only,      [VIR_DOMAIN_PAUSED] = reasons_paused,
    [VIR_DOMAIN_SHUTDOWN] = reasons_shutdown, [VIR_DOMAIN_SHUTOFF] = reasons_shutoff,
    [VIR_DOMAIN_CRASHED] = reasons_crashed,   [VIR_DOMAIN_PMSUSPENDED] = unknown_only,
};

/* What a newer daemon may say and this table doesn't know is "unknown" or "no state", as in stock. */
const char *domain_state_word(int state)
{
    const char *word = enum_name(states, state);
    return *word ? word : states[0];
}

const char *domain_reason_word(int state, int reason)
{
    const char *word =
        state >= 0 && state < (int)ARRAY_SIZE(reasons) ? enum_name(reasons[state], reason) : "";
    return *word ? word : unknown_only[0];
}

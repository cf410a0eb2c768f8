/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: parameters of the host's scheduler. */
#include "virsh/tune.h"

/* Give a parameter that the domain has a new value, in the type that it has. 0, or -1 after telling. */
static int sched_set(struct cmd *cmd, struct params *wanted, const virTypedParameter *now, const char *value)
{
    if (virTypedParamsAddFromString(&wanted->all, &wanted->count, &wanted->room, now->field, now->type,
                                    value) < 0)
        return -1;
    return 0;
}

static int sched_one(struct cmd *cmd, const struct params *now, const char *name, const char *value,
                     struct params *wanted)
{
    for (int i = 0; i < now->count; i++)
        if (str_eq(now->all[i].field, name))
            return sched_set(cmd, wanted, &now->all[i], value);
    return say_error(cmd, "invalid scheduler option: %s", name);
}

/* --weight, --cap and name=value words: what the domain has takes a new value. */
static int sched_take(struct cmd *cmd, const struct params *now, struct params *wanted)
{
    static const char *const named[] = {"weight", "cap"};
    for (const char *const *word = cmd_strings(cmd, "set"); *word; word++) {
        const char *equals = strchr(*word, '=');
        if (!equals)
            return say_error(cmd, "Invalid syntax for --set, expecting name=value");
        auto_free char *name = mem_strndup(*word, (size_t)(equals - *word));
        if (sched_one(cmd, now, name, equals + 1, wanted) < 0)
            return -1;
    }
    for (size_t n = 0; n < ARRAY_SIZE(named); n++)
        if (cmd_has(cmd, named[n]) && sched_one(cmd, now, named[n], cmd_raw(cmd, named[n]), wanted) < 0)
            return -1;
    return 0;
}

static int sched_get(struct cmd *cmd, virDomainPtr domain, bool flagged, unsigned flags, int count,
                     struct params **ret)
{
    *ret = params_new(cmd, count);
    int result = flagged ? virDomainGetSchedulerParametersFlags(domain, (*ret)->all, &count, flags)
                         : virDomainGetSchedulerParameters(domain, (*ret)->all, &count);
    (*ret)->count = result < 0 ? 0 : count;
    return result;
}

static int run_schedinfo(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    unsigned flags = cmd_affect(cmd);
    bool flagged = flags || cmd_has(cmd, "current");
    int count = 0;
    char *type = cmd_own_text(cmd, virDomainGetSchedulerType(domain, &count));
    layout(cmd, LAYOUT_COLON);
    if (!type) {
        field(cmd, "scheduler", "Scheduler", "Unknown");
        return -1;
    }
    field(cmd, "scheduler", "Scheduler", type);
    struct params *now, *wanted = params_new(cmd, 0);
    if (!count)
        return 0;
    if (sched_get(cmd, domain, flagged, flags, count, &now) < 0 || sched_take(cmd, now, wanted) < 0)
        return -1;
    if (wanted->count) {
        int result = flagged ? virDomainSetSchedulerParametersFlags(domain, wanted->all, wanted->count, flags)
                             : virDomainSetSchedulerParameters(domain, wanted->all, wanted->count);
        if (result < 0 || sched_get(cmd, domain, flagged, flags, count, &now) < 0)
            return -1;
    }
    tune_show(cmd, now);
    return 0;
}

const struct command cmd_schedinfo = {
    "schedinfo",
    "show/set scheduler parameters",
    "Show/Set scheduler parameters.",
    OPTIONS(DOMAIN(0), NUMBER_NAMED("weight", "weight for XEN_CREDIT"),
            NUMBER_NAMED("cap", "cap for XEN_CREDIT"),
            FLAG("current", VIR_DOMAIN_AFFECT_CURRENT, "get/set current scheduler info"),
            FLAG("config", VIR_DOMAIN_AFFECT_CONFIG, "get/set value to be used on next boot"),
            FLAG("live", VIR_DOMAIN_AFFECT_LIVE, "get/set value from running domain"),
            STRINGS("set", "parameter=value")),
    .run = run_schedinfo,
    .conflicts = AFFECT_CONFLICTS,
    .json = "{scheduler: string, *: number}",
};

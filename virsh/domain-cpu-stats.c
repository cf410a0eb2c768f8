/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: the time that the CPUs of the host have given. */
#include <limits.h>

#include "virsh/domain.h"

static void show_nanoseconds(struct cmd *cmd, const virTypedParameter *param)
{
    if (param->type != VIR_TYPED_PARAM_ULLONG) {
        print(cmd, "\t%-12s %s\n", param->field, param_text(cmd, param));
    } else {
        long long value = (long long)param->value.ul;
        print(cmd, "\t%-12s %9lld.%09lld seconds\n", param->field, value / 1000000000, value % 1000000000);
    }
    field_param(cmd, NULL, param);
}

/* CPUs are asked for in pieces: a call takes at most 128. */
enum { CPUS_AT_ONCE = 128 };
static int show_cpus(struct cmd *cmd, virDomainPtr domain, int start, int count)
{
    int per_cpu = virDomainGetCPUStats(domain, NULL, 0, 0, 1, 0);
    if (per_cpu < 0)
        return -1;
    if (!per_cpu) {
        print(cmd, "No per-CPU stats available\n");
        return 0;
    }
    open_array(cmd, "cpus");
    for (int cpu = start; cpu < start + count; cpu += CPUS_AT_ONCE) {
        int piece = start + count - cpu < CPUS_AT_ONCE ? start + count - cpu : CPUS_AT_ONCE;
        struct params *params = params_new(cmd, piece * per_cpu);
        int got = virDomainGetCPUStats(domain, params->all, (unsigned)per_cpu, cpu, (unsigned)piece, 0);
        if (got < 0)
            return -1;
        params->count = piece * per_cpu;
        for (int i = 0; i < piece; i++) {
            open_object(cmd, NULL);
            field_number(cmd, "cpu", NULL, cpu + i, NULL);
            print(cmd, "CPU%d:\n", cpu + i);
            for (int at = 0; at < got; at++)
                show_nanoseconds(cmd, &params->all[i * per_cpu + at]);
            close_one(cmd);
        }
    }
    close_one(cmd);
    return 0;
}

static int show_total(struct cmd *cmd, virDomainPtr domain)
{
    int count = virDomainGetCPUStats(domain, NULL, 0, -1, 1, 0);
    if (count < 0)
        return -1;
    if (!count) {
        print(cmd, "No total stats available\n");
        return 0;
    }
    struct params *params = params_new(cmd, count);
    int got = virDomainGetCPUStats(domain, params->all, (unsigned)count, -1, 1, 0);
    if (got < 0)
        return -1;
    params->count = got;
    print(cmd, "Total:\n");
    open_object(cmd, "total");
    for (int i = 0; i < got; i++)
        show_nanoseconds(cmd, &params->all[i]);
    close_one(cmd);
    return 0;
}

static int run_cpu_stats(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    int start = 0, count = -1;
    if (!domain)
        return -1;
    bool total = cmd_has(cmd, "total"), some = cmd_has(cmd, "start") || cmd_has(cmd, "count");
    if (cmd_int(cmd, "start", &start) < 0)
        return -1;
    if (start < 0)
        return say_error(cmd, "Invalid value for start CPU");
    int given = cmd_int(cmd, "count", &count);
    if (given < 0)
        return -1;
    if (given && count < 0)
        return say_error(cmd, "Invalid value for number of CPUs to show");
    layout(cmd, LAYOUT_NONE);
    if (!total || some) {
        int cpus = virDomainGetCPUStats(domain, NULL, 0, 0, 0, 0);
        if (cpus < 0)
            return say_error(cmd, "Failed to retrieve CPU statistics for domain '%s'",
                             virDomainGetName(domain));
        if (start >= cpus)
            return say_error(cmd, "Start CPU %d is out of range (min: 0, max: %d)", start, cpus - 1);
        if (given && count > cpus - start && !is_json(cmd))
            print(cmd, "Only %d CPUs available to show\n", cpus - start);
        if (!given || count > cpus - start)
            count = cpus - start;
        if (count && show_cpus(cmd, domain, start, count) < 0)
            return say_error(cmd, "Failed to retrieve CPU statistics for domain '%s'",
                             virDomainGetName(domain));
    }
    if (some && !total)
        return 0;
    if (show_total(cmd, domain) < 0)
        return say_error(cmd, "Failed to retrieve CPU statistics for domain '%s'", virDomainGetName(domain));
    return 0;
}

const struct command cmd_cpu_stats = {
    "cpu-stats",
    "show domain cpu statistics",
    "Display per-CPU and total statistics about the domain's CPUs",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE), FLAG("total", 0, "Show total statistics only"),
            NUMBER("start", "Show statistics from this CPU"),
            NUMBER("count", "Number of shown CPUs at most")),
    .run = run_cpu_stats,
    .json = "{cpus: [{cpu: number, *: number}]?, total: {*: number}?}",
};

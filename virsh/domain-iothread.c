/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: the threads that do a machine's I/O. */
#include "virsh/domain.h"

static int run_iothreadinfo(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    int cpus;
    if (!domain || (cpus = host_cpus(cmd)) < 0)
        return -1;
    virDomainIOThreadInfoPtr *threads = NULL;
    int count = virDomainGetIOThreadInfo(domain, &threads, cmd_affect(cmd));
    if (count < 0)
        return say_error(cmd, "Unable to get domain IOThreads information");
    if (!count && !is_json(cmd)) {
        print(cmd, "No IOThreads found for the domain");
        return 0;
    }
    struct table *table = table_new(cmd, "id#:IOThread ID", "affinity:CPU Affinity");
    for (int i = 0; i < count; i++) {
        table_row(table, cmd_printf(cmd, "%u", threads[i]->iothread_id),
                  cpu_list(cmd, threads[i]->cpumap, threads[i]->cpumaplen, cpus));
        virDomainIOThreadInfoFree(threads[i]);
    }
    free(threads);
    table_print(table, NULL);
    return 0;
}

const struct command cmd_iothreadinfo = {
    "iothreadinfo",
    "view domain IOThreads",
    "Returns basic information about the domain IOThreads.",
    OPTIONS(DOMAIN(0), AFFECT),
    .run = run_iothreadinfo,
    .conflicts = AFFECT_CONFLICTS,
    .json = "[{id: number, affinity: string}]",
};

static int run_iothreadpin(struct cmd *cmd)
{
    const char *list = NULL;
    unsigned id = 0;
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain || cmd_uint(cmd, "iothread", &id) < 0 || cmd_string(cmd, "cpulist", &list) < 0)
        return -1;
    int cpus = host_cpus(cmd), length;
    unsigned char *map = cpus < 0 ? NULL : cpu_map(cmd, list, cpus, &length);
    return map ? virDomainPinIOThread(domain, id, map, length, cmd_flags(cmd)) : -1;
}

const struct command cmd_iothreadpin = {
    "iothreadpin",
    "control domain IOThread affinity",
    "Pin domain IOThreads to host physical CPUs.",
    OPTIONS(DOMAIN(0), ARG_NUMBER("iothread", "IOThread ID number"),
            ARG("cpulist", "host cpu number(s) to set"), AFFECT),
    .run = run_iothreadpin,
    .conflicts = AFFECT_CONFLICTS,
    .json = "",
};

/* The number of the thread: positive. */
static virDomainPtr iothread_domain(struct cmd *cmd, int *ret_id)
{
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain || cmd_int(cmd, "id", ret_id) < 0)
        return NULL;
    if (*ret_id > 0)
        return domain;
    say_error(cmd, "Invalid IOThread id value: '%d'", *ret_id);
    return NULL;
}

static int run_iothreadadd(struct cmd *cmd)
{
    int id = 0;
    virDomainPtr domain = iothread_domain(cmd, &id);
    return domain ? virDomainAddIOThread(domain, (unsigned)id, cmd_flags(cmd)) : -1;
}

const struct command cmd_iothreadadd = {
    "iothreadadd",
    "add an IOThread to the guest domain",
    "Add an IOThread to the guest domain.",
    OPTIONS(DOMAIN(0), ARG_NUMBER("id", "iothread for the new IOThread"), AFFECT),
    .run = run_iothreadadd,
    .conflicts = AFFECT_CONFLICTS,
    .json = "",
};

static int run_iothreaddel(struct cmd *cmd)
{
    int id = 0;
    virDomainPtr domain = iothread_domain(cmd, &id);
    return domain ? virDomainDelIOThread(domain, (unsigned)id, cmd_flags(cmd)) : -1;
}

const struct command cmd_iothreaddel = {
    "iothreaddel",
    "delete an IOThread from the guest domain",
    "Delete an IOThread from the guest domain.",
    OPTIONS(DOMAIN(0), ARG_NUMBER("id", "iothread_id for the IOThread to delete"), AFFECT),
    .run = run_iothreaddel,
    .conflicts = AFFECT_CONFLICTS,
    .json = "",
};

static int run_iothreadset(struct cmd *cmd)
{
    static const char *const numbers[][2] = {
        {"poll-grow", VIR_DOMAIN_IOTHREAD_POLL_GROW},
        {"poll-shrink", VIR_DOMAIN_IOTHREAD_POLL_SHRINK},
        {"poll-weight", VIR_DOMAIN_IOTHREAD_POLL_WEIGHT},
    };
    static const char *const sizes[][2] = {
        {"thread-pool-min", VIR_DOMAIN_IOTHREAD_THREAD_POOL_MIN},
        {"thread-pool-max", VIR_DOMAIN_IOTHREAD_THREAD_POOL_MAX},
    };
    int id = 0;
    virDomainPtr domain = iothread_domain(cmd, &id);
    unsigned long long most = 0;
    int given = domain ? cmd_u64(cmd, "poll-max-ns", &most) : -1;
    if (given < 0)
        return -1;
    struct params *params = params_new(cmd, 0);
    if (given)
        params_add_u64(params, VIR_DOMAIN_IOTHREAD_POLL_MAX_NS, most);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        unsigned value = 0;
        if ((given = cmd_uint(cmd, numbers[i][0], &value)) < 0)
            return -1;
        if (given)
            params_add_uint(params, numbers[i][1], value);
    }
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        int value = 0;
        if ((given = cmd_int(cmd, sizes[i][0], &value)) < 0)
            return -1;
        if (given)
            params_add_int(params, sizes[i][1], value);
    }
    if (!params->count)
        return say_error(cmd, "Not enough arguments passed, nothing to set");
    return virDomainSetIOThreadParams(domain, (unsigned)id, params->all, params->count, cmd_flags(cmd));
}

const struct command cmd_iothreadset = {
    "iothreadset",
    "modifies an existing IOThread of the guest domain",
    "Modifies an existing IOThread of the guest domain.",
    OPTIONS(DOMAIN(0), ARG_NUMBER("id", "iothread id of existing IOThread"),
            NUMBER("poll-max-ns", "set the maximum IOThread polling time in ns"),
            NUMBER("poll-grow", "set the value to increase the IOThread polling time"),
            NUMBER("poll-shrink", "set the value for reduction of the IOThread polling time"),
            NUMBER("thread-pool-min", "lower boundary for worker thread pool"),
            NUMBER("thread-pool-max", "upper boundary for worker thread pool"), AFFECT,
            NUMBER_NEW("poll-weight", "")),
    .run = run_iothreadset,
    .conflicts = AFFECT_CONFLICTS,
    .json = "",
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: vCPUs: how many, and on which CPUs of the host they and the emulator run. */
#include "virsh/domain.h"

/* ---- pins ------------------------------------------------------------------------------------------- */

static int show_vcpu_pins(struct cmd *cmd, virDomainPtr domain, int vcpu, int cpus, unsigned flags)
{
    virDomainInfo info;
    if (virDomainGetInfo(domain, &info) < 0)
        return -1;
    int length = VIR_CPU_MAPLEN(cpus),
        vcpus = virDomainGetVcpusFlags(domain, flags | VIR_DOMAIN_VCPU_MAXIMUM);
    if (vcpus < 0) {
        forget_error();
        vcpus = info.nrVirtCpu;
    }
    unsigned char *maps = cmd_own(cmd, NEW_ARRAY(unsigned char, (size_t)(vcpus * length)), free);
    int count = virDomainGetVcpuPinInfo(domain, vcpus, maps, length, flags);
    if (count < 0)
        return -1;
    if (vcpu >= count) {
        bool live = flags & VIR_DOMAIN_AFFECT_LIVE ||
                    (!(flags & VIR_DOMAIN_AFFECT_CONFIG) && virDomainIsActive(domain) == 1);
        return live ? say_error(cmd, "vcpu %d is out of range of live cpu count %d", vcpu, count)
                    : say_error(cmd, "vcpu %d is out of range of persistent cpu count %d", vcpu, count);
    }
    struct table *table = table_new(cmd, "vcpu#:VCPU", "affinity:CPU Affinity");
    for (int i = 0; i < count; i++)
        if (vcpu < 0 || i == vcpu)
            table_row(table, cmd_printf(cmd, "%d", i), cpu_list(cmd, maps + i * length, length, cpus));
    table_print(table, NULL);
    return 0;
}

static int run_vcpupin(struct cmd *cmd)
{
    const char *list = NULL;
    unsigned vcpu = 0, flags = cmd_affect(cmd);
    if (cmd_string(cmd, "cpulist", &list) < 0)
        return -1;
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    int given = cmd_uint(cmd, "vcpu", &vcpu), cpus, length;
    if (given < 0)
        return -1;
    if (list && !given)
        return say_error(cmd, "vcpupin: Missing vCPU number in pin mode.");
    if ((cpus = host_cpus(cmd)) < 0)
        return -1;
    if (!list)
        return show_vcpu_pins(cmd, domain, given ? (int)vcpu : -1, cpus, flags);
    unsigned char *map = cpu_map(cmd, list, cpus, &length);
    if (!map)
        return -1;
    if (!flags && !cmd_has(cmd, "current"))
        return virDomainPinVcpu(domain, vcpu, map, length);
    return virDomainPinVcpuFlags(domain, vcpu, map, length, flags);
}

const struct command cmd_vcpupin = {
    "vcpupin",
    "control or query domain vcpu affinity",
    "Pin domain VCPUs to host physical CPUs.",
    OPTIONS(DOMAIN(0), NUMBER("vcpu", "vcpu number"),
            {"cpulist", OPTION_STRING, IS_EMPTY_OK, "host cpu number(s) to set, or omit option to query"},
            AFFECT),
    .run = run_vcpupin,
    .conflicts = "current live, current config, live config",
    .json = "[{vcpu: number, affinity: string}]",
};

static int run_emulatorpin(struct cmd *cmd)
{
    const char *list = NULL;
    unsigned flags = cmd_affect(cmd);
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain || cmd_string(cmd, "cpulist", &list) < 0)
        return -1;
    int cpus = host_cpus(cmd), length;
    if (cpus < 0)
        return -1;
    if (list) {
        unsigned char *map = cpu_map(cmd, list, cpus, &length);
        return map ? virDomainPinEmulator(domain, map, length, flags) : -1;
    }
    length = VIR_CPU_MAPLEN(cpus);
    unsigned char *map = cmd_own(cmd, NEW_ARRAY(unsigned char, (size_t)length), free);
    int result = virDomainGetEmulatorPinInfo(domain, map, length, flags);
    if (result <= 0)
        return result;
    layout(cmd, LAYOUT_NONE);
    if (!is_quiet(cmd))
        print(cmd, "%s %s\n%s\n", "emulator:", "CPU Affinity", "----------------------------------");
    char *text = cpu_list(cmd, map, length, cpus);
    field(cmd, "affinity", NULL, text);
    print(cmd, "       *: %s\n", text);
    return 0;
}

const struct command cmd_emulatorpin = {
    "emulatorpin",
    "control or query domain emulator affinity",
    "Pin domain emulator threads to host physical CPUs.",
    OPTIONS(DOMAIN(0),
            {"cpulist", OPTION_STRING, IS_EMPTY_OK, "host cpu number(s) to set, or omit option to query"},
            AFFECT),
    .run = run_emulatorpin,
    .conflicts = AFFECT_CONFLICTS,
    .json = "{affinity: string?}",
};

/* ---- vCPUs ------------------------------------------------------------------------------------------ */

static int vcpus_count(struct cmd *cmd, virDomainPtr domain, unsigned flags)
{
    int count = virDomainGetVcpusFlags(domain, flags), code = last_error_code();
    if (count < 0 && (flags & VIR_DOMAIN_VCPU_GUEST) &&
        (code == VIR_ERR_NO_SUPPORT || code == VIR_ERR_INVALID_ARG))
        say_error(cmd, "Failed to retrieve vCPU count from the guest");
    return count;
}

static int all_counts(struct cmd *cmd, virDomainPtr domain)
{
    static const struct {
        const char *key, *text;
        unsigned flags;
        bool live, config;
    } rows[] = {
        {"maximum_config", "maximum      config", VIR_DOMAIN_VCPU_MAXIMUM | VIR_DOMAIN_AFFECT_CONFIG, false,
         true},
        {"maximum_live", "maximum      live", VIR_DOMAIN_VCPU_MAXIMUM | VIR_DOMAIN_AFFECT_LIVE, true, false},
        {"current_config", "current      config", VIR_DOMAIN_AFFECT_CONFIG, false, true},
        {"current_live", "current      live", VIR_DOMAIN_AFFECT_LIVE, true, false},
    };
    bool active = virDomainIsActive(domain) == 1, persistent = virDomainIsPersistent(domain) == 1;
    layout(cmd, LAYOUT_NONE);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if ((rows[i].live && !active) || (rows[i].config && !persistent))
            continue;
        int count = vcpus_count(cmd, domain, rows[i].flags);
        if (count < 0)
            return -1;
        field_number(cmd, rows[i].key, NULL, count, NULL);
        print(cmd, "%-12s %-12s %3d\n", i < 2 ? "maximum" : "current", rows[i].live ? "live" : "config",
              count);
    }
    return 0;
}

static int run_vcpucount(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    unsigned flags = cmd_flags(cmd);
    if (!domain)
        return -1;
    if (!flags && !cmd_has(cmd, "current") && !cmd_has(cmd, "active"))
        return all_counts(cmd, domain);
    int count = vcpus_count(cmd, domain, flags);
    if (count < 0)
        return -1;
    layout(cmd, LAYOUT_VALUE);
    field_number(cmd, "count", NULL, count, NULL);
    return 0;
}

const struct command cmd_vcpucount = {
    "vcpucount",
    "domain vcpu counts",
    "Returns the number of virtual CPUs used by the domain.",
    OPTIONS(
        DOMAIN(0), FLAG("maximum", VIR_DOMAIN_VCPU_MAXIMUM, "get maximum count of vcpus"),
        FLAG("active", 0, "get number of currently active vcpus"),
        FLAG("live", VIR_DOMAIN_AFFECT_LIVE, "get value from running domain"),
        FLAG("config", VIR_DOMAIN_AFFECT_CONFIG, "get value to be used on next boot"),
        FLAG("current", VIR_DOMAIN_AFFECT_CURRENT, "get value according to current domain state"),
        FLAG("guest", VIR_DOMAIN_VCPU_GUEST, "retrieve vcpu count from the guest instead of the hypervisor")),
    .run = run_vcpucount,
    .conflicts = "live config, active maximum, guest config",
    .json = "{maximum_config: number?, maximum_live: number?, current_config: number?, current_live: "
            "number?, count: number?}",
};

static void show_affinity(struct cmd *cmd, const unsigned char *map, int length, int cpus)
{
    char *list = cpu_list(cmd, map, length, cpus);
    if (cmd_has(cmd, "pretty") || is_json(cmd)) {
        field(cmd, "affinity",
              "CPU Affinity:", is_json(cmd) ? list : cmd_printf(cmd, "%s (out of %d)", list, cpus));
        return;
    }
    auto_free char *marks = mem_zalloc((size_t)cpus + 1);
    for (int cpu = 0; cpu < cpus; cpu++)
        marks[cpu] = VIR_CPU_USABLE(map, length, 0, cpu) ? 'y' : '-';
    field(cmd, "affinity", "CPU Affinity:", marks);
}

static const char *const vcpu_states[] = {"offline", "running", "blocked", NULL};

static void show_vcpu(struct cmd *cmd, const virVcpuInfo *info)
{
    field_u64(cmd, "vcpu", "VCPU:", info->number, NULL);
    if (info->cpu < 0)
        field(cmd, "cpu", "CPU:", "N/A");
    else
        field_number(cmd, "cpu", "CPU:", info->cpu, NULL);
    const char *state = enum_name(vcpu_states, info->state);
    field(cmd, "state", "State:", *state ? state : "no state");
    if (info->cpuTime) {
        auto_free char *seconds = mem_printf("%.1lf", (double)info->cpuTime / 1e9),
                       *text = mem_printf("%ss", seconds);
        field_as(cmd, "cpu_seconds", "CPU time:", seconds, text);
    }
}

/* A domain that doesn't run: what its configuration says. */
static int offline_vcpus(struct cmd *cmd, virDomainPtr domain, int vcpus, int cpus)
{
    int length = VIR_CPU_MAPLEN(cpus);
    unsigned char *maps = cmd_own(cmd, NEW_ARRAY(unsigned char, (size_t)(vcpus * length)), free);
    int count = virDomainGetVcpuPinInfo(domain, vcpus, maps, length, VIR_DOMAIN_AFFECT_CONFIG);
    if (count < 0)
        return -1;
    open_array(cmd, NULL);
    for (int i = 0; i < count; i++) {
        open_object(cmd, NULL);
        field_number(cmd, "vcpu", "VCPU:", i, NULL);
        field_as(cmd, "cpu", "CPU:", "null", "N/A");
        field(cmd, "state", "State:", "N/A");
        field_as(cmd, "cpu_seconds", "CPU time", "null", "N/A");
        show_affinity(cmd, maps + i * length, length, cpus);
        if (i + 1 < count)
            print(cmd, "\n");
        close_one(cmd);
    }
    return 0;
}

static int run_vcpuinfo(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    virDomainInfo info;
    int cpus;
    if (!domain || (cpus = host_cpus(cmd)) < 0 || virDomainGetInfo(domain, &info) < 0)
        return -1;
    int length = VIR_CPU_MAPLEN(cpus), vcpus = info.nrVirtCpu;
    virVcpuInfoPtr all = cmd_own(cmd, NEW_ARRAY(virVcpuInfo, (size_t)vcpus), free);
    unsigned char *maps = cmd_own(cmd, NEW_ARRAY(unsigned char, (size_t)(vcpus * length)), free);
    int count = virDomainGetVcpus(domain, all, vcpus, maps, length);
    if (count < 0) {
        if (info.state != VIR_DOMAIN_SHUTOFF)
            return -1;
        forget_error();
        return offline_vcpus(cmd, domain, vcpus, cpus);
    }
    open_array(cmd, NULL);
    for (int i = 0; i < count; i++) {
        open_object(cmd, NULL);
        show_vcpu(cmd, &all[i]);
        show_affinity(cmd, maps + i * length, length, cpus);
        if (i + 1 < count)
            print(cmd, "\n");
        close_one(cmd);
    }
    return 0;
}

const struct command cmd_vcpuinfo = {
    "vcpuinfo",
    "detailed domain vcpu information",
    "Returns basic information about the domain virtual CPUs.",
    OPTIONS(DOMAIN(0), FLAG("pretty", 0, "return human readable output")),
    .run = run_vcpuinfo,
    .json = "[{vcpu: number, cpu: number?, state: string, cpu_seconds: number?, affinity: string}]",
};

static int run_setvcpus(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    unsigned count = 0, flags = cmd_flags(cmd);
    if (!domain || cmd_uint(cmd, "count", &count) < 0)
        return -1;
    if (!count)
        return say_error(cmd, "Can't set 0 processors for a VM");
    if (!flags && !cmd_has(cmd, "current"))
        return virDomainSetVcpus(domain, count);
    return virDomainSetVcpusFlags(domain, count, flags);
}

const struct command cmd_setvcpus = {
    "setvcpus",
    "change number of virtual CPUs",
    "Change the number of virtual CPUs in the guest domain.",
    OPTIONS(DOMAIN(0), ARG_NUMBER("count", "number of virtual CPUs"),
            FLAG("maximum", VIR_DOMAIN_VCPU_MAXIMUM, "set maximum limit on next boot"), AFFECT,
            FLAG("guest", VIR_DOMAIN_VCPU_GUEST, "modify cpu state in the guest"),
            FLAG("hotpluggable", VIR_DOMAIN_VCPU_HOTPLUGGABLE, "make added vcpus hot(un)pluggable"),
            FLAG_NEW("async", VIR_DOMAIN_SETVCPU_ASYNC_UNPLUG, "")),
    .run = run_setvcpus,
    .conflicts = "current live, current config, guest config",
    .requires = "maximum config",
    .json = "",
};

static int run_setvcpu(struct cmd *cmd)
{
    const char *list = NULL;
    bool enable = cmd_has(cmd, "enable");
    if (!enable && !cmd_has(cmd, "disable"))
        return say_error(cmd, "one of --enable, --disable is required");
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain || cmd_string(cmd, "vcpulist", &list) < 0)
        return -1;
    return virDomainSetVcpu(domain, list, enable, cmd_flags(cmd));
}

const struct command cmd_setvcpu = {
    "setvcpu",
    "attach/detach vcpu or groups of threads",
    "Add or remove vcpus",
    OPTIONS(DOMAIN(0), ARG("vcpulist", "ids of vcpus to manipulate"),
            FLAG("enable", 0, "enable cpus specified by cpumap"),
            FLAG("disable", 0, "disable cpus specified by cpumap"), AFFECT, FLAG_NEW("async", 0, "")),
    .run = run_setvcpu,
    .conflicts = "enable disable, current live, current config",
    .json = "",
};

static int run_guestvcpus(struct cmd *cmd)
{
    const char *list = NULL;
    bool enable = cmd_has(cmd, "enable"), disable = cmd_has(cmd, "disable");
    if (cmd_has(cmd, "cpulist") && !enable && !disable)
        return say_error(cmd, "One of options --enable or --disable is required by option --cpulist");
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain || cmd_string(cmd, "cpulist", &list) < 0)
        return -1;
    if (list)
        return virDomainSetGuestVcpus(domain, list, enable, 0);
    virTypedParameterPtr all = NULL;
    unsigned count = 0;
    if (virDomainGetGuestVcpus(domain, &all, &count, 0) < 0)
        return -1;
    struct params *params = params_new(cmd, 0);
    *params = (struct params){all, (int)count, (int)count};
    layout(cmd, LAYOUT_COLON);
    for (int i = 0; i < params->count; i++)
        field_param(cmd, NULL, &params->all[i]);
    return 0;
}

const struct command cmd_guestvcpus = {
    "guestvcpus",
    "query or modify state of vcpu in the guest (via agent)",
    "Use the guest agent to query or set cpu state from guest's point of view",
    OPTIONS(DOMAIN(0), STRING("cpulist", "list of cpus to enable or disable"),
            FLAG("enable", 0, "enable cpus specified by cpulist"),
            FLAG("disable", 0, "disable cpus specified by cpulist")),
    .run = run_guestvcpus,
    .conflicts = "enable disable",
    .requires = "enable cpulist, disable cpulist",
    .json = "{*: string}",
};

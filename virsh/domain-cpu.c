/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: vCPUs, I/O threads and memory: how many, and on which CPUs of the host. */
#include <limits.h>

#include "base/bitmap.h"
#include "virsh/domain.h"

/* ---- CPU maps --------------------------------------------------------------------------------------- */

int host_cpus(struct cmd *cmd)
{
    int count = virNodeGetCPUMap(cmd_conn(cmd), NULL, NULL, 0);
    virNodeInfo info;
    if (count >= 0)
        return count;
    return virNodeGetInfo(cmd_conn(cmd), &info) < 0 ? -1 : (int)VIR_NODEINFO_MAXCPUS(info);
}

/* Set or clear first..last; -1 when that is out of range. */
static int map_range(unsigned char *map, unsigned first, unsigned last, bool on)
{
    if (first > last)
        return -1;
    for (unsigned cpu = first; cpu <= last; cpu++)
        if (on)
            VIR_USE_CPU(map, cpu);
        else
            VIR_UNUSE_CPU(map, cpu);
    return 0;
}

/* "0-3,^2,7" into a map of MAP_MAX bits. The highest CPU that is set, or -1 when the list is malformed. */
enum { MAP_MAX = 16384 };
static int map_parse(const char *list, unsigned char *map)
{
    int highest = -1;
    while (true) {
        bool on = *list != '^';
        uint64_t first, last;
        list += !on;
        if (str_take_u64(&list, &first) < 0)
            return -1;
        last = first;
        if (*list == '-' && on) {
            list++;
            if (str_take_u64(&list, &last) < 0)
                return -1;
        }
        if (last >= MAP_MAX || map_range(map, (unsigned)first, (unsigned)last, on) < 0)
            return -1;
        if (!*list)
            break;
        if (*list++ != ',')
            return -1;
    }
    for (int cpu = 0; cpu < MAP_MAX; cpu++)
        if (VIR_CPU_USED(map, cpu))
            highest = cpu;
    return highest;
}

unsigned char *cpu_map(struct cmd *cmd, const char *list, int count, int *ret_length)
{
    unsigned char *map = cmd_own(cmd, mem_zalloc(MAP_MAX / 8), free);
    if (str_eq(list, "r")) {
        if (count > 0)
            map_range(map, 0, (unsigned)count - 1, true);
    } else {
        int highest = map_parse(list, map);
        if (highest < 0) {
            say_error(cmd, "Invalid cpulist '%s'", list);
            keep_text(cmd, "invalid argument: Failed to parse bitmap '%s'", list);
            return NULL;
        }
        if (highest >= count) {
            say_error(cmd, "CPU %d in cpulist '%s' exceed the maxcpu %d", highest, list, count);
            return NULL;
        }
    }
    *ret_length = VIR_CPU_MAPLEN(count);
    return map;
}

char *cpu_list(struct cmd *cmd, const unsigned char *map, int length, int count)
{
    struct buf text = {0};
    buf_add_string(&text, "");
    for (int cpu = 0; cpu < count && cpu < length * 8; cpu++) {
        if (!VIR_CPU_USED(map, cpu))
            continue;
        int last = cpu;
        while (last + 1 < count && last + 1 < length * 8 && VIR_CPU_USED(map, last + 1))
            last++;
        buf_printf(&text, last > cpu ? "%s%d-%d" : "%s%d", text.length ? "," : "", cpu, last);
        cpu = last;
    }
    return cmd_own_text(cmd, text.data ? buf_steal(&text) : mem_strdup(""));
}

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

/* ---- cpu-stats -------------------------------------------------------------------------------------- */

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

/* ---- memory ----------------------------------------------------------------------------------------- */

/* The size in KiB, for one of the two calls. */
static int set_memory(struct cmd *cmd, bool maximum)
{
    virDomainPtr domain = cmd_domain(cmd);
    unsigned long long bytes = 0;
    unsigned flags = cmd_flags(cmd);
    if (!domain || cmd_scaled(cmd, "size", 1024, ULLONG_MAX, &bytes) < 0)
        return -1;
    unsigned long kib = (unsigned long)(bytes / 1024);
    bool flagged = flags || cmd_has(cmd, "current");
    if (!maximum)
        return flagged ? virDomainSetMemoryFlags(domain, kib, flags) : virDomainSetMemory(domain, kib);
    int result = flagged ? virDomainSetMemoryFlags(domain, kib, flags | VIR_DOMAIN_MEM_MAXIMUM)
                         : virDomainSetMaxMemory(domain, kib);
    return result < 0 ? say_error(cmd, "Unable to change MaxMemorySize") : 0;
}

static int run_setmem(struct cmd *cmd)
{
    return set_memory(cmd, false);
}

const struct command cmd_setmem = {
    "setmem",
    "change memory allocation",
    "Change the current memory allocation in the guest domain.",
    OPTIONS(DOMAIN(0), ARG_NUMBER("size", "new memory size, as scaled integer (default KiB)"), AFFECT,
            ALIAS("kilobytes", "size")),
    .run = run_setmem,
    .conflicts = AFFECT_CONFLICTS,
    .json = "",
};

static int run_setmaxmem(struct cmd *cmd)
{
    return set_memory(cmd, true);
}

const struct command cmd_setmaxmem = {
    "setmaxmem",
    "change maximum memory limit",
    "Change the maximum memory allocation limit in the guest domain.",
    OPTIONS(DOMAIN(0), ARG_NUMBER("size", "new maximum memory size, as scaled integer (default KiB)"), AFFECT,
            ALIAS("kilobytes", "size")),
    .run = run_setmaxmem,
    .conflicts = AFFECT_CONFLICTS,
    .json = "",
};

/* ---- I/O threads ------------------------------------------------------------------------------------ */

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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Host: processors of the machine underneath, and models compared with them. */
#include <unistd.h>

#include "virsh/virsh.h"

/* ---- the host's processors ------------------------------------------------------------------------------
 */

static int nodecpumap(struct cmd *cmd)
{
    unsigned char *map = NULL;
    unsigned online;
    int count = virNodeGetCPUMap(cmd_conn(cmd), &map, &online, 0);
    auto_buf struct buf text = {0};

    if (count < 0)
        return say_error(cmd, "Unable to get cpu map");
    field_number(cmd, "present", "CPUs present:", count, NULL);
    field_u64(cmd, "online", "CPUs online:", online, NULL);
    for (int cpu = 0; cpu < count; cpu++) {
        int last = cpu;

        if (!cmd_has(cmd, "pretty")) {
            buf_add_char(&text, VIR_CPU_USED(map, cpu) ? 'y' : '-');
            continue;
        }
        if (!VIR_CPU_USED(map, cpu))
            continue;
        while (last + 1 < count && VIR_CPU_USED(map, last + 1))
            last++;
        buf_printf(&text, last > cpu ? "%s%d-%d" : "%s%d", text.length ? "," : "", cpu, last);
        cpu = last;
    }
    field(cmd, "map", "CPU map:", buf_text(&text));
    free(map);
    return 0;
}

const struct command cmd_nodecpumap = {
    "nodecpumap",
    "node cpu map",
    "Displays the node's total number of CPUs, the number of online CPUs and the list of online CPUs.",
    OPTIONS(FLAG("pretty", 0, "return human readable output")),
    .run = nodecpumap,
    .json = "{present: number, online: number, map: string}",
};

/* Times by kind, as stock orders them. */
enum cpu_time { TIME_USER, TIME_SYSTEM, TIME_IDLE, TIME_IOWAIT, TIME_INTR, TIME_KINDS };
static const struct {
    const char *field, *label;
} time_rows[TIME_KINDS] = {
    [TIME_USER] = {VIR_NODE_CPU_STATS_USER, "user:"}, [TIME_SYSTEM] = {VIR_NODE_CPU_STATS_KERNEL, "system:"},
    [TIME_IDLE] = {VIR_NODE_CPU_STATS_IDLE, "idle:"}, [TIME_IOWAIT] = {VIR_NODE_CPU_STATS_IOWAIT, "iowait:"},
    [TIME_INTR] = {VIR_NODE_CPU_STATS_INTR, "intr:"},
};

struct cpu_times {
    unsigned long long time[TIME_KINDS], utilization;
    bool known[TIME_KINDS], has_utilization;
};

/* -1 after telling. */
static int read_times(struct cmd *cmd, int cpu, struct cpu_times *ret)
{
    int count = 0;

    if (virNodeGetCPUStats(cmd_conn(cmd), cpu, NULL, &count, 0) < 0)
        return say_error(cmd, "Unable to get number of cpu stats");
    auto_free virNodeCPUStatsPtr stats = NEW_ARRAY(virNodeCPUStats, (size_t)count);

    if (count && virNodeGetCPUStats(cmd_conn(cmd), cpu, stats, &count, 0) < 0)
        return say_error(cmd, "Unable to get node cpu stats");
    *ret = (struct cpu_times){0};
    for (int i = 0; i < count; i++) {
        for (int kind = 0; kind < TIME_KINDS; kind++)
            if (str_eq(stats[i].field, time_rows[kind].field)) {
                ret->time[kind] = stats[i].value;
                ret->known[kind] = true;
            }
        if (str_eq(stats[i].field, VIR_NODE_CPU_STATS_UTILIZATION)) {
            ret->utilization = stats[i].value;
            ret->has_utilization = true;
        }
    }
    return 0;
}

static void percent_line(struct cmd *cmd, const char *label, double percent)
{
    const char *key = cmd_printf(cmd, "%.*s", (int)strlen(label) - 1, label);
    bool number = percent >= 0;

    field_as(cmd, key, label, number ? cmd_printf(cmd, "%.1f", percent) : "null",
             cmd_printf(cmd, "%5.1f%%", percent));
}

/* Where the time of one second went. */
static int print_percent(struct cmd *cmd, int cpu)
{
    struct cpu_times first, second;
    double spent[TIME_KINDS], total = 0;

    if (read_times(cmd, cpu, &first) < 0)
        return -1;
    if (first.has_utilization) {
        percent_line(cmd, "usage:", (double)first.utilization);
        percent_line(cmd, "idle:", 100 - (double)first.utilization);
        return 0;
    }
    sleep(1);
    if (read_times(cmd, cpu, &second) < 0)
        return -1;
    for (int kind = 0; kind < TIME_KINDS; kind++) {
        spent[kind] = (double)(second.time[kind] - first.time[kind]);
        total += spent[kind];
    }
    percent_line(cmd, "usage:", (total - spent[TIME_IDLE]) / total * 100);
    for (int kind = 0; kind < TIME_KINDS; kind++)
        if (second.known[kind])
            percent_line(cmd, time_rows[kind].label, spent[kind] / total * 100);
    return 0;
}

static int nodecpustats(struct cmd *cmd)
{
    int cpu = VIR_NODE_CPU_STATS_ALL_CPUS;
    struct cpu_times times;

    if (cmd_int(cmd, "cpu", &cpu) < 0)
        return -1;
    if (cmd_has(cmd, "percent"))
        return print_percent(cmd, cpu);
    if (read_times(cmd, cpu, &times) < 0)
        return -1;
    for (int kind = 0; kind < TIME_KINDS; kind++) {
        const char *label = time_rows[kind].label;

        if (times.known[kind])
            field_as(cmd, cmd_printf(cmd, "%.*s", (int)strlen(label) - 1, label), label,
                     cmd_printf(cmd, "%llu", times.time[kind]), cmd_printf(cmd, "%20llu", times.time[kind]));
    }
    return 0;
}

const struct command cmd_nodecpustats = {
    "nodecpustats",
    "Prints cpu stats of the node.",
    "Returns cpu stats of the node, in nanoseconds.",
    OPTIONS(NUMBER("cpu", "prints specified cpu statistics only."),
            FLAG("percent", 0, "prints by percentage during 1 second.")),
    .run = nodecpustats,
    .json = "{usage: number?, user: number?, system: number?, idle: number?, iowait: number?, intr: number?}",
};

static int maxvcpus(struct cmd *cmd)
{
    const char *type = NULL;

    if (cmd_string(cmd, "type", &type) < 0)
        return -1;
    /* what one kind of machine may have says more than what the connection knows of all */
    char *document =
        cmd_own_text(cmd, virConnectGetDomainCapabilities(cmd_conn(cmd), NULL, NULL, NULL, type, 0));
    const char *text = document ? xml_value(cmd, document, "/domainCapabilities/vcpu/@max") : NULL;
    int max;

    if (!text || str_to_i32(text, &max) < 0) {
        forget_error();
        max = virConnectGetMaxVcpus(cmd_conn(cmd), type);
    }
    if (max < 0)
        return -1;
    layout(cmd, LAYOUT_VALUE);
    field_number(cmd, "max", NULL, max, NULL);
    return 0;
}

const struct command cmd_maxvcpus = {
    "maxvcpus",
    "connection vcpu maximum",
    "Show maximum number of virtual CPUs for guests on this connection.",
    OPTIONS(STRING("type", "domain type", .words = "qemu,kvm,xen,lxc,test")),
    .run = maxvcpus,
    .json = "{max: number}",
};

/* ---- models ---------------------------------------------------------------------------------------------
 */

static int cpu_models(struct cmd *cmd)
{
    const char *arch = NULL;
    char **models = NULL;

    if (cmd_string(cmd, "arch", &arch) < 0)
        return -1;
    int count = virConnectGetCPUModelNames(cmd_conn(cmd), arch, &models, 0);

    if (count < 0)
        return say_error(cmd, "failed to get CPU model names");
    layout(cmd, LAYOUT_VALUE);
    open_array(cmd, NULL);
    for (int i = 0; i < count; i++)
        field(cmd, NULL, NULL, cmd_own_text(cmd, models[i]));
    if (!count)
        print(cmd, "all CPU models are accepted\n");
    free(models);
    return 0;
}

const struct command cmd_cpu_models = {
    "cpu-models",
    "CPU models",
    "Get the CPU models for an arch.",
    OPTIONS(ARG("arch", "architecture", .words = "x86_64,i686,aarch64,armv7l,ppc64,ppc64le,s390x,riscv64")),
    .run = cpu_models,
    .json = "[string]",
};

/* Which processor's capabilities are asked for. */
struct hypervisor {
    const char *type, *emulator, *arch, *machine;
};

/* clang-format off */
#define HYPERVISOR_OPTIONS                                                                                   \
    STRING("virttype", "virtualization type (/domain/@type)"),                                               \
    STRING("emulator", "path to emulator binary (/domain/devices/emulator)"),                                \
    STRING("arch", "CPU architecture (/domain/os/type/@arch)"),                                              \
    STRING("machine", "machine type (/domain/os/type/@machine)")
/* clang-format on */

static int hypervisor_read(struct cmd *cmd, struct hypervisor *ret)
{
    return cmd_string(cmd, "virttype", &ret->type) < 0 || cmd_string(cmd, "emulator", &ret->emulator) < 0 ||
                   cmd_string(cmd, "arch", &ret->arch) < 0 || cmd_string(cmd, "machine", &ret->machine) < 0
               ? -1
               : 0;
}

/*
 * The <cpu> elements of --file, which may hold such elements one after the other, a machine, or capabilities
 * of a host or of an emulator. Owned by cmd; NULL after telling.
 */
static const char **cpus_of_file(struct cmd *cmd, unsigned *ret_count)
{
    const char *text = cmd_file(cmd, "file");

    if (!text)
        return NULL;
    if (str_after(text, "<?xml") && strstr(text, "?>"))
        text = strstr(text, "?>") + 2;
    char *document = cmd_printf(cmd, "<container>%s</container>", text);
    char **cpus =
        xml_nodes(cmd, document,
                  "/container/cpu|/container/domain/cpu|/container/capabilities/host/cpu|"
                  "/container/domainCapabilities/cpu/mode[@name='host-model' and @supported='yes']");
    size_t count = strv_length(cpus);

    const char **found = cmd_own(cmd, NEW_ARRAY(const char *, count + 1), free);

    for (size_t i = 0; i < count; i++) {
        found[i] = cpus[i];
        if (!str_after(cpus[i], "<mode"))
            continue;
        /* the emulator's own: its children describe a processor */
        auto_free char *children = strv_join(xml_nodes(cmd, cpus[i], "/mode/*"), "");

        found[i] = cmd_printf(cmd, "<cpu>%s</cpu>", children);
    }
    if (!count) {
        say_error(
            cmd,
            "File '%s' does not contain any <cpu> element or valid domain XML, host capabilities XML, or "
            "domain capabilities XML",
            cmd_raw(cmd, "file"));
        return NULL;
    }
    *ret_count = (unsigned)count;
    return found;
}

static int print_cpu(struct cmd *cmd, char *document)
{
    if (!document)
        return -1;
    field_verbatim(cmd, "xml", cmd_own_text(cmd, document));
    return 0;
}

/* clang-format off */
#define BASELINE_FLAGS                                                                                       \
    FLAG("features", VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES,                                               \
         "Show features that are part of the CPU model type"),                                               \
    FLAG("migratable", VIR_CONNECT_BASELINE_CPU_MIGRATABLE, "Do not include features that block migration")
#define COMPARE_FLAGS                                                                                        \
    FLAG("error", VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE, "report error if CPUs are incompatible"),       \
    FLAG("validate", VIR_CONNECT_COMPARE_CPU_VALIDATE_XML, "validate the XML document against schema")
/* clang-format on */

static int cpu_baseline(struct cmd *cmd)
{
    unsigned count;
    const char **cpus = cpus_of_file(cmd, &count);

    return cpus ? print_cpu(cmd, virConnectBaselineCPU(cmd_conn(cmd), cpus, count, cmd_flags(cmd))) : -1;
}

const struct command cmd_cpu_baseline = {
    "cpu-baseline",
    "compute baseline CPU",
    "Compute baseline CPU for a set of given CPUs.",
    OPTIONS(FILE_ARG("file containing XML CPU descriptions"), BASELINE_FLAGS),
    .run = cpu_baseline,
    .json = "{xml: string}",
};

static int hypervisor_cpu_baseline(struct cmd *cmd)
{
    struct hypervisor hypervisor = {0};
    const char *model = NULL, *one, **cpus = &one;
    unsigned count = 1;
    auto_buf struct buf xml = {0};

    if (hypervisor_read(cmd, &hypervisor) < 0 || cmd_string(cmd, "model", &model) < 0)
        return -1;
    if (model) {
        buf_add_string(&xml, "<cpu>");
        xml_text(&xml, "", "model", model);
        buf_add_string(&xml, "</cpu>");
        one = buf_text(&xml);
    } else if (!cmd_has(cmd, "file")) {
        return say_error(cmd, "Either --%s or --%s must be provided", "file", "model");
    } else if (!(cpus = cpus_of_file(cmd, &count))) {
        return -1;
    }
    return print_cpu(cmd, virConnectBaselineHypervisorCPU(cmd_conn(cmd), hypervisor.emulator, hypervisor.arch,
                                                          hypervisor.machine, hypervisor.type, cpus, count,
                                                          cmd_flags(cmd)));
}

const struct command cmd_hypervisor_cpu_baseline = {
    "hypervisor-cpu-baseline",
    "compute baseline CPU usable by a specific hypervisor",
    "Compute baseline CPU for a set of given CPUs. The result will be tailored to the specified hypervisor.",
    OPTIONS(STRING("file", "file containing XML CPU descriptions", .complete = complete_file),
            HYPERVISOR_OPTIONS, BASELINE_FLAGS,
            STRING("model",
                   "Shortcut for calling the command with a single CPU model and no additional features"),
            FLAG_NEW("ignore-host", VIR_CONNECT_BASELINE_CPU_IGNORE_HOST, "Do not consider the host CPU")),
    .run = hypervisor_cpu_baseline,
    .conflicts = "file model",
    .json = "{xml: string}",
};

/* The sentence for a virCPUCompareResult. `host`: how the other side is called, in the middle and at the
 * beginning of a sentence. */
static int print_comparison(struct cmd *cmd, int result, const char *file, const char *host,
                            const char *capital_host, const char *failed)
{
    switch (result) {
    case VIR_CPU_COMPARE_INCOMPATIBLE:
        say(cmd, "CPU described in %s is incompatible with %s\n", file, host);
        return -1;
    case VIR_CPU_COMPARE_IDENTICAL:
        say(cmd, "CPU described in %s is identical to %s\n", file, host);
        return 0;
    case VIR_CPU_COMPARE_SUPERSET:
        say(cmd, "%s is a superset of CPU described in %s\n", capital_host, file);
        return 0;
    default:
        return say_error(cmd, "Failed to compare %s CPU with %s", failed, file);
    }
}

static int cpu_compare(struct cmd *cmd)
{
    unsigned count;
    const char **cpus = cpus_of_file(cmd, &count);

    if (!cpus)
        return -1;
    return print_comparison(cmd, virConnectCompareCPU(cmd_conn(cmd), cpus[0], cmd_flags(cmd)),
                            cmd_raw(cmd, "file"), "host CPU", "Host CPU", "host");
}

const struct command cmd_cpu_compare = {
    "cpu-compare",
    "compare host CPU with a CPU described by an XML file",
    "compare CPU with host CPU",
    OPTIONS(FILE_ARG("file containing an XML CPU description"), COMPARE_FLAGS),
    .run = cpu_compare,
};

static int hypervisor_cpu_compare(struct cmd *cmd)
{
    struct hypervisor hypervisor = {0};
    unsigned count;

    if (hypervisor_read(cmd, &hypervisor) < 0)
        return -1;
    const char **cpus = cpus_of_file(cmd, &count);

    if (!cpus)
        return -1;
    return print_comparison(cmd,
                            virConnectCompareHypervisorCPU(cmd_conn(cmd), hypervisor.emulator,
                                                           hypervisor.arch, hypervisor.machine,
                                                           hypervisor.type, cpus[0], cmd_flags(cmd)),
                            cmd_raw(cmd, "file"), "the CPU provided by hypervisor on the host",
                            "The CPU provided by hypervisor on the host", "hypervisor");
}

const struct command cmd_hypervisor_cpu_compare = {
    "hypervisor-cpu-compare",
    "compare a CPU with the CPU created by a hypervisor on the host",
    "compare CPU with hypervisor CPU",
    OPTIONS(FILE_ARG("file containing an XML CPU description"), HYPERVISOR_OPTIONS, COMPARE_FLAGS),
    .run = hypervisor_cpu_compare,
};

static int hypervisor_cpu_models(struct cmd *cmd)
{
    struct hypervisor hypervisor = {0};

    if (hypervisor_read(cmd, &hypervisor) < 0)
        return -1;
    char *document =
        cmd_own_text(cmd, virConnectGetDomainCapabilities(cmd_conn(cmd), hypervisor.emulator, hypervisor.arch,
                                                          hypervisor.machine, hypervisor.type, 0));

    if (!document)
        return say_error(cmd, "failed to get hypervisor CPU model names");
    char **models =
        xml_values(cmd, document,
                   cmd_has(cmd, "all") ? "/domainCapabilities/cpu/mode[@name='custom']/model"
                                       : "/domainCapabilities/cpu/mode[@name='custom']/model[@usable='yes']");

    layout(cmd, LAYOUT_VALUE);
    open_array(cmd, NULL);
    for (; *models; models++)
        field(cmd, NULL, NULL, *models);
    return 0;
}

const struct command cmd_hypervisor_cpu_models = {
    "hypervisor-cpu-models",
    "Hypervisor reported CPU models",
    "Get the CPU models that can be used by the hypervisor on this host.",
    OPTIONS(HYPERVISOR_OPTIONS, FLAG("all", 0, "include models that the host can't run")),
    .run = hypervisor_cpu_models,
    .is = IS_NEW,
    .json = "[string]",
};

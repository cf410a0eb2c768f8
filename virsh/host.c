/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Host: what a connection tells of itself and of the machine underneath. Processors: host-cpu.c; memory:
 * host-memory.c. */
#include "base/enum.h"
#include "virsh/virsh.h"

/* ---- documents ------------------------------------------------------------------------------------------
 */

/* A document that stock prints with a newline more, unless a part of it is asked for. */
static int print_capabilities(struct cmd *cmd, char *document)
{
    if (cmd_has(cmd, "xpath"))
        return print_xml(cmd, document);
    field_document(cmd, "xml", cmd_own_text(cmd, document));
    return 0;
}

/* What libvirt 9.0's capabilities commands didn't have. */
/* clang-format off */
#define XPATH_NEW                                                                                            \
    {"xpath", OPTION_STRING, IS_NAMED | IS_HIDDEN, "xpath expression to filter the XML document"},           \
    FLAG_NEW("wrap", 0, "wrap xpath results in an common root element")
/* clang-format on */

static int capabilities(struct cmd *cmd)
{
    char *document = virConnectGetCapabilities(cmd_conn(cmd));

    return document ? print_capabilities(cmd, document) : say_error(cmd, "failed to get capabilities");
}

const struct command cmd_capabilities = {
    "capabilities",     "capabilities",      "Returns capabilities of hypervisor/driver.",
    OPTIONS(XPATH_NEW), .run = capabilities, .json = "{xml: string?, nodes: [string]?}",
};

static int domcapabilities(struct cmd *cmd)
{
    const char *type = NULL, *emulator = NULL, *arch = NULL, *machine = NULL;

    if (cmd_string(cmd, "virttype", &type) < 0 || cmd_string(cmd, "emulatorbin", &emulator) < 0 ||
        cmd_string(cmd, "arch", &arch) < 0 || cmd_string(cmd, "machine", &machine) < 0)
        return -1;
    char *document =
        virConnectGetDomainCapabilities(cmd_conn(cmd), emulator, arch, machine, type, cmd_flags(cmd));

    return document ? print_capabilities(cmd, document)
                    : say_error(cmd, "failed to get emulator capabilities");
}

const struct command cmd_domcapabilities = {
    "domcapabilities",
    "domain capabilities",
    "Returns capabilities of emulator with respect to host and libvirt.",
    OPTIONS(STRING("virttype", "virtualization type (/domain/@type)", .words = "qemu,kvm,hvf,xen,lxc,test"),
            STRING("emulatorbin", "path to emulator binary (/domain/devices/emulator)"),
            STRING("arch", "domain architecture (/domain/os/type/@arch)"),
            STRING("machine", "machine type (/domain/os/type/@machine)"), XPATH_NEW,
            FLAG_NEW("disable-deprecated-features",
                     VIR_CONNECT_GET_DOMAIN_CAPABILITIES_DISABLE_DEPRECATED_FEATURES,
                     "report host CPU model with deprecated features disabled"),
            FLAG_NEW("expand-cpu-features", VIR_CONNECT_GET_DOMAIN_CAPABILITIES_EXPAND_CPU_FEATURES,
                     "show all features in host CPU model"),
            FLAG_NEW("supported-cpu-features", VIR_CONNECT_GET_DOMAIN_CAPABILITIES_SUPPORTED_CPU_FEATURES,
                     "show all supported CPU features")),
    .run = domcapabilities,
    .json = "{xml: string?, nodes: [string]?}",
};

static int sysinfo(struct cmd *cmd)
{
    char *document = virConnectGetSysinfo(cmd_conn(cmd), 0);

    if (!document)
        return say_error(cmd, "failed to get sysinfo");
    field_verbatim(cmd, "xml", cmd_own_text(cmd, document));
    return 0;
}

const struct command cmd_sysinfo = {
    "sysinfo",
    "print the hypervisor sysinfo",
    "output an XML string for the hypervisor sysinfo, if available",
    .run = sysinfo,
    .json = "{xml: string}",
};

/* ---- names ----------------------------------------------------------------------------------------------
 */

/* One text of the connection, or why there is none. */
static int print_text(struct cmd *cmd, const char *key, char *text, const char *failed)
{
    if (!text)
        return say_error(cmd, "%s", failed);
    layout(cmd, LAYOUT_VALUE);
    field(cmd, key, NULL, cmd_own_text(cmd, text));
    return 0;
}

static int hostname(struct cmd *cmd)
{
    return print_text(cmd, "hostname", virConnectGetHostname(cmd_conn(cmd)), "failed to get hostname");
}

const struct command cmd_hostname = {
    "hostname", "print the hypervisor hostname", NULL, .run = hostname, .json = "{hostname: string}",
};

static int uri(struct cmd *cmd)
{
    return print_text(cmd, "uri", virConnectGetURI(cmd_conn(cmd)), "failed to get URI");
}

const struct command cmd_uri = {
    "uri", "print the hypervisor canonical URI", NULL, .run = uri, .json = "{uri: string}",
};

/* "LABEL 9.0.0" */
static void version_line(struct cmd *cmd, const char *key, const char *label, unsigned long number)
{
    layout(cmd, LAYOUT_BARE);
    field(cmd, key, label,
          cmd_printf(cmd, "%lu.%lu.%lu", number / 1000000, number / 1000 % 1000, number % 1000));
}

static int version(struct cmd *cmd)
{
    virConnectPtr conn = cmd_conn(cmd);
    const char *type = virConnectGetType(conn);
    unsigned long library, api, hypervisor, daemon;

    if (!type)
        return say_error(cmd, "failed to get hypervisor type");
    version_line(cmd, "compiled", "Compiled against library: libvirt", LIBVIR_VERSION_NUMBER);
    if (virGetVersion(&library, type, &api) < 0)
        return say_error(cmd, "failed to get the library version");
    version_line(cmd, "library", "Using library: libvirt", library);
    version_line(cmd, "api", cmd_printf(cmd, "Using API: %s", type), api);
    if (virConnectGetVersion(conn, &hypervisor) < 0)
        return say_error(cmd, "failed to get the hypervisor version");
    if (hypervisor)
        version_line(cmd, "hypervisor", cmd_printf(cmd, "Running hypervisor: %s", type), hypervisor);
    else
        print(cmd, "Cannot extract running %s hypervisor version\n", type);
    if (!cmd_has(cmd, "daemon"))
        return 0;
    if (virConnectGetLibVersion(conn, &daemon) < 0)
        return say_error(cmd, "failed to get the daemon version");
    version_line(cmd, "daemon", "Running against daemon:", daemon);
    return 0;
}

const struct command cmd_version = {
    "version",
    "show version",
    "Display the system version information.",
    OPTIONS(FLAG("daemon", 0, "report daemon version too")),
    .run = version,
    .json = "{compiled: string, library: string, api: string, hypervisor: string?, daemon: string?}",
};

/* ---- the machine underneath -----------------------------------------------------------------------------
 */

static int nodeinfo(struct cmd *cmd)
{
    virNodeInfo info;

    if (virNodeGetInfo(cmd_conn(cmd), &info) < 0)
        return say_error(cmd, "failed to get node information");
    layout(cmd, LAYOUT_WIDE);
    field(cmd, "model", "CPU model:", info.model);
    field_u64(cmd, "cpus", "CPU(s):", info.cpus, NULL);
    field_u64(cmd, "mhz", "CPU frequency:", info.mhz, " MHz");
    field_u64(cmd, "sockets", "CPU socket(s):", info.sockets, NULL);
    field_u64(cmd, "cores", "Core(s) per socket:", info.cores, NULL);
    field_u64(cmd, "threads", "Thread(s) per core:", info.threads, NULL);
    field_u64(cmd, "nodes", "NUMA cell(s):", info.nodes, NULL);
    field_u64(cmd, "memory_kib", "Memory size:", info.memory, " KiB");
    return 0;
}

const struct command cmd_nodeinfo = {
    "nodeinfo",
    "node information",
    "Returns basic information about the node.",
    .run = nodeinfo,
    .json = "{model: string, cpus: number, mhz: number, sockets: number, cores: number, threads: number, "
            "nodes: number, memory_kib: number}",
};

static int nodesevinfo(struct cmd *cmd)
{
    virTypedParameterPtr params = NULL;
    int count = 0;

    if (virNodeGetSEVInfo(cmd_conn(cmd), &params, &count, 0) < 0)
        return say_error(cmd, "Unable to get host SEV information");
    layout(cmd, LAYOUT_NONE);
    for (int i = 0; i < count; i++) {
        field_param(cmd, NULL, &params[i]);
        print(cmd, "%-18s: %s\n", params[i].field, param_text(cmd, &params[i]));
    }
    virTypedParamsFree(params, count);
    return 0;
}

const struct command cmd_nodesevinfo = {
    "nodesevinfo",      "node SEV information", "Returns basic SEV information about the node.",
    .run = nodesevinfo, .json = "{*: string}",
};

static int nodesuspend(struct cmd *cmd)
{
    /* by VIR_NODE_SUSPEND_TARGET_* */
    static const char *const targets[] = {"mem", "disk", "hybrid", NULL};
    const char *word = NULL;
    long long seconds = 0;

    if (cmd_string(cmd, "target", &word) < 0 || cmd_i64(cmd, "duration", &seconds) < 0)
        return -1;
    int target = enum_find(targets, word);

    if (target < 0)
        return say_error(cmd, "Invalid target");
    if (seconds < 0)
        return say_error(cmd, "Invalid duration");
    if (virNodeSuspendForDuration(cmd_conn(cmd), (unsigned)target, (unsigned long long)seconds, 0) < 0)
        return say_error(cmd, "The host was not suspended");
    return 0;
}

const struct command cmd_nodesuspend = {
    "nodesuspend",
    "suspend the host node for a given time duration",
    "Suspend the host node for a given time duration and attempt to resume thereafter.",
    OPTIONS(ARG("target", "mem(Suspend-to-RAM), disk(Suspend-to-Disk), hybrid(Hybrid-Suspend)",
                .words = "mem,disk,hybrid"),
            ARG_NUMBER("duration", "Suspend duration in seconds, at least 60")),
    .run = nodesuspend,
};

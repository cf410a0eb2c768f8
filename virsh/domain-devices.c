/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: their disks and interfaces, and what these have done. */
#include "base/mac.h"
#include "virsh/domain.h"

double pretty_size(unsigned long long bytes, const char **ret_unit)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1024 && unit + 1 < ARRAY_SIZE(units); unit++)
        value /= 1024;
    *ret_unit = units[unit];
    return value;
}

static const char *or_dash(const char *text)
{
    return str_empty(text) ? "-" : text;
}

/* ---- disks ------------------------------------------------------------------------------------------ */

/* One <disk> of the domain. */
static const char *disk_source(struct cmd *cmd, const char *disk)
{
    if (str_eq(xml_value(cmd, disk, "string(/disk/@type)"), "nvme"))
        return cmd_printf(cmd, "nvme://%s", xml_value(cmd, disk, "string(/disk/source/@namespace)"));
    return xml_value(cmd, disk,
                     "string(/disk/source/@file|/disk/source/@dev|/disk/source/@dir|/disk/source/@name"
                     "|/disk/source/@volume|/disk/source/@path)");
}

static int run_domblklist(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *xml = domain ? domain_xml(cmd, domain, cmd_flags(cmd)) : NULL;
    if (!xml)
        return -1;
    bool details = cmd_has(cmd, "details");
    struct table *table = table_new(cmd, details ? "type:Type" : "!type:",
                                    details ? "device:Device" : "!device:", "target:Target", "source:Source");
    char **disks = xml_nodes(cmd, xml, "/domain/devices/disk");
    for (; *disks; disks++)
        table_row(table, xml_value(cmd, *disks, "string(/disk/@type)"),
                  xml_value(cmd, *disks, "string(/disk/@device)"),
                  xml_value(cmd, *disks, "string(/disk/target/@dev)"), or_dash(disk_source(cmd, *disks)));
    table_print(table, NULL);
    return 0;
}

const struct command cmd_domblklist = {
    "domblklist",
    "list all domain blocks",
    "Get the summary of block devices for a domain.",
    OPTIONS(DOMAIN(0),
            FLAG("inactive", VIR_DOMAIN_XML_INACTIVE, "get inactive rather than running configuration"),
            FLAG("details", 0, "additionally display the type and device value")),
    .run = run_domblklist,
    .json = "[{type: string, device: string, target: string, source: string}]",
};

/* A size: bytes, or with --human what people read. */
static char *shown_size(struct cmd *cmd, unsigned long long bytes)
{
    const char *unit;
    if (!cmd_has(cmd, "human") || is_json(cmd))
        return cmd_printf(cmd, "%llu", bytes);
    double value = pretty_size(bytes, &unit);
    return cmd_printf(cmd, "%-.3lf %s", value, unit);
}

static int block_info(virDomainPtr domain, const char *device, virDomainBlockInfoPtr ret)
{
    return virDomainGetBlockInfo(domain, device, ret, 0);
}

static int all_blkinfo(struct cmd *cmd, virDomainPtr domain)
{
    const char *xml = domain_xml(cmd, domain, 0);
    if (!xml)
        return -1;
    struct table *table =
        table_new(cmd, "target:Target", "capacity#:Capacity", "allocation#:Allocation", "physical#:Physical");
    char **disks = xml_nodes(cmd, xml, "/domain/devices/disk");
    for (; *disks; disks++) {
        const char *target = xml_value(cmd, *disks, "string(/disk/target/@dev)");
        virDomainBlockInfo info = {0};
        bool sourceless = str_empty(disk_source(cmd, *disks));
        if (!sourceless && block_info(domain, target, &info) < 0) {
            /* remote disks of a domain that doesn't run have no size */
            if (last_error_code() != VIR_ERR_INTERNAL_ERROR || virDomainIsActive(domain) == 1)
                return -1;
            sourceless = true;
            forget_error();
        }
        table_row(table, target, sourceless ? "-" : shown_size(cmd, info.capacity),
                  sourceless ? "-" : shown_size(cmd, info.allocation),
                  sourceless ? "-" : shown_size(cmd, info.physical));
    }
    table_print(table, NULL);
    return 0;
}

static void field_bytes(struct cmd *cmd, const char *key, const char *label, unsigned long long bytes)
{
    auto_free char *digits = mem_printf("%llu", bytes);
    field_as(cmd, key, label, digits, shown_size(cmd, bytes));
}

static int run_domblkinfo(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *device = NULL;
    if (!domain)
        return -1;
    if (cmd_has(cmd, "all"))
        return all_blkinfo(cmd, domain);
    if (cmd_string(cmd, "device", &device) <= 0)
        return say_error(cmd, "command 'domblkinfo' requires <device> option");
    virDomainBlockInfo info;
    if (block_info(domain, device, &info) < 0)
        return -1;
    field_bytes(cmd, "capacity", "Capacity:", info.capacity);
    field_bytes(cmd, "allocation", "Allocation:", info.allocation);
    field_bytes(cmd, "physical", "Physical:", info.physical);
    return 0;
}

const struct command cmd_domblkinfo = {
    "domblkinfo",
    "domain block device size information",
    "Get block device size info for a domain.",
    OPTIONS(DOMAIN(0), STRING("device", "block device"), FLAG("human", 0, "Human readable output"),
            FLAG("all", 0, "display all block devices info")),
    .run = run_domblkinfo,
    .conflicts = "all device",
    .json = "{capacity: number, allocation: number, physical: number} | [{target: string, capacity: number?, "
            "allocation: number?, physical: number?}]",
};

/* Statistics in stock's order, with the short word and the long one. */
static const struct stat_word {
    const char *name, *word, *human;
} block_stats[] = {
    {VIR_DOMAIN_BLOCK_STATS_READ_REQ, "rd_req", "number of read operations:"},
    {VIR_DOMAIN_BLOCK_STATS_READ_BYTES, "rd_bytes", "number of bytes read:"},
    {VIR_DOMAIN_BLOCK_STATS_WRITE_REQ, "wr_req", "number of write operations:"},
    {VIR_DOMAIN_BLOCK_STATS_WRITE_BYTES, "wr_bytes", "number of bytes written:"},
    {VIR_DOMAIN_BLOCK_STATS_ERRS, "errs", "error count:"},
    {VIR_DOMAIN_BLOCK_STATS_FLUSH_REQ, "flush_operations", "number of flush operations:"},
    {VIR_DOMAIN_BLOCK_STATS_READ_TOTAL_TIMES, "rd_total_times", "total duration of reads (ns):"},
    {VIR_DOMAIN_BLOCK_STATS_WRITE_TOTAL_TIMES, "wr_total_times", "total duration of writes (ns):"},
    {VIR_DOMAIN_BLOCK_STATS_FLUSH_TOTAL_TIMES, "flush_total_times", "total duration of flushes (ns):"},
};

static const struct stat_word *stat_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(block_stats); i++)
        if (str_eq(block_stats[i].name, name))
            return &block_stats[i];
    return NULL;
}

static void begin_block_stats(struct cmd *cmd, const char *device)
{
    layout(cmd, LAYOUT_NONE);
    if (cmd_has(cmd, "human"))
        print(cmd, "Device: %s\n", device);
}

/* One number; -1: the driver has none. */
static void block_stat(struct cmd *cmd, const char *device, const char *key, const char *human,
                       long long value)
{
    if (value < 0)
        return;
    field_number(cmd, key, NULL, value, NULL);
    if (cmd_has(cmd, "human"))
        print(cmd, " %-31s %lld\n", human ? human : key, value);
    else
        print(cmd, "%s %s %lld\n", device, key, value);
}

static int simple_blkstat(struct cmd *cmd, virDomainPtr domain, const char *device)
{
    virDomainBlockStatsStruct stats;
    if (virDomainBlockStats(domain, device, &stats, sizeof(stats)) < 0)
        return say_error(cmd, "Failed to get block stats %s %s", virDomainGetName(domain), device);
    begin_block_stats(cmd, device);
    const long long values[] = {stats.rd_req, stats.rd_bytes, stats.wr_req, stats.wr_bytes, stats.errs};
    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        block_stat(cmd, device, block_stats[i].word, block_stats[i].human, values[i]);
    return 0;
}

static int typed_blkstat(struct cmd *cmd, virDomainPtr domain, const char *device, int count)
{
    struct params *params = params_new(cmd, count);
    if (virDomainBlockStatsFlags(domain, device, params->all, &count, 0) < 0)
        return say_error(cmd, "Failed to get block stats for domain '%s' device '%s'",
                         virDomainGetName(domain), device);
    params->count = count;
    begin_block_stats(cmd, device);
    for (size_t row = 0; row < ARRAY_SIZE(block_stats); row++)
        for (int i = 0; i < count; i++)
            if (str_eq(params->all[i].field, block_stats[row].name))
                block_stat(cmd, device, block_stats[row].word, block_stats[row].human,
                           strtoll(param_text(cmd, &params->all[i]), NULL, 10));
    for (int i = 0; i < count; i++)
        if (!stat_find(params->all[i].field))
            block_stat(cmd, device, params->all[i].field, NULL,
                       strtoll(param_text(cmd, &params->all[i]), NULL, 10));
    return 0;
}

static int run_domblkstat(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *device = "";
    if (!domain || cmd_string(cmd, "device", &device) < 0)
        return -1;
    int count = 0, result = virDomainBlockStatsFlags(domain, device, NULL, &count, 0);
    if (result < 0 && last_error_code() != VIR_ERR_NO_SUPPORT)
        return -1;
    return result < 0 ? simple_blkstat(cmd, domain, device) : typed_blkstat(cmd, domain, device, count);
}

const struct command cmd_domblkstat = {
    "domblkstat",
    "get device block stats for a domain",
    "Get device block stats for a running domain. See man page or use --human for explanation of fields",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE), {"device", OPTION_STRING, IS_EMPTY_OK, "block device"},
            FLAG("human", 0, "print a more human readable output")),
    .run = run_domblkstat,
    .json = "{*: number}",
};

static int run_domblkerror(struct cmd *cmd)
{
    static const char *const words[] = {"no error", "unspecified error", "no space", NULL};
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    int count = virDomainGetDiskErrors(domain, NULL, 0, 0);
    if (count < 0)
        return -1;
    virDomainDiskErrorPtr errors = cmd_own(cmd, NEW_ARRAY(virDomainDiskError, count + 1), free);
    if (count && (count = virDomainGetDiskErrors(domain, errors, (unsigned)count, 0)) < 0)
        return -1;
    layout(cmd, LAYOUT_NONE);
    open_array(cmd, NULL);
    if (!count)
        print(cmd, "No errors found\n");
    for (int i = 0; i < count; i++) {
        const char *word = enum_name(words, errors[i].error);
        open_object(cmd, NULL);
        field(cmd, "disk", NULL, cmd_own_text(cmd, errors[i].disk));
        field(cmd, "error", NULL, *word ? word : "unknown error");
        print(cmd, "%s: %s\n", errors[i].disk, *word ? word : "unknown error");
        close_one(cmd);
    }
    return 0;
}

const struct command cmd_domblkerror = {
    "domblkerror",
    "Show errors on block devices",
    "Show block device errors",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE)),
    .run = run_domblkerror,
    .json = "[{disk: string, error: string}]",
};

/* ---- interfaces ------------------------------------------------------------------------------------- */

static int run_domiflist(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *xml = domain ? domain_xml(cmd, domain, cmd_flags(cmd)) : NULL;
    if (!xml)
        return -1;
    struct table *table =
        table_new(cmd, "interface:Interface", "type:Type", "source:Source", "model:Model", "mac:MAC");
    char **nodes = xml_nodes(cmd, xml, "/domain/devices/interface");
    for (; *nodes; nodes++)
        table_row(table, or_dash(xml_value(cmd, *nodes, "string(/interface/target/@dev)")),
                  xml_value(cmd, *nodes, "string(/interface/@type)"),
                  or_dash(xml_value(
                      cmd, *nodes,
                      "string(/interface/source/@bridge|/interface/source/@dev|/interface/source/@network"
                      "|/interface/source/@name)")),
                  or_dash(xml_value(cmd, *nodes, "string(/interface/model/@type)")),
                  xml_value(cmd, *nodes, "string(/interface/mac/@address)"));
    table_print(table, NULL);
    return 0;
}

const struct command cmd_domiflist = {
    "domiflist",
    "list all domain virtual interfaces",
    "Get the summary of virtual interfaces for a domain.",
    OPTIONS(DOMAIN(0),
            FLAG("inactive", VIR_DOMAIN_XML_INACTIVE, "get inactive rather than running configuration")),
    .run = run_domiflist,
    .json = "[{interface: string, type: string, source: string, model: string, mac: string}]",
};

/* The <interface> elements with this MAC address or target device. */
char **interface_nodes(struct cmd *cmd, const char *xml, const char *which)
{
    return xml_nodes(cmd, xml,
                     cmd_printf(cmd, "/domain/devices/interface[mac/@address = '%s' or target/@dev = '%s']",
                                which, which));
}

int interface_not_found(struct cmd *cmd, const char *which)
{
    struct mac mac;
    return say_error(cmd, "Interface (%s: %s) not found.", mac_parse(which, &mac) == 0 ? "mac" : "dev",
                     which);
}

static int run_domif_getlink(struct cmd *cmd)
{
    const char *which = NULL;
    if (cmd_string(cmd, "interface", &which) <= 0)
        return -1;
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    const char *xml = domain_xml(cmd, domain, cmd_has(cmd, "config") ? VIR_DOMAIN_XML_INACTIVE : 0);
    if (!xml)
        return -1;
    char **nodes = interface_nodes(cmd, xml, which);
    if (!nodes[0])
        return interface_not_found(cmd, which);
    if (nodes[1])
        return say_error(cmd, "multiple matching interfaces found");
    const char *state = xml_value(cmd, *nodes, "string(/interface/link/@state)");
    layout(cmd, LAYOUT_NONE);
    field(cmd, "interface", NULL, which);
    field(cmd, "link", NULL, str_empty(state) ? "up" : state);
    print(cmd, "%s %s", which, str_empty(state) ? "up" : state);
    return 0;
}

const struct command cmd_domif_getlink = {
    "domif-getlink",
    "get link state of a virtual interface",
    "Get link state of a domain's virtual interface.",
    OPTIONS(DOMAIN(0), ARG("interface", "interface device (MAC Address)"),
            FLAG("config", VIR_DOMAIN_AFFECT_CONFIG, "Get persistent interface state"),
            ALIAS("persistent", "config")),
    .run = run_domif_getlink,
    .json = "{interface: string, link: string}",
};

static int run_domifstat(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *device = NULL;
    virDomainInterfaceStatsStruct stats;
    if (!domain || cmd_string(cmd, "interface", &device) <= 0)
        return -1;
    if (virDomainInterfaceStats(domain, device, &stats, sizeof(stats)) < 0)
        return say_error(cmd, "Failed to get interface stats %s %s", virDomainGetName(domain), device);
    const struct {
        const char *key;
        long long value;
    } rows[] = {
        {"rx_bytes", stats.rx_bytes}, {"rx_packets", stats.rx_packets}, {"rx_errs", stats.rx_errs},
        {"rx_drop", stats.rx_drop},   {"tx_bytes", stats.tx_bytes},     {"tx_packets", stats.tx_packets},
        {"tx_errs", stats.tx_errs},   {"tx_drop", stats.tx_drop},
    };
    layout(cmd, LAYOUT_BARE);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].value >= 0)
            field_number(cmd, rows[i].key, cmd_printf(cmd, "%s %s", device, rows[i].key), rows[i].value,
                         NULL);
    return 0;
}

const struct command cmd_domifstat = {
    "domifstat",
    "get network interface stats for a domain",
    "Get network interface stats for a running domain.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            ARG("interface", "interface device specified by name or MAC Address")),
    .run = run_domifstat,
    .json = "{rx_bytes: number?, rx_packets: number?, rx_errs: number?, rx_drop: number?, tx_bytes: number?, "
            "tx_packets: number?, tx_errs: number?, tx_drop: number?}",
};

/* ---- domifaddr -------------------------------------------------------------------------------------- */

static void print_address(struct cmd *cmd, virDomainInterfacePtr interface, unsigned at)
{
    bool first = at == 0 || cmd_has(cmd, "full");
    const char *name = first ? interface->name : "-", *mac = first && interface->hwaddr ? interface->hwaddr
                                                             : first                    ? "N/A"
                                                                                        : "-";
    if (!interface->naddrs) {
        print(cmd, " %-10s %-17s    %-12s %s\n", name, mac, "N/A", "N/A");
        return;
    }
    virDomainIPAddressPtr address = &interface->addrs[at];
    const char *protocol = address->type == VIR_IP_ADDR_TYPE_IPV6 ? "ipv6" : "ipv4";
    open_object(cmd, NULL);
    field(cmd, "protocol", NULL, protocol);
    field(cmd, "address", NULL, address->addr);
    field_u64(cmd, "prefix", NULL, address->prefix, NULL);
    close_one(cmd);
    print(cmd, " %-10s %-17s    %-12s %s/%u\n", name, mac, protocol, address->addr, address->prefix);
}

static int run_domifaddr(struct cmd *cmd)
{
    static const char *const sources[] = {"lease", "agent", "arp", NULL};
    virDomainPtr domain = cmd_domain(cmd);
    const char *only = NULL, *source_name = "lease";
    if (!domain || cmd_string(cmd, "interface", &only) < 0 || cmd_string(cmd, "source", &source_name) < 0)
        return -1;
    int source = enum_find(sources, source_name);
    if (source < 0)
        return say_error(cmd, "Unknown data source '%s'", source_name);
    virDomainInterfacePtr *interfaces = NULL;
    int count = virDomainInterfaceAddresses(domain, &interfaces, (unsigned)source, 0);
    if (count < 0)
        return say_error(cmd, "Failed to query for interfaces addresses");
    if (!is_quiet(cmd))
        print(cmd, " %-10s %-20s %-8s     %s\n%.79s\n", "Name", "MAC address", "Protocol", "Address",
              "--------------------------------------------------------------------------------");
    layout(cmd, LAYOUT_NONE);
    open_array(cmd, NULL);
    for (int i = 0; i < count; i++) {
        virDomainInterfacePtr interface = interfaces[i];
        if (!only || str_eq(only, interface->name)) {
            open_object(cmd, NULL);
            field(cmd, "name", NULL, interface->name);
            field(cmd, "mac", NULL, interface->hwaddr);
            open_array(cmd, "addresses");
            for (unsigned at = 0; at < interface->naddrs || at == 0; at++)
                print_address(cmd, interface, at);
            close_one(cmd);
            close_one(cmd);
        }
        virDomainInterfaceFree(interface);
    }
    free(interfaces);
    return 0;
}

const struct command cmd_domifaddr = {
    "domifaddr",
    "Get network interfaces' addresses for a running domain",
    "Get network interfaces' addresses for a running domain",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_RUNNING), STRING("interface", "network interface name"),
            FLAG("full", 0, "always display names and MACs of interfaces"),
            STRING("source", "address source: 'lease', 'agent', or 'arp'", .words = "lease,agent,arp")),
    .run = run_domifaddr,
    .json =
        "[{name: string, mac: string?, addresses: [{protocol: string, address: string, prefix: number}]}]",
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: how much memory a machine has. */
#include <limits.h>

#include "virsh/attach.h"

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

/* ---- update-memory-device --------------------------------------------------------------------------- */

static int run_update_memory_device(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *alias = NULL, *xml;
    unsigned node = 0;
    unsigned long long bytes = 0;
    if (!domain || cmd_string(cmd, "alias", &alias) < 0)
        return -1;
    int by_node = cmd_uint(cmd, "node", &node);
    if (by_node < 0 || !(xml = device_xml(cmd, domain)))
        return -1;
    const char *condition = alias     ? cmd_printf(cmd, "[alias/@name='%s']", alias)
                            : by_node ? cmd_printf(cmd, "[target/node='%u']", node)
                                      : "";
    char **found = xml_nodes(cmd, xml, cmd_printf(cmd, "/domain/devices/memory%s", condition));
    if (!found[0])
        return say_error(cmd, "no memory device found");
    if (found[1])
        return say_error(cmd, "multiple memory devices found, use --alias or --node to select one");
    int given = cmd_scaled(cmd, "requested-size", 1024, ~0ull, &bytes);
    if (given < 0)
        return -1;
    const char *size = cmd_printf(cmd, "%llu", bytes / 1024), *changed = found[0];
    const struct xml_change changes[] = {{"target/requested", "unit", "KiB", NULL},
                                         {"target/requested", NULL, size, NULL}};
    if (given && !xml_value(cmd, changed, "/memory/target/requested"))
        return say_error(cmd, "virtio-mem device is missing <requested/>");
    if (given && !(changed = xml_changed(cmd, changed, changes, ARRAY_SIZE(changes))))
        return -1;
    if (cmd_has(cmd, "print-xml"))
        return device_print(cmd, changed);
    return virDomainUpdateDeviceFlags(domain, changed, cmd_flags(cmd));
}

const struct command cmd_update_memory_device = {
    "update-memory-device",
    "update memory device of a domain",
    "Update values of a memory device of a domain",
    OPTIONS(DOMAIN(0), AFFECT,
            FLAG("print-xml", 0, "print updated memory device XML instead of executing the change"),
            STRING("alias", "memory device alias"), NUMBER("node", "memory device target node"),
            NUMBER("requested-size", "new value of <requested/> size, as scaled integer (default KiB)")),
    .run = run_update_memory_device,
    .conflicts = "current live, current config, node alias",
    .json = "{xml: string?}",
};

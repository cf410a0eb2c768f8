/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: network interfaces that come and go, their links and their limits, from options. */
#include <limits.h>
#include <stdio.h>

#include "virsh/attach.h"
#include "virsh/tune.h"

/* type -> the attribute of <source> that names it; hostdev and vhostuser are written another way. */
static const struct interface_type {
    const char *name, *attribute;
} interface_types[] = {
    {"network", "network"}, {"bridge", "bridge"}, {"direct", "dev"}, {"hostdev", NULL}, {"vhostuser", NULL},
};

static int interface_source(struct cmd *cmd, const struct interface_type *type, const char *source,
                            struct buf *xml)
{
    unsigned domain, bus, slot, function;
    int end = -1;
    const char *mode = cmd_raw(cmd, "source-mode");
    if (mode && !str_eq(mode, "server") && !str_eq(mode, "client"))
        return say_error(cmd, "Invalid source mode: %s", mode);
    if (str_eq(type->name, "vhostuser") && !mode)
        return say_error(cmd, "source-mode is mandatory");
    if (type->attribute) {
        buf_add_string(xml, "  <source");
        device_attribute(xml, type->attribute, source);
    } else if (str_eq(type->name, "vhostuser")) {
        buf_add_string(xml, "  <source type='unix'");
        device_attribute(xml, "path", source);
        device_attribute(xml, "mode", mode);
    } else {
        if (sscanf(source, "%x:%x:%x.%x%n", &domain, &bus, &slot, &function, &end) != 4 ||
            end != (int)strlen(source))
            return say_error(cmd, "cannot parse pci address '%s' for network interface", source);
        buf_printf(xml,
                   "  <source>\n    <address type='pci' domain='0x%04x' bus='0x%02x' slot='0x%02x' "
                   "function='0x%0x'/>\n  </source>\n",
                   domain, bus, slot, function);
        return 0;
    }
    buf_add_string(xml, "/>\n");
    return 0;
}

static int interface_xml(struct cmd *cmd, struct buf *xml)
{
    static const char *const elements[][2] = {
        {"target", "  <target dev='"}, {"mac", "  <mac address='"},  {"script", "  <script path='"},
        {"model", "  <model type='"},  {"alias", "  <alias name='"},
    };
    static const char *const directions[] = {"inbound", "outbound"};
    const char *type_name = NULL, *source = NULL;
    unsigned long long rates[2][RATES];
    if (cmd_string(cmd, "type", &type_name) < 0 || cmd_string(cmd, "source", &source) < 0)
        return -1;
    const struct interface_type *type = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(interface_types); i++)
        if (str_eq(interface_types[i].name, type_name))
            type = &interface_types[i];
    for (size_t i = 0; i < ARRAY_SIZE(directions); i++)
        if (take_rates(cmd, directions[i], false, rates[i]) < 0)
            return -1;
    if (!type)
        return say_error(cmd, "No support for %s in command 'attach-interface'", type_name);
    buf_printf(xml, "<interface type='%s'%s>\n", type->name, cmd_has(cmd, "managed") ? " managed='yes'" : "");
    if (interface_source(cmd, type, source, xml) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(elements); i++)
        device_element(cmd, xml, elements[i][0], elements[i][1], "'/>\n");
    static const char *const names[RATES] = {"average", "peak", "burst", "floor"};
    bool limited = cmd_has(cmd, "inbound") || cmd_has(cmd, "outbound");
    if (limited)
        buf_add_string(xml, "  <bandwidth>\n");
    for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
        if (!cmd_has(cmd, directions[i]))
            continue;
        buf_printf(xml, "    <%s", directions[i]);
        for (size_t n = 0; n < RATES; n++)
            if (rates[i][n])
                buf_printf(xml, " %s='%llu'", names[n], rates[i][n]);
        buf_add_string(xml, "/>\n");
    }
    buf_add_string(xml, limited ? "  </bandwidth>\n</interface>\n" : "</interface>\n");
    return 0;
}

static int run_attach_interface(struct cmd *cmd)
{
    auto_buf struct buf xml = {0};
    if (cmd_filled(cmd) < 0 || interface_xml(cmd, &xml) < 0)
        return -1;
    if (cmd_has(cmd, "print-xml"))
        return device_print(cmd, buf_text(&xml));
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    if (device_attach(cmd, domain, buf_text(&xml)) < 0)
        return say_error(cmd, "Failed to attach interface");
    say(cmd, "Interface attached successfully\n");
    return 0;
}

const struct command cmd_attach_interface = {
    "attach-interface",
    "attach network interface",
    "Attach new network interface.",
    OPTIONS(DOMAIN(0),
            ARG("type", "network interface type", 0, NULL, "network,bridge,direct,hostdev,vhostuser"),
            ARG("source", "source of network interface"), STRING("target", "target network name"),
            STRING("mac", "MAC address"), STRING("script", "script used to bridge network interface"),
            STRING("model", "model type"), STRING("alias", "custom alias name of interface device"),
            STRING("inbound", "control domain's incoming traffics"),
            STRING("outbound", "control domain's outgoing traffics"),
            FLAG("persistent", 0, "make live change persistent"), AFFECT,
            FLAG("print-xml", 0, "print XML document rather than attach the interface"),
            FLAG("managed", 0, "libvirt will automatically detach/attach the device from/to host"),
            STRING("source-mode", "mode attribute of <source/> element")),
    .run = run_attach_interface,
    .conflicts = PERSISTENT_CONFLICTS,
    .json = "{message: string?, xml: string?}",
};

/* The one interface of this type, and MAC if one is given; NULL after telling. */
static char *interface_of(struct cmd *cmd, virDomainPtr domain, const char *type, const char *mac)
{
    const char *xml = device_xml(cmd, domain);
    if (!xml)
        return NULL;
    char **all = xml_nodes(cmd, xml, cmd_printf(cmd, "/domain/devices/interface[@type='%s']", type)),
         *found = NULL;
    if (!all[0]) {
        say_error(cmd, "No interface found whose type is %s", type);
        return NULL;
    }
    size_t count = strv_length(all);
    if (!mac && count > 1) {
        say_error(cmd, "Domain has %zd interfaces. Please specify which one to detach using --mac", count);
        return NULL;
    }
    if (!mac)
        return all[0];
    for (; *all; all++) {
        if (!str_eq_nocase(xml_value(cmd, *all, "string(/interface/mac/@address)"), mac))
            continue;
        if (found) {
            say_error(cmd,
                      "Domain has multiple interfaces matching MAC address %s. You must use detach-device "
                      "and specify the device pci address to remove it.",
                      mac);
            return NULL;
        }
        found = *all;
    }
    if (!found)
        say_error(cmd, "No interface with MAC address %s was found", mac);
    return found;
}

static int run_detach_interface(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *type = NULL, *mac = NULL;
    if (!domain)
        return -1;
    if (cmd_string(cmd, "type", &type) < 0 || cmd_string(cmd, "mac", &mac) < 0)
        return say_error(cmd, "Failed to detach interface");
    const char *xml = interface_of(cmd, domain, type, mac);
    if (cmd_has(cmd, "print-xml"))
        return xml ? device_print(cmd, xml) : -1;
    if (!xml || device_detach(cmd, domain, xml) < 0)
        return say_error(cmd, "Failed to detach interface");
    say(cmd, "Interface detached successfully\n");
    return 0;
}

const struct command cmd_detach_interface = {
    "detach-interface",
    "detach network interface",
    "Detach network interface.",
    OPTIONS(DOMAIN(0), ARG("type", "network interface type"), STRING("mac", "MAC address"),
            FLAG("persistent", 0, "make live change persistent"), AFFECT,
            FLAG("print-xml", 0, "print XML document rather than detach the interface")),
    .run = run_detach_interface,
    .conflicts = PERSISTENT_CONFLICTS,
    .json = "{message: string?, xml: string?}",
};

static int run_domif_setlink(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *which = NULL, *state = NULL;
    if (!domain || cmd_string(cmd, "interface", &which) <= 0 || cmd_string(cmd, "state", &state) <= 0)
        return -1;
    if (!str_eq(state, "up") && !str_eq(state, "down"))
        return say_error(cmd, "invalid link state '%s'", state);
    const char *xml = device_xml(cmd, domain);
    if (!xml)
        return -1;
    char **nodes = interface_nodes(cmd, xml, which);
    if (!nodes[0])
        return say_error(cmd, "interface '%s' not found", which);
    if (nodes[1])
        return say_error(cmd, "multiple matching interfaces found");
    const struct xml_change change = {"link", "state", state, NULL};
    const char *changed = xml_changed(cmd, nodes[0], &change, 1);
    if (!changed)
        return -1;
    if (cmd_has(cmd, "print-xml"))
        return device_print(cmd, changed);
    if (virDomainUpdateDeviceFlags(
            domain, changed, cmd_has(cmd, "config") ? VIR_DOMAIN_AFFECT_CONFIG : VIR_DOMAIN_AFFECT_LIVE) < 0)
        return say_error(cmd, "Failed to update interface link state");
    say(cmd, "Device updated successfully\n");
    return 0;
}

const struct command cmd_domif_setlink = {
    "domif-setlink",
    "set link state of a virtual interface",
    "Set link state of a domain's virtual interface. This command wraps usage of update-device command.",
    OPTIONS(DOMAIN(0), ARG("interface", "interface device (MAC Address)"),
            ARG("state", "new state of the device", 0, NULL, "up,down"),
            FLAG("config", VIR_DOMAIN_AFFECT_CONFIG, "affect next boot"),
            FLAG("print-xml", 0, "print XML document rather than set the interface link state"),
            ALIAS("persistent", "config")),
    .run = run_domif_setlink,
    .json = "{message: string?, xml: string?}",
};

/* ---- domiftune -------------------------------------------------------------------------------------- */

int take_rates(struct cmd *cmd, const char *option, bool may_clear, unsigned long long ret[RATES])
{
    static const char *const names[RATES] = {"average", "peak", "burst", "floor"};
    const char *text = NULL;
    memset(ret, 0, RATES * sizeof(*ret));
    int given = cmd_string(cmd, option, &text);
    if (given <= 0)
        return given;
    const char *at = text;
    for (size_t i = 0; at; i++) {
        size_t length = strcspn(at, ",");
        uint64_t value = 0;
        if (i == RATES)
            return say_error(cmd, "Rate string '%s' has too many fields", text);
        auto_free char *piece = mem_strndup(at, length);
        if (length && str_to_u64(piece, &value) < 0)
            return say_error(cmd, "field '%s' is malformed", names[i]);
        ret[i] = value;
        at = at[length] ? at + length + 1 : NULL;
    }
    bool in = str_eq(option, "inbound");
    for (size_t i = 0; i < RATES && may_clear; i++)
        if (ret[i] > UINT_MAX)
            return say_error(cmd, "%s rate larger than maximum %u", option, UINT_MAX);
    bool clears = may_clear && !ret[RATE_PEAK] && !ret[RATE_BURST];
    if (in && !ret[RATE_AVERAGE] && !ret[RATE_FLOOR] && !clears)
        return say_error(cmd, "either inbound average or floor is mandatory");
    if (!in && !ret[RATE_AVERAGE] && !clears)
        return say_error(cmd, "outbound average is mandatory");
    if (!in && ret[RATE_FLOOR])
        return say_error(cmd, "outbound floor is unsupported yet");
    return 0;
}

/* One direction as parameters. */
static int take_direction(struct cmd *cmd, const char *option, const char *const fields[RATES],
                          struct params *params)
{
    unsigned long long rates[RATES];
    if (take_rates(cmd, option, true, rates) < 0)
        return -1;
    for (size_t i = 0; i < RATES && cmd_has(cmd, option); i++)
        if (fields[i] && (rates[i] || i == RATE_AVERAGE))
            params_add_uint(params, fields[i], (unsigned)rates[i]);
    return 0;
}

static const struct tuning interface_rates = {
    .device_get = virDomainGetInterfaceParameters,
    .device_set = virDomainSetInterfaceParameters,
    .no_count = "Unable to get number of interface parameters",
    .no_get = "Unable to get interface parameters",
    .no_set = "Unable to set interface parameters",
    .show = tune_show,
};

static int run_domiftune(struct cmd *cmd)
{
    static const char *const inbound[RATES] = {VIR_DOMAIN_BANDWIDTH_IN_AVERAGE, VIR_DOMAIN_BANDWIDTH_IN_PEAK,
                                               VIR_DOMAIN_BANDWIDTH_IN_BURST, VIR_DOMAIN_BANDWIDTH_IN_FLOOR};
    static const char *const outbound[RATES] = {VIR_DOMAIN_BANDWIDTH_OUT_AVERAGE,
                                                VIR_DOMAIN_BANDWIDTH_OUT_PEAK, VIR_DOMAIN_BANDWIDTH_OUT_BURST,
                                                NULL};
    virDomainPtr domain = cmd_domain(cmd);
    const char *device = NULL;
    struct params *params = params_new(cmd, 0);
    if (!domain || cmd_string(cmd, "interface", &device) < 0 ||
        take_direction(cmd, "inbound", inbound, params) < 0 ||
        take_direction(cmd, "outbound", outbound, params) < 0)
        return -1;
    return tune_run(cmd, &interface_rates, domain, device, params);
}

const struct command cmd_domiftune = {
    "domiftune",
    "get/set parameters of a virtual interface",
    "Get/set parameters of a domain's virtual interface.",
    OPTIONS(DOMAIN(0), ARG("interface", "interface device (MAC Address)"),
            STRING("inbound", "control domain's incoming traffics"),
            STRING("outbound", "control domain's outgoing traffics"), AFFECT),
    .run = run_domiftune,
    .conflicts = AFFECT_CONFLICTS,
    .json = "{*: number}",
};

/* ---- domifannounce ---------------------------------------------------------------------------------- */

static int run_domifannounce(struct cmd *cmd)
{
    static const char *const times[][2] = {
        {"initial", VIR_DOMAIN_ANNOUNCE_INTERFACE_INITIAL},
        {"max", VIR_DOMAIN_ANNOUNCE_INTERFACE_MAX},
        {"rounds", VIR_DOMAIN_ANNOUNCE_INTERFACE_ROUNDS},
        {"step", VIR_DOMAIN_ANNOUNCE_INTERFACE_STEP},
    };
    virDomainPtr domain = cmd_domain(cmd);
    const char *device = NULL;
    if (!domain || cmd_string(cmd, "interface", &device) < 0)
        return -1;
    struct params *params = params_new(cmd, 0);
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        unsigned value = 0;
        int given = cmd_uint(cmd, times[i][0], &value);
        if (given < 0)
            return -1;
        if (given)
            params_add_uint(params, times[i][1], value);
    }
    if (NEWER(virDomainAnnounceInterface)(domain, device, params->all, params->count, 0) < 0)
        return say_error(cmd, "Failed to announce interfaces of domain '%s'", virDomainGetName(domain));
    say(cmd, "Interfaces of domain '%s' are announced\n", virDomainGetName(domain));
    return 0;
}

const struct command cmd_domifannounce = {
    "domifannounce",
    "let a domain announce its interfaces",
    "Send packets that teach switches where the domain is.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            POSITIONAL_STRING("interface", "alias of the interface (default: all)"),
            NUMBER_NAMED("initial", "milliseconds before the first packet"),
            NUMBER_NAMED("max", "longest pause in milliseconds"), NUMBER_NAMED("rounds", "number of packets"),
            NUMBER_NAMED("step", "milliseconds that a pause grows by")),
    .run = run_domifannounce,
    .is = IS_NEW,
};

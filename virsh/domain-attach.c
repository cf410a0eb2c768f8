/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: devices that come and go, from a document or from options. */
#include <stdio.h>
#include <sys/stat.h>

#include "base/mac.h"
#include "virsh/domain.h"

/* The change that attach, detach and update ask for. --persistent: live if it runs, and its configuration. */
static int change_flags(struct cmd *cmd, virDomainPtr domain, unsigned *ret)
{
    unsigned flags = cmd_affect(cmd);
    if (cmd_has(cmd, "persistent")) {
        int active = virDomainIsActive(domain);
        if (active < 0)
            return -1;
        flags |= VIR_DOMAIN_AFFECT_CONFIG | (active ? VIR_DOMAIN_AFFECT_LIVE : 0);
    }
    *ret = flags;
    return 0;
}

static int attach(struct cmd *cmd, virDomainPtr domain, const char *xml)
{
    unsigned flags;
    if (change_flags(cmd, domain, &flags) < 0)
        return -1;
    return flags || cmd_has(cmd, "current") ? virDomainAttachDeviceFlags(domain, xml, flags)
                                            : virDomainAttachDevice(domain, xml);
}

static int detach(struct cmd *cmd, virDomainPtr domain, const char *xml)
{
    unsigned flags;
    if (change_flags(cmd, domain, &flags) < 0)
        return -1;
    return flags || cmd_has(cmd, "current") ? virDomainDetachDeviceFlags(domain, xml, flags)
                                            : virDomainDetachDevice(domain, xml);
}

static int print_element(struct cmd *cmd, const char *xml)
{
    layout(cmd, LAYOUT_NONE);
    field(cmd, "xml", NULL, xml);
    print(cmd, "%s", xml);
    return 0;
}

/* Of an inactive configuration: where it is to be changed, or when nothing runs. */
static const char *device_xml(struct cmd *cmd, virDomainPtr domain)
{
    return domain_xml(cmd, domain, cmd_has(cmd, "config") ? VIR_DOMAIN_XML_INACTIVE : 0);
}

#define PERSISTENT_CONFLICTS "persistent current, current live, current config"

/* ---- from a document -------------------------------------------------------------------------------- */

static int run_attach_device(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *xml = domain ? cmd_file(cmd, "file") : NULL;
    if (!xml)
        return -1;
    if (attach(cmd, domain, xml) < 0)
        return say_error(cmd, "Failed to attach device from %s", cmd_raw(cmd, "file"));
    say(cmd, "Device attached successfully\n");
    return 0;
}

const struct command cmd_attach_device = {
    "attach-device",
    "attach device from an XML file",
    "Attach device from an XML <file>.",
    OPTIONS(DOMAIN(0), FILE_ARG("XML file"), FLAG("persistent", 0, "make live change persistent"), AFFECT),
    .run = run_attach_device,
    .conflicts = PERSISTENT_CONFLICTS,
};

static int run_detach_device(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *xml = domain ? cmd_file(cmd, "file") : NULL;
    if (!xml)
        return -1;
    if (detach(cmd, domain, xml) < 0)
        return say_error(cmd, "Failed to detach device from %s", cmd_raw(cmd, "file"));
    say(cmd, "Device detached successfully\n");
    return 0;
}

const struct command cmd_detach_device = {
    "detach-device",
    "detach device from an XML file",
    "Detach device from an XML <file>",
    OPTIONS(DOMAIN(0), FILE_ARG("XML file"), FLAG("persistent", 0, "make live change persistent"), AFFECT),
    .run = run_detach_device,
    .conflicts = PERSISTENT_CONFLICTS,
};

static int run_update_device(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *xml = domain ? cmd_file(cmd, "file") : NULL;
    unsigned flags;
    if (!xml || change_flags(cmd, domain, &flags) < 0)
        return -1;
    if (cmd_has(cmd, "force"))
        flags |= VIR_DOMAIN_DEVICE_MODIFY_FORCE;
    if (virDomainUpdateDeviceFlags(domain, xml, flags) < 0)
        return say_error(cmd, "Failed to update device from %s", cmd_raw(cmd, "file"));
    say(cmd, "Device updated successfully\n");
    return 0;
}

const struct command cmd_update_device = {
    "update-device",
    "update device from an XML file",
    "Update device from an XML <file>.",
    OPTIONS(DOMAIN(0), FILE_ARG("XML file"), FLAG("persistent", 0, "make live change persistent"), AFFECT,
            FLAG("force", 0, "force device update")),
    .run = run_update_device,
    .conflicts = PERSISTENT_CONFLICTS,
};

static int run_detach_device_alias(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *alias = NULL;
    if (!domain || cmd_string(cmd, "alias", &alias) < 0)
        return -1;
    if (virDomainDetachDeviceAlias(domain, alias, cmd_flags(cmd)) < 0)
        return say_error(cmd, "Failed to detach device with alias %s", alias);
    say(cmd, "Device detach request sent successfully\n");
    return 0;
}

const struct command cmd_detach_device_alias = {
    "detach-device-alias",
    "detach device from an alias",
    "Detach device identified by the given alias from a domain",
    OPTIONS(DOMAIN(0), ARG("alias", "device alias"), AFFECT),
    .run = run_detach_device_alias,
    .conflicts = AFFECT_CONFLICTS,
};

/* ---- disks ------------------------------------------------------------------------------------------ */

/* "pci:0000.00.04.0" -> an <address> element. What is what stands in the form. */
static int disk_address(struct cmd *cmd, const char *text, const char *target, struct buf *xml)
{
    unsigned a, b, c, d;
    const char *multi = cmd_has(cmd, "multifunction") ? " multifunction='on'" : "";
    unsigned long long unit;
#define MATCHES(count, format, ...) (sscanf(text, format, __VA_ARGS__) == (count))
    enum { NONE, PCI, CCW, DRIVE, USB } kind = NONE;
    bool ide = false, drive = false;
    if (MATCHES(4, "pci:%x.%x.%x.%x", &a, &b, &c, &d))
        kind = PCI;
    else if (MATCHES(3, "ccw:%x.%x.%x", &a, &b, &c))
        kind = CCW;
    else if (MATCHES(3, "ide:%u.%u.%llu", &a, &b, &unit))
        kind = DRIVE, ide = true;
    else if (MATCHES(3, "scsi:%u.%u.%llu", &a, &b, &unit) || MATCHES(3, "sata:%u.%u.%llu", &a, &b, &unit))
        kind = DRIVE, drive = true;
    else if (MATCHES(2, "usb:%u.%u", &a, &b))
        kind = USB, drive = true;
    else
        return say_error(cmd, "Invalid address.");
#undef MATCHES
    if (str_after(target, "vd") && kind != PCI && kind != CCW)
        return say_error(cmd, "expecting a pci:0000.00.00.00 or ccw:00.0.0000 address.");
    if (str_after(target, "sd") && !drive)
        return say_error(cmd, "expecting a scsi:00.00.00 or usb:00.00 or sata:00.00.00 address.");
    if (str_after(target, "hd") && !ide)
        return say_error(cmd, "expecting an ide:00.00.00 address.");
    if (kind == PCI)
        buf_printf(xml,
                   "  <address type='pci' domain='0x%04x' bus='0x%02x' slot='0x%02x' function='0x%0x'%s/>\n",
                   a, b, c, d, multi);
    else if (kind == CCW)
        buf_printf(xml, "  <address type='ccw' cssid='0x%02x' ssid='0x%01x' devno='0x%04x'/>\n", a, b, c);
    else if (kind == DRIVE)
        buf_printf(xml, "  <address type='drive' controller='%u' bus='%u' unit='%llu'/>\n", a, b, unit);
    else
        buf_printf(xml, "  <address type='usb' bus='%u' port='%u'/>\n", a, b);
    return 0;
}

/* ` name='value'`; nothing where there is no value. */
static void attribute(struct buf *xml, const char *name, const char *value)
{
    if (value)
        xml_attribute(xml, name, value);
}

/* ` name='value'` of an option that was given; -1 after telling that it is empty. */
static int add_given(struct cmd *cmd, struct buf *xml, const char *option, const char *name)
{
    const char *value = NULL;
    int given = cmd_string(cmd, option, &value);
    if (given > 0)
        attribute(xml, name, value);
    return given;
}

/* The <source> of a disk in the network: its host is "name" or "name:port". */
static void network_source(struct cmd *cmd, const char *source, struct buf *xml)
{
    const char *host = cmd_raw(cmd, "source-host-name"), *transport = cmd_raw(cmd, "source-host-transport"),
               *socket = cmd_raw(cmd, "source-host-socket");
    buf_add_string(xml, "  <source");
    attribute(xml, "protocol", cmd_raw(cmd, "source-protocol"));
    attribute(xml, "name", source);
    if (!host && !transport && !socket) {
        buf_add_string(xml, "/>\n");
        return;
    }
    buf_add_string(xml, ">\n    <host");
    attribute(xml, "transport", transport);
    attribute(xml, "socket", socket);
    const char *colon = host ? strrchr(host, ':') : NULL;
    if (colon)
        host = cmd_printf(cmd, "%.*s", (int)(colon - host), host);
    attribute(xml, "name", host);
    attribute(xml, "port", colon ? colon + 1 : NULL);
    buf_add_string(xml, "/>\n  </source>\n");
}

static bool is_block_device(const char *path)
{
    struct stat status;
    return *path == '/' && stat(path, &status) == 0 && S_ISBLK(status.st_mode);
}

enum disk_type { DISK_FILE, DISK_BLOCK, DISK_NETWORK };
static const char *const disk_types[] = {"file", "block", "network", NULL};

static int disk_type(struct cmd *cmd, const char *source)
{
    const char *given = cmd_raw(cmd, "sourcetype");
    if (given) {
        int type = enum_find(disk_types, given);
        return type < 0 ? say_error(cmd, "Unknown source type: '%s'", given) : type;
    }
    if (cmd_has(cmd, "source-protocol"))
        return DISK_NETWORK;
    return is_block_device(source) ? DISK_BLOCK : DISK_FILE;
}

/* Elements with nothing but an option's value in them. */
static void add_simple(struct cmd *cmd, struct buf *xml, const char *option, const char *open,
                       const char *close)
{
    const char *value = cmd_raw(cmd, option);
    if (!value)
        return;
    buf_add_string(xml, open);
    buf_add_xml(xml, value);
    buf_add_string(xml, close);
}

static bool is_wwn(const char *text)
{
    return strlen(text) == 16 && str_only(text, "0123456789abcdefABCDEF");
}

static int disk_xml(struct cmd *cmd, const char *source, const char *target, struct buf *xml)
{
    static const char *const driver[][2] = {{"driver", "name"},
                                            {"subdriver", "type"},
                                            {"iothread", "iothread"},
                                            {"cache", "cache"},
                                            {"io", "io"}};
    static const char *const sources[] = {"file", "dev"};
    int type = disk_type(cmd, source);
    const char *mode = cmd_raw(cmd, "mode"), *wwn = cmd_raw(cmd, "wwn"), *address = cmd_raw(cmd, "address");
    if (type < 0)
        return -1;
    if ((type == DISK_NETWORK) != cmd_has(cmd, "source-protocol"))
        return say_error(cmd, "--source-protocol option requires --sourcetype network");
    if (mode && !str_eq(mode, "readonly") && !str_eq(mode, "shareable"))
        return say_error(cmd, "No support for %s in command 'attach-disk'", mode);
    if (wwn && !is_wwn(wwn))
        return keep_text(cmd, "internal error: Malformed wwn: %s", wwn);
    buf_printf(xml, "<disk type='%s'", disk_types[type]);
    attribute(xml, "device", cmd_raw(cmd, "type"));
    if (cmd_has(cmd, "rawio"))
        attribute(xml, "rawio", "yes");
    buf_add_string(xml, ">\n");
    bool drives = false;
    for (size_t i = 0; i < ARRAY_SIZE(driver); i++) {
        if (!cmd_has(cmd, driver[i][0]))
            continue;
        if (!drives)
            buf_add_string(xml, "  <driver");
        drives = true;
        if (add_given(cmd, xml, driver[i][0], driver[i][1]) < 0)
            return -1;
    }
    if (drives)
        buf_add_string(xml, "/>\n");
    if (type == DISK_NETWORK) {
        network_source(cmd, source, xml);
    } else {
        buf_add_string(xml, "  <source");
        attribute(xml, sources[type], source);
        buf_add_string(xml, "/>\n");
    }
    buf_add_string(xml, "  <target");
    attribute(xml, "dev", target);
    attribute(xml, "bus", cmd_raw(cmd, "targetbus"));
    buf_add_string(xml, "/>\n");
    if (mode)
        buf_printf(xml, "  <%s/>\n", mode);
    add_simple(cmd, xml, "serial", "  <serial>", "</serial>\n");
    add_simple(cmd, xml, "alias", "  <alias name='", "'/>\n");
    add_simple(cmd, xml, "wwn", "  <wwn>", "</wwn>\n");
    if (address && disk_address(cmd, address, target, xml) < 0)
        return -1;
    if (cmd_has(cmd, "throttle-groups")) {
        auto_strv char **groups = str_split(cmd_raw(cmd, "throttle-groups"), ",");
        buf_add_string(xml, "  <throttlefilters>\n");
        for (char **group = groups; group && *group; group++) {
            buf_add_string(xml, "    <throttlefilter");
            attribute(xml, "group", *group);
            buf_add_string(xml, "/>\n");
        }
        buf_add_string(xml, "  </throttlefilters>\n");
    }
    buf_add_string(xml, "</disk>\n");
    return 0;
}

static int run_attach_disk(struct cmd *cmd)
{
    const char *source = NULL, *target = NULL;
    auto_buf struct buf xml = {0};
    if (cmd_filled(cmd) < 0 || cmd_string(cmd, "source", &source) < 0 ||
        cmd_string(cmd, "target", &target) < 0 || disk_xml(cmd, source, target, &xml) < 0)
        return -1;
    if (cmd_has(cmd, "print-xml"))
        return print_element(cmd, buf_text(&xml));
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    if (attach(cmd, domain, buf_text(&xml)) < 0)
        return say_error(cmd, "Failed to attach disk");
    say(cmd, "Disk attached successfully\n");
    return 0;
}

const struct command cmd_attach_disk = {
    "attach-disk",
    "attach disk device",
    "Attach new disk device.",
    OPTIONS(DOMAIN(0),
            {"source", OPTION_STRING, IS_REQUIRED | IS_POSITIONAL | IS_EMPTY_OK,
             "source of disk device or name of network disk"},
            ARG("target", "target of disk device"), STRING("targetbus", "target bus of disk device"),
            STRING("driver", "driver of disk device"), STRING("subdriver", "subdriver of disk device"),
            STRING("iothread", "IOThread to be used by supported device"),
            STRING("cache", "cache mode of disk device"), STRING("io", "io policy of disk device"),
            STRING("type", "target device type"), STRING("mode", "mode of device reading and writing"),
            STRING("sourcetype", "type of source (block|file|network)"),
            STRING("serial", "serial of disk device"), STRING("wwn", "wwn of disk device"),
            STRING("alias", "custom alias name of disk device"), FLAG("rawio", 0, "needs rawio capability"),
            STRING("address", "address of disk device"),
            FLAG("multifunction", 0, "use multifunction pci under specified address"),
            FLAG("print-xml", 0, "print XML document rather than attach the disk"),
            STRING("source-protocol", "protocol used by disk device source"),
            STRING("source-host-name", "host name for source of disk device"),
            STRING("source-host-transport", "host transport for source of disk device"),
            STRING("source-host-socket", "host socket for source of disk device"),
            FLAG("persistent", 0, "make live change persistent"), AFFECT, STRING_NEW("throttle-groups", ""),
            ALIAS("shareable", "mode=shareable")),
    .run = run_attach_disk,
    .conflicts = PERSISTENT_CONFLICTS,
    .requires = "source-host-name source-protocol, source-host-transport source-protocol, source-host-socket "
                "source-protocol",
    .json = "{message: string?, xml: string?}",
};

/* The <disk> with this target or source, without its backing chain, which the daemon knows better; NULL after
 * telling that there is none. */
static char *find_disk(struct cmd *cmd, virDomainPtr domain, const char *path, bool removable)
{
    const char *xml = device_xml(cmd, domain);
    char **disks = xml ? xml_nodes(cmd, xml, "/domain/devices/disk") : NULL;
    for (; disks && *disks; disks++) {
        const char *device = xml_value(cmd, *disks, "string(/disk/@device)");
        if (removable && !str_eq(device, "cdrom") && !str_eq(device, "floppy"))
            continue;
        const char *source = xml_value(
            cmd, *disks, "string(/disk/source/@file|/disk/source/@dev|/disk/source/@dir|/disk/source/@name)");
        if (str_eq(xml_value(cmd, *disks, "string(/disk/target/@dev)"), path) || str_eq(source, path)) {
            const struct xml_change no_chain = {"backingStore", NULL, NULL, NULL};
            return xml_changed(cmd, *disks, &no_chain, 1);
        }
    }
    if (xml)
        say_error(cmd, "No disk found whose source path or target is %s", path);
    return NULL;
}

static int run_detach_disk(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *target = NULL;
    if (!domain || cmd_string(cmd, "target", &target) < 0)
        return -1;
    const char *xml = find_disk(cmd, domain, target, false);
    if (!xml)
        return -1;
    if (cmd_has(cmd, "print-xml"))
        return print_element(cmd, xml);
    if (detach(cmd, domain, xml) < 0)
        return say_error(cmd, "Failed to detach disk");
    say(cmd, "Disk detached successfully\n");
    return 0;
}

const struct command cmd_detach_disk = {
    "detach-disk",
    "detach disk device",
    "Detach disk device.",
    OPTIONS(DOMAIN(0), ARG("target", "target of disk device"),
            FLAG("persistent", 0, "make live change persistent"), AFFECT,
            FLAG("print-xml", 0, "print XML document rather than detach the disk")),
    .run = run_detach_disk,
    .conflicts = PERSISTENT_CONFLICTS,
    .json = "{message: string?, xml: string?}",
};

/* ---- change-media ----------------------------------------------------------------------------------- */

static int run_change_media(struct cmd *cmd)
{
    bool eject = cmd_has(cmd, "eject"), insert = cmd_has(cmd, "insert"), block = cmd_has(cmd, "block");
    const char *path = NULL, *source = NULL;
    unsigned flags = cmd_affect(cmd);
    if (cmd_string(cmd, "source", &source) < 0)
        return -1;
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain || cmd_string(cmd, "path", &path) < 0)
        return -1;
    if (cmd_has(cmd, "force"))
        flags |= VIR_DOMAIN_DEVICE_MODIFY_FORCE;
    const char *disk = find_disk(cmd, domain, path, true);
    if (!disk)
        return -1;
    const char *medium = xml_value(
        cmd, disk, "string(/disk/source/@file|/disk/source/@dev|/disk/source/@dir|/disk/source/@name)");
    if (eject && !*xml_nodes(cmd, disk, "/disk/source"))
        return say_error(cmd, "The disk device '%s' doesn't have media", path);
    if (!eject && !source)
        return say_error(cmd, "New disk media source was not specified");
    if (insert && !str_empty(medium))
        return say_error(cmd, "The disk device '%s' already has media", path);
    if (!insert && !eject && !cmd_has(cmd, "update") && str_empty(medium))
        insert = true;
    bool is_block = block || (!eject && is_block_device(source));
    const char *policy = xml_value(cmd, disk, "string(/disk/source/@startupPolicy)");
    const struct xml_change changes[] = {
        {"source", NULL, NULL, NULL},
        {NULL, "type", is_block ? "block" : "file", NULL},
        {"source", is_block ? "dev" : "file", eject ? NULL : source, "target"},
        {"source", "startupPolicy", eject || str_empty(policy) ? NULL : policy, "target"},
    };
    const char *xml = xml_changed(cmd, disk, changes, ARRAY_SIZE(changes));
    if (!xml)
        return -1;
    if (cmd_has(cmd, "print-xml"))
        return print_element(cmd, xml);
    const char *did = eject ? "eject" : insert ? "insert" : "update";
    if (virDomainUpdateDeviceFlags(domain, xml, flags) < 0)
        return say_error(cmd, "Failed to complete action %s on media", did);
    say(cmd, "Successfully %sed media.", eject || insert ? did : "updat");
    return 0;
}

const struct command cmd_change_media = {
    "change-media",
    "Change media of CD or floppy drive",
    "Change media of CD or floppy drive.",
    OPTIONS(DOMAIN(0), ARG("path", "Fully-qualified path or target of disk device"),
            STRING("source", "source of the media"), FLAG("eject", 0, "Eject the media"),
            FLAG("insert", 0, "Insert the media"), FLAG("update", 0, "Update the media"),
            FLAG("current", VIR_DOMAIN_AFFECT_CURRENT,
                 "can be either or both of --live and --config, depends on implementation hypervisor driver"),
            FLAG("live", VIR_DOMAIN_AFFECT_LIVE, "alter live configuration of running domain"),
            FLAG("config", VIR_DOMAIN_AFFECT_CONFIG,
                 "alter persistent configuration, effect observed on next boot"),
            FLAG("force", 0, "force media changing"),
            FLAG("print-xml", 0, "print XML document rather than change media"),
            FLAG("block", 0, "source media is a block device")),
    .run = run_change_media,
    .conflicts = "eject insert, eject update, insert update, eject block, current live, current config",
    .json = "{message: string?, xml: string?}",
};

/* ---- interfaces ------------------------------------------------------------------------------------- */

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
        attribute(xml, type->attribute, source);
    } else if (str_eq(type->name, "vhostuser")) {
        buf_add_string(xml, "  <source type='unix'");
        attribute(xml, "path", source);
        attribute(xml, "mode", mode);
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
        add_simple(cmd, xml, elements[i][0], elements[i][1], "'/>\n");
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
        return print_element(cmd, buf_text(&xml));
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    if (attach(cmd, domain, buf_text(&xml)) < 0)
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
        return xml ? print_element(cmd, xml) : -1;
    if (!xml || detach(cmd, domain, xml) < 0)
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
        return print_element(cmd, changed);
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
        return print_element(cmd, changed);
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

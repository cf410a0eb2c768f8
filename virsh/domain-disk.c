/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: disks that come and go, and media in drives, from options. */
#include <stdio.h>
#include <sys/stat.h>

#include "virsh/attach.h"

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

/* ` name='value'` of an option that was given; -1 after telling that it is empty. */
static int add_given(struct cmd *cmd, struct buf *xml, const char *option, const char *name)
{
    const char *value = NULL;
    int given = cmd_string(cmd, option, &value);
    if (given > 0)
        device_attribute(xml, name, value);
    return given;
}

/* The <source> of a disk in the network: its host is "name" or "name:port". */
static void network_source(struct cmd *cmd, const char *source, struct buf *xml)
{
    const char *host = cmd_raw(cmd, "source-host-name"), *transport = cmd_raw(cmd, "source-host-transport"),
               *socket = cmd_raw(cmd, "source-host-socket");
    buf_add_string(xml, "  <source");
    device_attribute(xml, "protocol", cmd_raw(cmd, "source-protocol"));
    device_attribute(xml, "name", source);
    if (!host && !transport && !socket) {
        buf_add_string(xml, "/>\n");
        return;
    }
    buf_add_string(xml, ">\n    <host");
    device_attribute(xml, "transport", transport);
    device_attribute(xml, "socket", socket);
    const char *colon = host ? strrchr(host, ':') : NULL;
    if (colon)
        host = cmd_printf(cmd, "%.*s", (int)(colon - host), host);
    device_attribute(xml, "name", host);
    device_attribute(xml, "port", colon ? colon + 1 : NULL);
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
    device_attribute(xml, "device", cmd_raw(cmd, "type"));
    if (cmd_has(cmd, "rawio"))
        device_attribute(xml, "rawio", "yes");
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
        device_attribute(xml, sources[type], source);
        buf_add_string(xml, "/>\n");
    }
    buf_add_string(xml, "  <target");
    device_attribute(xml, "dev", target);
    device_attribute(xml, "bus", cmd_raw(cmd, "targetbus"));
    buf_add_string(xml, "/>\n");
    if (mode)
        buf_printf(xml, "  <%s/>\n", mode);
    device_element(cmd, xml, "serial", "  <serial>", "</serial>\n");
    device_element(cmd, xml, "alias", "  <alias name='", "'/>\n");
    device_element(cmd, xml, "wwn", "  <wwn>", "</wwn>\n");
    if (address && disk_address(cmd, address, target, xml) < 0)
        return -1;
    if (cmd_has(cmd, "throttle-groups")) {
        auto_strv char **groups = str_split(cmd_raw(cmd, "throttle-groups"), ",");
        buf_add_string(xml, "  <throttlefilters>\n");
        for (char **group = groups; group && *group; group++) {
            buf_add_string(xml, "    <throttlefilter");
            device_attribute(xml, "group", *group);
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
        return device_print(cmd, buf_text(&xml));
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    if (device_attach(cmd, domain, buf_text(&xml)) < 0)
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
        return device_print(cmd, xml);
    if (device_detach(cmd, domain, xml) < 0)
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
        return device_print(cmd, xml);
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

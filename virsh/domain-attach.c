/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: devices that come and go, from a document; what all commands about devices share. */
#include "virsh/attach.h"

int device_change_flags(struct cmd *cmd, virDomainPtr domain, unsigned *ret)
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

/* Without an option the older call, which servers of any age know. */
static int change(struct cmd *cmd, virDomainPtr domain, const char *xml,
                  int (*flagged)(virDomainPtr, const char *, unsigned int),
                  int (*plain)(virDomainPtr, const char *))
{
    unsigned flags;
    if (device_change_flags(cmd, domain, &flags) < 0)
        return -1;
    return flags || cmd_has(cmd, "current") ? flagged(domain, xml, flags) : plain(domain, xml);
}

int device_attach(struct cmd *cmd, virDomainPtr domain, const char *xml)
{
    return change(cmd, domain, xml, virDomainAttachDeviceFlags, virDomainAttachDevice);
}

int device_detach(struct cmd *cmd, virDomainPtr domain, const char *xml)
{
    return change(cmd, domain, xml, virDomainDetachDeviceFlags, virDomainDetachDevice);
}

int device_print(struct cmd *cmd, const char *xml)
{
    layout(cmd, LAYOUT_NONE);
    field(cmd, "xml", NULL, xml);
    print(cmd, "%s", xml);
    return 0;
}

const char *device_xml(struct cmd *cmd, virDomainPtr domain)
{
    return domain_xml(cmd, domain, cmd_has(cmd, "config") ? VIR_DOMAIN_XML_INACTIVE : 0);
}

void device_attribute(struct buf *xml, const char *name, const char *value)
{
    if (value)
        xml_attribute(xml, name, value);
}

void device_element(struct cmd *cmd, struct buf *xml, const char *option, const char *open, const char *close)
{
    const char *value = cmd_raw(cmd, option);
    if (!value)
        return;
    buf_add_string(xml, open);
    buf_add_xml(xml, value);
    buf_add_string(xml, close);
}

/* ---- from a document -------------------------------------------------------------------------------- */

/* The device that --file describes. */
static int change_device(struct cmd *cmd, int (*how)(struct cmd *cmd, virDomainPtr domain, const char *xml),
                         const char *verb, const char *done)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *xml = domain ? cmd_file(cmd, "file") : NULL;
    if (!xml)
        return -1;
    if (how(cmd, domain, xml) < 0)
        return say_error(cmd, "Failed to %s device from %s", verb, cmd_raw(cmd, "file"));
    say(cmd, "Device %s successfully\n", done);
    return 0;
}

static int run_attach_device(struct cmd *cmd)
{
    return change_device(cmd, device_attach, "attach", "attached");
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
    return change_device(cmd, device_detach, "detach", "detached");
}

const struct command cmd_detach_device = {
    "detach-device",
    "detach device from an XML file",
    "Detach device from an XML <file>",
    OPTIONS(DOMAIN(0), FILE_ARG("XML file"), FLAG("persistent", 0, "make live change persistent"), AFFECT),
    .run = run_detach_device,
    .conflicts = PERSISTENT_CONFLICTS,
};

static int update(struct cmd *cmd, virDomainPtr domain, const char *xml)
{
    unsigned flags;
    if (device_change_flags(cmd, domain, &flags) < 0)
        return -1;
    if (cmd_has(cmd, "force"))
        flags |= VIR_DOMAIN_DEVICE_MODIFY_FORCE;
    return virDomainUpdateDeviceFlags(domain, xml, flags);
}

static int run_update_device(struct cmd *cmd)
{
    return change_device(cmd, update, "update", "updated");
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

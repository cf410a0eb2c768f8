/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Interface: the host's network interfaces and their configuration. */
#include <strings.h>

#include "base/mac.h"
#include "virsh/virsh.h"

/* ---- finding --------------------------------------------------------------------------------------------
 */

enum { BY_INTERFACE_NAME = 1, BY_INTERFACE_MAC = 2 };

/* A text that looks like a MAC address is one, and is never taken for a name. */
static virInterfacePtr find(struct cmd *cmd, const char *option, unsigned by)
{
    virInterfacePtr interface = NULL;
    const char *text = NULL;
    struct mac mac;

    if (cmd_string(cmd, option, &text) < 0)
        return NULL;
    bool is_mac = mac_parse(text, &mac) == 0;

    if (!is_mac && (by & BY_INTERFACE_NAME))
        interface = virInterfaceLookupByName(cmd_conn(cmd), text);
    if (is_mac && (by & BY_INTERFACE_MAC))
        interface = virInterfaceLookupByMACString(cmd_conn(cmd), text);
    if (!interface)
        say_error(cmd, "failed to get interface '%s'", text);
    return own_interface(cmd, interface);
}

virInterfacePtr cmd_interface(struct cmd *cmd)
{
    return find(cmd, "interface", BY_INTERFACE_NAME | BY_INTERFACE_MAC);
}

#define INTERFACE ARG("interface", "interface name or MAC address", 0, complete_interface)

/* ---- one interface --------------------------------------------------------------------------------------
 */

const struct command cmd_iface_define = {
    "iface-define",
    "define an inactive persistent physical host interface or modify an existing persistent one from an XML "
    "file",
    "Define or modify a persistent physical host interface.",
    OPTIONS(FILE_ARG("file containing an XML interface description"),
            VALIDATE(VIR_INTERFACE_DEFINE_VALIDATE)),
    DEFINES_FLAGGED(interface, virInterfaceDefineXML),
    .done = "Interface %s defined from %s\n",
    .failed = "Failed to define interface from %s",
};

const struct command cmd_iface_destroy = {
    "iface-destroy",
    "destroy a physical host interface (disable it / \"if-down\")",
    "forcefully stop a physical host interface.",
    OPTIONS(INTERFACE),
    ACTION_FLAGS(interface, virInterfaceDestroy),
    .done = "Interface %s destroyed\n",
    .failed = "Failed to destroy interface %s",
};

const struct command cmd_iface_dumpxml = {
    "iface-dumpxml",
    "interface information in XML",
    "Output the physical host interface information as an XML dump to stdout.",
    OPTIONS(INTERFACE, FLAG("inactive", VIR_INTERFACE_XML_INACTIVE, "show inactive defined XML"), XPATH),
    DUMPXML(interface, virInterfaceGetXMLDesc),
};

const struct command cmd_iface_edit = {
    "iface-edit",
    "edit XML configuration for a physical host interface",
    "Edit the XML configuration for a physical host interface.",
    OPTIONS(INTERFACE),
    EDITS(interface, virInterfaceGetXMLDesc, VIR_INTERFACE_XML_INACTIVE, "Interface %s XML configuration"),
    .make_flagged.interface = virInterfaceDefineXML,
};

const struct command cmd_iface_start = {
    "iface-start",
    "start a physical host interface (enable it / \"if-up\")",
    "start a physical host interface.",
    OPTIONS(INTERFACE),
    ACTION_FLAGS(interface, virInterfaceCreate),
    .done = "Interface %s started\n",
    .failed = "Failed to start interface %s",
};

static int undefine(virInterfacePtr interface, unsigned flags)
{
    return virInterfaceUndefine(interface);
}

const struct command cmd_iface_undefine = {
    "iface-undefine",
    "undefine a physical host interface (remove it from configuration)",
    "undefine an interface.",
    OPTIONS(INTERFACE),
    ACTION_FLAGS(interface, undefine),
    .done = "Interface %s undefined\n",
    .failed = "Failed to undefine interface %s",
};

static int iface_mac(struct cmd *cmd)
{
    virInterfacePtr interface = find(cmd, "interface", BY_INTERFACE_NAME);

    if (!interface)
        return -1;
    layout(cmd, LAYOUT_VALUE);
    field(cmd, "mac", NULL, virInterfaceGetMACString(interface));
    return 0;
}

const struct command cmd_iface_mac = {
    "iface-mac",
    "convert an interface name to interface MAC address",
    NULL,
    OPTIONS(ARG("interface", "interface name", 0, complete_interface)),
    .run = iface_mac,
    .json = "{mac: string}",
};

static int iface_name(struct cmd *cmd)
{
    virInterfacePtr interface = find(cmd, "interface", BY_INTERFACE_MAC);

    if (!interface)
        return -1;
    layout(cmd, LAYOUT_VALUE);
    field(cmd, "name", NULL, virInterfaceGetName(interface));
    return 0;
}

const struct command cmd_iface_name = {
    "iface-name",
    "convert an interface MAC address to interface name",
    NULL,
    OPTIONS(ARG("interface", "interface mac")),
    .run = iface_name,
    .json = "{name: string}",
};

/* ---- all of them ----------------------------------------------------------------------------------------
 */

/* Active ones first, then by name. */
static int by_state_and_name(const void *a, const void *b)
{
    virInterfacePtr one = *(const virInterfacePtr *)a, other = *(const virInterfacePtr *)b;
    int active = virInterfaceIsActive(one) == 1, other_active = virInterfaceIsActive(other) == 1;

    return active != other_active ? other_active - active
                                  : strcasecmp(virInterfaceGetName(one), virInterfaceGetName(other));
}

static int iface_list(struct cmd *cmd)
{
    unsigned flags = cmd_flags(cmd);
    virInterfacePtr *interfaces = NULL;

    if (cmd_has(cmd, "all"))
        flags = VIR_CONNECT_LIST_INTERFACES_ACTIVE | VIR_CONNECT_LIST_INTERFACES_INACTIVE;
    int count = virConnectListAllInterfaces(cmd_conn(cmd), &interfaces,
                                            flags ? flags : VIR_CONNECT_LIST_INTERFACES_ACTIVE);

    if (count < 0)
        return flags == VIR_CONNECT_LIST_INTERFACES_INACTIVE
                   ? list_failed(cmd, "Failed to list interfaces", virConnectNumOfDefinedInterfaces,
                                 "Failed to list inactive interfaces")
                   : list_failed(cmd, "Failed to list interfaces", virConnectNumOfInterfaces,
                                 "Failed to list active interfaces");
    own_list(cmd, interfaces, count, interface);
    qsort(interfaces, (size_t)count, sizeof(*interfaces), by_state_and_name);
    struct table *table = table_new(cmd, "name:Name", "state:State", "mac:MAC Address");

    for (int i = 0; i < count; i++)
        table_row(table, virInterfaceGetName(interfaces[i]),
                  virInterfaceIsActive(interfaces[i]) == 1 ? "active" : "inactive",
                  virInterfaceGetMACString(interfaces[i]));
    table_print(table, NULL);
    return 0;
}

const struct command cmd_iface_list = {
    "iface-list",
    "list physical host interfaces",
    "Returns list of physical host interfaces.",
    OPTIONS(FLAG("inactive", VIR_CONNECT_LIST_INTERFACES_INACTIVE, "list inactive interfaces"),
            FLAG("all", 0, "list inactive & active interfaces")),
    .run = iface_list,
    .conflicts = "all inactive",
    .json = "[{name: string, state: string, mac: string}]",
};

/* ---- changes that can be taken back ---------------------------------------------------------------------
 */

/* One call on the connection that ends with one of two sentences. */
static int transaction(struct cmd *cmd, int result, const char *verb, const char *past)
{
    if (result < 0)
        return say_error(cmd, "Failed to %s network config change transaction", verb);
    say(cmd, "Network config change transaction %s\n", past);
    return 0;
}

static int iface_begin(struct cmd *cmd)
{
    return transaction(cmd, virInterfaceChangeBegin(cmd_conn(cmd), 0), "begin", "started");
}

const struct command cmd_iface_begin = {
    "iface-begin",
    "create a snapshot of current interfaces settings, which can be later committed (iface-commit) or "
    "restored "
    "(iface-rollback)",
    "Create a restore point for interfaces settings",
    .run = iface_begin,
};

static int iface_commit(struct cmd *cmd)
{
    return transaction(cmd, virInterfaceChangeCommit(cmd_conn(cmd), 0), "commit", "committed");
}

const struct command cmd_iface_commit = {
    "iface-commit",
    "commit changes made since iface-begin and free restore point",
    "commit changes and free restore point",
    .run = iface_commit,
};

static int iface_rollback(struct cmd *cmd)
{
    return transaction(cmd, virInterfaceChangeRollback(cmd_conn(cmd), 0), "rollback", "rolled back");
}

const struct command cmd_iface_rollback = {
    "iface-rollback",
    "rollback to previous saved configuration created via iface-begin",
    "rollback to previous restore point",
    .run = iface_rollback,
};

/* ---- bridges --------------------------------------------------------------------------------------------
 */

/* What belongs to the port of a bridge; everything else belongs to the bridge. */
#define OF_THE_PORT "self::mac or self::bond or self::vlan"

/* All nodes that are found, one a line. */
static void add_nodes(struct cmd *cmd, struct buf *xml, const char *document, const char *xpath)
{
    for (char **node = xml_nodes(cmd, document, xpath); *node; node++)
        buf_printf(xml, "%s\n", *node);
}

static void open_interface(struct buf *xml, const char *type, const char *name)
{
    buf_add_string(xml, "<interface");
    xml_attribute(xml, "type", type);
    xml_attribute(xml, "name", name);
    buf_add_string(xml, ">\n");
}

static int start(struct cmd *cmd, virInterfacePtr interface, const char *noun)
{
    const char *name = virInterfaceGetName(interface);
    auto_free char *capital = mem_strdup(noun);

    if (cmd_has(cmd, "no-start"))
        return 0;
    if (virInterfaceCreate(interface, 0) < 0)
        return say_error(cmd, "Failed to start %s %s", noun, name);
    capital[0] = (char)(capital[0] - 'a' + 'A');
    say(cmd, "%s %s started\n", capital, name);
    return 0;
}

static int iface_bridge(struct cmd *cmd)
{
    virInterfacePtr port = cmd_interface(cmd), bridge;
    const char *name = NULL;
    unsigned delay = 0;
    auto_buf struct buf xml = {0};

    if (!port || cmd_string(cmd, "bridge", &name) < 0)
        return -1;
    const char *port_name = virInterfaceGetName(port);

    if (own_interface(cmd, virInterfaceLookupByName(cmd_conn(cmd), name)))
        return say_error(cmd, "Network device %s already exists", name);
    forget_error();
    if (cmd_uint(cmd, "delay", &delay) < 0)
        return -1;
    char *document = cmd_own_text(cmd, virInterfaceGetXMLDesc(port, VIR_INTERFACE_XML_INACTIVE));
    const char *type = document ? xml_value(cmd, document, "/interface/@type") : NULL;

    if (!document)
        return -1;
    if (!type)
        return say_error(cmd, "Existing device %s has no type", port_name);
    if (str_eq(type, "bridge"))
        return say_error(cmd, "Existing device %s is already a bridge", port_name);
    open_interface(&xml, "bridge", name);
    add_nodes(cmd, &xml, document, "/interface/*[not(" OF_THE_PORT ")]");
    buf_printf(&xml, "<bridge stp='%s' delay='%u'>\n", cmd_has(cmd, "no-stp") ? "off" : "on", delay);
    open_interface(&xml, type, port_name);
    add_nodes(cmd, &xml, document, "/interface/*[" OF_THE_PORT "]");
    buf_add_string(&xml, "</interface>\n</bridge>\n</interface>\n");
    bridge = own_interface(cmd, virInterfaceDefineXML(cmd_conn(cmd), buf_text(&xml), 0));
    if (!bridge)
        return say_error(cmd, "Failed to define new bridge interface %s", name);
    say(cmd, "Created bridge %s with attached device %s\n", name, port_name);
    return start(cmd, bridge, "bridge interface");
}

const struct command cmd_iface_bridge = {
    "iface-bridge",
    "create a bridge device and attach an existing network device to it",
    "bridge an existing network device",
    OPTIONS(ARG("interface", "existing interface name", 0, complete_interface),
            ARG("bridge", "new bridge device name"), FLAG("no-stp", 0, "do not enable STP for this bridge"),
            NUMBER("delay", "number of seconds to squelch traffic on newly connected ports"),
            FLAG("no-start", 0, "don't start the bridge immediately")),
    .run = iface_bridge,
};

static int iface_unbridge(struct cmd *cmd)
{
    virInterfacePtr bridge = find(cmd, "bridge", BY_INTERFACE_NAME | BY_INTERFACE_MAC), port;
    const char *bridge_name = bridge ? virInterfaceGetName(bridge) : NULL;
    char *document =
        bridge ? cmd_own_text(cmd, virInterfaceGetXMLDesc(bridge, VIR_INTERFACE_XML_INACTIVE)) : NULL;
    auto_buf struct buf xml = {0};

    if (!document)
        return -1;
    if (!str_eq(xml_value(cmd, document, "/interface/@type"), "bridge"))
        return say_error(cmd, "Device %s is not a bridge", bridge_name);
    size_t ports = strv_length(xml_nodes(cmd, document, "/interface/bridge/interface"));

    if (ports != 1)
        return say_error(cmd, ports ? "Multiple interfaces attached to bridge"
                                    : "No interface attached to bridge");
    const char *name = xml_value(cmd, document, "/interface/bridge/interface/@name");
    const char *type = xml_value(cmd, document, "/interface/bridge/interface/@type");

    if (!name)
        return say_error(cmd, "Device attached to bridge %s has no name", bridge_name);
    if (!type)
        return say_error(cmd, "Attached device %s has no type", name);
    open_interface(&xml, type, name);
    add_nodes(cmd, &xml, document, "/interface/*[not(self::bridge or " OF_THE_PORT ")]");
    add_nodes(cmd, &xml, document, "/interface/bridge/interface/*");
    buf_add_string(&xml, "</interface>\n");
    if (virInterfaceIsActive(bridge) == 1 && virInterfaceDestroy(bridge, 0) < 0)
        return say_error(cmd, "Failed to destroy bridge interface %s", bridge_name);
    if (virInterfaceUndefine(bridge) < 0)
        return say_error(cmd, "Failed to undefine bridge interface %s", bridge_name);
    port = own_interface(cmd, virInterfaceDefineXML(cmd_conn(cmd), buf_text(&xml), 0));
    if (!port)
        return say_error(cmd, "Failed to define new interface %s", name);
    say(cmd, "Device %s un-attached from bridge %s\n", name, bridge_name);
    return start(cmd, port, "interface");
}

const struct command cmd_iface_unbridge = {
    "iface-unbridge",
    "undefine a bridge device after detaching its device(s)",
    "unbridge a network device",
    OPTIONS(ARG("bridge", "current bridge device name", 0, complete_interface),
            FLAG("no-start", 0, "don't start the detached interface immediately (not recommended)")),
    .run = iface_unbridge,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network: virtual networks. Their ports stand in network-port.c, their description and metadata too. */
#include <strings.h>

#include "virsh/virsh.h"

/* ---- one network ----------------------------------------------------------------------------------------
 */

const struct command cmd_net_autostart = {
    "net-autostart",
    "autostart a network",
    "Configure a network to be automatically started at boot.",
    OPTIONS(NETWORK(VIR_CONNECT_LIST_NETWORKS_PERSISTENT), FLAG("disable", 0, "disable autostarting")),
    AUTOSTARTS(network, virNetworkSetAutostart, "network", "Network"),
};

const struct command cmd_net_create = {
    "net-create",
    "create a network from an XML file",
    "Create a network.",
    OPTIONS(FILE_ARG("file containing an XML network description"), VALIDATE(VIR_NETWORK_CREATE_VALIDATE)),
    DEFINES(network, virNetworkCreateXML),
    .make_flagged.network = virNetworkCreateXMLFlags,
    .done = "Network %s created from %s\n",
    .failed = "Failed to create network from %s",
};

const struct command cmd_net_define = {
    "net-define",
    "define an inactive persistent virtual network or modify an existing persistent one from an XML file",
    "Define or modify a persistent virtual network.",
    OPTIONS(FILE_ARG("file containing an XML network description"), VALIDATE(VIR_NETWORK_DEFINE_VALIDATE)),
    DEFINES(network, virNetworkDefineXML),
    .make_flagged.network = virNetworkDefineXMLFlags,
    .done = "Network %s defined from %s\n",
    .failed = "Failed to define network from %s",
};

const struct command cmd_net_destroy = {
    "net-destroy",
    "destroy (stop) a network",
    "Forcefully stop a given network.",
    OPTIONS(NETWORK(VIR_CONNECT_LIST_NETWORKS_ACTIVE)),
    ACTION(network, virNetworkDestroy),
    .done = "Network %s destroyed\n",
    .failed = "Failed to destroy network %s",
};

const struct command cmd_net_dumpxml = {
    "net-dumpxml",
    "network information in XML",
    "Output the network information as an XML dump to stdout.",
    OPTIONS(NETWORK(0), FLAG("inactive", VIR_NETWORK_XML_INACTIVE, "show inactive defined XML"), XPATH),
    DUMPXML(network, virNetworkGetXMLDesc),
};

const struct command cmd_net_edit = {
    "net-edit",
    "edit XML configuration for a network",
    "Edit the XML configuration for a network.",
    OPTIONS(NETWORK(VIR_CONNECT_LIST_NETWORKS_PERSISTENT)),
    EDITS(network, virNetworkGetXMLDesc, VIR_NETWORK_XML_INACTIVE, "Network %s XML configuration"),
    .make.network = virNetworkDefineXML,
};

const struct command cmd_net_start = {
    "net-start",
    "start a (previously defined) inactive network",
    "Start a network.",
    OPTIONS(NETWORK(VIR_CONNECT_LIST_NETWORKS_INACTIVE)),
    ACTION(network, virNetworkCreate),
    .done = "Network %s started\n",
    .failed = "Failed to start network %s",
};

const struct command cmd_net_undefine = {
    "net-undefine",
    "undefine a persistent network",
    "Undefine the configuration for a persistent network.",
    OPTIONS(NETWORK(VIR_CONNECT_LIST_NETWORKS_PERSISTENT)),
    ACTION(network, virNetworkUndefine),
    .done = "Network %s has been undefined\n",
    .failed = "Failed to undefine network %s",
};

/* Found by this call alone, for commands that translate one into the other. NULL: the text can't be that. */
static virNetworkPtr find(struct cmd *cmd, const char *text,
                          virNetworkPtr (*call)(virConnectPtr, const char *))
{
    virNetworkPtr network = call ? call(cmd_conn(cmd), text) : NULL;

    if (!network)
        say_error(cmd, "failed to get network '%s'", text);
    return own_network(cmd, network);
}

static int net_name(struct cmd *cmd)
{
    const char *uuid = NULL;

    if (cmd_string(cmd, "network", &uuid) < 0)
        return -1;
    bool whole = strlen(uuid) == VIR_UUID_STRING_BUFLEN - 1;
    virNetworkPtr network = find(cmd, uuid, whole ? virNetworkLookupByUUIDString : NULL);

    layout(cmd, LAYOUT_VALUE);
    if (network)
        field(cmd, "name", NULL, virNetworkGetName(network));
    return network ? 0 : -1;
}

const struct command cmd_net_name = {
    "net-name",
    "convert a network UUID to network name",
    NULL,
    OPTIONS(ARG("network", "network uuid", 0, complete_network)),
    .run = net_name,
    .json = "{name: string}",
};

static int net_uuid(struct cmd *cmd)
{
    char uuid[VIR_UUID_STRING_BUFLEN];
    const char *name = NULL;

    if (cmd_string(cmd, "network", &name) < 0)
        return -1;
    virNetworkPtr network = find(cmd, name, virNetworkLookupByName);

    if (!network)
        return -1;
    if (virNetworkGetUUIDString(network, uuid) < 0)
        return say_error(cmd, "failed to get network UUID");
    layout(cmd, LAYOUT_VALUE);
    field(cmd, "uuid", NULL, uuid);
    return 0;
}

const struct command cmd_net_uuid = {
    "net-uuid",
    "convert a network name to network UUID",
    NULL,
    OPTIONS(ARG("network", "network name", 0, complete_network)),
    .run = net_uuid,
    .json = "{uuid: string}",
};

static int net_info(struct cmd *cmd)
{
    virNetworkPtr network = cmd_network(cmd);
    char uuid[VIR_UUID_STRING_BUFLEN];
    int autostart;

    if (!network)
        return -1;
    field(cmd, "name", "Name:", virNetworkGetName(network));
    if (virNetworkGetUUIDString(network, uuid) == 0)
        field(cmd, "uuid", "UUID:", uuid);
    int active = virNetworkIsActive(network), persistent = virNetworkIsPersistent(network);

    if (active >= 0)
        field_bool(cmd, "active", "Active:", active, "yes/no");
    if (persistent < 0)
        field_as(cmd, "persistent", "Persistent:", "null", "unknown");
    else
        field_bool(cmd, "persistent", "Persistent:", persistent, "yes/no");
    if (virNetworkGetAutostart(network, &autostart) < 0)
        field_as(cmd, "autostart", "Autostart:", "null", "no autostart");
    else
        field_bool(cmd, "autostart", "Autostart:", autostart, "yes/no");
    char *bridge = cmd_own_text(cmd, virNetworkGetBridgeName(network));

    if (bridge)
        field(cmd, "bridge", "Bridge:", bridge);
    return 0;
}

const struct command cmd_net_info = {
    "net-info",
    "network information",
    "Returns basic information about the network",
    OPTIONS(NETWORK(0)),
    .run = net_info,
    .json = "{name: string, uuid: string, active: boolean, persistent: boolean, autostart: boolean, "
            "bridge: string?}",
};

/* ---- all of them ----------------------------------------------------------------------------------------
 */

/* Active ones first, then by name. */
static int by_state_and_name(const void *a, const void *b)
{
    virNetworkPtr one = *(const virNetworkPtr *)a, other = *(const virNetworkPtr *)b;
    int active = virNetworkIsActive(one) == 1, other_active = virNetworkIsActive(other) == 1;

    return active != other_active ? other_active - active
                                  : strcasecmp(virNetworkGetName(one), virNetworkGetName(other));
}

/* The third column of a table: what an autostart mark is called. */
static const char *autostart_word(int result, int autostart)
{
    return result < 0 ? "no autostart" : autostart ? "yes" : "no";
}

static int list_plain(struct cmd *cmd, virNetworkPtr *networks, int count, bool uuids)
{
    layout(cmd, LAYOUT_VALUE);
    open_array(cmd, NULL);
    for (int i = 0; i < count; i++) {
        char uuid[VIR_UUID_STRING_BUFLEN];

        if (uuids && virNetworkGetUUIDString(networks[i], uuid) < 0)
            return say_error(cmd, "Failed to get network's UUID");
        field(cmd, NULL, NULL, uuids ? uuid : virNetworkGetName(networks[i]));
    }
    return 0;
}

/* The title that libvirt 9.10 and later keep; "" where there is none. */
static const char *title_of(struct cmd *cmd, virNetworkPtr network)
{
    char *title = NEWER(virNetworkGetMetadata)(network, VIR_NETWORK_METADATA_TITLE, NULL, 0);

    if (!title)
        forget_error();
    return title ? cmd_own_text(cmd, title) : "";
}

static int net_list(struct cmd *cmd)
{
    bool uuids = cmd_has(cmd, "uuid"), names = cmd_has(cmd, "name"), titles = cmd_has(cmd, "title");
    unsigned flags = cmd_flags(cmd);

    if (uuids + names + cmd_has(cmd, "table") > 1)
        return say_error(cmd, "Only one argument from --table, --name and --uuid may be specified.");
    if (cmd_has(cmd, "all"))
        flags |= VIR_CONNECT_LIST_NETWORKS_ACTIVE | VIR_CONNECT_LIST_NETWORKS_INACTIVE;
    else if (!cmd_has(cmd, "inactive"))
        flags |= VIR_CONNECT_LIST_NETWORKS_ACTIVE;
    virNetworkPtr *networks = NULL;
    int count = virConnectListAllNetworks(cmd_conn(cmd), &networks, flags);

    if (count < 0)
        return flags & VIR_CONNECT_LIST_NETWORKS_ACTIVE
                   ? list_failed(cmd, "Failed to list networks", virConnectNumOfNetworks,
                                 "Failed to get the number of active networks")
                   : list_failed(cmd, "Failed to list networks", virConnectNumOfDefinedNetworks,
                                 "Failed to get the number of inactive networks");
    own_list(cmd, networks, count, network);
    qsort(networks, (size_t)count, sizeof(*networks), by_state_and_name);
    if (uuids || names)
        return list_plain(cmd, networks, count, uuids);
    struct table *table = titles ? table_new(cmd, "name:Name", "state:State", "autostart?:Autostart",
                                             "persistent?:Persistent", "title:Title")
                                 : table_new(cmd, "name:Name", "state:State", "autostart?:Autostart",
                                             "persistent?:Persistent", "!uuid:UUID");

    for (int i = 0; i < count; i++) {
        char uuid[VIR_UUID_STRING_BUFLEN] = "";
        int autostart = 0, marked = virNetworkGetAutostart(networks[i], &autostart);

        virNetworkGetUUIDString(networks[i], uuid);
        table_row(table, virNetworkGetName(networks[i]),
                  virNetworkIsActive(networks[i]) == 1 ? "active" : "inactive",
                  autostart_word(marked, autostart), virNetworkIsPersistent(networks[i]) ? "yes" : "no",
                  titles ? title_of(cmd, networks[i]) : uuid);
    }
    table_print(table, NULL);
    return 0;
}

const struct command cmd_net_list = {
    "net-list",
    "list networks",
    "Returns list of networks.",
    OPTIONS(
        FLAG("inactive", VIR_CONNECT_LIST_NETWORKS_INACTIVE, "list inactive networks"),
        FLAG("all", 0, "list inactive & active networks"),
        FLAG("persistent", VIR_CONNECT_LIST_NETWORKS_PERSISTENT, "list persistent networks"),
        FLAG("transient", VIR_CONNECT_LIST_NETWORKS_TRANSIENT, "list transient networks"),
        FLAG("autostart", VIR_CONNECT_LIST_NETWORKS_AUTOSTART, "list networks with autostart enabled"),
        FLAG("no-autostart", VIR_CONNECT_LIST_NETWORKS_NO_AUTOSTART, "list networks with autostart disabled"),
        FLAG("uuid", 0, "list uuid's only"), FLAG("name", 0, "list network names only"),
        FLAG("table", 0, "list table (default)"), FLAG_NEW("title", 0, "show network title")),
    .run = net_list,
    .json = "[{name: string, state: string, autostart: boolean?, persistent: boolean, uuid: string?, "
            "title: string?}] | [string]",
};

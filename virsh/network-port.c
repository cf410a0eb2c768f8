/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network: what hangs on one: ports, leases, parts that are changed while it runs, description and metadata.
 */
#include <strings.h>
#include <time.h>

#include "base/enum.h"
#include "virsh/virsh.h"

#define or_dash(text) ((text) ? (text) : "-")

/* ---- leases ---------------------------------------------------------------------------------------------
 */

static void lease_release(void *lease)
{
    virNetworkDHCPLeaseFree(lease);
}

static void own_lease(struct cmd *cmd, virNetworkDHCPLeasePtr lease)
{
    cmd_own(cmd, lease, lease_release);
}

static int by_mac(const void *a, const void *b)
{
    virNetworkDHCPLeasePtr one = *(const virNetworkDHCPLeasePtr *)a,
                           other = *(const virNetworkDHCPLeasePtr *)b;

    return strcasecmp(one->mac ? one->mac : "", other->mac ? other->mac : "");
}

static const char *protocol_name(int type)
{
    return type == VIR_IP_ADDR_TYPE_IPV4 ? "ipv4" : type == VIR_IP_ADDR_TYPE_IPV6 ? "ipv6" : "-";
}

static int net_dhcp_leases(struct cmd *cmd)
{
    virNetworkDHCPLeasePtr *leases = NULL;
    const char *mac = NULL;

    if (cmd_string(cmd, "mac", &mac) < 0)
        return -1;
    virNetworkPtr network = cmd_network(cmd);

    if (!network)
        return -1;
    const char *name = virNetworkGetName(network);
    int count = virNetworkGetDHCPLeases(network, mac, &leases, 0);

    if (count < 0)
        return say_error(cmd, "Failed to get leases info for %s", name);
    own_list(cmd, leases, count, lease);
    qsort(leases, (size_t)count, sizeof(*leases), by_mac);
    struct table *table = table_new(cmd, "expires:Expiry Time", "mac:MAC address", "protocol:Protocol",
                                    "address:IP address", "hostname:Hostname", "client_id:Client ID or DUID");

    for (int i = 0; i < count; i++) {
        virNetworkDHCPLeasePtr lease = leases[i];
        time_t expires = (time_t)lease->expirytime;
        struct tm tm;
        char text[64];

        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", localtime_r(&expires, &tm));
        table_row(table, text, or_dash(lease->mac), protocol_name(lease->type),
                  cmd_printf(cmd, "%s/%u", lease->ipaddr, lease->prefix), or_dash(lease->hostname),
                  or_dash(lease->clientid));
    }
    table_print(table, NULL);
    return 0;
}

const struct command cmd_net_dhcp_leases = {
    "net-dhcp-leases",
    "print lease info for a given network",
    "Print lease info for a given network",
    OPTIONS(NETWORK(VIR_CONNECT_LIST_NETWORKS_ACTIVE), STRING("mac", "MAC address")),
    .run = net_dhcp_leases,
    .json = "[{expires: string, mac: string?, protocol: string, address: string, hostname: string?, "
            "client_id: string?}]",
};

/* ---- changing parts -------------------------------------------------------------------------------------
 */

/* By VIR_NETWORK_UPDATE_COMMAND_* and VIR_NETWORK_SECTION_*. */
static const char *const update_names[] = {"", "modify", "delete", "add-last", "add-first", NULL};
static const char *const section_names[] = {"",
                                            "bridge",
                                            "domain",
                                            "ip",
                                            "ip-dhcp-host",
                                            "ip-dhcp-range",
                                            "forward",
                                            "forward-interface",
                                            "forward-pf",
                                            "portgroup",
                                            "dns-host",
                                            "dns-txt",
                                            "dns-srv",
                                            NULL};

static int net_update(struct cmd *cmd)
{
    virNetworkPtr network = cmd_network(cmd);
    const char *update, *section, *xml;
    int parent = -1;

    if (!network || cmd_string(cmd, "command", &update) < 0)
        return -1;
    int what = enum_find(update_names, str_eq(update, "add") ? "add-last" : update);

    if (what < 0)
        return say_error(cmd, "unrecognized command name '%s'", update);
    if (cmd_string(cmd, "section", &section) < 0)
        return -1;
    int where = enum_find(section_names, section);

    if (where < 0)
        return say_error(cmd, "unrecognized section name '%s'", section);
    if (cmd_int(cmd, "parent-index", &parent) < 0 || cmd_string(cmd, "xml", &xml) < 0)
        return -1;
    if (*xml != '<')
        xml = cmd_file(cmd, "xml");
    if (!xml)
        return -1;
    const char *name = virNetworkGetName(network);

    if (virNetworkUpdate(network, (unsigned)what, (unsigned)where, parent, xml, cmd_affect(cmd)) < 0)
        return say_error(cmd, "Failed to update network %s", name);
    bool config = cmd_has(cmd, "config"), live = cmd_has(cmd, "live");

    say(cmd, "Updated network %s %s", name,
        !config ? "live state"
        : live  ? "persistent config and live state"
                : "persistent config");
    return 0;
}

/* clang-format off */
#define NETWORK_AFFECT                                                                                       \
    FLAG("config", VIR_NETWORK_UPDATE_AFFECT_CONFIG, "affect next network startup"),                         \
    FLAG("live", VIR_NETWORK_UPDATE_AFFECT_LIVE, "affect running network"),                                  \
    FLAG("current", VIR_NETWORK_UPDATE_AFFECT_CURRENT, "affect current state of network")
/* clang-format on */

const struct command cmd_net_update = {
    "net-update",
    "update parts of an existing network's configuration",
    NULL,
    OPTIONS(NETWORK(0),
            ARG("command", "type of update (add-first, add-last (add), delete, or modify)",
                .words = "add-first,add-last,delete,modify"),
            ARG("section", "which section of network configuration to update",
                .words = "bridge,domain,ip,ip-dhcp-host,ip-dhcp-range,forward,forward-interface,forward-pf,"
                         "portgroup,dns-host,dns-txt,dns-srv"),
            ARG("xml",
                "name of file containing xml (or, if it starts with '<', the complete xml element itself) to "
                "add/modify, or to be matched for search",
                .complete = complete_file),
            NUMBER("parent-index", "which parent object to search through"), NETWORK_AFFECT),
    .run = net_update,
    .conflicts = AFFECT_CONFLICTS,
};

/* ---- ports ----------------------------------------------------------------------------------------------
 */

static void port_release(void *port)
{
    virNetworkPortFree(port);
}

static virNetworkPortPtr own_port(struct cmd *cmd, virNetworkPortPtr port)
{
    return cmd_own(cmd, port, port_release);
}

static virNetworkPortPtr cmd_port(struct cmd *cmd)
{
    virNetworkPtr network = cmd_network(cmd);
    const char *uuid;

    if (!network || cmd_string(cmd, "port", &uuid) < 0)
        return NULL;
    virNetworkPortPtr port = NULL;

    if (strlen(uuid) == VIR_UUID_STRING_BUFLEN - 1)
        port = virNetworkPortLookupByUUIDString(network, uuid);
    if (!port)
        say_error(cmd, "failed to get network port '%s'", uuid);
    return own_port(cmd, port);
}

static int net_port_list(struct cmd *cmd)
{
    virNetworkPtr network = cmd_network(cmd);
    virNetworkPortPtr *ports = NULL;
    bool plain = cmd_has(cmd, "uuid");

    if (plain && cmd_has(cmd, "table"))
        return say_error(cmd, "Only one argument from --table and --uuid may be specified.");
    int count = network ? virNetworkListAllPorts(network, &ports, 0) : -1;

    if (count < 0)
        return -1;
    own_list(cmd, ports, count, port);
    struct table *table = table_new(cmd, "uuid:UUID");

    layout(cmd, LAYOUT_VALUE);
    for (int i = 0; i < count; i++) {
        char uuid[VIR_UUID_STRING_BUFLEN];

        if (virNetworkPortGetUUIDString(ports[i], uuid) < 0)
            return say_error(cmd, "Failed to get network's UUID");
        if (plain)
            field(cmd, NULL, NULL, uuid);
        else
            table_row(table, uuid);
    }
    if (!plain)
        table_print(table, NULL);
    return 0;
}

const struct command cmd_net_port_list = {
    "net-port-list",
    "list network ports",
    "Returns list of network ports.",
    OPTIONS(NETWORK(VIR_CONNECT_LIST_NETWORKS_ACTIVE), FLAG("uuid", 0, "list uuid's only"),
            FLAG("table", 0, "list table (default)")),
    .run = net_port_list,
    .json = "[{uuid: string}]",
};

static int net_port_create(struct cmd *cmd)
{
    virNetworkPtr network = cmd_network(cmd);
    const char *xml = network ? cmd_file(cmd, "file") : NULL;
    char uuid[VIR_UUID_STRING_BUFLEN];

    if (!xml)
        return -1;
    virNetworkPortPtr port = own_port(cmd, virNetworkPortCreateXML(network, xml, cmd_flags(cmd)));

    if (!port)
        return say_error(cmd, "Failed to create network from %s", cmd_raw(cmd, "file"));
    if (virNetworkPortGetUUIDString(port, uuid) < 0)
        return say_error(cmd, "Failed to get network's UUID");
    say(cmd, "Network port %s created from %s\n", uuid, cmd_raw(cmd, "file"));
    return 0;
}

const struct command cmd_net_port_create = {
    "net-port-create",
    "create a network port from an XML file",
    "Create a network port.",
    OPTIONS(NETWORK(VIR_CONNECT_LIST_NETWORKS_ACTIVE),
            FILE_ARG("file containing an XML network port description"),
            VALIDATE(VIR_NETWORK_PORT_CREATE_VALIDATE)),
    .run = net_port_create,
};

static int net_port_dumpxml(struct cmd *cmd)
{
    virNetworkPortPtr port = cmd_port(cmd);

    return port ? print_xml(cmd, virNetworkPortGetXMLDesc(port, 0)) : -1;
}

const struct command cmd_net_port_dumpxml = {
    "net-port-dumpxml",
    "network port information in XML",
    "Output the network port information as an XML dump to stdout.",
    OPTIONS(NETWORK(VIR_CONNECT_LIST_NETWORKS_ACTIVE), ARG("port", "port UUID"), XPATH),
    .run = net_port_dumpxml,
    .json = "{xml: string?, nodes: [string]?}",
};

static int net_port_delete(struct cmd *cmd)
{
    virNetworkPortPtr port = cmd_port(cmd);
    char uuid[VIR_UUID_STRING_BUFLEN];

    if (!port || virNetworkPortGetUUIDString(port, uuid) < 0)
        return -1;
    if (virNetworkPortDelete(port, 0) < 0)
        return say_error(cmd, "Failed to delete network port %s", uuid);
    say(cmd, "Network port %s deleted\n", uuid);
    return 0;
}

const struct command cmd_net_port_delete = {
    "net-port-delete",
    "delete the specified network port",
    "Delete the specified network port.",
    OPTIONS(NETWORK(VIR_CONNECT_LIST_NETWORKS_ACTIVE), ARG("port", "port UUID")),
    .run = net_port_delete,
};

/* ---- description and metadata, which libvirt 9.0 didn't have --------------------------------------------
 */

/* For edit(): the network, and which of its texts is edited. */
struct text_of {
    virNetworkPtr network;
    int kind; /* VIR_NETWORK_METADATA_* */
    const char *key, *uri;
    unsigned affect;
};

static int store_text(struct cmd *cmd, void *data, const char *text, unsigned flags)
{
    const struct text_of *of = data;

    return NEWER(virNetworkSetMetadata)(of->network, of->kind, text, of->key, of->uri, of->affect);
}

static int net_desc(struct cmd *cmd)
{
    bool title = cmd_has(cmd, "title");
    const char *noun = title ? "title" : "description";
    const char *const *words = cmd_strings(cmd, "new-desc");
    struct text_of of = {.network = cmd_network(cmd),
                         .kind = title ? VIR_NETWORK_METADATA_TITLE : VIR_NETWORK_METADATA_DESCRIPTION,
                         .affect = cmd_affect(cmd)};

    if (!of.network)
        return -1;
    if (*words && !cmd_has(cmd, "edit")) {
        char *text = cmd_own_text(cmd, strv_join((char *const *)words, " "));

        if (store_text(cmd, &of, *text ? text : NULL, 0) < 0)
            return say_error(cmd, "Failed to set new network %s", noun);
        say(cmd, "Network %s updated successfully", noun);
        return 0;
    }
    char *text = cmd_own_text(cmd, NEWER(virNetworkGetMetadata)(of.network, of.kind, NULL, of.affect));

    if (!text && last_error_code() != VIR_ERR_NO_NETWORK_METADATA)
        return -1;
    forget_error();
    if (cmd_has(cmd, "edit")) {
        struct edit work = {.document = text ? text : "", .store = store_text, .data = &of};

        work.what = cmd_printf(cmd, "Network %s", noun);
        return edit(cmd, &work);
    }
    if (text)
        field_document(cmd, noun, text);
    else if (is_json(cmd))
        field(cmd, noun, NULL, NULL);
    else
        print(cmd, title ? "No title for network: %s\n" : "No description for network: %s\n",
              virNetworkGetName(of.network));
    return 0;
}

const struct command cmd_net_desc = {
    "net-desc",
    "show or set network's description or title",
    "Allows setting or modifying the description or title of a network.",
    OPTIONS(NETWORK(0), NETWORK_AFFECT, FLAG("title", 0, "modify/get the title instead of description"),
            FLAG("edit", 0, "open an editor to modify the description"), STRINGS("new-desc", "message")),
    .run = net_desc,
    .is = IS_NEW,
    .conflicts = AFFECT_CONFLICTS,
    .json = "{description: string?, title: string?}",
};

static int net_metadata(struct cmd *cmd)
{
    struct text_of of = {
        .network = cmd_network(cmd), .kind = VIR_NETWORK_METADATA_ELEMENT, .affect = cmd_affect(cmd)};
    const char *set = NULL;

    if (!of.network || cmd_string(cmd, "uri", &of.uri) < 0 || cmd_string(cmd, "key", &of.key) < 0 ||
        cmd_string(cmd, "set", &set) < 0)
        return -1;
    if (set || cmd_has(cmd, "remove")) {
        if (store_text(cmd, &of, set, 0) < 0)
            return -1;
        say(cmd, set ? "Metadata modified\n" : "Metadata removed\n");
        return 0;
    }
    char *text = cmd_own_text(cmd, NEWER(virNetworkGetMetadata)(of.network, of.kind, of.uri, of.affect));

    if (cmd_has(cmd, "edit") && (text || last_error_code() == VIR_ERR_NO_NETWORK_METADATA)) {
        struct edit work = {
            .what = "Metadata", .document = text ? text : "", .store = store_text, .data = &of};

        forget_error();
        return edit(cmd, &work);
    }
    if (text)
        field_document(cmd, "metadata", text);
    return text ? 0 : -1;
}

const struct command cmd_net_metadata = {
    "net-metadata",
    "show or set network's custom XML metadata",
    "Shows or modifies the XML metadata of a network.",
    OPTIONS(NETWORK(0), ARG("uri", "URI of the namespace"), NETWORK_AFFECT,
            FLAG("edit", 0, "use an editor to change the metadata"),
            STRING_NAMED("key", "key to be used as a namespace identifier"),
            STRING_NAMED("set", "new metadata to set"), FLAG("remove", 0, "remove the metadata")),
    .run = net_metadata,
    .is = IS_NEW,
    .conflicts = AFFECT_CONFLICTS ", set edit, set remove, remove edit",
    .requires = "edit key, set key",
    .json = "{metadata: string}",
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nodedev: devices of the host. */
#include "base/enum.h"
#include "virsh/virsh.h"

/* ---- finding --------------------------------------------------------------------------------------------
 */

/* 16 hexadecimal digits, perhaps behind 0x: a world wide name. */
static bool is_wwn(const char *text)
{
    const char *digits = str_after(text, "0x");

    digits = digits ? digits : text;
    return strlen(digits) == 16 && str_only(digits, "0123456789abcdefABCDEF");
}

/* A device by its name, or by "WWNN,WWPN" where the command takes such a pair. */
static virNodeDevicePtr find(struct cmd *cmd, bool pairs)
{
    const char *text = NULL;
    virNodeDevicePtr device;

    if (cmd_string(cmd, "device", &text) < 0)
        return NULL;
    if (pairs && strchr(text, ',')) {
        auto_strv char **pair = split_list(text);

        if (strv_length(pair) != 2) {
            say_error(cmd, "Malformed device value '%s'", text);
            return NULL;
        }
        for (int i = 0; i < 2; i++)
            if (!is_wwn(pair[i])) {
                say_error(cmd, "internal error: Malformed wwn: %s", pair[i]);
                return NULL;
            }
        device = virNodeDeviceLookupSCSIHostByWWN(cmd_conn(cmd), pair[0], pair[1], 0);
    } else {
        device = virNodeDeviceLookupByName(cmd_conn(cmd), text);
    }
    if (!device)
        say_error(cmd, "Could not find matching device '%s'", text);
    return own_nodedev(cmd, device);
}

/* In the row of the option: a pair names a device too. */
enum { OR_PAIR = 1 };

virNodeDevicePtr cmd_nodedev(struct cmd *cmd)
{
    return find(cmd, option_bits(cmd, "device") & OR_PAIR);
}

#define DEVICE(help) ARG("device", help, 0, complete_nodedev)
#define DEVICE_OR_PAIR                                                                                       \
    ARG("device", "device name or wwn pair in 'wwnn,wwpn' format", OR_PAIR, complete_nodedev)
#define DEVICE_FILE FILE_ARG("file containing an XML description of the device")

/* ---- one device -----------------------------------------------------------------------------------------
 */

const struct command cmd_nodedev_create = {
    "nodedev-create",
    "create a device defined by an XML file on the node",
    "Create a device on the node.  Note that this command creates devices on the physical host that can then "
    "be assigned to a virtual machine.",
    OPTIONS(DEVICE_FILE, VALIDATE(VIR_NODE_DEVICE_CREATE_XML_VALIDATE)),
    DEFINES_FLAGGED(nodedev, virNodeDeviceCreateXML),
    .done = "Node device %s created from %s\n",
    .failed = "Failed to create node device from %s",
};

const struct command cmd_nodedev_define = {
    "nodedev-define",
    "Define a device by an xml file on a node",
    "Defines a persistent device on the node that can be assigned to a domain. The device must be started "
    "before it can be assigned to a domain.",
    OPTIONS(DEVICE_FILE, VALIDATE(VIR_NODE_DEVICE_DEFINE_XML_VALIDATE)),
    DEFINES_FLAGGED(nodedev, virNodeDeviceDefineXML),
    .done = "Node device '%s' defined from '%s'\n",
    .failed = "Failed to define node device from '%s'",
};

const struct command cmd_nodedev_destroy = {
    "nodedev-destroy",
    "destroy (stop) a device on the node",
    "Destroy a device on the node.  Note that this command destroys devices on the physical host",
    OPTIONS(ALIAS("name", "device"), DEVICE_OR_PAIR),
    ACTION(nodedev, virNodeDeviceDestroy),
    .done = "Destroyed node device '%s'\n",
    .failed = "Failed to destroy node device '%s'",
};

const struct command cmd_nodedev_dumpxml = {
    "nodedev-dumpxml",
    "node device details in XML",
    "Output the node device details as an XML dump to stdout.",
    OPTIONS(DEVICE_OR_PAIR, XPATH,
            FLAG_NEW("inactive", VIR_NODE_DEVICE_XML_INACTIVE, "show inactive defined XML")),
    DUMPXML(nodedev, virNodeDeviceGetXMLDesc),
};

static int nodedev_detach(struct cmd *cmd)
{
    virNodeDevicePtr device = cmd_nodedev(cmd);
    const char *driver = cmd_raw(cmd, "driver");

    if (!device)
        return -1;
    const char *name = virNodeDeviceGetName(device);

    /* servers of old know only the call without driver */
    if ((str_empty(driver) ? virNodeDeviceDettach(device) : virNodeDeviceDetachFlags(device, driver, 0)) < 0)
        return say_error(cmd, "Failed to detach device %s", name);
    say(cmd, "Device %s detached\n", name);
    return 0;
}

const struct command cmd_nodedev_detach = {
    "nodedev-detach",
    "detach node device from its device driver",
    "Detach node device from its device driver before assigning to a domain.",
    OPTIONS(
        DEVICE("device key"),
        STRING("driver", "pci device assignment backend driver (e.g. 'vfio' or 'xen')", .words = "vfio,xen")),
    .run = nodedev_detach,
};

const struct command cmd_nodedev_dettach = {"nodedev-dettach", "nodedev-detach", .is = IS_ALIAS};

const struct command cmd_nodedev_reattach = {
    "nodedev-reattach",
    "reattach node device to its device driver",
    "Reattach node device to its device driver once released by the domain.",
    OPTIONS(DEVICE("device key")),
    ACTION(nodedev, virNodeDeviceReAttach),
    .done = "Device %s re-attached\n",
    .failed = "Failed to re-attach device %s",
};

const struct command cmd_nodedev_reset = {
    "nodedev-reset",
    "reset node device",
    "Reset node device before or after assigning to a domain.",
    OPTIONS(DEVICE("device key")),
    ACTION(nodedev, virNodeDeviceReset),
    .done = "Device %s reset\n",
    .failed = "Failed to reset device %s",
};

const struct command cmd_nodedev_undefine = {
    "nodedev-undefine",
    "Undefine an inactive node device",
    "Undefines the configuration for an inactive node device",
    OPTIONS(DEVICE_OR_PAIR),
    ACTION_FLAGS(nodedev, virNodeDeviceUndefine),
    .done = "Undefined node device '%s'\n",
    .failed = "Failed to undefine node device '%s'",
};

const struct command cmd_nodedev_start = {
    "nodedev-start",
    "Start an inactive node device",
    "Starts an inactive node device that was previously defined",
    OPTIONS(DEVICE("device name")),
    ACTION_FLAGS(nodedev, virNodeDeviceCreate),
    .done = "Device %s started\n",
    .failed = "Failed to start device %s",
};

const struct command cmd_nodedev_autostart = {
    "nodedev-autostart",
    "autostart a defined node device",
    "Configure a node device to be automatically started at boot.",
    OPTIONS(DEVICE_OR_PAIR, FLAG("disable", 0, "disable autostarting")),
    AUTOSTARTS(nodedev, virNodeDeviceSetAutostart, "device", "Device"),
};

static int nodedev_update(struct cmd *cmd)
{
    virNodeDevicePtr device = cmd_nodedev(cmd);
    const char *document = device ? cmd_file(cmd, "file") : NULL;

    if (!document)
        return -1;
    const char *name = virNodeDeviceGetName(device);

    if (NEWER(virNodeDeviceUpdate)(device, document, cmd_flags(cmd)) < 0)
        return say_error(cmd, "Failed to update node device %s from '%s'", name, cmd_raw(cmd, "file"));
    say(cmd, "Updated node device %s\n", name);
    return 0;
}

const struct command cmd_nodedev_update = {
    "nodedev-update",
    "update a active and/or inactive node device",
    "Updates the configuration of a node device",
    OPTIONS(DEVICE_OR_PAIR, DEVICE_FILE,
            FLAG("config", VIR_NODE_DEVICE_UPDATE_AFFECT_CONFIG, "affect next node device startup"),
            FLAG("live", VIR_NODE_DEVICE_UPDATE_AFFECT_LIVE, "affect running node device"),
            FLAG("current", VIR_NODE_DEVICE_UPDATE_AFFECT_CURRENT, "affect current state of node device")),
    .run = nodedev_update,
    .is = IS_NEW,
    .conflicts = AFFECT_CONFLICTS,
};

static int nodedev_info(struct cmd *cmd)
{
    virNodeDevicePtr device = cmd_nodedev(cmd);
    int autostart;

    if (!device)
        return -1;
    const char *parent = virNodeDeviceGetParent(device);

    field(cmd, "name", "Name:", virNodeDeviceGetName(device));
    field(cmd, "parent", "Parent:", parent);
    /* a driver that can't tell has only devices that are there */
    field_bool(cmd, "active", "Active:", virNodeDeviceIsActive(device) != 0, "yes/no");
    field_bool(cmd, "persistent", "Persistent:", virNodeDeviceIsPersistent(device) != 0, "yes/no");
    if (virNodeDeviceGetAutostart(device, &autostart) < 0)
        field_as(cmd, "autostart", "Autostart:", "null", "no autostart");
    else
        field_bool(cmd, "autostart", "Autostart:", autostart, "yes/no");
    return 0;
}

const struct command cmd_nodedev_info = {
    "nodedev-info",
    "node device information",
    "Returns basic information about the node device",
    OPTIONS(DEVICE_OR_PAIR),
    .run = nodedev_info,
    .json = "{name: string, parent: string?, active: boolean, persistent: boolean, autostart: boolean?}",
};

/* ---- all of them ----------------------------------------------------------------------------------------
 */

/* By the bits of VIR_CONNECT_LIST_NODE_DEVICES_CAP_*. */
static const char *const cap_names[] = {
    "system",  "pci",     "usb_device", "usb",          "net",       "scsi_host",  "scsi_target", "scsi",
    "storage", "fc_host", "vports",     "scsi_generic", "drm",       "mdev_types", "mdev",        "ccw",
    "css",     "vdpa",    "ap_card",    "ap_queue",     "ap_matrix", "vpd",        NULL};

static int by_name(const void *a, const void *b)
{
    return strcmp(virNodeDeviceGetName(*(const virNodeDevicePtr *)a),
                  virNodeDeviceGetName(*(const virNodeDevicePtr *)b));
}

static void list_tree(struct cmd *cmd, virNodeDevicePtr *devices, size_t count)
{
    auto_free const char **names = NEW_ARRAY(const char *, count);
    auto_free const char **parent_names = NEW_ARRAY(const char *, count);
    auto_free int *parents = NEW_ARRAY(int, count);

    for (size_t i = 0; i < count; i++) {
        names[i] = virNodeDeviceGetName(devices[i]);
        parent_names[i] = virNodeDeviceGetParent(devices[i]);
    }
    find_parents(names, parent_names, count, parents);
    print_tree(cmd, names, parents, count);
}

static int count_devices(virConnectPtr conn)
{
    return virNodeNumOfDevices(conn, NULL, 0);
}

static int nodedev_list(struct cmd *cmd)
{
    bool tree = cmd_has(cmd, "tree"), all = cmd_has(cmd, "all"), inactive = cmd_has(cmd, "inactive");
    const char *list = cmd_raw(cmd, "cap");
    unsigned flags = cmd_flags(cmd);

    if (all && inactive)
        return say_error(cmd, "Option --all is incompatible with --inactive");
    if (tree && (list || inactive))
        return say_error(cmd, "Option --tree is incompatible with --cap and --inactive");
    if (all || !inactive)
        flags |= VIR_CONNECT_LIST_NODE_DEVICES_ACTIVE;
    if (all)
        flags |= VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE;
    auto_strv char **caps = str_empty(list) ? NULL : split_list(list);

    for (char **cap = caps; cap && *cap; cap++) {
        int bit = enum_find(cap_names, *cap);

        if (bit < 0)
            return say_error(cmd, "Invalid capability type");
        flags |= 1u << bit;
    }
    virNodeDevicePtr *devices = NULL;
    int count = virConnectListAllNodeDevices(cmd_conn(cmd), &devices, flags);

    if (count < 0)
        return list_failed(cmd, "Failed to list node devices", count_devices, "Failed to count node devices");
    own_list(cmd, devices, count, nodedev);
    qsort(devices, (size_t)count, sizeof(*devices), by_name);
    if (tree) {
        list_tree(cmd, devices, (size_t)count);
        return 0;
    }
    layout(cmd, LAYOUT_VALUE);
    open_array(cmd, NULL);
    for (int i = 0; i < count; i++)
        field(cmd, NULL, NULL, virNodeDeviceGetName(devices[i]));
    return 0;
}

const struct command cmd_nodedev_list = {
    "nodedev-list",
    "enumerate devices on this host",
    NULL,
    OPTIONS(FLAG("tree", 0, "list devices in a tree"),
            STRING("cap", "capability names, separated by comma",
                   .words = "system,pci,usb_device,usb,net,scsi_host,scsi_target,scsi,storage,fc_host,vports,"
                            "scsi_generic,drm,mdev_types,mdev,ccw,css,vdpa,ap_card,ap_queue,ap_matrix,vpd"),
            FLAG("inactive", VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE, "list inactive devices"),
            FLAG("all", 0, "list inactive & active devices"),
            FLAG_NEW("persistent", VIR_CONNECT_LIST_NODE_DEVICES_PERSISTENT, "list persistent devices"),
            FLAG_NEW("transient", VIR_CONNECT_LIST_NODE_DEVICES_TRANSIENT, "list transient devices")),
    .run = nodedev_list,
    .json = "[string]",
};

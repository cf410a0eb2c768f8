/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_NODEDEV
#include "model/nodedev.h"

#include "base/uuid.h"

const char *const nodedev_cap_type_names[] = {"",
                                              "system",
                                              "pci",
                                              "usb_device",
                                              "usb",
                                              "net",
                                              "scsi_host",
                                              "scsi_target",
                                              "scsi",
                                              "storage",
                                              "fc_host",
                                              "vport_ops",
                                              "scsi_generic",
                                              "drm",
                                              "mdev_types",
                                              "mdev",
                                              "ccw",
                                              "css",
                                              "vdpa",
                                              "ap_card",
                                              "ap_queue",
                                              "ap_matrix",
                                              "phys_function",
                                              "virt_functions",
                                              "pci-bridge",
                                              "cardbus-bridge",
                                              "80203",
                                              "80211",
                                              "removable",
                                              "hotpluggable",
                                              "fc_remote_port",
                                              NULL};

/* clang-format off */
#define T struct nodedev_id
XT_DECLARE(nodedev_product_table, T);
XT_DEFINE(nodedev_product_table, "product", NULL,
    XT_ATTR(T, id, "id", str, 0),
    XT_OWN(T, name, str, 0));
XT_DECLARE(nodedev_vendor_table, T);
XT_DEFINE(nodedev_vendor_table, "vendor", NULL,
    XT_ATTR(T, id, "id", str, 0),
    XT_OWN(T, name, str, 0));
#undef T

#define T struct nodedev_word
XT_DECLARE(nodedev_feature_table, T);
XT_DEFINE(nodedev_feature_table, "feature", NULL, XT_ATTR(T, name, "name", str, 0));
XT_DECLARE(nodedev_mdev_id_table, T);
XT_DEFINE(nodedev_mdev_id_table, "type", NULL, XT_ATTR(T, name, "id", str, 0));
#undef T
#define T struct nodedev_mdev_type
XT_DECLARE(nodedev_mdev_type_table, T);
XT_DEFINE(nodedev_mdev_type_table, "type", NULL,
    XT_ATTR(T, id, "id", str, 0),
    XT_TEXT(T, name, "name", str, 0),
    XT_TEXT(T, api, "deviceAPI", str, 0),
    XT_TEXT(T, instances, "availableInstances", opt_u64, 0));
#undef T
#define T struct nodedev_attribute
XT_DECLARE(nodedev_attribute_table, T);
XT_DEFINE(nodedev_attribute_table, "attr", NULL,
    XT_ATTR(T, name, "name", str, 0),
    XT_ATTR(T, value, "value", str, 0));
#undef T
#define T struct nodedev_link
XT_DECLARE(nodedev_link_table, T);
XT_DEFINE(nodedev_link_table, "link", NULL,
    XT_ATTR(T, validity, "validity", str, 0),
    XT_ATTR(T, port, "port", opt_u32, 0),
    XT_ATTR(T, speed, "speed", str, 0),
    XT_ATTR(T, width, "width", opt_u32, 0));
#undef T
#define T struct nodedev_iommu
XT_DECLARE(nodedev_iommu_table, T);
XT_DEFINE(nodedev_iommu_table, "iommuGroup", NULL,
    XT_ATTR(T, number, "number", opt_u32, 0),
    XT_LIST(T, addresses, n_addresses, "address", pci_address_table, XT_NO_ABI));
#undef T

#define T struct nodedev_cap
#define NESTED XT_LIST(T, caps, n_caps, "capability", nodedev_cap_table, 0)
/* Where ccw devices and subchannels are. */
#define CHANNEL                                                                                              \
    XT_TEXT(T, cssid, "cssid", str, 0), XT_TEXT(T, ssid, "ssid", str, 0), XT_TEXT(T, devno, "devno", str, 0)
XT_DEFINE(nodedev_cap_table, "capability", NULL,
    XT_ENUM(T, type, "type", nodedev_cap_type_names, XT_REQUIRED),
    XT_UNION(T, type, 0,
        XT_ARM(NODEDEV_CAP_SYSTEM,
            XT_TEXT(T, product, "product", str, 0),
            XT_GROUP("hardware", XT_ALWAYS | XT_SPREAD,
                XT_TEXT(T, vendor, "vendor", str, 0),
                XT_TEXT(T, version, "version", str, 0),
                XT_TEXT(T, serial, "serial", str, 0),
                XT_TEXT(T, uuid, "uuid", uuid, 0)),
            XT_GROUP("firmware", XT_ALWAYS | XT_SPREAD,
                XT_TEXT(T, firmware_vendor, "vendor", str, 0),
                XT_TEXT(T, firmware_version, "version", str, 0),
                XT_TEXT(T, firmware_date, "release_date", str, 0))),
        XT_ARM(NODEDEV_CAP_PCI,
            XT_TEXT(T, pci_class, "class", str, 0),
            XT_TEXT(T, domain, "domain", opt_u32, 0),
            XT_TEXT(T, bus, "bus", opt_u32, 0),
            XT_TEXT(T, slot, "slot", opt_u32, 0),
            XT_TEXT(T, function, "function", opt_u32, 0),
            XT_CHILD(T, id_product, "product", nodedev_product_table, 0),
            XT_CHILD(T, id_vendor, "vendor", nodedev_vendor_table, 0),
            NESTED,
            XT_CHILD(T, iommu, "iommuGroup", nodedev_iommu_table, XT_SPREAD),
            XT_GROUP("numa", 0, XT_ATTR(T, numa, "node", opt_i32, 0)),
            XT_GROUP("pci-express", 0, XT_LIST(T, links, n_links, "link", nodedev_link_table, 0))),
        XT_ARM(NODEDEV_CAP_PHYS_FUNCTION,
            XT_LIST(T, functions, n_functions, "address", pci_address_table, XT_NO_ABI)),
        XT_ARM(NODEDEV_CAP_VIRT_FUNCTIONS,
            XT_ATTR(T, max_functions, "maxCount", opt_u32, 0),
            XT_LIST(T, functions, n_functions, "address", pci_address_table, XT_NO_ABI)),
        XT_ARM(NODEDEV_CAP_USB_DEVICE,
            XT_TEXT(T, bus, "bus", opt_u32, 0),
            XT_TEXT(T, device, "device", opt_u32, 0),
            XT_CHILD(T, id_product, "product", nodedev_product_table, 0),
            XT_CHILD(T, id_vendor, "vendor", nodedev_vendor_table, 0)),
        XT_ARM(NODEDEV_CAP_USB,
            XT_TEXT(T, number, "number", opt_u32, 0),
            XT_TEXT(T, usb_class, "class", str, 0),
            XT_TEXT(T, usb_subclass, "subclass", str, 0),
            XT_TEXT(T, usb_protocol, "protocol", str, 0),
            XT_TEXT(T, description, "description", str, 0)),
        XT_ARM(NODEDEV_CAP_NET,
            XT_TEXT(T, interface, "interface", str, 0),
            XT_TEXT(T, address, "address", str, 0),
            XT_GROUP("link", 0,
                XT_ATTR(T, link_speed, "speed", str, 0),
                XT_ATTR(T, link_state, "state", str, 0)),
            XT_LIST(T, features, n_features, "feature", nodedev_feature_table, 0),
            NESTED),
        XT_ARM(NODEDEV_CAP_SCSI_HOST,
            XT_TEXT(T, host, "host", opt_u32, 0),
            XT_TEXT(T, unique_id, "unique_id", opt_u32, 0),
            NESTED),
        XT_ARM(NODEDEV_CAP_SCSI_TARGET,
            XT_TEXT(T, target_name, "target", str, 0),
            NESTED),
        XT_ARM(NODEDEV_CAP_SCSI,
            XT_TEXT(T, host, "host", opt_u32, 0),
            XT_TEXT(T, bus, "bus", opt_u32, 0),
            XT_TEXT(T, target, "target", opt_u32, 0),
            XT_TEXT(T, lun, "lun", opt_u32, 0),
            XT_TEXT(T, scsi_type, "type", str, 0)),
        XT_ARM(NODEDEV_CAP_STORAGE,
            XT_TEXT(T, block, "block", str, 0),
            XT_TEXT(T, storage_bus, "bus", str, 0),
            XT_TEXT(T, drive_type, "drive_type", str, 0),
            XT_TEXT(T, model, "model", str, 0),
            XT_TEXT(T, vendor, "vendor", str, 0),
            XT_TEXT(T, serial, "serial", str, 0),
            NESTED,
            XT_TEXT(T, size, "size", opt_u64, 0),
            XT_TEXT(T, logical_block_size, "logical_block_size", opt_u64, 0),
            XT_TEXT(T, num_blocks, "num_blocks", opt_u64, 0)),
        XT_ARM(NODEDEV_CAP_REMOVABLE,
            XT_TEXT(T, media_available, "media_available", opt_u32, 0),
            XT_TEXT(T, media_size, "media_size", opt_u64, 0),
            XT_TEXT(T, media_label, "media_label", str, 0),
            XT_TEXT(T, logical_block_size, "logical_block_size", opt_u64, 0),
            XT_TEXT(T, num_blocks, "num_blocks", opt_u64, 0)),
        XT_ARM(NODEDEV_CAP_FC_HOST,
            XT_TEXT(T, wwnn, "wwnn", str, 0),
            XT_TEXT(T, wwpn, "wwpn", str, 0),
            XT_TEXT(T, fabric_wwn, "fabric_wwn", str, 0)),
        XT_ARM(NODEDEV_CAP_FC_REMOTE_PORT,
            XT_TEXT(T, rport, "rport", str, 0),
            XT_TEXT(T, wwpn, "wwpn", str, 0)),
        XT_ARM(NODEDEV_CAP_VPORTS,
            XT_TEXT(T, max_vports, "max_vports", opt_u32, XT_ALWAYS),
            XT_TEXT(T, vports, "vports", opt_u32, XT_ALWAYS)),
        XT_ARM(NODEDEV_CAP_SCSI_GENERIC,
            XT_TEXT(T, device_path, "char", str, 0)),
        XT_ARM(NODEDEV_CAP_DRM,
            XT_TEXT(T, kind, "type", str, 0)),
        XT_ARM(NODEDEV_CAP_MDEV_TYPES,
            XT_LIST(T, types, n_types, "type", nodedev_mdev_type_table, 0)),
        XT_ARM(NODEDEV_CAP_MDEV,
            XT_CHILD(T, mdev_type, "type", nodedev_mdev_id_table, 0),
            XT_TEXT(T, uuid, "uuid", uuid, 0),
            XT_TEXT(T, parent_address, "parent_addr", str, 0),
            XT_CHILD(T, iommu, "iommuGroup", nodedev_iommu_table, 0),
            XT_LIST(T, attributes, n_attributes, "attr", nodedev_attribute_table, 0)),
        XT_ARM(NODEDEV_CAP_CCW, CHANNEL),
        XT_ARM(NODEDEV_CAP_CSS, CHANNEL,
            XT_GROUP("channel_dev_addr", 0,
                XT_TEXT(T, channel_cssid, "cssid", str, 0),
                XT_TEXT(T, channel_ssid, "ssid", str, 0),
                XT_TEXT(T, channel_devno, "devno", str, 0)),
            NESTED),
        XT_ARM(NODEDEV_CAP_VDPA,
            XT_TEXT(T, chardev, "chardev", str, 0)),
        XT_ARM(NODEDEV_CAP_AP_CARD,
            XT_TEXT(T, adapter, "ap-adapter", str, 0)),
        XT_ARM(NODEDEV_CAP_AP_QUEUE,
            XT_TEXT(T, adapter, "ap-adapter", str, 0),
            XT_TEXT(T, ap_domain, "ap-domain", str, 0)),
        XT_ARM(NODEDEV_CAP_AP_MATRIX, NESTED)));
#undef NESTED
#undef CHANNEL
#undef T

#define T struct nodedev_node
XT_DECLARE(nodedev_node_table, T);
XT_DEFINE(nodedev_node_table, "devnode", NULL,
    XT_ATTR(T, type, "type", str, 0),
    XT_OWN(T, path, str, 0));
#undef T
#define T struct nodedev_def
XT_DEFINE(nodedev_table, "device", NULL,
    XT_TEXT(T, name, "name", str, 0),
    XT_TEXT(T, path, "path", str, 0),
    XT_LIST(T, nodes, n_nodes, "devnode", nodedev_node_table, 0),
    XT_GROUP("parent", 0,
        XT_ATTR(T, parent_wwnn, "wwnn", str, 0),
        XT_ATTR(T, parent_wwpn, "wwpn", str, 0),
        XT_ATTR(T, parent_fabric_wwn, "fabric_wwn", str, 0),
        XT_OWN(T, parent, str, 0)),
    XT_GROUP("driver", 0, XT_TEXT(T, driver, "name", str, 0)),
    XT_LIST(T, caps, n_caps, "capability", nodedev_cap_table, 0));
#undef T
/* clang-format on */

struct nodedev_def *nodedev_parse(struct arena *arena, const char *xml, bool create, unsigned flags,
                                  struct err *err)
{
    static const struct xt_document document = {.table = &nodedev_table, .what = "(node_device_definition)"};
    struct nodedev_def *def = xt_parse(&document, arena, xml, flags, err);
    const struct nodedev_cap *system;

    if (!def)
        return NULL;
    if (create) {
        def->name = (char *)"new device";
    } else if (!def->name) {
        err_set(err, ERR_NO_NAME, "%s", "(node_device_definition)");
        return NULL;
    }
    if (!def->n_caps) {
        err_set(err, ERR_XML_ERROR, "no device capabilities for '%s'", def->name);
        return NULL;
    }
    system = nodedev_cap(def, NODEDEV_CAP_SYSTEM);
    if (system && !uuid_valid(system->uuid)) {
        err_set(err, ERR_INTERNAL_ERROR, "no system UUID supplied for '%s'", def->name);
        return NULL;
    }
    return def;
}

void nodedev_format(const struct nodedev_def *def, struct buf *text)
{
    xt_format(&nodedev_table, text, def, /* flags= */ 0, /* indent= */ 0);
}

static struct nodedev_cap *find(struct nodedev_cap *const *caps, size_t n_caps, enum nodedev_cap_type type)
{
    for (size_t i = 0; i < n_caps; i++) {
        struct nodedev_cap *inner;

        if (caps[i]->type == type)
            return caps[i];
        inner = find(caps[i]->caps, caps[i]->n_caps, type);
        if (inner)
            return inner;
    }
    return NULL;
}

struct nodedev_cap *nodedev_cap(const struct nodedev_def *def, enum nodedev_cap_type type)
{
    return find(def->caps, def->n_caps, type);
}

unsigned nodedev_cap_names(const struct nodedev_def *def, const char **names)
{
    unsigned count = 0;

    for (unsigned type = NODEDEV_CAP_UNSET + 1; type < NODEDEV_CAP_TYPE_MAX; type++)
        if (nodedev_cap(def, type))
            names[count++] = nodedev_cap_type_names[type];
    return count;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nodedev: what is said about a device of the host: its name, where it hangs, and what it can do.
 * Capabilities nest: a SCSI host may be a fibre channel host, too.
 */
#pragma once

#include "model/domain/device.h"

enum nodedev_cap_type {
    NODEDEV_CAP_UNSET,
    NODEDEV_CAP_SYSTEM,
    NODEDEV_CAP_PCI,
    NODEDEV_CAP_USB_DEVICE,
    NODEDEV_CAP_USB,
    NODEDEV_CAP_NET,
    NODEDEV_CAP_SCSI_HOST,
    NODEDEV_CAP_SCSI_TARGET,
    NODEDEV_CAP_SCSI,
    NODEDEV_CAP_STORAGE,
    NODEDEV_CAP_FC_HOST,
    NODEDEV_CAP_VPORTS,
    NODEDEV_CAP_SCSI_GENERIC,
    NODEDEV_CAP_DRM,
    NODEDEV_CAP_MDEV_TYPES,
    NODEDEV_CAP_MDEV,
    NODEDEV_CAP_CCW,
    NODEDEV_CAP_CSS,
    NODEDEV_CAP_VDPA,
    NODEDEV_CAP_AP_CARD,
    NODEDEV_CAP_AP_QUEUE,
    NODEDEV_CAP_AP_MATRIX,
    NODEDEV_CAP_PHYS_FUNCTION,
    NODEDEV_CAP_VIRT_FUNCTIONS,
    NODEDEV_CAP_PCI_BRIDGE,
    NODEDEV_CAP_CARDBUS_BRIDGE,
    NODEDEV_CAP_ETHERNET,
    NODEDEV_CAP_WIRELESS,
    NODEDEV_CAP_REMOVABLE,
    NODEDEV_CAP_HOTPLUGGABLE,
    NODEDEV_CAP_FC_REMOTE_PORT,
    NODEDEV_CAP_TYPE_MAX
};
extern const char *const nodedev_cap_type_names[];

struct nodedev_id {
    char *id, *name;
};

/* Named by its attribute or text: a network card's feature, a type's id. */
struct nodedev_word {
    char *name;
};
struct nodedev_mdev_type {
    char *id, *name, *api;
    struct opt_u64 instances; /* that can still be made */
};
struct nodedev_attribute {
    char *name, *value;
};
/* Links of a PCI Express device: what it can, what it does. */
struct nodedev_link {
    char *validity, *speed;
    struct opt_u32 port, width;
};
struct nodedev_iommu {
    struct opt_u32 number;
    struct pci_address **addresses;
    size_t n_addresses;
};

struct nodedev_cap {
    enum nodedev_cap_type type;
    /* system */
    char *product, *vendor, *version, *serial;
    uint8_t uuid[UUID_SIZE]; /* mdev, too */
    char *firmware_vendor, *firmware_version, *firmware_date;
    /* pci */
    char *pci_class;
    struct opt_u32 domain, bus, slot, function;
    struct nodedev_id *id_product, *id_vendor;
    struct nodedev_iommu *iommu; /* mdev, too */
    struct opt_i32 numa;
    struct nodedev_link **links;
    size_t n_links;
    struct opt_u32 max_functions; /* virt_functions */
    struct pci_address **functions;
    size_t n_functions;
    /* usb_device, usb */
    struct opt_u32 device, number;
    char *usb_class, *usb_subclass, *usb_protocol, *description;
    /* net */
    char *interface, *address, *link_speed, *link_state;
    struct nodedev_word **features;
    size_t n_features;
    /* scsi_host, scsi_target, scsi, scsi_generic; fc_host; vport_ops; fc_remote_port */
    struct opt_u32 host, unique_id, target, lun;
    char *target_name, *scsi_type, *device_path;
    char *wwnn, *wwpn, *fabric_wwn, *rport;
    struct opt_u32 max_vports, vports;
    /* storage, removable */
    char *block, *storage_bus, *drive_type, *model, *media_label;
    struct opt_u32 media_available;
    struct opt_u64 media_size, size, logical_block_size, num_blocks;
    /* drm, mdev, mdev_types */
    char *kind;
    struct nodedev_word *mdev_type;
    char *parent_address;
    struct nodedev_attribute **attributes;
    size_t n_attributes;
    struct nodedev_mdev_type **types;
    size_t n_types;
    /* ccw, css; vdpa; ap_card, ap_queue */
    char *cssid, *ssid, *devno, *channel_cssid, *channel_ssid, *channel_devno;
    char *chardev, *adapter, *ap_domain;
    struct nodedev_cap **caps;
    size_t n_caps;
};
XT_DECLARE(nodedev_cap_table, struct nodedev_cap);

struct nodedev_node {
    char *type; /* dev, link */
    char *path;
};

struct nodedev_def {
    char *name, *path, *parent;
    struct nodedev_node **nodes;
    size_t n_nodes;
    char *parent_wwnn, *parent_wwpn, *parent_fabric_wwn; /* instead of a parent's name */
    char *driver;
    struct nodedev_cap **caps;
    size_t n_caps;
};
XT_DECLARE(nodedev_table, struct nodedev_def);

/* NULL with err set. create: a new device, which gets its name later. */
struct nodedev_def *nodedev_parse(struct arena *arena, const char *xml, bool create, unsigned flags,
                                  struct err *err);
void nodedev_format(const struct nodedev_def *def, struct buf *text);
/* The names of all capabilities, nested ones included, into names (room of NODEDEV_CAP_TYPE_MAX); how many.
 */
unsigned nodedev_cap_names(const struct nodedev_def *def, const char **names);
struct nodedev_cap *nodedev_cap(const struct nodedev_def *def, enum nodedev_cap_type type);

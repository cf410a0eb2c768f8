/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nodedev: what is said about a device of the host: its name, where it hangs, and what it can do.
 * Capabilities nest: a SCSI host may be a fibre channel host, too.
 */
#pragma once

#include "base/uuid.h"
#include "xml/xt.h"

enum nodedev_cap_type {
    NODEDEV_CAP_UNSET,
    NODEDEV_CAP_SYSTEM,
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
    NODEDEV_CAP_TYPE_MAX
};
extern const char *const nodedev_cap_type_names[];

struct nodedev_id {
    char *id, *name;
};

struct nodedev_cap {
    enum nodedev_cap_type type;
    /* system */
    char *product, *vendor, *version, *serial;
    uint8_t uuid[UUID_SIZE];
    char *firmware_vendor, *firmware_version, *firmware_date;
    /* usb_device, usb */
    struct opt_u32 bus, device, number;
    struct nodedev_id *usb_product, *usb_vendor;
    char *usb_class, *usb_subclass, *usb_protocol, *description;
    /* net */
    char *interface, *address, *link_speed, *link_state;
    /* scsi_host, scsi_target, scsi, scsi_generic; fc_host; vport_ops */
    struct opt_u32 host, unique_id, target_bus, target, lun;
    char *target_name, *scsi_type, *device_path;
    char *wwnn, *wwpn, *fabric_wwn;
    struct opt_u32 max_vports, vports;
    /* storage */
    char *block, *storage_bus, *drive_type, *model;
    struct opt_u64 size, logical_block_size, num_blocks;
    struct nodedev_cap **caps;
    size_t n_caps;
};
XT_DECLARE(nodedev_cap_table, struct nodedev_cap);

struct nodedev_def {
    char *name, *path, *parent;
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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hostdev: a device of the host that the guest gets. */
#pragma once

#include "model/domain/iface.h"

enum hostdev_mode { HOSTDEV_MODE_UNSET, HOSTDEV_SUBSYSTEM, HOSTDEV_CAPABILITIES, HOSTDEV_MODE_MAX };
extern const char *const hostdev_mode_names[];

enum hostdev_type {
    HOSTDEV_UNSET,
    HOSTDEV_USB,
    HOSTDEV_PCI,
    HOSTDEV_SCSI,
    HOSTDEV_SCSI_HOST,
    HOSTDEV_MDEV,
    HOSTDEV_STORAGE, /* mode='capabilities' from here */
    HOSTDEV_MISC,
    HOSTDEV_NET,
    HOSTDEV_TYPE_MAX
};
extern const char *const hostdev_type_names[];

struct hostdev {
    enum hostdev_mode mode;
    enum hostdev_type type;
    enum tristate managed, rawio; /* yes, no */
    char *sgio;
    char *model;                  /* mdev: vfio-pci...; scsi_host: virtio... */
    enum tristate display, ramfb; /* on, off */

    char *startup_policy;
    /* usb */
    uint32_t vendor, product; /* 0: not given */
    struct opt_u32 bus, device;
    char *usb_port;
    char *guest_reset;
    /* pci */
    struct pci_address pci;
    enum tristate write_filtering; /* yes, no */
    char *driver_name, *driver_model;
    enum tristate iommufd; /* yes, no */
    /* scsi and scsi_host */
    char *protocol; /* adapter, iscsi, vhost */
    char *adapter, *wwpn;
    struct opt_u32 scsi_bus, scsi_target;
    struct opt_u64 scsi_unit;
    char *name;
    struct net_host **hosts;
    size_t n_hosts;
    struct storage_auth *auth;
    char *initiator_iqn;
    bool readonly, shareable;
    /* mdev */
    char *uuid;
    /* capabilities */
    char *block, *chardev, *interface;
    struct iface_ips guest;

    char *teaming_type, *teaming_persistent;
    struct device_info info;
    /* of a running machine, not in the document */
    bool missing; /* startupPolicy forgave that it isn't there */
    int vhost_fd; /* scsi_host: what QEMU inherits */
};
XT_DECLARE(hostdev_table, struct hostdev);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Controller: one <controller> of a machine; also the buses that devices sit on. */
#pragma once

#include "model/domain/device.h"

enum controller_type {
    CONTROLLER_UNSET,
    CONTROLLER_IDE,
    CONTROLLER_FDC,
    CONTROLLER_SCSI,
    CONTROLLER_SATA,
    CONTROLLER_VIRTIO_SERIAL,
    CONTROLLER_CCID,
    CONTROLLER_USB,
    CONTROLLER_PCI,
    CONTROLLER_XENBUS,
    CONTROLLER_ISA,
    CONTROLLER_NVME,
    CONTROLLER_TYPE_MAX
};
extern const char *const controller_type_names[];

/* One list for all types; which of them a type takes is checked against the type's range. */
enum controller_model {
    CMODEL_UNSET,
    CMODEL_SCSI_AUTO, /* scsi */
    CMODEL_SCSI_BUSLOGIC,
    CMODEL_SCSI_LSILOGIC,
    CMODEL_SCSI_LSISAS1068,
    CMODEL_SCSI_VMPVSCSI,
    CMODEL_SCSI_IBMVSCSI,
    CMODEL_SCSI_VIRTIO,
    CMODEL_SCSI_LSISAS1078,
    CMODEL_SCSI_NCR53C90,
    CMODEL_SCSI_DC390,
    CMODEL_SCSI_AM53C974,
    CMODEL_USB_PIIX3_UHCI, /* usb */
    CMODEL_USB_PIIX4_UHCI,
    CMODEL_USB_EHCI,
    CMODEL_USB_ICH9_EHCI1,
    CMODEL_USB_ICH9_UHCI1,
    CMODEL_USB_ICH9_UHCI2,
    CMODEL_USB_ICH9_UHCI3,
    CMODEL_USB_VT82C686B_UHCI,
    CMODEL_USB_PCI_OHCI,
    CMODEL_USB_NEC_XHCI,
    CMODEL_USB_QUSB1,
    CMODEL_USB_QUSB2,
    CMODEL_USB_QEMU_XHCI,
    CMODEL_USB_NONE,
    CMODEL_PCI_ROOT, /* pci */
    CMODEL_PCIE_ROOT,
    CMODEL_PCI_BRIDGE,
    CMODEL_DMI_TO_PCI_BRIDGE,
    CMODEL_PCIE_TO_PCI_BRIDGE,
    CMODEL_PCIE_ROOT_PORT,
    CMODEL_PCIE_SWITCH_UPSTREAM_PORT,
    CMODEL_PCIE_SWITCH_DOWNSTREAM_PORT,
    CMODEL_PCI_EXPANDER_BUS,
    CMODEL_PCIE_EXPANDER_BUS,
    CMODEL_IDE_PIIX3, /* ide */
    CMODEL_IDE_PIIX4,
    CMODEL_IDE_ICH6,
    CMODEL_VIRTIO,                  /* virtio-serial */
    CMODEL_VIRTIO_TRANSITIONAL,     /* scsi and virtio-serial */
    CMODEL_VIRTIO_NON_TRANSITIONAL, /* scsi and virtio-serial */
    CONTROLLER_MODEL_MAX
};
extern const char *const controller_model_names[];

struct controller {
    enum controller_type type;
    struct opt_u32 index; /* always given after domain_parse */
    enum controller_model model;

    uint32_t queues, cmd_per_lun, max_sectors, iothread; /* driver; 0: not given */
    enum tristate ioeventfd;                             /* on, off */
    struct iothread_map **iothreads;
    size_t n_iothreads;
    struct virtio_options virtio;

    struct opt_u32 ports, vectors; /* virtio-serial, usb */
    struct opt_u32 max_grant_frames, max_event_channels;
    char *serial; /* nvme */

    /* pci */
    char *pci_model; /* <model name=>: "pcie-root-port", "ioh3420", ... */
    struct opt_u32 chassis_nr, chassis, port, bus_nr, target_index, numa_node;
    enum tristate hotplug; /* on, off */
    struct opt_u64 mem_reserve;
    struct opt_u64 pcihole64; /* KiB */

    struct device_info info;
};
XT_DECLARE(controller_table, struct controller);

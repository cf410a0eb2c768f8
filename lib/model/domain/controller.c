/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Controller: rows of <controller>, and which models belong to which type. */
#define ERR_FROM ERR_FROM_DOMAIN

#include "model/domain/controller.h"

#include "base/str.h"

const char *const controller_type_names[] = {
    "", "ide", "fdc", "scsi", "sata", "virtio-serial", "ccid", "usb", "pci", "xenbus", "isa", "nvme", NULL};
const char *const controller_model_names[] = {
    [CMODEL_UNSET] = "",
    [CMODEL_SCSI_AUTO] = "auto",
    [CMODEL_SCSI_BUSLOGIC] = "buslogic",
    [CMODEL_SCSI_LSILOGIC] = "lsilogic",
    [CMODEL_SCSI_LSISAS1068] = "lsisas1068",
    [CMODEL_SCSI_VMPVSCSI] = "vmpvscsi",
    [CMODEL_SCSI_IBMVSCSI] = "ibmvscsi",
    [CMODEL_SCSI_VIRTIO] = "virtio-scsi",
    [CMODEL_SCSI_LSISAS1078] = "lsisas1078",
    [CMODEL_SCSI_NCR53C90] = "ncr53c90",
    [CMODEL_SCSI_DC390] = "dc390",
    [CMODEL_SCSI_AM53C974] = "am53c974",
    [CMODEL_USB_PIIX3_UHCI] = "piix3-uhci",
    [CMODEL_USB_PIIX4_UHCI] = "piix4-uhci",
    [CMODEL_USB_EHCI] = "ehci",
    [CMODEL_USB_ICH9_EHCI1] = "ich9-ehci1",
    [CMODEL_USB_ICH9_UHCI1] = "ich9-uhci1",
    [CMODEL_USB_ICH9_UHCI2] = "ich9-uhci2",
    [CMODEL_USB_ICH9_UHCI3] = "ich9-uhci3",
    [CMODEL_USB_VT82C686B_UHCI] = "vt82c686b-uhci",
    [CMODEL_USB_PCI_OHCI] = "pci-ohci",
    [CMODEL_USB_NEC_XHCI] = "nec-xhci",
    [CMODEL_USB_QUSB1] = "qusb1",
    [CMODEL_USB_QUSB2] = "qusb2",
    [CMODEL_USB_QEMU_XHCI] = "qemu-xhci",
    [CMODEL_USB_NONE] = "none",
    [CMODEL_PCI_ROOT] = "pci-root",
    [CMODEL_PCIE_ROOT] = "pcie-root",
    [CMODEL_PCI_BRIDGE] = "pci-bridge",
    [CMODEL_DMI_TO_PCI_BRIDGE] = "dmi-to-pci-bridge",
    [CMODEL_PCIE_TO_PCI_BRIDGE] = "pcie-to-pci-bridge",
    [CMODEL_PCIE_ROOT_PORT] = "pcie-root-port",
    [CMODEL_PCIE_SWITCH_UPSTREAM_PORT] = "pcie-switch-upstream-port",
    [CMODEL_PCIE_SWITCH_DOWNSTREAM_PORT] = "pcie-switch-downstream-port",
    [CMODEL_PCI_EXPANDER_BUS] = "pci-expander-bus",
    [CMODEL_PCIE_EXPANDER_BUS] = "pcie-expander-bus",
    [CMODEL_IDE_PIIX3] = "piix3",
    [CMODEL_IDE_PIIX4] = "piix4",
    [CMODEL_IDE_ICH6] = "ich6",
    [CMODEL_VIRTIO] = "virtio",
    [CMODEL_VIRTIO_TRANSITIONAL] = "virtio-transitional",
    [CMODEL_VIRTIO_NON_TRANSITIONAL] = "virtio-non-transitional",
    [CONTROLLER_MODEL_MAX] = NULL,
};

/* The models that a type takes: a range of the enum, and whether it takes virtio's generations. */
static const struct {
    enum controller_model first, last;
    bool virtio;
} type_models[CONTROLLER_TYPE_MAX] = {
    [CONTROLLER_SCSI] = {CMODEL_SCSI_AUTO, CMODEL_SCSI_AM53C974, true},
    [CONTROLLER_USB] = {CMODEL_USB_PIIX3_UHCI, CMODEL_USB_NONE, false},
    [CONTROLLER_PCI] = {CMODEL_PCI_ROOT, CMODEL_PCIE_EXPANDER_BUS, false},
    [CONTROLLER_IDE] = {CMODEL_IDE_PIIX3, CMODEL_IDE_ICH6, false},
    [CONTROLLER_VIRTIO_SERIAL] = {CMODEL_VIRTIO, CMODEL_VIRTIO, true},
};

static bool model_fits(enum controller_type type, enum controller_model model)
{
    if (model >= type_models[type].first && model <= type_models[type].last)
        return true;
    return type_models[type].virtio &&
           (model == CMODEL_VIRTIO_TRANSITIONAL || model == CMODEL_VIRTIO_NON_TRANSITIONAL);
}

static int controller_finish(struct xt_parse *parse, void *object)
{
    struct controller *controller = object;

    if (!controller->type)
        controller->type = CONTROLLER_IDE;
    if (controller->model && !model_fits(controller->type, controller->model))
        return err_set(parse->err, ERR_CONFIG_UNSUPPORTED, "Unknown model type '%s'",
                       controller_model_names[controller->model]);
    /* the companions' places at their master are fixed by the chip */
    if (controller->model >= CMODEL_USB_ICH9_UHCI1 && controller->model <= CMODEL_USB_ICH9_UHCI3 &&
        !controller->info.master_port.set)
        controller->info.master_port =
            (struct opt_u32){2 * (controller->model - CMODEL_USB_ICH9_UHCI1), true};
    if (controller->model != CMODEL_PCI_ROOT && controller->model != CMODEL_PCIE_ROOT)
        controller->pcihole64.set = false; /* only a root has one */
    return 0;
}

/* clang-format off */
#define T struct controller
XT_DEFINE(controller_table, "controller", controller_finish,
    XT_ENUM(T, type, "type", controller_type_names, XT_ABI),
    XT_ATTR(T, index, "index", opt_u32, XT_ABI),
    XT_ENUM(T, model, "model", controller_model_names, XT_ABI),
    XT_ATTR(T, ports, "ports", opt_u32, XT_ABI),
    XT_ATTR(T, vectors, "vectors", opt_u32, XT_ABI),
    XT_ATTR(T, max_grant_frames, "maxGrantFrames", opt_u32, 0),
    XT_ATTR(T, max_event_channels, "maxEventChannels", opt_u32, 0),
    XT_TEXT(T, serial, "serial", str, XT_ABI),
    XT_GROUP("driver", 0,
        XT_ATTR(T, queues, "queues", u32, XT_ABI),
        XT_ATTR(T, cmd_per_lun, "cmd_per_lun", u32, 0),
        XT_ATTR(T, max_sectors, "max_sectors", u32, 0),
        XT_ATTR(T, ioeventfd, "ioeventfd", onoff, 0),
        XT_ATTR(T, iothread, "iothread", u32, 0),
        XT_EMBED(T, virtio, NULL, virtio_options_table, 0),
        XT_GROUP("iothreads", 0,
            XT_LIST(T, iothreads, n_iothreads, "iothread", iothread_map_table, 0))),
    XT_GROUP("model", 0,
        XT_ATTR(T, pci_model, "name", str, XT_ABI)),
    XT_GROUP("target", 0,
        XT_ATTR(T, chassis_nr, "chassisNr", opt_u32, XT_ABI),
        XT_ATTR(T, chassis, "chassis", opt_u32, XT_ABI),
        XT_ATTR(T, port, "port", hex32, XT_ABI),
        XT_ATTR(T, bus_nr, "busNr", opt_u32, XT_ABI),
        XT_ATTR(T, target_index, "index", opt_u32, XT_ABI),
        XT_ATTR(T, mem_reserve, "memReserve", opt_u64, 0),
        XT_ATTR(T, hotplug, "hotplug", onoff, XT_ABI),
        XT_TEXT(T, numa_node, "node", opt_u32, XT_ABI)),
    XT_TEXT(T, pcihole64, "pcihole64", opt_kib, 0),
    XT_EMBED(T, info, NULL, device_info_table, 0));
#undef T

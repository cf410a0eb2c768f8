/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Controller: buses. What a machine type has built in isn't told to QEMU. */
#define ERR_FROM ERR_FROM_QEMU

#include "base/str.h"
#include "virtqemud/defaults/defaults.h"
#include "virtqemud/dev/dev.h"

static const char *const usb_drivers[CONTROLLER_MODEL_MAX] = {
    [CMODEL_UNSET] = "piix3-usb-uhci",
    [CMODEL_USB_PIIX3_UHCI] = "piix3-usb-uhci",
    [CMODEL_USB_PIIX4_UHCI] = "piix4-usb-uhci",
    [CMODEL_USB_EHCI] = "usb-ehci",
    [CMODEL_USB_ICH9_EHCI1] = "ich9-usb-ehci1",
    [CMODEL_USB_ICH9_UHCI1] = "ich9-usb-uhci1",
    [CMODEL_USB_ICH9_UHCI2] = "ich9-usb-uhci2",
    [CMODEL_USB_ICH9_UHCI3] = "ich9-usb-uhci3",
    [CMODEL_USB_VT82C686B_UHCI] = "vt82c686b-usb-uhci",
    [CMODEL_USB_PCI_OHCI] = "pci-ohci",
    [CMODEL_USB_NEC_XHCI] = "nec-usb-xhci",
    [CMODEL_USB_QEMU_XHCI] = "qemu-xhci",
};

static const char *const scsi_drivers[CONTROLLER_MODEL_MAX] = {
    [CMODEL_SCSI_LSILOGIC] = "lsi",       [CMODEL_SCSI_LSISAS1068] = "mptsas1068",
    [CMODEL_SCSI_LSISAS1078] = "megasas", [CMODEL_SCSI_VMPVSCSI] = "pvscsi",
    [CMODEL_SCSI_DC390] = "dc390",        [CMODEL_SCSI_AM53C974] = "am53c974",
};

/* Which generation of virtio a controller's model means. */
static enum virtio_model generation(enum controller_model model)
{
    if (model == CMODEL_VIRTIO_TRANSITIONAL)
        return VIRTIO_MODEL_TRANSITIONAL;
    return model == CMODEL_VIRTIO_NON_TRANSITIONAL ? VIRTIO_MODEL_NON_TRANSITIONAL : VIRTIO_MODEL_VIRTIO;
}

static bool is_virtio_scsi(enum controller_model model)
{
    return model == CMODEL_SCSI_VIRTIO || model == CMODEL_VIRTIO_TRANSITIONAL ||
           model == CMODEL_VIRTIO_NON_TRANSITIONAL;
}

static int unsupported(const struct controller *controller, struct err *err)
{
    return err_set(err, ERR_CONFIG_UNSUPPORTED,
                   "controller type '%s' model '%s' is not supported by this machine",
                   controller_type_names[controller->type], controller_model_names[controller->model]);
}

static int pci_props(const struct controller *controller, struct props *props, struct err *err)
{
    if (!controller->pci_model)
        return unsupported(controller, err);
    props_string(props, "driver", controller->pci_model);
    switch (controller->model) {
    case CMODEL_PCI_BRIDGE:
        props_u64(props, "chassis_nr", controller->chassis_nr.value);
        break;
    case CMODEL_PCIE_ROOT_PORT:
    case CMODEL_PCIE_SWITCH_DOWNSTREAM_PORT:
        props_u64(props, "port", controller->port.value);
        props_u64(props, "chassis", controller->chassis.value);
        props_tristate(props, "hotplug", controller->hotplug);
        props_number(props, "mem-reserve", controller->mem_reserve.value);
        break;
    case CMODEL_PCI_EXPANDER_BUS:
    case CMODEL_PCIE_EXPANDER_BUS:
        props_u64(props, "bus_nr", controller->bus_nr.value);
        if (controller->numa_node.set)
            props_u64(props, "numa_node", controller->numa_node.value);
        break;
    default:
        break;
    }
    return 0;
}

static void virtio_props(const struct controller *controller, struct props *props)
{
    if (controller->iothread)
        props_format(props, "iothread", "iothread%u", controller->iothread);
    props_iothreads(props, controller->iothreads, controller->n_iothreads);
    props_number(props, "num_queues", controller->queues);
    props_number(props, "cmd_per_lun", controller->cmd_per_lun);
    props_number(props, "max_sectors", controller->max_sectors);
    props_tristate(props, "ioeventfd", controller->ioeventfd);
    props_virtio(props, &controller->virtio);
}

static int usb_props(struct build *build, const struct controller *controller, struct props *props,
                     struct err *err)
{
    if (!usb_drivers[controller->model])
        return unsupported(controller, err);
    props_string(props, "driver", usb_drivers[controller->model]);
    if (controller->ports.set) {
        props_u64(props, "p2", controller->ports.value);
        props_u64(props, "p3", controller->ports.value);
    }
    if (controller->info.master_port.set) {
        const char *master = controller_bus(build, CONTROLLER_USB, controller->index.value, err);
        if (!master)
            return -1;
        props_format(props, "masterbus", "%s.0", master);
        props_u64(props, "firstport", controller->info.master_port.value);
    } else {
        props_string(props, "id", controller->info.alias);
    }
    return 0;
}

/* 1: the machine has it anyhow. */
static int controller_props(struct build *build, const struct controller *controller, struct props *props,
                            struct err *err)
{
    enum chipset chipset = chipset_of(&build->domain->os);

    switch (controller->type) {
    case CONTROLLER_PCI:
        if (controller->model == CMODEL_PCI_ROOT || controller->model == CMODEL_PCIE_ROOT)
            return 1;
        if (pci_props(controller, props, err) < 0)
            return -1;
        break;
    case CONTROLLER_USB:
        if (controller->model == CMODEL_USB_NONE)
            return 1;
        return usb_props(build, controller, props, err);
    case CONTROLLER_SCSI:
        if (is_virtio_scsi(controller->model)) {
            props_string(props, "driver", virtio_driver(build, "virtio-scsi", generation(controller->model)));
            virtio_props(controller, props);
        } else if (scsi_drivers[controller->model]) {
            props_string(props, "driver", scsi_drivers[controller->model]);
        } else {
            return unsupported(controller, err);
        }
        break;
    case CONTROLLER_VIRTIO_SERIAL:
        props_string(props, "driver", virtio_driver(build, "virtio-serial", generation(controller->model)));
        if (controller->ports.set)
            props_u64(props, "max_ports", controller->ports.value);
        if (controller->vectors.set)
            props_u64(props, "vectors", controller->vectors.value);
        virtio_props(controller, props);
        break;
    case CONTROLLER_SATA:
        if (!controller->index.value && chipset == CHIPSET_Q35)
            return 1;
        props_string(props, "driver", "ahci");
        break;
    case CONTROLLER_IDE:
        if (!controller->index.value && (chipset == CHIPSET_I440FX || chipset == CHIPSET_ISA))
            return 1;
        return err_set(err, ERR_CONFIG_UNSUPPORTED,
                       "IDE controllers are unsupported for this QEMU binary or machine type");
    case CONTROLLER_FDC:
        if (chipset != CHIPSET_Q35)
            return 1;
        props_string(props, "driver", "isa-fdc");
        break;
    case CONTROLLER_CCID:
        props_string(props, "driver", "usb-ccid");
        break;
    case CONTROLLER_NVME:
        props_string(props, "driver", "nvme");
        props_string(props, "serial", controller->serial);
        break;
    default:
        return unsupported(controller, err);
    }
    props_string(props, "id", controller->info.alias);
    return 0;
}

static int controller_command(struct build *build, void *device, struct err *err)
{
    const struct controller *controller = device;
    struct device_info info = controller->info;
    auto_props struct props props = {0};
    int r = controller_props(build, controller, &props, err);

    if (r)
        return r < 0 ? r : 0;
    info.alias = NULL; /* is there already, except for companions, which have none */
    if (props_info(build, &props, &info, err) < 0)
        return -1;
    build_json(build, "-device", &props);
    return 0;
}

/* PCI first, since the others sit there; within a type masters stand before companions. */
static int all_controllers(struct build *build, void *device, struct err *err)
{
    static const uint8_t order[] = {CONTROLLER_PCI, CONTROLLER_USB,  CONTROLLER_SCSI,
                                    CONTROLLER_IDE, CONTROLLER_SATA, CONTROLLER_VIRTIO_SERIAL,
                                    CONTROLLER_FDC, CONTROLLER_NVME};
    struct devices *devices = &build->domain->devices;

    if (build->plug)
        return controller_command(build, device, err);
    /* called for each of the list: the first call does them all */
    if (device != devices->controllers[0])
        return 0;
    for (size_t k = 0; k < ARRAY_SIZE(order); k++)
        for (int companions = 0; companions < 2; companions++)
            for (size_t i = 0; i < devices->n_controllers; i++) {
                struct controller *controller = devices->controllers[i];
                if (controller->type == order[k] && controller->info.master_port.set == companions &&
                    controller_command(build, controller, err) < 0)
                    return -1;
            }
    return 0;
}

/* A reader of smartcards is a USB device itself: it may sit behind a hub. */
static int ccid_command(struct build *build, void *device, struct err *err)
{
    const struct controller *controller = device;

    return controller->type == CONTROLLER_CCID ? controller_command(build, device, err) : 0;
}

const struct dev_kind kind_ccid = {.name = "ccid", DEV_LIST(controllers), .command = ccid_command};
const struct dev_kind kind_controller = {
    .name = "controller", DEV_LIST(controllers), .command = all_controllers};

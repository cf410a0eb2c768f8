/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pci-kinds: who needs a PCI address, and of what kind. */
#include "base/str.h"
#include "virtqemud/defaults/pci.h"

bool pci_wants(const struct device_info *info)
{
    return !info->address.type || (info->address.type == ADDRESS_PCI && !info->address.pci.placed);
}

unsigned pci_controller_kind(const struct placer *placer, const struct controller *controller)
{
    switch (controller->type) {
    case CONTROLLER_PCI:
        return pci_controller_connects(controller->model);
    case CONTROLLER_USB:
        if (controller->model == CMODEL_USB_NEC_XHCI || controller->model == CMODEL_USB_QEMU_XHCI)
            return placer->express;
        return controller->model == CMODEL_USB_NONE ? 0 : placer->conventional;
    case CONTROLLER_SCSI:
        switch (controller->model) {
        case CMODEL_SCSI_VIRTIO:
        case CMODEL_VIRTIO_NON_TRANSITIONAL:
            return placer->virtio;
        case CMODEL_SCSI_LSISAS1078:
        case CMODEL_SCSI_IBMVSCSI:
            return controller->model == CMODEL_SCSI_IBMVSCSI ? 0 : placer->conventional;
        default:
            return placer->conventional;
        }
    case CONTROLLER_VIRTIO_SERIAL:
        return controller->model == CMODEL_VIRTIO_TRANSITIONAL ? placer->conventional : placer->virtio;
    case CONTROLLER_SATA:
    case CONTROLLER_IDE:
        return placer->conventional;
    case CONTROLLER_NVME:
        return placer->express;
    default:
        return 0;
    }
}

unsigned pci_virtio_kind(const struct placer *placer, enum virtio_model model)
{
    return model == VIRTIO_MODEL_TRANSITIONAL ? placer->conventional : placer->virtio;
}

static unsigned iface_connects(const struct placer *placer, const struct iface *iface)
{
    if (iface->type == IFACE_HOSTDEV)
        return placer->express;
    if (str_eq(iface->model, "usb-net") || str_eq(iface->model, "spapr-vlan"))
        return 0;
    if (str_eq(iface->model, "virtio") || str_eq(iface->model, "virtio-non-transitional"))
        return placer->virtio;
    if (str_eq(iface->model, "e1000e") || str_eq(iface->model, "igb") || str_eq(iface->model, "vmxnet3"))
        return str_eq(iface->model, "vmxnet3") ? placer->conventional : placer->express;
    return placer->conventional;
}

static unsigned sound_connects(const struct placer *placer, const struct sound *sound)
{
    switch (sound->model) {
    case SOUND_ES1370:
    case SOUND_AC97:
    case SOUND_ICH6:
    case SOUND_ICH9:
        return placer->conventional;
    case SOUND_VIRTIO:
        return placer->virtio;
    default:
        return 0;
    }
}

static unsigned disk_connects(const struct placer *placer, const struct disk *disk)
{
    if (disk->bus != DISK_BUS_VIRTIO)
        return 0;
    return disk->model == DISK_MODEL_VIRTIO_TRANSITIONAL ? placer->conventional : placer->virtio;
}

unsigned pci_video_kind(const struct placer *placer, const struct video *video)
{
    switch (video->type) {
    case VIDEO_VIRTIO:
        return placer->virtio;
    case VIDEO_BOCHS:
    case VIDEO_VGA:
    case VIDEO_CIRRUS:
    case VIDEO_VMVGA:
    case VIDEO_QXL:
        return placer->conventional;
    default:
        return 0;
    }
}

static unsigned hostdev_connects(const struct placer *placer, const struct hostdev *dev)
{
    switch (dev->type) {
    case HOSTDEV_PCI:
        return placer->express;
    case HOSTDEV_MDEV:
        return str_eq(dev->model, "vfio-pci") ? placer->express : 0;
    case HOSTDEV_SCSI_HOST:
        return str_eq(dev->model, "virtio-transitional") ? placer->conventional : placer->virtio;
    default:
        return 0;
    }
}

/* What any device connects to; 0: it doesn't sit on PCI. */
unsigned pci_connects(const struct placer *placer, const struct device_visit *visit)
{
    const char *kind = visit->kind;

    if (str_eq(kind, "controller"))
        return pci_controller_kind(placer, visit->device);
    if (str_eq(kind, "filesystem"))
        return pci_virtio_kind(placer, ((const struct filesystem *)visit->device)->model);
    if (str_eq(kind, "interface"))
        return iface_connects(placer, visit->device);
    if (str_eq(kind, "sound"))
        return sound_connects(placer, visit->device);
    if (str_eq(kind, "disk"))
        return disk_connects(placer, visit->device);
    if (str_eq(kind, "hostdev"))
        return hostdev_connects(placer, visit->device);
    if (str_eq(kind, "memballoon")) {
        const struct balloon *balloon = visit->device;
        if (balloon->model == BALLOON_VIRTIO_TRANSITIONAL)
            return placer->conventional;
        return balloon->model == BALLOON_NONE || balloon->model == BALLOON_XEN ? 0 : placer->virtio;
    }
    if (str_eq(kind, "rng"))
        return pci_virtio_kind(placer, ((const struct rng *)visit->device)->model);
    if (str_eq(kind, "watchdog"))
        return ((const struct watchdog *)visit->device)->model == WATCHDOG_I6300ESB ? placer->conventional
                                                                                    : 0;
    if (str_eq(kind, "video"))
        return pci_video_kind(placer, visit->device);
    if (str_eq(kind, "shmem"))
        return placer->conventional;
    if (str_eq(kind, "input")) {
        const struct input *input = visit->device;
        return input->bus == INPUT_BUS_VIRTIO ? pci_virtio_kind(placer, input->model) : 0;
    }
    if (str_eq(kind, "serial"))
        return ((const struct chardev *)visit->device)->target == CHARTARGET_PCI_SERIAL ? placer->conventional
                                                                                        : 0;
    if (str_eq(kind, "vsock"))
        return pci_virtio_kind(placer, ((const struct vsock *)visit->device)->model);
    if (str_eq(kind, "iommu"))
        return ((const struct iommu *)visit->device)->model == IOMMU_VIRTIO ? PCI_EXPRESS | PCI_CONVENTIONAL
                                                                            : 0;
    if (str_eq(kind, "memory")) {
        const struct memdev *memory = visit->device;
        bool virtio = memory->model == MEMDEV_VIRTIO_MEM || memory->model == MEMDEV_VIRTIO_PMEM;
        return virtio ? placer->virtio : 0;
    }
    if (str_eq(kind, "crypto"))
        return placer->virtio;
    if (str_eq(kind, "pstore"))
        return placer->conventional;
    if (str_eq(kind, "panic"))
        return ((const struct panic *)visit->device)->model == PANIC_PVPANIC ? placer->conventional : 0;
    return 0;
}

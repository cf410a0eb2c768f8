/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Check: what a new definition may not say about its devices, because QEMU can't do it; what nobody could do
 * is refused in lib/model/domain/check-devices.c. A definition that is on disk already isn't refused: its
 * owner must be able to see and repair it.
 */
#define ERR_FROM ERR_FROM_QEMU

#include <ctype.h>

#include "base/str.h"
#include "virtqemud/build.h"
#include "virtqemud/defaults/defaults.h"

#define UNSUPPORTED(...) err_set(err, ERR_CONFIG_UNSUPPORTED, __VA_ARGS__)

/* ---- disks ---- */

static int check_disk(const struct disk *disk, struct err *err)
{
    const char *digits = disk->dst + strcspn(disk->dst, "0123456789");
    enum address_type type = disk->info.address.type;

    /* an nvme or xen name has numbers of its own */
    if (*digits && (str_after(disk->dst, "vd") || str_after(disk->dst, "sd") || str_after(disk->dst, "hd")))
        return UNSUPPORTED("invalid disk target '%s', partitions can't appear in disk targets", disk->dst);
    if (disk->src.encryption && disk->src.format != FORMAT_RAW && disk->src.format != FORMAT_QCOW2)
        return UNSUPPORTED("encryption is supported only with 'raw' and 'qcow2' image format");
    for (const char *c = disk->serial; c && *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("-_ .+", *c))
            return err_set(err, ERR_INTERNAL_ERROR, "driver serial '%s' contains unsafe characters",
                           disk->serial);
    if (disk->iothread && disk->bus != DISK_BUS_VIRTIO)
        return UNSUPPORTED("IOThreads not available for bus %s target %s", disk_bus_names[disk->bus],
                           disk->dst);
    if (disk->src.format == FORMAT_COW)
        return UNSUPPORTED("'cow' storage format is not supported");
    if (disk->device == DISK_CDROM && disk->bus == DISK_BUS_VIRTIO)
        return UNSUPPORTED("disk type of '%s' does not support ejectable media", disk->dst);
    if (disk->bus == DISK_BUS_USB && type && type != ADDRESS_USB)
        return err_set(err, ERR_INTERNAL_ERROR, "unexpected address type for usb disk");
    return 0;
}

/* ---- controllers ---- */

static int check_usb(const struct controller *controller, struct err *err)
{
    enum { XHCI_PORTS = 15 };
    bool xhci = controller->model == CMODEL_USB_QEMU_XHCI || controller->model == CMODEL_USB_NEC_XHCI;

    if (xhci && controller->ports.set && controller->ports.value > XHCI_PORTS)
        return UNSUPPORTED("'%s' controller only supports up to '%d' ports",
                           controller_model_names[controller->model], XHCI_PORTS);
    return 0;
}

static int check_pci(const struct domain *domain, const struct controller *controller, struct err *err)
{
    size_t cells = domain->cpu ? domain->cpu->n_cells : 0;

    if (!controller->model)
        return err_set(err, ERR_INTERNAL_ERROR, "PCI controller model was not set correctly");
    if (controller->model == CMODEL_PCIE_ROOT && controller->index.value)
        return err_set(err, ERR_XML_ERROR, "pci-root and pcie-root controllers should have index 0");
    if (controller->model == CMODEL_PCI_EXPANDER_BUS && controller->info.address.type == ADDRESS_PCI &&
        controller->info.address.pci.bus)
        return err_set(
            err, ERR_XML_ERROR,
            "The device at PCI address %04x:%02x:%02x.%x cannot be plugged into the PCI controller with "
            "index='%u'. It requires a controller that accepts a pci-expander-bus.",
            controller->info.address.pci.domain, controller->info.address.pci.bus,
            controller->info.address.pci.slot, controller->info.address.pci.function,
            controller->info.address.pci.bus);
    if (controller->numa_node.set && controller->numa_node.value >= cells)
        return err_set(
            err, ERR_XML_ERROR,
            "%s with index %u is configured for a NUMA node (%u) not present in the domain's <cpu><numa> "
            "array (%zu)",
            controller_model_names[controller->model], controller->index.value, controller->numa_node.value,
            cells);
    return 0;
}

static int check_controllers(const struct domain *domain, struct err *err)
{
    const struct devices *devices = &domain->devices;

    for (size_t i = 0; i < devices->n_controllers; i++) {
        const struct controller *controller = devices->controllers[i];

        if ((controller->type == CONTROLLER_USB && check_usb(controller, err) < 0) ||
            (controller->type == CONTROLLER_PCI && check_pci(domain, controller, err) < 0))
            return xt_add_place(err, &controller->info.place);
    }
    return 0;
}

/* ---- the others ---- */

static int check_ifaces(const struct devices *devices, struct err *err)
{
    char mac[MAC_TEXT];

    for (size_t i = 0; i < devices->n_ifaces; i++) {
        const struct iface *iface = devices->ifaces[i];

        if (iface->mtu.set &&
            (iface->type == IFACE_USER || iface->type == IFACE_MCAST || iface->type == IFACE_SERVER ||
             iface->type == IFACE_CLIENT || iface->type == IFACE_UDP))
            return OF_DEVICE(iface, UNSUPPORTED("setting MTU on interface type %s is not supported yet",
                                                iface_type_names[iface->type]));
        if (iface->type == IFACE_VHOSTUSER && iface->backend_tap)
            return OF_DEVICE(iface, UNSUPPORTED("interface %s - custom tap device path is not supported for "
                                                "network interfaces of type %s",
                                                mac_format(&iface->mac, mac), iface_type_names[iface->type]));
    }
    return 0;
}

static int check_source(const struct chardev_source *source, struct err *err)
{
    if (source->reconnect.enabled == TRI_YES && !source->reconnect.timeout.value &&
        !source->reconnect.delay.set)
        return err_set(err, ERR_INVALID_ARG, "chardev reconnect source timeout cannot be '0'");
    return 0;
}

static int check_serials(const struct domain *domain, struct err *err)
{
    for (size_t i = 0; i < domain->devices.n_serials; i++) {
        const struct chardev *serial = domain->devices.serials[i];

        if (arch_is_x86(domain->os.arch) && serial->target > CHARTARGET_PCI_SERIAL &&
            serial->target != CHARTARGET_ISA_DEBUG)
            return OF_DEVICE(
                serial,
                UNSUPPORTED(
                    "Serial device with target type '%s' and target model '%s' not compatible with guest "
                    "architecture or machine type",
                    chardev_target_names[serial->target], serial->target_model ? serial->target_model : ""));
    }
    return 0;
}

static int check_chardevs(struct chardev *const *list, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (check_source(&list[i]->source, err) < 0)
            return xt_add_place(err, &list[i]->info.place);
    return 0;
}

static int check_hostdevs(const struct devices *devices, struct err *err)
{
    for (size_t i = 0; i < devices->n_hostdevs; i++)
        if (devices->hostdevs[i]->type == HOSTDEV_SCSI_HOST && devices->hostdevs[i]->info.boot_order)
            return OF_DEVICE(
                devices->hostdevs[i],
                UNSUPPORTED("booting from assigned devices is not supported by vhost SCSI devices"));
    return 0;
}

static int check_inputs(const struct devices *devices, struct err *err)
{
    for (size_t i = 0; i < devices->n_inputs; i++) {
        const struct input *input = devices->inputs[i];

        if ((input->type == INPUT_PASSTHROUGH || input->type == INPUT_EVDEV) && !input->evdev)
            return OF_DEVICE(input,
                             err_set(err, ERR_XML_ERROR, "Missing evdev path for input device passthrough"));
        /* QEMU has both generations only for devices that existed before the second */
        if (input->model > VIRTIO_MODEL_VIRTIO && input->type != INPUT_PASSTHROUGH)
            return OF_DEVICE(
                input, UNSUPPORTED("virtio (non-)transitional models are not supported for input type=%s",
                                   input_type_names[input->type]));
    }
    return 0;
}

static int check_displays(const struct devices *devices, struct err *err)
{
    for (size_t i = 0; i < devices->n_videos; i++) {
        const struct video *video = devices->videos[i];

        if (i && video->type != VIDEO_QXL && video->type != VIDEO_VIRTIO)
            return OF_DEVICE(video, UNSUPPORTED("video type '%s' is only valid as primary video device",
                                                video_type_names[video->type]));
    }
    for (size_t i = 0; i < devices->n_graphics; i++)
        for (size_t j = 0; j < i; j++)
            if (devices->graphics[i]->type == devices->graphics[j]->type)
                return UNSUPPORTED(
                    "only 1 graphics device of each type (sdl, vnc, spice, headless, dbus) is supported");
    return 0;
}

static int check_iommu(const struct domain *domain, struct err *err)
{
    const struct iommu *iommu = domain->devices.iommu;
    const struct device_address *address;

    address = &iommu->info.address;
    if (chipset_of(&domain->os) != CHIPSET_Q35)
        return UNSUPPORTED(iommu->model == IOMMU_VIRTIO
                               ? "IOMMU device: '%s' is only supported with Q35 and ARM Virt machines"
                               : "IOMMU device: '%s' is only supported with Q35 machines",
                           iommu_model_names[iommu->model]);
    if (iommu->model == IOMMU_VIRTIO && address->type && address->type != ADDRESS_PCI)
        return UNSUPPORTED("IOMMU device: 'virtio' needs a PCI address");
    if (iommu->model == IOMMU_VIRTIO && address->type == ADDRESS_PCI && address->pci.bus)
        return err_set(err, ERR_XML_ERROR,
                       "The device at PCI address %04x:%02x:%02x.%x needs to be an integrated device (bus=0)",
                       address->pci.domain, address->pci.bus, address->pci.slot, address->pci.function);
    return 0;
}

static int check_shmems(const struct devices *devices, struct err *err)
{
    for (size_t i = 0; i < devices->n_shmems; i++) {
        const struct shmem *shmem = devices->shmems[i];
        enum address_type type = shmem->info.address.type;

        if (shmem->name[0] == '.')
            return OF_DEVICE(
                shmem, err_set(err, ERR_XML_ERROR, "shmem name '%s' must not begin with '.'", shmem->name));
        if (shmem->size & (shmem->size - 1))
            return OF_DEVICE(shmem, err_set(err, ERR_XML_ERROR, "shmem size must be a power of two"));
        if (type && type != ADDRESS_PCI)
            return OF_DEVICE(shmem,
                             UNSUPPORTED("only 'pci' addresses are supported for the shared memory device"));
    }
    return 0;
}

static int check_memdevs(const struct domain *domain, struct err *err)
{
    for (size_t i = 0; i < domain->devices.n_memdevs; i++) {
        const struct memdev *memory = domain->devices.memdevs[i];

        if (memory->model == MEMDEV_DIMM && !domain->memory.max)
            return OF_DEVICE(memory, UNSUPPORTED("maxMemory has to be specified when using memory devices"));
    }
    return 0;
}

static int check_machine(const struct domain *domain, struct err *err)
{
    if (domain->features.tseg && chipset_of(&domain->os) != CHIPSET_Q35)
        return UNSUPPORTED("SMM TSEG is only supported with q35 machine type");
    if (domain->os.loader && domain->os.loader->secure == TRI_YES) {
        if (chipset_of(&domain->os) != CHIPSET_Q35)
            return UNSUPPORTED("Secure boot is supported with q35 machine types only");
        if (domain->features.smm != TRI_ON)
            return UNSUPPORTED("Secure boot requires SMM feature enabled");
    }
    if (domain->os.loader && domain->os.loader->type == LOADER_PFLASH && arch_is_x86(domain->os.arch) &&
        !domain->features.acpi)
        return UNSUPPORTED("UEFI requires ACPI on this architecture");
    return 0;
}

int defaults_check(const struct domain *domain, unsigned flags, void *caps, struct err *err)
{
    const struct devices *devices = &domain->devices;

    if (!(flags & DOMAIN_PARSE_ABI_UPDATE))
        return 0;
    for (size_t i = 0; i < devices->n_disks; i++)
        if (check_disk(devices->disks[i], err) < 0)
            return xt_add_place(err, &devices->disks[i]->info.place);
    if (check_chardevs(devices->serials, devices->n_serials, err) < 0 ||
        check_chardevs(devices->parallels, devices->n_parallels, err) < 0 ||
        check_chardevs(devices->channels, devices->n_channels, err) < 0)
        return -1;
    if (check_machine(domain, err) < 0)
        return xt_add_place(err, &domain->at.os);
    if (check_domain(domain, caps, err) < 0 || check_serials(domain, err) < 0 ||
        check_controllers(domain, err) < 0 || check_ifaces(devices, err) < 0 ||
        check_hostdevs(devices, err) < 0 || check_inputs(devices, err) < 0 ||
        check_displays(devices, err) < 0 ||
        (devices->iommu && OF_DEVICE(devices->iommu, check_iommu(domain, err)) < 0) ||
        check_shmems(devices, err) < 0 || check_memdevs(domain, err) < 0)
        return -1;
    return 0;
}

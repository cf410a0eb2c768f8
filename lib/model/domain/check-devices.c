/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Check, devices: what no hypervisor could make of a definition's devices, because one contradicts itself or
 * two of them want the same. Addresses and controllers are there already.
 */
#define ERR_FROM ERR_FROM_DOMAIN

#include <string.h>

#include "base/str.h"
#include "model/domain/check.h"

#define UNSUPPORTED(...) err_set(err, ERR_CONFIG_UNSUPPORTED, __VA_ARGS__)

/* ---- disks ---- */

static int check_lun(const struct disk *disk, struct err *err)
{
    bool network = disk->src.type == STORAGE_NETWORK;

    if (disk->device != DISK_LUN)
        return 0;
    if (network && disk->src.protocol != NETPROTO_ISCSI)
        return UNSUPPORTED("disk device='lun' is not supported for protocol='%s'",
                           net_protocol_names[disk->src.protocol]);
    if (!network && disk->src.type != STORAGE_BLOCK && disk->src.type != STORAGE_VOLUME)
        return UNSUPPORTED("disk device='lun' is only valid for block type disk source");
    return 0;
}

/* A word that a SCSI disk gives when it is asked for. */
static int check_inquiry(const char *what, const char *word, size_t limit, struct err *err)
{
    if (word && strlen(word) > limit)
        return UNSUPPORTED("disk %s is more than %zu characters", what, limit);
    return 0;
}

static int check_disk(const struct disk *disk, struct err *err)
{
    enum address_type type = disk->info.address.type;
    bool drive = disk->bus == DISK_BUS_SCSI || disk->bus == DISK_BUS_IDE || disk->bus == DISK_BUS_SATA ||
                 disk->bus == DISK_BUS_FDC;

    if (check_lun(disk, err) < 0)
        return -1;
    if ((disk->src.encryption && disk->src.encryption->cipher_name) ||
        (disk->encryption && disk->encryption->cipher_name))
        return UNSUPPORTED("supplying <cipher> for domain disk definition is unnecessary");
    if (disk->src.type == STORAGE_VHOSTUSER && disk->snapshot && !str_eq(disk->snapshot, "no"))
        return UNSUPPORTED("only snapshot=no is supported with vhostuser disk");
    if (disk->rawio && disk->device != DISK_LUN)
        return UNSUPPORTED("rawio can be used only with device='lun'");
    if (disk->removable && disk->bus != DISK_BUS_USB)
        return err_set(err, ERR_XML_ERROR, "removable is only valid for usb disks");
    if (check_inquiry("vendor", disk->vendor, 8, err) < 0 ||
        check_inquiry("product", disk->product, 16, err) < 0)
        return -1;
    if (drive && type && type != ADDRESS_DRIVE)
        return UNSUPPORTED("Invalid address type '%s' for the disk '%s' with the bus type '%s'",
                           address_type_names[type], disk->dst, disk_bus_names[disk->bus]);
    return 0;
}

/* ---- controllers ---- */

static bool has_usb(const struct devices *devices)
{
    for (size_t i = 0; i < devices->n_controllers; i++)
        if (devices->controllers[i]->type == CONTROLLER_USB &&
            devices->controllers[i]->model != CMODEL_USB_NONE)
            return true;
    return false;
}

static bool usb_disabled(const struct devices *devices)
{
    for (size_t i = 0; i < devices->n_controllers; i++)
        if (devices->controllers[i]->type == CONTROLLER_USB &&
            devices->controllers[i]->model == CMODEL_USB_NONE)
            return true;
    return false;
}

static int check_usb_controller(const struct devices *devices, const struct controller *controller,
                                struct err *err)
{
    for (size_t i = 0; i < devices->n_controllers; i++)
        if (devices->controllers[i] != controller && devices->controllers[i]->type == CONTROLLER_USB &&
            devices->controllers[i]->model == CMODEL_USB_NONE)
            return err_set(err, ERR_XML_DETAIL,
                           "Can't add another USB controller: USB is disabled for this domain");
    if (!controller->info.master_port.set)
        return 0;
    for (size_t i = 0; i < devices->n_controllers; i++)
        if (devices->controllers[i]->type == CONTROLLER_USB &&
            !devices->controllers[i]->info.master_port.set &&
            devices->controllers[i]->index.value == controller->index.value)
            return 0;
    return err_set(err, ERR_XML_DETAIL, "No master USB controller specified");
}

static int check_range(const char *what, struct opt_u32 value, unsigned first, unsigned last, struct err *err)
{
    return !value.set || (value.value >= first && value.value <= last)
               ? 0
               : UNSUPPORTED("PCI controller %s '%u' out of range - must be %u-%u", what, value.value, first,
                             last);
}

static int check_pci_controller(const struct controller *controller, struct err *err)
{
    bool root = controller->model == CMODEL_PCI_ROOT || controller->model == CMODEL_PCIE_ROOT;

    if (root && controller->info.address.type)
        return UNSUPPORTED("pci-root and pcie-root controllers should not have an address");
    if (check_range("chassisNr", controller->chassis_nr, 1, 255, err) < 0 ||
        check_range("chassis", controller->chassis, 0, 255, err) < 0 ||
        check_range("port", controller->port, 0, 255, err) < 0 ||
        check_range("busNr", controller->bus_nr, 1, 254, err) < 0 ||
        check_range("target index", controller->target_index, 0, 30, err) < 0)
        return -1;
    if (controller->target_index.set && !controller->index.value != !controller->target_index.value)
        return UNSUPPORTED("Only the PCI controller with index 0 can have target index 0, and vice versa");
    if (controller->numa_node.set && !controller->index.value)
        return UNSUPPORTED("The PCI controller with index=0 can't be associated with a NUMA node");
    return 0;
}

static int check_controllers(const struct devices *devices, struct err *err)
{
    for (size_t i = 0; i < devices->n_controllers; i++) {
        const struct controller *controller = devices->controllers[i];

        /* USB companions share the number of their master */
        for (size_t j = 0; j < i && controller->type != CONTROLLER_USB; j++)
            if (devices->controllers[j]->type == controller->type &&
                devices->controllers[j]->index.value == controller->index.value)
                return OF_DEVICE(controller,
                                 err_set(err, ERR_XML_ERROR, "Multiple '%s' controllers with index '%u'",
                                         controller_type_names[controller->type], controller->index.value));
        if ((controller->type == CONTROLLER_USB && check_usb_controller(devices, controller, err) < 0) ||
            (controller->type == CONTROLLER_PCI && check_pci_controller(controller, err) < 0))
            return xt_add_place(err, &controller->info.place);
    }
    return 0;
}

/* Devices that need USB where there is none. */
static int check_usb(const struct devices *devices, struct err *err)
{
    bool disabled = usb_disabled(devices);

    for (size_t i = 0; i < devices->n_redirdevs; i++)
        if (str_eq(devices->redirdevs[i]->bus, "usb") && !has_usb(devices))
            return OF_DEVICE(
                devices->redirdevs[i],
                UNSUPPORTED("cannot add redirected USB device: USB is disabled for this domain"));
    for (size_t i = 0; disabled && i < devices->n_hubs; i++)
        if (str_eq(devices->hubs[i]->type, "usb"))
            return OF_DEVICE(devices->hubs[i],
                             UNSUPPORTED("Can't add USB hub: USB is disabled for this domain"));
    for (size_t i = 0; disabled && i < devices->n_inputs; i++)
        if (devices->inputs[i]->bus == INPUT_BUS_USB)
            return OF_DEVICE(devices->inputs[i],
                             UNSUPPORTED("Can't add USB input device. USB bus is disabled"));
    for (size_t i = 0; disabled && i < devices->n_hostdevs; i++)
        if (devices->hostdevs[i]->type == HOSTDEV_USB)
            return OF_DEVICE(devices->hostdevs[i],
                             UNSUPPORTED("Can't add host USB device: USB is disabled in this host"));
    return 0;
}

/* ---- character devices ---- */

static int check_chardevs(struct chardev *const *list, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        bool named = list[i]->kind == CHARKIND_CHANNEL &&
                     (list[i]->target == CHARTARGET_VIRTIO || list[i]->target == CHARTARGET_XEN);

        if (chardev_source_check(&list[i]->source, named, err) < 0)
            return xt_add_place(err, &list[i]->info.place);
    }
    return 0;
}

static int check_sources(const struct devices *devices, struct err *err)
{
    if (check_chardevs(devices->serials, devices->n_serials, err) < 0 ||
        check_chardevs(devices->parallels, devices->n_parallels, err) < 0 ||
        check_chardevs(devices->consoles, devices->n_consoles, err) < 0 ||
        check_chardevs(devices->channels, devices->n_channels, err) < 0)
        return -1;
    for (size_t i = 0; i < devices->n_redirdevs; i++)
        if (chardev_source_check(&devices->redirdevs[i]->source, false, err) < 0)
            return xt_add_place(err, &devices->redirdevs[i]->info.place);
    for (size_t i = 0; i < devices->n_smartcards; i++)
        if (chardev_source_check(&devices->smartcards[i]->source, false, err) < 0)
            return xt_add_place(err, &devices->smartcards[i]->info.place);
    for (size_t i = 0; i < devices->n_rngs; i++)
        if (chardev_source_check(&devices->rngs[i]->source, false, err) < 0)
            return xt_add_place(err, &devices->rngs[i]->info.place);
    return 0;
}

/* ---- devices of the host ---- */

static bool same_hostdev(const struct hostdev *a, const struct hostdev *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case HOSTDEV_USB:
        if (a->bus.set && b->bus.set)
            return a->bus.value == b->bus.value && a->device.value == b->device.value;
        return !a->bus.set && !b->bus.set && a->vendor == b->vendor && a->product == b->product;
    case HOSTDEV_PCI:
        return a->pci.domain == b->pci.domain && a->pci.bus == b->pci.bus && a->pci.slot == b->pci.slot &&
               a->pci.function == b->pci.function;
    case HOSTDEV_MDEV:
        return str_eq(a->uuid, b->uuid);
    default:
        return false;
    }
}

/* Two SCSI devices at the same place. */
static int check_scsi_place(const struct devices *devices, const struct hostdev *dev, struct err *err)
{
    const struct drive_address *address = &dev->info.address.drive;

    if (dev->type != HOSTDEV_SCSI || dev->info.address.type != ADDRESS_DRIVE)
        return 0;
    for (size_t i = 0; i < devices->n_disks; i++) {
        const struct disk *disk = devices->disks[i];

        if (disk->bus == DISK_BUS_SCSI && !memcmp(&disk->info.address.drive, address, sizeof(*address)))
            return UNSUPPORTED(
                "using disk target name '%s' conflicts with SCSI host device address controller='%u' "
                "bus='%u' target='%u' unit='%u",
                disk->dst, address->controller, address->bus, address->target, address->unit);
    }
    for (size_t i = 0; i < devices->n_hostdevs && devices->hostdevs[i] != dev; i++) {
        const struct hostdev *other = devices->hostdevs[i];

        if (other->type == HOSTDEV_SCSI && !memcmp(&other->info.address.drive, address, sizeof(*address)))
            return UNSUPPORTED(
                "SCSI host address controller='%u' bus='%u' target='%u' unit='%u' in use by another SCSI "
                "host device",
                address->controller, address->bus, address->target, address->unit);
    }
    return 0;
}

static int check_hostdevs(const struct devices *devices, struct err *err)
{
    unsigned ramfbs = 0;

    for (size_t i = 0; i < devices->n_hostdevs; i++) {
        const struct hostdev *dev = devices->hostdevs[i];
        enum address_type type = dev->info.address.type;

        if (dev->type == HOSTDEV_MDEV && str_eq(dev->model, "vfio-pci") && type && type != ADDRESS_PCI)
            return OF_DEVICE(dev, err_set(err, ERR_XML_ERROR,
                                          "Unsupported address type '%s' with mediated device model '%s'",
                                          address_type_names[type], dev->model));
        if (check_scsi_place(devices, dev, err) < 0)
            return xt_add_place(err, &dev->info.place);
        ramfbs += dev->ramfb == TRI_YES;
        for (size_t j = 0; j < i; j++)
            if (same_hostdev(dev, devices->hostdevs[j]))
                return OF_DEVICE(
                    dev, err_set(err, ERR_XML_ERROR, "Hostdev already exists in the domain configuration"));
    }
    return ramfbs > 1 ? UNSUPPORTED("Only one vgpu device can have 'ramfb' enabled") : 0;
}

/* ---- the others ---- */

static bool has_audio(const struct devices *devices, uint32_t id)
{
    for (size_t i = 0; i < devices->n_audios; i++)
        if (devices->audios[i]->id == id)
            return true;
    return false;
}

static int check_displays(const struct devices *devices, struct err *err)
{
    for (size_t i = 0; i < devices->n_videos; i++)
        if (devices->videos[i]->type == VIDEO_RAMFB && devices->videos[i]->info.address.type)
            return OF_DEVICE(devices->videos[i], UNSUPPORTED("address not supported for video type ramfb"));
    for (size_t i = 0; i < devices->n_sounds; i++)
        if (devices->sounds[i]->audio_id && !has_audio(devices, devices->sounds[i]->audio_id))
            return OF_DEVICE(devices->sounds[i], err_set(err, ERR_XML_ERROR, "no audio device with ID %u",
                                                         devices->sounds[i]->audio_id));
    for (size_t i = 0; i < devices->n_graphics; i++) {
        const struct graphics *graphics = devices->graphics[i];

        for (size_t j = 0; j < graphics->n_listens; j++)
            if (graphics->listens[j]->type == LISTEN_NETWORK && !graphics->listens[j]->network)
                return err_set(err, ERR_XML_ERROR,
                               "'network' attribute is required for listen type 'network'");
    }
    return 0;
}

static int check_shmems(const struct devices *devices, struct err *err)
{
    for (size_t i = 0; i < devices->n_shmems; i++) {
        const struct shmem *shmem = devices->shmems[i];

        if (strchr(shmem->name, '/'))
            return OF_DEVICE(shmem, UNSUPPORTED("shmem name cannot include '/' character"));
        if (shmem->has_msi && !shmem->has_server)
            return OF_DEVICE(shmem,
                             err_set(err, ERR_XML_ERROR, "msi option is only supported with a server"));
    }
    return 0;
}

int check_devices(const struct devices *devices, struct err *err)
{
    for (size_t i = 0; i < devices->n_disks; i++)
        if (check_disk(devices->disks[i], err) < 0)
            return xt_add_place(err, &devices->disks[i]->info.place);
    if (check_controllers(devices, err) < 0 || check_usb(devices, err) < 0 ||
        check_sources(devices, err) < 0 || check_hostdevs(devices, err) < 0 ||
        check_displays(devices, err) < 0)
        return -1;
    return check_shmems(devices, err);
}

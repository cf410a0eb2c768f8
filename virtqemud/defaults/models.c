/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Models: what each device of a definition leaves open. */
#define ERR_FROM ERR_FROM_QEMU

#include "base/str.h"
#include "virtqemud/defaults/defaults.h"

static void storage_models(struct storage *storage)
{
    static const uint16_t ports[NET_PROTOCOL_MAX] = {
        [NETPROTO_NBD] = 10809,  [NETPROTO_SHEEPDOG] = 7000, [NETPROTO_GLUSTER] = 24007,
        [NETPROTO_ISCSI] = 3260, [NETPROTO_HTTP] = 80,       [NETPROTO_HTTPS] = 443,
        [NETPROTO_FTP] = 21,     [NETPROTO_FTPS] = 990,      [NETPROTO_TFTP] = 69,
        [NETPROTO_SSH] = 22,     [NETPROTO_VXHS] = 9999,     [NETPROTO_NFS] = 2049,
    };

    for (; storage; storage = storage->backing) {
        for (size_t i = 0; i < storage->n_hosts; i++)
            if (!storage->hosts[i]->port && storage->hosts[i]->transport != TRANSPORT_UNIX)
                storage->hosts[i]->port = ports[storage->protocol];
        if (storage->encryption && !storage->encryption->engine)
            storage->encryption->engine = (char *)"qemu";
    }
}

static void disk_models(struct defaults *defaults, struct disk *disk)
{
    storage_models(&disk->src);
    if (disk->encryption && !disk->encryption->engine)
        disk->encryption->engine = (char *)"qemu";
    if (disk->src.type == STORAGE_VHOSTUSER) {
        /* its content is out of our sight */
        if (!disk->snapshot)
            disk->snapshot = (char *)"no";
        if (!disk->driver_name)
            disk->driver_name = arena_strdup(defaults->arena, "qemu");
        if (!disk->src.format)
            disk->src.format = FORMAT_RAW;
        return;
    }
    if (!disk->driver_name)
        disk->driver_name = arena_strdup(defaults->arena, "qemu");
    /* formats are never guessed from the content, which belongs to the guest */
    if (!disk->src.format && disk->src.type != STORAGE_VOLUME)
        disk->src.format = disk->src.type == STORAGE_DIR ? FORMAT_FAT : FORMAT_RAW;
    if (disk->mirror && !disk->mirror->storage.format)
        disk->mirror->storage.format = FORMAT_RAW;
}

static void controller_models(struct defaults *defaults, struct controller *controller)
{
    switch (controller->type) {
    case CONTROLLER_SCSI:
        if (controller->model && controller->model != CMODEL_SCSI_AUTO)
            return;
        if (!defaults->caps || qemu_caps_has(defaults->caps, QEMU_CAP_DEVICE_LSI))
            controller->model = CMODEL_SCSI_LSILOGIC;
        else
            controller->model = CMODEL_SCSI_VIRTIO;
        return;
    case CONTROLLER_USB:
        if (controller->model || !defaults->caps)
            return;
        /* the default is old, but guests exist that know nothing newer */
        if (qemu_caps_has(defaults->caps, QEMU_CAP_DEVICE_PIIX3_UHCI))
            controller->model = CMODEL_USB_PIIX3_UHCI;
        return;
    default:
        return;
    }
}

static void serial_models(struct chardev *serial)
{
    static const char *const models[CHARDEV_TARGET_MAX] = {
        [CHARTARGET_ISA_SERIAL] = "isa-serial",
        [CHARTARGET_USB_SERIAL] = "usb-serial",
        [CHARTARGET_PCI_SERIAL] = "pci-serial",
        [CHARTARGET_ISA_DEBUG] = "isa-debugcon",
    };

    if (!serial->target) {
        switch (serial->info.address.type) {
        case ADDRESS_PCI:
            serial->target = CHARTARGET_PCI_SERIAL;
            break;
        case ADDRESS_USB:
            serial->target = CHARTARGET_USB_SERIAL;
            break;
        default:
            serial->target = CHARTARGET_ISA_SERIAL;
            break;
        }
    }
    if (!serial->target_model)
        serial->target_model = (char *)models[serial->target];
}

/* A socket in our own directory was chosen at an earlier start: its path isn't part of the definition. */
static void channel_models(struct defaults *defaults, struct chardev *channel)
{
    const char *path = channel->source.path, *rest;

    if (!(defaults->flags & DOMAIN_PARSE_INACTIVE) || channel->source.type != CHARDEV_UNIX || !path ||
        channel->target != CHARTARGET_VIRTIO || !channel->target_name)
        return;
    rest = strstr(path, "/qemu/channel/");
    if (rest && str_ends(path, channel->target_name)) {
        channel->source.path = NULL;
        channel->source.mode = CHARMODE_UNSET;
    }
}

static void video_models(struct defaults *defaults, struct video *video)
{
    enum { KIB_PER_MIB = 1024 };

    if (!video->type) {
        if (defaults_can(defaults, QEMU_CAP_DEVICE_CIRRUS_VGA))
            video->type = VIDEO_CIRRUS;
        else if (defaults_can(defaults, QEMU_CAP_DEVICE_VGA))
            video->type = VIDEO_VGA;
        else
            video->type = VIDEO_VIRTIO;
    }
    video_settle_memory(video);
    if (video->type == VIDEO_QXL && !video->vgamem)
        video->vgamem = 16 * KIB_PER_MIB;
}

static void iface_models(struct defaults *defaults, struct iface *iface)
{
    if (iface->model || iface->type == IFACE_HOSTDEV)
        return;
    if (defaults_can(defaults, QEMU_CAP_DEVICE_RTL8139))
        iface->model = (char *)"rtl8139";
    else if (defaults_can(defaults, QEMU_CAP_DEVICE_E1000))
        iface->model = (char *)"e1000";
    else
        iface->model = (char *)"virtio";
}

static void tpm_models(struct tpm *tpm)
{
    if (!tpm->model)
        tpm->model = TPM_TIS;
    if (tpm->backend == TPM_EMULATOR && !tpm->version)
        tpm->version = (char *)"2.0";
}

static void shmem_models(struct shmem *shmem)
{
    enum { DEFAULT_SIZE = 4 << 20 };

    if (!shmem->size && shmem->model == SHMEM_IVSHMEM_PLAIN)
        shmem->size = DEFAULT_SIZE;
    /* a doorbell is rung by interrupts */
    if (shmem->model == SHMEM_IVSHMEM_DOORBELL) {
        shmem->has_msi = true;
        if (!shmem->msi_ioeventfd)
            shmem->msi_ioeventfd = TRI_YES;
    }
}

static bool slot_taken(const struct devices *devices, uint32_t slot)
{
    for (size_t i = 0; i < devices->n_memdevs; i++)
        if (devices->memdevs[i]->info.address.type == ADDRESS_DIMM &&
            devices->memdevs[i]->info.address.dimm.slot == slot)
            return true;
    return false;
}

/* Modules that look like real ones sit in slots. */
static void memdev_slots(struct defaults *defaults)
{
    struct devices *devices = defaults->devices;

    for (size_t i = 0; i < devices->n_memdevs; i++) {
        struct memdev *memory = devices->memdevs[i];
        uint32_t slot = 0;

        if ((memory->model != MEMDEV_DIMM && memory->model != MEMDEV_NVDIMM) || memory->info.address.type)
            continue;
        while (slot_taken(devices, slot))
            slot++;
        memory->info.address.type = ADDRESS_DIMM;
        memory->info.address.dimm = (struct dimm_address){.slot = slot};
    }
}

int defaults_models(struct defaults *defaults)
{
    struct devices *devices = defaults->devices;

    for (size_t i = 0; i < devices->n_disks; i++)
        disk_models(defaults, devices->disks[i]);
    for (size_t i = 0; i < devices->n_controllers; i++)
        controller_models(defaults, devices->controllers[i]);
    for (size_t i = 0; i < devices->n_serials; i++)
        serial_models(devices->serials[i]);
    for (size_t i = 0; i < devices->n_channels; i++)
        channel_models(defaults, devices->channels[i]);
    for (size_t i = 0; i < devices->n_videos; i++)
        video_models(defaults, devices->videos[i]);
    for (size_t i = 0; i < devices->n_ifaces; i++)
        iface_models(defaults, devices->ifaces[i]);
    for (size_t i = 0; i < devices->n_tpms; i++)
        tpm_models(devices->tpms[i]);
    for (size_t i = 0; i < devices->n_panics; i++)
        if (!devices->panics[i]->model && arch_is_x86(defaults->domain->os.arch))
            devices->panics[i]->model = PANIC_ISA;
    for (size_t i = 0; i < devices->n_shmems; i++)
        shmem_models(devices->shmems[i]);
    memdev_slots(defaults);
    if (devices->vsock && !devices->vsock->model)
        devices->vsock->model = VIRTIO_MODEL_VIRTIO;
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disk: a drive, and the node that it reads from. */
#define ERR_FROM ERR_FROM_QEMU

#include "base/str.h"
#include "virtqemud/dev/disk.h"
#include "virtqemud/dev/throttle.h"

/* Which of the bus's devices it is. */
static const char *scsi_driver(const struct disk *disk)
{
    if (disk->device == DISK_LUN)
        return "scsi-block";
    return disk->device == DISK_CDROM ? "scsi-cd" : "scsi-hd";
}

static int scsi_props(struct build *build, const struct disk *disk, struct props *props, struct err *err)
{
    const struct drive_address *address = &disk->info.address.drive;
    const struct controller *controller =
        devices_controller(&build->domain->devices, CONTROLLER_SCSI, address->controller);
    const char *bus = controller_bus(build, CONTROLLER_SCSI, address->controller, err);

    if (!bus)
        return -1;
    props_string(props, "driver", scsi_driver(disk));
    props_format(props, "bus", "%s.0", bus);
    if (controller->model == CMODEL_SCSI_LSILOGIC) {
        /* one unit per target, and no channels */
        if (address->target)
            return err_set(err, ERR_CONFIG_UNSUPPORTED, "target must be 0 for controller model 'lsilogic'");
        props_u64(props, "scsi-id", address->unit);
    } else {
        props_u64(props, "channel", address->bus);
        props_u64(props, "scsi-id", address->target);
        props_u64(props, "lun", address->unit);
    }
    if (disk->device != DISK_LUN && disk->serial)
        props_string(props, "device_id", disk->serial);
    else if (disk->device != DISK_LUN)
        props_format(props, "device_id", "drive-%s", disk->info.alias);
    return 0;
}

static int ide_props(struct build *build, const struct disk *disk, struct props *props, struct err *err)
{
    const struct drive_address *address = &disk->info.address.drive;
    bool sata = disk->bus == DISK_BUS_SATA;
    const char *bus =
        controller_bus(build, sata ? CONTROLLER_SATA : CONTROLLER_IDE, address->controller, err);

    if (!bus)
        return -1;
    props_string(props, "driver", disk->device == DISK_CDROM ? "ide-cd" : "ide-hd");
    props_format(props, "bus", "%s.%u", bus, sata ? address->unit : address->bus);
    if (!sata)
        props_u64(props, "unit", address->unit);
    return 0;
}

static void virtio_props(struct build *build, const struct disk *disk, struct props *props)
{
    enum virtio_model model = (enum virtio_model)disk->model;

    props_string(
        props, "driver",
        virtio_driver(build, "virtio-blk",
                      disk->model <= DISK_MODEL_VIRTIO_NON_TRANSITIONAL ? model : VIRTIO_MODEL_UNSET));
    props_number(props, "num-queues", disk->queues);
    props_number(props, "queue-size", disk->queue_size);
    if (disk->iothread)
        props_format(props, "iothread", "iothread%u", disk->iothread);
    props_iothreads(props, disk->iothreads, disk->n_iothreads);
    props_tristate(props, "ioeventfd", disk->ioeventfd);
    props_tristate(props, "event_idx", disk->event_idx);
    props_virtio(props, &disk->virtio);
}

/* What only this bus has. */
static int bus_props(struct build *build, const struct disk *disk, struct props *props, struct err *err)
{
    switch (disk->bus) {
    case DISK_BUS_SCSI:
        return scsi_props(build, disk, props, err);
    case DISK_BUS_IDE:
    case DISK_BUS_SATA:
        return ide_props(build, disk, props, err);
    case DISK_BUS_VIRTIO:
        virtio_props(build, disk, props);
        return props_address(build, props, &disk->info, err);
    case DISK_BUS_USB:
        props_string(props, "driver", disk->model == DISK_MODEL_USB_BOT ? "usb-bot" : "usb-storage");
        if (disk->model != DISK_MODEL_USB_BOT)
            props_bool(props, "removable", disk->removable == TRI_YES);
        return props_address(build, props, &disk->info, err);
    case DISK_BUS_FDC:
        props_string(props, "driver", "floppy");
        props_u64(props, "unit", disk->info.address.drive.unit);
        return 0;
    default:
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "unsupported disk bus '%s'", disk_bus_names[disk->bus]);
    }
}

/* The guest may switch its write cache off only where the host's cache leaves it a choice. */
static const char *write_cache(enum disk_cache cache)
{
    switch (cache) {
    case DISK_CACHE_WRITETHROUGH:
    case DISK_CACHE_DIRECTSYNC:
        return "off";
    case DISK_CACHE_NONE:
    case DISK_CACHE_WRITEBACK:
    case DISK_CACHE_UNSAFE:
        return "on";
    default:
        return NULL;
    }
}

static void policy_props(const struct disk *disk, struct props *props)
{
    static const char *const words[ERROR_POLICY_MAX] = {NULL, "stop", "report", "ignore", "enospc"};

    props_string(props, "werror", words[disk->error_policy]);
    props_string(props, "rerror",
                 words[disk->rerror_policy                           ? disk->rerror_policy
                       : disk->error_policy == ERROR_POLICY_ENOSPACE ? ERROR_POLICY_UNSET
                                                                     : disk->error_policy]);
}

static void identity_props(struct props *props, const struct disk *disk)
{
    uint64_t wwn;

    props_string(props, "serial", disk->serial);
    if (disk->wwn && str_to_u64_base(disk->wwn, 16, &wwn) == 0)
        props_u64(props, "wwn", wwn);
    if (disk->bus == DISK_BUS_SCSI) {
        props_string(props, "vendor", disk->vendor);
        props_string(props, "product", disk->product);
    }
    if (disk->rotation_rate.set && disk->device == DISK_DISK && disk->bus != DISK_BUS_VIRTIO &&
        disk->bus != DISK_BUS_USB)
        props_u64(props, "rotation_rate", disk->rotation_rate.value);
    props_number(props, "cyls", disk->cyls);
    props_number(props, "heads", disk->heads);
    props_number(props, "secs", disk->secs);
    if (disk->bus == DISK_BUS_IDE)
        props_string(props, "bios-chs-trans", disk->trans);
    props_number(props, "logical_block_size", disk->logical_block_size);
    props_number(props, "physical_block_size", disk->physical_block_size);
    if (disk->discard_granularity.set)
        props_u64(props, "discard_granularity", disk->discard_granularity.value);
}

/* Reads put what they fetched into the top image. */
static const char *copy_on_read(struct build *build, const struct disk *disk, const char *below)
{
    auto_props struct props props = {0};
    const char *node = arena_printf(build->arena, "libvirt-CoR-%s", disk->dst);

    if (disk->copy_on_read != TRI_YES)
        return below;
    props_string(&props, "driver", "copy-on-read");
    props_string(&props, "node-name", node);
    props_string(&props, "file", below);
    props_string(&props, "discard", "unmap");
    build_json(build, "-blockdev", &props);
    return node;
}

static int vhost_user(struct build *build, const struct disk *disk, struct err *err)
{
    auto_props struct props props = {0};
    auto_buf struct buf chardev = {0};

    buf_printf(&chardev, "socket,id=chr-vu-%s", disk->info.alias);
    option_add(&chardev, "path", disk->src.path);
    reconnect_options(build, &chardev, &disk->src.reconnect);
    build_arg(build, "-chardev", buf_text(&chardev));
    props_string(&props, "driver", "vhost-user-blk-pci");
    props_format(&props, "chardev", "chr-vu-%s", disk->info.alias);
    props_number(&props, "num-queues", disk->queues);
    props_number(&props, "queue-size", disk->queue_size);
    props_number(&props, "bootindex", build_boot_index(build, &disk->info, BOOT_DISK));
    props_virtio(&props, &disk->virtio);
    if (props_info(build, &props, &disk->info, err) < 0)
        return -1;
    build_json(build, "-device", &props);
    return 0;
}

static enum boot_device boot_kind(const struct disk *disk)
{
    if (disk->device == DISK_CDROM)
        return BOOT_CDROM;
    return disk->device == DISK_FLOPPY ? BOOT_FLOPPY : BOOT_DISK;
}

static int disk_command(struct build *build, void *device, struct err *err)
{
    struct disk *disk = device;
    auto_props struct props props = {0};
    bool empty = storage_is_empty(&disk->src);
    const char *node = NULL;
    uint32_t boot;

    if (disk->n_iothreads && !qemu_caps_has(build->caps, QEMU_CAP_VIRTIO_BLK_IOTHREAD_VQ))
        return err_set(err, ERR_CONFIG_UNSUPPORTED,
                       "this QEMU can't map iothreads to the queues of a disk (disk '%s')", disk->dst);
    if (disk->src.type == STORAGE_VHOSTUSER)
        return vhost_user(build, disk, err);
    if (empty && disk->device != DISK_CDROM && disk->device != DISK_FLOPPY)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "disk '%s' has no source", disk->dst);
    if (!empty) {
        if (build_storage(build, disk, &disk->src, disk->readonly, &node, err) < 0)
            return -1;
        node = copy_on_read(build, disk, node);
        if (throttle_filters(build, disk, &node, err) < 0)
            return -1;
    }
    if (bus_props(build, disk, &props, err) < 0)
        return -1;
    props_string(&props, "drive", node);
    props_string(&props, "id", disk->info.alias);
    boot = build_boot_index(build, &disk->info, boot_kind(disk));
    if (disk->bus != DISK_BUS_FDC)
        props_number(&props, "bootindex", boot);
    else if (boot)
        build_argf(build, "-global", "isa-fdc.bootindex%c=%u", disk->info.address.drive.unit ? 'B' : 'A',
                   boot);
    if (disk->device != DISK_LUN && disk->device != DISK_CDROM)
        props_string(&props, "write-cache", write_cache(disk->cache));
    policy_props(disk, &props);
    if (disk->shareable)
        props_bool(&props, "share-rw", true);
    identity_props(&props, disk);
    build_json(build, "-device", &props);
    return 0;
}

void disk_qdev(const struct disk *disk, struct props *props)
{
    switch (disk->bus) {
    case DISK_BUS_VIRTIO:
        props_format(props, "id", "/machine/peripheral/%s/virtio-backend", disk->info.alias);
        break;
    case DISK_BUS_USB:
        if (disk->model != DISK_MODEL_USB_BOT) {
            props_format(props, "id", "/machine/peripheral/%s/%s.0/legacy[0]", disk->info.alias,
                         disk->info.alias);
            break;
        }
        /* fall through */
    default:
        props_string(props, "id", disk->info.alias);
        break;
    }
}

const struct dev_kind kind_disk = {
    .name = "disk", DEV_LIST(disks), .prepare = disk_prepare, .command = disk_command};

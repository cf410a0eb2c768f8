/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Settle: what devices say about each other, whatever the hypervisor. */
#define ERR_FROM ERR_FROM_DOMAIN

#include <string.h>

#include "base/str.h"
#include "model/domain/devices.h"

/* ---- controllers ---- */

struct controller *devices_controller(const struct devices *devices, enum controller_type type,
                                      uint32_t index)
{
    for (size_t i = 0; i < devices->n_controllers; i++)
        if (devices->controllers[i]->type == type && devices->controllers[i]->index.set &&
            devices->controllers[i]->index.value == index)
            return devices->controllers[i];
    return NULL;
}

/* The place of a controller among count others: sorted by index within its type, USB masters before
 * companions. */
static size_t controller_place(struct controller *const *list, size_t count,
                               const struct controller *controller)
{
    size_t place = count;

    for (size_t i = count; i-- > 0;) {
        const struct controller *other = list[i];

        if (other->type != controller->type)
            continue;
        if (!controller->index.set)
            return i + 1;
        if (other->index.set && other->index.value > controller->index.value)
            place = i;
        else if (other->index.set && other->index.value == controller->index.value &&
                 !controller->info.master_port.set && other->info.master_port.set)
            place = i;
        else
            return place == count ? i + 1 : place;
    }
    return place;
}

static void insert_controller(struct devices *devices, struct arena *arena, struct controller *controller)
{
    size_t place = controller_place(devices->controllers, devices->n_controllers, controller);

    DEVICE_ADD(arena, devices, controllers, controller);
    memmove(devices->controllers + place + 1, devices->controllers + place,
            (devices->n_controllers - 1 - place) * sizeof(struct controller *));
    devices->controllers[place] = controller;
}

static uint32_t unused_index(const struct devices *devices, enum controller_type type)
{
    uint32_t index = 0;

    while (devices_controller(devices, type, index))
        index++;
    return index;
}

struct controller *devices_add_controller(struct devices *devices, struct arena *arena,
                                          enum controller_type type, int index, enum controller_model model)
{
    struct controller *controller = ARENA_NEW(arena, struct controller);

    controller->type = type;
    controller->model = model;
    controller->index.set = true;
    controller->index.value = index < 0 ? unused_index(devices, type) : (uint32_t)index;
    DEVICE_ADD(arena, devices, controllers, controller);
    return controller;
}

static bool is_companion(const struct controller *controller)
{
    return controller->model >= CMODEL_USB_ICH9_EHCI1 && controller->model <= CMODEL_USB_ICH9_UHCI3;
}

static bool has_unnumbered_scsi(const struct devices *devices)
{
    for (size_t i = 0; i < devices->n_controllers; i++)
        if (devices->controllers[i]->type == CONTROLLER_SCSI && !devices->controllers[i]->index.set)
            return true;
    return false;
}

/* A SCSI device of the host without an address needs controller 0, before others are numbered. */
static bool wants_scsi(const struct devices *devices)
{
    for (size_t i = 0; i < devices->n_hostdevs; i++)
        if (devices->hostdevs[i]->type == HOSTDEV_SCSI && !devices->hostdevs[i]->info.address.type)
            return true;
    return false;
}

static void settle_controllers(struct devices *devices, struct arena *arena)
{
    struct controller **list = devices->controllers;
    size_t count = devices->n_controllers;

    devices->controllers = NULL;
    devices->n_controllers = 0;
    for (size_t i = 0; i < count; i++)
        insert_controller(devices, arena, list[i]);
    if (wants_scsi(devices) && !devices_controller(devices, CONTROLLER_SCSI, 0) &&
        has_unnumbered_scsi(devices))
        devices_add_controller(devices, arena, CONTROLLER_SCSI, 0, CMODEL_UNSET);
    for (size_t i = 0; i < devices->n_controllers; i++) {
        struct controller *controller = devices->controllers[i],
                          *before = i ? devices->controllers[i - 1] : NULL;

        if (controller->index.set)
            continue;
        /* a companion belongs to the USB 2 controller that stands before it */
        if (before && before->type == CONTROLLER_USB && is_companion(controller) && is_companion(before) &&
            controller->model != CMODEL_USB_ICH9_EHCI1)
            controller->index.value = before->index.value;
        else
            controller->index.value = unused_index(devices, controller->type);
        controller->index.set = true;
    }
}

/* ---- disks ---- */

/* Disks of a bus are in the order of their names; buses in the order in which they first appear. */
static void settle_disk_order(struct devices *devices)
{
    struct disk **disks = devices->disks;

    for (size_t i = 1; i < devices->n_disks; i++) {
        struct disk *disk = disks[i];
        int index = disk_name_to_index(disk->dst);
        size_t place = i;

        for (size_t j = i; j-- > 0;) {
            if (disks[j]->bus != disk->bus)
                continue;
            if (disk_name_to_index(disks[j]->dst) <= index) {
                if (place == i)
                    place = j + 1;
                break;
            }
            place = j;
        }
        memmove(disks + place + 1, disks + place, (i - place) * sizeof(*disks));
        disks[place] = disk;
    }
}

enum { NARROW_SCSI_UNITS = 7, SATA_UNITS = 6, IDE_UNITS = 4 };

static int settle_drive_address(struct disk *disk, struct err *err)
{
    int index = disk_name_to_index(disk->dst);
    struct drive_address address = {0};

    if (disk->info.address.type)
        return 0;
    if (index < 0 && disk->bus != DISK_BUS_NVME)
        return err_set(err, ERR_XML_ERROR, "Unknown disk name '%s' and no address specified", disk->dst);
    switch (disk->bus) {
    case DISK_BUS_SCSI:
        address.controller = (uint32_t)index / NARROW_SCSI_UNITS;
        address.unit = (uint32_t)index % NARROW_SCSI_UNITS;
        break;
    case DISK_BUS_IDE:
        address.controller = (uint32_t)index / IDE_UNITS;
        address.bus = (uint32_t)index % IDE_UNITS / 2;
        address.unit = (uint32_t)index % 2;
        break;
    case DISK_BUS_SATA:
        address.controller = (uint32_t)index / SATA_UNITS;
        address.unit = (uint32_t)index % SATA_UNITS;
        break;
    case DISK_BUS_FDC:
        address.controller = (uint32_t)index / 2;
        address.unit = (uint32_t)index % 2;
        break;
    default:
        return 0;
    }
    disk->info.address.type = ADDRESS_DRIVE;
    disk->info.address.drive = address;
    return 0;
}

static int settle_disks(struct devices *devices, struct err *err)
{
    settle_disk_order(devices);
    for (size_t i = 0; i < devices->n_disks; i++) {
        struct disk *disk = devices->disks[i];

        for (size_t j = 0; j < i; j++) {
            const struct disk *other = devices->disks[j];

            if (!str_eq(other->dst, disk->dst))
                continue;
            err_set(err, ERR_XML_ERROR, "target '%s' duplicated for disk sources '%s' and '%s'", disk->dst,
                    other->src.path ? other->src.path : "", disk->src.path ? disk->src.path : "");
            return xt_add_place(err, &disk->info.place);
        }
        if (settle_drive_address(disk, err) < 0)
            return xt_add_place(err, &disk->info.place);
    }
    return 0;
}

/* ---- SCSI devices of the host ---- */

static bool drive_taken(const struct devices *devices, uint32_t controller, uint32_t unit)
{
    for (size_t i = 0; i < devices->n_disks; i++) {
        const struct disk *disk = devices->disks[i];

        if (disk->bus == DISK_BUS_SCSI && disk->info.address.type == ADDRESS_DRIVE &&
            disk->info.address.drive.controller == controller && disk->info.address.drive.unit == unit &&
            !disk->info.address.drive.target)
            return true;
    }
    for (size_t i = 0; i < devices->n_hostdevs; i++) {
        const struct device_info *info = &devices->hostdevs[i]->info;

        if (info->address.type == ADDRESS_DRIVE && info->address.drive.controller == controller &&
            info->address.drive.unit == unit && !info->address.drive.target)
            return true;
    }
    return false;
}

static void settle_hostdevs(struct devices *devices)
{
    for (size_t i = 0; i < devices->n_hostdevs; i++) {
        struct hostdev *dev = devices->hostdevs[i];
        uint32_t place = 0;

        if (dev->type != HOSTDEV_SCSI || dev->info.address.type)
            continue;
        while (drive_taken(devices, place / NARROW_SCSI_UNITS, place % NARROW_SCSI_UNITS))
            place++;
        dev->info.address.type = ADDRESS_DRIVE;
        dev->info.address.drive = (struct drive_address){.controller = place / NARROW_SCSI_UNITS,
                                                         .unit = place % NARROW_SCSI_UNITS};
    }
}

/* ---- ports, consoles ---- */

static void settle_ports(struct chardev *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t next = 0;

        if (list[i]->port.set)
            continue;
        for (size_t j = 0; j < count; j++)
            if (list[j]->port.set && list[j]->port.value >= next)
                next = list[j]->port.value + 1;
        list[i]->port = (struct opt_u32){next, true};
    }
}

void devices_sync_console(struct devices *devices, struct arena *arena)
{
    const struct chardev *serial = devices->n_serials ? devices->serials[0] : NULL;
    struct chardev *console = devices->n_consoles ? devices->consoles[0] : NULL;

    if (!serial || !console || console->target != CHARTARGET_SERIAL)
        return;
    console->source = serial->source;
    console->port = serial->port;
    console->info = serial->info;
    console->tty = serial->source.type == CHARDEV_PTY ? arena_strdup(arena, serial->source.path) : NULL;
}

static void settle_consoles(struct devices *devices, struct arena *arena)
{
    struct chardev *console = devices->n_consoles ? devices->consoles[0] : NULL;

    if (console && console->target == CHARTARGET_SERIAL && !devices->n_serials) {
        struct chardev *serial = ARENA_NEW(arena, struct chardev);

        serial->kind = CHARKIND_SERIAL;
        serial->source = console->source;
        serial->info = console->info;
        serial->port = (struct opt_u32){0, true};
        DEVICE_ADD(arena, devices, serials, serial);
    } else if ((!console || console->target != CHARTARGET_SERIAL) && devices->n_serials &&
               (!devices->serials[0]->target || devices->serials[0]->target == CHARTARGET_ISA_SERIAL ||
                devices->serials[0]->target == CHARTARGET_SPAPR_VIO_SERIAL)) {
        console = ARENA_NEW(arena, struct chardev);
        console->kind = CHARKIND_CONSOLE;
        console->target = CHARTARGET_SERIAL;
        console->port = (struct opt_u32){0, true};
        DEVICE_ADD(arena, devices, consoles, console);
        /* it is the first one */
        memmove(devices->consoles + 1, devices->consoles,
                (devices->n_consoles - 1) * sizeof(*devices->consoles));
        devices->consoles[0] = console;
    }
    devices_sync_console(devices, arena);
}

/* ---- video ---- */

/* The next one, as cards have their memory. */
static uint32_t power_of_two(uint32_t size)
{
    uint32_t power = 1;

    while (power < size && power < 1U << 31)
        power <<= 1;
    return size ? power : 0;
}

static int settle_videos(struct devices *devices, struct err *err)
{
    size_t primary = 0, primaries = 0;

    for (size_t i = 0; i < devices->n_videos; i++) {
        if (!devices->videos[i]->heads)
            devices->videos[i]->heads = 1;
        if (devices->videos[i]->primary == TRI_YES && primaries++ == 0)
            primary = i;
        devices->videos[i]->primary = TRI_NONE;
        devices->videos[i]->ram = power_of_two(devices->videos[i]->ram);
        devices->videos[i]->vram = power_of_two(devices->videos[i]->vram);
    }
    if (primaries > 1)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "Only one primary video device is supported");
    if (!devices->n_videos)
        return 0;
    struct video *first = devices->videos[primary];
    memmove(devices->videos + 1, devices->videos, primary * sizeof(first));
    devices->videos[0] = first;
    first->primary = TRI_YES;
    if (first->type == VIDEO_NONE)
        *first = (struct video){.type = VIDEO_NONE, .info.alias = first->info.alias};
    return 0;
}

/* ---- controllers that addresses imply ---- */

static void need_controller(struct devices *devices, struct arena *arena, enum controller_type type,
                            uint32_t last)
{
    /* a hostile index doesn't make a million controllers: the address itself is refused later */
    for (uint32_t index = 0; index <= last && index < 256; index++)
        if (!devices_controller(devices, type, index))
            devices_add_controller(devices, arena, type, (int)index, CMODEL_UNSET);
}

static void need_disk_controllers(struct devices *devices, struct arena *arena, enum disk_bus bus,
                                  enum controller_type type)
{
    for (size_t i = 0; i < devices->n_disks; i++) {
        const struct disk *disk = devices->disks[i];

        if (disk->bus == bus && disk->info.address.type == ADDRESS_DRIVE)
            need_controller(devices, arena, type, disk->info.address.drive.controller);
    }
}

static void need_serial_controller(struct devices *devices, struct arena *arena, const struct chardev *dev)
{
    const struct device_address *address = &dev->info.address;
    uint32_t index = address->type == ADDRESS_VIRTIO_SERIAL ? address->serial.controller : 0;

    if (dev->target == CHARTARGET_VIRTIO && !devices_controller(devices, CONTROLLER_VIRTIO_SERIAL, index))
        devices_add_controller(devices, arena, CONTROLLER_VIRTIO_SERIAL, (int)index, CMODEL_UNSET);
}

void devices_add_implicit_controllers(struct devices *devices, struct arena *arena)
{
    need_disk_controllers(devices, arena, DISK_BUS_SCSI, CONTROLLER_SCSI);
    need_disk_controllers(devices, arena, DISK_BUS_FDC, CONTROLLER_FDC);
    need_disk_controllers(devices, arena, DISK_BUS_IDE, CONTROLLER_IDE);
    need_disk_controllers(devices, arena, DISK_BUS_SATA, CONTROLLER_SATA);
    for (size_t i = 0; i < devices->n_channels; i++)
        need_serial_controller(devices, arena, devices->channels[i]);
    for (size_t i = 0; i < devices->n_consoles; i++)
        need_serial_controller(devices, arena, devices->consoles[i]);
    for (size_t i = 0; i < devices->n_smartcards; i++) {
        struct device_info *info = &devices->smartcards[i]->info;

        if (!info->address.type) {
            info->address.type = ADDRESS_CCID;
            info->address.ccid = (struct ccid_address){0};
            for (size_t j = 0; j < i; j++)
                if (devices->smartcards[j]->info.address.ccid.slot >= info->address.ccid.slot)
                    info->address.ccid.slot = devices->smartcards[j]->info.address.ccid.slot + 1;
        }
        if (info->address.type == ADDRESS_CCID)
            need_controller(devices, arena, CONTROLLER_CCID, info->address.ccid.controller);
    }
    for (size_t i = 0; i < devices->n_hostdevs; i++)
        if (devices->hostdevs[i]->type == HOSTDEV_SCSI &&
            devices->hostdevs[i]->info.address.type == ADDRESS_DRIVE)
            need_controller(devices, arena, CONTROLLER_SCSI,
                            devices->hostdevs[i]->info.address.drive.controller);
}

/* ---- all ---- */

static int count_device(void *count, const struct device_visit *device)
{
    return ++*(unsigned *)count > DEVICES_MAX;
}

int devices_settle(struct devices *devices, struct arena *arena, struct err *err)
{
    static const uint8_t mac_prefix[] = {0x52, 0x54, 0x00};
    unsigned count = 0;

    if (devices_foreach(devices, count_device, &count))
        return err_set(err, ERR_XML_ERROR, "A machine can't have more than %d devices", (int)DEVICES_MAX);
    if (settle_disks(devices, err) < 0)
        return -1;
    settle_controllers(devices, arena);
    settle_hostdevs(devices);
    settle_ports(devices->serials, devices->n_serials);
    settle_ports(devices->parallels, devices->n_parallels);
    for (size_t i = 0; i < devices->n_consoles; i++)
        devices->consoles[i]->port = (struct opt_u32){(uint32_t)i, true}; /* whatever was said */
    settle_consoles(devices, arena);
    if (settle_videos(devices, err) < 0)
        return -1;
    for (size_t i = 0; i < devices->n_ifaces; i++)
        if (mac_is_zero(&devices->ifaces[i]->mac))
            mac_generate(mac_prefix, &devices->ifaces[i]->mac);
    return 0;
}

#define VISIT(element, list)                                                                                 \
    for (size_t i = 0; i < devices->n_##list; i++) {                                                         \
        int r = visit(data, &(struct device_visit){element, devices->list[i], &devices->list[i]->info});     \
        if (r)                                                                                               \
            return r;                                                                                        \
    }
#define VISIT_ONE(element, member)                                                                           \
    if (devices->member) {                                                                                   \
        int r = visit(data, &(struct device_visit){element, devices->member, &devices->member->info});       \
        if (r)                                                                                               \
            return r;                                                                                        \
    }

int devices_foreach(struct devices *devices, int (*visit)(void *data, const struct device_visit *device),
                    void *data)
{
    VISIT("disk", disks);
    VISIT("controller", controllers);
    VISIT("filesystem", filesystems);
    VISIT("interface", ifaces);
    VISIT("smartcard", smartcards);
    VISIT("serial", serials);
    VISIT("parallel", parallels);
    /* the first console is mostly the first serial port over again: its info is a copy */
    for (size_t i = 0; i < devices->n_consoles; i++) {
        struct chardev *console = devices->consoles[i];
        if (i == 0 && console->target == CHARTARGET_SERIAL && devices->n_serials)
            continue;
        int r = visit(data, &(struct device_visit){"console", console, &console->info});
        if (r)
            return r;
    }
    VISIT("channel", channels);
    VISIT("input", inputs);
    VISIT("tpm", tpms);
    VISIT("sound", sounds);
    VISIT("video", videos);
    VISIT("hostdev", hostdevs);
    VISIT("redirdev", redirdevs);
    VISIT("hub", hubs);
    VISIT("watchdog", watchdogs);
    VISIT_ONE("memballoon", balloon);
    VISIT("rng", rngs);
    VISIT_ONE("nvram", nvram);
    VISIT("panic", panics);
    VISIT("shmem", shmems);
    VISIT("memory", memdevs);
    VISIT("crypto", cryptos);
    VISIT_ONE("iommu", iommu);
    VISIT_ONE("vsock", vsock);
    VISIT_ONE("pstore", pstore);
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Alias: a name for every device of a live machine: clients and logs use it, and QEMU's device ids are made
 * of it. Names are the ones that libvirt gives, since clients know them; names that a user chose ("ua-...")
 * stay.
 */
#include "base/str.h"
#include "virtqemud/defaults/defaults.h"

struct namer {
    struct arena *arena;
    struct domain *domain;
};

static int has_alias(void *alias, const struct device_visit *visit)
{
    return str_eq(visit->info->alias, alias);
}

/* A device that is plugged later gets the first number that is free from its place on. */
static void set_alias(struct namer *namer, struct device_info *info, const char *kind, size_t number)
{
    char *alias;

    if (info->alias)
        return;
    do
        alias = arena_printf(namer->arena, "%s%zu", kind, number++);
    while (devices_foreach(&namer->domain->devices, has_alias, alias));
    info->alias = alias;
}

static void disk_alias(struct namer *namer, struct disk *disk)
{
    const struct drive_address *address = &disk->info.address.drive;
    const char *bus = disk_bus_names[disk->bus];

    if (disk->info.alias)
        return;
    if (disk->bus == DISK_BUS_VIRTIO || disk->bus == DISK_BUS_USB ||
        disk->info.address.type != ADDRESS_DRIVE) {
        disk->info.alias = arena_printf(namer->arena, "%s-disk%d", bus, disk_name_to_index(disk->dst));
        return;
    }
    disk->info.alias =
        disk->bus == DISK_BUS_SCSI
            ? arena_printf(namer->arena, "%s%u-%u-%u-%u", bus, address->controller, address->bus,
                           address->target, address->unit)
            : arena_printf(namer->arena, "%s%u-%u-%u", bus, address->controller, address->bus, address->unit);
}

static void controller_alias(struct namer *namer, struct controller *controller)
{
    const char *type = controller_type_names[controller->type];
    uint32_t index = controller->index.value;
    const char *alias = NULL;

    if (controller->info.alias)
        return;
    switch (controller->type) {
    case CONTROLLER_PCI:
        /* QEMU has these built in, under names of its own */
        if (controller->model == CMODEL_PCIE_ROOT)
            alias = arena_printf(namer->arena, "pcie.%u", index);
        else
            alias = arena_printf(namer->arena, "pci.%u", index);
        break;
    case CONTROLLER_IDE:
        if (!index && chipset_of(&namer->domain->os))
            alias = "ide";
        break;
    case CONTROLLER_SATA:
        if (!index && chipset_of(&namer->domain->os) == CHIPSET_Q35)
            alias = "ide";
        break;
    case CONTROLLER_USB:
        if (!index)
            alias = "usb";
        break;
    default:
        break;
    }
    controller->info.alias =
        alias ? arena_strdup(namer->arena, alias) : arena_printf(namer->arena, "%s%u", type, index);
}

/* Modules in slots are named after them. */
static void memdev_alias(struct namer *namer, struct memdev *memory)
{
    static const char *const kinds[MEMDEV_MODEL_MAX] = {"",           "dimm",      "nvdimm",
                                                        "virtiopmem", "virtiomem", "epc"};
    const struct devices *devices = &namer->domain->devices;
    bool slotted = memory->info.address.type == ADDRESS_DIMM;

    if (memory->info.alias)
        return;
    /* the others are counted by kind, and a number is only given once */
    for (size_t i = 0, n = slotted ? memory->info.address.dimm.slot : 0;; n++) {
        const char *alias = arena_printf(namer->arena, "%s%zu", kinds[memory->model], n);

        for (i = 0; i < devices->n_memdevs; i++)
            if (str_eq(devices->memdevs[i]->info.alias, alias))
                break;
        if (i == devices->n_memdevs || slotted) {
            memory->info.alias = (char *)alias;
            return;
        }
    }
}

void defaults_aliases(struct domain *domain, struct arena *arena)
{
    struct namer namer = {arena, domain};
    struct devices *devices = &domain->devices;
    size_t hostdevs = 0;

#define NAME_ALL(list, kind)                                                                                 \
    for (size_t i = 0; i < devices->n_##list; i++)                                                           \
    set_alias(&namer, &devices->list[i]->info, kind, i)

    for (size_t i = 0; i < devices->n_disks; i++)
        disk_alias(&namer, devices->disks[i]);
    for (size_t i = 0; i < devices->n_ifaces; i++)
        if (devices->ifaces[i]->type == IFACE_HOSTDEV)
            set_alias(&namer, &devices->ifaces[i]->info, "hostdev", hostdevs++);
        else
            set_alias(&namer, &devices->ifaces[i]->info, "net", i);
    NAME_ALL(filesystems, "fs");
    NAME_ALL(sounds, "sound");
    for (size_t i = 0; i < devices->n_hostdevs; i++)
        set_alias(&namer, &devices->hostdevs[i]->info, "hostdev", hostdevs++);
    NAME_ALL(redirdevs, "redir");
    NAME_ALL(videos, "video");
    for (size_t i = 0; i < devices->n_controllers; i++)
        controller_alias(&namer, devices->controllers[i]);
    NAME_ALL(inputs, "input");
    NAME_ALL(parallels, "parallel");
    NAME_ALL(serials, "serial");
    NAME_ALL(channels, "channel");
    for (size_t i = 0; i < devices->n_consoles; i++)
        if (i || devices->consoles[i]->target != CHARTARGET_SERIAL)
            set_alias(&namer, &devices->consoles[i]->info, "console", i);
    NAME_ALL(hubs, "hub");
    NAME_ALL(shmems, "shmem");
    NAME_ALL(smartcards, "smartcard");
    NAME_ALL(watchdogs, "watchdog");
    if (devices->balloon && devices->balloon->model != BALLOON_NONE)
        set_alias(&namer, &devices->balloon->info, "balloon", 0);
    NAME_ALL(rngs, "rng");
    NAME_ALL(tpms, "tpm");
    NAME_ALL(panics, "panic");
    for (size_t i = 0; i < devices->n_memdevs; i++)
        memdev_alias(&namer, devices->memdevs[i]);
    if (devices->vsock)
        set_alias(&namer, &devices->vsock->info, "vsock", 0);
    if (devices->iommu)
        set_alias(&namer, &devices->iommu->info, "iommu", 0);
    NAME_ALL(cryptos, "crypto");
    if (devices->pstore)
        set_alias(&namer, &devices->pstore->info, "pstore", 0);
    devices_sync_console(devices, arena);
}

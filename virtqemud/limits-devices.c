/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtqemud/limits-devices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/domain/domain.h"
#include "virtqemud/qemud.h"

struct paths {
    char **v;
    unsigned n;
};

static void add(struct paths *paths, char how, const char *path)
{
    if (!path || *path != '/')
        return;
    paths->v = mem_resize_array(paths->v, paths->n + 2, sizeof(*paths->v));
    paths->v[paths->n++] = mem_printf("%c%s", how, path);
    paths->v[paths->n] = NULL;
}

static void add_chardev(struct paths *paths, const struct chardev_source *source)
{
    if (source->type == CHARDEV_DEV)
        add(paths, 'w', source->path);
}

static void add_chardevs(struct paths *paths, struct chardev *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_chardev(paths, &list[i]->source);
}

static void add_disk(struct paths *paths, const struct disk *disk)
{
    bool writes = !disk->readonly;

    for (const struct storage *layer = &disk->src; layer; layer = layer->backing) {
        if (layer->type == STORAGE_BLOCK)
            add(paths, writes ? 'w' : 'r', layer->path);
        writes = false; /* what lies beneath is only read, until a job makes it otherwise */
    }
}

/* What vfio gives for a device: its group, by the link that the kernel made. */
static void add_vfio(struct paths *paths, const char *device)
{
    auto_free char *link = mem_printf("%s/iommu_group", device);
    char group[256];
    ssize_t n = readlink(link, group, sizeof(group) - 1);

    add(paths, 'w', "/dev/vfio/vfio");
    if (n <= 0)
        return;
    group[n] = '\0';
    auto_free char *path = mem_printf("/dev/vfio/%s", strrchr(group, '/') ? strrchr(group, '/') + 1 : group);

    add(paths, 'w', path);
}

static void add_hostdev(struct paths *paths, const struct hostdev *hostdev)
{
    const struct pci_address *pci = &hostdev->pci;
    auto_free char *path = NULL;

    if (hostdev->type == HOSTDEV_PCI) {
        path = mem_printf("/sys/bus/pci/devices/%04x:%02x:%02x.%x", pci->domain, pci->bus, pci->slot,
                          pci->function);
        add_vfio(paths, path);
    } else if (hostdev->type == HOSTDEV_MDEV) {
        path = mem_printf("/sys/bus/mdev/devices/%s", hostdev->uuid);
        add_vfio(paths, path);
    } else if (hostdev->type == HOSTDEV_USB && hostdev->bus.set && hostdev->device.set) {
        path = mem_printf("/dev/bus/usb/%03u/%03u", hostdev->bus.value, hostdev->device.value);
        add(paths, 'w', path);
    } else if (hostdev->type == HOSTDEV_USB) { /* found by QEMU itself, by vendor and product */
        add(paths, 'w', "/dev/bus/usb");
    }
}

char **limits_devices(const struct domain *domain)
{
    static const char *const always[] = {"/dev/null",    "/dev/full", "/dev/zero", "/dev/random",
                                         "/dev/urandom", "/dev/ptmx", "/dev/kvm",  "/dev/userfaultfd"};
    const struct devices *devices = &domain->devices;
    struct paths paths = {0};

    if (qemud.conf.device_acl)
        for (const char *const *path = qemud.conf.device_acl; *path; path++)
            add(&paths, 'w', *path);
    else
        for (size_t i = 0; i < ARRAY_SIZE(always); i++)
            add(&paths, 'w', always[i]);
    for (size_t i = 0; i < devices->n_disks; i++)
        add_disk(&paths, devices->disks[i]);
    add_chardevs(&paths, devices->serials, devices->n_serials);
    add_chardevs(&paths, devices->parallels, devices->n_parallels);
    add_chardevs(&paths, devices->consoles, devices->n_consoles);
    add_chardevs(&paths, devices->channels, devices->n_channels);
    for (size_t i = 0; i < devices->n_rngs; i++)
        if (devices->rngs[i]->backend == RNG_RANDOM)
            add(&paths, 'w', devices->rngs[i]->path);
    for (size_t i = 0; i < devices->n_tpms; i++)
        if (devices->tpms[i]->backend == TPM_PASSTHROUGH)
            add(&paths, 'w', devices->tpms[i]->device_path ? devices->tpms[i]->device_path : "/dev/tpm0");
    for (size_t i = 0; i < devices->n_inputs; i++)
        add(&paths, 'w', devices->inputs[i]->evdev);
    for (size_t i = 0; i < devices->n_memdevs; i++)
        add(&paths, 'w', devices->memdevs[i]->path);
    for (size_t i = 0; i < devices->n_graphics; i++)
        add(&paths, 'w', devices->graphics[i]->rendernode);
    for (size_t i = 0; i < devices->n_hostdevs; i++)
        add_hostdev(&paths, devices->hostdevs[i]);
    return paths.v;
}

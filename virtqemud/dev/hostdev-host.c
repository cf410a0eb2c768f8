/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hostdev-host: devices of the host are found, taken from the host's drivers, and given back at the end. */
#define ERR_FROM ERR_FROM_QEMU

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "host/pci.h"
#include "loop/work.h"
#include "virtqemud/dev/hostdev.h"
#include "virtqemud/dev/secret.h"
#include "virtqemud/qemud.h"

#define BIND_USEC SECONDS(60)

/* QEMU's user gets the node while the machine runs. */
static int take_node(struct build *build, const char *path, struct err *err)
{
    if (access(path, F_OK) < 0)
        return err_system(err, errno, "Cannot access device node '%s'", path);
    if (!build->privileged || !qemud.conf.dynamic_ownership)
        return 0;
    if (chown(path, qemud.conf.user, qemud.conf.group) < 0)
        return err_system(err, errno, "unable to set user and group to '%u:%u' on '%s'", qemud.conf.user,
                          qemud.conf.group, path);
    build_remember(build, UNDO_OWNER, path, -1);
    return 0;
}

/* ---- PCI ---- */

struct bind {
    char address[PCI_ADDRESS_TEXT], driver[PCI_DRIVER_TEXT];
    struct err err;
    unsigned refs;
};

static int do_bind(void *arg)
{
    struct bind *bind = arg;

    pci_bind(bind->address, bind->driver, &bind->err);
    return 0;
}

static void bind_unref(void *arg)
{
    struct bind *bind = arg;

    if (--bind->refs)
        return;
    err_clear(&bind->err);
    free(bind);
}

const char *hostdev_pci_text(struct arena *arena, const struct pci_address *pci)
{
    return arena_printf(arena, "%04x:%02x:%02x.%x", pci->domain, pci->bus, pci->slot, pci->function);
}

static int bind_pci(struct req *rq, const char *address, const char *driver)
{
    struct bind *bind = NEW(struct bind);
    int r;

    bind->refs = 2;
    snprintf(bind->address, sizeof(bind->address), "%s", address);
    snprintf(bind->driver, sizeof(bind->driver), "%s", driver);
    r = work_run(rq, do_bind, bind_unref, bind, BIND_USEC, "a driver to let a PCI device go");
    if (r == 0 && err_is_set(&bind->err)) {
        err_move(&rq->err, &bind->err);
        r = -1;
    }
    bind_unref(bind);
    return r;
}

static int prepare_pci(struct req *rq, struct build *build, const struct hostdev *dev)
{
    const char *address = hostdev_pci_text(build->arena, &dev->pci);
    const char *driver = dev->driver_model ? dev->driver_model : "vfio-pci";
    char now[PCI_DRIVER_TEXT];

    if (dev->driver_name && !str_eq(dev->driver_name, "vfio"))
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED,
                       "host doesn't support '%s' PCI passthrough, use driver 'vfio'", dev->driver_name);
    if (!pci_exists(address))
        return err_system(&rq->err, ENOENT,
                          "Device %s not found: could not access /sys/bus/pci/devices/%s/config", address,
                          address);
    pci_driver(address, now);
    if (!strstr(now, "vfio") && dev->managed != TRI_YES)
        return err_set(&rq->err, ERR_OPERATION_INVALID,
                       "Unmanaged PCI device %s must be manually detached from the host", address);
    if (pci_group(address) < 0)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED,
                       "PCI device %s isn't in an IOMMU group: the host has no IOMMU, or it is off", address);
    if (!strstr(now, "vfio")) {
        build_remember(build, UNDO_PCI, address, -1);
        if (bind_pci(rq, address, driver) < 0)
            return -1;
    }
    return take_node(build, arena_printf(build->arena, "/dev/vfio/%d", pci_group(address)), &rq->err);
}

static int prepare_mdev(struct req *rq, struct build *build, const struct hostdev *dev)
{
    const char *base = arena_printf(build->arena, "/sys/bus/mdev/devices/%s", dev->uuid), *slash;
    char target[256];
    ssize_t n;

    if (access(base, F_OK) < 0)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "mediated device '%s' not found", dev->uuid);
    n = readlink(arena_printf(build->arena, "%s/iommu_group", base), target, sizeof(target) - 1);
    if (n < 0)
        return err_system(&rq->err, errno, "cannot find the IOMMU group of mediated device '%s'", dev->uuid);
    target[n] = 0;
    slash = strrchr(target, '/');
    return take_node(build, arena_printf(build->arena, "/dev/vfio/%s", slash ? slash + 1 : target), &rq->err);
}

/* ---- USB ---- */

static bool read_number(const char *device, const char *file, int base, uint64_t *ret)
{
    auto_free char *path = mem_printf("/sys/bus/usb/devices/%s/%s", device, file), *line = NULL;

    return file_read_line(AT_FDCWD, path, &line) >= 0 && str_to_u64_base(line, base, ret) >= 0;
}

/* By vendor and product there must be exactly one; what was found goes into the live definition. */
static int find_usb(struct req *rq, struct hostdev *dev)
{
    DIR *dir = opendir("/sys/bus/usb/devices");
    uint64_t vendor, product, bus, device;
    unsigned found = 0;

    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (!read_number(entry->d_name, "idVendor", 16, &vendor) ||
            !read_number(entry->d_name, "idProduct", 16, &product) || vendor != dev->vendor ||
            product != dev->product || !read_number(entry->d_name, "busnum", 10, &bus) ||
            !read_number(entry->d_name, "devnum", 10, &device))
            continue;
        if (dev->bus.set && dev->device.set && (dev->bus.value != bus || dev->device.value != device))
            continue;
        found++;
        dev->bus = (struct opt_u32){(uint32_t)bus, true};
        dev->device = (struct opt_u32){(uint32_t)device, true};
    }
    if (dir)
        closedir(dir);
    if (found == 1)
        return 0;
    if (found > 1)
        return err_set(&rq->err, ERR_OPERATION_FAILED,
                       "Multiple USB devices for %x:%x, use <address> to specify one", dev->vendor,
                       dev->product);
    return err_set(&rq->err, ERR_INTERNAL_ERROR, "Did not find USB device %04x:%04x", dev->vendor,
                   dev->product);
}

static int prepare_usb(struct req *rq, struct build *build, struct hostdev *dev)
{
    if (dev->vendor && find_usb(rq, dev) < 0) {
        if (!str_eq(dev->startup_policy, "optional"))
            return -1;
        err_clear(&rq->err);
        dev->missing = true;
        return 0;
    }
    if (!dev->bus.set || !dev->device.set)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED,
                       "USB host device needs a vendor and product, or a bus and device");
    return take_node(build,
                     arena_printf(build->arena, "/dev/bus/usb/%03u/%03u", dev->bus.value, dev->device.value),
                     &rq->err);
}

/* ---- SCSI ---- */

const char *hostdev_scsi_node(struct arena *arena, const struct hostdev *dev)
{
    const char *number = dev->adapter ? str_after(dev->adapter, "scsi_host") : NULL, *node = NULL;
    char *path =
        arena_printf(arena, "/sys/bus/scsi/devices/%s:%u:%u:%" PRIu64 "/scsi_generic", number ? number : "",
                     dev->scsi_bus.value, dev->scsi_target.value, dev->scsi_unit.value);
    DIR *dir = opendir(path);

    for (struct dirent *entry; dir && !node && (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            node = arena_printf(arena, "/dev/%s", entry->d_name);
    if (dir)
        closedir(dir);
    return node;
}

static int prepare_scsi(struct req *rq, struct build *build, const struct hostdev *dev)
{
    const char *node;

    if (str_eq(dev->protocol, "iscsi"))
        return dev->auth ? secret_prepare(rq, build, dev->auth, &dev->auth->secret, SECRET_ISCSI, false) : 0;
    node = hostdev_scsi_node(build->arena, dev);
    if (!node)
        return err_set(&rq->err, ERR_OPERATION_FAILED,
                       "SCSI device %u:%u:%" PRIu64 " of adapter '%s' not found on the host",
                       dev->scsi_bus.value, dev->scsi_target.value, dev->scsi_unit.value,
                       dev->adapter ? dev->adapter : "");
    return take_node(build, node, &rq->err);
}

static int prepare_scsi_host(struct req *rq, struct build *build, struct hostdev *dev)
{
    int fd = open("/dev/vhost-scsi", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return err_system(&rq->err, errno, "cannot open '/dev/vhost-scsi' for a SCSI host device");
    dev->vhost_fd = build_pass_fd(build, fd);
    return 0;
}

int hostdev_prepare(struct req *rq, struct build *build, void *device)
{
    struct hostdev *dev = device;

    if (build->validate_only)
        return 0;
    switch (dev->type) {
    case HOSTDEV_USB:
        return prepare_usb(rq, build, dev);
    case HOSTDEV_PCI:
        return prepare_pci(rq, build, dev);
    case HOSTDEV_MDEV:
        return prepare_mdev(rq, build, dev);
    case HOSTDEV_SCSI:
        return prepare_scsi(rq, build, dev);
    case HOSTDEV_SCSI_HOST:
        return prepare_scsi_host(rq, build, dev);
    default:
        return 0;
    }
}

void hostdev_found(struct build *build, const struct hostdev *dev)
{
    char now[PCI_DRIVER_TEXT];

    if (dev->type != HOSTDEV_PCI || dev->managed != TRI_YES)
        return;
    const char *address = hostdev_pci_text(build->arena, &dev->pci);
    pci_driver(address, now);
    if (strstr(now, "vfio"))
        build_remember(build, UNDO_PCI, address, -1);
}

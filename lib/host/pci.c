/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_NONE
#include "host/pci.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

#define DEVICES "/sys/bus/pci/devices"

bool pci_exists(const char *address)
{
    auto_free char *path = mem_printf(DEVICES "/%s/config", address);

    return access(path, F_OK) == 0;
}

/* The last part of where a link of the device leads to. */
static int link_target(const char *address, const char *link, char *ret, size_t room)
{
    auto_free char *path = mem_printf(DEVICES "/%s/%s", address, link);
    char target[512];
    ssize_t n = readlink(path, target, sizeof(target) - 1);
    const char *slash;

    if (n < 0)
        return -errno;
    target[n] = 0;
    slash = strrchr(target, '/');
    if (snprintf(ret, room, "%s", slash ? slash + 1 : target) >= (int)room)
        return -ENAMETOOLONG;
    return 0;
}

void pci_driver(const char *address, char ret[PCI_DRIVER_TEXT])
{
    if (link_target(address, "driver", ret, PCI_DRIVER_TEXT) < 0)
        *ret = 0;
}

int pci_group(const char *address)
{
    char text[32];
    uint32_t group;

    if (link_target(address, "iommu_group", text, sizeof(text)) < 0 || str_to_u32(text, &group) < 0)
        return -1;
    return (int)group;
}

static int write_text(const char *path, const char *text)
{
    auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        return -errno;
    return 0;
}

/* Which driver may take the device (a newline: any), then away from the one that has it, then a new choice.
 */
static int change_driver(const char *address, const char *wanted, struct err *err)
{
    auto_free char *override = mem_printf(DEVICES "/%s/driver_override", address);
    auto_free char *unbind = mem_printf(DEVICES "/%s/driver/unbind", address);
    int r = write_text(override, wanted);

    if (r < 0)
        return err_system(err, r, "Failed to add driver '%s' to driver_override interface of PCI device '%s'",
                          *wanted == '\n' ? "" : wanted, address);
    r = write_text(unbind, address);
    if (r < 0 && r != -ENOENT)
        return err_system(err, r, "Failed to unbind PCI device '%s'", address);
    r = write_text("/sys/bus/pci/drivers_probe", address);
    if (r < 0)
        return err_system(err, r, "Failed to trigger a probe for PCI device '%s'", address);
    return 0;
}

int pci_bind(const char *address, const char *driver, struct err *err)
{
    char now[PCI_DRIVER_TEXT];

    if (!pci_exists(address))
        return err_system(err, ENOENT, "Device %s not found: could not access " DEVICES "/%s/config", address,
                          address);
    pci_driver(address, now);
    if (str_eq(now, driver))
        return 0;
    if (change_driver(address, driver, err) < 0)
        return -1;
    pci_driver(address, now);
    if (!str_eq(now, driver))
        return err_set(err, ERR_INTERNAL_ERROR,
                       "PCI device '%s' could not be bound to driver '%s': is the driver's module loaded?",
                       address, driver);
    return 0;
}

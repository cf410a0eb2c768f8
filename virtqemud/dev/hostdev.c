/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hostdev: devices of the host: USB by its place, PCI and mediated devices by VFIO, SCSI by its generic node.
 */
#define ERR_FROM ERR_FROM_QEMU

#include "base/str.h"
#include "virtqemud/dev/dev.h"

static int usb_props(const struct hostdev *dev, struct props *props, struct err *err)
{
    props_string(props, "driver", "usb-host");
    if (dev->bus.set && dev->device.set)
        props_format(props, "hostdevice", "/dev/bus/usb/%03u/%03u", dev->bus.value, dev->device.value);
    else if (dev->vendor) {
        props_u64(props, "vendorid", dev->vendor);
        props_u64(props, "productid", dev->product);
    } else {
        return err_set(err, ERR_CONFIG_UNSUPPORTED,
                       "USB host device needs a vendor and product, or a bus and device");
    }
    if (dev->guest_reset) {
        props_bool(props, "guest-reset", !str_eq(dev->guest_reset, "off"));
        props_bool(props, "guest-resets-all", str_eq(dev->guest_reset, "on"));
    }
    return 0;
}

static int hostdev_command(struct build *build, void *device, struct err *err)
{
    const struct hostdev *dev = device;
    auto_props struct props props = {0};

    if (dev->mode == HOSTDEV_CAPABILITIES)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "hostdev mode 'capabilities' is not supported by QEMU");
    switch (dev->type) {
    case HOSTDEV_USB:
        if (usb_props(dev, &props, err) < 0)
            return -1;
        break;
    case HOSTDEV_PCI:
        props_string(&props, "driver", "vfio-pci");
        props_format(&props, "host", "%04x:%02x:%02x.%x", dev->pci.domain, dev->pci.bus, dev->pci.slot,
                     dev->pci.function);
        break;
    case HOSTDEV_MDEV:
        if (!str_eq(dev->model, "vfio-pci"))
            return err_set(err, ERR_CONFIG_UNSUPPORTED,
                           "mediated device model '%s' is not supported by this machine",
                           dev->model ? dev->model : "");
        props_string(&props, "driver", dev->ramfb == TRI_YES ? "vfio-pci-nohotplug" : "vfio-pci");
        props_format(&props, "sysfsdev", "/sys/bus/mdev/devices/%s", dev->uuid);
        props_onoff(&props, "display", dev->display);
        props_tristate(&props, "ramfb", dev->ramfb);
        break;
    default:
        return err_set(err, ERR_NO_SUPPORT, "host devices of type '%s'", hostdev_type_names[dev->type]);
    }
    props_number(&props, "bootindex", dev->info.boot_order);
    if (props_info(build, &props, &dev->info, err) < 0)
        return -1;
    build_json(build, "-device", &props);
    return 0;
}

const struct dev_kind kind_hostdev = {.name = "hostdev", DEV_LIST(hostdevs), .command = hostdev_command};

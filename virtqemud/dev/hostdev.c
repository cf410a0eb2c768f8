/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hostdev: devices of the host: USB by its place, PCI and mediated devices by VFIO, SCSI by its generic node.
 */
#define ERR_FROM ERR_FROM_QEMU

#include "base/str.h"
#include "virtqemud/dev/hostdev.h"
#include "virtqemud/dev/secret.h"

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

/* The backend of a SCSI device: its generic node here, or a target on the network. */
static int scsi_backend(struct build *build, const struct hostdev *dev, const char *node, struct err *err)
{
    auto_props struct props props = {0};

    if (str_eq(dev->protocol, "iscsi")) {
        const char *slash = dev->name ? strrchr(dev->name, '/') : NULL;
        uint32_t lun = 0;

        if (!dev->n_hosts || !dev->name || (slash && str_to_u32(slash + 1, &lun) < 0))
            return err_set(err, ERR_CONFIG_UNSUPPORTED, "an iscsi host device needs a name and a host");
        props_string(&props, "driver", "iscsi");
        props_format(&props, "portal", "%s:%u", dev->hosts[0]->name,
                     dev->hosts[0]->port ? dev->hosts[0]->port : 3260);
        props_format(&props, "target", "%.*s", slash ? (int)(slash - dev->name) : (int)strlen(dev->name),
                     dev->name);
        props_u64(&props, "lun", lun);
        props_string(&props, "transport", "tcp");
        if (dev->auth) {
            props_string(&props, "user", dev->auth->username);
            props_string(&props, "password-secret",
                         secret_object(build, dev->auth, arena_printf(build->arena, "%s-secret0", node)));
        }
        props_string(&props, "initiator-name", dev->initiator_iqn);
    } else {
        const char *path = hostdev_scsi_node(build->arena, dev);

        props_string(&props, "driver", "host_device");
        props_string(&props, "filename", path ? path : "");
    }
    props_string(&props, "node-name", node);
    props_bool(&props, "read-only", dev->readonly);
    build_json(build, "-blockdev", &props);
    return 0;
}

static int scsi_props(struct build *build, const struct hostdev *dev, struct props *props, struct err *err)
{
    const struct drive_address *address = &dev->info.address.drive;
    const struct controller *controller =
        devices_controller(&build->domain->devices, CONTROLLER_SCSI, address->controller);
    const char *bus = controller_bus(build, CONTROLLER_SCSI, address->controller, err);
    const char *node = arena_printf(build->arena, "libvirt-%s-backend", dev->info.alias);

    if (!bus || scsi_backend(build, dev, node, err) < 0)
        return -1;
    props_string(props, "driver", "scsi-generic");
    props_format(props, "bus", "%s.0", bus);
    if (controller->model == CMODEL_SCSI_LSILOGIC) {
        props_u64(props, "scsi-id", address->unit);
    } else {
        props_u64(props, "channel", address->bus);
        props_u64(props, "scsi-id", address->target);
        props_u64(props, "lun", address->unit);
    }
    if (dev->shareable)
        props_bool(props, "share-rw", true);
    props_string(props, "drive", node);
    return 0;
}

static int hostdev_command(struct build *build, void *device, struct err *err)
{
    const struct hostdev *dev = device;
    auto_props struct props props = {0};

    if (dev->mode == HOSTDEV_CAPABILITIES)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "hostdev mode 'capabilities' is not supported by QEMU");
    if (dev->missing)
        return 0;
    switch (dev->type) {
    case HOSTDEV_SCSI:
        if (scsi_props(build, dev, &props, err) < 0)
            return -1;
        break;
    case HOSTDEV_SCSI_HOST:
        props_string(&props, "driver",
                     str_eq(dev->model, "virtio-transitional")       ? "vhost-scsi-pci-transitional"
                     : str_eq(dev->model, "virtio-non-transitional") ? "vhost-scsi-pci-non-transitional"
                                                                     : "vhost-scsi-pci");
        props_string(&props, "wwpn", dev->wwpn);
        props_string(&props, "vhostfd", build_fd_name(build, dev->vhost_fd));
        break;
    case HOSTDEV_USB:
        if (usb_props(dev, &props, err) < 0)
            return -1;
        break;
    case HOSTDEV_PCI:
        props_string(&props, "driver", "vfio-pci");
        props_format(&props, "host", "%04x:%02x:%02x.%x", dev->pci.domain, dev->pci.bus, dev->pci.slot,
                     dev->pci.function);
        if (str_eq(dev->teaming_type, "transient"))
            props_string(&props, "failover_pair_id", dev->teaming_persistent);
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

const struct dev_kind kind_hostdev = {
    .name = "hostdev", DEV_LIST(hostdevs), .prepare = hostdev_prepare, .command = hostdev_command};

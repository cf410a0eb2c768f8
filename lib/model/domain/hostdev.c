/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hostdev: rows of <hostdev>, by mode and type. */
#define ERR_FROM ERR_FROM_DOMAIN

#include "model/domain/hostdev.h"

#include "base/str.h"

const char *const hostdev_mode_names[] = {"", "subsystem", "capabilities", NULL};
const char *const hostdev_type_names[] = {"",     "usb",     "pci",  "scsi", "scsi_host",
                                          "mdev", "storage", "misc", "net",  NULL};

static int hostdev_finish(struct xt_parse *parse, void *object)
{
    struct hostdev *dev = object;

    if (!dev->mode)
        dev->mode = HOSTDEV_SUBSYSTEM;
    if (!dev->type)
        return err_set(parse->err, ERR_XML_ERROR, "missing type attribute of <hostdev>");
    if ((dev->mode == HOSTDEV_CAPABILITIES) != (dev->type >= HOSTDEV_STORAGE))
        return err_set(parse->err, ERR_XML_ERROR, "unknown host device source address type '%s'",
                       hostdev_type_names[dev->type]);
    if (dev->mode == HOSTDEV_SUBSYSTEM && !dev->managed && dev->type != HOSTDEV_SCSI_HOST)
        dev->managed = TRI_NO;
    if (dev->type == HOSTDEV_USB && !dev->vendor && !dev->bus.set && !dev->device.set && !dev->usb_port)
        return err_set(parse->err, ERR_INTERNAL_ERROR, "missing vendor or address of usb <hostdev>");
    if (dev->type == HOSTDEV_USB && dev->vendor && !dev->product)
        return err_set(parse->err, ERR_INTERNAL_ERROR, "missing product");
    if (dev->type == HOSTDEV_MDEV && !dev->model)
        return err_set_from(parse->err, ERR_FROM_XML, ERR_XML_ERROR,
                            "Missing required attribute 'model' in element 'hostdev'");
    if (dev->type == HOSTDEV_MDEV && !dev->uuid)
        return err_set(parse->err, ERR_CONFIG_UNSUPPORTED, "Missing 'uuid' attribute for element <address>");
    return 0;
}

/* clang-format off */
#define T struct hostdev
XT_DEFINE(hostdev_table, "hostdev", hostdev_finish,
    XT_ENUM(T, mode, "mode", hostdev_mode_names, XT_ABI),
    XT_ENUM(T, type, "type", hostdev_type_names, XT_ABI),
    XT_ATTR(T, managed, "managed", yesno, 0),
    XT_ATTR(T, sgio, "sgio", str, 0),
    XT_ATTR(T, rawio, "rawio", yesno, 0),
    XT_ATTR(T, model, "model", str, XT_ABI),
    XT_ATTR(T, display, "display", onoff, XT_ABI),
    XT_ATTR(T, ramfb, "ramfb", onoff, XT_ABI),
    XT_GROUP("driver", 0,
        XT_ATTR(T, driver_name, "name", str, 0),
        XT_ATTR(T, driver_model, "model", str, 0),
        XT_ATTR(T, iommufd, "iommufd", yesno, 0)),
    XT_GROUP("source", 0,
        XT_ATTR(T, startup_policy, "startupPolicy", str, 0),
        XT_UNION(T, type, 0,
            XT_ARM(HOSTDEV_USB,
                XT_ATTR(T, guest_reset, "guestReset", str, 0),
                XT_GROUP("vendor", 0, XT_ATTR(T, vendor, "id", hex4, 0)),
                XT_GROUP("product", 0, XT_ATTR(T, product, "id", hex4, 0)),
                XT_GROUP("address", 0,
                    XT_ATTR(T, bus, "bus", any_base, 0),
                    XT_ATTR(T, usb_port, "port", str, 0),
                    XT_ATTR(T, device, "device", any_base, 0))),
            XT_ARM(HOSTDEV_PCI,
                XT_ATTR(T, write_filtering, "writeFiltering", yesno, 0),
                XT_EMBED(T, pci, "address", pci_address_table, 0)),
            XT_ARM(HOSTDEV_SCSI,
                XT_ATTR(T, protocol, "protocol", str, 0),
                XT_ATTR(T, name, "name", str, 0),
                XT_LIST(T, hosts, n_hosts, "host", net_host_table, 0),
                XT_CHILD(T, auth, "auth", storage_auth_table, 0),
                XT_GROUP("initiator", 0, XT_GROUP("iqn", 0, XT_ATTR(T, initiator_iqn, "name", str, 0))),
                XT_GROUP("adapter", 0, XT_ATTR(T, adapter, "name", str, 0)),
                XT_GROUP("address", 0,
                    XT_ATTR(T, scsi_bus, "bus", opt_u32, 0),
                    XT_ATTR(T, scsi_target, "target", opt_u32, 0),
                    XT_ATTR(T, scsi_unit, "unit", opt_u64, 0))),
            XT_ARM(HOSTDEV_SCSI_HOST,
                XT_ATTR(T, protocol, "protocol", str, 0),
                XT_ATTR(T, wwpn, "wwpn", str, 0)),
            XT_ARM(HOSTDEV_MDEV,
                XT_GROUP("address", 0, XT_ATTR(T, uuid, "uuid", str, 0))),
            XT_ARM(HOSTDEV_STORAGE, XT_TEXT(T, block, "block", str, 0)),
            XT_ARM(HOSTDEV_MISC, XT_TEXT(T, chardev, "char", str, 0)),
            XT_ARM(HOSTDEV_NET, XT_TEXT(T, interface, "interface", str, 0)))),
    XT_GROUP("teaming", 0,
        XT_ATTR(T, teaming_type, "type", str, 0),
        XT_ATTR(T, teaming_persistent, "persistent", str, 0)),
    XT_FLAG(T, readonly, "readonly", 0),
    XT_FLAG(T, shareable, "shareable", 0),
    XT_EMBED(T, guest, NULL, iface_ips_table, 0),
    XT_EMBED(T, info, NULL, device_info_table, 0));
#undef T

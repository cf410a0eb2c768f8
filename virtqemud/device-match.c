/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/device-match.h"

#include "base/enum.h"
#include "base/str.h"

/* ---- which one is meant ---- */

static bool same_disk(const void *like, const void *there)
{
    const struct disk *a = like, *b = there;

    return str_eq(a->dst, b->dst);
}

static bool same_controller(const void *like, const void *there)
{
    const struct controller *a = like, *b = there;

    return a->type == b->type && a->index.value == b->index.value;
}

static bool same_iface(const void *like, const void *there)
{
    const struct iface *a = like, *b = there;

    return mac_is_zero(&a->mac) || !memcmp(&a->mac, &b->mac, sizeof(a->mac));
}

static bool same_hostdev(const void *like, const void *there)
{
    const struct hostdev *a = like, *b = there;

    if (a->type != b->type)
        return false;
    switch (a->type) {
    case HOSTDEV_USB:
        if (a->bus.set && b->bus.set && a->device.set)
            return a->bus.value == b->bus.value && a->device.value == b->device.value;
        return a->vendor == b->vendor && a->product == b->product;
    case HOSTDEV_PCI:
        return a->pci.domain == b->pci.domain && a->pci.bus == b->pci.bus && a->pci.slot == b->pci.slot &&
               a->pci.function == b->pci.function;
    case HOSTDEV_SCSI:
        return str_eq(a->adapter, b->adapter) && str_eq(a->name, b->name) &&
               a->scsi_bus.value == b->scsi_bus.value && a->scsi_target.value == b->scsi_target.value &&
               a->scsi_unit.value == b->scsi_unit.value;
    case HOSTDEV_SCSI_HOST:
        return str_eq(a->wwpn, b->wwpn);
    default:
        return str_eq(a->uuid, b->uuid);
    }
}

static bool same_chardev(const void *like, const void *there)
{
    const struct chardev *a = like, *b = there;

    /* a socket or pty whose place was left to us has one now */
    bool open = !a->source.path && (a->source.type == CHARDEV_UNIX || a->source.type == CHARDEV_PTY);
    bool source = open ? a->source.type == b->source.type : chardev_source_same(&a->source, &b->source);

    return source && (!a->target || a->target == b->target) && str_eq(a->target_name, b->target_name) &&
           (!a->port.set || a->port.value == b->port.value);
}

static bool same_filesystem(const void *like, const void *there)
{
    const struct filesystem *a = like, *b = there;

    return str_eq(a->target, b->target);
}

static bool same_rng(const void *like, const void *there)
{
    const struct rng *a = like, *b = there;

    return (!a->model || a->model == b->model) && (!a->backend || a->backend == b->backend);
}

static bool same_shmem(const void *like, const void *there)
{
    const struct shmem *a = like, *b = there;

    return str_eq(a->name, b->name);
}

static bool same_memdev(const void *like, const void *there)
{
    const struct memdev *a = like, *b = there;

    return a->model == b->model && a->size == b->size && (!a->node.set || a->node.value == b->node.value) &&
           str_eq(a->path, b->path);
}

static bool same_input(const void *like, const void *there)
{
    const struct input *a = like, *b = there;

    return a->type == b->type && (!a->bus || a->bus == b->bus);
}

static bool same_redirdev(const void *like, const void *there)
{
    const struct redirdev *a = like, *b = there;

    return chardev_source_same(&a->source, &b->source);
}

static bool same_watchdog(const void *like, const void *there)
{
    const struct watchdog *a = like, *b = there;

    return a->model == b->model && a->action == b->action;
}

static bool same_lease(const void *like, const void *there)
{
    const struct lease *a = like, *b = there;

    return str_eq(a->key, b->key) && str_eq(a->lockspace, b->lockspace);
}

static bool same_graphics(const void *like, const void *there)
{
    const struct graphics *a = like, *b = there;

    return a->type == b->type;
}

static bool same_sound(const void *like, const void *there)
{
    const struct sound *a = like, *b = there;

    return a->model == b->model;
}

static bool same_video(const void *like, const void *there)
{
    const struct video *a = like, *b = there;

    return a->type == b->type;
}

static bool the_only_one(const void *like UNUSED, const void *there UNUSED)
{
    return true;
}

/* clang-format off */
static const struct {
    const char *element;
    unsigned may;
    bool (*same)(const void *like, const void *there);
    bool unique; /* two that are the same can't be */
} kinds[] = {
    {"disk",       DEVICE_CONFIG | DEVICE_PLUG | DEVICE_UNPLUG | DEVICE_CHANGE, same_disk,       true},
    {"interface",  DEVICE_CONFIG | DEVICE_PLUG | DEVICE_UNPLUG | DEVICE_CHANGE, same_iface,      false},
    {"controller", DEVICE_CONFIG | DEVICE_PLUG | DEVICE_UNPLUG,                 same_controller, true},
    {"hostdev",    DEVICE_CONFIG | DEVICE_PLUG | DEVICE_UNPLUG,                 same_hostdev,    true},
    {"serial",     DEVICE_CONFIG | DEVICE_PLUG | DEVICE_UNPLUG,                 same_chardev,    false},
    {"parallel",   DEVICE_CONFIG,                                               same_chardev,    false},
    {"console",    DEVICE_CONFIG | DEVICE_PLUG | DEVICE_UNPLUG,                 same_chardev,    false},
    {"channel",    DEVICE_CONFIG | DEVICE_PLUG | DEVICE_UNPLUG,                 same_chardev,    false},
    {"filesystem", DEVICE_CONFIG | DEVICE_PLUG | DEVICE_UNPLUG,                 same_filesystem, true},
    {"rng",        DEVICE_CONFIG | DEVICE_PLUG | DEVICE_UNPLUG,                 same_rng,        false},
    {"memory",     DEVICE_CONFIG | DEVICE_PLUG | DEVICE_UNPLUG | DEVICE_CHANGE, same_memdev,     false},
    {"redirdev",   DEVICE_CONFIG | DEVICE_PLUG | DEVICE_UNPLUG,                 same_redirdev,   false},
    {"shmem",      DEVICE_CONFIG | DEVICE_PLUG | DEVICE_UNPLUG,                 same_shmem,      true},
    {"input",      DEVICE_CONFIG | DEVICE_PLUG | DEVICE_UNPLUG,                 same_input,      false},
    {"watchdog",   DEVICE_CONFIG | DEVICE_PLUG | DEVICE_UNPLUG,                 same_watchdog,   true},
    {"vsock",      DEVICE_CONFIG | DEVICE_PLUG | DEVICE_UNPLUG,                 the_only_one,    true},
    {"crypto",     DEVICE_CONFIG | DEVICE_PLUG | DEVICE_UNPLUG,                 the_only_one,    false},
    {"tpm",        DEVICE_CONFIG,                                               the_only_one,    true},
    {"iommu",      DEVICE_CONFIG,                                               the_only_one,    true},
    {"sound",      DEVICE_CONFIG,                                               same_sound,      false},
    {"video",      DEVICE_CONFIG,                                               same_video,      false},
    {"lease",      DEVICE_CONFIG,                                               same_lease,      true},
    {"graphics",   DEVICE_CHANGE,                                               same_graphics,   false},
};
/* clang-format on */

static size_t kind_of(const char *element)
{
    size_t i = 0;

    while (i < ARRAY_SIZE(kinds) && !str_eq(kinds[i].element, element))
        i++;
    return i;
}

bool device_may(const char *element, enum device_may what)
{
    size_t kind = kind_of(element);

    return kind < ARRAY_SIZE(kinds) && kinds[kind].may & what;
}

/* "disk vdb", for messages */
static int say_exists(const struct fragment *new, struct err *err)
{
    if (str_eq(new->element, "disk"))
        return err_set(err, ERR_OPERATION_INVALID, "target %s already exists",
                       ((const struct disk *)new->device)->dst);
    if (str_eq(new->element, "hostdev"))
        return err_set(err, ERR_OPERATION_INVALID, "device is already in the domain configuration");
    if (str_eq(new->element, "channel"))
        return err_set(err, ERR_OPERATION_INVALID, "chardev already exists");
    if (str_eq(new->element, "controller"))
        return err_set(err, ERR_OPERATION_INVALID, "controller index='%u' already exists",
                       ((const struct controller *)new->device)->index.value);
    if (str_eq(new->element, "vsock"))
        return err_set(err, ERR_OPERATION_INVALID, "domain already has a vsock device");
    if (str_eq(new->element, "lease"))
        return err_set(err, ERR_OPERATION_INVALID, "Lease %s in lockspace %s already exists",
                       ((const struct lease *)new->device)->key,
                       ((const struct lease *)new->device)->lockspace);
    return err_set(err, ERR_OPERATION_INVALID, "Target already exists");
}

int device_check_new(const struct devices *devices, const struct fragment *new, struct err *err)
{
    size_t kind = kind_of(new->element), count;
    void **list = devices_list(devices, new->element, &count);

    bool unique = kind < ARRAY_SIZE(kinds) && kinds[kind].unique;

    /* a guest tells channels apart by their names alone */
    if (str_eq(new->element, "channel"))
        unique = ((const struct chardev *)new->device)->target == CHARTARGET_VIRTIO;
    if (!unique)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (kinds[kind].same(new->device, list[i]))
            return say_exists(new, err);
    return 0;
}

static int say_missing(const struct fragment *like, unsigned found, enum device_purpose purpose,
                       struct err *err)
{
    char mac[MAC_TEXT];

    if (str_eq(like->element, "disk")) {
        const char *dst = ((const struct disk *)like->device)->dst;

        if (purpose == FIND_IN_CONFIG)
            return err_set(err, ERR_DEVICE_MISSING, "no target device %s", dst);
        if (purpose == FIND_TO_UPDATE)
            return err_set(err, ERR_INTERNAL_ERROR, "disk '%s' not found", dst);
        if (purpose == FIND_TO_UPDATE_CONFIG)
            return err_set(err, ERR_INVALID_ARG, "target %s doesn't exist.", dst);
        return err_set(err, ERR_DEVICE_MISSING, "disk %s not found", dst);
    }
    if (str_eq(like->element, "graphics")) {
        const char *type = enum_name(graphics_type_names, ((const struct graphics *)like->device)->type);

        if (purpose == FIND_TO_UPDATE_CONFIG)
            return err_set(err, ERR_INVALID_ARG, "cannot find existing graphics type '%s' device to modify",
                           type);
        return err_set(err, ERR_DEVICE_MISSING, "cannot find existing graphics device to modify of type '%s'",
                       type);
    }
    if (str_eq(like->element, "interface")) {
        mac_format(&((const struct iface *)like->device)->mac, mac);
        if (found > 1 && mac_is_zero(&((const struct iface *)like->device)->mac))
            return err_set(err, ERR_OPERATION_FAILED, "multiple matching devices found");
        if (found > 1)
            return err_set(err, ERR_OPERATION_FAILED, "multiple devices matching MAC address %s found", mac);
        return err_set(err, ERR_DEVICE_MISSING, "no device matching MAC address %s found", mac);
    }
    if (str_eq(like->element, "hostdev"))
        return err_set(err, ERR_DEVICE_MISSING, "device not present in domain configuration");
    if (found > 1)
        return err_set(err, ERR_OPERATION_FAILED,
                       "more than one %s device matches; say which by its <alias> or <address>",
                       like->element);
    return err_set(err, ERR_DEVICE_MISSING, "matching %s device not found", like->element);
}

/* An alias or an address that is given must be the device's. */
static bool same_info(const struct device_info *like, const struct device_info *there)
{
    if (!like || !there)
        return true;
    if (like->alias && !str_eq(like->alias, there->alias))
        return false;
    if (!like->address.type || (like->address.type == ADDRESS_PCI && !like->address.pci.placed))
        return true;
    if (like->address.type != there->address.type)
        return false;
    if (like->address.type == ADDRESS_PCI)
        return like->address.pci.bus == there->address.pci.bus &&
               like->address.pci.slot == there->address.pci.slot &&
               like->address.pci.function == there->address.pci.function;
    return true;
}

int device_find(const struct devices *devices, const struct fragment *like, enum device_purpose purpose,
                struct fragment *ret, struct err *err)
{
    size_t kind = kind_of(like->element), count;
    void **list = devices_list(devices, like->element, &count);
    unsigned found = 0;

    for (size_t i = 0; kind < ARRAY_SIZE(kinds) && i < count; i++) {
        struct device_info *info = devices_info(like->element, list[i]);

        if (!kinds[kind].same(like->device, list[i]) || !same_info(like->info, info))
            continue;
        if (!found++)
            *ret = (struct fragment){like->element, list[i], info};
    }
    /* of those that can't be told apart any one will do, but an interface is somebody's */
    if (!found || (found > 1 && (kinds[kind].unique || str_eq(like->element, "interface"))))
        return say_missing(like, found, purpose, err);
    return 0;
}

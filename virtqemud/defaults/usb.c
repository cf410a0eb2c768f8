/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Usb: a port for each USB device; hubs are added when the controllers' ports don't suffice. */
#define ERR_FROM ERR_FROM_QEMU

#include "base/bitmap.h"
#include "base/str.h"
#include "virtqemud/defaults/defaults.h"

/* Ports of a place that devices are plugged into: a controller, or a hub at `path`. */
struct usb_ports {
    uint32_t bus;
    const char *path; /* NULL: the controller itself */
    uint32_t count;
    uint64_t used; /* bit n: port n + 1 */
};

struct usb_set {
    struct defaults *defaults;
    struct usb_ports *places;
    size_t n_places;
    size_t wanting; /* devices without a port */
};

enum { HUB_PORTS = 8, MAX_PORTS = 64 };

static uint32_t controller_ports(const struct controller *controller)
{
    switch (controller->model) {
    case CMODEL_USB_EHCI:
    case CMODEL_USB_ICH9_EHCI1:
        return 6;
    case CMODEL_USB_PCI_OHCI:
        return 3;
    case CMODEL_USB_NEC_XHCI:
    case CMODEL_USB_QEMU_XHCI:
        return controller->ports.set ? controller->ports.value : 4;
    case CMODEL_USB_QUSB1:
    case CMODEL_USB_QUSB2:
        return controller->ports.set ? controller->ports.value : 8;
    case CMODEL_USB_NONE:
        return 0;
    default:
        return 2; /* all UHCI */
    }
}

static struct usb_ports *add_place(struct usb_set *set, uint32_t bus, const char *path, uint32_t count)
{
    set->places = arena_grow(set->defaults->arena, set->places, set->n_places, sizeof(*set->places));
    set->places[set->n_places] = (struct usb_ports){bus, path, count < MAX_PORTS ? count : MAX_PORTS, 0};
    return &set->places[set->n_places++];
}

static struct usb_ports *find_place(struct usb_set *set, uint32_t bus, const char *path, size_t length)
{
    for (size_t i = 0; i < set->n_places; i++) {
        struct usb_ports *place = &set->places[i];

        if (place->bus != bus)
            continue;
        if (length ? place->path && strlen(place->path) == length && !memcmp(place->path, path, length)
                   : !place->path)
            return place;
    }
    return NULL;
}

static bool wants(const struct device_info *info)
{
    return !info->address.type || (info->address.type == ADDRESS_USB && !info->address.usb.port);
}

/* Mark what is said already. */
static int reserve(struct usb_set *set, struct device_info *info)
{
    const char *port, *last;
    struct usb_ports *place;
    uint32_t number;

    if (info->address.type != ADDRESS_USB || !info->address.usb.port)
        return 0;
    port = info->address.usb.port;
    last = strrchr(port, '.');
    place = find_place(set, info->address.usb.bus, port, last ? (size_t)(last - port) : 0);
    if (!place)
        return err_set(set->defaults->err, ERR_XML_ERROR,
                       "USB bus %u requested but no controller with that index is present",
                       info->address.usb.bus);
    if (str_to_u32(last ? last + 1 : port, &number) < 0 || !number || number > place->count)
        return err_set(set->defaults->err, ERR_XML_ERROR, "requested USB port %s not present on USB bus %u",
                       port, info->address.usb.bus);
    if (place->used >> (number - 1) & 1)
        return err_set(set->defaults->err, ERR_XML_ERROR, "Duplicate USB address bus %u port %s",
                       info->address.usb.bus, port);
    place->used |= UINT64_C(1) << (number - 1);
    return 0;
}

static bool take_port(struct usb_set *set, struct usb_ports *place, struct device_info *info)
{
    for (uint32_t i = 0; i < place->count; i++)
        if (!(place->used >> i & 1)) {
            place->used |= UINT64_C(1) << i;
            info->address.type = ADDRESS_USB;
            info->address.usb.bus = place->bus;
            info->address.usb.port = place->path
                                         ? arena_printf(set->defaults->arena, "%s.%u", place->path, i + 1)
                                         : arena_printf(set->defaults->arena, "%u", i + 1);
            return true;
        }
    return false;
}

static int assign(struct usb_set *set, struct device_info *info)
{
    bool any_bus = !info->address.type;

    if (!wants(info))
        return 0;
    for (size_t i = 0; i < set->n_places; i++)
        if ((any_bus || set->places[i].bus == info->address.usb.bus) && take_port(set, &set->places[i], info))
            return 0;
    return err_set(set->defaults->err, ERR_XML_ERROR, "%s",
                   set->n_places
                       ? "no free USB ports"
                       : "USB is disabled for this domain, but USB devices are present in the domain XML");
}

/* Every device that sits on a USB port and isn't a hub, in libvirt's order. */
static int each_device(struct usb_set *set, int (*visit)(struct usb_set *set, struct device_info *info))
{
    struct devices *devices = set->defaults->devices;

#define VISIT(list, condition)                                                                               \
    for (size_t i = 0; i < devices->n_##list; i++)                                                           \
        if ((condition) && visit(set, &devices->list[i]->info) < 0)                                          \
    return xt_add_place(set->defaults->err, &devices->list[i]->info.place)
    VISIT(hostdevs, devices->hostdevs[i]->type == HOSTDEV_USB);
    VISIT(disks, devices->disks[i]->bus == DISK_BUS_USB);
    VISIT(controllers, devices->controllers[i]->type == CONTROLLER_CCID);
    VISIT(inputs, devices->inputs[i]->bus == INPUT_BUS_USB);
    VISIT(serials, devices->serials[i]->target == CHARTARGET_USB_SERIAL);
    VISIT(sounds, devices->sounds[i]->model == SOUND_USB);
    VISIT(redirdevs, true);
    VISIT(ifaces, str_eq(devices->ifaces[i]->model, "usb-net"));
    return 0;
}

/* A definition from before ports were assigned keeps QEMU's own order: that is what its guest knows. */
static int is_placed(struct usb_set *set UNUSED, struct device_info *info)
{
    return info->address.type == ADDRESS_USB && info->address.usb.port ? 0 : -1;
}

static int count_wanting(struct usb_set *set, struct device_info *info)
{
    set->wanting += wants(info);
    return 0;
}

static size_t ports_free(const struct usb_set *set)
{
    size_t free = 0;

    for (size_t i = 0; i < set->n_places; i++)
        for (uint32_t port = 0; port < set->places[i].count; port++)
            free += !(set->places[i].used >> port & 1);
    return free;
}

static int settle_hub(struct usb_set *set, struct hub *hub)
{
    if (assign(set, &hub->info) < 0)
        return -1;
    if (hub->info.address.type == ADDRESS_USB)
        add_place(set, hub->info.address.usb.bus, hub->info.address.usb.port, HUB_PORTS);
    return 0;
}

int defaults_usb_addresses(struct defaults *defaults)
{
    struct usb_set set = {.defaults = defaults};
    struct devices *devices = defaults->devices;

    if (!(defaults->flags & DOMAIN_PARSE_ABI_UPDATE) && each_device(&set, is_placed) < 0)
        return 0;
    for (size_t i = 0; i < devices->n_controllers; i++) {
        const struct controller *controller = devices->controllers[i];

        if (controller->type == CONTROLLER_USB && !controller->info.master_port.set &&
            controller_ports(controller))
            add_place(&set, controller->index.value, NULL, controller_ports(controller));
    }
    /* hubs whose place is said come first: other hubs and devices may sit behind them */
    for (size_t i = 0; i < devices->n_hubs; i++) {
        if (reserve(&set, &devices->hubs[i]->info) < 0)
            return xt_add_place(defaults->err, &devices->hubs[i]->info.place);
        if (!wants(&devices->hubs[i]->info))
            settle_hub(&set, devices->hubs[i]);
    }
    if (each_device(&set, reserve) < 0)
        return -1;
    for (size_t i = 0; i < devices->n_hubs; i++)
        if (wants(&devices->hubs[i]->info) && settle_hub(&set, devices->hubs[i]) < 0)
            return xt_add_place(defaults->err, &devices->hubs[i]->info.place);
    each_device(&set, count_wanting);
    while (set.n_places && ports_free(&set) < set.wanting) {
        struct hub *hub = ARENA_NEW(defaults->arena, struct hub);

        hub->type = (char *)"usb";
        if (settle_hub(&set, hub) < 0)
            return -1;
        DEVICE_ADD(defaults->arena, devices, hubs, hub);
    }
    return each_device(&set, assign);
}

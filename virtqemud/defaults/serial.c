/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Serial: a port of a virtio-serial controller for each virtio console and channel. */
#define ERR_FROM ERR_FROM_QEMU

#include "virtqemud/defaults/defaults.h"

enum { DEFAULT_PORTS = 31 };

static bool uses(const struct chardev *dev, uint32_t controller, uint32_t port)
{
    const struct device_address *address = &dev->info.address;

    return address->type == ADDRESS_VIRTIO_SERIAL && address->serial.placed &&
           address->serial.controller == controller && address->serial.port == port;
}

static bool taken(const struct devices *devices, uint32_t controller, uint32_t port)
{
    for (size_t i = 0; i < devices->n_consoles; i++)
        if (uses(devices->consoles[i], controller, port))
            return true;
    for (size_t i = 0; i < devices->n_channels; i++)
        if (uses(devices->channels[i], controller, port))
            return true;
    return false;
}

static uint32_t ports_of(const struct controller *controller)
{
    return controller->ports.set && controller->ports.value ? controller->ports.value : DEFAULT_PORTS;
}

static bool free_port(const struct devices *devices, const struct controller *controller, uint32_t first,
                      uint32_t *ret_port)
{
    for (uint32_t port = first; port < ports_of(controller); port++)
        if (!taken(devices, controller->index.value, port)) {
            *ret_port = port;
            return true;
        }
    return false;
}

/*
 * Port 0 is special to guests that know only one console; channels stay away from it. A console that doesn't
 * say where it sits is placed by QEMU itself.
 */
static void place(struct defaults *defaults, struct chardev *dev, uint32_t first)
{
    struct device_address *address = &dev->info.address;
    struct devices *devices = defaults->devices;
    struct controller *controller = NULL;
    uint32_t port = 0;

    if (address->type && (address->type != ADDRESS_VIRTIO_SERIAL || address->serial.placed))
        return;
    if (address->type) {
        controller = devices_controller(devices, CONTROLLER_VIRTIO_SERIAL, address->serial.controller);
        if (!controller || !free_port(devices, controller, first, &port))
            return;
    }
    for (size_t i = 0; i < devices->n_controllers && !controller; i++)
        if (devices->controllers[i]->type == CONTROLLER_VIRTIO_SERIAL &&
            free_port(devices, devices->controllers[i], first, &port))
            controller = devices->controllers[i];
    if (!controller) {
        controller =
            devices_add_controller(devices, defaults->arena, CONTROLLER_VIRTIO_SERIAL, -1, CMODEL_UNSET);
        port = first;
    }
    address->type = ADDRESS_VIRTIO_SERIAL;
    address->serial =
        (struct serial_address){.controller = controller->index.value, .port = port, .placed = true};
}

int defaults_serial_addresses(struct defaults *defaults)
{
    struct devices *devices = defaults->devices;

    for (size_t i = 0; i < devices->n_consoles; i++)
        if (devices->consoles[i]->target == CHARTARGET_VIRTIO && devices->consoles[i]->info.address.type)
            place(defaults, devices->consoles[i], 0);
    for (size_t i = 0; i < devices->n_channels; i++)
        if (devices->channels[i]->target == CHARTARGET_VIRTIO)
            place(defaults, devices->channels[i], 1);
    return 0;
}

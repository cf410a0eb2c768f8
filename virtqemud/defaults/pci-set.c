/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pci-set: buses, slots and functions. */
#define ERR_FROM ERR_FROM_QEMU

#include "virtqemud/defaults/pci-set.h"

/* What a bus of each model takes, and its slots. */
static const struct {
    unsigned takes;
    uint8_t first, last;
    unsigned connects; /* as a device itself */
} models[CONTROLLER_MODEL_MAX] = {
    [CMODEL_PCI_ROOT] = {PCI_HOTPLUG | PCI_CONVENTIONAL | PCI_BRIDGE | PCI_EXPANDER, 1, 31, 0},
    [CMODEL_PCI_BRIDGE] = {PCI_HOTPLUG | PCI_CONVENTIONAL | PCI_BRIDGE, 1, 31, PCI_BRIDGE},
    [CMODEL_PCI_EXPANDER_BUS] = {PCI_HOTPLUG | PCI_CONVENTIONAL | PCI_BRIDGE, 0, 31, PCI_EXPANDER},
    [CMODEL_PCIE_ROOT] = {PCI_EXPRESS | PCI_ROOT_PORT | PCI_DMI_BRIDGE | PCI_TO_PCI_BRIDGE |
                              PCI_EXPRESS_EXPANDER,
                          1, 31, 0},
    [CMODEL_DMI_TO_PCI_BRIDGE] = {PCI_CONVENTIONAL | PCI_BRIDGE, 0, 31, PCI_DMI_BRIDGE},
    [CMODEL_PCIE_TO_PCI_BRIDGE] = {PCI_HOTPLUG | PCI_CONVENTIONAL | PCI_BRIDGE, 1, 31,
                                   PCI_HOTPLUG | PCI_TO_PCI_BRIDGE},
    [CMODEL_PCIE_ROOT_PORT] = {PCI_HOTPLUG | PCI_EXPRESS | PCI_UPSTREAM | PCI_TO_PCI_BRIDGE, 0, 0,
                               PCI_ROOT_PORT | PCI_SHARE_SLOT},
    [CMODEL_PCIE_SWITCH_UPSTREAM_PORT] = {PCI_DOWNSTREAM, 0, 31, PCI_UPSTREAM},
    [CMODEL_PCIE_SWITCH_DOWNSTREAM_PORT] = {PCI_HOTPLUG | PCI_EXPRESS | PCI_UPSTREAM | PCI_TO_PCI_BRIDGE, 0,
                                            0, PCI_DOWNSTREAM},
    [CMODEL_PCIE_EXPANDER_BUS] = {PCI_EXPRESS | PCI_ROOT_PORT | PCI_DMI_BRIDGE, 0, 31, PCI_EXPRESS_EXPANDER},
};

unsigned pci_controller_connects(enum controller_model model)
{
    return models[model].connects;
}

int pci_set_add(struct pci_set *set, enum controller_model model)
{
    struct pci_bus *bus;

    if (set->n_buses >= PCI_BUSES_MAX)
        return err_set(set->err, ERR_INTERNAL_ERROR, "No more available PCI slots");
    set->buses = arena_grow(set->arena, set->buses, set->n_buses, sizeof(*set->buses));
    bus = &set->buses[set->n_buses++];
    *bus = (struct pci_bus){.model = model,
                            .takes = models[model].takes,
                            .first = models[model].first,
                            .last = models[model].last};
    return 0;
}

static bool fits(const struct pci_bus *bus, unsigned connect)
{
    return bus->takes & connect & PCI_KINDS && (bus->takes & PCI_HOTPLUG || !(connect & PCI_HOTPLUG));
}

bool pci_bus_full(const struct pci_bus *bus)
{
    for (unsigned slot = bus->first; slot <= bus->last; slot++)
        if (!bus->slots[slot].functions)
            return false;
    return true;
}

/* A place that needs no growth. */
static bool find(const struct pci_set *set, unsigned connect, struct pci_address *ret)
{
    for (size_t i = 0; i < set->n_buses; i++) {
        const struct pci_bus *bus = &set->buses[i];

        if (!fits(bus, connect) || (set->below && i >= set->below))
            continue;
        for (unsigned slot = bus->first; slot <= bus->last; slot++) {
            unsigned functions = bus->slots[slot].functions, function = 0;

            if (functions && !(connect & PCI_SHARE_SLOT && bus->slots[slot].shared && functions != 0xff))
                continue;
            while (functions >> function & 1)
                function++;
            *ret =
                (struct pci_address){.bus = (uint32_t)i, .slot = slot, .function = function, .placed = true};
            return true;
        }
    }
    return false;
}

/* One more place of that kind: the bus, and on a PCI Express machine what it hangs on. */
static int grow(struct pci_set *set, unsigned connect)
{
    if (!set->express)
        return pci_set_add(set, CMODEL_PCI_BRIDGE);
    if (connect & (PCI_EXPRESS | PCI_UPSTREAM | PCI_TO_PCI_BRIDGE))
        return pci_set_add(set, CMODEL_PCIE_ROOT_PORT);
    if (connect & (PCI_CONVENTIONAL | PCI_BRIDGE)) {
        /* with a port of its own, even where one is free: those are kept for plugging */
        if (pci_set_add(set, CMODEL_PCIE_ROOT_PORT) < 0)
            return -1;
        return pci_set_add(set, CMODEL_PCIE_TO_PCI_BRIDGE);
    }
    return err_set(set->err, ERR_INTERNAL_ERROR, "No more available PCI slots");
}

int pci_set_reach(struct pci_set *set, uint32_t bus, unsigned connect)
{
    if (bus >= PCI_BUSES_MAX || (bus >= set->n_buses && !set->may_grow))
        return err_set(set->err, ERR_XML_ERROR, "No PCI buses available: bus %u isn't there", bus);
    while (bus >= set->n_buses)
        if (grow(set, connect) < 0)
            return -1;
    return 0;
}

bool pci_set_slot_taken(const struct pci_set *set, uint32_t bus, uint32_t slot)
{
    return bus < set->n_buses && set->buses[bus].slots[slot].functions;
}

int pci_set_reserve(struct pci_set *set, const struct pci_address *address, unsigned connect)
{
    bool whole = address->function == 0 && address->multifunction != TRI_YES && !(connect & PCI_SHARE_SLOT);
    unsigned functions = whole ? 0xff : 1u << address->function;
    uint8_t *taken;

    if (address->domain)
        return err_set(set->err, ERR_XML_ERROR, "Only PCI domain 0 is available");
    if (pci_set_reach(set, address->bus, connect) < 0)
        return -1;
    if (address->slot < set->buses[address->bus].first || address->slot > set->buses[address->bus].last)
        return err_set(set->err, ERR_XML_ERROR,
                       "Invalid PCI address %04x:%02x:%02x.%x. slot must be >= %u and <= %u", address->domain,
                       address->bus, address->slot, address->function, set->buses[address->bus].first,
                       set->buses[address->bus].last);
    taken = &set->buses[address->bus].slots[address->slot].functions;
    /* a function 0 of its own doesn't hinder others that were placed by hand */
    if (*taken & (whole && *taken != 0xff ? 1u : functions))
        return err_set(set->err, ERR_XML_ERROR, "Attempted double use of PCI Address %04x:%02x:%02x.%x",
                       address->domain, address->bus, address->slot, address->function);
    /* who comes first in a slot says whether others of its kind may join */
    if (!*taken && connect & PCI_SHARE_SLOT)
        set->buses[address->bus].slots[address->slot].shared = true;
    *taken |= (uint8_t)functions;
    return 0;
}

int pci_set_take(struct pci_set *set, unsigned connect, struct pci_address *ret_address)
{
    struct pci_address address;

    if (!find(set, connect, &address)) {
        if (!set->may_grow)
            return err_set(set->err, ERR_INTERNAL_ERROR, "No more available PCI slots");
        if (grow(set, connect) < 0)
            return -1;
        address = (struct pci_address){
            .bus = (uint32_t)set->n_buses - 1, .slot = set->buses[set->n_buses - 1].first, .placed = true};
    }
    if (connect & PCI_SHARE_SLOT) {
        set->buses[address.bus].slots[address.slot].functions |= (uint8_t)(1u << address.function);
        set->buses[address.bus].slots[address.slot].shared = true;
    } else {
        set->buses[address.bus].slots[address.slot].functions = 0xff;
    }
    *ret_address = address;
    return 0;
}

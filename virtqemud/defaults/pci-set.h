/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pci-set: the PCI buses of a machine, which of their slots are taken, and the search for a free one. A set
 * that may grow adds the bridges or ports that are missing.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "model/domain/controller.h"

/* What a device is and what a bus takes. A device that can be plugged only goes where plugging works. */
enum pci_connect {
    PCI_HOTPLUG = 1 << 0,
    PCI_SHARE_SLOT = 1 << 1, /* ports of the same kind share a slot, a function each */
    PCI_CONVENTIONAL = 1 << 2,
    PCI_EXPRESS = 1 << 3,
    PCI_ROOT_PORT = 1 << 4,
    PCI_UPSTREAM = 1 << 5,
    PCI_DOWNSTREAM = 1 << 6,
    PCI_DMI_BRIDGE = 1 << 7,
    PCI_TO_PCI_BRIDGE = 1 << 8, /* pcie-to-pci-bridge */
    PCI_BRIDGE = 1 << 9,
    PCI_EXPANDER = 1 << 10,
    PCI_EXPRESS_EXPANDER = 1 << 11,
    PCI_KINDS = ~(PCI_HOTPLUG | PCI_SHARE_SLOT),
};

enum { PCI_SLOTS = 32, PCI_BUSES_MAX = 256 };

struct pci_bus {
    enum controller_model model;
    unsigned takes; /* enum pci_connect */
    uint8_t first, last;
    struct {
        uint8_t functions; /* bit n: function n is taken */
        bool shared;
    } slots[PCI_SLOTS];
};

struct pci_set {
    struct arena *arena;
    struct pci_bus *buses;
    size_t n_buses;
    bool may_grow;
    bool express; /* bus 0 is a pcie-root */
    size_t below; /* a bridge hangs on a bus before its own; 0: any bus will do */
    struct err *err;
};

/* What a controller plugs into; 0 for roots. */
unsigned pci_controller_connects(enum controller_model model);
/* Negative with err set when the set would get too big. */
int pci_set_add(struct pci_set *set, enum controller_model model);
/* Grow until the bus is there. */
int pci_set_reach(struct pci_set *set, uint32_t bus, unsigned connect);
bool pci_set_slot_taken(const struct pci_set *set, uint32_t bus, uint32_t slot);
/* Mark an address as taken (the whole slot, unless other functions may follow). Negative with err set on
 * conflicts. */
int pci_set_reserve(struct pci_set *set, const struct pci_address *address, unsigned connect);
/* Find and take a place. Negative with err set when there is none and the set may not grow. */
int pci_set_take(struct pci_set *set, unsigned connect, struct pci_address *ret_address);
bool pci_bus_full(const struct pci_bus *bus);

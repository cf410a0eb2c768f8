/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pci: a PCI address for each device that needs one. Two passes: the first, on a set that may grow, finds out
 * which bridges and ports are missing and adds their controllers; the second places everything for good.
 * Devices that the chipset has built in sit at fixed addresses.
 */
#define ERR_FROM ERR_FROM_QEMU

#include "virtqemud/defaults/pci.h"

/* ---- what is fixed ---- */

static int reserve_given(void *data, const struct device_visit *visit)
{
    struct placer *placer = data;
    const struct device_info *info = visit->info;

    if (info->address.type != ADDRESS_PCI || !info->address.pci.placed)
        return 0;
    unsigned connect = pci_connects(placer, visit);
    if (pci_set_reserve(&placer->set, &info->address.pci, connect ? connect : placer->conventional) < 0)
        return xt_add_place(placer->defaults->err, &info->place);
    return 0;
}

static struct pci_address fixed(uint32_t slot, uint32_t function)
{
    return (struct pci_address){.slot = slot, .function = function, .placed = true};
}

static void place_at(struct placer *placer, struct device_info *info, struct pci_address address)
{
    info->address.type = ADDRESS_PCI;
    address.multifunction = info->address.pci.multifunction;
    info->address.pci = address;
    if (placer->set.n_buses)
        placer->set.buses[0].slots[address.slot].functions |= (uint8_t)(1u << address.function);
}

/* The first screen of a machine sits where firmware looks for it, or else wherever there is room. */
static int place_primary_video(struct placer *placer, uint32_t slot)
{
    struct devices *devices = placer->defaults->devices;
    struct video *video = devices->n_videos ? devices->videos[0] : NULL;

    if (!video || !pci_video_kind(placer, video) || !pci_wants(&video->info))
        return 0;
    if (pci_set_slot_taken(&placer->set, 0, slot)) {
        video->info.address.type = ADDRESS_PCI;
        return pci_set_take(&placer->set, pci_video_kind(placer, video), &video->info.address.pci);
    }
    place_at(placer, &video->info, fixed(slot, 0));
    placer->set.buses[0].slots[slot].functions = 0xff;
    return 0;
}

static int chipset_i440fx(struct placer *placer)
{
    struct devices *devices = placer->defaults->devices;

    for (size_t i = 0; i < devices->n_controllers; i++) {
        struct controller *controller = devices->controllers[i];
        uint32_t function = controller->type == CONTROLLER_IDE ? 1 : 2;

        if (controller->index.value ||
            (controller->type != CONTROLLER_IDE && controller->type != CONTROLLER_USB))
            continue;
        if (controller->type == CONTROLLER_USB && controller->model &&
            controller->model != CMODEL_USB_PIIX3_UHCI)
            continue;
        if (pci_wants(&controller->info)) {
            place_at(placer, &controller->info, fixed(1, function));
        } else if (controller->type == CONTROLLER_IDE &&
                   (controller->info.address.pci.bus || controller->info.address.pci.slot != 1 ||
                    controller->info.address.pci.function != 1)) {
            err_set(placer->defaults->err, ERR_INTERNAL_ERROR,
                    "Primary IDE controller must have PCI address 0:0:1.1");
            return xt_add_place(placer->defaults->err, &controller->info.place);
        }
    }
    /* the ISA bridge is function 0, and the whole slot is the chipset's */
    placer->set.buses[0].slots[1].functions = 0xff;
    return place_primary_video(placer, 2);
}

static int place_ich9_usb(struct placer *placer)
{
    static const uint8_t functions[] = {
        [CMODEL_USB_ICH9_EHCI1 - CMODEL_USB_ICH9_EHCI1] = 7,
        [CMODEL_USB_ICH9_UHCI1 - CMODEL_USB_ICH9_EHCI1] = 0,
        [CMODEL_USB_ICH9_UHCI2 - CMODEL_USB_ICH9_EHCI1] = 1,
        [CMODEL_USB_ICH9_UHCI3 - CMODEL_USB_ICH9_EHCI1] = 2,
    };
    struct devices *devices = placer->defaults->devices;

    /* sets of USB 2 controllers go to slot 1d, a second one to 1a; who else wants them is served elsewhere */
    for (size_t i = 0; i < devices->n_controllers; i++) {
        struct controller *controller = devices->controllers[i];
        static const uint32_t slots[] = {0x1d, 0x1a};
        struct device_info *sibling = NULL;

        if (controller->model < CMODEL_USB_ICH9_EHCI1 || controller->model > CMODEL_USB_ICH9_UHCI3 ||
            !pci_wants(&controller->info))
            continue;
        for (size_t j = 0; j < devices->n_controllers; j++)
            if (devices->controllers[j] != controller && devices->controllers[j]->type == CONTROLLER_USB &&
                devices->controllers[j]->index.value == controller->index.value &&
                !pci_wants(&devices->controllers[j]->info))
                sibling = &devices->controllers[j]->info;
        uint32_t function = functions[controller->model - CMODEL_USB_ICH9_EHCI1];
        struct pci_address address = fixed(0, function);
        if (sibling && sibling->address.type == ADDRESS_PCI) {
            address.bus = sibling->address.pci.bus;
            address.slot = sibling->address.pci.slot;
        } else if (placer->defaults->chipset == CHIPSET_Q35) {
            for (size_t k = 0; k < ARRAY_SIZE(slots) && !address.slot; k++)
                if (!pci_set_slot_taken(&placer->set, 0, slots[k]))
                    address.slot = slots[k];
        }
        if (!address.slot) {
            struct pci_address place;
            if (pci_set_take(&placer->set, placer->conventional, &place) < 0)
                return -1;
            /* the rest of the set follows into this slot */
            placer->set.buses[place.bus].slots[place.slot].functions = 0;
            address.bus = place.bus;
            address.slot = place.slot;
        }
        if (function == 0)
            address.multifunction = TRI_YES;
        controller->info.address.type = ADDRESS_PCI;
        if (pci_set_reserve(&placer->set, &address, placer->conventional) < 0)
            return -1;
        controller->info.address.pci = address;
    }
    return 0;
}

static int chipset_q35(struct placer *placer)
{
    struct devices *devices = placer->defaults->devices;
    struct pci_set *set = &placer->set;

    for (size_t i = 0; i < devices->n_controllers; i++) {
        struct controller *controller = devices->controllers[i];

        if (controller->type == CONTROLLER_SATA && !controller->index.value && pci_wants(&controller->info))
            place_at(placer, &controller->info, fixed(0x1f, 2));
        if (controller->model == CMODEL_DMI_TO_PCI_BRIDGE && pci_wants(&controller->info) &&
            !pci_set_slot_taken(set, 0, 0x1e)) {
            place_at(placer, &controller->info, fixed(0x1e, 0));
            set->buses[0].slots[0x1e].functions = 0xff;
        }
    }
    if (place_ich9_usb(placer) < 0)
        return -1;
    /* ISA bridge and SMBus */
    set->buses[0].slots[0x1f].functions = 0xff;
    if (place_primary_video(placer, 1) < 0)
        return -1;
    for (size_t i = 0; i < devices->n_sounds; i++) {
        struct sound *sound = devices->sounds[i];

        if (sound->model == SOUND_ICH9 && pci_wants(&sound->info) && !pci_set_slot_taken(set, 0, 0x1b)) {
            place_at(placer, &sound->info, fixed(0x1b, 0));
            set->buses[0].slots[0x1b].functions = 0xff;
            break;
        }
    }
    return 0;
}

/* ---- the rest, in libvirt's order ---- */

static int place(struct placer *placer, struct device_info *info, unsigned connect)
{
    if (!connect || !pci_wants(info))
        return 0;
    enum tristate multifunction =
        info->address.type == ADDRESS_PCI ? info->address.pci.multifunction : TRI_NONE;
    if (pci_set_take(&placer->set, connect, &info->address.pci) < 0)
        return -1;
    info->address.type = ADDRESS_PCI;
    info->address.pci.multifunction = multifunction;
    return 0;
}

/* Expander buses are seen by the guest as roots of their own: they only sit on bus 0. */
static int place_controllers(struct placer *placer, bool bridges)
{
    struct devices *devices = placer->defaults->devices;

    for (size_t i = 0; i < devices->n_controllers; i++) {
        struct controller *controller = devices->controllers[i];

        if ((controller->type == CONTROLLER_PCI) != bridges)
            continue;
        placer->set.below = bridges ? controller->index.value : 0;
        if (place(placer, &controller->info, pci_controller_kind(placer, controller)) < 0)
            return -1;
        placer->set.below = 0;
    }
    return 0;
}

#define PLACE_LIST(list, connect)                                                                            \
    for (size_t i = 0; i < devices->n_##list; i++)                                                           \
        if (place(placer, &devices->list[i]->info, (connect)) < 0)                                           \
    return -1

#define PLACE_KIND(list, kind)                                                                               \
    PLACE_LIST(                                                                                              \
        list, pci_connects(placer, &(struct device_visit){kind, devices->list[i], &devices->list[i]->info}))

static int place_all(struct placer *placer)
{
    struct devices *devices = placer->defaults->devices;

    if (place_controllers(placer, true) < 0)
        return -1;
    PLACE_KIND(filesystems, "filesystem");
    PLACE_KIND(ifaces, "interface");
    PLACE_KIND(sounds, "sound");
    if (placer->defaults->chipset != CHIPSET_Q35 && place_ich9_usb(placer) < 0)
        return -1;
    if (place_controllers(placer, false) < 0)
        return -1;
    PLACE_KIND(disks, "disk");
    PLACE_KIND(hostdevs, "hostdev");
    if (devices->balloon && place(placer, &devices->balloon->info,
                                  pci_connects(placer, &(struct device_visit){"memballoon", devices->balloon,
                                                                              &devices->balloon->info})) < 0)
        return -1;
    PLACE_KIND(rngs, "rng");
    PLACE_KIND(watchdogs, "watchdog");
    if (devices->iommu && place(placer, &devices->iommu->info,
                                pci_connects(placer, &(struct device_visit){"iommu", devices->iommu,
                                                                            &devices->iommu->info})) < 0)
        return -1;
    PLACE_KIND(videos, "video");
    PLACE_KIND(shmems, "shmem");
    PLACE_KIND(inputs, "input");
    PLACE_KIND(serials, "serial");
    if (devices->vsock &&
        place(placer, &devices->vsock->info, pci_virtio_kind(placer, devices->vsock->model)) < 0)
        return -1;
    PLACE_KIND(memdevs, "memory");
    PLACE_KIND(cryptos, "crypto");
    PLACE_KIND(panics, "panic");
    return 0;
}

/* ---- passes ---- */

static int fill_set(struct placer *placer, bool may_grow)
{
    struct defaults *defaults = placer->defaults;
    struct devices *devices = defaults->devices;
    uint32_t last = 0;

    placer->set = (struct pci_set){.arena = defaults->arena,
                                   .may_grow = may_grow,
                                   .express = defaults->chipset == CHIPSET_Q35,
                                   .err = defaults->err};
    for (size_t i = 0; i < devices->n_controllers; i++)
        if (devices->controllers[i]->type == CONTROLLER_PCI && devices->controllers[i]->index.value > last)
            last = devices->controllers[i]->index.value;
    if (last >= PCI_BUSES_MAX)
        return err_set(defaults->err, ERR_XML_ERROR, "index of PCI controller '%u' is too big", last);
    for (uint32_t i = 0; i <= last; i++) {
        const struct controller *controller = devices_controller(devices, CONTROLLER_PCI, i);
        enum controller_model model = placer->set.express ? CMODEL_PCIE_ROOT_PORT : CMODEL_PCI_BRIDGE;

        if (pci_set_add(&placer->set, controller ? controller->model : model) < 0)
            return -1;
    }
    return devices_foreach(devices, reserve_given, placer);
}

static int chipset_devices(struct placer *placer)
{
    return placer->defaults->chipset == CHIPSET_Q35 ? chipset_q35(placer) : chipset_i440fx(placer);
}

/* Addresses that a trial pass gave are taken back. */
struct remembered {
    struct device_info *info;
    struct device_address address;
};

struct memory_of_addresses {
    struct arena *arena;
    struct remembered *list;
    size_t count;
};

static int remember(void *data, const struct device_visit *visit)
{
    struct memory_of_addresses *memory = data;

    if (!pci_wants(visit->info))
        return 0;
    memory->list = arena_grow(memory->arena, memory->list, memory->count, sizeof(*memory->list));
    memory->list[memory->count++] = (struct remembered){visit->info, visit->info->address};
    return 0;
}

static int trial_pass(struct placer *placer)
{
    struct defaults *defaults = placer->defaults;
    struct devices *devices = defaults->devices;
    struct memory_of_addresses memory = {.arena = defaults->arena};
    struct pci_address spare;
    size_t known;

    devices_foreach(devices, remember, &memory);
    if (fill_set(placer, true) < 0)
        return -1;
    known = placer->set.n_buses;
    for (size_t i = 0; i < devices->n_controllers; i++)
        if (devices->controllers[i]->type == CONTROLLER_PCI && devices->controllers[i]->index.value >= known)
            known = devices->controllers[i]->index.value + 1;
    if (chipset_devices(placer) < 0)
        return -1;
    if (!placer->set.express) {
        bool full = true;
        for (size_t i = 0; i < placer->set.n_buses; i++)
            full = full && pci_bus_full(&placer->set.buses[i]);
        /* room for a bridge that may be plugged one day */
        if (!full && pci_set_take(&placer->set, placer->conventional, &spare) < 0)
            return -1;
    }
    if (place_all(placer) < 0)
        return -1;
    /* whoever leaves the topology to us gets one free port for plugging */
    if (placer->set.express && placer->pci_controllers <= 1 && placer->set.n_buses > 1 &&
        pci_set_take(&placer->set, placer->express, &spare) < 0)
        return -1;
    for (uint32_t i = 1; i < placer->set.n_buses; i++) {
        struct controller *controller;

        if (devices_controller(devices, CONTROLLER_PCI, i))
            continue;
        controller = devices_add_controller(devices, defaults->arena, CONTROLLER_PCI, (int)i,
                                            placer->set.buses[i].model);
        if (pci_set_take(&placer->set, pci_controller_connects(controller->model), &spare) < 0)
            return -1;
    }
    for (size_t i = 0; i < memory.count; i++)
        memory.list[i].info->address = memory.list[i].address;
    return 0;
}

/* ---- options of bridges ---- */

static void bridge_options(struct defaults *defaults, struct controller *controller)
{
    static const char *const names[CONTROLLER_MODEL_MAX] = {
        [CMODEL_PCI_BRIDGE] = "pci-bridge",
        [CMODEL_DMI_TO_PCI_BRIDGE] = "i82801b11-bridge",
        [CMODEL_PCIE_TO_PCI_BRIDGE] = "pcie-pci-bridge",
        [CMODEL_PCIE_SWITCH_UPSTREAM_PORT] = "x3130-upstream",
        [CMODEL_PCIE_SWITCH_DOWNSTREAM_PORT] = "xio3130-downstream",
        [CMODEL_PCI_EXPANDER_BUS] = "pxb",
        [CMODEL_PCIE_EXPANDER_BUS] = "pxb-pcie",
    };
    const struct pci_address *address = &controller->info.address.pci;
    uint32_t index = controller->index.value;

    if (!controller->pci_model)
        controller->pci_model = (char *)names[controller->model];
    switch (controller->model) {
    case CMODEL_PCI_BRIDGE:
        if (!controller->chassis_nr.set)
            controller->chassis_nr = (struct opt_u32){index, true};
        break;
    case CMODEL_PCIE_ROOT_PORT:
        if (!controller->pci_model)
            controller->pci_model =
                (char *)(defaults_can(defaults, QEMU_CAP_DEVICE_PCIE_ROOT_PORT) ? "pcie-root-port"
                                                                                : "ioh3420");
        if (!controller->chassis.set)
            controller->chassis = (struct opt_u32){index, true};
        if (!controller->port.set)
            controller->port = (struct opt_u32){address->slot << 3 | address->function, true};
        break;
    case CMODEL_PCIE_SWITCH_DOWNSTREAM_PORT:
        if (!controller->chassis.set)
            controller->chassis = (struct opt_u32){index, true};
        if (!controller->port.set)
            controller->port = (struct opt_u32){address->slot, true};
        break;
    case CMODEL_PCI_EXPANDER_BUS:
    case CMODEL_PCIE_EXPANDER_BUS:
        /* the guest numbers ordinary buses from below: roots of their own are counted from above */
        if (!controller->bus_nr.set) {
            uint32_t lowest = 256;
            for (size_t i = 0; i < defaults->devices->n_controllers; i++) {
                const struct controller *other = defaults->devices->controllers[i];
                if (other->bus_nr.set && other->bus_nr.value < lowest)
                    lowest = other->bus_nr.value;
            }
            controller->bus_nr = (struct opt_u32){lowest - 2, true};
        }
        break;
    default:
        break;
    }
}

/* Function 0 says that others follow. */
static int mark_multifunction(void *data, const struct device_visit *visit)
{
    const struct placer *placer = data;
    struct pci_address *address = &visit->info->address.pci;

    if (visit->info->address.type == ADDRESS_PCI && address->placed && !address->function &&
        !address->multifunction && address->bus < placer->set.n_buses &&
        placer->set.buses[address->bus].slots[address->slot].functions & 0xfe)
        address->multifunction = TRI_YES;
    return 0;
}

/* Which functions of a slot devices really have, for mark_multifunction(). */
static int count_function(void *data, const struct device_visit *visit)
{
    struct placer *placer = data;
    const struct pci_address *address = &visit->info->address.pci;

    if (visit->info->address.type == ADDRESS_PCI && address->placed && address->bus < placer->set.n_buses)
        placer->set.buses[address->bus].slots[address->slot].functions |= (uint8_t)(1u << address->function);
    return 0;
}

int defaults_pci_addresses(struct defaults *defaults)
{
    struct placer placer = {.defaults = defaults};
    struct devices *devices = defaults->devices;
    bool express = defaults->chipset == CHIPSET_Q35;

    if (!devices_controller(devices, CONTROLLER_PCI, 0) || (!express && defaults->chipset != CHIPSET_I440FX))
        return 0;
    placer.conventional = PCI_HOTPLUG | PCI_CONVENTIONAL;
    placer.express = express ? PCI_HOTPLUG | PCI_EXPRESS : placer.conventional;
    placer.virtio = placer.express;
    for (size_t i = 0; i < devices->n_controllers; i++)
        placer.pci_controllers += devices->controllers[i]->type == CONTROLLER_PCI;
    if (trial_pass(&placer) < 0)
        return -1;
    if (fill_set(&placer, false) < 0 || chipset_devices(&placer) < 0 || place_all(&placer) < 0)
        return -1;
    for (size_t i = 0; i < placer.set.n_buses; i++)
        memset(placer.set.buses[i].slots, 0, sizeof(placer.set.buses[i].slots));
    devices_foreach(devices, count_function, &placer);
    devices_foreach(devices, mark_multifunction, &placer);
    for (size_t i = 0; i < devices->n_controllers; i++)
        if (devices->controllers[i]->type == CONTROLLER_PCI)
            bridge_options(defaults, devices->controllers[i]);
    return 0;
}

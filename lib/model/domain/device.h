/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every device of a machine has: where it sits on its bus, its name, its place in the boot order.
 * Embedded as `info` in each device's struct. Everything lives in the arena of the document.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "xml/xt.h"

enum address_type {
    ADDRESS_NONE,
    ADDRESS_PCI,
    ADDRESS_DRIVE,
    ADDRESS_VIRTIO_SERIAL,
    ADDRESS_CCID,
    ADDRESS_USB,
    ADDRESS_SPAPR_VIO,
    ADDRESS_CCW,
    ADDRESS_VIRTIO_MMIO,
    ADDRESS_ISA,
    ADDRESS_DIMM,
    ADDRESS_UNASSIGNED,
    ADDRESS_TYPE_MAX
};
extern const char *const address_type_names[];

/* type='pci' without a slot asks for a place on any suitable bus: then `placed` is false. */
struct pci_address {
    uint32_t domain, bus, slot, function;
    enum tristate multifunction;
    bool placed;
    bool has_zpci;
    uint32_t zpci_uid, zpci_fid;
};

struct drive_address {
    uint32_t controller, bus, target, unit;
};

struct serial_address { /* virtio-serial */
    uint32_t controller, bus, port;
    bool placed; /* false: any port */
};

struct ccid_address {
    uint32_t controller, slot;
};

/* port is "1" or, behind hubs, "1.2.3"; NULL asks for any port of the bus. */
struct usb_address {
    uint32_t bus;
    char *port;
};

struct ccw_address {
    uint32_t cssid, ssid, devno;
    bool placed;
};

struct isa_address {
    uint32_t iobase, irq; /* 0: not given */
};

struct dimm_address {
    uint32_t slot;
    uint64_t base; /* 0: not given */
};

struct device_address {
    enum address_type type;
    union {
        struct pci_address pci;
        struct drive_address drive;
        struct serial_address serial;
        struct ccid_address ccid;
        struct usb_address usb;
        struct ccw_address ccw;
        struct isa_address isa;
        struct dimm_address dimm;
        struct opt_u64 spapr_reg;
    };
};

struct device_rom {
    enum tristate enabled; /* yes, no */
    enum tristate bar;     /* on, off */
    char *file;
};

struct device_info {
    struct xt_place place; /* where it stood in the document, for messages */
    char *alias; /* "virtio-disk0"; one that begins with "ua-" is the user's own and is kept in the config */
    struct device_address address;
    uint32_t boot_order; /* 0: not given */
    char *loadparm;
    struct opt_u32 master_port; /* USB companion controllers: their first port at the master */
    uint32_t acpi_index;        /* 0: not given */
    struct bitmap *acpi_nodes;
    struct device_rom rom;
};

/* Returned by checks: the refusal (of `err`), and where the device that it is about stands. */
#define OF_DEVICE(device, refusal) ((refusal) < 0 ? xt_add_place(err, &(device)->info.place) : 0)

/* Virtio options that any virtio device's <driver> may carry. */
struct virtio_options {
    enum tristate iommu, ats, packed, page_per_vq; /* on, off */
};

/* Which generation of virtio a device speaks; shared by the devices that have a model of it. */
enum virtio_model {
    VIRTIO_MODEL_UNSET,
    VIRTIO_MODEL_VIRTIO,
    VIRTIO_MODEL_TRANSITIONAL,
    VIRTIO_MODEL_NON_TRANSITIONAL,
    VIRTIO_MODEL_MAX
};
extern const char *const virtio_model_names[];

/* The rows for `info`: XT_EMBED(T, info, NULL, device_info_table, 0), the last row of a device's table. */
XT_DECLARE_ROWS(device_info_table, struct device_info);
/* Attributes iommu, ats, packed, page_per_vq. */
XT_DECLARE_ROWS(virtio_options_table, struct virtio_options);
/* Attributes domain, bus, slot, function; for addresses on the host. */
XT_DECLARE_ROWS(pci_address_table, struct pci_address);

/* An octal number with four digits, e.g. a file mode. */
XT_TYPE(octal, struct opt_u32);
/* uint32_t, "0x%04x"; 0 = not given. */
XT_TYPE(hex4, uint32_t);

/* The alias was given by the user (begins with "ua-"). */
bool device_alias_is_user(const char *alias);

/* Which of the machine's I/O threads serve which queues of a virtio device. */
struct iothread_queue {
    uint32_t id;
};
struct iothread_map {
    uint32_t id;
    struct iothread_queue **queues;
    size_t n_queues;
};
XT_DECLARE(iothread_map_table, struct iothread_map);

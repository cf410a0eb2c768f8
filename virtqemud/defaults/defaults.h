/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Defaults: what a definition gets that doesn't say everything: the devices that its machine type implies,
 * models, and a place on its bus for every device. The result is what libvirt would have chosen, since guests
 * (and their licences) remember where their hardware sits; once chosen it is written into the definition and
 * never changes.
 */
#pragma once

#include "base/err.h"
#include "model/domain/domain.h"
#include "virtqemud/caps.h"

enum chipset {
    CHIPSET_OTHER,
    CHIPSET_ISA,
    CHIPSET_I440FX, /* "pc": a conventional PCI root */
    CHIPSET_Q35,    /* a PCI Express root */
};

struct defaults {
    struct domain *domain;
    struct devices *devices; /* of the domain */
    struct arena *arena;
    const struct qemu_caps *caps; /* NULL: the binary isn't known */
    unsigned flags;               /* DOMAIN_PARSE_* */
    enum chipset chipset;
    struct err *err;
};

enum chipset chipset_of(const struct os *os);
/* Guests of this architecture have a PC's ports: ps2, isa-serial, floppy. */
bool arch_is_x86(const char *arch);

/* Unknown binaries are taken for able: what they really can is checked when the machine starts. */
static inline bool defaults_can(const struct defaults *defaults, enum qemu_cap cap)
{
    return !defaults->caps || qemu_caps_has(defaults->caps, cap);
}

/* The steps, in their order. Each returns negative with defaults->err set. */
int defaults_machine(struct defaults *defaults); /* emulator, machine type, CPU */
int defaults_devices(struct defaults *defaults); /* devices that the machine type implies */
int defaults_models(struct defaults *defaults);  /* what each device leaves open */
int defaults_serial_addresses(struct defaults *defaults);
int defaults_pci_addresses(struct defaults *defaults);
int defaults_usb_addresses(struct defaults *defaults);

/* The rules of a new definition; `data` of the policy. */
/* check-domain.c: what isn't a device */
int check_domain(const struct domain *domain, const struct qemu_caps *caps, struct err *err);
int defaults_check(const struct domain *domain, unsigned flags, void *caps, struct err *err);

/* Where the sound of a machine with these displays goes when nothing is said; AUDIO_UNSET: nowhere known. */
enum audio_type defaults_audio_type(const struct devices *devices);

/* Names of live devices: every device that has none gets "disk-kind plus number" as libvirt does. */
void defaults_aliases(struct domain *domain, struct arena *arena);

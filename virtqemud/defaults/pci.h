/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pci: what the files that give PCI addresses share. */
#pragma once

#include "virtqemud/defaults/defaults.h"
#include "virtqemud/defaults/pci-set.h"

struct placer {
    struct defaults *defaults;
    struct pci_set set;
    unsigned virtio;        /* what a virtio device connects to here */
    unsigned conventional;  /* a conventional PCI device */
    unsigned express;       /* a device that is PCI Express where the machine is */
    size_t pci_controllers; /* that the definition has, the root included */
};

/* Has no place yet, or only says that it wants one on PCI. */
bool pci_wants(const struct device_info *info);
/* What a device connects to (enum pci_connect); 0: it doesn't sit on PCI. */
unsigned pci_connects(const struct placer *placer, const struct device_visit *visit);
unsigned pci_controller_kind(const struct placer *placer, const struct controller *controller);
unsigned pci_virtio_kind(const struct placer *placer, enum virtio_model model);
unsigned pci_video_kind(const struct placer *placer, const struct video *video);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pci: devices of the host's PCI buses and who drives them. Addresses are "0000:01:00.0". A driver that lets
 * a device go may take its time: not on the loop's thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { PCI_ADDRESS_TEXT = 16, PCI_DRIVER_TEXT = 64 };

bool pci_exists(const char *address);
/* The driver's name, "" when there is none. */
void pci_driver(const char *address, char ret[PCI_DRIVER_TEXT]);
/* Its IOMMU group, -1 when it has none. */
int pci_group(const char *address);
/* Hand it to a driver that guests reach it by ("vfio-pci"). Negative with err set. */
int pci_bind(const char *address, const char *driver, struct err *err);

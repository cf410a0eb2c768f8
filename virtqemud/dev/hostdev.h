/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hostdev: what the files of host devices share. */
#pragma once

#include "virtqemud/dev/dev.h"

/* Find it, take it from the host's driver, let QEMU's user reach it. Waits. Negative with rq->err set. */
int hostdev_prepare(struct req *rq, struct build *build, void *device);
/* What an earlier daemon took has to be given back. */
void hostdev_found(struct build *build, const struct hostdev *dev);
/* "0000:01:00.0" */
const char *hostdev_pci_text(struct arena *arena, const struct pci_address *pci);
/* "/dev/sg0"; NULL: there is no such device. */
const char *hostdev_scsi_node(struct arena *arena, const struct hostdev *dev);

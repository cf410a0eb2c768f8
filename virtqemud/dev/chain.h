/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Chain: the images that lie beneath a disk's top image, as their headers name them, and whether the files
 * are there. A format that neither the definition nor a header says is never guessed: a guest that writes a
 * header into a raw image must not be able to make us open other files.
 */
#pragma once

#include "virtqemud/dev/dev.h"

/* All disks of the machine (only: one of them). Negative with rq->err set. */
int chain_complete(struct req *rq, struct build *build, struct disk *only);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "virtqemud/dev/dev.h"

/* The members of a throttle group's limits; what isn't limited is left out. */
void throttle_limits(const struct disk_iotune *tune, struct props *props);
/* -object for each group of the machine. */
void throttle_groups(struct build *build);
/* -blockdev for each filter of a disk, one on the other; *node: what they stand on, and then the topmost. */
int throttle_filters(struct build *build, const struct disk *disk, const char **node, struct err *err);

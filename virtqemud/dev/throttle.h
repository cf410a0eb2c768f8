/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "virtqemud/dev/dev.h"

/* What object-add, or qom-set for a group that is there, takes. */
void throttle_change(struct arena *arena, const struct disk_iotune *tune, bool there, struct props *props);
/* -object for each group of the machine. */
void throttle_groups(struct build *build);
/* -blockdev for each filter of a disk, one on the other; *node: what they stand on, and then the topmost. */
int throttle_filters(struct build *build, const struct disk *disk, const char **node, struct err *err);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Volume: a disk whose source is a volume of a storage pool. virtstoraged says where it is. */
#pragma once

#include "virtqemud/dev/dev.h"

/*
 * What a source of type volume is on this host: it becomes a file, a block device or a directory, with its
 * path in the arena. Other sources stay as they are. Negative with rq->err set.
 */
int volume_resolve(struct req *rq, struct arena *arena, struct storage *storage);

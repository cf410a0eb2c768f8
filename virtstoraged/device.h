/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Device: volumes that are block devices of this host, whoever makes them. */
#pragma once

#include "virtstoraged/tool.h"
#include "virtstoraged/volume.h"

/* Nothing that looks like a file system, a partition table or part of something else may be on it. */
int device_check_empty(struct req *rq, const char *device);
/* Take away what says that there is something. */
int device_erase(struct req *rq, const char *device);
/* Fill it with the content of another volume, as plain bytes. */
int device_fill(struct req *rq, const struct volume_def *def, const struct volume_def *from);
/* A definition of the device at path, found there and described further by its pool; in the arena. */
struct volume_def *device_def_new(struct arena *arena, const char *name, const char *path, uint64_t size);
/* On which part of which device of the pool it lies. */
void device_add_extent(struct arena *arena, struct volume_def *def, const char *device, uint64_t start,
                       uint64_t end);

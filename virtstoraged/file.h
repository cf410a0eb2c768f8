/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * File: volumes that are files (or directories) of this host: made, copied, resized, removed. What the pool's
 * backend adds is where they are. All functions may wait; none needs the pool's job.
 */
#pragma once

#include "virtstoraged/pool.h"
#include "virtstoraged/volume.h"

/* As struct backend has them. */
int file_place(struct req *rq, struct pool *pool, struct volume_def *def, struct arena *arena);
int file_make(struct req *rq, struct volume *volume, struct volume *from, unsigned flags);
int file_remove_volume(struct req *rq, struct volume *volume, unsigned flags);
int file_look(struct req *rq, struct volume *volume);
int file_resize(struct req *rq, struct volume *volume, uint64_t capacity, unsigned flags);

/* In a struct backend. */
#define FILE_VOLUMES                                                                                         \
    .place = file_place, .make = file_make, .remove = file_remove_volume, .look = file_look,                 \
    .resize = file_resize, .content = true

/* A pool whose volumes are the entries of its target directory: read them and the numbers of the file system.
 */
int dir_refresh(struct req *rq, struct pool *pool);
/* Make the target directory as the definition says; with flags that it doesn't know it fails. */
int dir_build(struct req *rq, struct pool *pool, unsigned flags);
int dir_erase(struct req *rq, struct pool *pool, unsigned flags);

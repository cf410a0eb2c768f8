/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Backend: how a pool of one kind is started, read and changed. One row of functions a kind, in backend-*.c;
 * a kind without a row can't be defined on this host. Functions may wait; the caller holds the pool's job
 * unless something else is said. NULL: the kind has nothing to do there, or can't do it (then it is refused).
 */
#pragma once

#include "virtstoraged/pool.h"
#include "virtstoraged/volume.h"

struct backend {
    /* Is it up already? Asked for pools that were active before the daemon's start. NULL: yes, always. */
    int (*check)(struct req *rq, struct pool *pool, bool *ret_active);
    int (*start)(struct req *rq, struct pool *pool);
    int (*stop)(struct req *rq, struct pool *pool);
    int (*build)(struct req *rq, struct pool *pool, unsigned flags);
    int (*erase)(struct req *rq, struct pool *pool, unsigned flags);
    /* Fill in the volumes (the set is empty) and the numbers of pool->def. */
    int (*refresh)(struct req *rq, struct pool *pool);
    /* Is this the same storage? Both are of this kind. NULL: can't be said. */
    bool (*same)(const struct pool_def *a, const struct pool_def *b);
    /* <source> elements of pools that could be made. */
    int (*find_sources)(struct req *rq, const struct pool_source *where, struct buf *text);

    /* Where a new volume will be: type, path and key. Refuses names that can't be. Doesn't wait. */
    int (*place)(struct req *rq, struct pool *pool, struct volume_def *def, struct arena *arena);
    /* Make it; from: copy that one's content, NULL: empty. Without the job. */
    int (*make)(struct req *rq, struct volume *volume, struct volume *from, unsigned flags);
    /* Without the job. */
    int (*remove)(struct req *rq, struct volume *volume, unsigned flags);
    int (*look)(struct req *rq, struct volume *volume); /* bring the facts up to date */
    int (*resize)(struct req *rq, struct volume *volume, uint64_t capacity, unsigned flags);
    bool counts;  /* make and remove keep the numbers of pool->def true */
    bool content; /* volumes are files or devices of this host: read, written and wiped through their path */
};

extern const struct backend fs_backend, netfs_backend;                  /* backend-fs.c */
extern const struct backend scsi_backend, iscsi_backend, mpath_backend; /* backend-scsi.c */
extern const struct backend disk_backend;                               /* backend-disk.c */
extern const struct backend logical_backend;                            /* backend-logical.c */

/* By enum pool_type; NULL: not on this host. */
extern const struct backend *const backends[POOL_TYPE_MAX];
/* NULL with err set. */
const struct backend *backend_of(enum pool_type type, struct err *err);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can be done with volumes. All calls may wait; those that take long let others work on the pool
 * meanwhile. */
#pragma once

#include "virtstoraged/volume.h"

/* from: whose content it is to have; NULL: none. flags: VIR_STORAGE_VOL_CREATE_x. The caller gets a
 * reference. */
int volume_create(struct req *rq, struct pool *pool, const char *xml, struct volume *from, unsigned flags,
                  struct volume **ret);
int volume_delete(struct req *rq, struct volume *volume, unsigned flags);
int volume_resize(struct req *rq, struct volume *volume, uint64_t capacity, unsigned flags);
/* algorithm: VIR_STORAGE_VOL_WIPE_ALG_x */
int volume_wipe(struct req *rq, struct volume *volume, uint32_t algorithm);
/* Bring the facts up to date. */
int volume_look(struct req *rq, struct volume *volume);

/* Streams; length 0: to the end. */
int volume_upload(struct req *rq, struct volume *volume, uint64_t offset, uint64_t length);
int volume_download(struct req *rq, struct volume *volume, uint64_t offset, uint64_t length);

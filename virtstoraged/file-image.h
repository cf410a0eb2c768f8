/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images that aren't plain bytes: made, converted and resized by qemu-img. */
#pragma once

#include "virtstoraged/volume.h"

/* Must qemu-img do it, or is it plain bytes on both sides? from may be NULL. */
bool image_needs_tool(const struct volume_def *def, const struct volume_def *from);
/* Can it be made as it is described? Negative with rq->err set. */
int image_check(struct req *rq, const struct volume_def *def, unsigned flags);
/* Make the file def->target.path, with from's content when that isn't NULL. flags: VIR_STORAGE_VOL_CREATE_x.
 */
int image_make(struct req *rq, const struct volume_def *def, const struct volume_def *from, unsigned flags);
int image_resize(struct req *rq, const struct volume_def *def, uint64_t capacity, bool shrink);

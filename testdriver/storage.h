/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Storage: pools that are never on any disk, and their volumes. */
#pragma once

#include "model/storage/pool.h"
#include "model/storage/volume.h"
#include "testdriver/driver.h"

struct volume {
    struct list link;
    struct pool *pool;
    struct arena arena;
    struct volume_def *def;
};

struct pool {
    struct thing thing;
    struct arena *arena, *new_arena; /* of the definitions; owned */
    struct pool_def *def, *newdef;   /* newdef: from the next start on; may be NULL */
    struct list volumes;
};

struct volume *volume_by_name(const struct pool *pool, const char *name);
/* One more, from its document. NULL with err set. */
/* Found: the world's file has it, whether or not there is room, and says where it is. */
enum volume_how { VOLUME_NEW, VOLUME_COPIED, VOLUME_FOUND };
struct volume *volume_add(struct pool *pool, const char *xml, enum volume_how how, struct err *err);
void volume_free(struct volume *volume);
int pool_need_active(struct req *rq, const struct pool *pool);

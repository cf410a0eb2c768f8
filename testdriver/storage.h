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
/* A new one from its document; original: what it is a copy of, or NULL. NULL with err set. */
struct volume *volume_add(struct pool *pool, const char *xml, const struct volume *original, struct err *err);
void volume_free(struct volume *volume);
int pool_need_active(struct req *rq, const struct pool *pool);

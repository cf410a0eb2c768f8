/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Volume: one volume of an active pool. Its facts are as they were when somebody looked last; volume_look()
 * looks again.
 */
#pragma once

#include "model/storage/volume.h"
#include "rpc/server.h"

struct pool;

struct volume {
    unsigned references; /* its pool's set holds one */
    struct pool *pool;   /* with a reference */
    struct arena arena;  /* of def */
    struct volume_def *def;
    struct volume *real; /* see volume_use(); with a reference */
    bool building;       /* it is being made: nobody else may touch it */
    bool gone;           /* not in the set any more */
    unsigned users;      /* who reads or writes its content now */
};

extern const struct object_type volume_type;

/* def and what it points to are moved in with the arena. */
struct volume *volume_new(struct pool *pool, struct arena *arena, struct volume_def *def);
struct volume *volume_ref(struct volume *volume);
void volume_unref(struct volume *volume);
static inline void volume_unrefp(struct volume **volume)
{
    volume_unref(*volume);
}
#define auto_volume CLEANUP(volume_unrefp)

struct wire_storage_vol wire_of_volume(struct req *rq, const struct volume *volume);

/*
 * What the dispatcher found for a call on a volume may be only its name, while the volumes of the pool are
 * still being read after the daemon's start. Every such method begins with this: it waits until they are
 * there. Negative with rq->err set when there is no such volume, or its pool was stopped meanwhile.
 */
int volume_use(struct req *rq, struct volume **volume);
/* Take over what was seen of it: sizes, owner, times, what the image says of itself. */
void volume_update(struct volume *volume, const struct volume_def *seen);
/* Another definition of the same name, for a volume that is just being made; moved in with its arena. */
void volume_redefine(struct volume *volume, struct arena *arena, struct volume_def *def);
/* Not being made, not in anybody's use. Negative with err set. */
int volume_check_free(const struct volume *volume, struct err *err);

/* Somebody uses the content for a while: the volume can't be deleted, its pool neither stopped nor refreshed.
 */
void volume_hold(struct volume *volume);
void volume_release(struct volume *volume);

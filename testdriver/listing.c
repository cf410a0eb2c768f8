/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testdriver/listing.h"

uint32_t things_count(const struct list *things, bool active)
{
    struct thing *thing;
    uint32_t count = 0;

    LIST_FOREACH(things, thing, link)
        count += thing->active == active;
    return count;
}

uint32_t things_names(struct req *rq, const struct list *things, bool active, int max, char ***ret)
{
    struct thing *thing;
    uint32_t count = 0;

    *ret = ARENA_ARRAY(rq->arena, char *, things_count(things, active));
    LIST_FOREACH(things, thing, link)
        if (thing->active == active && (int64_t)count < max)
            (*ret)[count++] = thing->name;
    return count;
}

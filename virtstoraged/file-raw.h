/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Raw files, on worker threads: making them, with the owner that they are to have, and filling them. */
#pragma once

#include "model/storage/target.h"
#include "virtstoraged/task.h"

struct raw_make {
    struct task task;
    char *path;
    bool directory; /* else a file */
    struct permissions permissions;
    uint64_t capacity, allocation; /* bytes; what isn't allocated is a hole */
    bool nocow;
    bool reflink, sparse; /* of a copy: share the blocks; leave holes where there are zeros */
    char *from;           /* copy this file's content; NULL: empty */
};
struct raw_make *raw_make_new(const char *path, const struct permissions *permissions);
int raw_make_run(struct req *rq, struct raw_make *make);

struct raw_change {
    struct task task;
    char *path;
    enum raw_what {
        RAW_OWN,    /* give it the owner and mode */
        RAW_RESIZE, /* to capacity; allocate: without holes */
        RAW_REMOVE, /* file or empty directory */
        RAW_WIPE,   /* zeros over everything */
    } what;
    struct permissions permissions;
    uint64_t capacity;
    bool allocate, directory;
};
struct raw_change *raw_change_new(const char *path, enum raw_what what);
int raw_change_run(struct req *rq, struct raw_change *change);

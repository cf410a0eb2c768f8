/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Target: what pools and volumes have in common: where they are on this host, and whose they are there. */
#pragma once

#include <time.h>

#include "xml/xt.h"

struct permissions {
    struct opt_u32 mode;         /* permission bits */
    struct opt_u32 owner, group; /* not set: whoever makes it */
    char *label;
};
XT_DECLARE_ROWS(permissions_table, struct permissions);

struct timestamp {
    struct timespec time;
    bool set;
};
XT_TYPE(timestamp, struct timestamp);
struct timestamps {
    struct timestamp atime, mtime, ctime, btime;
};
XT_DECLARE_ROWS(timestamps_table, struct timestamps);

/* <option name='n'/> and <option name='n' value='v'/> of the extensions fs: and rbd:. */
struct option {
    char *name, *value;
};

/* The path without repeated and trailing slashes, as libvirt keeps it. NULL stays NULL. */
char *path_sanitize(struct arena *arena, const char *path);

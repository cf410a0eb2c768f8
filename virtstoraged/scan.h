/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scan: looking at files and block devices as volumes, on a worker thread: what they are, how large, whose,
 * and what their first bytes say.
 */
#pragma once

#include "virtstoraged/task.h"
#include "virtstoraged/volume.h"

/* One file, with the arena that holds what was found. */
struct scan_file {
    struct arena arena;
    struct volume_def *def;
};

/* A directory with all that is in it. */
struct scan_dir {
    struct task task;
    char *path;
    /* found: */
    struct scan_file *files;
    size_t count;
    uint64_t capacity, available; /* of its file system, bytes */
    struct permissions permissions;
};
struct scan_dir *scan_dir_new(const char *path);

/* One path that is known to be a volume. */
struct scan_one {
    struct task task;
    char *path;
    char *format; /* NULL: find out */
    struct scan_file file;
};
struct scan_one *scan_one_new(const char *path, const char *format);

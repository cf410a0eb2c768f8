/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Paths: where a daemon's things live. The system's daemons use libvirt's directories, a user's own daemons
 * those of the XDG specification, an embedded daemon one directory of its own.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

/* No trailing slash; nothing is made yet. The comments: system, session, embedded in ROOT. */
struct paths {
    const char *etc;   /* /etc/libvirt, $XDG_CONFIG_HOME/libvirt, ROOT/etc */
    const char *run;   /* /run/libvirt, $XDG_RUNTIME_DIR/libvirt, ROOT/run */
    const char *lib;   /* /var/lib/libvirt, $XDG_CONFIG_HOME/libvirt, ROOT/lib */
    const char *cache; /* /var/cache/libvirt, $XDG_CACHE_HOME/libvirt, ROOT/cache */
    const char *log;   /* /var/log/libvirt, $XDG_CACHE_HOME/libvirt, ROOT/log */
    const char *pid;   /* directory of the pid file: /run, and as `run` for the others */
};

/* All text in the arena. root NULL: not embedded. Fails when a session has no home directory. */
int paths_fill(struct arena *arena, bool privileged, const char *root, struct paths *ret, struct err *err);

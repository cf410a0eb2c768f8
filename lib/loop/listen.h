/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Listen: a daemon's sockets, handed over by systemd or made here. */
#pragma once

#include "loop/daemon.h"
#include "loop/keep.h"

struct listener {
    int fd; /* listening, non-blocking, close-on-exec; whoever takes it leaves -1 */
    enum daemon_socket kind;
};
enum { LISTENERS_MAX = 16 };

/*
 * What systemd handed over (none: count 0); its environment variables are gone afterwards. ret_kept: what it
 * kept for an earlier run; also after a failure, for keep_done().
 */
int listen_inherited(struct listener ret[LISTENERS_MAX], size_t *ret_count, struct kept **ret_kept,
                     size_t *ret_kept_count, struct err *err);
/* The daemon's own sockets at their usual paths; an abandoned one is replaced, one in use is an error. */
int listen_own(const struct daemon *daemon, struct listener ret[LISTENERS_MAX], size_t *ret_count,
               struct err *err);
/* Remove the files of listen_own. */
void listen_remove_own(const struct daemon *daemon);
void listen_close(struct listener *listeners, size_t count);

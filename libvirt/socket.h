/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Socket: which Unix socket a URI leads to, and getting a connection to it. */
#pragma once

#include "libvirt/api.h"
#include "uri/uri.h"

/*
 * A connected socket for this URI (`text` is how it was written, for messages). A session's daemon is started
 * when none listens, unless LIBVIRT_AUTOSTART=0. Negative with err set.
 */
int socket_open(const struct uri *uri, const char *text, bool read_only, int *ret_fd, struct err *err);
/*
 * Whoever is there, when nobody said which daemon: the first of the hypervisors' daemons that listens, else
 * the one that stands for all and chooses. The URI to ask for ("" then) lives in the arena; NULL: nobody is
 * there.
 */
const char *socket_probe(struct arena *arena, bool read_only, int *ret_fd);
/* The same as socket_open() for the admin socket of the daemon that the URI's scheme names; nothing is
 * started. */
SHARED int socket_open_admin(const struct uri *uri, int *ret_fd, struct err *err);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Serve: a daemon that answers calls, from two tables: what it is as a process (loop/daemon.h) and what it
 * answers (rpc/server.h). Here the two meet, so that a daemon's main.c holds its tables, its start and its
 * end, and nothing else.
 */
#pragma once

#include "loop/daemon.h"
#include "rpc/server.h"

struct serve;

struct serve_spec {
    struct daemon_spec daemon; /* name, purpose, keys ...; its hooks are filled in here */
    struct server_spec
        server; /* driver, scheme, methods, objects ...; name, privileged, timeout and shutdown too */

    /* Before the first client can come; the server is there already. May start fibers, may not wait. */
    int (*start)(struct serve *serve, struct err *err);
    int (*reload)(struct serve *serve, struct err *err);
    /* After the last client has left; the server is still there. Also after a failed start. */
    void (*stop)(struct serve *serve);
};

struct serve {
    const struct serve_spec *what;
    struct daemon *daemon; /* paths, conf; daemon_hold() while something runs that needs the daemon */
    struct server *server;
    struct server_spec spec;
    struct server_conf conf;
    bool held; /* clients are there */
};

/* All of main(). */
int serve_main(int argc, char **argv, const struct serve_spec *what);

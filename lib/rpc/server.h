/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Server: what a daemon hands to the RPC layer and gets from it. A daemon fills one `struct server_spec`
 * (what it is, its methods, its kinds of objects), makes a server from it, and gives it listening sockets.
 * Everything true of many calls is done here or in dispatch.c: framing, authentication, limits, the connect_*
 * calls, events, streams, forwarding to other daemons, and the admin program.
 */
#pragma once

#include "access/acl.h"
#include "loop/job.h"
#include "rpc/dispatch.h"

struct client;
struct kept;
struct server;

/*
 * A kind of objects of this daemon, at its place in server_spec.objects. Functions are called on the loop's
 * thread, inside the request's fiber; none of them may wait.
 */
struct object_type {
    /*
     * The object that a client names by a wire reference (struct wire_domain * for domains ...), with a
     * reference taken; NULL with err set (ERR_NO_DOMAIN "no domain with matching uuid '...' (name)").
     */
    void *(*find)(struct req *rq, const void *wire, struct err *err);
    void (*unref)(void *object);
    struct job *(*job)(void *object); /* NULL when objects of this kind have no job */
    /* Title and ACL attributes; only called when an ACL driver is active or a message needs them. */
    void (*describe)(struct arena *arena, const void *object, struct acl_object *ret);
};

struct server_spec {
    const char *name;   /* "virtqemud": the server's name for virt-admin and in log lines */
    const char *driver; /* "QEMU": answer of connect_get_type; also "connect_driver" of ACL checks */
    const char *scheme; /* "qemu": URIs qemu:///system (privileged) or qemu:///session are opened, also "" */
    bool privileged;    /* system instance */
    bool embedded;      /* a program's own: answers to SCHEME:///embed */
    bool forward;       /* calls of other subsystems go to their daemons; false: code 3 */
    unsigned owners;    /* bits 1 << OWNER_x: the subsystems that this daemon answers itself */
    const struct method *const *methods;                /* NULL-terminated list of tables */
    const struct object_type *objects[OBJECT_KIND_MAX]; /* by enum object_kind; NULL: not ours */

    /* Hooks; NULL where the default does. */
    int (*open)(struct req *rq, struct client *client, const char *uri,
                unsigned flags); /* refuse: set rq->err */
    int (*version)(struct req *rq,
                   uint64_t *ret); /* connect_get_version: of the hypervisor; default: code 3 */
    bool (*feature)(struct client *client,
                    int feature); /* connect_supports_feature beyond the transport's own */
    void (*activity)(struct server *server, bool busy); /* first client came / last client left (idle exit) */
    int (*set_timeout)(struct server *server, unsigned seconds,
                       struct err *err); /* idle exit, by virt-admin */
    int (*shutdown)(struct server *server, unsigned flags,
                    struct err *err); /* stop the daemon, by virt-admin */
};

/* The conf keys of every daemon, with stock's defaults; filled from the file by the daemon. */
struct server_conf {
    unsigned max_clients, max_queued_clients, max_anonymous_clients;
    unsigned min_workers, max_workers, prio_workers; /* shown and changed by virt-admin; fibers need none */
    unsigned max_client_requests;
    int keepalive_interval; /* seconds; <= 0: the server never pings */
    unsigned keepalive_count;
    const char *auth_unix_rw,
        *auth_unix_ro; /* "none", "polkit", "sasl"; NULL: polkit when privileged, else none */
};
#define SERVER_CONF_DEFAULT                                                                                  \
    {                                                                                                        \
        .max_clients = 5000, .max_queued_clients = 1000, .max_anonymous_clients = 20, .min_workers = 5,      \
        .max_workers = 20, .prio_workers = 5, .max_client_requests = 5, .keepalive_interval = 5,             \
        .keepalive_count = 5                                                                                 \
    }

enum server_service {
    SERVICE_MAIN,  /* NAME-sock */
    SERVICE_RO,    /* NAME-sock-ro: every connection is read-only */
    SERVICE_ADMIN, /* NAME-admin-sock: same user only, no authentication step, the admin program */
};

/* spec must outlive the server. The server of SERVICE_ADMIN sockets ("admin") comes with it. */
struct server *server_new(const struct server_spec *spec, const struct server_conf *conf);
/* The admin server's own limits (conf keys admin_*), at first the same; to be changed before clients come. */
struct server_conf *server_admin_conf(struct server *server);
/* From now on no call is answered but with this (once its client is known); the text must outlive the server.
 */
void server_refuse(struct server *server, const char *trouble);
/* Accept on a listening Unix socket from now on; the server owns the descriptor. */
int server_listen(struct server *server, int fd, enum server_service service, struct err *err);
/* Take over one connected non-blocking socket (qemu:///embed, tests). The server owns the descriptor. */
struct client *server_add_client(struct server *server, int fd, enum server_service service, struct err *err);
/*
 * Stop: no new clients, no new calls; running calls end (waits are cancelled after usec); then every client
 * is closed, or with keep, where that can be, kept for the daemon's next run (handover.c). Call from a fiber.
 * Returns when nothing is left or usec passed.
 */
void server_drain(struct req *rq, struct server *server, uint64_t usec, bool keep);
/* Go on with the clients that an earlier run had kept; takes the descriptors that it can use. */
void server_resume(struct server *server, struct kept *kept, size_t count);
void server_free(struct server *server);
bool server_busy(const struct server *server); /* any client connected */
const struct server_spec *server_spec_of(const struct server *server);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Client: one connection to a server of ours. Methods without an object get it; methods with one reach it by
 * req_client(). It ends at any moment that the method waits: then rq is cancelled, and the struct stays valid
 * until the last request on it has ended.
 */
#pragma once

#include "base/list.h"
#include "rpc/server.h"

/* The client whose call this is; NULL for the daemon's own work. */
struct client *req_client(const struct req *rq);

struct server *client_server(const struct client *client);
uint64_t client_id(const struct client *client);
bool client_read_only(const struct client *client);
const char *client_uri(const struct client *client); /* as opened, e.g. "qemu:///system"; NULL before open */
const struct identity *client_identity(const struct client *client);
bool client_gone(const struct client *client);

/* The daemon's own data of a connection (zeroed pointer at first). */
void **client_data(struct client *client);

/* Called once when the client has left or was closed (autodestroy). Lives in the watcher's struct. */
struct client_watch {
    struct list link;
    struct client *client; /* NULL: not watching */
    void (*gone)(struct client_watch *watch, struct client *client);
};
void client_watch(struct client *client, struct client_watch *watch);
void client_unwatch(struct client_watch *watch);
/*
 * Access for methods whose object isn't named by their first argument (lookups, define): check what the
 * procedure's row demands on the object, of the row's kind, before it is shown or changed. A method of such a
 * row that succeeds without having asked is refused while an ACL driver is active. 0, or negative with
 * rq->err set.
 */
int req_check(struct req *rq, enum object_kind kind, const void *object);
/* The same for an object that doesn't exist yet (define, create), or that is of a kind without describe(). */
int req_check_described(struct req *rq, const struct acl_object *described);
/* 0 when a call's flags are all among the known ones; otherwise -1 and the error that names the others and
 * the call. */
#define method_flags(rq, flags, known) method_flags_from(rq, ERR_FROM, flags, known)
int method_flags_from(struct req *rq, enum err_domain domain, unsigned flags, unsigned known);
/* For lists: may the caller see this one (the row's filter)? */
bool req_sees(struct req *rq, enum object_kind kind, const void *object);

/* Close; its requests are cancelled. `why` for the log. */
void client_close(struct client *client, const char *why);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Core: what the files of lib/rpc share about servers, clients and calls. Nobody outside of lib/rpc includes
 * it.
 *
 * A client is counted: by its connection, by each call of it, by each stream. When the connection ends the
 * client leaves the server's list at once and its calls are cancelled; the memory goes with the last call.
 */
#pragma once

#include "base/list.h"
#include "base/log.h"
#include "loop/fiber.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "rpc/client.h"
#include "rpc/conn.h"
#include "rpc/event.h"
#include "rpc/stream.h"

enum {
    PROGRAMS_MAX = 4,
    PENDING_BYTES_MAX =
        1024 * 1024, /* calls over the client's limit that are kept while its connection is read */
    PENDING_MAX = 64,
    QUEUE_HIGH = 1024 * 1024,      /* answers that the client doesn't read: no more calls are taken */
    EVENTS_MAX = 4 * 1024 * 1024,  /* bytes of events that the client doesn't read: it is closed */
    REGISTRATIONS_MAX = 1024,      /* of one client */
    ANONYMOUS_USEC = 60 * 1000000, /* how long somebody may stay without trying to authenticate */
    CROWDED_USEC = 5 * 1000000,    /* the same while others wait at the door */
    JOB_USEC = 30 * 1000000,       /* how long a call waits for the job of its object */
};

/* One program of a server: its rows and, by procedure number, our methods. */
struct service_program {
    const struct program *program;
    method_function **functions;
};

struct listener {
    struct list link;
    struct server *server;
    int fd;
    enum server_service service;
    struct watch watch;
};

struct server {
    const struct server_spec *spec;
    struct server_conf conf;
    const char *name;     /* spec->name, or "admin" */
    struct server *main;  /* the admin server's subject; NULL for a main server */
    struct server *admin; /* a main server's admin server */
    struct service_program programs[PROGRAMS_MAX];
    unsigned program_count;
    unsigned owners;
    struct list clients, listeners, registrations;
    unsigned client_count, anonymous_count, call_count;
    uint64_t next_id, next_call;
    bool accepting, draining;
    const char *trouble; /* the answer to every call, see server_refuse */
    struct wait *idle;   /* server_drain waits for call_count == 0 */
    struct timer tick;   /* keepalive and anonymous clients */
    char *uri;           /* default URI */
};

enum client_auth { AUTHENTICATE_NONE, AUTHENTICATE_SASL, AUTHENTICATE_POLKIT };

struct client {
    struct list link; /* in server->clients */
    struct server *server;
    struct conn conn;
    unsigned references;
    uint64_t id;
    uint64_t connected; /* realtime, us */
    uint64_t since;     /* monotonic, us */
    enum server_service service;
    enum client_auth auth;
    struct identity *identity; /* on whose behalf: told by another daemon, or the peer itself */
    struct identity *peer;     /* the process at the other end */
    struct list calls, streams, pending, watches, peers;
    unsigned call_count, pending_count, registration_count;
    size_t pending_bytes, event_bytes;
    int next_callback;
    char *uri;      /* as opened */
    void *data;     /* the daemon's */
    uint8_t missed; /* keepalive pings without an answer */
    bool authenticated, read_only, opened, gone, keepalive, close_callback, running_pending;
    bool stays;         /* the daemon stops, and its next run goes on with the connection */
    struct list events; /* events whose receivers must be asked about, in order */
    bool events_running;
};

/* A call of a client. Recycled with its arena. */
struct call {
    struct req rq;    /* first */
    struct list link; /* in client->calls, or among the spare ones */
    struct client *client;
    const struct procedure *row;
    method_function *function;
    struct frame_header header;
    void *in, *out;
    int *fds, *reply_fds; /* in the arena */
    unsigned fd_count, reply_fd_count;
    struct stream *stream;
    uint64_t started; /* only when calls are logged */
    int result;
    bool close;   /* the connection ends when the answer is out */
    bool checked; /* the method's object was checked against the row */
};

/* A call beyond the client's limit, waiting for its turn. */
struct pending {
    struct list link;
    struct frame_header header;
    size_t length;
    unsigned fd_count;
    int fds[FRAME_FDS_MAX];
    uint8_t payload[];
};

struct wire_handover_client;

struct client *client_ref(struct client *client);
void client_unref(struct client *client);
struct client *client_new(struct server *server, int fd, enum server_service service, struct err *err);
/* One that was authenticated and opened already, in an earlier run of the daemon. Takes over fd and peer. */
struct client *client_again(struct server *server, int fd, enum server_service service, uint64_t id,
                            struct identity *peer, struct err *err);
/* Everything about its end; the memory goes with the last reference. */
void client_end(struct client *client);
void client_set_authenticated(struct client *client);
/* Calls that waited for their turn, as far as the limit lets them. */
void client_run_pending(struct client *client);
void client_throttle(struct client *client);

/* dispatch.c: a call that the client may make now. payload is only valid during the call. */
void call_begin(struct client *client, const struct frame_header *header, const uint8_t *payload,
                size_t length, int *fds, unsigned fd_count);
static inline struct call *call_of(const struct req *rq)
{
    return CONTAINER_OF(rq, struct call, rq);
}
/* A frame with an error: answer to a call, or end of a stream. err stays the caller's. */
void client_send_error(struct client *client, const struct frame_header *header, const struct err *err);
/* An event of this size was queued: closes a client that never reads its events. */
void client_count_event(struct client *client, size_t length);

/* server.c */
/* As server_add_client, for client_again. */
struct client *server_add_again(struct server *server, int fd, enum server_service service, uint64_t id,
                                struct identity *peer, struct err *err);
void server_client_gone(struct server *server, struct client *client);
void server_accept_again(struct server *server);
void server_need_tick(struct server *server);

/* keepalive.c: true when the frame was one of its own. */
bool keepalive_frame(struct conn *conn, const struct frame_header *header);
void keepalive_ping(struct conn *conn);

/* stream.c */
void stream_frame(struct client *client, const struct frame_header *header, const uint8_t *payload,
                  size_t length);
void stream_begin(struct stream *stream); /* the reply is out */
void stream_drop(struct stream *stream);  /* its call failed */
void streams_end(struct client *client, int reason);
void streams_drained(struct client *client);

/* event.c: those that wait for a client. */
void events_forget(struct client *client);

/* registration.c */
void registrations_forget(struct client *client);
void registrations_save(const struct client *client, struct arena *arena, struct wire_handover_client *to);
void registrations_restore(struct client *client, const struct wire_handover_client *from);

/* handover.c: before a drain, choose those who may go on with the next run; after it, give them to it. */
void handover_choose(struct server *server);
bool handover_give(struct client *client);

/* forward.c: 0 when the call is on its way (or waits for the connection), negative with err set. */
int forward_call(struct client *client, const struct procedure *row, const struct frame_header *header,
                 const uint8_t *payload, size_t length, int *fds, unsigned fd_count, struct err *err);
/* True when the frame belongs to a stream of another daemon. */
bool forward_stream(struct client *client, const struct frame_header *header, const uint8_t *payload,
                    size_t length);
void forward_drained(struct client *client);
void forward_end(struct client *client);
/* Go on with a connection to another daemon that was opened for this client in an earlier run; takes fd. */
void forward_resume(struct client *client, enum owner owner, int fd, uint32_t last_serial);

/* Method tables of this layer. */
extern const struct method connect_methods[], auth_methods[], event_methods[], admin_methods[];

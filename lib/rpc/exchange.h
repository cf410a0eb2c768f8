/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exchange: a call that was sent to a peer, until its last frame came back. What peer.c (connections, typed
 * calls) and forward.c (frames of clients) share. Nobody outside of lib/rpc includes it.
 */
#pragma once

#include "base/list.h"
#include "loop/job.h"
#include "rpc/conn.h"
#include "rpc/peer.h"

struct peer {
    struct list link; /* among the daemon's own, or in client->peers */
    struct conn conn;
    unsigned references;
    enum owner owner;
    bool privileged, read_only;
    bool connected;     /* conn is in use */
    bool ready;         /* opened: calls may be sent */
    bool dropped;       /* nobody's any more */
    struct job opening; /* held by whoever connects */
    uint32_t last_serial;
    struct list exchanges;
    const struct identity *identity; /* on whose behalf; NULL: the daemon itself */
    struct client *client;           /* whose calls are forwarded; NULL: the daemon's own peer */
    struct list waiting;             /* forward.c: calls that came before it was ready */
    struct req *opening_rq;          /* forward.c: the request that connects, NULL: nobody */
};

struct exchange {
    struct list link; /* in peer->exchanges */
    uint32_t serial;  /* towards the peer */
    const struct procedure *row;
    /* A frame of this exchange; ends it with exchange_end() after the last one. */
    void (*frame)(struct exchange *exchange, const struct frame_header *header, const uint8_t *payload,
                  size_t length, const int *fds, unsigned fd_count);
    /* The connection broke; the exchange is out of the list already. */
    void (*lost)(struct exchange *exchange, const struct err *why);
};

struct peer *peer_new(enum owner owner, bool privileged, bool read_only);
void peer_unref(struct peer *peer);
/* Connect and open, unless it is ready. May wait. Negative with rq->err set. */
int peer_open(struct req *rq, struct peer *peer);
/* Be connected and opened by a descriptor on which last_serial was the last call; fd is the peer's now. */
void peer_resume(struct peer *peer, int fd, uint32_t last_serial);
/* Close at once; exchanges are lost. */
void peer_drop(struct peer *peer);
/* "virtsecretd" */
const char *peer_name(const struct peer *peer);

/* Send a call; the exchange is the caller's memory and stays until its last frame or lost(). */
void exchange_start(struct peer *peer, struct exchange *exchange, const struct procedure *row);
void exchange_send(struct peer *peer, struct exchange *exchange, enum frame_type type,
                   enum frame_status status, const void *payload, size_t length, const int *fds,
                   unsigned fd_count);
void exchange_end(struct exchange *exchange);

/* forward.c */
void forward_event(struct client *client, const struct frame_header *header, const uint8_t *payload,
                   size_t length);
void forward_peer_drained(struct client *client);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls of other subsystems: the frame goes as it is, with another serial, to the daemon that owns it, over a
 * connection that belongs to this one client; whatever comes back goes to the client as it is. Each side is
 * read no faster than the other takes it.
 */
#define ERR_FROM ERR_FROM_RPC
#include "base/fd.h"
#include "rpc/core.h"
#include "rpc/exchange.h"

/* One forwarded call, while it or its stream lives. It counts like a call of the client. */
struct forward {
    struct exchange exchange; /* first */
    struct list link;         /* in peer->waiting until it is sent */
    struct client *client;
    struct peer *peer;
    struct frame_header header; /* as the client sent it */
    bool answered;
    /* What waits for the connection: */
    uint8_t *payload;
    size_t length;
    int *fds;
    unsigned fd_count;
};

static void forward_release_input(struct forward *forward)
{
    for (unsigned i = 0; i < forward->fd_count; i++)
        fd_close(&forward->fds[i]);
    free(forward->fds);
    free(forward->payload);
    forward->fds = NULL;
    forward->fd_count = 0;
    forward->payload = NULL;
}

/* The call itself is over; its stream may live on. */
static void forward_answered(struct forward *forward)
{
    struct client *client = forward->client;

    if (forward->answered)
        return;
    forward->answered = true;
    client->call_count--;
    client->server->call_count--;
    if (!list_empty(&client->pending))
        client_run_pending(client);
    if (client->server->idle && !client->server->call_count)
        wait_wake(client->server->idle, 0);
}

static void forward_free(struct forward *forward)
{
    struct client *client = forward->client;

    forward_release_input(forward);
    forward_answered(forward);
    free(forward);
    client_unref(client);
}

/* To the client. */

static void relay(struct client *client, struct peer *peer, const struct frame_header *header,
                  const uint8_t *payload, size_t length, const int *fds, unsigned fd_count)
{
    struct buf *out = conn_begin(&client->conn, header);

    if (header->type == FRAME_REPLY_FDS) {
        frame_put_u32(buf_reserve(out, 4), fd_count);
        out->length += 4;
    }
    buf_add(out, payload, length);
    conn_end(&client->conn, fds, fd_count);
    if (peer && conn_queued(&client->conn) > QUEUE_HIGH) {
        conn_hold(&peer->conn, HOLD_OUTPUT);
        conn_ask_drained(&client->conn);
    }
}

static void forward_frame(struct exchange *exchange, const struct frame_header *header,
                          const uint8_t *payload, size_t length, const int *fds, unsigned fd_count)
{
    struct forward *forward = (struct forward *)exchange;
    struct frame_header changed = *header;
    bool reply = header->type == FRAME_REPLY || header->type == FRAME_REPLY_FDS;
    bool last = header->status != FRAME_CONTINUE;

    changed.serial = forward->header.serial;
    if (!forward->client->gone)
        relay(forward->client, forward->peer, &changed, payload, length, fds, fd_count);
    if (reply && header->status == FRAME_OK && exchange->row->stream != STREAM_NONE) {
        forward_answered(forward);
        return;
    }
    if (!last)
        return;
    exchange_end(exchange);
    forward_free(forward);
}

static void forward_lost(struct exchange *exchange, const struct err *why)
{
    struct forward *forward = (struct forward *)exchange;
    struct frame_header header = forward->header;

    if (forward->answered)
        header.type = FRAME_STREAM;
    client_send_error(forward->client, &header, why);
    forward_free(forward);
}

void forward_event(struct client *client, const struct frame_header *header, const uint8_t *payload,
                   size_t length)
{
    if (client->gone)
        return;
    relay(client, NULL, header, payload, length, NULL, 0);
    client_count_event(client, length);
}

/* To the daemon. */

static void forward_send(struct forward *forward, const void *payload, size_t length, const int *fds,
                         unsigned fd_count)
{
    struct peer *peer = forward->peer;

    exchange_start(peer, &forward->exchange, forward->exchange.row);
    exchange_send(peer, &forward->exchange, (enum frame_type)forward->header.type, FRAME_OK, payload, length,
                  fds, fd_count);
}

struct opening {
    struct req rq;
    struct peer *peer;
    int result;
};

static void opening_main(struct req *rq, void *arg)
{
    struct opening *opening = arg;

    opening->result = peer_open(rq, opening->peer);
}

/* Everybody who waited for the connection goes on, or learns why not. */
static void opening_done(struct req *rq, void *arg)
{
    struct opening *opening = arg;
    struct peer *peer = opening->peer;
    struct forward *forward;

    peer->opening_rq = NULL;
    LIST_FOREACH(&peer->waiting, forward, link) {
        list_remove(&forward->link);
        if (opening->result >= 0 && peer->ready) {
            forward_send(forward, forward->payload, forward->length, forward->fds, forward->fd_count);
            forward_release_input(forward);
        } else {
            client_send_error(forward->client, &forward->header, &rq->err);
            forward_free(forward);
        }
    }
    peer_unref(peer);
    arena_done(&rq->arena);
    err_clear(&rq->err);
    free(opening);
}

static void forward_open(struct peer *peer)
{
    struct opening *opening = NEW(struct opening);

    opening->peer = peer;
    opening->rq.name = "connect_open";
    peer->references++;
    peer->opening_rq = &opening->rq;
    fiber_start(&opening->rq, opening_main, opening_done, opening);
}

static struct peer *client_peer(struct client *client, enum owner owner)
{
    struct peer *peer;

    LIST_FOREACH(&client->peers, peer, link)
        if (peer->owner == owner)
            return peer;
    peer = peer_new(owner, client->server->spec->privileged, client->read_only);
    peer->client = client;
    peer->identity = identity_ref(client->identity);
    list_append(&client->peers, &peer->link);
    return peer;
}

void forward_resume(struct client *client, enum owner owner, int fd, uint32_t last_serial)
{
    peer_resume(client_peer(client, owner), fd, last_serial);
}

int forward_call(struct client *client, const struct procedure *row, const struct frame_header *header,
                 const uint8_t *payload, size_t length, int *fds, unsigned fd_count, struct err *err)
{
    struct peer *peer = client_peer(client, row->owner);
    struct forward *forward = NEW(struct forward);

    forward->exchange = (struct exchange){.row = row, .frame = forward_frame, .lost = forward_lost};
    forward->client = client_ref(client);
    forward->peer = peer;
    forward->header = *header;
    client->call_count++;
    client->server->call_count++;
    if (peer->ready) {
        forward_send(forward, payload, length, fds, fd_count);
        return 0;
    }
    forward->length = length;
    forward->payload = length ? mem_dup(payload, length) : NULL;
    if (fd_count)
        forward->fds = NEW_ARRAY(int, fd_count);
    for (; forward->fd_count < fd_count; forward->fd_count++)
        forward->fds[forward->fd_count] = FD_TAKE(fds[forward->fd_count]);
    list_append(&peer->waiting, &forward->link);
    if (!peer->opening_rq)
        forward_open(peer);
    return 0;
}

static struct exchange *find_stream(struct peer *peer, const struct frame_header *header)
{
    struct exchange *exchange;

    LIST_FOREACH(&peer->exchanges, exchange, link) {
        struct forward *forward = (struct forward *)exchange;

        if (exchange->frame == forward_frame && forward->header.serial == header->serial &&
            forward->header.procedure == header->procedure)
            return exchange;
    }
    return NULL;
}

bool forward_stream(struct client *client, const struct frame_header *header, const uint8_t *payload,
                    size_t length)
{
    struct exchange *exchange;
    struct peer *peer;

    LIST_FOREACH(&client->peers, peer, link) {
        exchange = find_stream(peer, header);
        if (!exchange)
            continue;
        exchange_send(peer, exchange, (enum frame_type)header->type, (enum frame_status)header->status,
                      payload, length, NULL, 0);
        if (conn_queued(&peer->conn) > QUEUE_HIGH) {
            conn_hold(&client->conn, HOLD_OUTPUT);
            conn_ask_drained(&peer->conn);
        }
        return true;
    }
    return false;
}

/* The client took what waited for it. */
void forward_drained(struct client *client)
{
    struct peer *peer;

    LIST_FOREACH(&client->peers, peer, link)
        if (peer->connected)
            conn_release(&peer->conn, HOLD_OUTPUT);
}

/* A daemon took what waited for it. */
void forward_peer_drained(struct client *client)
{
    if (!client->gone)
        conn_release(&client->conn, HOLD_OUTPUT);
}

void forward_end(struct client *client)
{
    struct forward *forward;
    struct peer *peer;

    while ((peer = LIST_FIRST(&client->peers, struct peer, link))) {
        while ((forward = LIST_FIRST(&peer->waiting, struct forward, link))) {
            list_remove(&forward->link);
            forward_free(forward);
        }
        if (peer->opening_rq)
            fiber_cancel(peer->opening_rq);
        peer_drop(peer);
    }
}

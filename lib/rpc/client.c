/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clients: from the accepted socket to the last reference. Frames are sorted here by what they are. */
#define ERR_FROM ERR_FROM_RPC
#include "rpc/client.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/time.h"
#include "rpc/core.h"

/* Before authentication nobody needs more than SASL's largest step. */
enum { ANONYMOUS_FRAME_MAX = 512 * 1024 };

struct client *client_ref(struct client *client)
{
    client->references++;
    return client;
}

void client_unref(struct client *client)
{
    if (--client->references)
        return;
    identity_unref(client->identity);
    identity_unref(client->peer);
    free(client->uri);
    free(client);
}

static void pending_free(struct pending *pending)
{
    list_remove(&pending->link);
    for (unsigned i = 0; i < pending->fd_count; i++)
        fd_close(&pending->fds[i]);
    free(pending);
}

static void pending_add(struct client *client, const struct frame_header *header, const uint8_t *payload,
                        size_t length, int *fds, unsigned fd_count)
{
    struct pending *pending = mem_zalloc(sizeof(*pending) + length);

    pending->header = *header;
    pending->length = length;
    if (length)
        memcpy(pending->payload, payload, length);
    for (unsigned i = 0; i < fd_count; i++)
        pending->fds[pending->fd_count++] = FD_TAKE(fds[i]);
    list_append(&client->pending, &pending->link);
    client->pending_count++;
    client->pending_bytes += length;
    if (conn_queued(&client->conn) > QUEUE_HIGH)
        conn_ask_drained(&client->conn);
}

static bool client_full(const struct client *client)
{
    return client->call_count >= client->server->conf.max_client_requests ||
           conn_queued(&client->conn) > QUEUE_HIGH;
}

/* Read the connection or not, after anything that counts changed. */
void client_throttle(struct client *client)
{
    if (client->gone)
        return;
    if (client->pending_count >= PENDING_MAX || client->pending_bytes > PENDING_BYTES_MAX)
        conn_hold(&client->conn, HOLD_REQUESTS);
    else
        conn_release(&client->conn, HOLD_REQUESTS);
}

void client_run_pending(struct client *client)
{
    struct pending *next;

    if (client->running_pending || client->stays)
        return;
    client->running_pending = true; /* a call that ends at once comes here again */
    while (!client->gone && !client_full(client) &&
           (next = LIST_FIRST(&client->pending, struct pending, link))) {
        client->pending_count--;
        client->pending_bytes -= next->length;
        call_begin(client, &next->header, next->payload, next->length, next->fds, next->fd_count);
        pending_free(next);
    }
    client->running_pending = false;
    client_throttle(client);
}

static void on_frame(struct conn *conn, const struct frame_header *header, const uint8_t *payload,
                     size_t length, int *fds, unsigned fd_count)
{
    struct client *client = CONTAINER_OF(conn, struct client, conn);

    if (keepalive_frame(conn, header))
        return;
    switch (header->type) {
    case FRAME_CALL:
    case FRAME_CALL_FDS:
        if (!client_full(client) && list_empty(&client->pending)) {
            call_begin(client, header, payload, length, fds, fd_count);
        } else {
            pending_add(client, header, payload, length, fds, fd_count);
            client_throttle(client);
        }
        break;
    case FRAME_STREAM:
    case FRAME_HOLE:
        if (client->authenticated && !forward_stream(client, header, payload, length))
            stream_frame(client, header, payload, length);
        break;
    default: /* nobody has a use for it */
        break;
    }
}

static void on_drained(struct conn *conn)
{
    struct client *client = CONTAINER_OF(conn, struct client, conn);

    client_ref(client);
    streams_drained(client);
    forward_drained(client);
    client_run_pending(client);
    client_unref(client);
}

void client_end(struct client *client)
{
    struct client_watch *watch;
    struct call *call;

    client->gone = true;
    streams_end(client, -ECANCELED);
    forward_end(client);
    registrations_forget(client);
    events_forget(client);
    while (!list_empty(&client->pending))
        pending_free(LIST_FIRST(&client->pending, struct pending, link));
    while ((watch = LIST_FIRST(&client->watches, struct client_watch, link))) {
        list_remove(&watch->link);
        watch->client = NULL;
        watch->gone(watch, client);
    }
    LIST_FOREACH(&client->calls, call, link)
        if (call->rq.fiber)
            fiber_cancel(&call->rq);
    conn_done(&client->conn);
    server_client_gone(client->server, client);
    client_unref(client);
}

static void on_closed(struct conn *conn, int reason)
{
    struct client *client = CONTAINER_OF(conn, struct client, conn);

    if (reason)
        log_info("client %" PRIu64 " of '%s' is closed: %s", client->id, client->server->name,
                 strerror(-reason));
    client_end(client);
}

static const struct conn_ops client_ops = {.frame = on_frame, .drained = on_drained, .closed = on_closed};

void client_set_authenticated(struct client *client)
{
    if (client->authenticated)
        return;
    client->authenticated = true;
    client->conn.frame_max = FRAME_MAX;
    client->server->anonymous_count--;
    server_accept_again(client->server);
}

static enum client_auth auth_by_name(const struct server *server, enum server_service service)
{
    const char *name = service == SERVICE_RO ? server->conf.auth_unix_ro : server->conf.auth_unix_rw;

    if (str_eq(name, "sasl"))
        return AUTHENTICATE_SASL;
    if (str_eq(name, "polkit") || (!name && server->spec->privileged))
        return AUTHENTICATE_POLKIT;
    return AUTHENTICATE_NONE;
}

/* Takes over fd and peer. Counts as anonymous until it is known to be authenticated. */
static struct client *client_make(struct server *server, int fd, enum server_service service,
                                  struct identity *peer, struct err *err)
{
    struct client *client = NEW(struct client);
    int r = conn_init(&client->conn, fd, &client_ops);

    if (r < 0) {
        identity_unref(peer);
        free(client);
        err_system(err, r, "cannot watch the connection of a client");
        return NULL;
    }
    client->server = server;
    client->references = 1;
    client->service = service;
    client->peer = peer;
    client->identity = identity_ref(peer);
    list_init(&client->calls);
    list_init(&client->streams);
    list_init(&client->pending);
    list_init(&client->watches);
    list_init(&client->peers);
    list_init(&client->events);
    list_append(&server->clients, &client->link);
    server->client_count++;
    server->anonymous_count++;
    client->conn.frame_max = ANONYMOUS_FRAME_MAX;
    return client;
}

struct client *client_new(struct server *server, int fd, enum server_service service, struct err *err)
{
    struct identity *peer = identity_of_socket(fd, err);
    char who[IDENTITY_TEXT];
    struct client *client;

    if (!peer) {
        close(fd);
        return NULL;
    }
    if (service == SERVICE_ADMIN && peer->uid != 0 && peer->uid != geteuid()) {
        err_set(err, ERR_AUTH_FAILED, "%s may not use the admin socket", identity_text(peer, who));
        identity_unref(peer);
        close(fd);
        return NULL;
    }
    client = client_make(server, fd, service, peer, err);
    if (!client)
        return NULL;
    client->id = server->next_id++;
    client->connected = time_real();
    client->since = time_monotonic();
    client->read_only = service == SERVICE_RO;
    client->auth = service == SERVICE_ADMIN ? AUTHENTICATE_NONE : auth_by_name(server, service);
    if (client->auth == AUTHENTICATE_POLKIT && identity_trusted(peer))
        client->auth = AUTHENTICATE_NONE;
    if (client->auth == AUTHENTICATE_NONE)
        client_set_authenticated(client);
    else
        server_need_tick(server);
    log_debug("client %" PRIu64 " of '%s' came: %s", client->id, server->name, identity_text(peer, who));
    return client;
}

struct client *client_again(struct server *server, int fd, enum server_service service, uint64_t id,
                            struct identity *peer, struct err *err)
{
    struct client *client = client_make(server, fd, service, peer, err);

    if (!client)
        return NULL;
    client->id = id;
    if (server->next_id <= id)
        server->next_id = id + 1;
    client->opened = true;
    client_set_authenticated(client);
    return client;
}

void client_count_event(struct client *client, size_t length)
{
    size_t queued = conn_queued(&client->conn);

    /* What lies in the queue may be large answers, too; only events come without being asked for. */
    client->event_bytes = queued ? client->event_bytes + length : 0;
    if (client->event_bytes <= EVENTS_MAX || queued <= EVENTS_MAX || !conn_open(&client->conn))
        return;
    log_warning("client %" PRIu64 " of '%s' doesn't read its events, %zu bytes wait: closing it", client->id,
                client->server->name, queued);
    conn_close(&client->conn, -ETIMEDOUT);
}

void client_close(struct client *client, const char *why)
{
    if (client->gone)
        return;
    log_info("client %" PRIu64 " of '%s' is closed: %s", client->id, client->server->name, why);
    conn_close(&client->conn, 0);
}

struct server *client_server(const struct client *client)
{
    return client->server;
}

uint64_t client_id(const struct client *client)
{
    return client->id;
}

bool client_read_only(const struct client *client)
{
    return client->read_only;
}

const char *client_uri(const struct client *client)
{
    return client->uri;
}

const struct identity *client_identity(const struct client *client)
{
    return client->identity;
}

bool client_gone(const struct client *client)
{
    return client->gone;
}

void **client_data(struct client *client)
{
    return &client->data;
}

void client_watch(struct client *client, struct client_watch *watch)
{
    watch->client = client;
    list_append(&client->watches, &watch->link);
}

void client_unwatch(struct client_watch *watch)
{
    if (!watch->client)
        return;
    list_remove(&watch->link);
    watch->client = NULL;
}

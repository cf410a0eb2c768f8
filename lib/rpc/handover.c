/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Handover: connections that outlive a restart of the daemon. When it stops, a client that only has its
 * connection here (no stream, nothing that ends with it) is read no more, its calls end, and systemd keeps
 * the socket and, beside it in a memory file, what has to be known of the client (protocol/handover.rpc). The
 * next run goes on where this one stopped; the client notices a call that took longer. Where the service
 * isn't started again systemd closes what it kept, and the client learns that the daemon is gone.
 *
 * Kept are "client-ID" (the socket), "client-ID-state" and, for each daemon that its calls were forwarded to,
 * "client-ID-OWNER".
 */
#define ERR_FROM ERR_FROM_RPC
#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/map.h"
#include "base/str.h"
#include "loop/keep.h"
#include "protocol/handover.h"
#include "rpc/core.h"
#include "rpc/exchange.h"
#include "rpc/xdr.h"

#define STATE "-state"
/* Of a state: bytes in both directions, and room for the rest. */
enum { STATE_MAX = 2 * HANDOVER_BYTES_MAX + 1024 * 1024 };

/* ---- giving ---- */

/* Nothing of it lives in this process but the connection. */
static bool may_stay(const struct client *client)
{
    return client->authenticated && client->opened && !client->gone && client->service != SERVICE_ADMIN &&
           conn_open(&client->conn) && !client->data && list_empty(&client->streams) &&
           list_empty(&client->watches);
}

void handover_choose(struct server *server)
{
    struct client *client;

    LIST_FOREACH(&server->clients, client, link) {
        client->stays = may_stay(client);
        if (client->stays)
            conn_hold(&client->conn, HOLD_HANDOVER);
    }
}

static bool peer_at_rest(const struct peer *peer)
{
    const void *unread, *unsent;
    size_t unread_length, unsent_length;

    return peer->ready && list_empty(&peer->exchanges) && list_empty(&peer->waiting) &&
           conn_rest(&peer->conn, &unread, &unread_length, &unsent, &unsent_length) && !unread_length &&
           !unsent_length;
}

static bool at_rest(const struct client *client)
{
    struct peer *peer;
    unsigned peers = 0;

    LIST_FOREACH(&client->peers, peer, link)
        if (peer->connected && (!peer_at_rest(peer) || ++peers > HANDOVER_PEERS_MAX))
            return false;
    return may_stay(client) && !client->call_count && list_empty(&client->events) && !client->events_running;
}

/* Calls that didn't begin, and what was received behind them. False when descriptors belong to it. */
static bool add_unread(const struct client *client, const void *rest, size_t length, struct buf *to)
{
    struct pending *pending;

    LIST_FOREACH(&client->pending, pending, link) {
        if (pending->header.type != FRAME_CALL)
            return false;
        frame_put(buf_reserve(to, FRAME_HEADER), FRAME_HEADER + pending->length, &pending->header);
        to->length += FRAME_HEADER;
        buf_add(to, pending->payload, pending->length);
    }
    buf_add(to, rest, length);
    return true;
}

static struct wire_handover_identity identity_to_wire(const struct identity *from)
{
    return (struct wire_handover_identity){
        .pid = from->pid,
        .uid = from->uid,
        .gid = from->gid,
        .start_time = from->start_time,
        .user = from->user,
        .group = from->group,
        .selinux_context = from->selinux_context,
        .sasl_user = from->sasl_user,
        .x509_name = from->x509_name,
        .forwarded = from->forwarded,
        .elevated = from->elevated,
    };
}

/* The state of a client in the arena; false when it can't be told. */
static bool describe(const struct client *client, struct arena *arena, struct buf *unread,
                     struct wire_handover_client *ret)
{
    const void *rest, *unsent;
    size_t rest_length, unsent_length;
    struct peer *peer;

    if (!conn_rest(&client->conn, &rest, &rest_length, &unsent, &unsent_length) ||
        !add_unread(client, rest, rest_length, unread) || unread->length > HANDOVER_BYTES_MAX ||
        unsent_length > HANDOVER_BYTES_MAX)
        return false;
    /* the bytes of a daemon that keeps secrets don't go into a file, be it one in memory */
    if (mem_wiping && (unread->length || unsent_length))
        return false;
    *ret = (struct wire_handover_client){
        .id = client->id,
        .connected = client->connected,
        .since = client->since,
        .service = client->service,
        .auth = client->auth,
        .read_only = client->read_only,
        .keepalive = client->keepalive,
        .close_callback = client->close_callback,
        .next_callback = client->next_callback,
        .uri = client->uri,
        .peer = identity_to_wire(client->peer),
        .unread = {(uint32_t)unread->length, (uint8_t *)unread->data},
        .unsent = {(uint32_t)unsent_length, (uint8_t *)unsent},
    };
    if (client->identity != client->peer) {
        ret->identity = ARENA_NEW(arena, struct wire_handover_identity);
        *ret->identity = identity_to_wire(client->identity);
    }
    registrations_save(client, arena, ret);
    ret->peers.v = ARENA_ARRAY(arena, struct wire_handover_peer, HANDOVER_PEERS_MAX);
    LIST_FOREACH(&client->peers, peer, link)
        if (peer->connected)
            ret->peers.v[ret->peers.n++] =
                (struct wire_handover_peer){(int32_t)peer->owner, peer->last_serial};
    return true;
}

static int keep_state(const char *name, const struct buf *state)
{
    auto_fd int fd = memfd_create(name, MFD_CLOEXEC);
    int r = fd < 0 ? -errno : fd_write_all(fd, state->data, state->length);

    return r < 0 ? r : keep_fd(name, fd);
}

/* All descriptors of a client; its own comes last, so that it is only there with everything else. */
static int keep_all(const struct client *client, const struct buf *state, struct arena *arena)
{
    const char *name = arena_printf(arena, "client-%" PRIu64, client->id);
    struct peer *peer;
    int r = keep_state(arena_printf(arena, "%s" STATE, name), state);

    LIST_FOREACH(&client->peers, peer, link)
        if (r >= 0 && peer->connected)
            r = keep_fd(arena_printf(arena, "%s-%s", name, owner_names[peer->owner]), peer->conn.fd);
    return r < 0 ? r : keep_fd(name, client->conn.fd);
}

bool handover_give(struct client *client)
{
    struct wire_handover_client wire;
    auto_arena struct arena arena = {0};
    auto_buf struct buf state = {0}, unread = {0};
    auto_err struct err err = {0};
    struct peer *peer;
    int r;

    if (!at_rest(client) || !describe(client, &arena, &unread, &wire))
        return false;
    frame_put_u32(buf_reserve(&state, 4), HANDOVER_VERSION_CURRENT);
    state.length += 4;
    if (xdr_encode(XDR_wire_handover_client, &wire, &state, &err) < 0) {
        log_warning("client %" PRIu64 " can't be kept: %s", client->id, err.message);
        return false;
    }
    r = keep_all(client, &state, &arena);
    if (r < 0) {
        log_warning("client %" PRIu64 " can't be kept: %s", client->id, strerror(-r));
        return false;
    }
    conn_leave(&client->conn);
    LIST_FOREACH(&client->peers, peer, link)
        if (peer->connected)
            conn_leave(&peer->conn);
    return true;
}

/* ---- taking ---- */

static struct identity *identity_from_wire(const struct wire_handover_identity *from)
{
    struct identity *made = identity_new();

    made->pid = (pid_t)from->pid;
    made->uid = from->uid;
    made->gid = from->gid;
    made->start_time = from->start_time;
    made->user = mem_strdup(from->user);
    made->group = mem_strdup(from->group);
    made->selinux_context = mem_strdup(from->selinux_context);
    made->sasl_user = mem_strdup(from->sasl_user);
    made->x509_name = mem_strdup(from->x509_name);
    made->forwarded = from->forwarded;
    made->elevated = from->elevated;
    return made;
}

static int take_kept(const struct map *kept, const char *name)
{
    struct kept *found = map_get(kept, name);

    return found ? FD_TAKE(found->fd) : -EBADF;
}

static int read_state(int fd, struct arena *arena, struct wire_handover_client *ret, struct err *err)
{
    struct stat about;
    char *bytes;
    ssize_t used;

    if (fstat(fd, &about) < 0 || lseek(fd, 0, SEEK_SET) < 0)
        return err_system(err, errno, "cannot read what was kept");
    if (about.st_size < 4 || about.st_size > STATE_MAX)
        return err_set(err, ERR_RPC, "what was kept has %" PRId64 " bytes", (int64_t)about.st_size);
    bytes = arena_alloc(arena, (size_t)about.st_size);
    used = fd_read_all(fd, bytes, (size_t)about.st_size);
    if (used != about.st_size)
        return err_set(err, ERR_RPC, "what was kept can't be read");
    if (frame_get_u32((const uint8_t *)bytes) != HANDOVER_VERSION_CURRENT)
        return err_set(err, ERR_RPC, "it was left by another version");
    return xdr_decode(XDR_wire_handover_client, bytes + 4, (size_t)used - 4, ret, arena, err) < 0 ? -1 : 0;
}

static void take_peers(struct client *client, const struct map *kept, const char *name,
                       const struct wire_handover_client *state, struct arena *arena)
{
    for (uint32_t i = 0; i < state->peers.n; i++) {
        const struct wire_handover_peer *peer = &state->peers.v[i];
        int fd;

        if (peer->owner <= OWNER_ANY || peer->owner >= OWNER_MAX)
            continue;
        fd = take_kept(kept, arena_printf(arena, "%s-%s", name, owner_names[peer->owner]));
        if (fd >= 0)
            forward_resume(client, (enum owner)peer->owner, fd, peer->last_serial);
    }
}

static void take_client(struct server *server, const struct map *kept, const char *name, int state_fd)
{
    struct wire_handover_client state;
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    struct client *client;
    int fd;

    if (read_state(state_fd, &arena, &state, &err) < 0) {
        log_warning("the connection of %s is closed: %s", name, err.message);
        return;
    }
    fd = take_kept(kept, name);
    if (fd < 0) /* it left meanwhile */
        return;
    fd_set_nonblock(fd, true);
    client = server_add_again(server, fd, state.service == SERVICE_RO ? SERVICE_RO : SERVICE_MAIN, state.id,
                              identity_from_wire(&state.peer), &err);
    if (!client) {
        log_warning("the connection of %s is closed: %s", name, err.message);
        return;
    }
    client->connected = state.connected;
    client->since = state.since;
    client->auth = (enum client_auth)state.auth;
    client->read_only = state.read_only;
    client->keepalive = state.keepalive;
    client->close_callback = state.close_callback;
    client->next_callback = state.next_callback;
    client->uri = mem_strdup(state.uri);
    if (state.identity) {
        identity_unref(client->identity);
        client->identity = identity_from_wire(state.identity);
    }
    if (client->keepalive && server->conf.keepalive_interval > 0) {
        client->conn.heard = true;
        server_need_tick(server);
    }
    registrations_restore(client, &state);
    take_peers(client, kept, name, &state, &arena);
    conn_restore(&client->conn, state.unread.v, state.unread.n, state.unsent.v, state.unsent.n);
}

void server_resume(struct server *server, struct kept *kept, size_t count)
{
    struct map by_name = {0};

    for (size_t i = 0; i < count; i++)
        (void)map_put(&by_name, kept[i].name, &kept[i]);
    for (size_t i = 0; i < count; i++) {
        auto_free char *name = NULL;

        if (!str_ends(kept[i].name, STATE))
            continue;
        name = mem_strndup(kept[i].name, strlen(kept[i].name) - strlen(STATE));
        take_client(server, &by_name, name, kept[i].fd);
    }
    map_done(&by_name);
    if (server->client_count)
        log_info("server '%s' goes on with %u clients", server->name, server->client_count);
}

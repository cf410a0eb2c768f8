/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Connections to other daemons. The table below is all that is known about them. A missing system daemon is
 * an error that says what to enable; in a session it is started, as the client library does it. Static state:
 * the daemon's own peers, one per subsystem.
 */
#define ERR_FROM ERR_FROM_RPC
#include "rpc/peer.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "access/token.h"
#include "base/fd.h"
#include "base/str.h"
#include "loop/work.h"
#include "protocol/remote.h"
#include "rpc/core.h"
#include "rpc/exchange.h"
#include "rpc/xdr.h"

#define CONNECT_USEC SECONDS(5) /* until a busy daemon accepts */
#define START_USEC SECONDS(30)  /* until a session daemon listens */
#define OPEN_USEC SECONDS(30)   /* a call of the opening sequence */

static const struct {
    const char *daemon, *scheme;
} owners[OWNER_MAX] = {
    [OWNER_QEMU] = {"virtqemud", "qemu"},
    [OWNER_LXC] = {"virtlxcd", "lxc"},
    [OWNER_NETWORK] = {"virtnetworkd", "network"},
    [OWNER_STORAGE] = {"virtstoraged", "storage"},
    [OWNER_NODEDEV] = {"virtnodedevd", "nodedev"},
    [OWNER_SECRET] = {"virtsecretd", "secret"},
    [OWNER_INTERFACE] = {"virtinterfaced", "interface"},
    [OWNER_NWFILTER] = {"virtnwfilterd", "nwfilter"},
};

static struct list own_peers = LIST_INIT(own_peers);

const char *peer_name(const struct peer *peer)
{
    return owners[peer->owner].daemon ? owners[peer->owner].daemon : owner_names[peer->owner];
}

struct peer *peer_new(enum owner owner, bool privileged, bool read_only)
{
    struct peer *peer = NEW(struct peer);

    peer->references = 1;
    peer->owner = owner;
    peer->privileged = privileged;
    peer->read_only = read_only;
    list_init(&peer->link);
    list_init(&peer->exchanges);
    list_init(&peer->waiting);
    return peer;
}

void peer_unref(struct peer *peer)
{
    if (--peer->references)
        return;
    identity_unref(peer->identity);
    free(peer);
}

/* Exchanges. */

void exchange_start(struct peer *peer, struct exchange *exchange, const struct procedure *row)
{
    exchange->serial = ++peer->last_serial;
    exchange->row = row;
    list_append(&peer->exchanges, &exchange->link);
}

void exchange_send(struct peer *peer, struct exchange *exchange, enum frame_type type,
                   enum frame_status status, const void *payload, size_t length, const int *fds,
                   unsigned fd_count)
{
    struct frame_header header = {.program = exchange->row->program,
                                  .version = 1,
                                  .procedure = exchange->row->number,
                                  .type = type,
                                  .serial = exchange->serial,
                                  .status = status};
    struct buf *out = conn_begin(&peer->conn, &header);

    if (type == FRAME_CALL_FDS) {
        frame_put_u32(buf_reserve(out, 4), fd_count);
        out->length += 4;
    }
    buf_add(out, payload, length);
    conn_end(&peer->conn, fds, fd_count);
}

void exchange_end(struct exchange *exchange)
{
    list_remove(&exchange->link);
}

/* The connection. */

static void peer_lost(struct peer *peer, const char *why)
{
    auto_err struct err err = {0};
    struct exchange *exchange;

    if (peer->connected)
        conn_done(&peer->conn);
    peer->connected = peer->ready = false;
    err_set(&err, ERR_RPC, "the connection to '%s' ended: %s", peer_name(peer), why);
    while ((exchange = LIST_FIRST(&peer->exchanges, struct exchange, link))) {
        list_remove(&exchange->link);
        exchange->lost(exchange, &err);
    }
}

void peer_drop(struct peer *peer)
{
    list_remove(&peer->link);
    peer->dropped = true;
    peer_lost(peer, "it isn't needed any more");
    peer->client = NULL;
    peer_unref(peer);
}

static void on_frame(struct conn *conn, const struct frame_header *header, const uint8_t *payload,
                     size_t length, int *fds, unsigned fd_count)
{
    struct peer *peer = CONTAINER_OF(conn, struct peer, conn);
    struct exchange *exchange;

    if (keepalive_frame(conn, header))
        return;
    if (header->type == FRAME_MESSAGE) {
        if (peer->client)
            forward_event(peer->client, header, payload, length);
        return;
    }
    LIST_FOREACH(&peer->exchanges, exchange, link)
        if (exchange->serial == header->serial && exchange->row->number == header->procedure &&
            exchange->row->program == header->program) {
            exchange->frame(exchange, header, payload, length, fds, fd_count);
            return;
        }
}

static void on_drained(struct conn *conn)
{
    struct peer *peer = CONTAINER_OF(conn, struct peer, conn);

    if (peer->client)
        forward_peer_drained(peer->client);
}

static void on_closed(struct conn *conn, int reason)
{
    struct peer *peer = CONTAINER_OF(conn, struct peer, conn);

    log_warning("the connection to '%s' ended: %s", peer_name(peer),
                reason ? strerror(-reason) : "closed by the other side");
    peer_lost(peer, reason ? strerror(-reason) : "closed by the other side");
}

static const struct conn_ops peer_ops = {.frame = on_frame, .drained = on_drained, .closed = on_closed};

static const char *preferred_dir;

void peer_prefer_dir(const char *dir)
{
    preferred_dir = dir;
}

static char *peer_socket(struct req *rq, const struct peer *peer)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR"), *home = getenv("HOME");

    if (preferred_dir) {
        char *path = arena_printf(&rq->arena, "%s/%s-sock", preferred_dir, peer_name(peer));

        if (access(path, F_OK) == 0)
            return path;
    }
    if (peer->privileged)
        return arena_printf(&rq->arena, RUNSTATEDIR "/libvirt/%s-sock", peer_name(peer));
    if (!str_empty(runtime))
        return arena_printf(&rq->arena, "%s/libvirt/%s-sock", runtime, peer_name(peer));
    return arena_printf(&rq->arena, "%s/.cache/libvirt/%s-sock", home ? home : "", peer_name(peer));
}

/* Connect without blocking. A descriptor or -errno; waits only while the daemon's queue is full. */
static int peer_socket_connect(struct req *rq, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    auto_fd int fd = -1;

    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    for (uint64_t waited = 0; connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0;
         waited += MILLISECONDS(20)) {
        if (errno != EAGAIN || waited >= CONNECT_USEC)
            return -errno;
        int r = fiber_sleep(rq, MILLISECONDS(20), "a daemon that doesn't accept connections");

        if (r < 0 && r != -ETIMEDOUT)
            return r;
    }
    return FD_TAKE(fd);
}

/* The program of a session daemon: beside this one, in its folder of a build tree, or where it is installed.
 */
static const char *peer_program(struct req *rq, const struct peer *peer)
{
    const char *name = peer_name(peer), *path;
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (length > 0) {
        self[length] = '\0';
        path = arena_printf(&rq->arena, "%s/%s", dirname(self), name);
        if (!access(path, X_OK))
            return path;
        path = arena_printf(&rq->arena, "%s/../%s/%s", self, name, name);
        if (!access(path, X_OK))
            return path;
    }
    return arena_printf(&rq->arena, SBINDIR "/%s", name);
}

/* In a session nobody else starts it. It goes to the background when it listens. */
static int peer_start(struct req *rq, const struct peer *peer)
{
    const char *const argv[] = {peer_program(rq, peer),         "--daemon", "--timeout", "120",
                                geteuid() ? NULL : "--session", NULL};
    const struct child_spec spec = {.argv = argv, .env = (const char *const *)environ};
    struct buf output = {0};
    int r = child_check(rq, &spec, START_USEC, &output);

    buf_done(&output);
    if (r < 0)
        err_prefix(&rq->err, "cannot start the session's '%s': ", peer_name(peer));
    return r;
}

static int peer_connect(struct req *rq, struct peer *peer)
{
    const char *path = peer_socket(rq, peer);
    int fd = peer_socket_connect(rq, path), r;

    /* clients try calls of every subsystem and go on without those that a host doesn't have, if told so */
    if ((fd == -ENOENT || fd == -ECONNREFUSED) && access(peer_program(rq, peer), X_OK) < 0)
        return err_set(&rq->err, ERR_NO_SUPPORT,
                       "'%s' is needed and not installed on this host (nobody listens on '%s')",
                       peer_name(peer), path);
    if ((fd == -ENOENT || fd == -ECONNREFUSED) && !peer->privileged) {
        r = peer_start(rq, peer);
        fd = peer_socket_connect(rq, path); /* somebody else may have started it meanwhile */
        if (fd < 0 && r < 0)
            return r;
        err_clear(&rq->err);
    }
    if (fd < 0)
        return err_system(&rq->err, fd, "Failed to connect socket to '%s'%s%s%s", path,
                          peer->privileged ? " (to have it: systemctl enable --now " : "",
                          peer->privileged ? peer_name(peer) : "", peer->privileged ? ".socket)" : "");
    r = conn_init(&peer->conn, fd, &peer_ops);
    if (r < 0)
        return err_system(&rq->err, r, "cannot watch the connection to '%s'", peer_name(peer));
    peer->connected = true;
    return 0;
}

/*
 * Whom the other daemon works for: our client, or ourselves. The token is only for ourselves: it opens what
 * no client may see, like private secrets.
 */
static int peer_tell_identity(struct req *rq, struct peer *peer)
{
    const struct identity *who = peer->identity;
    struct wire_typed_param params[10];
    struct remote_connect_set_identity_in in = {.params = {.v = params}};
    struct remote_connect_set_identity_out out;
    const char *token = who ? NULL : token_get(&rq->err);

    if (!who && !token)
        return -1;
#define ADD(field_, type_, member, value_)                                                                   \
    params[in.params.n++] = (struct wire_typed_param)                                                        \
    {                                                                                                        \
        .field = (char *)(field_), .value = {.type = (type_), .member = (value_) }                           \
    }
    if (token)
        ADD("system.token", 7, s, (char *)token);
    if (who && who->uid != (uid_t)-1)
        ADD("unix-user-id", 4, ul, who->uid);
    if (who && who->gid != (gid_t)-1)
        ADD("unix-group-id", 4, ul, who->gid);
    if (who && who->pid > 0) {
        ADD("process-id", 3, l, who->pid);
        ADD("process-time", 4, ul, identity_start_time(who));
    }
    if (who && who->user)
        ADD("user-name", 7, s, who->user);
    if (who && who->group)
        ADD("group-name", 7, s, who->group);
    if (who && who->sasl_user)
        ADD("sasl-user-name", 7, s, who->sasl_user);
    if (who && who->x509_name)
        ADD("x509-distinguished-name", 7, s, who->x509_name);
    if (who && who->selinux_context)
        ADD("selinux-context", 7, s, who->selinux_context);
#undef ADD
    return peer_call(rq, peer, REMOTE_CONNECT_SET_IDENTITY, &in, &out, OPEN_USEC);
}

static int peer_open_sequence(struct req *rq, struct peer *peer)
{
    struct remote_auth_list_in list_in;
    struct remote_auth_list_out list = {0};
    struct remote_connect_open_in open = {.flags = peer->read_only};
    struct remote_connect_open_out opened;

    if (peer_connect(rq, peer) < 0)
        return -1;
    open.name = arena_printf(&rq->arena, "%s:///%s", owners[peer->owner].scheme,
                             peer->privileged ? "system" : "session");
    if (peer_call(rq, peer, REMOTE_AUTH_LIST, &list_in, &list, OPEN_USEC) < 0 ||
        peer_call(rq, peer, REMOTE_CONNECT_OPEN, &open, &opened, OPEN_USEC) < 0)
        return -1;
    return peer_tell_identity(rq, peer);
}

int peer_open(struct req *rq, struct peer *peer)
{
    int r = 0;

    if (peer->ready)
        return 0;
    if (!owners[peer->owner].daemon)
        return err_set_from(&rq->err, ERR_FROM_NONE, ERR_NO_SUPPORT, "no daemon serves '%s'",
                            owner_names[peer->owner]);
    peer->references++;
    r = job_take(rq, &peer->opening, peer_name(peer), "connect", CONNECT_USEC + START_USEC + 3 * OPEN_USEC);
    if (r < 0) {
        peer_unref(peer);
        return r;
    }
    if (!peer->ready && !peer->dropped) {
        r = peer_open_sequence(rq, peer);
        if (r >= 0 && peer->connected)
            peer->ready = true;
        else
            peer_lost(peer, "it could not be opened");
    }
    job_give(rq, &peer->opening);
    if (r >= 0 && !peer->ready)
        r = err_set(&rq->err, ERR_RPC, "the connection to '%s' ended while it was made", peer_name(peer));
    peer_unref(peer);
    return r;
}

void peer_resume(struct peer *peer, int fd, uint32_t last_serial)
{
    fd_set_nonblock(fd, true);
    peer->connected = peer->ready = conn_init(&peer->conn, fd, &peer_ops) >= 0;
    peer->last_serial = last_serial;
}

int peer_of_owner(struct req *rq, enum owner owner, bool privileged, struct peer **ret)
{
    struct peer *peer, *found = NULL;
    int r;

    LIST_FOREACH(&own_peers, peer, link)
        if (peer->owner == owner && peer->privileged == privileged)
            found = peer;
    if (!found) {
        found = peer_new(owner, privileged, /* read_only= */ false);
        list_append(&own_peers, &found->link);
    }
    r = peer_open(rq, found);
    if (r >= 0)
        *ret = found;
    return r;
}

/* Typed calls. */

struct typed_call {
    struct exchange exchange;
    struct req *rq;
    struct wait wait;
    void *out;
};

/* The other daemon's error becomes the request's. */
static void take_error(struct req *rq, const uint8_t *payload, size_t length)
{
    struct wire_error wire = {0};

    if (xdr_decode(XDR_wire_error, payload, length, &wire, &rq->arena, &rq->err) < 0)
        return;
    rq->err =
        (struct err){.code = wire.code ? (enum err_code)wire.code : ERR_INTERNAL_ERROR,
                     .domain = (enum err_domain)wire.domain,
                     .message = mem_strdup(wire.message ? wire.message : "an error without a description"),
                     .detail = mem_strdup(wire.str2),
                     .errnum = wire.int1 > 0 ? wire.int1 : 0};
}

static void typed_frame(struct exchange *exchange, const struct frame_header *header, const uint8_t *payload,
                        size_t length, const int *fds, unsigned fd_count)
{
    struct typed_call *call = (struct typed_call *)exchange;
    int r = 0;

    if (header->type != FRAME_REPLY)
        return;
    exchange_end(exchange);
    if (header->status != FRAME_OK) {
        take_error(call->rq, payload, length);
        r = -EREMOTEIO;
    } else if (xdr_decode(exchange->row->out, payload, length, call->out, &call->rq->arena, &call->rq->err) <
               0) {
        r = -EPROTO;
    }
    wait_wake(&call->wait, r);
}

static void typed_lost(struct exchange *exchange, const struct err *why)
{
    struct typed_call *call = (struct typed_call *)exchange;

    err_set(&call->rq->err, why->code, "%s", why->detail);
    wait_wake(&call->wait, -ECONNRESET);
}

int peer_call(struct req *rq, struct peer *peer, int procedure, const void *in, void *out, uint64_t usec)
{
    const struct procedure *row = program_procedure(&remote_program, procedure);
    struct typed_call call = {.exchange = {.frame = typed_frame, .lost = typed_lost}, .rq = rq, .out = out};
    auto_buf struct buf payload = {0};
    int r;

    if (!peer->connected)
        return err_set(&rq->err, ERR_RPC, "the connection to '%s' is gone", peer_name(peer));
    if (xdr_encode(row->in, in, &payload, &rq->err) < 0)
        return -1;
    exchange_start(peer, &call.exchange, row);
    exchange_send(peer, &call.exchange, FRAME_CALL, FRAME_OK, payload.data, payload.length, NULL, 0);
    r = fiber_await(rq, &call.wait, usec, "the answer of another daemon");
    exchange_end(&call.exchange);
    if (r >= 0)
        return 0;
    if (!err_is_set(&rq->err))
        err_set(&rq->err, r == -ECANCELED ? ERR_OPERATION_ABORTED : ERR_OPERATION_TIMEOUT,
                "'%s' gave no answer to %s within %" PRIu64 " seconds", peer_name(peer), procedure_name(row),
                usec / SECONDS(1));
    return -1;
}

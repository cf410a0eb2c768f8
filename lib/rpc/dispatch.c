/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One call: what its row demands is checked in the same order for all, cheapest first, nothing is decoded
 * before the caller may call at all. Calls are recycled with their arenas (static state: a few spare ones),
 * so that one that never waits allocates nothing.
 */
#define ERR_FROM ERR_FROM_RPC
#include "rpc/dispatch.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/time.h"
#include "protocol/admin.h"
#include "protocol/remote.h"
#include "rpc/core.h"
#include "rpc/xdr.h"

enum { SPARE_MAX = 16 };

static struct list spare = LIST_INIT(spare);
static unsigned spare_count;
static uint64_t last_serial;

static struct call *call_take(struct client *client, const struct frame_header *header)
{
    struct call *call = LIST_FIRST(&spare, struct call, link);

    if (call) {
        list_remove(&call->link);
        spare_count--;
    } else {
        call = NEW(struct call);
    }
    call->rq.call = call;
    call->rq.serial = ++last_serial;
    call->rq.identity = identity_ref(client->identity);
    call->client = client_ref(client);
    call->header = *header;
    list_append(&client->calls, &call->link);
    client->call_count++;
    client->server->call_count++;
    return call;
}

static void call_give(struct call *call)
{
    struct arena arena = call->rq.arena;
    struct client *client = call->client;
    struct server *server = client->server;

    for (unsigned i = 0; i < call->fd_count; i++)
        fd_close(&call->fds[i]);
    for (unsigned i = 0; i < call->reply_fd_count; i++)
        fd_close(&call->reply_fds[i]);
    err_clear(&call->rq.err);
    identity_unref(call->rq.identity);
    list_remove(&call->link);
    client->call_count--;
    server->call_count--;
    if (spare_count < SPARE_MAX) {
        arena_reset(&arena);
        *call = (struct call){.rq.arena = arena};
        list_append(&spare, &call->link);
        spare_count++;
    } else {
        arena_done(&arena);
        free(call);
    }
    if (!list_empty(&client->pending))
        client_run_pending(client);
    client_unref(client);
    if (server->idle && !server->call_count)
        wait_wake(server->idle, 0);
}

/* Errors. */

static char *text_or_null(const char *text)
{
    return (char *)text; /* encoding only reads */
}

static uint32_t reply_type(const struct frame_header *header)
{
    return header->type == FRAME_STREAM || header->type == FRAME_HOLE ? FRAME_STREAM : FRAME_REPLY;
}

void client_send_error(struct client *client, const struct frame_header *header, const struct err *err)
{
    struct frame_header reply = *header;
    struct wire_error wire = {
        .code = err->code ? (int32_t)err->code : ERR_INTERNAL_ERROR,
        .domain = (int32_t)err->domain,
        .message = text_or_null(err->message ? err->message : "an error without a description (a bug)"),
        .level = 2,
        .str1 = text_or_null(err_template(err->code, err->detail != NULL)),
        .str2 = text_or_null(err->detail),
        .int1 = err->errnum ? err->errnum : -1,
        .int2 = -1,
    };
    struct buf *out;

    if (client->gone)
        return;
    reply.type = reply_type(header);
    reply.status = FRAME_ERROR;
    out = conn_begin(&client->conn, &reply);
    if (xdr_encode(XDR_wire_error, &wire, out, NULL) < 0) { /* text longer than a string may be */
        conn_cancel(&client->conn);
        wire.message = wire.str2 = text_or_null("an error too long to be sent");
        out = conn_begin(&client->conn, &reply);
        xdr_encode(XDR_wire_error, &wire, out, NULL);
    }
    conn_end(&client->conn, NULL, 0);
}

/* The subsystem that stock names in errors about the call as such. */
static enum err_domain row_domain(const struct procedure *row)
{
    static const struct {
        const char *prefix;
        enum err_domain domain;
    } table[] = {
        {"virDomainSnapshot", ERR_FROM_DOMAIN_SNAPSHOT},
        {"virDomain", ERR_FROM_DOM},
        {"virNetwork", ERR_FROM_NETWORK},
        {"virStorage", ERR_FROM_STORAGE},
        {"virNodeDevice", ERR_FROM_NODEDEV},
        {"virSecret", ERR_FROM_SECRET},
        {"virInterface", ERR_FROM_INTERFACE},
        {"virNWFilter", ERR_FROM_NWFILTER},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if (str_after(procedure_api(row), table[i].prefix))
            return table[i].domain;
    return ERR_FROM_NONE;
}

static const char *row_api(const struct procedure *row)
{
    return *procedure_api(row) ? procedure_api(row) : procedure_name(row);
}

/* Before the method. */

static int refuse_read_only(const struct procedure *row, struct err *err)
{
    return err_set_from(err, row_domain(row), ERR_OPERATION_DENIED, "read only access prevents %s",
                        row_api(row));
}

/* Calls that make sense on a connection that isn't open. */
static bool before_open(const struct procedure *row)
{
    if (row->program == remote_program.number)
        return row->early || row->number == REMOTE_CONNECT_OPEN || row->number == REMOTE_CONNECT_CLOSE ||
               row->number == REMOTE_CONNECT_SUPPORTS_FEATURE || row->number == REMOTE_CONNECT_SET_IDENTITY;
    if (row->program == admin_program.number)
        return row->number == ADMIN_CONNECT_OPEN || row->number == ADMIN_CONNECT_CLOSE;
    return row->owner == OWNER_LOCK || row->owner == OWNER_LOG;
}

static const struct service_program *find_program(const struct server *server,
                                                  const struct frame_header *header)
{
    for (unsigned i = 0; i < server->program_count; i++)
        if (server->programs[i].program->number == header->program &&
            server->programs[i].program->version == header->version)
            return &server->programs[i];
    return NULL;
}

/* The row and the method of a call that this client may make. 1: the row is another daemon's. */
static int call_find(struct client *client, const struct frame_header *header,
                     const struct procedure **ret_row, method_function **ret_function, struct err *err)
{
    const struct service_program *at = find_program(client->server, header);
    const struct procedure *row;

    if (!at)
        return err_set(err, ERR_RPC, "Cannot find program %d version %d", (int)header->program,
                       (int)header->version);
    row = program_procedure(at->program, header->procedure);
    if (!row || row->kind != PROCEDURE_CALL)
        return err_set(err, ERR_RPC, "unknown procedure: %d", header->procedure);
    if (!client->authenticated && !row->early)
        return err_set(err, ERR_RPC, "authentication required");
    if (client->server->trouble && !row->early)
        return err_set(err, ERR_OPERATION_FAILED, "the daemon '%s' can't do its work: %s",
                       client->server->name, client->server->trouble);
    if (!client->opened && !before_open(row))
        return err_set(err, ERR_INTERNAL_ERROR, "hypervisor connection not open");
    if (client->server->draining)
        return err_set(err, ERR_OPERATION_FAILED, "the daemon '%s' is stopping", client->server->name);
    if (client->read_only && !row->read_only)
        return refuse_read_only(row, err);
    *ret_row = row;
    *ret_function = at->functions[row->number];
    if (*ret_function)
        return 0;
    if (client->server->spec->forward && row->owner != OWNER_ANY &&
        !(client->server->owners & 1u << row->owner))
        return 1;
    return err_set_from(err, row_domain(row), ERR_NO_SUPPORT, "%s", row_api(row));
}

static int call_decode(struct call *call, const uint8_t *payload, size_t length)
{
    const struct procedure *row = call->row;
    struct req *rq = &call->rq;

    call->in = arena_alloc(&rq->arena, row->in_size ? row->in_size : 1);
    call->out = arena_alloc(&rq->arena, row->out_size ? row->out_size : 1);
    if (xdr_decode(row->in, payload, length, call->in, &rq->arena, NULL) < 0)
        return err_set(&rq->err, ERR_RPC, "Unable to decode message payload");
    if (!call->client->read_only)
        return 0;
    for (const struct acl_rule *rule = row->acl; rule->permission != PERMISSION_NONE; rule++)
        if (rule->at != PROCEDURE_NOWHERE && acl_rule_applies(rule, call->in))
            return refuse_read_only(row, &rq->err);
    return 0;
}

/* Access. */

static const struct object_type *type_of(const struct call *call, enum object_kind kind)
{
    return kind ? call->client->server->spec->objects[kind] : NULL;
}

/* The row's rules about the connection, or those about an object. */
static int check_rules(struct req *rq, const struct acl_object *object)
{
    struct call *call = rq->call;

    for (const struct acl_rule *rule = call->row->acl; rule->permission != PERMISSION_NONE; rule++) {
        const struct permission_name *name = &permission_names[rule->permission];

        if (str_eq(name->kind, "connect") == (object == NULL) && acl_rule_applies(rule, call->in) &&
            acl_check(rq, name->kind, name->name, object) < 0)
            return -1;
    }
    return 0;
}

int method_flags_from(struct req *rq, enum err_domain domain, unsigned flags, unsigned known)
{
    if (!(flags & ~known))
        return 0;
    return err_set_bare_from(&rq->err, domain, ERR_INVALID_ARG, "unsupported flags (0x%x) in function %s",
                             flags & ~known, rq->name);
}

int req_check_described(struct req *rq, const struct acl_object *described)
{
    if (!rq->call || !acl_asks(rq))
        return 0;
    rq->call->checked = true;
    return check_rules(rq, described);
}

int req_check(struct req *rq, enum object_kind kind, const void *object)
{
    struct acl_object described = {0};
    const struct object_type *type;

    if (!rq->call || !acl_asks(rq))
        return 0;
    type = type_of(rq->call, kind);
    if (type && type->describe)
        type->describe(&rq->arena, object, &described);
    return req_check_described(rq, &described);
}

bool req_sees(struct req *rq, enum object_kind kind, const void *object)
{
    struct acl_object described = {0};
    const struct object_type *type;
    const struct permission_name *name;

    if (!rq->call || !acl_asks(rq) || rq->call->row->filter == PERMISSION_NONE)
        return true;
    type = type_of(rq->call, kind);
    name = &permission_names[rq->call->row->filter];
    if (type && type->describe)
        type->describe(&rq->arena, object, &described);
    return acl_allows(rq, name->kind, name->name, &described);
}

/* Does the row demand something of an object that only the method can find? */
static bool needs_check(const struct call *call)
{
    for (const struct acl_rule *rule = call->row->acl; rule->permission != PERMISSION_NONE; rule++)
        if (!str_eq(permission_names[rule->permission].kind, "connect") && acl_rule_applies(rule, call->in))
            return true;
    return false;
}

/* The method, in the fiber. */

static int run_on_object(struct call *call, const struct object_type *type, void *object)
{
    const struct procedure *row = call->row;
    bool alone = (row->job == JOB_MODIFY || row->job == JOB_LONG) && type->job;
    struct job *job = alone ? type->job(object) : NULL;
    struct req *rq = &call->rq;
    int r;

    if (req_check(rq, row->object, object) < 0)
        return -1;
    if (job) {
        struct acl_object described = {.title = object_kind_names[row->object]};

        if (job->holder && type->describe)
            type->describe(&rq->arena, object, &described);
        if (job_take(rq, job, described.title, procedure_name(row), JOB_USEC) < 0)
            return -1;
    }
    r = call->function(rq, object, call->in, call->out);
    if (job)
        job_give(rq, job);
    return r;
}

static int run_call(struct call *call)
{
    const struct procedure *row = call->row;
    const struct object_type *type;
    struct req *rq = &call->rq;
    void *object;
    int r;

    if (acl_asks(rq) && check_rules(rq, NULL) < 0)
        return -1;
    if (row->object != OBJECT_NONE && (type = type_of(call, row->object))) {
        object = type->find(rq, (char *)call->in + row->object_at, &rq->err);
        if (!object)
            return -1;
        r = run_on_object(call, type, object);
        type->unref(object);
        return r;
    }
    r = call->function(rq, call->client, call->in, call->out);
    if (r >= 0 && acl_asks(rq) && !call->checked && needs_check(call)) {
        log_error("the method of '%s' answered without checking access (a bug)", procedure_name(row));
        return err_set_from(&rq->err, ERR_FROM_ACCESS, ERR_ACCESS_DENIED, "'%s' denied access",
                            procedure_name(row));
    }
    return r;
}

static void call_main(struct req *rq, void *arg)
{
    struct call *call = arg;

    call->result = run_call(call);
    if (call->result < 0 && !err_is_set(&rq->err)) {
        log_error("the method of '%s' failed without an error (a bug)", rq->name);
        err_set(&rq->err, ERR_INTERNAL_ERROR, "'%s' failed without saying why", rq->name);
    }
}

/* After the method, outside of the fiber. */

static int call_answer(struct call *call)
{
    struct frame_header reply = call->header;
    struct conn *conn = &call->client->conn;
    struct buf *out;

    reply.type = call->reply_fd_count ? FRAME_REPLY_FDS : FRAME_REPLY;
    reply.status = FRAME_OK;
    out = conn_begin(conn, &reply);
    if (call->reply_fd_count) {
        frame_put_u32(buf_reserve(out, 4), call->reply_fd_count);
        out->length += 4;
    }
    if (xdr_encode(call->row->out, call->out, out, &call->rq.err) < 0 ||
        conn_payload(conn) > FRAME_PAYLOAD_MAX) {
        conn_cancel(conn);
        err_clear(&call->rq.err);
        return err_set(&call->rq.err, ERR_RPC, "Unable to encode message payload");
    }
    conn_end(conn, call->reply_fds, call->reply_fd_count);
    return 0;
}

static void call_done(struct req *rq, void *arg)
{
    struct call *call = arg;
    struct client *client = call->client;

    if (call->started)
        log_debug("%s: call %" PRIu64 " of client %" PRIu64 ": %" PRIu64 " us%s%s", rq->name, rq->serial,
                  client->id, time_monotonic() - call->started, call->result < 0 ? ", " : "",
                  call->result < 0 && rq->err.message ? rq->err.message : "");
    if (!client->gone) {
        if (call->result >= 0)
            call->result = call_answer(call);
        if (call->result < 0)
            client_send_error(client, &call->header, &rq->err);
    } else {
        call->result = -1;
    }
    if (call->stream) {
        if (call->result < 0)
            stream_drop(call->stream);
        else
            stream_begin(call->stream);
    }
    if (call->close && !client->gone)
        conn_close_when_sent(&client->conn);
    call_give(call);
}

/* A call of ours whose method is known. */
static void call_run(struct call *call, const uint8_t *payload, size_t length, int *fds, unsigned fd_count)
{
    call->rq.name = procedure_name(call->row);
    if (log_lowest <= LEVEL_DEBUG)
        call->started = time_monotonic();
    call->result = call_decode(call, payload, length);
    if (call->result < 0) {
        call_done(&call->rq, call);
        return;
    }
    if (fd_count) {
        call->fds = ARENA_ARRAY(&call->rq.arena, int, fd_count);
        for (; call->fd_count < fd_count; call->fd_count++)
            call->fds[call->fd_count] = FD_TAKE(fds[call->fd_count]);
    }
    fiber_start(&call->rq, call_main, call_done, call);
}

void call_begin(struct client *client, const struct frame_header *header, const uint8_t *payload,
                size_t length, int *fds, unsigned fd_count)
{
    const struct procedure *row = NULL;
    method_function *function = NULL;
    auto_err struct err err = {0};
    int r = call_find(client, header, &row, &function, &err);

    if (r == 0) {
        struct call *call = call_take(client, header);

        call->row = row;
        call->function = function;
        call_run(call, payload, length, fds, fd_count);
        return;
    }
    if (r > 0)
        r = forward_call(client, row, header, payload, length, fds, fd_count, &err);
    if (r < 0)
        client_send_error(client, header, &err);
}

struct client *req_client(const struct req *rq)
{
    return rq->call ? rq->call->client : NULL;
}

int *req_fds(const struct req *rq, unsigned *ret_count)
{
    *ret_count = rq->call ? rq->call->fd_count : 0;
    return rq->call ? rq->call->fds : NULL;
}

void req_add_fd(struct req *rq, int fd)
{
    struct call *call = rq->call;

    if (!call || call->reply_fd_count == FRAME_FDS_MAX) {
        fd_close(&fd);
        return;
    }
    if (!call->reply_fds)
        call->reply_fds = ARENA_ARRAY(&rq->arena, int, FRAME_FDS_MAX);
    call->reply_fds[call->reply_fd_count++] = fd;
}

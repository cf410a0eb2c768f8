/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Telling those who registered. A callback style message begins with the callback's id, so it is encoded once
 * and only the id differs; the legacy form is the tail of the same bytes.
 */
#define ERR_FROM ERR_FROM_RPC
#include "rpc/event.h"

#include "base/str.h"
#include "protocol/qemu.h"
#include "protocol/remote.h"
#include "rpc/registration.h"
#include "rpc/xdr.h"

/* In a message they begin behind the callback's id, and three of them behind a reason that the old form
 * didn't know. */
static size_t legacy_skip(const struct procedure *row)
{
    switch (row->number) {
    case REMOTE_DOMAIN_EVENT_CALLBACK_PMWAKEUP:
    case REMOTE_DOMAIN_EVENT_CALLBACK_PMSUSPEND:
    case REMOTE_DOMAIN_EVENT_CALLBACK_PMSUSPEND_DISK:
        return 8;
    default:
        return 4;
    }
}

static bool wants(const struct registration *at, const struct procedure *row,
                  const struct event_object *object, const char *event)
{
    if (at->row != row)
        return false;
    if (at->one && at->name && !str_eq(at->name, object->name))
        return false;
    if (at->one && !at->name && (!object->uuid || memcmp(at->uuid, object->uuid, sizeof(at->uuid))))
        return false;
    if (at->pattern)
        return event && !regexec(at->pattern, event, 0, NULL, 0);
    if (at->event)
        return at->nocase ? str_eq_nocase(at->event, event) : str_eq(at->event, event);
    return true;
}

/* The bytes of an event for one receiver. */
static void send_event(struct client *client, const struct procedure *row, bool legacy, int id,
                       const char *bytes, size_t length)
{
    struct frame_header header = {.program = row->program,
                                  .version = 1,
                                  .procedure = legacy ? row->legacy : row->number,
                                  .type = FRAME_MESSAGE,
                                  .serial = 1};
    size_t skip = legacy ? legacy_skip(row) : 4;
    struct buf *out;

    if (client->gone)
        return;
    out = conn_begin(&client->conn, &header);
    if (!legacy) {
        frame_put_u32(buf_reserve(out, 4), (uint32_t)id);
        out->length += 4;
    }
    buf_add(out, bytes + skip, length - skip);
    conn_end(&client->conn, NULL, 0);
    client_count_event(client, length);
}

/*
 * With an ACL driver each receiver is asked about first. The answers take time, so that a client's events
 * wait in a queue of its own, which one fiber per client works off in order.
 */
struct queued_event {
    struct list link;
    struct arena arena;
    struct acl_object object;
    const struct procedure *row;
    int id;
    bool legacy;
    char *bytes;
    size_t length;
};

struct queue_run {
    struct req rq;
    struct client *client;
};

static void queued_free(struct queued_event *event)
{
    struct arena arena = event->arena;

    list_remove(&event->link);
    arena_done(&arena);
}

void events_forget(struct client *client)
{
    while (!list_empty(&client->events))
        queued_free(LIST_FIRST(&client->events, struct queued_event, link));
}

static void queue_main(struct req *rq, void *arg)
{
    struct client *client = ((struct queue_run *)arg)->client;
    struct queued_event *event;

    while (!client->gone && (event = LIST_FIRST(&client->events, struct queued_event, link))) {
        list_remove(&event->link); /* the client may forget its queue while we wait */
        if (acl_allows(rq, object_kind_names[event->row->object], "getattr", &event->object))
            send_event(client, event->row, event->legacy, event->id, event->bytes, event->length);
        queued_free(event);
        arena_reset(&rq->arena);
    }
}

static void queue_done(struct req *rq, void *arg)
{
    struct queue_run *run = arg;

    run->client->events_running = false;
    identity_unref(rq->identity);
    client_unref(run->client);
    arena_done(&rq->arena);
    err_clear(&rq->err);
    free(run);
}

static void queue_event(const struct registration *at, const struct event_object *object, const char *bytes,
                        size_t length)
{
    const struct object_type *type = at->client->server->spec->objects[at->row->object];
    struct client *client = at->client;
    struct arena arena = {0};
    struct queued_event *event = ARENA_NEW(&arena, struct queued_event);

    event->row = at->row;
    event->id = at->id;
    event->legacy = at->legacy;
    event->bytes = arena_dup(&arena, bytes, length);
    event->length = length;
    if (object->object && type && type->describe)
        type->describe(&arena, object->object, &event->object);
    event->arena = arena;
    list_append(&client->events, &event->link);
    if (!client->events_running) {
        struct queue_run *run = NEW(struct queue_run);

        run->client = client_ref(client);
        run->rq.name = "event";
        run->rq.identity = identity_ref(client->identity);
        client->events_running = true;
        fiber_start(&run->rq, queue_main, queue_done, run);
    }
}

static void emit(struct server *server, const struct procedure *row, const struct event_object *object,
                 const char *event, const void *message)
{
    auto_buf struct buf bytes = {0};
    auto_err struct err err = {0};
    struct registration *at;

    LIST_FOREACH(&server->registrations, at, link) {
        if (!wants(at, row, object, event))
            continue;
        if (!bytes.length && xdr_encode(row->in, message, &bytes, &err) < 0) {
            log_error("event '%s' can't be sent: %s", procedure_name(row), err.message);
            return;
        }
        if (acl_active())
            queue_event(at, object, bytes.data, bytes.length);
        else
            send_event(at->client, row, at->legacy, at->id, bytes.data, bytes.length);
    }
}

bool event_wanted(const struct server *server, unsigned program, int procedure)
{
    struct registration *at;

    LIST_FOREACH(&server->registrations, at, link)
        if (at->row->program == program && at->row->number == procedure)
            return true;
    return false;
}

void event_emit(struct server *server, unsigned program, int procedure, const struct event_object *object,
                const void *message)
{
    const struct procedure *row = program_procedure(program_find(program), procedure);

    if (!list_empty(&server->registrations))
        emit(server, row, object, NULL, message);
}

void event_emit_monitor(struct server *server, const struct event_object *object, const char *name,
                        const void *message)
{
    if (!list_empty(&server->registrations))
        emit(server, PROCEDURE(qemu, DOMAIN_MONITOR_EVENT), object, name, message);
}

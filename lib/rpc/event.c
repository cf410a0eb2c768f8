/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events. A registration is a row (the event's procedure in callback style, or in legacy form), an object or
 * all, and a client; all of a server stand in one list. What an event is (its family, its id, its legacy
 * form) is read from the protocol's rows. A callback style message begins with the callback's id, so it is
 * encoded once and only the id differs; the legacy form is the tail of the same bytes.
 */
#define ERR_FROM ERR_FROM_RPC
#include "rpc/event.h"

#include <regex.h>

#include "base/str.h"
#include "protocol/qemu.h"
#include "protocol/remote.h"
#include "rpc/core.h"
#include "rpc/xdr.h"

/* VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_* */
enum { MONITOR_REGEX = 1, MONITOR_NOCASE = 2 };

static void queue_forget(struct client *client);

struct registration {
    struct list link; /* in server->registrations */
    struct client *client;
    const struct procedure *row; /* callback style */
    int id;
    bool legacy;
    bool one; /* only about this object: */
    uint8_t uuid[16];
    char *name;       /* of objects without UUID */
    char *event;      /* qemu monitor: the event's name; NULL: all */
    regex_t *pattern; /* or what it must match */
    bool nocase;
};

static void registration_free(struct registration *registration)
{
    list_remove(&registration->link);
    registration->client->registration_count--;
    if (registration->pattern)
        regfree(registration->pattern);
    free(registration->pattern);
    free(registration->event);
    free(registration->name);
    free(registration);
}

/*
 * Legacy forms are what a callback style row points to. In the message they begin behind the callback's id,
 * and in three of them behind a reason that the old form didn't know.
 */
static bool legacy_form(const struct procedure *row)
{
    return row->object_at == 0 && row->program == remote_program.number;
}

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

/* The row of event `id` in its family ("domain", "secret"): the first object of its message tells the family.
 */
static const struct procedure *event_row(enum object_kind kind, int id)
{
    for (int number = 1; number <= remote_program.last; number++) {
        const struct procedure *row = program_procedure(&remote_program, number);

        if (row && row->kind == PROCEDURE_EVENT && row->event_id == id && id >= 0 && row->object == kind &&
            !legacy_form(row))
            return row;
    }
    return NULL;
}

static bool same_filter(const struct registration *a, const struct registration *b)
{
    return a->row == b->row && a->client == b->client && a->one == b->one &&
           !memcmp(a->uuid, b->uuid, sizeof(a->uuid)) && str_eq(a->name, b->name);
}

/* Takes over `made`. Its id, or negative with rq->err set. */
static int registration_add(struct req *rq, struct registration *made)
{
    struct client *client = made->client = req_client(rq);
    struct registration *other;

    list_init(&made->link);
    client->registration_count++;
    if (made->row->program == remote_program.number)
        LIST_FOREACH(&client->server->registrations, other, link)
            if (same_filter(made, other)) {
                registration_free(made);
                return err_set(&rq->err, ERR_INVALID_ARG, "event callback already tracked");
            }
    if (client->registration_count > REGISTRATIONS_MAX) {
        registration_free(made);
        return err_set(&rq->err, ERR_OPERATION_FAILED, "too many event callbacks, at most %d",
                       REGISTRATIONS_MAX);
    }
    made->id = client->next_callback++;
    list_append(&client->server->registrations, &made->link);
    return made->id;
}

static int registration_new(struct req *rq, enum object_kind kind, int event_id, bool legacy,
                            const uint8_t *uuid, const char *name)
{
    const struct procedure *row = event_row(kind, event_id);
    struct registration *made;

    if (!row || (legacy && !row->legacy))
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "unsupported event ID %d", event_id);
    made = NEW(struct registration);
    made->row = row;
    made->legacy = legacy;
    made->one = uuid || name;
    if (uuid)
        memcpy(made->uuid, uuid, sizeof(made->uuid));
    else
        made->name = mem_strdup(name);
    return registration_add(rq, made);
}

static int registration_remove(struct req *rq, uint32_t program, enum object_kind kind, bool legacy, int id)
{
    struct client *client = req_client(rq);
    struct registration *at;

    LIST_FOREACH(&client->server->registrations, at, link) {
        if (at->client != client || at->legacy != legacy || at->row->program != program ||
            at->row->object != kind)
            continue;
        if ((legacy ? at->row->event_id : at->id) == id) {
            registration_free(at);
            return 0;
        }
    }
    return err_set(&rq->err, ERR_INTERNAL_ERROR, "%s event callback %d not registered",
                   object_kind_names[kind], id);
}

void events_forget(struct client *client)
{
    struct registration *at;

    if (client->registration_count)
        LIST_FOREACH(&client->server->registrations, at, link)
            if (at->client == client)
                registration_free(at);
    queue_forget(client);
}

/* Methods: the families differ in nothing but their types. */

/* clang-format off */
#define FAMILY(family, NAME, KIND, member, uuid_, name_)                                                            \
    static int m_connect_##family##_register_any(struct req *rq, struct client *client,                             \
        const struct remote_connect_##family##_register_any_in *in,                                                 \
        struct remote_connect_##family##_register_any_out *out)                                                     \
    {                                                                                                               \
        int r = registration_new(rq, OBJECT_##KIND, in->event_id, /* legacy= */ false,                               \
                                 in->member ? uuid_ : NULL, in->member ? name_ : NULL);                             \
        out->callback_id = r;                                                                                       \
        return r < 0 ? r : 0;                                                                                       \
    }                                                                                                               \
    static int m_connect_##family##_deregister_any(struct req *rq, struct client *client,                           \
        const struct remote_connect_##family##_deregister_any_in *in,                                               \
        struct remote_connect_##family##_deregister_any_out *out)                                                   \
    {                                                                                                               \
        return registration_remove(rq, remote_program.number, OBJECT_##KIND, /* legacy= */ false, in->callback_id);  \
    }

FAMILY(domain_event_callback, DOMAIN_EVENT_CALLBACK, DOMAIN, dom, in->dom->uuid, NULL)
FAMILY(network_event, NETWORK_EVENT, NETWORK, net, in->net->uuid, NULL)
FAMILY(storage_pool_event, STORAGE_POOL_EVENT, STORAGE_POOL, pool, in->pool->uuid, NULL)
FAMILY(node_device_event, NODE_DEVICE_EVENT, NODE_DEVICE, dev, NULL, in->dev->name)
FAMILY(secret_event, SECRET_EVENT, SECRET, secret, in->secret->uuid, NULL)
/* clang-format on */

static int m_connect_domain_event_register_any(struct req *rq, struct client *client,
                                               const struct remote_connect_domain_event_register_any_in *in,
                                               struct remote_connect_domain_event_register_any_out *out)
{
    int r = registration_new(rq, OBJECT_DOMAIN, in->event_id, /* legacy= */ true, NULL, NULL);

    return r < 0 ? r : 0;
}

static int
m_connect_domain_event_deregister_any(struct req *rq, struct client *client,
                                      const struct remote_connect_domain_event_deregister_any_in *in,
                                      struct remote_connect_domain_event_deregister_any_out *out)
{
    return registration_remove(rq, remote_program.number, OBJECT_DOMAIN, /* legacy= */ true, in->event_id);
}

/* The oldest form: lifecycle only; the answer says how many such registrations there are. */
static int m_connect_domain_event_register(struct req *rq, struct client *client,
                                           const struct remote_connect_domain_event_register_in *in,
                                           struct remote_connect_domain_event_register_out *out)
{
    int r = registration_new(rq, OBJECT_DOMAIN, 0, /* legacy= */ true, NULL, NULL);

    out->cb_registered = 1;
    return r < 0 ? r : 0;
}

static int m_connect_domain_event_deregister(struct req *rq, struct client *client,
                                             const struct remote_connect_domain_event_deregister_in *in,
                                             struct remote_connect_domain_event_deregister_out *out)
{
    return registration_remove(rq, remote_program.number, OBJECT_DOMAIN, /* legacy= */ true, 0);
}

static int m_monitor_event_register(struct req *rq, struct client *client,
                                    const struct qemu_connect_domain_monitor_event_register_in *in,
                                    struct qemu_connect_domain_monitor_event_register_out *out)
{
    struct registration *made;
    int r;

    if (in->flags & ~(unsigned)(MONITOR_REGEX | MONITOR_NOCASE))
        return err_set_bare(&rq->err, ERR_INVALID_ARG, "unsupported flags (0x%x)", in->flags);
    made = NEW(struct registration);
    made->row = PROCEDURE(qemu, DOMAIN_MONITOR_EVENT);
    made->one = in->dom;
    if (in->dom)
        memcpy(made->uuid, in->dom->uuid, sizeof(made->uuid));
    made->nocase = in->flags & MONITOR_NOCASE;
    if (in->event && in->flags & MONITOR_REGEX) {
        made->pattern = NEW(regex_t);
        r = strlen(in->event) > 1024 ? REG_ESPACE
                                     : regcomp(made->pattern, in->event,
                                               REG_EXTENDED | REG_NOSUB | (made->nocase ? REG_ICASE : 0));
        if (r) {
            free(made->pattern);
            free(made);
            return err_set(&rq->err, ERR_INVALID_ARG, "failed to compile regex '%.200s'", in->event);
        }
    } else {
        made->event = mem_strdup(in->event);
    }
    r = registration_add(rq, made);
    out->callback_id = r;
    return r < 0 ? r : 0;
}

static int m_monitor_event_deregister(struct req *rq, struct client *client,
                                      const struct qemu_connect_domain_monitor_event_deregister_in *in,
                                      struct qemu_connect_domain_monitor_event_deregister_out *out)
{
    return registration_remove(rq, qemu_program.number, OBJECT_DOMAIN, /* legacy= */ false, in->callback_id);
}

const struct method event_methods[] = {
    METHOD(remote, CONNECT_DOMAIN_EVENT_REGISTER, m_connect_domain_event_register),
    METHOD(remote, CONNECT_DOMAIN_EVENT_DEREGISTER, m_connect_domain_event_deregister),
    METHOD(remote, CONNECT_DOMAIN_EVENT_REGISTER_ANY, m_connect_domain_event_register_any),
    METHOD(remote, CONNECT_DOMAIN_EVENT_DEREGISTER_ANY, m_connect_domain_event_deregister_any),
    METHOD(remote, CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY, m_connect_domain_event_callback_register_any),
    METHOD(remote, CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY,
           m_connect_domain_event_callback_deregister_any),
    METHOD(remote, CONNECT_NETWORK_EVENT_REGISTER_ANY, m_connect_network_event_register_any),
    METHOD(remote, CONNECT_NETWORK_EVENT_DEREGISTER_ANY, m_connect_network_event_deregister_any),
    METHOD(remote, CONNECT_STORAGE_POOL_EVENT_REGISTER_ANY, m_connect_storage_pool_event_register_any),
    METHOD(remote, CONNECT_STORAGE_POOL_EVENT_DEREGISTER_ANY, m_connect_storage_pool_event_deregister_any),
    METHOD(remote, CONNECT_NODE_DEVICE_EVENT_REGISTER_ANY, m_connect_node_device_event_register_any),
    METHOD(remote, CONNECT_NODE_DEVICE_EVENT_DEREGISTER_ANY, m_connect_node_device_event_deregister_any),
    METHOD(remote, CONNECT_SECRET_EVENT_REGISTER_ANY, m_connect_secret_event_register_any),
    METHOD(remote, CONNECT_SECRET_EVENT_DEREGISTER_ANY, m_connect_secret_event_deregister_any),
    METHOD(qemu, CONNECT_DOMAIN_MONITOR_EVENT_REGISTER, m_monitor_event_register),
    METHOD(qemu, CONNECT_DOMAIN_MONITOR_EVENT_DEREGISTER, m_monitor_event_deregister),
    {0},
};

/* Telling. */

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

static void queue_forget(struct client *client)
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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events. Messages are queued by whichever thread reads them and handed to callbacks by the event loop alone.
 * The queue and the list of callbacks outlive the connection as long as the loop still holds them; `conn`
 * tells whether it is still there.
 */
#define ERR_FROM ERR_FROM_REMOTE
#include "libvirt/events.h"

#include "base/uuid.h"
#include "libvirt/link.h"
#include "protocol/qemu.h"
#include "rpc/xdr.h"

struct message {
    struct message *next;
    const struct program *program;
    int32_t procedure;
    struct buf payload;
};

struct callback {
    struct callback *next;
    int id;     /* ours, for the program */
    int server; /* the server's callback id */
    unsigned family;
    int event;
    void *object; /* only events of this one; holds a reference */
    void *function;
    void *opaque;
    virFreeCallback release;
    bool removed; /* released when no callback runs */
};

struct events {
    atomic_uint references; /* the connection, the watch, the timer */
    pthread_mutex_t lock;
    virConnectPtr conn; /* NULL: gone */
    int watch, timer;   /* 0: none */
    struct message *first, **last;
    struct callback *callbacks;
    int last_id;
    bool gone, told, calling;
    /* Keepalive: frames seen at the last ping, pings since then without any, and how many are too many. */
    int pinger; /* timer, 0: none */
    uint64_t seen;
    unsigned silent, silent_max;
    bool timed_out;
};

static void events_unref(void *pointer)
{
    struct events *events = pointer;

    if (atomic_fetch_sub(&events->references, 1) != 1)
        return;
    for (struct message *message = events->first, *next; message; message = next) {
        next = message->next;
        buf_done(&message->payload);
        free(message);
    }
    for (struct callback *callback = events->callbacks, *next; callback; callback = next) {
        next = callback->next;
        if (callback->release)
            callback->release(callback->opaque);
        object_unref(callback->object);
        free(callback);
    }
    pthread_mutex_destroy(&events->lock);
    free(events);
}

struct events *events_new(virConnectPtr conn)
{
    struct events *events = NEW(struct events);

    events->references = 1;
    pthread_mutex_init(&events->lock, NULL);
    events->conn = conn;
    events->last = &events->first;
    return events;
}

void events_free(struct events *events)
{
    int watch, timer, pinger;

    if (!events)
        return;
    pthread_mutex_lock(&events->lock);
    events->conn = NULL;
    watch = events->watch;
    timer = events->timer;
    pinger = events->pinger;
    pthread_mutex_unlock(&events->lock);
    if (pinger > 0)
        virEventRemoveTimeout(pinger);
    if (watch > 0)
        virEventRemoveHandle(watch);
    if (timer > 0)
        virEventRemoveTimeout(timer);
    events_unref(events);
}

/* The connection with a reference, unless its last one is just being given back. */
static virConnectPtr hold_conn(struct events *events)
{
    virConnectPtr conn = events->conn;
    unsigned count = conn ? atomic_load(&conn->object.references) : 0;

    while (count && !atomic_compare_exchange_weak(&conn->object.references, &count, count + 1))
        ;
    return count ? conn : NULL;
}

/* What comes from the link. */

void events_message(void *pointer, const struct wire_message_header *header, const char *payload,
                    size_t length)
{
    struct events *events = pointer;
    const struct program *program = program_find(header->prog);
    struct message *message;

    pthread_mutex_lock(&events->lock);
    if (events->timer > 0 && program) {
        message = NEW(struct message);
        message->program = program;
        message->procedure = header->proc;
        buf_add(&message->payload, payload, length);
        *events->last = message;
        events->last = &message->next;
        virEventUpdateTimeout(events->timer, 0);
    }
    pthread_mutex_unlock(&events->lock);
}

void events_gone(void *pointer)
{
    struct events *events = pointer;

    pthread_mutex_lock(&events->lock);
    events->gone = true;
    if (events->timer > 0)
        virEventUpdateTimeout(events->timer, 0);
    pthread_mutex_unlock(&events->lock);
}

/* Calling. */

static const struct event_row *row_of(const struct program *program, int32_t procedure)
{
    if (program == &qemu_program)
        return procedure == monitor_row.procedure ? &monitor_row : NULL;
    if (program != &remote_program)
        return NULL;
    for (const struct event_row *row = event_rows; row->procedure; row++)
        if (row->procedure == procedure)
            return row;
    return NULL;
}

static void release_removed(struct events *events)
{
    struct callback **at = &events->callbacks;

    while (*at) {
        struct callback *callback = *at;

        if (!callback->removed) {
            at = &callback->next;
            continue;
        }
        *at = callback->next;
        pthread_mutex_unlock(&events->lock);
        if (callback->release)
            callback->release(callback->opaque);
        object_unref(callback->object);
        free(callback);
        pthread_mutex_lock(&events->lock);
        at = &events->callbacks;
    }
}

/* With the lock held, which is free while callbacks run; new ones come in front and are not called for this
 * message. */
static void call_all(struct events *events, virConnectPtr conn, const struct message *message)
{
    const struct event_row *row = row_of(message->program, message->procedure);
    const struct procedure *procedure = program_procedure(message->program, message->procedure);
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    const void *reference;
    void *in, *object;

    if (!row || !procedure)
        return;
    in = arena_alloc(&arena, procedure->in_size);
    if (xdr_decode(procedure->in, message->payload.data, message->payload.length, in, &arena, &err) < 0)
        return;
    reference = (const char *)in + procedure->object_at;
    object = object_new(conn, procedure->object, reference);
    for (struct callback *callback = events->callbacks; callback; callback = callback->next) {
        if (callback->removed || callback->family != row->family || callback->event != row->id ||
            callback->server != *(const int32_t *)in)
            continue;
        pthread_mutex_unlock(&events->lock);
        row->call(conn, object, in, callback->function, callback->opaque);
        pthread_mutex_lock(&events->lock);
    }
    pthread_mutex_unlock(&events->lock);
    object_unref(object);
    pthread_mutex_lock(&events->lock);
}

static void tell_closed(virConnectPtr conn, int reason)
{
    virConnectCloseFunc closed;
    void *data;

    pthread_mutex_lock(&conn->lock);
    closed = conn->closed;
    data = conn->closed_data;
    pthread_mutex_unlock(&conn->lock);
    if (closed)
        closed(conn, reason, data);
}

static void on_timer(int timer, void *pointer)
{
    struct events *events = pointer;
    struct message *message;
    virConnectPtr conn;
    bool tell;

    pthread_mutex_lock(&events->lock);
    virEventUpdateTimeout(timer, -1);
    conn = hold_conn(events);
    events->calling = true;
    while (conn && (message = events->first)) {
        events->first = message->next;
        if (!events->first)
            events->last = &events->first;
        call_all(events, conn, message);
        buf_done(&message->payload);
        free(message);
    }
    events->calling = false;
    release_removed(events);
    tell = conn && events->gone && !events->told;
    if (tell) {
        events->told = true;
        if (events->watch > 0)
            virEventRemoveHandle(events->watch);
        events->watch = 0;
    }
    pthread_mutex_unlock(&events->lock);
    if (tell)
        tell_closed(conn,
                    events->timed_out ? VIR_CONNECT_CLOSE_REASON_KEEPALIVE : VIR_CONNECT_CLOSE_REASON_EOF);
    object_unref(conn);
}

static void on_readable(int watch, int fd, int what, void *pointer)
{
    struct events *events = pointer;
    virConnectPtr conn;

    pthread_mutex_lock(&events->lock);
    conn = hold_conn(events);
    pthread_mutex_unlock(&events->lock);
    if (conn)
        link_poll(conn->link);
    object_unref(conn);
}

void events_start(struct events *events)
{
    int watch, timer;

    if (!loop_registered())
        return;
    atomic_fetch_add(&events->references, 2);
    timer = virEventAddTimeout(-1, on_timer, events, events_unref);
    watch =
        events->conn->local
            ? 0
            : virEventAddHandle(link_fd(events->conn->link),
                                VIR_EVENT_HANDLE_READABLE | VIR_EVENT_HANDLE_ERROR | VIR_EVENT_HANDLE_HANGUP,
                                on_readable, events, events_unref);
    pthread_mutex_lock(&events->lock);
    events->timer = timer;
    events->watch = watch;
    pthread_mutex_unlock(&events->lock);
    if (timer < 0)
        events_unref(events);
    if (watch <= 0)
        events_unref(events);
}

/* Keepalive. */

bool events_running(struct events *events)
{
    return events->timer > 0;
}

static void on_ping(int timer, void *pointer)
{
    struct events *events = pointer;
    virConnectPtr conn;
    bool dead = false;

    pthread_mutex_lock(&events->lock);
    conn = hold_conn(events);
    pthread_mutex_unlock(&events->lock);
    if (conn) {
        uint64_t frames = link_frames(conn->link);

        /* only this timer, in the loop's thread, touches these */
        events->silent = frames == events->seen ? events->silent + 1 : 1;
        events->seen = frames;
        dead = events->silent > events->silent_max;
        events->timed_out = dead;
        if (dead) {
            virEventUpdateTimeout(timer, -1);
            link_end(conn->link);
        } else {
            link_ping(conn->link);
        }
    }
    object_unref(conn);
}

int events_keepalive(struct events *events, int interval, unsigned count)
{
    int pinger;

    pthread_mutex_lock(&events->lock);
    pinger = events->pinger;
    events->pinger = 0;
    pthread_mutex_unlock(&events->lock);
    if (pinger > 0)
        virEventRemoveTimeout(pinger);
    if (interval <= 0)
        return 0;
    events->silent = 0;
    events->silent_max = count;
    atomic_fetch_add(&events->references, 1);
    pinger = virEventAddTimeout(interval * 1000, on_ping, events, events_unref);
    if (pinger < 0) {
        events_unref(events);
        return -1;
    }
    pthread_mutex_lock(&events->lock);
    events->pinger = pinger;
    pthread_mutex_unlock(&events->lock);
    return 0;
}

/* The list of callbacks. */

static bool same_object(const void *a, const void *b)
{
    const struct _virDomain *one = a, *other = b;

    if (!a || !b)
        return a == b;
    /* references begin with a name, or (secrets) with the UUID: compare what is unique */
    return one->object.kind == OBJECT_SECRET
               ? uuid_eq(((const struct _virSecret *)a)->wire.uuid, ((const struct _virSecret *)b)->wire.uuid)
           : one->object.kind == OBJECT_NODE_DEVICE ? !strcmp(one->wire.name, other->wire.name)
                                                    : uuid_eq(one->wire.uuid, other->wire.uuid);
}

/* With the lock held. */
static int server_id(struct events *events, const struct callback *wanted)
{
    for (struct callback *c = events->callbacks; c; c = c->next)
        if (!c->removed && c->family == wanted->family && c->event == wanted->event &&
            same_object(c->object, wanted->object))
            return c->server;
    return -1;
}

int events_server(struct events *events, unsigned family, int event, void *object)
{
    struct callback wanted = {.family = family, .event = event, .object = object};
    int server;

    pthread_mutex_lock(&events->lock);
    server = server_id(events, &wanted);
    pthread_mutex_unlock(&events->lock);
    return server;
}

int events_track(struct events *events, unsigned family, int event, int server, void *object, void *cb,
                 void *opaque, virFreeCallback release)
{
    struct callback *callback = NEW(struct callback);
    int id;

    *callback = (struct callback){.server = server,
                                  .family = family,
                                  .event = event,
                                  .object = object_ref(object),
                                  .function = cb,
                                  .opaque = opaque,
                                  .release = release};
    pthread_mutex_lock(&events->lock);
    id = callback->id = events->last_id++;
    callback->next = events->callbacks;
    events->callbacks = callback;
    pthread_mutex_unlock(&events->lock);
    return id;
}

int events_forget(struct events *events, unsigned family, int id, const void *cb)
{
    struct callback *found = NULL;
    int server = -2;

    pthread_mutex_lock(&events->lock);
    for (struct callback *c = events->callbacks; c && !found; c = c->next)
        if (!c->removed && c->family == family && (cb ? c->function == cb : c->id == id))
            found = c;
    if (found) {
        found->removed = true;
        server = family != FAMILY_MONITOR && server_id(events, found) >= 0 ? -1 : found->server;
        if (!events->calling)
            release_removed(events);
    }
    pthread_mutex_unlock(&events->lock);
    return server;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Registrations. One is a row (the event's procedure in callback style, or in legacy form), an object or all,
 * and a client; all of a server stand in one list. What an event is (its family, its id, its legacy form) is
 * read from the protocol's rows.
 */
#define ERR_FROM ERR_FROM_RPC
#include "rpc/registration.h"

#include "base/str.h"
#include "protocol/handover.h"
#include "protocol/qemu.h"
#include "protocol/remote.h"

/* VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_* */
enum { MONITOR_REGEX = 1, MONITOR_NOCASE = 2 };

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

/* Legacy forms are what a callback style row points to; no callback's id stands in front. */
static bool legacy_form(const struct procedure *row)
{
    return row->object_at == 0 && row->program == remote_program.number;
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

void registrations_forget(struct client *client)
{
    struct registration *at;

    if (client->registration_count)
        LIST_FOREACH(&client->server->registrations, at, link)
            if (at->client == client)
                registration_free(at);
}

static regex_t *pattern_new(const char *text, bool nocase)
{
    regex_t *made = NEW(regex_t);

    if (strlen(text) <= 1024 && regcomp(made, text, REG_EXTENDED | REG_NOSUB | (nocase ? REG_ICASE : 0)) == 0)
        return made;
    free(made);
    return NULL;
}

/* Between two runs of the daemon. */

void registrations_save(const struct client *client, struct arena *arena, struct wire_handover_client *to)
{
    const struct registration *at;

    to->events.v = ARENA_ARRAY(arena, struct wire_handover_event, client->registration_count);
    LIST_FOREACH(&client->server->registrations, at, link) {
        struct wire_handover_event *event = &to->events.v[to->events.n];

        if (at->client != client)
            continue;
        to->events.n++;
        event->program = at->row->program;
        event->procedure = at->row->number;
        event->id = at->id;
        event->legacy = at->legacy;
        event->one = at->one;
        memcpy(event->uuid, at->uuid, sizeof(event->uuid));
        event->name = at->name;
        event->event = at->event;
        event->regex = at->pattern != NULL;
        event->nocase = at->nocase;
    }
}

void registrations_restore(struct client *client, const struct wire_handover_client *from)
{
    for (uint32_t i = 0; i < from->events.n; i++) {
        const struct wire_handover_event *event = &from->events.v[i];
        const struct program *program = program_find(event->program);
        const struct procedure *row = program ? program_procedure(program, event->procedure) : NULL;
        struct registration *made;

        if (!row || row->kind != PROCEDURE_EVENT)
            continue;
        made = NEW(struct registration);
        made->client = client;
        made->row = row;
        made->id = event->id;
        made->legacy = event->legacy;
        made->one = event->one;
        memcpy(made->uuid, event->uuid, sizeof(made->uuid));
        made->name = mem_strdup(event->name);
        made->event = mem_strdup(event->event);
        made->nocase = event->nocase;
        if (event->regex && event->event)
            made->pattern = pattern_new(event->event, made->nocase);
        client->registration_count++;
        list_append(&client->server->registrations, &made->link);
    }
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
        made->pattern = pattern_new(in->event, made->nocase);
        if (!made->pattern) {
            free(made);
            return err_set(&rq->err, ERR_INVALID_ARG, "failed to compile regex '%.200s'", in->event);
        }
    }
    made->event = mem_strdup(in->event);
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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who asked for which event, and telling them. A registration is for one kind of object and event, for all
 * objects or one of them; the library shares it among the callbacks of its connection.
 */
#define ERR_FROM ERR_FROM_TEST
#include "testdriver/event.h"

#include "rpc/xdr.h"
#include "testdriver/vm.h"

struct registration {
    struct registration *next;
    int id;
    unsigned kind; /* enum object_kind */
    int event;
    bool one; /* only of this object */
    uint8_t uuid[UUID_SIZE];
    char *name;
};

/* What identifies an object of an event: its UUID, or its name when it has none. */
struct subject {
    const uint8_t *uuid;
    const char *name;
};

static bool wants(const struct registration *r, const struct procedure *procedure,
                  const struct subject *subject)
{
    if (r->kind != procedure->object || r->event != procedure->event_id)
        return false;
    if (!r->one)
        return true;
    return subject->uuid ? uuid_eq(r->uuid, subject->uuid) : str_eq(r->name, subject->name);
}

/* message begins with the callback's id, which is filled in for each receiver. */
static void emit(struct req *rq, int procedure_number, struct subject subject, void *message)
{
    const struct procedure *procedure = &remote_procedures[procedure_number];
    struct client *client;

    LIST_FOREACH(&rq->world->clients, client, link)
        for (struct registration *r = client->registrations; r; r = r->next) {
            auto_buf struct buf payload = {0};

            if (!wants(r, procedure, &subject))
                continue;
            *(int32_t *)message = r->id;
            if (xdr_encode(procedure->in, message, &payload, NULL) >= 0)
                client->host.event(client->host.arg, procedure->program, procedure->number, payload.data,
                                   payload.length);
        }
}

#define EMIT_VM(rq, vm, NAME, type, ...)                                                                     \
    emit((rq), REMOTE_DOMAIN_EVENT_CALLBACK_##NAME, (struct subject){(vm)->thing.uuid, NULL},                \
         &(struct remote_domain_event_callback_##type##_msg){__VA_ARGS__})

void event_lifecycle(struct req *rq, const struct vm *vm, int event, int detail)
{
    EMIT_VM(rq, vm, LIFECYCLE, lifecycle, .msg = {.dom = vm_wire(vm), .event = event, .detail = detail});
}

void event_metadata(struct req *rq, const struct vm *vm, int type, const char *uri)
{
    EMIT_VM(rq, vm, METADATA_CHANGE, metadata_change, .dom = vm_wire(vm), .type = type, .nsuri = (char *)uri);
}

void event_network(struct req *rq, const struct thing *thing, int event)
{
    struct remote_network_event_lifecycle_msg message = {.net = {.name = thing->name}, .event = event};

    memcpy(message.net.uuid, thing->uuid, UUID_SIZE);
    emit(rq, REMOTE_NETWORK_EVENT_LIFECYCLE, (struct subject){thing->uuid, NULL}, &message);
}

void event_pool(struct req *rq, const struct thing *thing, int event)
{
    struct remote_storage_pool_event_lifecycle_msg message = {.pool = {.name = thing->name}, .event = event};

    memcpy(message.pool.uuid, thing->uuid, UUID_SIZE);
    emit(rq, REMOTE_STORAGE_POOL_EVENT_LIFECYCLE, (struct subject){thing->uuid, NULL}, &message);
}

void event_pool_refresh(struct req *rq, const struct thing *thing)
{
    struct remote_storage_pool_event_refresh_msg message = {.pool = {.name = thing->name}};

    memcpy(message.pool.uuid, thing->uuid, UUID_SIZE);
    emit(rq, REMOTE_STORAGE_POOL_EVENT_REFRESH, (struct subject){thing->uuid, NULL}, &message);
}

void event_device(struct req *rq, const char *name, int event)
{
    struct remote_node_device_event_lifecycle_msg message = {.dev = {.name = (char *)name}, .event = event};

    emit(rq, REMOTE_NODE_DEVICE_EVENT_LIFECYCLE, (struct subject){NULL, name}, &message);
}

/* ---- registering ---- */

static int add(struct client *client, unsigned kind, int event, const uint8_t *uuid, const char *name)
{
    struct registration *r = NEW(struct registration);

    r->id = client->last_registration++;
    r->kind = kind;
    r->event = event;
    r->one = uuid || name;
    if (uuid)
        memcpy(r->uuid, uuid, UUID_SIZE);
    r->name = mem_strdup(name);
    r->next = client->registrations;
    client->registrations = r;
    return r->id;
}

static int drop(struct req *rq, struct client *client, int id)
{
    for (struct registration **at = &client->registrations; *at; at = &(*at)->next) {
        struct registration *r = *at;

        if (r->id != id)
            continue;
        *at = r->next;
        free(r->name);
        free(r);
        return 0;
    }
    return err_set(rq->err, ERR_INVALID_ARG, "event callback id %d not registered", id);
}

void event_forget_all(struct client *client)
{
    while (client->registrations) {
        struct registration *r = client->registrations;

        client->registrations = r->next;
        free(r->name);
        free(r);
    }
}

/* Every family registers and forgets alike. */
/* clang-format off */
#define FAMILY(name, kind, reference, uuid, object_name, prefix, prefix_remove, event)                       \
    static int m_add_##name(struct req *rq, struct client *client, const struct remote_##prefix##_in *in,    \
                            struct remote_##prefix##_out *out)                                               \
    {                                                                                                        \
        out->callback_id = add(client, kind, in->event, in->reference ? uuid : NULL,                         \
                               in->reference ? object_name : NULL);                                          \
        return 0;                                                                                            \
    }                                                                                                        \
    static int m_drop_##name(struct req *rq, struct client *client,                                          \
                             const struct remote_##prefix_remove##_in *in,                                   \
                             struct remote_##prefix_remove##_out *out)                                       \
    {                                                                                                        \
        return drop(rq, client, in->callback_id);                                                            \
    }
FAMILY(vm, OBJECT_DOMAIN, dom, in->dom->uuid, in->dom->name, connect_domain_event_callback_register_any,
       connect_domain_event_callback_deregister_any, event_id)
FAMILY(network, OBJECT_NETWORK, net, in->net->uuid, in->net->name, connect_network_event_register_any,
       connect_network_event_deregister_any, event_id)
FAMILY(pool, OBJECT_STORAGE_POOL, pool, in->pool->uuid, in->pool->name,
       connect_storage_pool_event_register_any, connect_storage_pool_event_deregister_any, event_id)
FAMILY(device, OBJECT_NODE_DEVICE, dev, NULL, in->dev->name, connect_node_device_event_register_any,
       connect_node_device_event_deregister_any, event_id)
/* clang-format on */

const struct method event_methods[] = {
    METHOD(remote, CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY, m_add_vm),
    METHOD(remote, CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY, m_drop_vm),
    METHOD(remote, CONNECT_NETWORK_EVENT_REGISTER_ANY, m_add_network),
    METHOD(remote, CONNECT_NETWORK_EVENT_DEREGISTER_ANY, m_drop_network),
    METHOD(remote, CONNECT_STORAGE_POOL_EVENT_REGISTER_ANY, m_add_pool),
    METHOD(remote, CONNECT_STORAGE_POOL_EVENT_DEREGISTER_ANY, m_drop_pool),
    METHOD(remote, CONNECT_NODE_DEVICE_EVENT_REGISTER_ANY, m_add_device),
    METHOD(remote, CONNECT_NODE_DEVICE_EVENT_DEREGISTER_ANY, m_drop_device),
    {0},
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Registering for events: the public functions of all families. The server is asked once for each (event,
 * object); what it sends is shared by the callbacks of the program (events.c).
 */
#define ERR_FROM ERR_FROM_REMOTE
#include "libvirt/events.h"

#include "libvirt/link.h"

/* All families register the same way: (event id, object or nothing) -> callback id. */
static const struct family {
    unsigned kind;
    const struct procedure *add, *remove;
    int last; /* event ids end below */
} families[] = {
    {OBJECT_DOMAIN, PROCEDURE(remote, CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY),
     PROCEDURE(remote, CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY), 30},
    {OBJECT_NETWORK, PROCEDURE(remote, CONNECT_NETWORK_EVENT_REGISTER_ANY),
     PROCEDURE(remote, CONNECT_NETWORK_EVENT_DEREGISTER_ANY), 2},
    {OBJECT_STORAGE_POOL, PROCEDURE(remote, CONNECT_STORAGE_POOL_EVENT_REGISTER_ANY),
     PROCEDURE(remote, CONNECT_STORAGE_POOL_EVENT_DEREGISTER_ANY), 2},
    {OBJECT_NODE_DEVICE, PROCEDURE(remote, CONNECT_NODE_DEVICE_EVENT_REGISTER_ANY),
     PROCEDURE(remote, CONNECT_NODE_DEVICE_EVENT_DEREGISTER_ANY), 2},
    {OBJECT_SECRET, PROCEDURE(remote, CONNECT_SECRET_EVENT_REGISTER_ANY),
     PROCEDURE(remote, CONNECT_SECRET_EVENT_DEREGISTER_ANY), 2},
};

/* What in of all those calls looks like: the reference is optional and a pointer everywhere. */
struct register_in {
    int32_t event_id;
    const void *object;
};
_Static_assert(offsetof(struct remote_connect_secret_event_register_any_in, secret) ==
                   offsetof(struct register_in, object),
               "register calls are alike");

static int ask_server(struct call *call, int event, void *object)
{
    struct register_in in = {.event_id = event,
                             .object = object ? &((struct _virDomain *)object)->wire : NULL};
    struct remote_connect_secret_event_register_any_out out;

    return call_run(call, &in, &out) < 0 ? -1 : out.callback_id;
}

static int events_add(const char *function, virConnectPtr conn, unsigned kind, void *object, int event,
                      void *cb, void *opaque, virFreeCallback release)
{
    const struct family *family = families;
    struct events *events;
    struct call call;
    int server, id = -1;

    while (family->kind != kind)
        family++;
    if (!call_begin(&call, function, conn, KIND_CONNECT, family->add))
        return -1;
    events = conn->events;
    if ((object && !call_object(&call, object, kind)) || !call_argument(&call, cb, "cb") ||
        !call_not_negative(&call, event, "eventID"))
        goto done;
    if (event >= family->last) {
        if (kind == OBJECT_DOMAIN)
            call_refuse(&call, "eventID", "eventID must be less than %d", family->last);
        else
            call_refuse(&call, "eventID", "eventID in %s must be less than %d", function, family->last);
        goto done;
    }
    /* a driver in this process needs no loop before somebody wants its events */
    if (conn->local && !events_running(events))
        events_start(events);
    if (!events_running(events)) {
        err_set(&call.err, ERR_INTERNAL_ERROR,
                "the program has no event loop: register one before it connects");
        goto done;
    }
    server = events_server(events, kind, event, object);
    if (server < 0 && (server = ask_server(&call, event, object)) < 0)
        goto done;
    id = events_track(events, kind, event, server, object, cb, opaque, release);
done:
    call_end(&call);
    return id;
}

/* by_function: of the oldest kind of registration, which has no id. */
static int events_remove(const char *function, virConnectPtr conn, unsigned kind, int id, bool by_function,
                         void *cb)
{
    const struct family *family = families;
    struct call call;
    int server, result = -1;

    while (family->kind != kind)
        family++;
    if (!call_begin(&call, function, conn, KIND_CONNECT, family->remove))
        return -1;
    if (by_function ? !call_argument(&call, cb, "cb") : !call_not_negative(&call, id, "callbackID")) {
        call_end(&call);
        return -1;
    }
    server = events_forget(conn->events, kind, id, cb);
    if (server == -2) {
        err_set_from(&call.err, object_err_domain(KIND_CONNECT), ERR_INVALID_ARG,
                     conn->local ? "could not find event callback %d for deletion"
                                 : "event callback id %d not registered",
                     id);
    } else {
        struct remote_connect_secret_event_deregister_any_in in = {.callback_id = server};
        struct remote_connect_secret_event_deregister_any_out out;

        result = server == -1 ? 0 : call_run(&call, &in, &out);
    }
    call_end(&call);
    return result;
}

/* clang-format off */
#define REGISTER(family, type, kind, callback_type)                                                          \
    API int virConnect##family##EventRegisterAny(virConnectPtr conn, type object, int eventID, callback_type cb, void *opaque, virFreeCallback freecb) \
    { return events_add(__func__, conn, kind, object, eventID, (void *)cb, opaque, freecb); }                \
    API int virConnect##family##EventDeregisterAny(virConnectPtr conn, int callbackID)                       \
    { return events_remove(__func__, conn, kind, callbackID, false, NULL); }
REGISTER(Domain, virDomainPtr, OBJECT_DOMAIN, virConnectDomainEventGenericCallback)
REGISTER(Network, virNetworkPtr, OBJECT_NETWORK, virConnectNetworkEventGenericCallback)
REGISTER(StoragePool, virStoragePoolPtr, OBJECT_STORAGE_POOL, virConnectStoragePoolEventGenericCallback)
REGISTER(NodeDevice, virNodeDevicePtr, OBJECT_NODE_DEVICE, virConnectNodeDeviceEventGenericCallback)
REGISTER(Secret, virSecretPtr, OBJECT_SECRET, virConnectSecretEventGenericCallback)
/* clang-format on */

/* The oldest form: life cycle only, known by its function. */
API int virConnectDomainEventRegister(virConnectPtr conn, virConnectDomainEventCallback cb, void *opaque,
                                      virFreeCallback freecb)
{
    return events_add(__func__, conn, OBJECT_DOMAIN, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE, (void *)cb, opaque,
                      freecb) < 0
               ? -1
               : 0;
}

API int virConnectDomainEventDeregister(virConnectPtr conn, virConnectDomainEventCallback cb)
{
    return events_remove(__func__, conn, OBJECT_DOMAIN, 0, true, (void *)cb);
}

int closed_register(const char *function, virConnectPtr conn, unsigned kind,
                    const struct procedure *procedure, virConnectCloseFunc cb, void *opaque,
                    virFreeCallback freecb)
{
    struct call call;
    bool taken = false;

    if (!call_begin(&call, function, conn, kind, procedure))
        return -1;
    if (call_argument(&call, (const void *)cb, "cb")) {
        pthread_mutex_lock(&conn->lock);
        taken = !conn->closed;
        if (taken) {
            conn->closed = cb;
            conn->closed_data = opaque;
            conn->closed_free = freecb;
        }
        pthread_mutex_unlock(&conn->lock);
        if (!taken)
            err_set(&call.err, ERR_OPERATION_INVALID, "A close callback is already registered");
    }
    call_end(&call);
    return taken ? 0 : -1;
}

int closed_unregister(const char *function, virConnectPtr conn, unsigned kind,
                      const struct procedure *procedure, virConnectCloseFunc cb)
{
    virFreeCallback release = NULL;
    void *data = NULL;
    struct call call;
    bool found;

    if (!call_begin(&call, function, conn, kind, procedure))
        return -1;
    if (!call_argument(&call, (const void *)cb, "cb")) {
        call_end(&call);
        return -1;
    }
    pthread_mutex_lock(&conn->lock);
    found = conn->closed && conn->closed == cb;
    if (found) {
        release = conn->closed_free;
        data = conn->closed_data;
        conn->closed = NULL;
        conn->closed_free = NULL;
    }
    pthread_mutex_unlock(&conn->lock);
    if (release)
        release(data);
    found |= conn->local != NULL; /* nothing can close on those, so nobody cares */
    if (!found)
        err_set(&call.err, ERR_OPERATION_INVALID, "A different callback was requested");
    call_end(&call);
    return found ? 0 : -1;
}

API int virConnectRegisterCloseCallback(virConnectPtr conn, virConnectCloseFunc cb, void *opaque,
                                        virFreeCallback freecb)
{
    return closed_register(__func__, conn, KIND_CONNECT, PROCEDURE(remote, CONNECT_REGISTER_CLOSE_CALLBACK),
                           cb, opaque, freecb);
}

API int virConnectUnregisterCloseCallback(virConnectPtr conn, virConnectCloseFunc cb)
{
    return closed_unregister(__func__, conn, KIND_CONNECT,
                             PROCEDURE(remote, CONNECT_UNREGISTER_CLOSE_CALLBACK), cb);
}

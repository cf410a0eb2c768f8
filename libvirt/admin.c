/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libvirt-admin.so: connections to the admin socket of a daemon, and what needs no call. */
#define ERR_FROM ERR_FROM_ADMIN
#include "libvirt/api.h"
#include "libvirt/default-uri.h"
#include "libvirt/events.h"
#include "libvirt/link.h"
#include "libvirt/socket.h"

/* One and the same, told apart by its kind. */
struct _virAdmConnect {
    struct _virConnect conn;
};

static const struct uri_source uri_source = {
    .environment = "LIBVIRT_ADMIN_DEFAULT_URI",
    .file = "libvirt-admin.conf",
    .system = "libvirtd:///system",
    .session = "libvirtd:///session",
};

API virAdmConnectPtr virAdmConnectOpen(const char *name, unsigned int flags)
{
    struct call call = {.function = __func__, .procedure = PROCEDURE(admin, CONNECT_OPEN)};
    struct admin_connect_open_in in = {.flags = flags};
    struct admin_connect_open_out out;
    virConnectPtr conn = NULL;
    struct uri uri;
    const char *text;
    bool guessed;
    int fd;

    error_reset();
    if (default_uri(&call.arena, &uri_source, name, true, &text, &guessed, &uri, &call.err) == 0 &&
        socket_open_admin(&uri, &fd, &call.err) == 0) {
        call.conn = conn = conn_new(KIND_ADMIN, text, false, fd);
        if (call_run(&call, &in, &out) < 0) {
            object_unref(conn);
            call.conn = conn = NULL;
        }
    }
    if (conn)
        events_start(conn->events);
    call_end(&call);
    return (virAdmConnectPtr)conn;
}

/* Is it one of ours? Tells the error when not. */
static bool check(const void *object, unsigned kind, const char *function)
{
    auto_err struct err err = {0};

    error_reset();
    if (object_check(object, kind, function, &err))
        return true;
    error_raise(NULL, &err);
    return false;
}

static int release(void *object, unsigned kind, const char *function)
{
    error_reset();
    if (!object)
        return 0;
    if (!check(object, kind, function))
        return -1;
    object_unref(object);
    return 0;
}

API int virAdmConnectClose(virAdmConnectPtr conn)
{
    return release(conn, KIND_ADMIN, __func__);
}

API int virAdmServerFree(virAdmServerPtr srv)
{
    return release(srv, OBJECT_ADMIN_SERVER, __func__);
}

API int virAdmClientFree(virAdmClientPtr client)
{
    return release(client, OBJECT_ADMIN_CLIENT, __func__);
}

API int virAdmConnectRef(virAdmConnectPtr conn)
{
    if (!check(conn, KIND_ADMIN, __func__))
        return -1;
    object_ref(conn);
    return 0;
}

API char *virAdmConnectGetURI(virAdmConnectPtr conn)
{
    return check(conn, KIND_ADMIN, __func__) ? call_text(conn->conn.uri) : NULL;
}

API int virAdmConnectIsAlive(virAdmConnectPtr conn)
{
    error_reset();
    if (!conn)
        return 0;
    return check(conn, KIND_ADMIN, __func__) ? link_alive(conn->conn.link) : -1;
}

API int virAdmConnectRegisterCloseCallback(virAdmConnectPtr conn, virAdmConnectCloseFunc cb, void *opaque,
                                           virFreeCallback freecb)
{
    return closed_register(__func__, (virConnectPtr)conn, KIND_ADMIN, PROCEDURE(admin, CONNECT_OPEN),
                           (virConnectCloseFunc)(void *)cb, opaque, freecb);
}

API int virAdmConnectUnregisterCloseCallback(virAdmConnectPtr conn, virAdmConnectCloseFunc cb)
{
    return closed_unregister(__func__, (virConnectPtr)conn, KIND_ADMIN, PROCEDURE(admin, CONNECT_OPEN),
                             (virConnectCloseFunc)(void *)cb);
}

API int virAdmInitialize(void)
{
    return virInitialize();
}

API int virAdmGetVersion(unsigned long long *libVer)
{
    error_reset();
    if (!libVer) {
        error_argument(NULL, __func__, ERR_FROM_ADMIN, "libVer", "must not be NULL");
        return -1;
    }
    *libVer = LIBVIR_VERSION_NUMBER;
    return 0;
}

API const char *virAdmServerGetName(virAdmServerPtr srv)
{
    return check(srv, OBJECT_ADMIN_SERVER, __func__) ? srv->wire.name : NULL;
}

API unsigned long long virAdmClientGetID(virAdmClientPtr client)
{
    return check(client, OBJECT_ADMIN_CLIENT, __func__) ? client->wire.id : (unsigned long long)-1;
}

/* Seconds since the epoch, when the client came. */
API long long virAdmClientGetTimestamp(virAdmClientPtr client)
{
    return check(client, OBJECT_ADMIN_CLIENT, __func__) ? client->wire.timestamp : -1;
}

API int virAdmClientGetTransport(virAdmClientPtr client)
{
    return check(client, OBJECT_ADMIN_CLIENT, __func__) ? (int)client->wire.transport : -1;
}

/* Both return how many there are beside the text. */
API int virAdmConnectGetLoggingOutputs(virAdmConnectPtr conn, char **outputs, unsigned int flags)
{
    struct admin_connect_get_logging_outputs_in in = {.flags = flags};
    struct admin_connect_get_logging_outputs_out out;
    struct call call;
    int result = -1;

    if (!call_begin(&call, __func__, conn, KIND_ADMIN, PROCEDURE(admin, CONNECT_GET_LOGGING_OUTPUTS)))
        return -1;
    if (call_run(&call, &in, &out) == 0) {
        if (outputs)
            *outputs = call_text(out.outputs);
        result = (int)out.noutputs;
    }
    call_end(&call);
    return result;
}

API int virAdmConnectGetLoggingFilters(virAdmConnectPtr conn, char **filters, unsigned int flags)
{
    struct admin_connect_get_logging_filters_in in = {.flags = flags};
    struct admin_connect_get_logging_filters_out out;
    struct call call;
    int result = -1;

    if (!call_begin(&call, __func__, conn, KIND_ADMIN, PROCEDURE(admin, CONNECT_GET_LOGGING_FILTERS)))
        return -1;
    if (call_run(&call, &in, &out) == 0) {
        if (filters)
            *filters = out.filters ? call_text(out.filters) : NULL;
        result = (int)out.nfilters;
    }
    call_end(&call);
    return result;
}

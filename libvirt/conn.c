/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Connections: from a URI to an open socket of the daemon that answers it. Unix sockets of the system and of
 * the user's session are here; a transport that isn't says so.
 */
#include "libvirt/api.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "libvirt/default-uri.h"
#include "libvirt/events.h"
#include "libvirt/link.h"
#include "libvirt/local-conn.h"
#include "libvirt/socket.h"
#include "uri/uri.h"

enum { AUTH_LIST_NONE = AUTH_TYPE_NONE, FLAG_READ_ONLY = 1 };

static const struct uri_source uri_source = {
    .environment = "LIBVIRT_DEFAULT_URI",
    .file = "libvirt.conf",
    .system = "qemu:///system",
    .session = "qemu:///session",
};

/* What the daemon gets to see: the URI without what only concerns the way to it. */
static bool only_ours(const char *name)
{
    static const char *const names[] = {
        "socket",       "mode",    "name",    "command",     "auth",
        "sshauth",      "netcat",  "keyfile", "no_verify",   "no_tty",
        "no_sanity",    "pkipath", "proxy",   "known_hosts", "known_hosts_verify",
        "tls_priority", NULL};

    for (const char *const *n = names; *n; n++)
        if (str_eq_nocase(*n, name))
            return true;
    return false;
}

static const char *daemon_uri(struct arena *arena, const struct uri *uri)
{
    auto_buf struct buf text = {0};
    const char *name = uri_param(uri, "name");
    struct buf query = {0};

    if (name)
        return name;
    buf_printf(&text, "%s://%s", uri->driver, uri->path);
    uri_format_query(uri, only_ours, &query);
    if (query.length)
        buf_printf(&text, "?%s", buf_text(&query));
    buf_done(&query);
    if (uri->fragment)
        buf_printf(&text, "#%s", uri->fragment);
    return arena_strdup(arena, buf_text(&text));
}

static int simple(struct call *call, const struct procedure *procedure, const void *in, void *out)
{
    call->procedure = procedure;
    return call_run(call, in, out);
}

static int authenticate(struct call *call)
{
    struct remote_auth_list_out list = {0};
    struct remote_auth_polkit_out polkit;
    struct remote_connect_close_in nothing;

    if (simple(call, PROCEDURE(remote, AUTH_LIST), &nothing, &list) < 0)
        return -1;
    if (!list.types.n || list.types.v[0] == AUTH_TYPE_NONE)
        return 0;
    if (list.types.v[0] == AUTH_TYPE_POLKIT)
        return simple(call, PROCEDURE(remote, AUTH_POLKIT), &nothing, &polkit);
    return err_set_from(&call->err, ERR_FROM_REMOTE, ERR_NO_SUPPORT,
                        "the daemon asks for authentication of type %d, which this library can't do yet",
                        (int)list.types.v[0]);
}

static int greet(struct call *call, const char *name)
{
    struct remote_connect_open_in in = {.name = (char *)name,
                                        .flags = call->conn->read_only ? FLAG_READ_ONLY : 0};
    struct remote_connect_open_out out;

    if (authenticate(call) < 0)
        return -1;
    return simple(call, PROCEDURE(remote, CONNECT_OPEN), &in, &out);
}

void conn_done(virConnectPtr conn)
{
    if (!conn->local && conn->link && link_alive(conn->link)) {
        const struct procedure *close = conn->object.kind == KIND_ADMIN ? PROCEDURE(admin, CONNECT_CLOSE)
                                                                        : PROCEDURE(remote, CONNECT_CLOSE);
        struct call call = {.conn = conn, .function = "virConnectClose", .procedure = close};
        struct remote_connect_close_in in;
        struct remote_connect_close_out out;

        (void)call_run(&call, &in, &out);
        err_clear(&call.err);
        arena_done(&call.arena);
    }
    local_close(conn);
    events_free(conn->events);
    link_free(conn->link);
    if (conn->closed_free)
        conn->closed_free(conn->closed_data);
    virResetError(&conn->error);
    pthread_mutex_destroy(&conn->lock);
    free(conn->uri);
    free(conn->type);
}

virConnectPtr conn_new(unsigned kind, const char *uri, bool read_only, int fd)
{
    virConnectPtr conn = NEW(struct _virConnect);

    object_init(&conn->object, kind, NULL);
    pthread_mutex_init(&conn->lock, NULL);
    conn->uri = mem_strdup(uri);
    conn->read_only = read_only;
    conn->secure = true;
    conn->events = events_new(conn);
    conn->link = link_new(fd, events_message, events_gone, conn->events);
    return conn;
}

/* A daemon answers: say who wants what. "" leaves it to the daemon, which then says what it chose. */
static int open_remote(struct call *call, const char *name)
{
    struct remote_connect_get_uri_out out;
    struct remote_connect_get_uri_in in;

    if (greet(call, name) < 0)
        return -1;
    if (!*name) {
        if (simple(call, PROCEDURE(remote, CONNECT_GET_URI), &in, &out) < 0)
            return -1;
        free(call->conn->uri);
        call->conn->uri = mem_strdup(out.uri);
    }
    events_start(call->conn->events);
    return 0;
}

/* The socket for what was asked for, and what to ask of the daemon behind it. -1 in ret_fd: a driver in this
 * process. */
static int find_daemon(struct arena *arena, const char *name, unsigned flags, const char **ret_text,
                       struct uri *uri, const char **ret_ask, int *ret_fd, struct err *err)
{
    bool guessed;

    *ret_fd = -1;
    if (default_uri(arena, &uri_source, name, !(flags & VIR_CONNECT_NO_ALIASES), ret_text, &guessed, uri,
                    err) < 0)
        return -1;
    *ret_ask = guessed ? socket_probe(arena, flags & VIR_CONNECT_RO, ret_fd) : NULL;
    if (*ret_ask) {
        *ret_text = *ret_ask;
        return 0;
    }
    *ret_ask = daemon_uri(arena, uri);
    return local_wanted(uri) ? 0 : socket_open(uri, *ret_text, flags & VIR_CONNECT_RO, ret_fd, err);
}

/* Flags that we don't know are ignored, as they always were. */
static virConnectPtr conn_open(const char *function, const char *name, virConnectAuthPtr auth, unsigned flags)
{
    auto_arena struct arena arena = {0};
    struct call call = {.function = function};
    struct uri uri;
    virConnectPtr conn = NULL;
    const char *text, *ask;
    int fd;

    log_begin();
    error_reset();
    if (find_daemon(&arena, name, flags, &text, &uri, &ask, &fd, &call.err) < 0)
        goto failed;
    log_debug("%s: '%s'", function, text);
    conn = conn_new(KIND_CONNECT, text, flags & VIR_CONNECT_RO, fd);
    call.conn = conn;
    if ((fd < 0 ? local_open(conn, &uri, auth, &call.err) : open_remote(&call, ask)) < 0)
        goto failed;
    call_end(&call);
    return conn;

failed:
    call.conn = NULL;
    call_end(&call);
    object_unref(conn);
    return NULL;
}

API virConnectPtr virConnectOpen(const char *name)
{
    return conn_open(__func__, name, NULL, 0);
}

API virConnectPtr virConnectOpenReadOnly(const char *name)
{
    return conn_open(__func__, name, NULL, VIR_CONNECT_RO);
}

API virConnectPtr virConnectOpenAuth(const char *name, virConnectAuthPtr auth, unsigned int flags)
{
    return conn_open(__func__, name, auth, flags);
}

/* The version of the API that this library offers, and of a driver (which has the same). */
API int virGetVersion(unsigned long *libVer, const char *type, unsigned long *typeVer)
{
    error_reset();
    if (libVer)
        *libVer = LIBVIR_VERSION_NUMBER;
    if (typeVer)
        *typeVer = LIBVIR_VERSION_NUMBER;
    return 0;
}

/* A driver in this process is of our version. */
API int virConnectGetLibVersion(virConnectPtr conn, unsigned long *libVer)
{
    struct remote_connect_get_lib_version_out out = {.lib_ver = LIBVIR_VERSION_NUMBER};
    struct remote_connect_get_lib_version_in in;
    struct call call;
    int result = -1;

    if (!call_begin(&call, __func__, conn, KIND_CONNECT, PROCEDURE(remote, CONNECT_GET_LIB_VERSION)))
        return -1;
    if (call_argument(&call, libVer, "libVer") && (conn->local || call_run(&call, &in, &out) == 0)) {
        *libVer = (unsigned long)out.lib_ver;
        result = 0;
    }
    call_end(&call);
    return result;
}

API int virInitialize(void)
{
    log_begin();
    return 0;
}

API const char *virConnectGetType(virConnectPtr conn)
{
    struct remote_connect_get_type_out out;
    struct remote_connect_get_type_in in;
    const char *type = NULL;
    struct call call;

    if (!call_begin(&call, __func__, conn, KIND_CONNECT, PROCEDURE(remote, CONNECT_GET_TYPE)))
        return NULL;
    pthread_mutex_lock(&conn->lock);
    type = conn->type;
    pthread_mutex_unlock(&conn->lock);
    if (!type && call_run(&call, &in, &out) == 0) {
        pthread_mutex_lock(&conn->lock);
        if (!conn->type)
            conn->type = mem_strdup(out.type);
        type = conn->type;
        pthread_mutex_unlock(&conn->lock);
    }
    call_end(&call);
    return type ? type : "remote"; /* what is between us and a daemon that can't tell */
}

API char *virConnectGetURI(virConnectPtr conn)
{
    struct call call;

    if (!call_begin(&call, __func__, conn, KIND_CONNECT, PROCEDURE(remote, CONNECT_GET_URI)))
        return NULL;
    call_end(&call);
    return call_text(conn->uri);
}

API int virConnectIsSecure(virConnectPtr conn)
{
    struct remote_connect_is_secure_out out;
    struct remote_connect_is_secure_in in;
    struct call call;
    int result = -1;

    if (!call_begin(&call, __func__, conn, KIND_CONNECT, PROCEDURE(remote, CONNECT_IS_SECURE)))
        return -1;
    if (call_run(&call, &in, &out) == 0)
        result = conn->secure && out.secure;
    call_end(&call);
    return result;
}

API int virConnectIsEncrypted(virConnectPtr conn)
{
    struct call call;

    if (!call_begin(&call, __func__, conn, KIND_CONNECT, PROCEDURE(remote, CONNECT_GET_URI)))
        return -1;
    call_end(&call);
    return conn->encrypted;
}

API int virConnectIsAlive(virConnectPtr conn)
{
    struct call call;

    if (!call_begin(&call, __func__, conn, KIND_CONNECT, PROCEDURE(remote, CONNECT_GET_URI)))
        return -1;
    call_end(&call);
    return link_alive(conn->link);
}

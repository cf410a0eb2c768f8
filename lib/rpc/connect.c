/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The calls about the connection itself, the same in every daemon. */
#include "rpc/core.h"

#include <sys/utsname.h>

#include "access/token.h"
#include "base/str.h"
#include "protocol/remote.h"

enum {
    API_LEVEL = 12008000, /* the libvirt release whose interface this is: 12.8.0 */
    OPEN_READ_ONLY = 1,
};

/* VIR_DRV_FEATURE_*: what the transport can, whatever the driver. */
enum {
    FEATURE_REMOTE = 2,
    FEATURE_FD_PASSING = 8,
    FEATURE_TYPED_STRINGS = 9,
    FEATURE_KEEPALIVE = 10,
    FEATURE_EVENT_CALLBACKS = 14,
    FEATURE_CLOSE_CALLBACK = 15,
    FEATURE_NETWORK_UPDATE_ORDER = 16,
};

/* Is this URI one of ours? "SCHEME:///PATH", with whatever options behind. */
static int check_uri(const struct server_spec *spec, const char *uri, struct err *err)
{
    const char *path = str_after(uri, spec->scheme), *end;
    auto_free char *given = NULL;

    if (!path || !(path = str_after(path, ":///")))
        return err_set_from(err, ERR_FROM_NONE, ERR_NO_CONNECT, "%s", uri);
    end = path + strcspn(path, "?#");
    given = mem_strndup(path, (size_t)(end - path));
    if (spec->embedded ? str_eq(given, "embed")
                       : str_eq(given, "session") || (spec->privileged && str_eq(given, "system")))
        return 0;
    return err_set_from(err, ERR_FROM_NONE, ERR_INTERNAL_ERROR, "unexpected %s URI path '/%s', try %s:///%s",
                        spec->driver, given, spec->scheme,
                        spec->embedded     ? "embed"
                        : spec->privileged ? "system"
                                           : "session");
}

static int m_connect_open(struct req *rq, struct client *client, const struct remote_connect_open_in *in,
                          struct remote_connect_open_out *out)
{
    struct server *server = client->server;
    const char *uri = str_empty(in->name) ? server->uri : in->name;

    if (client->opened)
        return err_set_from(&rq->err, ERR_FROM_RPC, ERR_INTERNAL_ERROR, "connection already open");
    if (server->spec->scheme && check_uri(server->spec, uri, &rq->err) < 0)
        return -1;
    if (in->flags & OPEN_READ_ONLY)
        client->read_only = true;
    if (server->spec->open && server->spec->open(rq, client, uri, in->flags) < 0)
        return -1;
    free(client->uri);
    client->uri = mem_strdup(uri);
    client->opened = true;
    return 0;
}

static int m_connect_close(struct req *rq, struct client *client, const struct remote_connect_close_in *in,
                           struct remote_connect_close_out *out)
{
    rq->call->close = true;
    return 0;
}

static int m_connect_get_type(struct req *rq, struct client *client,
                              const struct remote_connect_get_type_in *in,
                              struct remote_connect_get_type_out *out)
{
    out->type = (char *)client->server->spec->driver;
    return 0;
}

static int m_connect_get_version(struct req *rq, struct client *client,
                                 const struct remote_connect_get_version_in *in,
                                 struct remote_connect_get_version_out *out)
{
    if (!client->server->spec->version)
        return err_set_from(&rq->err, ERR_FROM_NONE, ERR_NO_SUPPORT, "virConnectGetVersion");
    return client->server->spec->version(rq, &out->hv_ver);
}

static int m_connect_get_lib_version(struct req *rq, struct client *client,
                                     const struct remote_connect_get_lib_version_in *in,
                                     struct remote_connect_get_lib_version_out *out)
{
    out->lib_ver = API_LEVEL;
    return 0;
}

static int m_connect_get_hostname(struct req *rq, struct client *client,
                                  const struct remote_connect_get_hostname_in *in,
                                  struct remote_connect_get_hostname_out *out)
{
    struct utsname host;

    uname(&host);
    out->hostname = arena_strdup(&rq->arena, host.nodename);
    return 0;
}

static int m_connect_get_uri(struct req *rq, struct client *client,
                             const struct remote_connect_get_uri_in *in,
                             struct remote_connect_get_uri_out *out)
{
    out->uri = client->uri;
    return 0;
}

static int m_connect_is_secure(struct req *rq, struct client *client,
                               const struct remote_connect_is_secure_in *in,
                               struct remote_connect_is_secure_out *out)
{
    out->secure = 1; /* a Unix socket never leaves the host */
    return 0;
}

static int m_connect_supports_feature(struct req *rq, struct client *client,
                                      const struct remote_connect_supports_feature_in *in,
                                      struct remote_connect_supports_feature_out *out)
{
    struct server *server = client->server;

    switch (in->feature) {
    case FEATURE_KEEPALIVE:
        client->keepalive = true; /* from now on it answers our pings, too */
        client->conn.heard = true;
        if (server->conf.keepalive_interval > 0)
            server_need_tick(server);
        out->supported = 1;
        return 0;
    case FEATURE_FD_PASSING:
    case FEATURE_TYPED_STRINGS:
    case FEATURE_EVENT_CALLBACKS:
    case FEATURE_CLOSE_CALLBACK:
    case FEATURE_NETWORK_UPDATE_ORDER:
        out->supported = 1;
        return 0;
    default:
        if (!client->opened)
            return err_set_from(&rq->err, ERR_FROM_RPC, ERR_INTERNAL_ERROR, "hypervisor connection not open");
        out->supported = in->feature != FEATURE_REMOTE && server->spec->feature &&
                         server->spec->feature(client, in->feature);
        return 0;
    }
}

static int m_connect_register_close_callback(struct req *rq, struct client *client,
                                             const struct remote_connect_register_close_callback_in *in,
                                             struct remote_connect_register_close_callback_out *out)
{
    if (client->close_callback)
        return err_set_from(&rq->err, ERR_FROM_NONE, ERR_OPERATION_FAILED,
                            "A close callback is already registered");
    client->close_callback = true;
    return 0;
}

static int m_connect_unregister_close_callback(struct req *rq, struct client *client,
                                               const struct remote_connect_unregister_close_callback_in *in,
                                               struct remote_connect_unregister_close_callback_out *out)
{
    if (!client->close_callback)
        return err_set_from(&rq->err, ERR_FROM_NONE, ERR_OPERATION_FAILED,
                            "A different callback was requested");
    client->close_callback = false;
    return 0;
}

/* Identity: only root or our own user may speak for others; with a token it must be the right one. */

enum { PARAM_LLONG = 3, PARAM_ULLONG = 4, PARAM_STRING = 7 };

static int identity_param(struct identity *identity, const struct wire_typed_param *param, struct err *err)
{
    const struct wire_typed_value *value = &param->value;
    const struct {
        const char *name;
        int32_t type;
        char **text;
    } table[] = {
        {"user-name", PARAM_STRING, &identity->user},
        {"unix-user-id", PARAM_ULLONG, NULL},
        {"group-name", PARAM_STRING, &identity->group},
        {"unix-group-id", PARAM_ULLONG, NULL},
        {"process-id", PARAM_LLONG, NULL},
        {"process-time", PARAM_ULLONG, NULL},
        {"sasl-user-name", PARAM_STRING, &identity->sasl_user},
        {"x509-distinguished-name", PARAM_STRING, &identity->x509_name},
        {"selinux-context", PARAM_STRING, &identity->selinux_context},
        {"system.token", PARAM_STRING, NULL},
    };
    const char *token;
    size_t i = 0;

    while (i < ARRAY_SIZE(table) && !str_eq(table[i].name, param->field))
        i++;
    if (i == ARRAY_SIZE(table))
        return err_set(err, ERR_INVALID_ARG, "unexpected identity parameter '%s'", param->field);
    if (value->type != table[i].type)
        return err_set(err, ERR_INVALID_ARG, "identity parameter '%s' has the wrong type", param->field);
    if (table[i].text) {
        free(*table[i].text);
        *table[i].text = mem_strdup(value->s);
        return 0;
    }
    switch (i) {
    case 1:
        identity->uid = (uid_t)value->ul;
        return 0;
    case 3:
        identity->gid = (gid_t)value->ul;
        return 0;
    case 4:
        identity->pid = (pid_t)value->l;
        return 0;
    case 5:
        identity->start_time = value->ul;
        return 0;
    default:
        token = token_get(err);
        if (!token)
            return -1;
        identity->elevated = str_eq(token, value->s);
        return identity->elevated ? 0 : err_set(err, ERR_ACCESS_DENIED, "wrong system token");
    }
}

static int m_connect_set_identity(struct req *rq, struct client *client,
                                  const struct remote_connect_set_identity_in *in,
                                  struct remote_connect_set_identity_out *out)
{
    auto_identity struct identity *identity = identity_new();

    if (in->flags)
        return err_set_bare(&rq->err, ERR_INVALID_ARG, "unsupported flags (0x%x)", in->flags);
    if (!client->authenticated)
        return err_set_from(&rq->err, ERR_FROM_RPC, ERR_RPC, "authentication required");
    if (!identity_trusted(client->peer))
        return err_set(&rq->err, ERR_ACCESS_DENIED,
                       "only root and the daemon's own user may speak for others");
    identity->forwarded = true;
    for (uint32_t i = 0; i < in->params.n; i++)
        if (identity_param(identity, &in->params.v[i], &rq->err) < 0)
            return -1;
    /* a daemon that speaks for itself is who the kernel says */
    if (identity->uid == (uid_t)-1) {
        identity->uid = client->peer->uid;
        identity->gid = client->peer->gid;
        identity->pid = client->peer->pid;
    }
    identity_unref(client->identity);
    client->identity = TAKE(identity);
    return 0;
}

const struct method connect_methods[] = {
    METHOD(remote, CONNECT_OPEN, m_connect_open),
    METHOD(remote, CONNECT_CLOSE, m_connect_close),
    METHOD(remote, CONNECT_GET_TYPE, m_connect_get_type),
    METHOD(remote, CONNECT_GET_VERSION, m_connect_get_version),
    METHOD(remote, CONNECT_GET_LIB_VERSION, m_connect_get_lib_version),
    METHOD(remote, CONNECT_GET_HOSTNAME, m_connect_get_hostname),
    METHOD(remote, CONNECT_GET_URI, m_connect_get_uri),
    METHOD(remote, CONNECT_IS_SECURE, m_connect_is_secure),
    METHOD(remote, CONNECT_SUPPORTS_FEATURE, m_connect_supports_feature),
    METHOD(remote, CONNECT_REGISTER_CLOSE_CALLBACK, m_connect_register_close_callback),
    METHOD(remote, CONNECT_UNREGISTER_CLOSE_CALLBACK, m_connect_unregister_close_callback),
    METHOD(remote, CONNECT_SET_IDENTITY, m_connect_set_identity),
    {0},
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The admin program: a daemon's servers ("virtqemud" and "admin"), their clients and limits, and its logging.
 * Fibers need no worker threads: the worker numbers are kept and shown because tools set them, and the number
 * of calls at work stands in their place.
 */
#define ERR_FROM ERR_FROM_ADMIN
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <unistd.h>

#include "base/str.h"
#include "loop/log-output.h"
#include "loop/work.h"
#include "protocol/admin.h"
#include "rpc/core.h"

enum { API_LEVEL = 12008000 };

/* Typed parameters. */

enum param_type { PARAM_INT = 1, PARAM_UINT = 2, PARAM_BOOLEAN = 6, PARAM_STRING = 7 };

struct params {
    uint32_t n;
    struct wire_typed_param *v;
};

static struct wire_typed_value *params_add(struct req *rq, struct params *params, const char *field,
                                           enum param_type type)
{
    struct wire_typed_param *added;

    params->v = arena_grow(&rq->arena, params->v, params->n, sizeof(*params->v));
    added = &params->v[params->n++];
    added->field = (char *)field;
    added->value.type = type;
    return &added->value;
}

static void params_uint(struct req *rq, struct params *params, const char *field, unsigned value)
{
    params_add(rq, params, field, PARAM_UINT)->ui = value;
}

static void params_string(struct req *rq, struct params *params, const char *field, const char *text)
{
    if (text)
        params_add(rq, params, field, PARAM_STRING)->s = arena_strdup(&rq->arena, text);
}

/* A number that may be set from outside; where it lives, and whether it is only shown. */
struct setting {
    const char *field;
    unsigned *value;
    bool shown;
};

static int settings_apply(struct req *rq, const struct setting *settings, size_t count,
                          const struct wire_typed_param *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        size_t at = 0;

        while (at < count && !str_eq(settings[at].field, v[i].field))
            at++;
        if (at == count)
            return err_set(&rq->err, ERR_INVALID_ARG, "parameter '%s' not supported", v[i].field);
        if (settings[at].shown)
            return err_set(&rq->err, ERR_INVALID_ARG, "parameter '%s' is read-only", v[i].field);
        if (v[i].value.type != PARAM_UINT)
            return err_set(&rq->err, ERR_INVALID_ARG, "invalid type for parameter '%s', expected uint",
                           v[i].field);
    }
    for (uint32_t i = 0; i < n; i++)
        for (size_t at = 0; at < count; at++)
            if (str_eq(settings[at].field, v[i].field))
                *settings[at].value = v[i].value.ui;
    return 0;
}

/* Finding. */

static struct server *subject(const struct client *client)
{
    return client->server->main;
}

static struct server *find_server(struct req *rq, struct client *client, const char *name)
{
    struct server *main = subject(client);

    if (str_eq(name, main->name))
        return main;
    if (str_eq(name, main->admin->name))
        return main->admin;
    err_set(&rq->err, ERR_NO_SERVER, "No server named '%s'", name);
    return NULL;
}

static struct client *find_client(struct req *rq, struct client *client, const char *server_name, uint64_t id)
{
    struct server *server = find_server(rq, client, server_name);
    struct client *at;

    if (!server)
        return NULL;
    LIST_FOREACH(&server->clients, at, link)
        if (at->id == id)
            return at;
    err_set(&rq->err, ERR_NO_CLIENT, "No client with matching ID '%" PRIu64 "'", id);
    return NULL;
}

static void describe_client(const struct client *client, struct wire_admin_client *ret)
{
    *ret = (struct wire_admin_client){.srv = {.name = (char *)client->server->name},
                                      .id = client->id,
                                      .timestamp = (int64_t)(client->connected / 1000000)};
}

static int no_flags(struct req *rq, uint32_t flags)
{
    return flags ? err_set(&rq->err, ERR_INVALID_ARG, "unsupported flags (0x%x)", flags) : 0;
}

/* clang-format off */
#define M(name) \
    static int m_##name(struct req *rq, struct client *client, const struct admin_##name##_in *in, \
                        struct admin_##name##_out *out)
/* clang-format on */

/* The connection. */

M(connect_open)
{
    if (no_flags(rq, in->flags) < 0)
        return -1;
    client->opened = true;
    return 0;
}

M(connect_close)
{
    rq->call->close = true;
    return 0;
}

M(connect_get_lib_version)
{
    out->lib_ver = API_LEVEL;
    return 0;
}

M(connect_list_servers)
{
    struct server *main = subject(client);

    out->ret = 2;
    if (!in->need_results)
        return no_flags(rq, in->flags);
    out->servers.v = ARENA_ARRAY(&rq->arena, struct wire_admin_server, 2);
    out->servers.n = 2;
    out->servers.v[0].name = (char *)main->name;
    out->servers.v[1].name = (char *)main->admin->name;
    return no_flags(rq, in->flags);
}

M(connect_lookup_server)
{
    struct server *server = find_server(rq, client, in->name);

    if (!server)
        return -1;
    out->srv.name = (char *)server->name;
    return no_flags(rq, in->flags);
}

/* Limits. */

M(server_get_threadpool_parameters)
{
    struct server *server = find_server(rq, client, in->srv.name);
    struct params params = {0};
    unsigned workers;

    if (!server || no_flags(rq, in->flags) < 0)
        return -1;
    workers = server->call_count > server->conf.min_workers ? server->call_count : server->conf.min_workers;
    params_uint(rq, &params, "minWorkers", server->conf.min_workers);
    params_uint(rq, &params, "maxWorkers", server->conf.max_workers);
    params_uint(rq, &params, "nWorkers", workers);
    params_uint(rq, &params, "freeWorkers", workers - server->call_count);
    params_uint(rq, &params, "prioWorkers", server->conf.prio_workers);
    params_uint(rq, &params, "jobQueueDepth", 0);
    out->params.n = params.n;
    out->params.v = params.v;
    return 0;
}

M(server_set_threadpool_parameters)
{
    struct server *server = find_server(rq, client, in->srv.name);
    struct server_conf changed;
    const struct setting settings[] = {
        {"minWorkers", &changed.min_workers, false},
        {"maxWorkers", &changed.max_workers, false},
        {"prioWorkers", &changed.prio_workers, false},
        {"nWorkers", NULL, true},
        {"freeWorkers", NULL, true},
        {"jobQueueDepth", NULL, true},
    };

    if (!server || no_flags(rq, in->flags) < 0)
        return -1;
    changed = server->conf;
    if (settings_apply(rq, settings, ARRAY_SIZE(settings), in->params.v, in->params.n) < 0)
        return -1;
    if (!changed.max_workers)
        return err_set(&rq->err, ERR_INVALID_ARG, "maxWorkers must be greater than 0");
    if (changed.min_workers > changed.max_workers)
        return err_set(&rq->err, ERR_INVALID_ARG, "minWorkers cannot be larger than maxWorkers");
    server->conf = changed;
    return 0;
}

M(server_get_client_limits)
{
    struct server *server = find_server(rq, client, in->srv.name);
    struct params params = {0};

    if (!server || no_flags(rq, in->flags) < 0)
        return -1;
    params_uint(rq, &params, "nclients_max", server->conf.max_clients);
    params_uint(rq, &params, "nclients", server->client_count);
    params_uint(rq, &params, "nclients_unauth_max", server->conf.max_anonymous_clients);
    params_uint(rq, &params, "nclients_unauth", server->anonymous_count);
    out->params.n = params.n;
    out->params.v = params.v;
    return 0;
}

M(server_set_client_limits)
{
    struct server *server = find_server(rq, client, in->srv.name);
    struct server_conf changed;
    const struct setting settings[] = {
        {"nclients_max", &changed.max_clients, false},
        {"nclients_unauth_max", &changed.max_anonymous_clients, false},
        {"nclients", NULL, true},
        {"nclients_unauth", NULL, true},
    };

    if (!server || no_flags(rq, in->flags) < 0)
        return -1;
    changed = server->conf;
    if (settings_apply(rq, settings, ARRAY_SIZE(settings), in->params.v, in->params.n) < 0)
        return -1;
    if (!changed.max_clients)
        return err_set(&rq->err, ERR_INVALID_ARG, "nclients_max must be greater than 0");
    if (changed.max_anonymous_clients > changed.max_clients)
        return err_set(
            &rq->err, ERR_INVALID_ARG, /* libvirt's words, wrong way round as they are */
            "The overall maximum number of clients waiting for authentication must not be less than "
            "the overall maximum number of clients");
    server->conf = changed;
    server_accept_again(server);
    return 0;
}

/* Clients. */

M(server_list_clients)
{
    struct server *server = find_server(rq, client, in->srv.name);
    struct client *at;

    if (!server || no_flags(rq, in->flags) < 0)
        return -1;
    out->ret = server->client_count;
    if (!in->need_results)
        return 0;
    if (server->client_count > ADMIN_CLIENT_LIST_MAX)
        return err_set(&rq->err, ERR_RPC, "Too many clients '%u' for limit '%d'", server->client_count,
                       ADMIN_CLIENT_LIST_MAX);
    out->clients.v = ARENA_ARRAY(&rq->arena, struct wire_admin_client, server->client_count);
    LIST_FOREACH(&server->clients, at, link)
        describe_client(at, &out->clients.v[out->clients.n++]);
    return 0;
}

M(server_lookup_client)
{
    struct client *found = find_client(rq, client, in->srv.name, in->id);

    if (!found || no_flags(rq, in->flags) < 0)
        return -1;
    describe_client(found, &out->clnt);
    return 0;
}

/*
 * Names of users and groups may come from a network: asked for on a worker thread, which may outlive the
 * call; so the struct is counted, once for each of them.
 */
struct names {
    unsigned references;
    uid_t uid;
    gid_t gid;
    char user[256], group[256];
};

static void names_unref(void *arg)
{
    struct names *names = arg;

    if (!--names->references)
        free(names);
}

static int names_find(void *arg)
{
    struct names *names = arg;
    struct passwd passwd, *user = NULL;
    struct group entry, *group = NULL;
    char room[16384];

    if (!getpwuid_r(names->uid, &passwd, room, sizeof(room), &user) && user)
        strncpy(names->user, passwd.pw_name, sizeof(names->user) - 1);
    if (!getgrgid_r(names->gid, &entry, room, sizeof(room), &group) && group)
        strncpy(names->group, entry.gr_name, sizeof(names->group) - 1);
    return 0;
}

/* Without names when they can't be found in time. */
static void add_names(struct req *rq, struct params *params, const struct identity *who)
{
    struct names *names = NEW(struct names);

    *names = (struct names){.references = 2, .uid = who->uid, .gid = who->gid};
    if (work_run(rq, names_find, names_unref, names, SECONDS(5), "the names of a client's user and group") >=
        0) {
        params_string(rq, params, "unix_user_name", *names->user ? names->user : NULL);
        params_string(rq, params, "unix_group_name", *names->group ? names->group : NULL);
    }
    names_unref(names);
}

M(client_get_info)
{
    struct client *found = find_client(rq, client, in->clnt.srv.name, in->clnt.id);
    auto_identity struct identity *who = NULL;
    struct params params = {0};

    if (!found || no_flags(rq, in->flags) < 0)
        return -1;
    who = identity_ref(found->identity); /* the client may be gone after the wait below */
    params_add(rq, &params, "readonly", PARAM_BOOLEAN)->b = found->read_only;
    if (who->uid != (uid_t)-1) {
        params_add(rq, &params, "unix_user_id", PARAM_INT)->i = (int32_t)who->uid;
        params_add(rq, &params, "unix_group_id", PARAM_INT)->i = (int32_t)who->gid;
        params_add(rq, &params, "unix_process_id", PARAM_INT)->i = (int32_t)who->pid;
        add_names(rq, &params, who);
    }
    params_string(rq, &params, "sasl_user_name", who->sasl_user);
    params_string(rq, &params, "tls_x509_dname", who->x509_name);
    params_string(rq, &params, "selinux_context", who->selinux_context);
    out->params.n = params.n;
    out->params.v = params.v;
    return 0;
}

M(client_close)
{
    struct client *found = find_client(rq, client, in->clnt.srv.name, in->clnt.id);

    if (!found || no_flags(rq, in->flags) < 0)
        return -1;
    if (found == client)
        rq->call->close = true; /* after the answer */
    else
        client_close(found, "an administrator asked for it");
    return 0;
}

/* Logging. */

static unsigned count_words(const char *text)
{
    auto_strv char **words = str_split(text, " ");

    return (unsigned)strv_length(words);
}

M(connect_get_logging_outputs)
{
    auto_free char *outputs = log_outputs_get();

    out->outputs = arena_strdup(&rq->arena, outputs ? outputs : "");
    out->noutputs = count_words(out->outputs);
    return no_flags(rq, in->flags);
}

/* Shown as patterns, as libvirt does: "3:*rpc*" for what was given as "3:rpc". */
M(connect_get_logging_filters)
{
    auto_strv char **words = str_split(log_get_filters(), " ");
    auto_buf struct buf text = {0};

    for (char **word = words; word && *word; word++) {
        const char *match = strchr(*word, ':') + 1;
        bool pattern = *match == '*';

        buf_printf(&text, "%s%.*s%s%s%s", text.length ? " " : "", (int)(match - *word), *word,
                   pattern ? "" : "*", match, pattern ? "" : "*");
        out->nfilters++;
    }
    if (text.length)
        out->filters = arena_strdup(&rq->arena, buf_text(&text));
    return no_flags(rq, in->flags);
}

M(connect_set_logging_outputs)
{
    auto_free char *fallback = NULL;

    if (no_flags(rq, in->flags) < 0)
        return -1;
    if (str_empty(in->outputs))
        fallback = log_outputs_default(subject(client)->name, /* in_background= */ true, NULL);
    return log_outputs_set(fallback ? fallback : in->outputs, &rq->err);
}

M(connect_set_logging_filters)
{
    return no_flags(rq, in->flags) < 0 ? -1 : log_set_filters(in->filters, &rq->err);
}

/* The daemon. */

M(server_update_tls_files)
{
    if (!find_server(rq, client, in->srv.name))
        return -1;
    return err_set(&rq->err, ERR_NO_SUPPORT, "this daemon serves no TLS connections");
}

M(connect_set_daemon_timeout)
{
    struct server *main = subject(client);

    if (no_flags(rq, in->flags) < 0)
        return -1;
    if (!main->spec->set_timeout)
        return err_set(&rq->err, ERR_NO_SUPPORT, "virAdmConnectSetDaemonTimeout");
    return main->spec->set_timeout(main, in->timeout, &rq->err);
}

M(connect_daemon_shutdown)
{
    struct server *main = subject(client);

    if (!main->spec->shutdown)
        return err_set(&rq->err, ERR_NO_SUPPORT, "virAdmConnectDaemonShutdown");
    return main->spec->shutdown(main, in->flags, &rq->err);
}

const struct method admin_methods[] = {
    METHOD(admin, CONNECT_OPEN, m_connect_open),
    METHOD(admin, CONNECT_CLOSE, m_connect_close),
    METHOD(admin, CONNECT_GET_LIB_VERSION, m_connect_get_lib_version),
    METHOD(admin, CONNECT_LIST_SERVERS, m_connect_list_servers),
    METHOD(admin, CONNECT_LOOKUP_SERVER, m_connect_lookup_server),
    METHOD(admin, SERVER_GET_THREADPOOL_PARAMETERS, m_server_get_threadpool_parameters),
    METHOD(admin, SERVER_SET_THREADPOOL_PARAMETERS, m_server_set_threadpool_parameters),
    METHOD(admin, SERVER_LIST_CLIENTS, m_server_list_clients),
    METHOD(admin, SERVER_LOOKUP_CLIENT, m_server_lookup_client),
    METHOD(admin, CLIENT_GET_INFO, m_client_get_info),
    METHOD(admin, CLIENT_CLOSE, m_client_close),
    METHOD(admin, SERVER_GET_CLIENT_LIMITS, m_server_get_client_limits),
    METHOD(admin, SERVER_SET_CLIENT_LIMITS, m_server_set_client_limits),
    METHOD(admin, CONNECT_GET_LOGGING_OUTPUTS, m_connect_get_logging_outputs),
    METHOD(admin, CONNECT_GET_LOGGING_FILTERS, m_connect_get_logging_filters),
    METHOD(admin, CONNECT_SET_LOGGING_OUTPUTS, m_connect_set_logging_outputs),
    METHOD(admin, CONNECT_SET_LOGGING_FILTERS, m_connect_set_logging_filters),
    METHOD(admin, SERVER_UPDATE_TLS_FILES, m_server_update_tls_files),
    METHOD(admin, CONNECT_SET_DAEMON_TIMEOUT, m_connect_set_daemon_timeout),
    METHOD(admin, CONNECT_DAEMON_SHUTDOWN, m_connect_daemon_shutdown),
    {0},
};

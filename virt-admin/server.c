/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Server: what a daemon serves, to whom, with how many at once. */
#include <inttypes.h>
#include <time.h>

#include "virt-admin/admin.h"

/* ---- finding --------------------------------------------------------------------------------------------
 */

static void server_release(void *server)
{
    virAdmServerFree(server);
}

static virAdmServerPtr own_server(struct cmd *cmd, virAdmServerPtr server)
{
    return cmd_own(cmd, server, server_release);
}

static void client_release(void *client)
{
    virAdmClientFree(client);
}

static virAdmClientPtr own_client(struct cmd *cmd, virAdmClientPtr client)
{
    return cmd_own(cmd, client, client_release);
}

virAdmServerPtr cmd_server(struct cmd *cmd)
{
    const char *name = NULL;

    if (cmd_string(cmd, "server", &name) < 0)
        return NULL;
    return own_server(cmd, virAdmConnectLookupServer(admin_conn(cmd), name, 0));
}

virAdmClientPtr cmd_client(struct cmd *cmd, virAdmServerPtr server, unsigned long long *ret_id)
{
    return own_client(cmd, virAdmServerLookupClient(server, *ret_id, 0));
}

static char **complete_server(struct cmd *cmd, unsigned bits)
{
    virAdmServerPtr *servers = NULL;
    int count = virAdmConnectListServers(admin_conn(cmd), &servers, 0);
    char **names = NULL;

    for (int i = 0; i < count; i++) {
        names = strv_add(names, virAdmServerGetName(servers[i]));
        virAdmServerFree(servers[i]);
    }
    free(servers);
    return names;
}

#define SERVER(help) ARG("server", help, 0, complete_server)

/* ---- servers --------------------------------------------------------------------------------------------
 */

static int server_list(struct cmd *cmd)
{
    virAdmServerPtr *servers = NULL;
    int count = virAdmConnectListServers(admin_conn(cmd), &servers, 0);

    if (count < 0) {
        keep_error(cmd);
        auto_free char *uri = virAdmConnectGetURI(admin_conn(cmd));

        return say_error(cmd, "failed to obtain list of available servers from %s", uri ? uri : "");
    }
    own_list(cmd, servers, count, server);
    struct table *table = table_new(cmd, "id#:Id", "name:Name");

    for (int i = 0; i < count; i++)
        table_row(table, cmd_printf(cmd, "%d", i), virAdmServerGetName(servers[i]));
    table_print(table, NULL);
    return 0;
}

const struct command cmd_server_list = {
    "server-list",      "list available servers on a daemon",   "List all manageable servers on a daemon.",
    .run = server_list, .json = "[{id: number, name: string}]",
};

/* Figures of a server; width: of their names in text. */
static int print_figures(struct cmd *cmd, int width, const char *failed,
                         int (*call)(virAdmServerPtr, virTypedParameterPtr *, int *, unsigned int))
{
    virAdmServerPtr server = cmd_server(cmd);
    virTypedParameterPtr params = NULL;
    int count = 0;

    if (!server)
        return -1;
    if (call(server, &params, &count, 0) < 0)
        return say_error(cmd, "%s", failed);
    layout(cmd, LAYOUT_NONE);
    for (int i = 0; i < count; i++) {
        field_param(cmd, NULL, &params[i]);
        print(cmd, "%-*s: %s\n", width, params[i].field, param_text(cmd, &params[i]));
    }
    virTypedParamsFree(params, count);
    return 0;
}

static int server_threadpool_info(struct cmd *cmd)
{
    return print_figures(cmd, 15, "Unable to get server workerpool parameters",
                         virAdmServerGetThreadPoolParameters);
}

const struct command cmd_server_threadpool_info = {
    "server-threadpool-info",
    "get server workerpool parameters",
    "Retrieve threadpool attributes from a server. ",
    OPTIONS(SERVER("Server to retrieve threadpool attributes from.")),
    .run = server_threadpool_info,
    .json = "{*: number}",
};

static int server_clients_info(struct cmd *cmd)
{
    return print_figures(cmd, 20, "Unable to retrieve client limits from server's configuration",
                         virAdmServerGetClientLimits);
}

const struct command cmd_server_clients_info = {
    "server-clients-info",
    "get server's client-related configuration limits",
    "Retrieve server's client-related configuration limits ",
    OPTIONS(SERVER("Server to retrieve the client limits from.")),
    .run = server_clients_info,
    .json = "{*: number}",
};

/* A limit that an option sets. */
struct limit {
    const char *option, *field;
};

/* The limits that were given; -1 after telling. */
static int read_limits(struct cmd *cmd, const struct limit *limits, size_t count, virTypedParameter *ret)
{
    int given = 0;

    for (size_t i = 0; i < count; i++) {
        unsigned value = 0;
        int result = cmd_uint(cmd, limits[i].option, &value);

        if (result < 0)
            return say_error(cmd, "Unable to parse integer parameter '%s'", limits[i].option);
        if (!result)
            continue;
        ret[given] = (virTypedParameter){.type = VIR_TYPED_PARAM_UINT, .value.ui = value};
        memcpy(ret[given++].field, limits[i].field, strlen(limits[i].field) + 1);
    }
    return given;
}

/* Are two limits given, the first of them above the second? */
static bool crossed(const virTypedParameter *params, int count, const char *low, const char *high)
{
    const virTypedParameter *first = NULL, *second = NULL;

    for (int i = 0; i < count; i++) {
        if (str_eq(params[i].field, low))
            first = &params[i];
        if (str_eq(params[i].field, high))
            second = &params[i];
    }
    return first && second && first->value.ui > second->value.ui;
}

static int server_threadpool_set(struct cmd *cmd)
{
    static const struct limit limits[] = {
        {"max-workers", VIR_THREADPOOL_WORKERS_MAX},
        {"min-workers", VIR_THREADPOOL_WORKERS_MIN},
        {"priority-workers", VIR_THREADPOOL_WORKERS_PRIORITY},
    };
    virTypedParameter params[ARRAY_SIZE(limits)];
    int count = read_limits(cmd, limits, ARRAY_SIZE(limits), params);

    if (count < 0)
        return -1;
    if (!count)
        return say_error(
            cmd, "At least one of options --min-workers, --max-workers, --priority-workers is mandatory ");
    if (crossed(params, count, VIR_THREADPOOL_WORKERS_MIN, VIR_THREADPOOL_WORKERS_MAX))
        return say_error(cmd, "--min-workers must be less than or equal to --max-workers");
    virAdmServerPtr server = cmd_server(cmd);

    if (!server)
        return -1;
    if (virAdmServerSetThreadPoolParameters(server, params, count, 0) < 0)
        return say_error(cmd, "Unable to change server workerpool parameters");
    return 0;
}

const struct command cmd_server_threadpool_set = {
    "server-threadpool-set",
    "set server workerpool parameters",
    "Tune threadpool attributes on a server. See OPTIONS for currently supported attributes.",
    OPTIONS(SERVER("Server to alter threadpool attributes on."),
            NUMBER("min-workers", "Change bottom limit to number of workers."),
            NUMBER("max-workers", "Change upper limit to number of workers."),
            NUMBER("priority-workers", "Change the current number of priority workers")),
    .run = server_threadpool_set,
};

static int server_clients_set(struct cmd *cmd)
{
    static const struct limit limits[] = {
        {"max-clients", VIR_SERVER_CLIENTS_MAX},
        {"max-unauth-clients", VIR_SERVER_CLIENTS_UNAUTH_MAX},
    };
    virTypedParameter params[ARRAY_SIZE(limits)];
    int count = read_limits(cmd, limits, ARRAY_SIZE(limits), params);

    if (count < 0)
        return -1;
    if (!count)
        return say_error(cmd, "At least one of options --max-clients, --max-unauth-clients is mandatory");
    if (crossed(params, count, VIR_SERVER_CLIENTS_UNAUTH_MAX, VIR_SERVER_CLIENTS_MAX))
        return say_error(cmd, "--max-unauth-clients must be less than or equal to --max-clients");
    virAdmServerPtr server = cmd_server(cmd);

    if (!server)
        return -1;
    if (virAdmServerSetClientLimits(server, params, count, 0) < 0)
        return say_error(cmd, "Unable to change server's client-related configuration limits");
    return 0;
}

const struct command cmd_server_clients_set = {
    "server-clients-set",
    "set server's client-related configuration limits",
    "Tune server's client-related configuration limits. See OPTIONS for currently supported attributes.",
    OPTIONS(
        SERVER("Server to alter the client-related configuration limits on."),
        NUMBER("max-clients", "Change the upper limit to overall number of clients connected to the server."),
        NUMBER("max-unauth-clients", "Change the upper limit to number of clients waiting for authentication "
                                     "to be connected to the server")),
    .run = server_clients_set,
};

static int server_update_tls(struct cmd *cmd)
{
    virAdmServerPtr server = cmd_server(cmd);

    if (!server)
        return -1;
    if (virAdmServerUpdateTlsFiles(server, 0) < 0)
        return say_error(cmd, "Unable to update server's tls related files.");
    say(cmd, "update tls related files succeed\n");
    return 0;
}

const struct command cmd_server_update_tls = {
    "server-update-tls",
    "notify server to update TLS related files online.",
    "notify server to update the CA cert, CA CRL, server cert / key without restarts. See OPTIONS for "
    "currently "
    "supported attributes.",
    OPTIONS(SERVER("Available servers on a daemon. Currently only supports 'libvirtd' or 'virtproxyd'.")),
    .run = server_update_tls,
};

/* ---- clients --------------------------------------------------------------------------------------------
 */

static const char *transport_name(int transport)
{
    /* by VIR_CLIENT_TRANS_* */
    static const char *const names[] = {"unix", "tcp", "tls"};

    return transport >= 0 && transport < (int)ARRAY_SIZE(names) ? names[transport] : "unknown";
}

static const char *time_text(struct cmd *cmd, long long seconds)
{
    time_t when = (time_t)seconds;
    struct tm tm;
    char text[64];

    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S%z", localtime_r(&when, &tm));
    return cmd_printf(cmd, "%s", text);
}

static int client_list(struct cmd *cmd)
{
    virAdmServerPtr server = cmd_server(cmd);
    virAdmClientPtr *clients = NULL;

    if (!server)
        return -1;
    int count = virAdmServerListClients(server, &clients, 0);

    if (count < 0)
        return say_error(cmd, "failed to obtain list of connected clients from server '%s'",
                         cmd_raw(cmd, "server"));
    own_list(cmd, clients, count, client);
    struct table *table = table_new(cmd, "id#:Id", "transport:Transport", "connected:Connected since");

    for (int i = 0; i < count; i++)
        table_row(table, cmd_printf(cmd, "%llu", virAdmClientGetID(clients[i])),
                  transport_name(virAdmClientGetTransport(clients[i])),
                  time_text(cmd, virAdmClientGetTimestamp(clients[i])));
    table_print(table, NULL);
    return 0;
}

const struct command cmd_client_list = {
    "client-list",
    "list clients connected to <server>",
    "List all manageable clients connected to <server>.",
    OPTIONS(SERVER("server which to list connected clients from")),
    .run = client_list,
    .json = "[{id: number, transport: string, connected: string}]",
};

static int client_info(struct cmd *cmd)
{
    virTypedParameterPtr params = NULL;
    unsigned long long id = 0;
    int count = 0;

    if (cmd_u64(cmd, "client", &id) < 0)
        return -1;
    virAdmServerPtr server = cmd_server(cmd);
    virAdmClientPtr client = server ? cmd_client(cmd, server, &id) : NULL;

    if (!client)
        return -1;
    if (virAdmClientGetInfo(client, &params, &count, 0) < 0)
        return say_error(
            cmd,
            "failed to retrieve client identity information for client '%llu' connected to server "
            "'%s'",
            id, cmd_raw(cmd, "server"));
    layout(cmd, LAYOUT_COLON);
    field_u64(cmd, "id", "id", id, NULL);
    field(cmd, "connection_time", "connection_time", time_text(cmd, virAdmClientGetTimestamp(client)));
    field(cmd, "transport", "transport", transport_name(virAdmClientGetTransport(client)));
    for (int i = 0; i < count; i++)
        field_param(cmd, NULL, &params[i]);
    virTypedParamsFree(params, count);
    return 0;
}

const struct command cmd_client_info = {
    "client-info",
    "retrieve client's identity info from server",
    "Retrieve identity details about <client> from <server>",
    OPTIONS(SERVER("server to which <client> is connected to"),
            ARG("client", "client which to retrieve identity information for")),
    .run = client_info,
    .json = "{id: number, connection_time: string, transport: string, readonly: boolean, *: string}",
};

static int client_disconnect(struct cmd *cmd)
{
    unsigned long long id = 0;

    if (cmd_u64(cmd, "client", &id) < 0)
        return -1;
    virAdmServerPtr server = cmd_server(cmd);
    virAdmClientPtr client = server ? cmd_client(cmd, server, &id) : NULL;

    if (!client)
        return -1;
    if (virAdmClientClose(client, 0) < 0)
        return say_error(cmd, "Failed to disconnect client '%llu' from server %s", id,
                         cmd_raw(cmd, "server"));
    say(cmd, "Client '%llu' disconnected", id);
    return 0;
}

const struct command cmd_client_disconnect = {
    "client-disconnect",
    "force disconnect a client from the given server",
    "Force close a specific client's connection to the given server.",
    OPTIONS(SERVER("server which the client is currently connected to"),
            ARG_NUMBER("client", "client which to disconnect, specified by ID")),
    .run = client_disconnect,
};

/* ---- names of old ---------------------------------------------------------------------------------------
 */

const struct command cmd_srv_list = {"srv-list", "server-list", .is = IS_ALIAS};
const struct command cmd_srv_threadpool_info = {"srv-threadpool-info", "server-threadpool-info",
                                                .is = IS_ALIAS};
const struct command cmd_srv_clients_list = {"srv-clients-list", "client-list", .is = IS_ALIAS};
const struct command cmd_srv_clients_info = {"srv-clients-info", "server-clients-info", .is = IS_ALIAS};
const struct command cmd_srv_threadpool_set = {"srv-threadpool-set", "server-threadpool-set", .is = IS_ALIAS};
const struct command cmd_srv_clients_set = {"srv-clients-set", "server-clients-set", .is = IS_ALIAS};
const struct command cmd_srv_update_tls = {"srv-update-tls", "server-update-tls", .is = IS_ALIAS};

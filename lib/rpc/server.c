/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Servers: listening sockets, the limits on clients, and the method tables of a daemon folded into one array
 * per program, so that a call finds its method by its number.
 */
#define ERR_FROM ERR_FROM_RPC
#include "rpc/server.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/time.h"
#include "loop/keep.h"
#include "rpc/core.h"

static const struct method *const admin_tables[] = {admin_methods, NULL};
static const struct server_spec admin_spec = {
    .name = "admin", .driver = "admin", .methods = admin_tables, .owners = 1u << OWNER_ADMIN};

/* Methods. */

static void add_method(struct server *server, const struct method *method)
{
    const struct program *program = program_find(method->procedure->program);
    struct service_program *at = server->programs;

    while (at < server->programs + server->program_count && at->program != program)
        at++;
    if (at == server->programs + PROGRAMS_MAX)
        return;
    if (at == server->programs + server->program_count) {
        server->program_count++;
        *at = (struct service_program){program, NEW_ARRAY(method_function *, program->last + 1u)};
    }
    at->functions[method->procedure->number] = method->function;
}

/* Methods of this layer serve the daemons whose calls they are. */
static void add_common(struct server *server, const struct method *table)
{
    for (; table->procedure; table++)
        if (table->procedure->owner == OWNER_ANY || server->owners & 1u << table->procedure->owner)
            add_method(server, table);
}

static struct server *server_make(const struct server_spec *spec, const struct server_conf *conf)
{
    struct server *server = NEW(struct server);

    server->spec = spec;
    server->conf = *conf;
    server->name = spec->name;
    server->owners = spec->owners;
    server->next_id = 1;
    server->accepting = true;
    list_init(&server->clients);
    list_init(&server->listeners);
    list_init(&server->registrations);
    return server;
}

struct server *server_new(const struct server_spec *spec, const struct server_conf *conf)
{
    struct server *server = server_make(spec, conf);

    if (spec->scheme)
        server->uri = mem_printf("%s:///%s", spec->scheme, spec->privileged ? "system" : "session");
    add_common(server, connect_methods);
    add_common(server, auth_methods);
    add_common(server, event_methods);
    for (const struct method *const *table = spec->methods; table && *table; table++)
        for (const struct method *method = *table; method->procedure; method++)
            add_method(server, method);
    server->admin = server_make(&admin_spec, conf);
    server->admin->main = server;
    add_common(server->admin, admin_methods);
    return server;
}

static void end_clients(struct server *server)
{
    while (!list_empty(&server->clients))
        client_end(LIST_FIRST(&server->clients, struct client, link));
}

void server_free(struct server *server)
{
    struct listener *listener;

    if (!server)
        return;
    end_clients(server);
    if (server->admin)
        end_clients(server->admin);
    server_free(server->admin);
    LIST_FOREACH(&server->listeners, listener, link) {
        watch_remove(&listener->watch);
        fd_close(&listener->fd);
        free(listener);
    }
    timer_stop(&server->tick);
    for (unsigned i = 0; i < server->program_count; i++)
        free(server->programs[i].functions);
    free(server->uri);
    free(server);
}

struct server_conf *server_admin_conf(struct server *server)
{
    return &server->admin->conf;
}

const struct server_spec *server_spec_of(const struct server *server)
{
    return server->spec;
}

bool server_busy(const struct server *server)
{
    return server->client_count || (server->admin && server->admin->client_count);
}

/* Who may come in. At a limit the sockets aren't listened to: whoever connects waits in the kernel's queue.
 */

static bool server_full(const struct server *server)
{
    return server->draining || server->client_count >= server->conf.max_clients ||
           (server->conf.max_anonymous_clients &&
            server->anonymous_count >= server->conf.max_anonymous_clients);
}

void server_accept_again(struct server *server)
{
    bool accepting = !server_full(server);
    struct listener *listener;

    if (accepting == server->accepting)
        return;
    server->accepting = accepting;
    if (!accepting && !server->draining)
        log_warning("server '%s' is full (%u clients, %u of them not authenticated): new ones have to wait",
                    server->name, server->client_count, server->anonymous_count);
    LIST_FOREACH(&server->listeners, listener, link)
        watch_set(&listener->watch, accepting ? EPOLLIN : 0);
}

static void server_activity(struct server *server, bool busy)
{
    struct server *main = server->main ? server->main : server;

    if (main->spec->activity)
        main->spec->activity(main, busy);
}

struct client *server_add_client(struct server *server, int fd, enum server_service service, struct err *err)
{
    struct server *at = service == SERVICE_ADMIN ? server->admin : server;
    bool busy = server_busy(server);
    struct client *client;

    client = client_new(at, fd, service, err);
    if (client && !busy)
        server_activity(server, true);
    server_accept_again(at);
    return client;
}

struct client *server_add_again(struct server *server, int fd, enum server_service service, uint64_t id,
                                struct identity *peer, struct err *err)
{
    bool busy = server_busy(server);
    struct client *client = client_again(server, fd, service, id, peer, err);

    if (client && !busy)
        server_activity(server, true);
    server_accept_again(server);
    return client;
}

void server_client_gone(struct server *server, struct client *client)
{
    struct server *main = server->main ? server->main : server;

    list_remove(&client->link);
    server->client_count--;
    if (!client->authenticated)
        server->anonymous_count--;
    server_accept_again(server);
    if (!server_busy(main))
        server_activity(main, false);
}

static void on_listener(struct watch *watch, uint32_t events)
{
    struct listener *listener = CONTAINER_OF(watch, struct listener, watch);
    struct server *server = listener->server;
    auto_err struct err err = {0};
    int client = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (client < 0) {
        /* no descriptor or no memory: the next one that leaves makes room */
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            log_error("server '%s' can't accept a client: %s", server->name, strerror(errno));
            server->accepting = false;
            watch_set(watch, 0);
            server_need_tick(server);
        }
        return;
    }
    if (!server_add_client(server->main ? server->main : server, client, listener->service, &err))
        log_warning("server '%s' refused a client: %s", server->name, err.message);
}

int server_listen(struct server *server, int fd, enum server_service service, struct err *err)
{
    struct server *at = service == SERVICE_ADMIN ? server->admin : server;
    struct listener *listener = NEW(struct listener);
    int r;

    listener->server = at;
    listener->fd = fd;
    listener->service = service;
    fd_set_nonblock(fd, true);
    r = watch_add(&listener->watch, fd, EPOLLIN, on_listener);
    if (r < 0) {
        fd_close(&fd);
        free(listener);
        return err_system(err, r, "cannot listen for clients of '%s'", at->name);
    }
    list_append(&at->listeners, &listener->link);
    return 0;
}

/* Once per keepalive interval, while there is somebody to look after. */

static uint64_t tick_interval(const struct server *server)
{
    return SECONDS(server->conf.keepalive_interval > 0 ? (unsigned)server->conf.keepalive_interval : 5);
}

/* Returns true when this client needs another look. */
static bool tick_client(struct server *server, struct client *client, uint64_t now)
{
    if (!client->authenticated) {
        uint64_t patience = server_full(server) ? CROWDED_USEC : ANONYMOUS_USEC;

        if (now - client->since > patience && !client->call_count)
            client_close(client, "it didn't authenticate in time");
        return true;
    }
    if (!client->keepalive || server->conf.keepalive_interval <= 0)
        return false;
    if (client->conn.heard) {
        client->conn.heard = false;
        client->missed = 0;
    } else if (client->missed >= server->conf.keepalive_count) {
        client_close(client, "no answer to keepalive messages");
    } else {
        client->missed++;
        keepalive_ping(&client->conn);
    }
    return true;
}

static void on_tick(void *arg)
{
    struct server *server = arg;
    uint64_t now = time_monotonic();
    struct client *client;
    bool again = false;

    LIST_FOREACH(&server->clients, client, link)
        again |= tick_client(server, client, now);
    server_accept_again(server);
    if (again)
        server_need_tick(server);
}

void server_need_tick(struct server *server)
{
    if (!timer_running(&server->tick))
        timer_once(&server->tick, tick_interval(server), on_tick, server);
}

/* The end. */

/* Whoever still waits is told that time is over. */
static void cancel_calls(struct client *client, const struct req *except)
{
    struct call *call;

    LIST_FOREACH(&client->calls, call, link)
        if (call->rq.fiber && &call->rq != except)
            fiber_cancel(&call->rq);
}

void server_refuse(struct server *server, const char *trouble)
{
    server->trouble = server->admin->trouble = trouble;
}

static void drain_one(struct req *rq, struct server *server, uint64_t usec, bool keep)
{
    uint64_t until = time_monotonic() + usec;
    struct client *client;

    if (keep)
        handover_choose(server);
    server->draining = true;
    server_accept_again(server);
    for (int round = 0; round < 2 && server->call_count; round++) {
        uint64_t now = time_monotonic();
        struct wait wait = {0};

        if (round)
            LIST_FOREACH(&server->clients, client, link)
                cancel_calls(client, rq);
        server->idle = &wait;
        fiber_await(rq, &wait,
                    round         ? SECONDS(2)
                    : now < until ? until - now
                                  : 1,
                    "calls that are under way");
        server->idle = NULL;
    }
    LIST_FOREACH(&server->clients, client, link)
        if (!client->stays || !handover_give(client))
            conn_close_when_sent(&client->conn);
    if (keep)
        keep_settle();
}

void server_drain(struct req *rq, struct server *server, uint64_t usec, bool keep)
{
    drain_one(rq, server, usec, keep);
    drain_one(rq, server->admin, usec, /* keep= */ false);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rpc/serve.h"

#include "access/audit.h"
#include "rpc/peer.h"
#include "base/fd.h"

/* The daemon skeleton asks by place, the server by purpose: both mean the same sockets. */
static const enum server_service services[DAEMON_SOCKET_MAX] = {
    [DAEMON_MAIN] = SERVICE_MAIN, [DAEMON_RO] = SERVICE_RO, [DAEMON_ADMIN] = SERVICE_ADMIN};

static struct serve *serve_of(const struct server *server)
{
    return CONTAINER_OF(server_spec_of(server), struct serve, spec);
}

/* Clients keep the daemon from leaving. */
static void activity(struct server *server, bool busy)
{
    struct serve *serve = serve_of(server);

    if (serve->what->server.activity)
        serve->what->server.activity(server, busy);
    if (busy == serve->held)
        return;
    serve->held = busy;
    if (busy)
        daemon_hold(serve->daemon);
    else
        daemon_release(serve->daemon);
    if (!busy && serve->daemon->embed_fd >= 0)
        daemon_stop(serve->daemon, "the program that it belongs to closed its connection");
}

static int set_timeout(struct server *server, unsigned seconds, struct err *err)
{
    daemon_set_timeout(serve_of(server)->daemon, SECONDS(seconds));
    return 0;
}

static int shut_down(struct server *server, unsigned flags, struct err *err)
{
    daemon_stop(serve_of(server)->daemon, "an administrator asked for it");
    return 0;
}

static struct server_conf main_conf(const struct daemon_conf *from)
{
    return (struct server_conf){
        .max_clients = from->max_clients,
        .max_queued_clients = from->max_queued_clients,
        .max_anonymous_clients = from->max_anonymous_clients,
        .min_workers = from->min_workers,
        .max_workers = from->max_workers,
        .prio_workers = from->prio_workers,
        .max_client_requests = from->max_client_requests,
        .keepalive_interval = from->keepalive_interval,
        .keepalive_count = from->keepalive_count,
        .auth_unix_rw = from->auth_unix_rw,
        .auth_unix_ro = from->auth_unix_ro,
    };
}

static struct server_conf admin_conf(const struct daemon_conf *from)
{
    return (struct server_conf){
        .max_clients = from->admin_max_clients,
        .max_queued_clients = from->admin_max_queued_clients,
        .max_anonymous_clients = from->admin_max_clients,
        .min_workers = from->admin_min_workers,
        .max_workers = from->admin_max_workers,
        .max_client_requests = from->admin_max_client_requests,
        .keepalive_interval = from->admin_keepalive_interval,
        .keepalive_count = from->admin_keepalive_count,
    };
}

static void describe(struct serve *serve, struct daemon *daemon)
{
    serve->daemon = daemon;
    serve->spec = serve->what->server;
    serve->spec.name = daemon->spec->name;
    serve->spec.privileged = daemon->privileged;
    serve->spec.embedded = daemon->embed_fd >= 0;
    serve->spec.activity = activity;
    serve->spec.set_timeout = set_timeout;
    serve->spec.shutdown = shut_down;
    if (daemon->root)
        peer_prefer_dir(daemon->paths.run);
}

static int serve_start(struct daemon *daemon, struct err *err)
{
    struct serve *serve = daemon->data;

    describe(serve, daemon);
    serve->conf = main_conf(daemon->conf);
    if (acl_init(daemon->conf->access_drivers, serve->spec.driver, err) < 0)
        return -1;
    audit_init(daemon->conf->audit_level, daemon->conf->audit_logging);
    serve->server = server_new(&serve->spec, &serve->conf);
    *server_admin_conf(serve->server) = admin_conf(daemon->conf);
    return serve->what->start ? serve->what->start(serve, err) : 0;
}

/* As much as is needed to say no; the start may have failed anywhere. */
static void serve_explain(struct daemon *daemon, const char *trouble)
{
    struct serve *serve = daemon->data;

    if (!serve->server) {
        describe(serve, daemon);
        serve->conf = (struct server_conf)SERVER_CONF_DEFAULT;
        serve->server = server_new(&serve->spec, &serve->conf);
    }
    server_refuse(serve->server, trouble);
}

static int serve_listen(struct daemon *daemon, int fd, enum daemon_socket kind, struct err *err)
{
    struct serve *serve = daemon->data;

    return server_listen(serve->server, fd, services[kind], err);
}

static int serve_one(struct daemon *daemon, int fd, struct err *err)
{
    struct serve *serve = daemon->data;

    fd_set_nonblock(fd, true);
    return server_add_client(serve->server, fd, SERVICE_MAIN, err) ? 0 : -1;
}

static int serve_reload(struct daemon *daemon, struct err *err)
{
    struct serve *serve = daemon->data;

    return serve->what->reload ? serve->what->reload(serve, err) : 0;
}

static void serve_drain(struct req *rq, struct daemon *daemon, uint64_t usec, bool keep)
{
    struct serve *serve = daemon->data;

    server_drain(rq, serve->server, usec, keep);
}

static void serve_resume(struct daemon *daemon, struct kept *kept, size_t count)
{
    struct serve *serve = daemon->data;

    server_resume(serve->server, kept, count);
}

static void serve_stop(struct daemon *daemon)
{
    struct serve *serve = daemon->data;

    if (serve->what->stop && daemon->started)
        serve->what->stop(serve);
    if (serve->server)
        server_free(serve->server);
}

int serve_main(int argc, char **argv, const struct serve_spec *what)
{
    struct serve serve = {.what = what};
    struct daemon_spec spec = what->daemon;

    spec.start = serve_start;
    spec.explain = serve_explain;
    spec.listen = serve_listen;
    spec.serve = serve_one;
    spec.reload = serve_reload;
    spec.drain = serve_drain;
    spec.resume = serve_resume;
    spec.stop = serve_stop;
    spec.data = &serve;
    return daemon_main(argc, argv, &spec);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A daemon with one toy domain and nothing behind it: what it takes to drive lib/rpc from outside.
 *
 *     toy-daemon DIR [polkit]     listens on DIR/sock, DIR/sock-ro, DIR/admin-sock until SIGTERM
 *
 * "toy" answers calls; suspend emits a lifecycle event; resume waits 100 ms with the domain's job; a console
 * echoes; core_dump never ends (to be cancelled).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "loop/loop.h"
#include "protocol/qemu.h"
#include "protocol/remote.h"
#include "rpc/client.h"
#include "rpc/event.h"
#include "rpc/peer.h"
#include "rpc/stream.h"

struct vm {
    struct wire_domain ref;
    struct job job;
    int references;
};

static struct vm toy = {.ref = {.name = (char *)"toy", .uuid = {1, 2, 3, 4, 5, 6, 7, 8, 9}, .id = 7}};
static struct server *server;

static void *toy_find(struct req *rq, const void *wire, struct err *err)
{
    const struct wire_domain *ref = wire;

    if (!memcmp(ref->uuid, toy.ref.uuid, sizeof(ref->uuid))) {
        toy.references++;
        return &toy;
    }
    err_set_from(err, ERR_FROM_QEMU, ERR_NO_DOMAIN, "no domain with matching uuid (%s)", ref->name);
    return NULL;
}

static void toy_unref(void *object)
{
    toy.references--;
}

static struct job *toy_job(void *object)
{
    return &toy.job;
}

static void toy_describe(struct arena *arena, const void *object, struct acl_object *ret)
{
    ret->title = "domain 'toy'";
    ret->attributes[ret->count++] = (struct acl_attribute){"domain_name", "toy"};
}

static const struct object_type domain_type = {
    .find = toy_find, .unref = toy_unref, .job = toy_job, .describe = toy_describe};

#define M(name)                                                                                              \
    static int m_##name(struct req *rq, struct client *client, const struct remote_##name##_in *in,          \
                        struct remote_##name##_out *out)
#define D(name)                                                                                              \
    static int m_##name(struct req *rq, struct vm *vm, const struct remote_##name##_in *in,                  \
                        struct remote_##name##_out *out)

M(connect_num_of_domains)
{
    out->num = 1;
    return 0;
}

M(domain_lookup_by_name)
{
    if (!str_eq(in->name, "toy"))
        return err_set_from(&rq->err, ERR_FROM_QEMU, ERR_NO_DOMAIN, "no domain with matching name '%s'",
                            in->name);
    if (req_check(rq, OBJECT_DOMAIN, &toy) < 0)
        return -1;
    out->dom = toy.ref;
    return 0;
}

M(connect_list_all_domains)
{
    out->ret = 1;
    out->domains.n = in->need_results ? 1 : 0;
    out->domains.v = &toy.ref;
    return 0;
}

D(domain_get_info)
{
    out->state = 1;
    out->max_mem = out->memory = 1024;
    out->nr_virt_cpu = 1;
    return 0;
}

D(domain_get_xml_desc)
{
    size_t length = in->flags == 2 ? 4000000 : 100;

    out->xml = arena_alloc(&rq->arena, length + 1);
    memset(out->xml, 'x', length);
    return 0;
}

D(domain_suspend)
{
    struct remote_domain_event_callback_lifecycle_msg message = {
        .msg = {.dom = vm->ref, .event = 3, .detail = 0}};
    struct event_object object = {.uuid = vm->ref.uuid, .name = vm->ref.name, .object = vm};

    event_emit(server, remote_program.number, REMOTE_DOMAIN_EVENT_CALLBACK_LIFECYCLE, &object, &message);
    return 0;
}

D(domain_resume)
{
    int r = fiber_sleep(rq, MILLISECONDS(100), "a toy that takes its time");

    return r == -ECANCELED ? err_set(&rq->err, ERR_OPERATION_ABORTED, "the toy was cancelled") : 0;
}

D(domain_core_dump)
{
    fiber_sleep(rq, SECONDS(3600), "a toy that never ends");
    return err_set(&rq->err, ERR_OPERATION_ABORTED, "the toy was cancelled");
}

D(domain_open_console)
{
    int pair[2];

    if (in->flags == 99)
        return err_set(&rq->err, ERR_OPERATION_FAILED, "no console today");
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return err_system(&rq->err, errno, "cannot make a console");

    stream_pump(rq, pair[0], STREAM_BOTH, UINT64_MAX, NULL, NULL);
    if (!fork()) {
        char bytes[4096];
        ssize_t got;

        sigprocmask(SIG_SETMASK, &(sigset_t){0}, NULL);
        dup2(pair[1], 0);
        close_range(1, ~0u, 0);
        while ((got = read(0, bytes, sizeof(bytes))) > 0)
            (void)!write(0, bytes, (size_t)got);
        _exit(0);
    }
    close(pair[1]);
    return 0;
}

D(domain_screenshot)
{
    char name[] = "/tmp/toy-screenshot-XXXXXX";
    int fd = mkstemp(name);

    unlink(name);
    for (int i = 0; i < 1000; i++)
        (void)!write(fd, "0123456789", 10);
    lseek(fd, 0, SEEK_SET);
    stream_pump(rq, fd, STREAM_TO_CLIENT, UINT64_MAX, NULL, NULL);
    out->mime = (char *)"image/x-portable-pixmap";
    return 0;
}

D(domain_open_graphics_fd)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return err_system(&rq->err, errno, "cannot make a socket");
    (void)!write(pair[1], "hello", 5);
    close(pair[1]);
    req_add_fd(rq, pair[0]);
    return 0;
}

/* Says how many descriptors came, and what the first one holds. */
static int m_monitor_with_files(struct req *rq, struct vm *vm,
                                const struct qemu_domain_monitor_command_with_files_in *in,
                                struct qemu_domain_monitor_command_with_files_out *out)
{
    unsigned count;
    int *fds = req_fds(rq, &count);
    char text[64] = "";

    if (count)
        (void)!read(fds[0], text, sizeof(text) - 1);
    out->result = arena_printf(&rq->arena, "%u %s", count, text);
    return 0;
}

/* The storage daemon. */

M(connect_list_all_storage_pools)
{
    static struct wire_storage_pool pool = {.name = (char *)"toy-pool", .uuid = {9}};

    out->ret = 1;
    out->pools.n = 1;
    out->pools.v = &pool;
    return 0;
}

/* Who asks, as far as this daemon knows; and an event for whoever wants it. */
static int m_storage_pool_refresh(struct req *rq, struct pool *pool,
                                  const struct remote_storage_pool_refresh_in *in,
                                  struct remote_storage_pool_refresh_out *out)
{
    struct remote_storage_pool_event_refresh_msg message = {.pool = in->pool};
    struct event_object object = {.uuid = in->pool.uuid, .name = in->pool.name};
    char who[IDENTITY_TEXT];

    event_emit(server, remote_program.number, REMOTE_STORAGE_POOL_EVENT_REFRESH, &object, &message);
    if (in->flags == 1)
        return err_set_from(&rq->err, ERR_FROM_STORAGE, ERR_OPERATION_FAILED, "%s",
                            identity_text(rq->identity, who));
    return 0;
}

static int m_storage_vol_download(struct req *rq, struct volume *volume,
                                  const struct remote_storage_vol_download_in *in,
                                  struct remote_storage_vol_download_out *out)
{
    char name[] = "/tmp/toy-volume-XXXXXX";
    int fd = mkstemp(name);

    unlink(name);
    if (ftruncate(fd, (off_t)in->length) < 0)
        return err_system(&rq->err, errno, "cannot make a volume");
    stream_pump(rq, fd, STREAM_TO_CLIENT, UINT64_MAX, NULL, NULL);
    return 0;
}

static const struct method storage_methods[] = {
    METHOD(remote, CONNECT_LIST_ALL_STORAGE_POOLS, m_connect_list_all_storage_pools),
    METHOD(remote, STORAGE_POOL_REFRESH, m_storage_pool_refresh),
    METHOD(remote, STORAGE_VOL_DOWNLOAD, m_storage_vol_download),
    {0},
};
static const struct method *const storage_tables[] = {storage_methods, NULL};

static const struct method methods[] = {
    METHOD(remote, CONNECT_NUM_OF_DOMAINS, m_connect_num_of_domains),
    METHOD(remote, DOMAIN_LOOKUP_BY_NAME, m_domain_lookup_by_name),
    METHOD(remote, CONNECT_LIST_ALL_DOMAINS, m_connect_list_all_domains),
    METHOD(remote, DOMAIN_GET_INFO, m_domain_get_info),
    METHOD(remote, DOMAIN_GET_XML_DESC, m_domain_get_xml_desc),
    METHOD(remote, DOMAIN_SUSPEND, m_domain_suspend),
    METHOD(remote, DOMAIN_RESUME, m_domain_resume),
    METHOD(remote, DOMAIN_CORE_DUMP, m_domain_core_dump),
    METHOD(remote, DOMAIN_OPEN_CONSOLE, m_domain_open_console),
    METHOD(remote, DOMAIN_SCREENSHOT, m_domain_screenshot),
    METHOD(remote, DOMAIN_OPEN_GRAPHICS_FD, m_domain_open_graphics_fd),
    METHOD(qemu, DOMAIN_MONITOR_COMMAND_WITH_FILES, m_monitor_with_files),
    {0},
};
static const struct method *const tables[] = {methods, NULL};

static struct server_spec spec = {
    .name = "toy",
    .driver = "TOY",
    .scheme = "toy",
    .privileged = true,
    .forward = true,
    .owners = 1u << OWNER_QEMU,
    .methods = tables,
    .objects = {[OBJECT_DOMAIN] = &domain_type},
};

static int listen_on(const char *directory, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", directory, name);
    unlink(address.sun_path);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 100) < 0) {
        perror(address.sun_path);
        exit(1);
    }
    return fd;
}

static struct req stop;

static void stop_main(struct req *rq, void *arg)
{
    server_drain(rq, server, SECONDS(1), /* keep= */ false);
}

static void stop_done(struct req *rq, void *arg)
{
    sd_event_exit(loop_event(), 0);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
    fiber_start(&stop, stop_main, stop_done, NULL);
    return 0;
}

int main(int argc, char **argv)
{
    struct server_conf conf = SERVER_CONF_DEFAULT;
    auto_err struct err err = {0};
    sigset_t signals;

    if (argc < 2)
        return 2;
    conf.auth_unix_rw = conf.auth_unix_ro = argc > 2 ? argv[2] : "none";
    if (getenv("TOY_SESSION"))
        spec.privileged = false;
    if (getenv("TOY_STORAGE")) {
        spec.scheme = "storage";
        spec.owners = 1u << OWNER_STORAGE;
        spec.methods = storage_tables;
        spec.forward = false;
    }
    if (getenv("TOY_KEEPALIVE")) {
        conf.keepalive_interval = atoi(getenv("TOY_KEEPALIVE"));
        conf.keepalive_count = 1;
    }
    if (getenv("TOY_ACL") && acl_init((const char *const[]){getenv("TOY_ACL"), NULL}, "TOY", &err) < 0)
        return 2;
    if (getenv("TOY_DEBUG"))
        log_set_level(LEVEL_DEBUG, &err);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGCHLD, SIG_IGN);
    sd_event_add_signal(loop_event(), NULL, SIGTERM, on_signal, NULL);
    server = server_new(&spec, &conf);
    if (server_listen(server, listen_on(argv[1], "sock"), SERVICE_MAIN, &err) < 0 ||
        server_listen(server, listen_on(argv[1], "sock-ro"), SERVICE_RO, &err) < 0 ||
        server_listen(server, listen_on(argv[1], "admin-sock"), SERVICE_ADMIN, &err) < 0) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    loop_run();
    server_free(server);
    if (toy.references)
        fprintf(stderr, "%d references of the domain leaked\n", toy.references);
    return toy.references != 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt-qemu-qmp-proxy: the monitor of a machine that a daemon owns, as a QMP socket for programs that want to
 * speak to QEMU themselves. Commands (with their descriptors) go through the daemon, events come back.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "config.h"
#include "tool.h"
#include "libvirt/libvirt-qemu.h"
#include "libvirt/libvirt.h"
#include "libvirt/virterror.h"

enum { FDS_MAX = 16, READ_SIZE = 64 * 1024 };

struct proxy {
    virDomainPtr domain;
    int listener, listen_watch;
    /* The one client; -1: none. */
    int client, watch;
    struct json_tokener *tokener;
    int fds[FDS_MAX]; /* came with bytes, for the next command */
    unsigned fd_count;
    char *greeting;
};

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "virt-qemu-qmp-proxy: %s: %s\n", what, why);
    return -1;
}

static void quiet(void *opaque, virErrorPtr error)
{
}

static void drop_fds(struct proxy *proxy)
{
    for (unsigned i = 0; i < proxy->fd_count; i++)
        close(proxy->fds[i]);
    proxy->fd_count = 0;
}

static void on_client(int watch, int fd, int events, void *opaque);

static void drop_client(struct proxy *proxy)
{
    if (proxy->client < 0)
        return;
    virEventRemoveHandle(proxy->watch);
    drop_fds(proxy);
    fd_close(&proxy->client);
    json_tokener_reset(proxy->tokener);
    virEventUpdateHandle(proxy->listen_watch, VIR_EVENT_HANDLE_READABLE);
}

/* One line to the client, which is dropped when it doesn't take it. */
static void tell(struct proxy *proxy, const char *text)
{
    auto_buf struct buf line = {0};

    buf_printf(&line, "%s\r\n", text);
    for (size_t sent = 0; proxy->client >= 0 && sent < line.length;) {
        ssize_t n = send(proxy->client, line.data + sent, line.length - sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            drop_client(proxy);
        else
            sent += (size_t)n;
    }
}

static void tell_object(struct proxy *proxy, struct json_object *object)
{
    tell(proxy, json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
    json_object_put(object);
}

/* The daemon has negotiated already. */
static bool is_negotiation(struct json_object *command)
{
    struct json_object *execute = json_object_object_get(command, "execute");

    return execute && !strcmp(json_object_get_string(execute), "qmp_capabilities");
}

static void tell_with_id(struct proxy *proxy, struct json_object *reply, struct json_object *id)
{
    if (id)
        json_object_object_add(reply, "id", json_object_get(id));
    tell_object(proxy, reply);
}

static struct json_object *error_reply(const char *why)
{
    struct json_object *reply = json_object_new_object(), *error = json_object_new_object();

    json_object_object_add(error, "class", json_object_new_string("GenericError"));
    json_object_object_add(error, "desc", json_object_new_string(why));
    json_object_object_add(reply, "error", error);
    return reply;
}

/* The client's id is ours to keep: the daemon gives commands ids of its own. */
static void run_command(struct proxy *proxy, struct json_object *command)
{
    struct json_object *id = json_object_get(json_object_object_get(command, "id")), *reply = NULL;
    char *result = NULL;

    if (is_negotiation(command)) {
        reply = json_object_new_object();
        json_object_object_add(reply, "return", json_object_new_object());
    } else {
        const char *text;
        int r;

        json_object_object_del(command, "id");
        text = json_object_to_json_string_ext(command, JSON_C_TO_STRING_PLAIN);
        r = proxy->fd_count ? virDomainQemuMonitorCommandWithFiles(proxy->domain, text, proxy->fd_count,
                                                                   proxy->fds, NULL, NULL, &result, 0)
                            : virDomainQemuMonitorCommand(proxy->domain, text, &result, 0);
        drop_fds(proxy);
        if (r >= 0)
            reply = json_tokener_parse(result);
        if (!reply)
            reply = error_reply(r < 0 ? virGetLastErrorMessage() : "the answer is no JSON");
        json_object_object_del(reply, "id");
        free(result);
    }
    tell_with_id(proxy, reply, id);
    json_object_put(id);
}

/* Bytes of the client: whole commands run, the rest waits in the tokener. */
static void take_bytes(struct proxy *proxy, const char *bytes, size_t length)
{
    while (length && proxy->client >= 0) {
        struct json_object *command = json_tokener_parse_ex(proxy->tokener, bytes, (int)length);
        enum json_tokener_error why = json_tokener_get_error(proxy->tokener);
        size_t used = json_tokener_get_parse_end(proxy->tokener);

        if (why == json_tokener_continue)
            return;
        if (why != json_tokener_success) {
            tell_object(proxy, error_reply("Invalid JSON syntax"));
            json_tokener_reset(proxy->tokener);
            return;
        }
        if (json_object_is_type(command, json_type_object))
            run_command(proxy, command);
        else
            tell_object(proxy, error_reply("QMP input must be a JSON object"));
        json_object_put(command);
        bytes += used;
        length -= used;
        while (length && strchr(" \t\r\n", *bytes))
            bytes++, length--;
    }
}

static void take_fds(struct proxy *proxy, struct msghdr *message)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
        const int *fds = (const int *)CMSG_DATA(part);
        size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < count; i++) {
            if (proxy->fd_count < FDS_MAX)
                proxy->fds[proxy->fd_count++] = fds[i];
            else
                close(fds[i]);
        }
    }
}

static void on_client(int watch, int fd, int events, void *opaque)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
    } control;
    static char bytes[READ_SIZE];
    struct iovec part = {bytes, sizeof(bytes)};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    struct proxy *proxy = opaque;
    ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);

    if (n < 0 && errno == EINTR)
        return;
    if (n <= 0) {
        drop_client(proxy);
        return;
    }
    take_fds(proxy, &message);
    take_bytes(proxy, bytes, (size_t)n);
}

/* While a client is there, others wait in the kernel's queue. */
static void on_listener(int watch, int fd, int events, void *opaque)
{
    struct proxy *proxy = opaque;
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

    if (client < 0)
        return;
    virEventUpdateHandle(proxy->listen_watch, 0);
    proxy->client = client;
    proxy->watch = virEventAddHandle(client, VIR_EVENT_HANDLE_READABLE, on_client, proxy, NULL);
    tell(proxy, proxy->greeting);
}

static void on_event(virConnectPtr conn, virDomainPtr domain, const char *event, long long seconds,
                     unsigned int micros, const char *details, void *opaque)
{
    struct proxy *proxy = opaque;
    struct json_object *message, *stamp, *data;

    if (proxy->client < 0)
        return;
    message = json_object_new_object();
    stamp = json_object_new_object();
    data = details ? json_tokener_parse(details) : NULL;
    json_object_object_add(stamp, "seconds", json_object_new_int64(seconds));
    json_object_object_add(stamp, "microseconds", json_object_new_int64(micros));
    json_object_object_add(message, "event", json_object_new_string(event));
    if (data)
        json_object_object_add(message, "data", data);
    json_object_object_add(message, "timestamp", stamp);
    tell_object(proxy, message);
}

static int listen_at(struct proxy *proxy, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    mode_t mask;
    int r;

    if (strlen(path) >= sizeof(address.sun_path))
        return fail(path, strerror(ENAMETOOLONG));
    strcpy(address.sun_path, path);
    proxy->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (proxy->listener < 0)
        return fail("cannot make a socket", strerror(errno));
    mask = umask(077); /* whoever connects rules the machine */
    r = bind(proxy->listener, (struct sockaddr *)&address, sizeof(address));
    umask(mask);
    if (r < 0 || listen(proxy->listener, 1) < 0)
        return fail(path, strerror(errno));
    proxy->listen_watch =
        virEventAddHandle(proxy->listener, VIR_EVENT_HANDLE_READABLE, on_listener, proxy, NULL);
    return 0;
}

/* What QEMU itself says first; its version comes from QEMU. */
static int prepare_greeting(struct proxy *proxy)
{
    struct json_object *reply, *version = NULL;
    char *text = NULL;

    if (virDomainQemuMonitorCommand(proxy->domain, "{\"execute\":\"query-version\"}", &text, 0) < 0)
        return fail("cannot reach the monitor", virGetLastErrorMessage());
    reply = json_tokener_parse(text);
    free(text);
    if (!json_object_object_get_ex(reply, "return", &version)) {
        json_object_put(reply);
        return fail("cannot reach the monitor", "QEMU doesn't tell its version");
    }
    proxy->greeting = mem_printf("{\"QMP\": {\"version\": %s, \"capabilities\": [\"oob\"]}}",
                                 json_object_to_json_string_ext(version, JSON_C_TO_STRING_PLAIN));
    json_object_put(reply);
    return 0;
}

static void on_closed(virConnectPtr conn, int reason, void *opaque)
{
    exit(fail("the connection has ended", "the daemon is gone") < 0);
}

static int serve(virConnectPtr conn, const char *name, const char *path)
{
    struct proxy proxy = {.client = -1, .tokener = json_tokener_new()};

    proxy.domain = virDomainLookupByUUIDString(conn, name);
    if (!proxy.domain)
        proxy.domain = virDomainLookupByName(conn, name);
    if (!proxy.domain)
        return fail(name, virGetLastErrorMessage());
    virConnectRegisterCloseCallback(conn, on_closed, NULL, NULL);
    if (prepare_greeting(&proxy) < 0 || listen_at(&proxy, path) < 0)
        return -1;
    if (virConnectDomainQemuMonitorEventRegister(conn, proxy.domain, NULL, on_event, &proxy, NULL, 0) < 0)
        return fail("cannot register for events", virGetLastErrorMessage());
    while (virEventRunDefaultImpl() == 0)
        ;
    return -1;
}

static const struct tool_option options[] = {
    {'c', "connect", "URI", "The connection, as for virsh(1)."},
    TOOL_VERSION('V'),
    {0},
};

static const char *const paragraphs[] = {
    "Listens on a Unix socket that only its user may open, and speaks QEMU's machine protocol there, for "
    "debuggers and other programs that know QEMU and not the daemon. Commands, also with file descriptors, "
    "are sent through the daemon; events of the machine come back. One client at a time is served.",
    "Commands that change the machine behind the daemon's back leave it with a wrong picture: such a machine "
    "is marked as tainted.",
    NULL,
};

static const struct tool tool = {
    .name = "virt-qemu-qmp-proxy",
    .purpose = "the monitor of a running machine as a QMP socket",
    .arguments = "[OPTION...] DOMAIN SOCKET",
    .text = paragraphs,
    .options = options,
    .status = "1 when the machine, its monitor or the socket can't be had, or when the daemon is gone.",
    .see_also = "virsh(1)",
    .usage = "usage: virt-qemu-qmp-proxy [-h] [-c URI] DOMAIN SOCKET\n"
             "\n"
             "Serve the QMP monitor of a running domain on a Unix socket, through the daemon that owns it.\n"
             "\n"
             "  -c, --connect URI   connection to use\n"
             "  -V, --version       display the version\n"
             "  -h, --help          display this help\n",
    .version = PACKAGE_VERSION,
};

int main(int argc, char **argv)
{
    const char *uri = NULL;
    virConnectPtr conn;
    int option, r;

    while ((option = tool_next(&tool, argc, argv, EXIT_FAILURE)) != -1)
        switch (option) {
        case 'c':
            uri = optarg;
            break;
        }
    if (argc - optind != 2)
        tool_misused(&tool, EXIT_FAILURE);
    virSetErrorFunc(NULL, quiet);
    virEventRegisterDefaultImpl();
    conn = virConnectOpen(uri);
    if (!conn)
        return fail("cannot connect", virGetLastErrorMessage()) < 0;
    r = serve(conn, argv[optind], argv[optind + 1]);
    virConnectClose(conn);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

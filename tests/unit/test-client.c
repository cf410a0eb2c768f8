/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The client library against a server that does as it is told: a thread that reads calls and answers with
 * what the test wants, in the order that it wants, or with nonsense.
 */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/keepalive.h"
#include "protocol/remote.h"
#include "rpc/frame.h"
#include "rpc/xdr.h"
#include "unit.h"

struct server {
    int listener, fd;
    char folder[64], uri[160];
    pthread_t thread;
    void (*script)(struct server *server); /* after the greeting */
    struct frame_header header;            /* of the last frame that came */
    char payload[4096];
    size_t length;
    bool read_only; /* what the greeting asked for */
    unsigned calls; /* that came after the greeting */
};

/* The server's side. */

static bool read_all(int fd, void *to, size_t length)
{
    while (length) {
        ssize_t got = read(fd, to, length);

        if (got <= 0)
            return false;
        to = (char *)to + got;
        length -= (size_t)got;
    }
    return true;
}

static bool next_call(struct server *server)
{
    uint8_t head[FRAME_HEADER];

    if (!read_all(server->fd, head, sizeof(head)))
        return false;
    frame_get(head, &server->header);
    server->length = frame_get_u32(head) - FRAME_HEADER;
    ck_assert_uint_le(server->length, sizeof(server->payload));
    return read_all(server->fd, server->payload, server->length);
}

static void send_frame(struct server *server, const struct frame_header *header, unsigned type,
                       const void *value)
{
    auto_buf struct buf frame = {0};

    buf_add(&frame, "0123456789012345678901234567", FRAME_HEADER);
    ck_assert_int_eq(xdr_encode(type, value, &frame, NULL), 0);
    frame_put((uint8_t *)frame.data, (uint32_t)frame.length, header);
    ck_assert_int_eq(write(server->fd, frame.data, frame.length), (ssize_t)frame.length);
}

static void answer(struct server *server, unsigned type, const void *value)
{
    struct frame_header header = server->header;

    header.type = FRAME_REPLY;
    send_frame(server, &header, type, value);
}

static void refuse(struct server *server, int code, int domain, const char *message)
{
    struct wire_error error = {
        .code = code, .domain = domain, .message = (char *)message, .level = 2, .int1 = -1};
    struct frame_header header = server->header;

    header.type = FRAME_REPLY;
    header.status = FRAME_ERROR;
    send_frame(server, &header, XDR_wire_error, &error);
}

static void event(struct server *server, int32_t procedure, unsigned type, const void *value)
{
    struct frame_header header = {.program = remote_program.number,
                                  .version = 1,
                                  .procedure = procedure,
                                  .type = FRAME_MESSAGE,
                                  .serial = 1};

    send_frame(server, &header, type, value);
}

static void greet(struct server *server)
{
    struct remote_auth_list_out list = {0};
    struct remote_connect_open_in in;
    auto_arena struct arena arena = {0};

    ck_assert(next_call(server));
    ck_assert_int_eq(server->header.procedure, REMOTE_AUTH_LIST);
    answer(server, XDR_remote_auth_list_out, &list);
    ck_assert(next_call(server));
    ck_assert_int_eq(server->header.procedure, REMOTE_CONNECT_OPEN);
    ck_assert_int_ge(
        xdr_decode(XDR_remote_connect_open_in, server->payload, server->length, &in, &arena, NULL), 0);
    ck_assert_str_eq(in.name, "test:///default");
    server->read_only = in.flags & 1;
    answer(server, XDR_NONE, &list);
}

static void *serve(void *arg)
{
    struct server *server = arg;

    server->fd = accept(server->listener, NULL, NULL);
    greet(server);
    server->script(server);
    close(server->fd);
    return NULL;
}

static void silent(void *data, virErrorPtr error)
{
}

static void start(struct server *server, void (*script)(struct server *server))
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    virSetErrorFunc(NULL, silent);
    *server = (struct server){.script = script};
    strcpy(server->folder, "/tmp/test-client-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(server->folder));
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/sock", server->folder);
    snprintf(server->uri, sizeof(server->uri), "test+unix:///default?socket=%s", address.sun_path);
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(server->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(server->listener, 1), 0);
    ck_assert_int_eq(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void stop(struct server *server)
{
    char path[80];

    pthread_join(server->thread, NULL);
    close(server->listener);
    snprintf(path, sizeof(path), "%s/sock", server->folder);
    unlink(path);
    rmdir(server->folder);
}

static void check_error(int code, int domain, const char *message)
{
    virErrorPtr error = virGetLastError();

    ck_assert_ptr_nonnull(error);
    ck_assert_str_eq(error->message, message);
    ck_assert_int_eq(error->code, code);
    ck_assert_int_eq(error->domain, domain);
}

/* Everything that a test doesn't care for: the close at the end. */
static void rest(struct server *server)
{
    struct remote_connect_close_out nothing;

    while (next_call(server)) {
        server->calls++;
        answer(server, XDR_NONE, &nothing);
        if (server->header.procedure == REMOTE_CONNECT_CLOSE)
            return;
    }
}

/* Tests: a script for the server, then what the client does. */

static const struct wire_domain demo = {(char *)"demo", {1, 2, 3}, 7};

static void answers_and_errors(struct server *server)
{
    struct remote_domain_lookup_by_name_out found = {demo};

    ck_assert(next_call(server));
    ck_assert_int_eq(server->header.procedure, REMOTE_DOMAIN_LOOKUP_BY_NAME);
    answer(server, XDR_remote_domain_lookup_by_name_out, &found);
    ck_assert(next_call(server));
    refuse(server, VIR_ERR_NO_DOMAIN, VIR_FROM_QEMU, "Domain not found: no domain with matching name 'x'");
    ck_assert(next_call(server));
    refuse(server, VIR_ERR_RPC, VIR_FROM_RPC, "unknown procedure: 34");
    ck_assert(next_call(server));
    answer(server, XDR_NONE, &found); /* nothing, where a text should be */
    rest(server);
}

START_TEST(calls)
{
    struct server server;
    virConnectPtr conn;
    virDomainPtr domain;

    start(&server, answers_and_errors);
    conn = virConnectOpen(server.uri);
    ck_assert_ptr_nonnull(conn);
    domain = virDomainLookupByName(conn, "demo");
    ck_assert_str_eq(virDomainGetName(domain), "demo");
    ck_assert_uint_eq(virDomainGetID(domain), 7);
    ck_assert_ptr_null(virGetLastError());

    ck_assert_ptr_null(virDomainLookupByName(conn, "x"));
    check_error(VIR_ERR_NO_DOMAIN, VIR_FROM_QEMU, "Domain not found: no domain with matching name 'x'");
    ck_assert_int_eq(virDomainSuspend(domain), -1);
    check_error(VIR_ERR_NO_SUPPORT, VIR_FROM_RPC, "unknown procedure: 34");
    ck_assert_ptr_null(virConnectGetCapabilities(conn));
    ck_assert_int_eq(virGetLastErrorCode(), VIR_ERR_RPC);

    /* arguments are looked at before anything is sent */
    ck_assert_ptr_null(virDomainLookupByName(conn, NULL));
    check_error(VIR_ERR_INVALID_ARG, VIR_FROM_DOMAIN, "name in virDomainLookupByName must not be NULL");
    ck_assert_int_eq(virDomainSuspend((virDomainPtr)conn), -1);
    check_error(VIR_ERR_INVALID_DOMAIN, VIR_FROM_DOM, "invalid domain pointer in virDomainSuspend");

    virDomainFree(domain);
    ck_assert_int_eq(virConnectClose(conn), 0);
    stop(&server);
    ck_assert_uint_eq(server.calls, 1);
}
END_TEST

START_TEST(read_only)
{
    struct server server;
    virConnectPtr conn;

    start(&server, rest);
    conn = virConnectOpenReadOnly(server.uri);
    ck_assert_ptr_null(virDomainDefineXML(conn, "<domain/>"));
    check_error(VIR_ERR_OPERATION_DENIED, VIR_FROM_DOMAIN,
                "operation forbidden: read only access prevents virDomainDefineXML");
    virConnectClose(conn);
    stop(&server);
    ck_assert(server.read_only);
    ck_assert_uint_eq(server.calls, 1); /* the close alone */
}
END_TEST

/* Two calls are waited for before the second is answered, then the first. */
static void backwards(struct server *server)
{
    struct remote_connect_num_of_domains_out num = {.num = 1};
    struct frame_header first;

    ck_assert(next_call(server));
    first = server->header;
    ck_assert(next_call(server));
    ck_assert_uint_ne(first.serial, server->header.serial);
    num.num = server->header.procedure;
    answer(server, XDR_remote_connect_num_of_domains_out, &num);
    server->header = first;
    num.num = first.procedure;
    answer(server, XDR_remote_connect_num_of_domains_out, &num);
    rest(server);
}

static void *ask_networks(void *conn)
{
    return (void *)(intptr_t)virConnectNumOfNetworks(conn);
}

START_TEST(threads)
{
    struct server server;
    virConnectPtr conn;
    pthread_t thread;
    void *result;

    start(&server, backwards);
    conn = virConnectOpen(server.uri);
    ck_assert_int_eq(pthread_create(&thread, NULL, ask_networks, conn), 0);
    ck_assert_int_eq(virConnectNumOfDomains(conn), REMOTE_CONNECT_NUM_OF_DOMAINS);
    pthread_join(thread, &result);
    ck_assert_int_eq((int)(intptr_t)result, REMOTE_CONNECT_NUM_OF_NETWORKS);
    virConnectClose(conn);
    stop(&server);
}
END_TEST

/* The event comes while the client waits for something else, and is for callback 5. */
static void events_first(struct server *server)
{
    struct remote_connect_domain_event_callback_register_any_out id = {.callback_id = 5};
    struct remote_domain_event_callback_lifecycle_msg message = {.callback_id = 5, .msg = {demo, 3, 1}};
    struct remote_connect_num_of_domains_out num = {.num = 9};
    struct frame_header ping = {.program = keepalive_program.number,
                                .version = 1,
                                .procedure = KEEPALIVE_PING,
                                .type = FRAME_MESSAGE};

    ck_assert(next_call(server));
    ck_assert_int_eq(server->header.procedure, REMOTE_CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY);
    answer(server, XDR_remote_connect_domain_event_callback_register_any_out, &id);
    ck_assert(next_call(server));
    event(server, REMOTE_DOMAIN_EVENT_CALLBACK_LIFECYCLE, XDR_remote_domain_event_callback_lifecycle_msg,
          &message);
    message.callback_id = 6;
    event(server, REMOTE_DOMAIN_EVENT_CALLBACK_LIFECYCLE, XDR_remote_domain_event_callback_lifecycle_msg,
          &message);
    send_frame(server, &ping, XDR_NONE, &num);
    answer(server, XDR_remote_connect_num_of_domains_out, &num);
    ck_assert(next_call(server));
    ck_assert_uint_eq(server->header.program, keepalive_program.number);
    ck_assert_int_eq(server->header.procedure, KEEPALIVE_PONG);
    /* gone in the middle of a call */
    ck_assert(next_call(server));
}

static unsigned happened;

static int on_lifecycle(virConnectPtr conn, virDomainPtr dom, int what, int detail, void *opaque)
{
    ck_assert_str_eq(virDomainGetName(dom), "demo");
    ck_assert_int_eq(what, 3);
    ck_assert_int_eq(detail, 1);
    ck_assert_ptr_eq(opaque, &happened);
    happened++;
    return 0;
}

static void on_close(virConnectPtr conn, int reason, void *opaque)
{
    ck_assert_int_eq(reason, VIR_CONNECT_CLOSE_REASON_EOF);
    *(bool *)opaque = true;
}

static void released(void *opaque)
{
    happened += 100;
}

START_TEST(events_and_end)
{
    struct server server;
    virConnectPtr conn;
    bool closed = false;

    happened = 0;
    ck_assert_int_eq(virEventRegisterDefaultImpl(), 0);
    start(&server, events_first);
    conn = virConnectOpen(server.uri);
    ck_assert_int_eq(virConnectRegisterCloseCallback(conn, on_close, &closed, NULL), 0);
    ck_assert_int_ge(virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                                      VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle), &happened,
                                                      released),
                     0);
    ck_assert_int_eq(virConnectNumOfDomains(conn), 9);
    ck_assert_uint_eq(happened, 0); /* callbacks run in the event loop only */
    virEventRunDefaultImpl();
    ck_assert_uint_eq(happened, 1);

    ck_assert_int_eq(virConnectIsAlive(conn), 1);
    ck_assert_int_eq(virConnectNumOfDomains(conn), -1);
    check_error(VIR_ERR_SYSTEM_ERROR, VIR_FROM_RPC, "End of file while reading data: Input/output error");
    ck_assert_int_eq(virConnectIsAlive(conn), 0);
    ck_assert_int_eq(virConnectNumOfDomains(conn), -1);
    check_error(VIR_ERR_INTERNAL_ERROR, VIR_FROM_RPC, "internal error: client socket is closed");
    while (!closed)
        virEventRunDefaultImpl();
    virConnectClose(conn);
    virEventRunDefaultImpl();
    ck_assert_uint_eq(happened, 101);
    stop(&server);
}
END_TEST

static void nonsense(struct server *server)
{
    ck_assert(next_call(server));
    ck_assert_int_eq(write(server->fd, "\0\0\0\3 and what comes behind doesn't matter", 32), 32);
    while (next_call(server))
        ;
}

START_TEST(broken_frames)
{
    struct server server;
    virConnectPtr conn;

    start(&server, nonsense);
    conn = virConnectOpen(server.uri);
    ck_assert_int_eq(virConnectNumOfDomains(conn), -1);
    check_error(VIR_ERR_SYSTEM_ERROR, VIR_FROM_RPC, "End of file while reading data: Input/output error");
    virConnectClose(conn);
    stop(&server);
}
END_TEST

/* A screenshot: three bytes, a hole of two, three bytes, the end. */
static void picture(struct server *server)
{
    struct remote_domain_lookup_by_name_out found = {demo};
    struct remote_domain_screenshot_out shot = {.mime = (char *)"image/png"};
    struct wire_stream_hole hole = {.length = 2};
    struct frame_header data;
    uint8_t frame[FRAME_HEADER + 3];

    ck_assert(next_call(server));
    answer(server, XDR_remote_domain_lookup_by_name_out, &found);
    ck_assert(next_call(server));
    ck_assert_int_eq(server->header.procedure, REMOTE_DOMAIN_SCREENSHOT);
    answer(server, XDR_remote_domain_screenshot_out, &shot);
    data = server->header;
    data.type = FRAME_STREAM;
    data.status = FRAME_CONTINUE;
    for (const char *text = "abcdef"; *text; text += 3) {
        frame_put(frame, sizeof(frame), &data);
        memcpy(frame + FRAME_HEADER, text, 3);
        ck_assert_int_eq(write(server->fd, frame, sizeof(frame)), (ssize_t)sizeof(frame));
        data.type = FRAME_HOLE;
        if (*text == 'a')
            send_frame(server, &data, XDR_wire_stream_hole, &hole);
        data.type = FRAME_STREAM;
    }
    send_frame(server, &data, XDR_NONE, &hole);
    ck_assert(next_call(server));
    ck_assert_uint_eq(server->header.type, FRAME_STREAM);
    ck_assert_uint_eq(server->header.status, FRAME_OK);
    data.status = FRAME_OK;
    send_frame(server, &data, XDR_NONE, &hole);
    rest(server);
}

START_TEST(streams)
{
    struct server server;
    char bytes[16] = "";
    int length = 0, got;
    virConnectPtr conn;
    virDomainPtr domain;
    virStreamPtr stream;
    char *mime;

    start(&server, picture);
    conn = virConnectOpen(server.uri);
    domain = virDomainLookupByName(conn, "demo");
    stream = virStreamNew(conn, 0);
    ck_assert_int_eq(virStreamRecv(stream, bytes, 1), -1);
    mime = virDomainScreenshot(domain, stream, 0, 0);
    ck_assert_str_eq(mime, "image/png");
    got = virStreamRecvFlags(stream, bytes, sizeof(bytes), VIR_STREAM_RECV_STOP_AT_HOLE);
    ck_assert_int_eq(got, 3);
    ck_assert_int_eq(virStreamRecvFlags(stream, bytes, sizeof(bytes), VIR_STREAM_RECV_STOP_AT_HOLE), -3);
    for (length = 3; (got = virStreamRecv(stream, bytes + length, 4)) > 0;)
        length += got;
    ck_assert_int_eq(got, 0);
    ck_assert_int_eq(length, 8);
    ck_assert_mem_eq(bytes, "abc\0\0def", 8);
    ck_assert_int_eq(virStreamFinish(stream), 0);
    free(mime);
    virStreamFree(stream);
    virDomainFree(domain);
    ck_assert_int_eq(virConnectClose(conn), 0);
    stop(&server);
}
END_TEST

START_TEST(nobody_there)
{
    virSetErrorFunc(NULL, silent);
    ck_assert_ptr_null(virConnectOpen("test+unix:///default?socket=/nonexistent/sock"));
    check_error(VIR_ERR_SYSTEM_ERROR, VIR_FROM_RPC,
                "Failed to connect socket to '/nonexistent/sock': No such file or directory");
    ck_assert_ptr_null(virConnectOpen("nothing:///"));
    ck_assert_int_eq(virGetLastErrorCode(), VIR_ERR_NO_CONNECT);
}
END_TEST

UNIT_MAIN("client", nobody_there, calls, read_only, threads, events_and_end, broken_frames, streams)

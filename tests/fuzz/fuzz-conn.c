/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes into a connection. The first one chooses: the socket (main, read-only, admin), whether the connection
 * is open already, and in how many pieces the rest comes. Afterwards the client leaves; nothing of it may
 * stay.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "loop/loop.h"
#include "protocol/remote.h"
#include "rpc/frame.h"
#include "rpc/server.h"
#include "rpc/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A call that opens a stream, so that stream frames have a target. */
static int m_domain_screenshot(struct req *rq, struct vm *vm, const struct remote_domain_screenshot_in *in,
                               struct remote_domain_screenshot_out *out)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "no socket pair");
    close(pair[1]);
    stream_pump(rq, pair[0], STREAM_BOTH, UINT64_MAX, NULL, NULL);
    return 0;
}

static const struct method methods[] = {METHOD(remote, DOMAIN_SCREENSHOT, m_domain_screenshot), {0}};
static const struct method *const tables[] = {methods, NULL};
static const struct server_spec spec = {
    .name = "fuzz", .driver = "FUZZ", .scheme = "fuzz", .owners = 1u << OWNER_QEMU, .methods = tables};
static const struct server_conf conf = SERVER_CONF_DEFAULT;

static void quiet(const struct log_line *line, void *arg)
{
}

static void settle(int fd)
{
    char answer[65536];

    do {
        while (loop_once(0))
            ;
    } while (recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct server *server;
    struct frame_header header = {.program = 0x20008086, .version = 1, .procedure = REMOTE_CONNECT_OPEN};
    uint8_t open_call[FRAME_HEADER + 8] = {0};
    size_t piece;
    int pair[2];

    if (!size)
        return 0;
    if (!server) {
        signal(SIGPIPE, SIG_IGN);
        log_set_output(quiet, NULL);
        server = server_new(&spec, &conf);
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
        abort();
    if (!server_add_client(server, pair[0], data[0] % 3, NULL))
        abort();
    if (data[0] & 0x80) {
        frame_put(open_call, sizeof(open_call), &header);
        (void)!send(pair[1], open_call, sizeof(open_call), MSG_NOSIGNAL);
    }
    piece = data[0] & 0x40 ? 1u + (data[0] >> 2) % 16u : size;
    for (size_t at = 1; at < size; at += piece) {
        (void)!send(pair[1], data + at, size - at < piece ? size - at : piece, MSG_NOSIGNAL | MSG_DONTWAIT);
        settle(pair[1]);
    }
    close(pair[1]);
    while (loop_once(0))
        ;
    if (server_busy(server))
        abort();
    return 0;
}

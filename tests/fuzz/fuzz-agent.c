/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a guest's agent says. The first byte chooses: how large the pieces are, and whether the guest answers
 * the handshake before (else the input has to find the way alone).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "loop/loop.h"
#include "virtqemud/agent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int listening = -1;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static bool over;

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void remove_socket(void)
{
    unlink(address.sun_path);
}

static void listen_once(void)
{
    if (listening >= 0)
        return;
    signal(SIGPIPE, SIG_IGN);
    snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/fuzz-agent-%d", (int)getpid());
    unlink(address.sun_path);
    listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(bind(listening, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(listening, 1) == 0);
    atexit(remove_socket);
}

static void ask(struct req *rq, void *arg)
{
    const struct agent_command command = {.socket = address.sun_path,
                                          .whose = "domain 'fuzz'",
                                          .name = "guest-info",
                                          .text = "{\"execute\":\"guest-info\"}",
                                          .usec = SECONDS(60)};
    auto_json struct json_object *answer = NULL;
    int r = agent_run(rq, &command, &answer);

    check((r < 0) == err_is_set(&rq->err));
    check((r < 0) == !answer);
}

static void asked(struct req *rq, void *arg)
{
    over = true;
    arena_done(&rq->arena);
    err_clear(&rq->err);
}

static void settle(void)
{
    for (int quiet = 0; quiet < 2; quiet++)
        while (loop_once(0))
            ;
}

/* As an agent: the number comes back. */
static void shake_hands(int guest)
{
    char line[256] = "";
    const char *number;
    ssize_t n = recv(guest, line, sizeof(line) - 1, MSG_DONTWAIT);

    number = n > 0 ? strstr(line, "\"id\":") : NULL;
    if (!number)
        return;
    n = snprintf(line, sizeof(line), "{\"return\": %d}\n", atoi(number + strlen("\"id\":")));
    (void)!send(guest, line, (size_t)n, MSG_NOSIGNAL);
    settle();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct req rq = {.name = "fuzz"};
    size_t piece;
    int guest;

    if (!size)
        return 0;
    listen_once();
    over = false;
    fiber_start(&rq, ask, asked, NULL);
    guest = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    check(guest >= 0);
    if (data[0] & 0x80)
        shake_hands(guest);
    piece = data[0] & 0x40 ? 1u + data[0] % 32u : size;
    for (size_t at = 1; at < size && !over; at += piece) {
        (void)!send(guest, data + at, size - at < piece ? size - at : piece, MSG_NOSIGNAL | MSG_DONTWAIT);
        settle();
    }
    close(guest);
    while (!over)
        loop_once(SECONDS(1));
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a QEMU says on its monitor, in pieces. The first byte chooses: how large the pieces are, and whether
 * the owner lets go at the first event. Every call gets an answer or an error, and the end is told once.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/loop.h"
#include "virtqemud/qmp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CALLS = 3 };

static struct {
    struct qmp *qmp;
    bool let_go;
    unsigned ends, over;
} t;

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void on_event(void *owner, const char *name, struct json_object *data, uint64_t seconds,
                     uint32_t micros)
{
    check(owner == &t && name);
    if (t.let_go)
        qmp_free(TAKE(t.qmp));
}

static void on_closed(void *owner, const char *why)
{
    check(owner == &t && t.ends++ == 0);
}

static const struct qmp_handlers handlers = {on_event, on_closed};

static void ask(struct req *rq, void *arg)
{
    struct qmp_call calls[CALLS] = {0};

    for (int i = 0; i < CALLS; i++)
        check(qmp_put(rq, t.qmp, &calls[i], "query-status", NULL) == 0);
    for (int i = 0; i < CALLS; i++) {
        auto_json struct json_object *ret = NULL;
        int r = qmp_take(rq, &calls[i], &ret, SECONDS(60));

        check((r < 0) == err_is_set(&rq->err));
        json_string(ret, "status");
        json_int(ret, "value", 0);
        err_clear(&rq->err);
    }
}

static void asked(struct req *rq, void *arg)
{
    t.over++;
    arena_done(&rq->arena);
    err_clear(&rq->err);
}

static void settle(int fd)
{
    char commands[4096];

    while (recv(fd, commands, sizeof(commands), MSG_DONTWAIT) > 0 || loop_once(0))
        ;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct req rq = {.name = "fuzz"};
    size_t piece;
    int pair[2];

    if (!size)
        return 0;
    signal(SIGPIPE, SIG_IGN);
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    t = (__typeof__(t)){.let_go = data[0] & 0x80};
    t.qmp = qmp_new(pair[0], "domain 'fuzz'", &handlers, &t);
    fiber_start(&rq, ask, asked, NULL);
    piece = data[0] & 0x40 ? 1u + data[0] % 32u : size;
    for (size_t at = 1; at < size; at += piece) {
        (void)!send(pair[1], data + at, size - at < piece ? size - at : piece, MSG_NOSIGNAL | MSG_DONTWAIT);
        settle(pair[1]);
    }
    close(pair[1]);
    while (loop_once(0))
        ;
    check(t.over == 1);
    check(!t.qmp || qmp_broken(t.qmp));
    qmp_free(TAKE(t.qmp));
    return 0;
}

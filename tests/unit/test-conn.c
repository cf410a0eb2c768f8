/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames over a socket pair: whole, in pieces, with descriptors, held back, queued, and wrong. */
#include "rpc/conn.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "loop/fiber.h"
#include "loop/loop.h"
#include "unit.h"

static struct conn conn;
static int far = -1; /* the other side */
static unsigned frames, drained, fds_seen;
static int closed = 1; /* the reason, once it is over */
static size_t payload_seen;
static bool hold_next;

static void on_frame(struct conn *at, const struct frame_header *header, const uint8_t *payload,
                     size_t length, int *fds, unsigned count)
{
    frames++;
    payload_seen += length;
    fds_seen += count;
    for (size_t i = 0; i < length; i++)
        ck_assert_uint_eq(payload[i], (uint8_t)header->serial);
    if (hold_next)
        conn_hold(at, HOLD_REQUESTS);
}

static void on_drained(struct conn *at)
{
    drained++;
}

static void on_closed(struct conn *at, int reason)
{
    closed = reason;
    conn_done(at);
}

static const struct conn_ops ops = {.frame = on_frame, .drained = on_drained, .closed = on_closed};

static void run(void)
{
    while (loop_once(0))
        ;
}

static void set_up(void)
{
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    far = pair[1];
    frames = drained = fds_seen = 0;
    payload_seen = 0;
    closed = 1;
    hold_next = false;
    ck_assert_int_eq(conn_init(&conn, pair[0], &ops), 0);
}

static void tear_down(void)
{
    fd_close(&far);
    if (closed == 1) {
        run();
        ck_assert_int_eq(closed, 0);
    }
}

/* A frame whose payload is its serial's low byte, over and over. */
static size_t make_frame(uint8_t *bytes, uint32_t serial, size_t length, enum frame_type type)
{
    struct frame_header header = {.program = 1, .version = 1, .procedure = 1, .type = type, .serial = serial};

    frame_put(bytes, (uint32_t)(FRAME_HEADER + length), &header);
    memset(bytes + FRAME_HEADER, (int)serial, length);
    return FRAME_HEADER + length;
}

START_TEST(in_pieces)
{
    uint8_t bytes[200];
    size_t length = make_frame(bytes, 7, 13, FRAME_CALL);

    set_up();
    for (size_t i = 0; i < length; i++) {
        ck_assert_int_eq(send(far, bytes + i, 1, 0), 1);
        run();
        ck_assert_uint_eq(frames, i + 1 == length);
    }
    length += make_frame(bytes + length, 8, 0, FRAME_MESSAGE);
    ck_assert_int_eq(send(far, bytes, length, 0), length);
    run();
    ck_assert_uint_eq(frames, 3);
    ck_assert_uint_eq(payload_seen, 26);
    ck_assert_ptr_null(conn.in.data); /* nothing is kept while nothing is half received */
    tear_down();
}
END_TEST

START_TEST(grows_with_what_comes)
{
    size_t length = 3000000, at = 0;
    uint8_t *bytes = mem_zalloc(FRAME_HEADER + length);

    set_up();
    length = make_frame(bytes, 9, length, FRAME_CALL);
    while (at < length) {
        ssize_t sent = send(far, bytes + at, length - at, 0);

        at += sent > 0 ? (size_t)sent : 0;
        run();
        ck_assert_uint_le(conn.in.room,
                          4 * at + 4 * 65536); /* grows with what came, not with what was said */
    }
    ck_assert_uint_eq(frames, 1);
    ck_assert_ptr_null(conn.in.data);
    free(bytes);
    tear_down();
}
END_TEST

START_TEST(waits_while_held)
{
    uint8_t bytes[1000];
    size_t length = 0;

    set_up();
    for (uint32_t i = 0; i < 5; i++)
        length += make_frame(bytes + length, i, 8, FRAME_CALL);
    hold_next = true;
    ck_assert_int_eq(send(far, bytes, length, 0), length);
    run();
    ck_assert_uint_eq(frames, 1);
    for (unsigned i = 2; i <= 5; i++) {
        conn_release(&conn, HOLD_REQUESTS);
        run();
        ck_assert_uint_eq(frames, i);
    }
    /* who is held still sees the other side leave */
    fd_close(&far);
    run();
    ck_assert_int_eq(closed, 0);
    tear_down();
}
END_TEST

START_TEST(passes_descriptors)
{
    uint8_t bytes[100];
    size_t length = make_frame(bytes, 3, 8, FRAME_CALL_FDS);

    set_up();
    frame_put_u32(bytes + FRAME_HEADER, 2);
    memset(bytes + FRAME_HEADER + 4, 3, 4);
    ck_assert_int_eq(send(far, bytes, length, 0), length);
    run();
    ck_assert_uint_eq(frames, 0);
    ck_assert_int_eq(fd_send(far, far), 0);
    run();
    ck_assert_uint_eq(frames, 0);
    ck_assert_int_eq(fd_send(far, far), 0);
    run();
    ck_assert_uint_eq(frames, 1);
    ck_assert_uint_eq(fds_seen, 2);
    ck_assert_uint_eq(payload_seen, 4);
    /* one that nobody announced */
    ck_assert_int_eq(fd_send(far, far), 0);
    length = make_frame(bytes, 4, 0, FRAME_CALL);
    ck_assert_int_eq(send(far, bytes + 1, length - 1, 0), length - 1);
    run();
    ck_assert_int_eq(closed, -EPROTO);
    tear_down();
}
END_TEST

START_TEST(queues_what_is_not_read)
{
    struct frame_header header = {.program = 1, .version = 1, .type = FRAME_REPLY_FDS, .serial = 5};
    size_t total = 0, expected = 0;
    uint8_t *bytes = mem_zalloc(100000), got[65536];
    ssize_t r;

    set_up();
    for (int i = 0; i < 50; i++) {
        conn_send(&conn, &header, bytes, 100000);
        expected += FRAME_HEADER + 100000;
    }
    frame_put_u32(buf_reserve(conn_begin(&conn, &header), 4), 1);
    conn.out.length += 4;
    conn_end(&conn, &far, 1);
    expected += FRAME_HEADER + 4;
    ck_assert_uint_gt(conn_queued(&conn), 1000000);
    run();
    ck_assert_uint_eq(drained, 0);
    while (total < expected) {
        r = recv(far, got, expected - total < sizeof(got) ? expected - total : sizeof(got), 0);
        if (r > 0)
            total += (size_t)r;
        run();
    }
    ck_assert_uint_eq(total, expected);
    run();
    ck_assert_uint_eq(drained, 1);
    ck_assert_ptr_null(conn.out.data);
    r = fd_receive(far);
    ck_assert_int_ge((int)r, 0);
    close((int)r);
    free(bytes);
    tear_down();
}
END_TEST

START_TEST(refuses_wrong_lengths)
{
    const uint32_t lengths[] = {0, 3, 4, FRAME_HEADER - 1, FRAME_MAX + 1, UINT32_MAX};
    uint8_t bytes[FRAME_HEADER] = {0};

    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        set_up();
        frame_put_u32(bytes, lengths[i]);
        ck_assert_int_eq(send(far, bytes, 4, 0), 4);
        run();
        ck_assert_int_eq(closed, -EPROTO);
        tear_down();
    }
}
END_TEST

START_TEST(sends_before_it_closes)
{
    struct frame_header header = {.program = 1, .version = 1, .type = FRAME_REPLY};
    uint8_t got[100];

    set_up();
    conn_send(&conn, &header, "abcd", 4);
    conn_close_when_sent(&conn);
    conn_send(&conn, &header, "more", 4); /* too late */
    run();
    ck_assert_int_eq(closed, 0);
    ck_assert_int_eq(recv(far, got, sizeof(got), 0), FRAME_HEADER + 4);
    ck_assert_int_eq(recv(far, got, sizeof(got), 0), 0);
    tear_down();
}
END_TEST

UNIT_MAIN("conn", in_pieces, grows_with_what_comes, waits_while_held, passes_descriptors,
          queues_what_is_not_read, refuses_wrong_lengths, sends_before_it_closes)

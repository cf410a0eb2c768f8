/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Conn: frames in and out over one non-blocking socket on the loop, for both ends (a server's client, a
 * daemon's peer). Small calls cost one receive and one send. Buffers exist only while something is half
 * received or half sent; a handful of empty ones is kept for all connections together (static state of
 * conn.c).
 *
 * A connection ends only from the loop: closed() is the last call, made with nothing of the connection on the
 * stack. conn_close() and a write error just make the loop see the end.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "loop/loop.h"
#include "rpc/frame.h"

struct conn;

struct conn_ops {
    /*
     * A whole frame. payload is valid during the call only. With FRAME_CALL_FDS and FRAME_REPLY_FDS `fds` are
     * the count descriptors; whoever keeps one leaves -1, the rest is closed afterwards.
     */
    void (*frame)(struct conn *conn, const struct frame_header *header, const uint8_t *payload, size_t length,
                  int *fds, unsigned count);
    /* Everything is with the kernel; called when something had to be queued, or conn_ask_drained() was. May
     * be NULL. */
    void (*drained)(struct conn *conn);
    /* Over; release it with conn_done(). reason: 0 the other side closed, else negative errno (-EPROTO: bad
     * frame). */
    void (*closed)(struct conn *conn, int reason);
};

/* Why a connection isn't read at the moment; any of them holds it. */
enum conn_hold {
    HOLD_REQUESTS = 1 << 0, /* too many unanswered calls */
    HOLD_OUTPUT = 1 << 1,   /* whoever gets what we read can't take more */
    HOLD_STREAM = 1 << 2,   /* a stream can't take more */
    HOLD_HANDOVER = 1 << 3, /* the daemon's next run reads it */
};

/* Lives in its owner. All members are conn.c's own. */
struct conn {
    int fd;
    struct watch watch;
    struct later again; /* the loop ends it, or goes on with what was received before a hold */
    const struct conn_ops *ops;
    struct buf in, out;   /* data == NULL when idle */
    size_t in_at, out_at; /* consumed, sent */
    size_t frame_at;      /* begin of the frame that is being made, in out */
    uint32_t frame_max;   /* greatest length word accepted */
    uint32_t out_fd_count;
    struct conn_fd *out_fds; /* to be sent, each at its place in out */
    int *in_fds;             /* received, not yet claimed by a frame; FRAME_FDS_MAX of them */
    uint32_t in_fd_count;
    int doom; /* negative errno: to be closed by the loop */
    uint8_t holds;
    bool corked, close_drained, heard, in_frame;
    bool stuffed; /* something had to be queued and drained() wasn't called since */
};

/* Take over a connected non-blocking socket. 0 or -errno (the socket is closed then). */
int conn_init(struct conn *conn, int fd, const struct conn_ops *ops);
void conn_done(struct conn *conn);

/* A frame's payload is written into the buffer between begin and end; cancel forgets it. No two at a time. */
struct buf *conn_begin(struct conn *conn, const struct frame_header *header);
/* Sent now as far as the socket takes it, else queued. fds (may be NULL) are copied, the caller's stay open.
 */
void conn_end(struct conn *conn, const int *fds, unsigned count);
void conn_cancel(struct conn *conn);
size_t conn_payload(const struct conn *conn); /* bytes of payload written so far */
void conn_send(struct conn *conn, const struct frame_header *header, const void *payload, size_t length);

size_t conn_queued(const struct conn *conn); /* bytes that wait for the other side to read */
/*
 * Whoever stops because of conn_queued() asks for drained(): frames that are collected to leave together may
 * all go at once, without ever having had to wait.
 */
void conn_ask_drained(struct conn *conn);
void conn_hold(struct conn *conn, enum conn_hold why);
void conn_release(struct conn *conn, enum conn_hold why);
/* The loop closes it soon, with this reason (0 or negative errno); queued output is lost. */
void conn_close(struct conn *conn, int reason);
/* The loop closes it when all output is sent; nothing is read any more. */
void conn_close_when_sent(struct conn *conn);
/*
 * For whoever goes on with the connection in another process: what was received and not handled, and what
 * isn't sent; both stay conn's. False when that can't be told in bytes, since descriptors are on their way.
 */
bool conn_rest(const struct conn *conn, const void **ret_unread, size_t *ret_unread_length,
               const void **ret_unsent, size_t *ret_unsent_length);
/* It is somebody else's now: nothing is read or sent any more, what is queued stays unsent. */
void conn_leave(struct conn *conn);
/* Begin with such a rest; the loop goes on with it. */
void conn_restore(struct conn *conn, const void *unread, size_t unread_length, const void *unsent,
                  size_t unsent_length);
static inline bool conn_open(const struct conn *conn)
{
    return conn->fd >= 0 && !conn->doom && !conn->close_drained;
}

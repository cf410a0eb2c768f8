/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stream: bytes beside calls (console, screenshot, volume content). A method whose row has a stream calls
 * stream_open() or stream_pump(); the dispatcher sends the method's reply first, then the stream lives on
 * without the request, until both sides ended it or the client left. When the method fails after stream_open
 * the stream is dropped, with closed() called.
 */
#pragma once

#include "rpc/server.h"

struct stream;

/*
 * How the method's side works. All calls come from the loop, none may wait. Returning a negative number with
 * err set fails the stream: the client gets the error, closed() follows.
 */
struct stream_ops {
    /* Bytes from the client. Returns how many were taken; fewer: the rest is held until stream_more(). */
    ssize_t (*data)(struct stream *stream, void *arg, const void *bytes, size_t length, struct err *err);
    int (*hole)(struct stream *stream, void *arg, uint64_t length,
                struct err *err); /* NULL: a hole is an error */
    /* The client sent everything. 0: confirmed at once; 1: stream_finished() follows later. NULL: confirmed.
     */
    int (*finish)(struct stream *stream, void *arg, struct err *err);
    /* There is room for more output (called after the start, and again whenever stream_send said "full"). */
    int (*room)(struct stream *stream, void *arg, struct err *err);
    /* Over, for whatever reason; last call. reason: 0 finished, else negative errno (-ECANCELED: client
     * aborted/left). */
    void (*closed)(struct stream *stream, void *arg, int reason);
};

struct stream *stream_open(struct req *rq, const struct stream_ops *ops, void *arg);

/* Send bytes. True: more may follow at once; false: full, wait for room(). Everything given is sent in any
 * case. */
bool stream_send(struct stream *stream, const void *bytes, size_t length);
bool stream_send_hole(struct stream *stream, uint64_t length);
void stream_send_eof(struct stream *stream);              /* no more bytes from us */
void stream_more(struct stream *stream);                  /* data() can take more again */
void stream_finished(struct stream *stream);              /* answer to finish() == 1 */
void stream_fail(struct stream *stream, struct err *err); /* err is taken over */
bool stream_sparse(const struct stream *stream); /* the call carried the sparse flag: holes are allowed */

/*
 * Join the stream of this request with a descriptor, which the stream owns from now on (also on failure): a
 * tty, socket or pipe in both directions, or a file from its current offset (one direction). length_max:
 * bytes to copy at most, UINT64_MAX for no limit. closed(arg) is called when it is over; may be NULL.
 */
enum stream_pump_way {
    STREAM_TO_CLIENT = 1,
    STREAM_FROM_CLIENT = 2,
    STREAM_BOTH = 3,
};
struct stream *stream_pump(struct req *rq, int fd, enum stream_pump_way way, uint64_t length_max,
                           void (*closed)(void *arg, int reason), void *arg);
/* End a stream from outside (another console took over with the force flag): the client sees an abort. */
void stream_abort(struct stream *stream, const char *why);

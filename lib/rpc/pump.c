/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pump: a stream joined with a descriptor. Terminals, sockets and pipes are watched by the loop; a regular
 * file is always ready and is read while the client takes it.
 */
#define ERR_FROM ERR_FROM_STREAMS
#include "rpc/stream.h"

#include <errno.h>
#include <unistd.h>

#include "base/fd.h"
#include "loop/loop.h"

enum { PIECE = 65536 };

struct pump {
    struct stream *stream;
    int fd;
    enum stream_pump_way way;
    uint64_t left;         /* bytes that may still be copied */
    bool reading, writing; /* events we wait for */
    bool regular;          /* a file that can't be watched */
    struct watch watch;
    void (*closed)(void *arg, int reason);
    void *arg;
};

static void on_fd(struct watch *watch, uint32_t events);

/* Off while nothing is wanted: a hang-up is told whether one asks or not, and would wake the loop for ever.
 */
static void pump_listen(struct pump *pump)
{
    uint32_t interest = (pump->reading ? EPOLLIN : 0u) | (pump->writing ? EPOLLOUT : 0u);

    if (!interest)
        watch_remove(&pump->watch);
    else if (pump->watch.on)
        watch_set(&pump->watch, interest);
    else if (!pump->regular)
        pump->regular = watch_add(&pump->watch, pump->fd, interest, on_fd) < 0;
}

/* One read towards the client. 1 more may come, 0 not now, negative err is set. */
static int pump_read(struct pump *pump, struct err *err)
{
    uint8_t piece[PIECE];
    size_t room = pump->left < PIECE ? (size_t)pump->left : PIECE;
    ssize_t got = room ? read(pump->fd, piece, room) : 0;

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got < 0 && errno != EIO)
        return err_system(err, errno, "cannot read from the stream's source");
    if (got <= 0) { /* a terminal whose other side is gone says EIO */
        pump->reading = false;
        pump_listen(pump);
        stream_send_eof(pump->stream);
        return 0;
    }
    if (pump->left != UINT64_MAX)
        pump->left -= (uint64_t)got;
    if (stream_send(pump->stream, piece, (size_t)got))
        return 1;
    pump->reading = false; /* until on_room */
    pump_listen(pump);
    return 0;
}

static int on_room(struct stream *stream, void *arg, struct err *err)
{
    struct pump *pump = arg;
    int r = 1;

    if (!(pump->way & STREAM_TO_CLIENT))
        return 0;
    pump->reading = true;
    pump_listen(pump);
    while (r > 0 && pump->regular)
        r = pump_read(pump, err);
    return r < 0 ? r : 0;
}

static ssize_t on_data(struct stream *stream, void *arg, const void *bytes, size_t length, struct err *err)
{
    struct pump *pump = arg;
    ssize_t sent;

    if (!(pump->way & STREAM_FROM_CLIENT))
        return err_set(err, ERR_RPC, "the stream takes no data from the client");
    if (!(pump->way & STREAM_TO_CLIENT) && length > pump->left)
        return err_set(err, ERR_OPERATION_FAILED, "the client sent more than it announced");
    sent = write(pump->fd, bytes, length);
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
        return err_system(err, errno, "cannot write to the stream's target");
    if (sent < 0)
        sent = 0;
    if (!(pump->way & STREAM_TO_CLIENT) && pump->left != UINT64_MAX)
        pump->left -= (uint64_t)sent;
    pump->writing = (size_t)sent < length;
    pump_listen(pump);
    return sent;
}

static int on_hole(struct stream *stream, void *arg, uint64_t length, struct err *err)
{
    struct pump *pump = arg;

    if (!pump->regular || !(pump->way & STREAM_FROM_CLIENT) || length > pump->left)
        return err_set(err, ERR_OPERATION_FAILED, "the stream's target takes no hole of %llu bytes",
                       (unsigned long long)length);
    if (pump->left != UINT64_MAX)
        pump->left -= length;
    if (lseek(pump->fd, (off_t)length, SEEK_CUR) < 0)
        return err_system(err, errno, "cannot leave a hole in the stream's target");
    return 0;
}

static void on_closed(struct stream *stream, void *arg, int reason)
{
    struct pump *pump = arg;

    watch_remove(&pump->watch);
    fd_close(&pump->fd);
    if (pump->closed)
        pump->closed(pump->arg, reason);
    free(pump);
}

static const struct stream_ops pump_ops = {
    .data = on_data, .hole = on_hole, .room = on_room, .closed = on_closed};

static void on_fd(struct watch *watch, uint32_t events)
{
    struct pump *pump = CONTAINER_OF(watch, struct pump, watch);
    auto_err struct err err = {0};
    int r = 0;

    if (pump->reading && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        r = pump_read(pump, &err);
    if (r < 0) {
        stream_fail(pump->stream, &err);
    } else if (pump->writing && events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
        pump->writing = false;
        stream_more(pump->stream); /* may be its end */
    }
}

struct stream *stream_pump(struct req *rq, int fd, enum stream_pump_way way, uint64_t length_max,
                           void (*closed)(void *arg, int reason), void *arg)
{
    struct pump *pump = NEW(struct pump);

    *pump = (struct pump){.fd = fd, .way = way, .left = length_max, .closed = closed, .arg = arg};
    fd_set_nonblock(fd, true);
    pump->stream = stream_open(rq, &pump_ops, pump);
    return pump->stream;
}

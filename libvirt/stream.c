/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Streams: bytes beside calls. Frames that come are queued by whoever reads the connection; reading takes
 * from the queue and waits when it is empty.
 */
#define ERR_FROM ERR_FROM_STREAMS
#include "libvirt/stream.h"

#include <errno.h>

#include "rpc/xdr.h"

enum { CHUNK = 262120 }; /* the most that the oldest peers take in one frame */

struct stream_hole *stream_hole(virStreamPtr stream)
{
    return stream->hole_count && stream->holes[0].at == stream->consumed ? &stream->holes[0] : NULL;
}

bool stream_readable(virStreamPtr stream)
{
    return stream->received > stream->consumed || stream->hole_count || stream->at_end || stream->failed ||
           stream->confirmed;
}

static void add_hole(virStreamPtr stream, long long length)
{
    stream->holes = mem_resize_array(stream->holes, stream->hole_count + 1, sizeof(*stream->holes));
    stream->holes[stream->hole_count++] = (struct stream_hole){stream->received, length};
}

static void drop_hole(virStreamPtr stream)
{
    stream->hole_count--;
    memmove(stream->holes, stream->holes + 1, stream->hole_count * sizeof(*stream->holes));
}

static bool stream_frame(struct link_target *target, const struct wire_message_header *header,
                         const char *payload, size_t length, int *fds, unsigned fd_count)
{
    virStreamPtr stream = CONTAINER_OF(target, struct _virStream, target);
    struct wire_stream_hole hole;
    auto_err struct err err = {0};

    if (header->type == MESSAGE_TYPE_STREAM_HOLE) {
        if (xdr_decode(XDR_wire_stream_hole, payload, length, &hole, &stream->arena, &err) >= 0 &&
            hole.length > 0)
            add_hole(stream, hole.length);
    } else if (header->type != MESSAGE_TYPE_STREAM) {
        return false;
    } else if (header->status == MESSAGE_STATUS_ERROR) {
        stream->failed = true;
        stream->error = ARENA_NEW(&stream->arena, struct wire_error);
        if (xdr_decode(XDR_wire_error, payload, length, stream->error, &stream->arena, &err) < 0)
            stream->error = NULL;
    } else if (header->status == MESSAGE_STATUS_OK) {
        stream->confirmed = true;
    } else if (length) {
        buf_add(&stream->in, payload, length);
        stream->received += length;
    } else {
        stream->at_end = true;
    }
    stream_changed(stream);
    return true;
}

static void stream_ended(struct link_target *target)
{
    virStreamPtr stream = CONTAINER_OF(target, struct _virStream, target);

    stream->failed = true;
    stream_changed(stream);
}

void stream_start(virStreamPtr stream, const struct procedure *procedure, uint32_t serial)
{
    stream->target = (struct link_target){.program = procedure->program,
                                          .procedure = procedure->number,
                                          .serial = serial,
                                          .frame = stream_frame,
                                          .ended = stream_ended};
    link_add(stream->object.conn->link, &stream->target);
    stream->started = true;
}

void stream_start_local(virStreamPtr stream, const struct procedure *procedure, const struct buf *content)
{
    stream_start(stream, procedure, 0);
    link_lock(stream->object.conn->link);
    buf_add(&stream->in, content->data, content->length);
    stream->received += content->length;
    stream->at_end = true;
    stream->confirmed = true; /* there is nobody to ask */
    link_unlock(stream->object.conn->link);
}

void stream_stop(virStreamPtr stream)
{
    if (!stream->started)
        return;
    stream->started = false;
    link_remove(stream->object.conn->link, &stream->target);
}

void stream_done(virStreamPtr stream)
{
    stream_stop(stream);
    buf_done(&stream->in);
    free(stream->holes);
    arena_done(&stream->arena);
}

/* A stream that some call has started; `missing` names an argument that isn't there, NULL: all are. */
static bool begin(virStreamPtr stream, const char *function, const char *missing, struct err *err)
{
    error_reset();
    if (!object_check(stream, KIND_STREAM, function, err))
        return false;
    if (missing)
        error_argument(stream->object.conn, function, ERR_FROM_STREAMS, missing, "must not be NULL");
    else if (!stream->started)
        err_set_from(err, ERR_FROM_STREAMS, ERR_NO_SUPPORT, "%s", function);
    return !missing && stream->started;
}

/* begin() said no. */
static int refused(struct err *err)
{
    if (err_is_set(err))
        error_raise(NULL, err);
    return -1;
}

static int finish_error(virStreamPtr stream, struct err *err)
{
    if (stream && stream->failed && stream->error) {
        error_raise_remote(stream->object.conn, stream->error);
    } else {
        if (!err_is_set(err))
            err_set(err, ERR_OPERATION_FAILED, "the connection of the stream has ended");
        error_raise(NULL, err);
    }
    err_clear(err);
    return -1;
}

static bool readable(struct link_target *target)
{
    return stream_readable(CONTAINER_OF(target, struct _virStream, target));
}

static bool confirmed(struct link_target *target)
{
    virStreamPtr stream = CONTAINER_OF(target, struct _virStream, target);

    return stream->confirmed || stream->failed;
}

API virStreamPtr virStreamNew(virConnectPtr conn, unsigned int flags)
{
    auto_err struct err err = {0};
    virStreamPtr stream;

    /* reading a console is for read-only connections too; the call that starts the stream decides */
    error_reset();
    if (!object_check(conn, KIND_CONNECT, __func__, &err)) {
        err.domain = ERR_FROM_STREAMS;
        error_raise(NULL, &err);
        return NULL;
    }
    stream = NEW(struct _virStream);
    object_init(&stream->object, KIND_STREAM, conn);
    stream->flags = flags;
    return stream;
}

static int send_frame(virStreamPtr stream, enum wire_message_type type, enum wire_message_status status,
                      const char *data, size_t length, struct err *err)
{
    auto_buf struct buf frame = {0};

    memset(buf_reserve(&frame, LINK_HEADER), 0, LINK_HEADER);
    frame.length = LINK_HEADER;
    buf_add(&frame, data, length);
    return link_send(stream->object.conn->link, &stream->target, type, status, &frame, NULL, 0, err);
}

API int virStreamSend(virStreamPtr stream, const char *data, size_t nbytes)
{
    size_t length = nbytes < CHUNK ? nbytes : CHUNK;
    auto_err struct err err = {0};

    if (!begin(stream, __func__, data ? NULL : "data", &err))
        return refused(&err);
    if (stream->failed ||
        send_frame(stream, MESSAGE_TYPE_STREAM, MESSAGE_STATUS_CONTINUE, data, length, &err) < 0)
        return finish_error(stream, &err);
    return (int)length;
}

API int virStreamSendHole(virStreamPtr stream, long long length, unsigned int flags)
{
    struct wire_stream_hole hole = {.length = length, .flags = flags};
    auto_buf struct buf payload = {0};
    auto_err struct err err = {0};

    if (!begin(stream, __func__, NULL, &err))
        return refused(&err);
    if (xdr_encode(XDR_wire_stream_hole, &hole, &payload, &err) < 0 ||
        send_frame(stream, MESSAGE_TYPE_STREAM_HOLE, MESSAGE_STATUS_CONTINUE, payload.data, payload.length,
                   &err) < 0)
        return finish_error(stream, &err);
    return 0;
}

/* Bytes up to the next hole. With the link's lock. */
static size_t take_bytes(virStreamPtr stream, char *data, size_t room)
{
    uint64_t have = (stream->hole_count ? stream->holes[0].at : stream->received) - stream->consumed;
    size_t length = have < room ? (size_t)have : room;

    if (length)
        memcpy(data, stream->in.data + stream->taken, length);
    stream->taken += length;
    stream->consumed += length;
    if (stream->taken == stream->in.length) {
        buf_reset(&stream->in);
        stream->taken = 0;
    }
    return length;
}

/* Bytes; 0: the end; -2: nothing now (non-blocking); -3: a hole, and the caller wants to know of it. */
static int receive(const char *function, virStreamPtr stream, char *data, size_t nbytes, unsigned int flags)
{
    auto_err struct err err = {0};
    struct stream_hole *hole;
    struct link *link;
    size_t length;
    bool stop;

    if (!begin(stream, function, data ? NULL : "data", &err))
        return refused(&err);
    link = stream->object.conn->link;
    if (stream->flags & VIR_STREAM_NONBLOCK) {
        bool ready;

        link_poll(link);
        link_lock(link);
        ready = readable(&stream->target);
        link_unlock(link);
        if (!ready)
            return -2;
    } else if (link_wait(link, &stream->target, readable, &err) < 0) {
        return finish_error(stream, &err);
    }
    link_lock(link);
    length = take_bytes(stream, data, nbytes);
    hole = length ? NULL : stream_hole(stream);
    stop = hole && (flags & VIR_STREAM_RECV_STOP_AT_HOLE);
    if (hole && !stop) {
        /* nobody asked for holes: they are zeros */
        length = (unsigned long long)hole->length < nbytes ? (size_t)hole->length : nbytes;
        memset(data, 0, length);
        hole->length -= (long long)length;
        if (!hole->length)
            drop_hole(stream);
    }
    stream_changed(stream);
    link_unlock(link);
    if (stop)
        return -3;
    if (!length && stream->failed)
        return finish_error(stream, &err);
    return (int)length;
}

API int virStreamRecvFlags(virStreamPtr stream, char *data, size_t nbytes, unsigned int flags)
{
    return receive(__func__, stream, data, nbytes, flags);
}

API int virStreamRecv(virStreamPtr stream, char *data, size_t nbytes)
{
    return receive(__func__, stream, data, nbytes, 0);
}

API int virStreamRecvHole(virStreamPtr stream, long long *length, unsigned int flags)
{
    struct stream_hole *hole;
    auto_err struct err err = {0};

    if (!begin(stream, __func__, length ? NULL : "length", &err))
        return refused(&err);
    link_lock(stream->object.conn->link);
    hole = stream_hole(stream);
    *length = hole ? hole->length : 0;
    if (hole)
        drop_hole(stream);
    stream_changed(stream);
    link_unlock(stream->object.conn->link);
    return 0;
}

static int end(virStreamPtr stream, const char *function, enum wire_message_status status)
{
    auto_err struct err err = {0};
    int r;

    if (!begin(stream, function, NULL, &err))
        return refused(&err);
    r = stream->failed      ? -1
        : stream->confirmed ? 0
                            : send_frame(stream, MESSAGE_TYPE_STREAM, status, "", 0, &err);
    if (r == 0)
        r = link_wait(stream->object.conn->link, &stream->target, confirmed, &err);
    stream_stop(stream);
    /* an abort is over, however it ended */
    if (r < 0 || (stream->failed && status == MESSAGE_STATUS_OK))
        return finish_error(stream, &err);
    return 0;
}

API int virStreamFinish(virStreamPtr stream)
{
    return end(stream, __func__, MESSAGE_STATUS_OK);
}

/* One that no call has started is given up already. */
API int virStreamAbort(virStreamPtr stream)
{
    auto_err struct err err = {0};

    if (object_check(stream, KIND_STREAM, __func__, &err) && !stream->started) {
        error_reset();
        return 0;
    }
    return end(stream, __func__, MESSAGE_STATUS_ERROR);
}

static int needs_blocking(virStreamPtr stream, const char *function, const char *missing)
{
    auto_err struct err err = {0};

    if (!begin(stream, function, missing, &err))
        return refused(&err);
    if (!(stream->flags & VIR_STREAM_NONBLOCK))
        return 0;
    err_set(&err, ERR_OPERATION_INVALID, "data sinks and sources cannot be used for non-blocking streams");
    return finish_error(NULL, &err);
}

static int send_bytes(virStreamPtr stream, const char *data, int length)
{
    for (int sent = 0; sent < length;) {
        int r = virStreamSend(stream, data + sent, (size_t)(length - sent));

        if (r < 0)
            return -1;
        sent += r;
    }
    return 0;
}

static int send_all(const char *function, const char *missing, virStreamPtr stream,
                    virStreamSourceFunc handler, virStreamSourceHoleFunc holeHandler,
                    virStreamSourceSkipFunc skipHandler, void *opaque)
{
    auto_free char *data = NULL;

    if (needs_blocking(stream, function, missing) < 0)
        return -1;
    data = NEW_ARRAY(char, CHUNK);
    for (;;) {
        long long section = 0;
        int in_data = 1, got;
        size_t want = CHUNK;

        if (holeHandler && holeHandler(stream, &in_data, &section, opaque) < 0)
            break;
        if (!in_data && section) {
            if (virStreamSendHole(stream, section, 0) < 0 || skipHandler(stream, section, opaque) < 0)
                break;
            continue;
        }
        if (holeHandler && section < (long long)want)
            want = (size_t)section;
        got = handler(stream, data, want, opaque);
        if (got == 0)
            return 0;
        if (got < 0 || send_bytes(stream, data, got) < 0)
            break;
    }
    virStreamAbort(stream);
    return -1;
}

static int receive_all(const char *function, const char *missing, virStreamPtr stream,
                       virStreamSinkFunc handler, virStreamSinkHoleFunc holeHandler, void *opaque)
{
    auto_free char *data = NULL;
    int got;

    if (needs_blocking(stream, function, missing) < 0)
        return -1;
    data = NEW_ARRAY(char, CHUNK);
    while ((got = virStreamRecvFlags(stream, data, CHUNK, holeHandler ? VIR_STREAM_RECV_STOP_AT_HOLE : 0)) !=
           0) {
        if (got == -3) {
            long long hole;

            if (virStreamRecvHole(stream, &hole, 0) < 0 || holeHandler(stream, hole, opaque) < 0)
                break;
            continue;
        }
        if (got < 0)
            return -1;
        for (int done = 0; done < got;) {
            int r = handler(stream, data + done, (size_t)(got - done), opaque);

            if (r < 0) {
                virStreamAbort(stream);
                return -1;
            }
            done += r;
        }
    }
    if (!got)
        return 0;
    virStreamAbort(stream);
    return -1;
}

/* Ready-made loops; sparse streams need the handlers of holes as well. */
API int virStreamSendAll(virStreamPtr stream, virStreamSourceFunc handler, void *opaque)
{
    return send_all(__func__, handler ? NULL : "handler", stream, handler, NULL, NULL, opaque);
}

API int virStreamRecvAll(virStreamPtr stream, virStreamSinkFunc handler, void *opaque)
{
    return receive_all(__func__, handler ? NULL : "handler", stream, handler, NULL, opaque);
}

API int virStreamSparseSendAll(virStreamPtr stream, virStreamSourceFunc handler,
                               virStreamSourceHoleFunc holeHandler, virStreamSourceSkipFunc skipHandler,
                               void *opaque)
{
    const char *missing = !handler       ? "handler"
                          : !holeHandler ? "holeHandler"
                          : !skipHandler ? "skipHandler"
                                         : NULL;

    return send_all(__func__, missing, stream, handler, holeHandler, skipHandler, opaque);
}

API int virStreamSparseRecvAll(virStreamPtr stream, virStreamSinkFunc handler,
                               virStreamSinkHoleFunc holeHandler, void *opaque)
{
    const char *missing = !handler ? "handler" : !holeHandler ? "holeHandler" : NULL;

    return receive_all(__func__, missing, stream, handler, holeHandler, opaque);
}

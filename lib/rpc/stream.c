/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Streams. What the method's side can't take yet waits in order in the stream's queue; when that grows the
 * client's connection isn't read any more. Towards the client a stream sends while the connection's queue is
 * short.
 */
#define ERR_FROM ERR_FROM_STREAMS
#include "rpc/stream.h"

#include <errno.h>

#include "rpc/core.h"
#include "rpc/xdr.h"

enum {
    HELD_MAX = 1024 * 1024,   /* memory for what waits for the method's side */
    OUTPUT_HIGH = 512 * 1024, /* bytes that wait for the client: no more from the method's side */
};

enum item_kind { ITEM_DATA, ITEM_HOLE, ITEM_FINISH };

/* Something from the client that waits for its turn. */
struct item {
    struct list link;
    enum item_kind kind;
    uint64_t hole;
    size_t length, at;
    uint8_t bytes[];
};

struct stream {
    struct list link; /* in client->streams */
    struct client *client;
    struct frame_header header; /* of the call */
    const struct stream_ops *ops;
    void *arg;
    struct list items;
    size_t held;
    bool begun, sparse, full, at_end, finishing, in_items;
};

struct stream *stream_open(struct req *rq, const struct stream_ops *ops, void *arg)
{
    struct call *call = rq->call;
    const struct procedure *row = call->row;
    struct stream *stream = NEW(struct stream);

    stream->client = client_ref(call->client);
    stream->header = call->header;
    stream->ops = ops;
    stream->arg = arg;
    if (row->sparse && row->flags_at != PROCEDURE_NOWHERE)
        stream->sparse = *(const uint32_t *)((const char *)call->in + row->flags_at) & row->sparse;
    list_init(&stream->items);
    list_append(&call->client->streams, &stream->link);
    call->stream = stream;
    return stream;
}

bool stream_sparse(const struct stream *stream)
{
    return stream->sparse;
}

/* Holes and ends take room, too: a client may send any number of them. */
static size_t item_size(const struct item *item)
{
    return sizeof(*item) + item->length;
}

static void item_free(struct stream *stream, struct item *item)
{
    stream->held -= item_size(item);
    list_remove(&item->link);
    free(item);
}

/* Reading the connection again depends on all streams of the client. */
static void stream_throttle(struct client *client)
{
    struct stream *stream;
    size_t held = 0;

    LIST_FOREACH(&client->streams, stream, link)
        held += stream->held;
    if (client->gone)
        return;
    if (held > HELD_MAX)
        conn_hold(&client->conn, HOLD_STREAM);
    else
        conn_release(&client->conn, HOLD_STREAM);
}

static void stream_end(struct stream *stream, int reason)
{
    struct client *client = stream->client;

    list_remove(&stream->link);
    while (!list_empty(&stream->items))
        item_free(stream, LIST_FIRST(&stream->items, struct item, link));
    stream->ops->closed(stream, stream->arg, reason);
    free(stream);
    stream_throttle(client);
    client_unref(client);
}

static void stream_put(struct stream *stream, enum frame_type type, enum frame_status status,
                       const void *bytes, size_t length)
{
    struct frame_header header = stream->header;

    header.type = type;
    header.status = status;
    if (!stream->client->gone)
        conn_send(&stream->client->conn, &header, bytes, length);
}

void stream_fail(struct stream *stream, struct err *err)
{
    struct frame_header header = stream->header;

    header.type = FRAME_STREAM;
    client_send_error(stream->client, &header, err);
    err_clear(err);
    stream_end(stream, -EIO);
}

void stream_abort(struct stream *stream, const char *why)
{
    auto_err struct err err = {0};

    err_set_from(&err, ERR_FROM_RPC, ERR_RPC, "stream had unexpected termination: %s", why);
    stream_fail(stream, &err);
}

void stream_finished(struct stream *stream)
{
    stream_put(stream, FRAME_STREAM, FRAME_OK, NULL, 0);
    stream_end(stream, 0);
}

/* To the client. */

static bool stream_room(struct stream *stream)
{
    stream->full = conn_queued(&stream->client->conn) > OUTPUT_HIGH;
    if (stream->full)
        conn_ask_drained(&stream->client->conn);
    return !stream->full;
}

bool stream_send(struct stream *stream, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;

    while (length) {
        size_t piece = length < FRAME_STREAM_CHUNK ? length : FRAME_STREAM_CHUNK;

        stream_put(stream, FRAME_STREAM, FRAME_CONTINUE, at, piece);
        at += piece;
        length -= piece;
    }
    return stream_room(stream);
}

bool stream_send_hole(struct stream *stream, uint64_t length)
{
    struct frame_header header = stream->header;
    struct wire_stream_hole hole = {.length = (int64_t)length};

    header.type = FRAME_HOLE;
    header.status = FRAME_CONTINUE;
    if (!stream->client->gone) {
        xdr_encode(XDR_wire_stream_hole, &hole, conn_begin(&stream->client->conn, &header), NULL);
        conn_end(&stream->client->conn, NULL, 0);
    }
    return stream_room(stream);
}

void stream_send_eof(struct stream *stream)
{
    if (stream->at_end)
        return;
    stream->at_end = true;
    stream_put(stream, FRAME_STREAM, FRAME_CONTINUE, NULL, 0);
}

/* Let the method's side send; it says when there is no more room. False: the stream is gone. */
static bool stream_ask(struct stream *stream)
{
    auto_err struct err err = {0};

    if (stream->at_end || !stream->ops->room || stream->ops->room(stream, stream->arg, &err) >= 0)
        return true;
    stream_fail(stream, &err);
    return false;
}

void streams_drained(struct client *client)
{
    struct stream *stream;

    LIST_FOREACH(&client->streams, stream, link)
        if (stream->begun && stream->full) {
            stream->full = false;
            stream_ask(stream);
        }
}

/* From the client. */

/* Returns 1: done, 0: waits for stream_more(), negative: err says why the stream failed. */
static int item_run(struct stream *stream, struct item *item, struct err *err)
{
    ssize_t taken;

    switch (item->kind) {
    case ITEM_DATA:
        taken = stream->ops->data ? stream->ops->data(stream, stream->arg, item->bytes + item->at,
                                                      item->length - item->at, err)
                                  : err_set(err, ERR_RPC, "the stream takes no data from the client");
        if (taken < 0)
            return -1;
        item->at += (size_t)taken;
        return item->at == item->length;
    case ITEM_HOLE:
        if (!stream->ops->hole)
            return err_set(err, ERR_RPC, "the stream takes no holes from the client");
        return stream->ops->hole(stream, stream->arg, item->hole, err) < 0 ? -1 : 1;
    default:
        return 1;
    }
}

static void stream_run(struct stream *stream)
{
    auto_err struct err err = {0};
    struct item *item;
    int r = 1;

    if (!stream->begun || stream->finishing)
        return;
    while (r > 0 && (item = LIST_FIRST(&stream->items, struct item, link))) {
        bool finish = item->kind == ITEM_FINISH;

        r = item_run(stream, item, &err);
        if (r > 0)
            item_free(stream, item);
        if (r < 0 || !finish)
            continue;
        r = stream->ops->finish ? stream->ops->finish(stream, stream->arg, &err) : 0;
        if (r == 0) {
            stream_finished(stream);
            return;
        }
        stream->finishing = true;
        break;
    }
    if (r < 0)
        stream_fail(stream, &err);
    else
        stream_throttle(stream->client);
}

void stream_more(struct stream *stream)
{
    stream_run(stream);
}

static void stream_queue(struct stream *stream, enum item_kind kind, uint64_t hole, const uint8_t *bytes,
                         size_t length)
{
    struct item *item = mem_zalloc(sizeof(*item) + length);

    item->kind = kind;
    item->hole = hole;
    item->length = length;
    if (length)
        memcpy(item->bytes, bytes, length);
    stream->held += item_size(item);
    list_append(&stream->items, &item->link);
    if (stream->begun && !stream->finishing)
        stream_run(stream);
    else
        stream_throttle(stream->client); /* its turn comes later */
}

static struct stream *stream_find(struct client *client, const struct frame_header *header)
{
    struct stream *stream;

    LIST_FOREACH(&client->streams, stream, link)
        if (stream->header.serial == header->serial && stream->header.procedure == header->procedure &&
            stream->header.program == header->program)
            return stream;
    return NULL;
}

static void stream_hole_frame(struct stream *stream, const uint8_t *payload, size_t length)
{
    struct wire_stream_hole hole;
    struct arena arena = {0};

    if (!stream->sparse || xdr_decode(XDR_wire_stream_hole, payload, length, &hole, &arena, NULL) < 0 ||
        hole.length < 0)
        client_close(stream->client, "it sent a hole into a stream that takes none");
    else
        stream_queue(stream, ITEM_HOLE, (uint64_t)hole.length, NULL, 0);
}

void stream_frame(struct client *client, const struct frame_header *header, const uint8_t *payload,
                  size_t length)
{
    struct stream *stream = stream_find(client, header);

    if (!stream || stream->finishing)
        return;
    if (header->type == FRAME_HOLE) {
        stream_hole_frame(stream, payload, length);
        return;
    }
    switch (header->status) {
    case FRAME_CONTINUE:
        if (length)
            stream_queue(stream, ITEM_DATA, 0, payload, length);
        break;
    case FRAME_OK:
        stream_queue(stream, ITEM_FINISH, 0, NULL, 0);
        break;
    case FRAME_ERROR: /* the client gives up; confirmed like a finish */
        stream_put(stream, FRAME_STREAM, FRAME_OK, NULL, 0);
        stream_end(stream, -ECANCELED);
        break;
    default:
        break;
    }
}

/* With the call. */

void stream_begin(struct stream *stream)
{
    stream->begun = true;
    if (stream_ask(stream))
        stream_run(stream);
}

void stream_drop(struct stream *stream)
{
    stream_end(stream, -EIO);
}

void streams_end(struct client *client, int reason)
{
    struct stream *stream;

    LIST_FOREACH(&client->streams, stream, link)
        if (stream->begun) /* else its call is under way and drops it */
            stream_end(stream, reason);
}

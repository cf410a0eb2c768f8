/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Transfer: the content of a volume by stream. A fiber of its own moves piece by piece; reading and writing
 * is a worker's, so that a slow disk delays nobody else. The stream's side only leaves bytes or takes note of
 * room, and wakes the fiber.
 */
#define ERR_FROM ERR_FROM_STORAGE
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "rpc/stream.h"
#include "virtstoraged/backend.h"
#include "virtstoraged/storaged.h"
#include "virtstoraged/task.h"
#include "virtstoraged/volume-life.h"

enum { PIECE = 256 * 1024 };
/* A disk that doesn't answer for so long won't; a client that says nothing for so long is gone. */
#define DISK_USEC SECONDS(300)
#define CLIENT_USEC SECONDS(24 * 3600)

/* One step on the file. */
struct piece {
    struct task task;
    char *path;
    int fd; /* -1 until it is opened */
    bool upload, sparse;
    uint64_t at;
    size_t length; /* of bytes: to write; read, 0 at the end */
    uint64_t hole; /* found instead of bytes */
    uint8_t bytes[PIECE];
};

struct transfer {
    struct req rq;
    struct stream *stream; /* NULL: over */
    struct volume *volume; /* held */
    struct piece *piece;
    struct wait *wait; /* of the fiber, while it has nothing to do */
    uint64_t at, left;
    bool upload;
    bool ready;  /* upload: bytes are in the piece; download: the client has room */
    bool finish; /* upload: the client sent everything */
    bool dirty;  /* something was written */
};

/* ---- the file's side, on a worker ---- */

static int open_file(struct piece *piece)
{
    piece->fd = open(piece->path, (piece->upload ? O_WRONLY : O_RDONLY) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (piece->fd < 0)
        return err_system(&piece->task.err, errno, "Unable to open stream for '%s'", piece->path);
    return 0;
}

static int write_piece(struct piece *piece)
{
    for (size_t done = 0; done < piece->length;) {
        ssize_t wrote =
            pwrite(piece->fd, piece->bytes + done, piece->length - done, (off_t)(piece->at + done));

        if (wrote < 0 && errno != EINTR)
            return err_system(&piece->task.err, errno, "cannot write to volume '%s'", piece->path);
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    return 0;
}

/* How far the hole goes that begins at `at`; 0: there is data, or the file system can't say. */
static uint64_t hole_at(int fd, uint64_t at)
{
    off_t data = lseek(fd, (off_t)at, SEEK_DATA), end;

    if (data < 0 && errno == ENXIO) {
        end = lseek(fd, 0, SEEK_END);
        return end > (off_t)at ? (uint64_t)end - at : 0;
    }
    return data > (off_t)at ? (uint64_t)data - at : 0;
}

static int read_piece(struct piece *piece)
{
    ssize_t got;
    off_t hole;

    piece->hole = piece->sparse ? hole_at(piece->fd, piece->at) : 0;
    if (piece->hole)
        return 0;
    if (piece->sparse) { /* not beyond the data, or a hole would be sent as zeros */
        hole = lseek(piece->fd, (off_t)piece->at, SEEK_HOLE);
        if (hole > (off_t)piece->at && (uint64_t)hole - piece->at < piece->length)
            piece->length = (size_t)((uint64_t)hole - piece->at);
    }
    got = pread(piece->fd, piece->bytes, piece->length, (off_t)piece->at);
    if (got < 0)
        return err_system(&piece->task.err, errno, "cannot read from volume '%s'", piece->path);
    piece->length = (size_t)got;
    return 0;
}

static int piece_run(struct task *task)
{
    struct piece *piece = (struct piece *)task;

    if (piece->fd < 0)
        return open_file(piece);
    return piece->upload ? write_piece(piece) : read_piece(piece);
}

static void piece_free(struct task *task)
{
    struct piece *piece = (struct piece *)task;

    fd_close(&piece->fd);
    free(piece->path);
    free(piece);
}

static int run_piece(struct req *rq, struct transfer *transfer)
{
    const char *path = transfer->volume->def->target.path;

    return task_run(rq, &transfer->piece->task, DISK_USEC, path);
}

/* ---- the fiber ---- */

static void wake(struct transfer *transfer)
{
    if (transfer->wait)
        wait_wake(transfer->wait, 0);
}

/* Until there is something to do; false: the stream is over. */
static bool await_work(struct transfer *transfer)
{
    struct wait wait = {0};

    if (transfer->stream && !transfer->ready && !transfer->finish) {
        transfer->wait = &wait;
        if (fiber_await(&transfer->rq, &wait, CLIENT_USEC, "the other end of a volume's stream") < 0 &&
            transfer->stream)
            stream_abort(transfer->stream, "it stood still for too long");
        transfer->wait = NULL;
    }
    return transfer->stream != NULL;
}

static int upload_step(struct transfer *transfer)
{
    struct piece *piece = transfer->piece;

    if (!transfer->ready) { /* finish */
        stream_finished(transfer->stream);
        return 0;
    }
    if (run_piece(&transfer->rq, transfer) < 0)
        return -1;
    transfer->dirty = true;
    transfer->ready = false;
    piece->length = 0;
    if (transfer->stream)
        stream_more(transfer->stream);
    return 0;
}

static void send_hole(struct transfer *transfer)
{
    uint64_t hole = transfer->piece->hole < transfer->left ? transfer->piece->hole : transfer->left;

    transfer->at += hole;
    transfer->left -= hole;
    transfer->ready = stream_send_hole(transfer->stream, hole);
}

static int download_step(struct transfer *transfer)
{
    struct piece *piece = transfer->piece;

    piece->at = transfer->at;
    piece->length = transfer->left < PIECE ? (size_t)transfer->left : PIECE;
    piece->hole = 0;
    if (piece->length && run_piece(&transfer->rq, transfer) < 0)
        return -1;
    if (!transfer->stream)
        return 0;
    if (piece->hole) {
        send_hole(transfer);
    } else if (piece->length) {
        transfer->at += piece->length;
        transfer->left -= piece->length;
        transfer->ready = stream_send(transfer->stream, piece->bytes, piece->length);
    } else {
        transfer->ready = false;
        stream_send_eof(transfer->stream);
    }
    return 0;
}

static void transfer_main(struct req *rq, void *arg)
{
    struct transfer *transfer = arg;
    int r = 0;

    while (r >= 0 && await_work(transfer))
        r = transfer->upload ? upload_step(transfer) : download_step(transfer);
    if (r < 0 && transfer->stream)
        stream_fail(transfer->stream, &rq->err);
    if (!transfer->dirty)
        return;
    err_clear(&rq->err);
    if (volume_look(rq, transfer->volume) < 0)
        log_warning("volume '%s' was written to and can't be read: %s", transfer->volume->def->name,
                    rq->err.message);
    pool_tell_refresh(transfer->volume->pool);
}

static void transfer_done(struct req *rq, void *arg)
{
    struct transfer *transfer = arg;

    volume_release(transfer->volume);
    task_unref(&transfer->piece->task);
    err_clear(&rq->err);
    arena_done(&rq->arena);
    daemon_release(storaged.daemon);
    free(transfer);
}

/* ---- the stream's side ---- */

static ssize_t on_data(struct stream *stream, void *arg, const void *bytes, size_t length, struct err *err)
{
    struct transfer *transfer = arg;
    struct piece *piece = transfer->piece;

    if (transfer->ready)
        return 0;
    if (length > transfer->left)
        return err_set(err, ERR_OPERATION_FAILED, "the client sent more than it announced");
    if (length > PIECE)
        length = PIECE;
    memcpy(piece->bytes, bytes, length);
    piece->at = transfer->at;
    piece->length = length;
    transfer->at += length;
    transfer->left -= length;
    transfer->ready = true;
    wake(transfer);
    return (ssize_t)length;
}

/* What the volume has there stays: only files that are new have holes to leave. */
static int on_hole(struct stream *stream, void *arg, uint64_t length, struct err *err)
{
    struct transfer *transfer = arg;

    if (length > transfer->left || transfer->at > INT64_MAX - length)
        return err_set(err, ERR_OPERATION_FAILED, "the client sent more than it announced");
    transfer->at += length;
    transfer->left -= length;
    return 0;
}

static int on_finish(struct stream *stream, void *arg, struct err *err)
{
    struct transfer *transfer = arg;

    if (!transfer->upload)
        return 0;
    transfer->finish = true;
    wake(transfer);
    return 1;
}

static int on_room(struct stream *stream, void *arg, struct err *err)
{
    struct transfer *transfer = arg;

    if (transfer->upload)
        return 0;
    transfer->ready = true;
    wake(transfer);
    return 0;
}

static void on_closed(struct stream *stream, void *arg, int reason)
{
    struct transfer *transfer = arg;

    transfer->stream = NULL;
    wake(transfer);
}

/* ---- beginning ---- */

static int begin(struct req *rq, struct volume *volume, bool upload, uint64_t offset, uint64_t length)
{
    static const struct stream_ops upload_ops = {
        .data = on_data, .hole = on_hole, .finish = on_finish, .room = on_room, .closed = on_closed};
    static const struct stream_ops download_ops = {.finish = on_finish, .room = on_room, .closed = on_closed};
    struct piece *piece;
    struct transfer *transfer;

    if (offset > INT64_MAX || length > INT64_MAX - offset)
        return err_set(&rq->err, ERR_INVALID_ARG, "offset and length are beyond any volume");
    piece = NEW(struct piece);
    task_init(&piece->task, piece_run, piece_free);
    piece->path = mem_strdup(volume->def->target.path);
    piece->fd = -1;
    piece->upload = upload;
    if (task_run(rq, &piece->task, DISK_USEC, piece->path) < 0) {
        task_unref(&piece->task);
        return -1;
    }
    transfer = NEW(struct transfer);
    *transfer = (struct transfer){.rq.name = upload ? "write a volume" : "read a volume",
                                  .volume = volume,
                                  .piece = piece,
                                  .upload = upload,
                                  .at = offset,
                                  .left = length ? length : INT64_MAX};
    volume_hold(volume);
    daemon_hold(storaged.daemon);
    transfer->stream = stream_open(rq, upload ? &upload_ops : &download_ops, transfer);
    piece->sparse = stream_sparse(transfer->stream);
    fiber_start(&transfer->rq, transfer_main, transfer_done, transfer);
    return 0;
}

int volume_upload(struct req *rq, struct volume *volume, uint64_t offset, uint64_t length)
{
    if (volume_check_free(volume, &rq->err) < 0)
        return -1;
    if (!volume->pool->backend->content)
        return err_set(&rq->err, ERR_NO_SUPPORT, "storage pool doesn't support volume upload");
    return begin(rq, volume, /* upload= */ true, offset, length);
}

int volume_download(struct req *rq, struct volume *volume, uint64_t offset, uint64_t length)
{
    if (volume->building)
        return err_set(&rq->err, ERR_OPERATION_INVALID, "volume '%s' is still being allocated.",
                       volume->def->name);
    if (!volume->pool->backend->content)
        return err_set(&rq->err, ERR_NO_SUPPORT, "storage pool doesn't support volume download");
    return begin(rq, volume, /* upload= */ false, offset, length);
}

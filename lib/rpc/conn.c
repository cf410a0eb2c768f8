/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes between a socket and frames. Nothing here knows what a call is. Whatever the other side sends, the
 * memory held for it is bounded by one frame, and the number of descriptors by FRAME_FDS_MAX.
 */
#include "rpc/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

enum {
    READ_ROOM = 65536,  /* one receive takes at most about this much */
    KEEP_ROOM = 131072, /* larger buffers are freed, not kept */
    SPARE_MAX = 4,
};

struct conn_fd {
    size_t at; /* where in out its byte stands */
    int fd;    /* our duplicate */
};

/* Empty buffers, ready for the next connection that needs one. */
static struct buf spare[SPARE_MAX];
static unsigned spare_count;

static void buffer_take(struct buf *buf)
{
    if (!buf->data && spare_count)
        *buf = spare[--spare_count];
}

static void buffer_give(struct buf *buf)
{
    buf_reset(buf);
    if (buf->data && buf->room <= KEEP_ROOM && spare_count < SPARE_MAX) {
        spare[spare_count++] = *buf;
        *buf = (struct buf){0};
    } else {
        buf_done(buf);
    }
}

static void conn_listen(struct conn *conn)
{
    uint32_t interest = 0;

    if (!conn->holds && !conn->close_drained)
        interest |= EPOLLIN;
    if (conn->stuffed)
        interest |= EPOLLOUT;
    watch_set(&conn->watch, interest);
}

/* The loop closes it. */
static void conn_doom(struct conn *conn, int reason)
{
    if (conn->doom || conn->fd < 0)
        return;
    conn->doom = reason ? reason : -ESHUTDOWN;
    later_call(&conn->again);
}

/* Sending. */

static void out_forget(struct conn *conn)
{
    for (uint32_t i = 0; i < conn->out_fd_count; i++)
        fd_close(&conn->out_fds[i].fd);
    free(conn->out_fds);
    conn->out_fds = NULL;
    conn->out_fd_count = 0;
    conn->out_at = 0;
    if (conn->out.data)
        buffer_give(&conn->out);
}

/* The next piece: up to the first byte that carries a descriptor, or that byte. Bytes sent, or -errno. */
static ssize_t out_piece(struct conn *conn)
{
    size_t end = conn->out.length;
    ssize_t sent;

    if (conn->out_fd_count && conn->out_fds[0].at == conn->out_at) {
        int r = fd_send(conn->fd, conn->out_fds[0].fd);

        if (r < 0)
            return r;
        fd_close(&conn->out_fds[0].fd);
        conn->out_fd_count--;
        memmove(conn->out_fds, conn->out_fds + 1, conn->out_fd_count * sizeof(*conn->out_fds));
        return 1;
    }
    if (conn->out_fd_count)
        end = conn->out_fds[0].at;
    sent = send(conn->fd, conn->out.data + conn->out_at, end - conn->out_at, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? -errno : sent;
}

static void conn_transmit(struct conn *conn)
{
    if (conn->corked || conn->in_frame)
        return;
    while (conn->out_at < conn->out.length && !conn->doom) {
        ssize_t sent = out_piece(conn);

        if (sent == -EINTR)
            continue;
        if (sent == -EAGAIN || sent == -ENOBUFS)
            break;
        if (sent < 0) {
            conn_doom(conn, (int)sent);
            break;
        }
        conn->out_at += (size_t)sent;
    }
    if (conn->doom || conn->out_at == conn->out.length) {
        out_forget(conn);
        if (conn->close_drained)
            conn_doom(conn, -ESHUTDOWN);
    } else if (conn->out_at > READ_ROOM && conn->out_at > conn->out.length / 2 && !conn->out_fd_count) {
        /* A long queue of which much is sent: keep memory near what is still to be sent. */
        memmove(conn->out.data, conn->out.data + conn->out_at, conn->out.length - conn->out_at);
        conn->out.length -= conn->out_at;
        conn->out_at = 0;
    }
    if (conn->out_at < conn->out.length)
        conn->stuffed = true;
    if (!conn->doom)
        conn_listen(conn);
}

struct buf *conn_begin(struct conn *conn, const struct frame_header *header)
{
    if (!conn->out.data)
        buffer_take(&conn->out);
    conn->frame_at = conn->out.length;
    conn->in_frame = true;
    frame_put(buf_reserve(&conn->out, FRAME_HEADER), 0, header);
    conn->out.length += FRAME_HEADER;
    return &conn->out;
}

size_t conn_payload(const struct conn *conn)
{
    return conn->out.length - conn->frame_at - FRAME_HEADER;
}

void conn_cancel(struct conn *conn)
{
    conn->out.length = conn->frame_at;
    conn->in_frame = false;
    if (conn->out_at == conn->out.length)
        out_forget(conn);
}

void conn_end(struct conn *conn, const int *fds, unsigned count)
{
    uint32_t length = (uint32_t)(conn->out.length - conn->frame_at);

    conn->in_frame = false;
    if (!conn_open(conn)) {
        conn->out.length = conn->frame_at;
        if (conn->out_at == conn->out.length)
            out_forget(conn);
        return;
    }
    frame_put_u32((uint8_t *)conn->out.data + conn->frame_at, length);
    if (count) {
        conn->out_fds = mem_resize_array(conn->out_fds, conn->out_fd_count + count, sizeof(*conn->out_fds));
        for (unsigned i = 0; i < count; i++) {
            conn->out_fds[conn->out_fd_count++] =
                (struct conn_fd){.at = conn->out.length, .fd = fcntl(fds[i], F_DUPFD_CLOEXEC, 3)};
            buf_add_char(&conn->out, 0);
        }
    }
    conn_transmit(conn);
}

void conn_send(struct conn *conn, const struct frame_header *header, const void *payload, size_t length)
{
    buf_add(conn_begin(conn, header), payload, length);
    conn_end(conn, NULL, 0);
}

size_t conn_queued(const struct conn *conn)
{
    return conn->out.length - conn->out_at;
}

void conn_ask_drained(struct conn *conn)
{
    conn->stuffed = true;
    if (!conn->corked)
        conn_listen(conn);
}

/* Receiving. */

/* Descriptors that came with the last receive. */
static int in_claim(struct conn *conn, struct msghdr *message)
{
    int r = message->msg_flags & MSG_CTRUNC ? -EPROTO : 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        for (size_t i = 0; i < count; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
            if (!conn->in_fds)
                conn->in_fds = NEW_ARRAY(int, FRAME_FDS_MAX);
            if (conn->in_fd_count == FRAME_FDS_MAX) {
                close(fd);
                r = -EPROTO;
            } else {
                conn->in_fds[conn->in_fd_count++] = fd;
            }
        }
    }
    return r;
}

static void in_fds_drop(struct conn *conn, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (conn->in_fds[i] >= 0)
            close(conn->in_fds[i]);
    conn->in_fd_count -= count;
    if (conn->in_fd_count) {
        memmove(conn->in_fds, conn->in_fds + count, conn->in_fd_count * sizeof(int));
    } else {
        free(conn->in_fds);
        conn->in_fds = NULL;
    }
}

/* One receive. Bytes, 0 at the end, or -errno. */
static ssize_t in_receive(struct conn *conn)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * FRAME_FDS_MAX)];
    } control;
    struct iovec piece = {.iov_len = READ_ROOM};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    size_t have;
    ssize_t got;
    int r;

    if (!conn->in.data)
        buffer_take(&conn->in);
    have = conn->in.length - conn->in_at;
    if (conn->in_at) {
        memmove(conn->in.data, conn->in.data + conn->in_at, have);
        conn->in.length = have;
        conn->in_at = 0;
    }
    if (have >= 4) { /* a large frame is on its way: ask for all of it, but grow no faster than it comes */
        size_t whole = frame_get_u32((uint8_t *)conn->in.data);

        if (whole > have && whole - have > READ_ROOM)
            piece.iov_len = whole - have < have + READ_ROOM ? whole - have : have + READ_ROOM;
    }
    piece.iov_base = buf_reserve(&conn->in, piece.iov_len);
    got = recvmsg(conn->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0)
        return -errno;
    if (message.msg_controllen) {
        r = in_claim(conn, &message);
        if (r < 0)
            return r;
    }
    conn->in.length += (size_t)got;
    return got;
}

/* The frame at in_at, when it is whole. 1 handled, 0 more bytes are needed, -errno. */
static int in_frame(struct conn *conn)
{
    const uint8_t *bytes = (uint8_t *)conn->in.data + conn->in_at;
    size_t have = conn->in.length - conn->in_at;
    struct frame_header header;
    uint32_t length, fds = 0;
    size_t payload = FRAME_HEADER;

    if (have < 4)
        return 0;
    length = frame_get_u32(bytes);
    if (length < FRAME_HEADER || length > conn->frame_max)
        return -EPROTO;
    if (have < length)
        return 0;
    frame_get(bytes, &header);
    if (header.type == FRAME_CALL_FDS || header.type == FRAME_REPLY_FDS) {
        if (length < FRAME_HEADER + 4)
            return -EPROTO;
        fds = frame_get_u32(bytes + FRAME_HEADER);
        payload += 4;
        if (fds > FRAME_FDS_MAX)
            return -EPROTO;
        if (have - length < fds)
            return 0; /* their bytes follow the frame */
        if (conn->in_fd_count < fds)
            return -EPROTO;
    } else if (conn->in_fd_count) {
        return -EPROTO;
    }
    conn->in_at += length + fds;
    conn->ops->frame(conn, &header, bytes + payload, length - payload, conn->in_fds, fds);
    if (fds)
        in_fds_drop(conn, fds);
    return 1;
}

/* Handle what was received, until a hold or the end. */
static int in_frames(struct conn *conn)
{
    int r = 1;

    conn->corked = true; /* answers to frames that came together leave together */
    while (r > 0 && !conn->holds && conn_open(conn))
        r = in_frame(conn);
    conn->corked = false;
    if (conn->in_at == conn->in.length) {
        conn->in_at = 0;
        if (conn->in.data)
            buffer_give(&conn->in);
    }
    conn_transmit(conn);
    return r;
}

static void on_ready(struct watch *watch, uint32_t events)
{
    struct conn *conn = CONTAINER_OF(watch, struct conn, watch);
    ssize_t r = 0;

    if (events & EPOLLOUT) {
        conn_transmit(conn);
        if (conn->out_at == conn->out.length && conn_open(conn)) {
            conn->stuffed = false;
            conn_listen(conn);
            if (conn->ops->drained)
                conn->ops->drained(conn);
        }
    }
    if (conn->doom)
        return; /* on_again ends it */
    if (events & EPOLLIN && !conn->holds && !conn->close_drained) {
        r = in_receive(conn);
        if (r > 0) {
            conn->heard = true;
            r = in_frames(conn);
        } else if (r == 0) {
            r = -ESHUTDOWN;
        } else if (r == -EAGAIN || r == -EINTR) {
            r = 0;
        }
    } else if (events & (EPOLLHUP | EPOLLERR)) {
        r = -ESHUTDOWN; /* nobody reads our answers, so what still waits to be handled isn't */
    }
    if (r < 0)
        conn->ops->closed(conn, r == -ESHUTDOWN ? 0 : (int)r);
}

/* From the loop: the end, or what was received before a hold. */
static void on_again(struct later *later)
{
    struct conn *conn = CONTAINER_OF(later, struct conn, again);
    int r = conn->doom;

    if (!r && !conn->holds && conn_open(conn))
        r = in_frames(conn);
    if (r < 0)
        conn->ops->closed(conn, r == -ESHUTDOWN ? 0 : r);
}

void conn_hold(struct conn *conn, enum conn_hold why)
{
    conn->holds |= why;
    if (!conn->corked)
        conn_listen(conn);
}

void conn_release(struct conn *conn, enum conn_hold why)
{
    if (!(conn->holds & why))
        return;
    conn->holds &= (uint8_t)~why;
    if (conn->holds || conn->corked)
        return;
    conn_listen(conn);
    if (conn->in_at < conn->in.length)
        later_call(&conn->again);
}

void conn_close(struct conn *conn, int reason)
{
    conn_doom(conn, reason);
}

void conn_close_when_sent(struct conn *conn)
{
    conn->close_drained = true;
    conn_transmit(conn);
}

bool conn_rest(const struct conn *conn, const void **ret_unread, size_t *ret_unread_length,
               const void **ret_unsent, size_t *ret_unsent_length)
{
    *ret_unread = conn->in.data ? conn->in.data + conn->in_at : NULL;
    *ret_unread_length = conn->in.length - conn->in_at;
    *ret_unsent = conn->out.data ? conn->out.data + conn->out_at : NULL;
    *ret_unsent_length = conn->out.length - conn->out_at;
    return conn_open(conn) && !conn->in_fd_count && !conn->out_fd_count && !conn->in_frame;
}

void conn_leave(struct conn *conn)
{
    conn->doom = -ESHUTDOWN;
    later_cancel(&conn->again);
    watch_set(&conn->watch, 0);
}

void conn_restore(struct conn *conn, const void *unread, size_t unread_length, const void *unsent,
                  size_t unsent_length)
{
    if (unread_length) {
        buffer_take(&conn->in);
        buf_add(&conn->in, unread, unread_length);
        later_call(&conn->again);
    }
    if (unsent_length) {
        buffer_take(&conn->out);
        buf_add(&conn->out, unsent, unsent_length);
        conn_transmit(conn);
    }
}

int conn_init(struct conn *conn, int fd, const struct conn_ops *ops)
{
    int r;

    *conn = (struct conn){.fd = fd, .ops = ops, .frame_max = FRAME_MAX};
    conn->again.call = on_again;
    r = watch_add(&conn->watch, fd, EPOLLIN, on_ready);
    if (r < 0)
        fd_close(&conn->fd);
    return r;
}

void conn_done(struct conn *conn)
{
    watch_remove(&conn->watch);
    later_cancel(&conn->again);
    out_forget(conn);
    if (conn->in_fd_count)
        in_fds_drop(conn, conn->in_fd_count);
    if (conn->in.data)
        buffer_give(&conn->in);
    conn->in_at = 0;
    fd_close(&conn->fd);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One lock guards the list of targets and the role of the reader. The reader lets go of the lock while it
 * waits for bytes, never while it hands a frame on. Writers have a lock of their own, so that a large frame
 * going out keeps nobody from reading.
 */
#define ERR_FROM ERR_FROM_RPC
#include "libvirt/link.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/keepalive.h"
#include "rpc/frame.h"
#include "rpc/xdr.h"

enum { READ_SIZE = 65536 };

struct link {
    int fd;
    pthread_mutex_t lock, write_lock;
    uint32_t serial;
    bool reading, ended;
    uint64_t frames; /* that came */
    struct link_target *targets;
    struct buf in;              /* what was read and isn't a whole frame yet */
    size_t taken;               /* of in */
    int fds[FRAME_FDS_MAX * 2]; /* came and belong to no frame yet */
    unsigned fd_count;
    void (*event)(void *arg, const struct wire_message_header *header, const char *payload, size_t length);
    void (*gone)(void *arg);
    void *arg;
};

struct link *link_new(int fd,
                      void (*event)(void *arg, const struct wire_message_header *header, const char *payload,
                                    size_t length),
                      void (*gone)(void *arg), void *arg)
{
    struct link *link = NEW(struct link);

    link->fd = fd;
    pthread_mutex_init(&link->lock, NULL);
    pthread_mutex_init(&link->write_lock, NULL);
    link->event = event;
    link->gone = gone;
    link->arg = arg;
    return link;
}

static void drop_fds(struct link *link)
{
    for (unsigned i = 0; i < link->fd_count; i++)
        close(link->fds[i]);
    link->fd_count = 0;
}

void link_free(struct link *link)
{
    if (!link)
        return;
    drop_fds(link);
    if (link->fd >= 0)
        close(link->fd);
    buf_done(&link->in);
    pthread_mutex_destroy(&link->lock);
    pthread_mutex_destroy(&link->write_lock);
    free(link);
}

int link_fd(const struct link *link)
{
    return link->fd;
}

void link_lock(struct link *link)
{
    pthread_mutex_lock(&link->lock);
}

void link_unlock(struct link *link)
{
    pthread_mutex_unlock(&link->lock);
}

bool link_alive(struct link *link)
{
    bool alive;

    link_lock(link);
    alive = !link->ended;
    link_unlock(link);
    return alive;
}

static void wake(struct link_target *target)
{
    target->woken = true;
    pthread_cond_signal(&target->wake);
}

/* The connection is of no more use: everybody who waits learns it. */
static void end(struct link *link)
{
    if (link->ended)
        return;
    link->ended = true;
    shutdown(link->fd, SHUT_RDWR);
    for (struct link_target *target = link->targets; target; target = target->next) {
        target->broken = true;
        if (target->ended)
            target->ended(target);
        wake(target);
    }
    link->gone(link->arg);
}

/* Sending. */

static int write_all(struct link *link, const char *bytes, size_t length)
{
    while (length) {
        ssize_t wrote = send(link->fd, bytes, length, MSG_NOSIGNAL);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return -errno;
        bytes += wrote;
        length -= (size_t)wrote;
    }
    return 0;
}

static int write_fd(struct link *link, int fd)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec vector = {.iov_base = (char *)"", .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    ssize_t wrote;

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof(int));
    do
        wrote = sendmsg(link->fd, &message, MSG_NOSIGNAL);
    while (wrote < 0 && errno == EINTR);
    return wrote < 0 ? -errno : 0;
}

/* With the write lock held. */
static int write_frame(struct link *link, const struct link_target *target, enum wire_message_type type,
                       enum wire_message_status status, struct buf *frame)
{
    struct frame_header header = {.program = target->program,
                                  .version = 1,
                                  .procedure = target->procedure,
                                  .type = type,
                                  .serial = target->serial,
                                  .status = status};

    frame_put((uint8_t *)frame->data, (uint32_t)frame->length, &header);
    return write_all(link, frame->data, frame->length);
}

int link_send(struct link *link, struct link_target *target, enum wire_message_type type,
              enum wire_message_status status, struct buf *frame, const int *fds, unsigned fd_count,
              struct err *err)
{
    int r;

    if (!link_alive(link))
        return err_set(err, ERR_INTERNAL_ERROR, "client socket is closed");
    if (frame->length > FRAME_MAX)
        return err_set(err, ERR_RPC, "the message is %zu bytes long, at most %d fit", frame->length,
                       FRAME_MAX);
    pthread_mutex_lock(&link->write_lock);
    r = write_frame(link, target, type, status, frame);
    for (unsigned i = 0; !r && i < fd_count; i++)
        r = write_fd(link, fds[i]);
    pthread_mutex_unlock(&link->write_lock);
    return r ? err_system(err, r, "Cannot write data") : 0;
}

/* Receiving. Called with the lock held. */

/* Left out when somebody is writing: what is written says as well that we are there, and waiting could be for
 * ever. */
static void send_keepalive(struct link *link, int32_t procedure)
{
    struct link_target keepalive = {.program = keepalive_program.number, .procedure = procedure};
    auto_buf struct buf frame = {0};

    if (pthread_mutex_trylock(&link->write_lock) != 0)
        return;
    memset(buf_reserve(&frame, LINK_HEADER), 0, LINK_HEADER);
    frame.length = LINK_HEADER;
    (void)write_frame(link, &keepalive, MESSAGE_TYPE_MESSAGE, MESSAGE_STATUS_OK, &frame);
    pthread_mutex_unlock(&link->write_lock);
}

static void deliver(struct link *link, const struct wire_message_header *header, const char *payload,
                    size_t length, int *fds, unsigned fd_count)
{
    if (header->type == MESSAGE_TYPE_MESSAGE) {
        if (header->prog != keepalive_program.number)
            link->event(link->arg, header, payload, length);
        else if (header->proc == KEEPALIVE_PING)
            send_keepalive(link, KEEPALIVE_PONG);
        return;
    }
    /* a call and the stream that it starts have the same serial: each knows its frames by their type */
    for (struct link_target *target = link->targets; target; target = target->next)
        if (target->serial == header->serial && target->program == header->prog &&
            target->procedure == header->proc &&
            target->frame(target, header, payload, length, fds, fd_count))
            wake(target);
    for (unsigned i = 0; i < fd_count; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* One whole frame from the front of what was read. 1: done, 0: not whole yet, negative: nonsense. */
static int take_frame(struct link *link)
{
    const char *at = link->in.data + link->taken;
    size_t have = link->in.length - link->taken;
    struct frame_header raw;
    struct wire_message_header header;
    size_t length, skip = LINK_HEADER;
    uint32_t count = 0;

    if (have < LINK_HEADER)
        return 0;
    length = frame_get_u32((const uint8_t *)at);
    if (length < LINK_HEADER || length > FRAME_MAX)
        return -1;
    frame_get((const uint8_t *)at, &raw);
    if (raw.type == FRAME_REPLY_FDS && length >= LINK_HEADER + 4 && have >= LINK_HEADER + 4) {
        count = frame_get_u32((const uint8_t *)at + LINK_HEADER);
        skip += 4;
        if (count > FRAME_FDS_MAX)
            return -1;
    }
    /* each descriptor comes with one byte behind the frame */
    if (have < length + count)
        return 0;
    if (link->fd_count < count)
        return -1;
    header = (struct wire_message_header){.prog = raw.program,
                                          .vers = raw.version,
                                          .proc = raw.procedure,
                                          .type = raw.type,
                                          .serial = raw.serial,
                                          .status = raw.status};
    link->frames++;
    deliver(link, &header, at + skip, length - skip, link->fds, count);
    link->fd_count -= count;
    memmove(link->fds, link->fds + count, link->fd_count * sizeof(int));
    link->taken += length + count;
    return 1;
}

static void take_control(struct link *link, struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < count; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            if (link->fd_count < ARRAY_SIZE(link->fds))
                link->fds[link->fd_count++] = fd;
            else
                close(fd);
        }
    }
}

/* Read once and hand on every whole frame. The caller has the lock, which is free during the read. */
static void read_some(struct link *link, bool wait)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * FRAME_FDS_MAX)];
    } control;
    struct iovec vector = {.iov_base = buf_reserve(&link->in, READ_SIZE), .iov_len = READ_SIZE};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control)};
    ssize_t got;
    int r;

    link->reading = true;
    link_unlock(link);
    do
        got = recvmsg(link->fd, &message, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
    while (got < 0 && errno == EINTR);
    r = errno;
    link_lock(link);
    link->reading = false;
    if (got < 0 && (r == EAGAIN || r == EWOULDBLOCK))
        return;
    if (got <= 0) {
        end(link);
        return;
    }
    link->in.length += (size_t)got;
    take_control(link, &message);
    while ((r = take_frame(link)) > 0)
        ;
    if (r < 0)
        end(link);
    if (link->taken == link->in.length) {
        buf_reset(&link->in);
    } else if (link->taken) {
        memmove(link->in.data, link->in.data + link->taken, link->in.length - link->taken);
        link->in.length -= link->taken;
    }
    link->taken = 0;
}

/* Nobody reads and somebody waits: let that one read. */
static void pass_on(struct link *link)
{
    if (link->reading)
        return;
    for (struct link_target *target = link->targets; target; target = target->next) {
        if (target->waiting) {
            wake(target);
            return;
        }
    }
}

void link_add(struct link *link, struct link_target *target)
{
    pthread_cond_init(&target->wake, NULL);
    link_lock(link);
    if (!target->serial)
        target->serial = ++link->serial;
    target->broken = link->ended;
    target->next = link->targets;
    link->targets = target;
    link_unlock(link);
}

void link_remove(struct link *link, struct link_target *target)
{
    link_lock(link);
    for (struct link_target **at = &link->targets; *at; at = &(*at)->next) {
        if (*at == target) {
            *at = target->next;
            break;
        }
    }
    pass_on(link);
    link_unlock(link);
    pthread_cond_destroy(&target->wake);
}

int link_wait(struct link *link, struct link_target *target, bool (*ready)(struct link_target *target),
              struct err *err)
{
    bool done;

    link_lock(link);
    target->waiting = true;
    while (!(done = ready(target)) && !target->broken) {
        if (!link->reading) {
            read_some(link, true);
            continue;
        }
        while (!target->woken)
            pthread_cond_wait(&target->wake, &link->lock);
        target->woken = false;
    }
    target->waiting = false;
    pass_on(link);
    link_unlock(link);
    return done ? 0 : err_system(err, EIO, "End of file while reading data");
}

void link_poll(struct link *link)
{
    link_lock(link);
    if (link->fd >= 0 && !link->reading && !link->ended)
        read_some(link, false);
    pass_on(link);
    link_unlock(link);
}

void link_ping(struct link *link)
{
    send_keepalive(link, KEEPALIVE_PING);
}

uint64_t link_frames(struct link *link)
{
    uint64_t frames;

    link_lock(link);
    frames = link->frames;
    link_unlock(link);
    return frames;
}

void link_end(struct link *link)
{
    link_lock(link);
    end(link);
    link_unlock(link);
}

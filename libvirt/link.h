/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Link: one connected socket, shared by the threads of a program. Whoever waits and finds nobody reading
 * reads for all: a call is one write and one read when there is a single thread, and no thread ever waits for
 * another's answer to be dealt with.
 */
#pragma once

#include "libvirt/api.h"

struct link;

/* Something that frames arrive for: a call's answer or a stream. */
struct link_target {
    struct link_target *next;
    uint32_t program, serial;
    int32_t procedure;
    /* By the reading thread, under the link's lock. True: it was the target's, and whoever waits can look
     * again. */
    bool (*frame)(struct link_target *target, const struct wire_message_header *header, const char *payload,
                  size_t length, int *fds, unsigned fd_count);
    void (*ended)(struct link_target *target); /* the connection ended, under the lock; NULL: nothing to do */
    bool waiting, woken, broken;
    pthread_cond_t wake;
};

/* The link owns fd (-1: nobody is on the other side, for streams of a driver in this process). event() hears
 * of messages (events), under the lock; gone() once when the connection ended. */
struct link *link_new(int fd,
                      void (*event)(void *arg, const struct wire_message_header *header, const char *payload,
                                    size_t length),
                      void (*gone)(void *arg), void *arg);
void link_free(struct link *link);
int link_fd(const struct link *link);
SHARED bool link_alive(struct link *link);

/* Call `frame` (with room for the header in front) as procedure; target gets a serial and the answer. */
int link_send(struct link *link, struct link_target *target, enum wire_message_type type,
              enum wire_message_status status, struct buf *frame, const int *fds, unsigned fd_count,
              struct err *err);
void link_add(struct link *link, struct link_target *target);
void link_remove(struct link *link, struct link_target *target);
/* Wait until ready(target); negative with err set when the connection ended first. */
int link_wait(struct link *link, struct link_target *target, bool (*ready)(struct link_target *target),
              struct err *err);
/* Ask the other side whether it is there. How many frames have come so far. */
void link_ping(struct link *link);
uint64_t link_frames(struct link *link);
/* No more use: everybody who waits gets an error, gone() is called. */
void link_end(struct link *link);
/* Take what has come, without waiting (called by the event loop). */
void link_poll(struct link *link);
void link_lock(struct link *link);
void link_unlock(struct link *link);

/* In conn.c: the last reference to the connection is gone. */
void conn_done(virConnectPtr conn);
void object_init(struct object *object, unsigned kind, virConnectPtr conn);

enum { LINK_HEADER = 28 }; /* length word and header */

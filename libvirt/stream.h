/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stream: what the files of the library that start and end streams need of them. */
#pragma once

#include "libvirt/link.h"

/* Who is told from the event loop; under the link's lock. */
struct stream_watch {
    int timer; /* 0: nobody */
    int events;
    virStreamEventCallback callback;
    void *opaque;
    virFreeCallback release;
};

struct _virStream {
    struct object object;
    unsigned flags; /* VIR_STREAM_NONBLOCK */
    struct link_target target;
    struct stream_watch watch;
    bool started;
    /* What came from the server and wasn't read yet: under the link's lock. */
    struct buf in;
    size_t taken;
    bool at_end;    /* the server has no more to send */
    bool confirmed; /* the server answered our finish or abort */
    bool failed;
    struct wire_error *error; /* what it failed with; in `arena` */
    struct arena arena;
    /* Holes lie between bytes: `received` and `consumed` count bytes since the start. */
    struct stream_hole {
        uint64_t at; /* so many bytes stand before it */
        long long length;
    } * holes;
    size_t hole_count;
    uint64_t received, consumed;
};

/* From now on frames with this serial are the stream's. */
void stream_start(virStreamPtr stream, const struct procedure *procedure, uint32_t serial);
/* The same when a driver in this process gave at once all that there is to read. */
void stream_start_local(virStreamPtr stream, const struct procedure *procedure, const struct buf *content);
void stream_stop(virStreamPtr stream); /* the call failed: as if it had never begun */
/* The hole that is next to be read, NULL: bytes are (or nothing). Is there anything to read? Under the link's
 * lock. */
struct stream_hole *stream_hole(virStreamPtr stream);
bool stream_readable(virStreamPtr stream);
/* Something came or was taken: is the callback due? Under the link's lock. */
void stream_changed(virStreamPtr stream);
void stream_done(virStreamPtr stream);

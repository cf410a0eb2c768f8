/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stream: what the files of the library that start and end streams need of them. */
#pragma once

#include "libvirt/link.h"

struct _virStream {
    struct object object;
    unsigned flags; /* VIR_STREAM_NONBLOCK */
    struct link_target target;
    bool started;
    /* What came from the server and wasn't read yet: under the link's lock. */
    struct buf in;
    size_t taken;
    bool at_end;    /* the server has no more to send */
    bool confirmed; /* the server answered our finish or abort */
    bool failed;
    struct wire_error *error; /* what it failed with; in `arena` */
    struct arena arena;
    long long hole; /* comes after the bytes of `in`; 0: none */
};

/* From now on frames with this serial are the stream's. */
void stream_start(virStreamPtr stream, const struct procedure *procedure, uint32_t serial);
void stream_stop(virStreamPtr stream); /* the call failed: as if it had never begun */
void stream_done(virStreamPtr stream);

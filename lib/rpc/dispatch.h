/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Dispatch: from a frame to a method and back. For each call: the procedure's row; may this connection do it;
 * decode into the request's arena; fiber; object; access; job; method; encode; give everything back.
 *
 * A daemon lists its methods in tables (protocol/method.h).
 * A method returns 0 with *out filled (its memory in rq->arena or older), or a negative number with rq->err
 * set.
 */
#pragma once

#include "loop/req.h"
#include "protocol/method.h"

/* The descriptors that came with the call; the method takes what it keeps (and leaves -1 behind). */
int *req_fds(const struct req *rq, unsigned *ret_count);
/* Descriptor to send with the reply; owned by the request from now on. */
void req_add_fd(struct req *rq, int fd);

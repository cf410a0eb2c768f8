/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tool: programs that pools and volumes are made with. Arguments are a vector, never a shell's line. The work
 * goes on when its client leaves: half an image is worth nothing, and nobody would know what became of it.
 */
#pragma once

#include "loop/work.h"

struct tool {
    const char **argv; /* NULL-terminated, in the request's arena */
    size_t count;
    const char *input; /* for stdin; NULL: none */
};

/* NULL ends the list. */
void tool_add(struct req *rq, struct tool *tool, ...) __attribute__((sentinel));
void tool_addf(struct req *rq, struct tool *tool, const char *format, ...) PRINTF(3, 4);
/* Run to the end, at most usec. Output of a success in ret (may be NULL). Negative with rq->err set. */
int tool_run(struct req *rq, const struct tool *tool, uint64_t usec, struct buf *ret);

/* Copying and converting images takes as long as it takes; a day says that something is wrong. */
#define TOOL_LONG SECONDS(24 * 3600)
#define TOOL_SHORT SECONDS(120)

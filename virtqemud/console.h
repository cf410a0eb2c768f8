/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Console: who has which character device of a running machine open. One at a time. */
#pragma once

#include "rpc/stream.h"
#include "virtqemud/run.h"

struct console {
    struct list link; /* run->consoles */
    const char *path;
    struct stream *stream;
};

/* Taken over from, or refused because of, whoever has it. */
struct console *console_find(struct run *run, const char *path);
/* The run ends: its consoles belong to nobody from here on; their streams end by themselves. */
void console_let_go(struct run *run);

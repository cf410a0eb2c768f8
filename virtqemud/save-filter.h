/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Save filter: the program between QEMU and the file of a state: one that compresses or unpacks it, or one
 * that moves it past the host's page cache.
 */
#pragma once

#include "loop/req.h"
#include "virtqemud/save-image.h"

struct save_filter {
    const char *program; /* NULL: none is needed */
    int stream;          /* QEMU's end; without a program the file itself, which stays the caller's */
    int pidfd, said;     /* said: a file with what it complained about */
};

/* file: at the state. 0, or -1 with err set. */
int save_filter_start(enum save_format format, bool bypass_cache, bool reading, int file,
                      struct save_filter *ret, struct err *err);
/* For reading: the same, and waits for the first byte, since QEMU would wait for one for ever. */
int save_filter_open(struct req *rq, enum save_format format, bool bypass_cache, int file,
                     struct save_filter *ret);
/* Everything is written; waits until it is in the file. 0, or -1 with rq->err set. */
int save_filter_finish(struct req *rq, struct save_filter *filter);
/* Ends the program if it still runs. Its file can be anything by then. */
void save_filter_done(struct save_filter *filter);

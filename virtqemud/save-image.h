/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Save image: a file that holds a machine and its state, as stock libvirt 9.0 writes and reads it, in the
 * host's byte order:
 *
 *     16 bytes     "LibvirtQemudSave"; "LibvirtQemudPart" while it is written
 *     u32          version, 2
 *     u32          length of what follows the header, up to the state
 *     u32          1: it was running
 *     u32          how the state is compressed, see save_format_names
 *     u32          where behind the header a cookie begins (stock's notes on the CPU); 0: there is none
 *     14 u32       0
 *     XML and a 0 byte, the cookie, room for a longer XML (64 KiB)
 *     QEMU's migration stream, to the end
 *
 * Files may be on servers that hang, so these functions belong on a worker: they are pure, and block.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Numbers are those in the files. */
enum save_format { SAVE_RAW, SAVE_GZIP, SAVE_BZIP2, SAVE_XZ, SAVE_LZOP, SAVE_ZSTD, SAVE_FORMAT_MAX };
extern const char *const save_format_names[];

struct save_image {
    int fd; /* at the state; -1: none */
    bool running;
    enum save_format format;
    bool partial; /* whoever wrote it did not get to the end */
    uint32_t length, cookie;
    char *xml; /* the caller frees */
};

/* A new file (an old one is replaced) with an unfinished header; fd stands where the state begins. */
int save_image_create(const char *path, const char *xml, bool running, enum save_format format,
                      struct save_image *ret, struct err *err);
/* The state is written: now it counts. */
int save_image_finish(const char *path, struct save_image *image, struct err *err);
/* Open one; what isn't whole is an error unless `partial` is fine. */
int save_image_open(const char *path, bool partial, struct save_image *ret, struct err *err);
/* Another definition in an image, and whether it will run: 1, 0, or as it is (-1). */
int save_image_define(const char *path, const char *xml, int running, struct err *err);
/* Take away what was written in vain; a device that somebody named stays. */
void save_image_discard(const char *path);
void save_image_done(struct save_image *image);

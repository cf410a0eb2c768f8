/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Image: what the first bytes of a file say about it: format, size of the disk inside, what it is based on.
 * Pure: bytes in, facts out; the bytes are anybody's, guests write them. What is found is for showing in
 * lists; no daemon may open an image by it.
 */
#pragma once

#include "base/arena.h"
#include "xml/xt.h"

/* As many bytes as can say something: the mark of an ISO image lies behind 32 KiB. */
enum { IMAGE_HEAD = 33280 };

struct image {
    const char *format;         /* "raw" when nothing else fits */
    struct opt_u64 capacity;    /* not set: the file's length */
    const char *backing;        /* as it is written in the image; NULL: none */
    const char *backing_format; /* as it is written there, not checked; NULL: not said */
    const char *encryption;     /* "qcow", "luks", "luks2"; NULL: none */
    const char *compat;         /* qcow2: "1.1"; NULL: older */
    uint64_t cluster_size;      /* qcow2 */
    bool lazy_refcounts, extended_l2;
};

/* head: the first length bytes of the file, all of it or at least IMAGE_HEAD. Text of *ret is in the arena.
 */
void image_read(struct arena *arena, const uint8_t *head, size_t length, struct image *ret);
/* The same for a file that is known to be of a format; unknown formats tell nothing. */
void image_read_as(struct arena *arena, const char *format, const uint8_t *head, size_t length,
                   struct image *ret);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Chain: the images that lie beneath a disk's top image, as their headers name them, and whether the files
 * are there. A format that neither the definition nor a header says is never guessed: a guest that writes a
 * header into a raw image must not be able to make us open other files.
 */
#pragma once

#include "base/buf.h"
#include "virtqemud/dev/dev.h"

/* What the header of an image says about the next one; strings live in the arena. */
struct image_header {
    const char *backing;                /* NULL: none */
    enum storage_format backing_format; /* FORMAT_UNSET: not said */
    const char *data_file;              /* NULL: none */
};
/* The first bytes of an image: 0, or -EINVAL when it isn't of that format or is broken. */
int image_header_parse(struct arena *arena, enum storage_format format, const void *data, size_t length,
                       struct image_header *ret);

/* All disks of the machine (only: one of them). Negative with rq->err set. */
int chain_complete(struct req *rq, struct build *build, struct disk *only);

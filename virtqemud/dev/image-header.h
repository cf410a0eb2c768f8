/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Image-header: what the first bytes of a disk image say about the image beneath it. A guest may have written
 * them: every length is checked, and a format is never guessed.
 */
#pragma once

#include "model/domain/storage.h"

/* What the header of an image says about the next one; strings live in the arena. */
struct image_header {
    const char *backing;                /* NULL: none */
    enum storage_format backing_format; /* FORMAT_UNSET: not said */
    const char *data_file;              /* NULL: none */
};
/* The first bytes of an image: 0, or -EINVAL when it isn't of that format or is broken. */
int image_header_parse(struct arena *arena, enum storage_format format, const void *data, size_t length,
                       struct image_header *ret);

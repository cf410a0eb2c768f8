/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Buf: a growing run of bytes with a NUL behind it. For text that is built piece by piece and for frames that
 * go out. The zero value is an empty buffer.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct buf {
    char *data; /* owned; NULL while nothing was ever added */
    size_t length, room;
};

/* At least `more` bytes of room behind the content; returns where they begin. Does not change length. */
void *buf_grow(struct buf *buf, size_t more);
static inline void *buf_reserve(struct buf *buf, size_t more)
{
    /* one more for the NUL */
    return more < buf->room - buf->length ? buf->data + buf->length : buf_grow(buf, more);
}
void buf_add(struct buf *buf, const void *data, size_t length);
void buf_add_char(struct buf *buf, char c);
void buf_add_string(struct buf *buf, const char *text); /* NULL adds nothing */
void buf_printf(struct buf *buf, const char *format, ...) PRINTF(2, 3);
void buf_vprintf(struct buf *buf, const char *format, va_list args) PRINTF(2, 0);
/* Text for an XML attribute or element: < > & ' " become entities, control characters that XML forbids
 * vanish. */
void buf_add_xml(struct buf *buf, const char *text);

/* The content as a string, never NULL; stays owned by the buffer. */
const char *buf_text(const struct buf *buf);
/* The content as a string that the caller owns; the buffer is empty afterwards. */
char *buf_steal(struct buf *buf);
/* Forget the content, keep the room. */
void buf_reset(struct buf *buf);
void buf_done(struct buf *buf);

#define auto_buf CLEANUP(buf_done)

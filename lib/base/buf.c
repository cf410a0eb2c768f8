/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/buf.h"

#include <stdio.h>

static void wipe(struct buf *buf)
{
    if (mem_wiping)
        mem_wipe(buf->data, buf->room);
}

/* As realloc, but nothing stays at the old place. */
static char *move(struct buf *buf, size_t room)
{
    char *data = mem_resize_array(NULL, room, 1);

    if (buf->data)
        memcpy(data, buf->data, buf->room);
    wipe(buf);
    free(buf->data);
    return data;
}

void *buf_grow(struct buf *buf, size_t more)
{
    size_t room = buf->room ? buf->room : 128, need;

    if (__builtin_add_overflow(buf->length, more, &need) || __builtin_add_overflow(need, 1, &need))
        abort();
    while (room < need)
        if (__builtin_mul_overflow(room, 2, &room))
            room = need;
    buf->data = mem_wiping ? move(buf, room) : mem_resize_array(buf->data, room, 1);
    buf->room = room;
    return buf->data + buf->length;
}

void buf_add(struct buf *buf, const void *data, size_t length)
{
    char *end = buf_reserve(buf, length);

    if (length)
        memcpy(end, data, length);
    end[length] = '\0';
    buf->length += length;
}

void buf_add_char(struct buf *buf, char c)
{
    buf_add(buf, &c, 1);
}

void buf_add_string(struct buf *buf, const char *text)
{
    if (text)
        buf_add(buf, text, strlen(text));
}

void buf_vprintf(struct buf *buf, const char *format, va_list args)
{
    va_list again;
    int length;

    va_copy(again, args);
    length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0)
        abort();
    vsnprintf(buf_reserve(buf, (size_t)length), (size_t)length + 1, format, args);
    buf->length += (size_t)length;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_vprintf(buf, format, args);
    va_end(args);
}

void buf_add_xml(struct buf *buf, const char *text)
{
    static const char *const entity[256] = {
        ['<'] = "&lt;", ['>'] = "&gt;", ['&'] = "&amp;", ['\''] = "&apos;", ['"'] = "&quot;"};
    const char *plain = text;

    if (!text)
        return;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        int forbidden = c < 0x20 && c != '\t' && c != '\n' && c != '\r';

        if (!entity[c] && !forbidden)
            continue;
        buf_add(buf, plain, (size_t)(text - plain));
        buf_add_string(buf, entity[c]);
        plain = text + 1;
    }
    buf_add(buf, plain, (size_t)(text - plain));
}

const char *buf_text(const struct buf *buf)
{
    return buf->length ? buf->data : "";
}

char *buf_steal(struct buf *buf)
{
    char *text = buf->length ? buf->data : mem_strdup("");

    if (!buf->length)
        free(buf->data);
    *buf = (struct buf){0};
    return text;
}

void buf_reset(struct buf *buf)
{
    wipe(buf);
    buf->length = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

void buf_done(struct buf *buf)
{
    wipe(buf);
    free(buf->data);
    *buf = (struct buf){0};
}

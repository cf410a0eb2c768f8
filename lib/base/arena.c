/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/arena.h"

#include <stdalign.h>
#include <stdio.h>

enum { CHUNK_FIRST = 1000, CHUNK_MAX = 64 * 1024, KEEP_MAX = 16 * 1024 };

struct at_end {
    struct at_end *older;
    void (*function)(void *arg);
    void *arg;
};

struct arena_chunk {
    struct arena_chunk *older;
    struct at_end *at_end; /* newest first */
    size_t size;           /* of data */
    alignas(max_align_t) char data[];
};

static void add_chunk(struct arena *arena, size_t need)
{
    size_t size = arena->chunk ? arena->chunk->size * 2 : CHUNK_FIRST;
    struct arena_chunk *chunk;

    if (size > CHUNK_MAX)
        size = CHUNK_MAX;
    if (size < need)
        size = need;
    /* malloc, not calloc: only what is handed out is zeroed */
    chunk = mem_resize_array(NULL, 1, sizeof(*chunk) + size);
    chunk->older = arena->chunk;
    chunk->at_end = NULL;
    chunk->size = size;
    arena->chunk = chunk;
    arena->next = chunk->data;
    arena->end = chunk->data + size;
    arena->total += size;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t room;
    void *memory;

    /* nothing has an address too; a request this large is a bug above: outside lengths are limited long
     * before */
    if (__builtin_add_overflow(size ? size : 1, alignof(max_align_t) - 1, &room))
        abort();
    room &= ~(alignof(max_align_t) - 1);
    if ((size_t)(arena->end - arena->next) < room)
        add_chunk(arena, room);
    memory = arena->next;
    arena->next += room;
    return memset(memory, 0, size);
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        abort();
    return arena_alloc(arena, bytes);
}

void *arena_dup(struct arena *arena, const void *data, size_t size)
{
    void *copy = arena_alloc(arena, size);

    return size ? memcpy(copy, data, size) : copy;
}

void *arena_grow(struct arena *arena, void *array, size_t count, size_t size)
{
    void *larger;

    /* full exactly at the powers of two: 0, 1, 2, 4, ... */
    if (count & (count - 1))
        return array;
    larger = arena_alloc_array(arena, count ? count * 2 : 1, size);
    return count ? memcpy(larger, array, count * size) : larger;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return text ? arena_dup(arena, text, strlen(text) + 1) : NULL;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_alloc(arena, length + 1);

    if (length)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    int length;
    char *text;

    va_copy(again, args);
    length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0)
        abort();
    text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, args);
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

void arena_at_end(struct arena *arena, void (*function)(void *arg), void *arg)
{
    struct at_end *at_end = ARENA_NEW(arena, struct at_end);

    *at_end = (struct at_end){arena->chunk->at_end, function, arg};
    arena->chunk->at_end = at_end;
}

static void call_at_end(struct arena *arena)
{
    for (struct arena_chunk *chunk = arena->chunk; chunk; chunk = chunk->older)
        for (struct at_end *at_end = TAKE(chunk->at_end); at_end; at_end = at_end->older)
            at_end->function(at_end->arg);
}

static void wipe(struct arena_chunk *chunk)
{
    if (mem_wiping)
        mem_wipe(chunk->data, chunk->size);
}

void arena_reset(struct arena *arena)
{
    struct arena_chunk *keep = NULL, *chunk, *older;

    call_at_end(arena);
    for (chunk = arena->chunk; chunk; chunk = older) {
        older = chunk->older;
        wipe(chunk);
        if (!keep && chunk->size <= KEEP_MAX)
            keep = chunk;
        else
            free(chunk);
    }
    *arena = (struct arena){.chunk = keep};
    if (keep) {
        keep->older = NULL;
        arena->next = keep->data;
        arena->end = keep->data + keep->size;
        arena->total = keep->size;
    }
}

void arena_done(struct arena *arena)
{
    struct arena_chunk *chunk, *older;

    call_at_end(arena);
    for (chunk = arena->chunk; chunk; chunk = older) {
        older = chunk->older;
        wipe(chunk);
        free(chunk);
    }
    *arena = (struct arena){0};
}

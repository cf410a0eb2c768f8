/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Arena: memory that is given back all at once. A request, an XML document or a running machine's model owns
 * one; nothing inside it is freed alone. Memory is zeroed. The zero value is an empty arena.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct arena {
    struct arena_chunk *chunk; /* newest first */
    char *next, *end;          /* free part of the newest chunk */
    size_t total;              /* bytes held, all chunks */
};

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_alloc_array((arena), (count), sizeof(type)))

void *arena_alloc(struct arena *arena, size_t size);
void *arena_alloc_array(struct arena *arena, size_t count, size_t size);
void *arena_dup(struct arena *arena, const void *data, size_t size);
/* The array, moved when it has to grow: a vector is (pointer, count) and this makes room for one more. */
void *arena_grow(struct arena *arena, void *array, size_t count, size_t size);
char *arena_strdup(struct arena *arena, const char *text); /* NULL stays NULL */
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF(2, 3);
char *arena_vprintf(struct arena *arena, const char *format, va_list args) PRINTF(2, 0);

/* When the content goes, function(arg) is called before: for what lives as long as a request does. */
void arena_at_end(struct arena *arena, void (*function)(void *arg), void *arg);

/* Forget all content; keeps at most one small chunk for the next use. */
void arena_reset(struct arena *arena);
/* Release everything; the arena is empty again. */
void arena_done(struct arena *arena);

#define auto_arena CLEANUP(arena_done)

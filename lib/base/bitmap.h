/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bitmap: a set of small numbers (CPUs, NUMA nodes) that grows when a bit is set. Two bitmaps are equal when
 * the same bits are set. The zero value is empty. Memory comes from the heap, or from the arena when `arena`
 * is set before first use (then bitmap_done does nothing).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"

struct bitmap {
    uint64_t *words;
    uint32_t count; /* of words */
    struct arena *arena;
};

void bitmap_set(struct bitmap *map, uint32_t bit);
void bitmap_set_range(struct bitmap *map, uint32_t first, uint32_t last); /* both included */
void bitmap_clear(struct bitmap *map, uint32_t bit);
bool bitmap_get(const struct bitmap *map, uint32_t bit);

size_t bitmap_weight(const struct bitmap *map);
bool bitmap_empty(const struct bitmap *map);
/* The first set bit at or after `from`, -1 when there is none. */
ssize_t bitmap_next(const struct bitmap *map, uint32_t from);
ssize_t bitmap_last(const struct bitmap *map);
#define BITMAP_FOREACH(map, bit)                                                                             \
    for (ssize_t bit = bitmap_next((map), 0); bit >= 0; bit = bitmap_next((map), (uint32_t)bit + 1))

bool bitmap_eq(const struct bitmap *a, const struct bitmap *b);
bool bitmap_contains(const struct bitmap *all, const struct bitmap *some);
bool bitmap_overlaps(const struct bitmap *a, const struct bitmap *b);
void bitmap_or(struct bitmap *map, const struct bitmap *with);
void bitmap_and(struct bitmap *map, const struct bitmap *with);
void bitmap_subtract(struct bitmap *map, const struct bitmap *what);
void bitmap_copy(struct bitmap *to, const struct bitmap *from); /* keeps to's arena */

/*
 * "0-3,^2,7": numbers, ranges, and ^ takes a number back that was given before; blanks around items. Numbers
 * must be below `limit`. Returns 0, -EINVAL or -ERANGE; ret is written only on success (its arena is kept).
 */
int bitmap_parse(const char *text, uint32_t limit, struct bitmap *ret);
/* "0-1,3,7"; nothing for the empty bitmap. */
void bitmap_format(const struct bitmap *map, struct buf *text);

/* The CPU maps of the API: bit n is bit n%8 of byte n/8. Bits past the end are cut off or zero. */
void bitmap_from_bytes(struct bitmap *map, const void *bytes, size_t length);
void bitmap_to_bytes(const struct bitmap *map, void *bytes, size_t length);

void bitmap_done(struct bitmap *map);
#define auto_bitmap CLEANUP(bitmap_done)

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/bitmap.h"

#include <errno.h>

#include "base/str.h"

static uint64_t word(const struct bitmap *map, uint32_t at)
{
    return at < map->count ? map->words[at] : 0;
}

static void reserve(struct bitmap *map, uint32_t count)
{
    uint64_t *words;

    if (count <= map->count)
        return;
    if (map->arena) {
        words = ARENA_ARRAY(map->arena, uint64_t, count);
        if (map->count)
            memcpy(words, map->words, map->count * sizeof(*words));
    } else {
        words = mem_resize_array(map->words, count, sizeof(*words));
        memset(words + map->count, 0, (count - map->count) * sizeof(*words));
    }
    map->words = words;
    map->count = count;
}

void bitmap_set(struct bitmap *map, uint32_t bit)
{
    reserve(map, bit / 64 + 1);
    map->words[bit / 64] |= UINT64_C(1) << bit % 64;
}

void bitmap_set_range(struct bitmap *map, uint32_t first, uint32_t last)
{
    /* from the top: room is made once; 64 bits, since last may be the greatest number there is */
    for (int64_t bit = last; bit >= first; bit--)
        bitmap_set(map, (uint32_t)bit);
}

void bitmap_clear(struct bitmap *map, uint32_t bit)
{
    if (bit / 64 < map->count)
        map->words[bit / 64] &= ~(UINT64_C(1) << bit % 64);
}

bool bitmap_get(const struct bitmap *map, uint32_t bit)
{
    return word(map, bit / 64) >> bit % 64 & 1;
}

size_t bitmap_weight(const struct bitmap *map)
{
    size_t weight = 0;

    for (uint32_t i = 0; i < map->count; i++)
        weight += (size_t)__builtin_popcountll(map->words[i]);
    return weight;
}

bool bitmap_empty(const struct bitmap *map)
{
    return bitmap_next(map, 0) < 0;
}

ssize_t bitmap_next(const struct bitmap *map, uint32_t from)
{
    uint64_t mask = ~UINT64_C(0) << from % 64;

    for (uint32_t i = from / 64; i < map->count; i++, mask = ~UINT64_C(0))
        if (map->words[i] & mask)
            return (ssize_t)i * 64 + __builtin_ctzll(map->words[i] & mask);
    return -1;
}

ssize_t bitmap_last(const struct bitmap *map)
{
    for (uint32_t i = map->count; i > 0; i--)
        if (map->words[i - 1])
            return (ssize_t)i * 64 - 1 - __builtin_clzll(map->words[i - 1]);
    return -1;
}

bool bitmap_eq(const struct bitmap *a, const struct bitmap *b)
{
    for (uint32_t i = 0; i < a->count || i < b->count; i++)
        if (word(a, i) != word(b, i))
            return false;
    return true;
}

bool bitmap_contains(const struct bitmap *all, const struct bitmap *some)
{
    for (uint32_t i = 0; i < some->count; i++)
        if (some->words[i] & ~word(all, i))
            return false;
    return true;
}

bool bitmap_overlaps(const struct bitmap *a, const struct bitmap *b)
{
    for (uint32_t i = 0; i < a->count; i++)
        if (a->words[i] & word(b, i))
            return true;
    return false;
}

void bitmap_or(struct bitmap *map, const struct bitmap *with)
{
    reserve(map, with->count);
    for (uint32_t i = 0; i < with->count; i++)
        map->words[i] |= with->words[i];
}

void bitmap_and(struct bitmap *map, const struct bitmap *with)
{
    for (uint32_t i = 0; i < map->count; i++)
        map->words[i] &= word(with, i);
}

void bitmap_subtract(struct bitmap *map, const struct bitmap *what)
{
    for (uint32_t i = 0; i < map->count; i++)
        map->words[i] &= ~word(what, i);
}

void bitmap_copy(struct bitmap *to, const struct bitmap *from)
{
    if (to == from)
        return;
    for (uint32_t i = 0; i < to->count; i++)
        to->words[i] = 0;
    bitmap_or(to, from);
}

static int take_number(const char **text, uint32_t limit, uint32_t *ret)
{
    uint64_t value;
    int r = str_take_u64(text, &value);

    if (r < 0)
        return r;
    if (value >= limit)
        return -ERANGE;
    *ret = (uint32_t)value;
    return 0;
}

static int parse(const char *text, uint32_t limit, struct bitmap *map)
{
    static const char blanks[] = " \t\n";

    for (;;) {
        uint32_t first, last;
        bool take_back;
        int r;

        text += strspn(text, blanks);
        take_back = *text == '^';
        text += take_back;
        r = take_number(&text, limit, &first);
        if (r < 0)
            return r;
        last = first;
        text += strspn(text, blanks);
        if (*text == '-' && !take_back) {
            text++;
            text += strspn(text, blanks);
            r = take_number(&text, limit, &last);
            if (r < 0)
                return r;
            if (last < first)
                return -EINVAL;
            text += strspn(text, blanks);
        }
        if (take_back)
            bitmap_clear(map, first);
        else
            bitmap_set_range(map, first, last);
        if (!*text)
            return 0;
        if (*text++ != ',')
            return -EINVAL;
    }
}

int bitmap_parse(const char *text, uint32_t limit, struct bitmap *ret)
{
    auto_bitmap struct bitmap map = {0};
    int r = text ? parse(text, limit, &map) : -EINVAL;

    if (r == 0)
        bitmap_copy(ret, &map);
    return r;
}

void bitmap_format(const struct bitmap *map, struct buf *text)
{
    const char *comma = "";

    for (ssize_t first = bitmap_next(map, 0), last; first >= 0;
         first = bitmap_next(map, (uint32_t)last + 1)) {
        for (last = first; bitmap_get(map, (uint32_t)last + 1);)
            last++;
        if (last == first)
            buf_printf(text, "%s%zd", comma, first);
        else
            buf_printf(text, "%s%zd-%zd", comma, first, last);
        comma = ",";
    }
}

void bitmap_from_bytes(struct bitmap *map, const void *bytes, size_t length)
{
    const uint8_t *byte = bytes;

    for (uint32_t i = 0; i < map->count; i++)
        map->words[i] = 0;
    for (size_t i = length; i > 0; i--)
        if (byte[i - 1]) {
            uint32_t at = (uint32_t)((i - 1) / 8);

            reserve(map, at + 1);
            map->words[at] |= (uint64_t)byte[i - 1] << 8 * ((i - 1) % 8);
        }
}

void bitmap_to_bytes(const struct bitmap *map, void *bytes, size_t length)
{
    uint8_t *byte = bytes;

    for (size_t i = 0; i < length; i++)
        byte[i] = (uint8_t)(word(map, (uint32_t)(i / 8)) >> 8 * (i % 8));
}

void bitmap_done(struct bitmap *map)
{
    struct arena *arena = map->arena;

    if (!arena)
        free(map->words);
    *map = (struct bitmap){.arena = arena};
}

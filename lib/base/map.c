/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Linear probing; removal moves the followers back, so there are no graves and a map that empties is as fast
 * as a new one.
 */
#include "base/map.h"

#include <errno.h>

#include "base/hash.h"
#include "base/uuid.h"

enum { ROOM_MIN = 8 };

/* What the three types of maps have in common; they differ in how a key is hashed and compared. */
struct table {
    struct map_slot *slots;
    uint32_t count, room;
};

struct kind {
    uint32_t (*hash)(const struct map_slot *key);
    bool (*same)(const struct map_slot *a, const struct map_slot *b);
};

static uint32_t name_hash(const struct map_slot *slot)
{
    return (uint32_t)hash_keyed(slot->key.name, strlen(slot->key.name));
}

static bool name_same(const struct map_slot *a, const struct map_slot *b)
{
    return !strcmp(a->key.name, b->key.name);
}

static uint32_t uuid_hash(const struct map_slot *slot)
{
    return (uint32_t)hash_keyed(slot->key.uuid, UUID_SIZE);
}

static bool uuid_same(const struct map_slot *a, const struct map_slot *b)
{
    return uuid_eq(a->key.uuid, b->key.uuid);
}

static uint32_t number_hash(const struct map_slot *slot)
{
    return (uint32_t)hash_keyed(&slot->key.number, sizeof(slot->key.number));
}

static bool number_same(const struct map_slot *a, const struct map_slot *b)
{
    return a->key.number == b->key.number;
}

static const struct kind name_kind = {name_hash, name_same}, uuid_kind = {uuid_hash, uuid_same},
                         number_kind = {number_hash, number_same};

/* Where the key is, or the free slot where it would go. There is always a free slot. */
static uint32_t find(const struct table *table, const struct kind *kind, const struct map_slot *key)
{
    uint32_t mask = table->room - 1, at = kind->hash(key) & mask;

    while (table->slots[at].value && !kind->same(&table->slots[at], key))
        at = (at + 1) & mask;
    return at;
}

static void resize(struct table *table, const struct kind *kind, uint32_t room)
{
    struct table old = *table;

    table->slots = NEW_ARRAY(struct map_slot, room);
    table->room = room;
    for (uint32_t i = 0; i < old.room; i++)
        if (old.slots[i].value)
            table->slots[find(table, kind, &old.slots[i])] = old.slots[i];
    free(old.slots);
}

static void *get(const struct table *table, const struct kind *kind, struct map_slot key)
{
    return table->count ? table->slots[find(table, kind, &key)].value : NULL;
}

static int put(struct table *table, const struct kind *kind, struct map_slot key)
{
    uint32_t at;

    if (table->count >= table->room / 4 * 3) {
        if (table->room > UINT32_MAX / 2)
            abort();
        resize(table, kind, table->room ? table->room * 2 : ROOM_MIN);
    }
    at = find(table, kind, &key);
    if (table->slots[at].value)
        return -EEXIST;
    table->slots[at] = key;
    table->count++;
    return 0;
}

static void *take(struct table *table, const struct kind *kind, struct map_slot key)
{
    uint32_t mask = table->room - 1, hole, at;
    void *value;

    if (!table->count)
        return NULL;
    hole = find(table, kind, &key);
    value = table->slots[hole].value;
    if (!value)
        return NULL;
    for (at = (hole + 1) & mask; table->slots[at].value; at = (at + 1) & mask) {
        uint32_t home = kind->hash(&table->slots[at]) & mask;

        /* may it move to the hole, or would that be before its home? */
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        table->slots[hole] = table->slots[at];
        hole = at;
    }
    table->slots[hole].value = NULL;
    table->count--;
    if (table->room > ROOM_MIN && table->count < table->room / 4)
        resize(table, kind, table->room / 2);
    return value;
}

/* The public types have the layout of struct table; copying in and out keeps the compiler's aliasing rules.
 */
#define MAP_TYPE(prefix, type, kind, key_type, member)                                                       \
    void *prefix##_get(const struct type *map, key_type key)                                                 \
    {                                                                                                        \
        struct table table = {map->slots, map->count, map->room};                                            \
                                                                                                             \
        return get(&table, &kind, (struct map_slot){.key.member = key});                                     \
    }                                                                                                        \
    int prefix##_put(struct type *map, key_type key, void *value)                                            \
    {                                                                                                        \
        struct table table = {map->slots, map->count, map->room};                                            \
        int r = put(&table, &kind, (struct map_slot){.key.member = key, .value = value});                    \
                                                                                                             \
        *map = (struct type){table.slots, table.count, table.room};                                          \
        return r;                                                                                            \
    }                                                                                                        \
    void *prefix##_remove(struct type *map, key_type key)                                                    \
    {                                                                                                        \
        struct table table = {map->slots, map->count, map->room};                                            \
        void *value = take(&table, &kind, (struct map_slot){.key.member = key});                             \
                                                                                                             \
        *map = (struct type){table.slots, table.count, table.room};                                          \
        return value;                                                                                        \
    }                                                                                                        \
    void prefix##_done(struct type *map)                                                                     \
    {                                                                                                        \
        free(map->slots);                                                                                    \
        *map = (struct type){0};                                                                             \
    }

MAP_TYPE(map, map, name_kind, const char *, name)
MAP_TYPE(uuid_map, uuid_map, uuid_kind, const uint8_t *, uuid)
MAP_TYPE(number_map, number_map, number_kind, uint64_t, number)

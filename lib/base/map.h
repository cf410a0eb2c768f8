/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Map: hash tables from a string, a UUID or a number to a pointer. Keys are borrowed: they live inside the
 * value (or elsewhere) as long as the entry does. 16 bytes a slot, at most three quarters full; the table
 * grows by doubling and shrinks when less than a quarter is used. The hash is keyed, so names chosen by a
 * client can't make it slow. The zero value is an empty map. Values are never NULL.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

struct map_slot {
    union {
        const char *name;
        const uint8_t *uuid;
        uint64_t number;
    } key;
    void *value; /* NULL: free slot */
};

/* Three types, so that a map can't be asked with a key of the wrong kind. */
struct map {
    struct map_slot *slots;
    uint32_t count, room;
};
struct uuid_map {
    struct map_slot *slots;
    uint32_t count, room;
};
struct number_map {
    struct map_slot *slots;
    uint32_t count, room;
};

/* NULL when there is none. */
void *map_get(const struct map *map, const char *key);
void *uuid_map_get(const struct uuid_map *map, const uint8_t *uuid);
void *number_map_get(const struct number_map *map, uint64_t number);

/* 0, or -EEXIST: the key is there already and nothing changed. */
int map_put(struct map *map, const char *key, void *value);
int uuid_map_put(struct uuid_map *map, const uint8_t *uuid, void *value);
int number_map_put(struct number_map *map, uint64_t number, void *value);

/* The value that was removed, or NULL. */
void *map_remove(struct map *map, const char *key);
void *uuid_map_remove(struct uuid_map *map, const uint8_t *uuid);
void *number_map_remove(struct number_map *map, uint64_t number);

void map_done(struct map *map);
void uuid_map_done(struct uuid_map *map);
void number_map_done(struct number_map *map);

/* Walk all values of a map of any kind, in no order; the map must not change meanwhile. */
#define MAP_FOREACH(map, object)                                                                             \
    for (uint32_t UNIQUE(at) = 0; UNIQUE(at) < (map)->room; UNIQUE(at)++)                                    \
        if (!((object) = (map)->slots[UNIQUE(at)].value)) {                                                  \
        } else

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/uuid.h"
#include "unit.h"

/* Numbers whose order repeats in each run and looks like none. */
static uint32_t next_number(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

enum { NAMES = 5000 };

START_TEST(agrees_with_an_array)
{
    static char names[NAMES][16];
    static bool present[NAMES];
    struct map map = {0};
    uint32_t state = 1, count = 0, seen = 0;
    const char *name;

    for (int i = 0; i < NAMES; i++)
        snprintf(names[i], sizeof(names[i]), "guest-%d", i);
    for (int step = 0; step < 200000; step++) {
        uint32_t i = next_number(&state) % NAMES;
        bool fill = step < 100000 ? next_number(&state) % 4 : !(next_number(&state) % 4);

        ck_assert_ptr_eq(map_get(&map, names[i]), present[i] ? names[i] : NULL);
        if (fill) {
            ck_assert_int_eq(map_put(&map, names[i], names[i]), present[i] ? -EEXIST : 0);
            count += !present[i];
            present[i] = true;
        } else {
            ck_assert_ptr_eq(map_remove(&map, names[i]), present[i] ? names[i] : NULL);
            count -= present[i];
            present[i] = false;
        }
        ck_assert_uint_eq(map.count, count);
    }
    MAP_FOREACH(&map, name)
        seen++;
    ck_assert_uint_eq(seen, count);
    for (int i = 0; i < NAMES; i++)
        map_remove(&map, names[i]);
    ck_assert_uint_eq(map.count, 0);
    ck_assert_uint_le(map.room, 8);
    map_done(&map);
}
END_TEST

START_TEST(keys_are_compared_by_content)
{
    char a[] = "same", b[] = "same", value;
    struct map map = {0};

    ck_assert_ptr_null(map_get(&map, a));
    ck_assert_ptr_null(map_remove(&map, a));
    ck_assert_int_eq(map_put(&map, a, &value), 0);
    ck_assert_ptr_eq(map_get(&map, b), &value);
    map_done(&map);
}
END_TEST

START_TEST(uuids_and_numbers)
{
    struct uuid_map uuids = {0};
    struct number_map numbers = {0};
    uint8_t keys[1000][UUID_SIZE];

    for (int i = 0; i < 1000; i++) {
        uuid_generate(keys[i]);
        ck_assert_int_eq(uuid_map_put(&uuids, keys[i], keys[i]), 0);
        ck_assert_int_eq(number_map_put(&numbers, (uint64_t)i * 4096, keys[i]), 0);
    }
    ck_assert_int_eq(number_map_put(&numbers, 4096, keys[0]), -EEXIST);
    for (int i = 0; i < 1000; i++) {
        ck_assert_ptr_eq(uuid_map_get(&uuids, keys[i]), keys[i]);
        ck_assert_ptr_eq(number_map_remove(&numbers, (uint64_t)i * 4096), keys[i]);
    }
    ck_assert_ptr_eq(uuid_map_remove(&uuids, keys[5]), keys[5]);
    ck_assert_ptr_null(uuid_map_get(&uuids, keys[5]));
    ck_assert_uint_eq(numbers.count, 0);
    uuid_map_done(&uuids);
    number_map_done(&numbers);
}
END_TEST

START_TEST(hash_is_siphash)
{
    /* SipHash-1-3 of 00 01 02 ... with the key 00 01 ... 0f, lengths 0 and 8 */
    static const uint64_t key[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    uint8_t data[8] = {0, 1, 2, 3, 4, 5, 6, 7};

    ck_assert_uint_eq(hash_bytes(data, 0, key), UINT64_C(0xabac0158050fc4dc));
    ck_assert_uint_ne(hash_bytes(data, 7, key), hash_bytes(data, 8, key));
    ck_assert_uint_eq(hash_keyed("abc", 3), hash_keyed("abc", 3));
}
END_TEST

UNIT_MAIN("map", agrees_with_an_array, keys_are_compared_by_content, uuids_and_numbers, hash_is_siphash)

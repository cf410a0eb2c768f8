/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "base/bitmap.h"
#include "unit.h"

static void assert_text(const struct bitmap *map, const char *wanted)
{
    auto_buf struct buf text = {0};

    bitmap_format(map, &text);
    ck_assert_str_eq(buf_text(&text), wanted);
}

START_TEST(parses)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"0", "0"},
        {"0-3,^2,7", "0-1,3,7"},
        {"3,1,2", "1-3"},
        {" 0 - 3 , ^1 ", "0,2-3"},
        {"63-65,127", "63-65,127"},
        {"5,^5", ""},
        {"0,0,0", "0"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        auto_bitmap struct bitmap map = {0};

        ck_assert_msg(bitmap_parse(cases[i].in, 1024, &map) == 0, "'%s'", cases[i].in);
        assert_text(&map, cases[i].out);
    }
}
END_TEST

START_TEST(refuses)
{
    static const char *const bad[] = {"",    ",", "1,",   ",1",  "a",        "1-",  "-1", "3-1",
                                      "1 2", "^", "1--2", "0x1", "0-3,^0-3", "^ 1", NULL};
    auto_bitmap struct bitmap map = {0};

    bitmap_set(&map, 9);
    for (size_t i = 0; bad[i]; i++)
        ck_assert_msg(bitmap_parse(bad[i], 1024, &map) == -EINVAL, "'%s'", bad[i]);
    ck_assert_int_eq(bitmap_parse(NULL, 1024, &map), -EINVAL);
    ck_assert_int_eq(bitmap_parse("1024", 1024, &map), -ERANGE);
    ck_assert_int_eq(bitmap_parse("0-99999999999999999999", 1024, &map), -ERANGE);
    ck_assert_int_eq(bitmap_parse("^4294967296", 1024, &map), -ERANGE);
    assert_text(&map, "9");
}
END_TEST

START_TEST(bits)
{
    auto_bitmap struct bitmap map = {0};
    int sum = 0;

    ck_assert(bitmap_empty(&map) && !bitmap_get(&map, 5) && bitmap_last(&map) == -1);
    bitmap_clear(&map, 1000);
    bitmap_set_range(&map, 60, 70);
    ck_assert_uint_eq(bitmap_weight(&map), 11);
    ck_assert_int_eq(bitmap_next(&map, 0), 60);
    ck_assert_int_eq(bitmap_next(&map, 64), 64);
    ck_assert_int_eq(bitmap_next(&map, 71), -1);
    ck_assert_int_eq(bitmap_last(&map), 70);
    BITMAP_FOREACH(&map, bit)
        sum += (int)bit;
    ck_assert_int_eq(sum, 65 * 11);
    bitmap_clear(&map, 65);
    assert_text(&map, "60-64,66-70");
}
END_TEST

START_TEST(sets)
{
    auto_bitmap struct bitmap a = {0}, b = {0}, c = {0};

    bitmap_set_range(&a, 0, 9);
    bitmap_set(&b, 3);
    bitmap_set(&b, 200);
    ck_assert(bitmap_overlaps(&a, &b) && !bitmap_contains(&a, &b));
    bitmap_copy(&c, &b);
    ck_assert(bitmap_eq(&b, &c) && !bitmap_eq(&a, &b));
    bitmap_clear(&c, 200);
    ck_assert(bitmap_contains(&a, &c) && bitmap_contains(&b, &c));
    bitmap_or(&c, &a);
    ck_assert(bitmap_eq(&c, &a)); /* though c has more words */
    bitmap_and(&b, &a);
    assert_text(&b, "3");
    bitmap_subtract(&a, &b);
    assert_text(&a, "0-2,4-9");
}
END_TEST

START_TEST(byte_maps)
{
    static const uint8_t bytes[] = {0x81, 0, 0, 0, 0, 0, 0, 0, 0x02};
    uint8_t back[10] = {0}, small[1];
    auto_bitmap struct bitmap map = {0};

    bitmap_set(&map, 50);
    bitmap_from_bytes(&map, bytes, sizeof(bytes));
    assert_text(&map, "0,7,65");
    bitmap_to_bytes(&map, back, sizeof(back));
    ck_assert_mem_eq(back, bytes, sizeof(bytes));
    ck_assert_uint_eq(back[9], 0);
    bitmap_to_bytes(&map, small, sizeof(small));
    ck_assert_uint_eq(small[0], 0x81);
}
END_TEST

START_TEST(lives_in_an_arena)
{
    auto_arena struct arena arena = {0};
    struct bitmap map = {.arena = &arena};

    ck_assert_int_eq(bitmap_parse("1-5", 64, &map), 0);
    bitmap_set(&map, 500);
    assert_text(&map, "1-5,500");
    bitmap_done(&map);
}
END_TEST

UNIT_MAIN("bitmap", parses, refuses, bits, sets, byte_maps, lives_in_an_arena)

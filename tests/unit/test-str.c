/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "base/str.h"
#include "unit.h"

START_TEST(numbers_fit_exactly)
{
    uint8_t u8 = 7;
    uint16_t u16 = 7;
    uint32_t u32 = 7;
    uint64_t u64 = 7;
    int32_t i32 = 7;
    int64_t i64 = 7;

    ck_assert_int_eq(str_to_u8("255", &u8), 0);
    ck_assert_uint_eq(u8, 255);
    ck_assert_int_eq(str_to_u8("256", &u8), -ERANGE);
    ck_assert_uint_eq(u8, 255);
    ck_assert_int_eq(str_to_u16("65535", &u16), 0);
    ck_assert_int_eq(str_to_u16("65536", &u16), -ERANGE);
    ck_assert_int_eq(str_to_u32("4294967295", &u32), 0);
    ck_assert_uint_eq(u32, UINT32_MAX);
    ck_assert_int_eq(str_to_u32("4294967296", &u32), -ERANGE);
    ck_assert_int_eq(str_to_u64("18446744073709551615", &u64), 0);
    ck_assert_uint_eq(u64, UINT64_MAX);
    ck_assert_int_eq(str_to_u64("18446744073709551616", &u64), -ERANGE);
    ck_assert_int_eq(str_to_u64("184467440737095516150000000000", &u64), -ERANGE);
    ck_assert_int_eq(str_to_i32("-2147483648", &i32), 0);
    ck_assert_int_eq(i32, INT32_MIN);
    ck_assert_int_eq(str_to_i32("2147483647", &i32), 0);
    ck_assert_int_eq(str_to_i32("2147483648", &i32), -ERANGE);
    ck_assert_int_eq(str_to_i32("-2147483649", &i32), -ERANGE);
    ck_assert_int_eq(str_to_i64("-9223372036854775808", &i64), 0);
    ck_assert_int_eq(i64, INT64_MIN);
    ck_assert_int_eq(str_to_i64("9223372036854775808", &i64), -ERANGE);
    ck_assert_int_eq(str_to_i64("-0", &i64), 0);
    ck_assert_int_eq(i64, 0);
}
END_TEST

START_TEST(numbers_are_strict)
{
    static const char *const bad[] = {"", " 1", "1 ", "+1", "1x", "0x10", "--1", "-", "1.0", "１", NULL};
    uint64_t u64 = 7;
    int64_t i64 = 7;

    for (size_t i = 0; bad[i]; i++) {
        ck_assert_msg(str_to_u64(bad[i], &u64) == -EINVAL, "'%s'", bad[i]);
        ck_assert_msg(str_to_i64(bad[i], &i64) == -EINVAL, "'%s'", bad[i]);
    }
    ck_assert_int_eq(str_to_u64("-1", &u64), -EINVAL);
    ck_assert_int_eq(str_to_u64(NULL, &u64), -EINVAL);
    ck_assert_int_eq(str_to_i64(NULL, &i64), -EINVAL);
    ck_assert_uint_eq(u64, 7);
    ck_assert_int_eq(i64, 7);
}
END_TEST

START_TEST(bases)
{
    uint64_t u64 = 0;
    uint32_t u32 = 0;

    ck_assert_int_eq(str_to_u64_base("ff", 16, &u64), 0);
    ck_assert_uint_eq(u64, 255);
    ck_assert_int_eq(str_to_u64_base("0xFF", 16, &u64), 0);
    ck_assert_uint_eq(u64, 255);
    ck_assert_int_eq(str_to_u64_base("0x1f", 0, &u64), 0);
    ck_assert_uint_eq(u64, 31);
    ck_assert_int_eq(str_to_u64_base("017", 0, &u64), 0);
    ck_assert_uint_eq(u64, 15);
    ck_assert_int_eq(str_to_u64_base("0", 0, &u64), 0);
    ck_assert_uint_eq(u64, 0);
    ck_assert_int_eq(str_to_u64_base("0x", 0, &u64), -EINVAL);
    ck_assert_int_eq(str_to_u64_base("08", 0, &u64), -EINVAL);
    ck_assert_int_eq(str_to_u64_base("12", 2, &u64), -EINVAL);
    ck_assert_int_eq(str_to_u32_base("0777", 8, &u32), 0);
    ck_assert_uint_eq(u32, 0777);
    ck_assert_int_eq(str_to_u32_base("100000000", 16, &u32), -ERANGE);
}
END_TEST

START_TEST(take_moves_behind_the_digits)
{
    const char *text = "123abc";
    uint64_t value = 0;

    ck_assert_int_eq(str_take_u64(&text, &value), 0);
    ck_assert_uint_eq(value, 123);
    ck_assert_str_eq(text, "abc");
    ck_assert_int_eq(str_take_u64(&text, &value), -EINVAL);
    ck_assert_str_eq(text, "abc");
}
END_TEST

START_TEST(doubles)
{
    double value = 0;

    ck_assert_int_eq(str_to_double("1.5e3", &value), 0);
    ck_assert_double_eq(value, 1500);
    ck_assert_int_eq(str_to_double("-0.25", &value), 0);
    ck_assert_double_eq(value, -0.25);
    ck_assert_int_eq(str_to_double("1e999", &value), -ERANGE);
    ck_assert_int_eq(str_to_double("inf", &value), -EINVAL);
    ck_assert_int_eq(str_to_double("0x1p3", &value), -EINVAL);
    ck_assert_int_eq(str_to_double("1..2", &value), -EINVAL);
    ck_assert_int_eq(str_to_double("", &value), -EINVAL);
    ck_assert_int_eq(str_to_double(".", &value), -EINVAL);
}
END_TEST

START_TEST(comparing)
{
    ck_assert(str_eq("a", "a") && !str_eq("a", "b") && !str_eq(NULL, "") && str_eq(NULL, NULL));
    ck_assert(str_eq_nocase("aB", "Ab") && !str_eq_nocase("a", NULL));
    ck_assert_int_lt(str_cmp(NULL, ""), 0);
    ck_assert_int_eq(str_cmp(NULL, NULL), 0);
    ck_assert_int_gt(str_cmp("b", "a"), 0);
    ck_assert_str_eq(str_after("qemu:x", "qemu:"), "x");
    ck_assert_ptr_null(str_after("qem", "qemu"));
    ck_assert_ptr_null(str_after(NULL, ""));
    ck_assert(str_ends("a.xml", ".xml") && !str_ends("xml", ".xml") && !str_ends(NULL, ""));
    ck_assert(str_has_any("a/b", "/") && !str_has_any("ab", "/") && !str_has_any(NULL, "/"));
    ck_assert(str_only("123", "0123") && !str_only("124", "0123") && str_only("", "x"));
    ck_assert(str_has_control("a\nb") && str_has_control("\x7f") && !str_has_control("\xc3\xa4 b"));
}
END_TEST

START_TEST(utf8)
{
    ck_assert(str_is_utf8(""));
    ck_assert(str_is_utf8("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"));
    ck_assert(!str_is_utf8("\xc3"));             /* cut */
    ck_assert(!str_is_utf8("\xc0\xaf"));         /* too long a form */
    ck_assert(!str_is_utf8("\xe0\x80\xaf"));     /* too long a form */
    ck_assert(!str_is_utf8("\xed\xa0\x80"));     /* surrogate */
    ck_assert(!str_is_utf8("\xf4\x90\x80\x80")); /* past the end */
    ck_assert(!str_is_utf8("\x80"));
}
END_TEST

START_TEST(printable)
{
    static const char *const rows[][2] = {
        {"a\tb\n\xc3\xa4", "a\tb\n\xc3\xa4"},
        {"\x1b[31mred\x7f\r", "?[31mred??"},
        {"cut \xe2\x82", "cut ??"},
        {"\xc2\x9b"
         "2J \xc2\xa0",
         "??2J \xc2\xa0"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        auto_free char *text = mem_strdup(rows[i][0]);

        str_make_printable(text);
        ck_assert_str_eq(text, rows[i][1]);
    }
}
END_TEST

START_TEST(cutting_and_joining)
{
    char text[] = " \t a b \n";
    auto_strv char **parts = str_split("::a::b:c", ":");
    auto_strv char **none = str_split(":::", ":");
    auto_strv char **copy = strv_dup(parts);
    auto_free char *joined = strv_join(copy, ", ");
    auto_free char *nothing = strv_join(none, ", ");

    ck_assert_str_eq(str_trim(text), "a b");
    ck_assert_uint_eq(strv_length(parts), 3);
    ck_assert_uint_eq(strv_length(none), 0);
    ck_assert_str_eq(joined, "a, b, c");
    ck_assert_str_eq(nothing, "");
    ck_assert(strv_has(parts, "b") && !strv_has(parts, "d") && !strv_has(NULL, "d"));
    for (int i = 0; i < 100; i++)
        copy = strv_add(copy, "x");
    ck_assert_uint_eq(strv_length(copy), 103);
    ck_assert_str_eq(copy[102], "x");
}
END_TEST

UNIT_MAIN("str", numbers_fit_exactly, numbers_are_strict, bases, take_moves_behind_the_digits, doubles,
          comparing, utf8, printable, cutting_and_joining)

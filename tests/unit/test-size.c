/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/size.h"
#include "unit.h"

START_TEST(units)
{
    static const struct {
        const char *unit;
        uint64_t bytes;
    } cases[] = {
        {NULL, 7},
        {"", 7},
        {"b", 1},
        {"Bytes", 1},
        {"k", 1024},
        {"KiB", 1024},
        {"KB", 1000},
        {"kb", 1000},
        {"M", 1 << 20},
        {"mib", 1 << 20},
        {"MB", 1000000},
        {"G", 1 << 30},
        {"x", 0},
        {"KiBx", 0},
        {"KI", 0},
        {"T", UINT64_C(1) << 40},
        {"EB", UINT64_C(1000000000000000000)},
        {"EiB", UINT64_C(1) << 60},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        ck_assert_msg(size_unit(cases[i].unit, 7) == cases[i].bytes, "'%s'", cases[i].unit);
}
END_TEST

START_TEST(scaling)
{
    auto_err struct err err = {0};
    uint64_t bytes = 0;

    ASSERT_OK(size_scale(15, "EiB", 1, UINT64_MAX, &bytes, &err), &err);
    ck_assert_uint_eq(bytes, UINT64_C(15) << 60);
    ck_assert_int_lt(size_scale(16, "EiB", 1, UINT64_MAX, &bytes, &err), 0);
    ASSERT_ERR(&err, ERR_OVERFLOW, "value too large: 16EiB");
    ck_assert_int_lt(size_scale(11, NULL, 1024, 11 * 1024 - 1, &bytes, &err), 0);
    ASSERT_ERR(&err, ERR_OVERFLOW, "value too large: 11");
    ck_assert_int_lt(size_scale(1, "parsec", 1, UINT64_MAX, &bytes, &err), 0);
    ASSERT_ERR(&err, ERR_INVALID_ARG, "unknown suffix 'parsec'");
}
END_TEST

START_TEST(text)
{
    auto_err struct err err = {0};
    auto_buf struct buf buf = {0};
    uint64_t bytes = 0;

    ASSERT_OK(size_parse("16 MiB", 1, UINT64_MAX, &bytes, &err), &err);
    ck_assert_uint_eq(bytes, 16 << 20);
    ASSERT_OK(size_parse("16", 1024, UINT64_MAX, &bytes, &err), &err);
    ck_assert_uint_eq(bytes, 16 << 10);
    ck_assert_int_lt(size_parse("MiB", 1, UINT64_MAX, &bytes, &err), 0);
    ASSERT_ERR(&err, ERR_INVALID_ARG, "'MiB'");
    ck_assert_int_lt(size_parse("-1", 1, UINT64_MAX, &bytes, &err), 0);
    err_clear(&err);
    ck_assert_int_lt(size_parse("99999999999999999999", 1, UINT64_MAX, &bytes, &err), 0);
    ASSERT_ERR(&err, ERR_OVERFLOW, "99999999999999999999");
    size_format(1023, &buf);
    buf_add_char(&buf, ' ');
    size_format(3 << 19, &buf);
    ck_assert_str_eq(buf_text(&buf), "1023 B 1.50 MiB");
}
END_TEST

UNIT_MAIN("size", units, scaling, text)

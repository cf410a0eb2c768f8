/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/base64.h"

#include <errno.h>

#include "unit.h"

/* RFC 4648, section 10, and one with all kinds of digits. */
static const struct {
    const char *data, *text;
} pairs[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xfb\xff\xbe", "+/++"},
};

START_TEST(there_and_back)
{
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        char text[64], data[64];
        size_t length = strlen(pairs[i].data);

        ck_assert_uint_eq(base64_encode(pairs[i].data, length, text), strlen(pairs[i].text));
        ck_assert_str_eq(text, pairs[i].text);
        ck_assert_int_eq(base64_decode(text, strlen(text), data), (ssize_t)length);
        ck_assert_mem_eq(data, pairs[i].data, length);
        /* in place */
        ck_assert_int_eq(base64_decode(text, strlen(text), text), (ssize_t)length);
        ck_assert_mem_eq(text, pairs[i].data, length);
    }
}
END_TEST

START_TEST(white_space)
{
    char data[64];

    ck_assert_int_eq(base64_decode(" Zm 9v\r\nYg\t==\n", 14, data), 4);
    ck_assert_mem_eq(data, "foob", 4);
}
END_TEST

START_TEST(refused)
{
    static const char *const bad[] = {
        "Z", "Zg", "Zg=", "Zg===", "=Zg=", "Z===", "Zg==Zg==", "Zg=a", "Zm9v!", "Zm9-", "===="};
    char data[64];

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        ck_assert_msg(base64_decode(bad[i], strlen(bad[i]), data) == -EINVAL, "'%s' was taken", bad[i]);
}
END_TEST

UNIT_MAIN("base64", there_and_back, white_space, refused)

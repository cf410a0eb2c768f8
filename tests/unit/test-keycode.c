/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The same keys in every world. */
#include "virtqemud/keycode.h"

#include "tests/unit/unit.h"
#include "virtqemud/api.h"

/* One key a row: its qnum, and its code in each set. */
static const struct {
    int qnum;
    unsigned linux_code, usb, set1, set2, win32;
} keys[] = {
    {0x01, 1, 0x29, 0x01, 0x76, 0x1b},       /* escape */
    {0x1e, 30, 0x04, 0x1e, 0x1c, 0x41},      /* a */
    {0x1c, 28, 0x28, 0x1c, 0x5a, 0x0d},      /* enter */
    {0x3b, 59, 0x3a, 0x3b, 0x05, 0x70},      /* F1 */
    {0x57, 87, 0x44, 0x57, 0x78, 0x7a},      /* F11 */
    {0xb8, 100, 0xe6, 0xe038, 0xe011, 0xa5}, /* right alt */
    {0xd3, 111, 0x4c, 0xe053, 0xe071, 0x2e}, /* delete */
    {0x9d, 97, 0xe4, 0xe01d, 0xe014, 0xa3},  /* right control */
};

START_TEST(keys_are_the_same_in_all_sets)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        ck_assert_int_eq(keycode_to_qnum(API_KEYCODE_SET_LINUX, keys[i].linux_code), keys[i].qnum);
        ck_assert_int_eq(keycode_to_qnum(API_KEYCODE_SET_USB, keys[i].usb), keys[i].qnum);
        ck_assert_int_eq(keycode_to_qnum(API_KEYCODE_SET_ATSET1, keys[i].set1), keys[i].qnum);
        ck_assert_int_eq(keycode_to_qnum(API_KEYCODE_SET_ATSET2, keys[i].set2), keys[i].qnum);
        ck_assert_int_eq(keycode_to_qnum(API_KEYCODE_SET_WIN32, keys[i].win32), keys[i].qnum);
        ck_assert_int_eq(keycode_to_qnum(API_KEYCODE_SET_QNUM, (unsigned)keys[i].qnum), keys[i].qnum);
    }
}
END_TEST

START_TEST(what_is_no_key_is_refused)
{
    ck_assert_int_lt(keycode_to_qnum(API_KEYCODE_SET_LINUX, 0), 0);
    ck_assert_int_lt(keycode_to_qnum(API_KEYCODE_SET_LINUX, UINT32_MAX), 0);
    ck_assert_int_lt(keycode_to_qnum(API_KEYCODE_SET_USB, 0x10000), 0);
    ck_assert_int_lt(keycode_to_qnum(API_KEYCODE_SET_ATSET2, 0xe0ff), 0);
    ck_assert_int_lt(keycode_to_qnum(99, 30), 0);
    ck_assert_str_eq(keycode_set_name(API_KEYCODE_SET_WIN32), "win32");
    ck_assert_str_eq(keycode_set_name(99), "unknown");
}
END_TEST

UNIT_MAIN("keycode", keys_are_the_same_in_all_sets, what_is_no_key_is_refused)

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* UUIDs, MAC addresses, words of enums, time as text. */
#include <errno.h>

#include "base/enum.h"
#include "base/mac.h"
#include "base/time.h"
#include "base/uuid.h"
#include "unit.h"

START_TEST(uuids)
{
    static const char *const good[] = {
        "8510b1a1-1afa-4da6-8111-785fae202c1e", "8510B1A11AFA4DA68111785FAE202C1E",
        " \n8510b1a1-1afa-4da6-8111-785fae202c1e\t", "8510b1a1--1afa4da68111785fae202c1e", NULL};
    static const char *const bad[] = {"",
                                      "8510b1a1",
                                      "8510b1a1-1afa-4da6-8111-785fae202c1",
                                      "8510b1a1-1afa-4da6-8111-785fae202c1ee",
                                      "-8510b1a1-1afa-4da6-8111-785fae202c1e",
                                      "8510b1a1-1afa-4da6-8111-785fae202c1g",
                                      "8510b1a1-1afa-4da6-8111-785fae202c1e x",
                                      NULL};
    uint8_t uuid[UUID_SIZE], same[UUID_SIZE];
    char text[UUID_TEXT];

    for (size_t i = 0; good[i]; i++) {
        ck_assert_msg(uuid_parse(good[i], uuid) == 0, "'%s'", good[i]);
        ck_assert_str_eq(uuid_format(uuid, text), good[0]);
    }
    for (size_t i = 0; bad[i]; i++)
        ck_assert_msg(uuid_parse(bad[i], uuid) == -EINVAL, "'%s'", bad[i]);
    ck_assert_int_eq(uuid_parse(NULL, uuid), -EINVAL);
    memset(same, 0, sizeof(same));
    ck_assert(!uuid_valid(same));
    memset(same, 0xff, sizeof(same));
    ck_assert(!uuid_valid(same));
    uuid_generate(same);
    ck_assert(uuid_valid(same) && !uuid_eq(same, uuid));
    ck_assert_uint_eq(same[6] >> 4, 4);
    ck_assert_uint_eq(same[8] >> 6, 2);
}
END_TEST

START_TEST(macs)
{
    static const char *const bad[] = {"",
                                      "52:54:00:12:34",
                                      "52:54:00:12:34:56:78",
                                      "52-54-00-12-34-56",
                                      "52:54:00:12:34:5g",
                                      "525:4:00:12:34:56",
                                      "52:54:00:12:34:",
                                      NULL};
    static const uint8_t prefix[3] = {0x52, 0x54, 0};
    struct mac mac, other;
    char text[MAC_TEXT];

    ck_assert_int_eq(mac_parse("52:54:0:AB:34:56", &mac), 0);
    ck_assert_str_eq(mac_format(&mac, text), "52:54:00:ab:34:56");
    for (size_t i = 0; bad[i]; i++)
        ck_assert_msg(mac_parse(bad[i], &mac) == -EINVAL, "'%s'", bad[i]);
    mac_generate(prefix, &other);
    ck_assert_mem_eq(other.bytes, prefix, 3);
    ck_assert(!mac_is_multicast(&other) && !mac_is_zero(&other) && mac_eq(&other, &other));
    ck_assert_int_eq(mac_parse("01:00:5e:00:00:01", &mac), 0);
    ck_assert(mac_is_multicast(&mac));
}
END_TEST

START_TEST(words)
{
    static const char *const names[] = {"", "ide", "virtio", NULL};

    ck_assert_int_eq(enum_find(names, "virtio"), 2);
    ck_assert_int_eq(enum_find(names, ""), -1);
    ck_assert_int_eq(enum_find(names, NULL), -1);
    ck_assert_int_eq(enum_find(names, "virti"), -1);
    ck_assert_str_eq(enum_name(names, 1), "ide");
    ck_assert_str_eq(enum_name(names, 3), "");
    ck_assert_str_eq(enum_name(names, -1), "");
    ck_assert_int_eq(enum_count(names), 3);
}
END_TEST

START_TEST(times)
{
    char text[TIME_TEXT];
    uint64_t before = time_monotonic();

    time_format(UINT64_C(1000000000) * 1000000 + 4999, text);
    ck_assert_str_eq(text, "2001-09-09 01:46:40.004+0000");
    ck_assert_uint_ge(time_monotonic(), before);
    ck_assert_uint_gt(time_real(), UINT64_C(1600000000) * 1000000);
}
END_TEST

UNIT_MAIN("names", uuids, macs, words, times)

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Image: first bytes of files as QEMU writes them, cut short at every length, and with numbers that lie. */
#include "base/str.h"
#include "unit.h"
#include "virtstoraged/image.h"

static void put(uint8_t *head, size_t at, uint64_t value, unsigned size, bool big_endian)
{
    for (unsigned i = 0; i < size; i++)
        head[at + i] = (uint8_t)(value >> 8 * (big_endian ? size - 1 - i : i));
}

/* A qcow2 file of 1 GiB on base.img. */
static void qcow2(uint8_t *head, uint32_t version)
{
    memset(head, 0, IMAGE_HEAD);
    memcpy(head, "QFI\xfb", 4);
    put(head, 4, version, 4, true);
    put(head, 8, 0x200, 8, true);
    put(head, 16, 8, 4, true);
    put(head, 20, 16, 4, true);
    put(head, 24, UINT64_C(1) << 30, 8, true);
    put(head, 72, 1 << 4, 8, true);
    put(head, 80, 1, 8, true);
    put(head, 100, 112, 4, true);
    put(head, version == 3 ? 112 : 72, 0xE2792ACA, 4, true);
    put(head, version == 3 ? 116 : 76, 3, 4, true);
    memcpy(head + (version == 3 ? 120 : 80), "raw", 3);
    memcpy(head + 0x200, "base.img", 8);
}

START_TEST(qcow2_3)
{
    auto_arena struct arena arena = {0};
    uint8_t head[IMAGE_HEAD];
    struct image image;

    qcow2(head, 3);
    image_read(&arena, head, sizeof(head), &image);
    ck_assert_str_eq(image.format, "qcow2");
    ck_assert(image.capacity.set);
    ck_assert_uint_eq(image.capacity.value, UINT64_C(1) << 30);
    ck_assert_str_eq(image.backing, "base.img");
    ck_assert_str_eq(image.backing_format, "raw");
    ck_assert_str_eq(image.compat, "1.1");
    ck_assert_uint_eq(image.cluster_size, 65536);
    ck_assert(image.lazy_refcounts && image.extended_l2 && !image.encryption);
}
END_TEST

START_TEST(qcow2_2)
{
    auto_arena struct arena arena = {0};
    uint8_t head[IMAGE_HEAD];
    struct image image;

    qcow2(head, 2);
    put(head, 32, 2, 4, true);
    image_read(&arena, head, sizeof(head), &image);
    ck_assert_str_eq(image.format, "qcow2");
    ck_assert_str_eq(image.backing_format, "raw");
    ck_assert_str_eq(image.encryption, "luks");
    ck_assert(!image.compat && !image.lazy_refcounts);
}
END_TEST

START_TEST(cut_short)
{
    uint8_t head[IMAGE_HEAD];

    qcow2(head, 3);
    for (size_t length = 0; length < 0x220; length++) {
        auto_arena struct arena arena = {0};
        auto_free uint8_t *copy = mem_dup(head, length ? length : 1);
        struct image image;

        image_read(&arena, copy, length, &image);
        ck_assert_str_eq(image.format, length < 8 ? "raw" : "qcow2");
        ck_assert(!image.backing == (length < 0x208));
    }
}
END_TEST

/* Offsets and lengths beyond the file, sizes that overflow, extensions that lead nowhere. */
START_TEST(liars)
{
    auto_arena struct arena arena = {0};
    uint8_t head[IMAGE_HEAD];
    struct image image;

    qcow2(head, 3);
    put(head, 8, UINT64_MAX - 3, 8, true);
    image_read(&arena, head, sizeof(head), &image);
    ck_assert(!image.backing);
    qcow2(head, 3);
    put(head, 16, UINT32_MAX, 4, true);
    image_read(&arena, head, sizeof(head), &image);
    ck_assert(!image.backing);
    qcow2(head, 3);
    put(head, 112, 1, 4, true);
    put(head, 116, UINT32_MAX, 4, true);
    image_read(&arena, head, sizeof(head), &image);
    ck_assert(image.backing && !image.backing_format);
    qcow2(head, 3);
    put(head, 20, 4000000000, 4, true);
    image_read(&arena, head, sizeof(head), &image);
    ck_assert_uint_eq(image.cluster_size, 0);

    memset(head, 0, sizeof(head));
    memcpy(head, "KDMV\x01", 5);
    put(head, 12, UINT64_MAX / 2, 8, false);
    image_read(&arena, head, sizeof(head), &image);
    ck_assert_str_eq(image.format, "vmdk");
    ck_assert(!image.capacity.set);
}
END_TEST

START_TEST(marks)
{
    static const struct {
        const char *format, *mark;
        size_t length, at, version_at;
        uint64_t version;
        unsigned version_size;
        bool big_endian;
        size_t size_at;
    } cases[] = {
        {"vdi", "\x7f\x10\xda\xbe", 4, 64, 68, 0x10001, 4, false, 368},
        {"vpc", "conectix", 8, 0, 12, 0x10000, 4, true, 40},
        {"qcow", "QFI\xfb", 4, 0, 4, 1, 4, true, 24},
        {"qed", "QED\0", 4, 0, 0, 0, 0, false, 48},
        {"iso", "CD001", 5, 32769, 0, 0, 0, false, 0},
        {"raw", "LUKS\xba\xbe", 6, 0, 6, 1, 2, true, 0},
        {"raw", "hello", 5, 0, 0, 0, 0, false, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        auto_arena struct arena arena = {0};
        uint8_t head[IMAGE_HEAD] = {0};
        struct image image;

        memcpy(head + cases[i].at, cases[i].mark, cases[i].length);
        if (cases[i].version_size)
            put(head, cases[i].version_at, cases[i].version, cases[i].version_size, cases[i].big_endian);
        if (cases[i].size_at)
            put(head, cases[i].size_at, 12345 * 512, 8, cases[i].big_endian);
        image_read(&arena, head, sizeof(head), &image);
        ck_assert_msg(str_eq(image.format, cases[i].format), "%zu: %s", i, image.format);
        if (cases[i].size_at)
            ck_assert_uint_eq(image.capacity.value, 12345 * 512);
        /* the right mark with a version that nobody knows says nothing */
        if (cases[i].version_size) {
            put(head, cases[i].version_at, 0x7777, cases[i].version_size, cases[i].big_endian);
            image_read(&arena, head, sizeof(head), &image);
            ck_assert_str_eq(image.format, "raw");
        }
        image_read_as(&arena, "bochs", head, sizeof(head), &image);
        ck_assert(!image.format && !image.capacity.set);
    }
}
END_TEST

UNIT_MAIN("image", qcow2_3, qcow2_2, cut_short, liars, marks)

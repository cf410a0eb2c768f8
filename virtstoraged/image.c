/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One row a format: where its mark and version are, where the disk's size is. What else qcow2 and its
 * relatives say is read by hand.
 */
#include "virtstoraged/image.h"

#include "base/str.h"

enum { BACKING_MAX = 1023 /* of the qcow2 specification */, VERSIONS = 3 };

/* The bytes, with every access checked. */
struct head {
    const uint8_t *bytes;
    size_t length;
    bool big_endian;
};

static bool inside(const struct head *head, uint64_t at, uint64_t length)
{
    return at <= head->length && length <= head->length - at;
}

/* 0 when it lies outside. */
static uint64_t number(const struct head *head, uint64_t at, unsigned size)
{
    uint64_t value = 0;

    if (!inside(head, at, size))
        return 0;
    for (unsigned i = 0; i < size; i++)
        value = value << 8 | head->bytes[at + (head->big_endian ? i : size - 1 - i)];
    return value;
}

/* NULL when it lies outside or is too long to be a name. */
static char *text_at(struct arena *arena, const struct head *head, uint64_t at, uint64_t length)
{
    if (!length || length > BACKING_MAX || !inside(head, at, length))
        return NULL;
    return arena_strndup(arena, (const char *)head->bytes + at, (size_t)length);
}

/* ---- qcow, qcow2 ---- */

enum {
    QCOW_BACKING_AT = 8,
    QCOW_BACKING_LENGTH = 16,
    QCOW1_CRYPT = 36,
    QCOW2_CLUSTER_BITS = 20,
    QCOW2_CRYPT = 32,
    QCOW2_V2_LENGTH = 72,
    QCOW2_INCOMPATIBLE = 72, /* from here on: version 3 */
    QCOW2_COMPATIBLE = 80,
    QCOW2_HEADER_LENGTH = 100,
    QCOW2_EXTENDED_L2 = 4, /* numbers of bits */
    QCOW2_LAZY_REFCOUNTS = 0,
};
#define QCOW2_BACKING_FORMAT UINT32_C(0xE2792ACA)

static void read_backing(struct arena *arena, const struct head *head, struct image *image)
{
    image->backing =
        text_at(arena, head, number(head, QCOW_BACKING_AT, 8), number(head, QCOW_BACKING_LENGTH, 4));
}

static void qcow_more(struct arena *arena, const struct head *head, struct image *image)
{
    read_backing(arena, head, image);
    if (number(head, QCOW1_CRYPT, 4))
        image->encryption = "qcow";
}

/* Extensions: type, length, content padded to 8 bytes; they end with type 0 or where the backing name begins.
 */
static void read_extensions(struct arena *arena, const struct head *head, uint64_t at, struct image *image)
{
    uint64_t end = number(head, QCOW_BACKING_AT, 8);

    if (!end || end > head->length)
        end = head->length;
    while (at + 8 <= end) {
        uint64_t type = number(head, at, 4), length = number(head, at + 4, 4);

        if (!type)
            return;
        if (type == QCOW2_BACKING_FORMAT) {
            image->backing_format = text_at(arena, head, at + 8, length);
            return;
        }
        at += 8 + ((length + 7) & ~UINT64_C(7));
    }
}

static void qcow2_more(struct arena *arena, const struct head *head, struct image *image)
{
    static const char *const methods[] = {NULL, "qcow", "luks"};
    bool version3 = number(head, 4, 4) >= 3;
    uint64_t bits = number(head, QCOW2_CLUSTER_BITS, 4), crypt = number(head, QCOW2_CRYPT, 4);

    image->compat = version3 ? "1.1" : NULL;
    if (bits >= 9 && bits <= 30)
        image->cluster_size = UINT64_C(1) << bits;
    if (crypt < ARRAY_SIZE(methods))
        image->encryption = methods[crypt];
    if (version3) {
        image->lazy_refcounts = number(head, QCOW2_COMPATIBLE, 8) >> QCOW2_LAZY_REFCOUNTS & 1;
        image->extended_l2 = number(head, QCOW2_INCOMPATIBLE, 8) >> QCOW2_EXTENDED_L2 & 1;
    }
    read_backing(arena, head, image);
    if (image->backing)
        read_extensions(arena, head, version3 ? number(head, QCOW2_HEADER_LENGTH, 4) : QCOW2_V2_LENGTH,
                        image);
}

/* ---- others ---- */

enum {
    QED_FEATURES = 16,
    QED_HAS_BACKING = 1,
    QED_BACKING_IS_RAW = 4,
    QED_BACKING_AT = 56,
    QED_BACKING_LENGTH = 60
};

static void qed_more(struct arena *arena, const struct head *head, struct image *image)
{
    uint64_t features = number(head, QED_FEATURES, 8);

    if (!(features & QED_HAS_BACKING))
        return;
    image->backing =
        text_at(arena, head, number(head, QED_BACKING_AT, 4), number(head, QED_BACKING_LENGTH, 4));
    if (features & QED_BACKING_IS_RAW)
        image->backing_format = "raw";
}

/* A delta names its parent in the text of its descriptor, which lies in the second sector. */
static void vmdk_more(struct arena *arena, const struct head *head, struct image *image)
{
    static const char key[] = "parentFileNameHint=\"";
    const uint64_t at = 512, most = 20 * 512;
    char *text, *begin, *end;

    if (head->length <= at)
        return;
    text = arena_strndup(arena, (const char *)head->bytes + at,
                         head->length - at < most ? head->length - at : most);
    begin = strstr(text, key);
    end = begin ? strchr(begin + strlen(key), '"') : NULL;
    if (!end || end - begin > BACKING_MAX)
        return;
    *end = '\0';
    image->backing = begin + strlen(key);
    image->backing_format = "vmdk";
}

static void luks_more(struct arena *arena, const struct head *head, struct image *image)
{
    image->encryption = number(head, 6, 2) == 2 ? "luks2" : "luks";
    /* what is on a LUKS device is a volume of format raw, for libvirt */
    image->format = "raw";
}

static const struct row {
    const char *format;
    uint32_t mark_at;
    const char *mark;
    uint8_t mark_length;
    bool big_endian;
    uint32_t version_at; /* 0: none */
    uint8_t version_size;
    uint32_t versions[VERSIONS]; /* 0: end */
    uint32_t size_at;            /* 8 bytes; 0: the file's length */
    uint32_t size_unit;          /* bytes */
    void (*more)(struct arena *arena, const struct head *head, struct image *image);
} rows[] = {
#define MARK(text) .mark = (text), .mark_length = sizeof(text) - 1
    {"luks", 0, MARK("LUKS\xba\xbe"), .big_endian = true, .version_at = 6, .version_size = 2,
     .versions = {1, 2}, .more = luks_more},
    {"bochs", 0, MARK("Bochs Virtual HD Image"), .version_at = 64, .version_size = 4, .versions = {0x20000},
     .size_at = 88, .size_unit = 1},
    {"cloop", 0,
     MARK("#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n")},
    {"cow", 0, MARK("OOOM"), .big_endian = true, .version_at = 4, .version_size = 4, .versions = {2},
     .size_at = 1036, .size_unit = 1},
    {"vpc", 0, MARK("conectix"), .big_endian = true, .version_at = 12, .version_size = 4,
     .versions = {0x10000}, .size_at = 40, .size_unit = 1},
    {"vdi", 64, MARK("\x7f\x10\xda\xbe"), .version_at = 68, .version_size = 4, .versions = {0x10001},
     .size_at = 368, .size_unit = 1},
    {"ploop", 0, MARK("WithoutFreeSpace"), .size_at = 36, .size_unit = 512},
    {"ploop", 0, MARK("WithouFreSpacExt"), .size_at = 36, .size_unit = 512},
    {"qcow", 0, MARK("QFI\xfb"), .big_endian = true, .version_at = 4, .version_size = 4, .versions = {1},
     .size_at = 24, .size_unit = 1, .more = qcow_more},
    {"qcow2", 0, MARK("QFI\xfb"), .big_endian = true, .version_at = 4, .version_size = 4, .versions = {2, 3},
     .size_at = 24, .size_unit = 1, .more = qcow2_more},
    {"qed", 0, MARK("QED\0"), .size_at = 48, .size_unit = 1, .more = qed_more},
    {"vmdk", 0, MARK("KDMV"), .version_at = 4, .version_size = 4, .versions = {1, 2, 3}, .size_at = 12,
     .size_unit = 512, .more = vmdk_more},
    /* last: other files may hold an ISO file system by chance or on purpose */
    {"iso", 32769, MARK("CD001")},
#undef MARK
};

static bool fits(const struct row *row, struct head *head)
{
    if (!inside(head, row->mark_at, row->mark_length) ||
        memcmp(head->bytes + row->mark_at, row->mark, row->mark_length) != 0)
        return false;
    head->big_endian = row->big_endian;
    if (!row->version_at)
        return true;
    for (size_t i = 0; i < VERSIONS && row->versions[i]; i++)
        if (number(head, row->version_at, row->version_size) == row->versions[i])
            return true;
    return false;
}

static void read_row(struct arena *arena, const struct row *row, const struct head *head, struct image *image)
{
    uint64_t size;

    image->format = row->format;
    if (row->size_at && inside(head, row->size_at, 8)) {
        size = number(head, row->size_at, 8);
        image->capacity.set = !__builtin_mul_overflow(size, row->size_unit, &image->capacity.value);
    }
    if (row->more)
        row->more(arena, head, image);
}

void image_read(struct arena *arena, const uint8_t *bytes, size_t length, struct image *ret)
{
    image_read_as(arena, NULL, bytes, length, ret);
    if (!ret->format)
        ret->format = "raw";
}

void image_read_as(struct arena *arena, const char *format, const uint8_t *bytes, size_t length,
                   struct image *ret)
{
    struct head head = {bytes, length, false};

    *ret = (struct image){0};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if ((!format || str_eq(format, rows[i].format)) && fits(&rows[i], &head)) {
            read_row(arena, &rows[i], &head, ret);
            return;
        }
}

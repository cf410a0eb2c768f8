/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtqemud/dev/image-header.h"

#include <errno.h>
#include <string.h>

/* As long as QEMU lets the name of a backing image be. */
enum { NAME_MAX_BYTES = 1023 };

static uint32_t be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint64_t be64(const uint8_t *at)
{
    return (uint64_t)be32(at) << 32 | be32(at + 4);
}

static enum storage_format format_by_name(const char *name, size_t length)
{
    for (int i = FORMAT_UNSET + 1; i < STORAGE_FORMAT_MAX; i++)
        if (strlen(storage_format_names[i]) == length && !memcmp(storage_format_names[i], name, length))
            return (enum storage_format)i;
    return FORMAT_UNSET;
}

/* qcow2: extensions follow the header, each a type, a length and bytes up to a multiple of 8. */
static int qcow2_extensions(struct arena *arena, const uint8_t *data, size_t length, size_t at, size_t end,
                            struct image_header *ret)
{
    enum { EXT_END = 0, EXT_BACKING_FORMAT = 0xE2792ACA - (1LL << 32), EXT_DATA_FILE = 0x44415441 };

    while (at + 8 <= end && at + 8 <= length) {
        int32_t type = (int32_t)be32(data + at);
        size_t size = be32(data + at + 4);

        at += 8;
        if (type == EXT_END)
            return 0;
        if (size > length - at)
            return -EINVAL;
        if (type == EXT_BACKING_FORMAT)
            ret->backing_format = format_by_name((const char *)data + at, size);
        else if (type == EXT_DATA_FILE)
            ret->data_file = arena_strndup(arena, (const char *)data + at, size);
        at += (size + 7) / 8 * 8;
    }
    return 0;
}

static int qcow2_header(struct arena *arena, const uint8_t *data, size_t length, struct image_header *ret)
{
    enum { V2_LENGTH = 72, V3_LENGTH = 104, AT_FEATURES = 72, AT_LENGTH = 100, DATA_FILE = 1 << 2 };
    uint32_t version = length >= V2_LENGTH ? be32(data + 4) : 0;
    size_t header = V2_LENGTH;

    if (length < V2_LENGTH || memcmp(data, "QFI\xfb", 4) != 0 || version < 2 || version > 3)
        return -EINVAL;
    if (version == 3 && length < V3_LENGTH)
        return -EINVAL;
    if (version == 3)
        header = be32(data + AT_LENGTH);
    uint64_t at = be64(data + 8);
    uint32_t size = be32(data + 16);

    if (at && (size > NAME_MAX_BYTES || at > length || size > length - at))
        return -EINVAL;
    if (qcow2_extensions(arena, data, length, header, at ? at : length, ret) < 0)
        return -EINVAL;
    if (at && size)
        ret->backing = arena_strndup(arena, (const char *)data + at, size);
    if (version < 3 || !(be64(data + AT_FEATURES) & DATA_FILE))
        ret->data_file = NULL;
    return 0;
}

/* qed is little-endian; a flag says that the backing image is raw. */
static int qed_header(struct arena *arena, const uint8_t *data, size_t length, struct image_header *ret)
{
    enum { LENGTH = 64, AT_FEATURES = 16, AT_NAME = 56, HAS_BACKING = 1, BACKING_RAW = 4 };
    uint32_t features, at, size;

    if (length < LENGTH || memcmp(data, "QED\0", 4) != 0)
        return -EINVAL;
    memcpy(&features, data + AT_FEATURES, 4);
    memcpy(&at, data + AT_NAME, 4);
    memcpy(&size, data + AT_NAME + 4, 4);
    if (!(features & HAS_BACKING))
        return 0;
    if (size > NAME_MAX_BYTES || at > length || size > length - at)
        return -EINVAL;
    ret->backing = arena_strndup(arena, (const char *)data + at, size);
    ret->backing_format = features & BACKING_RAW ? FORMAT_RAW : FORMAT_UNSET;
    return 0;
}

int image_header_parse(struct arena *arena, enum storage_format format, const void *data, size_t length,
                       struct image_header *ret)
{
    *ret = (struct image_header){0};
    if (format == FORMAT_QCOW2)
        return qcow2_header(arena, data, length, ret);
    if (format == FORMAT_QED)
        return qed_header(arena, data, length, ret);
    return 0; /* others have none, or none that we read */
}

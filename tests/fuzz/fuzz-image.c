/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first bytes of a disk image, which a guest may have written: never read beyond them. */
#include <stdlib.h>
#include <string.h>

#include "virtqemud/dev/image-header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum storage_format formats[] = {FORMAT_QCOW2, FORMAT_QED, FORMAT_RAW};

    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        auto_arena struct arena arena = {0};
        struct image_header header;

        if (image_header_parse(&arena, formats[i], data, size, &header) < 0)
            continue;
        /* names are whole strings, and a raw image says nothing */
        if (header.backing && strlen(header.backing) > size)
            abort();
        if (formats[i] == FORMAT_RAW && (header.backing || header.data_file))
            abort();
    }
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first bytes of an image that a guest wrote: some format comes out, and names lie inside the bytes. */
#include <stdlib.h>

#include "virtstoraged/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena struct arena arena = {0};
    struct image image;

    image_read(&arena, data, size, &image);
    if (!image.format || (image.backing && strlen(image.backing) > size))
        abort();
    image_read_as(&arena, "qcow2", data, size, &image);
    return 0;
}

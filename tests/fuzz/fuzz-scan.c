/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file of the store that somebody wrote by hand: its facts are found or it is refused with a reason. */
#include <stdlib.h>

#include "store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    char *text = arena_strndup(&arena, (const char *)data, size);
    const char *begin = store_skip_header(text);
    struct store_facts facts;
    int r = store_scan("n", begin, size - (size_t)(begin - text), &facts, &err);

    if (begin < text || begin > text + size || (r < 0) != err_is_set(&err))
        abort();
    return 0;
}

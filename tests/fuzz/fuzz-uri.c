/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A URI from outside: what is understood, written and read again is written the same. */
#include <stdlib.h>

#include "uri/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    auto_buf struct buf first = {0}, second = {0};
    char *text = arena_strndup(&arena, (const char *)data, size);
    struct uri uri, again;
    int r = uri_parse(&arena, text, &uri, &err);

    if ((r < 0) != err_is_set(&err))
        abort();
    if (r < 0)
        return 0;
    uri_format(&uri, &first);
    /* a path of its own that looks like an authority can't be written back: nobody has such a URI */
    if (!uri.has_authority && uri.path[0] == '/' && uri.path[1] == '/')
        return 0;
    /* an empty URI made of nothing but dividers */
    if (!first.length)
        return 0;
    if (uri_parse(&arena, buf_text(&first), &again, &err) < 0)
        abort();
    uri_format(&again, &second);
    if (strcmp(buf_text(&first), buf_text(&second)) != 0)
        abort();
    return 0;
}

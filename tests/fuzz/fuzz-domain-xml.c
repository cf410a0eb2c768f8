/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine's XML from outside. What is accepted must print, what was printed must be accepted again and
 * print the same, and a copy must print the same as its original.
 */
#include <stdlib.h>

#include "base/str.h"
#include "model/domain/domain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void print(const struct domain *domain, struct buf *text)
{
    buf_reset(text);
    domain_format(text, domain, DOMAIN_FORMAT_SECURE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena struct arena arena = {0}, again = {0};
    auto_buf struct buf first = {0}, second = {0};
    auto_err struct err err = {0};
    auto_free char *text = mem_strndup((const char *)data, size);
    struct domain *domain = domain_parse(&arena, text, 0, NULL, &err);

    check(!domain == err_is_set(&err));
    if (!domain)
        return 0;
    print(domain, &first);
    print(domain_copy(&again, domain), &second);
    check(str_eq(buf_text(&first), buf_text(&second)));
    check(domain_abi_compare(domain, domain, &err) == 0);

    arena_reset(&again);
    domain = domain_parse(&again, buf_text(&first), 0, NULL, &err);
    check(domain != NULL);
    print(domain, &second);
    check(str_eq(buf_text(&first), buf_text(&second)));
    return 0;
}

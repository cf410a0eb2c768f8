/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Machines grown from the tables (grow.h). What is accepted must print, and come back the same. */
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "model/domain/domain.h"
#include "tests/fuzz/grow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* FUZZ_SHOW=1 also shows what the two prints are. */
static void check_same(const struct buf *first, const struct buf *second)
{
    if (first->length == second->length && !memcmp(first->data, second->data, first->length))
        return;
    if (getenv("FUZZ_SHOW"))
        fprintf(stderr, "=== first\n%s=== second\n%s", first->data, second->length ? second->data : "");
    check(false);
}

static void there_and_back(const char *text)
{
    auto_arena struct arena arena = {0}, again = {0};
    auto_buf struct buf first = {0}, second = {0};
    auto_err struct err err = {0};
    struct domain *domain = domain_parse(&arena, text, DOMAIN_PARSE_STATUS, NULL, &err);

    check(!domain == err_is_set(&err));
    if (!domain)
        return;
    domain_format(&first, domain, DOMAIN_FORMAT_SECURE | DOMAIN_FORMAT_STATUS);
    domain_format(&second, domain_copy(&again, domain), DOMAIN_FORMAT_SECURE | DOMAIN_FORMAT_STATUS);
    check_same(&first, &second);
    check(domain_abi_compare(domain, domain, &err) == 0);

    arena_reset(&again);
    buf_reset(&second);
    domain = domain_parse(&again, buf_text(&first), DOMAIN_PARSE_STATUS, NULL, &err);
    if (!domain && getenv("FUZZ_SHOW"))
        fprintf(stderr, "=== first\n%s=== error: %s\n", buf_text(&first), err.message);
    check(domain != NULL);
    domain_format(&second, domain, DOMAIN_FORMAT_SECURE | DOMAIN_FORMAT_STATUS);
    check_same(&first, &second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena struct arena arena = {0};
    auto_buf struct buf text = {0};

    grow_document(&domain_table, data, size, &arena, &text);
    if (getenv("FUZZ_SHOW"))
        fputs(buf_text(&text), stderr);
    there_and_back(buf_text(&text));
    return 0;
}

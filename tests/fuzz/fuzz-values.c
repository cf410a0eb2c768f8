/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small values as text: what is understood, written and read again is the same value. The first byte chooses
 * the kind. */
#include <stdio.h>
#include <stdlib.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/bitmap.h"
#include "base/log.h"
#include "base/mac.h"
#include "base/size.h"
#include "base/str.h"
#include "base/uuid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void try_bitmap(const char *text)
{
    auto_bitmap struct bitmap map = {0}, again = {0};
    auto_buf struct buf written = {0};

    if (bitmap_parse(text, 4096, &map) < 0)
        return;
    bitmap_format(&map, &written);
    check(bitmap_empty(&map) == !written.length);
    check(!written.length || bitmap_parse(written.data, 4096, &again) == 0);
    check(bitmap_eq(&map, &again));
}

static void try_uuid(const char *text)
{
    uint8_t uuid[UUID_SIZE], again[UUID_SIZE];
    char written[UUID_TEXT];

    if (uuid_parse(text, uuid) == 0)
        check(uuid_parse(uuid_format(uuid, written), again) == 0 && uuid_eq(uuid, again));
}

static void try_mac(const char *text)
{
    struct mac mac, again;
    char written[MAC_TEXT];

    if (mac_parse(text, &mac) == 0)
        check(mac_parse(mac_format(&mac, written), &again) == 0 && mac_eq(&mac, &again));
}

static void try_addr(const char *text)
{
    struct addr addr, again;
    char written[ADDR_TEXT];
    unsigned prefix;

    if (addr_parse_prefix(text, &addr, &prefix) == 0)
        check(prefix <= addr_bits(&addr) &&
              addr_parse(addr_format(&addr, written), addr.family, &again) == 0 && addr_eq(&addr, &again));
}

static void try_size(const char *text)
{
    auto_err struct err err = {0};
    uint64_t bytes = 0;

    if (size_parse(text, 1024, UINT32_MAX, &bytes, &err) == 0)
        check(bytes <= UINT32_MAX);
    else
        check(err_is_set(&err));
}

static void try_numbers(const char *text)
{
    char written[32];
    int64_t number, again;
    double real;

    if (str_to_i64(text, &number) == 0) {
        snprintf(written, sizeof(written), "%lld", (long long)number);
        check(str_to_i64(written, &again) == 0 && again == number);
    }
    str_to_double(text, &real);
    str_is_utf8(text);
}

static void try_filters(const char *text)
{
    if (log_set_filters(text, NULL) == 0)
        check(log_set_level(LEVEL_INFO, NULL) == 0 && log_get_level() == LEVEL_INFO);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const kinds[])(const char *text) = {try_bitmap, try_uuid,    try_mac,    try_addr,
                                                      try_size,   try_numbers, try_filters};
    auto_arena struct arena arena = {0};

    if (size)
        kinds[data[0] % ARRAY_SIZE(kinds)](arena_strndup(&arena, (const char *)data + 1, size - 1));
    return 0;
}

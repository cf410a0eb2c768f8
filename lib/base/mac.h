/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mac: Ethernet addresses. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct mac {
    uint8_t bytes[6];
};
enum { MAC_TEXT = 18 };

/* Six groups of one or two hexadecimal digits with colons. 0 or -EINVAL. */
int mac_parse(const char *text, struct mac *ret);
/* "52:54:00:12:34:56" into text; returns text. */
const char *mac_format(const struct mac *mac, char text[MAC_TEXT]);
/* The three bytes of prefix, then three random ones. */
void mac_generate(const uint8_t prefix[3], struct mac *ret);
bool mac_is_multicast(const struct mac *mac);
bool mac_is_zero(const struct mac *mac);
bool mac_eq(const struct mac *a, const struct mac *b);

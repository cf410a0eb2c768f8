/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/mac.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int mac_parse(const char *text, struct mac *ret)
{
    struct mac mac;

    if (!text)
        return -EINVAL;
    for (unsigned i = 0; i < sizeof(mac.bytes); i++) {
        int high = nibble(text[0]), low = high < 0 ? -1 : nibble(text[1]);

        if (high < 0)
            return -EINVAL;
        mac.bytes[i] = (uint8_t)(low < 0 ? high : high << 4 | low);
        text += low < 0 ? 1 : 2;
        if (*text != (i < sizeof(mac.bytes) - 1 ? ':' : '\0'))
            return -EINVAL;
        text++;
    }
    *ret = mac;
    return 0;
}

const char *mac_format(const struct mac *mac, char text[MAC_TEXT])
{
    const uint8_t *b = mac->bytes;

    snprintf(text, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
    return text;
}

void mac_generate(const uint8_t prefix[3], struct mac *ret)
{
    memcpy(ret->bytes, prefix, 3);
    if (getrandom(ret->bytes + 3, 3, 0) != 3)
        abort();
}

bool mac_is_multicast(const struct mac *mac)
{
    return mac->bytes[0] & 1;
}

bool mac_is_zero(const struct mac *mac)
{
    return mac_eq(mac, &(struct mac){0});
}

bool mac_eq(const struct mac *a, const struct mac *b)
{
    return !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

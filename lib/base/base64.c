/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/base64.h"

#include <errno.h>
#include <stdint.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_encode(const void *data, size_t length, char *ret_text)
{
    const uint8_t *in = data;
    char *out = ret_text;

    for (; length > 0; in += 3, length -= length < 3 ? length : 3) {
        uint32_t bits =
            (uint32_t)in[0] << 16 | (length > 1 ? (uint32_t)in[1] << 8 : 0) | (length > 2 ? in[2] : 0);

        *out++ = digits[bits >> 18];
        *out++ = digits[bits >> 12 & 63];
        *out++ = length > 1 ? digits[bits >> 6 & 63] : '=';
        *out++ = length > 2 ? digits[bits & 63] : '=';
    }
    *out = '\0';
    return (size_t)(out - ret_text);
}

static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

ssize_t base64_decode(const char *text, size_t length, void *ret_data)
{
    uint8_t *out = ret_data;
    unsigned count = 0, padding = 0; /* in the group of four at hand */
    uint32_t bits = 0;

    for (size_t i = 0; i < length; i++) {
        int value = digit_value(text[i]);

        if (text[i] == ' ' || text[i] == '\n' || text[i] == '\r' || text[i] == '\t')
            continue;
        if (text[i] == '=' && count >= 2 && padding < 2)
            padding++;
        else if (value < 0 || padding)
            return -EINVAL;
        bits = bits << 6 | (value > 0 ? (uint32_t)value : 0);
        if (++count < 4)
            continue;
        *out++ = (uint8_t)(bits >> 16);
        if (padding < 2)
            *out++ = (uint8_t)(bits >> 8);
        if (padding < 1)
            *out++ = (uint8_t)bits;
        count = 0;
        bits = 0;
    }
    /* after padding only white space may come: a digit was refused above, so was a third sign */
    return count ? -EINVAL : (ssize_t)(out - (uint8_t *)ret_data);
}

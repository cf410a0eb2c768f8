/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/uuid.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

static const char digits[] = "0123456789abcdef";
static const char blanks[] = " \t\n\r\f\v";

static int nibble(char c)
{
    const char *at;

    if (c >= 'A' && c <= 'F')
        c += 'a' - 'A';
    at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

int uuid_parse(const char *text, uint8_t ret[UUID_SIZE])
{
    uint8_t uuid[UUID_SIZE];

    if (!text)
        return -EINVAL;
    text += strspn(text, blanks);
    for (unsigned i = 0; i < UUID_SIZE; i++) {
        int high, low;

        while (i && *text == '-')
            text++;
        high = nibble(text[0]);
        low = high < 0 ? -1 : nibble(text[1]);
        if (low < 0)
            return -EINVAL;
        uuid[i] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    if (text[strspn(text, blanks)])
        return -EINVAL;
    memcpy(ret, uuid, UUID_SIZE);
    return 0;
}

const char *uuid_format(const uint8_t uuid[UUID_SIZE], char text[UUID_TEXT])
{
    char *at = text;

    for (unsigned i = 0; i < UUID_SIZE; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[uuid[i] >> 4];
        *at++ = digits[uuid[i] & 15];
    }
    *at = '\0';
    return text;
}

void uuid_generate(uint8_t ret[UUID_SIZE])
{
    /* 16 bytes are never cut short, and fail only on a kernel without the call */
    if (getrandom(ret, UUID_SIZE, 0) != UUID_SIZE)
        abort();
    ret[6] = (uint8_t)((ret[6] & 0x0f) | 0x40);
    ret[8] = (uint8_t)((ret[8] & 0x3f) | 0x80);
}

bool uuid_valid(const uint8_t uuid[UUID_SIZE])
{
    return memcmp(uuid, uuid + 1, UUID_SIZE - 1) != 0;
}

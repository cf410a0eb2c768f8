/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* UUID: 16 bytes, as on the wire. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { UUID_SIZE = 16, UUID_TEXT = 37 };

/* 32 hexadecimal digits; dashes anywhere between bytes, white space around: as lenient as libvirt. 0 or
 * -EINVAL. */
int uuid_parse(const char *text, uint8_t ret[UUID_SIZE]);
/* "8510b1a1-1afa-4da6-8111-785fae202c1e" into text; returns text. */
const char *uuid_format(const uint8_t uuid[UUID_SIZE], char text[UUID_TEXT]);
/* A random one (version 4). */
void uuid_generate(uint8_t ret[UUID_SIZE]);
/* Usable as an identity: not all bytes the same (no hardware's all-zeros or all-ones). */
bool uuid_valid(const uint8_t uuid[UUID_SIZE]);
static inline bool uuid_eq(const uint8_t *a, const uint8_t *b)
{
    return !memcmp(a, b, UUID_SIZE);
}

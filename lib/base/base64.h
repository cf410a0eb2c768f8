/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Base64 (RFC 4648, with padding), into memory of the caller: what is encoded may be secret. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* Room for the text of length bytes and its NUL; room for the bytes of a text of that length. */
#define BASE64_TEXT_ROOM(length) (((length) + 2) / 3 * 4 + 1)
#define BASE64_DATA_ROOM(length) ((length) / 4 * 3 + 3)

/* Returns the length of the text without its NUL. */
size_t base64_encode(const void *data, size_t length, char *ret_text);
/*
 * Returns the number of bytes, or -EINVAL; white space between the characters is skipped, nothing else is.
 * ret_data may be `text` itself.
 */
ssize_t base64_decode(const char *text, size_t length, void *ret_data);

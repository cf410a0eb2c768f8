/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Str: strict reading of numbers, and comparing, cutting and joining text. Number parsers take the whole
 * string: no white space, no '+', no trailing text; they return 0, -EINVAL (not a number) or -ERANGE (does
 * not fit), and write the result only on success. Bytes are ASCII; nothing here looks at the locale.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/mem.h"

/* Decimal. Signed ones take a leading '-'. */
int str_to_u8(const char *text, uint8_t *ret);
int str_to_u16(const char *text, uint16_t *ret);
int str_to_u32(const char *text, uint32_t *ret);
int str_to_u64(const char *text, uint64_t *ret);
int str_to_i32(const char *text, int32_t *ret);
int str_to_i64(const char *text, int64_t *ret);
/* base 2 to 16 (16 also takes a leading 0x), or 0: 0x hexadecimal, leading 0 octal, else decimal. */
int str_to_u64_base(const char *text, unsigned base, uint64_t *ret);
int str_to_u32_base(const char *text, unsigned base, uint32_t *ret);
/* Decimal with an optional fraction and exponent; no hexadecimal, no infinity, no NaN. */
int str_to_double(const char *text, double *ret);
/* The decimal digits that *text begins with; moves *text behind them. */
int str_take_u64(const char **text, uint64_t *ret);

/* NULL equals only NULL. */
bool str_eq(const char *a, const char *b);
bool str_eq_nocase(const char *a, const char *b);
/* Order for sorting; NULL comes first. */
int str_cmp(const char *a, const char *b);
static inline bool str_empty(const char *text)
{
    return !text || !*text;
}
/* Behind the prefix, or NULL when text (may be NULL) doesn't begin with it. */
const char *str_after(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);
/* Does a byte of text (may be NULL) appear in set? Only bytes of set? */
bool str_has_any(const char *text, const char *set);
bool str_only(const char *text, const char *set);
/* A byte below 0x20 or 0x7f in it? */
bool str_has_control(const char *text);
bool str_is_utf8(const char *text);
/* What a terminal or a strict reader of UTF-8 would stumble over becomes '?'; lines and tabs stay. */
void str_make_printable(char *text);
/* Cut white space from both ends, in place; returns where the text begins. */
char *str_trim(char *text);

/*
 * A NULL-terminated vector of strings, all owned. str_split cuts at each separator (any byte of
 * `separators`); empty pieces vanish.
 */
char **str_split(const char *text, const char *separators);
size_t strv_length(char *const *strings); /* NULL: 0 */
char **strv_add(char **strings, const char *text);
bool strv_has(char *const *strings, const char *text);
char *strv_join(char *const *strings, const char *separator);
char **strv_dup(char *const *strings);
void strv_free(char **strings);
static inline void strv_freep(char ***strings)
{
    strv_free(*strings);
}
#define auto_strv CLEANUP(strv_freep)

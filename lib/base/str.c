/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/str.h"

#include <errno.h>
#include <math.h>
#include <strings.h>

/* The value of a digit, 255 for anything else. */
static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A') + 10;
    return 255;
}

/* The digits at *text; moves it behind them. A number that is too large is eaten whole all the same. */
static int take(const char **text, unsigned base, uint64_t *ret)
{
    const char *at = *text;
    uint64_t value = 0;
    bool over = false;

    for (unsigned digit; (digit = digit_value(*at)) < base; at++)
        over |= __builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, digit, &value);
    if (at == *text)
        return -EINVAL;
    *text = at;
    if (over)
        return -ERANGE;
    *ret = value;
    return 0;
}

int str_take_u64(const char **text, uint64_t *ret)
{
    return take(text, 10, ret);
}

static int whole(const char *text, unsigned base, uint64_t max, uint64_t *ret)
{
    uint64_t value;
    int r;

    if (!text)
        return -EINVAL;
    if ((base == 0 || base == 16) && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        text += 2;
        base = 16;
    } else if (base == 0) {
        base = text[0] == '0' ? 8 : 10;
    }
    r = take(&text, base, &value);
    if (r == -EINVAL || *text)
        return -EINVAL;
    if (r < 0 || value > max)
        return -ERANGE;
    *ret = value;
    return 0;
}

static int whole_signed(const char *text, int64_t max, int64_t *ret)
{
    bool negative = text && text[0] == '-';
    uint64_t value;
    int r = whole(negative ? text + 1 : text, 10, (uint64_t)max + negative, &value);

    if (r == 0)
        *ret = negative ? (int64_t)-value : (int64_t)value;
    return r;
}

#define PARSER(bits)                                                                                         \
    int str_to_u##bits(const char *text, uint##bits##_t *ret)                                                \
    {                                                                                                        \
        uint64_t value;                                                                                      \
        int r = whole(text, 10, UINT##bits##_MAX, &value);                                                   \
                                                                                                             \
        if (r == 0)                                                                                          \
            *ret = (uint##bits##_t)value;                                                                    \
        return r;                                                                                            \
    }
PARSER(8)
PARSER(16)
PARSER(32)
PARSER(64)

int str_to_i32(const char *text, int32_t *ret)
{
    int64_t value;
    int r = whole_signed(text, INT32_MAX, &value);

    if (r == 0)
        *ret = (int32_t)value;
    return r;
}

int str_to_i64(const char *text, int64_t *ret)
{
    return whole_signed(text, INT64_MAX, ret);
}

int str_to_u64_base(const char *text, unsigned base, uint64_t *ret)
{
    return whole(text, base, UINT64_MAX, ret);
}

int str_to_u32_base(const char *text, unsigned base, uint32_t *ret)
{
    uint64_t value;
    int r = whole(text, base, UINT32_MAX, &value);

    if (r == 0)
        *ret = (uint32_t)value;
    return r;
}

int str_to_double(const char *text, double *ret)
{
    double value;
    char *end;

    /* strtod knows more forms than we want: look at the bytes first */
    if (str_empty(text) || !str_only(text, "0123456789.eE+-") || *text == '+')
        return -EINVAL;
    value = strtod(text, &end);
    if (*end)
        return -EINVAL;
    if (!isfinite(value))
        return -ERANGE;
    *ret = value;
    return 0;
}

bool str_eq(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

bool str_eq_nocase(const char *a, const char *b)
{
    return a && b ? !strcasecmp(a, b) : a == b;
}

int str_cmp(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

const char *str_after(const char *text, const char *prefix)
{
    size_t length = strlen(prefix);

    return text && !strncmp(text, prefix, length) ? text + length : NULL;
}

bool str_ends(const char *text, const char *suffix)
{
    size_t length = text ? strlen(text) : 0, tail = strlen(suffix);

    return text && length >= tail && !memcmp(text + length - tail, suffix, tail);
}

bool str_has_any(const char *text, const char *set)
{
    return text && text[strcspn(text, set)];
}

bool str_only(const char *text, const char *set)
{
    return !text || !text[strspn(text, set)];
}

bool str_has_control(const char *text)
{
    for (; text && *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

bool str_is_utf8(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    while (*at) {
        uint32_t point, least;
        unsigned more;

        if (*at < 0x80) {
            at++;
            continue;
        }
        if (*at >= 0xc2 && *at <= 0xdf)
            more = 1, least = 0x80, point = *at & 0x1f;
        else if ((*at & 0xf0) == 0xe0)
            more = 2, least = 0x800, point = *at & 0x0f;
        else if (*at >= 0xf0 && *at <= 0xf4)
            more = 3, least = 0x10000, point = *at & 0x07;
        else
            return false;
        for (at++; more; more--, at++) {
            if ((*at & 0xc0) != 0x80)
                return false;
            point = point << 6 | (*at & 0x3f);
        }
        /* too long a form, a surrogate, or past the last code point */
        if (point < least || (point >= 0xd800 && point <= 0xdfff) || point > 0x10ffff)
            return false;
    }
    return true;
}

void str_make_printable(char *text)
{
    bool utf8 = str_is_utf8(text);

    for (unsigned char *at = (unsigned char *)text; *at; at++) {
        bool control = (*at < 0x20 && *at != '\n' && *at != '\t') || *at == 0x7f;

        if (control || (*at >= 0x80 && !utf8))
            *at = '?';
        else if (*at == 0xc2 && at[1] < 0xa0) /* the other half of the control characters */
            *at = at[1] = '?';
    }
}

static const char blanks[] = " \t\n\r\f\v";

char *str_trim(char *text)
{
    size_t length;

    text += strspn(text, blanks);
    length = strlen(text);
    while (length && strchr(blanks, text[length - 1]))
        length--;
    text[length] = '\0';
    return text;
}

size_t strv_length(char *const *strings)
{
    size_t n = 0;

    while (strings && strings[n])
        n++;
    return n;
}

/* A vector of n strings has room for the next power of two, and the NULL. */
static char **add_owned(char **strings, size_t n, char *text)
{
    if (!(n & (n - 1)))
        strings = mem_resize_array(strings, (n ? n * 2 : 1) + 1, sizeof(*strings));
    strings[n] = text;
    strings[n + 1] = NULL;
    return strings;
}

char **strv_add(char **strings, const char *text)
{
    return add_owned(strings, strv_length(strings), mem_strdup(text));
}

char **str_split(const char *text, const char *separators)
{
    char **strings = NEW_ARRAY(char *, 2);
    size_t n = 0;

    while (text && *(text += strspn(text, separators))) {
        size_t length = strcspn(text, separators);

        strings = add_owned(strings, n++, mem_strndup(text, length));
        text += length;
    }
    return strings;
}

bool strv_has(char *const *strings, const char *text)
{
    for (; strings && *strings; strings++)
        if (!strcmp(*strings, text))
            return true;
    return false;
}

char *strv_join(char *const *strings, const char *separator)
{
    size_t length = 1;
    char *text, *end;

    for (size_t i = 0; strings && strings[i]; i++)
        length += strlen(strings[i]) + (i ? strlen(separator) : 0);
    text = end = mem_zalloc(length);
    for (size_t i = 0; strings && strings[i]; i++) {
        if (i)
            end = stpcpy(end, separator);
        end = stpcpy(end, strings[i]);
    }
    return text;
}

char **strv_dup(char *const *strings)
{
    char **copy = NEW_ARRAY(char *, 2);
    size_t n = 0;

    for (; strings && *strings; strings++)
        copy = add_owned(copy, n++, mem_strdup(*strings));
    return copy;
}

void strv_free(char **strings)
{
    for (size_t i = 0; strings && strings[i]; i++)
        free(strings[i]);
    free(strings);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON: the template writer, and reading with limits. See json.h. */
#include "virtqemud/json.h"

#include <stdint.h>

/* Length of the valid UTF-8 sequence at s, 0 when there is none. */
static size_t utf8_length(const unsigned char *s)
{
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if (n == 3 && ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f)))
        return 0;
    if (n == 4 && ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)))
        return 0;
    return n;
}

void json_add_string(struct buf *buf, const char *text)
{
    if (!text) {
        buf_add_string(buf, "null");
        return;
    }
    buf_add_char(buf, '"');
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        size_t n = utf8_length(s);

        if (*s == '"' || *s == '\\') {
            buf_add_char(buf, '\\');
            buf_add_char(buf, (char)*s);
        } else if (*s < 0x20 || *s == 0x7f) {
            buf_printf(buf, "\\u%04x", *s);
        } else if (n) {
            buf_add(buf, s, n);
        } else {
            buf_add_string(buf, "\\ufffd");
        }
        s += n ? n : 1;
    }
    buf_add_char(buf, '"');
}

void json_vadd(struct buf *buf, const char *template, va_list args)
{
    for (const char *t = template; *t; t++) {
        if (*t == '\'') {
            buf_add_char(buf, '"');
        } else if (*t != '%') {
            buf_add_char(buf, *t);
        } else {
            int longs = 0;

            for (t++; *t == 'l'; t++)
                longs++;
            switch (*t) {
            case 's':
                json_add_string(buf, va_arg(args, const char *));
                break;
            case 'd':
                buf_printf(buf, "%lld",
                           longs > 1   ? va_arg(args, long long)
                           : longs > 0 ? (long long)va_arg(args, long)
                                       : (long long)va_arg(args, int));
                break;
            case 'u':
                buf_printf(buf, "%llu",
                           longs > 1   ? va_arg(args, unsigned long long)
                           : longs > 0 ? (unsigned long long)va_arg(args, unsigned long)
                                       : (unsigned long long)va_arg(args, unsigned int));
                break;
            case '%':
                buf_add_char(buf, '%');
                break;
            default: /* a template is ours: another conversion is a mistake in the source */
                abort();
            }
        }
    }
}

void json_add(struct buf *buf, const char *template, ...)
{
    va_list args;

    va_start(args, template);
    json_vadd(buf, template, args);
    va_end(args);
}

char *json_text(struct arena *arena, const char *template, ...)
{
    auto_buf struct buf buf = {0};
    va_list args;

    va_start(args, template);
    json_vadd(&buf, template, args);
    va_end(args);
    return arena_strdup(arena, buf_text(&buf));
}

/* More than there are values; a value takes some hundred bytes of memory, a comma in a text counts for one.
 */
static size_t count_values(const char *text, size_t length)
{
    size_t count = 1;

    for (size_t i = 0; i < length; i++)
        count += text[i] == ',' || text[i] == '[' || text[i] == '{';
    return count;
}

struct json_object *json_read(const char *text, size_t length)
{
    struct json_tokener *tokener;
    struct json_object *object;
    bool whole;

    if (length > INT32_MAX || count_values(text, length) > JSON_VALUES)
        return NULL;
    tokener = json_tokener_new_ex(JSON_DEPTH);
    if (!tokener)
        abort();
    object = json_tokener_parse_ex(tokener, text, (int)length);
    /* a value that only a following byte can end, such as a number */
    if (!object && json_tokener_get_error(tokener) == json_tokener_continue)
        object = json_tokener_parse_ex(tokener, "", 1);
    whole = json_tokener_get_error(tokener) == json_tokener_success;
    for (size_t i = json_tokener_get_parse_end(tokener); whole && i < length; i++)
        whole = strchr(" \t\r\n", text[i]) && text[i];
    json_tokener_free(tokener);
    if (whole)
        return object;
    json_object_put(object);
    return NULL;
}

struct json_object *json_get(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;

    if (json_object_is_type(object, json_type_object))
        json_object_object_get_ex(object, name, &value);
    return value;
}

const char *json_string(struct json_object *object, const char *name)
{
    struct json_object *value = json_get(object, name);

    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

int64_t json_int(struct json_object *object, const char *name, int64_t otherwise)
{
    struct json_object *value = json_get(object, name);

    return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : otherwise;
}

uint64_t json_uint(struct json_object *object, const char *name, uint64_t otherwise)
{
    struct json_object *value = json_get(object, name);

    return json_object_is_type(value, json_type_int) ? json_object_get_uint64(value) : otherwise;
}

bool json_flag(struct json_object *object, const char *name, bool otherwise)
{
    struct json_object *value = json_get(object, name);

    return json_object_is_type(value, json_type_boolean) ? json_object_get_boolean(value) : otherwise;
}

size_t json_count(struct json_object *array)
{
    return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

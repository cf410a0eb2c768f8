/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Json: a document written from front to back. What isn't UTF-8 is written byte by byte as Latin-1, so that a
 * document is valid whatever a name contains. */
#include "virsh/frame.h"

void json_quote(struct buf *text, const char *value)
{
    bool utf8 = str_is_utf8(value);
    buf_add_char(text, '"');
    for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
        if (*c == '"' || *c == '\\')
            buf_printf(text, "\\%c", *c);
        else if (*c == '\n')
            buf_add_string(text, "\\n");
        else if (*c < 0x20 || *c == 0x7f || (*c > 0x7f && !utf8))
            buf_printf(text, "\\u%04x", *c);
        else
            buf_add_char(text, (char)*c);
    }
    buf_add_char(text, '"');
}

/* A comma if needed, and the key. The outermost container opens by itself: an object when there is a key. */
static void begin(struct json *json, const char *key)
{
    if (!json->depth)
        json_open(json, NULL, key ? '{' : '[');
    bool *filled = &json->filled[json->depth - 1];
    if (*filled)
        buf_add_string(&json->text, ", ");
    *filled = true;
    if (key && json->closers[json->depth - 1] == '}') {
        json_quote(&json->text, key);
        buf_add_string(&json->text, ": ");
    }
}

void json_open(struct json *json, const char *key, char opener)
{
    if (json->depth)
        begin(json, key);
    if (json->depth == JSON_DEPTH)
        abort();
    buf_add_char(&json->text, opener);
    json->closers[json->depth] = opener == '{' ? '}' : ']';
    json->filled[json->depth++] = false;
}

void json_close(struct json *json)
{
    if (json->depth)
        buf_add_char(&json->text, json->closers[--json->depth]);
}

void json_raw(struct json *json, const char *key, const char *value)
{
    begin(json, key);
    buf_add_string(&json->text, value);
}

void json_string(struct json *json, const char *key, const char *value)
{
    begin(json, key);
    if (value)
        json_quote(&json->text, value);
    else
        buf_add_string(&json->text, "null");
}

void json_end(struct json *json, FILE *to)
{
    while (json->depth)
        json_close(json);
    if (json->text.length && to) {
        buf_add_char(&json->text, '\n');
        fwrite(json->text.data, 1, json->text.length, to);
        fflush(to);
    }
    buf_reset(&json->text);
}

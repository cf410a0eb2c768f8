/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Props: JSON, member by member. */
#include "virtqemud/dev/props.h"

#include <inttypes.h>

#include "virtqemud/json.h"

/* A separator, when something stands before on this level, and the name. */
static void begin(struct props *props, const char *name)
{
    struct buf *text = &props->text;

    if (!text->length)
        buf_add_char(text, '{');
    else if (text->data[text->length - 1] != '{' && text->data[text->length - 1] != '[')
        buf_add_char(text, ',');
    if (name) {
        json_add_string(text, name);
        buf_add_char(text, ':');
    }
}

void props_string(struct props *props, const char *name, const char *value)
{
    if (!value)
        return;
    begin(props, name);
    json_add_string(&props->text, value);
}

void props_format(struct props *props, const char *name, const char *format, ...)
{
    auto_buf struct buf value = {0};
    va_list args;

    va_start(args, format);
    buf_vprintf(&value, format, args);
    va_end(args);
    props_string(props, name, buf_text(&value));
}

void props_u64(struct props *props, const char *name, uint64_t value)
{
    begin(props, name);
    buf_printf(&props->text, "%" PRIu64, value);
}

void props_number(struct props *props, const char *name, uint64_t value)
{
    if (value)
        props_u64(props, name, value);
}

void props_i64(struct props *props, const char *name, int64_t value)
{
    begin(props, name);
    buf_printf(&props->text, "%" PRId64, value);
}

void props_bool(struct props *props, const char *name, bool value)
{
    begin(props, name);
    buf_add_string(&props->text, value ? "true" : "false");
}

void props_null(struct props *props, const char *name)
{
    begin(props, name);
    buf_add_string(&props->text, "null");
}

void props_tristate(struct props *props, const char *name, enum tristate value)
{
    if (value)
        props_bool(props, name, value == TRI_YES);
}

void props_onoff(struct props *props, const char *name, enum tristate value)
{
    if (value)
        props_string(props, name, value == TRI_YES ? "on" : "off");
}

static void open_level(struct props *props, const char *name, char bracket)
{
    begin(props, name);
    buf_add_char(&props->text, bracket);
    props->depth++;
}

void props_object(struct props *props, const char *name)
{
    open_level(props, name, '{');
}

void props_array(struct props *props, const char *name)
{
    open_level(props, name, '[');
}

void props_end_object(struct props *props)
{
    props->depth--;
    buf_add_char(&props->text, '}');
}

void props_end_array(struct props *props)
{
    props->depth--;
    buf_add_char(&props->text, ']');
}

const char *props_text(struct props *props)
{
    if (!props->text.length)
        buf_add_char(&props->text, '{');
    buf_add_char(&props->text, '}');
    return buf_text(&props->text);
}

void props_done(struct props *props)
{
    buf_done(&props->text);
}

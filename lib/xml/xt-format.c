/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Printing an object by its table: two blanks per level, single quotes, <x/> when nothing is inside. An
 * element is written first and taken back when it turns out to be empty.
 */
#include "xml/xt-private.h"

#include <stdarg.h>

static void truncate_text(struct buf *text, size_t length)
{
    text->length = length;
    text->data[length] = '\0';
}

static void add_indent(struct xt_format *format)
{
    memset(buf_reserve(format->text, format->indent), ' ', format->indent);
    format->text->length += format->indent;
}

static bool hidden(const struct xt_row *row, unsigned flags)
{
    unsigned inactive = flags & XT_FORMAT_INACTIVE;

    if (!row->flags) /* most rows */
        return false;
    return ((row->flags & XT_LIVE) && inactive) || ((row->flags & XT_INACTIVE_ONLY) && !inactive) ||
           ((row->flags & XT_SECRET) && !(flags & XT_FORMAT_SECURE)) ||
           ((row->flags & XT_STATUS) && !(flags & XT_FORMAT_STATUS)) ||
           ((row->flags & XT_NO_MIGRATE) && (flags & XT_FORMAT_MIGRATABLE));
}

static bool printed(const struct xt_row *row, const void *value)
{
    return (row->flags & XT_ALWAYS) || xt_given(row->type, value);
}

static void add_attr(struct xt_format *format, const struct xt_row *row, const void *value)
{
    struct buf *text = format->text;

    buf_add_char(text, ' ');
    buf_add_string(text, row->name);
    buf_add(text, "='", 2);
    row->type->format(text, value, row->aux);
    buf_add_char(text, '\'');
    if (row->type->unit)
        buf_printf(text, " unit='%s'", row->type->unit(value));
}

/* The element's own text, found on the way through its attributes. */
struct own {
    const struct xt_row *row;
    const void *value;
};

static void format_attrs(struct xt_format *format, const struct xt_row *rows, const void *base,
                         struct own *own)
{
    for (; rows->kind != XT_KIND_END; rows++) {
        const void *value = xt_at(base, rows->offset);
        const struct xt_row *arm;

        if (hidden(rows, format->flags))
            continue;
        switch (rows->kind) {
        case XT_KIND_ATTR:
            if (printed(rows, value))
                add_attr(format, rows, value);
            break;
        case XT_KIND_OWN:
            if (printed(rows, value))
                *own = (struct own){rows, value};
            break;
        case XT_KIND_GROUP:
            if (!rows->name)
                format_attrs(format, rows->rows, value, own);
            break;
        case XT_KIND_UNION:
            arm = xt_arm_rows(rows, base);
            if (arm)
                format_attrs(format, arm, base, own);
            break;
        case XT_KIND_HOOK:
            if (!rows->name && rows->hook->format_attrs)
                rows->hook->format_attrs(format, value);
            break;
        default:
            break;
        }
    }
}

static void format_children(struct xt_format *format, const struct xt_row *rows, const void *base);

/* how: XT_ALWAYS, XT_SPREAD */
static void format_element(struct xt_format *format, const char *name, const struct xt_row *rows,
                           const void *base, unsigned how)
{
    struct buf *text = format->text;
    size_t begin = text->length, named, inside;
    struct own own = {0};

    add_indent(format);
    buf_add_char(text, '<');
    buf_add_string(text, name);
    named = text->length;
    format_attrs(format, rows, base, &own);
    if (own.row) {
        if (own.row->type->unit)
            buf_printf(text, " unit='%s'", own.row->type->unit(own.value));
        buf_add_char(text, '>');
        own.row->type->format(text, own.value, own.row->aux);
        buf_printf(text, "</%s>\n", name);
        return;
    }
    buf_add(text, ">\n", 2);
    inside = text->length;
    format->indent += 2;
    format_children(format, rows, base);
    format->indent -= 2;
    if (text->length > inside || (how & XT_SPREAD)) {
        add_indent(format);
        buf_printf(text, "</%s>\n", name);
        return;
    }
    if (!(how & XT_ALWAYS) && inside - 2 == named) {
        truncate_text(text, begin);
        return;
    }
    truncate_text(text, inside - 2);
    buf_add(text, "/>\n", 3);
}

static void format_text(struct xt_format *format, const struct xt_row *row, const void *value)
{
    struct buf *text = format->text;

    add_indent(format);
    buf_add_char(text, '<');
    buf_add_string(text, row->name);
    if (row->type->unit)
        buf_printf(text, " unit='%s'", row->type->unit(value));
    buf_add_char(text, '>');
    row->type->format(text, value, row->aux);
    buf_add(text, "</", 2);
    buf_add_string(text, row->name);
    buf_add(text, ">\n", 2);
}

static void format_list(struct xt_format *format, const struct xt_row *row, const void *base)
{
    void *const *items = *(void *const *const *)xt_at(base, row->offset);
    size_t count = *(const size_t *)xt_at(base, row->offset2);

    for (size_t i = 0; i < count; i++)
        format_element(format, row->name, row->table->rows, items[i], XT_ALWAYS | row->flags);
}

static void format_children(struct xt_format *format, const struct xt_row *rows, const void *base)
{
    for (; rows->kind != XT_KIND_END; rows++) {
        const void *value = xt_at(base, rows->offset);
        const struct xt_row *arm;

        if (rows->kind == XT_KIND_ATTR || rows->kind == XT_KIND_OWN || hidden(rows, format->flags))
            continue;
        switch (rows->kind) {
        case XT_KIND_TEXT:
            if (printed(rows, value))
                format_text(format, rows, value);
            break;
        case XT_KIND_FLAG:
            if (*(const bool *)value)
                format_element(format, rows->name, rows->rows, base, XT_ALWAYS);
            break;
        case XT_KIND_GROUP:
            if (rows->name)
                format_element(format, rows->name, rows->rows, value, rows->flags);
            else
                format_children(format, rows->rows, value);
            break;
        case XT_KIND_CHILD:
            if (*(void *const *)value)
                format_element(format, rows->name, rows->table->rows, *(void *const *)value,
                               XT_ALWAYS | rows->flags);
            break;
        case XT_KIND_LIST:
            format_list(format, rows, base);
            break;
        case XT_KIND_UNION:
            arm = xt_arm_rows(rows, base);
            if (arm)
                format_children(format, arm, base);
            break;
        default: /* XT_KIND_HOOK */
            rows->hook->format(format, value);
        }
    }
}

void xt_format_node(struct xt_format *format, const struct xt_table *table, const char *name,
                    const void *object)
{
    format_element(format, name ? name : table->name, table->rows, object, XT_ALWAYS);
}

void xt_format(const struct xt_table *table, struct buf *text, const void *object, unsigned flags,
               unsigned indent)
{
    struct xt_format format = {.text = text, .flags = flags, .indent = indent};

    xt_format_node(&format, table, NULL, object);
}

void xt_format_line(struct xt_format *format, const char *text, ...)
{
    va_list args;

    add_indent(format);
    va_start(args, text);
    buf_vprintf(format->text, text, args);
    va_end(args);
    buf_add_char(format->text, '\n');
}

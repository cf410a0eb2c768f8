/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looking at the tree of a document, copying and printing it. */
#include "xml/node.h"

#include "base/str.h"

/* ---- looking ---- */

static struct xml_node *find(struct xml_node *node, const char *name)
{
    for (; node; node = node->next)
        if (node->name && !node->foreign && node->name[0] == name[0] && !strcmp(node->name, name))
            return node;
    return NULL;
}

struct xml_node *xml_child(const struct xml_node *node, const char *name)
{
    return find(node->first, name);
}

struct xml_node *xml_next(const struct xml_node *node, const char *name)
{
    return find(node->next, name);
}

const char *xml_attr(const struct xml_node *node, const char *name)
{
    struct xml_attr *attr;

    for (attr = node->attrs; attr; attr = attr->next) {
        if (attr->foreign || strcmp(attr->name, name) != 0)
            continue;
        attr->used = true;
        return attr->value;
    }
    return NULL;
}

const char *xml_text(const struct xml_node *node, struct arena *arena)
{
    const struct xml_node *child, *only = NULL;
    auto_buf struct buf text = {0};

    for (child = node->first; child; child = child->next) {
        if (child->kind != XML_TEXT && child->kind != XML_CDATA)
            continue;
        if (only)
            buf_add_string(&text, text.length ? NULL : only->text);
        if (only)
            buf_add_string(&text, child->text);
        only = child;
    }
    if (!only)
        return "";
    return text.length ? arena_strndup(arena, text.data, text.length) : only->text;
}

void xml_use_all(struct xml_node *node)
{
    struct xml_node *child;
    struct xml_attr *attr;

    node->used = true;
    for (attr = node->attrs; attr; attr = attr->next)
        attr->used = true;
    for (child = node->first; child; child = child->next)
        xml_use_all(child);
}

const struct xml_node *xml_unused(const struct xml_node *node, const struct xml_attr **ret_attr)
{
    const struct xml_node *child, *found;
    const struct xml_attr *attr;

    *ret_attr = NULL;
    if (node->kind != XML_ELEMENT || node->foreign)
        return NULL;
    if (!node->used)
        return node;
    for (attr = node->attrs; attr; attr = attr->next) {
        if (attr->used || attr->foreign)
            continue;
        *ret_attr = attr;
        return node;
    }
    for (child = node->first; child; child = child->next) {
        found = xml_unused(child, ret_attr);
        if (found)
            return found;
    }
    return NULL;
}

/* ---- copies ---- */

struct xml_node *xml_copy(struct arena *arena, const struct xml_node *node)
{
    struct xml_node *copy, *kid;
    const struct xml_node *child;
    const struct xml_attr *attr;
    struct xml_attr **tail;

    if (!node)
        return NULL;
    copy = ARENA_NEW(arena, struct xml_node);
    copy->kind = node->kind;
    copy->line = node->line;
    copy->foreign = node->foreign;
    copy->tag = arena_strdup(arena, node->tag);
    copy->name = str_eq(node->tag, node->name) ? copy->tag : arena_strdup(arena, node->name);
    copy->uri = arena_strdup(arena, node->uri);
    copy->text = arena_strdup(arena, node->text);
    tail = &copy->attrs;
    for (attr = node->attrs; attr; attr = attr->next) {
        *tail = ARENA_NEW(arena, struct xml_attr);
        (*tail)->name = arena_strdup(arena, attr->name);
        (*tail)->value = arena_strdup(arena, attr->value);
        (*tail)->foreign = attr->foreign;
        tail = &(*tail)->next;
    }
    for (child = node->first; child; child = child->next) {
        kid = xml_copy(arena, child);
        kid->parent = copy;
        if (copy->last)
            copy->last->next = kid;
        else
            copy->first = kid;
        copy->last = kid;
    }
    return copy;
}

bool xml_eq(const struct xml_node *a, const struct xml_node *b)
{
    const struct xml_attr *x, *y;
    const struct xml_node *c, *d;

    if (!a || !b)
        return a == b;
    if (a->kind != b->kind || !str_eq(a->tag, b->tag) || !str_eq(a->text, b->text))
        return false;
    for (x = a->attrs, y = b->attrs; x && y; x = x->next, y = y->next)
        if (!str_eq(x->name, y->name) || !str_eq(x->value, y->value))
            return false;
    for (c = a->first, d = b->first; c && d; c = c->next, d = d->next)
        if (!xml_eq(c, d))
            return false;
    return !x && !y && !c && !d;
}

/* ---- printing ---- */

/* Verbatim text: only what XML demands is escaped, as in the original. */
static void add_escaped(struct buf *text, const char *raw, bool in_attr)
{
    for (; *raw; raw++)
        switch (*raw) {
        case '<':
            buf_add_string(text, "&lt;");
            break;
        case '>':
            buf_add_string(text, "&gt;");
            break;
        case '&':
            buf_add_string(text, "&amp;");
            break;
        case '\r':
            buf_add_string(text, "&#13;");
            break;
        case '"':
            buf_add_string(text, in_attr ? "&quot;" : "\"");
            break;
        case '\n':
            buf_add_string(text, in_attr ? "&#10;" : "\n");
            break;
        case '\t':
            buf_add_string(text, in_attr ? "&#9;" : "\t");
            break;
        default:
            buf_add_char(text, *raw);
        }
}

static void indent_by(struct buf *text, unsigned indent)
{
    memset(buf_reserve(text, indent), ' ', indent);
    text->length += indent;
    text->data[text->length] = '\0';
}

static void format_node(const struct xml_node *node, unsigned indent, bool layout, struct buf *text);

static void format_children(const struct xml_node *node, unsigned indent, bool layout, struct buf *text)
{
    const struct xml_node *child;

    for (child = node->first; layout && child; child = child->next)
        if (child->kind == XML_TEXT || child->kind == XML_CDATA)
            layout = false;
    for (child = node->first; child; child = child->next) {
        if (layout) {
            buf_add_char(text, '\n');
            indent_by(text, indent + 2);
        }
        format_node(child, indent + 2, layout, text);
    }
    if (layout) {
        buf_add_char(text, '\n');
        indent_by(text, indent);
    }
}

static void format_node(const struct xml_node *node, unsigned indent, bool layout, struct buf *text)
{
    const struct xml_attr *attr;

    if (node->kind == XML_TEXT) {
        add_escaped(text, node->text, /* in_attr= */ false);
        return;
    }
    if (node->kind != XML_ELEMENT) {
        buf_printf(text, "%s%s%s", node->kind == XML_CDATA ? "<![CDATA[" : "<!--", node->text,
                   node->kind == XML_CDATA ? "]]>" : "-->");
        return;
    }
    buf_printf(text, "<%s", node->tag);
    for (attr = node->attrs; attr; attr = attr->next) {
        buf_printf(text, " %s=\"", attr->name);
        add_escaped(text, attr->value, /* in_attr= */ true);
        buf_add_char(text, '"');
    }
    if (!node->first) {
        buf_add_string(text, "/>");
        return;
    }
    buf_add_char(text, '>');
    format_children(node, indent, layout, text);
    buf_printf(text, "</%s>", node->tag);
}

void xml_format(const struct xml_node *node, unsigned indent, struct buf *text)
{
    if (!node)
        return;
    indent_by(text, indent);
    format_node(node, indent, /* layout= */ true, text);
    buf_add_char(text, '\n');
}

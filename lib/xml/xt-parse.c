/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading a document by its table. Rows look for their element, so the order in the document doesn't matter;
 * of elements that may stand once the first counts. Everything that a row looked at is marked as used, which
 * is how the validate flag finds what no row knows.
 */
#define ERR_FROM ERR_FROM_XML
#include "xml/xt-private.h"

#include <stdarg.h>

#include "base/str.h"

int xt_add_place(struct err *err, const struct xt_place *place)
{
    if (place->line)
        err_append(err, " in element '%s' (line %u)", place->element, place->line);
    return -1;
}

/* Behind what a noun's own code says of the element. */
static int place(struct xt_parse *parse, const struct xml_node *node)
{
    if (!parse->placed)
        xt_add_place(parse->err, &(struct xt_place){node->name, node->line});
    parse->placed = true;
    return -1;
}

int xt_error(struct xt_parse *parse, const struct xml_node *node, const char *format, ...)
{
    auto_buf struct buf text = {0};
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    parse->placed = true;
    return err_set(parse->err, ERR_XML_ERROR, "%s (line %u)", buf_text(&text), node->line);
}

int xt_error_attr(struct xt_parse *parse, const struct xml_node *node, const char *attr, const char *value,
                  const struct xt_type *type)
{
    const char *expect = type && type->expect ? type->expect : "";
    const char *gap = *expect ? " " : "";

    if (err_is_set(parse->err)) /* the type knows more: say where */
        return place(parse, node);
    if (type == &xt_bitmap) {
        parse->placed = true;
        return err_set(parse->err, ERR_INVALID_ARG,
                       "Failed to parse bitmap '%s' of %s in element '%s' (line %u)", value,
                       attr ? attr : "text", node->name, node->line);
    }
    if (!attr)
        return xt_error(parse, node, "Invalid value for element '%s': '%s'.%s%s", node->name, value, gap,
                        expect);
    return xt_error(parse, node, "Invalid value for attribute '%s' in element '%s': '%s'.%s%s", attr,
                    node->name, value, gap, expect);
}

static int error_zero(struct xt_parse *parse, const struct xml_node *node, const char *attr)
{
    if (!attr)
        return xt_error(parse, node, "Invalid value for element '%s': Zero is not permitted", node->name);
    return xt_error(parse, node, "Invalid value for attribute '%s' in element '%s': Zero is not permitted",
                    attr, node->name);
}

static bool ignored(const struct xt_row *row, const struct xt_parse *parse)
{
    if ((row->flags & XT_LIVE) && (parse->flags & XT_PARSE_INACTIVE))
        return true;
    if ((row->flags & XT_INACTIVE_ONLY) && !(parse->flags & XT_PARSE_INACTIVE))
        return true;
    return (row->flags & XT_STATUS) && !(parse->flags & XT_PARSE_STATUS);
}

/* text: of attribute `attr` of node, or (NULL) of node itself. */
static int parse_value(struct xt_parse *parse, const struct xt_row *row, const struct xml_node *node,
                       const char *attr, const char *text, void *base)
{
    const char *unit = row->type->unit ? xml_attr(node, "unit") : NULL;

    if (ignored(row, parse))
        return 0;
    if (!attr && row->type->skip_empty && !*text)
        return row->flags & XT_REQUIRED ? xt_error(parse, node, "Missing value of element '%s'", node->name)
                                        : 0;
    parse->unit = unit;
    if (row->type->parse(parse, text, row->aux, xt_at(base, row->offset)) < 0)
        return xt_error_attr(parse, node, attr, text, row->type);
    /* what would not be printed would be missing the next time */
    if (((row->flags & (XT_REQUIRED | XT_ALWAYS)) == XT_REQUIRED || row->type == &xt_count) &&
        !xt_given(row->type, xt_at(base, row->offset)))
        return error_zero(parse, node, attr);
    return 0;
}

static int parse_rows(struct xt_parse *parse, const struct xt_row *rows, struct xml_node *node, void *base);

static int parse_list(struct xt_parse *parse, const struct xt_row *row, struct xml_node *child, void *base)
{
    void ***items = xt_at(base, row->offset), *item;
    size_t *count = xt_at(base, row->offset2);

    for (; child; child = xml_next(child, row->name)) {
        child->used = true;
        if (ignored(row, parse)) {
            xml_use_all(child);
            continue;
        }
        if (*count == XT_LIST_MAX)
            return xt_error(parse, child, "There are more than %d elements '%s'", (int)XT_LIST_MAX,
                            row->name);
        item = arena_alloc(parse->arena, row->table->size);
        if (xt_parse_node(parse, row->table, child, item) < 0)
            return -1;
        *items = arena_grow(parse->arena, *items, *count, sizeof(void *));
        (*items)[(*count)++] = item;
    }
    return 0;
}

static int parse_hook(struct xt_parse *parse, const struct xt_row *row, struct xml_node *node, void *base)
{
    struct xml_node *child;
    void *object = xt_at(base, row->offset);

    if (row->hook == &xt_place_hook) { /* looks at the first, and doesn't count as using it */
        child = row->name ? xml_child(node, row->name) : node;
        return child ? row->hook->parse(parse, child, object) : 0;
    }
    if (!row->name)
        return row->hook->parse(parse, node, object) < 0 ? place(parse, node) : 0;
    for (child = xml_child(node, row->name); child; child = xml_next(child, row->name)) {
        child->used = true;
        if (ignored(row, parse))
            xml_use_all(child);
        else if (row->hook->parse(parse, child, object) < 0)
            return place(parse, child);
    }
    return 0;
}

/* A row whose element is there. */
static int parse_child(struct xt_parse *parse, const struct xt_row *row, struct xml_node *child, void *base)
{
    void *object;

    child->used = true;
    if (ignored(row, parse) && row->kind != XT_KIND_TEXT) {
        xml_use_all(child);
        return 0;
    }
    switch (row->kind) {
    case XT_KIND_TEXT:
        return parse_value(parse, row, child, NULL, xml_text(child, parse->arena), base);
    case XT_KIND_FLAG:
        *(bool *)xt_at(base, row->offset) = true;
        return parse_rows(parse, row->rows, child, base);
    case XT_KIND_GROUP:
        return parse_rows(parse, row->rows, child, xt_at(base, row->offset));
    case XT_KIND_CHILD:
        object = arena_alloc(parse->arena, row->table->size);
        *(void **)xt_at(base, row->offset) = object;
        return xt_parse_node(parse, row->table, child, object);
    default: /* XT_KIND_LIST: the only other kind that has elements */
        return parse_list(parse, row, child, base);
    }
}

static int parse_row(struct xt_parse *parse, const struct xt_row *row, struct xml_node *node, void *base)
{
    bool required = (row->flags & XT_REQUIRED) && !ignored(row, parse);
    const struct xt_row *arm;
    struct xml_node *child;
    const char *text;

    switch (row->kind) {
    case XT_KIND_ATTR:
        text = xml_attr(node, row->name);
        if (text)
            return parse_value(parse, row, node, row->name, text, base);
        if (required)
            return xt_error(parse, node, "Missing required attribute '%s' in element '%s'", row->name,
                            node->name);
        if ((row->flags & XT_IMPLIED) && !ignored(row, parse))
            *(enum tristate *)xt_at(base, row->offset) = TRI_YES;
        return 0;
    case XT_KIND_OWN:
        text = xml_text(node, parse->arena);
        if (required && !*text)
            return xt_error(parse, node, "Missing value of element '%s'", node->name);
        return *text ? parse_value(parse, row, node, NULL, text, base) : 0;
    case XT_KIND_UNION:
        arm = ignored(row, parse) ? NULL : xt_arm_rows(row, base);
        return arm ? parse_rows(parse, arm, node, base) : 0;
    case XT_KIND_HOOK:
        if (required && row->name && !xml_child(node, row->name))
            break;
        return parse_hook(parse, row, node, base);
    default:
        if (!row->name) /* a group without an element */
            return ignored(row, parse) ? 0 : parse_rows(parse, row->rows, node, xt_at(base, row->offset));
        child = xml_child(node, row->name);
        if (child)
            return parse_child(parse, row, child, base);
        if (!required)
            return 0;
    }
    return xt_error(parse, node, "Missing required element '%s' in element '%s'", row->name, node->name);
}

static int parse_rows(struct xt_parse *parse, const struct xt_row *rows, struct xml_node *node, void *base)
{
    for (; rows->kind != XT_KIND_END; rows++)
        if (parse_row(parse, rows, node, base) < 0)
            return -1;
    return 0;
}

int xt_parse_node(struct xt_parse *parse, const struct xt_table *table, struct xml_node *node, void *object)
{
    node->used = true;
    if (parse_rows(parse, table->rows, node, object) < 0)
        return -1;
    return table->finish && table->finish(parse, object) < 0 ? place(parse, node) : 0;
}

static int refuse_unknown(const struct xml_node *root, struct err *err)
{
    const struct xml_attr *attr;
    const struct xml_node *node = xml_unused(root, &attr);

    if (!node)
        return 0;
    if (attr)
        return err_set(err, ERR_XML_INVALID_SCHEMA, "line %u: attribute '%s' is not allowed in element '%s'",
                       node->line, attr->name, node->name);
    return err_set(err, ERR_XML_INVALID_SCHEMA, "line %u: element '%s' is not allowed in element '%s'",
                   node->line, node->name, node->parent ? node->parent->name : "");
}

void *xt_parse(const struct xt_document *document, struct arena *arena, const char *text, unsigned flags,
               struct err *err)
{
    struct xt_parse parse = {.arena = arena, .flags = flags, .err = err};
    auto_arena struct arena scratch = {0};
    struct xml_node *root;
    void *object;

    root = xml_parse(&scratch, text, strlen(text), document->what, document->namespaces, err);
    if (!root)
        return NULL;
    if (!str_eq(root->name, document->table->name)) {
        err_set(err, ERR_XML_ERROR, "expecting root element of '%s', not '%s'", document->table->name,
                root->name);
        return NULL;
    }
    object = arena_alloc(arena, document->table->size);
    if (xt_parse_node(&parse, document->table, root, object) < 0)
        return NULL;
    if ((flags & XT_PARSE_VALIDATE) && refuse_unknown(root, err) < 0)
        return NULL;
    return object;
}

/* ---- elements that are kept as they are ---- */

static int verbatim_parse(struct xt_parse *parse, struct xml_node *node, void *object)
{
    struct xml_node **kept = object;

    xml_use_all(node);
    if (!*kept)
        *kept = xml_copy(parse->arena, node);
    return 0;
}

static void verbatim_format(struct xt_format *format, const void *object)
{
    xml_format(*(struct xml_node *const *)object, format->indent, format->text);
}

static void verbatim_copy(struct arena *arena, void *to, const void *from)
{
    *(struct xml_node **)to = xml_copy(arena, *(struct xml_node *const *)from);
}

const struct xt_hook xt_verbatim = {
    .parse = verbatim_parse, .format = verbatim_format, .copy = verbatim_copy};

/* ---- where it stood ---- */

static int place_parse(struct xt_parse *parse, struct xml_node *node, void *object)
{
    *(struct xt_place *)object = (struct xt_place){arena_strdup(parse->arena, node->name), node->line};
    return 0;
}

static void place_format(struct xt_format *format UNUSED, const void *object UNUSED)
{
}

static void place_copy(struct arena *arena UNUSED, void *to UNUSED, const void *from UNUSED)
{
}

const struct xt_hook xt_place_hook = {.parse = place_parse, .format = place_format, .copy = place_copy};

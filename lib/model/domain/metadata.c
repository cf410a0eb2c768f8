/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Metadata: elements that belong to applications. Each has a namespace of its own, and there is one of each;
 * we keep them as they were written.
 */
#define ERR_FROM ERR_FROM_DOMAIN
#include <ctype.h>

#include "base/map.h"
#include "base/str.h"
#include "model/domain/domain.h"

static struct xml_node *find(const struct domain *domain, const char *uri)
{
    struct xml_node *child;

    for (child = domain->metadata ? domain->metadata->first : NULL; child; child = child->next)
        if (child->uri && str_eq(child->uri, uri))
            return child;
    return NULL;
}

/* A list anew, without some of its members. */
static void keep(struct xml_node *parent,
                 bool (*wanted)(const struct xml_node *parent, const struct xml_node *child, void *data),
                 void *data)
{
    struct xml_node *child = parent->first, *next;

    parent->first = parent->last = NULL;
    for (; child; child = next) {
        next = child->next;
        child->next = NULL;
        if (!wanted(parent, child, data))
            continue;
        if (parent->last)
            parent->last->next = child;
        else
            parent->first = child;
        parent->last = child;
    }
}

/* data: the namespaces that were there before. */
static bool first_of_namespace(const struct xml_node *parent, const struct xml_node *child, void *data)
{
    if (child->kind != XML_ELEMENT)
        return child->kind == XML_COMMENT;
    return child->uri && map_put(data, child->uri, data) == 0;
}

void domain_clean_metadata(struct domain *domain)
{
    struct map seen = {0};

    if (domain->metadata)
        keep(domain->metadata, first_of_namespace, &seen);
    map_done(&seen);
}

/* Whoever asks by a namespace gets its elements without prefix and declaration, as libvirt gives them. */
static void strip(struct xml_node *node, const char *uri)
{
    for (struct xml_attr **at = &node->attrs; *at;)
        if (str_after((*at)->name, "xmlns") && str_eq((*at)->value, uri))
            *at = (*at)->next;
        else
            at = &(*at)->next;
    if (node->uri && str_eq(node->uri, uri) && node->tag && strchr(node->tag, ':'))
        node->tag = strchr(node->tag, ':') + 1;
    for (struct xml_node *child = node->first; child; child = child->next)
        if (child->kind == XML_ELEMENT)
            strip(child, uri);
}

const char *domain_metadata(const struct domain *domain, const char *uri, struct arena *arena)
{
    const struct xml_node *found = find(domain, uri);
    auto_buf struct buf text = {0};
    struct xml_node *node;

    if (!found)
        return NULL;
    node = xml_copy(arena, found);
    strip(node, uri);
    xml_format(node, 0, &text);
    return arena_strndup(arena, text.data, text.length - 1); /* without the newline behind it */
}

static bool not_this(const struct xml_node *parent, const struct xml_node *child, void *data)
{
    return child != data;
}

/* A name without a colon, so that the document stays one that can be read. */
static bool is_prefix(const char *key)
{
    if (!*key || (*key >= '0' && *key <= '9') || *key == '-' || *key == '.')
        return false;
    for (; *key; key++)
        if ((unsigned char)*key < 0x80 && !isalnum((unsigned char)*key) && !strchr("_-.", *key))
            return false;
    return true;
}

/* What has no namespace comes into that of our key. */
static void take_in(struct arena *arena, struct xml_node *node, const char *uri, const char *key)
{
    for (const struct xml_attr *attr = node->attrs; attr; attr = attr->next)
        if (str_eq(attr->name, "xmlns"))
            return;
    if (!strchr(node->tag, ':')) {
        node->tag = arena_printf(arena, "%s:%s", key, node->tag);
        node->name = node->tag;
        node->uri = (char *)uri;
        node->foreign = true;
    }
    for (struct xml_node *child = node->first; child; child = child->next)
        if (child->kind == XML_ELEMENT)
            take_in(arena, child, uri, key);
}

/* The user's element with our key as its prefix: <foo a='b'/> becomes <key:foo xmlns:key="uri" a="b"/>. */
static struct xml_node *adopt(struct arena *arena, const struct xml_node *node, const char *uri,
                              const char *key)
{
    struct xml_node *copy = xml_copy(arena, node);
    struct xml_attr *space = ARENA_NEW(arena, struct xml_attr);

    copy->next = NULL;
    space->name = key ? arena_printf(arena, "xmlns:%s", key) : "xmlns";
    space->value = arena_strdup(arena, uri);
    space->foreign = true;
    if (key)
        take_in(arena, copy, space->value, key);
    else
        copy->uri = space->value;
    copy->foreign = true;
    /* the user may have declared the same prefix: once is enough */
    for (struct xml_attr **at = &copy->attrs; *at;)
        if (str_eq((*at)->name, space->name))
            *at = (*at)->next;
        else
            at = &(*at)->next;
    struct xml_attr **at = &copy->attrs; /* declarations come first */

    while (*at && str_after((*at)->name, "xmlns"))
        at = &(*at)->next;
    space->next = *at;
    *at = space;
    return copy;
}

int domain_set_metadata(struct domain *domain, struct arena *arena, const char *uri, const char *key,
                        const char *xml, struct err *err)
{
    auto_arena struct arena scratch = {0};
    struct xml_node *old = find(domain, uri), *node = NULL;

    if (xml) {
        node = xml_parse(&scratch, xml, strlen(xml), "(metadata_xml)", NULL, err);
        if (!node)
            return -1;
        if (key && !is_prefix(key))
            return err_set_from(err, ERR_FROM_XML, ERR_INTERNAL_ERROR,
                                "failed to validate prefix for a new XML namespace");
        node = adopt(arena, node, uri, key);
    }
    if (old)
        keep(domain->metadata, not_this, old);
    if (node) {
        if (!domain->metadata) {
            domain->metadata = ARENA_NEW(arena, struct xml_node);
            domain->metadata->name = domain->metadata->tag = "metadata";
        }
        node->parent = domain->metadata;
        if (domain->metadata->last)
            domain->metadata->last->next = node;
        else
            domain->metadata->first = node;
        domain->metadata->last = node;
    }
    return 0; /* an emptied <metadata/> stays, as with stock */
}

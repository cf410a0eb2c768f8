/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Xml: a document as a plain tree in an arena, and the only door to libxml2. Hostile documents end early: a
 * DTD, nesting deeper than XML_DEPTH_MAX, an element with more than XML_ATTRS_MAX attributes or more than
 * XML_SIZE_MAX bytes are refused while reading, before a tree of that size exists; nothing is ever loaded
 * from files or the network. Safe to use from many threads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum { XML_DEPTH_MAX = 64, XML_SIZE_MAX = 64 * 1024 * 1024, XML_ATTRS_MAX = 256 };

/* A vocabulary of ours inside a foreign namespace: elements with this URI are named "prefix:local". */
struct xml_namespace {
    const char *prefix, *uri;
};

struct xml_attr {
    struct xml_attr *next;
    const char *name, *value;
    bool foreign; /* has a prefix, or declares a namespace */
    bool used;    /* somebody read it */
};

enum xml_kind { XML_ELEMENT, XML_TEXT, XML_CDATA, XML_COMMENT };

struct xml_node {
    struct xml_node *next, *parent, *first, *last;
    struct xml_attr *attrs;
    const char *name; /* as in the tables: "disk", "qemu:arg"; NULL for text and comments */
    const char *tag;  /* as written, with the writer's prefix */
    const char *uri;  /* of the namespace, or NULL */
    const char *text; /* of text and comments */
    uint32_t line;
    uint8_t kind;
    bool foreign; /* in a namespace that isn't ours: no table row matches it */
    bool used;
};

/*
 * The root element of text (length bytes, UTF-8 or with an encoding declaration), all of it in arena; NULL
 * with err set. `what` stands for the file name in messages: "(domain_definition)". namespaces may be NULL,
 * else it ends with a NULL prefix. White space between elements isn't kept.
 */
struct xml_node *xml_parse(struct arena *arena, const char *text, size_t length, const char *what,
                           const struct xml_namespace *namespaces, struct err *err);

/* The first child element of that name, or NULL. */
struct xml_node *xml_child(const struct xml_node *node, const char *name);
/* The next element of that name behind node, or NULL. */
struct xml_node *xml_next(const struct xml_node *node, const char *name);
/* Value of an attribute without prefix, or NULL; marks it as used. */
const char *xml_attr(const struct xml_node *node, const char *name);
/* All text directly inside the element; "" when there is none. From arena if it must be pieced together. */
const char *xml_text(const struct xml_node *node, struct arena *arena);

/* The element and all below it count as known (they are kept verbatim). */
void xml_use_all(struct xml_node *node);
/* The first element or attribute that nobody used: ret_attr NULL says the element itself. NULL: all known. */
const struct xml_node *xml_unused(const struct xml_node *node, const struct xml_attr **ret_attr);

/* A deep copy without siblings; NULL stays NULL. */
struct xml_node *xml_copy(struct arena *arena, const struct xml_node *node);
bool xml_eq(const struct xml_node *a, const struct xml_node *b);
/*
 * The element as it was written (its prefixes, double quotes), indented by `indent` blanks, with a newline
 * behind it; elements that contain text stay on one line.
 */
void xml_format(const struct xml_node *node, unsigned indent, struct buf *text);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Building the tree from libxml2's SAX events. libxml2's own tree is never built: the limits hold while a
 * document is read, and strings are copied once, into the arena.
 *
 * libxml2 is opened by the first document: together with ICU, which it needs itself, it takes a third of the
 * time that a daemon needs to start, and most daemons are started for a question without any document.
 */
#define ERR_FROM ERR_FROM_XML
#include "xml/node.h"

#include <dlfcn.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <pthread.h>
#include <strings.h>

#include "base/str.h"

/* What is used of libxml2. */
#define LIBXML_FUNCTIONS(X)                                                                                  \
    X(xmlCreateMemoryParserCtxt)                                                                             \
    X(xmlCtxtUseOptions)                                                                                     \
    X(xmlFreeParserCtxt)                                                                                     \
    X(xmlInitParser)                                                                                         \
    X(xmlParseDocument)                                                                                      \
    X(xmlStopParser)

static struct {
#define MEMBER(name) __typeof__(&(name)) name;
    LIBXML_FUNCTIONS(MEMBER)
#undef MEMBER
    char *missing; /* why it can't be used; NULL: it can */
} libxml;

static void libxml_open(void)
{
    void *library = dlopen("libxml2.so.2", RTLD_NOW | RTLD_LOCAL);

#define FIND(name)                                                                                           \
    library = library && (libxml.name = (__typeof__(&(name)))dlsym(library, #name)) ? library : NULL;
    LIBXML_FUNCTIONS(FIND)
#undef FIND
    if (library)
        libxml.xmlInitParser();
    else
        libxml.missing = mem_strdup(dlerror());
}

struct reader {
    struct arena *arena;
    const char *what;
    const struct xml_namespace *namespaces;
    struct err *err;
    xmlParserCtxt *parser;
    struct xml_node *root, *open; /* open: the innermost element that hasn't ended */
    struct buf text;              /* character data since the last tag */
    unsigned depth;
};

/* ---- building ---- */

static int line_of(const struct reader *reader)
{
    return reader->parser->input ? reader->parser->input->line : 0;
}

static void stop(struct reader *reader)
{
    libxml.xmlStopParser(reader->parser);
}

static struct xml_node *add_node(struct reader *reader, enum xml_kind kind)
{
    struct xml_node *node = ARENA_NEW(reader->arena, struct xml_node), *parent = reader->open;

    node->kind = kind;
    node->line = (uint32_t)line_of(reader);
    node->parent = parent;
    if (!parent)
        return node;
    if (parent->last)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
    return node;
}

static bool is_blank(const struct buf *text)
{
    return strspn(text->data, " \t\r\n") == text->length;
}

/* Character data becomes a text node, unless it is mere layout: blanks next to an element. */
static void flush_text(struct reader *reader, bool element_ends)
{
    struct xml_node *parent = reader->open, *node;
    bool layout;

    if (!reader->text.length)
        return;
    layout = is_blank(&reader->text) &&
             (parent->last ? parent->last->kind == XML_ELEMENT || parent->last->kind == XML_COMMENT
                           : !element_ends);
    if (!layout) {
        node = add_node(reader, XML_TEXT);
        node->text = arena_strndup(reader->arena, reader->text.data, reader->text.length);
    }
    buf_reset(&reader->text);
}

static const char *dup_name(struct reader *reader, const xmlChar *prefix, const xmlChar *name)
{
    if (!prefix)
        return arena_strdup(reader->arena, (const char *)name);
    return arena_printf(reader->arena, "%s:%s", (const char *)prefix, (const char *)name);
}

static void name_node(struct reader *reader, struct xml_node *node, const xmlChar *name,
                      const xmlChar *prefix, const xmlChar *uri)
{
    const struct xml_namespace *known;

    node->tag = node->name = dup_name(reader, prefix, name);
    if (!uri)
        return;
    node->uri = arena_strdup(reader->arena, (const char *)uri);
    for (known = reader->namespaces; known && known->prefix; known++) {
        if (!str_eq(known->uri, node->uri))
            continue;
        node->name = dup_name(reader, BAD_CAST known->prefix, name);
        return;
    }
    node->foreign = true;
}

static struct xml_attr *add_attr(struct reader *reader, struct xml_attr ***tail)
{
    struct xml_attr *attr = ARENA_NEW(reader->arena, struct xml_attr);

    **tail = attr;
    *tail = &attr->next;
    return attr;
}

static void start_element(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                          int n_spaces, const xmlChar **spaces, int n_attrs, int n_defaulted,
                          const xmlChar **attrs)
{
    struct reader *reader = data;
    struct xml_node *node;
    struct xml_attr **tail, *attr;

    if (++reader->depth > XML_DEPTH_MAX) {
        err_set(reader->err, ERR_XML_ERROR, "%s:%d: element '%s' is nested deeper than %d levels",
                reader->what, line_of(reader), (const char *)name, (int)XML_DEPTH_MAX);
        stop(reader);
        return;
    }
    flush_text(reader, false);
    node = add_node(reader, XML_ELEMENT);
    name_node(reader, node, name, prefix, uri);
    tail = &node->attrs;
    for (; n_spaces > 0; n_spaces--, spaces += 2) {
        attr = add_attr(reader, &tail);
        attr->name = spaces[0] ? dup_name(reader, BAD_CAST "xmlns", spaces[0]) : "xmlns";
        attr->value = arena_strdup(reader->arena, (const char *)spaces[1]);
        attr->foreign = true;
    }
    /* libxml2 hands over: local name, prefix, URI, begin and end of the value */
    for (; n_attrs > 0; n_attrs--, attrs += 5) {
        attr = add_attr(reader, &tail);
        attr->name = dup_name(reader, attrs[1], attrs[0]);
        attr->value = arena_strndup(reader->arena, (const char *)attrs[3], (size_t)(attrs[4] - attrs[3]));
        attr->foreign = attrs[1];
    }
    if (!reader->root)
        reader->root = node;
    reader->open = node;
}

static void end_element(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    struct reader *reader = data;

    flush_text(reader, true);
    reader->open = reader->open->parent;
    reader->depth--;
}

static void characters(void *data, const xmlChar *text, int length)
{
    struct reader *reader = data;

    if (reader->open)
        buf_add(&reader->text, text, (size_t)length);
}

static void cdata(void *data, const xmlChar *text, int length)
{
    struct reader *reader = data;

    if (!reader->open)
        return;
    flush_text(reader, false);
    add_node(reader, XML_CDATA)->text = arena_strndup(reader->arena, (const char *)text, (size_t)length);
}

static void comment(void *data, const xmlChar *text)
{
    struct reader *reader = data;

    if (!reader->open)
        return;
    flush_text(reader, false);
    add_node(reader, XML_COMMENT)->text = arena_strdup(reader->arena, (const char *)text);
}

static void refuse_dtd(void *data, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
    struct reader *reader = data;

    err_set(reader->err, ERR_XML_ERROR, "%s:%d: a document type (DTD) is not allowed", reader->what,
            line_of(reader));
    stop(reader);
}

/* ---- errors ---- */

/* The line that libxml2 stopped in, and a mark under the place. */
static void add_context(const xmlParserInput *input, struct buf *text)
{
    const xmlChar *begin, *end, *at, *mark;

    if (!input || !input->base || !input->cur)
        return;
    begin = end = at = input->cur;
    while (begin > input->base && begin[-1] != '\n' && at - begin < 80)
        begin--;
    while (end < input->end && *end && *end != '\n' && end - begin < 80)
        end++;
    buf_add(text, begin, (size_t)(end - begin));
    buf_add_char(text, '\n');
    for (mark = begin; mark < at; mark++)
        buf_add_char(text, *mark == '\t' ? '\t' : '-');
    buf_add_char(text, '^');
}

static void structured_error(void *data, xmlErrorPtr error)
{
    struct reader *reader = data;
    auto_buf struct buf context = {0};

    if (error->level < XML_ERR_ERROR || err_is_set(reader->err))
        return;
    add_context(reader->parser->input, &context);
    err_set(reader->err, ERR_XML_DETAIL, "%s:%d: %s%s", reader->what, error->line,
            error->message ? error->message : "not well formed\n", buf_text(&context));
}

/* ---- before libxml2 sees it ---- */

/* Behind what begins here and is no tag: comments and the like, in which anything may stand. NULL: it has no
 * end; at: a tag begins here. */
static const char *skip_other(const char *at, const char *end)
{
    static const char *const kinds[][2] = {{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}};

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        size_t length = strlen(kinds[i][0]);

        if ((size_t)(end - at) < length || memcmp(at, kinds[i][0], length) != 0)
            continue;
        at = memmem(at + length, (size_t)(end - at) - length, kinds[i][1], strlen(kinds[i][1]));
        return at ? at + strlen(kinds[i][1]) : NULL;
    }
    return at;
}

/*
 * libxml2 compares each attribute of an element with all others, which takes minutes for an element of some
 * megabytes. What isn't well formed is libxml2's business.
 */
static int check_attrs(const char *text, size_t length, const char *what, struct err *err)
{
    const char *end = text + length, *at = text;
    unsigned line = 1, attrs;

    while (at && (at = memchr(at, '<', (size_t)(end - at)))) {
        const char *behind = skip_other(at, end);

        if (behind != at) {
            at = behind;
            continue;
        }
        for (attrs = 0; at < end && *at != '>' && attrs <= XML_ATTRS_MAX; at++) {
            const char *quote = *at == '"' || *at == '\'' ? memchr(at + 1, *at, (size_t)(end - at - 1)) : at;

            attrs += *at == '=';
            if (!quote)
                return 0;
            at = quote;
        }
        if (attrs <= XML_ATTRS_MAX)
            continue;
        for (const char *newline = text; newline < at; newline++)
            line += *newline == '\n';
        return err_set(err, ERR_XML_ERROR, "%s:%u: an element has more than %d attributes", what, line,
                       (int)XML_ATTRS_MAX);
    }
    return 0;
}

/* Encodings in which those who look for markup by its bytes find it: all that are common but UTF-7 and 16. */
static int check_encoding(const char *text, size_t length, const char *what, struct err *err)
{
    static const char *const known[] = {"utf-8",    "utf8",  "us-ascii", "ascii", "iso-8859-",
                                        "iso8859-", "latin", "windows-", "cp12",  "koi8-",
                                        "euc-",     "gb",    "big5",     "shift"};
    const char *end = length > 5 && !memcmp(text, "<?xml", 5) ? memmem(text, length, "?>", 2) : NULL;
    const char *at = end ? memmem(text, (size_t)(end - text), "encoding", 8) : NULL;

    if (!at)
        return 0;
    at += strcspn(at, "\"'?") + 1;
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (!strncasecmp(at, known[i], strlen(known[i])))
            return 0;
    return err_set(err, ERR_XML_ERROR, "%s:1: encoding '%.*s' is not supported; use UTF-8", what,
                   (int)strcspn(at, "\"'?"), at);
}

/* ---- reading ---- */

struct xml_node *xml_parse(struct arena *arena, const char *text, size_t length, const char *what,
                           const struct xml_namespace *namespaces, struct err *err)
{
    auto_err struct err local = {0};
    struct reader reader = {
        .arena = arena, .what = what, .namespaces = namespaces, .err = err ? err : &local};
    xmlSAXHandler sax = {.initialized = XML_SAX2_MAGIC,
                         .startElementNs = start_element,
                         .endElementNs = end_element,
                         .characters = characters,
                         .ignorableWhitespace = characters,
                         .cdataBlock = cdata,
                         .comment = comment,
                         .internalSubset = refuse_dtd,
                         .serror = structured_error};
    static pthread_once_t opened = PTHREAD_ONCE_INIT; /* documents are read in worker threads, too */
    bool whole;

    if (length > XML_SIZE_MAX) {
        err_set(err, ERR_XML_ERROR, "%s: %zu bytes are more than the %d that a document may have", what,
                length, (int)XML_SIZE_MAX);
        return NULL;
    }
    if (check_encoding(text, length, what, err) < 0 || check_attrs(text, length, what, err) < 0)
        return NULL;
    pthread_once(&opened, libxml_open);
    if (libxml.missing) {
        err_set(err, ERR_INTERNAL_ERROR, "libxml2 can't be used: %s", libxml.missing);
        return NULL;
    }
    reader.parser = length ? libxml.xmlCreateMemoryParserCtxt(text, (int)length) : NULL;
    if (!reader.parser) {
        err_set(err, ERR_XML_DETAIL, "%s:1: Document is empty", what);
        return NULL;
    }
    *reader.parser->sax = sax;
    reader.parser->userData = &reader;
    /* NOENT: only the five predefined ones can be there, and attributes come out decoded */
    libxml.xmlCtxtUseOptions(reader.parser, XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_NOWARNING);
    whole = libxml.xmlParseDocument(reader.parser) == 0 && reader.parser->wellFormed;
    libxml.xmlFreeParserCtxt(reader.parser);
    buf_done(&reader.text);
    if (err_is_set(reader.err))
        return NULL;
    if (!whole || !reader.root) {
        err_set(err, ERR_XML_DETAIL, "%s: the document is not well formed", what);
        return NULL;
    }
    return reader.root;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Xml: what an XPath finds in a document of the library. libxml2 is opened when it is first needed: most
 * commands never do, and linking it would double the time that virsh takes to start.
 */
#include <dlfcn.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xpath.h>

#include "virsh/virsh.h"

/* The functions of libxml2 that are used here. */
#define XML_FUNCTIONS(X)                                                                                     \
    X(xmlGetLastError)                                                                                       \
    X(xmlReadMemory)                                                                                         \
    X(xmlFreeDoc)                                                                                            \
    X(xmlNewDoc)                                                                                             \
    X(xmlNewNode)                                                                                            \
    X(xmlDocSetRootElement)                                                                                  \
    X(xmlDocCopyNode)                                                                                        \
    X(xmlAddPrevSibling)                                                                                     \
    X(xmlNewText)                                                                                            \
    X(xmlAddChild)                                                                                           \
    X(xmlSetProp)                                                                                            \
    X(xmlUnsetProp)                                                                                          \
    X(xmlUnlinkNode)                                                                                         \
    X(xmlFreeNode)                                                                                           \
    X(xmlNodeSetContent)                                                                                     \
    X(xmlDocGetRootElement)                                                                                  \
    X(xmlNodeGetContent)                                                                                     \
    X(xmlBufferCreate)                                                                                       \
    X(xmlBufferContent)                                                                                      \
    X(xmlBufferFree)                                                                                         \
    X(xmlNodeDump)                                                                                           \
    X(xmlXPathNewContext)                                                                                    \
    X(xmlXPathEvalExpression)                                                                                \
    X(xmlXPathCastToString)                                                                                  \
    X(xmlXPathFreeObject)                                                                                    \
    X(xmlXPathFreeContext)

struct xml_calls {
#define MEMBER(name) __typeof__(&name) name;
    XML_FUNCTIONS(MEMBER)
#undef MEMBER
};

/* NULL after telling that libxml2 isn't there. */
static const struct xml_calls *xml_open(struct cmd *cmd)
{
    static struct xml_calls calls;
    static bool opened;

    if (opened)
        return &calls;
    void *library = dlopen("libxml2.so.2", RTLD_NOW | RTLD_LOCAL);
    bool whole = library != NULL;
#define FIND(name)                                                                                           \
    if (whole) {                                                                                             \
        calls.name = (__typeof__(calls.name))dlsym(library, #name);                                          \
        whole = calls.name != NULL;                                                                          \
    }
    XML_FUNCTIONS(FIND)
#undef FIND
    if (!whole) {
        say_error(cmd, "libxml2 can't be used: %s", dlerror());
        return NULL;
    }
    opened = true;
    return &calls;
}

/* A document, and what an expression found in it. */
struct search {
    const struct xml_calls *xml;
    xmlDocPtr document;
    xmlXPathContextPtr context;
    bool keep_blanks;        /* for elements that go back to the library, or to people, as they were */
    xmlXPathObjectPtr found; /* NULL: the expression is wrong (libxml2 has told) */
};

static void search_done(struct search *search)
{
    if (search->found)
        search->xml->xmlXPathFreeObject(search->found);
    if (search->context)
        search->xml->xmlXPathFreeContext(search->context);
    if (search->document)
        search->xml->xmlFreeDoc(search->document);
}

/* -1 after telling. */
static int search_run(struct cmd *cmd, const char *text, const char *xpath, struct search *ret)
{
    const struct xml_calls *xml = xml_open(cmd);

    if (!xml)
        return -1;
    ret->xml = xml;
    ret->document = xml->xmlReadMemory(text, (int)strlen(text), "document.xml", NULL,
                                       XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                           (ret->keep_blanks ? 0 : XML_PARSE_NOBLANKS));
    if (!ret->document) {
        const xmlError *error = xml->xmlGetLastError();
        auto_free char *message = mem_strdup(error && error->message ? error->message : "");

        return say_error(cmd, "the document is not well-formed XML: line %d: %s", error ? error->line : 0,
                         str_trim(message));
    }
    ret->context = xml->xmlXPathNewContext(ret->document);
    ret->found = xml->xmlXPathEvalExpression((const xmlChar *)xpath, ret->context);
    return 0;
}

static int nodes_count(const struct search *search)
{
    return search->found && search->found->type == XPATH_NODESET && search->found->nodesetval
               ? search->found->nodesetval->nodeNr
               : 0;
}

/* A node as text. */
static void dump(const struct search *search, xmlDocPtr document, xmlNodePtr node, struct buf *ret)
{
    xmlBufferPtr text = search->xml->xmlBufferCreate();

    search->xml->xmlNodeDump(text, document, node, 0, 1);
    buf_add_string(ret, (const char *)search->xml->xmlBufferContent(text));
    search->xml->xmlBufferFree(text);
}

/* All that was found, in one document. */
static void dump_wrapped(const struct search *search, struct buf *ret)
{
    const struct xml_calls *xml = search->xml;
    xmlDocPtr document = xml->xmlNewDoc((const xmlChar *)"1.0");
    xmlNodePtr root = xml->xmlNewNode(NULL, (const xmlChar *)"nodes");

    xml->xmlDocSetRootElement(document, root);
    for (int i = 0; i < nodes_count(search); i++) {
        xmlNodePtr node = search->found->nodesetval->nodeTab[i];

        if (node->type == XML_DOCUMENT_NODE)
            node = node->children;
        if (node->type != XML_NAMESPACE_DECL)
            xml->xmlAddChild(root, xml->xmlDocCopyNode(node, document, 1));
    }
    dump(search, document, root, ret);
    xml->xmlFreeDoc(document);
}

static void print_found(struct cmd *cmd, const struct search *search)
{
    layout(cmd, LAYOUT_VALUE);
    if (cmd_has(cmd, "wrap")) {
        auto_buf struct buf text = {0};

        dump_wrapped(search, &text);
        field_document(cmd, "xml", buf_text(&text));
        return;
    }
    open_array(cmd, "nodes");
    for (int i = 0; i < nodes_count(search); i++) {
        xmlNodePtr node = search->found->nodesetval->nodeTab[i];
        auto_buf struct buf text = {0};

        if (node->type == XML_NAMESPACE_DECL)
            continue; /* not a node that could be written alone */
        dump(search, search->document, node, &text);
        field(cmd, NULL, NULL, buf_text(&text));
    }
    close_one(cmd);
}

int print_xml(struct cmd *cmd, char *document)
{
    const char *xpath = cmd_raw(cmd, "xpath");

    if (!document)
        return -1;
    cmd_own_text(cmd, document);
    if (!xpath) {
        field_verbatim(cmd, "xml", document);
        return 0;
    }
    CLEANUP(search_done) struct search search = {0};

    if (!*xpath || search_run(cmd, document, xpath, &search) < 0)
        return -1;
    if (search.found && search.found->type != XPATH_NODESET)
        return say_error(cmd, "internal error: Incorrect xpath '%s'", xpath);
    if (search.found && search.found->nodesetval) {
        print_found(cmd, &search);
    } else { /* what stock takes for nothing found */
        open_array(cmd, "nodes");
        close_one(cmd);
    }
    return 0;
}

char *xml_value(struct cmd *cmd, const char *document, const char *xpath)
{
    CLEANUP(search_done) struct search search = {0};

    if (search_run(cmd, document, xpath, &search) < 0 || !search.found)
        return NULL;
    if (search.found->type == XPATH_NODESET && !nodes_count(&search))
        return NULL;
    xmlChar *text = search.xml->xmlXPathCastToString(search.found);
    char *value = cmd_own_text(cmd, mem_strdup((const char *)text));

    free(text);
    return value;
}

static void free_strings(void *strings)
{
    strv_free(strings);
}

char **xml_values(struct cmd *cmd, const char *document, const char *xpath)
{
    CLEANUP(search_done) struct search search = {0};
    char **values = NEW(char *);

    if (search_run(cmd, document, xpath, &search) == 0)
        for (int i = 0; i < nodes_count(&search); i++) {
            xmlChar *text = search.xml->xmlNodeGetContent(search.found->nodesetval->nodeTab[i]);

            values = strv_add(values, (const char *)text);
            free(text);
        }
    return cmd_own(cmd, values, free_strings);
}

char **xml_nodes(struct cmd *cmd, const char *document, const char *xpath)
{
    CLEANUP(search_done) struct search search = {.keep_blanks = true};
    char **nodes = NEW(char *);

    if (search_run(cmd, document, xpath, &search) == 0)
        for (int i = 0; i < nodes_count(&search); i++) {
            auto_buf struct buf text = {0};

            dump(&search, search.document, search.found->nodesetval->nodeTab[i], &text);
            nodes = strv_add(nodes, buf_text(&text));
        }
    return cmd_own(cmd, nodes, free_strings);
}

/* The first child of this name; made where there is none and `make` is set. */
static xmlNodePtr child_of(const struct xml_calls *xml, xmlNodePtr node, const char *name, bool make,
                           const char *before)
{
    for (xmlNodePtr child = node->children; child; child = child->next)
        if (child->type == XML_ELEMENT_NODE && str_eq((const char *)child->name, name))
            return child;
    if (!make)
        return NULL;
    xmlNodePtr made = xml->xmlNewNode(NULL, (const xmlChar *)name);
    xmlNodePtr sibling = before ? child_of(xml, node, before, false, NULL) : NULL;

    if (!sibling)
        return xml->xmlAddChild(node, made);
    xml->xmlAddPrevSibling(sibling, made);
    xml->xmlAddPrevSibling(sibling, xml->xmlNewText((const xmlChar *)"\n      "));
    return made;
}

static void change_one(const struct xml_calls *xml, xmlNodePtr root, const struct xml_change *change)
{
    xmlNodePtr node = root;
    auto_strv char **steps = str_split(change->path ? change->path : "", "/");

    for (char **step = steps; step && *step && node; step++)
        node = child_of(xml, node, *step, change->value, change->before);
    if (!node)
        return;
    if (change->attribute && change->value)
        xml->xmlSetProp(node, (const xmlChar *)change->attribute, (const xmlChar *)change->value);
    else if (change->attribute)
        xml->xmlUnsetProp(node, (const xmlChar *)change->attribute);
    else if (change->value)
        xml->xmlNodeSetContent(node, (const xmlChar *)change->value);
    else {
        xml->xmlUnlinkNode(node);
        xml->xmlFreeNode(node);
    }
}

char *xml_changed(struct cmd *cmd, const char *element, const struct xml_change *changes, size_t count)
{
    CLEANUP(search_done) struct search search = {.keep_blanks = true};

    if (search_run(cmd, element, "/*", &search) < 0)
        return NULL;
    xmlNodePtr root = search.xml->xmlDocGetRootElement(search.document);
    auto_buf struct buf text = {0};

    for (size_t i = 0; i < count; i++)
        change_one(search.xml, root, &changes[i]);
    dump(&search, search.document, root, &text);
    return cmd_own_text(cmd, buf_steal(&text));
}

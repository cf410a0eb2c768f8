/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Looking into an XML text without parsing it: enough to know whose it is and whether it is all there.
 * Whoever uses the text parses it for real.
 */
#include <ctype.h>

#include "base/str.h"
#include "store/internal.h"

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* Behind a comment or declaration that begins here; NULL when nothing of that kind does, or it has no end. */
static const char *skip_markup(const char *at)
{
    static const struct {
        const char *begin, *end;
    } kinds[] = {{"<!--", "-->"}, {"<?", "?>"}, {"<![CDATA[", "]]>"}};

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        const char *inside = str_after(at, kinds[i].begin), *end;

        if (!inside)
            continue;
        end = strstr(inside, kinds[i].end);
        return end ? end + strlen(kinds[i].end) : NULL;
    }
    return NULL;
}

const char *store_skip_header(const char *text)
{
    const char *at = skip_blanks(text), *next;

    while ((next = skip_markup(at)))
        at = skip_blanks(next);
    return at;
}

/* Behind the '>' of a tag; quotes may hold one. NULL: the text ends before. */
static const char *skip_tag(const char *at)
{
    while (*at && *at != '>') {
        if (*at == '"' || *at == '\'') {
            at = strchr(at + 1, *at);
            if (!at)
                return NULL;
        }
        at++;
    }
    return *at ? at + 1 : NULL;
}

/* Text of an element up to the next tag, the five entities resolved. */
static char *element_text(const char *at)
{
    static const struct {
        const char *entity;
        char c;
    } entities[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&apos;", '\''}, {"&quot;", '"'}};
    char *text = mem_strndup(at, strcspn(at, "<")), *to = text;

    for (const char *from = text; *from; to++) {
        size_t i = 0;

        while (i < ARRAY_SIZE(entities) && !str_after(from, entities[i].entity))
            i++;
        *to = i < ARRAY_SIZE(entities) ? entities[i].c : *from;
        from += i < ARRAY_SIZE(entities) ? strlen(entities[i].entity) : 1;
    }
    *to = '\0';
    return text;
}

struct found {
    char *name, *uuid;
};

static void found_done(struct found *found)
{
    free(found->name);
    free(found->uuid);
}

/* Do the tags whose names begin at a and b have the same name? */
static bool same_name(const char *a, const char *b)
{
    size_t length = strcspn(a, " \t\r\n/>");

    return !strncmp(a, b, length) && strchr(" \t\r\n/>", b[length]);
}

/* Walk the tags from the root element's first to its last; returns behind it, or NULL with err set. */
static const char *walk(const char *at, struct found *found, struct err *err)
{
    const char *root = at;
    unsigned depth = 0;

    do {
        const char *next;
        bool markup;

        at = strchr(at, '<');
        if (!at) {
            err_set(err, ERR_XML_ERROR, "its end is missing");
            return NULL;
        }
        markup = at[1] == '!' || at[1] == '?';
        next = markup ? skip_markup(at) : skip_tag(at);
        if (!next) {
            err_set(err, ERR_XML_ERROR, "'%.12s' is not allowed or has no end", at);
            return NULL;
        }
        if (!markup && at[1] == '/') {
            if (!--depth && !same_name(at + 2, root + 1)) {
                err_set(err, ERR_XML_ERROR, "it ends with '%.12s'", at);
                return NULL;
            }
        } else if (!markup && next[-2] != '/') {
            if (depth == 1 && !found->name && same_name("name>", at + 1))
                found->name = element_text(next);
            if (depth == 1 && !found->uuid && same_name("uuid>", at + 1))
                found->uuid = element_text(next);
            depth++;
        }
        at = next;
    } while (depth);
    return at;
}

int store_scan(const char *name, const char *text, size_t length, struct store_facts *ret, struct err *err)
{
    CLEANUP(found_done) struct found found = {0};
    struct store_facts facts = {0};
    const char *root = store_skip_header(text), *end;

    if (strlen(text) != length)
        return err_set(err, ERR_XML_ERROR, "there is a NUL byte in it");
    if (root[0] != '<' || !isalpha((unsigned char)root[1]))
        return err_set(err, ERR_XML_ERROR, "there is no XML element in it");
    end = walk(root, &found, err);
    if (!end)
        return -1;
    if (*store_skip_header(end))
        return err_set(err, ERR_XML_ERROR, "there is more behind its end");
    if (!found.uuid)
        return err_set(err, ERR_XML_ERROR, "there is no <uuid> in it");
    if (uuid_parse(found.uuid, facts.uuid) < 0)
        return err_set(err, ERR_XML_ERROR, "malformed uuid element '%s'", found.uuid);
    if (!str_eq(found.name ? found.name : found.uuid, name))
        return err_set(err, ERR_XML_ERROR, "it describes '%s'", found.name ? found.name : found.uuid);
    *ret = facts;
    return 0;
}

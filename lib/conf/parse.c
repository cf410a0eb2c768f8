/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The grammar of configuration files: text in, a list of values out. What the keys mean is read.c's business.
 */
#include "base/str.h"
#include "conf/conf.h"

enum { LIST_MAX = 65536 };

struct parser {
    struct arena *arena;
    const char *path;
    const char *at, *end;
    unsigned line;
    struct err *err;
};

static int refuse(const struct parser *p, const char *why)
{
    return err_set(p->err, ERR_CONF_SYNTAX, "%s:%u: %s", p->path, p->line, why);
}

/* 0 at the end of the text; a NUL inside was refused before. */
static char peek(const struct parser *p)
{
    return p->at < p->end ? *p->at : '\0';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_spaces(struct parser *p)
{
    while (peek(p) == ' ' || peek(p) == '\t')
        p->at++;
}

/* Spaces, line ends and comments. */
static void skip_lines(struct parser *p)
{
    for (;;) {
        skip_spaces(p);
        if (peek(p) == '#')
            while (peek(p) && peek(p) != '\n')
                p->at++;
        if (peek(p) != '\n' && peek(p) != '\r')
            return;
        p->line += peek(p) == '\n';
        p->at++;
    }
}

static int parse_name(struct parser *p, const char **ret)
{
    const char *begin = p->at;

    if (!is_letter(peek(p)))
        return refuse(p, "expecting a name");
    while (is_letter(peek(p)) || is_digit(peek(p)) || (peek(p) && strchr("_-/.", peek(p))))
        p->at++;
    *ret = arena_strndup(p->arena, begin, (size_t)(p->at - begin));
    return 0;
}

static int parse_integer(struct parser *p, int64_t *ret)
{
    const char *begin = p->at;
    char *text;

    if (peek(p) == '-')
        p->at++;
    while (is_digit(peek(p)))
        p->at++;
    text = arena_strndup(p->arena, begin, (size_t)(p->at - begin));
    if (str_to_i64(text, ret) < 0)
        return refuse(p, "expecting a number that fits");
    return 0;
}

/* '...' and "..." on one line, """...""" on any number of them; nothing is escaped in any of them. */
static int parse_text(struct parser *p, const char **ret)
{
    static const char triple[] = "\"\"\"";
    bool long_one = p->end - p->at >= 3 && !memcmp(p->at, triple, 3);
    char quote = peek(p);
    const char *begin, *end;
    unsigned lines = 0;

    p->at += long_one ? 3 : 1;
    begin = p->at;
    for (end = begin; end < p->end; end++) {
        if (long_one ? p->end - end >= 3 && !memcmp(end, triple, 3) : *end == quote)
            break;
        if (!long_one && *end == '\n')
            return refuse(p, "unterminated string");
        lines += *end == '\n';
    }
    if (end == p->end)
        return refuse(p, "unterminated string");
    *ret = arena_strndup(p->arena, begin, (size_t)(end - begin));
    p->at = end + (long_one ? 3 : 1);
    p->line += lines;
    return 0;
}

static int parse_list(struct parser *p, struct conf_value *value)
{
    const char **list = NULL;
    size_t count = 0;

    p->at++;
    for (skip_lines(p); peek(p) != ']'; skip_lines(p)) {
        const char *text;

        if (!peek(p))
            return refuse(p, "list is not closed with ]");
        if (peek(p) != '"' && peek(p) != '\'')
            return refuse(p, "expecting a string in the list");
        if (count == LIST_MAX)
            return refuse(p, "the list is too long");
        if (parse_text(p, &text) < 0)
            return -1;
        list = arena_grow(p->arena, list, count, sizeof(*list));
        list[count++] = text;
        skip_lines(p);
        if (peek(p) == ',')
            p->at++;
        else if (peek(p) && peek(p) != ']')
            return refuse(p, "expecting a separator in the list");
    }
    p->at++;
    list = arena_grow(p->arena, list, count, sizeof(*list));
    list[count] = NULL;
    value->list = list;
    value->count = count;
    return 0;
}

static int parse_value(struct parser *p, struct conf_value *value)
{
    char c = peek(p);

    if (c == '[') {
        value->kind = CONF_LIST;
        return parse_list(p, value);
    }
    if (c == '"' || c == '\'') {
        value->kind = CONF_TEXT;
        return parse_text(p, &value->text);
    }
    if (c == '-' || is_digit(c)) {
        value->kind = CONF_INTEGER;
        return parse_integer(p, &value->integer);
    }
    return refuse(p, "expecting a value");
}

int conf_parse(struct arena *arena, const char *path, const char *text, size_t length, struct conf *ret,
               struct err *err)
{
    struct parser p = {.arena = arena, .path = path, .at = text, .end = text + length, .line = 1, .err = err};
    struct conf conf = {0};

    if (length && memchr(text, '\0', length))
        return refuse(&p, "there is a NUL byte in it");
    for (skip_lines(&p); peek(&p); skip_lines(&p)) {
        struct conf_value value = {.line = p.line};

        if (parse_name(&p, &value.key) < 0)
            return -1;
        skip_spaces(&p);
        if (peek(&p) != '=')
            return refuse(&p, "expecting an assignment");
        p.at++;
        skip_spaces(&p);
        if (parse_value(&p, &value) < 0)
            return -1;
        skip_spaces(&p);
        if (peek(&p) && !strchr("#\r\n", peek(&p)))
            return refuse(&p, "expecting the end of the line");
        conf.values = arena_grow(arena, conf.values, conf.count, sizeof(value));
        conf.values[conf.count++] = value;
    }
    *ret = conf;
    return 0;
}

const struct conf_value *conf_get(const struct conf *conf, const char *key)
{
    for (size_t i = conf->count; i > 0; i--)
        if (str_eq(conf->values[i - 1].key, key))
            return &conf->values[i - 1];
    return NULL;
}

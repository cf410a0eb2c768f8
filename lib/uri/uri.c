/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_URI
#include "uri/uri.h"

#include "base/addr.h"
#include "base/str.h"

/* Besides letters and digits, what may stand unencoded in a part (RFC 3986); the rest is written as %XX. */
#define UNRESERVED "-._~"
#define SUB_DELIMS "!$&'()*+,;="
static const char user_chars[] = UNRESERVED SUB_DELIMS ":";
static const char host_chars[] = UNRESERVED SUB_DELIMS;
static const char path_chars[] = UNRESERVED SUB_DELIMS ":@/";
#define QUERY UNRESERVED "!$'()*+,:@/?" /* not & ; = which divide */
static const char name_chars[] = QUERY;
static const char value_chars[] = QUERY "=";
static const char fragment_chars[] = UNRESERVED SUB_DELIMS ":@/?";

enum { URI_MAX = 64 * 1024, PARAMS_MAX = 256 };

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_plain(char c, const char *more)
{
    return is_letter(c) || (c >= '0' && c <= '9') || (c && strchr(more, c));
}

struct parser {
    struct arena *arena;
    const char *whole; /* for messages */
    struct err *err;
};

static int refuse(const struct parser *p, const char *why)
{
    return err_set(p->err, ERR_INTERNAL_ERROR, "Unable to parse URI %s: %s", p->whole, why);
}

static int hex_value(char c)
{
    uint32_t value;

    return str_to_u32_base((char[]){c, '\0'}, 16, &value) < 0 ? -1 : (int)value;
}

/* `length` bytes with %XX resolved. Bytes outside ASCII pass as they are; `more` are the marks allowed. */
static int decode(const struct parser *p, const char *text, size_t length, const char *more, const char **ret)
{
    char *out = arena_alloc(p->arena, length + 1), *to = out;

    for (size_t i = 0; i < length; i++) {
        if (text[i] == '%') {
            int high = i + 1 < length ? hex_value(text[i + 1]) : -1;
            int low = i + 2 < length ? hex_value(text[i + 2]) : -1;

            if (high < 0 || low < 0)
                return refuse(p, "'%' is not followed by two hexadecimal digits");
            if (high == 0 && low == 0)
                return refuse(p, "an encoded NUL is not allowed");
            *to++ = (char)(high << 4 | low);
            i += 2;
        } else if (is_plain(text[i], more) || (unsigned char)text[i] >= 0x80) {
            *to++ = text[i];
        } else {
            return refuse(p, "there is a character that must be written as %XX");
        }
    }
    *to = '\0';
    *ret = out;
    return 0;
}

static int parse_scheme(const struct parser *p, const char *text, size_t length, struct uri *uri)
{
    const char *plus = memchr(text, '+', length);

    if (!length || !is_letter(text[0]))
        return refuse(p, "the scheme must begin with a letter");
    for (size_t i = 0; i < length; i++)
        if (!is_plain(text[i], "+-."))
            return refuse(p, "the scheme has a character that is not allowed there");
    if (plus && (plus == text || plus == text + length - 1))
        return refuse(p, "there is nothing beside the '+' of the scheme");
    uri->driver = arena_strndup(p->arena, text, plus ? (size_t)(plus - text) : length);
    if (plus)
        uri->transport = arena_strndup(p->arena, plus + 1, (size_t)(text + length - plus - 1));
    return 0;
}

static int parse_host(const struct parser *p, const char *text, size_t length, struct uri *uri)
{
    struct addr addr;
    char *zone;

    if (!length)
        return 0;
    if (text[0] != '[')
        return decode(p, text, length, host_chars, &uri->host);
    if (length < 2 || text[length - 1] != ']')
        return refuse(p, "'[' without ']' in the host");
    uri->host = arena_strndup(p->arena, text + 1, length - 2);
    /* fe80::1%25eth0, where %25 is the encoded '%' of a zone; a bare '%' is common too */
    zone = strchr(uri->host, '%');
    if (zone && str_after(zone, "%25"))
        memmove(zone + 1, zone + 3, strlen(zone + 3) + 1);
    if (zone)
        *zone = '\0';
    if (addr_parse(uri->host, AF_INET6, &addr) < 0)
        return refuse(p, "there is no IPv6 address between the brackets");
    if (zone && (!zone[1] ||
                 !str_only(zone + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")))
        return refuse(p, "the zone of the IPv6 address is not a name");
    if (zone)
        *zone = '%';
    return 0;
}

/* [user@]host[:port] */
static int parse_authority(const struct parser *p, const char *text, size_t length, struct uri *uri)
{
    const char *at = memchr(text, '@', length), *end = text + length, *colon = NULL, *host;

    if (at && decode(p, text, (size_t)(at - text), user_chars, &uri->user) < 0)
        return -1;
    host = at ? at + 1 : text;
    for (const char *c = host; c < end; c++)
        if (*c == ']')
            colon = NULL;
        else if (*c == ':' && !colon)
            colon = c;
    if (colon && colon + 1 < end) {
        const char *port = arena_strndup(p->arena, colon + 1, (size_t)(end - colon - 1));

        if (str_to_u16(port, &uri->port) < 0 || !uri->port)
            return refuse(p, "the port is not a number from 1 to 65535");
    }
    return parse_host(p, host, (size_t)((colon ? colon : end) - host), uri);
}

static int parse_query(const struct parser *p, const char *text, size_t length, struct uri *uri)
{
    const char *end = text + length;

    while (text < end) {
        /* old URIs divide by ';' */
        const char *next = text, *equals;
        struct uri_param param = {.value = ""};

        while (next < end && *next != '&' && *next != ';')
            next++;
        equals = memchr(text, '=', (size_t)(next - text));
        if (next > text) {
            if (uri->param_count == PARAMS_MAX)
                return refuse(p, "there are too many parameters");
            if (decode(p, text, (size_t)((equals ? equals : next) - text), name_chars, &param.name) < 0 ||
                (equals && decode(p, equals + 1, (size_t)(next - equals - 1), value_chars, &param.value) < 0))
                return -1;
            if (!param.name[0])
                return refuse(p, "a parameter has no name");
            uri->params = arena_grow(p->arena, uri->params, uri->param_count, sizeof(param));
            uri->params[uri->param_count++] = param;
        }
        text = next < end ? next + 1 : end;
    }
    return 0;
}

int uri_parse(struct arena *arena, const char *text, struct uri *ret, struct err *err)
{
    struct parser p = {.arena = arena, .whole = text, .err = err};
    struct uri uri = {.path = ""};
    const char *at = text, *end;

    if (strlen(text) > URI_MAX)
        return err_set(err, ERR_INTERNAL_ERROR, "Unable to parse URI: it is longer than %d bytes", URI_MAX);
    if (!text[0])
        return refuse(&p, "it is empty");

    /* a ':' before anything else divides the scheme off */
    end = at + strcspn(at, ":/?#");
    if (*end == ':') {
        if (parse_scheme(&p, at, (size_t)(end - at), &uri) < 0)
            return -1;
        at = end + 1;
    }
    if (at[0] == '/' && at[1] == '/') {
        uri.has_authority = true;
        at += 2;
        end = at + strcspn(at, "/?#");
        if (parse_authority(&p, at, (size_t)(end - at), &uri) < 0)
            return -1;
        at = end;
    }
    end = at + strcspn(at, "?#");
    if (end > at && decode(&p, at, (size_t)(end - at), path_chars, &uri.path) < 0)
        return -1;
    at = end;
    if (*at == '?') {
        at++;
        end = at + strcspn(at, "#");
        if (parse_query(&p, at, (size_t)(end - at), &uri) < 0)
            return -1;
        at = end;
    }
    if (*at == '#' && decode(&p, at + 1, strlen(at + 1), fragment_chars, &uri.fragment) < 0)
        return -1;
    *ret = uri;
    return 0;
}

static void encode(const char *text, const char *more, struct buf *out)
{
    for (; *text; text++)
        if (is_plain(*text, more))
            buf_add_char(out, *text);
        else
            buf_printf(out, "%%%02X", (unsigned char)*text);
}

void uri_format_query(const struct uri *uri, bool (*skip)(const char *name), struct buf *text)
{
    const char *divider = "";

    for (size_t i = 0; i < uri->param_count; i++) {
        const struct uri_param *param = &uri->params[i];

        if (skip && skip(param->name))
            continue;
        buf_add_string(text, divider);
        encode(param->name, UNRESERVED, text);
        buf_add_char(text, '=');
        encode(param->value, UNRESERVED "/:", text);
        divider = "&";
    }
}

void uri_format(const struct uri *uri, struct buf *text)
{
    if (uri->driver) {
        buf_add_string(text, uri->driver);
        if (uri->transport)
            buf_printf(text, "+%s", uri->transport);
        buf_add_char(text, ':');
    }
    if (uri->has_authority || uri->host || uri->user) {
        const char *zone = uri->host ? strchr(uri->host, '%') : NULL;

        buf_add_string(text, "//");
        if (uri->user) {
            encode(uri->user, user_chars, text);
            buf_add_char(text, '@');
        }
        if (uri->host && strchr(uri->host, ':'))
            buf_printf(text, "[%.*s%s%s]", (int)strcspn(uri->host, "%"), uri->host, zone ? "%25" : "",
                       zone ? zone + 1 : "");
        else if (uri->host)
            encode(uri->host, host_chars, text);
        if (uri->port)
            buf_printf(text, ":%u", uri->port);
    }
    /* without a scheme, a ':' in the path would make one */
    encode(uri->path, uri->driver ? path_chars : UNRESERVED SUB_DELIMS "@/", text);
    if (uri->param_count) {
        buf_add_char(text, '?');
        uri_format_query(uri, NULL, text);
    }
    if (uri->fragment) {
        buf_add_char(text, '#');
        encode(uri->fragment, fragment_chars, text);
    }
}

const char *uri_param(const struct uri *uri, const char *name)
{
    for (size_t i = 0; i < uri->param_count; i++)
        if (str_eq_nocase(uri->params[i].name, name))
            return uri->params[i].value;
    return NULL;
}

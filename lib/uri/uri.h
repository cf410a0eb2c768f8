/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Uri: connection URIs, `driver[+transport]://[user@][host][:port]/path[?name=value&...][#fragment]`. Strict:
 * what isn't a URI is refused with a reason. Parts are stored decoded; formatting encodes again. Memory is
 * the arena's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct uri_param {
    const char *name, *value; /* value "" when there was no '=' */
};

struct uri {
    const char *driver;    /* "qemu"; as written (compare without regard to case) */
    const char *transport; /* "ssh", "tls", ...; NULL: not given */
    const char *user;      /* NULL: not given */
    const char *host;      /* without brackets; NULL: not given or empty */
    uint16_t port;         /* 0: not given */
    const char *path;      /* "/system"; "" when there is none */
    struct uri_param *params;
    size_t param_count;
    const char *fragment; /* NULL: not given */
    bool has_authority;   /* written with "//" */
};

int uri_parse(struct arena *arena, const char *text, struct uri *ret, struct err *err);
void uri_format(const struct uri *uri, struct buf *text);
/* The (first) value of a parameter, NULL when it isn't there. Names are compared without regard to case. */
const char *uri_param(const struct uri *uri, const char *name);
/* The query alone, without '?'; parameters for which skip(name) is true are left out (skip may be NULL). */
void uri_format_query(const struct uri *uri, bool (*skip)(const char *name), struct buf *text);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Conf: libvirt's configuration files. A line is `key = value`; a value is an integer, a string in single,
 * double or triple double quotes, or a list of strings in brackets; `#` begins a comment. A table of `struct
 * conf_key` says which keys there are, and where in a struct their values go; the same table makes the sample
 * file.
 *
 * Everything read lives in the caller's arena. Errors name file and line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* The grammar. */

enum conf_kind { CONF_INTEGER = 1, CONF_TEXT, CONF_LIST };

struct conf_value {
    const char *key;
    enum conf_kind kind;
    unsigned line; /* 1: the first */
    int64_t integer;
    const char *text;
    const char *const *list; /* NULL-terminated */
    size_t count;
};

struct conf {
    struct conf_value *values; /* in the file's order */
    size_t count;
};

/* path is for messages only. A key that comes twice: the last one counts (conf_get). */
int conf_parse(struct arena *arena, const char *path, const char *text, size_t length, struct conf *ret,
               struct err *err);
const struct conf_value *conf_get(const struct conf *conf, const char *key); /* NULL when not there */

/* The table. */

enum conf_type {
    CONF_KEY_END,
    CONF_BOOL,    /* bool: 0 or 1 */
    CONF_I32,     /* int32_t */
    CONF_U32,     /* uint32_t */
    CONF_U64,     /* uint64_t */
    CONF_SIZE,    /* uint64_t: bytes, or a string with a unit ("2 MiB") */
    CONF_LIMIT,   /* uint64_t: a number, or "unlimited" (UINT64_MAX) */
    CONF_STRING,  /* const char * */
    CONF_ENUM,    /* int: index of a string in names */
    CONF_STRINGS, /* const char *const *: NULL-terminated; a single string is a list of one; NULL: not given
                   */
    CONF_IGNORED, /* read and forgotten, with a warning: keys that have no meaning any more */
};

struct conf_key {
    const char *name;
    enum conf_type type;
    size_t offset;
    const char *fallback; /* as it would stand in the file; NULL: the member keeps what it held before */
    int64_t min, max;     /* for numbers; both 0: all that the type holds */
    const char *const *names;
    const char *help; /* one paragraph, no line breaks needed */
};

/*
 * Rows; the member's type is checked by the compiler:
 *   static const struct conf_key keys[] = {
 *       CONF_ROW(struct settings, max_clients, CONF_U32, "5000", .min = 1, .max = 100000, .help = "..."),
 *       {0}};
 */
#define CONF_ROW(holder, member, conf_type, default_, ...)                                                   \
    {                                                                                                        \
        .name = #member,                                                                                     \
        .type = (conf_type) + 0 * sizeof(char[CONF_FITS_(holder, member, conf_type) ? 1 : -1]),              \
        .offset = offsetof(holder, member), .fallback = (default_), __VA_ARGS__                              \
    }
#define CONF_FITS_(holder, member, conf_type)                                                                \
    _Generic(((holder *)0)->member,                                                                          \
        bool: (conf_type) == CONF_BOOL,                                                                      \
        uint32_t: (conf_type) == CONF_U32,                                                                   \
        int32_t: (conf_type) == CONF_I32 || (conf_type) == CONF_ENUM,                                        \
        uint64_t: (conf_type) == CONF_U64 || (conf_type) == CONF_SIZE || (conf_type) == CONF_LIMIT,          \
        const char *: (conf_type) == CONF_STRING,                                                            \
        const char *const *: (conf_type) == CONF_STRINGS)

enum { CONF_STRICT = 1 }; /* a key that isn't in the table is an error; else a warning in the log */

/* Fill target from the defaults alone. */
void conf_defaults(struct arena *arena, const struct conf_key *keys, void *target);
/* Defaults, then the text. On error target is as the defaults left it or partly filled: don't use it. */
int conf_read(struct arena *arena, const struct conf_key *keys, const char *path, const char *text,
              size_t length, unsigned flags, void *target, struct err *err);
/* The same from a file; one that doesn't exist gives the defaults (ret_found, may be NULL, tells). */
int conf_read_file(struct arena *arena, const struct conf_key *keys, const char *path, unsigned flags,
                   void *target, bool *ret_found, struct err *err);
/* The sample file: each key's help and its default as a comment. */
void conf_sample(const struct conf_key *keys, const char *title, struct buf *text);

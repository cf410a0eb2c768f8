/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of keys at work: values into a struct, and the sample file. */
#include <errno.h>
#include <fcntl.h>

#include "base/enum.h"
#include "base/file.h"
#include "base/log.h"
#include "base/size.h"
#include "base/str.h"
#include "conf/conf.h"

enum { FILE_MAX = 4 * 1024 * 1024 };

static const struct conf_key *find(const struct conf_key *keys, const char *name)
{
    for (; keys->name; keys++)
        if (str_eq(keys->name, name))
            return keys;
    return NULL;
}

struct reader {
    struct arena *arena;
    const char *path;
    struct err *err;
};

static int expect(const struct reader *reader, const struct conf_value *value, const char *what)
{
    return err_set(reader->err, ERR_CONF_SYNTAX, "%s:%u: expected %s for '%s' parameter", reader->path,
                   value->line, what, value->key);
}

/* The file's integers are 64 bits with a sign, whatever the member could hold. */
static int read_number(const struct reader *reader, const struct conf_key *key,
                       const struct conf_value *value, int64_t type_min, int64_t type_max)
{
    bool bounded = key->min || key->max;
    int64_t min = bounded ? key->min : type_min, max = bounded ? key->max : type_max;

    if (value->kind != CONF_INTEGER)
        return expect(reader, value, "an integer");
    if (value->integer < min || value->integer > max)
        return err_set(reader->err, ERR_CONF_SYNTAX,
                       "%s:%u: value %lld for '%s' parameter must be in range %lld:%lld", reader->path,
                       value->line, (long long)value->integer, value->key, (long long)min, (long long)max);
    return 0;
}

/* A number, or a word or text with a unit that stands for one. */
static int read_amount(const struct reader *reader, const struct conf_key *key,
                       const struct conf_value *value, uint64_t *ret)
{
    auto_err struct err why = {0};

    if (value->kind != CONF_TEXT) {
        if (read_number(reader, key, value, 0, INT64_MAX) < 0)
            return -1;
        *ret = (uint64_t)value->integer;
        return 0;
    }
    if (key->type == CONF_LIMIT) {
        if (!str_eq(value->text, "unlimited"))
            return expect(reader, value, "an integer or 'unlimited'");
        *ret = UINT64_MAX;
        return 0;
    }
    if (size_parse(value->text, 1, key->max ? (uint64_t)key->max : UINT64_MAX, ret, &why) < 0)
        return err_set(reader->err, ERR_CONF_SYNTAX, "%s:%u: '%s' parameter: %s", reader->path, value->line,
                       value->key, why.detail);
    return 0;
}

static int store(const struct reader *reader, const struct conf_key *key, const struct conf_value *value,
                 void *member)
{
    switch (key->type) {
    case CONF_BOOL:
        if (value->kind != CONF_INTEGER)
            return expect(reader, value, "0 or 1");
        if (value->integer != 0 && value->integer != 1)
            return err_set(reader->err, ERR_CONF_SYNTAX, "%s:%u: value for '%s' parameter must be 0 or 1",
                           reader->path, value->line, value->key);
        *(bool *)member = value->integer;
        return 0;
    case CONF_I32:
        if (read_number(reader, key, value, INT32_MIN, INT32_MAX) < 0)
            return -1;
        *(int32_t *)member = (int32_t)value->integer;
        return 0;
    case CONF_U32:
        if (read_number(reader, key, value, 0, UINT32_MAX) < 0)
            return -1;
        *(uint32_t *)member = (uint32_t)value->integer;
        return 0;
    case CONF_U64:
        if (read_number(reader, key, value, 0, INT64_MAX) < 0)
            return -1;
        *(uint64_t *)member = (uint64_t)value->integer;
        return 0;
    case CONF_SIZE:
    case CONF_LIMIT:
        return read_amount(reader, key, value, member);
    case CONF_STRING:
        if (value->kind != CONF_TEXT)
            return expect(reader, value, "a string");
        *(const char **)member = value->text;
        return 0;
    case CONF_ENUM: {
        int index = value->kind == CONF_TEXT ? enum_find(key->names, value->text) : -1;

        if (value->kind != CONF_TEXT)
            return expect(reader, value, "a string");
        if (index < 0)
            return err_set(reader->err, ERR_CONF_SYNTAX, "%s:%u: unknown value '%s' for '%s' parameter",
                           reader->path, value->line, value->text, value->key);
        *(int *)member = index;
        return 0;
    }
    case CONF_STRINGS:
        if (value->kind == CONF_TEXT) {
            const char **list = ARENA_ARRAY(reader->arena, const char *, 2);

            list[0] = value->text;
            *(const char *const **)member = list;
            return 0;
        }
        if (value->kind != CONF_LIST)
            return expect(reader, value, "a string or string list");
        *(const char *const **)member = value->list;
        return 0;
    case CONF_IGNORED:
        log_warning("%s:%u: '%s' has no meaning any more", reader->path, value->line, value->key);
        return 0;
    case CONF_KEY_END:
        break;
    }
    return 0;
}

void conf_defaults(struct arena *arena, const struct conf_key *keys, void *target)
{
    for (; keys->name; keys++) {
        auto_err struct err err = {0};
        struct reader reader = {.arena = arena, .path = "default", .err = &err};
        char *line;
        struct conf conf;

        if (!keys->fallback)
            continue;
        line = arena_printf(arena, "%s = %s", keys->name, keys->fallback);
        /* a table whose own default is wrong is a bug that the first start must show */
        if (conf_parse(arena, reader.path, line, strlen(line), &conf, &err) < 0 ||
            store(&reader, keys, &conf.values[0], (char *)target + keys->offset) < 0) {
            log_error("%s", err.message);
            abort();
        }
    }
}

int conf_read(struct arena *arena, const struct conf_key *keys, const char *path, const char *text,
              size_t length, unsigned flags, void *target, struct err *err)
{
    struct reader reader = {.arena = arena, .path = path, .err = err};
    struct conf conf;

    conf_defaults(arena, keys, target);
    if (conf_parse(arena, path, text, length, &conf, err) < 0)
        return -1;
    for (size_t i = 0; i < conf.count; i++) {
        const struct conf_value *value = &conf.values[i];
        const struct conf_key *key = find(keys, value->key);

        if (!key && flags & CONF_STRICT)
            return err_set(err, ERR_CONF_SYNTAX, "%s:%u: unknown parameter '%s'", path, value->line,
                           value->key);
        if (!key)
            log_warning("%s:%u: unknown parameter '%s' is ignored", path, value->line, value->key);
        else if (store(&reader, key, value, (char *)target + key->offset) < 0)
            return -1;
    }
    return 0;
}

int conf_read_file(struct arena *arena, const struct conf_key *keys, const char *path, unsigned flags,
                   void *target, bool *ret_found, struct err *err)
{
    auto_buf struct buf text = {0};
    int r = file_read(AT_FDCWD, path, FILE_MAX, &text);

    if (ret_found)
        *ret_found = r != -ENOENT;
    if (r == -ENOENT) {
        conf_defaults(arena, keys, target);
        return 0;
    }
    if (r < 0)
        return err_system(err, r, "cannot read configuration file '%s'", path);
    return conf_read(arena, keys, path, buf_text(&text), text.length, flags, target, err);
}

/* A paragraph as comment lines of at most 78 bytes. */
static void add_comment(struct buf *text, const char *paragraph)
{
    auto_strv char **words = str_split(paragraph, " \n");
    size_t column = 0;

    for (size_t i = 0; words[i]; i++) {
        size_t length = strlen(words[i]);

        if (column && column + 1 + length > 78) {
            buf_add_char(text, '\n');
            column = 0;
        }
        buf_printf(text, "%s%s", column ? " " : "# ", words[i]);
        column += length + (column ? 1 : 2);
    }
    if (column)
        buf_add_char(text, '\n');
}

void conf_sample(const struct conf_key *keys, const char *title, struct buf *text)
{
    static const char *const shapes[] = {[CONF_BOOL] = "0",      [CONF_I32] = "0",     [CONF_U32] = "0",
                                         [CONF_U64] = "0",       [CONF_SIZE] = "0",    [CONF_LIMIT] = "0",
                                         [CONF_STRING] = "\"\"", [CONF_ENUM] = "\"\"", [CONF_STRINGS] = "[]"};

    add_comment(text, title);
    buf_add_string(text, "# Each line that is commented out shows the default.\n");
    for (; keys->name; keys++) {
        if (keys->type == CONF_IGNORED)
            continue;
        buf_add_char(text, '\n');
        add_comment(text, keys->help);
        if (keys->min || keys->max)
            buf_printf(text, "# From %lld to %lld.\n", (long long)keys->min, (long long)keys->max);
        for (int i = 0; keys->names && keys->names[i]; i++)
            if (keys->names[i][0])
                buf_printf(text, "# Possible: \"%s\"\n", keys->names[i]);
        buf_printf(text, "#%s = %s\n", keys->name, keys->fallback ? keys->fallback : shapes[keys->type]);
    }
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt/auth-file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"

enum { FILE_SIZE_MAX = 1024 * 1024 };

struct entry {
    const char *group, *key, *value; /* key NULL: the group alone */
};

struct auth_file {
    const char *path;
    struct entry *entries;
    size_t count;
};

static char *trim(char *text)
{
    char *end;

    while (isspace((unsigned char)*text))
        text++;
    end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1]))
        *--end = '\0';
    return text;
}

/* One line of the file; `group` is the one that it stands in and may change. */
static int take_line(struct auth_file *file, char *line, const char **group, unsigned number, struct err *err)
{
    struct entry *entry = &file->entries[file->count];
    char *equals;

    line = trim(line);
    if (!*line || *line == '#' || *line == ';')
        return 0;
    if (*line == '[' && line[strlen(line) - 1] == ']') {
        line[strlen(line) - 1] = '\0';
        *group = line + 1;
        entry->group = *group;
        file->count++;
        return 0;
    }
    equals = strchr(line, '=');
    if (!equals || !*group)
        return err_set(err, ERR_CONF_SYNTAX, "%s:%u: neither '[GROUP]' nor, in a group, 'KEY=VALUE'",
                       file->path, number);
    *equals = '\0';
    *entry = (struct entry){*group, trim(line), trim(equals + 1)};
    file->count++;
    return 0;
}

static int parse(struct arena *arena, char *text, struct auth_file *file, struct err *err)
{
    const char *group = NULL;
    unsigned number = 0;
    size_t lines = 1;

    for (const char *at = text; *at; at++)
        lines += *at == '\n';
    file->entries = ARENA_ARRAY(arena, struct entry, lines);
    for (char *line; (line = strsep(&text, "\n"));)
        if (take_line(file, line, &group, ++number, err) < 0)
            return -1;
    return 0;
}

/* The value of a key of a group; with key NULL: is the group there? */
static const char *find(const struct auth_file *file, const char *group, const char *key)
{
    for (size_t i = 0; i < file->count; i++)
        if (str_eq(file->entries[i].group, group) && (!key || str_eq(file->entries[i].key, key)))
            return key ? file->entries[i].value : group;
    return NULL;
}

static int read_path(struct arena *arena, const char *path, bool needed, struct auth_file *file,
                     struct err *err)
{
    auto_buf struct buf text = {0};
    int r = file_read(AT_FDCWD, path, FILE_SIZE_MAX, &text);

    if (r == -ENOENT && !needed)
        return 0;
    if (r < 0)
        return err_system(err, r, "cannot read authentication file '%s'", path);
    file->path = path;
    return parse(arena, arena_strdup(arena, buf_text(&text)), file, err);
}

static int read_auth_file(struct arena *arena, const struct uri *uri, struct auth_file *file, struct err *err)
{
    const char *named = getenv("LIBVIRT_AUTH_FILE"), *home = getenv("HOME"),
               *config = getenv("XDG_CONFIG_HOME");
    const char *path;

    if (str_empty(named))
        named = uri_param(uri, "authfile");
    if (!str_empty(named))
        return read_path(arena, named, true, file, err);
    path = str_empty(config) ? arena_printf(arena, "%s/.config/libvirt/auth.conf", home ? home : "")
                             : arena_printf(arena, "%s/libvirt/auth.conf", config);
    if (read_path(arena, path, false, file, err) < 0)
        return -1;
    return file->path ? 0 : read_path(arena, SYSCONFDIR "/libvirt/auth.conf", false, file, err);
}

int auth_file_find(struct arena *arena, const struct uri *uri, const char *service, const char *host,
                   const char *key, const char **ret, struct err *err)
{
    const char *group = arena_printf(arena, "auth-%s-%s", service, host), *name;
    struct auth_file file = {0};

    *ret = NULL;
    if (read_auth_file(arena, uri, &file, err) < 0)
        return -1;
    if (!find(&file, group, NULL))
        group = arena_printf(arena, "auth-%s-default", service);
    if (!find(&file, group, NULL))
        return 0;
    name = find(&file, group, "credentials");
    if (!name)
        return err_set(err, ERR_CONF_SYNTAX, "Missing item 'credentials' in group '%s' in '%s'", group,
                       file.path);
    name = arena_printf(arena, "credentials-%s", name);
    if (!find(&file, name, NULL))
        return err_set(err, ERR_CONF_SYNTAX, "Missing group '%s' referenced from group '%s' in '%s'", name,
                       group, file.path);
    *ret = find(&file, name, key);
    return 0;
}

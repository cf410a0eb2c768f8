/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_URI
#include "libvirt/default-uri.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "conf/conf.h"

#define ALIAS_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

struct settings {
    const char *uri_default;
    const char *const *uri_aliases;
};

static const struct conf_key keys[] = {
    CONF_ROW(struct settings, uri_default, CONF_STRING, NULL,
             .help = "URI of a connection opened without one."),
    CONF_ROW(struct settings, uri_aliases, CONF_STRINGS, NULL, .help = "Short names for URIs: \"name=uri\"."),
    {0},
};

static int read_settings(struct arena *arena, const char *file, struct settings *ret, struct err *err)
{
    const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");
    bool found = false;

    if (geteuid() != 0) {
        const char *path = str_empty(config)
                               ? arena_printf(arena, "%s/.config/libvirt/%s", home ? home : "", file)
                               : arena_printf(arena, "%s/libvirt/%s", config, file);

        /* in a folder that one may not enter there is nothing for one */
        if (access(path, F_OK) == 0 && conf_read_file(arena, keys, path, 0, ret, &found, err) < 0)
            return -1;
    }
    return found ? 0
                 : conf_read_file(arena, keys, arena_printf(arena, SYSCONFDIR "/libvirt/%s", file), 0, ret,
                                  NULL, err);
}

/* The URI that an alias stands for, NULL: the name is no alias. Entries before it have to be right. */
static int find_alias(const char *const *aliases, const char *name, const char **ret, struct err *err)
{
    *ret = NULL;
    for (; aliases && *aliases; aliases++) {
        const char *equals = strchr(*aliases, '='), *uri;

        if (!equals)
            return err_set(err, ERR_CONF_SYNTAX,
                           "Malformed 'uri_aliases' config entry '%s', expected 'alias=uri://host/path'",
                           *aliases);
        if (*aliases + strspn(*aliases, ALIAS_CHARS) != equals)
            return err_set(
                err, ERR_CONF_SYNTAX,
                "Malformed 'uri_aliases' config entry '%s', aliases may only contain 'a-Z, 0-9, _, -'",
                *aliases);
        uri = str_after(*aliases, name);
        if (uri == equals) {
            *ret = uri + 1;
            return 0;
        }
    }
    return 0;
}

static int find_text(struct arena *arena, const struct uri_source *source, const char *name, bool aliases,
                     const char **ret, struct err *err)
{
    const char *given = str_empty(name) ? getenv(source->environment) : name, *alias = NULL;
    struct settings settings = {0};

    if (read_settings(arena, source->file, &settings, err) < 0) {
        err->domain = ERR_FROM_CONF;
        return -1;
    }
    if (str_empty(given))
        given = settings.uri_default;
    if (!str_empty(given) && aliases && find_alias(settings.uri_aliases, given, &alias, err) < 0)
        return -1;
    if (str_empty(given)) {
        *ret = NULL;
        return 0;
    }
    *ret = arena_strdup(arena, alias ? alias : given);
    if (!strchr(*ret, ':'))
        return err_set_from(err, ERR_FROM_NONE, ERR_NO_CONNECT, "URI '%s' does not include a driver name",
                            given);
    return 0;
}

int default_uri(struct arena *arena, const struct uri_source *source, const char *name, bool aliases,
                const char **ret_text, bool *ret_guessed, struct uri *ret, struct err *err)
{
    if (find_text(arena, source, name, aliases, ret_text, err) < 0)
        return -1;
    *ret_guessed = !*ret_text;
    if (!*ret_text)
        *ret_text = arena_strdup(arena, geteuid() == 0 ? source->system : source->session);
    return uri_parse(arena, *ret_text, ret, err);
}

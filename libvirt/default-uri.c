/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt/default-uri.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "conf/conf.h"

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

        if (conf_read_file(arena, keys, path, 0, ret, &found, err) < 0)
            return -1;
    }
    return found ? 0
                 : conf_read_file(arena, keys, arena_printf(arena, SYSCONFDIR "/libvirt/%s", file), 0, ret,
                                  NULL, err);
}

static int find_text(struct arena *arena, const struct uri_source *source, const char *name, bool aliases,
                     const char **ret, struct err *err)
{
    struct settings settings = {0};
    const char *given = str_empty(name) ? getenv(source->environment) : name;

    if (str_empty(given) || !strchr(given, ':')) {
        if (read_settings(arena, source->file, &settings, err) < 0)
            return -1;
        if (str_empty(given))
            given = settings.uri_default;
    }
    if (str_empty(given))
        given = geteuid() == 0 ? source->system : source->session;
    *ret = arena_strdup(arena, given);
    for (const char *const *alias = settings.uri_aliases; aliases && alias && *alias; alias++) {
        const char *uri = str_after(*alias, given);

        if (uri && *uri == '=') {
            *ret = uri + 1;
            break;
        }
    }
    if (!strchr(*ret, ':'))
        return err_set_from(err, ERR_FROM_NONE, ERR_NO_CONNECT, "URI '%s' does not include a driver name",
                            *ret);
    return 0;
}

int default_uri(struct arena *arena, const struct uri_source *source, const char *name, bool aliases,
                const char **ret_text, struct uri *ret, struct err *err)
{
    return find_text(arena, source, name, aliases, ret_text, err) < 0 ? -1
                                                                      : uri_parse(arena, *ret_text, ret, err);
}

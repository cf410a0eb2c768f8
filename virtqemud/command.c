/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtqemud/command.h"

#include <stdlib.h>

#include "base/str.h"
#include "virtqemud/qemud.h"

/* A home of its own, since QEMU's libraries look for one. */
const char *const *command_env(struct arena *arena, const char *home, const char *const *more)
{
    const char **env = ARENA_ARRAY(arena, const char *, 8 + strv_length((char *const *)more));
    const char *path = getenv("PATH");
    size_t n = 0;

    env[n++] = "LC_ALL=C";
    env[n++] = arena_printf(arena, "PATH=%s",
                            path ? path : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    if (qemud.privileged) {
        env[n++] = arena_printf(arena, "HOME=%s", home);
        env[n++] = arena_printf(arena, "XDG_DATA_HOME=%s/.local/share", home);
        env[n++] = arena_printf(arena, "XDG_CACHE_HOME=%s/.cache", home);
        env[n++] = arena_printf(arena, "XDG_CONFIG_HOME=%s/.config", home);
    } else if (getenv("HOME")) {
        env[n++] = arena_printf(arena, "HOME=%s", getenv("HOME"));
    }
    while (more && *more)
        env[n++] = *more++;
    return env;
}

static void add_quoted(struct buf *text, const char *word)
{
    if (*word && !str_has_any(word, " \t\n\"'\\$`*?[]{}()<>|&;#~!"))
        buf_add_string(text, word);
    else {
        buf_add_char(text, '\'');
        for (; *word; word++)
            if (*word == '\'')
                buf_add_string(text, "'\\''");
            else
                buf_add_char(text, *word);
        buf_add_char(text, '\'');
    }
}

void command_format(struct buf *text, const char *const *env, const char *const *argv, const char *separator)
{
    for (; *env; env++) {
        buf_add_string(text, *env);
        buf_add_string(text, separator);
    }
    for (; *argv; argv++) {
        add_quoted(text, *argv);
        buf_add_string(text, !argv[1] ? "\n" : argv[1][0] == '-' ? separator : " ");
    }
}

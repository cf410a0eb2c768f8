/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "loop/paths.h"

#include <pwd.h>
#include <unistd.h>

static const char *home(struct arena *arena)
{
    const char *dir = getenv("HOME");
    struct passwd *user;

    if (dir && dir[0] == '/')
        return dir;
    user = getpwuid(geteuid());
    return user && user->pw_dir && user->pw_dir[0] == '/' ? arena_strdup(arena, user->pw_dir) : NULL;
}

/* The specification says that a relative path is to be ignored. */
static const char *xdg(struct arena *arena, const char *variable, const char *fallback)
{
    const char *dir = getenv(variable), *base = home(arena);

    if (dir && dir[0] == '/')
        return arena_printf(arena, "%s/libvirt", dir);
    return base && fallback ? arena_printf(arena, "%s/%s/libvirt", base, fallback) : NULL;
}

int paths_fill(struct arena *arena, bool privileged, const char *root, struct paths *ret, struct err *err)
{
    if (root) {
        if (root[0] != '/')
            return err_set(err, ERR_INVALID_ARG, "root directory '%s' is not an absolute path", root);
        *ret = (struct paths){
            .etc = arena_printf(arena, "%s/etc", root),
            .run = arena_printf(arena, "%s/run", root),
            .lib = arena_printf(arena, "%s/lib", root),
            .cache = arena_printf(arena, "%s/cache", root),
            .log = arena_printf(arena, "%s/log", root),
        };
        ret->pid = ret->run;
        return 0;
    }
    if (privileged) {
        *ret = (struct paths){
            .etc = SYSCONFDIR "/libvirt",
            .run = RUNSTATEDIR "/libvirt",
            .lib = LOCALSTATEDIR "/lib/libvirt",
            .cache = LOCALSTATEDIR "/cache/libvirt",
            .log = LOCALSTATEDIR "/log/libvirt",
            .pid = RUNSTATEDIR,
        };
        return 0;
    }
    ret->etc = ret->lib = xdg(arena, "XDG_CONFIG_HOME", ".config");
    ret->cache = ret->log = xdg(arena, "XDG_CACHE_HOME", ".cache");
    ret->run = xdg(arena, "XDG_RUNTIME_DIR", /* fallback= */ NULL);
    /* no login session: as good as it gets, and where clients look too */
    if (!ret->run)
        ret->run = ret->cache;
    ret->pid = ret->run;
    if (!ret->etc || !ret->cache)
        return err_set(err, ERR_INTERNAL_ERROR, "user %ld has no home directory and HOME is not set",
                       (long)geteuid());
    return 0;
}

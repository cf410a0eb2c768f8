/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_HOOK
#include "virtqemud/hook.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "loop/work.h"
#include "model/domain/domain.h"
#include "virtqemud/qemud.h"

#define HOOK_USEC SECONDS(120) /* a script that takes longer is broken */

/* The program itself, then those of the directory in their order. NULL-terminated, in the arena. */
static const char **find_hooks(struct arena *arena)
{
    const char *dir = qemud.dirs.hooks, *main = arena_printf(arena, "%s/qemu", dir);
    const char *more = arena_printf(arena, "%s/qemu.d", dir), **hooks;
    auto_strv char **names = NULL;
    size_t n = 0;

    if (access(more, F_OK) == 0)
        file_list(AT_FDCWD, more, &names);
    hooks = ARENA_ARRAY(arena, const char *, strv_length(names) + 2);
    if (access(main, X_OK) == 0)
        hooks[n++] = main;
    for (char **name = names; name && *name; name++) {
        const char *path = arena_printf(arena, "%s/%s", more, *name);

        if (access(path, X_OK) == 0)
            hooks[n++] = path;
    }
    return hooks;
}

static int run_all(struct req *rq, const char **hooks, const char *name, const char *operation,
                   const char *sub, const char *extra, const char *xml)
{
    for (; *hooks; hooks++) {
        const char *argv[] = {*hooks, name, operation, sub, extra ? extra : "-", NULL};
        struct child_spec spec = {.argv = argv, .input = xml};

        if (child_check(rq, &spec, HOOK_USEC, NULL) < 0) {
            auto_free char *why = mem_strdup(rq->err.message);

            err_clear(&rq->err);
            return err_set(&rq->err, ERR_HOOK_SCRIPT_FAILED, "%s", why);
        }
    }
    return 0;
}

int hook_run(struct req *rq, const struct vm *vm, const struct domain *domain, const char *operation,
             const char *sub, const char *extra)
{
    const char **hooks = find_hooks(&rq->arena);
    auto_buf struct buf xml = {0};

    if (!*hooks)
        return 0;
    domain_format(&xml, domain, DOMAIN_FORMAT_SECURE);
    return run_all(rq, hooks, vm->name, operation, sub, extra, buf_text(&xml));
}

struct later {
    struct req rq;
    char *name, *xml;
    const char *operation, *extra;
};

static void later_main(struct req *rq, void *arg)
{
    struct later *later = arg;

    if (run_all(rq, find_hooks(&rq->arena), later->name, later->operation, "end", later->extra, later->xml) <
        0)
        log_warning("domain '%s': %s", later->name, rq->err.message);
    err_clear(&rq->err);
    if (run_all(rq, find_hooks(&rq->arena), later->name, "release", "end", later->extra, later->xml) < 0)
        log_warning("domain '%s': %s", later->name, rq->err.message);
}

static void later_done(struct req *rq, void *arg)
{
    struct later *later = arg;

    arena_done(&rq->arena);
    err_clear(&rq->err);
    free(later->name);
    free(later->xml);
    free(later);
}

void hook_later(const struct vm *vm, const struct domain *domain, const char *operation, const char *extra)
{
    auto_arena struct arena arena = {0};
    auto_buf struct buf xml = {0};
    struct later *later;

    if (!*find_hooks(&arena))
        return;
    domain_format(&xml, domain, DOMAIN_FORMAT_SECURE);
    later = NEW(struct later);
    later->rq.name = "hook";
    later->name = mem_strdup(vm->name);
    later->xml = buf_steal(&xml);
    later->operation = operation;
    later->extra = extra;
    fiber_start(&later->rq, later_main, later_done, later);
}

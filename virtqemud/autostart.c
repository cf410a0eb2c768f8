/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/autostart.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "loop/daemon.h"
#include "store/store.h"
#include "virtqemud/life.h"
#include "virtqemud/method.h"
#include "virtqemud/qemud.h"
#include "virtqemud/vms.h"

/* ---- the next boot alone ---- */

static char *once_link(struct arena *arena, const char *name)
{
    return arena_printf(arena, "%s/autostart/%s.xml.once", qemud.dirs.config, name);
}

bool autostart_is_once(struct arena *arena, const char *name)
{
    return faccessat(AT_FDCWD, once_link(arena, name), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int autostart_set_once(struct arena *arena, const char *name, bool on, struct err *err)
{
    const char *link = once_link(arena, name);

    if (!on)
        return unlink(link) == 0 || errno == ENOENT
                   ? 0
                   : err_system(err, errno, "Failed to delete symlink '%s'", link);
    file_make_dirs(arena_printf(arena, "%s/autostart", qemud.dirs.config), 0700);
    if (symlink(arena_printf(arena, "%s/%s.xml", qemud.dirs.config, name), link) == 0 || errno == EEXIST)
        return 0;
    return err_system(err, errno, "Failed to create symlink '%s'", link);
}

/* ---- at boot ---- */

static struct req autostart_rq;

static void start_one(struct req *rq, const char *name)
{
    auto_vm struct vm *vm = vms_find_name(qemud.vms, name, &rq->err);

    if (vm && vm_take_job(rq, vm, "autostart") == 0) {
        if (vm_is_persistent(vm) && !vm->run)
            life_start(rq, vm, qemud.conf.auto_start_bypass_cache ? API_DOMAIN_START_BYPASS_CACHE : 0);
        vm_give_job(rq, vm);
    }
    if (err_is_set(&rq->err))
        log_error("cannot autostart domain '%s': %s", name, rq->err.message);
    err_clear(&rq->err);
    arena_reset(&rq->arena);
}

static void autostart_main(struct req *rq, void *arg)
{
    struct store_entry *entry;
    auto_strv char **names = NULL;

    STORE_FOREACH(qemud.store, entry) {
        bool once = autostart_is_once(&rq->arena, entry->name);

        /* whatever becomes of it: the next boot is this one */
        if (once && autostart_set_once(&rq->arena, entry->name, false, &rq->err) < 0)
            log_warning("%s", rq->err.message);
        err_clear(&rq->err);
        if (once || entry->autostart)
            names = strv_add(names, entry->name);
    }
    for (char **name = names; name && *name; name++)
        start_one(rq, *name);
}

static void autostart_done(struct req *rq, void *arg)
{
    arena_done(&rq->arena);
    daemon_release(qemud.daemon);
}

void autostart_begin(void)
{
    auto_free char *mark = mem_printf("%s/autostarted", qemud.dirs.state);
    int fd = open(mark, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

    if (fd < 0)
        return;
    close(fd);
    daemon_hold(qemud.daemon);
    autostart_rq.name = "autostart";
    fiber_start(&autostart_rq, autostart_main, autostart_done, NULL);
}

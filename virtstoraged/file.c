/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_STORAGE
#include "virtstoraged/file.h"

#include <errno.h>
#include <libvirt/libvirt.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "rpc/client.h"
#include "virtstoraged/file-image.h"
#include "virtstoraged/file-raw.h"
#include "virtstoraged/scan.h"
#include "virtstoraged/storaged.h"

enum { POOL_MODE = 0711 }; /* of a directory that is made for volumes */

/* A server that answers at all answers within this time; a large directory on a slow one takes minutes. */
#define LOOK_USEC SECONDS(60)
#define SCAN_USEC SECONDS(280)

/* ---- volumes ---- */

int file_place(struct req *rq, struct pool *pool, struct volume_def *def, struct arena *arena)
{
    if (strchr(def->name, '/'))
        return err_set(&rq->err, ERR_OPERATION_FAILED, "volume name '%s' cannot contain '/'", def->name);
    if (!file_name_valid(def->name))
        return err_set(&rq->err, ERR_XML_ERROR, "'%s' cannot be the name of a file", def->name);
    def->type = str_eq(def->target.format, "dir") ? VOLUME_DIR : VOLUME_FILE;
    def->target.path = def->key = arena_printf(arena, "%s/%s", pool->def->path, def->name);
    return 0;
}

static int make_plain(struct req *rq, const struct volume *volume, const struct volume_def *from,
                      unsigned flags)
{
    const struct volume_def *def = volume->def;
    struct raw_make *make = raw_make_new(def->target.path, &def->target.permissions);

    make->directory = def->type == VOLUME_DIR;
    make->capacity = def->capacity.value;
    make->allocation = def->allocation.value;
    make->nocow = def->target.nocow || volume->pool->def->cow == TRI_NO;
    if (from) {
        make->from = mem_strdup(from->target.path);
        make->reflink = flags & VIR_STORAGE_VOL_CREATE_REFLINK;
        make->sparse = make->allocation < make->capacity;
    }
    return raw_make_run(rq, make);
}

static int take_ownership(struct req *rq, const struct volume_def *def)
{
    struct raw_change *change = raw_change_new(def->target.path, RAW_OWN);

    change->permissions = def->target.permissions;
    change->permissions.label = NULL;
    return raw_change_run(rq, change);
}

static void remove_quietly(struct req *rq, const struct volume_def *def)
{
    struct raw_change *change = raw_change_new(def->target.path, RAW_REMOVE);
    struct err why = {0};

    err_move(&why, &rq->err);
    (void)raw_change_run(rq, change);
    err_clear(&rq->err);
    err_move(&rq->err, &why);
}

/* The place is taken first, so that nobody's file is overwritten: the tool fills what is there. */
static int make_image(struct req *rq, const struct volume *volume, const struct volume_def *from,
                      unsigned flags)
{
    const struct volume_def *def = volume->def;
    struct raw_make *make = raw_make_new(def->target.path, &(struct permissions){0});

    make->nocow = def->target.nocow || volume->pool->def->cow == TRI_NO;
    if (raw_make_run(rq, make) < 0)
        return -1;
    if (image_make(rq, def, from, flags) >= 0 && take_ownership(rq, def) >= 0)
        return 0;
    remove_quietly(rq, def);
    return -1;
}

int file_make(struct req *rq, struct volume *volume, struct volume *from, unsigned flags)
{
    const struct volume_def *def = volume->def, *source = from ? from->def : NULL;

    if (image_check(rq, def, flags) < 0)
        return -1;
    if (def->type == VOLUME_DIR && from)
        return err_set(&rq->err, ERR_NO_SUPPORT, "a directory can't be made of another volume's content");
    if (def->type == VOLUME_DIR || !image_needs_tool(def, source))
        return make_plain(rq, volume, source, flags);
    if (flags & VIR_STORAGE_VOL_CREATE_REFLINK)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "clones by reflink are for volumes of format raw");
    return make_image(rq, volume, source, flags);
}

int file_remove_volume(struct req *rq, struct volume *volume, unsigned flags)
{
    struct raw_change *change;

    if (method_flags(rq, flags, 0) < 0)
        return -1;
    change = raw_change_new(volume->def->target.path, RAW_REMOVE);
    change->directory = volume->def->type == VOLUME_DIR;
    return raw_change_run(rq, change);
}

int file_look(struct req *rq, struct volume *volume)
{
    const struct volume_def *def = volume->def;
    const char *what = arena_printf(&rq->arena, "volume '%s'", def->target.path);
    const char *format = def->target.format ? def->target.format : "raw";
    struct scan_one *scan = scan_one_new(def->target.path, def->type == VOLUME_DIR ? NULL : format);
    int r = task_run(rq, &scan->task, LOOK_USEC, what);

    if (r >= 0)
        volume_update(volume, scan->file.def);
    task_unref(&scan->task);
    return r;
}

int file_resize(struct req *rq, struct volume *volume, uint64_t capacity, unsigned flags)
{
    const struct volume_def *def = volume->def;
    struct raw_change *change;

    if (def->type == VOLUME_FILE && !image_needs_tool(def, NULL)) {
        change = raw_change_new(def->target.path, RAW_RESIZE);
        change->capacity = capacity;
        change->allocate = flags & VIR_STORAGE_VOL_RESIZE_ALLOCATE;
        return raw_change_run(rq, change);
    }
    if (flags & VIR_STORAGE_VOL_RESIZE_ALLOCATE)
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED,
                       "preallocate is only supported for raw type volume");
    if (def->type != VOLUME_FILE)
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "only files can be resized, '%s' is none",
                       def->name);
    return image_resize(rq, def, capacity, flags & VIR_STORAGE_VOL_RESIZE_SHRINK);
}

/* ---- pools ---- */

int dir_refresh(struct req *rq, struct pool *pool)
{
    struct pool_def *def = pool->def;
    const char *what = arena_printf(&rq->arena, "directory '%s'", def->path);
    struct scan_dir *scan = scan_dir_new(def->path);
    int r = task_run(rq, &scan->task, SCAN_USEC, what);

    if (r >= 0) {
        pool_clear_volumes(pool);
        for (size_t i = 0; i < scan->count; i++) {
            auto_volume struct volume *volume = volume_new(pool, &scan->files[i].arena, scan->files[i].def);

            pool_add_volume(pool, volume);
        }
        def->capacity = scan->capacity;
        def->available = scan->available;
        def->allocation = scan->capacity - scan->available;
        scan->permissions.label = def->permissions.label;
        def->permissions = scan->permissions;
    }
    task_unref(&scan->task);
    return r;
}

struct dir_change {
    struct task task;
    char *path;
    struct permissions permissions;
};

static void dir_change_free(struct task *task)
{
    struct dir_change *change = (struct dir_change *)task;

    free(change->path);
    free(change);
}

/* A directory that is there keeps its mode unless the definition names one. */
static int build_run(struct task *task)
{
    struct dir_change *change = (struct dir_change *)task;
    const struct permissions *wanted = &change->permissions;
    auto_free char *parent = mem_strdup(change->path);
    char *slash = strrchr(parent, '/');
    struct stat status;
    int r = 0;

    if (slash && slash != parent) {
        *slash = '\0';
        r = file_make_dirs(parent, 0755);
    }
    if (r >= 0 && (wanted->mode.set || stat(change->path, &status) < 0))
        r = file_make_dir_owned(change->path, wanted->mode.set ? wanted->mode.value : POOL_MODE, (uid_t)-1,
                                (gid_t)-1);
    if (r >= 0 && (wanted->owner.set || wanted->group.set) &&
        chown(change->path, wanted->owner.set ? wanted->owner.value : (uid_t)-1,
              wanted->group.set ? wanted->group.value : (gid_t)-1) < 0)
        r = -errno;
    return r < 0 ? err_system(&task->err, r, "cannot create path '%s'", change->path) : 0;
}

static int erase_run(struct task *task)
{
    struct dir_change *change = (struct dir_change *)task;

    if (rmdir(change->path) < 0)
        return err_system(&task->err, errno, "failed to remove pool '%s'", change->path);
    return 0;
}

static int dir_change_run(struct req *rq, const struct pool *pool, int (*run)(struct task *task))
{
    const char *what = arena_printf(&rq->arena, "directory '%s'", pool->def->path);
    struct dir_change *change = NEW(struct dir_change);
    int r;

    task_init(&change->task, run, dir_change_free);
    change->path = mem_strdup(pool->def->path);
    change->permissions = pool->def->permissions;
    change->permissions.label = NULL;
    r = task_run(rq, &change->task, LOOK_USEC, what);
    task_unref(&change->task);
    return r;
}

int dir_build(struct req *rq, struct pool *pool, unsigned flags)
{
    if (flags & (VIR_STORAGE_POOL_BUILD_OVERWRITE | VIR_STORAGE_POOL_BUILD_NO_OVERWRITE))
        return err_set(&rq->err, ERR_OPERATION_INVALID,
                       "No source device specified when formatting pool '%s'", pool->def->name);
    if (method_flags(rq, flags, 0) < 0)
        return -1;
    return dir_change_run(rq, pool, build_run);
}

int dir_erase(struct req *rq, struct pool *pool, unsigned flags)
{
    if (method_flags(rq, flags, 0) < 0)
        return -1;
    return dir_change_run(rq, pool, erase_run);
}

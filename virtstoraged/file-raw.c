/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_STORAGE
#include "virtstoraged/file-raw.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "virtstoraged/tool.h"

enum { MODE_DEFAULT = 0600, PIECE = 1024 * 1024, SECTOR = 512 };

/* ---- owner and mode ---- */

static int own(int fd, const char *path, const struct permissions *permissions, struct err *err)
{
    uid_t owner = permissions->owner.set ? permissions->owner.value : (uid_t)-1;
    gid_t group = permissions->group.set ? permissions->group.value : (gid_t)-1;
    mode_t mode = permissions->mode.set ? permissions->mode.value : MODE_DEFAULT;

    /* the owner first: a change of it takes bits of the mode away */
    if ((permissions->owner.set || permissions->group.set) && fchown(fd, owner, group) < 0)
        return err_system(err, errno, "cannot chown '%s' to (%u, %u)", path, owner, group);
    if (fchmod(fd, mode) < 0)
        return err_system(err, errno, "cannot set mode of '%s' to %04o", path, mode);
    return 0;
}

/* For btrfs: without it every write of a guest would move blocks. Fine where it means nothing. */
static void set_nocow(int fd)
{
    int attributes;

    if (ioctl(fd, FS_IOC_GETFLAGS, &attributes) < 0)
        return;
    attributes |= FS_NOCOW_FL;
    (void)ioctl(fd, FS_IOC_SETFLAGS, &attributes);
}

/* ---- content ---- */

/* Blocks for [begin, end); where the file system can't reserve them they are written. */
static int allocate(int fd, uint64_t begin, uint64_t end)
{
    return begin < end ? -posix_fallocate(fd, (off_t)begin, (off_t)(end - begin)) : 0;
}

static bool all_zero(const uint8_t *bytes, size_t length)
{
    return !length || (!bytes[0] && !memcmp(bytes, bytes + 1, length - 1));
}

/* From where both stand, until the end of from; zeros become holes when they may. */
static int copy_bytes(int from, int to, bool sparse)
{
    auto_free uint8_t *piece = mem_zalloc(PIECE);
    uint64_t at = 0;

    for (;;) {
        ssize_t got = fd_read_all(from, piece, PIECE);
        int r = 0;

        if (got < 0)
            return (int)got;
        if (!got)
            return 0;
        if (!sparse || !all_zero(piece, (size_t)got)) {
            if (lseek(to, (off_t)at, SEEK_SET) < 0)
                return -errno;
            r = fd_write_all(to, piece, (size_t)got);
        }
        if (r < 0)
            return r;
        at += (uint64_t)got;
    }
}

static int fill(struct raw_make *make, int fd)
{
    struct err *err = &make->task.err;
    uint64_t capacity = make->capacity, allocation = make->allocation;
    auto_fd int from = -1;
    int r = 0;

    if (make->from) {
        from = open(make->from, O_RDONLY | O_CLOEXEC);
        if (from < 0)
            return err_system(err, errno, "cannot open volume '%s'", make->from);
    }
    if (make->reflink && ioctl(fd, FICLONE, from) < 0)
        return err_system(err, errno, "failed to clone files from '%s'", make->from);
    /* its end first: a copy may leave a hole there */
    if (ftruncate(fd, (off_t)capacity) < 0)
        return err_system(err, errno, "cannot extend file '%s'", make->path);
    if (make->from && !make->reflink)
        r = copy_bytes(from, fd, make->sparse);
    if (r < 0)
        return err_system(err, r, "cannot copy '%s' to '%s'", make->from, make->path);
    r = allocate(fd, 0, allocation < capacity ? allocation : capacity);
    if (r < 0)
        return err_system(err, r, "cannot allocate %llu bytes in file '%s'", (unsigned long long)allocation,
                          make->path);
    if (fsync(fd) < 0)
        return err_system(err, errno, "cannot sync data to file '%s'", make->path);
    return 0;
}

/* ---- making ---- */

static int make_directory(struct raw_make *make)
{
    auto_fd int fd = -1;

    if (mkdir(make->path, 0700) < 0)
        return err_system(&make->task.err, errno, "failed to create directory '%s'", make->path);
    fd = open(make->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && own(fd, make->path, &make->permissions, &make->task.err) >= 0)
        return 0;
    if (fd < 0)
        err_system(&make->task.err, errno, "cannot open directory '%s'", make->path);
    (void)rmdir(make->path);
    return -1;
}

static int make_run(struct task *task)
{
    struct raw_make *make = (struct raw_make *)task;
    auto_fd int fd = -1;

    if (make->directory)
        return make_directory(make);
    fd = open(make->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return err_set(&task->err, ERR_OPERATION_FAILED, "volume target path '%s' already exists",
                       make->path);
    if (fd < 0)
        return err_system(&task->err, errno, "Failed to create file '%s'", make->path);
    if (make->nocow)
        set_nocow(fd);
    if (own(fd, make->path, &make->permissions, &task->err) >= 0 && fill(make, fd) >= 0)
        return 0;
    (void)unlink(make->path);
    return -1;
}

static void make_free(struct task *task)
{
    struct raw_make *make = (struct raw_make *)task;

    free(make->path);
    free(make->from);
    free(make);
}

static void copy_permissions(struct permissions *to, const struct permissions *from)
{
    *to = *from;
    to->label = NULL;
}

struct raw_make *raw_make_new(const char *path, const struct permissions *permissions)
{
    struct raw_make *make = NEW(struct raw_make);

    task_init(&make->task, make_run, make_free);
    make->path = mem_strdup(path);
    copy_permissions(&make->permissions, permissions);
    return make;
}

/* To its end, whoever leaves: a worker can't be called back. Gives the caller's reference back. */
static int run(struct req *rq, struct task *task, const char *path)
{
    const char *what = arena_printf(&rq->arena, "volume '%s'", path);
    int r;

    fiber_shield(rq, true);
    r = task_run(rq, task, TOOL_LONG, what);
    fiber_shield(rq, false);
    task_unref(task);
    return r;
}

int raw_make_run(struct req *rq, struct raw_make *make)
{
    return run(rq, &make->task, make->path);
}

/* ---- changing ---- */

static int resize(const struct raw_change *change, int fd, struct err *err)
{
    int r = 0;

    if (ftruncate(fd, (off_t)change->capacity) < 0)
        return err_system(err, errno, "failed to truncate file '%s'", change->path);
    if (change->allocate)
        r = allocate(fd, 0, change->capacity);
    if (r < 0)
        return err_system(err, r, "failed to pre-allocate space for file '%s'", change->path);
    return 0;
}

static int write_zeros(int fd, uint64_t length)
{
    auto_free uint8_t *zeros = mem_zalloc(PIECE);

    for (uint64_t at = 0; at < length;) {
        uint64_t piece = length - at < PIECE ? length - at : PIECE;
        int r = fd_write_all(fd, zeros, (size_t)piece);

        if (r < 0)
            return r;
        at += piece;
    }
    return fsync(fd) < 0 ? -errno : 0;
}

/* A file with holes has no content there that zeros could cover: it is emptied and gets its length back. */
static int wipe(const struct raw_change *change, int fd, struct err *err)
{
    struct stat status;
    off_t end;
    int r = 0;

    if (fstat(fd, &status) < 0)
        return err_system(err, errno, "Failed to stat storage volume with path '%s'", change->path);
    if (S_ISREG(status.st_mode) && (uint64_t)status.st_blocks < (uint64_t)status.st_size / SECTOR) {
        if (ftruncate(fd, 0) < 0 || ftruncate(fd, status.st_size) < 0)
            r = -errno;
    } else {
        end = lseek(fd, 0, SEEK_END);
        r = end < 0 || lseek(fd, 0, SEEK_SET) < 0 ? -errno : write_zeros(fd, (uint64_t)end);
    }
    return r < 0 ? err_system(err, r, "Failed to wipe storage volume with path '%s'", change->path) : 0;
}

static int remove_path(const struct raw_change *change, struct err *err)
{
    if (change->directory && rmdir(change->path) < 0)
        return err_system(err, errno, "cannot remove directory '%s'", change->path);
    if (!change->directory && unlink(change->path) < 0 && errno != ENOENT)
        return err_system(err, errno, "cannot unlink file '%s'", change->path);
    return 0;
}

static int change_run(struct task *task)
{
    struct raw_change *change = (struct raw_change *)task;
    auto_fd int fd = -1;

    if (change->what == RAW_REMOVE)
        return remove_path(change, &task->err);
    fd = open(change->path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return err_system(&task->err, errno, "Failed to open storage volume with path '%s'", change->path);
    switch (change->what) {
    case RAW_OWN:
        return own(fd, change->path, &change->permissions, &task->err);
    case RAW_RESIZE:
        return resize(change, fd, &task->err);
    default: /* RAW_WIPE */
        return wipe(change, fd, &task->err);
    }
}

static void change_free(struct task *task)
{
    struct raw_change *change = (struct raw_change *)task;

    free(change->path);
    free(change);
}

struct raw_change *raw_change_new(const char *path, enum raw_what what)
{
    struct raw_change *change = NEW(struct raw_change);

    task_init(&change->task, change_run, change_free);
    change->path = mem_strdup(path);
    change->what = what;
    return change;
}

int raw_change_run(struct req *rq, struct raw_change *change)
{
    return run(rq, &change->task, change->path);
}

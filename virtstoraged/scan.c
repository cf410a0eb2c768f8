/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_STORAGE
#include "virtstoraged/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "virtstoraged/image.h"

enum { SECTOR = 512 };

/* ---- one file ---- */

static struct timestamp stamp(struct timespec time)
{
    return (struct timestamp){time, true};
}

static void take_status(const struct stat *status, struct volume_target *target)
{
    target->permissions.mode = (struct opt_u32){status->st_mode & 0777, true};
    target->permissions.owner = (struct opt_u32){status->st_uid, true};
    target->permissions.group = (struct opt_u32){status->st_gid, true};
    target->timestamps = (struct timestamps){stamp(status->st_atim), stamp(status->st_mtim),
                                             stamp(status->st_ctim), stamp((struct timespec){0})};
}

/* Text as it can be shown: an image may hold anything as the name of what it is based on. */
static char *shown(struct arena *arena, const char *text)
{
    return text && str_is_utf8(text) && !str_has_control(text) ? arena_strdup(arena, text) : NULL;
}

/* The first bytes; the number that were there, 0 when it can't be read. */
static size_t read_head(int fd, uint8_t *head)
{
    ssize_t got = 0;
    size_t length = 0;

    while (length < IMAGE_HEAD && (got = pread(fd, head + length, IMAGE_HEAD - length, (off_t)length)) > 0)
        length += (size_t)got;
    return length;
}

/* Open without waiting for anybody: no FIFO's other end, no tape, no terminal. */
static int open_quietly(int dir, const char *path)
{
    return openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* What the image is based on: shown with whose it is, when it is there. */
static void look_at_backing(struct arena *arena, const char *path, const struct image *image,
                            struct volume_target *target, uint8_t *head)
{
    const char *slash = strrchr(path, '/');
    char *name = shown(arena, image->backing);
    auto_fd int fd = -1;
    struct image inner;
    struct stat status;

    if (!name)
        return;
    target->path = name[0] == '/' || strchr(name, ':') || !slash
                       ? name
                       : arena_printf(arena, "%.*s/%s", (int)(slash - path), path, name);
    target->format = shown(arena, image->backing_format);
    fd = open_quietly(AT_FDCWD, target->path);
    if (fd < 0 || fstat(fd, &status) < 0 || (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))) {
        if (!target->format)
            target->format = arena_strdup(arena, "raw");
        return;
    }
    take_status(&status, target);
    if (target->format)
        return;
    image_read(arena, head, read_head(fd, head), &inner);
    target->format = arena_strdup(arena, inner.format);
}

static void take_image(struct arena *arena, const struct image *image, struct volume_def *def, uint8_t *head)
{
    struct volume_target *target = &def->target;

    if (image->capacity.set)
        def->capacity = image->capacity;
    target->compat = arena_strdup(arena, image->compat);
    target->cluster_size = image->cluster_size;
    target->has_features = str_eq(image->compat, "1.1");
    target->lazy_refcounts = image->lazy_refcounts;
    target->extended_l2 = image->extended_l2;
    if (image->encryption) {
        target->encryption = ARENA_NEW(arena, struct storage_encryption);
        target->encryption->format = arena_strdup(arena, image->encryption);
    }
    if (image->backing) {
        struct volume_target *backing = ARENA_NEW(arena, struct volume_target);

        look_at_backing(arena, target->path, image, backing, head);
        if (backing->path)
            def->backing = backing;
    }
}

/* An open file or device; false when it can't be a volume. */
static bool look(int fd, const char *path, const char *format, uint8_t *head, struct scan_file *ret)
{
    struct volume_def *def = ARENA_NEW(&ret->arena, struct volume_def);
    struct image image = {0};
    struct stat status;
    uint64_t length;

    ret->def = def;
    if (fstat(fd, &status) < 0)
        return false;
    def->target.path = def->key = arena_strdup(&ret->arena, path);
    def->name = arena_strdup(&ret->arena, strrchr(path, '/') + 1);
    take_status(&status, &def->target);
    def->capacity = def->allocation = (struct opt_u64){0, true};
    if (S_ISDIR(status.st_mode)) {
        def->type = VOLUME_DIR;
        def->target.format = arena_strdup(&ret->arena, "dir");
        return true;
    }
    if (S_ISREG(status.st_mode)) {
        def->type = VOLUME_FILE;
        length = (uint64_t)status.st_size;
        def->allocation.value = (uint64_t)status.st_blocks * SECTOR;
    } else if (S_ISBLK(status.st_mode)) {
        off_t end = lseek(fd, 0, SEEK_END);

        def->type = VOLUME_BLOCK;
        length = end > 0 ? (uint64_t)end : 0;
        def->allocation.value = length;
    } else {
        return false;
    }
    def->capacity.value = length;
    def->physical = (struct opt_u64){length, true};
    if (format && str_eq(format, "raw")) {
        def->target.format = arena_strdup(&ret->arena, format);
        return true;
    }
    if (format)
        image_read_as(&ret->arena, format, head, read_head(fd, head), &image);
    else
        image_read(&ret->arena, head, read_head(fd, head), &image);
    def->target.format = arena_strdup(&ret->arena, format ? format : image.format);
    take_image(&ret->arena, &image, def, head);
    return true;
}

static int scan_one_run(struct task *task)
{
    struct scan_one *scan = (struct scan_one *)task;
    auto_free uint8_t *head = mem_zalloc(IMAGE_HEAD);
    auto_fd int fd = open_quietly(AT_FDCWD, scan->path);

    if (fd < 0)
        return err_system(&task->err, errno, "cannot open volume '%s'", scan->path);
    if (!look(fd, scan->path, scan->format, head, &scan->file))
        return err_set(&task->err, ERR_INTERNAL_ERROR,
                       "'%s' is neither a file nor a directory nor a block device", scan->path);
    return 0;
}

static void scan_one_free(struct task *task)
{
    struct scan_one *scan = (struct scan_one *)task;

    arena_done(&scan->file.arena);
    free(scan->path);
    free(scan->format);
    free(scan);
}

struct scan_one *scan_one_new(const char *path, const char *format)
{
    struct scan_one *scan = NEW(struct scan_one);

    task_init(&scan->task, scan_one_run, scan_one_free);
    scan->path = mem_strdup(path);
    scan->format = mem_strdup(format);
    return scan;
}

/* ---- a directory ---- */

/* Links that lead nowhere, sockets, FIFOs and what may not be read are no volumes. */
static void add_file(struct scan_dir *scan, int dir, const char *name, uint8_t *head)
{
    struct scan_file file = {0};
    auto_free char *path = mem_printf("%s/%s", scan->path, name);
    auto_fd int fd = -1;

    if (str_has_control(name) || !str_is_utf8(name))
        return;
    fd = open_quietly(dir, name);
    if (fd < 0 || !look(fd, path, /* format= */ NULL, head, &file)) {
        arena_done(&file.arena);
        return;
    }
    if ((scan->count & (scan->count - 1)) == 0)
        scan->files = mem_resize_array(scan->files, scan->count ? scan->count * 2 : 1, sizeof(*scan->files));
    scan->files[scan->count++] = file;
}

static int scan_dir_run(struct task *task)
{
    struct scan_dir *scan = (struct scan_dir *)task;
    auto_free uint8_t *head = mem_zalloc(IMAGE_HEAD);
    DIR *stream = opendir(scan->path);
    struct volume_target target = {0};
    struct dirent *entry;
    struct statvfs space;
    struct stat status;

    if (!stream)
        return err_system(&task->err, errno, "cannot open directory '%s'", scan->path);
    while ((entry = readdir(stream)))
        if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
            add_file(scan, dirfd(stream), entry->d_name, head);
    if (fstatvfs(dirfd(stream), &space) < 0 || fstat(dirfd(stream), &status) < 0) {
        err_system(&task->err, errno, "cannot statvfs path '%s'", scan->path);
        closedir(stream);
        return -1;
    }
    closedir(stream);
    scan->capacity = (uint64_t)space.f_frsize * space.f_blocks;
    scan->available = (uint64_t)space.f_frsize * space.f_bfree;
    take_status(&status, &target);
    scan->permissions = target.permissions;
    return 0;
}

static void scan_dir_free(struct task *task)
{
    struct scan_dir *scan = (struct scan_dir *)task;

    for (size_t i = 0; i < scan->count; i++)
        arena_done(&scan->files[i].arena);
    free(scan->files);
    free(scan->path);
    free(scan);
}

struct scan_dir *scan_dir_new(const char *path)
{
    struct scan_dir *scan = NEW(struct scan_dir);

    task_init(&scan->task, scan_dir_run, scan_dir_free);
    scan->path = mem_strdup(path);
    return scan;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

bool file_name_valid(const char *name)
{
    return !str_empty(name) && strlen(name) <= NAME_MAX && !strchr(name, '/') && !str_has_control(name) &&
           !str_eq(name, ".") && !str_eq(name, "..");
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* A name beside the file's own that nobody else uses; what a kill leaves under it is known by its ".new". */
static void name_temporary(char temporary[NAME_MAX + 1], const char *name, const char *suffix)
{
    uint32_t number;

    if (getrandom(&number, sizeof(number), 0) != sizeof(number))
        number = (uint32_t)getpid();
    /* a long name is cut: the temporary one must fit too */
    snprintf(temporary, NAME_MAX + 1, ".%.200s.%08x%s", name, number, suffix);
}

static int open_temporary(int dir, const char *name, char temporary[NAME_MAX + 1])
{
    for (int tries = 0; tries < 100; tries++) {
        int fd;

        name_temporary(temporary, name, ".new");
        fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0)
            return fd;
        if (errno != EEXIST)
            return -errno;
    }
    return -EEXIST;
}

static int fill(int fd, mode_t mode, const void *data, size_t length, bool sync)
{
    int r = fd_write_all(fd, data, length);

    if (r < 0)
        return r;
    if (mode != 0600 && fchmod(fd, mode) < 0)
        return -errno;
    if (sync && fsync(fd) < 0)
        return -errno;
    return 0;
}

/* What is left to do once the new file has its name; after the rename, which changes its ctime. */
static int settle(int dir, int fd, struct stat *ret_stat)
{
    if (ret_stat && fstat(fd, ret_stat) < 0)
        return -errno;
    return fsync(dir) < 0 ? -errno : 0;
}

int file_replace(int dir, const char *name, mode_t mode, const void *data, size_t length,
                 struct stat *ret_stat)
{
    char temporary[NAME_MAX + 1], old[NAME_MAX + 1];
    auto_fd int fd = -1;
    bool kept, fresh;
    int r;

    if (strchr(name, '/'))
        return -EINVAL;
    fd = open_temporary(dir, name, temporary);
    if (fd < 0)
        return fd;
    r = fill(fd, mode, data, length, /* sync= */ true);
    if (r < 0) {
        unlinkat(dir, temporary, 0);
        return r;
    }
    /* a second name for the old file, until all is well; where file systems know no links, all is well sooner
     */
    name_temporary(old, name, ".old.new");
    kept = linkat(dir, name, dir, old, 0) == 0;
    fresh = !kept && errno == ENOENT;
    if (renameat(dir, temporary, dir, name) < 0) {
        r = -errno;
        unlinkat(dir, temporary, 0);
    } else {
        r = settle(dir, fd, ret_stat);
        if (r < 0 && fresh)
            unlinkat(dir, name, 0);
        if (r < 0 && kept)
            renameat(dir, old, dir, name);
    }
    if (kept)
        unlinkat(dir, old, 0);
    return r;
}

int file_replace_lazy(int dir, const char *name, mode_t mode, const void *data, size_t length)
{
    char temporary[NAME_MAX + 1];
    auto_fd int fd = -1;
    int r;

    if (strchr(name, '/'))
        return -EINVAL;
    fd = open_temporary(dir, name, temporary);
    if (fd < 0)
        return fd;
    r = fill(fd, mode, data, length, /* sync= */ false);
    if (r == 0 && renameat(dir, temporary, dir, name) < 0)
        r = -errno;
    if (r < 0)
        unlinkat(dir, temporary, 0);
    return r;
}

int file_read_fd(int fd, size_t max, struct buf *ret)
{
    size_t chunk = 4096, before = ret->length;
    struct stat status;

    /* the size is a hint only: files of /proc and /sys say 0 or 4096 */
    if (fstat(fd, &status) == 0 && status.st_size > 0)
        chunk = (size_t)status.st_size < max ? (size_t)status.st_size + 1 : max + 1;
    for (;;) {
        ssize_t n = read(fd, buf_reserve(ret, chunk), chunk);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        ret->length += (size_t)n;
        if (ret->length - before > max)
            return -EFBIG;
        chunk = 4096;
    }
    if (ret->data)
        ret->data[ret->length] = '\0';
    return 0;
}

int file_read(int dir, const char *name, size_t max, struct buf *ret)
{
    auto_fd int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
    return file_read_fd(fd, max, ret);
}

int file_read_line(int dir, const char *name, char **ret)
{
    auto_buf struct buf text = {0};
    int r = file_read(dir, name, 64 * 1024, &text);

    if (r < 0)
        return r;
    *ret = mem_strndup(buf_text(&text), strcspn(buf_text(&text), "\n"));
    return 0;
}

int file_remove(int dir, const char *name)
{
    char old[NAME_MAX + 1];
    int r;

    if (strchr(name, '/'))
        return -EINVAL;
    /* it is there again if the directory can't be written */
    name_temporary(old, name, ".old.new");
    if (renameat(dir, name, dir, old) < 0)
        return -errno;
    r = fsync(dir) < 0 ? -errno : 0;
    if (r < 0)
        renameat(dir, old, dir, name);
    else
        unlinkat(dir, old, 0);
    return r;
}

/* For kernels and sandboxes without openat2: component by component, none of them a link. */
static int walk_beneath(int dir, const char *path, int flags, mode_t mode)
{
    auto_fd int at = fcntl(dir, F_DUPFD_CLOEXEC, 3);

    if (at < 0)
        return -errno;
    for (;;) {
        size_t length = strcspn(path, "/");
        auto_free char *part = mem_strndup(path, length);
        bool last = !path[length];
        int next;

        if (!last && (length == 0 || str_eq(part, "."))) {
            path += length + 1;
            continue;
        }
        if (str_eq(part, ".."))
            return -EXDEV;
        next = openat(at, length ? part : ".",
                      last ? flags | O_NOFOLLOW : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, mode);
        if (next < 0)
            return -errno;
        if (last)
            return next;
        fd_close(&at);
        at = next;
        path += length + 1;
    }
}

int file_open_beneath(int dir, const char *path, int flags, mode_t mode)
{
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC),
                           .mode = flags & (O_CREAT | __O_TMPFILE) ? mode : 0,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    long fd;

    if (path[0] == '/')
        return -EXDEV;
    do
        fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
    while (fd < 0 && errno == EINTR);
    if (fd >= 0)
        return (int)fd;
    if (errno != ENOSYS && errno != EPERM)
        return -errno;
    return walk_beneath(dir, path, flags | O_CLOEXEC, mode);
}

/* Born without rights for others, then given its mode: the umask has no say, and it's never open too wide. A
 * link that somebody put in its place meanwhile isn't followed. */
static int make_dir(const char *path, mode_t mode)
{
    if (mkdir(path, mode & 0700) < 0)
        return -errno;
    return fchmodat(AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int file_make_dirs(const char *path, mode_t mode)
{
    auto_free char *part = mem_strdup(path);
    struct stat status;
    int r;

    for (char *slash = part; *slash == '/'; slash++)
        if (!slash[1])
            return 0;
    r = make_dir(part, mode);
    if (r == -ENOENT) {
        char *slash = strrchr(part, '/');

        while (slash && slash > part && slash[1] == '\0') {
            *slash = '\0';
            slash = strrchr(part, '/');
        }
        if (!slash || slash == part)
            return r;
        *slash = '\0';
        r = file_make_dirs(part, mode);
        if (r < 0)
            return r;
        r = make_dir(path, mode);
    }
    if (r != -EEXIST)
        return r;
    if (stat(path, &status) < 0)
        return -errno;
    return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
}

static int make_dir_owned(const char *path, mode_t mode, uid_t uid, gid_t gid, int links)
{
    auto_fd int fd = -1;
    int r = file_make_dirs(path, mode);
    struct stat status;

    if (r < 0)
        return r;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | links);
    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    if (((uid != (uid_t)-1 && uid != status.st_uid) || (gid != (gid_t)-1 && gid != status.st_gid)) &&
        fchown(fd, uid, gid) < 0)
        return -errno;
    if ((status.st_mode & 07777) != mode && fchmod(fd, mode) < 0)
        return -errno;
    return 0;
}

int file_make_dir_owned(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
    return make_dir_owned(path, mode, uid, gid, 0);
}

int file_make_dir_given(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
    return make_dir_owned(path, mode, uid, gid, O_NOFOLLOW);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int file_list(int dir, const char *path, char ***ret_names)
{
    int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    size_t count = 0, room = 16;
    const struct dirent *entry;
    char **names;
    DIR *stream;

    if (fd < 0)
        return -errno;
    stream = fdopendir(fd);
    if (!stream) {
        fd_close(&fd);
        return -ENOMEM;
    }
    names = NEW_ARRAY(char *, room);
    while ((entry = readdir(stream))) {
        if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
            continue;
        if (count + 1 == room)
            names = mem_resize_array(names, room *= 2, sizeof(*names));
        names[count++] = mem_strdup(entry->d_name);
    }
    names[count] = NULL;
    closedir(stream);
    qsort(names, count, sizeof(*names), by_name);
    *ret_names = names;
    return 0;
}

int file_remove_dir(const char *path)
{
    auto_fd int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    auto_strv char **names = NULL;
    int r = dir < 0 ? -errno : file_list(dir, ".", &names);

    if (r < 0)
        return r;
    for (char **name = names; *name; name++)
        if (unlinkat(dir, *name, 0) < 0 && errno == EISDIR)
            unlinkat(dir, *name, AT_REMOVEDIR);
    return rmdir(path) < 0 ? -errno : 0;
}

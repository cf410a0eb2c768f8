/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

/* root and path in one; false when it doesn't fit, which no path of ours does. */
static bool path_make(char path[SYSFS_PATH_MAX], const char *root, const char *format, va_list args)
    PRINTF(3, 0);
static bool path_make(char path[SYSFS_PATH_MAX], const char *root, const char *format, va_list args)
{
    int n = snprintf(path, SYSFS_PATH_MAX, "%s", root);

    if (n >= 0 && n < SYSFS_PATH_MAX) {
        int m = vsnprintf(path + n, (size_t)(SYSFS_PATH_MAX - n), format, args);

        return m >= 0 && m < SYSFS_PATH_MAX - n;
    }
    return false;
}

static ssize_t read_path(char *text, size_t size, const char *path)
{
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

    *text = '\0';
    if (fd < 0)
        return -errno;
    ssize_t n = read(fd, text, size - 1);

    if (n < 0)
        return -errno;
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return (ssize_t)strlen(text);
}

#define WITH_PATH(path, failure)                                                                             \
    char path[SYSFS_PATH_MAX];                                                                               \
    va_list args;                                                                                            \
    va_start(args, format);                                                                                  \
    bool path_fits = path_make(path, root, format, args);                                                    \
    va_end(args);                                                                                            \
    if (!path_fits)                                                                                          \
    return failure

ssize_t sysfs_read(char *text, size_t size, const char *root, const char *format, ...)
{
    WITH_PATH(path, -ENAMETOOLONG);
    return read_path(text, size, path);
}

int sysfs_number(int64_t *ret, const char *root, const char *format, ...)
{
    char text[64];
    WITH_PATH(path, -ENAMETOOLONG);
    ssize_t n = read_path(text, sizeof(text), path);
    const char *at = text + (*text == '-');
    uint64_t value;

    if (n < 0)
        return (int)n;
    if (str_take_u64(&at, &value) < 0 || value > INT64_MAX)
        return -EINVAL;
    *ret = *text == '-' ? -(int64_t)value : (int64_t)value;
    return 0;
}

int sysfs_list(struct bitmap *ret, const char *root, const char *format, ...)
{
    char text[SYSFS_TEXT_MAX];
    WITH_PATH(path, -ENAMETOOLONG);
    ssize_t n = read_path(text, sizeof(text), path);

    if (n < 0)
        return (int)n;
    return n ? bitmap_parse(text, SYSFS_ID_MAX, ret) : 0;
}

bool sysfs_exists(const char *root, const char *format, ...)
{
    WITH_PATH(path, false);
    return access(path, F_OK) == 0;
}

int sysfs_write(uint64_t value, const char *root, const char *format, ...)
{
    char text[32];
    WITH_PATH(path, -ENAMETOOLONG);
    auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    int length = snprintf(text, sizeof(text), "%llu\n", (unsigned long long)value);

    return write(fd, text, (size_t)length) == length ? 0 : errno ? -errno : -EIO;
}

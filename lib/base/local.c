/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"

int local_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *slash = strrchr(path, '/');
    auto_free char *parent = slash ? mem_strndup(path, (size_t)(slash + 1 - path)) : mem_strdup(".");
    auto_fd int dir = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC), place = -1, fd = -1;
    struct stat status;

    if (dir >= 0)
        place = openat(dir, slash ? slash + 1 : path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0 || place < 0 || fstat(place, &status) < 0)
        return -errno;
    if (!S_ISSOCK(status.st_mode))
        return S_ISLNK(status.st_mode) ? -ELOOP : -ENOTSOCK;
    snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", place);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    return FD_TAKE(fd);
}

int local_listen(int dir, const char *name, int backlog)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir, name) >=
        (int)sizeof(address.sun_path))
        return -ENAMETOOLONG;
    if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
        return -errno;
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, backlog) < 0)
        return -errno;
    return FD_TAKE(fd);
}

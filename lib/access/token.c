/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_IDENTITY
#include "access/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

static char token[TOKEN_LENGTH + 1];

static char *token_directory(void)
{
    const char *base = getenv("XDG_RUNTIME_DIR");

    if (geteuid() == 0)
        return mem_strdup(RUNSTATEDIR "/libvirt/common");
    if (!str_empty(base))
        return mem_printf("%s/libvirt/common", base);
    base = getenv("HOME");
    return mem_printf("%s/.cache/libvirt/common", base ? base : "");
}

/* Whoever holds the lock reads the token, or makes it when the file is new. */
static int token_read(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    uint8_t random[TOKEN_LENGTH / 2];
    char text[TOKEN_LENGTH + 1] = "";
    ssize_t got;
    int r;

    if (fcntl(fd, F_SETLKW, &lock) < 0) /* held for a few microseconds only, by daemons of the same user */
        return -errno;
    got = fd_read_all(fd, text, TOKEN_LENGTH);
    if (got < 0)
        return (int)got;
    if (got == TOKEN_LENGTH && str_only(text, "0123456789abcdef")) {
        memcpy(token, text, sizeof(token));
        return 0;
    }
    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        return -EIO;
    for (size_t i = 0; i < sizeof(random); i++)
        snprintf(text + 2 * i, 3, "%02x", random[i]);
    if (lseek(fd, 0, SEEK_SET) < 0 || ftruncate(fd, 0) < 0)
        return -errno;
    r = fd_write_all(fd, text, TOKEN_LENGTH);
    if (r == 0)
        memcpy(token, text, sizeof(token));
    return r;
}

const char *token_get(struct err *err)
{
    auto_free char *directory = NULL, *path = NULL;
    auto_fd int fd = -1;
    int r;

    if (*token)
        return token;
    directory = token_directory();
    path = mem_printf("%s/system.token", directory);
    *strrchr(directory, '/') = '\0';
    mkdir(directory, geteuid() ? 0700 : 0755);
    directory[strlen(directory)] = '/';
    mkdir(directory, 0700);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    r = fd < 0 ? -errno : token_read(fd);
    if (r < 0) {
        err_system(err, r, "cannot use the token that daemons know each other by, '%s'", path);
        return NULL;
    }
    return token;
}

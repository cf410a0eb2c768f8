/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/local.h"
#include "base/str.h"
#include "unit.h"

#define LONG_NAME                                                                                            \
    "a-directory-whose-name-is-so-long-that-no-socket-in-it-could-be-bound-by-its-path-alone-"               \
    "1234567890123456"

/* A folder with a longer path than an address has room for. */
static char *make_folder(void)
{
    char scratch[] = "/tmp/vireo-test-local-XXXXXX";
    char *folder;

    ck_assert_ptr_nonnull(mkdtemp(scratch));
    folder = mem_printf("%s/" LONG_NAME, scratch);
    ck_assert_int_eq(file_make_dirs(folder, 0700), 0);
    return folder;
}

static void remove_folder(const char *folder)
{
    auto_free char *command = mem_printf("rm -r '%s'", folder), *parent = mem_strdup(folder);

    ck_assert_int_eq(system(command), 0);
    *strrchr(parent, '/') = '\0';
    ck_assert_int_eq(rmdir(parent), 0);
}

START_TEST(meets)
{
    auto_free char *folder = make_folder(), *path = mem_printf("%s/sock", folder);
    auto_fd int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), server = -1, other = -1, client = -1,
                peer = -1;
    char byte = 0;

    ck_assert_int_eq(local_connect(path), -ENOENT);
    other = local_listen(dir, "sock", 1);
    ck_assert_int_ge(other, 0);
    fd_close(&other);
    ck_assert_int_eq(local_connect(path), -ECONNREFUSED);
    /* in the place of what was left there */
    server = local_listen(dir, "sock", 1);
    ck_assert_int_ge(server, 0);
    client = local_connect(path);
    ck_assert_int_ge(client, 0);
    peer = accept(server, NULL, NULL);
    ck_assert_int_ge(peer, 0);
    ck_assert_int_eq(fd_write_all(client, "x", 1), 0);
    ck_assert_int_eq(fd_read_all(peer, &byte, 1), 1);
    ck_assert_int_eq(byte, 'x');
    ck_assert_int_eq(fcntl(client, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    ck_assert_int_eq(fcntl(client, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    remove_folder(folder);
}
END_TEST

/* What somebody laid where a socket should be leads nowhere. */
START_TEST(not_led_astray)
{
    auto_free char *folder = make_folder(), *link = mem_printf("%s/link", folder),
                   *file = mem_printf("%s/file", folder);
    auto_fd int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), server = local_listen(dir, "sock", 1),
                fd = -1;
    struct stat status;

    ck_assert_int_ge(server, 0);
    ck_assert_int_eq(symlinkat("sock", dir, "link"), 0);
    ck_assert_int_eq(local_connect(link), -ELOOP);
    fd = openat(dir, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(local_connect(file), -ENOTSOCK);
    /* who listens replaces the link and not what it leads to */
    ck_assert_int_eq(symlinkat("file", dir, "next"), 0);
    fd_close(&server);
    server = local_listen(dir, "next", 1);
    ck_assert_int_ge(server, 0);
    ck_assert_int_eq(fstatat(dir, "next", &status, AT_SYMLINK_NOFOLLOW), 0);
    ck_assert(S_ISSOCK(status.st_mode));
    ck_assert_int_eq(fstatat(dir, "file", &status, 0), 0);
    remove_folder(folder);
}
END_TEST

UNIT_MAIN("local", meets, not_led_astray)

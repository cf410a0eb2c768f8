/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "unit.h"

START_TEST(closes_and_hands_on)
{
    int number, kept;

    {
        auto_fd int fd = dup(STDERR_FILENO), other = dup(STDERR_FILENO);

        number = fd;
        kept = FD_TAKE(other);
        ck_assert_int_eq(other, -1);
    }
    ck_assert_int_eq(fcntl(number, F_GETFD), -1);
    ck_assert_int_ge(fcntl(kept, F_GETFD), 0);
    fd_close(&kept);
    fd_close(&kept);
    ck_assert_int_eq(kept, -1);
}
END_TEST

START_TEST(flags)
{
    auto_fd int fd = dup(STDERR_FILENO);

    ck_assert_int_eq(fd_set_cloexec(fd, true), 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    ck_assert_int_eq(fd_set_cloexec(fd, false), 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_eq(fd_set_nonblock(-1, true), -EBADF);
}
END_TEST

START_TEST(passes_descriptors)
{
    int pair[2], pipes[2];
    char byte = 0;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    ck_assert_int_eq(pipe(pipes), 0);
    ck_assert_int_eq(fd_receive(pair[1]), -EAGAIN);
    ck_assert_int_eq(fd_send(pair[0], pipes[1]), 0);
    fd_close(&pipes[1]);
    pipes[1] = fd_receive(pair[1]);
    ck_assert_int_ge(pipes[1], 0);
    ck_assert_int_eq(fcntl(pipes[1], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    ck_assert_int_eq(fd_write_all(pipes[1], "x", 1), 0);
    ck_assert_int_eq(fd_read_all(pipes[0], &byte, 1), 1);
    ck_assert_int_eq(byte, 'x');
    /* a byte alone is no descriptor */
    ck_assert_int_eq(fd_write_all(pair[0], "", 1), 0);
    ck_assert_int_eq(fd_receive(pair[1]), -EPROTO);
    fd_close(&pair[0]);
    ck_assert_int_eq(fd_receive(pair[1]), -EPIPE);
    fd_close(&pair[1]);
    fd_close(&pipes[0]);
    fd_close(&pipes[1]);
}
END_TEST

UNIT_MAIN("fd", closes_and_hands_on, flags, passes_descriptors)

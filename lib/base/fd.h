/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fd: file descriptors that are closed when their scope ends, and the few calls on them that need a loop. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/mem.h"

/* Local that is closed at the end of its scope: `auto_fd int fd = -1;`. Keeps errno. */
#define auto_fd CLEANUP(fd_close)
/* Hand a descriptor on: yields it and leaves -1 behind. */
#define FD_TAKE(fd)                                                                                          \
    __extension__({                                                                                          \
        int taken_ = (fd);                                                                                   \
        (fd) = -1;                                                                                           \
        taken_;                                                                                              \
    })

/* Close unless it is -1; it is -1 afterwards. */
void fd_close(int *fd);
/* 0 or -errno. */
int fd_set_cloexec(int fd, bool on);
int fd_set_nonblock(int fd, bool on);
/* All of it, across short writes and EINTR; 0 or -errno. For files and pipes, not on the loop. */
int fd_write_all(int fd, const void *data, size_t length);
/* Until length or the end of file; the number of bytes, or -errno. */
ssize_t fd_read_all(int fd, void *data, size_t length);

/*
 * One descriptor over a Unix socket with one byte of value 0, as the protocol passes them. fd_send: 0 or
 * -errno. fd_receive: the descriptor (close-on-exec), or -errno; -EAGAIN on a non-blocking socket with
 * nothing there, -EPIPE at end of file, -EPROTO when the byte came without exactly one descriptor.
 */
int fd_send(int socket, int fd);
int fd_receive(int socket);

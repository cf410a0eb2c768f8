/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "loop/pid-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

/* A record lock, as libvirt takes it: so each keeps out the other's daemon of the same name. */
static const struct flock whole_file = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};

static int refuse(int fd, const char *path, struct err *err)
{
    struct flock owner = whole_file;

    if (fcntl(fd, F_GETLK, &owner) == 0 && owner.l_type != F_UNLCK) {
        auto_free char *comm = mem_printf("/proc/%ld/comm", (long)owner.l_pid);
        auto_buf struct buf name = {0};

        if (file_read(AT_FDCWD, comm, 64, &name) < 0)
            buf_add_string(&name, "process");
        return err_set(err, ERR_OPERATION_FAILED, "pid file '%s' is held by %s (pid %ld): it runs already",
                       path, str_trim(name.data), (long)owner.l_pid);
    }
    return err_set(err, ERR_OPERATION_FAILED, "pid file '%s' is held by another process: it runs already",
                   path);
}

int pid_file_lock(const char *path, int *ret_fd, struct err *err)
{
    char text[16];
    int length = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

    for (;;) {
        auto_fd int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        struct stat ours, there;

        if (fd < 0 || fstat(fd, &ours) < 0)
            return err_system(err, errno, "cannot open pid file '%s'", path);
        if (fcntl(fd, F_SETLK, &whole_file) < 0)
            return refuse(fd, path, err);
        /* a leaving daemon may have removed the file between open and lock */
        if (stat(path, &there) < 0 || there.st_ino != ours.st_ino || there.st_dev != ours.st_dev)
            continue;
        if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)length, 0) != length)
            return err_system(err, errno, "cannot write pid file '%s'", path);
        *ret_fd = FD_TAKE(fd);
        return 0;
    }
}

void pid_file_release(const char *path, int *fd)
{
    if (*fd < 0)
        return;
    (void)unlink(path);
    fd_close(fd);
}

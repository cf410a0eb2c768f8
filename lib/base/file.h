/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * File: reading, replacing and making files and directories so that a crash at any point leaves the old or
 * the new, whole, and never with a mode that is wider than the final one. Functions return 0 (or a
 * descriptor) or -errno. A `dir` is an open directory (O_DIRECTORY, not O_PATH where something is written) or
 * AT_FDCWD.
 */
#pragma once

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/buf.h"

/*
 * Replace (or make) dir/name: temporary file beside it, write, fsync, rename, fsync of the directory. On
 * failure the old file is untouched and nothing is left behind. ret_stat (may be NULL) gets the new file's
 * status.
 */
int file_replace(int dir, const char *name, mode_t mode, const void *data, size_t length,
                 struct stat *ret_stat);
/* The same for a file that may be lost in a crash of the machine (caches): no fsync. */
int file_replace_lazy(int dir, const char *name, mode_t mode, const void *data, size_t length);
/* Appends the content to ret; -EFBIG when there is more than max, -EISDIR/-EINVAL when it isn't a regular
 * file. */
int file_read(int dir, const char *name, size_t max, struct buf *ret);
int file_read_fd(int fd, size_t max, struct buf *ret);
/* First line of a small file (sysfs, procfs), without its newline; the caller frees it. */
int file_read_line(int dir, const char *name, char **ret);
/* Remove a file and fsync the directory; on failure it is still there. */
int file_remove(int dir, const char *name);
/* Remove a directory (no link to one) with the files and empty directories in it. */
int file_remove_dir(const char *path);

/* Open a path beneath dir: no "..", no symbolic link anywhere, no way out. Falls back to a walk without
 * openat2. */
int file_open_beneath(int dir, const char *path, int flags, mode_t mode);
/* May `name` be one path component? Not "", ".", "..", over 255 bytes, with '/' or a control character. */
bool file_name_valid(const char *name);
bool file_exists(const char *path);

/* Make a directory and the missing ones above it, all with this mode whatever the umask; fine when it is
 * there. */
int file_make_dirs(const char *path, mode_t mode);
/* The last directory with an owner: uid or gid -1 leaves it as it is. Mode and owner are set also when it is
 * there. */
int file_make_dir_owned(const char *path, mode_t mode, uid_t uid, gid_t gid);
/* The same where somebody else may write: a symbolic link in the last directory's place is refused. */
int file_make_dir_given(const char *path, mode_t mode, uid_t uid, gid_t gid);
/* Names of the entries, NULL-terminated and sorted, "." and ".." left out; the caller frees (strv_free). */
int file_list(int dir, const char *path, char ***ret_names);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pid file: one instance of a daemon at a time. The lock counts, not the file's content or being. */
#pragma once

#include "base/err.h"

/* Returns 0 and the descriptor that holds the lock; fails with the owner's pid in err when it is held. */
int pid_file_lock(const char *path, int *ret_fd, struct err *err);
/* Remove the file and give the lock back; *fd is -1 afterwards. */
void pid_file_release(const char *path, int *fd);

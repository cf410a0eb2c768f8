/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keep: descriptors that outlive the daemon. systemd keeps them, each under a name, while the service is
 * restarted (FileDescriptorStoreMax= in units/service.in), and hands them to the next run. One whose other
 * end is closed it drops.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What systemd kept. fd is close-on-exec; whoever takes it leaves -1. */
struct kept {
    char *name;
    int fd;
};

/* Is there somebody who may keep descriptors? */
bool keep_possible(void);
/* Have a duplicate kept; the caller's stays open. 0 or -errno. */
int keep_fd(const char *name, int fd);
/* Returns when all that was sent has been taken, or after a second. */
void keep_settle(void);
/* Is this the name of a descriptor that was kept? "kept-NAME": returns NAME; else NULL. */
const char *keep_name(const char *name);
/* Close what nobody took, have the manager forget its duplicates, free all. */
void keep_done(struct kept *kept, size_t count);

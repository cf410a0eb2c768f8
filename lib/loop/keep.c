/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "loop/keep.h"

#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "loop/fiber.h"

/* Tells them from the sockets that the daemon listens on. */
#define PREFIX "kept-"

bool keep_possible(void)
{
    return !str_empty(getenv("NOTIFY_SOCKET"));
}

int keep_fd(const char *name, int fd)
{
    auto_free char *text = mem_printf("FDSTORE=1\nFDNAME=" PREFIX "%s", name);
    int r = sd_pid_notify_with_fds(/* pid= */ 0, /* unset_environment= */ 0, text, &fd, 1);

    return r < 0 ? r : 0;
}

void keep_settle(void)
{
    (void)sd_notify_barrier(/* unset_environment= */ 0, SECONDS(1));
}

const char *keep_name(const char *name)
{
    return str_after(name, PREFIX);
}

void keep_done(struct kept *kept, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sd_notifyf(/* unset_environment= */ 0, "FDSTOREREMOVE=1\nFDNAME=" PREFIX "%s", kept[i].name);
        fd_close(&kept[i].fd);
        free(kept[i].name);
    }
    free(kept);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loop: the library's event loop, in a thread of its own, for what needs one. */
#include <pthread.h>

#include "virsh/frame.h"

static void *run_loop(void *data)
{
    struct shell *shell = data;
    while (!shell->leaving)
        if (virEventRunDefaultImpl() < 0)
            break;
    return NULL;
}

static void on_tick(int timer, void *data)
{
}

/* Events, console, keepalive: something must run the loop. Its thread ends with the process. */
void shell_start_loop(struct shell *shell)
{
    if (shell->looping)
        return;
    shell->looping = true;
    virEventAddTimeout(1000, on_tick, NULL, NULL);
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_loop, shell) == 0)
        pthread_detach(thread);
}

void need_events(struct cmd *cmd)
{
    shell_start_loop(cmd->shell);
}

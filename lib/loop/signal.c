/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "loop/signal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "base/mem.h"
#include "loop/loop.h"

struct catcher {
    void (*caught)(int number, void *arg);
    void *arg;
};

static int arrived(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
    struct catcher *catcher = arg;

    catcher->caught((int)info->ssi_signo, catcher->arg);
    return 0;
}

int signal_catch(int number, void (*caught)(int number, void *arg), void *arg)
{
    struct catcher *catcher = NEW(struct catcher);
    sd_event_source *source = NULL;
    sigset_t set;
    int r;

    *catcher = (struct catcher){.caught = caught, .arg = arg};
    sigemptyset(&set);
    sigaddset(&set, number);
    /* it must be blocked to be seen by the loop; workers block all signals anyway */
    r = -pthread_sigmask(SIG_BLOCK, &set, /* oldset= */ NULL);
    if (r >= 0)
        r = sd_event_add_signal(loop_event(), &source, number, arrived, catcher);
    if (r < 0) {
        free(catcher);
        return r;
    }
    /* the loop owns the source, the source owns the catcher */
    sd_event_source_set_destroy_callback(source, free);
    sd_event_source_set_floating(source, 1);
    sd_event_source_unref(source);
    return 0;
}

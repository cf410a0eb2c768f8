/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watch: commands that wait for events: which one, for how long, once or until interrupted. Callbacks run in
 * the thread of the event loop; the command's thread only sleeps meanwhile, so they print without a lock.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"
#include "virsh/frame.h"
#include "virsh/watch.h"

/* What ends the wait; the signal handler has no other way to know it. */
static volatile int wakeup_fd = -1;
static volatile sig_atomic_t was_interrupted;

static void wake_up(void)
{
    uint64_t one = 1;
    int saved = errno;

    if (write(wakeup_fd, &one, sizeof(one)) < 0)
        errno = saved; /* full: it is awake */
}

static void on_interrupt(int signal_number)
{
    was_interrupted = 1;
    wake_up();
}

bool watch_begin(struct watch *watch)
{
    bool wanted = watch->count == 0 || cmd_has(watch->cmd, "loop");

    if (wanted)
        watch->count++;
    return wanted;
}

void watch_end(struct watch *watch)
{
    end_document(watch->cmd);
    fflush(stdout);
    if (!cmd_has(watch->cmd, "loop"))
        wake_up();
}

void watch_tell(struct watch *watch, const char *event, const char *key, const char *noun, const char *name,
                const char *detail)
{
    struct cmd *cmd = watch->cmd;
    char stamp[TIME_TEXT];

    if (!watch_begin(watch))
        return;
    time_format(time_real(), stamp);
    layout(cmd, LAYOUT_NONE);
    field(cmd, "event", NULL, event);
    field(cmd, key, NULL, name);
    if (detail)
        field(cmd, "detail", NULL, detail);
    if (cmd_has(cmd, "timestamp")) {
        field(cmd, "timestamp", NULL, stamp);
        print(cmd, "%s: ", stamp);
    }
    print(cmd, detail ? "event '%s' for %s %s: " : "event '%s' for %s %s", event, noun, name);
    print(cmd, "%s\n", detail ? detail : "");
    watch_end(watch);
}

/* Sleep until woken, interrupted or out of time (ms; 0: none). */
static void sleep_for(struct cmd *cmd, int timeout)
{
    struct sigaction interrupt = {.sa_handler = on_interrupt}, before;
    struct pollfd poll_fd = {.fd = wakeup_fd, .events = POLLIN};
    uint64_t until = time_monotonic() + (uint64_t)timeout * 1000;
    int ready;

    was_interrupted = 0;
    sigaction(SIGINT, &interrupt, &before);
    do {
        uint64_t now = time_monotonic();

        ready = poll(&poll_fd, 1, !timeout ? -1 : now < until ? (int)((until - now + 999) / 1000) : 0);
    } while (ready < 0 && errno == EINTR);
    sigaction(SIGINT, &before, NULL);
    if (was_interrupted)
        print(cmd, "event loop interrupted\n");
    else if (ready == 0)
        print(cmd, "event loop timed out\n");
}

int watch_list(struct cmd *cmd, const struct watch_spec *spec)
{
    layout(cmd, LAYOUT_VALUE);
    open_array(cmd, NULL);
    for (const char *const *name = spec->events; *name; name++)
        field(cmd, NULL, NULL, *name);
    close_one(cmd);
    end_document(cmd);
    return 0;
}

int watch_wait(struct watch *watch, int timeout)
{
    const struct watch_spec *spec = watch->spec;
    struct cmd *cmd = watch->cmd;
    auto_fd int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    auto_free int *registered = NULL;
    size_t count = 0;
    bool failed = false;

    wakeup_fd = fd;
    shell_start_loop(cmd->shell);
    for (int id = 0; spec->events[id] && !failed; id++) {
        if (watch->only >= 0 && id != watch->only)
            continue;
        registered = mem_resize_array(registered, count + 1, sizeof(*registered));
        registered[count] = spec->add(watch, id);
        /* of all kinds, some may be unknown to the connection; of one, it must be known */
        if (registered[count] >= 0)
            count++;
        else if (watch->only >= 0)
            failed = true;
        else
            forget_error();
    }
    if (!failed) {
        sleep_for(cmd, timeout);
        print(cmd, "events received: %d\n", watch->count);
    } else
        keep_error(cmd);
    while (count)
        spec->remove(cmd_conn(cmd), registered[--count]);
    wakeup_fd = -1;
    return watch->count ? 0 : -1;
}

int watch_run(struct cmd *cmd, const struct watch_spec *spec)
{
    struct watch watch = {.cmd = cmd, .spec = spec, .only = -1};
    const char *event = NULL;
    int timeout = 0;

    if (cmd_has(cmd, "list"))
        return watch_list(cmd, spec);
    if (cmd_string(cmd, "event", &event) < 0)
        return -1;
    if (!event)
        return say_error(cmd, "either --list or --event <type> is required");
    watch.only = enum_find(spec->events, event);
    if (watch.only < 0)
        return say_error(cmd, "unknown event type %s", event);
    if (cmd_timeout(cmd, "timeout", &timeout) < 0)
        return -1;
    if (cmd_has(cmd, spec->filter) && !(watch.object = spec->find(cmd)))
        return -1;
    return watch_wait(&watch, timeout);
}

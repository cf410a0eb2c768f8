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

enum woken { SOMETHING_HAPPENED, INTERRUPTED, OUT_OF_TIME };

/* Sleep until woken, or until this time (0: for ever). */
static enum woken sleep_until(uint64_t until)
{
    struct pollfd poll_fd = {.fd = wakeup_fd, .events = POLLIN};
    uint64_t count;
    int ready;

    do {
        uint64_t now = time_monotonic();

        ready = poll(&poll_fd, 1, !until ? -1 : now < until ? (int)((until - now + 999) / 1000) : 0);
    } while (ready < 0 && errno == EINTR);
    if (was_interrupted)
        return INTERRUPTED;
    return ready > 0 && read(wakeup_fd, &count, sizeof(count)) > 0 ? SOMETHING_HAPPENED : OUT_OF_TIME;
}

/* What wait() needs, before anything is registered that may wake it, and its end; timeout: ms, 0: none. */
static uint64_t begin(struct cmd *cmd, int fd, int timeout, struct sigaction *ret_before)
{
    struct sigaction interrupt = {.sa_handler = on_interrupt};

    wakeup_fd = fd;
    was_interrupted = 0;
    sigaction(SIGINT, &interrupt, ret_before);
    shell_start_loop(cmd->shell);
    return timeout ? time_monotonic() + (uint64_t)timeout * 1000 : 0;
}

static void end(const struct sigaction *before)
{
    sigaction(SIGINT, before, NULL);
    wakeup_fd = -1;
}

static int on_life(virConnectPtr conn, virDomainPtr domain, int event, int detail, void *data)
{
    wake_up();
    return 0;
}

static void on_agent(virConnectPtr conn, virDomainPtr domain, int state, int reason, void *data)
{
    wake_up();
}

int watch_domain(struct cmd *cmd, virDomainPtr domain, int timeout, int (*holds)(struct cmd *cmd, void *data),
                 void *data)
{
    const struct {
        int id;
        virConnectDomainEventGenericCallback call;
    } rows[] = {{VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_life)},
                {VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_agent)}};
    auto_fd int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct sigaction before;
    uint64_t until = begin(cmd, fd, timeout, &before);
    int registered[ARRAY_SIZE(rows)], result;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        registered[i] =
            virConnectDomainEventRegisterAny(cmd_conn(cmd), domain, rows[i].id, rows[i].call, NULL, NULL);
    forget_error();
    while ((result = holds(cmd, data)) == 0)
        if (sleep_until(until) != SOMETHING_HAPPENED)
            break;
    if (result < 0)
        keep_error(cmd);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (registered[i] >= 0)
            virConnectDomainEventDeregisterAny(cmd_conn(cmd), registered[i]);
    end(&before);
    return result ? result : was_interrupted ? say_error(cmd, "interrupted") : 0;
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
    struct sigaction before;
    uint64_t until = begin(cmd, fd, timeout, &before);

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
        enum woken why = sleep_until(until);

        if (why != SOMETHING_HAPPENED)
            print(cmd, "event loop %s\n", why == INTERRUPTED ? "interrupted" : "timed out");
        print(cmd, "events received: %d\n", watch->count);
    } else
        keep_error(cmd);
    while (count)
        spec->remove(cmd_conn(cmd), registered[--count]);
    end(&before);
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

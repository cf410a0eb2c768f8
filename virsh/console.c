/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Console: the terminal becomes that of the guest. A loop over the terminal and a non-blocking stream: what
 * is typed goes into the stream, what comes is written; the escape character ends it. The library's event
 * loop tells when the stream can be read or written; bytes in flight wait in two buffers.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "virsh/domain.h"
#include "virsh/frame.h"

struct console {
    pthread_mutex_t lock;
    virStreamPtr stream;
    struct buf to_guest;
    int wake[2]; /* the stream ended, or there is room again */
    bool ended;
    char escape;
};

/* Called with the lock held. */
static void wake(struct console *console)
{
    char byte = 0;
    if (write(console->wake[1], &byte, 1) < 0)
        return; /* full: it is awake already */
}

static void want(struct console *console)
{
    virStreamEventUpdateCallback(console->stream,
                                 VIR_STREAM_EVENT_READABLE |
                                     (console->to_guest.length ? VIR_STREAM_EVENT_WRITABLE : 0));
}

static void receive(struct console *console)
{
    char data[4096];
    int got = virStreamRecv(console->stream, data, sizeof(data));
    if (got == -2)
        return;
    if (got <= 0 || fd_write_all(STDOUT_FILENO, data, (size_t)got) < 0) {
        console->ended = true;
        wake(console);
    }
}

static void transmit(struct console *console)
{
    int sent = virStreamSend(console->stream, console->to_guest.data, console->to_guest.length);
    if (sent == -2)
        return;
    if (sent < 0) {
        console->ended = true;
        wake(console);
        return;
    }
    console->to_guest.length -= (size_t)sent;
    memmove(console->to_guest.data, console->to_guest.data + sent, console->to_guest.length);
    want(console);
}

static void on_stream(virStreamPtr stream, int events, void *data)
{
    struct console *console = data;
    pthread_mutex_lock(&console->lock);
    if (!console->ended && (events & VIR_STREAM_EVENT_READABLE))
        receive(console);
    if (!console->ended && (events & VIR_STREAM_EVENT_WRITABLE) && console->to_guest.length)
        transmit(console);
    if (!console->ended && (events & (VIR_STREAM_EVENT_ERROR | VIR_STREAM_EVENT_HANGUP))) {
        console->ended = true;
        wake(console);
    }
    pthread_mutex_unlock(&console->lock);
}

/* What was typed, up to the escape character. False: it was there, or nobody types any more. */
static bool take_keys(struct console *console)
{
    char data[1024];
    ssize_t got = read(STDIN_FILENO, data, sizeof(data));
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (got <= 0)
        return false;
    char *escape = memchr(data, console->escape, (size_t)got);
    pthread_mutex_lock(&console->lock);
    buf_add(&console->to_guest, data, escape ? (size_t)(escape - data) : (size_t)got);
    if (console->to_guest.length)
        want(console);
    pthread_mutex_unlock(&console->lock);
    return !escape;
}

static void pump(struct console *console)
{
    struct pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {console->wake[0], POLLIN, 0}};
    while (true) {
        if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
            return;
        if (fds[1].revents || (fds[0].revents && !take_keys(console)))
            return;
    }
}

/* The escape sequence of -e: "^]" or one character. */
static char escape_char(const char *text)
{
    return text[0] == '^' && text[1] ? (char)(toupper((unsigned char)text[1]) ^ 0x40) : text[0];
}

static int run_on(struct cmd *cmd, struct console *console)
{
    struct termios before, raw;
    if (tcgetattr(STDIN_FILENO, &before) < 0)
        return say_error(cmd, "unable to make terminal raw: console isn't a tty");
    raw = before;
    cfmakeraw(&raw);
    if (pipe2(console->wake, O_CLOEXEC | O_NONBLOCK) < 0)
        return say_error(cmd, "unable to wait on console condition");
    shell_start_loop(cmd->shell);
    fflush(stdout);
    int result =
        virStreamEventAddCallback(console->stream, VIR_STREAM_EVENT_READABLE, on_stream, console, NULL);
    if (result == 0 && tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0) {
        pump(console);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        pthread_mutex_lock(&console->lock);
        console->ended = true;
        pthread_mutex_unlock(&console->lock);
        virStreamEventRemoveCallback(console->stream);
    }
    fd_close(&console->wake[0]);
    fd_close(&console->wake[1]);
    return result;
}

static void console_free(void *object)
{
    struct console *console = object;
    buf_done(&console->to_guest);
    free(console);
}

int console_attach(struct cmd *cmd, virDomainPtr domain, const char *device, unsigned flags, bool resume)
{
    int state;
    if (virDomainGetState(domain, &state, NULL, 0) < 0)
        return say_error(cmd, "Unable to get domain status");
    if (state == VIR_DOMAIN_SHUTOFF)
        return say_error(cmd, "The domain is not running");
    if (!isatty(STDIN_FILENO))
        return say_error(cmd, "Cannot run interactive console without a controlling TTY");
    const char *escape = cmd->shell->escape;
    struct console *console = cmd_own(cmd, NEW(struct console), console_free);
    *console = (struct console){PTHREAD_MUTEX_INITIALIZER, .wake = {-1, -1}, .escape = escape_char(escape)};
    print(cmd, "Connected to domain '%s'\n", virDomainGetName(domain));
    print(cmd, "Escape character is %s", escape);
    if (escape[0] == '^')
        print(cmd, " (Ctrl + %c)", escape[1]);
    print(cmd, "\n");
    console->stream = own_stream(cmd, virStreamNew(cmd_conn(cmd), VIR_STREAM_NONBLOCK));
    if (!console->stream || virDomainOpenConsole(domain, device, console->stream, flags) < 0)
        return -1;
    if (resume && virDomainResume(domain) < 0)
        return -1;
    int result = run_on(cmd, console);
    virStreamAbort(console->stream);
    forget_error();
    print(cmd, "\n");
    return result;
}

static int run_console(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *device = NULL;
    if (!domain || cmd_string(cmd, "devname", &device) < 0)
        return -1;
    return console_attach(cmd, domain, device, cmd_flags(cmd), cmd_has(cmd, "resume"));
}

const struct command cmd_console = {
    "console",
    "connect to the guest console",
    "Connect the virtual serial console for the guest",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE), STRING("devname", "character device name"),
            FLAG("force", VIR_DOMAIN_CONSOLE_FORCE,
                 "force console connection (disconnect already connected sessions)"),
            FLAG("safe", VIR_DOMAIN_CONSOLE_SAFE, "only connect if safe console handling is supported"),
            FLAG_NEW("resume", 0, "resume the domain once its console is open")),
    .run = run_console,
    .json = "",
};

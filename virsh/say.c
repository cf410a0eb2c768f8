/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Say: errors for the user, the library's among them, and the log file that -l names. */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "virsh/program.h"

static void say_line(struct shell *shell, const char *text)
{
    shell_log(shell, "ERROR", text);
    fflush(stdout);
    fprintf(stderr, "error: %s\n", text);
}

void shell_error(struct shell *shell, const char *format, ...)
{
    auto_buf struct buf text = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    say_line(shell, buf_text(&text));
}

int say_error(struct cmd *cmd, const char *format, ...)
{
    auto_buf struct buf text = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    if (!cmd->abandoned)
        say_line(cmd->shell, buf_text(&text));
    return -1;
}

/*
 * The library forgets its last error with the next call, and each thread has its own. So the last one is kept
 * here, for report_error() at the end of the command, whichever thread it came from.
 */
static struct {
    pthread_mutex_t lock;
    char *message; /* NULL: none */
    int code;
    bool pinned;
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void keep(const char *message, int code, bool pin)
{
    pthread_mutex_lock(&kept.lock);
    if (!kept.pinned) {
        free(kept.message);
        kept.message = mem_strdup(message);
        kept.code = code;
        kept.pinned = pin;
    }
    pthread_mutex_unlock(&kept.lock);
}

void on_library_error(void *data, virErrorPtr error)
{
    if (error->code != VIR_ERR_OK)
        keep(error->message ? error->message : "unknown error", error->code, false);
}

void forget_error(void)
{
    pthread_mutex_lock(&kept.lock);
    free(TAKE(kept.message));
    kept.code = VIR_ERR_OK;
    kept.pinned = false;
    pthread_mutex_unlock(&kept.lock);
    virResetLastError();
}

void keep_error(struct cmd *cmd)
{
    pthread_mutex_lock(&kept.lock);
    kept.pinned = kept.message != NULL;
    pthread_mutex_unlock(&kept.lock);
}

int keep_text(struct cmd *cmd, const char *format, ...)
{
    auto_buf struct buf text = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    keep(buf_text(&text), VIR_ERR_INTERNAL_ERROR, true);
    return -1;
}

int last_error_code(void)
{
    return kept.code;
}

void report_error(struct shell *shell)
{
    if (kept.message)
        say_line(shell, kept.message);
    forget_error();
}

void shell_log(struct shell *shell, const char *level, const char *text)
{
    if (shell->log_fd < 0)
        return;
    time_t now = time(NULL);
    struct tm tm;
    char stamp[64];
    localtime_r(&now, &tm);
    strftime(stamp, sizeof(stamp), "%Y.%m.%d %H:%M:%S", &tm);
    auto_free char *line =
        mem_printf("[%s %s %d] %s %s\n", stamp, program.variables, (int)getpid(), level, text);
    if (fd_write_all(shell->log_fd, line, strlen(line)) < 0) {
        fd_close(&shell->log_fd);
        fprintf(stderr, "error: failed to write the log file\n");
    }
}

void *newer_symbol(const char *name)
{
    void *symbol = dlsym(RTLD_DEFAULT, name);
    if (!symbol) {
        fprintf(stderr, "error: the installed libvirt.so.0 is too old: it has no %s\n", name);
        exit(EXIT_FAILURE);
    }
    return symbol;
}

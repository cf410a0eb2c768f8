/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Say: errors for the user, the library's among them, and the log file that -l names. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "virsh/frame.h"

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

void forget_error(void)
{
    virResetLastError();
}

int last_error_code(void)
{
    virErrorPtr error = virGetLastError();
    return error ? error->code : VIR_ERR_OK;
}

void keep_error(struct cmd *cmd)
{
    if (!cmd->shell->error)
        cmd->shell->error = virSaveLastError();
}

void report_error(struct shell *shell)
{
    virErrorPtr error = shell->error ? shell->error : virGetLastError();
    if (error && error->code != VIR_ERR_OK)
        say_line(shell, error->message ? error->message : "unknown error");
    virFreeError(TAKE(shell->error));
    virResetLastError();
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
    auto_free char *line = mem_printf("[%s VIRSH %d] %s %s\n", stamp, (int)getpid(), level, text);
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

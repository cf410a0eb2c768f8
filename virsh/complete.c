/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Complete: commands, options and values for a line that is being typed. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "virsh/complete.h"

/* Files are the shell's business (and readline's own). */
char **complete_file(struct cmd *cmd, unsigned bits)
{
    return NULL;
}

static void add_command(void *data, const struct command *def)
{
    char ***names = data;
    *names = strv_add(*names, def->name);
}

char **complete_command(struct cmd *cmd, unsigned bits)
{
    char **names = NULL;
    commands_each(add_command, &names);
    return names;
}

static char **option_names(struct cmd *cmd)
{
    char **names = NULL;
    const struct cmd_option *const tables[] = {cmd->def->options, common_options};
    for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
        for (const struct cmd_option *option = tables[i]; option && option->name; option++) {
            if (option->kind == OPTION_ALIAS || (option->is & IS_UNNAMED))
                continue;
            if (!(option->is & IS_REPEATED) && cmd_has(cmd, option->name))
                continue;
            auto_free char *name = mem_printf("--%s", option->name);
            names = strv_add(names, name);
        }
    return names;
}

static char **values(struct cmd *cmd, const struct cmd_option *option)
{
    if (option->words)
        return str_split(option->words, ",");
    if (!option->complete)
        return NULL;
    struct shell *shell = cmd->shell;
    if (!(cmd->def->is & NEEDS_NO_CONNECTION) && !shell_connect_quietly(shell))
        return NULL;
    return option->complete(cmd, option->bits);
}

char **complete_words(struct shell *shell, const char *before, const char *word)
{
    struct words words = {.line = before};
    struct cmd *last;
    const struct cmd_option *waiting;
    parse_partial(shell, &words, &last, &waiting);
    char **found;
    if (!last)
        found = complete_command(NULL, 0);
    else if (*word == '-' && !waiting)
        found = option_names(last);
    else
        found = waiting || (waiting = next_positional(last)) ? values(last, waiting) : option_names(last);
    cmd_free(last);
    forget_error();
    return found;
}

/* ---- complete: what shells ask ---------------------------------------------------------------------- */

enum { PATIENCE_SECONDS = 2 };

/* Nobody can be asked for a password, whatever the default connection is: there is no terminal any more. */
static void leave_terminal(void)
{
    auto_fd int terminal = getsid(0) == getpid() ? -1 : open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal >= 0)
        ioctl(terminal, TIOCNOTTY);
    setenv("SSH_ASKPASS_REQUIRE", "never", 1);
}

/* The words up to the cursor; the last is the one that is being typed. Ends silently when a server takes its
 * time. */
static int run_complete(struct cmd *cmd)
{
    auto_buf struct buf before = {0};
    const char *const *words = cmd_strings(cmd, "string"), *word = "";
    for (; *words; words++) {
        word = *words;
        if (!words[1])
            break;
        buf_add_char(&before, '\'');
        for (const char *c = *words; *c; c++)
            buf_add_string(&before, *c == '\'' ? "'\\''" : (char[]){*c, 0});
        buf_add_string(&before, "' ");
    }
    leave_terminal();
    alarm(PATIENCE_SECONDS);
    setenv("LIBVIRT_AUTOSTART", "0", 1); /* looking starts nothing */
    auto_strv char **found = complete_words(cmd->shell, buf_text(&before), word);
    for (char **candidate = found; candidate && *candidate; candidate++)
        if (str_after(*candidate, word))
            print(cmd, "%s\n", *candidate);
    cmd->shell->quiet = true;
    return 0;
}

const struct command cmd_complete = {
    "complete",
    "internal command for autocompletion",
    "internal use only",
    OPTIONS({"string", OPTION_STRING, IS_POSITIONAL | IS_REPEATED | IS_EMPTY_OK,
             "partial string to autocomplete"}),
    .run = run_complete,
    .is = NEEDS_NO_CONNECTION | IS_INTERNAL,
    .json = "",
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Self: commands about the shell itself. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "virsh/frame.h"

static int run_cd(struct cmd *cmd)
{
    const char *dir = NULL;
    if (!cmd->shell->interactive)
        return say_error(cmd, "cd: command valid only in interactive mode");
    if (cmd_string(cmd, "dir", &dir) < 0)
        return -1;
    dir = dir ? dir : getenv("HOME");
    dir = dir ? dir : "/";
    if (chdir(dir) < 0)
        return say_error(cmd, "cd: %s: %s", strerror(errno), dir);
    return 0;
}

const struct command cmd_cd = {
    "cd",
    "change the current directory",
    "Change the current directory.",
    OPTIONS(STRING("dir", "directory to switch to (default: home or else root)", 0, complete_file)),
    .run = run_cd,
    .is = NEEDS_NO_CONNECTION,
    .json = "",
};

/* Safe between single quotes for a shell; plain when it needs none. */
static void add_shell(struct buf *text, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%^";
    if (*word && !word[strspn(word, plain)]) {
        buf_add_string(text, word);
        return;
    }
    buf_add_char(text, '\'');
    for (; *word; word++)
        if (*word == '\'')
            buf_add_string(text, "'\\''");
        else
            buf_add_char(text, *word);
    buf_add_char(text, '\'');
}

static void add_word(struct cmd *cmd, struct buf *text, const char *word)
{
    auto_buf struct buf xml = {0};
    if (cmd_has(cmd, "xml")) {
        buf_add_xml(&xml, word);
        word = buf_text(&xml);
    }
    if (cmd_has(cmd, "shell"))
        add_shell(text, word);
    else
        buf_add_string(text, word);
}

/* Cut at commas, each piece on a line; two commas are one of the text. */
static void add_pieces(struct cmd *cmd, struct buf *text, const char *word)
{
    auto_buf struct buf piece = {0};
    while (*word) {
        bool cut = *word == ',' && word[1] != ',';
        if (!cut)
            buf_add_char(&piece, *word);
        word += *word == ',' && !cut ? 2 : 1;
        if (cut || !*word) {
            add_word(cmd, text, buf_text(&piece));
            buf_add_char(text, '\n');
            buf_reset(&piece);
        }
        if (cut && !*word)
            buf_add_char(text, '\n');
    }
}

static int run_echo(struct cmd *cmd)
{
    auto_buf struct buf text = {0};
    const char *prefix = cmd_raw(cmd, "prefix");
    if (prefix)
        buf_printf(&text, "%s ", prefix);
    const char *const *words = cmd_strings(cmd, "string");
    for (size_t i = 0; words[i]; i++) {
        if (i)
            buf_add_char(&text, ' ');
        if (cmd_has(cmd, "split"))
            add_pieces(cmd, &text, words[i]);
        else
            add_word(cmd, &text, words[i]);
    }
    if (cmd_has(cmd, "err")) {
        shell_error(cmd->shell, "%s", buf_text(&text));
        return 0;
    }
    layout(cmd, LAYOUT_NONE);
    field(cmd, "text", NULL, buf_text(&text));
    print(cmd, "%s", buf_text(&text));
    return 0;
}

const struct command cmd_echo = {
    "echo",
    "echo arguments. Used for internal testing.",
    "Echo back arguments, possibly with quoting. Used for internal testing.",
    OPTIONS(FLAG("shell", 0, "escape for shell use"), FLAG("xml", 0, "escape for XML use"),
            FLAG("split", 0, "split each argument on ','; ',,' is an escape sequence"),
            FLAG("err", 0, "output to stderr"), STRING_NEW("prefix", "prefix the message"),
            {"string", OPTION_STRING, IS_REPEATED | IS_UNNAMED | IS_EMPTY_OK, "arguments to echo"}),
    .run = run_echo,
    .is = NEEDS_NO_CONNECTION,
    .conflicts = "shell xml",
    .json = "{text: string?}",
};

static int run_quit(struct cmd *cmd)
{
    cmd->shell->leaving = true;
    return 0;
}

const struct command cmd_exit = {
    "exit", "quit this interactive terminal", NULL, .run = run_quit, .is = NEEDS_NO_CONNECTION, .json = "",
};

const struct command cmd_quit = {
    "quit", "quit this interactive terminal", NULL, .run = run_quit, .is = NEEDS_NO_CONNECTION, .json = "",
};

static int run_help(struct cmd *cmd)
{
    const char *topic = NULL;
    if (cmd_string(cmd, "command", &topic) < 0)
        return -1;
    if (is_json(cmd))
        return help_json(cmd, str_empty(topic) ? NULL : topic);
    if (!str_empty(topic))
        return help_topic(cmd->shell, topic);
    printf("Grouped commands:\n\n");
    help_groups(true);
    return 0;
}

const struct command cmd_help = {
    "help",
    "print help",
    "Prints global help, command specific help, or help for a\n    group of related commands",
    OPTIONS({"command", OPTION_STRING, IS_EMPTY_OK,
             "Prints global help, command specific help, or help for a group of related commands", 0,
             complete_command}),
    .run = run_help,
    .is = NEEDS_NO_CONNECTION | IS_LENIENT,
    .json =
        "[{key: string, title: string, commands: [{name: string, help: string, description: string?, new: "
        "boolean?, streaming: boolean?, json: string, options: [{name: string, kind: string, *: any}]}]}]",
};

static int run_pwd(struct cmd *cmd)
{
    char *dir = cmd_own_text(cmd, getcwd(NULL, 0));
    if (!dir)
        return say_error(cmd, "pwd: cannot get current directory: %s", strerror(errno));
    layout(cmd, LAYOUT_VALUE);
    field(cmd, "directory", NULL, dir);
    return 0;
}

const struct command cmd_pwd = {
    "pwd",          "print the current directory", "Print the current directory.",
    .run = run_pwd, .is = NEEDS_NO_CONNECTION,     .json = "{directory: string}",
};

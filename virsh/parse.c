/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parse: from words to commands with options. Nothing runs before everything was understood. */
#include <ctype.h>

#include "virsh/frame.h"

const struct cmd_option common_options[] = {
    FLAG_NEW("json", 0, "print JSON"),
    NUMBER_NEW("timeout", "give up after so many seconds"),
    {0},
};

enum word { WORD_TEXT, WORD_NEXT, WORD_END, WORD_BAD };

struct cmd *cmd_new(struct shell *shell, const struct command *def)
{
    struct cmd *cmd = NEW(struct cmd);
    cmd->shell = shell;
    cmd->def = def;
    cmd->as_json = shell->json;
    return cmd;
}

void cmd_release(struct cmd *cmd)
{
    while (cmd->owned) {
        struct owned *owned = cmd->owned;
        cmd->owned = owned->next;
        owned->release(owned->object);
        free(owned);
    }
}

void cmd_free(struct cmd *cmd)
{
    while (cmd) {
        struct cmd *next = cmd->next;
        cmd_release(cmd);
        while (cmd->given) {
            struct given *given = cmd->given;
            cmd->given = given->next;
            free(given->value);
            free(given);
        }
        free(cmd->strings);
        buf_done(&cmd->json.text);
        free(cmd);
        cmd = next;
    }
}

void cmd_give(struct cmd *cmd, const struct cmd_option *option, const char *value)
{
    struct given **at = &cmd->given;
    while (*at)
        at = &(*at)->next;
    *at = NEW(struct given);
    (*at)->option = option;
    (*at)->value = mem_strdup(value);
}

static struct given *given_find(struct cmd *cmd, const struct cmd_option *option)
{
    for (struct given *given = cmd->given; given; given = given->next)
        if (given->option == option)
            return given;
    return NULL;
}

static const struct cmd_option *row_find(const struct cmd_option *options, const char *name)
{
    for (; options && options->name; options++)
        if (str_eq(options->name, name))
            return options;
    return NULL;
}

const struct cmd_option *option_find(const struct command *def, const char *name)
{
    const struct cmd_option *option = row_find(def->options, name);
    return option ? option : row_find(common_options, name);
}

/* The next word of a line, without its quotes. */
static enum word line_word(struct shell *shell, struct words *words, bool partial, char **ret)
{
    const char *at = words->line + strspn(words->line, " \t");
    while (*at == '#' || (*at == '\\' && at[1] == '\n')) {
        at += *at == '#' ? strcspn(at, "\n") : 2;
        at += strspn(at, " \t");
    }
    words->line = *at ? at + 1 : at;
    if (!*at)
        return WORD_END;
    if (*at == ';' || *at == '\n')
        return WORD_NEXT;
    auto_buf struct buf text = {0};
    buf_add_string(&text, "");
    char quote = 0;
    for (; *at && (quote || !strchr(" \t;\n", *at)); at++) {
        if (quote && *at == quote) {
            quote = 0;
        } else if (!quote && (*at == '\'' || *at == '"')) {
            quote = *at;
        } else if (*at == '\\' && quote != '\'') {
            if (!*++at) {
                if (!partial)
                    shell_error(shell, "dangling \\");
                return WORD_BAD;
            }
            if (*at != '\n')
                buf_add_char(&text, *at);
        } else {
            buf_add_char(&text, *at);
        }
    }
    if (quote == '"' && !partial) {
        shell_error(shell, "missing \"");
        return WORD_BAD;
    }
    words->line = at;
    *ret = mem_strdup(buf_text(&text));
    return WORD_TEXT;
}

static enum word next_word(struct shell *shell, struct words *words, bool partial, char **ret)
{
    free(TAKE(*ret));
    if (words->line)
        return line_word(shell, words, partial, ret);
    if (!*words->argv)
        return WORD_END;
    *ret = mem_strdup(*words->argv++);
    return WORD_TEXT;
}

/* The first option that takes its value by position and has none. */
const struct cmd_option *next_positional(struct cmd *cmd)
{
    for (const struct cmd_option *option = cmd->def->options; option && option->name; option++)
        if ((option->kind == OPTION_STRING || option->kind == OPTION_NUMBER) && !(option->is & IS_NAMED) &&
            ((option->is & IS_REPEATED) || !given_find(cmd, option)))
            return option;
    return NULL;
}

/* What the parser is about: one command that takes shape. */
struct parsing {
    struct shell *shell;
    struct words *words;
    bool partial, data_only, help;
    struct cmd *cmd;
    const struct cmd_option *waiting; /* partial: the option at the end, whose value is missing */
};

#define REFUSE(parsing, ...) ((parsing)->partial ? (void)0 : shell_error((parsing)->shell, __VA_ARGS__), -1)

/* --name, --name=value, --name value */
static int take_option(struct parsing *parsing, char *name, char **word)
{
    struct cmd *cmd = parsing->cmd;
    auto_free char *value = NULL;
    char *equals = strchr(name, '=');
    if (equals) {
        value = mem_strdup(equals + 1);
        *equals = 0;
    }
    const struct cmd_option *option = option_find(cmd->def, name);
    if (!option && str_eq(name, "help") && !value) {
        parsing->help = true;
        return 0;
    }
    if (!option && (cmd->def->is & IS_LENIENT))
        return 0;
    if (!option)
        return REFUSE(parsing, "command '%s' doesn't support option --%s", cmd->def->name, name);
    if (option->kind == OPTION_ALIAS) {
        const char *fixed = strchr(option->help, '=');
        auto_free char *target = mem_strndup(option->help, strcspn(option->help, "="));
        if (fixed) {
            if (value)
                return REFUSE(parsing, "invalid '=' after option --%s", name);
            value = mem_strdup(fixed + 1);
        }
        option = option_find(cmd->def, target);
    }
    if (!(option->is & IS_REPEATED) && given_find(cmd, option)) {
        int result = REFUSE(parsing, "option --%s already seen", option->name);
        return cmd->def->is & IS_LENIENT ? 0 : result;
    }
    if (option->kind == OPTION_FLAG) {
        if (value)
            return REFUSE(parsing, "invalid '=' after option --%s", name);
        cmd_give(cmd, option, NULL);
        return 0;
    }
    auto_free char *saved_name = mem_strdup(name);
    if (!value) {
        enum word kind = next_word(parsing->shell, parsing->words, parsing->partial, word);
        if (kind == WORD_BAD)
            return -1;
        parsing->waiting = option;
        if (kind != WORD_TEXT)
            return REFUSE(parsing, "expected syntax: --%s <%s>", saved_name,
                          option->kind == OPTION_NUMBER ? "number" : "string");
        value = TAKE(*word);
    }
    cmd_give(cmd, option, value);
    return 0;
}

static int take_word(struct parsing *parsing, char **word)
{
    struct cmd *cmd = parsing->cmd;
    char *text = *word;
    if (!parsing->data_only && str_eq(text, "--")) {
        parsing->data_only = true;
        return 0;
    }
    if (!parsing->data_only && text[0] == '-' && text[1] == '-' && isalnum((unsigned char)text[2]))
        return take_option(parsing, text + 2, word);
    const struct cmd_option *option = next_positional(cmd);
    if (!option && (cmd->def->is & IS_LENIENT))
        return 0;
    if (!option)
        return REFUSE(parsing, "unexpected data '%s'", text);
    cmd_give(cmd, option, text);
    return 0;
}

/* Every required option has a value. All that are missing are told. */
static int complete(struct parsing *parsing)
{
    struct cmd *cmd = parsing->cmd;
    int result = 0;
    for (const struct cmd_option *option = cmd->def->options; option && option->name; option++) {
        if (!(option->is & IS_REQUIRED) || given_find(cmd, option) || parsing->help)
            continue;
        result = (option->is & IS_POSITIONAL) && option->kind == OPTION_STRING
                     ? REFUSE(parsing, "command '%s' requires <%s> option", cmd->def->name, option->name)
                     : REFUSE(parsing, "command '%s' requires --%s option", cmd->def->name, option->name);
    }
    if (parsing->help && !parsing->partial) {
        const struct command *about = cmd->def;
        cmd_free(cmd);
        parsing->cmd = cmd_new(parsing->shell, command_find("help"));
        cmd_give(parsing->cmd, parsing->cmd->def->options, about->name);
    }
    return result;
}

/* One command; *ret_more: there may be another behind it. */
static int parse_one(struct parsing *parsing, bool *ret_more)
{
    auto_free char *word = NULL;
    enum word kind;
    while ((kind = next_word(parsing->shell, parsing->words, parsing->partial, &word)) == WORD_TEXT) {
        if (parsing->cmd) {
            if (take_word(parsing, &word) < 0)
                return -1;
            continue;
        }
        const struct command *def = command_find(word);
        if (!def)
            return REFUSE(parsing, "unknown command: '%s'", word);
        parsing->cmd = cmd_new(parsing->shell, def);
    }
    *ret_more = kind == WORD_NEXT;
    if (kind == WORD_BAD)
        return -1;
    return parsing->cmd ? complete(parsing) : 0;
}

int parse(struct shell *shell, struct words *words, struct cmd **ret)
{
    struct cmd *first = NULL, **last = &first;
    bool more = true;
    while (more) {
        struct parsing parsing = {.shell = shell, .words = words};
        int result = parse_one(&parsing, &more);
        *last = parsing.cmd;
        if (result < 0) {
            cmd_free(first);
            return -1;
        }
        if (*last)
            last = &(*last)->next;
    }
    *ret = first;
    return 0;
}

void parse_partial(struct shell *shell, struct words *words, struct cmd **ret,
                   const struct cmd_option **ret_waiting)
{
    bool more = true;
    *ret = NULL;
    *ret_waiting = NULL;
    while (more) {
        struct parsing parsing = {.shell = shell, .words = words, .partial = true};
        more = false;
        parse_one(&parsing, &more);
        cmd_free(*ret);
        *ret = parsing.cmd;
        *ret_waiting = parsing.waiting;
    }
}

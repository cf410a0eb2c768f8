/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Help: from the tables, in stock's layout; and the tables of commands themselves. */
#include <stdio.h>

#include "virsh/program.h"

static const struct entry *entries_end(void)
{
    return program.entries + program.entry_count;
}

const struct command *command_find(const char *name)
{
    for (const struct entry *entry = program.entries; entry < entries_end(); entry++)
        if (entry->def && str_eq(entry->def->name, name))
            return entry->def->is & IS_ALIAS ? command_find(entry->def->help) : entry->def;
    return NULL;
}

void commands_each(void (*each)(void *data, const struct command *def), void *data)
{
    for (const struct entry *entry = program.entries; entry < entries_end(); entry++)
        if (entry->def && !(entry->def->is & IS_ALIAS))
            each(data, entry->def);
}

/* The commands of a group, a line each. */
static void print_commands(const struct entry *group)
{
    for (const struct entry *entry = group + 1; entry < entries_end() && !entry->title; entry++)
        if (entry->def && !(entry->def->is & (IS_ALIAS | IS_INTERNAL | IS_NEW)))
            printf("    %-30s %s\n", entry->def->name, entry->def->help);
}

void help_groups(bool colon)
{
    for (const struct entry *group = program.entries; group < entries_end(); group++) {
        if (!group->title)
            continue;
        printf(" %s (help keyword '%s')%s\n", group->title, group->key, colon ? ":" : "");
        print_commands(group);
        printf("\n");
    }
}

static bool is_positional(const struct cmd_option *option)
{
    return option->is & IS_POSITIONAL;
}

static void print_synopsis(const struct cmd_option *option)
{
    const char *type = option->kind == OPTION_NUMBER ? "number" : "string";
    const char *name = option->name;
    bool required = option->is & IS_REQUIRED;
    if (option->is & IS_UNNAMED)
        printf(" [<%s>]...", name);
    else if (option->kind == OPTION_FLAG)
        printf(" [--%s]", name);
    else if (option->is & IS_REPEATED)
        printf(required ? " {[--%s] <%s>}..." : " [[--%s] <%s>]...", name, type);
    else if (is_positional(option))
        printf(required ? " <%s>" : " [<%s>]", name);
    else
        printf(required ? " --%s <%s>" : " [--%s <%s>]", name, type);
}

static void print_option(const struct cmd_option *option)
{
    auto_free char *left = NULL;
    const char *type = option->kind == OPTION_NUMBER ? "number" : "string";
    if (option->is & IS_UNNAMED)
        left = mem_printf("<%s>", option->name);
    else if (option->kind == OPTION_FLAG)
        left = mem_printf("--%s", option->name);
    else if (is_positional(option))
        left = mem_printf("[--%s] <%s>", option->name, type);
    else
        left = mem_printf("--%s <%s>", option->name, type);
    printf("    %-15s  %s\n", left, option->help);
}

static bool is_shown(const struct cmd_option *option)
{
    return option->kind != OPTION_ALIAS && !(option->is & IS_HIDDEN);
}

void help_command(const struct command *def)
{
    printf("  NAME\n    %s - %s\n\n  SYNOPSIS\n    %s", def->name, def->help, def->name);
    for (const struct cmd_option *option = def->options; option && option->name; option++)
        if (is_shown(option))
            print_synopsis(option);
    printf("\n");
    if (def->description)
        printf("\n  DESCRIPTION\n    %s\n", def->description);
    bool titled = false;
    for (const struct cmd_option *option = def->options; option && option->name; option++) {
        if (!is_shown(option))
            continue;
        if (!titled)
            printf("\n  OPTIONS\n");
        titled = true;
        print_option(option);
    }
    printf("\n");
}

int help_topic(struct shell *shell, const char *topic)
{
    const struct command *def = command_find(topic);
    if (def) {
        help_command(def);
        return 0;
    }
    for (const struct entry *group = program.entries; group < entries_end(); group++) {
        if (!group->title || !str_eq(group->key, topic))
            continue;
        printf(" %s (help keyword '%s'):\n", group->title, group->key);
        print_commands(group);
        return 0;
    }
    shell_error(shell, "command or command group '%s' doesn't exist", topic);
    return -1;
}

void help_usage(void)
{
    printf("\n%s [options]... [<command_string>]\n%s [options]... <command> [args...]\n\n"
           "  options:\n%s  commands (non interactive mode):\n\n",
           program.name, program.name, program.usage);
    help_groups(false);
    fputs("\n  (specify help <group> for details about the commands in the group)\n\n"
          "  (specify help <command> for details about the command)\n\n",
          stdout);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Help as JSON: the tables for programs: documentation, manual page and completion are made from it. */
#include "virsh/program.h"

static void add_bool(struct cmd *cmd, const char *key, bool value)
{
    if (value)
        field_as(cmd, key, NULL, "true", "");
}

static void add_option(struct cmd *cmd, const struct cmd_option *option)
{
    static const char *const kinds[] = {"", "flag", "string", "number", "alias"};
    open_object(cmd, NULL);
    field(cmd, "name", NULL, option->name);
    field(cmd, "kind", NULL, kinds[option->kind]);
    field(cmd, option->kind == OPTION_ALIAS ? "target" : "help", NULL, option->help);
    add_bool(cmd, "required", option->is & IS_REQUIRED);
    add_bool(cmd, "positional", option->is & IS_POSITIONAL);
    add_bool(cmd, "repeated", option->is & IS_REPEATED);
    add_bool(cmd, "unnamed", option->is & IS_UNNAMED);
    add_bool(cmd, "new", option->is & IS_HIDDEN);
    if (option->words)
        field(cmd, "words", NULL, option->words);
    close_one(cmd);
}

static void add_command(struct cmd *cmd, const struct command *def)
{
    open_object(cmd, NULL);
    field(cmd, "name", NULL, def->name);
    field(cmd, "help", NULL, def->help);
    field(cmd, "description", NULL, def->description);
    add_bool(cmd, "new", def->is & IS_NEW);
    add_bool(cmd, "streaming", def->is & IS_STREAMING);
    field(cmd, "json", NULL, def->json ? def->json : "{message: string}");
    open_array(cmd, "options");
    for (const struct cmd_option *option = def->options; option && option->name; option++)
        add_option(cmd, option);
    close_one(cmd);
    close_one(cmd);
}

int help_json(struct cmd *cmd, const char *topic)
{
    const struct command *only = topic ? command_find(topic) : NULL;
    bool open = false;
    open_array(cmd, NULL);
    for (size_t i = 0; i < program.entry_count; i++) {
        const struct entry *entry = &program.entries[i];
        if (entry->title) {
            for (; open; open = false) {
                close_one(cmd);
                close_one(cmd);
            }
            if (!topic || only || str_eq(topic, entry->key)) {
                open_object(cmd, NULL);
                field(cmd, "key", NULL, entry->key);
                field(cmd, "title", NULL, entry->title);
                open_array(cmd, "commands");
                open = true;
            }
        } else if (open && entry->def && !(entry->def->is & (IS_ALIAS | IS_INTERNAL)) &&
                   (!only || only == entry->def)) {
            add_command(cmd, entry->def);
        }
    }
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Entries: the list of commands that COMMANDS (a .def file) names, as `entries`. Included once, by program.c.
 * A command that nobody wrote yet is no command.
 */
#define GROUP(key, title)
#define COMMAND(name) extern const struct command cmd_##name __attribute__((__weak__));
#include COMMANDS
#undef GROUP
#undef COMMAND

static const struct entry entries[] = {
#define GROUP(key, title) {key, title, NULL},
#define COMMAND(name) {NULL, NULL, &cmd_##name},
#include COMMANDS
#undef GROUP
#undef COMMAND
};

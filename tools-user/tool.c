/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tool.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/roff.h"

enum { OPTIONS_MAX = 16, MANUAL = 256 };

static void print_manual(const struct tool *tool)
{
    roff_title(tool->name, 1);
    puts(".SH NAME");
    roff_text(tool->name);
    fputs(" \\- ", stdout);
    roff_text(tool->purpose);
    fputs("\n.SH SYNOPSIS\n.B ", stdout);
    roff_text(tool->name);
    putchar('\n');
    roff_text(tool->arguments);
    puts("\n.SH DESCRIPTION");
    for (const char *const *paragraph = tool->text; *paragraph; paragraph++) {
        if (paragraph != tool->text)
            puts(".PP");
        roff_text(*paragraph);
        putchar('\n');
    }
    puts(".SH OPTIONS");
    for (const struct tool_option *option = tool->options; option->name; option++) {
        auto_free char *term =
            mem_printf("-%c, --%s%s%s", option->letter, option->name, option->argument ? " " : "",
                       option->argument ? option->argument : "");

        roff_item(term, option->help);
    }
    roff_item("-h, --help", "Print a summary of the options.");
    puts(".SH EXIT STATUS");
    roff_text(tool->status);
    puts("\n.SH SEE ALSO");
    roff_text(tool->see_also);
    putchar('\n');
}

void tool_misused(const struct tool *tool, int status)
{
    fputs(tool->usage, stderr);
    exit(status);
}

int tool_next(const struct tool *tool, int argc, char **argv, int wrong)
{
    struct option options[OPTIONS_MAX] = {{"help", no_argument, NULL, 'h'},
                                          {"manual", no_argument, NULL, MANUAL}};
    char letters[2 * OPTIONS_MAX] = "h";
    size_t count = 2, length = 1;
    int found;

    for (const struct tool_option *row = tool->options; row->name && count < OPTIONS_MAX - 1; row++) {
        options[count++] =
            (struct option){row->name, row->argument ? required_argument : no_argument, NULL, row->letter};
        letters[length++] = row->letter;
        if (row->argument)
            letters[length++] = ':';
    }
    found = getopt_long(argc, argv, letters, options, NULL);
    switch (found) {
    case 'h':
        fputs(tool->usage, stdout);
        exit(EXIT_SUCCESS);
    case MANUAL:
        print_manual(tool);
        exit(EXIT_SUCCESS);
    case '?':
        tool_misused(tool, wrong);
    }
    for (const struct tool_option *row = tool->options; row->name; row++)
        if (row->letter == found && !strcmp(row->name, "version")) {
            puts(tool->version);
            exit(EXIT_SUCCESS);
        }
    return found;
}

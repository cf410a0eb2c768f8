/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tool: what a small program is, written once: its options are read, and its manual page is made, from here.
 */
#pragma once

struct tool_option {
    char letter;
    const char *name;
    const char *argument; /* "URI"; NULL: it has none */
    const char *help;
};

struct tool {
    const char *name, *purpose;        /* "virt-host-validate", "check whether ..." */
    const char *arguments;             /* "[OPTION...] FILE" */
    const char *const *text;           /* paragraphs of plain text; ends with NULL */
    const struct tool_option *options; /* beside -h; ends with a NULL name */
    const char *status;                /* what its exit status tells */
    const char *see_also;              /* "virsh(1)" */
    const char *usage;   /* what --help prints; its layout is known to scripts and stays as it is */
    const char *version; /* what --version prints */
};

/* The version's letter in tool.options differs from tool to tool; so that the rows look alike: */
#define TOOL_VERSION(letter)                                                                                 \
    {                                                                                                        \
        letter, "version", NULL, "Print the version."                                                        \
    }

/*
 * The letter of the next option on the command line, its argument in optarg; -1 at their end, with optind at
 * what follows. Help, version and the manual page (--manual) are printed here and end the process; so does a
 * wrong option, with `wrong`.
 */
int tool_next(const struct tool *tool, int argc, char **argv, int wrong);
/* Ends the process with this status, after the usage on stderr. */
_Noreturn void tool_misused(const struct tool *tool, int status);

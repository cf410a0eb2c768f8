/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Program: what makes virsh virsh and virt-admin virt-admin. Each has one, in its program.c. */
#pragma once

#include "virsh/frame.h"

/* Of the one list of commands: a group begins where title is set. */
struct entry {
    const char *key, *title;
    const struct command *def;
};

extern const struct program {
    const char *name;         /* "virsh": prompt, history */
    const char *title;        /* "Virsh": --version=long */
    const char *terminal;     /* "virtualization": ... interactive terminal */
    const char *variables;    /* "VIRSH": environment variables begin with it, and lines of the log name it */
    const char *uri_variable; /* "VIRSH_DEFAULT_CONNECT_URI", or NULL */
    const char *options;      /* for getopt_long: of main.c's options, those that there are */
    const char *usage;        /* the text about them */
    const struct entry *entries;
    size_t entry_count;
    int (*action)(struct cmd *cmd); /* runs commands without a function of their own; NULL: there are none */
} program;

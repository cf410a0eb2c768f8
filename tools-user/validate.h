/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Validate: is this host fit for a kind of machine? One table of checks a kind; each check looks at files of
 * the kernel and says yes or no, and what to do about a no.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

struct validate {
    const char *root; /* goes before every path: "" for the host itself */
    const char *arch; /* as `uname -m` tells it */
    FILE *out;
    bool quiet;  /* write nothing at all */
    bool colour; /* for a terminal */
};

/* "qemu" or "lxc"; NULL ends the list. */
extern const char *const validate_kinds[];
/* Run and print all checks of one kind. False when a check that must hold doesn't. */
bool validate_run(const struct validate *validate, const char *kind);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the files of the daemon skeleton. */
#pragma once

#include "loop/daemon.h"

/* What main takes: getopt, --help and the manual page read this table; it ends with a NULL name. */
struct daemon_option {
    int letter;                      /* from DAEMON_OPTION_LONG on: there is no letter for it */
    const char *name, *value, *help; /* a value in brackets may be left out */
};
enum { DAEMON_OPTION_LONG = 256 };
extern const struct daemon_option daemon_options_table[];
enum { DAEMON_OPTION_TEXT = 48 };
/* "--config=FILE", "--sample-config[=FILE]" */
const char *daemon_option_text(const struct daemon_option *option, char text[DAEMON_OPTION_TEXT]);

/*
 * To stdout: the configuration file (NULL: its own) with every key and its default; the manual page. -1:
 * there is no such file.
 */
int daemon_print_sample(const struct daemon *daemon, const char *file);
void daemon_print_manual(const struct daemon *daemon);
/* The common keys and the daemon's own. */
const struct conf_key *daemon_all_keys(const struct daemon *daemon, struct arena *arena);

/*
 * Fill the daemon from main's arguments. 0: go on; 1: all done (--help, --version); -1: wrong, said on
 * stderr.
 */
int daemon_options(struct daemon *daemon, int argc, char **argv);
/* Read the configuration file into fresh memory of the arena; ret_conf begins with a struct daemon_conf. */
int daemon_read_conf(const struct daemon *daemon, struct arena *arena, struct daemon_conf **ret_conf,
                     struct err *err);
/* Levels, filters and outputs, from the options, the environment and the file, in this order. */
int daemon_set_logging(const struct daemon *daemon, const struct daemon_conf *conf, struct err *err);

/*
 * Go on in the background: the caller's process waits in here until daemon_tell_ready and then ends, only the
 * new process returns. 0 or -errno.
 */
int daemon_to_background(struct daemon *daemon);
void daemon_tell_ready(struct daemon *daemon);

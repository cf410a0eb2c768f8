/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frame: what the parts of virsh itself share; command families include only virsh.h. */
#pragma once

#include <signal.h>
#include <stdio.h>

#include "virsh/virsh.h"

/* What was given for one option, in order; the value is owned. */
struct given {
    const struct cmd_option *option;
    char *value; /* NULL: a flag */
    struct given *next;
};

struct owned {
    void *object;
    void (*release)(void *object);
    struct owned *next;
};

/* A JSON document that grows; depth 0: nothing opened yet. */
enum { JSON_DEPTH = 16 };
struct json {
    struct buf text;
    unsigned depth;
    char closers[JSON_DEPTH];
    bool filled[JSON_DEPTH]; /* the container holds something */
};

/* One command line, parsed. */
struct cmd {
    struct shell *shell;
    const struct command *def;
    struct given *given;
    struct owned *owned;
    struct cmd *next;
    struct json json;
    enum layout layout;
    bool as_json;
    bool abandoned; /* its --timeout passed: it may say nothing more */
    const char **strings;
};

/* The program: one, in main.c. */
struct shell {
    char *uri;  /* NULL: the library chooses */
    void *conn; /* virConnectPtr; virt-admin: virAdmConnectPtr */
    char *log_path;
    int log_fd;
    int keepalive_interval, keepalive_count; /* -1: not given */
    virErrorPtr error;                       /* kept: what report_error() tells instead of the last one */
    const char *escape;
    bool readonly, quiet, timing, interactive, json;
    bool looping;
    volatile bool leaving;
    volatile sig_atomic_t disconnected;
};

/* NULL: unknown. Aliases are found too. */
const struct command *command_find(const char *name);
const struct cmd_option *option_find(const struct command *def, const char *name);
void commands_each(void (*each)(void *data, const struct command *def), void *data);
/* Options that every command has: json, timeout. */
extern const struct cmd_option common_options[];

/* Words of a line, or of an argument vector (line NULL). */
struct words {
    char **argv;
    const char *line;
};
/* 0 and a list of commands, or -1 after telling. */
int parse(struct shell *shell, struct words *words, struct cmd **ret);
/* A line that is being typed: the last command as far as it is understood (NULL: none yet), and the option at
 * its end that waits for its value. Tells nothing. */
void parse_partial(struct shell *shell, struct words *words, struct cmd **ret,
                   const struct cmd_option **ret_waiting);
/* The option that the next word without a name goes to; NULL: none is left. */
const struct cmd_option *next_positional(struct cmd *cmd);
void cmd_free(struct cmd *cmd); /* and those behind it; NULL is fine */
struct cmd *cmd_new(struct shell *shell, const struct command *def);
void cmd_release(struct cmd *cmd);
void cmd_give(struct cmd *cmd, const struct cmd_option *option, const char *value);

/* Run all; the result of the last. */
int run_all(struct shell *shell, struct cmd *cmds);
int run_line(struct shell *shell, const char *line);
int action_run(struct cmd *cmd);
int interact(struct shell *shell);

/* Connect (again). 0, or -1 after telling. */
int shell_connect(struct shell *shell, const char *uri, bool readonly);
/* For completion: only what is near and asks nothing; tells nothing. */
bool shell_connect_quietly(struct shell *shell);
void shell_start_loop(struct shell *shell);
void shell_disconnect(struct shell *shell);

void shell_error(struct shell *shell, const char *format, ...) PRINTF(2, 3);
void shell_log(struct shell *shell, const char *level, const char *text);
/* The library's last error as a line of its own, if there is one; forgotten then. */
void report_error(struct shell *shell);
/* What virSetErrorFunc() gets. */
void on_library_error(void *data, virErrorPtr error);

void help_command(const struct command *def);
/* All groups; behind their titles a colon, as `help` has it and --help doesn't. */
void help_groups(bool colon);
void help_usage(void);
int help_topic(struct shell *shell, const char *topic);
/* The tables themselves; topic: a command or a group, NULL: all. */
int help_json(struct cmd *cmd, const char *topic);

void json_end(struct json *json, FILE *to);
void json_open(struct json *json, const char *key, char opener);
void json_close(struct json *json);
void json_raw(struct json *json, const char *key, const char *value);
void json_string(struct json *json, const char *key, const char *value);

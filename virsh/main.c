/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Main: options of the program itself, then one line of commands or the interactive shell. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <unistd.h>

#include "virsh/program.h"

enum { KEY_VERSION = 256, KEY_JSON, KEY_NO_AGENT };

static const struct option rows[] = {
    {"connect", required_argument, NULL, 'c'},
    {"debug", required_argument, NULL, 'd'},
    {"escape", required_argument, NULL, 'e'},
    {"help", no_argument, NULL, 'h'},
    {"json", no_argument, NULL, KEY_JSON},
    {"keepalive-count", required_argument, NULL, 'K'},
    {"keepalive-interval", required_argument, NULL, 'k'},
    {"log", required_argument, NULL, 'l'},
    {"no-pkttyagent", no_argument, NULL, KEY_NO_AGENT},
    {"quiet", no_argument, NULL, 'q'},
    {"readonly", no_argument, NULL, 'r'},
    {"timing", no_argument, NULL, 't'},
    {"version", optional_argument, NULL, KEY_VERSION},
    {0},
};

static void show_version(bool all)
{
    enum { MAJOR = 1000000, MINOR = 1000 };
    auto_free char *version =
        mem_printf("%d.%d.%d", LIBVIR_VERSION_NUMBER / MAJOR, LIBVIR_VERSION_NUMBER / MINOR % MINOR,
                   LIBVIR_VERSION_NUMBER % MINOR);
    if (all)
        printf("%s of Vireo, with the API of libvirt %s\n", program.title, version);
    else
        printf("%s\n", version);
}

/* --debug: nothing is traced yet, but what is out of range is told as stock does. */
static int set_debug(struct shell *shell, const char *text, const char *where)
{
    int level;
    if (str_to_i32(text, &level) < 0) {
        shell_error(shell, "option %s takes a numeric argument", where);
        return -1;
    }
    if (level < 0 || level > 4)
        shell_error(shell, "ignoring debug level %d out of range [0-4]", level);
    return 0;
}

static int set_positive(struct shell *shell, int key, int *ret)
{
    if (str_to_i32(optarg, ret) < 0) {
        shell_error(shell, "Invalid value for option %s", key == 'k' ? "-k" : "-K");
        return -1;
    }
    if (*ret < 0) {
        shell_error(shell, "option %s requires a positive integer argument", key == 'k' ? "-k" : "-K");
        return -1;
    }
    return 0;
}

/* "^]" is the control character, one letter is itself. */
static int set_escape(struct shell *shell, const char *text)
{
    size_t length = strlen(text);
    if ((length == 2 && *text == '^') || (length == 1 && *text != '^')) {
        shell->escape = text;
        return 0;
    }
    shell_error(shell, "Invalid string '%s' for escape sequence", text);
    return -1;
}

static int open_log(struct shell *shell, const char *path)
{
    shell->log_fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (shell->log_fd >= 0)
        return 0;
    shell_error(shell, "failed to open the log file. check the log file path");
    return -1;
}

static void refuse(struct shell *shell, char **argv, int key)
{
    if (key == '?') {
        if (optopt && optopt < KEY_VERSION)
            shell_error(shell, "unsupported option '-%c'. See --help.", optopt);
        else
            shell_error(shell, "unsupported option '%s'. See --help.", argv[optind - 1]);
        return;
    }
    for (const struct option *row = rows; row->name; row++)
        if (row->val == optopt) {
            shell_error(shell, "option '-%c'/'--%s' requires an argument", optopt, row->name);
            return;
        }
    shell_error(shell, "option '-%c' requires an argument", optopt);
}

/* 1: go on; 0: done; -1: wrong. */
static int take_option(struct shell *shell, char **argv, int key)
{
    if (key < KEY_VERSION && key != ':' && !strchr(program.options, key))
        key = '?'; /* a long name of the other program */
    switch (key) {
    case 'c':
        free(shell->uri);
        shell->uri = mem_strdup(optarg);
        return 1;
    case 'd':
        return set_debug(shell, optarg, "-d") < 0 ? -1 : 1;
    case 'e':
        return set_escape(shell, optarg) < 0 ? -1 : 1;
    case 'k':
        return set_positive(shell, key, &shell->keepalive_interval) < 0 ? -1 : 1;
    case 'K':
        return set_positive(shell, key, &shell->keepalive_count) < 0 ? -1 : 1;
    case 'l':
        return open_log(shell, optarg) < 0 ? -1 : 1;
    case 'q':
        shell->quiet = true;
        return 1;
    case 'r':
        shell->readonly = true;
        return 1;
    case 't':
        shell->timing = true;
        return 1;
    case KEY_JSON:
        shell->json = true;
        return 1;
    case KEY_NO_AGENT:
        return 1;
    case 'h':
        help_usage();
        return 0;
    case 'V':
    case 'v':
    case KEY_VERSION:
        show_version(key == 'V' || (key == KEY_VERSION && str_eq(optarg, "long")));
        return 0;
    default:
        refuse(shell, argv, key);
        return -1;
    }
}

/* The variable of this program: VIRSH_NAME. */
static const char *environment(const char *name)
{
    auto_free char *variable = mem_printf("%s_%s", program.variables, name);
    return getenv(variable);
}

static void take_environment(struct shell *shell)
{
    const char *value = environment("DEBUG");
    int level;
    if (value && str_to_i32(value, &level) < 0)
        shell_error(shell, "%s_DEBUG not set with a valid numeric value", program.variables);
    value = environment("LOG_FILE");
    if (!str_empty(value) && shell->log_fd < 0)
        open_log(shell, value);
    value = program.uri_variable ? getenv(program.uri_variable) : NULL;
    if (value && !shell->uri)
        shell->uri = mem_strdup(value);
}

static int start_library(struct shell *shell)
{
    virSetErrorFunc(NULL, on_library_error);
    if (virInitialize() < 0 || virEventRegisterDefaultImpl() < 0) {
        shell_error(shell, "Failed to initialize libvirt");
        report_error(shell);
        return -1;
    }
    return 0;
}

/* A command that has a time limit connects within that. */
static bool is_limited(char **argv)
{
    for (; *argv; argv++)
        if (strstr(*argv, "--timeout"))
            return true;
    return false;
}

static int run(struct shell *shell, char **argv)
{
    if (shell->uri && !is_limited(argv) && shell_connect(shell, shell->uri, shell->readonly) < 0) {
        report_error(shell);
        return -1;
    }
    if (shell->interactive)
        return interact(shell);
    if (!argv[1])
        return run_line(shell, argv[0]);
    struct words words = {.argv = argv};
    struct cmd *cmds;
    return parse(shell, &words, &cmds) < 0 ? -1 : run_all(shell, cmds);
}

int main(int argc, char **argv)
{
    struct shell shell = {.log_fd = -1, .keepalive_interval = -1, .keepalive_count = -1, .escape = "^]"};
    setlocale(LC_ALL, "");
    opterr = 0;
    int key;
    while ((key = getopt_long(argc, argv, program.options, rows, NULL)) != -1) {
        int result = take_option(&shell, argv, key);
        if (result <= 0) {
            free(shell.uri);
            return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        }
    }
    take_environment(&shell);
    shell.interactive = optind == argc;
    int result = start_library(&shell);
    if (result == 0)
        result = run(&shell, argv + optind);
    shell.leaving = true;
    shell_disconnect(&shell);
    free(shell.uri);
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

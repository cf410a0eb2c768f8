/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a daemon does before it is one: options, configuration, logging, background. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/enum.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "loop/daemon-private.h"
#include "loop/log-output.h"

/* -- options -- */

enum { OPTION_ROOT = DAEMON_OPTION_LONG, OPTION_EMBED, OPTION_SESSION, OPTION_SAMPLE, OPTION_MANUAL };

const struct daemon_option daemon_options_table[] = {
    {'h', "help", NULL, "show this text and leave"},
    {'v', "verbose", NULL, "log what goes on (log_level 2)"},
    {'d', "daemon", NULL, "go to the background when ready"},
    {'f', "config", "FILE", "configuration file"},
    {'t', "timeout", "SEC", "leave after SEC seconds without clients and work; 0: never"},
    {'p', "pid-file", "FILE", "pid file"},
    {'V', "version", NULL, "show the version and leave"},
    {OPTION_ROOT, "root", "DIR", "keep everything below DIR (an instance of its own)"},
    {OPTION_EMBED, "embed", "FD", "serve the connected socket FD alone and leave with it"},
    {OPTION_SESSION, "session", NULL, "serve this user alone, also when it is root"},
    {OPTION_SAMPLE, "sample-config", "[FILE]", "print a configuration file with all keys and leave"},
    {OPTION_MANUAL, "manual", NULL, "print the manual page (for man -l) and leave"},
    {0},
};
enum { OPTIONS_MAX = 32 };

const char *daemon_option_text(const struct daemon_option *option, char text[DAEMON_OPTION_TEXT])
{
    const char *value = option->value ? option->value : "";
    bool optional = value[0] == '[';

    snprintf(text, DAEMON_OPTION_TEXT, "--%s%s%s", option->name,
             optional ? "[="
             : *value ? "="
                      : "",
             value + optional);
    return text;
}

static void show_help(const struct daemon *daemon)
{
    printf("Usage: %s [OPTION...]\n%s %s.\n\n", daemon->spec->name, daemon->spec->name,
           daemon->spec->purpose);
    for (const struct daemon_option *option = daemon_options_table; option->name; option++) {
        char letter[] = {'-', (char)option->letter, ',', ' ', '\0'};
        char name[DAEMON_OPTION_TEXT];

        printf("  %4s%-23s %s\n", option->letter < DAEMON_OPTION_LONG ? letter : "",
               daemon_option_text(option, name), option->help);
    }
    printf("\nConfiguration: %s/libvirt/%s.conf, for a user's own daemon libvirt/%s.conf below "
           "XDG_CONFIG_HOME.\n",
           SYSCONFDIR, daemon->spec->name, daemon->spec->name);
}

static int wrong(const struct daemon *daemon, const char *what, const char *value)
{
    fprintf(stderr, "%s: %s '%s'; --help shows the options\n", daemon->spec->name, what, value);
    return -1;
}

static int set_option(struct daemon *daemon, int letter, const char *value)
{
    uint32_t seconds, fd;

    switch (letter) {
    case 'h':
        show_help(daemon);
        return 1;
    case 'V':
        printf("%s (%s) %s\n", daemon->spec->name, PACKAGE_NAME, PACKAGE_VERSION);
        return 1;
    case OPTION_SESSION:
        daemon->privileged = false;
        return 0;
    case OPTION_SAMPLE:
        if (daemon_print_sample(daemon, value) < 0)
            return wrong(daemon, "there is no configuration file", value);
        return 1;
    case OPTION_MANUAL:
        daemon_print_manual(daemon);
        return 1;
    case 'v':
        daemon->verbose = true;
        return 0;
    case 'd':
        daemon->in_background = true;
        return 0;
    case 'f':
        daemon->conf_path = value;
        return 0;
    case 'p':
        daemon->pid_path = value;
        return 0;
    case 't':
        if (str_to_u32(value, &seconds) < 0)
            return wrong(daemon, "--timeout needs a number of seconds, not", value);
        daemon->idle_usec = SECONDS(seconds);
        return 0;
    case OPTION_EMBED:
        if (!daemon->spec->serve || str_to_u32(value, &fd) < 0 || fd > INT_MAX)
            return wrong(daemon, "--embed needs a descriptor, not", value);
        daemon->embed_fd = (int)fd;
        return fd_set_cloexec(daemon->embed_fd, true);
    case OPTION_ROOT:
        daemon->root = value;
        return 0;
    default:
        return -1; /* getopt said why */
    }
}

static int argument_of(const struct daemon_option *option)
{
    if (!option->value)
        return no_argument;
    return option->value[0] == '[' ? optional_argument : required_argument;
}

int daemon_options(struct daemon *daemon, int argc, char **argv)
{
    struct option longs[OPTIONS_MAX] = {0};
    char letters[OPTIONS_MAX * 2];
    char *at = letters;
    int letter, r;

    _Static_assert(sizeof(daemon_options_table) / sizeof(*daemon_options_table) <= OPTIONS_MAX, "room");
    for (size_t i = 0; daemon_options_table[i].name; i++) {
        const struct daemon_option *option = &daemon_options_table[i];

        longs[i] =
            (struct option){.name = option->name, .has_arg = argument_of(option), .val = option->letter};
        if (option->letter >= DAEMON_OPTION_LONG)
            continue;
        *at++ = (char)option->letter;
        if (option->value)
            *at++ = ':';
    }
    *at = '\0';
    while ((letter = getopt_long(argc, argv, letters, longs, /* longindex= */ NULL)) != -1) {
        r = set_option(daemon, letter, optarg);
        if (r != 0)
            return r;
    }
    return optind < argc ? wrong(daemon, "unexpected argument", argv[optind]) : 0;
}

/* -- configuration -- */

static size_t key_count(const struct conf_key *keys)
{
    size_t count = 0;

    while (keys && keys[count].name)
        count++;
    return count;
}

const struct conf_key *daemon_all_keys(const struct daemon *daemon, struct arena *arena)
{
    const struct conf_key *own = daemon->spec->keys;
    size_t common_count = key_count(daemon_keys), own_count = key_count(own);
    struct conf_key *keys = ARENA_ARRAY(arena, struct conf_key, common_count + own_count + 1);

    /* its own come first: they are what a reader looks for */
    if (own_count)
        memcpy(keys, own, own_count * sizeof(*keys));
    memcpy(keys + own_count, daemon_keys, common_count * sizeof(*keys));
    return keys;
}

/* The sample file shows "" for what isn't set; so that is what it means. */
static void forget_empty(const struct conf_key *keys, void *conf)
{
    for (const struct conf_key *key = keys; key->name; key++) {
        const char **text = (const char **)(void *)((char *)conf + key->offset);

        if (key->type == CONF_STRING && str_empty(*text))
            *text = NULL;
    }
}

int daemon_read_conf(const struct daemon *daemon, struct arena *arena, struct daemon_conf **ret_conf,
                     struct err *err)
{
    const struct daemon_spec *spec = daemon->spec;
    void *conf = arena_alloc(arena, spec->conf_size ? spec->conf_size : sizeof(struct daemon_conf));
    const struct conf_key *keys = daemon_all_keys(daemon, arena);
    const char *path = daemon->conf_path;
    bool found;

    if (!path)
        path = arena_printf(arena, "%s/%s.conf", daemon->paths.etc, spec->name);
    if (conf_read_file(arena, keys, path, /* flags= */ 0, conf, &found, err) < 0)
        return -1;
    if (!found && daemon->conf_path)
        return err_system(err, ENOENT, "cannot read configuration file '%s'", path);
    forget_empty(keys, conf);
    *ret_conf = conf;
    return 0;
}

/* -- logging -- */

static int env_level(const char *text, unsigned *ret, struct err *err)
{
    int named = enum_find(log_level_names, text);
    uint32_t level;

    if (named < 0 && (str_to_u32(text, &level) < 0 || level < LEVEL_DEBUG || level > LEVEL_MAX))
        return err_set(err, ERR_INVALID_ARG,
                       "LIBVIRT_DEBUG='%s' is not a level: 1 to 4 or debug, info, warning, error", text);
    *ret = named < 0 ? level : (unsigned)named;
    return 0;
}

int daemon_set_logging(const struct daemon *daemon, const struct daemon_conf *conf, struct err *err)
{
    const char *level_text = getenv("LIBVIRT_DEBUG"), *filters = getenv("LIBVIRT_LOG_FILTERS");
    const char *outputs = getenv("LIBVIRT_LOG_OUTPUTS");
    auto_free char *fallback = NULL;
    auto_free char *file = NULL;
    unsigned level = conf->log_level;

    if (daemon->verbose && level > LEVEL_INFO)
        level = LEVEL_INFO;
    if (!str_empty(level_text) && env_level(level_text, &level, err) < 0)
        return -1;
    if (str_empty(filters))
        filters = conf->log_filters;
    if (str_empty(outputs))
        outputs = conf->log_outputs;
    if (str_empty(outputs)) {
        if (!daemon->privileged)
            file = mem_printf("%s/%s.log", daemon->paths.log, daemon->spec->name);
        fallback = log_outputs_default(daemon->spec->name, daemon->in_background, file);
        outputs = fallback;
    }
    log_outputs_name(daemon->spec->name);
    if (log_set_level(level, err) < 0 || log_set_filters(filters, err) < 0)
        return -1;
    return log_outputs_set(outputs, err);
}

/* -- background -- */

static _Noreturn void await_ready(const struct daemon *daemon, int fd)
{
    char status;

    /* a byte when ready; nothing when the daemon ended before */
    if (fd_read_all(fd, &status, 1) == 1)
        _exit(EXIT_SUCCESS);
    fprintf(stderr, "%s: did not start; the reason is in its log\n", daemon->spec->name);
    _exit(EXIT_FAILURE);
}

int daemon_to_background(struct daemon *daemon)
{
    int fds[2];
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    pid = fork();
    if (pid < 0) {
        close(fds[0]);
        close(fds[1]);
        return -errno;
    }
    close(fds[pid ? 1 : 0]);
    if (pid)
        await_ready(daemon, fds[0]);
    daemon->ready_fd = fds[1];
    return setsid() < 0 || chdir("/") < 0 ? -errno : 0;
}

void daemon_tell_ready(struct daemon *daemon)
{
    auto_fd int null = -1;

    if (daemon->ready_fd < 0)
        return;
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; null >= 0 && fd <= 2; fd++)
        (void)dup2(null, fd);
    (void)fd_write_all(daemon->ready_fd, "", 1);
    fd_close(&daemon->ready_fd);
}

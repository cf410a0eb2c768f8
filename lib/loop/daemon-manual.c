/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemon's own documents, made from the tables that it works by: sample configuration file, manual page.
 */
#include "config.h"

#include <stdio.h>

#include "base/roff.h"
#include "base/str.h"
#include "loop/daemon-private.h"

int daemon_print_sample(const struct daemon *daemon, const char *file)
{
    auto_arena struct arena arena = {0};
    auto_buf struct buf text = {0};
    const struct daemon_file *other = daemon->spec->files;
    const char *own = arena_printf(&arena, "%s.conf", daemon->spec->name);

    while (file && other && other->name && !str_eq(other->name, file))
        other++;
    if (!file || str_eq(file, own))
        conf_sample(daemon_all_keys(daemon, &arena),
                    arena_printf(&arena, "Configuration of %s", daemon->spec->name), &text);
    else if (other && other->name)
        conf_sample(other->keys, arena_printf(&arena, "%s: configuration of %s", file, daemon->spec->name),
                    &text);
    else
        return -1;
    fputs(buf_text(&text), stdout);
    return 0;
}

static void options(void)
{
    puts(".SH OPTIONS");
    for (const struct daemon_option *option = daemon_options_table; option->name; option++) {
        char text[DAEMON_OPTION_TEXT], term[DAEMON_OPTION_TEXT + 4];
        char letter[] = {'-', (char)option->letter, ',', ' ', '\0'};

        snprintf(term, sizeof(term), "%s%s", option->letter < DAEMON_OPTION_LONG ? letter : "",
                 daemon_option_text(option, text));
        roff_item(term, option->help);
    }
}

static void keys(const char *file, const struct conf_key *key)
{
    printf(".SS %s\n", file);
    for (; key->name; key++) {
        auto_arena struct arena arena = {0};

        roff_item(key->fallback ? arena_printf(&arena, "%s = %s", key->name, key->fallback) : key->name,
                  key->help ? key->help : "");
    }
}

static void configuration(const struct daemon *daemon)
{
    auto_arena struct arena arena = {0};
    const struct daemon_file *file = daemon->spec->files;

    puts(".SH CONFIGURATION\nLines are KEY = VALUE; strings stand in double quotes, lists of strings in "
         "brackets; # "
         "begins a comment.");
    keys(arena_printf(&arena, "%s.conf", daemon->spec->name), daemon_all_keys(daemon, &arena));
    for (; file && file->name; file++)
        keys(file->name, file->keys);
}

static void files(const struct daemon *daemon)
{
    const char *name = daemon->spec->name;
    const struct {
        const char *path, *help;
    } rows[] = {
        {SYSCONFDIR "/libvirt/%s.conf", "configuration; a user's own daemon: $XDG_CONFIG_HOME/libvirt"},
        {RUNSTATEDIR "/libvirt/%s-sock", "socket for clients; a user's own daemon: $XDG_RUNTIME_DIR/libvirt"},
        {RUNSTATEDIR "/libvirt/%s-sock-ro", "socket for clients that only look"},
        {RUNSTATEDIR "/libvirt/%s-admin-sock", "socket for virt-admin"},
        {RUNSTATEDIR "/%s.pid", "pid file; a user's own daemon: $XDG_RUNTIME_DIR/libvirt"},
    };

    puts(".SH FILES");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        auto_arena struct arena arena = {0};
        const char *mark = strstr(rows[i].path, "%s");

        roff_item(arena_printf(&arena, "%.*s%s%s", (int)(mark - rows[i].path), rows[i].path, name, mark + 2),
                  rows[i].help);
    }
}

void daemon_print_manual(const struct daemon *daemon)
{
    const char *name = daemon->spec->name;

    roff_title(name, 8);
    printf(".SH NAME\n%s \\- ", name);
    roff_text(daemon->spec->purpose);
    printf("\n.SH SYNOPSIS\n.B %s\n[OPTION...]\n.SH DESCRIPTION\n.B %s\n", name, name);
    roff_text(daemon->spec->purpose);
    puts(".\nIt is started by systemd when the first client connects to one of its sockets, and leaves when "
         "nobody "
         "needs it.\nStarted by hand, it makes its sockets itself. Run by an ordinary user, it serves that "
         "user "
         "alone.");
    options();
    configuration(daemon);
    puts(".SH ENVIRONMENT");
    roff_item("LIBVIRT_DEBUG", "log level: 1 to 4, or debug, info, warning, error");
    roff_item("LIBVIRT_LOG_FILTERS, LIBVIRT_LOG_OUTPUTS",
              "as log_filters and log_outputs; they count more than the file");
    puts(".SH SIGNALS");
    roff_item("SIGHUP", "read the configuration of logging again, open log files anew");
    roff_item("SIGTERM, SIGINT", "let running calls end, then leave; a second one: leave at once");
    roff_item("SIGUSR1", "log all requests: what each waits for and since when");
    files(daemon);
    puts(".SH EXIT STATUS\n0 after a normal end, 1 when it could not start or its event loop failed.\n.SH "
         "SEE ALSO\n"
         ".BR virsh (1),\n.BR virt\\-admin (1),\n.BR systemd.socket (5)");
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define SD_JOURNAL_SUPPRESS_LOCATION /* it is that of the log line, not of this file */
#include "loop/log-output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"

enum { OUTPUTS_MAX = 16, TO_STDERR = 0, TO_JOURNAL, TO_SYSLOG, TO_FILE };
static const char *const kind_names[] = {"stderr", "journald", "syslog", "file"};
static const int priorities[] = {[LEVEL_DEBUG] = LOG_DEBUG,
                                 [LEVEL_INFO] = LOG_INFO,
                                 [LEVEL_WARNING] = LOG_WARNING,
                                 [LEVEL_ERROR] = LOG_ERR};

struct log_target {
    enum log_level level;
    int kind;
    char *name; /* file: its path; syslog: the name shown */
    int fd;     /* file */
};

/* Lines come from any thread, changes from the main thread. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct log_target targets[OUTPUTS_MAX];
static size_t target_count;
static const char *program = "libvirt";

static void to_journal(const struct log_line *line)
{
    /*
     * fields of libvirt's own lines, so that filters on them keep working, and the request that a line is
     * about
     */
    if (line->request)
        (void)sd_journal_send("MESSAGE=%s", line->text, "PRIORITY=%d", priorities[line->level],
                              "SYSLOG_IDENTIFIER=%s", program, "LIBVIRT_SOURCE=%s", line->source,
                              "CODE_FILE=%s", line->file, "CODE_LINE=%d", line->line, "CODE_FUNC=%s",
                              line->function, "LIBVIRT_REQUEST=%s", line->request, "LIBVIRT_SERIAL=%" PRIu64,
                              line->serial, NULL);
    else
        (void)sd_journal_send("MESSAGE=%s", line->text, "PRIORITY=%d", priorities[line->level],
                              "SYSLOG_IDENTIFIER=%s", program, "LIBVIRT_SOURCE=%s", line->source,
                              "CODE_FILE=%s", line->file, "CODE_LINE=%d", line->line, "CODE_FUNC=%s",
                              line->function, NULL);
}

static void to_file(const struct log_target *target, const struct log_line *line)
{
    auto_buf struct buf text = {0};

    log_format(line, &text);
    /* a full disk must not end in a log about the log */
    (void)fd_write_all(target->fd, text.data, text.length);
}

static void write_line(const struct log_line *line, void *arg)
{
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < target_count; i++) {
        const struct log_target *target = &targets[i];

        if (line->level < target->level)
            continue;
        switch (target->kind) {
        case TO_STDERR:
            log_to_stderr(line, /* arg= */ NULL);
            break;
        case TO_JOURNAL:
            to_journal(line);
            break;
        case TO_SYSLOG:
            syslog(LOG_DAEMON | priorities[line->level], "%s", line->text);
            break;
        case TO_FILE:
            to_file(target, line);
            break;
        }
    }
    pthread_mutex_unlock(&mutex);
}

static void targets_done(struct log_target *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fd_close(&list[i].fd);
        free(list[i].name);
    }
}

static int parse(const char *word, struct log_target *ret, struct err *err)
{
    const char *kind = word + 2, *name = NULL;

    *ret = (struct log_target){.fd = -1};
    if (word[0] < '1' || word[0] > '4' || word[1] != ':')
        return err_set(err, ERR_INVALID_ARG,
                       "log output '%s' does not begin with a level from 1 to 4 and ':'", word);
    ret->level = (enum log_level)(word[0] - '0');
    for (ret->kind = 0; ret->kind <= TO_FILE; ret->kind++) {
        name = str_after(kind, kind_names[ret->kind]);
        if (name && (*name == ':' || !*name))
            break;
    }
    if (ret->kind > TO_FILE)
        return err_set(err, ERR_INVALID_ARG,
                       "log output '%s' is not one of stderr, journald, syslog:NAME, file:PATH", word);
    if (ret->kind < TO_SYSLOG ? *name : !*name || !name[1])
        return err_set(err, ERR_INVALID_ARG, "log output '%s' %s", word,
                       ret->kind < TO_SYSLOG ? "takes no name" : "lacks a name");
    if (ret->kind == TO_FILE) {
        if (name[1] != '/')
            return err_set(err, ERR_INVALID_ARG, "log output '%s' needs an absolute path", word);
        ret->fd = open(name + 1, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
        if (ret->fd < 0)
            return err_system(err, errno, "cannot open log file '%s'", name + 1);
    }
    if (ret->kind >= TO_SYSLOG)
        ret->name = mem_strdup(name + 1);
    return 0;
}

int log_outputs_set(const char *text, struct err *err)
{
    auto_strv char **words = str_split(text, " \t\n");
    struct log_target fresh[OUTPUTS_MAX], old[OUTPUTS_MAX];
    size_t count = 0, old_count;

    if (strv_length(words) > OUTPUTS_MAX)
        return err_set(err, ERR_INVALID_ARG, "more than %d log outputs", OUTPUTS_MAX);
    for (; words && words[count]; count++)
        if (parse(words[count], &fresh[count], err) < 0) {
            targets_done(fresh, count);
            return -1;
        }
    pthread_mutex_lock(&mutex);
    memcpy(old, targets, sizeof(old));
    old_count = target_count;
    memcpy(targets, fresh, count * sizeof(fresh[0]));
    target_count = count;
    for (size_t i = 0; i < count; i++)
        if (fresh[i].kind == TO_SYSLOG)
            openlog(targets[i].name, LOG_PID, LOG_DAEMON);
    pthread_mutex_unlock(&mutex);
    targets_done(old, old_count);
    log_set_output(write_line, /* arg= */ NULL);
    return 0;
}

char *log_outputs_get(void)
{
    struct buf text = {0};

    for (size_t i = 0; i < target_count; i++)
        buf_printf(&text, "%s%d:%s%s%s", i ? " " : "", targets[i].level, kind_names[targets[i].kind],
                   targets[i].name ? ":" : "", targets[i].name ? targets[i].name : "");
    return buf_steal(&text);
}

char *log_outputs_default(const char *name, bool in_background, const char *file)
{
    if ((in_background || !isatty(STDIN_FILENO)) && access("/run/systemd/journal/socket", W_OK) == 0)
        return mem_strdup("1:journald");
    if (!in_background)
        return mem_strdup("1:stderr");
    return file ? mem_printf("1:file:%s", file) : mem_printf("1:syslog:%s", name);
}

void log_outputs_name(const char *name)
{
    program = name;
}

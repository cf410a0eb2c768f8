/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the library tells about itself, for whoever sets LIBVIRT_DEBUG (a level by name or number: 1 or debug
 * tells most), LIBVIRT_LOG_FILTERS ("LEVEL:MATCH ...") or LIBVIRT_LOG_OUTPUTS ("LEVEL:stderr",
 * "LEVEL:syslog:NAME", "LEVEL:file:PATH", separated by spaces). A library doesn't argue about its
 * environment: what it can't use is skipped.
 */
#include "base/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/enum.h"
#include "base/str.h"
#include "libvirt/api.h"

enum { OUTPUTS_MAX = 8 };

static struct output {
    enum log_level level;
    int fd; /* -1: syslog */
} outputs[OUTPUTS_MAX];
static size_t output_count;

static void write_line(const struct log_line *line, void *arg)
{
    static const int priorities[] = {[LEVEL_DEBUG] = LOG_DEBUG,
                                     [LEVEL_INFO] = LOG_INFO,
                                     [LEVEL_WARNING] = LOG_WARNING,
                                     [LEVEL_ERROR] = LOG_ERR};
    auto_buf struct buf text = {0};

    log_format(line, &text);
    for (size_t i = 0; i < output_count; i++) {
        if (line->level < outputs[i].level)
            continue;
        if (outputs[i].fd < 0)
            syslog(priorities[line->level], "%s", line->text);
        else if (write(outputs[i].fd, text.data, text.length) < 0)
            continue; /* nobody to tell */
    }
}

/* "LEVEL:KIND[:MORE]" */
static bool add_output(const char *text)
{
    struct output *output = &outputs[output_count];
    const char *kind = text[0] >= '1' && text[0] <= '4' && text[1] == ':' ? text + 2 : "", *more;

    if (output_count == OUTPUTS_MAX)
        return false;
    output->level = (enum log_level)(text[0] - '0');
    if (str_eq(kind, "stderr")) {
        output->fd = STDERR_FILENO;
    } else if ((more = str_after(kind, "syslog:"))) {
        output->fd = -1;
        openlog(mem_strdup(more), LOG_PID, LOG_USER); /* keeps the name */
    } else if ((more = str_after(kind, "file:"))) {
        output->fd = open(more, O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600);
        if (output->fd < 0)
            return false;
    } else {
        return false;
    }
    output_count++;
    return true;
}

static void add_outputs(const char *text)
{
    auto_free char *words = mem_strdup(text);
    char *next = NULL;

    for (char *word = strtok_r(words, " ", &next); word; word = strtok_r(NULL, " ", &next))
        add_output(word);
}

static void from_environment(void)
{
    const char *debug = getenv("LIBVIRT_DEBUG"), *wanted = getenv("LIBVIRT_LOG_OUTPUTS");
    auto_err struct err err = {0};
    unsigned level = LEVEL_ERROR;

    if (!str_empty(debug) && str_to_u32(debug, &level) < 0 && enum_find(log_level_names, debug) > 0)
        level = (unsigned)enum_find(log_level_names, debug);
    if (log_set_level(level, &err) < 0 || log_set_filters(getenv("LIBVIRT_LOG_FILTERS"), &err) < 0)
        err_clear(&err);
    if (!str_empty(wanted))
        add_outputs(wanted);
    if (output_count)
        log_set_output(write_line, NULL);
}

void log_begin(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, from_environment);
}

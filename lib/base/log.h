/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Log: one line a happening, for the person who has to find out why. A line is wanted when its level reaches
 * the level of the first filter that matches its source ("rpc.conn" for lib/rpc/conn.c, "virtqemud.dev.disk"
 * for virtqemud/dev/disk.c), or the default level where no filter matches. A line that nobody wants costs two
 * loads and a compare; its arguments are not evaluated. Any thread may log.
 *
 * Where lines go is decided by one output function (the daemon skeleton sets it: journal, file, syslog);
 * until then they go to stderr. Setting levels, filters, context and output is for the main thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* As in the keys log_level and log_filters. */
enum log_level { LEVEL_DEBUG = 1, LEVEL_INFO, LEVEL_WARNING, LEVEL_ERROR, LEVEL_MAX = LEVEL_ERROR };
extern const char *const log_level_names[];

#define log_debug(...) log_at(LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_at(LEVEL_INFO, __VA_ARGS__)
#define log_warning(...) log_at(LEVEL_WARNING, __VA_ARGS__)
#define log_error(...) log_at(LEVEL_ERROR, __VA_ARGS__)
#define log_at(level, ...)                                                                                   \
    do {                                                                                                     \
        static struct log_site site_ = {__FILE__, __func__, __LINE__, 0};                                    \
        if (log_wanted(&site_, (level)))                                                                     \
            log_write(&site_, (level), __VA_ARGS__);                                                         \
    } while (0)

/* What an output function is given; valid during the call. */
struct log_line {
    enum log_level level;
    const char *source; /* "rpc.conn" */
    const char *file, *function;
    int line;
    const char *request; /* name of the request that it is about, or NULL */
    uint64_t serial;     /* of that request */
    const char *text;
};
typedef void log_output(const struct log_line *line, void *arg);

/* Send lines to output(line, arg); NULL: back to stderr. */
void log_set_output(log_output *output, void *arg);
/* The default output; for outputs that fail. */
void log_to_stderr(const struct log_line *line, void *arg);
/* The line as libvirt's files show it, with a newline: time, pid, level, function:line, request, text. */
void log_format(const struct log_line *line, struct buf *text);
/* Asked for each line that is written: the request at work now; returns false when there is none. */
void log_set_context(bool (*context)(const char **ret_name, uint64_t *ret_serial));

/* 1 (debug) to 4 (error). */
int log_set_level(unsigned level, struct err *err);
unsigned log_get_level(void);
/*
 * Filters in libvirt's syntax: "LEVEL:MATCH ..." separated by spaces; MATCH is found anywhere in the source
 * and may hold `*` and `?`. NULL or "": none. On error the old filters stay.
 */
int log_set_filters(const char *filters, struct err *err);
/* As they were set, "" when there are none. */
const char *log_get_filters(void);

/* For the macros only. */
struct log_site {
    const char *file, *function;
    int line;
    uint32_t threshold; /* generation of the settings << 4 | lowest level wanted; 0: not known yet */
};
extern uint32_t log_lowest; /* no line below this level is wanted anywhere */
bool log_wanted_here(struct log_site *site, enum log_level level);
static inline bool log_wanted(struct log_site *site, enum log_level level)
{
    return level >= __atomic_load_n(&log_lowest, __ATOMIC_RELAXED) && log_wanted_here(site, level);
}
void log_write(const struct log_site *site, enum log_level level, const char *format, ...) PRINTF(3, 4);

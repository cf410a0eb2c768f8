/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/log.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <unistd.h>

#include "base/str.h"
#include "base/time.h"

const char *const log_level_names[] = {"", "debug", "info", "warning", "error", NULL};

struct filter {
    char *pattern; /* with the stars around it */
    enum log_level level;
};

enum { FILTERS_MAX = 256, SOURCE_MAX = 64, RETIRED_MAX = 4 };

/*
 * The settings are changed by the main thread. A worker that logs at that very moment may still be reading
 * the old ones: the last few live on.
 */
static struct settings {
    enum log_level level;
    char *text; /* as given, words joined */
    struct filter *filters;
    size_t count;
    struct settings *retired;
} * settings;

static struct settings first = {.level = LEVEL_WARNING, .text = (char *)""};
static uint32_t generation =
    1; /* of the settings; from 1 to 2^28 - 1, then 1 again; sites compare for equality */
uint32_t log_lowest = LEVEL_WARNING;

static log_output *output = log_to_stderr;
static void *output_arg;
static bool (*context)(const char **ret_name, uint64_t *ret_serial);

static const struct settings *current(void)
{
    const struct settings *now = __atomic_load_n(&settings, __ATOMIC_ACQUIRE);

    return now ? now : &first;
}

/* "lib/rpc/conn.c" -> "rpc.conn"; whatever stands before the project's own path is gone by the compiler's
 * prefix map. */
static const char *source_name(const char *file, char name[SOURCE_MAX])
{
    const char *library = str_after(file, "lib/");
    size_t length;

    if (library)
        file = library;
    length = strlen(file);
    if (str_ends(file, ".c"))
        length -= 2;
    if (length >= SOURCE_MAX) {
        file += length - (SOURCE_MAX - 1);
        length = SOURCE_MAX - 1;
    }
    for (size_t i = 0; i < length; i++)
        name[i] = file[i] == '/' ? '.' : file[i];
    name[length] = '\0';
    return name;
}

bool log_wanted_here(struct log_site *site, enum log_level level)
{
    uint32_t threshold = __atomic_load_n(&site->threshold, __ATOMIC_RELAXED);
    uint32_t age = __atomic_load_n(&generation, __ATOMIC_ACQUIRE);

    if (threshold >> 4 != age) {
        const struct settings *now = current();
        enum log_level wanted = now->level;
        char name[SOURCE_MAX];

        source_name(site->file, name);
        for (size_t i = 0; i < now->count; i++)
            if (!fnmatch(now->filters[i].pattern, name, 0)) {
                wanted = now->filters[i].level;
                break;
            }
        threshold = age << 4 | wanted;
        __atomic_store_n(&site->threshold, threshold, __ATOMIC_RELAXED);
    }
    return level >= (threshold & 15);
}

void log_write(const struct log_site *site, enum log_level level, const char *format, ...)
{
    int saved = errno;
    auto_buf struct buf text = {0};
    char source[SOURCE_MAX];
    struct log_line line = {.level = level,
                            .source = source_name(site->file, source),
                            .file = site->file,
                            .function = site->function,
                            .line = site->line};
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    line.text = buf_text(&text);
    if (context && !context(&line.request, &line.serial))
        line.request = NULL;
    output(&line, output_arg);
    errno = saved;
}

void log_format(const struct log_line *line, struct buf *text)
{
    char when[TIME_TEXT];

    time_format(time_real(), when);
    buf_printf(text, "%s: %d: %s : %s:%d : ", when, (int)getpid(), log_level_names[line->level],
               line->function, line->line);
    if (line->request)
        buf_printf(text, "%s #%llu: ", line->request, (unsigned long long)line->serial);
    /* text may hold what a guest or client said: one line stays one line */
    for (const char *at = line->text; *at; at++)
        buf_add_char(text, (unsigned char)*at < 0x20 && *at != '\t' ? ' ' : *at);
    buf_add_char(text, '\n');
}

void log_to_stderr(const struct log_line *line, void *arg)
{
    auto_buf struct buf text = {0};

    log_format(line, &text);
    (void)!write(STDERR_FILENO, text.data, text.length);
}

void log_set_output(log_output *to, void *arg)
{
    output = to ? to : log_to_stderr;
    output_arg = to ? arg : NULL;
}

void log_set_context(bool (*get)(const char **ret_name, uint64_t *ret_serial))
{
    context = get;
}

static void settings_free(struct settings *old)
{
    if (!old)
        return;
    settings_free(old->retired);
    for (size_t i = 0; i < old->count; i++)
        free(old->filters[i].pattern);
    free(old->filters);
    free(old->text);
    free(old);
}

/* The words were checked. */
static void change(enum log_level level, char *const *words)
{
    struct settings *now = NEW(struct settings), *last = now;
    enum log_level lowest = level;

    now->level = level;
    now->text = strv_join(words, " ");
    now->count = strv_length(words);
    now->filters = NEW_ARRAY(struct filter, now->count);
    now->retired = settings;
    for (size_t i = 0; i < now->count; i++) {
        /* an old form has a plus sign there, for stack traces */
        const char *match = words[i][2] == '+' ? words[i] + 3 : words[i] + 2;

        now->filters[i] = (struct filter){.pattern = mem_printf("*%s*", match),
                                          .level = (enum log_level)(words[i][0] - '0')};
        if (now->filters[i].level < lowest)
            lowest = now->filters[i].level;
    }
    __atomic_store_n(&settings, now, __ATOMIC_RELEASE);
    __atomic_store_n(&generation, generation % 0xfffffff + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&log_lowest, lowest, __ATOMIC_RELAXED);
    for (int i = 0; last && i < RETIRED_MAX; i++)
        last = last->retired;
    if (last)
        settings_free(TAKE(last->retired));
}

unsigned log_get_level(void)
{
    return current()->level;
}

const char *log_get_filters(void)
{
    return current()->text;
}

int log_set_level(unsigned level, struct err *err)
{
    auto_strv char **words = str_split(current()->text, " ");

    if (level < LEVEL_DEBUG || level > LEVEL_MAX)
        return err_set(err, ERR_INVALID_ARG, "log level %u is not between %d and %d", level, LEVEL_DEBUG,
                       LEVEL_MAX);
    change(level, words);
    return 0;
}

int log_set_filters(const char *text, struct err *err)
{
    auto_strv char **words = str_split(text, " \t\n");
    size_t count = strv_length(words);

    if (count > FILTERS_MAX)
        return err_set(err, ERR_INVALID_ARG, "%zu log filters are more than %d", count, FILTERS_MAX);
    for (size_t i = 0; i < count; i++)
        if (words[i][0] < '1' || words[i][0] > '4' || words[i][1] != ':' || !words[i][2])
            return err_set(err, ERR_INVALID_ARG,
                           "log filter '%s' is not LEVEL:MATCH with a level from 1 to 4", words[i]);
    change(current()->level, words);
    return 0;
}

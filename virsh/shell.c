/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shell: the interactive one. readline is opened here, when somebody sits in front of it; without it lines
 * are read plainly. */
#include <dlfcn.h>
#include <stdio.h>

#include "base/file.h"
#include "virsh/complete.h"
#include "virsh/program.h"

enum { HISTORY_LINES = 500 };

/* What is used of readline, found by name. */
static struct {
    char *(*readline)(const char *prompt);
    void (*add_history)(const char *line);
    int (*read_history)(const char *path);
    int (*write_history)(const char *path);
    void (*stifle_history)(int lines);
    char **(*completion_matches)(const char *text, char *(*next)(const char *text, int state));
    char ***attempted;
    char **line_buffer;
    const char **name;
    const char **word_breaks;
    int *attempted_over;
} rl;

static char **candidates;
static size_t candidate_at;
static struct shell *completing;

static char *next_candidate(const char *text, int state)
{
    if (!candidates)
        return NULL;
    while (candidates[candidate_at]) {
        const char *candidate = candidates[candidate_at++];
        if (str_after(candidate, text))
            return mem_strdup(candidate);
    }
    return NULL;
}

static char **complete_line(const char *text, int start, int end)
{
    auto_free char *before = mem_strndup(*rl.line_buffer, (size_t)start);
    strv_free(candidates);
    candidates = complete_words(completing, before, text);
    candidate_at = 0;
    *rl.attempted_over = 1;
    return rl.completion_matches(text, next_candidate);
}

static bool open_readline(struct shell *shell)
{
    void *library = dlopen("libreadline.so.8", RTLD_NOW);
    if (!library)
        return false;
    char **(**attempted)(const char *text, int start, int end);
    const struct {
        const char *name;
        void *to;
    } symbols[] = {
        {"readline", &rl.readline},
        {"add_history", &rl.add_history},
        {"read_history", &rl.read_history},
        {"write_history", &rl.write_history},
        {"stifle_history", &rl.stifle_history},
        {"rl_completion_matches", &rl.completion_matches},
        {"rl_attempted_completion_function", &attempted},
        {"rl_attempted_completion_over", &rl.attempted_over},
        {"rl_line_buffer", &rl.line_buffer},
        {"rl_readline_name", &rl.name},
        {"rl_basic_word_break_characters", &rl.word_breaks},
    };
    for (size_t i = 0; i < ARRAY_SIZE(symbols); i++) {
        void *symbol = dlsym(library, symbols[i].name);
        if (!symbol)
            return false;
        memcpy(symbols[i].to, &symbol, sizeof(symbol));
    }
    *rl.name = program.name;
    *rl.word_breaks = " \t\n\\`@$><=;|&{(";
    *attempted = complete_line;
    completing = shell;
    return true;
}

static char *history_path(void)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    auto_free char *dir = str_empty(cache)
                              ? mem_printf("%s/.cache/libvirt/%s", home ? home : "", program.name)
                              : mem_printf("%s/libvirt/%s", cache, program.name);
    if (file_make_dirs(dir, 0700) < 0)
        return NULL;
    return mem_printf("%s/history", dir);
}

static void open_history(struct shell *shell, const char *path)
{
    int lines = HISTORY_LINES;
    auto_free char *variable = mem_printf("%s_HISTSIZE", program.variables);
    const char *text = getenv(variable);
    if (text && (str_to_i32(text, &lines) < 0 || lines < 0)) {
        shell_error(shell, "Bad $%s value.", variable);
        lines = HISTORY_LINES;
    }
    rl.stifle_history(lines);
    rl.read_history(path);
}

static char *read_plainly(const char *prompt)
{
    fputs(prompt, stdout);
    fflush(stdout);
    char *line = NULL;
    size_t room = 0;
    ssize_t length = getline(&line, &room, stdin);
    if (length < 0) {
        free(line);
        return NULL;
    }
    if (length && line[length - 1] == '\n')
        line[length - 1] = 0;
    return line;
}

int interact(struct shell *shell)
{
    bool editing =
        open_readline(shell); /* without a terminal too: it shows the lines it reads, as people expect */
    auto_free char *history = editing ? history_path() : NULL;
    if (!shell->quiet)
        printf("Welcome to %s, the %s interactive terminal.\n\n"
               "Type:  'help' for help with commands\n"
               "       'quit' to quit\n\n",
               program.name, program.terminal);
    if (history)
        open_history(shell, history);
    while (!shell->leaving) {
        auto_free char *prompt = mem_printf("%s %c ", program.name, shell->readonly ? '>' : '#');
        auto_free char *line = editing ? rl.readline(prompt) : read_plainly(prompt);
        if (!line)
            break;
        if (!*line)
            continue;
        if (editing)
            rl.add_history(line);
        run_line(shell, line);
    }
    printf("\n");
    if (history)
        rl.write_history(history);
    return 0;
}

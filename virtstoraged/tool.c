/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_STORAGE
#include "virtstoraged/tool.h"

#include <stdarg.h>

static void add(struct req *rq, struct tool *tool, const char *word)
{
    tool->argv = arena_grow(&rq->arena, tool->argv, tool->count, sizeof(char *));
    tool->argv[tool->count++] = word;
    tool->argv = arena_grow(&rq->arena, tool->argv, tool->count, sizeof(char *));
    tool->argv[tool->count] = NULL;
}

void tool_add(struct req *rq, struct tool *tool, ...)
{
    const char *word;
    va_list words;

    va_start(words, tool);
    while ((word = va_arg(words, const char *)))
        add(rq, tool, arena_strdup(&rq->arena, word));
    va_end(words);
}

void tool_addf(struct req *rq, struct tool *tool, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(rq, tool, arena_vprintf(&rq->arena, format, args));
    va_end(args);
}

int tool_run(struct req *rq, const struct tool *tool, uint64_t usec, struct buf *ret)
{
    struct child_spec spec = {.argv = tool->argv, .input = tool->input};
    int r;

    fiber_shield(rq, true);
    r = child_check(rq, &spec, usec, ret);
    fiber_shield(rq, false);
    return r;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_STORAGE
#include "virtstoraged/tool.h"

#include <stdarg.h>
#include <sys/wait.h>

#include "base/str.h"

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

int device_check_empty(struct req *rq, const char *device)
{
    struct tool tool = {0};
    struct child_result result;
    struct child_spec spec;
    int r;

    tool_add(rq, &tool, "blkid", "-p", "-o", "value", "-s", "TYPE", "-s", "PTTYPE", device, NULL);
    spec = (struct child_spec){.argv = tool.argv};
    r = child_run(rq, &spec, TOOL_SHORT, &result);
    if (r < 0)
        return r;
    /* 2: nothing was found */
    if (WIFEXITED(result.status) && WEXITSTATUS(result.status) == 2)
        r = 0;
    else if (result.status == 0)
        r = err_set(&rq->err, ERR_STORAGE_POOL_BUILT,
                    "Existing format '%s' found on device '%s': use flag 'overwrite' to replace it",
                    str_trim(result.out.data), device);
    else
        r = err_set(&rq->err, ERR_STORAGE_PROBE_FAILED, "what is on device '%s' can't be told: %s", device,
                    buf_text(&result.err));
    buf_done(&result.out);
    buf_done(&result.err);
    return r;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Own: what a command owns until it ends. */
#include "virsh/frame.h"

void *cmd_own(struct cmd *cmd, void *object, void (*release)(void *object))
{
    if (!object)
        return NULL;
    struct owned *owned = NEW(struct owned);
    *owned = (struct owned){.object = object, .release = release, .next = cmd->owned};
    cmd->owned = owned;
    return object;
}

char *cmd_own_text(struct cmd *cmd, char *text)
{
    return cmd_own(cmd, text, free);
}

char *cmd_printf(struct cmd *cmd, const char *format, ...)
{
    struct buf text = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    return cmd_own_text(cmd, text.data ? buf_steal(&text) : mem_strdup(""));
}

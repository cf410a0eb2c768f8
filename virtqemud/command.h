/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Command: QEMU's command line as text for people, and the environment that it gets. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

/* LC_ALL, PATH, a home directory, and more (may be NULL); NULL-terminated. */
const char *const *command_env(struct arena *arena, const char *home, const char *const *more);
/* As a shell would take it; separator stands between variables and in front of options. Ends with a newline.
 */
void command_format(struct buf *text, const char *const *env, const char *const *argv, const char *separator);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where log lines go, in libvirt's words: "LEVEL:stderr", "LEVEL:journald", "LEVEL:syslog:NAME",
 * "LEVEL:file:PATH", several separated by spaces; each takes the lines of its level and above.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/mem.h"

/*
 * Replace all outputs. On error (ERR_INVALID_ARG, ERR_SYSTEM_ERROR) the old ones stay. Files are opened
 * anew. /
 */
int log_outputs_set(const char *text, struct err *err);
/* As set; owned by the caller. */
char *log_outputs_get(void);
/*
 * What a daemon logs to when nobody said: the terminal that it was started from, else the journal, else
 * syslog (file NULL) or the file. Owned by the caller.
 */
char *log_outputs_default(const char *name, bool in_background, const char *file);
/* The name that journal and syslog show; "libvirt" until set. Lives as long as the process. */
void log_outputs_name(const char *name);

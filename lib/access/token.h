/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Token: a secret that only daemons of the same user can read (common/system.token under the run-time
 * directory, 32 hexadecimal digits, mode 0600, made by whoever needs it first). With it a daemon shows
 * another one that it speaks for its own client.
 */
#pragma once

#include "base/err.h"

enum { TOKEN_LENGTH = 32 };

/* Static text after the first call (static state of token.c); NULL with err set when the file can't be used.
 */
const char *token_get(struct err *err);

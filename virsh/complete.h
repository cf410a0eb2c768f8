/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Complete: what may stand at the end of a line. */
#pragma once

#include "virsh/frame.h"

/* Words that may follow `before`, of which some begin with `word`: NULL-terminated, the caller frees. Never
 * connects to a place that could ask for a password. */
char **complete_words(struct shell *shell, const char *before, const char *word);

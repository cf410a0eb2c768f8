/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Poolcaps: which kinds of pools this host can have, and which formats there are, from the tables. */
#pragma once

#include "base/buf.h"

void poolcaps_format(struct buf *text);

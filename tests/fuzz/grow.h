/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Grow: a document from a table. Each byte is a choice (is this row there, which of its words, how many), so
 * that nearly every document is one that the model accepts.
 */
#pragma once

#include "xml/xt.h"

void grow_document(const struct xt_table *table, const uint8_t *data, size_t size, struct arena *arena,
                   struct buf *text);

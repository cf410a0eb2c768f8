/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables: every kind of XML document that the model knows, for those who walk all of them. */
#pragma once

#include "xml/xt.h"

extern const struct xt_table *const model_tables[]; /* ends with NULL */

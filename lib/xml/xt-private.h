/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the walkers of the table engine share. */
#pragma once

#include "xml/xt.h"

static inline void *xt_at(const void *base, uint32_t offset)
{
    return (char *)base + offset;
}

static inline bool xt_given(const struct xt_type *type, const void *value)
{
    const char *byte = value;

    if (type->given)
        return type->given(value);
    for (size_t i = 0; i < type->size; i++)
        if (byte[i])
            return true;
    return false;
}

/* The rows that a union's discriminator selects, or NULL. */
static inline const struct xt_row *xt_arm_rows(const struct xt_row *row, const void *base)
{
    int value = *(const int *)xt_at(base, row->offset2);
    const struct xt_arm *arm;

    for (arm = row->arms; arm->rows; arm++)
        if (arm->value == value)
            return arm->rows;
    return NULL;
}

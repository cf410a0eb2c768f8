/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints what the XML model knows: path, kind, type or words, flags; a line each, tab separated. See
 * model-coverage. */
#include <stdio.h>

#include "model/tables.h"

int main(void)
{
    auto_buf struct buf text = {0};

    for (const struct xt_table *const *table = model_tables; *table; table++)
        xt_dump(*table, &text);
    return fputs(buf_text(&text), stdout) == EOF;
}

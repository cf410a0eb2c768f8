/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A configuration file from outside: it is understood or refused with a line number, and texts hold no NUL.
 */
#include <stdlib.h>

#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    struct conf conf = {0};
    int r = conf_parse(&arena, "f", (const char *)data, size, &conf, &err);

    if ((r < 0) != err_is_set(&err))
        abort();
    if (r < 0 && strncmp(err.detail, "f:", 2))
        abort();
    for (size_t i = 0; i < conf.count; i++) {
        const struct conf_value *value = &conf.values[i];

        if (!value->key[0] || !conf_get(&conf, value->key) || !value->line)
            abort();
        if (value->kind == CONF_TEXT && strlen(value->text) > size)
            abort();
        if (value->kind == CONF_LIST && value->list[value->count])
            abort();
    }
    return 0;
}

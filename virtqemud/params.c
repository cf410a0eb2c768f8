/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtqemud/params.h"

struct wire_typed_value *params_add(struct params *params, int type, const char *name, ...)
{
    struct wire_typed_param *param;
    va_list args;

    params->v = arena_grow(params->arena, params->v, params->n, sizeof(*params->v));
    param = &params->v[params->n++];
    va_start(args, name);
    param->field = arena_vprintf(params->arena, name, args);
    va_end(args);
    param->value.type = type;
    return &param->value;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/params.h"

#include "base/str.h"

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

void params_drop_strings(struct params *params)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < params->n; i++)
        if (params->v[i].value.type != PARAM_STRING)
            params->v[kept++] = params->v[i];
    params->n = kept;
}

static const char *type_name(int type)
{
    static const char *const names[] = {"?", "int", "uint", "llong", "ullong", "double", "boolean", "string"};

    return type > 0 && (size_t)type < ARRAY_SIZE(names) ? names[type] : "unknown";
}

int params_check(struct req *rq, const struct wire_typed_param *v, uint32_t n, const struct param_rule *rules)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct param_rule *rule = rules;

        while (rule->name && !str_eq(rule->name, v[i].field))
            rule++;
        if (!rule->name)
            return err_set(&rq->err, ERR_ARGUMENT_UNSUPPORTED, "parameter '%s' not supported", v[i].field);
        if (rule->type != v[i].value.type)
            return err_set(&rq->err, ERR_INVALID_ARG, "invalid type '%s' for parameter '%s', expected '%s'",
                           type_name(v[i].value.type), v[i].field, type_name(rule->type));
        if (params_find(v, i, v[i].field))
            return err_set(&rq->err, ERR_INVALID_ARG, "parameter '%s' occurs multiple times", v[i].field);
    }
    return 0;
}

const struct wire_typed_value *params_find(const struct wire_typed_param *v, uint32_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (str_eq(v[i].field, name))
            return &v[i].value;
    return NULL;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_NONE
#include "testdriver/params.h"

#include "base/enum.h"

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

void params_show(struct params *params, const struct param_row *rows, size_t n_rows, const void *object)
{
    for (size_t i = 0; i < n_rows; i++) {
        struct wire_typed_value *value = params_add(params, rows[i].type, "%s", rows[i].name);
        const void *member = (const char *)object + rows[i].offset;
        char *text;

        switch (rows[i].type) {
        case VIR_TYPED_PARAM_STRING:
            text = *(char *const *)member;
            value->s = text ? text : (char *)"";
            break;
        case VIR_TYPED_PARAM_ULLONG:
            value->ul = *(const uint64_t *)member;
            break;
        default:
            value->ui = *(const uint32_t *)member;
            break;
        }
    }
}

const struct param_row *params_row(const struct wire_typed_param *param, const struct param_row *rows,
                                   size_t n_rows)
{
    for (size_t i = 0; i < n_rows; i++)
        if (str_eq(rows[i].name, param->field))
            return &rows[i];
    return NULL;
}

int params_check(struct req *rq, const struct wire_typed_param *params, uint32_t n,
                 const struct param_row *rows, size_t n_rows)
{
    static const char *const types[] = {"",       "int",     "uint",   "llong", "ullong",
                                        "double", "boolean", "string", NULL};

    for (uint32_t i = 0; i < n; i++) {
        const struct param_row *row = params_row(&params[i], rows, n_rows);

        if (!row)
            return err_set(rq->err, ERR_ARGUMENT_UNSUPPORTED, "parameter '%s' not supported",
                           params[i].field);
        if (row->type != params[i].value.type)
            return err_set(rq->err, ERR_INVALID_ARG, "invalid type '%s' for parameter '%s', expected '%s'",
                           enum_name(types, params[i].value.type), params[i].field,
                           enum_name(types, row->type));
        for (uint32_t j = 0; j < i; j++)
            if (str_eq(params[i].field, params[j].field))
                return err_set(rq->err, ERR_INVALID_ARG, "parameter '%s' occurs multiple times",
                               params[i].field);
    }
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Typed parameters: building, searching and releasing lists of them, and their way over the wire. */
#define ERR_FROM ERR_FROM_NONE
#include "libvirt/api.h"

#include <stdio.h>

#include "base/str.h"

static int fail(enum err_code code, const char *format, ...) PRINTF(2, 3);
static int fail(enum err_code code, const char *format, ...)
{
    auto_buf struct buf text = {0};
    auto_err struct err err = {0};
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    err_set(&err, code, "%s", buf_text(&text));
    error_raise(NULL, &err);
    return -1;
}

static const char *type_name(int type)
{
    static const char *const names[] = {"", "int", "uint", "llong", "ullong", "double", "boolean", "string"};

    return type > 0 && type < (int)ARRAY_SIZE(names) ? names[type] : "unknown";
}

/* Over the wire. The types that are plain numbers, and the member that holds each, on both sides. */
#define NUMBERS(X) X(INT, i) X(UINT, ui) X(LLONG, l) X(ULLONG, ul) X(DOUBLE, d) X(BOOLEAN, b)
#define COPY(TYPE, member)                                                                                   \
    case VIR_TYPED_PARAM_##TYPE:                                                                             \
        to->value.member = (__typeof__(to->value.member))from->value.member;                                 \
        break;

static void to_wire(const virTypedParameter *from, struct wire_typed_param *to)
{
    to->field = (char *)from->field;
    to->value.type = from->type;
    switch (from->type) {
        NUMBERS(COPY)
    default:
        to->value.s = from->value.s;
    }
}

int params_to_wire(struct call *call, virTypedParameterPtr params, int count, uint32_t *ret_n,
                   struct wire_typed_param **ret)
{
    if (!call_not_negative(call, count, "nparams") || (count && !call_argument(call, params, "params")))
        return -1;
    *ret = ARENA_ARRAY(&call->arena, struct wire_typed_param, (size_t)count);
    for (int i = 0; i < count; i++)
        to_wire(&params[i], &(*ret)[i]);
    *ret_n = (uint32_t)count;
    return 0;
}

static int from_wire(struct call *call, const struct wire_typed_param *from, virTypedParameterPtr to)
{
    size_t length = strlen(from->field);

    if (length >= VIR_TYPED_PARAM_FIELD_LENGTH)
        return err_set(&call->err, ERR_RPC, "Parameter %s too big for destination", from->field);
    memcpy(to->field, from->field, length + 1);
    to->type = from->value.type;
    switch (from->value.type) {
        NUMBERS(COPY)
    default:
        to->value.s = mem_strdup(from->value.s);
    }
    return 0;
}

int params_from_wire(struct call *call, uint32_t n, const struct wire_typed_param *wires,
                     virTypedParameterPtr params, int *count)
{
    if ((int)n > *count)
        return err_set(&call->err, ERR_RPC, "too many parameters '%u' for nparams '%d'", n, *count);
    for (uint32_t i = 0; i < n; i++) {
        if (from_wire(call, &wires[i], &params[i]) < 0) {
            virTypedParamsClear(params, (int)i);
            return -1;
        }
    }
    *count = (int)n;
    return 0;
}

int params_alloc_from_wire(struct call *call, uint32_t n, const struct wire_typed_param *wires,
                           virTypedParameterPtr *ret, int *ret_count)
{
    virTypedParameterPtr params = n ? NEW_ARRAY(virTypedParameter, n) : NULL;
    int count = (int)n;

    if (params_from_wire(call, n, wires, params, &count) < 0) {
        free(params);
        return -1;
    }
    *ret = params;
    *ret_count = count;
    return 0;
}

/* Lists. */

API void virTypedParamsClear(virTypedParameterPtr params, int nparams)
{
    for (int i = 0; params && i < nparams; i++)
        if (params[i].type == VIR_TYPED_PARAM_STRING)
            free(TAKE(params[i].value.s));
}

API void virTypedParamsFree(virTypedParameterPtr params, int nparams)
{
    virTypedParamsClear(params, nparams);
    free(params);
}

API virTypedParameterPtr virTypedParamsGet(virTypedParameterPtr params, int nparams, const char *name)
{
    error_reset();
    for (int i = 0; params && name && i < nparams; i++)
        if (!strcmp(params[i].field, name))
            return &params[i];
    return NULL;
}

static int get(virTypedParameterPtr params, int nparams, const char *name, int type,
               virTypedParameterPtr *ret)
{
    *ret = virTypedParamsGet(params, nparams, name);
    if (!*ret)
        return 0;
    if ((*ret)->type != type)
        return fail(ERR_INVALID_ARG, "Invalid type '%s' requested for parameter '%s', actual type is '%s'",
                    type_name(type), name, type_name((*ret)->type));
    return 1;
}

/* clang-format off */
#define GET(word, TYPE, c_type, member)                                                                      \
    API int virTypedParamsGet##word(virTypedParameterPtr params, int nparams, const char *name, c_type *value) \
    {                                                                                                        \
        virTypedParameterPtr found;                                                                          \
        int r = get(params, nparams, name, VIR_TYPED_PARAM_##TYPE, &found);                                  \
        if (r > 0 && value) *value = found->value.member;                                                    \
        return r;                                                                                            \
    }
GET(Int, INT, int, i)
GET(UInt, UINT, unsigned int, ui)
GET(LLong, LLONG, long long, l)
GET(ULLong, ULLONG, unsigned long long, ul)
GET(Double, DOUBLE, double, d)
GET(Boolean, BOOLEAN, int, b)
GET(String, STRING, const char *, s)
/* clang-format on */

/* Room for one more, named; NULL when the name is too long (the error is told). */
static virTypedParameterPtr add(virTypedParameterPtr *params, int *nparams, int *maxparams, const char *name,
                                int type)
{
    virTypedParameterPtr added;

    error_reset();
    if (strlen(name) >= VIR_TYPED_PARAM_FIELD_LENGTH) {
        fail(ERR_INTERNAL_ERROR, "Field name '%s' too long", name);
        return NULL;
    }
    if (*nparams >= *maxparams) {
        *maxparams = *nparams + 1 + *nparams / 2;
        *params = mem_resize_array(*params, (size_t)*maxparams, sizeof(**params));
    }
    added = &(*params)[(*nparams)++];
    memset(added, 0, sizeof(*added));
    strcpy(added->field, name);
    added->type = type;
    return added;
}

/* clang-format off */
#define ADD(word, TYPE, c_type, member, taken)                                                               \
    API int virTypedParamsAdd##word(virTypedParameterPtr *params, int *nparams, int *maxparams, const char *name, c_type value) \
    {                                                                                                        \
        virTypedParameterPtr added = add(params, nparams, maxparams, name, VIR_TYPED_PARAM_##TYPE);          \
        if (!added) return -1;                                                                               \
        added->value.member = taken;                                                                         \
        return 0;                                                                                            \
    }
ADD(Int, INT, int, i, value)
ADD(UInt, UINT, unsigned int, ui, value)
ADD(LLong, LLONG, long long, l, value)
ADD(ULLong, ULLONG, unsigned long long, ul, value)
ADD(Double, DOUBLE, double, d, value)
ADD(Boolean, BOOLEAN, int, b, value != 0)
ADD(String, STRING, const char *, s, mem_strdup(value ? value : ""))
/* clang-format on */

API int virTypedParamsAddStringList(virTypedParameterPtr *params, int *nparams, int *maxparams,
                                    const char *name, const char **values)
{
    for (size_t i = 0; values && values[i]; i++)
        if (virTypedParamsAddString(params, nparams, maxparams, name, values[i]) < 0)
            return -1;
    return 0;
}

API int virTypedParamsAddFromString(virTypedParameterPtr *params, int *nparams, int *maxparams,
                                    const char *name, int type, const char *value)
{
    virTypedParameter made = {.type = type};
    virTypedParameterPtr added;
    int64_t l = 0;
    uint64_t ul = 0;
    int r = 0;

    switch (type) {
    case VIR_TYPED_PARAM_INT:
        r = str_to_i32(value, &made.value.i);
        break;
    case VIR_TYPED_PARAM_UINT:
        r = str_to_u32(value, &made.value.ui);
        break;
    case VIR_TYPED_PARAM_LLONG:
        r = str_to_i64(value, &l);
        made.value.l = l;
        break;
    case VIR_TYPED_PARAM_ULLONG:
        r = str_to_u64(value, &ul);
        made.value.ul = ul;
        break;
    case VIR_TYPED_PARAM_DOUBLE:
        r = str_to_double(value, &made.value.d);
        break;
    case VIR_TYPED_PARAM_BOOLEAN:
        made.value.b = !strcmp(value, "1");
        r = made.value.b || !strcmp(value, "0") ? 0 : -1;
        break;
    case VIR_TYPED_PARAM_STRING:
        return virTypedParamsAddString(params, nparams, maxparams, name, value);
    default:
        r = -1;
    }
    if (r < 0)
        return fail(ERR_INVALID_ARG, "Invalid value for field '%s': expected %s", name, type_name(type));
    added = add(params, nparams, maxparams, name, type);
    if (!added)
        return -1;
    added->value = made.value;
    return 0;
}

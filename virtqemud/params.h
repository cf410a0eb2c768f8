/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Params: lists of typed parameters: one in the making, and one that a client sent. */
#pragma once

#include "base/arena.h"
#include "loop/req.h"
#include "protocol/wire.h"

/* virTypedParameterType */
enum {
    PARAM_INT = 1,
    PARAM_UINT = 2,
    PARAM_LLONG = 3,
    PARAM_ULLONG = 4,
    PARAM_DOUBLE = 5,
    PARAM_BOOLEAN = 6,
    PARAM_STRING = 7,
};

/* The client understands strings: a flag of most calls with parameters. */
enum { PARAM_STRING_OKAY = 4 };

/* Names and strings live in the arena. */
struct params {
    struct arena *arena;
    struct wire_typed_param *v;
    uint32_t n;
};

/* One more, of a type and without a value yet; the name is a printf format. */
struct wire_typed_value *params_add(struct params *params, int type, const char *name, ...) PRINTF(3, 4);

/* One line each: params_ulong(&params, value, "block.%zu.rd.reqs", index). */
#define params_int(params, value, ...) (void)(params_add((params), PARAM_INT, __VA_ARGS__)->i = (value))
#define params_uint(params, value, ...) (void)(params_add((params), PARAM_UINT, __VA_ARGS__)->ui = (value))
#define params_ulong(params, value, ...) (void)(params_add((params), PARAM_ULLONG, __VA_ARGS__)->ul = (value))
#define params_long(params, value, ...) (void)(params_add((params), PARAM_LLONG, __VA_ARGS__)->l = (value))
#define params_string(params, value, ...)                                                                    \
    (void)(params_add((params), PARAM_STRING, __VA_ARGS__)->s = arena_strdup((params)->arena, (value)))

/*
 * Give a finished list to a client that asked for at most `wanted` (0: it asks how many there are) and
 * perhaps doesn't understand strings: fills the two members that such answers have.
 */
#define params_give(list, wanted, flags, out)                                                                \
    do {                                                                                                     \
        if (!((flags)&PARAM_STRING_OKAY))                                                                    \
            params_drop_strings(list);                                                                       \
        (out)->nparams = (int32_t)(list)->n;                                                                 \
        if ((wanted) > 0) {                                                                                  \
            (out)->params.v = (list)->v;                                                                     \
            (out)->params.n = (list)->n < (uint32_t)(wanted) ? (list)->n : (uint32_t)(wanted);               \
            (out)->nparams = (int32_t)(out)->params.n;                                                       \
        }                                                                                                    \
    } while (0)
void params_drop_strings(struct params *params);

/* What a call accepts: rows end with a name of NULL. */
struct param_rule {
    const char *name;
    int type;
};
/* Known names, right types, none twice; negative with rq->err set. */
int params_check(struct req *rq, const struct wire_typed_param *v, uint32_t n,
                 const struct param_rule *rules);
/* The value of that name, or NULL. */
const struct wire_typed_value *params_find(const struct wire_typed_param *v, uint32_t n, const char *name);

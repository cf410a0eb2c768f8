/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Params: a list of typed parameters in the making. Names and strings live in the arena. */
#pragma once

#include "base/arena.h"
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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Params: typed parameters of a call, from and to the members of a struct by a table. */
#pragma once

#include "testdriver/driver.h"

/* A parameter and the member that it shows. `offset` is used by params_show and params_take alone. */
struct param_row {
    const char *name;
    int type; /* VIR_TYPED_PARAM_* */
    size_t offset;
};

struct params {
    struct arena *arena;
    struct wire_typed_param *v;
    uint32_t n;
};

/* One more, without a value yet. */
struct wire_typed_value *params_add(struct params *params, int type, const char *name, ...) PRINTF(3, 4);
/* A row for each, with the value of its member: char * as text ("" for NULL), uint64_t, uint32_t, int. */
void params_show(struct params *params, const struct param_row *rows, size_t n_rows, const void *object);
/* Is each one known, of the right type, and given once? */
int params_check(struct req *rq, const struct wire_typed_param *params, uint32_t n,
                 const struct param_row *rows, size_t n_rows);
/* The row that param belongs to. */
const struct param_row *params_row(const struct wire_typed_param *param, const struct param_row *rows,
                                   size_t n_rows);
/* What a get call answers: their number, and (when the caller has room) themselves. */
#define PARAMS_ANSWER(in, out, list)                                                                         \
    do {                                                                                                     \
        (out)->nparams = (int32_t)(list)->n;                                                                 \
        if ((in)->nparams) {                                                                                 \
            (out)->params.v = (list)->v;                                                                     \
            (out)->params.n = (list)->n < (uint32_t)(in)->nparams ? (list)->n : (uint32_t)(in)->nparams;     \
        }                                                                                                    \
    } while (0)

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Method: what answers a procedure, in a daemon or in a driver of the client library. They are listed in
 * tables:
 *
 *     static const struct method methods[] = {
 *         METHOD(remote, DOMAIN_SUSPEND, m_domain_suspend),
 *         {0},
 *     };
 *
 * A method returns 0 with *out filled, or a negative number with the request's error set.
 */
#pragma once

#include "protocol/procedure.h"

typedef int method_function(struct req *rq, void *object, const void *in, void *out);

struct method {
    const struct procedure *procedure;
    method_function *function;
    uint32_t flags; /* the flags that the method knows, where the caller of the methods asks */
};

/* procedure.h declares the exact prototype of each method; a function that differs doesn't compile. */
#define METHOD(program, NAME, method_, ...)                                                                  \
    {                                                                                                        \
        PROCEDURE(program, NAME),                                                                            \
            (method_function *)(void (*)(void))(1 ? (method_) : METHOD_TYPE(program, NAME)),                 \
            0 __VA_OPT__(| (__VA_ARGS__))                                                                    \
    }

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Find: from the reference in a call's arguments to the object of the world. */
#pragma once

#include "testdriver/driver.h"

/* The object that the procedure's row speaks of, as its method wants it; *ret stays as it is for calls
 * without one. Negative with err set: there is none. */
int find_object(struct req *rq, const struct procedure *procedure, const void *in, void **ret);

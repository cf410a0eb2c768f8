/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kinds: the walk over all devices of a machine. */
#pragma once

#include "loop/req.h"

struct build;
struct dev_kind;

/* The host's side of every device. Negative with rq->err set. */
int kinds_prepare(struct req *rq, struct build *build);
/* Options for every device. Negative with err set. */
int kinds_command(struct build *build, struct err *err);
/* By the element's name ("disk"); NULL: there is no such kind. */
const struct dev_kind *kind_by_name(const char *name);

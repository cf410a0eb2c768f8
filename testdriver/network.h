/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/network.h"
#include "testdriver/driver.h"

/* The network's definition; NULL with the error set. */
const struct network_def *network_find(struct req *rq, const char *name);

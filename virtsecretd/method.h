/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The methods of this daemon, for main.c. */
#pragma once

#include "rpc/dispatch.h"

extern const struct method secret_methods[];

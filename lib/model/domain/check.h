/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Check: the rules of a definition that domain_check() goes through, by file. 0, or -1 with err set. */
#pragma once

#include "model/domain/domain.h"

int check_devices(const struct devices *devices, struct err *err);

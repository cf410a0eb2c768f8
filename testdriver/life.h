/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "testdriver/vm.h"

/* The machine stops (VIR_DOMAIN_SHUTOFF_*), everybody hears of it (VIR_DOMAIN_EVENT_STOPPED_*), and what
 * isn't kept is gone. */
void life_end(struct req *rq, struct vm *vm, int reason, int detail);

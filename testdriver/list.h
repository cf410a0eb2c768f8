/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machines that pass a filter of VIR_CONNECT_LIST_DOMAINS_* bits; in the call's arena. */
#pragma once

#include "testdriver/vm.h"

struct found_vms {
    struct vm **v;
    uint32_t n;
};
struct found_vms vms_find(struct req *rq, unsigned filter);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices of a machine by the names that callers use. */
#pragma once

#include "testdriver/vm.h"

/* By target ("vda") or path of the source; NULL. */
struct disk *find_disk(const struct domain *domain, const char *name);
/* By target or MAC; NULL with the error set. */
struct iface *find_iface(struct req *rq, const struct domain *domain, const char *name);

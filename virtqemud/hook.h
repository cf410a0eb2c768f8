/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hook: the administrator's program /etc/libvirt/hooks/qemu (and those in qemu.d), run at points of a
 * machine's life as `qemu NAME OPERATION SUB-OPERATION EXTRA` with the live XML on stdin. Where none is
 * installed a call costs one access(2).
 */
#pragma once

#include "virtqemud/vm.h"

struct domain;

/* Negative with rq->err (ERR_HOOK_SCRIPT_FAILED, with what it printed) when it failed. */
int hook_run(struct req *rq, const struct vm *vm, const struct domain *domain, const char *operation,
             const char *sub, const char *extra);
/* The same for operations whose outcome changes nothing ("stopped", then "release"): runs by itself. */
void hook_later(const struct vm *vm, const struct domain *domain, const char *operation, const char *extra);

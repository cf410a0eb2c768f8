/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scope: where QEMU stands among the host's processes: registered with systemd-machined (which gives it a
 * scope unit and cgroups, and lists it in machinectl); where there is none, in the cgroup that the daemon is
 * in.
 */
#pragma once

#include "virtqemud/run.h"

/* Ask machined to register the new process. The answer is not waited for: QEMU starts meanwhile. */
void scope_begin(struct vm *vm);
/* The answer, before the guest runs. A host without machined is no error. */
int scope_await(struct req *rq, struct vm *vm);
void scope_leave(struct run *run);
/* Tell systemd the weight of a unit ("CPUWeight", "IOWeight"), so that it doesn't write another one. */
void scope_set_weight(const char *unit, const char *name, uint64_t value);

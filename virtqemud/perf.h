/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Perf: counters of the host's processors for one QEMU, by the kernel's perf events. Gone with the daemon. */
#pragma once

#include "virtqemud/run.h"

enum { PERF_EVENT_COUNT = 22 };

/* Begin or end counting an event by its name; negative with err set. */
int perf_set(struct run *run, const char *name, bool on, struct err *err);
bool perf_is_open(const struct run *run, unsigned event);
/* What was counted since; 0 or -errno. */
int perf_read(const struct run *run, unsigned event, uint64_t *ret);
/* Open what the definition asks for; what this host can't count is an error, as it is for a call. */
int perf_begin(struct run *run, struct err *err);
void perf_end(struct run *run);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Baseline: the processor that runs on all of some, as a <cpu> for a machine: what they have in common, by
 * the name that describes it best.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "host/x86.h"

struct cpu_baseline {
    char *const *xmls;
    unsigned count;
    bool hosts_only; /* only descriptions of hosts will do */
    bool of_qemu;    /* without what QEMU gives to no guest */
    bool expand;     /* name each feature of the model, too */
    bool migratable; /* without what a machine couldn't move with */
    /* As in struct x86_question; NULL: any model. */
    bool (*allowed)(void *data, const struct x86_model *model, struct x86_set *blockers);
    void *data;
};
/* *ret is in the arena. */
int cpu_baseline(struct arena *arena, const struct cpu_baseline *question, char **ret, struct err *err);

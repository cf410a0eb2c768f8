/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tune: parameters that are shown when none is given and set when one is. */
#pragma once

#include "virsh/domain.h"

/* How the text of an option becomes a parameter. */
enum tune_kind { TUNE_BYTES, TUNE_KIB, TUNE_U64, TUNE_TEXT };

struct tune {
    const char *option, *field;
    enum tune_kind kind;
};

/* One option into a parameter. 0, or -1 after telling. */
int tune_take(struct cmd *cmd, const struct tune *row, struct params *params);

/* The calls behind one command and what it says when they fail; `device` ones have a disk or an interface. */
struct tuning {
    int (*get)(virDomainPtr domain, virTypedParameterPtr params, int *count, unsigned flags);
    int (*set)(virDomainPtr domain, virTypedParameterPtr params, int count, unsigned flags);
    int (*device_get)(virDomainPtr domain, const char *device, virTypedParameterPtr params, int *count,
                      unsigned flags);
    int (*device_set)(virDomainPtr domain, const char *device, virTypedParameterPtr params, int count,
                      unsigned flags);
    const char *no_count, *no_get, *no_set;
    void (*show)(struct cmd *cmd, const struct params *params);
};

/* Set what is wanted, or show what there is. */
int tune_run(struct cmd *cmd, const struct tuning *tuning, virDomainPtr domain, const char *device,
             struct params *wanted);
/* `show` where each parameter is a line. */
void tune_show(struct cmd *cmd, const struct params *params);

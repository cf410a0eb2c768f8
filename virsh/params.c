/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Params: arrays of typed parameters that a command builds or gets. */
#include <assert.h>

#include "virsh/virsh.h"

static void params_free(void *object)
{
    struct params *params = object;
    virTypedParamsFree(params->all, params->count);
    free(params);
}

struct params *params_new(struct cmd *cmd, int count)
{
    struct params *params = NEW(struct params);
    params->all = count ? NEW_ARRAY(virTypedParameter, (size_t)count) : NULL;
    params->room = count;
    return cmd_own(cmd, params, params_free);
}

#define ADD(suffix, type, function)                                                                          \
    void params_add_##suffix(struct params *params, const char *name, type value)                            \
    {                                                                                                        \
        int result = function(&params->all, &params->count, &params->room, name, value);                     \
        assert(result == 0); /* names are ours, and short */                                                 \
        (void)result;                                                                                        \
    }
ADD(int, int, virTypedParamsAddInt)
ADD(uint, unsigned, virTypedParamsAddUInt)
ADD(u64, unsigned long long, virTypedParamsAddULLong)
ADD(bool, bool, virTypedParamsAddBoolean)
ADD(string, const char *, virTypedParamsAddString)

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu/names.h"

#include "base/mem.h"
#include "base/str.h"
#include "host/x86.h"

static const struct power {
    const char *model, *vendor;
} powers[] = {
    {"POWER6", "IBM"},
    {"POWER7", "IBM"},
    {"POWER8", "IBM"},
    {"POWER9", "IBM"},
    {"POWER10", "IBM"},
    {"POWERPC_e5500", "Freescale"},
    {"POWERPC_e6500", "Freescale"},
};

static bool one_of(const char *arch, const char *const *names)
{
    for (; *names; names++)
        if (str_eq(arch, *names))
            return true;
    return false;
}

bool cpu_is_x86(const char *arch)
{
    return one_of(arch, (const char *const[]){"i686", "x86_64", NULL});
}

bool cpu_is_ppc64(const char *arch)
{
    return one_of(arch, (const char *const[]){"ppc64", "ppc64le", NULL});
}

bool cpu_is_arm(const char *arch)
{
    return one_of(arch, (const char *const[]){"aarch64", "armv6l", "armv7b", "armv7l", NULL});
}

bool cpu_names_known(const char *arch)
{
    return cpu_is_x86(arch) || cpu_is_ppc64(arch) || cpu_is_arm(arch) ||
           one_of(arch, (const char *const[]){"s390", "s390x", NULL});
}

const char *cpu_name_at(const char *arch, unsigned n)
{
    if (cpu_is_x86(arch)) {
        size_t count = 0;
        const struct x86_model *models = x86_models(&count);

        return n < count ? models[n].name : NULL;
    }
    return cpu_is_ppc64(arch) && n < ARRAY_SIZE(powers) ? powers[n].model : NULL;
}

const char *cpu_ppc64_vendor(const char *model)
{
    for (size_t i = 0; i < ARRAY_SIZE(powers); i++)
        if (str_eq(powers[i].model, model))
            return powers[i].vendor;
    return NULL;
}

bool cpu_ppc64_vendor_known(const char *vendor)
{
    for (size_t i = 0; i < ARRAY_SIZE(powers); i++)
        if (str_eq(powers[i].vendor, vendor))
            return true;
    return false;
}

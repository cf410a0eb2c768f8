/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names: the models of processors that machines may name, by architecture. Those of x86 are sets of features
 * (host/x86.h); of the others, only the names and their vendors are known.
 */
#pragma once

#include <stdbool.h>

bool cpu_is_x86(const char *arch);
bool cpu_is_ppc64(const char *arch);
bool cpu_is_arm(const char *arch);

/* Is it an architecture whose models are known? ARM's and S/390's are: there is none. */
bool cpu_names_known(const char *arch);
/* The n-th model of an architecture; NULL: no more. */
const char *cpu_name_at(const char *arch, unsigned n);

/* Who makes POWER's model, NULL: no such model; and whether anybody of that name makes POWERs. */
const char *cpu_ppc64_vendor(const char *model);
bool cpu_ppc64_vendor_known(const char *vendor);

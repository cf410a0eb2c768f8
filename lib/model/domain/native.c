/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The XML of the namespace qemu. */
#include "model/domain/native.h"

const char *const native_type_names[] = {"", "string", "signed", "unsigned", "bool", "remove", NULL};
const char *const native_deprecation_names[] = {"", "none", "omit", "reject", "crash", NULL};

/* clang-format off */
#define A struct native_arg
XT_DECLARE(native_arg_table, A);
XT_DEFINE(native_arg_table, "qemu:arg", NULL, XT_ATTR(A, value, "value", str, XT_REQUIRED));

#define E struct native_env
XT_DECLARE(native_env_table, E);
XT_DEFINE(native_env_table, "qemu:env", NULL,
    XT_ATTR(E, name, "name", str, XT_REQUIRED),
    XT_ATTR(E, value, "value", str, 0));

#define C struct native_capability
XT_DECLARE(native_capability_table, C);
XT_DEFINE(native_capability_table, "qemu:add", NULL, XT_ATTR(C, name, "capability", str, XT_REQUIRED));

#define P struct native_property
XT_DECLARE(native_property_table, P);
XT_DEFINE(native_property_table, "qemu:property", NULL,
    XT_ATTR(P, name, "name", str, XT_REQUIRED),
    XT_ENUM(P, type, "type", native_type_names, XT_REQUIRED),
    XT_ATTR(P, value, "value", str, 0));

#define O struct native_override
XT_DECLARE(native_override_table, O);
XT_DEFINE(native_override_table, "qemu:device", NULL,
    XT_ATTR(O, alias, "alias", str, XT_REQUIRED),
    XT_GROUP("qemu:frontend", 0,
        XT_LIST(O, properties, n_properties, "qemu:property", native_property_table, 0)));

#define T struct native
XT_DEFINE_ROWS(native_table, "qemu", NULL,
    XT_GROUP("qemu:commandline", 0,
        XT_LIST(T, args, n_args, "qemu:arg", native_arg_table, 0),
        XT_LIST(T, envs, n_envs, "qemu:env", native_env_table, 0)),
    XT_GROUP("qemu:capabilities", 0,
        XT_LIST(T, adds, n_adds, "qemu:add", native_capability_table, 0),
        XT_LIST(T, dels, n_dels, "qemu:del", native_capability_table, 0)),
    XT_GROUP("qemu:override", 0,
        XT_LIST(T, overrides, n_overrides, "qemu:device", native_override_table, 0)),
    XT_GROUP("qemu:deprecation", 0, XT_ENUM(T, deprecation, "behavior", native_deprecation_names, 0)));
/* clang-format on */

bool native_given(const struct native *native)
{
    return native->n_args || native->n_envs || native->n_adds || native->n_dels || native->n_overrides ||
           native->deprecation;
}

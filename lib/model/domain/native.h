/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Native: what the user hands through to QEMU untouched (namespace qemu). */
#pragma once

#include "xml/xt.h"

#define NATIVE_URI "http://libvirt.org/schemas/domain/qemu/1.0"

struct native_arg {
    char *value;
};
struct native_env {
    char *name, *value;
};
struct native_capability {
    char *name;
};

enum native_type {
    NATIVE_UNSET,
    NATIVE_STRING,
    NATIVE_SIGNED,
    NATIVE_UNSIGNED,
    NATIVE_BOOL,
    NATIVE_REMOVE,
    NATIVE_TYPE_MAX
};
extern const char *const native_type_names[];

struct native_property {
    char *name, *value;
    enum native_type type;
};
/* Properties that replace those of the device with that alias. */
struct native_override {
    char *alias;
    struct native_property **properties;
    size_t n_properties;
};

enum native_deprecation {
    DEPRECATION_UNSET,
    DEPRECATION_NONE,
    DEPRECATION_OMIT,
    DEPRECATION_REJECT,
    DEPRECATION_CRASH,
    NATIVE_DEPRECATION_MAX
};
extern const char *const native_deprecation_names[];

struct native {
    struct native_arg **args;
    size_t n_args;
    struct native_env **envs;
    size_t n_envs;
    struct native_capability **adds, **dels;
    size_t n_adds, n_dels;
    struct native_override **overrides;
    size_t n_overrides;
    enum native_deprecation deprecation;
};
XT_DECLARE_ROWS(native_table, struct native);

/* Is anything of it used? Then the machine is "tainted". */
bool native_given(const struct native *native);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Native: what a definition says in QEMU's own words: options, environment, properties that replace ours. */
#define ERR_FROM ERR_FROM_QEMU

#include "base/log.h"
#include "base/str.h"
#include "virtqemud/dev/dev.h"
#include "virtqemud/json.h"
#include "virtqemud/qemud.h"

static const struct native_override *override_of(const struct native *native, const char *alias)
{
    for (size_t i = 0; i < native->n_overrides; i++)
        if (str_eq(native->overrides[i]->alias, alias))
            return native->overrides[i];
    return NULL;
}

static void override(struct json_object *device, const struct native_property *property)
{
    struct json_object *value = NULL;
    int64_t number;
    uint64_t count;

    switch (property->type) {
    case NATIVE_STRING:
        value = json_object_new_string(property->value ? property->value : "");
        break;
    case NATIVE_SIGNED:
        if (str_to_i64(property->value, &number) == 0)
            value = json_object_new_int64(number);
        break;
    case NATIVE_UNSIGNED:
        if (str_to_u64(property->value, &count) == 0)
            value = json_object_new_uint64(count);
        break;
    case NATIVE_BOOL:
        value = json_object_new_boolean(str_eq(property->value, "true"));
        break;
    default:
        break;
    }
    if (value)
        json_object_object_add(device, property->name, value);
    else
        json_object_object_del(device, property->name);
}

const char *native_override(struct build *build, const char *device)
{
    const struct native *native = &build->domain->native;
    const struct native_override *change;
    auto_json struct json_object *object = NULL;

    if (!native->n_overrides)
        return device;
    object = json_read(device, strlen(device));
    change = object ? override_of(native, json_string(object, "id")) : NULL;
    if (!change)
        return device;
    for (size_t i = 0; i < change->n_properties; i++)
        override(object, change->properties[i]);
    return arena_strdup(build->arena, json_object_to_json_string_ext(
                                          object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* What QEMU does when it is told something that will go away one day. */
static void deprecation(struct build *build)
{
    static const char *const input[NATIVE_DEPRECATION_MAX] = {
        [DEPRECATION_REJECT] = "reject", [DEPRECATION_CRASH] = "crash"};
    enum native_deprecation own = build->domain->native.deprecation;
    enum native_deprecation wanted = own ? own : (enum native_deprecation)qemud.conf.deprecation;
    auto_props struct props props = {0};

    if (!wanted || wanted == DEPRECATION_NONE)
        return;
    props_string(&props, "deprecated-output", "hide");
    props_string(&props, "deprecated-input", input[wanted]);
    build_json(build, "-compat", &props);
}

void build_native(struct build *build)
{
    const struct native *native = &build->domain->native;

    deprecation(build);
    for (size_t i = 0; i < native->n_args; i++)
        build_arg(build, native->args[i]->value, NULL);
    for (size_t i = 0; i < native->n_envs; i++)
        build_env(build, native->envs[i]->name, native->envs[i]->value);
}

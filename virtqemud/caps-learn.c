/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the probe asks a QEMU and what it makes of the answers. Both follow from caps.def: types whose
 * properties matter are asked for because a row names them, never because of code here.
 */
#include <stdio.h>

#include "base/map.h"
#include "base/str.h"
#include "virtqemud/caps-internal.h"

enum { QUESTION_MAX = 256, TYPE_MAX = 64 };

const struct qemu_cap_row qemu_cap_rows[QEMU_CAP_MAX] = {
#define QEMU_CAP(name, how, what) [QEMU_CAP_##name] = {#name, HOW_##how, what},
#include "virtqemud/caps.def"
#undef QEMU_CAP
};

const char *const qemu_hyperv_names[] = {
    "relaxed", "vapic", "spinlocks", "vpindex",     "runtime",         "synic",
    "stimer",  "reset", "vendor_id", "frequencies", "reenlightenment", "tlbflush",
    "ipi",     "evmcs", "avic",      "emsr_bitmap", "xmm_input",       NULL};

static void set_flag(struct qemu_caps *caps, size_t cap)
{
    caps->flags[cap / 64] |= UINT64_C(1) << (cap % 64);
}

/* "TYPE.PROPERTY" of a row: is it about this type? Returns the property. */
static const char *row_property(const struct qemu_cap_row *row, const char *type)
{
    const char *rest = str_after(row->what, type);

    return rest && *rest == '.' ? rest + 1 : NULL;
}

static size_t ask(struct caps_question *questions, size_t at, const char *command, const char *subject,
                  const char *args)
{
    if (at < QUESTION_MAX)
        questions[at++] = (struct caps_question){command, subject, args};
    return at;
}

/* One question per type that rows of this kind name. */
static size_t ask_types(struct arena *arena, struct caps_question *questions, size_t at,
                        enum qemu_cap_how how, const char *command)
{
    for (size_t i = 0; i < QEMU_CAP_MAX; i++) {
        const struct qemu_cap_row *row = &qemu_cap_rows[i];
        bool asked = false;

        if (row->how != how)
            continue;
        char *type = arena_strndup(arena, row->what, strcspn(row->what, "."));

        for (size_t k = 0; k < at; k++)
            asked |= str_eq(questions[k].command, command) && str_eq(questions[k].subject, type);
        if (!asked)
            at = ask(questions, at, command, type, json_text(arena, "{'typename': %s}", type));
    }
    return at;
}

struct caps_question *caps_questions(struct arena *arena, enum qemu_accel accel, bool whole)
{
    struct caps_question *questions = ARENA_ARRAY(arena, struct caps_question, QUESTION_MAX + 1);
    const char *best = accel == QEMU_ACCEL_KVM ? "host" : "max";
    size_t at = 0;

    if (whole) {
        at = ask(questions, at, "query-version", NULL, NULL);
        at = ask(questions, at, "query-target", NULL, NULL);
        at = ask(questions, at, "query-qmp-schema", NULL, NULL);
        at = ask(questions, at, "qom-list-types", NULL, NULL);
        at = ask(questions, at, "query-command-line-options", NULL, NULL);
        at = ask_types(arena, questions, at, HOW_PROPERTY, "device-list-properties");
        at = ask_types(arena, questions, at, HOW_OBJECT, "qom-list-properties");
        at = ask(questions, at, "query-machines", NULL, NULL);
        at = ask(questions, at, "query-sev-capabilities", NULL, NULL);
        at = ask(questions, at, "query-sgx-capabilities", NULL, NULL);
    }
    at = ask(questions, at, "query-cpu-definitions", NULL, NULL);
    at = ask(questions, at, "query-cpu-model-expansion", "migratable",
             json_text(arena, "{'type': 'static', 'model': {'name': %s}}", best));
    at = ask(
        questions, at, "query-cpu-model-expansion", "all",
        json_text(arena, "{'type': 'static', 'model': {'name': %s, 'props': {'migratable': false}}}", best));
    if (whole)
        at = ask(questions, at, "query-cpu-model-expansion", "hyperv",
                 json_text(arena,
                           "{'type': 'full', 'model': {'name': %s, 'props': {'migratable': false, "
                           "'hv-passthrough': true}}}",
                           best));
    return questions;
}

static const char *copy(struct qemu_caps *caps, struct json_object *object, const char *member)
{
    return arena_strdup(&caps->arena, json_string(object, member));
}

static void learn_version(struct qemu_caps *caps, struct json_object *answer)
{
    struct json_object *qemu = json_get(answer, "qemu");
    uint64_t major = json_uint(qemu, "major", 0), minor = json_uint(qemu, "minor", 0);

    caps->version = (unsigned)(major * 1000000 + minor * 1000 + json_uint(qemu, "micro", 0));
    caps->package = copy(caps, answer, "package");
    for (size_t i = 0; i < QEMU_CAP_MAX; i++) {
        const char *text = qemu_cap_rows[i].what;
        uint64_t want_major, want_minor;

        if (qemu_cap_rows[i].how == HOW_SINCE && str_take_u64(&text, &want_major) == 0 && *text++ == '.' &&
            str_take_u64(&text, &want_minor) == 0 &&
            (major > want_major || (major == want_major && minor >= want_minor)))
            set_flag(caps, i);
    }
}

static void learn_target(struct qemu_caps *caps, struct json_object *answer)
{
    const char *arch = json_string(answer, "arch");

    /* QEMU's words, where libvirt's differ */
    if (str_eq(arch, "i386"))
        arch = "i686";
    else if (str_eq(arch, "arm"))
        arch = "armv7l";
    else if (str_eq(arch, "or1k"))
        arch = "or32";
    caps->arch = arena_strdup(&caps->arena, arch);
}

static void learn_schema(struct qemu_caps *caps, struct json_object *answer)
{
    struct schema *schema = schema_new(answer);

    for (size_t i = 0; i < QEMU_CAP_MAX; i++) {
        const struct qemu_cap_row *row = &qemu_cap_rows[i];

        if ((row->how == HOW_SCHEMA || row->how == HOW_COMMAND) && schema_has(schema, row->what))
            set_flag(caps, i);
    }
    schema_free(schema);
}

/* Names of an array of objects; borrowed from it. */
static void collect(struct json_object *array, const char *member, struct map *ret)
{
    for (size_t i = 0; i < json_count(array); i++) {
        struct json_object *element = json_object_array_get_idx(array, i);
        const char *name = json_string(element, member);

        if (name)
            (void)map_put(ret, name, element);
    }
}

static void learn_types(struct qemu_caps *caps, struct json_object *answer)
{
    struct map types = {0};

    collect(answer, "name", &types);
    for (size_t i = 0; i < QEMU_CAP_MAX; i++)
        if (qemu_cap_rows[i].how == HOW_TYPE && map_get(&types, qemu_cap_rows[i].what))
            set_flag(caps, i);
    map_done(&types);
}

static void learn_options(struct qemu_caps *caps, struct json_object *answer)
{
    struct map options = {0};

    collect(answer, "option", &options);
    for (size_t i = 0; i < QEMU_CAP_MAX; i++) {
        char group[TYPE_MAX];
        const char *dot = strchr(qemu_cap_rows[i].what, '.');

        if (qemu_cap_rows[i].how != HOW_OPTION)
            continue;
        snprintf(group, sizeof(group), "%.*s", (int)strcspn(qemu_cap_rows[i].what, "."),
                 qemu_cap_rows[i].what);
        struct json_object *found = map_get(&options, group);
        struct map parameters = {0};

        if (found && dot)
            collect(json_get(found, "parameters"), "name", &parameters);
        if (found && (!dot || map_get(&parameters, dot + 1)))
            set_flag(caps, i);
        map_done(&parameters);
    }
    map_done(&options);
}

static void learn_properties(struct qemu_caps *caps, enum qemu_cap_how how, const char *type,
                             struct json_object *answer)
{
    struct map properties = {0};

    collect(answer, "name", &properties);
    for (size_t i = 0; i < QEMU_CAP_MAX; i++) {
        const char *property = qemu_cap_rows[i].how == how ? row_property(&qemu_cap_rows[i], type) : NULL;

        if (property && map_get(&properties, property))
            set_flag(caps, i);
    }
    map_done(&properties);
}

static void learn_machines(struct qemu_caps *caps, struct json_object *answer)
{
    size_t count = json_count(answer);

    caps->machines = ARENA_ARRAY(&caps->arena, struct qemu_machine, count);
    for (size_t i = 0; i < count; i++) {
        struct json_object *object = json_object_array_get_idx(answer, i);
        struct qemu_machine *machine = &caps->machines[caps->machine_count];
        const char *name = json_string(object, "name");

        if (!name || str_eq(name, "none"))
            continue;
        machine->name = arena_strdup(&caps->arena, name);
        machine->alias = copy(caps, object, "alias");
        machine->default_cpu = copy(caps, object, "default-cpu-type");
        machine->default_ram = copy(caps, object, "default-ram-id");
        machine->max_cpus = (unsigned)json_uint(object, "cpu-max", 1);
        machine->is_default = json_flag(object, "is-default", false);
        machine->deprecated = json_flag(object, "deprecated", false);
        machine->hotpluggable_cpus = json_flag(object, "hotpluggable-cpus", false);
        machine->numa_mem_supported = json_flag(object, "numa-mem-supported", false);
        machine->acpi = json_flag(object, "acpi", true);
        caps->machine_count++;
    }
}

/* "a,b", each once; NULL for nothing. */
static const char *join(struct arena *arena, struct json_object *array)
{
    auto_buf struct buf text = {0};
    struct map seen = {0};

    for (size_t i = 0; i < json_count(array); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(array, i));

        if (!name || map_put(&seen, name, array) < 0)
            continue;
        buf_printf(&text, "%s%s", text.length ? "," : "", name);
    }
    map_done(&seen);
    return text.length ? arena_strdup(arena, buf_text(&text)) : NULL;
}

static void learn_cpus(struct qemu_caps *caps, struct qemu_accel_caps *accel, struct json_object *answer)
{
    size_t count = json_count(answer);

    accel->cpus = ARENA_ARRAY(&caps->arena, struct qemu_cpu_model, count);
    for (size_t i = 0; i < count; i++) {
        struct json_object *object = json_object_array_get_idx(answer, i);
        struct qemu_cpu_model *cpu = &accel->cpus[accel->cpu_count];
        struct json_object *missing = json_get(object, "unavailable-features");

        cpu->name = copy(caps, object, "name");
        if (!cpu->name)
            continue;
        cpu->type = copy(caps, object, "typename");
        cpu->usable = missing && json_count(missing) == 0;
        cpu->deprecated = json_flag(object, "deprecated", false);
        cpu->blockers = join(&caps->arena, missing);
        accel->cpu_count++;
    }
}

static struct qemu_cpu_feature *find_feature(const struct qemu_accel_caps *accel, const char *name)
{
    for (size_t i = 0; i < accel->feature_count; i++)
        if (str_eq(accel->features[i].name, name))
            return &accel->features[i];
    return NULL;
}

/* Asked twice: first for what may migrate, then for all; the second answer decides about values. */
static void learn_expansion(struct qemu_caps *caps, struct qemu_accel_caps *accel, bool all,
                            struct json_object *answer)
{
    struct json_object *props = json_get(json_get(answer, "model"), "props");
    size_t room = accel->feature_count;

    if (!json_object_is_type(props, json_type_object))
        return;
    if (!accel->features)
        accel->features = ARENA_ARRAY(&caps->arena, struct qemu_cpu_feature,
                                      room = (size_t)json_object_object_length(props));
    json_object_object_foreach(props, name, value)
    {
        if (!json_object_is_type(value, json_type_boolean))
            continue;
        bool on = json_object_get_boolean(value);
        struct qemu_cpu_feature *feature = all ? find_feature(accel, name) : NULL;

        if (!feature && accel->feature_count < room) {
            feature = &accel->features[accel->feature_count++];
            feature->name = arena_strdup(&caps->arena, name);
        }
        if (!feature)
            continue;
        feature->value = on;
        if (!all)
            feature->migratable = on;
    }
    accel->cpu_vendor = copy(caps, props, "vendor");
    accel->cpu_model_id = copy(caps, props, "model-id");
    accel->cpu_family = (unsigned)json_uint(props, "family", 0);
    accel->cpu_model = (unsigned)json_uint(props, "model", 0);
    accel->cpu_stepping = (unsigned)json_uint(props, "stepping", 0);
}

/* QEMU's property of an enlightenment is "hv-" and our word with dashes; those that aren't switches have a
 * default. */
static void learn_hyperv(struct qemu_caps *caps, struct json_object *answer)
{
    struct json_object *props = json_get(json_get(answer, "model"), "props");

    for (int i = 0; qemu_hyperv_names[i]; i++) {
        char name[32];

        snprintf(name, sizeof(name), "hv-%s", qemu_hyperv_names[i]);
        for (char *c = name; *c; c++)
            if (*c == '_')
                *c = '-';
        struct json_object *value = json_get(props, name);

        if (value && (!json_object_is_type(value, json_type_boolean) || json_object_get_boolean(value)))
            caps->hyperv |= 1u << i;
    }
}

void caps_learn(struct qemu_caps *caps, enum qemu_accel accel, const struct caps_question *question,
                struct json_object *answer)
{
    const char *command = question->command;

    if (!answer)
        return;
    if (str_eq(command, "query-version"))
        learn_version(caps, answer);
    else if (str_eq(command, "query-target"))
        learn_target(caps, answer);
    else if (str_eq(command, "query-qmp-schema"))
        learn_schema(caps, answer);
    else if (str_eq(command, "qom-list-types"))
        learn_types(caps, answer);
    else if (str_eq(command, "query-command-line-options"))
        learn_options(caps, answer);
    else if (str_eq(command, "device-list-properties"))
        learn_properties(caps, HOW_PROPERTY, question->subject, answer);
    else if (str_eq(command, "qom-list-properties"))
        learn_properties(caps, HOW_OBJECT, question->subject, answer);
    else if (str_eq(command, "query-machines"))
        learn_machines(caps, answer);
    else if (str_eq(command, "query-cpu-definitions"))
        learn_cpus(caps, &caps->accel[accel], answer);
    else if (str_eq(command, "query-cpu-model-expansion") && str_eq(question->subject, "hyperv"))
        learn_hyperv(caps, answer);
    else if (str_eq(command, "query-cpu-model-expansion"))
        learn_expansion(caps, &caps->accel[accel], str_eq(question->subject, "all"), answer);
    else if (str_eq(command, "query-sev-capabilities"))
        caps->sev = true;
    else if (str_eq(command, "query-sgx-capabilities"))
        caps->sgx = json_flag(answer, "sgx", false);
}

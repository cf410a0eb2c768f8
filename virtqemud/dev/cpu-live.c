/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cpu-live: which processor a machine really has. A definition may leave it to the host; the live definition
 * names a model and every feature that differs from it, so that the guest finds the same processor elsewhere.
 */
#define ERR_FROM ERR_FROM_QEMU

#include "base/map.h"
#include "base/str.h"
#include "loop/fiber.h"
#include "virtqemud/cpu-model.h"
#include "virtqemud/defaults/defaults.h"
#include "virtqemud/dev/dev.h"
#include "virtqemud/json.h"
#include "virtqemud/qemud.h"
#include "virtqemud/qmp.h"

#define QMP_USEC SECONDS(30)

static struct cpu_feature *feature_of(const struct cpu *cpu, const char *name)
{
    for (size_t i = 0; i < cpu->n_features; i++)
        if (str_eq(cpu->features[i]->name, name))
            return cpu->features[i];
    return NULL;
}

static void set_feature(struct cpu *cpu, struct arena *arena, const char *name, enum cpu_policy policy)
{
    struct cpu_feature *feature = feature_of(cpu, name);

    if (!feature) {
        feature = ARENA_NEW(arena, struct cpu_feature);
        feature->name = arena_strdup(arena, name);
        cpu->features = arena_grow(arena, cpu->features, cpu->n_features, sizeof(*cpu->features));
        cpu->features[cpu->n_features++] = feature;
    }
    feature->policy = policy;
}

/* ---- host-model ---- */

void cpu_choose(struct build *build)
{
    struct cpu *cpu = build->domain->cpu;
    enum qemu_accel accel = build->domain->virt == VIRT_KVM ? QEMU_ACCEL_KVM : QEMU_ACCEL_TCG;
    struct x86_cpu best;
    struct x86_choice choice;
    struct cpu_feature **wanted;
    size_t n_wanted;

    if (!cpu || cpu->mode != CPU_HOST_MODEL || !arch_is_x86(build->domain->os.arch) ||
        !cpu_host_model(build->caps, accel, /* migratable= */ true, &best, &choice))
        return;
    wanted = cpu->features;
    n_wanted = cpu->n_features;
    cpu->features = NULL;
    cpu->n_features = 0;
    cpu->mode = CPU_CUSTOM;
    cpu->match = CPU_EXACT;
    cpu->fallback = CPU_FALLBACK_FORBID;
    cpu->model = arena_strdup(build->arena, choice.model->name);
    cpu->vendor = arena_strdup(build->arena, best.vendor);
    X86_FOREACH(&choice.require, feature)
    set_feature(cpu, build->arena, x86_feature_name(feature), CPU_REQUIRE);
    X86_FOREACH(&choice.disable, feature)
    set_feature(cpu, build->arena, x86_feature_name(feature), CPU_DISABLE);
    /* what the definition says itself stands above what the host has */
    for (size_t i = 0; i < n_wanted; i++)
        set_feature(cpu, build->arena, wanted[i]->name, wanted[i]->policy);
}

/* ---- what it became ---- */

/* Features that the guest sees, of those that QEMU tells about. */
struct seen {
    struct x86_set on, told;
};

static void take_word(struct seen *seen, struct json_object *word)
{
    static const char *const registers[] = {"EAX", "EBX", "ECX", "EDX"};
    const char *name = json_string(word, "cpuid-register");
    uint32_t leaf = (uint32_t)json_uint(word, "cpuid-input-eax", 0);
    uint32_t subleaf = (uint32_t)json_uint(word, "cpuid-input-ecx", 0);
    struct x86_cpu on = {0}, all = {0};

    for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
        uint32_t values[4] = {0};

        if (!str_eq(name, registers[i]))
            continue;
        values[i] = (uint32_t)json_uint(word, "features", 0);
        x86_cpu_take_leaf(&on, leaf, subleaf, values);
        values[i] = UINT32_MAX;
        x86_cpu_take_leaf(&all, leaf, subleaf, values);
    }
    seen->on = x86_set_or(&seen->on, &on.features);
    seen->told = x86_set_or(&seen->told, &all.features);
}

/* The same binary makes the same processor of the same words: it is asked once. */
static const char *key_of(struct req *rq, const struct build *build)
{
    const char *option = "";

    for (size_t i = 0; i + 1 < build->count_argv; i++)
        if (str_eq(build->argv[i], "-cpu"))
            option = build->argv[i + 1];
    return arena_printf(&rq->arena, "%s %u %s %d %s %s", build->caps->binary, build->caps->version,
                        build->caps->package, build->domain->virt, build->domain->os.machine, option);
}

struct known_cpu {
    struct seen seen;
    char key[];
};

static void forget_all(struct map *map)
{
    struct known_cpu *known;

    MAP_FOREACH(map, known) {
        free(known);
    }
    map_done(map);
}

static int look(struct req *rq, struct build *build, struct qmp *qmp, struct seen *ret)
{
    enum { KNOWN_MAX = 64 };
    const char *key = key_of(rq, build);
    struct known_cpu *known = map_get(&qemud.live_cpus, key);
    auto_json struct json_object *words = NULL;

    if (known) {
        *ret = known->seen;
        return 0;
    }
    if (qmp_call(rq, qmp, "qom-get",
                 "{\"path\": \"/machine/unattached/device[0]\", \"property\": \"feature-words\"}", &words,
                 QMP_USEC) < 0)
        return -1;
    *ret = (struct seen){0};
    for (size_t i = 0; i < json_count(words); i++)
        take_word(ret, json_object_array_get_idx(words, i));
    if (qemud.live_cpus.count >= KNOWN_MAX)
        forget_all(&qemud.live_cpus);
    known = mem_zalloc(sizeof(*known) + strlen(key) + 1);
    known->seen = *ret;
    strcpy(known->key, key);
    map_put(&qemud.live_cpus, known->key, known);
    return 0;
}

static void name_feature(struct buf *list, const char *name)
{
    buf_printf(list, list->length ? ",%s" : "%s", name);
}

/* A definition that insists on its processor gets an error. */
static int complain(struct req *rq, const struct buf *added, const struct buf *removed)
{
    if (added->length && removed->length)
        return err_set(&rq->err, ERR_OPERATION_FAILED,
                       "guest CPU doesn't match specification: extra features: %s, missing features: %s",
                       added->data, removed->data);
    return err_set(&rq->err, ERR_OPERATION_FAILED, "guest CPU doesn't match specification: %s features: %s",
                   added->length ? "extra" : "missing", added->length ? added->data : removed->data);
}

int learn_cpu(struct req *rq, struct build *build, struct qmp *qmp)
{
    struct cpu *cpu = build->domain->cpu;
    const struct x86_model *model =
        cpu && cpu->mode == CPU_CUSTOM && cpu->model ? x86_model_find(cpu->model) : NULL;
    auto_buf struct buf added = {0}, removed = {0};
    bool strict = cpu && cpu->check == CPU_CHECK_FULL;
    struct seen seen;

    if (!model || !arch_is_x86(build->domain->os.arch))
        return 0;
    if (look(rq, build, qmp, &seen) < 0)
        return -1;
    X86_FOREACH(&seen.told, number)
    {
        const char *name = x86_feature_name(number);
        const struct cpu_feature *feature = feature_of(cpu, name);
        bool on = x86_set_has(&seen.on, number);
        bool wanted = feature ? feature->policy == CPU_REQUIRE || feature->policy == CPU_FORCE
                              : x86_set_has(&model->features, number);

        if (on == wanted)
            continue;
        name_feature(on ? &added : &removed, name);
        if (!strict)
            set_feature(cpu, build->arena, name, on ? CPU_REQUIRE : CPU_DISABLE);
    }
    if (strict && (added.length || removed.length))
        return complain(rq, &added, &removed);
    cpu->check = CPU_CHECK_FULL;
    cpu->fallback = CPU_FALLBACK_FORBID;
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_CPU
#include "virtqemud/cpu-model.h"

#include <stdio.h>

#include "base/enum.h"
#include "base/str.h"
#include "model/domain/cpu.h"
#include "xml/node.h"

const struct x86_cpu *cpu_host(void)
{
    static struct x86_cpu cpu;
    static int state; /* 0: not asked yet */

    if (!state)
        state = x86_host_read(&cpu) < 0 ? -1 : 1;
    return state > 0 ? &cpu : NULL;
}

/* Only models that this QEMU has; what it would add beside ours and can't give must be named. */
bool cpu_qemu_allows(void *data, const struct x86_model *model, struct x86_set *blockers)
{
    const struct cpu_qemu *models = data;
    const struct qemu_cpu_model *cpu = qemu_caps_cpu(models->caps, models->accel, model->name);

    if (!cpu)
        return false;
    for (const char *at = cpu->blockers; at && *at; at += strspn(at, ",")) {
        char name[64];
        size_t length = strcspn(at, ",");

        snprintf(name, sizeof(name), "%.*s", (int)length, at);
        int feature = x86_feature_find(name);

        if (feature >= 0)
            x86_set_add(blockers, (unsigned)feature);
        at += length;
    }
    return true;
}

bool cpu_host_model(const struct qemu_caps *caps, enum qemu_accel accel, bool migratable,
                    struct x86_cpu *ret_cpu, struct x86_choice *ret)
{
    const struct qemu_accel_caps *known = &caps->accel[accel];
    struct x86_cpu cpu = {.vendor = x86_vendor_find(known->cpu_vendor),
                          .family = known->cpu_family,
                          .model = known->cpu_model,
                          .stepping = known->cpu_stepping};
    struct cpu_qemu models = {caps, accel};
    struct x86_question question = {.cpu = &cpu, .allowed = cpu_qemu_allows, .data = &models};

    for (size_t i = 0; i < known->feature_count; i++) {
        const struct qemu_cpu_feature *property = &known->features[i];
        int feature =
            property->value && (!migratable || property->migratable) ? x86_feature_find(property->name) : -1;

        if (feature >= 0)
            x86_set_add(&cpu.features, (unsigned)feature);
    }
    if (!known->feature_count || !x86_choose(&question, ret))
        return false;
    *ret_cpu = cpu;
    return true;
}

void cpu_format_features(const struct x86_choice *choice, bool host, int indent, struct buf *xml)
{
    X86_FOREACH(&choice->require, feature)
    buf_printf(xml, "%*s<feature %sname='%s'/>\n", indent, "", host ? "" : "policy='require' ",
               x86_feature_name(feature));
    X86_FOREACH(&choice->disable, feature)
    buf_printf(xml, "%*s<feature policy='disable' name='%s'/>\n", indent, "", x86_feature_name(feature));
}

/* The set that a policy's features go to. */
static struct x86_set *set_of(struct cpu_demand *demand, enum cpu_policy policy)
{
    switch (policy) {
    case CPU_FORCE:
        return &demand->force;
    case CPU_OPTIONAL:
        return &demand->optional;
    case CPU_DISABLE:
        return &demand->disable;
    case CPU_FORBID:
        return &demand->forbid;
    default:
        return &demand->require;
    }
}

static int read_feature(const struct xml_node *node, struct cpu_demand *demand, struct err *err)
{
    const char *name = xml_attr(node, "name"), *policy = xml_attr(node, "policy");
    int value = policy ? enum_find(cpu_policy_names, policy) : CPU_REQUIRE;
    int feature = x86_feature_find(name);

    if (str_empty(name))
        return err_set(err, ERR_XML_ERROR, "Invalid CPU feature name");
    if (value < 0)
        return err_set(err, ERR_INTERNAL_ERROR, "Invalid CPU feature policy '%s'", policy);
    if (feature < 0)
        return err_set(err, ERR_INTERNAL_ERROR, "Unknown CPU feature %s", name);
    if (x86_set_has(&demand->named, (unsigned)feature))
        return err_set(err, ERR_XML_ERROR, "CPU feature '%s' specified more than once", name);
    x86_set_add(&demand->named, (unsigned)feature);
    x86_set_add(set_of(demand, demand->host ? CPU_REQUIRE : (enum cpu_policy)value), (unsigned)feature);
    return 0;
}

int cpu_demand_parse(struct arena *arena, const char *xml, bool host_only, struct cpu_demand *ret,
                     struct err *err)
{
    struct xml_node *root = xml_parse(arena, xml, strlen(xml), "(CPU_definition)", NULL, err), *child;
    struct cpu_demand demand = {0};

    if (!root)
        return -1;
    if (!str_eq(root->name, "cpu")) /* a whole capabilities or domain document will do, too */
        root = str_eq(root->name, "domain") ? xml_child(root, "cpu") : NULL;
    if (!root)
        return err_set(err, ERR_XML_ERROR, "XML does not contain expected 'cpu' element");
    const char *mode = xml_attr(root, "mode"), *match = xml_attr(root, "match");
    const char *arch = xml_child(root, "arch") ? xml_text(xml_child(root, "arch"), arena) : NULL;

    demand.host = !mode && !match;
    demand.strict = str_eq(match, "strict");
    demand.host_mode = mode && !str_eq(mode, "custom");
    if (mode && enum_find(cpu_mode_names, mode) < 0)
        return err_set(err, ERR_INTERNAL_ERROR, "Invalid mode attribute '%s'", mode);
    if (match && enum_find(cpu_match_names, match) < 0)
        return err_set(err, ERR_INTERNAL_ERROR, "Invalid match attribute for CPU specification");
    if (host_only && mode)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "Attribute mode is only allowed for guest CPU");
    if (host_only && !arch)
        return err_set(err, ERR_XML_ERROR, "Missing CPU architecture");
    if (host_only && match)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "Attribute match is only allowed for guest CPU");
    if (arch && !str_eq(arch, "x86_64") && !str_eq(arch, "i686"))
        return err_set(err, ERR_NO_SUPPORT, "cannot compare CPUs of %s architecture", arch);
    if ((child = xml_child(root, "vendor")))
        demand.vendor = xml_text(child, arena);
    if ((child = xml_child(root, "model"))) {
        demand.model = xml_text(child, arena);
        const struct x86_model *model = x86_model_find(demand.model);

        if (!model && !demand.host_mode)
            return err_set(err, ERR_INTERNAL_ERROR, "Unknown CPU model %s", demand.model);
        if (model)
            demand.require = model->features;
    } else if (!demand.host_mode && xml_child(root, "feature")) {
        return err_set(err, ERR_XML_ERROR, "Non-empty feature list specified without CPU model");
    }
    for (child = xml_child(root, "feature"); child; child = xml_next(child, "feature"))
        if (read_feature(child, &demand, err) < 0)
            return -1;
    /* what the model has and the document takes away or leaves open is not required */
    demand.require = x86_set_minus(&demand.require, &demand.force);
    demand.require = x86_set_minus(&demand.require, &demand.optional);
    demand.require = x86_set_minus(&demand.require, &demand.disable);
    demand.require = x86_set_minus(&demand.require, &demand.forbid);
    *ret = demand;
    return 0;
}

/* "the features are: a,b" */
static const char *name_features(struct arena *arena, const char *what, const struct x86_set *set)
{
    auto_buf struct buf text = {0};

    buf_add_string(&text, what);
    X86_FOREACH(set, feature)
    buf_printf(&text, "%s%s", text.length == strlen(what) ? "" : ", ", x86_feature_name(feature));
    return arena_strdup(arena, buf_text(&text));
}

enum cpu_compare cpu_compare(struct arena *arena, const struct x86_cpu *host, const struct cpu_demand *demand,
                             const char **ret_why)
{
    struct x86_set forbidden = x86_set_and(&demand->forbid, &host->features);
    struct x86_set missing = x86_set_minus(&demand->require, &host->features), more = host->features;

    if (demand->host_mode)
        return CPU_COMPARE_SUPERSET; /* libvirt's answer: no feature is asked for, the host has some */
    if (demand->vendor && !str_eq(demand->vendor, host->vendor)) {
        *ret_why =
            arena_printf(arena, "host CPU vendor does not match required CPU vendor %s", demand->vendor);
        return CPU_COMPARE_INCOMPATIBLE;
    }
    if (!x86_set_empty(&forbidden)) {
        *ret_why = name_features(arena, "Host CPU provides forbidden features: ", &forbidden);
        return CPU_COMPARE_INCOMPATIBLE;
    }
    if (!x86_set_empty(&missing)) {
        *ret_why = name_features(arena, "Host CPU does not provide required features: ", &missing);
        return CPU_COMPARE_INCOMPATIBLE;
    }
    more = x86_set_minus(&more, &demand->require);
    more = x86_set_minus(&more, &demand->optional);
    more = x86_set_minus(&more, &demand->disable);
    more = x86_set_minus(&more, &demand->force);
    if (x86_set_empty(&more))
        return CPU_COMPARE_IDENTICAL;
    if (demand->strict) {
        *ret_why =
            name_features(arena, "Host CPU does not strictly match desired CPU: Extra features: ", &more);
        return CPU_COMPARE_INCOMPATIBLE;
    }
    return CPU_COMPARE_SUPERSET;
}

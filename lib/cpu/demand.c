/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_CPU
#include "cpu/demand.h"

#include "base/enum.h"
#include "base/str.h"
#include "cpu/names.h"
#include "model/domain/cpu.h"
#include "model/domain/os.h"

static void format_disabled(const struct x86_set *set, int indent, struct buf *xml)
{
    X86_FOREACH(set, feature)
    buf_printf(xml, "%*s<feature policy='disable' name='%s'/>\n", indent, "", x86_feature_name(feature));
}

void cpu_format_features(const struct x86_choice *choice, bool host, int indent, struct buf *xml)
{
    struct x86_set of_model = x86_set_minus(&choice->disable, &choice->model->removed);
    struct x86_set removed = x86_set_minus(&choice->disable, &of_model);

    X86_FOREACH(&choice->require, feature)
    buf_printf(xml, "%*s<feature %sname='%s'/>\n", indent, "", host ? "" : "policy='require' ",
               x86_feature_name(feature));
    format_disabled(&of_model, indent, xml);
    format_disabled(&removed, indent, xml);
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
    x86_set_add(set_of(demand, demand->document.host ? CPU_REQUIRE : (enum cpu_policy)value),
                (unsigned)feature);
    return 0;
}

int cpu_document_parse(struct arena *arena, const char *xml, bool host_only, struct cpu_document *ret,
                       struct err *err)
{
    const struct xml_node *root = xml_parse(arena, xml, strlen(xml), "(CPU_definition)", NULL, err), *child;

    if (!root)
        return -1;
    if (!str_eq(root->name, "cpu"))
        return err_set(err, ERR_XML_ERROR, "XML does not contain expected 'cpu' element");
    const char *mode = xml_attr(root, "mode"), *match = xml_attr(root, "match");
    struct cpu_document document = {
        .root = root,
        .host = host_only || xml_child(root, "arch"),
        .strict = str_eq(match, "strict"),
        .host_mode = mode && !str_eq(mode, "custom"),
    };

    if ((child = xml_child(root, "arch")))
        document.arch = xml_text(child, arena);
    if ((child = xml_child(root, "model")))
        document.model = xml_text(child, arena);
    if ((child = xml_child(root, "vendor")) && !str_empty(xml_text(child, arena)))
        document.vendor = xml_text(child, arena);
    if (mode && enum_find(cpu_mode_names, mode) < 0)
        return err_set(err, ERR_INTERNAL_ERROR, "Invalid mode attribute '%s'", mode);
    if (match && enum_find(cpu_match_names, match) < 0)
        return err_set(err, ERR_INTERNAL_ERROR, "Invalid match attribute for CPU specification");
    if (document.host && mode)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "Attribute mode is only allowed for guest CPU");
    if (match && document.arch && !host_only)
        return err_set(err, ERR_XML_ERROR,
                       "'arch' element cannot be used inside 'cpu' element with 'match' attribute'");
    if (document.host && str_empty(document.arch))
        return err_set(err, ERR_XML_ERROR, "Missing CPU architecture");
    if (document.arch && !os_arch_known(document.arch))
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "Unknown architecture %s", document.arch);
    if (document.host && str_empty(document.model))
        return err_set(err, ERR_XML_ERROR, "Missing CPU model name");
    *ret = document;
    return 0;
}

int cpu_demand_read(const struct cpu_document *document, struct cpu_demand *ret, struct err *err)
{
    struct cpu_demand demand = {.document = *document};
    const struct xml_node *first = xml_child(document->root, "feature");

    if (document->model) {
        const struct x86_model *model = x86_model_find(document->model);

        if (!model && !document->host_mode)
            return err_set(err, ERR_INTERNAL_ERROR, "Unknown CPU model %s", document->model);
        if (model)
            demand.require = model->features;
    } else if (!document->host_mode && first) {
        return err_set(err, ERR_XML_ERROR, "Non-empty feature list specified without CPU model");
    }
    for (const struct xml_node *child = first; child; child = xml_next(child, "feature"))
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

    if (demand->document.host_mode)
        return CPU_COMPARE_SUPERSET; /* libvirt's answer: no feature is asked for, the host has some */
    if (demand->document.vendor && !str_eq(demand->document.vendor, host->vendor)) {
        *ret_why = arena_printf(arena, "host CPU vendor does not match required CPU vendor %s",
                                demand->document.vendor);
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
    if (demand->document.strict) {
        *ret_why =
            name_features(arena, "Host CPU does not strictly match desired CPU: Extra features: ", &more);
        return CPU_COMPARE_INCOMPATIBLE;
    }
    return CPU_COMPARE_SUPERSET;
}

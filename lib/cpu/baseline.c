/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_CPU
#include "cpu/baseline.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/str.h"
#include "cpu/demand.h"
#include "cpu/names.h"

static bool vendor_known(const char *vendor)
{
    return str_eq(vendor, "Intel") || str_eq(vendor, "AMD") || str_eq(vendor, "Hygon");
}

/* What of the processors is on all of them. */
struct common {
    struct x86_cpu cpu;
    const char *model; /* NULL: not all are of the same */
    bool vendor;       /* all documents say it */
};

/*
 * Vendors must agree, those that the documents tell and those that belong to the models; but what the first
 * one's model says of its vendor doesn't bind the others.
 */
static int agree(struct common *common, const struct cpu_document *document, bool first, struct err *err)
{
    const char *vendor = document->vendor, *of_model = x86_model_find(document->model)->vendor;

    if (vendor && !vendor_known(vendor))
        return err_set(err, ERR_OPERATION_FAILED, "Unknown CPU vendor %s", vendor);
    if (!vendor)
        common->vendor = false;
    if (first) {
        common->cpu.vendor = vendor;
        return 0;
    }
    if (vendor && of_model && !str_eq(vendor, of_model))
        return err_set(err, ERR_OPERATION_FAILED, "CPU vendor %s of model %s differs from vendor %s",
                       of_model, document->model, vendor);
    if (!vendor)
        vendor = of_model;
    if (vendor && common->cpu.vendor && !str_eq(vendor, common->cpu.vendor))
        return err_set(err, ERR_OPERATION_FAILED, "CPU vendors do not match");
    if (vendor)
        common->cpu.vendor = vendor;
    return 0;
}

static int intersect(const struct cpu_document *documents, unsigned count, struct common *ret,
                     struct err *err)
{
    struct common common = {.model = documents[0].model, .vendor = true};

    for (unsigned i = 0; i < count; i++) {
        struct cpu_demand demand;

        if (cpu_demand_read(&documents[i], &demand, err) < 0 || agree(&common, &documents[i], !i, err) < 0)
            return -1;
        common.cpu.features = i ? x86_set_and(&common.cpu.features, &demand.require) : demand.require;
        if (!str_eq(common.model, documents[i].model))
            common.model = NULL;
    }
    if (x86_set_empty(&common.cpu.features))
        return err_set(err, ERR_OPERATION_FAILED, "CPUs are incompatible");
    *ret = common;
    return 0;
}

/* What a host shows but QEMU gives to no guest on demand: the guest's system itself, or the host's
 * monitoring, sets it. */
static bool not_of_qemu(unsigned feature)
{
    static const char *const names[] = {"osxsave", "ospke", "cmt", "mbm_total", "mbm_local"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (str_eq(names[i], x86_feature_name(feature)))
            return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(x86_feature_name(*(const unsigned *)a), x86_feature_name(*(const unsigned *)b));
}

/* Every feature of the model by name, too; this list is in alphabetical order. */
static void format_expanded(const struct x86_choice *choice, struct buf *xml)
{
    struct x86_set has = x86_set_or(&choice->model->features, &choice->require);
    unsigned all[X86_FEATURE_MAX], count = 0;

    has = x86_set_minus(&has, &choice->disable);
    for (unsigned i = 0; i < x86_feature_count(); i++)
        if (x86_set_has(&has, i) || x86_set_has(&choice->disable, i))
            all[count++] = i;
    qsort(all, count, sizeof(*all), by_name);
    for (unsigned i = 0; i < count; i++)
        buf_printf(xml, "  <feature policy='%s' name='%s'/>\n",
                   x86_set_has(&has, all[i]) ? "require" : "disable", x86_feature_name(all[i]));
}

static void format_model(const char *model, bool fixed, struct buf *xml)
{
    buf_printf(xml, "<cpu mode='custom' match='exact'>\n  <model fallback='%s'>%s</model>\n",
               fixed ? "forbid" : "allow", model);
}

static int of_x86(const struct cpu_baseline *question, const struct cpu_document *documents, struct buf *xml,
                  struct err *err)
{
    struct common common;
    struct x86_choice choice;
    struct x86_question best = {.cpu = &common.cpu, .allowed = question->allowed, .data = question->data};

    if (intersect(documents, question->count, &common, err) < 0)
        return -1;
    best.preferred = common.model;
    for (unsigned i = 0; i < x86_feature_count(); i++)
        if ((question->of_qemu && not_of_qemu(i)) || (question->migratable && x86_feature_stays(i)))
            x86_set_drop(&common.cpu.features, i);
    if (!x86_choose(&best, &choice))
        return err_set(err, ERR_OPERATION_FAILED, "CPUs are incompatible");
    format_model(choice.model->name, question->allowed || str_eq(common.model, choice.model->name), xml);
    if (common.vendor && common.cpu.vendor)
        buf_printf(xml, "  <vendor>%s</vendor>\n", common.cpu.vendor);
    if (question->expand)
        format_expanded(&choice, xml);
    else
        cpu_format_features(&choice, false, 2, xml);
    return 0;
}

/* POWERs have no features: they are the same, or they have nothing in common. */
static int of_ppc64(const struct cpu_document *documents, unsigned count, struct buf *xml, struct err *err)
{
    for (unsigned i = 0; i < count; i++) {
        const char *model = documents[i].model, *vendor = documents[i].vendor;
        const char *of_model = cpu_ppc64_vendor(model);

        if (i && !str_eq(model, documents[0].model))
            return err_set(err, ERR_OPERATION_FAILED, "CPUs are incompatible");
        if (!of_model)
            return err_set(err, ERR_INTERNAL_ERROR, "Unknown CPU model %s", model);
        if (vendor && !cpu_ppc64_vendor_known(vendor))
            return err_set(err, ERR_OPERATION_FAILED, "Unknown CPU vendor %s", vendor);
        if (vendor && !str_eq(vendor, of_model))
            return err_set(err, ERR_OPERATION_FAILED, "CPU vendor %s of model %s differs from vendor %s",
                           of_model, model, vendor);
    }
    format_model(documents[0].model, true, xml);
    return 0;
}

int cpu_baseline(struct arena *arena, const struct cpu_baseline *question, char **ret, struct err *err)
{
    struct cpu_document *documents = ARENA_ARRAY(arena, struct cpu_document, question->count);
    auto_buf struct buf xml = {0};
    int r = 0;

    if (!question->count)
        return err_set(err, ERR_INVALID_ARG, "no CPUs given");
    for (unsigned i = 0; i < question->count; i++)
        if (cpu_document_parse(arena, question->xmls[i], question->hosts_only, &documents[i], err) < 0)
            return -1;
    for (unsigned i = 0; i < question->count; i++)
        if (!documents[i].model)
            return err_set(err, ERR_INVALID_ARG, "no CPU model specified at index %u", i);
    /* the first one's architecture decides; machines of QEMU that say nothing are x86 here */
    const char *arch = documents[0].arch;

    if (!arch || cpu_is_x86(arch))
        r = of_x86(question, documents, &xml, err);
    else if (cpu_is_ppc64(arch))
        r = of_ppc64(documents, question->count, &xml, err);
    else if (cpu_is_arm(arch)) /* there is only the first one's word for it */
        format_model(documents[0].model, false, &xml);
    else if (cpu_names_known(arch))
        r = err_set(err, ERR_NO_SUPPORT, "cannot compute baseline CPU of %s architecture", arch);
    else
        r = err_set(err, ERR_NO_SUPPORT, "'%s' architecture is not supported by CPU driver", arch);
    if (r < 0)
        return -1;
    buf_add_string(&xml, "</cpu>\n");
    *ret = arena_strdup(arena, buf_text(&xml));
    return 0;
}

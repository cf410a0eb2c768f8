/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The calls about what host and QEMU can do, and about the names of processors. */
#define ERR_FROM ERR_FROM_QEMU
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "protocol/remote.h"
#include "virtqemud/cpu-model.h"
#include "virtqemud/domcaps.h"
#include "virtqemud/host.h"
#include "virtqemud/method.h"

enum {
    COMPARE_FAIL_INCOMPATIBLE = 1, /* flags of virConnectCompareCPU */
    COMPARE_VALIDATE_XML = 2,
    BASELINE_EXPAND_FEATURES = 1, /* of virConnectBaselineCPU */
    BASELINE_MIGRATABLE = 2,
};

static int m_connect_get_capabilities(struct req *rq, struct client *client,
                                      const struct remote_connect_get_capabilities_in *in,
                                      struct remote_connect_get_capabilities_out *out)
{
    auto_buf struct buf xml = {0};

    if (hostcaps_format(rq, &xml) < 0)
        return -1;
    out->capabilities = arena_strdup(&rq->arena, buf_text(&xml));
    return 0;
}

static int m_connect_get_domain_capabilities(struct req *rq, struct client *client,
                                             const struct remote_connect_get_domain_capabilities_in *in,
                                             struct remote_connect_get_domain_capabilities_out *out)
{
    auto_caps const struct qemu_caps *caps = NULL;
    auto_buf struct buf xml = {0};
    struct domcaps_question question;

    if (method_flags(rq, in->flags, 0) < 0 ||
        domcaps_resolve(rq, in->emulatorbin, in->arch, in->machine, in->virttype, &caps, &question) < 0)
        return -1;
    domcaps_format(rq, &question, &xml);
    out->capabilities = arena_strdup(&rq->arena, buf_text(&xml));
    return 0;
}

static int m_connect_get_cpu_model_names(struct req *rq, struct client *client,
                                         const struct remote_connect_get_cpu_model_names_in *in,
                                         struct remote_connect_get_cpu_model_names_out *out)
{
    size_t count = 0;
    const struct x86_model *models = x86_models(&count);

    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    if (!qemu_arch_bits(in->arch))
        return err_set(&rq->err, ERR_INVALID_ARG, "cannot find architecture %s", in->arch);
    if (!str_eq(in->arch, "x86_64") && !str_eq(in->arch, "i686"))
        return 0; /* there QEMU's names are taken as they are */
    out->ret = (int32_t)count;
    if (!in->need_results)
        return 0;
    out->models.v = ARENA_ARRAY(&rq->arena, char *, count);
    for (; out->models.n < count; out->models.n++)
        out->models.v[out->models.n] = (char *)models[out->models.n].name;
    return 0;
}

/* What a document demands, against a processor; the answer for both compare calls. */
static int compare(struct req *rq, const struct x86_cpu *host, const char *xml, unsigned flags, int32_t *ret)
{
    struct cpu_demand demand;
    const char *why = "";

    if (cpu_demand_parse(&rq->arena, xml, /* host_only: */ false, &demand, &rq->err) < 0)
        return -1;
    enum cpu_compare result = cpu_compare(&rq->arena, host, &demand, &why);

    if (result == CPU_COMPARE_INCOMPATIBLE && flags & COMPARE_FAIL_INCOMPATIBLE)
        return err_set_from(&rq->err, ERR_FROM_CPU, ERR_CPU_INCOMPATIBLE, "%s", why);
    *ret = (int32_t)result;
    return 0;
}

static int m_connect_compare_cpu(struct req *rq, struct client *client,
                                 const struct remote_connect_compare_cpu_in *in,
                                 struct remote_connect_compare_cpu_out *out)
{
    const struct x86_cpu *host = cpu_host();

    if (method_flags(rq, in->flags, COMPARE_FAIL_INCOMPATIBLE | COMPARE_VALIDATE_XML) < 0)
        return -1;
    if (!host)
        return err_set(&rq->err, ERR_NO_SUPPORT, "cannot compare CPUs of %s architecture", qemu_host_arch());
    return compare(rq, host, in->xml, in->flags, &out->result);
}

/* The processor that a QEMU offers: what the hypervisor calls compare with and take models from. */
static int hypervisor_cpu(struct req *rq, const char *emulator, const char *arch, const char *machine,
                          const char *virt, const struct qemu_caps **ret_caps,
                          struct domcaps_question *question, struct x86_cpu *cpu)
{
    struct x86_choice choice;

    if (domcaps_resolve(rq, emulator, arch, machine, virt, ret_caps, question) < 0)
        return -1;
    if (!str_eq((*ret_caps)->arch, "x86_64") && !str_eq((*ret_caps)->arch, "i686"))
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED,
                       "comparing with the hypervisor CPU is not supported for arch %s", (*ret_caps)->arch);
    if (!cpu_host_model(*ret_caps, question->accel, /* migratable: */ false, cpu, &choice))
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED,
                       "QEMU '%s' does not support reporting CPU model for virttype '%s'",
                       (*ret_caps)->binary, qemu_accel_domain_type[question->accel]);
    return 0;
}

static int m_connect_compare_hypervisor_cpu(struct req *rq, struct client *client,
                                            const struct remote_connect_compare_hypervisor_cpu_in *in,
                                            struct remote_connect_compare_hypervisor_cpu_out *out)
{
    auto_caps const struct qemu_caps *caps = NULL;
    struct domcaps_question question;
    struct x86_cpu cpu;

    if (method_flags(rq, in->flags, COMPARE_FAIL_INCOMPATIBLE | COMPARE_VALIDATE_XML) < 0 ||
        hypervisor_cpu(rq, in->emulator, in->arch, in->machine, in->virttype, &caps, &question, &cpu) < 0)
        return -1;
    return compare(rq, &cpu, in->xml_cpu, in->flags, &out->result);
}

/* All that every one of the processors has, and the vendor that they share. */
static int intersect(struct req *rq, char *const *xmls, uint32_t count, bool hosts_only, struct x86_cpu *ret,
                     const char **ret_model, bool *ret_vendor)
{
    struct x86_cpu base = {0};
    bool mixed = false;

    if (!count)
        return err_set(&rq->err, ERR_INVALID_ARG, "no CPUs given");
    *ret_vendor = true;
    for (uint32_t i = 0; i < count; i++) {
        struct cpu_demand demand;

        if (cpu_demand_parse(&rq->arena, xmls[i], hosts_only, &demand, &rq->err) < 0)
            return -1;
        if (!demand.model)
            return err_set(&rq->err, ERR_INVALID_ARG, "no CPU model specified at index %u", i);
        const char *vendor = demand.vendor                  ? demand.vendor
                             : x86_model_find(demand.model) ? x86_model_find(demand.model)->vendor
                                                            : NULL;

        if (base.vendor && vendor && !str_eq(base.vendor, vendor)) {
            if (demand.vendor)
                return err_set_from(&rq->err, ERR_FROM_CPU, ERR_OPERATION_FAILED, "CPU vendors do not match");
            mixed = true; /* models that somebody named may be of several */
        }
        if (!demand.vendor)
            *ret_vendor = false;
        if (vendor)
            base.vendor = vendor;
        base.features = i ? x86_set_and(&base.features, &demand.require) : demand.require;
        *ret_model = i && !str_eq(*ret_model, demand.model) ? NULL : demand.model;
    }
    if (x86_set_empty(&base.features))
        return err_set_from(&rq->err, ERR_FROM_CPU, ERR_OPERATION_FAILED, "CPUs are incompatible");
    if (mixed)
        base.vendor = NULL;
    *ret = base;
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

/* models NULL: every model, and only descriptions of hosts; else those that this QEMU knows. */
static int baseline(struct req *rq, char *const *xmls, uint32_t count, struct cpu_qemu *models,
                    unsigned flags, char **ret)
{
    auto_buf struct buf xml = {0};
    struct x86_cpu base;
    struct x86_choice choice;
    struct x86_question question = {.cpu = &base, .allowed = models ? cpu_qemu_allows : NULL, .data = models};
    const char *common = NULL;
    bool vendor = false;

    if (intersect(rq, xmls, count, /* hosts_only: */ !models, &base, &common, &vendor) < 0)
        return -1;
    question.preferred = common;
    for (unsigned i = 0; i < x86_feature_count(); i++)
        if (not_of_qemu(i) || (flags & BASELINE_MIGRATABLE && x86_feature_stays(i)))
            x86_set_drop(&base.features, i);
    if (!x86_choose(&question, &choice))
        return err_set_from(&rq->err, ERR_FROM_CPU, ERR_OPERATION_FAILED, "CPUs are incompatible");
    buf_printf(&xml, "<cpu mode='custom' match='exact'>\n  <model fallback='%s'>%s</model>\n",
               models || str_eq(common, choice.model->name) ? "forbid" : "allow", choice.model->name);
    if (vendor && base.vendor)
        buf_printf(&xml, "  <vendor>%s</vendor>\n", base.vendor);
    if (flags & BASELINE_EXPAND_FEATURES)
        format_expanded(&choice, &xml);
    else
        cpu_format_features(&choice, false, 2, &xml);
    buf_add_string(&xml, "</cpu>\n");
    *ret = arena_strdup(&rq->arena, buf_text(&xml));
    return 0;
}

static int m_connect_baseline_cpu(struct req *rq, struct client *client,
                                  const struct remote_connect_baseline_cpu_in *in,
                                  struct remote_connect_baseline_cpu_out *out)
{
    if (method_flags(rq, in->flags, BASELINE_EXPAND_FEATURES | BASELINE_MIGRATABLE) < 0)
        return -1;
    return baseline(rq, in->xml_cpus.v, in->xml_cpus.n, NULL, in->flags, &out->cpu);
}

static int m_connect_baseline_hypervisor_cpu(struct req *rq, struct client *client,
                                             const struct remote_connect_baseline_hypervisor_cpu_in *in,
                                             struct remote_connect_baseline_hypervisor_cpu_out *out)
{
    auto_caps const struct qemu_caps *caps = NULL;
    struct domcaps_question question;
    struct x86_cpu cpu;

    if (method_flags(rq, in->flags, BASELINE_EXPAND_FEATURES | BASELINE_MIGRATABLE) < 0 ||
        hypervisor_cpu(rq, in->emulator, in->arch, in->machine, in->virttype, &caps, &question, &cpu) < 0)
        return -1;
    struct cpu_qemu models = {caps, question.accel};

    return baseline(rq, in->xml_cpus.v, in->xml_cpus.n, &models, in->flags, &out->cpu);
}

const struct method caps_methods[] = {
    METHOD(remote, CONNECT_GET_CAPABILITIES, m_connect_get_capabilities),
    METHOD(remote, CONNECT_GET_DOMAIN_CAPABILITIES, m_connect_get_domain_capabilities),
    METHOD(remote, CONNECT_GET_CPU_MODEL_NAMES, m_connect_get_cpu_model_names),
    METHOD(remote, CONNECT_COMPARE_CPU, m_connect_compare_cpu),
    METHOD(remote, CONNECT_COMPARE_HYPERVISOR_CPU, m_connect_compare_hypervisor_cpu),
    METHOD(remote, CONNECT_BASELINE_CPU, m_connect_baseline_cpu),
    METHOD(remote, CONNECT_BASELINE_HYPERVISOR_CPU, m_connect_baseline_hypervisor_cpu),
    {0},
};

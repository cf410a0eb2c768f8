/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The calls about what host and QEMU can do, and about the names of processors. */
#define ERR_FROM ERR_FROM_QEMU
#include "base/str.h"
#include "cpu/baseline.h"
#include "cpu/demand.h"
#include "cpu/names.h"
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
    const char *name;

    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    if (!qemu_arch_bits(in->arch))
        return err_set(&rq->err, ERR_INVALID_ARG, "cannot find architecture %s", in->arch);
    if (!cpu_names_known(in->arch))
        return err_set_from(&rq->err, ERR_FROM_CPU, ERR_NO_SUPPORT,
                            "'%s' architecture is not supported by CPU driver", in->arch);
    for (unsigned i = 0; (name = cpu_name_at(in->arch, i)); i++) {
        out->ret++;
        if (!in->need_results)
            continue;
        out->models.v = arena_grow(&rq->arena, out->models.v, out->models.n, sizeof(*out->models.v));
        out->models.v[out->models.n++] = (char *)name;
    }
    return 0;
}

/* What a document demands, against a processor; the answer for both compare calls. */
static int compare(struct req *rq, const struct x86_cpu *host, const char *xml, unsigned flags, int32_t *ret)
{
    struct cpu_document document;
    struct cpu_demand demand;
    const char *why = "";

    if (cpu_document_parse(&rq->arena, xml, /* host_only: */ false, &document, &rq->err) < 0)
        return -1;
    enum cpu_compare result = CPU_COMPARE_INCOMPATIBLE;

    if (document.arch && !cpu_is_x86(document.arch))
        why = arena_printf(&rq->arena, "CPU arch %s does not match host arch", document.arch);
    else if (cpu_demand_read(&document, &demand, &rq->err) < 0)
        return -1;
    else
        result = cpu_compare(&rq->arena, host, &demand, &why);

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
    if (!cpu_is_x86((*ret_caps)->arch))
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

/* models NULL: every model, and only descriptions of hosts; else those that this QEMU knows. */
static int baseline(struct req *rq, char *const *xmls, uint32_t count, struct cpu_qemu *models,
                    unsigned flags, char **ret)
{
    const struct cpu_baseline question = {
        .xmls = xmls,
        .count = count,
        .hosts_only = !models,
        .of_qemu = true,
        .expand = flags & BASELINE_EXPAND_FEATURES,
        .migratable = flags & BASELINE_MIGRATABLE,
        .allowed = models ? cpu_qemu_allows : NULL,
        .data = models,
    };

    return cpu_baseline(&rq->arena, &question, ret, &rq->err);
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

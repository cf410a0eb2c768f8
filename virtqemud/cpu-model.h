/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cpu-model: libvirt's names for processors: of this host, of what an accelerator offers, and what <cpu>
 * documents of users mean. x86 only; other architectures have no names here (host-passthrough and max are all
 * that they offer).
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "host/x86.h"
#include "virtqemud/caps.h"

/* The host's own processor, read once. NULL where we can't name it. */
const struct x86_cpu *cpu_host(void);

/*
 * The best processor that this QEMU offers with this accelerator, by a model that QEMU knows: what the domain
 * capabilities show as host-model. `migratable`: without what can't migrate, which is what a machine with
 * host-model gets. false: QEMU doesn't tell.
 */
bool cpu_host_model(const struct qemu_caps *caps, enum qemu_accel accel, bool migratable,
                    struct x86_cpu *ret_cpu, struct x86_choice *ret);

/* Models that a QEMU knows with an accelerator, for struct x86_question: allowed = cpu_qemu_allows, data =
 * one of these. */
struct cpu_qemu {
    const struct qemu_caps *caps;
    enum qemu_accel accel;
};
bool cpu_qemu_allows(void *data, const struct x86_model *model, struct x86_set *blockers);

/* <feature policy='require' name=''/> lines of a choice, at this indentation; host: without policy. */
void cpu_format_features(const struct x86_choice *choice, bool host, int indent, struct buf *xml);

/* A <cpu> document: what it demands. */
struct cpu_demand {
    const char *model, *vendor; /* in the arena; NULL: not said */
    bool host;                  /* a host's description (no mode, no match): features are what it has */
    bool strict;                /* match='strict' */
    bool host_mode;             /* host-passthrough, host-model or maximum: nothing of its own to compare */
    struct x86_set force, require, optional, disable, forbid; /* require: with the model's features */
    struct x86_set named;                                     /* features that the document names itself */
};
/* host_only: must be a host's description. ERR_XML_ERROR, ERR_CONFIG_UNSUPPORTED ("Unknown CPU model ..."),
 * ERR_INTERNAL_ERROR ("unknown CPU feature
 * ..."). */
int cpu_demand_parse(struct arena *arena, const char *xml, bool host_only, struct cpu_demand *ret,
                     struct err *err);

/* Results of the compare calls. */
enum cpu_compare { CPU_COMPARE_INCOMPATIBLE, CPU_COMPARE_IDENTICAL, CPU_COMPARE_SUPERSET };
/* Can `host` run it? *ret_why (static or in the arena) says why not. */
enum cpu_compare cpu_compare(struct arena *arena, const struct x86_cpu *host, const struct cpu_demand *demand,
                             const char **ret_why);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cpu-model: libvirt's names for the processors of this host and of what an accelerator offers. x86 only;
 * other architectures have no names here (host-passthrough and max are all that they offer).
 */
#pragma once

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

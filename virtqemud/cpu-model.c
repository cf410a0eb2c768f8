/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtqemud/cpu-model.h"

#include <stdio.h>

#include "base/str.h"

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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Naming a processor: every model that may be used is compared with what the processor has; what is left over
 * is named feature by feature. A model made for this very family and model wins over others; then the
 * shortest description.
 */
#include "base/mem.h"
#include "base/str.h"
#include "host/x86.h"

/* "6:85:0-4 6:94": does one of them fit? */
static bool signature_fits(const char *signatures, const struct x86_cpu *cpu)
{
    for (const char *at = signatures; *at; at += strspn(at, " ")) {
        uint64_t family, model, low = 0, high = 15;

        if (str_take_u64(&at, &family) < 0 || *at++ != ':' || str_take_u64(&at, &model) < 0)
            return false;
        if (*at == ':') {
            at++;
            if (str_take_u64(&at, &low) < 0 || *at++ != '-' || str_take_u64(&at, &high) < 0)
                return false;
        }
        if (family == cpu->family && model == cpu->model && cpu->stepping >= low && cpu->stepping <= high)
            return true;
    }
    return false;
}

/* Length of the description. To be without something counts double: software looks at the model's name, too.
 */
static unsigned cost(const struct x86_choice *choice)
{
    return x86_set_count(&choice->require) + 2 * x86_set_count(&choice->disable);
}

/* Is `one` better than the best until now? Both are possible. */
static bool better(const struct x86_cpu *cpu, const struct x86_choice *one, const struct x86_choice *best)
{
    if (!best->model)
        return true;
    if (cpu->family) {
        bool one_fits = signature_fits(one->model->signatures, cpu);
        bool best_fits = signature_fits(best->model->signatures, cpu);

        if (one_fits != best_fits)
            return one_fits;
    }
    if (cost(one) != cost(best))
        return cost(one) < cost(best);
    return x86_set_count(&one->disable) < x86_set_count(&best->disable);
}

bool x86_choose(const struct x86_question *question, struct x86_choice *ret)
{
    const struct x86_cpu *cpu = question->cpu;
    struct x86_choice best = {0};
    size_t count;
    const struct x86_model *models = x86_models(&count);

    /* from the newest to the oldest, so that of two equals the newer one stays */
    for (size_t i = count; i-- > 0;) {
        const struct x86_model *model = &models[i];
        struct x86_set blockers = {0};

        if (!(question->host ? model->host : model->guest) ||
            (question->allowed && !question->allowed(question->data, model, &blockers)) ||
            (model->vendor && cpu->vendor && !str_eq(model->vendor, cpu->vendor)))
            continue;
        struct x86_choice one = {.model = model,
                                 .require = x86_set_minus(&cpu->features, &model->features),
                                 .disable = x86_set_minus(&model->features, &cpu->features)};

        if (!question->host) { /* who builds a guest's processor may still add them */
            struct x86_set removed = x86_set_minus(&model->removed, &cpu->features);

            one.disable = x86_set_or(&one.disable, &removed);
        }
        blockers = x86_set_minus(&blockers, &one.require);
        one.disable = x86_set_or(&one.disable, &blockers);
        if (question->host && !x86_set_empty(&one.disable))
            continue;
        if (str_eq(model->name, question->preferred)) {
            *ret = one;
            return true;
        }
        if (better(cpu, &one, &best))
            best = one;
    }
    *ret = best;
    return best.model != NULL;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * X86: processors as sets of named features, the models that have names, and which model describes a
 * processor best. The facts stand in x86-features.def and x86-models.def.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { X86_WORDS = 4, X86_FEATURE_MAX = 64 * X86_WORDS };

/* Features by number. */
struct x86_set {
    uint64_t word[X86_WORDS];
};
static inline bool x86_set_has(const struct x86_set *set, unsigned feature)
{
    return set->word[feature / 64] >> (feature % 64) & 1;
}
static inline void x86_set_add(struct x86_set *set, unsigned feature)
{
    set->word[feature / 64] |= UINT64_C(1) << (feature % 64);
}
static inline void x86_set_drop(struct x86_set *set, unsigned feature)
{
    set->word[feature / 64] &= ~(UINT64_C(1) << (feature % 64));
}
struct x86_set x86_set_or(const struct x86_set *a, const struct x86_set *b);
struct x86_set x86_set_and(const struct x86_set *a, const struct x86_set *b);
struct x86_set x86_set_minus(const struct x86_set *a, const struct x86_set *b);
bool x86_set_empty(const struct x86_set *set);
unsigned x86_set_count(const struct x86_set *set);
#define X86_FOREACH(set, feature)                                                                            \
    for (unsigned feature = 0; feature < x86_feature_count(); feature++)                                     \
        if (!x86_set_has((set), feature)) {                                                                  \
        } else

unsigned x86_feature_count(void);
const char *x86_feature_name(unsigned feature); /* libvirt's name; static */
/* By libvirt's or by QEMU's name; -1: unknown. */
int x86_feature_find(const char *name);
/* Would a guest with it be stuck on this host? */
bool x86_feature_stays(unsigned feature);

struct x86_cpu {
    const char *vendor;               /* "Intel", "AMD"; static; NULL: none that we know */
    unsigned family, model, stepping; /* family 0: not known */
    struct x86_set features;
};
/* What one CPUID answer says: features of that leaf, and vendor and signature from leaves 0 and 1. */
void x86_cpu_take_leaf(struct x86_cpu *cpu, uint32_t leaf, uint32_t subleaf, const uint32_t registers[4]);
void x86_cpu_take_msr(struct x86_cpu *cpu, uint32_t index, uint64_t value);
/* libvirt's word for CPUID's vendor string ("GenuineIntel"), NULL: unknown. And back. */
const char *x86_vendor_find(const char *string);
/* This host's processor. -ENOTSUP on other architectures. */
int x86_host_read(struct x86_cpu *ret);

struct x86_model {
    const char *name, *vendor; /* vendor NULL: of nobody */
    bool host, guest;          /* may be an answer for */
    const char *signatures;
    struct x86_set features, removed;
};
/* All models in the order of the table; built on first use, lives as long as the program. */
const struct x86_model *x86_models(size_t *ret_count);
const struct x86_model *x86_model_find(const char *name);

struct x86_choice {
    const struct x86_model *model;
    struct x86_set require, disable; /* beside the model */
};
struct x86_question {
    const struct x86_cpu *cpu;
    bool host;             /* describe a host: its model may not have what it lacks */
    const char *preferred; /* this model whenever it is possible; NULL */
    /*
     * NULL: every model is allowed. Else: may this one be used, and which features must be named as disabled
     * since whoever builds the CPU would add them (they are added to *blockers)?
     */
    bool (*allowed)(void *data, const struct x86_model *model, struct x86_set *blockers);
    void *data;
};
/* The model that needs the fewest words beside it; false: none is possible. */
bool x86_choose(const struct x86_question *question, struct x86_choice *ret);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/x86.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

enum { EAX, EBX, ECX, EDX };
enum { NAME_MAX_BYTES = 32 };

static const struct feature {
    const char *name;
    uint32_t leaf, subleaf; /* of CPUID; or leaf is the MSR's index */
    uint8_t reg, bit;
    bool msr;
} features[] = {
#define X86_CPUID(name, leaf, subleaf, reg, bit) {name, leaf, subleaf, reg, bit, false},
#define X86_MSR(name, index, bit) {name, index, 0, 0, bit, true},
#define X86_ALIAS(alias, name)
#define X86_STAYS(name)
#include "host/x86-features.def"
#undef X86_CPUID
#undef X86_MSR
#undef X86_ALIAS
};
_Static_assert(ARRAY_SIZE(features) <= X86_FEATURE_MAX, "struct x86_set is too small");

static const struct alias {
    const char *alias, *name;
} aliases[] = {
#define X86_CPUID(name, leaf, subleaf, reg, bit)
#define X86_MSR(name, index, bit)
#define X86_ALIAS(alias, name) {alias, name},
#include "host/x86-features.def"
#undef X86_ALIAS
#undef X86_STAYS
};

static const char *const staying[] = {
#define X86_ALIAS(alias, name)
#define X86_STAYS(name) name,
#include "host/x86-features.def"
#undef X86_CPUID
#undef X86_MSR
#undef X86_ALIAS
#undef X86_STAYS
};

static const struct vendor {
    const char *name, *string;
} vendors[] = {{"Intel", "GenuineIntel"}, {"AMD", "AuthenticAMD"}, {"Hygon", "HygonGenuine"}};

struct x86_set x86_set_or(const struct x86_set *a, const struct x86_set *b)
{
    struct x86_set set;

    for (int i = 0; i < X86_WORDS; i++)
        set.word[i] = a->word[i] | b->word[i];
    return set;
}

struct x86_set x86_set_and(const struct x86_set *a, const struct x86_set *b)
{
    struct x86_set set;

    for (int i = 0; i < X86_WORDS; i++)
        set.word[i] = a->word[i] & b->word[i];
    return set;
}

struct x86_set x86_set_minus(const struct x86_set *a, const struct x86_set *b)
{
    struct x86_set set;

    for (int i = 0; i < X86_WORDS; i++)
        set.word[i] = a->word[i] & ~b->word[i];
    return set;
}

bool x86_set_empty(const struct x86_set *set)
{
    return !x86_set_count(set);
}

unsigned x86_set_count(const struct x86_set *set)
{
    int count = 0;

    for (int i = 0; i < X86_WORDS; i++)
        count += __builtin_popcountll(set->word[i]);
    return (unsigned)count;
}

unsigned x86_feature_count(void)
{
    return ARRAY_SIZE(features);
}

const char *x86_feature_name(unsigned feature)
{
    return features[feature].name;
}

/* All names in alphabetical order: QEMU's lists are long, and each word of them is looked up. */
static struct name {
    const char *name;
    int feature;
} names[ARRAY_SIZE(features) + ARRAY_SIZE(aliases)];

static int name_order(const void *a, const void *b)
{
    return strcmp(((const struct name *)a)->name, ((const struct name *)b)->name);
}

static void names_sort(void)
{
    size_t count = 0;

    for (; count < ARRAY_SIZE(features); count++)
        names[count] = (struct name){features[count].name, (int)count};
    for (size_t i = 0; i < ARRAY_SIZE(aliases); i++, count++) {
        names[count] = (struct name){aliases[i].alias, -1};
        for (size_t k = 0; k < ARRAY_SIZE(features); k++)
            if (str_eq(features[k].name, aliases[i].name))
                names[count].feature = (int)k;
    }
    qsort(names, count, sizeof(*names), name_order);
}

int x86_feature_find(const char *name)
{
    struct name key = {.name = name}, *found;

    if (!names[0].name)
        names_sort();
    found = name ? bsearch(&key, names, ARRAY_SIZE(names), sizeof(*names), name_order) : NULL;
    return found ? found->feature : -1;
}

bool x86_feature_stays(unsigned feature)
{
    for (size_t i = 0; i < ARRAY_SIZE(staying); i++)
        if (str_eq(staying[i], features[feature].name))
            return true;
    return false;
}

const char *x86_vendor_find(const char *string)
{
    for (size_t i = 0; i < ARRAY_SIZE(vendors); i++)
        if (str_eq(vendors[i].string, string))
            return vendors[i].name;
    return NULL;
}

void x86_cpu_take_leaf(struct x86_cpu *cpu, uint32_t leaf, uint32_t subleaf, const uint32_t registers[4])
{
    if (leaf == 0) {
        char string[13] = "";

        memcpy(string, &registers[EBX], 4);
        memcpy(string + 4, &registers[EDX], 4);
        memcpy(string + 8, &registers[ECX], 4);
        cpu->vendor = x86_vendor_find(string);
    }
    if (leaf == 1) {
        uint32_t signature = registers[EAX];

        cpu->stepping = signature & 0xf;
        cpu->model = signature >> 4 & 0xf;
        cpu->family = signature >> 8 & 0xf;
        /* the extended fields count only where the short ones are used up */
        if (cpu->family == 0xf || cpu->family == 6)
            cpu->model |= (signature >> 16 & 0xf) << 4;
        if (cpu->family == 0xf)
            cpu->family += signature >> 20 & 0xff;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(features); i++)
        if (!features[i].msr && features[i].leaf == leaf && features[i].subleaf == subleaf &&
            registers[features[i].reg] >> features[i].bit & 1)
            x86_set_add(&cpu->features, i);
}

void x86_cpu_take_msr(struct x86_cpu *cpu, uint32_t index, uint64_t value)
{
    for (unsigned i = 0; i < ARRAY_SIZE(features); i++)
        if (features[i].msr && features[i].leaf == index && value >> features[i].bit & 1)
            x86_set_add(&cpu->features, i);
}

int x86_host_read(struct x86_cpu *ret)
{
#if defined(__x86_64__) || defined(__i386__)
    struct x86_cpu cpu = {0};
    uint32_t basic = __get_cpuid_max(0, NULL), extended = __get_cpuid_max(0x80000000u, NULL), registers[4];
    auto_fd int msr = open("/dev/cpu/0/msr", O_RDONLY | O_CLOEXEC); /* only with that module, and for root */

    __cpuid_count(0, 0, registers[EAX], registers[EBX], registers[ECX], registers[EDX]);
    x86_cpu_take_leaf(&cpu, 0, 0, registers);
    for (unsigned i = 0; i < ARRAY_SIZE(features); i++) {
        uint32_t leaf = features[i].leaf, subleaf = features[i].subleaf;
        uint64_t value;

        if (features[i].msr) {
            if (msr >= 0 && pread(msr, &value, sizeof(value), leaf) == sizeof(value))
                x86_cpu_take_msr(&cpu, leaf, value);
            continue;
        }
        if (i && !features[i - 1].msr && features[i - 1].leaf == leaf && features[i - 1].subleaf == subleaf)
            continue;
        if (leaf > (leaf & 0x80000000u ? extended : basic))
            continue;
        __cpuid_count(leaf, subleaf, registers[EAX], registers[EBX], registers[ECX], registers[EDX]);
        x86_cpu_take_leaf(&cpu, leaf, subleaf, registers);
    }
    *ret = cpu;
    return 0;
#else
    return -ENOTSUP;
#endif
}

/* A row of the table, before its changes are applied. */
static const struct model_row {
    const char *name, *vendor;
    bool host, guest;
    const char *signatures, *base, *changes;
} model_rows[] = {
#define X86_MODEL(name, vendor, host, guest, signatures, base, changes)                                      \
    {name, vendor, host, guest, signatures, base, changes},
#include "host/x86-models.def"
#undef X86_MODEL
};

static void apply(struct x86_model *model, const char *changes)
{
    for (const char *at = changes; *at; at += strspn(at, " ")) {
        char name[NAME_MAX_BYTES];
        size_t length = strcspn(at, " ");

        snprintf(name, sizeof(name), "%.*s", (int)length - 1, at + 1);
        int feature = x86_feature_find(name);

        if (feature >= 0 && *at == '+')
            x86_set_add(&model->features, (unsigned)feature);
        else if (feature >= 0 && *at == '-')
            x86_set_drop(&model->features, (unsigned)feature);
        else if (feature >= 0)
            x86_set_add(&model->removed, (unsigned)feature);
        at += length;
    }
}

const struct x86_model *x86_models(size_t *ret_count)
{
    static struct x86_model models[ARRAY_SIZE(model_rows)];

    if (!models[0].name)
        for (size_t i = 0; i < ARRAY_SIZE(model_rows); i++) {
            const struct model_row *row = &model_rows[i];
            struct x86_model model = {.name = row->name,
                                      .vendor = row->vendor,
                                      .host = row->host,
                                      .guest = row->guest,
                                      .signatures = row->signatures};

            for (size_t k = 0; row->base && k < i; k++)
                if (str_eq(models[k].name, row->base))
                    model.features = models[k].features;
            apply(&model, row->changes);
            models[i] = model;
        }
    *ret_count = ARRAY_SIZE(models);
    return models;
}

const struct x86_model *x86_model_find(const char *name)
{
    size_t count;
    const struct x86_model *models = x86_models(&count);

    for (size_t i = 0; i < count; i++)
        if (str_eq(models[i].name, name))
            return &models[i];
    return NULL;
}

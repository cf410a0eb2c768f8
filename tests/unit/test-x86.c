/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Processors: the tables, and the names that libvirt gives to recorded ones (../shared/corpus, where it is).
 */
#include "unit.h"

#include <fcntl.h>

#include "base/file.h"
#include "base/str.h"
#include "host/x86.h"

static const struct x86_model *model(const char *name)
{
    const struct x86_model *found = x86_model_find(name);

    ck_assert_msg(found != NULL, "%s", name);
    return found;
}

/* A word of the table that names no feature would vanish silently: each model's size is known from its first
 * words. */
START_TEST(tables)
{
    static const struct {
        const char *name;
        unsigned features;
    } sizes[] = {{"486", 3},   {"pentium3", 19},  {"kvm64", 26}, {"Penryn", 29}, {"Skylake-Server", 70},
                 {"EPYC", 65}, {"EPYC-Milan", 85}};
    size_t count;
    const struct x86_model *models = x86_models(&count);

    for (unsigned i = 0; i < x86_feature_count(); i++)
        ck_assert_int_eq(x86_feature_find(x86_feature_name(i)), (int)i);
    ck_assert_int_eq(x86_feature_find("sse3"), x86_feature_find("pni"));
    ck_assert_int_eq(x86_feature_find("no-such"), -1);
    ck_assert_int_eq(x86_feature_find(NULL), -1);
    ck_assert(x86_feature_stays((unsigned)x86_feature_find("invtsc")) &&
              !x86_feature_stays((unsigned)x86_feature_find("vme")));
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            ck_assert_str_ne(models[i].name, models[k].name);
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
        ck_assert_uint_eq(x86_set_count(&model(sizes[i].name)->features), sizes[i].features);
}
END_TEST

START_TEST(signature)
{
    /* family 25, model 17, stepping 1: the extended fields */
    const uint32_t vendor[4] = {16, 0x68747541, 0x444d4163, 0x69746e65}, one[4] = {0x00a10f11, 0, 1, 1};
    struct x86_cpu cpu = {0};

    x86_cpu_take_leaf(&cpu, 0, 0, vendor);
    x86_cpu_take_leaf(&cpu, 1, 0, one);
    ck_assert_str_eq(cpu.vendor, "AMD");
    ck_assert_uint_eq(cpu.family, 25);
    ck_assert_uint_eq(cpu.model, 17);
    ck_assert_uint_eq(cpu.stepping, 1);
    ck_assert_uint_eq(x86_set_count(&cpu.features), 2); /* pni, fpu */
    x86_cpu_take_msr(&cpu, 0x10a, 1);
    ck_assert(x86_set_has(&cpu.features, (unsigned)x86_feature_find("rdctl-no")));
}
END_TEST

static bool only_kvm64(void *data, const struct x86_model *candidate, struct x86_set *blockers)
{
    x86_set_add(blockers, (unsigned)x86_feature_find("svm"));
    return str_eq(candidate->name, "kvm64");
}

START_TEST(chooses)
{
    struct x86_cpu cpu = {.vendor = "Intel", .features = model("Penryn")->features};
    struct x86_question question = {.cpu = &cpu, .host = true};
    struct x86_choice choice;

    x86_set_add(&cpu.features, (unsigned)x86_feature_find("vmx"));
    ck_assert(x86_choose(&question, &choice));
    ck_assert_str_eq(choice.model->name, "Penryn");
    ck_assert(x86_set_count(&choice.require) == 1 && x86_set_empty(&choice.disable));
    cpu.vendor = "AMD"; /* then no Intel model */
    ck_assert(x86_choose(&question, &choice));
    ck_assert_ptr_null(choice.model->vendor);
    question.preferred = "pentiumpro";
    ck_assert(x86_choose(&question, &choice));
    ck_assert_str_eq(choice.model->name, "pentiumpro");
    question = (struct x86_question){.cpu = &cpu, .allowed = only_kvm64};
    ck_assert(x86_choose(&question, &choice));
    ck_assert_str_eq(choice.model->name, "kvm64");
    ck_assert(x86_set_has(&choice.disable, (unsigned)x86_feature_find("svm")));
    cpu.features = (struct x86_set){0};
    ck_assert(
        !x86_choose(&(struct x86_question){.cpu = &cpu, .host = true}, &choice)); /* a host with nothing */
}
END_TEST

static uint32_t attribute(const char *line, const char *name)
{
    const char *at = strstr(line, name);

    return at ? (uint32_t)strtoul(at + strlen(name), NULL, 0) : 0;
}

/* Recorded CPUID answers, a line each. */
static struct x86_cpu read_recorded(char *text)
{
    struct x86_cpu cpu = {0};

    for (char *line; (line = strsep(&text, "\n"));) {
        const uint32_t registers[4] = {attribute(line, " eax='"), attribute(line, " ebx='"),
                                       attribute(line, " ecx='"), attribute(line, " edx='")};

        if (strstr(line, "<cpuid"))
            x86_cpu_take_leaf(&cpu, attribute(line, "eax_in='"), attribute(line, "ecx_in='"), registers);
        else if (strstr(line, "<msr"))
            x86_cpu_take_msr(&cpu, attribute(line, "index='"), (uint64_t)registers[3] << 32 | registers[0]);
    }
    return cpu;
}

static void check_recorded(const char *dir, const char *stem, bool host)
{
    auto_free char *from = mem_printf("%s/%s.xml", dir, stem),
                   *to = mem_printf("%s/%s-%s.xml", dir, stem, host ? "host" : "guest");
    auto_buf struct buf input = {0}, wanted = {0}, text = {0};
    struct x86_choice choice;

    if (file_read(AT_FDCWD, to, 1 << 20, &wanted) < 0 || file_read(AT_FDCWD, from, 1 << 20, &input) < 0)
        return;
    struct x86_cpu cpu = read_recorded(input.data);

    ck_assert(x86_choose(&(struct x86_question){.cpu = &cpu, .host = host}, &choice));
    X86_FOREACH(&choice.require, feature)
    buf_printf(&text, "  <feature %sname='%s'/>\n", host ? "" : "policy='require' ",
               x86_feature_name(feature));
    X86_FOREACH(&choice.disable, feature)
    buf_printf(&text, "  <feature policy='disable' name='%s'/>\n", x86_feature_name(feature));
    auto_free char *name = mem_printf(">%s</model>", choice.model->name);

    ck_assert_msg(strstr(buf_text(&wanted), name) && strstr(buf_text(&wanted), buf_text(&text)), "%s: %s\n%s",
                  to, choice.model->name, buf_text(&text));
}

START_TEST(recorded)
{
    const char *top = getenv("top_srcdir");
    auto_free char *dir = mem_printf("%s/../shared/corpus/tests/cputestdata", top ? top : ".");
    auto_strv char **names = NULL;

    if (file_list(AT_FDCWD, dir, &names) < 0)
        return;
    for (char **name = names; *name; name++) {
        if (!str_after(*name, "x86_64-cpuid-") || !str_ends(*name, ".xml"))
            continue;
        auto_free char *stem = mem_strndup(*name, strlen(*name) - strlen(".xml"));

        check_recorded(dir, stem, true);
        check_recorded(dir, stem, false);
    }
}
END_TEST

UNIT_MAIN("x86", tables, signature, chooses, recorded)

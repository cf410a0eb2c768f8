/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Capabilities: the schema's paths, what is learnt from the recorded answers of real binaries
 * (../shared/corpus, where it is), and the file that keeps it.
 */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/file.h"
#include "base/str.h"
#include "cpu/demand.h"
#include "virtqemud/caps-internal.h"
#include "virtqemud/cpu-model.h"
#include "xml/node.h"

static const char schema_text[] =
    "[{'name': 'add', 'meta-type': 'command', 'arg-type': '1', 'ret-type': '4', 'features': ['json']},"
    " {'name': '1', 'meta-type': 'object', 'members': [{'name': 'driver', 'type': '2'}, {'name': 'list', "
    "'type': '[3]'}],"
    "  'tag': 'driver', 'variants': [{'case': 'file', 'type': '3'}]},"
    " {'name': '2', 'meta-type': 'enum', 'values': ['file', 'raw']},"
    " {'name': '[3]', 'meta-type': 'array', 'element-type': '3'},"
    " {'name': '3', 'meta-type': 'object', 'members': [{'name': 'aio', 'type': '2'}, {'name': 'any', 'type': "
    "'5'}]},"
    " {'name': '4', 'meta-type': 'object', 'members': []},"
    " {'name': '5', 'meta-type': 'alternate', 'members': [{'type': '2'}, {'type': '3'}]},"
    " {'name': 'GONE', 'meta-type': 'event', 'arg-type': '4'}, 7, {'meta-type': 'enum'}]";

START_TEST(schema_paths)
{
    static const char *const there[] = {"add",
                                        "add/@json",
                                        "add/arg/driver",
                                        "add/arg/driver/raw",
                                        "add/arg/file/aio/file",
                                        "add/arg/list/aio",
                                        "add/arg/file/any/raw",
                                        "add/arg/file/any/aio",
                                        "add/ret",
                                        "GONE",
                                        "GONE/arg"};
    static const char *const missing[] = {"",
                                          "remove",
                                          "add/@other",
                                          "add/arg/nothing",
                                          "add/arg/driver/qcow2",
                                          "add/ret/x",
                                          "add/x",
                                          "add/arg/file/aio/file/more",
                                          "GONE/ret",
                                          "add/arg/file/any/none",
                                          "GONE/arg/path"};
    auto_buf struct buf text = {0};

    for (const char *c = schema_text; *c; c++)
        buf_add_char(&text, *c == '\'' ? '"' : *c);
    auto_json struct json_object *answer = json_read(text.data, text.length);
    struct schema *schema = schema_new(answer);

    for (size_t i = 0; i < ARRAY_SIZE(there); i++)
        ck_assert_msg(schema_has(schema, there[i]), "'%s'", there[i]);
    for (size_t i = 0; i < ARRAY_SIZE(missing); i++)
        ck_assert_msg(!schema_has(schema, missing[i]), "'%s'", missing[i]);
    schema_free(schema);
}
END_TEST

START_TEST(table)
{
    for (int i = 0; i < QEMU_CAP_MAX; i++) {
        const struct qemu_cap_row *row = &qemu_cap_rows[i];

        ck_assert(!str_empty(row->name) && !str_empty(row->what));
        ck_assert_msg((row->how != HOW_PROPERTY && row->how != HOW_OBJECT) || strchr(row->what, '.'), "%s",
                      row->name);
        for (int k = 0; k < i; k++)
            ck_assert_str_ne(qemu_cap_rows[k].name, row->name);
    }
    ck_assert_ptr_null(qemu_cap_name(QEMU_CAP_MAX));
}
END_TEST

/* A file of the corpus; false where the corpus isn't. */
static bool corpus(struct arena *arena, const char *name, const char **ret)
{
    const char *top = getenv("top_srcdir");
    auto_buf struct buf text = {0};
    const char *path = arena_printf(arena, "%s/../shared/corpus/tests/%s", top ? top : ".", name);

    if (file_read(AT_FDCWD, path, 8 << 20, &text) < 0)
        return false;
    *ret = arena_strdup(arena, buf_text(&text));
    return true;
}

/* The next JSON document of a recording. */
static struct json_object *take_document(const char **at)
{
    struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH);
    struct json_object *object = json_tokener_parse_ex(tokener, *at, (int)strlen(*at));

    *at += json_tokener_get_parse_end(tokener);
    json_tokener_free(tokener);
    return object;
}

/* Replay: each recorded command that is one of our questions teaches us its answer. A second greeting: now
 * without KVM. */
static struct qemu_caps *replay(const char *name)
{
    auto_arena struct arena arena = {0};
    const char *at;
    struct qemu_caps *caps;
    int accel = QEMU_ACCEL_MAX;

    if (!corpus(&arena, arena_printf(&arena, "qemucapabilitiesdata/caps_%s.replies", name), &at))
        return NULL;
    caps = caps_new("/usr/bin/qemu");
    while (*(at += strspn(at, " \n"))) {
        auto_json struct json_object *command = take_document(&at), *reply = take_document(&at);
        struct json_object *args = json_get(command, "arguments"), *model = json_get(args, "model"),
                           *props = json_get(model, "props");
        struct caps_question question = {.command = json_string(command, "execute"),
                                         .subject = json_string(args, "typename")};

        ck_assert(command && reply && question.command);
        if (str_eq(question.command, "qmp_capabilities"))
            caps->accel[--accel].supported = true;
        if (model)
            question.subject = json_get(props, "hv-passthrough") ? "hyperv" : props ? "all" : "migratable";
        if (accel != QEMU_ACCEL_KVM && str_eq(question.command, "query-machines"))
            continue;
        caps_learn(caps, (enum qemu_accel)accel, &question, json_get(reply, "return"));
    }
    return caps;
}

/* Machines and CPU models, against what libvirt made of the same answers. */
static void compare_recorded(const struct qemu_caps *caps, const char *name)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    const char *text;
    size_t machines = 0, cpus[QEMU_ACCEL_MAX] = {0};

    ck_assert(corpus(&arena, arena_printf(&arena, "qemucapabilitiesdata/caps_%s.xml", name), &text));
    struct xml_node *root = xml_parse(&arena, text, strlen(text), name, NULL, &err);

    ck_assert_msg(root != NULL, "%s", err.message);
    ck_assert_str_eq(xml_text(xml_child(root, "arch"), &arena), caps->arch);
    for (struct xml_node *node = xml_child(root, "machine"); node; node = xml_next(node, "machine")) {
        if (!str_eq(xml_attr(node, "type"), "kvm") || str_eq(xml_attr(node, "name"), "none"))
            continue;
        const struct qemu_machine *machine = qemu_caps_machine(caps, xml_attr(node, "name"));

        ck_assert_msg(machine != NULL, "%s", xml_attr(node, "name"));
        ck_assert_int_eq(machine->max_cpus, atoi(xml_attr(node, "maxCpus")));
        ck_assert_msg(str_eq(machine->alias, xml_attr(node, "alias")), "%s", machine->name);
        ck_assert(str_eq(machine->default_cpu, xml_attr(node, "defaultCPU")));
        ck_assert(str_eq(machine->default_ram, xml_attr(node, "defaultRAMid")));
        ck_assert_int_eq(machine->is_default, str_eq(xml_attr(node, "default"), "yes"));
        ck_assert_int_eq(machine->hotpluggable_cpus, str_eq(xml_attr(node, "hotplugCpus"), "yes"));
        ck_assert_int_eq(machine->deprecated, str_eq(xml_attr(node, "deprecated"), "yes"));
        machines++;
    }
    ck_assert_uint_eq(machines, caps->machine_count);
    for (struct xml_node *node = xml_child(root, "cpu"); node; node = xml_next(node, "cpu")) {
        enum qemu_accel accel = str_eq(xml_attr(node, "type"), "kvm") ? QEMU_ACCEL_KVM : QEMU_ACCEL_TCG;
        const struct qemu_cpu_model *cpu = qemu_caps_cpu(caps, accel, xml_attr(node, "name"));

        ck_assert_msg(cpu != NULL, "%s", xml_attr(node, "name"));
        ck_assert_int_eq(cpu->usable, str_eq(xml_attr(node, "usable"), "yes"));
        cpus[accel]++;
    }
    for (int i = 0; i < QEMU_ACCEL_MAX; i++)
        ck_assert_uint_eq(cpus[i], caps->accel[i].cpu_count);
}

START_TEST(recorded)
{
    static const char *const names[] = {"6.0.0.x86_64", "6.2.0.x86_64", "7.0.0.x86_64",
                                        "7.1.0.x86_64", "7.2.0.x86_64", "7.0.0.aarch64"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct qemu_caps *caps = replay(names[i]);

        if (!caps)
            continue;
        compare_recorded(caps, names[i]);
        qemu_caps_unref(caps);
    }
}
END_TEST

START_TEST(recorded_flags)
{
    struct qemu_caps *caps = replay("7.2.0.x86_64");

    if (!caps)
        return;
    ck_assert_uint_eq(caps->version, 7002000);
    ck_assert_str_eq(caps->package, "v7.2.0");
    ck_assert(qemu_caps_has(caps, QEMU_CAP_DEVICE_QXL) && qemu_caps_has(caps, QEMU_CAP_NETDEV_STREAM));
    ck_assert(qemu_caps_has(caps, QEMU_CAP_AIO_IO_URING) && qemu_caps_has(caps, QEMU_CAP_VIRTIO_NET_RSS));
    ck_assert(qemu_caps_has(caps, QEMU_CAP_DEVICE_JSON_HOTPLUG) && qemu_caps_has(caps, QEMU_CAP_SANDBOX));
    ck_assert(qemu_caps_has(caps, QEMU_CAP_TCG));
    ck_assert(!qemu_caps_has(caps, QEMU_CAP_DEVICE_IGB) &&
              !qemu_caps_has(caps, QEMU_CAP_CHARDEV_RECONNECT_MS));
    ck_assert(!qemu_caps_has(caps, QEMU_CAP_VIRTIO_BLK_IOTHREAD_VQ) &&
              !qemu_caps_has(caps, QEMU_CAP_DEVICE_TPM_SPAPR));
    ck_assert_str_eq(qemu_caps_machine(caps, NULL)->name, "pc-i440fx-7.2");
    ck_assert_str_eq(qemu_caps_machine(caps, "q35")->name, "pc-q35-7.2");
    ck_assert_ptr_null(qemu_caps_machine(caps, "q36"));
    qemu_caps_unref(caps);
}
END_TEST

/* What host-model becomes, against libvirt's domain capabilities made from the same answers. */
START_TEST(host_model)
{
    static const struct {
        const char *name, *domcaps;
        enum qemu_accel accel;
    } cases[] = {
        {"7.0.0.x86_64", "7.0.0.x86_64", QEMU_ACCEL_KVM},
        {"7.0.0.x86_64", "7.0.0-tcg.x86_64", QEMU_ACCEL_TCG},
        {"7.1.0.x86_64", "7.1.0.x86_64", QEMU_ACCEL_KVM},
        {"7.1.0.x86_64", "7.1.0-tcg.x86_64", QEMU_ACCEL_TCG},
        {"7.2.0.x86_64", "7.2.0.x86_64", QEMU_ACCEL_KVM},
        {"7.2.0.x86_64", "7.2.0-tcg.x86_64", QEMU_ACCEL_TCG},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        auto_arena struct arena arena = {0};
        auto_buf struct buf text = {0};
        struct qemu_caps *caps = replay(cases[i].name);
        struct x86_choice choice;
        struct x86_cpu cpu;
        const char *wanted;

        if (!caps)
            continue;
        ck_assert(
            corpus(&arena, arena_printf(&arena, "domaincapsdata/qemu_%s.xml", cases[i].domcaps), &wanted));
        ck_assert(cpu_host_model(caps, cases[i].accel, false, &cpu, &choice));
        buf_printf(&text,
                   "    <mode name='host-model' supported='yes'>\n      <model "
                   "fallback='forbid'>%s</model>\n      <vendor>%s</vendor>\n",
                   choice.model->name, cpu.vendor);
        cpu_format_features(&choice, false, 6, &text);
        buf_add_string(&text, "    </mode>\n");
        ck_assert_msg(strstr(wanted, buf_text(&text)) != NULL, "%s is not:\n%s", cases[i].domcaps,
                      buf_text(&text));
        qemu_caps_unref(caps);
    }
}
END_TEST

/* A small set of capabilities with one of everything. */
static struct qemu_caps *sample(void)
{
    struct qemu_caps *caps = caps_new("/usr/bin/qemu-system-x86_64");
    struct qemu_accel_caps *kvm = &caps->accel[QEMU_ACCEL_KVM];

    caps->arch = "x86_64";
    caps->package = "Debian 1:7.2+dfsg-7";
    caps->version = 7002022;
    caps->sgx = true;
    caps->hyperv = 5;
    caps->flags[0] = 0x8000000000000001;
    caps->machines = ARENA_ARRAY(&caps->arena, struct qemu_machine, 2);
    caps->machines[caps->machine_count++] = (struct qemu_machine){.name = "pc-q35-7.2",
                                                                  .alias = "q35",
                                                                  .default_cpu = "qemu64",
                                                                  .default_ram = "pc.ram",
                                                                  .max_cpus = 288,
                                                                  .is_default = true};
    caps->machines[caps->machine_count++] =
        (struct qemu_machine){.name = "isapc", .max_cpus = 1, .deprecated = true, .acpi = true};
    kvm->supported = true;
    kvm->cpu_vendor = "AuthenticAMD";
    kvm->cpu_family = 25;
    kvm->cpus = ARENA_ARRAY(&caps->arena, struct qemu_cpu_model, 2);
    kvm->cpus[kvm->cpu_count++] = (struct qemu_cpu_model){.name = "max", .type = "max-cpu", .usable = true};
    kvm->cpus[kvm->cpu_count++] =
        (struct qemu_cpu_model){.name = "486", .deprecated = true, .blockers = "fpu,vme"};
    kvm->features = ARENA_ARRAY(&caps->arena, struct qemu_cpu_feature, 1);
    kvm->features[kvm->feature_count++] =
        (struct qemu_cpu_feature){.name = "vme", .value = true, .migratable = true};
    return caps;
}

START_TEST(file_round_trip)
{
    auto_buf struct buf text = {0}, again = {0};
    struct qemu_caps *caps = sample();

    caps_format(caps, "dev 1 kvm=yes", &text);
    struct qemu_caps *read = caps_parse(text.data, text.length, "dev 1 kvm=yes");

    ck_assert_ptr_nonnull(read);
    caps_format(read, "dev 1 kvm=yes", &again);
    ck_assert_str_eq(buf_text(&text), buf_text(&again));
    ck_assert_str_eq(qemu_caps_machine(read, "q35")->default_ram, "pc.ram");
    ck_assert_ptr_null(read->machines[1].alias);
    ck_assert(read->machines[1].acpi && !read->machines[0].acpi && read->sgx && !read->sev &&
              read->hyperv == 5);
    ck_assert(read->accel[QEMU_ACCEL_KVM].supported && !read->accel[QEMU_ACCEL_TCG].supported);
    ck_assert_str_eq(qemu_caps_cpu(read, QEMU_ACCEL_KVM, "486")->blockers, "fpu,vme");
    qemu_caps_unref(read);
    ck_assert_ptr_null(caps_parse(text.data, text.length, "dev 2 kvm=yes"));
    qemu_caps_unref(caps);
}
END_TEST

/* No cut of the file and no changed byte may crash; a cut file is never taken. */
START_TEST(file_damaged)
{
    auto_buf struct buf text = {0};
    struct qemu_caps *caps = sample();

    caps_format(caps, "x", &text);
    qemu_caps_unref(caps);
    for (size_t length = 0; length + 4 < text.length; length++) /* the last line is "end" */
        ck_assert_ptr_null(caps_parse(text.data, length, "x"));
    for (size_t i = 0; i < text.length; i++)
        for (const char *byte = "\n\t9"; *byte; byte++) {
            char saved = text.data[i];

            text.data[i] = *byte;
            qemu_caps_unref(caps_parse(text.data, text.length, "x"));
            text.data[i] = saved;
        }
}
END_TEST

UNIT_MAIN("caps", schema_paths, table, recorded, recorded_flags, host_model, file_round_trip, file_damaged)

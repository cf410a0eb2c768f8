/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Caps on disk: one line a fact, fields separated by tabs, so that reading costs one pass and no copies: all
 * strings point into the one text that the caps' arena holds. A new shape gets a new number in the first
 * line; old files are then ignored and the binary is asked again. QEMU's strings never hold a tab or a
 * newline; if one did, the file would not come back equal and would be ignored.
 */
#include <errno.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "virtqemud/caps-internal.h"

static const char magic[] = "vireo-qemu-caps 2";

enum { FIELD_MAX = 8 };

enum {
    MACHINE_DEFAULT = 1,
    MACHINE_DEPRECATED = 2,
    MACHINE_HOTPLUG = 4,
    MACHINE_NUMA_MEM = 8,
    MACHINE_ACPI = 16
};
enum { CPU_USABLE = 1, CPU_DEPRECATED = 2 };
enum { FEATURE_ON = 1, FEATURE_MIGRATABLE = 2 };
enum { HOST_SEV = 1, HOST_SGX = 2 };

void caps_keep(const char *dir, const char *name, const char *text, size_t length)
{
    int r = file_make_dirs(dir, 0755);
    auto_fd int fd = r < 0 ? r : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (r == 0)
        r = fd < 0 ? -errno : file_replace_lazy(fd, name, 0644, text, length);
    if (r < 0)
        log_warning("cannot keep '%s/%s': %s", dir, name, strerror(-r));
}

struct qemu_caps *caps_new(const char *binary)
{
    struct qemu_caps *caps = NEW(struct qemu_caps);

    caps->refs = 1;
    caps->binary = arena_strdup(&caps->arena, binary);
    caps->package = "";
    return caps;
}

static void format_machine(const struct qemu_machine *machine, struct buf *text)
{
    int flags = (machine->is_default ? MACHINE_DEFAULT : 0) | (machine->deprecated ? MACHINE_DEPRECATED : 0) |
                (machine->hotpluggable_cpus ? MACHINE_HOTPLUG : 0) |
                (machine->numa_mem_supported ? MACHINE_NUMA_MEM : 0) | (machine->acpi ? MACHINE_ACPI : 0);

    buf_printf(text, "machine\t%s\t%s\t%s\t%s\t%u\t%d\n", machine->name, machine->alias ? machine->alias : "",
               machine->default_cpu ? machine->default_cpu : "",
               machine->default_ram ? machine->default_ram : "", machine->max_cpus, flags);
}

static void format_accel(const struct qemu_accel_caps *accel, const char *name, struct buf *text)
{
    if (!accel->supported)
        return;
    buf_printf(text, "accel\t%s\t%s\t%s\t%u\t%u\t%u\n", name, accel->cpu_vendor ? accel->cpu_vendor : "",
               accel->cpu_model_id ? accel->cpu_model_id : "", accel->cpu_family, accel->cpu_model,
               accel->cpu_stepping);
    buf_printf(text, "cpus\t%zu\n", accel->cpu_count);
    for (size_t i = 0; i < accel->cpu_count; i++)
        buf_printf(text, "cpu\t%s\t%s\t%d\t%s\n", accel->cpus[i].name,
                   accel->cpus[i].type ? accel->cpus[i].type : "",
                   (accel->cpus[i].usable ? CPU_USABLE : 0) |
                       (accel->cpus[i].deprecated ? CPU_DEPRECATED : 0),
                   accel->cpus[i].blockers ? accel->cpus[i].blockers : "");
    buf_printf(text, "features\t%zu\n", accel->feature_count);
    for (size_t i = 0; i < accel->feature_count; i++)
        buf_printf(text, "feature\t%s\t%d\n", accel->features[i].name,
                   (accel->features[i].value ? FEATURE_ON : 0) |
                       (accel->features[i].migratable ? FEATURE_MIGRATABLE : 0));
}

void caps_format(const struct qemu_caps *caps, const char *identity, struct buf *text)
{
    buf_printf(text, "%s\nidentity\t%s\n", magic, identity);
    buf_printf(text, "qemu\t%s\t%s\t%u\t%s\t%d\t%u\n", caps->binary, caps->arch ? caps->arch : "",
               caps->version, caps->package ? caps->package : "",
               (caps->sev ? HOST_SEV : 0) | (caps->sgx ? HOST_SGX : 0), caps->hyperv);
    for (int cap = 0; cap < QEMU_CAP_MAX; cap++)
        if (qemu_caps_has(caps, cap))
            buf_printf(text, "flag\t%s\n", qemu_cap_name(cap));
    buf_printf(text, "machines\t%zu\n", caps->machine_count);
    for (size_t i = 0; i < caps->machine_count; i++)
        format_machine(&caps->machines[i], text);
    for (int i = 0; i < QEMU_ACCEL_MAX; i++)
        format_accel(&caps->accel[i], qemu_accel_domain_type[i], text);
    buf_add_string(text, "end\n");
}

struct reader {
    struct qemu_caps *caps;
    struct qemu_accel_caps *accel;   /* that the lines are about now */
    size_t machines, cpus, features; /* room */
    size_t max;                      /* no array can have more elements than the text has lines */
    bool ended;
};

/* A number field, 0 when it isn't one. */
static unsigned number(const char *field)
{
    uint32_t value;

    return field && str_to_u32(field, &value) == 0 ? value : 0;
}

static size_t room(const struct reader *reader, const char *field)
{
    size_t value = number(field);

    return value < reader->max ? value : 0;
}

static const char *some(const char *field)
{
    return str_empty(field) ? NULL : field;
}

static void read_flag(struct reader *reader, const char *name)
{
    for (int cap = 0; cap < QEMU_CAP_MAX; cap++)
        if (str_eq(qemu_cap_rows[cap].name, name))
            reader->caps->flags[cap / 64] |= UINT64_C(1) << (cap % 64);
}

static void read_machine(struct reader *reader, char **field)
{
    unsigned flags = number(field[6]);

    if (reader->caps->machine_count < reader->machines)
        reader->caps->machines[reader->caps->machine_count++] = (struct qemu_machine){
            .name = field[1],
            .alias = some(field[2]),
            .default_cpu = some(field[3]),
            .default_ram = some(field[4]),
            .max_cpus = number(field[5]),
            .is_default = flags & MACHINE_DEFAULT,
            .deprecated = flags & MACHINE_DEPRECATED,
            .hotpluggable_cpus = flags & MACHINE_HOTPLUG,
            .numa_mem_supported = flags & MACHINE_NUMA_MEM,
            .acpi = flags & MACHINE_ACPI,
        };
}

static void read_accel(struct reader *reader, char **field)
{
    reader->accel = NULL;
    for (int i = 0; i < QEMU_ACCEL_MAX; i++)
        if (str_eq(qemu_accel_domain_type[i], field[1]))
            reader->accel = &reader->caps->accel[i];
    if (!reader->accel)
        return;
    reader->accel->supported = true;
    reader->accel->cpu_vendor = some(field[2]);
    reader->accel->cpu_model_id = some(field[3]);
    reader->accel->cpu_family = number(field[4]);
    reader->accel->cpu_model = number(field[5]);
    reader->accel->cpu_stepping = number(field[6]);
}

static void read_cpu(struct reader *reader, char **field)
{
    unsigned flags = number(field[3]);
    struct qemu_accel_caps *accel = reader->accel;

    if (accel && accel->cpu_count < reader->cpus)
        accel->cpus[accel->cpu_count++] = (struct qemu_cpu_model){.name = field[1],
                                                                  .type = some(field[2]),
                                                                  .usable = flags & CPU_USABLE,
                                                                  .deprecated = flags & CPU_DEPRECATED,
                                                                  .blockers = some(field[4])};
}

static void read_feature(struct reader *reader, char **field)
{
    unsigned flags = number(field[2]);
    struct qemu_accel_caps *accel = reader->accel;

    if (accel && accel->feature_count < reader->features)
        accel->features[accel->feature_count++] = (struct qemu_cpu_feature){
            .name = field[1], .value = flags & FEATURE_ON, .migratable = flags & FEATURE_MIGRATABLE};
}

static void read_line(struct reader *reader, char **field)
{
    struct qemu_caps *caps = reader->caps;
    const char *key = field[0];

    if (str_eq(key, "qemu")) {
        caps->binary = field[1];
        caps->arch = field[2];
        caps->version = number(field[3]);
        caps->package = field[4];
        caps->sev = number(field[5]) & HOST_SEV;
        caps->sgx = number(field[5]) & HOST_SGX;
        caps->hyperv = number(field[6]);
    } else if (str_eq(key, "flag")) {
        read_flag(reader, field[1]);
    } else if (str_eq(key, "machines")) {
        reader->machines = room(reader, field[1]);
        caps->machines = ARENA_ARRAY(&caps->arena, struct qemu_machine, reader->machines);
        caps->machine_count = 0;
    } else if (str_eq(key, "machine")) {
        read_machine(reader, field);
    } else if (str_eq(key, "accel")) {
        read_accel(reader, field);
    } else if (str_eq(key, "cpus") && reader->accel) {
        reader->cpus = room(reader, field[1]);
        reader->accel->cpus = ARENA_ARRAY(&caps->arena, struct qemu_cpu_model, reader->cpus);
        reader->accel->cpu_count = 0;
    } else if (str_eq(key, "cpu")) {
        read_cpu(reader, field);
    } else if (str_eq(key, "features") && reader->accel) {
        reader->features = room(reader, field[1]);
        reader->accel->features = ARENA_ARRAY(&caps->arena, struct qemu_cpu_feature, reader->features);
        reader->accel->feature_count = 0;
    } else if (str_eq(key, "feature")) {
        read_feature(reader, field);
    } else if (str_eq(key, "end")) {
        reader->ended = true;
    }
}

struct qemu_caps *caps_parse(const char *text, size_t length, const char *identity)
{
    struct qemu_caps *caps = caps_new("");
    struct reader reader = {.caps = caps, .max = length / 2};
    char *at = arena_strndup(&caps->arena, text, length), *line;
    bool first = true, same = !identity;

    while ((line = strsep(&at, "\n")) && !reader.ended) {
        static char none[] = "";
        char *field[FIELD_MAX] = {none, none, none, none, none, none, none, none};

        if (first && !str_eq(line, magic))
            break;
        first = false;
        for (int i = 0; i < FIELD_MAX && line; i++)
            field[i] = strsep(&line, "\t");
        if (str_eq(field[0], "identity"))
            same |= str_eq(field[1], identity);
        read_line(&reader, field);
    }
    if (reader.ended && same && *caps->binary && !str_empty(caps->arch) &&
        caps->machine_count == reader.machines)
        return caps;
    qemu_caps_unref(caps);
    return NULL;
}

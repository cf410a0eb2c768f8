/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Descriptor files (QEMU's docs/interop/firmware.json) and the place of a machine's variables. A descriptor
 * that asks for something that we don't know is skipped, never guessed at.
 */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/firmware.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/enum.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "virtqemud/json.h"

enum { DESCRIPTOR_MAX = 1 << 20 };

/* The words of the schema, in the order of the enums. */
static const char *const feature_words[] = {
    "acpi-s3",     "acpi-s4",         "amd-sev",        "amd-sev-es",
    "amd-sev-snp", "intel-tdx",       "enrolled-keys",  "requires-smm",
    "secure-boot", "verbose-dynamic", "verbose-static", "host-uefi-vars",
    NULL};
static const char *const interface_words[] = {"bios", "uefi", "openfirmware", "uboot", NULL};
static const char *const device_words[] = {"flash", "kernel", "memory", NULL};
static const char *const mode_words[] = {"split", "combined", "stateless", NULL};
/* QEMU's architectures where libvirt has another word. */
static const char *const arch_words[][2] = {{"i386", "i686"}, {"arm", "armv7l"}};

/* Bits of a list of words. Unknown features are ignored: they promise something that we don't ask for. */
static unsigned word_bits(struct json_object *array, const char *const *words)
{
    unsigned bits = 0;

    for (size_t i = 0; i < json_count(array); i++) {
        int word = enum_find(words, json_object_get_string(json_object_array_get_idx(array, i)));

        if (word >= 0)
            bits |= 1u << word;
    }
    return bits;
}

static const char *text(struct arena *arena, struct json_object *object, const char *member)
{
    return arena_strdup(arena, json_string(object, member));
}

static const char *arch_of(struct arena *arena, const char *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(arch_words); i++)
        if (str_eq(arch_words[i][0], word))
            return arch_words[i][1];
    return arena_strdup(arena, word);
}

static void read_targets(struct arena *arena, struct json_object *array, struct firmware *firmware)
{
    size_t count = json_count(array);

    firmware->targets = ARENA_ARRAY(arena, struct fw_target, count);
    for (size_t i = 0; i < count; i++) {
        struct json_object *object = json_object_array_get_idx(array, i),
                           *machines = json_get(object, "machines");
        struct fw_target *target = &firmware->targets[firmware->target_count];
        size_t patterns = json_count(machines);
        const char *arch = json_string(object, "architecture");

        if (!arch || !patterns)
            continue;
        target->arch = arch_of(arena, arch);
        target->machines = ARENA_ARRAY(arena, const char *, patterns + 1);
        for (size_t k = 0; k < patterns; k++)
            target->machines[k] =
                arena_strdup(arena, json_object_get_string(json_object_array_get_idx(machines, k)));
        firmware->target_count++;
    }
}

static const char *format_or_raw(struct arena *arena, struct json_object *object)
{
    const char *format = text(arena, object, "format");

    return format ? format : "raw";
}

/* Where the image goes; the reason why not when it isn't understood. */
static const char *read_mapping(struct arena *arena, struct json_object *mapping, struct firmware *firmware)
{
    int device = enum_find(device_words, json_string(mapping, "device"));
    const char *mode = json_string(mapping, "mode");

    if (device < 0)
        return "unknown device of the mapping";
    firmware->device = (enum fw_device)device;
    firmware->format = "raw";
    if (device != FW_FLASH) {
        firmware->path = text(arena, mapping, "filename");
        return firmware->path ? NULL : "no filename";
    }
    struct json_object *executable = json_get(mapping, "executable"),
                       *vars = json_get(mapping, "nvram-template");
    int found = mode ? enum_find(mode_words, mode) : FW_SPLIT;

    if (found < 0)
        return "unknown mode of the flash device";
    firmware->mode = (enum fw_mode)found;
    firmware->path = text(arena, executable, "filename");
    firmware->format = format_or_raw(arena, executable);
    firmware->vars = text(arena, vars, "filename");
    firmware->vars_format = format_or_raw(arena, vars);
    if (!firmware->path || (found == FW_SPLIT && !firmware->vars))
        return "no filename of the executable or of the template";
    return NULL;
}

static const char *read_descriptor(struct arena *arena, const struct buf *content, struct firmware *firmware)
{
    auto_json struct json_object *object = json_read(content->data, content->length);

    if (!json_object_is_type(object, json_type_object))
        return "not a JSON object";
    firmware->interfaces = word_bits(json_get(object, "interface-types"), interface_words);
    firmware->features = word_bits(json_get(object, "features"), feature_words);
    read_targets(arena, json_get(object, "targets"), firmware);
    if (!firmware->interfaces || !firmware->target_count)
        return "no known interface, or no target";
    return read_mapping(arena, json_get(object, "mapping"), firmware);
}

static int by_name(const void *a, const void *b)
{
    const char *left = strrchr(((const struct firmware *)a)->file, '/');
    const char *right = strrchr(((const struct firmware *)b)->file, '/');

    return strcmp(left, right);
}

static bool name_taken(const struct firmwares *firmwares, size_t before, const char *name)
{
    for (size_t i = 0; i < before; i++)
        if (str_eq(strrchr(firmwares->list[i].file, '/') + 1, name))
            return true;
    return false;
}

/* All names of one directory; what an earlier one has hides ours, whatever it says. */
static void add_dir(struct arena *arena, const char *dir, struct firmwares *all)
{
    auto_strv char **names = NULL;
    size_t before = all->count;

    if (file_list(AT_FDCWD, dir, &names) < 0)
        return;
    for (char **name = names; name && *name; name++) {
        if (**name == '.' || !str_ends(*name, ".json") || name_taken(all, before, *name))
            continue;
        all->list = arena_grow(arena, all->list, all->count, sizeof(*all->list));
        all->list[all->count++] = (struct firmware){.file = arena_printf(arena, "%s/%s", dir, *name)};
    }
}

void firmwares_read(struct arena *arena, const char *const *dirs, struct firmwares *ret)
{
    struct firmwares all = {0};

    for (; *dirs; dirs++)
        add_dir(arena, *dirs, &all);
    if (all.count)
        qsort(all.list, all.count, sizeof(*all.list), by_name);
    ret->list = all.list;
    ret->count = 0;
    for (size_t i = 0; i < all.count; i++) {
        struct firmware firmware = {.file = all.list[i].file};
        auto_buf struct buf content = {0};
        int r = file_read(AT_FDCWD, firmware.file, DESCRIPTOR_MAX, &content);

        if (r == 0 && !content.length)
            continue; /* that is how an administrator switches a descriptor off */
        const char *why = r < 0 ? strerror(-r) : read_descriptor(arena, &content, &firmware);

        if (why)
            log_warning("firmware descriptor '%s' is skipped: %s", firmware.file, why);
        else
            ret->list[ret->count++] = firmware;
    }
}

const char *const *firmware_dirs(struct arena *arena, bool privileged)
{
    const char **dirs = ARENA_ARRAY(arena, const char *, 4), *config = getenv("XDG_CONFIG_HOME"),
               *home = getenv("HOME");
    size_t count = 0;

    if (!privileged && !str_empty(config))
        dirs[count++] = arena_printf(arena, "%s/qemu/firmware", config);
    else if (!privileged && !str_empty(home))
        dirs[count++] = arena_printf(arena, "%s/.config/qemu/firmware", home);
    dirs[count++] = SYSCONFDIR "/qemu/firmware";
    dirs[count] = "/usr/share/qemu/firmware";
    return dirs;
}

bool firmware_fits(const struct firmware *firmware, const char *arch, const char *machine)
{
    for (size_t i = 0; i < firmware->target_count; i++) {
        const struct fw_target *target = &firmware->targets[i];

        if (!str_eq(target->arch, arch))
            continue;
        for (const char **pattern = target->machines; *pattern; pattern++)
            if (fnmatch(*pattern, machine, 0) == 0)
                return true;
    }
    return false;
}

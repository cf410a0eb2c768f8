/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The XML of <os>. */
#define ERR_FROM ERR_FROM_DOMAIN
#include "model/domain/os.h"

#include "base/enum.h"

const char *const os_type_names[] = {"", "xen", "linux", "xenpvh", "hvm", "exe", NULL};
const char *const os_firmware_names[] = {"", "bios", "efi", NULL};
const char *const firmware_feature_names[] = {"", "enrolled-keys", "secure-boot", NULL};
const char *const loader_type_names[] = {"", "rom", "pflash", NULL};
const char *const boot_device_names[] = {"", "fd", "cdrom", "hd", "network", NULL};
const char *const smbios_mode_names[] = {"", "none", "emulate", "host", "sysinfo", NULL};

/* clang-format off */
#define F struct os_feature
XT_DECLARE(os_feature_table, F);
XT_DEFINE(os_feature_table, "feature", NULL,
    XT_ATTR(F, enabled, "enabled", yesno, XT_REQUIRED),
    XT_ENUM(F, name, "name", firmware_feature_names, XT_REQUIRED));

#define X struct os_text
XT_DECLARE(os_text_table, X);
XT_DEFINE(os_text_table, "initarg", NULL,
    XT_ATTR(X, name, "name", str, 0),
    XT_OWN(X, text, str, 0));

#define A struct acpi_table
XT_DECLARE(acpi_table_table, A);
static int acpi_table_finish(struct xt_parse *parse, void *object);
XT_DEFINE(acpi_table_table, "table", acpi_table_finish,
    XT_ATTR(A, type, "type", str, XT_REQUIRED),
    XT_OWN(A, path, str, XT_REQUIRED));

#define B struct os_boot
XT_DECLARE(os_boot_table, B);
XT_DEFINE(os_boot_table, "boot", NULL,
    XT_ENUM(B, device, "dev", boot_device_names, XT_REQUIRED));

#define L struct os_loader
XT_DECLARE(os_loader_table, L);
XT_DEFINE(os_loader_table, "loader", NULL,
    XT_ATTR(L, readonly, "readonly", yesno, XT_ABI),
    XT_ATTR(L, secure, "secure", yesno, XT_ABI),
    XT_ENUM(L, type, "type", loader_type_names, XT_ABI),
    XT_ATTR(L, stateless, "stateless", yesno, XT_ABI),
    XT_ENUM(L, format, "format", storage_format_names, 0),
    XT_OWN(L, path, str, 0));

/* Without a type the path is the element's own text; with one there is a <source> as for disks. */
#define N struct os_nvram
#define SOURCE(type) XT_ARM(type, XT_EMBED(N, source, NULL, storage_source_table, 0))
XT_DECLARE(os_nvram_table, N);
static int nvram_finish(struct xt_parse *parse, void *object);
XT_DEFINE(os_nvram_table, "nvram", nvram_finish,
    XT_ATTR(N, template, "template", str, 0),
    XT_ENUM(N, template_format, "templateFormat", storage_format_names, 0),
    XT_ENUM(N, source.type, "type", storage_type_names, 0),
    XT_ENUM(N, format, "format", storage_format_names, 0),
    XT_UNION(N, source.type, 0,
        XT_ARM(STORAGE_UNSET, XT_OWN(N, source.path, str, 0)),
        SOURCE(STORAGE_FILE), SOURCE(STORAGE_BLOCK), SOURCE(STORAGE_DIR), SOURCE(STORAGE_NETWORK),
        SOURCE(STORAGE_VOLUME), SOURCE(STORAGE_NVME), SOURCE(STORAGE_VHOSTUSER)));

#define V struct os_varstore
XT_DECLARE(os_varstore_table, V);
XT_DEFINE(os_varstore_table, "varstore", NULL,
    XT_ATTR(V, template, "template", str, 0),
    XT_ATTR(V, path, "path", str, 0));

#define T struct os
XT_DEFINE_ROWS(os_table, "os", NULL,
    XT_ENUM(T, firmware, "firmware", os_firmware_names, 0),
    XT_GROUP("type", 0,
        XT_ATTR(T, arch, "arch", str, XT_ABI),
        XT_ATTR(T, machine, "machine", str, XT_ABI),
        XT_ENUM_OWN(T, type, os_type_names, XT_ABI)),
    XT_GROUP("firmware", 0, XT_LIST(T, features, n_features, "feature", os_feature_table, 0)),
    XT_TEXT(T, init, "init", str, 0),
    XT_LIST(T, initargs, n_initargs, "initarg", os_text_table, 0),
    XT_LIST(T, initenvs, n_initenvs, "initenv", os_text_table, 0),
    XT_TEXT(T, initdir, "initdir", str, 0),
    XT_TEXT(T, inituser, "inituser", str, 0),
    XT_TEXT(T, initgroup, "initgroup", str, 0),
    XT_CHILD(T, loader, "loader", os_loader_table, XT_ABI),
    XT_CHILD(T, nvram, "nvram", os_nvram_table, XT_NO_ABI),
    XT_CHILD(T, varstore, "varstore", os_varstore_table, 0),
    XT_TEXT(T, kernel, "kernel", str, 0),
    XT_TEXT(T, initrd, "initrd", str, 0),
    XT_TEXT(T, cmdline, "cmdline", str, 0),
    XT_TEXT(T, shim, "shim", str, 0),
    XT_TEXT(T, dtb, "dtb", str, 0),
    XT_TEXT(T, root, "root", str, 0),
    XT_GROUP("acpi", 0, XT_LIST(T, acpi, n_acpi, "table", acpi_table_table, 0)),
    XT_LIST(T, boots, n_boots, "boot", os_boot_table, 0),
    XT_GROUP("bootmenu", 0,
        XT_ATTR(T, bootmenu, "enable", yesno, 0),
        XT_ATTR(T, bootmenu_timeout, "timeout", opt_u32, 0)),
    XT_GROUP("bios", 0,
        XT_ATTR(T, bios_serial, "useserial", yesno, 0),
        XT_ATTR(T, reboot_timeout, "rebootTimeout", opt_i32, 0)),
    XT_GROUP("smbios", 0, XT_ENUM(T, smbios, "mode", smbios_mode_names, XT_ABI)));
/* clang-format on */

static int acpi_table_finish(struct xt_parse *parse, void *object)
{
    static const char *const types[] = {"", "slic", "raw", "rawset", "msdm", NULL};
    const struct acpi_table *table = object;

    if (enum_find(types, table->type) < 0)
        return err_set(parse->err, ERR_XML_ERROR, "Unknown acpi table type: %s", table->type);
    return 0;
}

static int nvram_finish(struct xt_parse *parse, void *object)
{
    const struct os_nvram *nvram = object;

    if (nvram->source.type && storage_is_empty(&nvram->source))
        return err_set(parse->err, ERR_XML_ERROR, "<nvram type='%s'> has no <source>",
                       storage_type_names[nvram->source.type]);
    return 0;
}

bool os_arch_known(const char *arch)
{
    static const char *const names[] = {
        "",        "i686",      "x86_64",   "aarch64",  "alpha",       "armv6l",       "armv7l", "armv7b",
        "cris",    "ia64",      "lm32",     "m68k",     "microblaze",  "microblazeel", "mips",   "mipsel",
        "mips64",  "mips64el",  "openrisc", "parisc",   "parisc64",    "ppc",          "ppc64",  "ppc64le",
        "ppcemb",  "riscv32",   "riscv64",  "s390",     "s390x",       "sh4",          "sh4eb",  "sparc",
        "sparc64", "unicore32", "xtensa",   "xtensaeb", "loongarch64", "itanium",      NULL};

    return enum_find(names, arch) > 0;
}

void os_sort_features(struct os *os)
{
    struct os_feature *by_name[FIRMWARE_FEATURE_MAX] = {NULL};
    size_t n = 0;

    for (size_t i = 0; i < os->n_features; i++)
        by_name[os->features[i]->name] = os->features[i];
    for (size_t i = 0; i < ARRAY_SIZE(by_name); i++)
        if (by_name[i])
            os->features[n++] = by_name[i];
    os->n_features = n;
}

enum tristate os_wants_feature(const struct os *os, enum firmware_feature feature)
{
    for (size_t i = 0; i < os->n_features; i++)
        if (os->features[i]->name == feature)
            return os->features[i]->enabled;
    return TRI_NONE;
}

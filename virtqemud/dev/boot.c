/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Boot: firmware, kernel, order, and the tables that tell the guest who it is. */
#define ERR_FROM ERR_FROM_QEMU

#include "base/str.h"
#include "virtqemud/dev/dev.h"

/* ---- firmware ---- */

static void pflash(struct build *build, unsigned number, const char *path, enum storage_format format,
                   bool readonly)
{
    auto_props struct props storage = {0}, top = {0};

    props_string(&storage, "driver", "file");
    props_string(&storage, "filename", path);
    props_format(&storage, "node-name", "libvirt-pflash%u-storage", number);
    props_bool(&storage, "auto-read-only", true);
    props_string(&storage, "discard", "unmap");
    build_json(build, "-blockdev", &storage);
    props_format(&top, "node-name", "libvirt-pflash%u-format", number);
    props_bool(&top, "read-only", readonly);
    props_string(&top, "driver", format ? storage_format_names[format] : "raw");
    props_format(&top, "file", "libvirt-pflash%u-storage", number);
    build_json(build, "-blockdev", &top);
}

static int firmware(struct build *build, struct err *err)
{
    const struct os *os = &build->domain->os;
    const struct os_loader *loader = os->loader;

    if (!loader || !loader->path)
        return 0;
    if (loader->type != LOADER_PFLASH) {
        build_arg(build, "-bios", loader->path);
        return 0;
    }
    pflash(build, 0, loader->path, loader->format, loader->readonly != TRI_NO);
    if (loader->secure == TRI_YES)
        build_arg(build, "-global", "driver=cfi.pflash01,property=secure,value=on");
    if (!os->nvram)
        return 0;
    if (os->nvram->source.type && os->nvram->source.type != STORAGE_FILE &&
        os->nvram->source.type != STORAGE_BLOCK)
        return err_set(err, ERR_NO_SUPPORT, "NVRAM with a source of type '%s'",
                       storage_type_names[os->nvram->source.type]);
    if (!os->nvram->source.path)
        return err_set(err, ERR_INTERNAL_ERROR, "no path for the machine's NVRAM");
    pflash(build, 1, os->nvram->source.path, os->nvram->format, false);
    return 0;
}

/* ---- order ---- */

static void boot_option(struct build *build)
{
    const struct os *os = &build->domain->os;
    auto_buf struct buf option = {0};

    if (os->bootmenu)
        buf_printf(&option, "menu=%s,", os->bootmenu == TRI_YES ? "on" : "off");
    if (os->bootmenu == TRI_YES && os->bootmenu_timeout.set)
        buf_printf(&option, "splash-time=%u,", os->bootmenu_timeout.value);
    if (os->reboot_timeout.set)
        buf_printf(&option, "reboot-timeout=%d,", os->reboot_timeout.value);
    buf_add_string(&option, "strict=on");
    build_arg(build, "-boot", buf_text(&option));
}

/* <boot dev=''>: the first device of each kind gets the kind's place. */
static void boot_orders(struct build *build)
{
    const struct os *os = &build->domain->os;

    for (size_t i = 0; i < os->n_boots; i++)
        if (!build->boot[os->boots[i]->device])
            build->boot[os->boots[i]->device] = (uint32_t)i + 1;
}

static int direct_kernel(struct build *build, struct err *err)
{
    const struct os *os = &build->domain->os;

    if (os->kernel)
        build_arg(build, "-kernel", os->kernel);
    if (os->initrd)
        build_arg(build, "-initrd", os->initrd);
    if (os->cmdline)
        build_arg(build, "-append", os->cmdline);
    if (os->dtb)
        build_arg(build, "-dtb", os->dtb);
    if (os->shim && !qemu_caps_has(build->caps, QEMU_CAP_SHIM))
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "this QEMU can't load a shim");
    if (os->shim)
        build_arg(build, "-shim", os->shim);
    for (size_t i = 0; i < os->n_acpi; i++) {
        auto_buf struct buf option = {0};

        if (str_eq(os->acpi[i]->type, "slic"))
            buf_add_string(&option, "sig=SLIC,file=");
        else
            buf_add_string(&option, "file=");
        option_value(&option, os->acpi[i]->path);
        build_arg(build, "-acpitable", buf_text(&option));
    }
    return 0;
}

int build_boot(struct build *build, struct err *err)
{
    boot_orders(build);
    boot_option(build);
    if (firmware(build, err) < 0)
        return -1;
    return direct_kernel(build, err);
}

/* ---- SMBIOS, fw_cfg ---- */

/* libvirt's name of an entry -> QEMU's; the order is the order of libvirt's options. */
struct smbios_name {
    const char *entry, *option;
};
static const struct smbios_name bios_names[] = {
    {"vendor", "vendor"}, {"version", "version"}, {"date", "date"}, {"release", "release"}, {NULL, NULL}};
static const struct smbios_name system_names[] = {{"manufacturer", "manufacturer"},
                                                  {"product", "product"},
                                                  {"version", "version"},
                                                  {"serial", "serial"},
                                                  {"uuid", "uuid"},
                                                  {"sku", "sku"},
                                                  {"family", "family"},
                                                  {NULL, NULL}};
static const struct smbios_name board_names[] = {{"manufacturer", "manufacturer"},
                                                 {"product", "product"},
                                                 {"version", "version"},
                                                 {"serial", "serial"},
                                                 {"asset", "asset"},
                                                 {"location", "location"},
                                                 {NULL, NULL}};
static const struct smbios_name chassis_names[] = {{"manufacturer", "manufacturer"},
                                                   {"version", "version"},
                                                   {"serial", "serial"},
                                                   {"asset", "asset"},
                                                   {"sku", "sku"},
                                                   {NULL, NULL}};

static void smbios_block(struct build *build, unsigned type, const struct sysinfo_block *block,
                         const struct smbios_name *names)
{
    auto_buf struct buf option = {0};

    if (!block)
        return;
    buf_printf(&option, "type=%u", type);
    for (; names->entry; names++)
        option_add(&option, names->option, sysinfo_value(block, names->entry));
    build_arg(build, "-smbios", buf_text(&option));
}

static void oem_strings(struct build *build, const struct sysinfo_block *block)
{
    auto_buf struct buf option = {0};

    if (!block || !block->n_entries)
        return;
    buf_add_string(&option, "type=11");
    for (size_t i = 0; i < block->n_entries; i++)
        option_add(&option, "value", block->entries[i]->value);
    build_arg(build, "-smbios", buf_text(&option));
}

static void fw_cfg(struct build *build, const struct sysinfo *sysinfo)
{
    for (size_t i = 0; i < sysinfo->fw_cfg.n_entries; i++) {
        const struct sysinfo_entry *entry = sysinfo->fw_cfg.entries[i];
        auto_buf struct buf option = {0};

        buf_add_string(&option, "name=");
        option_value(&option, entry->name);
        if (entry->value)
            option_add(&option, "string", entry->value);
        else
            option_add(&option, "file", entry->file);
        build_arg(build, "-fw_cfg", buf_text(&option));
    }
}

int build_sysinfo(struct build *build, struct err *err)
{
    const struct domain *domain = build->domain;

    if (domain->os.smbios == SMBIOS_HOST)
        return err_set(err, ERR_NO_SUPPORT, "SMBIOS tables of the host");
    for (size_t i = 0; i < domain->n_sysinfos; i++) {
        const struct sysinfo *sysinfo = domain->sysinfos[i];

        fw_cfg(build, sysinfo);
        if (sysinfo->type != SYSINFO_SMBIOS || domain->os.smbios != SMBIOS_SYSINFO)
            continue;
        smbios_block(build, 0, sysinfo->bios, bios_names);
        smbios_block(build, 1, sysinfo->system, system_names);
        for (size_t j = 0; j < sysinfo->n_boards; j++)
            smbios_block(build, 2, sysinfo->boards[j], board_names);
        smbios_block(build, 3, sysinfo->chassis, chassis_names);
        oem_strings(build, sysinfo->oem_strings);
    }
    return 0;
}

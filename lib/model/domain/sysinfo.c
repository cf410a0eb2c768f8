/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The XML of <sysinfo>. Only names that the firmware tables know are kept, and always in the same order. */
#define ERR_FROM ERR_FROM_DOMAIN
#include "model/domain/sysinfo.h"

#include "base/enum.h"
#include "base/str.h"

const char *const sysinfo_type_names[] = {"", "smbios", "fwcfg", NULL};

static const char *const bios_names[] = {"vendor", "version", "date", "release", NULL};
static const char *const system_names[] = {"manufacturer", "product", "version", "serial",
                                           "uuid",         "sku",     "family",  NULL};
static const char *const board_names[] = {"manufacturer", "product",  "version", "serial",
                                          "asset",        "location", NULL};
static const char *const chassis_names[] = {"manufacturer", "version", "serial", "asset", "sku", NULL};

/* clang-format off */
#define E struct sysinfo_entry
XT_DECLARE(sysinfo_entry_table, E);
XT_DEFINE(sysinfo_entry_table, "entry", NULL,
    XT_ATTR(E, name, "name", str, XT_ABI),
    XT_ATTR(E, file, "file", str, 0),
    XT_OWN(E, value, str, XT_ABI));

#define B struct sysinfo_block
XT_DECLARE_ROWS(sysinfo_block_table, B);
XT_DEFINE_ROWS(sysinfo_block_table, "bios", NULL,
    XT_LIST(B, entries, n_entries, "entry", sysinfo_entry_table, XT_ABI));

#define T struct sysinfo
static int sysinfo_finish(struct xt_parse *parse, void *object);
XT_DEFINE(sysinfo_table, "sysinfo", sysinfo_finish,
    XT_ENUM(T, type, "type", sysinfo_type_names, XT_REQUIRED | XT_ABI),
    XT_UNION(T, type, 0,
        XT_ARM(SYSINFO_SMBIOS,
            XT_CHILD(T, bios, "bios", sysinfo_block_table, XT_ABI),
            XT_CHILD(T, system, "system", sysinfo_block_table, XT_ABI),
            XT_LIST(T, boards, n_boards, "baseBoard", sysinfo_block_table, XT_ABI),
            XT_CHILD(T, chassis, "chassis", sysinfo_block_table, XT_ABI),
            XT_CHILD(T, oem_strings, "oemStrings", sysinfo_block_table, XT_ABI)),
        XT_ARM(SYSINFO_FWCFG, XT_EMBED(T, fw_cfg, NULL, sysinfo_block_table, 0))));
/* clang-format on */

const char *sysinfo_value(const struct sysinfo_block *block, const char *name)
{
    for (size_t i = 0; block && i < block->n_entries; i++)
        if (str_eq(block->entries[i]->name, name))
            return block->entries[i]->value;
    return NULL;
}

/* As all UUIDs are written; one that isn't any is refused later. */
static void settle_uuid(struct xt_parse *parse, struct sysinfo_block *block)
{
    uint8_t uuid[UUID_SIZE];
    char text[UUID_TEXT];

    for (size_t i = 0; block && i < block->n_entries; i++)
        if (str_eq(block->entries[i]->name, "uuid") && uuid_parse(block->entries[i]->value, uuid) == 0)
            block->entries[i]->value = arena_strdup(parse->arena, uuid_format(uuid, text));
}

/* The known names, each once, in their order. */
static void sort_entries(struct xt_parse *parse, struct sysinfo_block *block, const char *const *names)
{
    struct sysinfo_entry **sorted;
    size_t count = 0, n_names = (size_t)enum_count(names);

    if (!block)
        return;
    sorted = ARENA_ARRAY(parse->arena, struct sysinfo_entry *, n_names);
    for (size_t n = 0; n < n_names; n++)
        for (size_t i = 0; i < block->n_entries; i++)
            if (str_eq(block->entries[i]->name, names[n]) && block->entries[i]->value) {
                sorted[count++] = block->entries[i];
                break;
            }
    block->entries = sorted;
    block->n_entries = count;
}

/* A block in which nothing is left isn't there. */
static void drop_empty(struct sysinfo_block **block)
{
    if (*block && !(*block)->n_entries)
        *block = NULL;
}

/* "MM/DD/YY" or "MM/DD/YYYY" */
static bool is_date(const char *text)
{
    uint64_t month, day, year;

    return str_take_u64(&text, &month) == 0 && *text++ == '/' && str_take_u64(&text, &day) == 0 &&
           *text++ == '/' && str_take_u64(&text, &year) == 0 && !*text && month >= 1 && month <= 12 &&
           day >= 1 && day <= 31 && (year <= 99 || (year >= 1900 && year <= 9999));
}

static int check_fw_cfg(const struct sysinfo_entry *entry, struct err *err)
{
    if (str_empty(entry->name))
        return err_set(err, ERR_XML_ERROR, "Firmware entry is missing 'name' attribute");
    if (!entry->value && !entry->file)
        return err_set(err, ERR_XML_ERROR, "Firmware entry must have either value or 'file' attribute");
    return 0;
}

static int sysinfo_finish(struct xt_parse *parse, void *object)
{
    struct sysinfo *sysinfo = object;
    const char *date;

    sort_entries(parse, sysinfo->bios, bios_names);
    sort_entries(parse, sysinfo->system, system_names);
    sort_entries(parse, sysinfo->chassis, chassis_names);
    for (size_t i = 0; i < sysinfo->n_boards; i++)
        sort_entries(parse, sysinfo->boards[i], board_names);
    drop_empty(&sysinfo->bios);
    drop_empty(&sysinfo->system);
    drop_empty(&sysinfo->chassis);
    drop_empty(&sysinfo->oem_strings);
    settle_uuid(parse, sysinfo->system);
    date = sysinfo_value(sysinfo->bios, "date");
    if (date && !is_date(date))
        return err_set(parse->err, ERR_XML_DETAIL, "Invalid BIOS 'date' format");
    for (size_t i = 0; i < sysinfo->fw_cfg.n_entries; i++)
        if (check_fw_cfg(sysinfo->fw_cfg.entries[i], parse->err) < 0)
            return -1;
    return 0;
}

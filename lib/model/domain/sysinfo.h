/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sysinfo: what the guest's firmware tables say about the machine, and files for QEMU's fw_cfg. */
#pragma once

#include "xml/xt.h"

enum sysinfo_type { SYSINFO_UNSET, SYSINFO_SMBIOS, SYSINFO_FWCFG, SYSINFO_TYPE_MAX };
extern const char *const sysinfo_type_names[];

struct sysinfo_entry {
    char *name, *file, *value;
};

/* One table: entries in the order that libvirt prints. */
struct sysinfo_block {
    struct sysinfo_entry **entries;
    size_t n_entries;
};

struct sysinfo {
    enum sysinfo_type type;
    struct sysinfo_block *bios, *system, *chassis, *oem_strings;
    struct sysinfo_block **boards;
    size_t n_boards;
    struct sysinfo_block fw_cfg;
};
XT_DECLARE(sysinfo_table, struct sysinfo);

/* The value of an entry, or NULL; block may be NULL. */
const char *sysinfo_value(const struct sysinfo_block *block, const char *name);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Os: what a machine boots, and with which firmware. */
#pragma once

#include "model/domain/storage.h"

enum os_type { OS_TYPE_UNSET, OS_XEN, OS_LINUX, OS_XENPVH, OS_HVM, OS_EXE, OS_TYPE_MAX };
extern const char *const os_type_names[];

enum os_firmware { FIRMWARE_UNSET, FIRMWARE_BIOS, FIRMWARE_EFI, OS_FIRMWARE_MAX };
extern const char *const os_firmware_names[];

enum firmware_feature { FW_FEATURE_UNSET, FW_ENROLLED_KEYS, FW_SECURE_BOOT, FIRMWARE_FEATURE_MAX };
extern const char *const firmware_feature_names[];

enum loader_type { LOADER_UNSET, LOADER_ROM, LOADER_PFLASH, LOADER_TYPE_MAX };
extern const char *const loader_type_names[];

enum boot_device { BOOT_UNSET, BOOT_FLOPPY, BOOT_CDROM, BOOT_DISK, BOOT_NETWORK, BOOT_DEVICE_MAX };
extern const char *const boot_device_names[];

enum smbios_mode { SMBIOS_UNSET, SMBIOS_NONE, SMBIOS_EMULATE, SMBIOS_HOST, SMBIOS_SYSINFO, SMBIOS_MODE_MAX };
extern const char *const smbios_mode_names[];

struct os_feature {
    enum tristate enabled; /* yes, no */
    enum firmware_feature name;
};

/* A text element that may be there several times, some with a name: <initarg>, <initenv name=''>. */
struct os_text {
    char *name, *text;
};

struct acpi_table {
    char *type, *path;
};

struct os_boot {
    enum boot_device device;
};

struct os_loader {
    enum tristate readonly, secure, stateless; /* yes, no */
    enum loader_type type;
    enum storage_format format;
    char *path; /* NULL: chosen when the machine starts */
};

/* Where the firmware keeps its variables. source.type unset: the plain path form, in source.path. */
struct os_nvram {
    char *template;
    enum storage_format template_format, format;
    struct storage source;
};

struct os_varstore {
    char *template, *path;
};

struct os {
    enum os_firmware firmware;
    enum os_type type;
    char *arch, *machine;
    struct os_feature **features;
    size_t n_features;
    char *init, *initdir, *inituser, *initgroup; /* containers */
    struct os_text **initargs, **initenvs;
    size_t n_initargs, n_initenvs;
    struct os_loader *loader;
    struct os_nvram *nvram;
    struct os_varstore *varstore;
    char *kernel, *initrd, *cmdline, *shim, *dtb, *root;
    struct acpi_table **acpi;
    size_t n_acpi;
    struct os_boot **boots;
    size_t n_boots;
    enum tristate bootmenu;          /* yes, no */
    struct opt_u32 bootmenu_timeout; /* ms */
    enum tristate bios_serial;       /* yes, no */
    struct opt_i32 reboot_timeout;   /* ms, -1: no reboot */
    enum smbios_mode smbios;
};
XT_DECLARE_ROWS(os_table, struct os);

bool os_arch_known(const char *arch);
/* Is the feature asked for (TRI_YES), refused (TRI_NO) or not mentioned? */
/* Features of the firmware in the order of the enum, each once. */
void os_sort_features(struct os *os);
enum tristate os_wants_feature(const struct os *os, enum firmware_feature feature);

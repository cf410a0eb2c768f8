/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Firmware: which firmware images the host has (the descriptor files that QEMU's packages and the
 * administrator put into qemu/firmware directories), the choice for a machine that only says firmware='efi',
 * and the machine's own variables.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct domain;
struct req;

enum fw_feature {
    FW_ACPI_S3,
    FW_ACPI_S4,
    FW_AMD_SEV,
    FW_AMD_SEV_ES,
    FW_AMD_SEV_SNP,
    FW_INTEL_TDX,
    FW_ENROLLED,
    FW_REQUIRES_SMM,
    FW_SECURE,
    FW_VERBOSE_DYNAMIC,
    FW_VERBOSE_STATIC,
    FW_HOST_UEFI_VARS,
    FW_FEATURE_COUNT
};
enum fw_interface { FW_BIOS, FW_UEFI, FW_OPENFIRMWARE, FW_UBOOT };
enum fw_device { FW_FLASH, FW_KERNEL, FW_MEMORY };
enum fw_mode { FW_SPLIT, FW_COMBINED, FW_STATELESS };

struct fw_target {
    const char *arch;      /* libvirt's word */
    const char **machines; /* patterns, NULL-terminated */
};

/* One descriptor file. */
struct firmware {
    const char *file;              /* of the descriptor */
    unsigned interfaces, features; /* bits 1 << FW_x */
    enum fw_device device;
    enum fw_mode mode;              /* of a flash device */
    const char *path, *format;      /* the image; format "raw" when nothing is said */
    const char *vars, *vars_format; /* template of the variables; NULL */
    struct fw_target *targets;
    size_t target_count;
};

struct firmwares {
    struct firmware *list; /* best first */
    size_t count;
};

/*
 * Read all descriptors, best first: directories NULL-terminated, the most important first; a file hides those
 * of its name in the directories behind, an empty one hides them for good. Broken ones are skipped with a log
 * line.
 */
void firmwares_read(struct arena *arena, const char *const *dirs, struct firmwares *ret);
/* The directories of this host; in the arena. */
const char *const *firmware_dirs(struct arena *arena, bool privileged);
/* May a machine of this type ("pc-q35-7.2": not an alias) be started with it? */
bool firmware_fits(const struct firmware *firmware, const char *arch, const char *machine);

/*
 * Complete <os> of a model: firmware='efi' (or 'bios') becomes a loader and, for pflash, an NVRAM path below
 * nvram_dir with the template to make it from; SMM is switched on where the image needs it. A pflash loader
 * that the user chose gets its NVRAM path and template. What is given already stays. Strings go into the
 * arena (the model's). No wait. ERR_OPERATION_FAILED "Unable to find any firmware to satisfy '...'" when
 * nothing fits.
 */
int firmware_choose(struct req *rq, struct arena *arena, struct domain *domain, const char *nvram_dir);

/*
 * Make the machine's variables from the template when they aren't there (or `reset`), born 0600 and owned by
 * uid:gid. Nothing to do for machines without NVRAM. The copy runs on a worker.
 */
int firmware_make_nvram(struct req *rq, const struct domain *domain, unsigned uid, unsigned gid, bool reset);
/*
 * Where the variables of a definition are, or will be when firmware='efi' is chosen at its start; in the
 * arena or the model. NULL: it has none.
 */
const char *firmware_nvram_of(struct arena *arena, const struct domain *domain, const char *nvram_dir);

/*
 * The place of the variables of a machine that boots from read-only pflash and doesn't say where:
 * nvram_dir/NAME_VARS.fd. For the defaults of a definition; firmware_choose does the same for a live model.
 */
void firmware_nvram_path(struct arena *arena, struct domain *domain, const char *nvram_dir);

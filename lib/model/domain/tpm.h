/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tpm: a trusted platform module, real, emulated by swtpm, or served by somebody else. */
#pragma once

#include "model/domain/chardev.h"

enum tpm_model { TPM_MODEL_UNSET, TPM_TIS, TPM_CRB, TPM_SPAPR, TPM_SPAPR_PROXY, TPM_MODEL_MAX };
extern const char *const tpm_model_names[];

enum tpm_backend { TPM_BACKEND_UNSET, TPM_PASSTHROUGH, TPM_EMULATOR, TPM_EXTERNAL, TPM_BACKEND_MAX };
extern const char *const tpm_backend_names[];

struct tpm {
    enum tpm_model model;
    enum tpm_backend backend;
    char *version;                  /* 1.2, 2.0 */
    enum tristate persistent_state; /* yes, no */
    struct opt_u32 debug;
    char *device_path;       /* passthrough */
    char *encryption_secret; /* UUID */
    bool has_banks;
    bool sha1, sha256, sha384, sha512;             /* active_pcr_banks */
    char *source_type, *source_path, *source_mode; /* emulator (file, dir), external (unix) */
    char *profile_source, *profile_name, *profile_remove_disabled;
    char *socket; /* live: where the module is served; not in the XML */
    struct device_info info;
};
XT_DECLARE(tpm_table, struct tpm);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tpm: rows of <tpm>. */
#define ERR_FROM ERR_FROM_DOMAIN

#include "model/domain/tpm.h"

#include "base/str.h"

const char *const tpm_model_names[] = {"", "tpm-tis", "tpm-crb", "tpm-spapr", "spapr-tpm-proxy", NULL};
const char *const tpm_backend_names[] = {"", "passthrough", "emulator", "external", NULL};

static int tpm_finish(struct xt_parse *parse, void *object)
{
    struct tpm *tpm = object;

    if (!tpm->backend)
        return err_set(parse->err, ERR_XML_ERROR, "missing TPM device backend");
    if (tpm->version && !str_eq(tpm->version, "1.2") && !str_eq(tpm->version, "2.0"))
        return err_set(parse->err, ERR_CONFIG_UNSUPPORTED, "Unsupported TPM version '%s'", tpm->version);
    if (tpm->backend == TPM_PASSTHROUGH && !tpm->device_path)
        tpm->device_path = (char *)"/dev/tpm0";
    if (tpm->backend == TPM_EXTERNAL && !tpm->source_path)
        return err_set(parse->err, ERR_XML_ERROR, "missing socket source for external TPM");
    return 0;
}

/* clang-format off */
#define T struct tpm
XT_DEFINE(tpm_table, "tpm", tpm_finish,
    XT_ENUM(T, model, "model", tpm_model_names, XT_ABI),
    XT_GROUP("backend", 0,
        XT_ENUM(T, backend, "type", tpm_backend_names, XT_ABI),
        XT_UNION(T, backend, 0,
            XT_ARM(TPM_PASSTHROUGH,
                XT_GROUP("device", 0, XT_ATTR(T, device_path, "path", str, 0))),
            XT_ARM(TPM_EMULATOR,
                XT_ATTR(T, version, "version", str, XT_ABI),
                XT_ATTR(T, persistent_state, "persistent_state", yesno, 0),
                XT_ATTR(T, debug, "debug", opt_u32, 0),
                XT_GROUP("encryption", 0, XT_ATTR(T, encryption_secret, "secret", str, 0)),
                XT_FLAG(T, has_banks, "active_pcr_banks", 0,
                    XT_FLAG(T, sha1, "sha1", 0),
                    XT_FLAG(T, sha256, "sha256", 0),
                    XT_FLAG(T, sha384, "sha384", 0),
                    XT_FLAG(T, sha512, "sha512", 0)),
                XT_GROUP("profile", 0,
                    XT_ATTR(T, profile_source, "source", str, 0),
                    XT_ATTR(T, profile_remove_disabled, "removeDisabled", str, 0),
                    XT_ATTR(T, profile_name, "name", str, 0)),
                XT_GROUP("source", 0,
                    XT_ATTR(T, source_type, "type", str, 0),
                    XT_ATTR(T, source_path, "path", str, 0))),
            XT_ARM(TPM_EXTERNAL,
                XT_GROUP("source", 0,
                    XT_ATTR(T, source_type, "type", str, 0),
                    XT_ATTR(T, source_mode, "mode", str, 0),
                    XT_ATTR(T, source_path, "path", str, 0))))),
    XT_EMBED(T, info, NULL, device_info_table, 0));
#undef T

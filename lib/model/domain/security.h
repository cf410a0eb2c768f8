/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Security: labels on the host, memory encryption, wrapped keys, user mapping. */
#pragma once

#include "xml/xt.h"

enum seclabel_type { SECLABEL_UNSET, SECLABEL_NONE, SECLABEL_DYNAMIC, SECLABEL_STATIC, SECLABEL_TYPE_MAX };
extern const char *const seclabel_type_names[];

struct seclabel {
    enum seclabel_type type;
    char *model;
    enum tristate relabel; /* yes, no */
    char *label, *baselabel, *imagelabel;
};

enum launch_type { LAUNCH_UNSET, LAUNCH_SEV, LAUNCH_SEV_SNP, LAUNCH_S390_PV, LAUNCH_TDX, LAUNCH_TYPE_MAX };
extern const char *const launch_type_names[];

/* <launchSecurity>: memory that the host can't read. */
struct launch {
    enum launch_type type;
    enum tristate kernel_hashes, author_key, vcek; /* yes, no */
    struct opt_u32 cbitpos, reduced_phys_bits;
    struct opt_u64 policy;
    char *dh_cert, *session;
    char *workarounds, *id_block, *id_auth, *host_data; /* SEV-SNP */
    char *mr_config_id, *mr_owner, *mr_owner_config;    /* TDX */
    bool quote_service;
    char *quote_path;
};

struct keywrap_cipher {
    char *name;
    enum tristate state; /* on, off */
};

struct id_range {
    struct opt_u32 start, target, count;
};

struct idmap {
    struct id_range **uids, **gids;
    size_t n_uids, n_gids;
};
XT_DECLARE(seclabel_table, struct seclabel);
XT_DECLARE(launch_table, struct launch);
XT_DECLARE(keywrap_cipher_table, struct keywrap_cipher);
XT_DECLARE_ROWS(idmap_table, struct idmap);

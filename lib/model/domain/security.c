/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The XML of <seclabel>, <launchSecurity>, <keywrap> and <idmap>. */
#define ERR_FROM ERR_FROM_DOMAIN
#include "model/domain/security.h"

#include <inttypes.h>

#include "base/str.h"

const char *const seclabel_type_names[] = {"", "none", "dynamic", "static", NULL};
const char *const launch_type_names[] = {"", "sev", "sev-snp", "s390-pv", "tdx", NULL};

/* SEV writes its policy with four digits, SEV-SNP with eight. */
XT_TYPE(policy4, struct opt_u64);
XT_TYPE(policy8, struct opt_u64);

static int policy_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    struct opt_u64 *policy = value;
    int r = str_to_u64_base(text, 16, &policy->value);

    policy->set = r == 0;
    return r;
}

static void policy4_format(struct buf *text, const void *value, const void *aux)
{
    buf_printf(text, "0x%04" PRIx64, ((const struct opt_u64 *)value)->value);
}

static void policy8_format(struct buf *text, const void *value, const void *aux)
{
    buf_printf(text, "0x%08" PRIx64, ((const struct opt_u64 *)value)->value);
}

static bool policy_given(const void *value)
{
    return ((const struct opt_u64 *)value)->set;
}

static bool policy_equal(const void *a, const void *b)
{
    const struct opt_u64 *x = a, *y = b;

    return x->set == y->set && x->value == y->value;
}

#define POLICY_TYPE(name_)                                                                                   \
    const struct xt_type xt_##name_ = {.name = "hexadecimal number",                                         \
                                       .size = sizeof(struct opt_u64),                                       \
                                       .parse = policy_parse,                                                \
                                       .format = name_##_format,                                             \
                                       .given = policy_given,                                                \
                                       .equal = policy_equal}
POLICY_TYPE(policy4);
POLICY_TYPE(policy8);

/* clang-format off */
/* A label that the daemon chose belongs to the running machine; one that the user gave is definition. */
#define L struct seclabel
#define DYNAMIC_ROWS \
    XT_ATTR(L, relabel, "relabel", yesno, 0), \
    XT_TEXT(L, label, "label", str, XT_LIVE), \
    XT_TEXT(L, baselabel, "baselabel", str, 0), \
    XT_TEXT(L, imagelabel, "imagelabel", str, XT_LIVE)
static int seclabel_finish(struct xt_parse *parse, void *object);
XT_DEFINE(seclabel_table, "seclabel", seclabel_finish,
    XT_ENUM(L, type, "type", seclabel_type_names, 0),
    XT_ATTR(L, model, "model", str, 0),
    XT_UNION(L, type, 0,
        XT_ARM(SECLABEL_UNSET, DYNAMIC_ROWS),
        XT_ARM(SECLABEL_DYNAMIC, DYNAMIC_ROWS),
        XT_ARM(SECLABEL_NONE, XT_ATTR(L, relabel, "relabel", yesno, 0)),
        XT_ARM(SECLABEL_STATIC,
            XT_ATTR(L, relabel, "relabel", yesno, 0),
            XT_TEXT(L, label, "label", str, 0),
            XT_TEXT(L, imagelabel, "imagelabel", str, XT_LIVE))));

#define S struct launch
#define SEV_COMMON \
    XT_TEXT(S, cbitpos, "cbitpos", opt_u32, XT_ABI), \
    XT_TEXT(S, reduced_phys_bits, "reducedPhysBits", opt_u32, XT_ABI)
XT_DEFINE(launch_table, "launchSecurity", NULL,
    XT_ENUM(S, type, "type", launch_type_names, XT_REQUIRED | XT_ABI),
    XT_UNION(S, type, 0,
        XT_ARM(LAUNCH_SEV,
            XT_ATTR(S, kernel_hashes, "kernelHashes", yesno, XT_ABI),
            SEV_COMMON,
            XT_TEXT(S, policy, "policy", policy4, XT_REQUIRED | XT_ABI),
            XT_TEXT(S, dh_cert, "dhCert", str, 0),
            XT_TEXT(S, session, "session", str, 0)),
        XT_ARM(LAUNCH_SEV_SNP,
            XT_ATTR(S, kernel_hashes, "kernelHashes", yesno, XT_ABI),
            XT_ATTR(S, author_key, "authorKey", yesno, XT_ABI),
            XT_ATTR(S, vcek, "vcek", yesno, XT_ABI),
            SEV_COMMON,
            XT_TEXT(S, policy, "policy", policy8, XT_REQUIRED | XT_ABI),
            XT_TEXT(S, workarounds, "guestVisibleWorkarounds", str, XT_ABI),
            XT_TEXT(S, id_block, "idBlock", str, XT_ABI),
            XT_TEXT(S, id_auth, "idAuth", str, XT_ABI),
            XT_TEXT(S, host_data, "hostData", str, XT_ABI)),
        XT_ARM(LAUNCH_TDX,
            XT_TEXT(S, policy, "policy", hex64, XT_ABI),
            XT_TEXT(S, mr_config_id, "mrConfigId", str, XT_ABI),
            XT_TEXT(S, mr_owner, "mrOwner", str, XT_ABI),
            XT_TEXT(S, mr_owner_config, "mrOwnerConfig", str, XT_ABI),
            XT_FLAG(S, quote_service, "quoteGenerationService", XT_ABI,
                XT_ATTR(S, quote_path, "path", str, 0)))));

#define K struct keywrap_cipher
XT_DEFINE(keywrap_cipher_table, "cipher", NULL,
    XT_ATTR(K, name, "name", str, XT_REQUIRED | XT_ABI),
    XT_ATTR(K, state, "state", onoff, XT_REQUIRED | XT_ABI));

#define R struct id_range
XT_DECLARE(id_range_table, R);
XT_DEFINE(id_range_table, "uid", NULL,
    XT_ATTR(R, start, "start", opt_u32, XT_REQUIRED),
    XT_ATTR(R, target, "target", opt_u32, XT_REQUIRED),
    XT_ATTR(R, count, "count", opt_u32, XT_REQUIRED));

#define M struct idmap
XT_DEFINE_ROWS(idmap_table, "idmap", NULL,
    XT_LIST(M, uids, n_uids, "uid", id_range_table, 0),
    XT_LIST(M, gids, n_gids, "gid", id_range_table, 0));
/* clang-format on */

static int seclabel_finish(struct xt_parse *parse, void *object)
{
    struct seclabel *label = object;

    if (!label->type)
        label->type = SECLABEL_DYNAMIC;
    if (!label->relabel && label->type != SECLABEL_NONE)
        label->relabel = tri(label->type == SECLABEL_DYNAMIC);
    if (label->type == SECLABEL_STATIC && !label->label)
        return err_set(parse->err, ERR_XML_ERROR, "security label is missing");
    if (label->type == SECLABEL_DYNAMIC && label->relabel == TRI_NO)
        return err_set(parse->err, ERR_CONFIG_UNSUPPORTED, "dynamic label type must use resource relabeling");
    if (label->type == SECLABEL_NONE && label->relabel == TRI_YES)
        return err_set(parse->err, ERR_CONFIG_UNSUPPORTED,
                       "resource relabeling is not compatible with 'none' label type");
    if (label->type == SECLABEL_NONE)
        label->relabel = TRI_NONE; /* goes without saying */
    return 0;
}

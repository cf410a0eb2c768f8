/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_STORAGE
#include "model/storage/volume.h"

#include "base/enum.h"
#include "base/size.h"
#include "base/str.h"

const char *const volume_type_names[] = {"", "file", "block", "dir", "network", "netdir", NULL};

/* ---- sizes that may be 0; printed in bytes, under the two names that libvirt has for them ---- */

XT_TYPE(opt_bytes, struct opt_u64);
XT_TYPE(cluster, uint64_t);

static int opt_bytes_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    struct opt_u64 *size = value;
    int r = xt_bytes.parse(parse, text, aux, &size->value);

    size->set = r == 0;
    return r;
}

static void opt_bytes_format(struct buf *text, const void *value, const void *aux)
{
    xt_bytes.format(text, &((const struct opt_u64 *)value)->value, aux);
}

static bool opt_bytes_given(const void *value)
{
    return ((const struct opt_u64 *)value)->set;
}

static const char *unit_bytes(const void *value)
{
    return "bytes";
}

static const char *unit_b(const void *value)
{
    return "B";
}

static int cluster_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    return xt_bytes.parse(parse, text, aux, value);
}

static void cluster_format(struct buf *text, const void *value, const void *aux)
{
    xt_bytes.format(text, value, aux);
}

const struct xt_type xt_opt_bytes = {.name = "size",
                                     .expect = "Expected non-negative integer value",
                                     .skip_empty = true,
                                     .unit = unit_bytes,
                                     .size = sizeof(struct opt_u64),
                                     .parse = opt_bytes_parse,
                                     .format = opt_bytes_format,
                                     .given = opt_bytes_given};
const struct xt_type xt_cluster = {.name = "size",
                                   .expect = "Expected non-negative integer value",
                                   .unit = unit_b,
                                   .size = sizeof(uint64_t),
                                   .parse = cluster_parse,
                                   .format = cluster_format};

/* ---- tables ---- */

/* clang-format off */
#define T struct volume_extent
XT_DECLARE(volume_extent_table, T);
XT_DEFINE(volume_extent_table, "extent", NULL,
    XT_ATTR(T, start, "start", u64, XT_ALWAYS),
    XT_ATTR(T, end, "end", u64, XT_ALWAYS));
#undef T

#define T struct volume_device
XT_DECLARE(volume_device_table, T);
XT_DEFINE(volume_device_table, "device", NULL,
    XT_ATTR(T, path, "path", str, XT_REQUIRED),
    XT_LIST(T, extents, n_extents, "extent", volume_extent_table, 0));
#undef T

#define T struct volume_target
XT_DEFINE_ROWS(volume_target_table, "target", NULL,
    XT_TEXT(T, path, "path", str, 0),
    XT_GROUP("format", 0, XT_ATTR(T, format, "type", str, 0)),
    XT_EMBED(T, permissions, "permissions", permissions_table, 0),
    XT_EMBED(T, timestamps, "timestamps", timestamps_table, 0),
    XT_CHILD(T, encryption, "encryption", storage_encryption_table, XT_SPREAD),
    XT_TEXT(T, compat, "compat", str, 0),
    XT_TEXT(T, cluster_size, "clusterSize", cluster, 0),
    XT_FLAG(T, nocow, "nocow", XT_INACTIVE_ONLY),
    XT_FLAG(T, has_features, "features", 0,
        XT_FLAG(T, lazy_refcounts, "lazy_refcounts", 0),
        XT_FLAG(T, extended_l2, "extended_l2", 0)));
#undef T

#define T struct volume_def
XT_DEFINE(volume_table, "volume", NULL,
    XT_ENUM(T, type, "type", volume_type_names, 0),
    XT_TEXT(T, name, "name", str, 0),
    XT_TEXT(T, key, "key", str, 0),
    XT_GROUP("source", 0, XT_LIST(T, devices, n_devices, "device", volume_device_table, XT_LIVE)),
    XT_TEXT(T, capacity, "capacity", opt_bytes, XT_ALWAYS),
    XT_TEXT(T, allocation, "allocation", opt_bytes, XT_ALWAYS),
    XT_TEXT(T, physical, "physical", opt_bytes, XT_LIVE),
    XT_EMBED(T, target, "target", volume_target_table, XT_ALWAYS | XT_SPREAD),
    XT_CHILD(T, backing, "backingStore", volume_target_table, 0));
#undef T
/* clang-format on */

/* ---- rules ---- */

static int check_encryption(const struct storage_encryption *encryption, struct err *err)
{
    static const char *const formats[] = {"default", "qcow", "luks", "luks2", "luks-any", NULL};

    if (!encryption)
        return 0;
    if (enum_find(formats, encryption->format) < 0)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "unknown volume encryption format type %s",
                       encryption->format);
    for (size_t i = 0; i < encryption->n_secrets; i++) {
        const struct secret_ref *secret = encryption->secrets[i];

        if (!str_eq(secret->type, "passphrase"))
            return err_set(err, ERR_CONFIG_UNSUPPORTED, "unknown volume encryption secret type %s",
                           secret->type);
        if (!secret->uuid == !secret->usage)
            return err_set(err, ERR_XML_ERROR,
                           secret->uuid ? "either secret uuid or usage expected"
                                        : "missing secret uuid or usage attribute");
    }
    return 0;
}

/* "1.1": digits, a dot, digits. */
static bool compat_valid(const char *compat)
{
    const char *dot = strchr(compat, '.');

    return dot && dot > compat && dot[1] && !strchr(dot + 1, '.') && str_only(compat, "0123456789.");
}

bool volume_format_valid(const struct pool_kind *kind, const char *format)
{
    if (!kind->volume_formats || str_eq(format, kind->default_volume_format))
        return true;
    return !str_eq(format, "none") && enum_find(kind->volume_formats, format) >= 0;
}

static int finish_target(struct arena *arena, struct volume_target *target, const struct pool_kind *kind,
                         struct err *err)
{
    if (!kind->volume_formats)
        target->format = NULL;
    else if (!target->format)
        target->format = arena_strdup(arena, kind->default_volume_format);
    else if (!volume_format_valid(kind, target->format))
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "unknown volume format type %s", target->format);
    if (target->compat && !compat_valid(target->compat))
        return err_set(err, ERR_XML_ERROR, "forbidden characters in 'compat' attribute");
    if (target->has_features && !target->compat)
        target->compat = arena_strdup(arena, "1.1");
    return check_encryption(target->encryption, err);
}

struct volume_def *volume_parse(struct arena *arena, const char *xml, const struct pool_kind *kind,
                                unsigned flags, struct err *err)
{
    static const struct xt_document document = {&volume_table, "(storage_volume_definition)", NULL};
    struct volume_def *def = xt_parse(&document, arena, xml, flags | XT_PARSE_INACTIVE, err);

    if (!def)
        return NULL;
    if (!def->name) {
        err_set(err, ERR_XML_ERROR, "missing volume name element");
        return NULL;
    }
    if (def->type == VOLUME_UNSET)
        def->type = VOLUME_FILE;
    if (def->backing && !def->backing->path)
        def->backing = NULL;
    if (!def->capacity.set && !def->backing && !(flags & VOLUME_PARSE_NO_CAPACITY)) {
        err_set(err, ERR_XML_ERROR, "missing capacity element");
        return NULL;
    }
    if (finish_target(arena, &def->target, kind, err) < 0 ||
        (def->backing && finish_target(arena, def->backing, kind, err) < 0))
        return NULL;
    return def;
}

void volume_format(const struct volume_def *def, struct buf *text)
{
    xt_format(&volume_table, text, def, /* flags= */ 0, /* indent= */ 0);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Volume: what is said about one volume of a pool. What it means depends on the pool's kind. */
#pragma once

#include "model/domain/storage.h"
#include "model/storage/kind.h"
#include "model/storage/target.h"

/* One more than the numbers of the API. */
enum volume_type {
    VOLUME_UNSET,
    VOLUME_FILE,
    VOLUME_BLOCK,
    VOLUME_DIR,
    VOLUME_NETWORK,
    VOLUME_NETDIR,
    VOLUME_TYPE_MAX
};
extern const char *const volume_type_names[];

/* The volume itself, or what it is based on. */
struct volume_target {
    char *path, *format;
    struct permissions permissions;
    struct timestamps timestamps; /* live */
    struct storage_encryption *encryption;
    char *compat; /* qcow2: "0.10", "1.1" */
    uint64_t cluster_size;
    bool nocow; /* only while it is made */
    bool has_features, lazy_refcounts, extended_l2;
};

/* Where on the pool's device it is; live. */
struct volume_extent {
    uint64_t start, end;
};
struct volume_device {
    char *path;
    struct volume_extent **extents;
    size_t n_extents;
};

struct volume_def {
    enum volume_type type;
    char *name, *key;
    struct volume_device **devices;
    size_t n_devices;
    struct opt_u64 capacity, allocation; /* bytes */
    struct opt_u64 physical;             /* live */
    struct volume_target target;
    struct volume_target *backing; /* NULL: none; else it has a path */
};
XT_DECLARE_ROWS(volume_target_table, struct volume_target);
XT_DECLARE(volume_table, struct volume_def);

enum volume_parse_flags {
    VOLUME_PARSE_VALIDATE = XT_PARSE_VALIDATE,
    /* The document may leave the capacity out (a copy); always fine where there is a backing volume. */
    VOLUME_PARSE_NO_CAPACITY = XT_PARSE_USER,
};

/* For a volume of a pool of that kind. Not set afterwards: capacity when it may be; allocation. NULL with err
 * set. */
struct volume_def *volume_parse(struct arena *arena, const char *xml, const struct pool_kind *kind,
                                unsigned flags, struct err *err);
void volume_format(const struct volume_def *def, struct buf *text);
/* Do volumes of this kind know that format, and may one be made of it? */
bool volume_format_valid(const struct pool_kind *kind, const char *format);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kind: what is true of all pools of one type: which parts of <source> they have, whether they have a target,
 * which formats they and their volumes may be of. One row a type; parsing, printing, checks and the pool
 * capabilities read it.
 */
#pragma once

#include <stdbool.h>

enum pool_type {
    POOL_UNSET,
    POOL_DIR,
    POOL_FS,
    POOL_NETFS,
    POOL_LOGICAL,
    POOL_DISK,
    POOL_ISCSI,
    POOL_ISCSI_DIRECT,
    POOL_SCSI,
    POOL_MPATH,
    POOL_RBD,
    POOL_SHEEPDOG,
    POOL_GLUSTER,
    POOL_ZFS,
    POOL_VSTORAGE,
    POOL_TYPE_MAX
};
extern const char *const pool_type_names[];

/* Parts of <source>; what a kind doesn't have isn't kept. */
enum pool_source_part {
    SOURCE_HOST = 1 << 0, /* at least one is required */
    SOURCE_DEVICE = 1 << 1,
    SOURCE_DIR = 1 << 2,     /* required */
    SOURCE_ADAPTER = 1 << 3, /* required */
    SOURCE_NAME = 1 << 4,    /* the pool's own name when not given */
    SOURCE_INITIATOR = 1 << 5,
    SOURCE_NEEDS_DEVICE = 1 << 6,
    SOURCE_NEEDS_INITIATOR = 1 << 7,
};

struct pool_kind {
    unsigned source;         /* bits of enum pool_source_part */
    bool no_target;          /* its volumes are no files or devices of this host */
    const char *target_base; /* target path is this and the source's name; NULL: given by the user */
    /* NULL: pools (volumes) of this kind have no format. default: when none is given. */
    const char *const *formats;
    const char *default_format;
    const char *const *volume_formats;
    const char *default_volume_format;
};

/* By enum pool_type. */
extern const struct pool_kind pool_kinds[POOL_TYPE_MAX];

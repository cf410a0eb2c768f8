/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Volume: what the files of storage volumes share. */
#pragma once

#include "virsh/virsh.h"

/* What the text of an option may be. */
enum { VOLUME_NAME = 1, VOLUME_KEY = 2, VOLUME_PATH = 4 };
/* The volume of [vol], in the pool that another option names (NULL: there is no such option); NULL after
 * telling. */
virStorageVolPtr cmd_volume_by(struct cmd *cmd, const char *pool_option, unsigned by);

/* clang-format off */
#define VOLUME ARG("vol", "vol name, key or path", 0, complete_volume)
#define IN_POOL                                                                                              \
    STRING("pool", "pool name or uuid", VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE, complete_pool)
#define PREALLOCATE                                                                                          \
    FLAG("prealloc-metadata", VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA,                                      \
         "preallocate metadata (for qcow2 instead of full allocation)")
#define REFLINK FLAG("reflink", VIR_STORAGE_VOL_CREATE_REFLINK, "use btrfs COW lightweight copy")
/* clang-format on */

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_STORAGE
#include "virtstoraged/backend.h"

#include "base/str.h"
#include "virtstoraged/file.h"

static bool same_path(const struct pool_def *a, const struct pool_def *b)
{
    return str_eq(a->path, b->path);
}

static const struct backend dir_backend = {
    .build = dir_build,
    .erase = dir_erase,
    .refresh = dir_refresh,
    .same = same_path,
    FILE_VOLUMES,
};

const struct backend *const backends[POOL_TYPE_MAX] = {
    [POOL_DIR] = &dir_backend,         [POOL_FS] = &fs_backend,       [POOL_NETFS] = &netfs_backend,
    [POOL_LOGICAL] = &logical_backend, [POOL_DISK] = &disk_backend,   [POOL_ISCSI] = &iscsi_backend,
    [POOL_SCSI] = &scsi_backend,       [POOL_MPATH] = &mpath_backend,
};

const struct backend *backend_of(enum pool_type type, struct err *err)
{
    if (backends[type])
        return backends[type];
    /* the number is that of the API, which begins with 0 */
    err_set(err, ERR_INTERNAL_ERROR, "missing backend for pool type %d (%s)", type - 1,
            pool_type_names[type]);
    return NULL;
}

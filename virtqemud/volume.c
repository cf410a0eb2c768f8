/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/volume.h"

#include <libvirt/libvirt.h>

#include "base/str.h"
#include "protocol/remote.h"
#include "rpc/peer.h"
#include "virtqemud/qemud.h"

#define ASK_USEC SECONDS(60) /* a pool on a slow server may have to be looked at */

/* The volume's type and path, from the daemon that knows. */
static int ask(struct req *rq, const struct storage *storage, int *ret_type, const char **ret_path)
{
    struct remote_storage_pool_lookup_by_name_in pool_in = {.name = storage->pool};
    struct remote_storage_pool_lookup_by_name_out pool = {0};
    struct remote_storage_pool_is_active_in active_in;
    struct remote_storage_pool_is_active_out active = {0};
    struct remote_storage_vol_lookup_by_name_in volume_in = {.name = storage->volume};
    struct remote_storage_vol_lookup_by_name_out volume = {0};
    struct remote_storage_vol_get_info_in info_in;
    struct remote_storage_vol_get_info_out info = {0};
    struct remote_storage_vol_get_path_in path_in;
    struct remote_storage_vol_get_path_out path = {0};
    struct peer *peer;

    if (peer_of_owner(rq, OWNER_STORAGE, qemud.privileged, &peer) < 0 ||
        peer_call(rq, peer, REMOTE_STORAGE_POOL_LOOKUP_BY_NAME, &pool_in, &pool, ASK_USEC) < 0)
        return -1;
    active_in.pool = volume_in.pool = pool.pool;
    if (peer_call(rq, peer, REMOTE_STORAGE_POOL_IS_ACTIVE, &active_in, &active, ASK_USEC) < 0)
        return -1;
    if (!active.active)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED,
                       "storage pool '%s' containing volume '%s' is not active", storage->pool,
                       storage->volume);
    if (peer_call(rq, peer, REMOTE_STORAGE_VOL_LOOKUP_BY_NAME, &volume_in, &volume, ASK_USEC) < 0)
        return -1;
    info_in.vol = path_in.vol = volume.vol;
    if (peer_call(rq, peer, REMOTE_STORAGE_VOL_GET_INFO, &info_in, &info, ASK_USEC) < 0 ||
        peer_call(rq, peer, REMOTE_STORAGE_VOL_GET_PATH, &path_in, &path, ASK_USEC) < 0)
        return -1;
    *ret_type = info.type;
    *ret_path = path.name;
    return 0;
}

int volume_resolve(struct req *rq, struct arena *arena, struct storage *storage)
{
    const char *path = NULL;
    int type = 0;

    if (storage->type != STORAGE_VOLUME || storage_is_empty(storage))
        return 0;
    if (str_eq(storage->mode, "direct"))
        return err_set(
            &rq->err, ERR_CONFIG_UNSUPPORTED,
            "volume '%s' of pool '%s' can't be used with mode 'direct' yet: leave it out or say 'host'",
            storage->volume, storage->pool);
    if (ask(rq, storage, &type, &path) < 0)
        return -1;
    switch (type) {
    case VIR_STORAGE_VOL_FILE:
        storage->type = STORAGE_FILE;
        break;
    case VIR_STORAGE_VOL_BLOCK:
        storage->type = STORAGE_BLOCK;
        break;
    case VIR_STORAGE_VOL_DIR:
        storage->type = STORAGE_DIR;
        break;
    default:
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "volume '%s' of pool '%s' is not on this host",
                       storage->volume, storage->pool);
    }
    storage->path = arena_strdup(arena, path);
    if (!storage->format)
        storage->format = FORMAT_RAW;
    return 0;
}

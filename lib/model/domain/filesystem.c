/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Filesystem: rows of <filesystem>. */
#define ERR_FROM ERR_FROM_DOMAIN

#include "model/domain/filesystem.h"

const char *const fs_type_names[] = {"", "mount", "block", "file", "template", "ram", "bind", "volume", NULL};
const char *const fs_driver_names[] = {"", "path", "handle", "loop", "nbd", "ploop", "virtiofs", "mtp", NULL};
const char *const fs_access_names[] = {"", "passthrough", "mapped", "squash", NULL};

static int filesystem_finish(struct xt_parse *parse, void *object)
{
    struct filesystem *fs = object;
    const char *source = fs->dir ? fs->dir : fs->dev ? fs->dev : fs->file ? fs->file : fs->name;

    if (!source)
        source = fs->socket ? fs->socket : fs->volume;
    if (!fs->type)
        fs->type = FS_MOUNT;
    if (!fs->access && !fs->socket)
        fs->access = FS_ACCESS_PASSTHROUGH;
    if (fs->type == FS_RAM && !fs->usage)
        return err_set(parse->err, ERR_XML_ERROR, "missing 'usage' attribute for RAM filesystem");
    if (fs->type != FS_RAM && !source)
        return err_set(parse->err, ERR_NO_SOURCE, "%s", fs->target ? fs->target : "");
    if (!fs->target)
        return err_set(parse->err, ERR_NO_TARGET, "%s", source ? source : "");
    return 0;
}

/* clang-format off */
XT_DECLARE(fs_idmap_table, struct fs_idmap);
#define T struct fs_idmap
XT_DEFINE(fs_idmap_table, "uid", NULL,
    XT_ATTR(T, start, "start", u32, XT_ALWAYS),
    XT_ATTR(T, target, "target", u32, XT_ALWAYS),
    XT_ATTR(T, count, "count", u32, XT_ALWAYS));
#undef T

#define T struct filesystem
XT_DEFINE(filesystem_table, "filesystem", filesystem_finish,
    XT_ENUM(T, type, "type", fs_type_names, 0),
    XT_ENUM(T, access, "accessmode", fs_access_names, 0),
    XT_ENUM(T, model, "model", virtio_model_names, XT_ABI),
    XT_ATTR(T, multidevs, "multidevs", str, 0),
    XT_ATTR(T, fmode, "fmode", octal, 0),
    XT_ATTR(T, dmode, "dmode", octal, 0),
    XT_GROUP("driver", 0,
        XT_ENUM(T, driver, "type", fs_driver_names, 0),
        XT_ENUM(T, format, "format", storage_format_names, 0),
        XT_ATTR(T, wrpolicy, "wrpolicy", str, 0),
        XT_ATTR(T, queue, "queue", u32, XT_ABI),
        XT_EMBED(T, virtio, NULL, virtio_options_table, 0)),
    XT_GROUP("binary", 0,
        XT_ATTR(T, binary, "path", str, 0),
        XT_ATTR(T, xattr, "xattr", onoff, 0),
        XT_GROUP("cache", 0, XT_ATTR(T, cache, "mode", str, 0)),
        XT_GROUP("sandbox", 0, XT_ATTR(T, sandbox, "mode", str, 0)),
        XT_GROUP("lock", 0,
            XT_ATTR(T, posix_lock, "posix", onoff, 0),
            XT_ATTR(T, flock, "flock", onoff, 0)),
        XT_GROUP("thread_pool", 0, XT_ATTR(T, thread_pool, "size", opt_i32, 0)),
        XT_GROUP("openfiles", 0, XT_ATTR(T, openfiles, "max", opt_u64, 0))),
    XT_GROUP("idmap", 0,
        XT_LIST(T, uid_map, n_uid_map, "uid", fs_idmap_table, 0),
        XT_LIST(T, gid_map, n_gid_map, "gid", fs_idmap_table, 0)),
    XT_GROUP("source", 0,
        XT_UNION(T, type, 0,
            XT_ARM(FS_UNSET,
                XT_ATTR(T, dir, "dir", str, 0),
                XT_ATTR(T, socket, "socket", str, 0)),
            XT_ARM(FS_MOUNT,
                XT_ATTR(T, dir, "dir", str, 0),
                XT_ATTR(T, socket, "socket", str, 0)),
            XT_ARM(FS_BIND, XT_ATTR(T, dir, "dir", str, 0)),
            XT_ARM(FS_BLOCK, XT_ATTR(T, dev, "dev", str, 0)),
            XT_ARM(FS_FILE, XT_ATTR(T, file, "file", str, 0)),
            XT_ARM(FS_TEMPLATE, XT_ATTR(T, name, "name", str, 0)),
            XT_ARM(FS_RAM,
                XT_ATTR(T, usage, "usage", u64, 0),
                XT_ATTR(T, units, "units", str, 0)),
            XT_ARM(FS_VOLUME,
                XT_ATTR(T, pool, "pool", str, 0),
                XT_ATTR(T, volume, "volume", str, 0)))),
    XT_GROUP("target", 0, XT_ATTR(T, target, "dir", str, XT_ABI)),
    XT_FLAG(T, readonly, "readonly", 0),
    XT_EMBED(T, info, NULL, device_info_table, 0),
    XT_TEXT(T, space_hard_limit, "space_hard_limit", bytes, 0),
    XT_TEXT(T, space_soft_limit, "space_soft_limit", bytes, 0));
#undef T

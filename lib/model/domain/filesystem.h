/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Filesystem: a directory of the host in the guest, by 9p or virtiofs. */
#pragma once

#include "model/domain/storage.h"

enum fs_type { FS_UNSET, FS_MOUNT, FS_BLOCK, FS_FILE, FS_TEMPLATE, FS_RAM, FS_BIND, FS_VOLUME, FS_TYPE_MAX };
extern const char *const fs_type_names[];

enum fs_driver {
    FS_DRIVER_UNSET,
    FS_DRIVER_PATH,
    FS_DRIVER_HANDLE,
    FS_DRIVER_LOOP,
    FS_DRIVER_NBD,
    FS_DRIVER_PLOOP,
    FS_DRIVER_VIRTIOFS,
    FS_DRIVER_MTP,
    FS_DRIVER_MAX
};
extern const char *const fs_driver_names[];

enum fs_access { FS_ACCESS_UNSET, FS_ACCESS_PASSTHROUGH, FS_ACCESS_MAPPED, FS_ACCESS_SQUASH, FS_ACCESS_MAX };
extern const char *const fs_access_names[];

struct fs_idmap {
    uint32_t start, target, count;
};

struct filesystem {
    enum fs_type type;
    enum virtio_model model;
    enum fs_access access;
    struct opt_u32 fmode, dmode; /* written in octal, four digits */
    char *multidevs;             /* default, remap, forbid, warn */
    enum fs_driver driver;
    enum storage_format format;
    char *wrpolicy;
    uint32_t queue;
    struct virtio_options virtio;
    char *binary;
    enum tristate xattr;             /* on, off */
    char *cache;                     /* none, always */
    char *sandbox;                   /* namespace, chroot */
    enum tristate posix_lock, flock; /* on, off */
    struct opt_i32 thread_pool;
    struct opt_u64 openfiles;
    struct fs_idmap **uid_map, **gid_map;
    size_t n_uid_map, n_gid_map;
    char *dir, *dev, *file, *name, *socket, *pool, *volume; /* source */
    uint64_t usage;                                         /* ram, in units */
    char *units;
    char *target;
    bool readonly;
    uint64_t space_hard_limit, space_soft_limit; /* bytes; 0: none */
    struct device_info info;
};
XT_DECLARE(filesystem_table, struct filesystem);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/storage/kind.h"

#include <stddef.h>

const char *const pool_type_names[] = {"",        "dir",          "fs",       "netfs", "logical", "disk",
                                       "iscsi",   "iscsi-direct", "scsi",     "mpath", "rbd",     "sheepdog",
                                       "gluster", "zfs",          "vstorage", NULL};

static const char *const fs_formats[] = {"auto", "ext2", "ext3", "ext4", "ufs",   "iso9660", "udf", "gfs",
                                         "gfs2", "vfat", "hfs+", "xfs",  "ocfs2", "vmfs",    NULL};
static const char *const netfs_formats[] = {"auto", "nfs", "glusterfs", "cifs", NULL};
static const char *const logical_formats[] = {"unknown", "lvm2", NULL};
static const char *const disk_formats[] = {"unknown", "dos",  "dvh", "gpt",  "mac",
                                           "bsd",     "pc98", "sun", "lvm2", NULL};
/* "none" is a word of the capabilities; as a volume's format it is refused, see volume.c. */
static const char *const file_formats[] = {"none", "raw",  "dir",   "bochs", "cloop", "dmg",
                                           "iso",  "vpc",  "vdi",   "fat",   "vhd",   "ploop",
                                           "cow",  "qcow", "qcow2", "qed",   "vmdk",  NULL};
static const char *const partition_formats[] = {"none",      "linux",      "fat16",    "fat32", "linux-swap",
                                                "linux-lvm", "linux-raid", "extended", NULL};
static const char *const no_formats[] = {NULL};

/* clang-format off */
#define FILES .volume_formats = file_formats, .default_volume_format = "raw"
const struct pool_kind pool_kinds[POOL_TYPE_MAX] = {
    [POOL_DIR] = {FILES},
    [POOL_FS] = {FILES, .source = SOURCE_DEVICE | SOURCE_NEEDS_DEVICE,
                 .formats = fs_formats, .default_format = "auto"},
    [POOL_NETFS] = {FILES, .source = SOURCE_HOST | SOURCE_DIR, .formats = netfs_formats, .default_format = "auto"},
    [POOL_LOGICAL] = {.source = SOURCE_NAME | SOURCE_DEVICE, .target_base = "/dev/",
                      .formats = logical_formats, .default_format = "lvm2"},
    [POOL_DISK] = {.source = SOURCE_DEVICE | SOURCE_NEEDS_DEVICE, .formats = disk_formats, .default_format = "unknown",
                   .volume_formats = partition_formats, .default_volume_format = "none"},
    [POOL_ISCSI] = {.source = SOURCE_HOST | SOURCE_DEVICE | SOURCE_INITIATOR},
    [POOL_ISCSI_DIRECT] = {.source = SOURCE_HOST | SOURCE_DEVICE | SOURCE_INITIATOR | SOURCE_NEEDS_INITIATOR,
                           .no_target = true},
    [POOL_SCSI] = {.source = SOURCE_ADAPTER},
    [POOL_MPATH] = {.source = 0},
    [POOL_RBD] = {.source = SOURCE_HOST | SOURCE_NAME, .no_target = true,
                  .volume_formats = no_formats, .default_volume_format = "raw"},
    [POOL_SHEEPDOG] = {.source = SOURCE_HOST | SOURCE_NAME, .no_target = true},
    [POOL_GLUSTER] = {FILES, .source = SOURCE_HOST | SOURCE_DIR | SOURCE_NAME, .no_target = true},
    [POOL_ZFS] = {.source = SOURCE_NAME | SOURCE_DEVICE, .target_base = "/dev/zvol/"},
    [POOL_VSTORAGE] = {FILES, .source = SOURCE_NAME},
};

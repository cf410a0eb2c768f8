/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The XML of <blkiotune>, <numatune> and <resource>. */
#define ERR_FROM ERR_FROM_DOMAIN
#include "model/domain/tune.h"

#include "base/str.h"

const char *const numa_mode_names[] = {"", "strict", "preferred", "interleave", "restrictive", NULL};

/* clang-format off */
#define D struct blkio_device
XT_DECLARE(blkio_device_table, D);
XT_DEFINE(blkio_device_table, "device", NULL,
    XT_TEXT(D, path, "path", str, XT_REQUIRED),
    XT_TEXT(D, weight, "weight", u32, 0),
    XT_TEXT(D, read_iops_sec, "read_iops_sec", u32, 0),
    XT_TEXT(D, write_iops_sec, "write_iops_sec", u32, 0),
    XT_TEXT(D, read_bytes_sec, "read_bytes_sec", u64, 0),
    XT_TEXT(D, write_bytes_sec, "write_bytes_sec", u64, 0));

#define B struct blkiotune
XT_DEFINE_ROWS(blkiotune_table, "blkiotune", NULL,
    XT_TEXT(B, weight, "weight", u32, 0),
    XT_LIST(B, devices, n_devices, "device", blkio_device_table, 0));

#define M struct numa_memnode
XT_DECLARE(numa_memnode_table, M);
XT_DEFINE(numa_memnode_table, "memnode", NULL,
    XT_ATTR(M, cell, "cellid", opt_u32, XT_REQUIRED),
    XT_ENUM(M, mode, "mode", numa_mode_names, 0),
    XT_ATTR(M, nodes, "nodeset", bitmap, XT_REQUIRED));

/* The placement is printed only when it is 'auto'; see numatune_settle(). */
#define N struct numatune
XT_DEFINE_ROWS(numatune_table, "numatune", NULL,
    XT_FLAG(N, memory, "memory", 0,
        XT_ENUM(N, mode, "mode", numa_mode_names, 0),
        XT_ATTR(N, nodes, "nodeset", bitmap, 0),
        XT_ENUM(N, placement, "placement", placement_names, 0)),
    XT_LIST(N, memnodes, n_memnodes, "memnode", numa_memnode_table, 0));

#define R struct resource
XT_DEFINE(resource_table, "resource", NULL,
    XT_TEXT(R, partition, "partition", str, 0),
    XT_GROUP("fibrechannel", 0, XT_ATTR(R, appid, "appid", str, XT_REQUIRED)));
/* clang-format on */

int numatune_settle(struct numatune *numatune, bool vcpus_auto, struct err *err)
{
    for (size_t i = 0; i < numatune->n_memnodes; i++) {
        struct numa_memnode *node = numatune->memnodes[i];

        if (!node->mode)
            node->mode = NUMA_STRICT;
        if (bitmap_empty(node->nodes))
            return err_set(err, ERR_XML_ERROR, "NUMA memnode of cell '%u' has an empty nodeset",
                           node->cell.value);
        for (size_t j = 0; j < i; j++)
            if (numatune->memnodes[j]->cell.value == node->cell.value)
                return err_set(err, ERR_XML_ERROR, "Multiple memnode elements with cellid %u",
                               node->cell.value);
    }
    if (numatune->nodes && bitmap_empty(numatune->nodes))
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "NUMA nodeset of <memory> is empty");
    if (!numatune->memory) {
        if (!vcpus_auto || numatune->n_memnodes)
            return 0;
        numatune->memory = true; /* the vCPUs' automatic place is the memory's too */
    }
    if (!numatune->placement)
        numatune->placement = !numatune->nodes && vcpus_auto ? PLACEMENT_AUTO : PLACEMENT_STATIC;
    if (numatune->placement == PLACEMENT_STATIC && !numatune->nodes)
        return err_set(err, ERR_CONFIG_UNSUPPORTED,
                       "nodeset for NUMA memory tuning must be set if 'placement' is 'static'");
    if (!numatune->mode)
        numatune->mode = NUMA_STRICT;
    for (size_t i = 0; i < numatune->n_memnodes; i++) {
        if (numatune->placement == PLACEMENT_AUTO)
            return err_set(err, ERR_CONFIG_UNSUPPORTED,
                           "Per-node binding is not compatible with automatic NUMA placement.");
        if (numatune->mode == NUMA_RESTRICTIVE && numatune->memnodes[i]->mode != NUMA_RESTRICTIVE)
            return err_set(err, ERR_XML_ERROR,
                           "'restrictive' mode is required in memnode element when mode is 'restrictive' in "
                           "memory element");
    }
    if (numatune->placement == PLACEMENT_AUTO)
        numatune->nodes = NULL;
    else
        numatune->placement = PLACEMENT_UNSET;
    return 0;
}

/* Devices without any limit vanish. */
int blkiotune_settle(struct blkiotune *blkiotune, struct err *err)
{
    size_t kept = 0;

    for (size_t i = 0; i < blkiotune->n_devices; i++) {
        struct blkio_device *device = blkiotune->devices[i];

        for (size_t j = 0; j < i; j++)
            if (str_eq(device->path, blkiotune->devices[j]->path))
                return err_set(err, ERR_CONFIG_UNSUPPORTED, "duplicate blkio device path '%s'", device->path);
    }
    for (size_t i = 0; i < blkiotune->n_devices; i++) {
        struct blkio_device *device = blkiotune->devices[i];

        if (device->weight || device->read_iops_sec || device->write_iops_sec || device->read_bytes_sec ||
            device->write_bytes_sec)
            blkiotune->devices[kept++] = device;
    }
    blkiotune->n_devices = kept;
    return 0;
}

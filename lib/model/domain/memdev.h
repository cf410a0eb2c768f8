/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memdev: a <memory> device: memory that can be plugged. Sizes in KiB. */
#pragma once

#include "model/domain/device.h"

enum memdev_model {
    MEMDEV_UNSET,
    MEMDEV_DIMM,
    MEMDEV_NVDIMM,
    MEMDEV_VIRTIO_PMEM,
    MEMDEV_VIRTIO_MEM,
    MEMDEV_SGX_EPC,
    MEMDEV_MODEL_MAX
};
extern const char *const memdev_model_names[];

struct memdev {
    enum memdev_model model;
    char *access;          /* shared, private */
    enum tristate discard; /* yes, no */
    char *uuid;
    char *path; /* source */
    uint64_t pagesize, alignsize;
    bool pmem;
    char *nodemask; /* "1-3" */
    uint64_t size;
    struct opt_u32 node; /* target NUMA cell */
    uint64_t block;
    struct opt_u64 requested, current; /* virtio-mem */
    uint64_t label_size;
    bool readonly;
    enum tristate dynamic_memslots; /* yes, no */
    struct opt_u64 target_base;     /* virtio-mem, virtio-pmem: <target><address base=> */
    struct virtio_options virtio;
    struct device_info info;
};
XT_DECLARE(memdev_table, struct memdev);

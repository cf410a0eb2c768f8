/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small devices: NVRAM of pseries, crypto accelerator, persistent store, lease. */
#pragma once

#include "model/domain/device.h"

struct nvram {
    struct device_info info;
};
XT_DECLARE(nvram_table, struct nvram);

struct crypto {
    char *model;   /* virtio */
    char *type;    /* qemu */
    char *backend; /* builtin, lkcf */
    uint32_t queues;
    struct virtio_options virtio;
    struct device_info info;
};
XT_DECLARE(crypto_table, struct crypto);

struct pstore {
    char *backend; /* acpi-erst */
    char *path;
    uint64_t size; /* KiB */
    struct device_info info;
};
XT_DECLARE(pstore_table, struct pstore);

struct lease {
    char *lockspace, *key, *path;
    uint64_t offset;
};
XT_DECLARE(lease_table, struct lease);

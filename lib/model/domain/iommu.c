/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Iommu: rows of <iommu>. */
#define ERR_FROM ERR_FROM_DOMAIN

#include "model/domain/iommu.h"

const char *const iommu_model_names[] = {"", "intel", "smmuv3", "virtio", "amd", NULL};

/* clang-format off */
#define T struct iommu
XT_DEFINE(iommu_table, "iommu", NULL,
    XT_ENUM(T, model, "model", iommu_model_names, XT_REQUIRED | XT_ABI),
    XT_GROUP("driver", 0,
        XT_ATTR(T, pci_bus, "pciBus", opt_u32, XT_ABI),
        XT_ATTR(T, intremap, "intremap", onoff, XT_ABI),
        XT_ATTR(T, caching_mode, "caching_mode", onoff, XT_ABI),
        XT_ATTR(T, eim, "eim", onoff, XT_ABI),
        XT_ATTR(T, iotlb, "iotlb", onoff, XT_ABI),
        XT_ATTR(T, aw_bits, "aw_bits", u32, XT_ABI),
        XT_ATTR(T, dma_translation, "dma_translation", onoff, XT_ABI),
        XT_ATTR(T, xtsup, "xtsup", onoff, XT_ABI),
        XT_ATTR(T, passthrough, "passthrough", onoff, XT_ABI),
        XT_ATTR(T, accel, "accel", onoff, XT_ABI),
        XT_ATTR(T, ats, "ats", onoff, XT_ABI),
        XT_ATTR(T, ril, "ril", onoff, XT_ABI),
        XT_ATTR(T, ssid_size, "ssidsize", u32, XT_ABI),
        XT_ATTR(T, oas, "oas", u32, XT_ABI),
        XT_ATTR(T, cmdqv, "cmdqv", onoff, XT_ABI),
        XT_GROUP("granule", 0,
            XT_ATTR(T, granule_mode, "mode", str, XT_ABI),
            XT_ATTR(T, granule, "size", kib, XT_ABI))),
    XT_EMBED(T, info, NULL, device_info_table, 0));
#undef T

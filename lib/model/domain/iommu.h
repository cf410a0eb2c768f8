/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Iommu: the guest's own I/O memory management unit. */
#pragma once

#include "model/domain/device.h"

enum iommu_model { IOMMU_UNSET, IOMMU_INTEL, IOMMU_SMMUV3, IOMMU_VIRTIO, IOMMU_AMD, IOMMU_MODEL_MAX };
extern const char *const iommu_model_names[];

struct iommu {
    enum iommu_model model;
    enum tristate intremap, caching_mode, eim, iotlb, dma_translation, xtsup, passthrough; /* on, off */
    uint32_t aw_bits;                                                                      /* 0: not given */
    struct opt_u32 pci_bus;
    enum tristate accel, ats, ril, cmdqv; /* smmuv3: on, off */
    uint32_t ssid_size, oas;              /* smmuv3, in bits; 0: not given */
    char *granule_mode;                   /* virtio: host */
    uint64_t granule;                     /* KiB */
    struct device_info info;
};
XT_DECLARE(iommu_table, struct iommu);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Iommu and the other small devices. */
#define ERR_FROM ERR_FROM_QEMU

#include "base/str.h"
#include "virtqemud/dev/dev.h"

/* QEMU has words for the sizes that there are; NULL: its own choice. */
static const char *granule_name(uint64_t kib)
{
    static const struct {
        uint64_t kib;
        const char *name;
    } sizes[] = {{4, "4k"}, {8, "8k"}, {16, "16k"}, {64, "64k"}};

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
        if (sizes[i].kib == kib)
            return sizes[i].name;
    return NULL;
}

static int iommu_command(struct build *build, void *device, struct err *err)
{
    const struct iommu *iommu = device;
    auto_props struct props props = {0};

    switch (iommu->model) {
    case IOMMU_INTEL:
        props_string(&props, "driver", "intel-iommu");
        props_string(&props, "id", iommu->info.alias ? iommu->info.alias : "iommu0");
        props_onoff(&props, "intremap", iommu->intremap);
        props_tristate(&props, "caching-mode", iommu->caching_mode);
        props_onoff(&props, "eim", iommu->eim);
        props_tristate(&props, "device-iotlb", iommu->iotlb);
        props_number(&props, "aw-bits", iommu->aw_bits);
        props_tristate(&props, "dma-translation", iommu->dma_translation);
        break;
    case IOMMU_VIRTIO:
        props_string(&props, "driver", "virtio-iommu");
        props_string(&props, "granule",
                     iommu->granule_mode ? iommu->granule_mode : granule_name(iommu->granule));
        if (props_info(build, &props, &iommu->info, err) < 0)
            return -1;
        break;
    case IOMMU_AMD:
        props_string(&props, "driver", "amd-iommu");
        props_string(&props, "id", iommu->info.alias ? iommu->info.alias : "iommu0");
        props_onoff(&props, "intremap", iommu->intremap);
        props_tristate(&props, "device-iotlb", iommu->iotlb);
        props_tristate(&props, "xtsup", iommu->xtsup);
        break;
    default:
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "IOMMU model '%s' is not supported by this machine",
                       iommu_model_names[iommu->model]);
    }
    build_json(build, "-device", &props);
    return 0;
}

static int crypto_command(struct build *build, void *device, struct err *err)
{
    const struct crypto *crypto = device;
    auto_props struct props backend = {0}, props = {0};

    props_string(&backend, "qom-type",
                 str_eq(crypto->backend, "lkcf") ? "cryptodev-backend-lkcf" : "cryptodev-backend-builtin");
    props_format(&backend, "id", "obj%s", crypto->info.alias);
    props_number(&backend, "queues", crypto->queues);
    build_json(build, "-object", &backend);
    props_string(&props, "driver", "virtio-crypto-pci");
    props_format(&props, "cryptodev", "obj%s", crypto->info.alias);
    props_virtio(&props, &crypto->virtio);
    if (props_info(build, &props, &crypto->info, err) < 0)
        return -1;
    build_json(build, "-device", &props);
    return 0;
}

static int pstore_command(struct build *build, void *device, struct err *err)
{
    const struct pstore *pstore = device;
    auto_props struct props backend = {0}, props = {0};

    if (!pstore->path)
        return err_set(err, ERR_NO_SUPPORT, "pstore devices without a path");
    props_string(&backend, "qom-type", "memory-backend-file");
    props_format(&backend, "id", "mem%s", pstore->info.alias);
    props_string(&backend, "mem-path", pstore->path);
    props_u64(&backend, "size", pstore->size * 1024);
    props_bool(&backend, "share", true);
    build_json(build, "-object", &backend);
    props_string(&props, "driver", "acpi-erst");
    props_format(&props, "memdev", "mem%s", pstore->info.alias);
    if (props_info(build, &props, &pstore->info, err) < 0)
        return -1;
    build_json(build, "-device", &props);
    return 0;
}

const struct dev_kind kind_iommu = {.name = "iommu", DEV_ONE(iommu), .command = iommu_command};
const struct dev_kind kind_crypto = {.name = "crypto", DEV_LIST(cryptos), .command = crypto_command};
const struct dev_kind kind_pstore = {.name = "pstore", DEV_ONE(pstore), .command = pstore_command};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memdev: modules: memory that can be plugged. */
#define ERR_FROM ERR_FROM_QEMU

#include "base/str.h"

#include "virtqemud/dev/ram.h"

static int memdev_command(struct build *build, void *device, struct err *err)
{
    enum { KIB = 1024 };
    static const char *const drivers[MEMDEV_MODEL_MAX] = {
        [MEMDEV_DIMM] = "pc-dimm",
        [MEMDEV_NVDIMM] = "nvdimm",
        [MEMDEV_VIRTIO_PMEM] = "virtio-pmem-pci",
        [MEMDEV_VIRTIO_MEM] = "virtio-mem-pci",
    };
    const struct memdev *memory = device;
    const struct ram ram = {
        .id = arena_printf(build->arena, "mem%s", memory->info.alias),
        .size = memory->size,
        .access = str_eq(memory->access, "shared")    ? MEMORY_SHARED
                  : str_eq(memory->access, "private") ? MEMORY_PRIVATE
                                                      : MEMORY_ACCESS_UNSET,
        .discard = memory->discard,
        .path = memory->path,
        .pagesize = memory->pagesize,
        .alignsize = memory->alignsize,
        .nodemask = memory->nodemask,
        .cell = memory->node.set ? (int)memory->node.value : -1,
        .pmem = memory->pmem,
        .readonly = memory->readonly,
        .no_prealloc = memory->model == MEMDEV_VIRTIO_MEM,
    };
    auto_props struct props props = {0};

    if (!drivers[memory->model])
        return err_set(err, ERR_NO_SUPPORT, "memory devices of model '%s'",
                       memdev_model_names[memory->model]);
    if (build_ram(build, &ram, err) < 0)
        return -1;
    props_string(&props, "driver", drivers[memory->model]);
    if (memory->node.set)
        props_u64(&props, "node", memory->node.value);
    props_number(&props, "label-size", memory->label_size * KIB);
    props_number(&props, "block-size", memory->block * KIB);
    if (memory->requested.set)
        props_u64(&props, "requested-size", memory->requested.value * KIB);
    if (memory->model == MEMDEV_NVDIMM)
        props_string(&props, "uuid", memory->uuid);
    if (memory->readonly && memory->model == MEMDEV_NVDIMM)
        props_bool(&props, "unarmed", true);
    if (memory->model == MEMDEV_VIRTIO_MEM && build->domain->backing.allocation == ALLOCATION_IMMEDIATE)
        props_bool(&props, "prealloc", true);
    props_number(&props, "memaddr", memory->target_base.value);
    props_string(&props, "memdev", ram.id);
    props_virtio(&props, &memory->virtio);
    if (props_info(build, &props, &memory->info, err) < 0)
        return -1;
    build_json(build, "-device", &props);
    return 0;
}

const struct dev_kind kind_memdev = {.name = "memory", DEV_LIST(memdevs), .command = memdev_command};

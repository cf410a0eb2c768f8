/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shmem: memory between guests, and the doorbell beside it. */
#define ERR_FROM ERR_FROM_QEMU

#include "base/str.h"
#include "virtqemud/dev/dev.h"

static int shmem_backend(struct build *build, const struct shmem *shmem)
{
    auto_props struct props props = {0};

    props_string(&props, "qom-type", "memory-backend-file");
    props_format(&props, "id", "shmmem-%s", shmem->info.alias);
    props_format(&props, "mem-path", "/dev/shm/%s", shmem->name);
    props_u64(&props, "size", shmem->size);
    props_bool(&props, "share", true);
    build_json(build, "-object", &props);
    return 0;
}

static int shmem_command(struct build *build, void *device, struct err *err)
{
    const struct shmem *shmem = device;
    auto_props struct props props = {0};
    auto_buf struct buf chardev = {0};

    if (strchr(shmem->name, '/') || shmem->name[0] == '.')
        return err_set(err, ERR_XML_ERROR, "shmem name '%s' must not be a path", shmem->name);
    switch (shmem->model) {
    case SHMEM_IVSHMEM_PLAIN:
        shmem_backend(build, shmem);
        props_string(&props, "driver", "ivshmem-plain");
        props_format(&props, "memdev", "shmmem-%s", shmem->info.alias);
        break;
    case SHMEM_IVSHMEM_DOORBELL:
        buf_printf(&chardev, "socket,id=char%s", shmem->info.alias);
        option_add(&chardev, "path",
                   shmem->server_path
                       ? shmem->server_path
                       : arena_printf(build->arena, "/var/lib/libvirt/shmem-%s-sock", shmem->name));
        build_arg(build, "-chardev", buf_text(&chardev));
        props_string(&props, "driver", "ivshmem-doorbell");
        props_format(&props, "chardev", "char%s", shmem->info.alias);
        props_number(&props, "vectors", shmem->msi_vectors.value);
        props_onoff(&props, "ioeventfd", shmem->msi_ioeventfd);
        break;
    default:
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "shmem model '%s' is not supported by this QEMU binary",
                       shmem_model_names[shmem->model]);
    }
    if (shmem->role)
        props_string(&props, "master", str_eq(shmem->role, "master") ? "on" : "off");
    if (props_info(build, &props, &shmem->info, err) < 0)
        return -1;
    build_json(build, "-device", &props);
    return 0;
}

const struct dev_kind kind_shmem = {.name = "shmem", DEV_LIST(shmems), .command = shmem_command};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shmem: memory shared between guests. */
#pragma once

#include "model/domain/chardev.h"

enum shmem_model { SHMEM_UNSET, SHMEM_IVSHMEM, SHMEM_IVSHMEM_PLAIN, SHMEM_IVSHMEM_DOORBELL, SHMEM_MODEL_MAX };
extern const char *const shmem_model_names[];

/* uint64_t in bytes, with unit; printed in whole unit='M'. */
XT_TYPE(mib, uint64_t);

struct shmem {
    char *name;
    char *role; /* master, peer */
    enum shmem_model model;
    uint64_t size; /* bytes; 0: not given */
    bool has_server;
    char *server_path;
    bool has_msi;
    struct opt_u32 msi_vectors;
    enum tristate msi_ioeventfd; /* on, off */
    struct device_info info;
};
XT_DECLARE(shmem_table, struct shmem);

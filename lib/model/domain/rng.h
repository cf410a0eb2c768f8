/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rng: random numbers for the guest. */
#pragma once

#include "model/domain/chardev.h"

enum rng_backend { RNG_UNSET, RNG_RANDOM, RNG_EGD, RNG_BUILTIN, RNG_BACKEND_MAX };
extern const char *const rng_backend_names[];

struct rng {
    enum virtio_model model;
    struct opt_u32 rate_bytes, rate_period; /* period in ms */
    enum rng_backend backend;
    char *path;                   /* random */
    struct chardev_source source; /* egd */
    struct virtio_options virtio;
    struct device_info info;
};
XT_DECLARE(rng_table, struct rng);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Balloon: takes memory back from the guest. A machine has one at the most. */
#pragma once

#include "model/domain/device.h"

enum balloon_model {
    BALLOON_UNSET,
    BALLOON_VIRTIO,
    BALLOON_XEN,
    BALLOON_NONE,
    BALLOON_VIRTIO_TRANSITIONAL,
    BALLOON_VIRTIO_NON_TRANSITIONAL,
    BALLOON_MODEL_MAX
};
extern const char *const balloon_model_names[];

struct balloon {
    enum balloon_model model;
    enum tristate autodeflate, free_page_reporting; /* on, off */
    uint32_t stats_period;                          /* seconds; 0: not given */
    struct virtio_options virtio;
    struct device_info info;
};
XT_DECLARE(balloon_table, struct balloon);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Vsock: sockets between host and guest. */
#pragma once

#include "model/domain/device.h"

struct vsock {
    enum virtio_model model;
    enum tristate auto_cid; /* yes, no */
    uint32_t cid;           /* 0: not given; else 3 or more */
    struct virtio_options virtio;
    struct device_info info;
};
XT_DECLARE(vsock_table, struct vsock);

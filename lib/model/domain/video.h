/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Video: one graphics card of a machine. */
#pragma once

#include "model/domain/device.h"

enum video_type {
    VIDEO_UNSET,
    VIDEO_VGA,
    VIDEO_CIRRUS,
    VIDEO_VMVGA,
    VIDEO_XEN,
    VIDEO_VBOX,
    VIDEO_QXL,
    VIDEO_PARALLELS,
    VIDEO_VIRTIO,
    VIDEO_GOP,
    VIDEO_NONE,
    VIDEO_BOCHS,
    VIDEO_RAMFB,
    VIDEO_TYPE_MAX
};
extern const char *const video_type_names[];

struct video {
    char *driver_name; /* qemu, vhostuser */
    char *vgaconf;     /* io, on, off */
    struct virtio_options virtio;
    enum video_type type;
    uint32_t ram, vram, vram64, vgamem; /* KiB; 0: not given */
    uint32_t heads;
    enum tristate primary;          /* yes, no */
    enum tristate blob, edid;       /* on, off */
    char *device;                   /* virtio-vga, virtio-gpu, ... */
    enum tristate accel2d, accel3d; /* yes, no */
    char *rendernode;
    struct opt_u32 res_x, res_y;
    struct device_info info;
    int vhost_fd; /* of a running machine, not in the document: what QEMU speaks to its helper on */
};
XT_DECLARE(video_table, struct video);

/* The memory of a card whose definition says nothing of it, by its type. */
void video_settle_memory(struct video *video);

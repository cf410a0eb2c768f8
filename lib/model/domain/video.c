/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Video: rows of <video>. */
#define ERR_FROM ERR_FROM_DOMAIN

#include "model/domain/video.h"

const char *const video_type_names[] = {"",          "vga",    "cirrus", "vmvga", "xen",   "vbox",  "qxl",
                                        "parallels", "virtio", "gop",    "none",  "bochs", "ramfb", NULL};

/* clang-format off */
#define T struct video
XT_DEFINE(video_table, "video", NULL,
    XT_GROUP("driver", 0,
        XT_EMBED(T, virtio, NULL, virtio_options_table, 0),
        XT_ATTR(T, vgaconf, "vgaconf", str, 0),
        XT_ATTR(T, driver_name, "name", str, 0)),
    XT_GROUP("model", 0,
        XT_ENUM(T, type, "type", video_type_names, XT_ABI),
        XT_ATTR(T, device, "device", str, XT_ABI),
        XT_ATTR(T, ram, "ram", u32, XT_ABI),
        XT_ATTR(T, vram, "vram", u32, XT_ABI),
        XT_ATTR(T, vram64, "vram64", u32, XT_ABI),
        XT_ATTR(T, vgamem, "vgamem", u32, XT_ABI),
        XT_ATTR(T, heads, "heads", u32, XT_ABI),
        XT_ATTR(T, primary, "primary", yesno, 0),
        XT_ATTR(T, blob, "blob", onoff, XT_ABI),
        XT_ATTR(T, edid, "edid", onoff, XT_ABI),
        XT_GROUP("acceleration", 0,
            XT_ATTR(T, accel2d, "accel2d", yesno, XT_ABI),
            XT_ATTR(T, accel3d, "accel3d", yesno, XT_ABI),
            XT_ATTR(T, rendernode, "rendernode", str, 0)),
        XT_GROUP("resolution", 0,
            XT_ATTR(T, res_x, "x", opt_u32, 0),
            XT_ATTR(T, res_y, "y", opt_u32, 0))),
    XT_EMBED(T, info, NULL, device_info_table, 0));
#undef T

void video_settle_memory(struct video *video)
{
    enum { KIB_PER_MIB = 1024 };

    switch (video->type) {
    case VIDEO_QXL:
        if (!video->ram)
            video->ram = 64 * KIB_PER_MIB;
        if (!video->vram)
            video->vram = 64 * KIB_PER_MIB;
        break;
    case VIDEO_VGA:
    case VIDEO_CIRRUS:
    case VIDEO_VMVGA:
    case VIDEO_BOCHS:
        if (!video->vram)
            video->vram = 16 * KIB_PER_MIB;
        break;
    case VIDEO_XEN:
        if (!video->vram)
            video->vram = 4 * KIB_PER_MIB;
        break;
    default:
        break;
    }
}

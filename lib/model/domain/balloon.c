/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Balloon: rows of <memballoon>. */
#define ERR_FROM ERR_FROM_DOMAIN

#include "model/domain/balloon.h"

const char *const balloon_model_names[] = {
    "", "virtio", "xen", "none", "virtio-transitional", "virtio-non-transitional", NULL};

/* clang-format off */
#define T struct balloon
XT_DEFINE(balloon_table, "memballoon", NULL,
    XT_ENUM(T, model, "model", balloon_model_names, XT_REQUIRED | XT_ABI),
    XT_ATTR(T, autodeflate, "autodeflate", onoff, XT_ABI),
    XT_ATTR(T, free_page_reporting, "freePageReporting", onoff, XT_ABI),
    XT_GROUP("stats", 0, XT_ATTR(T, stats_period, "period", u32, 0)),
    XT_EMBED(T, info, NULL, device_info_table, 0),
    XT_GROUP("driver", 0, XT_EMBED(T, virtio, NULL, virtio_options_table, 0)));
#undef T

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memdev: rows of <memory> below <devices>. */
#define ERR_FROM ERR_FROM_DOMAIN

#include "model/domain/memdev.h"

const char *const memdev_model_names[] = {"", "dimm", "nvdimm", "virtio-pmem", "virtio-mem", "sgx-epc", NULL};

/* clang-format off */
#define T struct memdev
XT_DEFINE(memdev_table, "memory", NULL,
    XT_ENUM(T, model, "model", memdev_model_names, XT_REQUIRED | XT_ABI),
    XT_ATTR(T, access, "access", str, 0),
    XT_ATTR(T, discard, "discard", yesno, 0),
    XT_TEXT(T, uuid, "uuid", str, XT_ABI),
    XT_GROUP("source", 0,
        XT_TEXT(T, nodemask, "nodemask", str, 0),
        XT_TEXT(T, pagesize, "pagesize", kib, 0),
        XT_TEXT(T, path, "path", str, 0),
        XT_TEXT(T, alignsize, "alignsize", kib, XT_ABI),
        XT_FLAG(T, pmem, "pmem", XT_ABI)),
    XT_GROUP("target", 0,
        XT_ATTR(T, dynamic_memslots, "dynamicMemslots", yesno, 0),
        XT_TEXT(T, size, "size", kib, XT_REQUIRED | XT_ABI),
        XT_TEXT(T, node, "node", opt_u32, XT_ABI),
        XT_GROUP("label", 0, XT_TEXT(T, label_size, "size", kib, XT_ABI)),
        XT_FLAG(T, readonly, "readonly", XT_ABI),
        XT_TEXT(T, block, "block", kib, XT_ABI),
        XT_TEXT(T, requested, "requested", opt_kib, 0),
        XT_TEXT(T, current, "current", opt_kib, XT_LIVE),
        XT_GROUP("address", 0, XT_ATTR(T, target_base, "base", hex64, 0))),
    XT_GROUP("driver", 0, XT_EMBED(T, virtio, NULL, virtio_options_table, 0)),
    XT_EMBED(T, info, NULL, device_info_table, 0));
#undef T

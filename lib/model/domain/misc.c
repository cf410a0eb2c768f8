/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Misc: rows of the small devices. */
#define ERR_FROM ERR_FROM_DOMAIN

#include "model/domain/misc.h"

/* clang-format off */
#define T struct nvram
XT_DEFINE(nvram_table, "nvram", NULL,
    XT_EMBED(T, info, NULL, device_info_table, 0));
#undef T

#define T struct crypto
XT_DEFINE(crypto_table, "crypto", NULL,
    XT_ATTR(T, model, "model", str, XT_REQUIRED | XT_ABI),
    XT_ATTR(T, type, "type", str, XT_REQUIRED | XT_ABI),
    XT_GROUP("backend", 0,
        XT_ATTR(T, backend, "model", str, 0),
        XT_ATTR(T, queues, "queues", u32, 0)),
    XT_GROUP("driver", 0, XT_EMBED(T, virtio, NULL, virtio_options_table, 0)),
    XT_EMBED(T, info, NULL, device_info_table, 0));
#undef T

#define T struct pstore
XT_DEFINE(pstore_table, "pstore", NULL,
    XT_ATTR(T, backend, "backend", str, XT_REQUIRED | XT_ABI),
    XT_TEXT(T, path, "path", str, 0),
    XT_TEXT(T, size, "size", kib, XT_REQUIRED | XT_ABI),
    XT_EMBED(T, info, NULL, device_info_table, 0));
#undef T

#define T struct lease
XT_DEFINE(lease_table, "lease", NULL,
    XT_TEXT(T, lockspace, "lockspace", str, 0),
    XT_TEXT(T, key, "key", str, XT_REQUIRED),
    XT_GROUP("target", 0,
        XT_ATTR(T, path, "path", str, XT_REQUIRED),
        XT_ATTR(T, offset, "offset", u64, 0)));
#undef T

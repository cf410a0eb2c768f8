/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shmem: rows of <shmem>. */
#define ERR_FROM ERR_FROM_DOMAIN

#include "model/domain/shmem.h"

#include <inttypes.h>

const char *const shmem_model_names[] = {"", "ivshmem", "ivshmem-plain", "ivshmem-doorbell", NULL};

static int parse_mib(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    return xt_bytes.parse(parse, text, aux, value);
}

static void format_mib(struct buf *text, const void *value, const void *aux UNUSED)
{
    buf_printf(text, "%" PRIu64, *(const uint64_t *)value / (1024 * 1024));
}

static const char *unit_mib(const void *value UNUSED)
{
    return "M";
}

const struct xt_type xt_mib = {
    .name = "size", .unit = unit_mib, .size = sizeof(uint64_t), .parse = parse_mib, .format = format_mib};

static int shmem_finish(struct xt_parse *parse UNUSED, void *object)
{
    struct shmem *shmem = object;

    if (!shmem->model)
        shmem->model = SHMEM_IVSHMEM;
    return 0;
}

/* clang-format off */
#define T struct shmem
XT_DEFINE(shmem_table, "shmem", shmem_finish,
    XT_ATTR(T, name, "name", str, XT_REQUIRED | XT_ABI),
    XT_ATTR(T, role, "role", str, XT_ABI),
    XT_GROUP("model", 0, XT_ENUM(T, model, "type", shmem_model_names, XT_ABI)),
    XT_TEXT(T, size, "size", mib, XT_ABI),
    XT_FLAG(T, has_server, "server", 0,
        XT_ATTR(T, server_path, "path", str, 0)),
    XT_FLAG(T, has_msi, "msi", XT_ABI,
        XT_ATTR(T, msi_vectors, "vectors", opt_u32, XT_ABI),
        XT_ATTR(T, msi_ioeventfd, "ioeventfd", onoff, XT_ABI)),
    XT_EMBED(T, info, NULL, device_info_table, 0));
#undef T

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rng: rows of <rng>. */
#define ERR_FROM ERR_FROM_DOMAIN

#include "model/domain/rng.h"

const char *const rng_backend_names[] = {"", "random", "egd", "builtin", NULL};

static int rng_finish(struct xt_parse *parse, void *object)
{
    struct rng *rng = object;

    if (!rng->model)
        return err_set(parse->err, ERR_XML_ERROR, "missing model attribute of <rng>");
    if (!rng->backend)
        return err_set(parse->err, ERR_XML_ERROR, "missing RNG device backend model");
    if (rng->backend == RNG_EGD && !rng->source.type)
        return err_set(parse->err, ERR_XML_ERROR, "missing EGD backend type");
    if (rng->backend == RNG_RANDOM && !rng->path)
        rng->path = (char *)"/dev/random";
    chardev_source_settle(&rng->source);
    return 0;
}

/* clang-format off */
#define T struct rng
XT_DEFINE(rng_table, "rng", rng_finish,
    XT_ENUM(T, model, "model", virtio_model_names, XT_ABI),
    XT_GROUP("rate", 0,
        XT_ATTR(T, rate_bytes, "bytes", opt_u32, XT_ABI),
        XT_ATTR(T, rate_period, "period", opt_u32, XT_ABI)),
    XT_GROUP("backend", 0,
        XT_ENUM(T, backend, "model", rng_backend_names, 0),
        XT_UNION(T, backend, 0,
            XT_ARM(RNG_RANDOM, XT_OWN(T, path, str, 0)),
            XT_ARM(RNG_EGD, XT_EMBED(T, source, NULL, chardev_source_table, 0)))),
    XT_GROUP("driver", 0, XT_EMBED(T, virtio, NULL, virtio_options_table, 0)),
    XT_EMBED(T, info, NULL, device_info_table, 0));
#undef T

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Balloon and random numbers: two small virtio devices. */
#define ERR_FROM ERR_FROM_QEMU

#include "base/str.h"
#include "virtqemud/dev/dev.h"

static int balloon_command(struct build *build, void *device, struct err *err)
{
    const struct balloon *balloon = device;
    auto_props struct props props = {0};
    enum virtio_model model = VIRTIO_MODEL_VIRTIO;

    switch (balloon->model) {
    case BALLOON_NONE:
        return 0;
    case BALLOON_VIRTIO_TRANSITIONAL:
        model = VIRTIO_MODEL_TRANSITIONAL;
        break;
    case BALLOON_VIRTIO_NON_TRANSITIONAL:
        model = VIRTIO_MODEL_NON_TRANSITIONAL;
        break;
    case BALLOON_VIRTIO:
        break;
    default:
        return err_set(err, ERR_CONFIG_UNSUPPORTED,
                       "Memory balloon device type '%s' is not supported by this version of qemu",
                       balloon_model_names[balloon->model]);
    }
    props_string(&props, "driver", virtio_driver(build, "virtio-balloon", model));
    props_tristate(&props, "deflate-on-oom", balloon->autodeflate);
    props_tristate(&props, "free-page-reporting", balloon->free_page_reporting);
    props_virtio(&props, &balloon->virtio);
    if (props_info(build, &props, &balloon->info, err) < 0)
        return -1;
    build_json(build, "-device", &props);
    return 0;
}

static int rng_backend(struct build *build, const struct rng *rng, struct err *err)
{
    auto_props struct props props = {0};

    switch (rng->backend) {
    case RNG_RANDOM:
        props_string(&props, "qom-type", "rng-random");
        break;
    case RNG_BUILTIN:
        props_string(&props, "qom-type", "rng-builtin");
        break;
    default:
        if (build_chardev(build, arena_printf(build->arena, "char%s", rng->info.alias), &rng->source, err) <
            0)
            return -1;
        props_string(&props, "qom-type", "rng-egd");
        props_format(&props, "chardev", "char%s", rng->info.alias);
        break;
    }
    props_format(&props, "id", "obj%s", rng->info.alias);
    if (rng->backend == RNG_RANDOM)
        props_string(&props, "filename", rng->path);
    build_json(build, "-object", &props);
    return 0;
}

static int rng_command(struct build *build, void *device, struct err *err)
{
    enum { PERIOD_MS = 1000 };
    const struct rng *rng = device;
    auto_props struct props props = {0};

    if (rng_backend(build, rng, err) < 0)
        return -1;
    props_string(&props, "driver", virtio_driver(build, "virtio-rng", rng->model));
    props_format(&props, "rng", "obj%s", rng->info.alias);
    if (rng->rate_bytes.value) {
        props_u64(&props, "max-bytes", rng->rate_bytes.value);
        props_u64(&props, "period", rng->rate_period.value ? rng->rate_period.value : PERIOD_MS);
    }
    props_virtio(&props, &rng->virtio);
    if (props_info(build, &props, &rng->info, err) < 0)
        return -1;
    build_json(build, "-device", &props);
    return 0;
}

const struct dev_kind kind_balloon = {.name = "memballoon", DEV_ONE(balloon), .command = balloon_command};
const struct dev_kind kind_rng = {.name = "rng", DEV_LIST(rngs), .command = rng_command};

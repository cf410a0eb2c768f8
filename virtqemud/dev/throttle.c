/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Throttle: groups of limits that a machine has, and the nodes by which disks take part in them. */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/dev/throttle.h"

#include "base/str.h"

/* all: what isn't limited is said, too, since QEMU keeps what it isn't told; no burst is shorter than a
 * second. */
static void throttle_limits(const struct disk_iotune *tune, bool all, struct props *props)
{
    const struct {
        const char *name;
        uint64_t value;
    } members[] = {
        {"bps-total", tune->total_bytes_sec},
        {"bps-read", tune->read_bytes_sec},
        {"bps-write", tune->write_bytes_sec},
        {"iops-total", tune->total_iops_sec},
        {"iops-read", tune->read_iops_sec},
        {"iops-write", tune->write_iops_sec},
        {"bps-total-max", tune->total_bytes_sec_max},
        {"bps-read-max", tune->read_bytes_sec_max},
        {"bps-write-max", tune->write_bytes_sec_max},
        {"iops-total-max", tune->total_iops_sec_max},
        {"iops-read-max", tune->read_iops_sec_max},
        {"iops-write-max", tune->write_iops_sec_max},
        {"iops-size", tune->size_iops_sec},
        {"bps-total-max-length", tune->total_bytes_sec_max_length},
        {"bps-read-max-length", tune->read_bytes_sec_max_length},
        {"bps-write-max-length", tune->write_bytes_sec_max_length},
        {"iops-total-max-length", tune->total_iops_sec_max_length},
        {"iops-read-max-length", tune->read_iops_sec_max_length},
        {"iops-write-max-length", tune->write_iops_sec_max_length},
    };

    for (size_t i = 0; i < ARRAY_SIZE(members); i++)
        if (members[i].value || all)
            props_u64(props, members[i].name,
                      members[i].value || !str_ends(members[i].name, "-length") ? members[i].value : 1);
}

static const char *object_of(struct arena *arena, const char *group)
{
    return arena_printf(arena, "throttle-%s", group);
}

void throttle_change(struct arena *arena, const struct disk_iotune *tune, bool there, struct props *props)
{
    const char *id = object_of(arena, tune->group_name);

    if (there) {
        props_format(props, "path", "/objects/%s", id);
        props_string(props, "property", "limits");
    } else {
        props_string(props, "qom-type", "throttle-group");
        props_string(props, "id", id);
    }
    props_object(props, there ? "value" : "limits");
    throttle_limits(tune, there, props);
    props_end_object(props);
}

void throttle_groups(struct build *build)
{
    const struct domain *domain = build->domain;

    for (size_t i = 0; i < domain->n_throttle_groups; i++) {
        auto_props struct props props = {0};

        if (!domain->throttle_groups[i]->group_name)
            continue;
        throttle_change(build->arena, domain->throttle_groups[i], /* there= */ false, &props);
        build_json(build, "-object", &props);
    }
}

static bool has_group(const struct domain *domain, const char *group)
{
    for (size_t i = 0; i < domain->n_throttle_groups; i++)
        if (str_eq(domain->throttle_groups[i]->group_name, group))
            return true;
    return false;
}

int throttle_filters(struct build *build, const struct disk *disk, const char **node, struct err *err)
{
    if (disk->n_throttle_filters && disk->device != DISK_DISK)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "throttle filters are for disks alone, not for '%s'",
                       disk->dst);
    if (disk->n_throttle_filters && disk->iotune)
        return err_set(err, ERR_CONFIG_UNSUPPORTED,
                       "disk '%s' can't have both throttle filters and limits of its own", disk->dst);
    for (size_t i = 0; i < disk->n_throttle_filters; i++) {
        const char *group = disk->throttle_filters[i]->group;
        const char *filter = arena_printf(build->arena, "libvirt-%u-filter%zu", disk->src.index.value, i);
        auto_props struct props props = {0};

        if (!has_group(build->domain, group))
            return err_set(err, ERR_CONFIG_UNSUPPORTED, "throttle group '%s' of disk '%s' doesn't exist",
                           group, disk->dst);
        props_string(&props, "driver", "throttle");
        props_string(&props, "node-name", filter);
        props_string(&props, "throttle-group", object_of(build->arena, group));
        props_string(&props, "file", *node);
        build_json(build, "-blockdev", &props);
        *node = filter;
    }
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Volume: storage volumes and what is known about them. Making and filling them: volume-make.c. */
#include <strings.h>

#include "base/enum.h"
#include "virsh/volume.h"

/* By VIR_STORAGE_VOL_*. */
static const char *const type_names[] = {"file", "block", "dir", "network", "netdir", "ploop", NULL};

/* ---- finding --------------------------------------------------------------------------------------------
 */

/* Does the volume, found by its key or path, lie in that pool? */
static bool lies_in(virStorageVolPtr volume, virStoragePoolPtr pool)
{
    virStoragePoolPtr its = virStoragePoolLookupByVolume(volume);
    bool same = its && str_eq(virStoragePoolGetName(its), virStoragePoolGetName(pool));

    if (its)
        virStoragePoolFree(its);
    return same;
}

/* The pool of an option, which must be active; NULL after telling. */
static virStoragePoolPtr active_pool(struct cmd *cmd, const char *option)
{
    virStoragePoolPtr pool = cmd_pool_of(cmd, option);

    if (pool && virStoragePoolIsActive(pool) != 1) {
        say_error(cmd, "pool '%s' is not active", virStoragePoolGetName(pool));
        forget_error();
        return NULL;
    }
    return pool;
}

virStorageVolPtr cmd_volume_by(struct cmd *cmd, const char *pool_option, unsigned by)
{
    const char *name = NULL;
    bool in_pool = pool_option && cmd_has(cmd, pool_option);

    if (cmd_string(cmd, "vol", &name) < 0)
        return NULL;
    virStoragePoolPtr pool = in_pool ? active_pool(cmd, pool_option) : NULL;

    if (in_pool && !pool)
        return NULL;
    virStorageVolPtr volume = pool && (by & VOLUME_NAME) ? virStorageVolLookupByName(pool, name) : NULL;
    bool elsewhere = !volume;

    if (!volume && (by & VOLUME_KEY))
        volume = virStorageVolLookupByKey(cmd_conn(cmd), name);
    if (!volume && (by & VOLUME_PATH))
        volume = virStorageVolLookupByPath(cmd_conn(cmd), name);
    if (!volume) {
        if (pool || !pool_option)
            say_error(cmd, "failed to get vol '%s'", name);
        else
            say_error(cmd, "failed to get vol '%s', specifying --%s might help", name, pool_option);
        return NULL;
    }
    forget_error();
    own_volume(cmd, volume);
    if (pool && elsewhere && !lies_in(volume, pool)) {
        say_error(cmd, "Requested volume '%s' is not in pool '%s'", name, virStoragePoolGetName(pool));
        forget_error();
        return NULL;
    }
    return volume;
}

virStorageVolPtr cmd_volume(struct cmd *cmd)
{
    return cmd_volume_by(cmd, "pool", VOLUME_NAME | VOLUME_KEY | VOLUME_PATH);
}

/* ---- one volume -----------------------------------------------------------------------------------------
 */

static int vol_delete(struct cmd *cmd)
{
    virStorageVolPtr volume = cmd_volume(cmd);
    const char *name = cmd_raw(cmd, "vol");

    if (!volume)
        return -1;
    if (virStorageVolDelete(volume, cmd_flags(cmd)) < 0)
        return say_error(cmd, "Failed to delete vol %s", name);
    say(cmd, "Vol %s deleted\n", name);
    return 0;
}

const struct command cmd_vol_delete = {
    "vol-delete",
    "delete a vol",
    "Delete a given vol.",
    OPTIONS(VOLUME, IN_POOL,
            FLAG("delete-snapshots", VIR_STORAGE_VOL_DELETE_WITH_SNAPSHOTS,
                 "delete snapshots associated with volume (must be supported by storage driver)")),
    .run = vol_delete,
};

const struct command cmd_vol_dumpxml = {
    "vol-dumpxml",
    "vol information in XML",
    "Output the vol information as an XML dump to stdout.",
    OPTIONS(VOLUME, IN_POOL, XPATH),
    DUMPXML(volume, virStorageVolGetXMLDesc),
};

static int vol_info(struct cmd *cmd)
{
    virStorageVolPtr volume = cmd_volume(cmd);
    bool physical = cmd_has(cmd, "physical");
    virStorageVolInfo info;

    if (!volume)
        return -1;
    field(cmd, "name", "Name:", virStorageVolGetName(volume));
    if ((physical ? virStorageVolGetInfoFlags(volume, &info, VIR_STORAGE_VOL_GET_PHYSICAL)
                  : virStorageVolGetInfo(volume, &info)) < 0)
        return -1;
    const char *type = enum_name(type_names, info.type);
    const char *key = physical ? "physical" : "allocation", *label = physical ? "Physical:" : "Allocation:";

    field(cmd, "type", "Type:", *type ? type : "unknown");
    if (cmd_has(cmd, "bytes")) {
        field_u64(cmd, "capacity", "Capacity:", info.capacity, " bytes");
        field_u64(cmd, key, label, info.allocation, " bytes");
    } else {
        field_size(cmd, "capacity", "Capacity:", info.capacity, false);
        field_size(cmd, key, label, info.allocation, false);
    }
    return 0;
}

const struct command cmd_vol_info = {
    "vol-info",
    "storage vol information",
    "Returns basic information about the storage vol.",
    OPTIONS(VOLUME, IN_POOL, FLAG("bytes", 0, "sizes are represented in bytes rather than pretty units"),
            FLAG("physical", 0, "return the physical size of the volume in allocation field")),
    .run = vol_info,
    .json = "{name: string, type: string, capacity: number, allocation: number?, physical: number?}",
};

static int print_value(struct cmd *cmd, const char *key, const char *value)
{
    layout(cmd, LAYOUT_VALUE);
    field(cmd, key, NULL, value);
    return 0;
}

static int vol_key(struct cmd *cmd)
{
    virStorageVolPtr volume = cmd_volume(cmd);

    return volume ? print_value(cmd, "key", virStorageVolGetKey(volume)) : -1;
}

const struct command cmd_vol_key = {
    "vol-key",      "returns the volume key for a given volume name or path",
    NULL,           OPTIONS(ARG("vol", "volume name or path", 0, complete_volume), IN_POOL),
    .run = vol_key, .json = "{key: string}",
};

static int vol_name(struct cmd *cmd)
{
    virStorageVolPtr volume = cmd_volume_by(cmd, NULL, VOLUME_KEY | VOLUME_PATH);

    return volume ? print_value(cmd, "name", virStorageVolGetName(volume)) : -1;
}

const struct command cmd_vol_name = {
    "vol-name",
    "returns the volume name for a given volume key or path",
    NULL,
    OPTIONS(ARG("vol", "volume key or path", 0, complete_volume)),
    .run = vol_name,
    .json = "{name: string}",
};

static int vol_path(struct cmd *cmd)
{
    virStorageVolPtr volume = cmd_volume(cmd);
    char *path = volume ? cmd_own_text(cmd, virStorageVolGetPath(volume)) : NULL;

    return path ? print_value(cmd, "path", path) : -1;
}

const struct command cmd_vol_path = {
    "vol-path",
    "returns the volume path for a given volume name or key",
    NULL,
    OPTIONS(ARG("vol", "volume name or key", 0, complete_volume), IN_POOL),
    .run = vol_path,
    .json = "{path: string}",
};

static int vol_pool(struct cmd *cmd)
{
    virStorageVolPtr volume = cmd_volume_by(cmd, NULL, VOLUME_KEY | VOLUME_PATH);
    char uuid[VIR_UUID_STRING_BUFLEN];

    if (!volume)
        return -1;
    virStoragePoolPtr pool = own_pool(cmd, virStoragePoolLookupByVolume(volume));

    if (!pool)
        return say_error(cmd, "failed to get parent pool");
    if (!cmd_has(cmd, "uuid"))
        return print_value(cmd, "name", virStoragePoolGetName(pool));
    return virStoragePoolGetUUIDString(pool, uuid) < 0 ? -1 : print_value(cmd, "uuid", uuid);
}

const struct command cmd_vol_pool = {
    "vol-pool",
    "returns the storage pool for a given volume key or path",
    NULL,
    OPTIONS(ARG("vol", "volume key or path", 0, complete_volume),
            FLAG("uuid", 0, "return the pool uuid rather than pool name")),
    .run = vol_pool,
    .json = "{name: string?, uuid: string?}",
};

/* ---- all of a pool --------------------------------------------------------------------------------------
 */

static int by_name(const void *a, const void *b)
{
    return strcasecmp(virStorageVolGetName(*(const virStorageVolPtr *)a),
                      virStorageVolGetName(*(const virStorageVolPtr *)b));
}

static const char *size_cell(struct cmd *cmd, bool known, unsigned long long bytes)
{
    if (!known)
        return is_json(cmd) ? NULL : "-";
    return is_json(cmd) ? cmd_printf(cmd, "%llu", bytes) : size_text(cmd, bytes);
}

static int vol_list(struct cmd *cmd)
{
    virStoragePoolPtr pool = cmd_pool(cmd);
    bool details = cmd_has(cmd, "details");
    virStorageVolPtr *volumes = NULL;

    if (!pool)
        return -1;
    int count = virStoragePoolListAllVolumes(pool, &volumes, 0);

    if (count < 0)
        return say_error(cmd, "Failed to list volumes");
    own_list(cmd, volumes, count, volume);
    qsort(volumes, (size_t)count, sizeof(*volumes), by_name);
    struct table *table = details ? table_new(cmd, "name:Name", "path:Path", "type:Type",
                                              "capacity#:Capacity", "allocation#:Allocation")
                                  : table_new(cmd, "name:Name", "path:Path");

    for (int i = 0; i < count; i++) {
        const char *name = virStorageVolGetName(volumes[i]);
        char *path = cmd_own_text(cmd, virStorageVolGetPath(volumes[i]));
        virStorageVolInfo info = {.type = -1};

        if (!details) {
            table_row(table, name, path ? path : "-");
            continue;
        }
        bool known = virStorageVolGetInfo(volumes[i], &info) == 0;
        const char *type = enum_name(type_names, info.type);

        table_row(table, name, path ? path : "-", *type ? type : "unknown",
                  size_cell(cmd, known, info.capacity), size_cell(cmd, known, info.allocation));
    }
    table_print(table, NULL);
    return 0;
}

const struct command cmd_vol_list = {
    "vol-list",
    "list vols",
    "Returns list of vols by pool.",
    OPTIONS(POOL(VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE),
            FLAG("details", 0, "display extended details for volumes")),
    .run = vol_list,
    .json = "[{name: string, path: string, type: string?, capacity: number?, allocation: number?}]",
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pool: storage pools. Those made from options stand in pool-make.c. */
#include <strings.h>

#include "base/enum.h"
#include "virsh/virsh.h"

/* By VIR_STORAGE_POOL_*. */
static const char *const state_names[] = {"inactive", "building",     "running",
                                          "degraded", "inaccessible", NULL};
/* Kinds, in the order of VIR_CONNECT_LIST_STORAGE_POOLS_DIR and the bits that follow it. */
static const char *const type_names[] = {"dir",     "fs",   "netfs",    "logical",      "disk",
                                         "iscsi",   "scsi", "mpath",    "rbd",          "sheepdog",
                                         "gluster", "zfs",  "vstorage", "iscsi-direct", NULL};

/* ---- one pool -------------------------------------------------------------------------------------------
 */

const struct command cmd_pool_autostart = {
    "pool-autostart",
    "autostart a pool",
    "Configure a pool to be automatically started at boot.",
    OPTIONS(POOL(VIR_CONNECT_LIST_STORAGE_POOLS_PERSISTENT), FLAG("disable", 0, "disable autostarting")),
    AUTOSTARTS(pool, virStoragePoolSetAutostart, "pool", "Pool"),
};

const struct command cmd_pool_build = {
    "pool-build",
    "build a pool",
    "Build a given pool.",
    OPTIONS(POOL(VIR_CONNECT_LIST_STORAGE_POOLS_PERSISTENT),
            FLAG("no-overwrite", VIR_STORAGE_POOL_BUILD_NO_OVERWRITE, "do not overwrite any existing data"),
            FLAG("overwrite", VIR_STORAGE_POOL_BUILD_OVERWRITE, "overwrite any existing data")),
    ACTION_FLAGS(pool, virStoragePoolBuild),
    .done = "Pool %s built\n",
    .failed = "Failed to build pool %s",
};

const struct command cmd_pool_create = {
    "pool-create",
    "create a pool from an XML file",
    "Create a pool.",
    OPTIONS(FILE_ARG("file containing an XML pool description"), POOL_BUILDING),
    DEFINES_FLAGGED(pool, virStoragePoolCreateXML),
    .conflicts = "overwrite no-overwrite",
    .done = "Pool %s created from %s\n",
    .failed = "Failed to create pool from %s",
};

const struct command cmd_pool_define = {
    "pool-define",
    "define an inactive persistent storage pool or modify an existing persistent one from an XML file",
    "Define or modify a persistent storage pool.",
    OPTIONS(FILE_ARG("file containing an XML pool description"), VALIDATE(VIR_STORAGE_POOL_DEFINE_VALIDATE)),
    DEFINES_FLAGGED(pool, virStoragePoolDefineXML),
    .done = "Pool %s defined from %s\n",
    .failed = "Failed to define pool from %s",
};

static int delete (virStoragePoolPtr pool)
{
    return virStoragePoolDelete(pool, 0);
}

const struct command cmd_pool_delete = {
    "pool-delete",
    "delete a pool",
    "Delete a given pool.",
    OPTIONS(POOL(VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE)),
    ACTION(pool, delete),
    .done = "Pool %s deleted\n",
    .failed = "Failed to delete pool %s",
};

const struct command cmd_pool_destroy = {
    "pool-destroy",
    "destroy (stop) a pool",
    "Forcefully stop a given pool. Raw data in the pool is untouched",
    OPTIONS(POOL(VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE)),
    ACTION(pool, virStoragePoolDestroy),
    .done = "Pool %s destroyed\n",
    .failed = "Failed to destroy pool %s",
};

const struct command cmd_pool_dumpxml = {
    "pool-dumpxml",
    "pool information in XML",
    "Output the pool information as an XML dump to stdout.",
    OPTIONS(POOL(0), FLAG("inactive", VIR_STORAGE_XML_INACTIVE, "show inactive defined XML"), XPATH),
    DUMPXML(pool, virStoragePoolGetXMLDesc),
};

const struct command cmd_pool_edit = {
    "pool-edit",
    "edit XML configuration for a storage pool",
    "Edit the XML configuration for a storage pool.",
    OPTIONS(POOL(VIR_CONNECT_LIST_STORAGE_POOLS_PERSISTENT)),
    EDITS(pool, virStoragePoolGetXMLDesc, VIR_STORAGE_XML_INACTIVE, "Pool %s XML configuration"),
    .make_flagged.pool = virStoragePoolDefineXML,
};

static int refresh(virStoragePoolPtr pool)
{
    return virStoragePoolRefresh(pool, 0);
}

const struct command cmd_pool_refresh = {
    "pool-refresh",
    "refresh a pool",
    "Refresh a given pool.",
    OPTIONS(POOL(VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE)),
    ACTION(pool, refresh),
    .done = "Pool %s refreshed\n",
    .failed = "Failed to refresh pool %s",
};

const struct command cmd_pool_start = {
    "pool-start",
    "start a (previously defined) inactive pool",
    "Start a pool.",
    OPTIONS(POOL(VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE), POOL_BUILDING),
    ACTION_FLAGS(pool, virStoragePoolCreate),
    .conflicts = "overwrite no-overwrite",
    .done = "Pool %s started\n",
    .failed = "Failed to start pool %s",
};

const struct command cmd_pool_undefine = {
    "pool-undefine",
    "undefine an inactive pool",
    "Undefine the configuration for an inactive pool.",
    OPTIONS(POOL(VIR_CONNECT_LIST_STORAGE_POOLS_PERSISTENT)),
    ACTION(pool, virStoragePoolUndefine),
    .done = "Pool %s has been undefined\n",
    .failed = "Failed to undefine pool %s",
};

/* Found by this call alone, for commands that translate one into the other. NULL: the text can't be that. */
static virStoragePoolPtr find(struct cmd *cmd, const char *text,
                              virStoragePoolPtr (*call)(virConnectPtr, const char *))
{
    virStoragePoolPtr pool = call ? call(cmd_conn(cmd), text) : NULL;

    if (!pool)
        say_error(cmd, "failed to get pool '%s'", text);
    return own_pool(cmd, pool);
}

static int pool_name(struct cmd *cmd)
{
    const char *uuid = NULL;

    if (cmd_string(cmd, "pool", &uuid) < 0)
        return -1;
    bool whole = strlen(uuid) == VIR_UUID_STRING_BUFLEN - 1;
    virStoragePoolPtr pool = find(cmd, uuid, whole ? virStoragePoolLookupByUUIDString : NULL);

    if (!pool)
        return -1;
    layout(cmd, LAYOUT_VALUE);
    field(cmd, "name", NULL, virStoragePoolGetName(pool));
    return 0;
}

const struct command cmd_pool_name = {
    "pool-name",      "convert a pool UUID to pool name", NULL, OPTIONS(POOL(0)),
    .run = pool_name, .json = "{name: string}",
};

static int pool_uuid(struct cmd *cmd)
{
    char uuid[VIR_UUID_STRING_BUFLEN];
    const char *name = NULL;

    if (cmd_string(cmd, "pool", &name) < 0)
        return -1;
    virStoragePoolPtr pool = find(cmd, name, virStoragePoolLookupByName);

    if (!pool)
        return -1;
    if (virStoragePoolGetUUIDString(pool, uuid) < 0)
        return say_error(cmd, "failed to get pool UUID");
    layout(cmd, LAYOUT_VALUE);
    field(cmd, "uuid", NULL, uuid);
    return 0;
}

const struct command cmd_pool_uuid = {
    "pool-uuid",      "convert a pool name to pool UUID", NULL, OPTIONS(POOL(0)),
    .run = pool_uuid, .json = "{uuid: string}",
};

static int pool_info(struct cmd *cmd)
{
    virStoragePoolPtr pool = cmd_pool(cmd);
    bool bytes = cmd_has(cmd, "bytes");
    char uuid[VIR_UUID_STRING_BUFLEN];
    virStoragePoolInfo info;
    int autostart;

    if (!pool)
        return -1;
    field(cmd, "name", "Name:", virStoragePoolGetName(pool));
    if (virStoragePoolGetUUIDString(pool, uuid) == 0)
        field(cmd, "uuid", "UUID:", uuid);
    if (virStoragePoolGetInfo(pool, &info) < 0)
        return -1;
    field(cmd, "state", "State:", enum_name(state_names, info.state));
    int persistent = virStoragePoolIsPersistent(pool);

    if (persistent < 0)
        field_as(cmd, "persistent", "Persistent:", "null", "unknown");
    else
        field_bool(cmd, "persistent", "Persistent:", persistent, "yes/no");
    if (virStoragePoolGetAutostart(pool, &autostart) < 0)
        field_as(cmd, "autostart", "Autostart:", "null", "no autostart");
    else
        field_bool(cmd, "autostart", "Autostart:", autostart, "yes/no");
    if (info.state != VIR_STORAGE_POOL_RUNNING && info.state != VIR_STORAGE_POOL_DEGRADED)
        return 0;
    field_size(cmd, "capacity", "Capacity:", info.capacity, bytes);
    field_size(cmd, "allocation", "Allocation:", info.allocation, bytes);
    field_size(cmd, "available", "Available:", info.available, bytes);
    return 0;
}

const struct command cmd_pool_info = {
    "pool-info",
    "storage pool information",
    "Returns basic information about the storage pool.",
    OPTIONS(POOL(0), FLAG("bytes", 0, "Return pool info in bytes")),
    .run = pool_info,
    .json = "{name: string, uuid: string, state: string, persistent: boolean?, autostart: boolean?, "
            "capacity: number?, allocation: number?, available: number?}",
};

/* ---- all of them ----------------------------------------------------------------------------------------
 */

/* Active ones first, then by name. */
static int by_state_and_name(const void *a, const void *b)
{
    virStoragePoolPtr one = *(const virStoragePoolPtr *)a, other = *(const virStoragePoolPtr *)b;
    int active = virStoragePoolIsActive(one) == 1, other_active = virStoragePoolIsActive(other) == 1;

    return active != other_active ? other_active - active
                                  : strcasecmp(virStoragePoolGetName(one), virStoragePoolGetName(other));
}

/* Bits of the kinds that --type lists; -1 after telling. */
static int type_flags(struct cmd *cmd, unsigned *flags)
{
    const char *list = NULL;

    if (cmd_string(cmd, "type", &list) < 0)
        return -1;
    auto_strv char **types = list ? split_list(list) : NULL;

    for (size_t i = 0; types && types[i]; i++) {
        int type = enum_find(type_names, types[i]);

        if (type < 0)
            return say_error(cmd, "Invalid pool type '%s'", types[i]);
        *flags |= (unsigned)VIR_CONNECT_LIST_STORAGE_POOLS_DIR << type;
    }
    return 0;
}

static int list_plain(struct cmd *cmd, virStoragePoolPtr *pools, int count, bool uuids, bool names)
{
    open_array(cmd, NULL);
    for (int i = 0; i < count; i++) {
        char uuid[VIR_UUID_STRING_BUFLEN] = "";
        const char *name = virStoragePoolGetName(pools[i]);

        if (uuids && virStoragePoolGetUUIDString(pools[i], uuid) < 0)
            return say_error(cmd, "Failed to get pool's UUID");
        if (uuids)
            print(cmd, "%-36s%c", uuid, names ? ' ' : '\n');
        if (names)
            print(cmd, "%-20s\n", name);
        layout(cmd, LAYOUT_NONE);
        if (uuids && names)
            open_object(cmd, NULL);
        if (uuids)
            field(cmd, "uuid", NULL, uuid);
        if (names)
            field(cmd, "name", NULL, name);
        if (uuids && names)
            close_one(cmd);
    }
    return 0;
}

/* "1.00 GiB", or "-" where a pool that isn't active has no figure; for a table of details. */
static const char *size_cell(struct cmd *cmd, bool active, unsigned long long bytes)
{
    if (!active)
        return "-";
    return is_json(cmd) ? cmd_printf(cmd, "%llu", bytes) : size_text(cmd, bytes);
}

static int pool_list(struct cmd *cmd)
{
    bool details = cmd_has(cmd, "details"), uuids = cmd_has(cmd, "uuid"), names = cmd_has(cmd, "name");
    unsigned flags = cmd_flags(cmd);

    if (cmd_has(cmd, "all"))
        flags |= VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE | VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE;
    else if (!cmd_has(cmd, "inactive"))
        flags |= VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE;
    if (type_flags(cmd, &flags) < 0)
        return -1;
    virStoragePoolPtr *pools = NULL;
    int count = virConnectListAllStoragePools(cmd_conn(cmd), &pools, flags);

    if (count < 0)
        return flags & VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE
                   ? list_failed(cmd, "Failed to list pools", virConnectNumOfStoragePools,
                                 "Failed to get the number of active pools ")
                   : list_failed(cmd, "Failed to list pools", virConnectNumOfDefinedStoragePools,
                                 "Failed to get the number of inactive pools");
    own_list(cmd, pools, count, pool);
    qsort(pools, (size_t)count, sizeof(*pools), by_state_and_name);
    if (uuids || names)
        return list_plain(cmd, pools, count, uuids, names);
    struct table *table =
        details ? table_new(cmd, "name:Name", "state:State", "autostart?:Autostart", "persistent?:Persistent",
                            "capacity#:Capacity", "allocation#:Allocation", "available#:Available")
                : table_new(cmd, "name:Name", "state:State", "autostart?:Autostart");

    for (int i = 0; i < count; i++) {
        const char *name = virStoragePoolGetName(pools[i]);
        virStoragePoolInfo info = {0};
        int autostart = 0;
        const char *marked = virStoragePoolGetAutostart(pools[i], &autostart) < 0 ? "no autostart"
                             : autostart                                          ? "yes"
                                                                                  : "no";

        if (!details) {
            table_row(table, name, virStoragePoolIsActive(pools[i]) == 1 ? "active" : "inactive", marked);
            continue;
        }
        if (virStoragePoolGetInfo(pools[i], &info) < 0)
            return say_error(cmd, "Could not retrieve pool information");
        bool active = info.state == VIR_STORAGE_POOL_RUNNING || info.state == VIR_STORAGE_POOL_DEGRADED;

        table_row(table, name, enum_name(state_names, info.state), marked,
                  virStoragePoolIsPersistent(pools[i]) == 1 ? "yes" : "no",
                  size_cell(cmd, active, info.capacity), size_cell(cmd, active, info.allocation),
                  size_cell(cmd, active, info.available));
    }
    table_print(table, NULL);
    return 0;
}

const struct command cmd_pool_list = {
    "pool-list",
    "list pools",
    "Returns list of pools.",
    OPTIONS(FLAG("inactive", VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE, "list inactive pools"),
            FLAG("all", 0, "list inactive & active pools"),
            FLAG("transient", VIR_CONNECT_LIST_STORAGE_POOLS_TRANSIENT, "list transient pools"),
            FLAG("persistent", VIR_CONNECT_LIST_STORAGE_POOLS_PERSISTENT, "list persistent pools"),
            FLAG("autostart", VIR_CONNECT_LIST_STORAGE_POOLS_AUTOSTART, "list pools with autostart enabled"),
            FLAG("no-autostart", VIR_CONNECT_LIST_STORAGE_POOLS_NO_AUTOSTART,
                 "list pools with autostart disabled"),
            STRING("type", "only list pool of specified type(s) (if supported)",
                   .words = "dir,fs,netfs,logical,disk,iscsi,scsi,mpath,rbd,sheepdog,gluster,zfs,vstorage,"
                            "iscsi-direct"),
            FLAG("details", 0, "display extended details for pools"),
            FLAG("uuid", 0, "list UUID of active pools only"),
            FLAG("name", 0, "list name of active pools only")),
    .run = pool_list,
    .conflicts = "all inactive, details uuid, details name",
    .json = "[{name: string, state: string, autostart: boolean?, persistent: boolean?, capacity: number?, "
            "allocation: number?, available: number?}] | [{name: string?, uuid: string?}] | [string]",
};

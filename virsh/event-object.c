/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Event: what networks, pools, node devices and secrets tell of themselves. */
#include "virsh/watch.h"

/* By VIR_*_EVENT_*; what a newer library may add has no word here. */
static const char *detail_of(const char *const *words, int detail)
{
    return detail >= 0 && detail < enum_count(words) ? words[detail] : "unknown";
}

/* ---- networks -------------------------------------------------------------------------------------------
 */

static const char *const network_events[] = {"lifecycle", NULL};
static const char *const network_details[] = {"Defined", "Undefined", "Started", "Stopped", NULL};

static void on_network(virConnectPtr conn, virNetworkPtr network, int event, int detail, void *data)
{
    watch_tell(data, "lifecycle", "network", "network", virNetworkGetName(network),
               detail_of(network_details, event));
}

static int add_network(struct watch *watch, int id)
{
    return virConnectNetworkEventRegisterAny(cmd_conn(watch->cmd), watch->object, id,
                                             VIR_NETWORK_EVENT_CALLBACK(on_network), watch, NULL);
}

static void *find_network(struct cmd *cmd)
{
    return cmd_network(cmd);
}

static int net_event(struct cmd *cmd)
{
    static const struct watch_spec spec = {network_events, "network", find_network, add_network,
                                           virConnectNetworkEventDeregisterAny};

    return watch_run(cmd, &spec);
}

const struct command cmd_net_event = {
    "net-event",
    "Network Events",
    "List event types, or wait for network events to occur",
    OPTIONS(WATCH_OPTIONS("network", "filter by network name or uuid")),
    .run = net_event,
    .is = IS_STREAMING,
    .json = WATCH_JSON("network"),
};

/* ---- storage pools --------------------------------------------------------------------------------------
 */

static const char *const pool_events[] = {"lifecycle", "refresh", NULL};
static const char *const pool_details[] = {"Defined", "Undefined", "Started", "Stopped",
                                           "Created", "Deleted",   NULL};

static void on_pool(virConnectPtr conn, virStoragePoolPtr pool, int event, int detail, void *data)
{
    watch_tell(data, "lifecycle", "pool", "storage pool", virStoragePoolGetName(pool),
               detail_of(pool_details, event));
}

static void on_pool_refresh(virConnectPtr conn, virStoragePoolPtr pool, void *data)
{
    watch_tell(data, "refresh", "pool", "storage pool", virStoragePoolGetName(pool), NULL);
}

static int add_pool(struct watch *watch, int id)
{
    return virConnectStoragePoolEventRegisterAny(cmd_conn(watch->cmd), watch->object, id,
                                                 id ? VIR_STORAGE_POOL_EVENT_CALLBACK(on_pool_refresh)
                                                    : VIR_STORAGE_POOL_EVENT_CALLBACK(on_pool),
                                                 watch, NULL);
}

static void *find_pool(struct cmd *cmd)
{
    return cmd_pool(cmd);
}

static int pool_event(struct cmd *cmd)
{
    static const struct watch_spec spec = {pool_events, "pool", find_pool, add_pool,
                                           virConnectStoragePoolEventDeregisterAny};

    return watch_run(cmd, &spec);
}

const struct command cmd_pool_event = {
    "pool-event",
    "Storage Pool Events",
    "List event types, or wait for storage pool events to occur",
    OPTIONS(WATCH_OPTIONS("pool", "filter by storage pool name or uuid")),
    .run = pool_event,
    .is = IS_STREAMING,
    .json = WATCH_JSON("pool"),
};

/* ---- node devices ---------------------------------------------------------------------------------------
 */

static const char *const nodedev_events[] = {"lifecycle", "update", NULL};
static const char *const nodedev_details[] = {"Created", "Deleted", "Defined", "Undefined", NULL};

static void on_nodedev(virConnectPtr conn, virNodeDevicePtr device, int event, int detail, void *data)
{
    watch_tell(data, "lifecycle", "device", "node device", virNodeDeviceGetName(device),
               detail_of(nodedev_details, event));
}

static void on_nodedev_update(virConnectPtr conn, virNodeDevicePtr device, void *data)
{
    watch_tell(data, "update", "device", "node device", virNodeDeviceGetName(device), NULL);
}

static int add_nodedev(struct watch *watch, int id)
{
    return virConnectNodeDeviceEventRegisterAny(cmd_conn(watch->cmd), watch->object, id,
                                                id ? VIR_NODE_DEVICE_EVENT_CALLBACK(on_nodedev_update)
                                                   : VIR_NODE_DEVICE_EVENT_CALLBACK(on_nodedev),
                                                watch, NULL);
}

static void *find_nodedev(struct cmd *cmd)
{
    return cmd_nodedev(cmd);
}

static int nodedev_event(struct cmd *cmd)
{
    static const struct watch_spec spec = {nodedev_events, "device", find_nodedev, add_nodedev,
                                           virConnectNodeDeviceEventDeregisterAny};

    return watch_run(cmd, &spec);
}

const struct command cmd_nodedev_event = {
    "nodedev-event",
    "Node Device Events",
    "List event types, or wait for node device events to occur",
    OPTIONS(WATCH_OPTIONS("device", "filter by node device name")),
    .run = nodedev_event,
    .is = IS_STREAMING,
    .json = WATCH_JSON("device"),
};

/* ---- secrets --------------------------------------------------------------------------------------------
 */

static const char *const secret_events[] = {"lifecycle", "value-changed", NULL};
static const char *const secret_details[] = {"Defined", "Undefined", NULL};

/* Secrets have no name: their UUID is told. */
static void tell_secret(struct watch *watch, const char *event, virSecretPtr secret, const char *detail)
{
    char uuid[VIR_UUID_STRING_BUFLEN] = "";

    virSecretGetUUIDString(secret, uuid);
    watch_tell(watch, event, "secret", "secret", uuid, detail);
}

static void on_secret(virConnectPtr conn, virSecretPtr secret, int event, int detail, void *data)
{
    tell_secret(data, "lifecycle", secret, detail_of(secret_details, event));
}

static void on_secret_value(virConnectPtr conn, virSecretPtr secret, void *data)
{
    tell_secret(data, "value-changed", secret, NULL);
}

static int add_secret(struct watch *watch, int id)
{
    return virConnectSecretEventRegisterAny(
        cmd_conn(watch->cmd), watch->object, id,
        id ? VIR_SECRET_EVENT_CALLBACK(on_secret_value) : VIR_SECRET_EVENT_CALLBACK(on_secret), watch, NULL);
}

static void *find_secret(struct cmd *cmd)
{
    return cmd_secret(cmd);
}

static int secret_event(struct cmd *cmd)
{
    static const struct watch_spec spec = {secret_events, "secret", find_secret, add_secret,
                                           virConnectSecretEventDeregisterAny};

    return watch_run(cmd, &spec);
}

const struct command cmd_secret_event = {
    "secret-event",
    "Secret Events",
    "List event types, or wait for secret events to occur",
    OPTIONS(WATCH_OPTIONS("secret", "filter by secret name or uuid")),
    .run = secret_event,
    .is = IS_STREAMING,
    .json = WATCH_JSON("secret"),
};

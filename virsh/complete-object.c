/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Complete: names of objects on the connection. */
#include "virsh/frame.h"

char **complete_names(void *objects, int count, const char *(*name)(void *object), int (*unref)(void *object))
{
    char **names = NULL;
    void **all = objects;
    for (int i = 0; i < count; i++) {
        names = strv_add(names, name(all[i]));
        unref(all[i]);
    }
    free(count >= 0 ? all : NULL);
    return names;
}

#define NAMES(noun, type, call, get_name, release)                                                           \
    static const char *noun##_name(void *object)                                                             \
    {                                                                                                        \
        return get_name((type)object);                                                                       \
    }                                                                                                        \
    static int noun##_unref(void *object)                                                                    \
    {                                                                                                        \
        return release((type)object);                                                                        \
    }                                                                                                        \
    char **complete_##noun(struct cmd *cmd, unsigned bits)                                                   \
    {                                                                                                        \
        type *objects = NULL;                                                                                \
        int count = call(cmd_conn(cmd), &objects, bits);                                                     \
        return complete_names(objects, count, noun##_name, noun##_unref);                                    \
    }
NAMES(domain, virDomainPtr, virConnectListAllDomains, virDomainGetName, virDomainFree)
NAMES(network, virNetworkPtr, virConnectListAllNetworks, virNetworkGetName, virNetworkFree)
NAMES(pool, virStoragePoolPtr, virConnectListAllStoragePools, virStoragePoolGetName, virStoragePoolFree)
NAMES(interface, virInterfacePtr, virConnectListAllInterfaces, virInterfaceGetName, virInterfaceFree)
NAMES(nodedev, virNodeDevicePtr, virConnectListAllNodeDevices, virNodeDeviceGetName, virNodeDeviceFree)
NAMES(nwfilter, virNWFilterPtr, virConnectListAllNWFilters, virNWFilterGetName, virNWFilterFree)

char **complete_secret(struct cmd *cmd, unsigned bits)
{
    virSecretPtr *secrets = NULL;
    int count = virConnectListAllSecrets(cmd_conn(cmd), &secrets, bits);
    char **names = NULL;
    for (int i = 0; i < count; i++) {
        char uuid[VIR_UUID_STRING_BUFLEN];
        if (virSecretGetUUIDString(secrets[i], uuid) == 0)
            names = strv_add(names, uuid);
        virSecretFree(secrets[i]);
    }
    free(secrets);
    return names;
}

/* Objects that belong to another one, which the line must name already. */
#define NAMES_OF(noun, type, owner, call, get_name, release)                                                 \
    static const char *noun##_name(void *object)                                                             \
    {                                                                                                        \
        return get_name((type)object);                                                                       \
    }                                                                                                        \
    static int noun##_unref(void *object)                                                                    \
    {                                                                                                        \
        return release((type)object);                                                                        \
    }                                                                                                        \
    char **complete_##noun(struct cmd *cmd, unsigned bits)                                                   \
    {                                                                                                        \
        type *objects = NULL;                                                                                \
        __auto_type of = option_find(cmd->def, #owner) ? cmd_##owner(cmd) : NULL;                            \
        int count = of ? call(of, &objects, bits) : -1;                                                      \
        return complete_names(objects, count, noun##_name, noun##_unref);                                    \
    }
NAMES_OF(volume, virStorageVolPtr, pool, virStoragePoolListAllVolumes, virStorageVolGetName,
         virStorageVolFree)
NAMES_OF(snapshot, virDomainSnapshotPtr, domain, virDomainListAllSnapshots, virDomainSnapshotGetName,
         virDomainSnapshotFree)
NAMES_OF(checkpoint, virDomainCheckpointPtr, domain, virDomainListAllCheckpoints, virDomainCheckpointGetName,
         virDomainCheckpointFree)

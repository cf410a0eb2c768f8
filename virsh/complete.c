/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Complete: commands, options and values for a line that is being typed. */
#include <stdio.h>

#include "virsh/complete.h"

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

/* Files are the shell's business (and readline's own). */
char **complete_file(struct cmd *cmd, unsigned bits)
{
    return NULL;
}

static void add_command(void *data, const struct command *def)
{
    char ***names = data;
    *names = strv_add(*names, def->name);
}

char **complete_command(struct cmd *cmd, unsigned bits)
{
    char **names = NULL;
    commands_each(add_command, &names);
    return names;
}

static char **option_names(struct cmd *cmd)
{
    char **names = NULL;
    const struct cmd_option *const tables[] = {cmd->def->options, common_options};
    for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
        for (const struct cmd_option *option = tables[i]; option && option->name; option++) {
            if (option->kind == OPTION_ALIAS || (option->is & IS_UNNAMED))
                continue;
            if (!(option->is & IS_REPEATED) && cmd_has(cmd, option->name))
                continue;
            auto_free char *name = mem_printf("--%s", option->name);
            names = strv_add(names, name);
        }
    return names;
}

static char **values(struct cmd *cmd, const struct cmd_option *option)
{
    if (option->words)
        return str_split(option->words, ",");
    if (!option->complete)
        return NULL;
    struct shell *shell = cmd->shell;
    if (!(cmd->def->is & NEEDS_NO_CONNECTION) && !shell_connect_quietly(shell))
        return NULL;
    return option->complete(cmd, option->bits);
}

char **complete_words(struct shell *shell, const char *before, const char *word)
{
    struct words words = {.line = before};
    struct cmd *last;
    const struct cmd_option *waiting;
    parse_partial(shell, &words, &last, &waiting);
    char **found;
    if (!last)
        found = complete_command(NULL, 0);
    else if (*word == '-' && !waiting)
        found = option_names(last);
    else
        found = waiting || (waiting = next_positional(last)) ? values(last, waiting) : option_names(last);
    cmd_free(last);
    virResetLastError();
    return found;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Action: commands that are one call on one object, and nothing else. */
#include "virsh/frame.h"

/* Find the object that the options name and make the call. *ret_name stays NULL when there is no object. */
static int act(struct cmd *cmd, const char **ret_name)
{
    const struct command *def = cmd->def;
    unsigned flags = cmd_flags(cmd);
    switch (def->object) {
#define CASE(kind, type, get_name, simple, flagged)                                                          \
    case OBJECT_##kind: {                                                                                    \
        type object = cmd_##kind(cmd);                                                                       \
        if (!object)                                                                                         \
            return -1;                                                                                       \
        *ret_name = get_name(object);                                                                        \
        return def->call.any && !flags ? simple : flagged;                                                   \
    }
#define PLAIN(kind) def->call.kind(object)
#define FLAGS(kind) def->call_flags.kind(object, flags)
        CASE(domain, virDomainPtr, virDomainGetName, PLAIN(domain), FLAGS(domain))
        CASE(network, virNetworkPtr, virNetworkGetName, PLAIN(network), -1)
        CASE(pool, virStoragePoolPtr, virStoragePoolGetName, PLAIN(pool), FLAGS(pool))
        CASE(volume, virStorageVolPtr, virStorageVolGetName, -1, FLAGS(volume))
        CASE(interface, virInterfacePtr, virInterfaceGetName, -1, FLAGS(interface))
        CASE(nodedev, virNodeDevicePtr, virNodeDeviceGetName, PLAIN(nodedev), FLAGS(nodedev))
        CASE(nwfilter, virNWFilterPtr, virNWFilterGetName, PLAIN(nwfilter), -1)
        CASE(binding, virNWFilterBindingPtr, virNWFilterBindingGetPortDev, PLAIN(binding), -1)
    default:
        abort();
    }
}

/* A sentence of the table with the name for %s. */
static char *fill(struct cmd *cmd, const char *sentence, const char *name)
{
    const char *hole = strstr(sentence, "%s");
    return hole ? cmd_printf(cmd, "%.*s%s%s", (int)(hole - sentence), sentence, name, hole + 2)
                : cmd_printf(cmd, "%s", sentence);
}

int action_run(struct cmd *cmd)
{
    const char *name = NULL;
    if (act(cmd, &name) >= 0) {
        if (!str_empty(cmd->def->done))
            say(cmd, "%s", fill(cmd, cmd->def->done, name));
        return 0;
    }
    return name && cmd->def->failed ? say_error(cmd, "%s", fill(cmd, cmd->def->failed, name)) : -1;
}

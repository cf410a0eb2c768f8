/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Object: what options name, found on the connection; and what a command owns until it ends. */
#include "base/uuid.h"
#include "virsh/frame.h"

#define OWN(noun, type, function)                                                                            \
    static void noun##_release(void *object)                                                                 \
    {                                                                                                        \
        function(object);                                                                                    \
    }                                                                                                        \
    type own_##noun(struct cmd *cmd, type noun)                                                              \
    {                                                                                                        \
        return cmd_own(cmd, noun, noun##_release);                                                           \
    }
OWN(domain, virDomainPtr, virDomainFree)
OWN(network, virNetworkPtr, virNetworkFree)
OWN(pool, virStoragePoolPtr, virStoragePoolFree)
OWN(volume, virStorageVolPtr, virStorageVolFree)
OWN(nodedev, virNodeDevicePtr, virNodeDeviceFree)
OWN(interface, virInterfacePtr, virInterfaceFree)
OWN(nwfilter, virNWFilterPtr, virNWFilterFree)
OWN(binding, virNWFilterBindingPtr, virNWFilterBindingFree)
OWN(secret, virSecretPtr, virSecretFree)
OWN(stream, virStreamPtr, virStreamFree)

virConnectPtr cmd_conn(struct cmd *cmd)
{
    return cmd->shell->conn;
}

static bool is_uuid(const char *text)
{
    return strlen(text) == VIR_UUID_STRING_BUFLEN - 1;
}

static virDomainPtr find_domain(struct cmd *cmd, const char *name, unsigned by)
{
    virConnectPtr conn = cmd_conn(cmd);
    virDomainPtr domain = NULL;
    int id;
    if ((by & BY_ID) && str_to_i32(name, &id) == 0 && id >= 0)
        domain = virDomainLookupByID(conn, id);
    if (!domain && (by & BY_UUID) && is_uuid(name))
        domain = virDomainLookupByUUIDString(conn, name);
    if (!domain && (by & BY_NAME))
        domain = virDomainLookupByName(conn, name);
    forget_error();
    if (!domain)
        say_error(cmd, "failed to get domain '%s'", name);
    return own_domain(cmd, domain);
}

virDomainPtr domain_by_name(struct cmd *cmd, const char *name)
{
    return find_domain(cmd, name, BY_ID | BY_UUID | BY_NAME);
}

virDomainPtr cmd_domain_of(struct cmd *cmd, const char *option)
{
    const char *name = NULL;
    return cmd_string(cmd, option, &name) > 0 ? domain_by_name(cmd, name) : NULL;
}

virDomainPtr cmd_domain_by(struct cmd *cmd, unsigned by)
{
    const char *name = NULL;
    return cmd_string(cmd, "domain", &name) > 0 ? find_domain(cmd, name, by) : NULL;
}

virDomainPtr cmd_domain(struct cmd *cmd)
{
    return cmd_domain_of(cmd, "domain");
}

/* An object with a name and perhaps a UUID; by_uuid may be NULL. */
#define LOOKUP(noun, type, option_name, what, by_uuid, by_name)                                              \
    static type noun##_of(struct cmd *cmd, const char *option)                                               \
    {                                                                                                        \
        const char *name = NULL;                                                                             \
        if (cmd_string(cmd, option, &name) <= 0)                                                             \
            return NULL;                                                                                     \
        type (*uuid)(virConnectPtr, const char *) = by_uuid;                                                 \
        type noun = uuid && is_uuid(name) ? uuid(cmd_conn(cmd), name) : NULL;                                \
        if (!noun)                                                                                           \
            noun = by_name(cmd_conn(cmd), name);                                                             \
        if (!noun)                                                                                           \
            say_error(cmd, "failed to get " what " '%s'", name);                                             \
        else                                                                                                 \
            forget_error();                                                                                  \
        return own_##noun(cmd, noun);                                                                        \
    }                                                                                                        \
    type cmd_##noun(struct cmd *cmd)                                                                         \
    {                                                                                                        \
        return noun##_of(cmd, option_name);                                                                  \
    }
LOOKUP(network, virNetworkPtr, "network", "network", virNetworkLookupByUUIDString, virNetworkLookupByName)
LOOKUP(pool, virStoragePoolPtr, "pool", "pool", virStoragePoolLookupByUUIDString, virStoragePoolLookupByName)
LOOKUP(nwfilter, virNWFilterPtr, "nwfilter", "nwfilter", virNWFilterLookupByUUIDString,
       virNWFilterLookupByName)
LOOKUP(binding, virNWFilterBindingPtr, "binding", "nwfilter binding", NULL, virNWFilterBindingLookupByPortDev)

virStoragePoolPtr cmd_pool_of(struct cmd *cmd, const char *option)
{
    return pool_of(cmd, option);
}

virSecretPtr cmd_secret(struct cmd *cmd)
{
    const char *uuid = NULL;
    if (cmd_string(cmd, "secret", &uuid) <= 0)
        return NULL;
    virSecretPtr secret = virSecretLookupByUUIDString(cmd_conn(cmd), uuid);
    if (!secret)
        say_error(cmd, "failed to get secret '%s'", uuid);
    return own_secret(cmd, secret);
}

int list_failed(struct cmd *cmd, const char *failed, int (*count)(virConnectPtr), const char *not_counted)
{
    if (last_error_code() != VIR_ERR_NO_SUPPORT)
        return say_error(cmd, "%s", failed);
    forget_error();
    return say_error(cmd, "%s", count(cmd_conn(cmd)) < 0 ? not_counted : failed);
}

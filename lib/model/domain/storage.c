/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Storage: rows of <source> by type, and of the backing chain. */
#define ERR_FROM ERR_FROM_DOMAIN

#include "model/domain/storage.h"

const char *const storage_type_names[] = {"",       "file", "block",     "dir",       "network",
                                          "volume", "nvme", "vhostuser", "vhostvdpa", NULL};
const char *const storage_format_names[] = {"",     "raw",   "dir", "bochs", "cloop", "dmg",  "iso",
                                            "vpc",  "vdi",   "fat", "vhd",   "ploop", "luks", "cow",
                                            "qcow", "qcow2", "qed", "vmdk",  "aio",   NULL};
const char *const net_protocol_names[] = {"",      "nbd",  "rbd",   "sheepdog", "gluster",
                                          "iscsi", "http", "https", "ftp",      "ftps",
                                          "tftp",  "ssh",  "vxhs",  "nfs",      NULL};
const char *const net_transport_names[] = {"", "tcp", "unix", "rdma", NULL};

bool storage_is_empty(const struct storage *storage)
{
    switch (storage->type) {
    case STORAGE_FILE:
    case STORAGE_BLOCK:
    case STORAGE_DIR:
        return !storage->path;
    case STORAGE_NETWORK:
        return storage->protocol == NETPROTO_UNSET;
    case STORAGE_NVME:
        return !storage->nvme_namespace.set;
    case STORAGE_VOLUME:
        return !storage->pool;
    case STORAGE_UNSET:
        return true;
    default:
        return false;
    }
}

/* A host without a port is asked at the protocol's own. */
static void settle_hosts(struct storage *storage)
{
    static const uint32_t ports[NET_PROTOCOL_MAX] = {
        [NETPROTO_NBD] = 10809,  [NETPROTO_SHEEPDOG] = 7000, [NETPROTO_GLUSTER] = 24007,
        [NETPROTO_ISCSI] = 3260, [NETPROTO_HTTP] = 80,       [NETPROTO_HTTPS] = 443,
        [NETPROTO_FTP] = 21,     [NETPROTO_FTPS] = 990,      [NETPROTO_TFTP] = 69,
        [NETPROTO_SSH] = 22,     [NETPROTO_VXHS] = 9999,
    };

    for (size_t i = 0; i < storage->n_hosts; i++)
        if (storage->hosts[i]->transport <= TRANSPORT_TCP && !storage->hosts[i]->port)
            storage->hosts[i]->port = ports[storage->protocol];
}

/* A label that was skipped is a fact of a run. */
static void drop_skipped_labels(struct storage *storage)
{
    size_t kept = 0;

    for (size_t i = 0; i < storage->n_seclabels; i++)
        if (storage->seclabels[i]->labelskip != TRI_YES)
            storage->seclabels[kept++] = storage->seclabels[i];
    storage->n_seclabels = kept;
}

int reconnect_check(const struct reconnect *reconnect, struct err *err)
{
    if (reconnect->enabled == TRI_YES && !reconnect->timeout.set && !reconnect->delay.set)
        return err_set_from(err, ERR_FROM_XML, ERR_XML_ERROR,
                            "Missing required attribute 'timeout' in element 'reconnect'");
    return 0;
}

int storage_finish(struct xt_parse *parse, void *object)
{
    struct storage *storage = object;

    if (storage->type == STORAGE_NVME && !storage->nvme_namespace.set)
        return err_set(parse->err, ERR_XML_ERROR,
                       "Missing required attribute 'namespace' in element 'source' of type 'nvme'");
    if (storage->type == STORAGE_VHOSTUSER && !storage->path)
        return err_set(parse->err, ERR_XML_ERROR,
                       "Missing required attribute 'path' in element 'source' of type 'vhostuser'");
    if (reconnect_check(&storage->reconnect, parse->err) < 0)
        return -1;
    settle_hosts(storage);
    if (parse->flags & XT_PARSE_INACTIVE)
        drop_skipped_labels(storage);
    return 0;
}

/* clang-format off */
#define T struct reconnect
XT_DEFINE_ROWS(reconnect_table, "reconnect", NULL,
    XT_ATTR(T, enabled, "enabled", yesno, XT_REQUIRED),
    XT_ATTR(T, timeout, "timeout", opt_u32, 0),
    XT_ATTR(T, delay, "delay", opt_u32, 0));
#undef T

static int net_host_finish(struct xt_parse *parse, void *object)
{
    const struct net_host *host = object;

    if (host->transport == TRANSPORT_UNIX && !host->socket)
        return err_set(parse->err, ERR_XML_ERROR, "missing socket for unix transport");
    if (host->transport != TRANSPORT_UNIX && host->socket)
        return err_set(parse->err, ERR_XML_ERROR, "transport '%s' does not support socket attribute",
                       net_transport_names[host->transport ? host->transport : TRANSPORT_TCP]);
    if (host->transport != TRANSPORT_UNIX && !host->name)
        return err_set(parse->err, ERR_XML_ERROR, "missing name for host");
    return 0;
}

#define T struct net_host
XT_DEFINE(net_host_table, "host", net_host_finish,
    XT_ATTR(T, name, "name", str, 0),
    XT_ATTR(T, port, "port", u32, 0),
    XT_ENUM(T, transport, "transport", net_transport_names, 0),
    XT_ATTR(T, socket, "socket", str, 0));
#undef T

#define T struct storage_auth
XT_DEFINE(storage_auth_table, "auth", NULL,
    XT_ATTR(T, username, "username", str, XT_REQUIRED),
    XT_GROUP("secret", 0,
        XT_ATTR(T, secret.type, "type", str, 0),
        XT_ATTR(T, secret.usage, "usage", str, 0),
        XT_ATTR(T, secret.uuid, "uuid", str, 0)));
#undef T

XT_DECLARE(secret_ref_table, struct secret_ref);
#define T struct secret_ref
XT_DEFINE(secret_ref_table, "secret", NULL,
    XT_ATTR(T, type, "type", str, XT_REQUIRED),
    XT_ATTR(T, usage, "usage", str, 0),
    XT_ATTR(T, uuid, "uuid", str, 0));
#undef T

#define T struct storage_encryption
XT_DEFINE(storage_encryption_table, "encryption", NULL,
    XT_ATTR(T, format, "format", str, XT_REQUIRED),
    XT_ATTR(T, engine, "engine", str, 0),
    XT_LIST(T, secrets, n_secrets, "secret", secret_ref_table, 0),
    XT_GROUP("cipher", 0,
        XT_ATTR(T, cipher_name, "name", str, 0),
        XT_ATTR(T, cipher_size, "size", u32, 0),
        XT_ATTR(T, cipher_mode, "mode", str, 0),
        XT_ATTR(T, cipher_hash, "hash", str, 0)),
    XT_GROUP("ivgen", 0,
        XT_ATTR(T, ivgen_name, "name", str, 0),
        XT_ATTR(T, ivgen_hash, "hash", str, 0)));
#undef T

XT_DECLARE(reservations_table, struct reservations);
#define T struct reservations
XT_DEFINE(reservations_table, "reservations", NULL,
    XT_ATTR(T, managed, "managed", yesno, XT_REQUIRED),
    XT_ATTR(T, migration, "migration", yesno, 0),
    XT_GROUP("source", 0,
        XT_ATTR(T, type, "type", str, 0),
        XT_ATTR(T, path, "path", str, 0),
        XT_ATTR(T, mode, "mode", str, 0),
        XT_EMBED(T, reconnect, "reconnect", reconnect_table, 0)));
#undef T

XT_DECLARE(cookie_table, struct cookie);
#define T struct cookie
XT_DEFINE(cookie_table, "cookie", NULL,
    XT_ATTR(T, name, "name", str, XT_REQUIRED),
    XT_OWN(T, value, str, XT_SECRET));
#undef T

XT_DECLARE(slice_table, struct slice);
#define T struct slice
XT_DEFINE(slice_table, "slice", NULL,
    XT_ATTR(T, type, "type", str, XT_REQUIRED),
    XT_ATTR(T, offset, "offset", opt_u64, XT_REQUIRED),
    XT_ATTR(T, size, "size", opt_u64, XT_REQUIRED));
#undef T

#define T struct source_seclabel
XT_DEFINE(source_seclabel_table, "seclabel", NULL,
    XT_ATTR(T, model, "model", str, 0),
    XT_ATTR(T, labelskip, "labelskip", yesno, 0),
    XT_ATTR(T, relabel, "relabel", yesno, 0),
    XT_TEXT(T, label, "label", str, 0));
#undef T

XT_DECLARE(node_name_table, struct node_name);
#define T struct node_name
XT_DEFINE(node_name_table, "nodename", NULL,
    XT_ATTR(T, type, "type", str, XT_REQUIRED),
    XT_ATTR(T, name, "name", str, XT_REQUIRED));
#undef T

#define T struct storage
#define SECLABELS XT_LIST(T, seclabels, n_seclabels, "seclabel", source_seclabel_table, 0)

/* The element says where the image is; that of a disk's top image also names its node. */
#define WHERE_IT_IS \
        XT_UNION(T, type, 0,                                                                                           \
            XT_ARM(STORAGE_UNSET,                                                                                      \
                XT_ATTR(T, path, "file", str, 0)),                                                                     \
            XT_ARM(STORAGE_FILE,                                                                                       \
                XT_ATTR(T, path, "file", str, 0),                                                                      \
                XT_ATTR(T, fdgroup, "fdgroup", str, 0)),                                                               \
            XT_ARM(STORAGE_BLOCK,                                                                                      \
                XT_ATTR(T, path, "dev", str, 0)),                                                                      \
            XT_ARM(STORAGE_DIR,                                                                                        \
                XT_ATTR(T, path, "dir", str, 0)),                                                                      \
            XT_ARM(STORAGE_NETWORK,                                                                                    \
                XT_ENUM(T, protocol, "protocol", net_protocol_names, 0),                                               \
                XT_ATTR(T, name, "name", str, 0),                                                                      \
                XT_ATTR(T, query, "query", str, 0),                                                                    \
                XT_ATTR(T, tls, "tls", yesno, 0),                                                                      \
                XT_ATTR(T, tls_hostname, "tlsHostname", str, 0)),                                                      \
            XT_ARM(STORAGE_VOLUME,                                                                                     \
                XT_ATTR(T, pool, "pool", str, 0),                                                                      \
                XT_ATTR(T, volume, "volume", str, 0),                                                                  \
                XT_ATTR(T, mode, "mode", str, 0)),                                                                     \
            XT_ARM(STORAGE_NVME,                                                                                       \
                XT_ATTR(T, nvme_type, "type", str, XT_REQUIRED),                                                       \
                XT_ATTR(T, nvme_managed, "managed", yesno, 0),                                                         \
                XT_ATTR(T, nvme_namespace, "namespace", opt_u64, XT_REQUIRED)),                                        \
            XT_ARM(STORAGE_VHOSTUSER,                                                                                  \
                XT_ATTR(T, nvme_type, "type", str, XT_REQUIRED),                                                       \
                XT_ATTR(T, path, "path", str, XT_REQUIRED)),                                                           \
            XT_ARM(STORAGE_VHOSTVDPA,                                                                                  \
                XT_ATTR(T, path, "dev", str, XT_REQUIRED))),                                                           \
        XT_ATTR(T, startup_policy, "startupPolicy", str, 0)
#define HOW_TO_REACH_IT \
        XT_UNION(T, type, 0,                                                                                           \
            XT_ARM(STORAGE_NETWORK,                                                                                    \
                XT_LIST(T, hosts, n_hosts, "host", net_host_table, 0),                                                 \
                XT_GROUP("snapshot", 0, XT_ATTR(T, snapshot, "name", str, 0)),                                         \
                XT_GROUP("config", 0, XT_ATTR(T, config_file, "file", str, 0)),                                        \
                XT_GROUP("initiator", 0, XT_GROUP("iqn", 0, XT_ATTR(T, initiator_iqn, "name", str, 0))),               \
                XT_GROUP("ssl", 0, XT_ATTR(T, ssl_verify, "verify", yesno, 0)),                                        \
                XT_GROUP("cookies", XT_SECRET, XT_LIST(T, cookies, n_cookies, "cookie", cookie_table, 0)),             \
                XT_GROUP("readahead", 0, XT_ATTR(T, readahead, "size", opt_u64, 0)),                                   \
                XT_GROUP("timeout", 0, XT_ATTR(T, timeout, "seconds", opt_u64, 0)),                                    \
                XT_GROUP("reconnect", 0, XT_ATTR(T, reconnect.delay, "delay", opt_u32, 0)),                            \
                XT_GROUP("identity", 0,                                                                                \
                    XT_ATTR(T, user, "user", str, 0),                                                                  \
                    XT_ATTR(T, group, "group", str, 0),                                                                \
                    XT_ATTR(T, ssh_user, "username", str, 0),                                                          \
                    XT_ATTR(T, ssh_agent, "agentsock", str, 0),                                                        \
                    XT_ATTR(T, ssh_keyfile, "keyfile", str, 0)),                                                       \
                XT_GROUP("knownHosts", 0, XT_ATTR(T, ssh_known_hosts, "path", str, 0))),                               \
            XT_ARM(STORAGE_NVME,                                                                                       \
                XT_EMBED(T, nvme_address, "address", pci_address_table, 0)),                                           \
            XT_ARM(STORAGE_VHOSTUSER,                                                                                  \
                XT_EMBED(T, reconnect, "reconnect", reconnect_table, 0))),                                             \
        XT_GROUP("slices", 0, XT_LIST(T, slices, n_slices, "slice", slice_table, 0)),                                  \
        SECLABELS,                                                                                                     \
        XT_CHILD(T, auth, "auth", storage_auth_table, 0),                                                              \
        XT_CHILD(T, encryption, "encryption", storage_encryption_table, 0),                                            \
        XT_CHILD(T, reservations, "reservations", reservations_table, 0),                                              \
        XT_CHILD(T, data_store, "dataStore", backing_table, XT_NO_ABI),                                                \
        XT_GROUP("privateData", XT_STATUS,                                                                             \
            XT_GROUP("nodenames", 0, XT_LIST(T, nodes, n_nodes, "nodename", node_name_table, 0)))

XT_DEFINE_ROWS(storage_source_table, "source", NULL,
    XT_GROUP("source", 0,
        WHERE_IT_IS,
        XT_ATTR(T, index, "index", opt_u32, XT_LIVE),
        HOW_TO_REACH_IT));

XT_DECLARE_ROWS(layer_source_table, struct storage);
XT_DEFINE_ROWS(layer_source_table, "source", NULL,
    XT_GROUP("source", 0,
        WHERE_IT_IS,
        HOW_TO_REACH_IT));
#undef WHERE_IT_IS
#undef HOW_TO_REACH_IT

XT_DEFINE(backing_table, "backingStore", storage_finish,
    XT_ENUM(T, type, "type", storage_type_names, 0),
    XT_ATTR(T, index, "index", opt_u32, XT_LIVE),
    XT_GROUP("format", 0,
        XT_ENUM(T, format, "type", storage_format_names, 0),
        XT_GROUP("metadata_cache", 0, XT_TEXT(T, cache_max_size, "max_size", bytes, 0))),
    XT_GROUP_OF(NULL, 0, layer_source_table_rows),
    XT_CHILD(T, backing, "backingStore", backing_table, XT_NO_ABI));
#undef T

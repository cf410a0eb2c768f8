/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Storage: where a disk's bytes come from, of every type that a disk, its backing chain, a mirror, a data
 * store or an NVRAM image may have. One `struct storage` is one layer; `backing` leads to the next.
 */
#pragma once

#include "model/domain/device.h"

enum storage_type {
    STORAGE_UNSET,
    STORAGE_FILE,
    STORAGE_BLOCK,
    STORAGE_DIR,
    STORAGE_NETWORK,
    STORAGE_VOLUME,
    STORAGE_NVME,
    STORAGE_VHOSTUSER,
    STORAGE_VHOSTVDPA,
    STORAGE_TYPE_MAX
};
extern const char *const storage_type_names[];

enum storage_format {
    FORMAT_UNSET,
    FORMAT_RAW,
    FORMAT_DIR,
    FORMAT_BOCHS,
    FORMAT_CLOOP,
    FORMAT_DMG,
    FORMAT_ISO,
    FORMAT_VPC,
    FORMAT_VDI,
    FORMAT_FAT,
    FORMAT_VHD,
    FORMAT_PLOOP,
    FORMAT_LUKS,
    FORMAT_COW,
    FORMAT_QCOW,
    FORMAT_QCOW2,
    FORMAT_QED,
    FORMAT_VMDK,
    FORMAT_AIO, /* an old name for raw that documents still carry */
    STORAGE_FORMAT_MAX
};
extern const char *const storage_format_names[];

enum net_protocol {
    NETPROTO_UNSET,
    NETPROTO_NBD,
    NETPROTO_RBD,
    NETPROTO_SHEEPDOG,
    NETPROTO_GLUSTER,
    NETPROTO_ISCSI,
    NETPROTO_HTTP,
    NETPROTO_HTTPS,
    NETPROTO_FTP,
    NETPROTO_FTPS,
    NETPROTO_TFTP,
    NETPROTO_SSH,
    NETPROTO_VXHS,
    NETPROTO_NFS,
    NET_PROTOCOL_MAX
};
extern const char *const net_protocol_names[];

enum net_transport { TRANSPORT_UNSET, TRANSPORT_TCP, TRANSPORT_UNIX, TRANSPORT_RDMA, NET_TRANSPORT_MAX };
extern const char *const net_transport_names[];

struct net_host {
    enum net_transport transport;
    char *name;
    uint32_t port; /* 0: the protocol's own */
    char *socket;
};

/* Which secret of virtsecretd: by UUID or by usage. */
struct secret_ref {
    char *type; /* "iscsi", "ceph", "passphrase", ... */
    char *uuid, *usage;
};

struct storage_auth {
    char *username;
    struct secret_ref secret;
};

struct storage_encryption {
    char *format; /* default, qcow, luks, luks2, luks-any */
    char *engine; /* qemu, librbd */
    struct secret_ref **secrets;
    size_t n_secrets;
    char *cipher_name, *cipher_mode, *cipher_hash;
    uint32_t cipher_size;
    char *ivgen_name, *ivgen_hash;
};

struct reconnect {
    enum tristate enabled;  /* yes, no */
    struct opt_u32 timeout; /* seconds */
    struct opt_u32 delay;   /* milliseconds */
};

struct reservations {
    enum tristate managed;   /* yes, no */
    enum tristate migration; /* yes, no */
    char *type, *path, *mode;
    struct reconnect reconnect;
};

XT_DECLARE_ROWS(reconnect_table, struct reconnect);
/* Who tries again has to say after which time. */
int reconnect_check(const struct reconnect *reconnect, struct err *err);
XT_DECLARE(net_host_table, struct net_host);
XT_DECLARE(storage_auth_table, struct storage_auth);
XT_DECLARE(storage_encryption_table, struct storage_encryption);

struct cookie {
    char *name, *value;
};

struct slice {
    char *type;
    struct opt_u64 offset, size;
};

struct source_seclabel {
    char *model;
    enum tristate relabel, labelskip; /* yes, no */
    char *label;
};

XT_DECLARE(source_seclabel_table, struct source_seclabel);

struct node_name {
    char *type, *name;
};

struct storage {
    enum storage_type type;
    enum storage_format format;
    char *path;           /* file, dir, block device, vhostuser socket, vhostvdpa device */
    char *startup_policy; /* mandatory, requisite, optional */
    char *fdgroup;
    struct opt_u32 index;     /* live: names the node of this layer */
    struct node_name **nodes; /* status file: the names of its nodes */
    size_t n_nodes;

    enum net_protocol protocol;
    char *name; /* of the image on the server */
    char *query;
    enum tristate tls; /* yes, no */
    char *tls_hostname;
    struct net_host **hosts;
    size_t n_hosts;
    char *snapshot, *config_file;
    char *initiator_iqn;
    enum tristate ssl_verify; /* yes, no */
    struct cookie **cookies;
    size_t n_cookies;
    struct opt_u64 readahead, timeout;
    char *user, *group; /* nfs identity */
    char *ssh_user, *ssh_agent, *ssh_keyfile, *ssh_known_hosts;

    char *pool, *volume, *mode; /* volume */

    enum tristate nvme_managed; /* yes, no */
    struct opt_u64 nvme_namespace;
    struct pci_address nvme_address;
    char *nvme_type; /* pci */

    struct storage_auth *auth;
    struct storage_encryption *encryption;
    struct reservations *reservations;
    struct reconnect reconnect;
    struct source_seclabel **seclabels;
    size_t n_seclabels;
    struct slice **slices;
    size_t n_slices;
    uint64_t cache_max_size; /* metadata_cache, bytes; 0: not given */

    struct storage *data_store;
    struct storage
        *backing; /* NULL: not known; type STORAGE_UNSET: there is none (an empty <backingStore/>) */
};
/* <source>, by type. */
XT_DECLARE_ROWS(storage_source_table, struct storage);
/* <backingStore>, and all below it. */
XT_DECLARE(backing_table, struct storage);

/* Rules of a source alone. 0, or negative with parse->err set. */
int storage_finish(struct xt_parse *parse, void *object);
/* A drive without a medium. */
bool storage_is_empty(const struct storage *storage);

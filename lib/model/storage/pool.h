/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pool: what is said about a storage pool: where its space comes from (source) and where volumes appear on
 * this host (target). Only what belongs to the pool's type is kept, see kind.h.
 */
#pragma once

#include "model/domain/device.h"
#include "model/storage/kind.h"
#include "model/storage/target.h"

struct pool_host {
    char *name;
    uint32_t port; /* 0: the service's own */
};

struct pool_extent {
    uint64_t start, end; /* bytes; end isn't part of it */
};

struct pool_device {
    char *path;
    enum tristate part_separator; /* disk: a 'p' before the partition's number */
    struct pool_extent **free;    /* live */
    size_t n_free;
};

enum adapter_type { ADAPTER_UNSET, ADAPTER_SCSI_HOST, ADAPTER_FC_HOST };
struct pool_adapter {
    enum adapter_type type;
    char *name;                   /* scsi_host: either this */
    bool has_parent, has_address; /* or this */
    struct opt_u32 unique_id;
    struct pci_address address;
    char *parent, *parent_wwnn, *parent_wwpn, *parent_fabric_wwn; /* fc_host */
    enum tristate managed;
    char *wwnn, *wwpn;
};

struct pool_auth {
    char *type; /* chap, ceph */
    char *username;
    bool has_secret;
    char *secret_type, *secret_uuid, *secret_usage;
};

struct pool_source {
    struct pool_host **hosts;
    size_t n_hosts;
    struct pool_device **devices;
    size_t n_devices;
    char *dir, *name, *initiator;
    struct pool_adapter *adapter;
    struct pool_auth *auth;
    char *format;
    char *protocol; /* version */
    char *vendor, *product;
};
/* <source>, as the search for pools prints it. */
XT_DECLARE_ROWS(pool_source_table, struct pool_source);

struct pool_def {
    enum pool_type type;
    char *name;
    uint8_t uuid[UUID_SIZE];                  /* made up when the document has none */
    uint64_t capacity, allocation, available; /* bytes; live: never read from a document */
    enum tristate cow;
    struct pool_source source;
    char *path; /* target; NULL for kinds without */
    struct permissions permissions;
    char *refresh_allocation;       /* default, capacity */
    struct option **mount_options;  /* extension fs: of fs and netfs; no values */
    struct option **config_options; /* extension rbd: of rbd */
    size_t n_mount_options, n_config_options;
};
XT_DECLARE_ROWS(pool_table, struct pool_def);
/* For documents that hold a pool. */
extern const struct xml_namespace pool_namespaces[];

static inline const struct pool_kind *pool_kind_of(const struct pool_def *def)
{
    return &pool_kinds[def->type];
}

/* flags: enum xt_parse_flags. NULL with err set. */
struct pool_def *pool_parse(struct arena *arena, const char *xml, unsigned flags, struct err *err);
/* <source> alone: what a search is to look at. xml may be NULL. */
struct pool_source *pool_source_parse(struct arena *arena, const char *xml, enum pool_type type,
                                      struct err *err);
void pool_format(const struct pool_def *def, struct buf *text);

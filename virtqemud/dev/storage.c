/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Storage: block nodes. A layer of an image is two nodes: "libvirt-N-storage" reads and writes bytes where
 * they are kept, "libvirt-N-format" understands the image format on top; a chain is made from its end.
 */
#define ERR_FROM ERR_FROM_QEMU

#include "base/str.h"
#include "virtqemud/dev/disk.h"
#include "virtqemud/dev/tls.h"

/* How a cache mode reads in block nodes; the third part, the guest's write cache, is the device's. */
static void cache_props(struct props *props, enum disk_cache cache)
{
    if (!cache || cache == DISK_CACHE_DEFAULT)
        return;
    props_object(props, "cache");
    props_bool(props, "direct", cache == DISK_CACHE_NONE || cache == DISK_CACHE_DIRECTSYNC);
    props_bool(props, "no-flush", cache == DISK_CACHE_UNSAFE);
    props_end_object(props);
}

static const char *aio_name(enum disk_io io)
{
    static const char *const names[DISK_IO_MAX] = {NULL, "native", "threads", "io_uring"};
    return names[io];
}

static bool is_host_cdrom(const struct disk *disk, const char *path)
{
    return disk && disk->device == DISK_CDROM && (str_after(path, "/dev/sr") || str_eq(path, "/dev/cdrom"));
}

static void inet_address(struct props *props, const struct net_host *host)
{
    if (host->transport == TRANSPORT_UNIX) {
        props_string(props, "type", "unix");
        props_string(props, "path", host->socket);
        return;
    }
    props_string(props, "type", "inet");
    props_string(props, "host", host->name);
    props_format(props, "port", "%u", host->port);
}

/* scheme://host:port/path?query */
static void url_props(struct props *props, const struct storage *storage)
{
    const struct net_host *host = storage->hosts[0];
    bool literal = strchr(host->name, ':');

    props_string(props, "driver", net_protocol_names[storage->protocol]);
    props_format(props, "url", "%s://%s%s%s:%u%s%s%s%s", net_protocol_names[storage->protocol],
                 literal ? "[" : "", host->name, literal ? "]" : "", host->port,
                 storage->name && *storage->name == '/' ? "" : "/", storage->name ? storage->name : "",
                 storage->query ? "?" : "", storage->query ? storage->query : "");
    props_tristate(props, "sslverify", storage->ssl_verify);
    if (storage->readahead.set)
        props_u64(props, "readahead", storage->readahead.value);
    if (storage->timeout.set)
        props_u64(props, "timeout", storage->timeout.value);
}

static int rbd_props(struct props *props, const struct storage *storage, struct err *err)
{
    const char *slash = storage->name ? strchr(storage->name, '/') : NULL, *image = slash ? slash + 1 : NULL;
    const char *second = image ? strchr(image, '/') : NULL;

    if (!slash)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "rbd image name '%s' needs a pool: pool/image",
                       storage->name ? storage->name : "");
    props_string(props, "driver", "rbd");
    props_format(props, "pool", "%.*s", (int)(slash - storage->name), storage->name);
    if (second) {
        props_format(props, "namespace", "%.*s", (int)(second - image), image);
        image = second + 1;
    }
    props_string(props, "image", image);
    props_string(props, "snapshot", storage->snapshot);
    props_string(props, "conf", storage->config_file);
    if (storage->n_hosts) {
        props_array(props, "server");
        for (size_t i = 0; i < storage->n_hosts; i++) {
            props_object(props, NULL);
            props_string(props, "host", storage->hosts[i]->name);
            props_format(props, "port", "%u", storage->hosts[i]->port ? storage->hosts[i]->port : 6789);
            props_end_object(props);
        }
        props_end_array(props);
    }
    return 0;
}

static int iscsi_props(struct props *props, const struct storage *storage, struct err *err)
{
    const char *slash = storage->name ? strrchr(storage->name, '/') : NULL;
    uint32_t lun = 0;

    if (!slash || str_to_u32(slash + 1, &lun) < 0)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "can't parse the LUN of iscsi target '%s'",
                       storage->name ? storage->name : "");
    props_string(props, "driver", "iscsi");
    props_format(props, "portal", strchr(storage->hosts[0]->name, ':') ? "[%s]:%u" : "%s:%u",
                 storage->hosts[0]->name, storage->hosts[0]->port);
    props_format(props, "target", "%.*s", (int)(slash - storage->name), storage->name);
    props_u64(props, "lun", lun);
    props_string(props, "transport", storage->hosts[0]->transport == TRANSPORT_RDMA ? "iser" : "tcp");
    props_string(props, "initiator-name", storage->initiator_iqn);
    return 0;
}

static int gluster_props(struct props *props, const struct storage *storage, struct err *err)
{
    const char *name = storage->name ? storage->name : "", *slash = strchr(name, '/');

    if (!slash)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "gluster name '%s' needs a volume: volume/path", name);
    props_string(props, "driver", "gluster");
    props_format(props, "volume", "%.*s", (int)(slash - name), name);
    props_string(props, "path", slash + 1);
    props_array(props, "server");
    for (size_t i = 0; i < storage->n_hosts; i++) {
        props_object(props, NULL);
        inet_address(props, storage->hosts[i]);
        props_end_object(props);
    }
    props_end_array(props);
    return 0;
}

/* A user's name, and the object that holds the password. */
static void auth_props(struct build *build, const struct storage *storage, const char *user,
                       const char *password, struct props *props)
{
    const char *id = arena_printf(build->arena, "libvirt-%u-storage-auth-secret0", storage->index.value);

    if (!storage->auth)
        return;
    props_string(props, user, storage->auth->username);
    props_string(props, password, secret_object(build, storage->auth, id));
}

static void nbd_tls(struct build *build, const struct storage *storage, struct props *props)
{
    const char *name = arena_printf(build->arena, "libvirt-%u-storage", storage->index.value);

    if (storage->tls != TRI_YES)
        return;
    props_string(props, "tls-creds",
                 tls_object(build, storage, &qemud.conf.nbd_tls,
                            arena_printf(build->arena, "obj%s_tls0", name), name, /* server= */ false));
    props_string(props, "tls-hostname", storage->tls_hostname);
}

static int network_props(struct build *build, struct props *props, const struct storage *storage,
                         struct err *err)
{
    if ((storage->tls == TRI_YES && storage->protocol != NETPROTO_NBD) || storage->n_cookies ||
        storage->ssh_agent || storage->ssh_keyfile)
        return err_set(err, ERR_NO_SUPPORT, "images with cookies or ssh keys, or over TLS but for nbd");
    if (!storage->n_hosts && storage->protocol != NETPROTO_RBD)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "protocol '%s' needs a host",
                       net_protocol_names[storage->protocol]);
    switch (storage->protocol) {
    case NETPROTO_NBD:
        props_string(props, "driver", "nbd");
        props_object(props, "server");
        inet_address(props, storage->hosts[0]);
        props_end_object(props);
        props_string(props, "export", storage->name);
        nbd_tls(build, storage, props);
        props_number(props, "reconnect-delay", storage->reconnect.delay.value);
        return 0;
    case NETPROTO_HTTP:
    case NETPROTO_HTTPS:
    case NETPROTO_FTP:
    case NETPROTO_FTPS:
        auth_props(build, storage, "username", "password-secret", props);
        url_props(props, storage);
        return 0;
    case NETPROTO_RBD:
        auth_props(build, storage, "user", "key-secret", props);
        return rbd_props(props, storage, err);
    case NETPROTO_ISCSI:
        auth_props(build, storage, "user", "password-secret", props);
        return iscsi_props(props, storage, err);
    case NETPROTO_GLUSTER:
        return gluster_props(props, storage, err);
    case NETPROTO_SSH:
        props_string(props, "driver", "ssh");
        props_string(props, "path", storage->name);
        props_object(props, "server");
        props_string(props, "host", storage->hosts[0]->name);
        props_format(props, "port", "%u", storage->hosts[0]->port);
        props_end_object(props);
        props_string(props, "user", storage->ssh_user);
        return 0;
    case NETPROTO_NFS:
        props_string(props, "driver", "nfs");
        props_object(props, "server");
        props_string(props, "host", storage->hosts[0]->name);
        props_string(props, "type", "inet");
        props_end_object(props);
        props_string(props, "path", storage->name);
        return 0;
    default:
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "'%s' protocol is not supported by this QEMU",
                       net_protocol_names[storage->protocol]);
    }
}

static int protocol_node(struct build *build, const struct disk *disk, const struct storage *storage,
                         const char *node, bool readonly, struct err *err)
{
    auto_props struct props props = {0};
    const struct pci_address *pci = &storage->nvme_address;

    switch (storage->type) {
    case STORAGE_FILE:
        props_string(&props, "driver", "file");
        props_string(&props, "filename", storage->path);
        props_string(&props, "aio", disk ? aio_name(disk->io) : NULL);
        break;
    case STORAGE_BLOCK:
        props_string(&props, "driver", is_host_cdrom(disk, storage->path) ? "host_cdrom" : "host_device");
        props_string(&props, "filename", storage->path);
        props_string(&props, "aio", disk ? aio_name(disk->io) : NULL);
        props_string(&props, "pr-manager",
                     disk && storage == &disk->src ? disk_reservations(build, disk) : NULL);
        break;
    case STORAGE_DIR:
        props_string(&props, "driver", "vvfat");
        props_string(&props, "dir", storage->path);
        props_bool(&props, "floppy", disk && disk->device == DISK_FLOPPY);
        props_bool(&props, "rw", !readonly);
        break;
    case STORAGE_NETWORK:
        if (network_props(build, &props, storage, err) < 0)
            return -1;
        break;
    case STORAGE_NVME:
        props_string(&props, "driver", "nvme");
        props_format(&props, "device", "%04x:%02x:%02x.%x", pci->domain, pci->bus, pci->slot, pci->function);
        props_u64(&props, "namespace", storage->nvme_namespace.value);
        break;
    default:
        return err_set(err, ERR_NO_SUPPORT, "disks with a source of type '%s'",
                       storage_type_names[storage->type]);
    }
    props_string(&props, "node-name", node);
    if (disk)
        cache_props(&props, disk->cache);
    props_bool(&props, "auto-read-only", true);
    props_string(&props, "discard", "unmap");
    build_json(build, "-blockdev", &props);
    return 0;
}

/* A window into the image, where a slice is given. */
static const char *slice_node(struct build *build, const struct storage *storage, const char *below)
{
    auto_props struct props props = {0};
    const char *node = arena_printf(build->arena, "libvirt-%u-slice-sto", storage->index.value);

    if (!storage->n_slices)
        return below;
    props_string(&props, "driver", "raw");
    props_string(&props, "node-name", node);
    props_u64(&props, "offset", storage->slices[0]->offset.value);
    props_u64(&props, "size", storage->slices[0]->size.value);
    props_string(&props, "file", below);
    build_json(build, "-blockdev", &props);
    return node;
}

/* An encrypted raw image is of the format luks. */
static bool is_luks(const struct storage *storage)
{
    return storage->encryption && (!storage->format || storage->format == FORMAT_RAW) &&
           str_eq(storage->encryption->format, "luks");
}

static void format_props(struct props *props, const struct disk *disk, const struct storage *storage)
{
    if (disk && disk->discard)
        props_string(props, "discard", disk_discard_names[disk->discard]);
    if (disk && disk->detect_zeroes)
        /* zeroes can only become holes where holes are allowed */
        props_string(props, "detect-zeroes",
                     disk->detect_zeroes == DETECT_ZEROES_UNMAP && disk->discard != DISK_DISCARD_UNMAP
                         ? "on"
                         : disk_detect_zeroes_names[disk->detect_zeroes]);
    props_string(props, "driver",
                 is_luks(storage) ? "luks"
                 : storage->format && storage->format != FORMAT_FAT && storage->format != FORMAT_ISO &&
                         storage->format != FORMAT_DIR
                     ? storage_format_names[storage->format]
                     : "raw");
    if (storage->format == FORMAT_QCOW2) {
        if (disk && disk->discard_no_unref)
            props_bool(props, "discard-no-unref", disk->discard_no_unref == TRI_YES);
        props_number(props, "cache-size", storage->cache_max_size);
    }
}

/* The key is an object of its own. */
static void encryption_props(struct build *build, const struct storage *storage, struct props *props)
{
    const struct storage_encryption *encryption = storage->encryption;
    const char *key;

    if (!encryption || !encryption->n_secrets)
        return;
    key = secret_object(build, encryption->secrets[0],
                        arena_printf(build->arena, "libvirt-%u-encryption-secret0", storage->index.value));
    if (is_luks(storage)) {
        props_string(props, "key-secret", key);
        return;
    }
    props_object(props, "encrypt");
    props_string(props, "format", str_eq(encryption->format, "luks") ? "luks" : "aes");
    props_string(props, "key-secret", key);
    props_end_object(props);
}

/* Formats that can lie on top of another image. */
static bool has_backing(enum storage_format format)
{
    return format == FORMAT_QCOW2 || format == FORMAT_QCOW || format == FORMAT_QED || format == FORMAT_VMDK;
}

int build_storage(struct build *build, const struct disk *disk, struct storage *storage, bool readonly,
                  const char **ret_node, struct err *err)
{
    auto_props struct props props = {0};
    const char *below = NULL, *data = NULL, *node, *protocol;

    if (storage->backing && storage->backing->type &&
        build_storage(build, disk, storage->backing, /* readonly= */ true, &below, err) < 0)
        return -1;
    if (storage->data_store && build_storage(build, disk, storage->data_store, readonly, &data, err) < 0)
        return -1;
    node = arena_printf(build->arena, "libvirt-%u-format", storage->index.value);
    protocol = arena_printf(build->arena, "libvirt-%u-storage", storage->index.value);
    if (protocol_node(build, disk, storage, protocol, readonly, err) < 0)
        return -1;
    protocol = slice_node(build, storage, protocol);
    props_string(&props, "node-name", node);
    props_bool(&props, "read-only", readonly);
    if (disk)
        cache_props(&props, disk->cache);
    format_props(&props, disk, storage);
    encryption_props(build, storage, &props);
    props_string(&props, "file", protocol);
    props_string(&props, "data-file", data);
    if (below)
        props_string(&props, "backing", below);
    else if (storage->backing && has_backing(storage->format))
        props_null(&props, "backing");
    build_json(build, "-blockdev", &props);
    *ret_node = node;
    return 0;
}

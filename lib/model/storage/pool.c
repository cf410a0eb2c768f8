/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pool: its rows in the order of libvirt's print, and what a definition must say, by kind. */
#define ERR_FROM ERR_FROM_STORAGE
#include "model/storage/pool.h"

#include "base/enum.h"
#include "base/str.h"

#define FS_URI "http://libvirt.org/schemas/storagepool/fs/1.0"
#define RBD_URI "http://libvirt.org/schemas/storagepool/rbd/1.0"

const struct xml_namespace pool_namespaces[] = {{"fs", FS_URI}, {"rbd", RBD_URI}, {0}};

static const char *const adapter_type_names[] = {"", "scsi_host", "fc_host", NULL};

/* ---- the source ---- */

static int check_wwn(struct xt_parse *parse, const char *wwn)
{
    const char *digits = str_after(wwn, "0x") ? wwn + 2 : wwn;

    if (!wwn || (strlen(digits) == 16 && str_only(digits, "0123456789abcdefABCDEF")))
        return 0;
    return err_set(parse->err, ERR_INTERNAL_ERROR, "Malformed wwn: %s", wwn);
}

static int fc_host_finish(struct xt_parse *parse, struct pool_adapter *adapter)
{
    if (!adapter->wwnn || !adapter->wwpn)
        return err_set(parse->err, ERR_XML_ERROR,
                       "'wwnn' and 'wwpn' must be specified for adapter type 'fchost'");
    if (check_wwn(parse, adapter->wwnn) < 0 || check_wwn(parse, adapter->wwpn) < 0 ||
        check_wwn(parse, adapter->parent_wwnn) < 0 || check_wwn(parse, adapter->parent_wwpn) < 0 ||
        check_wwn(parse, adapter->parent_fabric_wwn) < 0)
        return -1;
    if (!adapter->parent_wwnn != !adapter->parent_wwpn)
        return err_set(parse->err, ERR_XML_ERROR,
                       "must supply both parent_wwnn and parent_wwpn not just one");
    adapter->name = NULL;
    adapter->has_parent = false;
    return 0;
}

static int adapter_finish(struct xt_parse *parse, void *object)
{
    struct pool_adapter *adapter = object;

    if (adapter->type == ADAPTER_UNSET)
        adapter->type = ADAPTER_SCSI_HOST;
    if (adapter->type == ADAPTER_FC_HOST)
        return fc_host_finish(parse, adapter);
    if (adapter->has_parent && !adapter->has_address)
        return err_set(parse->err, ERR_XML_ERROR, "Missing scsi_host PCI address element");
    if (adapter->has_parent && !adapter->unique_id.set)
        return err_set(parse->err, ERR_XML_ERROR, "Missing or invalid scsi adapter 'unique_id' value");
    if (!adapter->has_parent && !adapter->name)
        return err_set(parse->err, ERR_XML_ERROR,
                       "Either 'name' or 'parent' must be specified for the 'scsi_host' adapter");
    if (adapter->has_parent && adapter->name)
        return err_set(parse->err, ERR_XML_ERROR,
                       "Both 'name' and 'parent' cannot be specified for the 'scsi_host' adapter");
    adapter->parent = adapter->parent_wwnn = adapter->parent_wwpn = adapter->parent_fabric_wwn = NULL;
    adapter->wwnn = adapter->wwpn = NULL;
    adapter->managed = TRI_NONE;
    return 0;
}

static int auth_finish(struct xt_parse *parse, void *object)
{
    struct pool_auth *auth = object;
    uint8_t uuid[UUID_SIZE];

    if (!auth->username)
        return err_set(parse->err, ERR_XML_ERROR, "missing username for auth");
    if (!auth->type)
        return err_set(parse->err, ERR_CONFIG_UNSUPPORTED, "storage pool missing auth type");
    if (!str_eq(auth->type, "chap") && !str_eq(auth->type, "ceph"))
        return err_set(parse->err, ERR_CONFIG_UNSUPPORTED, "unknown auth type '%s'", auth->type);
    if (!auth->has_secret)
        return err_set(parse->err, ERR_XML_ERROR, "Missing <secret> element in auth");
    if (auth->secret_uuid && auth->secret_usage)
        return err_set(parse->err, ERR_XML_ERROR, "either secret uuid or usage expected");
    if (!auth->secret_uuid && !auth->secret_usage)
        return err_set(parse->err, ERR_XML_ERROR, "missing secret uuid or usage attribute");
    if (auth->secret_uuid && uuid_parse(auth->secret_uuid, uuid) < 0)
        return err_set(parse->err, ERR_XML_ERROR, "invalid secret uuid '%s'", auth->secret_uuid);
    return 0;
}

static int host_finish(struct xt_parse *parse, void *object)
{
    const struct pool_host *host = object;

    return host->name ? 0 : err_set(parse->err, ERR_XML_ERROR, "missing storage pool host name");
}

static int device_finish(struct xt_parse *parse, void *object)
{
    const struct pool_device *device = object;

    return device->path ? 0 : err_set(parse->err, ERR_XML_ERROR, "missing storage pool source device path");
}

/* clang-format off */
#define T struct pool_host
XT_DECLARE(pool_host_table, T);
XT_DEFINE(pool_host_table, "host", host_finish,
    XT_ATTR(T, name, "name", str, 0),
    XT_ATTR(T, port, "port", u32, 0));
#undef T

#define T struct pool_extent
XT_DECLARE(pool_extent_table, T);
XT_DEFINE(pool_extent_table, "freeExtent", NULL,
    XT_ATTR(T, start, "start", u64, XT_ALWAYS),
    XT_ATTR(T, end, "end", u64, XT_ALWAYS));
#undef T

#define T struct pool_device
XT_DECLARE(pool_device_table, T);
XT_DEFINE(pool_device_table, "device", device_finish,
    XT_ATTR(T, path, "path", str, 0),
    XT_ATTR(T, part_separator, "part_separator", yesno, 0),
    XT_LIST(T, free, n_free, "freeExtent", pool_extent_table, XT_LIVE));
#undef T

#define T struct pool_adapter
XT_DECLARE(pool_adapter_table, T);
XT_DEFINE(pool_adapter_table, "adapter", adapter_finish,
    XT_ENUM(T, type, "type", adapter_type_names, 0),
    XT_ATTR(T, name, "name", str, 0),
    XT_ATTR(T, parent, "parent", str, 0),
    XT_ATTR(T, parent_wwnn, "parent_wwnn", str, 0),
    XT_ATTR(T, parent_wwpn, "parent_wwpn", str, 0),
    XT_ATTR(T, parent_fabric_wwn, "parent_fabric_wwn", str, 0),
    XT_ATTR(T, managed, "managed", yesno, 0),
    XT_ATTR(T, wwnn, "wwnn", str, 0),
    XT_ATTR(T, wwpn, "wwpn", str, 0),
    XT_FLAG(T, has_parent, "parentaddr", 0,
        XT_ATTR(T, unique_id, "unique_id", opt_u32, 0),
        XT_FLAG(T, has_address, "address", 0,
            XT_EMBED(T, address, NULL, pci_address_table, 0))));
#undef T

#define T struct pool_auth
XT_DECLARE(pool_auth_table, T);
XT_DEFINE(pool_auth_table, "auth", auth_finish,
    XT_ATTR(T, type, "type", str, 0),
    XT_ATTR(T, username, "username", str, 0),
    XT_FLAG(T, has_secret, "secret", 0,
        XT_ATTR(T, secret_type, "type", str, 0),
        XT_ATTR(T, secret_uuid, "uuid", str, 0),
        XT_ATTR(T, secret_usage, "usage", str, 0)));
#undef T

#define T struct pool_source
XT_DEFINE_ROWS(pool_source_table, "source", NULL,
    XT_LIST(T, hosts, n_hosts, "host", pool_host_table, 0),
    XT_LIST(T, devices, n_devices, "device", pool_device_table, 0),
    XT_GROUP("dir", 0, XT_ATTR(T, dir, "path", str, 0)),
    XT_CHILD(T, adapter, "adapter", pool_adapter_table, XT_NO_ABI),
    XT_TEXT(T, name, "name", str, 0),
    XT_GROUP("initiator", 0, XT_GROUP("iqn", 0, XT_ATTR(T, initiator, "name", str, 0))),
    XT_GROUP("format", 0, XT_ATTR(T, format, "type", str, 0)),
    XT_CHILD(T, auth, "auth", pool_auth_table, 0),
    XT_GROUP("protocol", 0, XT_ATTR(T, protocol, "ver", str, 0)),
    XT_GROUP("vendor", 0, XT_ATTR(T, vendor, "name", str, 0)),
    XT_GROUP("product", 0, XT_ATTR(T, product, "name", str, 0)));
#undef T
/* clang-format on */

/* Keep what the kind has; say what is missing that can be seen here. */
static int source_finish(struct arena *arena, const struct pool_kind *kind, struct pool_source *source,
                         struct err *err)
{
    if (!(kind->source & SOURCE_HOST))
        source->n_hosts = 0;
    if (!(kind->source & SOURCE_DEVICE))
        source->n_devices = 0;
    if (!(kind->source & SOURCE_ADAPTER))
        source->adapter = NULL;
    if (!(kind->source & SOURCE_NAME))
        source->name = NULL;
    if (!(kind->source & SOURCE_INITIATOR))
        source->initiator = NULL;
    source->dir = kind->source & SOURCE_DIR ? path_sanitize(arena, source->dir) : NULL;
    if (!kind->formats)
        source->format = NULL;
    else if (!source->format)
        source->format = arena_strdup(arena, kind->default_format);
    else if (enum_find(kind->formats, source->format) < 0)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "unknown pool format type %s", source->format);
    return 0;
}

/* ---- the pool ---- */

static int check_source(const struct pool_def *def, struct err *err)
{
    unsigned parts = pool_kind_of(def)->source;
    const struct pool_source *source = &def->source;

    if ((parts & SOURCE_HOST) && !source->n_hosts)
        return err_set(err, ERR_XML_ERROR, "missing storage pool source host name");
    if ((parts & SOURCE_NEEDS_INITIATOR) && !source->initiator)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "missing initiator IQN");
    if ((parts & SOURCE_DIR) && !source->dir)
        return err_set(err, ERR_XML_ERROR, "missing storage pool source path");
    if ((parts & SOURCE_ADAPTER) && !source->adapter)
        return err_set(err, ERR_XML_ERROR, "missing storage pool source adapter");
    if ((parts & SOURCE_NEEDS_DEVICE) && !source->n_devices)
        return err_set(err, ERR_XML_ERROR, "missing storage pool source device name");
    return 0;
}

static int finish_target(struct arena *arena, struct pool_def *def, struct err *err)
{
    const struct pool_kind *kind = pool_kind_of(def);

    if (kind->no_target) {
        def->path = NULL;
        def->permissions = (struct permissions){0};
        return 0;
    }
    if (kind->target_base)
        def->path = arena_printf(arena, "%s%s", kind->target_base, def->source.name);
    if (!def->path)
        return err_set(err, ERR_XML_ERROR, "missing storage pool target path");
    def->path = path_sanitize(arena, def->path);
    return 0;
}

static int pool_finish(struct xt_parse *parse, void *object)
{
    struct pool_def *def = object;
    const struct pool_kind *kind = pool_kind_of(def);

    /* the root of a gluster volume needs no mention */
    if (def->type == POOL_GLUSTER && !def->source.dir)
        def->source.dir = arena_strdup(parse->arena, "/");
    if (source_finish(parse->arena, kind, &def->source, parse->err) < 0)
        return -1;
    if (!def->name)
        def->name = def->source.name;
    if (!def->name)
        return err_set(parse->err, ERR_XML_ERROR, "missing pool source name element");
    if (strchr(def->name, '/'))
        return err_set(parse->err, ERR_XML_ERROR, "name %s cannot contain '/'", def->name);
    if (!uuid_valid(def->uuid))
        uuid_generate(def->uuid);
    if ((kind->source & SOURCE_NAME) && !def->source.name)
        def->source.name = def->name;
    if (check_source(def, parse->err) < 0 || finish_target(parse->arena, def, parse->err) < 0)
        return -1;
    if (def->refresh_allocation && !str_eq(def->refresh_allocation, "default") &&
        !str_eq(def->refresh_allocation, "capacity"))
        return err_set(parse->err, ERR_CONFIG_UNSUPPORTED,
                       "unknown storage pool volume refresh allocation type %s", def->refresh_allocation);
    if (def->type != POOL_FS && def->type != POOL_NETFS)
        def->n_mount_options = 0;
    if (def->type != POOL_RBD)
        def->n_config_options = 0;
    return 0;
}

/* The root declares the namespace of the extension that follows. */
static int namespace_parse(struct xt_parse *parse, struct xml_node *node, void *object)
{
    return 0;
}

static void namespace_attrs(struct xt_format *format, const void *object)
{
    const struct pool_def *def = object;

    if (def->n_mount_options)
        buf_add_string(format->text, " xmlns:fs='" FS_URI "'");
    if (def->n_config_options)
        buf_add_string(format->text, " xmlns:rbd='" RBD_URI "'");
}

static void namespace_format(struct xt_format *format, const void *object)
{
}

static void namespace_copy(struct arena *arena, void *to, const void *from)
{
}

static const struct xt_hook namespace_hook = {.parse = namespace_parse,
                                              .format = namespace_format,
                                              .format_attrs = namespace_attrs,
                                              .copy = namespace_copy};

/* clang-format off */
#define T struct option
XT_DECLARE(mount_option_table, T);
XT_DEFINE(mount_option_table, "fs:option", NULL, XT_ATTR(T, name, "name", str, XT_REQUIRED));
XT_DECLARE(config_option_table, T);
XT_DEFINE(config_option_table, "rbd:option", NULL,
    XT_ATTR(T, name, "name", str, XT_REQUIRED),
    XT_ATTR(T, value, "value", str, XT_REQUIRED));
#undef T

#define T struct pool_def
XT_DEFINE_ROWS(pool_table, "pool", pool_finish,
    XT_ENUM(T, type, "type", pool_type_names, XT_REQUIRED),
    XT_HOOK_ALL(NULL, namespace_hook, 0),
    XT_TEXT(T, name, "name", str, 0),
    XT_TEXT(T, uuid, "uuid", uuid, 0),
    XT_TEXT(T, capacity, "capacity", bytes, XT_LIVE | XT_ALWAYS),
    XT_TEXT(T, allocation, "allocation", bytes, XT_LIVE | XT_ALWAYS),
    XT_TEXT(T, available, "available", bytes, XT_LIVE | XT_ALWAYS),
    XT_GROUP("features", 0, XT_GROUP("cow", 0, XT_ATTR(T, cow, "state", yesno, 0))),
    XT_EMBED(T, source, "source", pool_source_table, XT_ALWAYS | XT_SPREAD),
    XT_GROUP("target", 0,
        XT_TEXT(T, path, "path", str, 0),
        XT_EMBED(T, permissions, "permissions", permissions_table, 0)),
    XT_GROUP("refresh", 0, XT_GROUP("volume", 0, XT_ATTR(T, refresh_allocation, "allocation", str, 0))),
    XT_GROUP("fs:mount_opts", 0, XT_LIST(T, mount_options, n_mount_options, "fs:option", mount_option_table, 0)),
    XT_GROUP("rbd:config_opts", 0, XT_LIST(T, config_options, n_config_options, "rbd:option", config_option_table, 0)));
#undef T
/* clang-format on */

struct pool_def *pool_parse(struct arena *arena, const char *xml, unsigned flags, struct err *err)
{
    static const struct xt_document document = {&pool_table, "(storage_pool_definition)", pool_namespaces};

    return xt_parse(&document, arena, xml, flags | XT_PARSE_INACTIVE, err);
}

struct pool_source *pool_source_parse(struct arena *arena, const char *xml, enum pool_type type,
                                      struct err *err)
{
    static const struct xt_document document = {&pool_source_table, "(storage_source_specification)", NULL};
    struct pool_source *source =
        xml ? xt_parse(&document, arena, xml, XT_PARSE_INACTIVE, err) : ARENA_NEW(arena, struct pool_source);

    return source && source_finish(arena, &pool_kinds[type], source, err) >= 0 ? source : NULL;
}

void pool_format(const struct pool_def *def, struct buf *text)
{
    xt_format(&pool_table, text, def, /* flags= */ 0, /* indent= */ 0);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pool: pools made from options, where one could be found, what a connection knows about them. */
#include "virsh/virsh.h"

/* ---- from options ---------------------------------------------------------------------------------------
 */

/* What a pool is made of; NULL: not given. */
struct words {
    const char *name, *type, *host, *path, *device, *source, *target, *format, *auth, *user, *usage, *uuid;
    const char *adapter, *wwnn, *wwpn, *parent, *parent_wwnn, *parent_wwpn, *fabric, *version, *initiator;
};

/* -1 after telling. */
static int words_read(struct cmd *cmd, struct words *words)
{
    const struct {
        const char *option, **word;
    } table[] = {
        {"name", &words->name},
        {"type", &words->type},
        {"source-host", &words->host},
        {"source-path", &words->path},
        {"source-dev", &words->device},
        {"source-name", &words->source},
        {"source-format", &words->format},
        {"target", &words->target},
        {"auth-type", &words->auth},
        {"auth-username", &words->user},
        {"secret-usage", &words->usage},
        {"secret-uuid", &words->uuid},
        {"adapter-name", &words->adapter},
        {"adapter-wwnn", &words->wwnn},
        {"adapter-wwpn", &words->wwpn},
        {"adapter-parent", &words->parent},
        {"adapter-parent-wwnn", &words->parent_wwnn},
        {"adapter-parent-wwpn", &words->parent_wwpn},
        {"adapter-parent-fabric-wwn", &words->fabric},
        {"source-protocol-ver", &words->version},
        {"source-initiator", &words->initiator},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if (cmd_string(cmd, table[i].option, table[i].word) < 0)
            return -1;
    return 0;
}

static void add_adapter(struct buf *xml, const struct words *words)
{
    if (words->wwnn && words->wwpn) {
        buf_add_string(xml, "    <adapter type='fc_host'");
        if (words->parent)
            xml_attribute(xml, "parent", words->parent);
        else if (words->parent_wwnn && words->parent_wwpn) {
            xml_attribute(xml, "parent_wwnn", words->parent_wwnn);
            xml_attribute(xml, "parent_wwpn", words->parent_wwpn);
        } else if (words->fabric)
            xml_attribute(xml, "parent_fabric_wwn", words->fabric);
        xml_attribute(xml, "wwnn", words->wwnn);
        xml_attribute(xml, "wwpn", words->wwpn);
        buf_add_string(xml, "/>\n");
    } else if (words->adapter) {
        buf_add_string(xml, "    <adapter type='scsi_host'");
        xml_attribute(xml, "name", words->adapter);
        buf_add_string(xml, "/>\n");
    }
}

static void add_auth(struct buf *xml, const struct words *words)
{
    if (!words->auth || !words->user || (!words->usage && !words->uuid))
        return;
    buf_add_string(xml, "    <auth");
    xml_attribute(xml, "type", words->auth);
    xml_attribute(xml, "username", words->user);
    buf_add_string(xml, ">\n      <secret");
    xml_attribute(xml, words->usage ? "usage" : "uuid", words->usage ? words->usage : words->uuid);
    buf_add_string(xml, "/>\n    </auth>\n");
}

/* <element attribute='value'/>, unless there is no value. */
static void add_element(struct buf *xml, const char *element, const char *attribute, const char *value)
{
    if (!value)
        return;
    buf_printf(xml, "    <%s", element);
    xml_attribute(xml, attribute, value);
    buf_add_string(xml, "/>\n");
}

static void add_source(struct buf *xml, const struct words *words)
{
    if (!words->host && !words->path && !words->device && !words->format && !words->source &&
        !words->initiator && !words->adapter && !(words->wwnn && words->wwpn))
        return;
    buf_add_string(xml, "  <source>\n");
    add_element(xml, "host", "name", words->host);
    add_element(xml, "dir", "path", words->path);
    add_element(xml, "device", "path", words->device);
    if (words->initiator) {
        buf_add_string(xml, "    <initiator>\n  ");
        add_element(xml, "iqn", "name", words->initiator);
        buf_add_string(xml, "    </initiator>\n");
    }
    add_adapter(xml, words);
    add_auth(xml, words);
    add_element(xml, "format", "type", words->format);
    if (words->source)
        xml_text(xml, "    ", "name", words->source);
    add_element(xml, "protocol", "ver", words->version);
    buf_add_string(xml, "  </source>\n");
}

/* The document of the pool that the options describe; owned by cmd. NULL after telling. */
static const char *pool_document(struct cmd *cmd, const char **ret_name)
{
    struct words words = {0};
    struct buf xml = {0};

    if (words_read(cmd, &words) < 0)
        return NULL;
    buf_add_string(&xml, "<pool");
    xml_attribute(&xml, "type", words.type);
    buf_add_string(&xml, ">\n");
    xml_text(&xml, "  ", "name", words.name);
    add_source(&xml, &words);
    if (words.target) {
        buf_add_string(&xml, "  <target>\n");
        xml_text(&xml, "    ", "path", words.target);
        buf_add_string(&xml, "  </target>\n");
    }
    buf_add_string(&xml, "</pool>\n");
    *ret_name = words.name;
    return cmd_own_text(cmd, buf_steal(&xml));
}

/* Print the document, or have the pool made of it. */
static int make_pool(struct cmd *cmd, const char *verb, const char *past, unsigned flags,
                     virStoragePoolPtr (*call)(virConnectPtr, const char *, unsigned int))
{
    const char *name, *document = pool_document(cmd, &name);

    if (!document)
        return -1;
    if (cmd_has(cmd, "print-xml")) {
        field_verbatim(cmd, "xml", document);
        return 0;
    }
    virStoragePoolPtr pool = own_pool(cmd, call(cmd_conn(cmd), document, flags));

    if (!pool)
        return say_error(cmd, "Failed to %s pool %s", verb, name);
    say(cmd, "Pool %s %s\n", virStoragePoolGetName(pool), past);
    return 0;
}

static int pool_create_as(struct cmd *cmd)
{
    return make_pool(cmd, "create", "created", cmd_flags(cmd), virStoragePoolCreateXML);
}

static int pool_define_as(struct cmd *cmd)
{
    return make_pool(cmd, "define", "defined", 0, virStoragePoolDefineXML);
}

/* clang-format off */
#define POOL_WORDS                                                                                           \
    ARG("name", "name of the pool"),                                                                         \
    ARG("type", "type of the pool"),                                                                         \
    FLAG("print-xml", 0, "print XML document, but don't define/create"),                                     \
    STRING("source-host", "source-host for underlying storage"),                                             \
    STRING("source-path", "source path for underlying storage"),                                             \
    STRING("source-dev", "source device for underlying storage"),                                            \
    STRING("source-name", "source name for underlying storage"),                                             \
    STRING("target", "target for underlying storage"),                                                       \
    STRING("source-format", "format for underlying storage"),                                                \
    STRING("auth-type", "auth type to be used for underlying storage"),                                      \
    STRING("auth-username", "auth username to be used for underlying storage"),                              \
    STRING("secret-usage", "auth secret usage to be used for underlying storage"),                           \
    STRING("secret-uuid", "auth secret UUID to be used for underlying storage"),                             \
    STRING("adapter-name", "adapter name to be used for underlying storage"),                                \
    STRING("adapter-wwnn", "adapter wwnn to be used for underlying storage"),                                \
    STRING("adapter-wwpn", "adapter wwpn to be used for underlying storage"),                                \
    STRING("adapter-parent", "adapter parent scsi_hostN to be used for underlying vHBA storage"),            \
    STRING("adapter-parent-wwnn",                                                                            \
           "adapter parent scsi_hostN wwnn to be used for underlying vHBA storage"),                         \
    STRING("adapter-parent-wwpn",                                                                            \
           "adapter parent scsi_hostN wwpn to be used for underlying vHBA storage"),                         \
    STRING("adapter-parent-fabric-wwn",                                                                      \
           "adapter parent scsi_hostN fabric_wwn to be used for underlying vHBA storage"),                   \
    STRING("source-protocol-ver", "nfsvers value for NFS pool mount option"),                                \
    STRING("source-initiator", "initiator iqn for underlying storage")
/* clang-format on */

const struct command cmd_pool_create_as = {
    "pool-create-as",
    "create a pool from a set of args",
    "Create a pool.",
    OPTIONS(POOL_WORDS, POOL_BUILDING),
    .run = pool_create_as,
    .conflicts = "secret-usage secret-uuid, overwrite no-overwrite",
    .json = "{message: string?, xml: string?}",
};

const struct command cmd_pool_define_as = {
    "pool-define-as",
    "define a pool from a set of args",
    "Define a pool.",
    OPTIONS(POOL_WORDS),
    .run = pool_define_as,
    .conflicts = "secret-usage secret-uuid",
    .json = "{message: string?, xml: string?}",
};

/* ---- where pools could be -------------------------------------------------------------------------------
 */

static int print_sources(struct cmd *cmd, const char *type, const char *query)
{
    char *sources = virConnectFindStoragePoolSources(cmd_conn(cmd), type, query, 0);

    if (!sources)
        return say_error(cmd, "Failed to find any %s pool sources", type);
    field_verbatim(cmd, "xml", cmd_own_text(cmd, sources));
    return 0;
}

static int find_sources_as(struct cmd *cmd)
{
    const char *type = NULL, *host = NULL, *port = NULL, *initiator = NULL;
    auto_buf struct buf query = {0};

    if (cmd_string(cmd, "type", &type) < 0 || cmd_string(cmd, "host", &host) < 0 ||
        cmd_string(cmd, "initiator", &initiator) < 0)
        return -1;
    if (host) {
        if (cmd_string(cmd, "port", &port) < 0)
            return -1;
        buf_add_string(&query, "<source>\n  <host");
        xml_attribute(&query, "name", host);
        if (port)
            xml_attribute(&query, "port", port);
        buf_add_string(&query, "/>\n");
        if (initiator) {
            buf_add_string(&query, "  <initiator>\n    <iqn");
            xml_attribute(&query, "name", initiator);
            buf_add_string(&query, "/>\n  </initiator>\n");
        }
        buf_add_string(&query, "</source>\n");
    }
    return print_sources(cmd, type, host ? buf_text(&query) : NULL);
}

const struct command cmd_find_storage_pool_sources_as = {
    "find-storage-pool-sources-as",
    "find potential storage pool sources",
    "Returns XML <sources> document.",
    OPTIONS(ARG("type", "type of storage pool sources to find"), STRING("host", "optional host to query"),
            STRING("port", "optional port to query"),
            STRING("initiator", "optional initiator IQN to use for query")),
    .run = find_sources_as,
    .json = "{xml: string}",
};

static int find_sources(struct cmd *cmd)
{
    const char *type = NULL, *query = NULL;

    if (cmd_string(cmd, "type", &type) < 0 || cmd_string(cmd, "srcSpec", &query) < 0)
        return -1;
    if (query && !(query = cmd_file(cmd, "srcSpec")))
        return -1;
    return print_sources(cmd, type, query);
}

const struct command cmd_find_storage_pool_sources = {
    "find-storage-pool-sources",
    "discover potential storage pool sources",
    "Returns XML <sources> document.",
    OPTIONS(ARG("type", "type of storage pool sources to discover"),
            STRING("srcSpec", "optional file of source xml to query for pools", .complete = complete_file)),
    .run = find_sources,
    .json = "{xml: string}",
};

static int pool_capabilities(struct cmd *cmd)
{
    char *document = virConnectGetStoragePoolCapabilities(cmd_conn(cmd), 0);

    if (!document)
        return say_error(cmd, "failed to get storage pool capabilities");
    field_document(cmd, "xml", cmd_own_text(cmd, document));
    return 0;
}

const struct command cmd_pool_capabilities = {
    "pool-capabilities",      "storage pool capabilities", "Returns capabilities of storage pool support.",
    .run = pool_capabilities, .json = "{xml: string}",
};

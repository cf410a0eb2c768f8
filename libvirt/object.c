/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Objects of the API: counted, each holding its connection. What differs between kinds stands in one table;
 * copying and releasing walk the layouts of the wire.
 */
#include "libvirt/api.h"

#include "base/uuid.h"
#include "libvirt/events.h"
#include "libvirt/link.h"
#include "libvirt/stream.h"
#include "protocol/xdr-table.h"

static const struct kind {
    uint32_t magic;
    uint16_t wire; /* enum xdr_type_id */
    enum err_code invalid;
    enum err_domain domain;
} kinds[KIND_MAX] = {
    /* clang-format off */
    [OBJECT_DOMAIN] = {0x646f6d31, XDR_wire_domain, ERR_INVALID_DOMAIN, ERR_FROM_DOMAIN},
    [OBJECT_DOMAIN_SNAPSHOT] = {0x736e6131, XDR_wire_domain_snapshot, ERR_INVALID_DOMAIN_SNAPSHOT, ERR_FROM_DOMAIN_SNAPSHOT},
    [OBJECT_DOMAIN_CHECKPOINT] = {0x63686531, XDR_wire_domain_checkpoint, ERR_INVALID_DOMAIN_CHECKPOINT, ERR_FROM_DOMAIN_CHECKPOINT},
    [OBJECT_NETWORK] = {0x6e657431, XDR_wire_network, ERR_INVALID_NETWORK, ERR_FROM_NETWORK},
    [OBJECT_NETWORK_PORT] = {0x706f7231, XDR_wire_network_port, ERR_INVALID_NETWORK_PORT, ERR_FROM_NETWORK},
    [OBJECT_STORAGE_POOL] = {0x706f6f31, XDR_wire_storage_pool, ERR_INVALID_STORAGE_POOL, ERR_FROM_STORAGE},
    [OBJECT_STORAGE_VOL] = {0x766f6c31, XDR_wire_storage_vol, ERR_INVALID_STORAGE_VOL, ERR_FROM_STORAGE},
    [OBJECT_NODE_DEVICE] = {0x64657631, XDR_wire_node_device, ERR_INVALID_NODE_DEVICE, ERR_FROM_NODEDEV},
    [OBJECT_SECRET] = {0x73656331, XDR_wire_secret, ERR_INVALID_SECRET, ERR_FROM_SECRET},
    [OBJECT_INTERFACE] = {0x69666131, XDR_wire_interface, ERR_INVALID_INTERFACE, ERR_FROM_INTERFACE},
    [OBJECT_NWFILTER] = {0x66696c31, XDR_wire_nwfilter, ERR_INVALID_NWFILTER, ERR_FROM_NWFILTER},
    [OBJECT_NWFILTER_BINDING] = {0x62696e31, XDR_wire_nwfilter_binding, ERR_INVALID_NWFILTER_BINDING, ERR_FROM_NWFILTER},
    [KIND_CONNECT] = {0x636f6e31, XDR_NONE, ERR_INVALID_CONN, ERR_FROM_NONE},
    [KIND_STREAM] = {0x73747231, XDR_NONE, ERR_INVALID_STREAM, ERR_FROM_STREAMS},
    [KIND_ADMIN] = {0x61646d31, XDR_NONE, ERR_INVALID_CONN, ERR_FROM_ADMIN},
    [OBJECT_ADMIN_SERVER] = {0x73727631, XDR_wire_admin_server, ERR_INVALID_CONN, ERR_FROM_ADMIN},
    [OBJECT_ADMIN_CLIENT] = {0x636c6931, XDR_wire_admin_client, ERR_INVALID_CONN, ERR_FROM_ADMIN},
    /* clang-format on */
};

/* Guards what objects are given later: text, parent. */
static pthread_mutex_t texts = PTHREAD_MUTEX_INITIALIZER;

static const size_t WIRE_AT = offsetof(struct _virDomain, wire);

/* References hold strings and, at most, a struct that holds strings. */
static void wire_own(unsigned type, char *wire, bool release)
{
    const struct xdr_type *layout = &xdr_types[type];

    for (unsigned i = 0; i < layout->count; i++) {
        const struct xdr_field *field = &xdr_fields[layout->first + i];
        char **text = (char **)(wire + field->offset);

        if (field->kind == XDR_KIND_STRUCT)
            wire_own(field->type, wire + field->offset, release);
        else if (field->kind == XDR_KIND_STRING && release)
            free(*text);
        else if (field->kind == XDR_KIND_STRING)
            *text = mem_strdup(*text);
    }
}

void object_init(struct object *object, unsigned kind, virConnectPtr conn)
{
    object->magic = kinds[kind].magic;
    object->kind = kind;
    object->references = 1;
    object->conn = object_ref(conn);
}

void *object_new(virConnectPtr conn, unsigned kind, const void *wire)
{
    size_t size = xdr_types[kinds[kind].wire].size;
    char *made = mem_zalloc(WIRE_AT + size);

    object_init((struct object *)made, kind, conn);
    memcpy(made + WIRE_AT, wire, size);
    wire_own(kinds[kind].wire, made + WIRE_AT, false);
    return made;
}

void *object_ref(void *object)
{
    if (object)
        atomic_fetch_add(&((struct object *)object)->references, 1);
    return object;
}

void object_unref(void *pointer)
{
    struct object *object = pointer;

    if (!object || atomic_fetch_sub(&object->references, 1) != 1)
        return;
    object->magic = 0;
    object_unref(object->parent);
    free(object->text);
    if (object->kind == KIND_CONNECT || object->kind == KIND_ADMIN)
        conn_done((virConnectPtr)object);
    else if (object->kind == KIND_STREAM)
        stream_done((virStreamPtr)object);
    else
        wire_own(kinds[object->kind].wire, (char *)object + WIRE_AT, true);
    object_unref(object->conn);
    free(object);
}

bool object_check(const void *pointer, unsigned kind, const char *function, struct err *err)
{
    const struct object *object = pointer;

    if (object && object->magic == kinds[kind].magic)
        return true;
    err_set_from(err, kind == OBJECT_DOMAIN ? ERR_FROM_DOM : kinds[kind].domain, kinds[kind].invalid, "%s",
                 function);
    return false;
}

virConnectPtr object_conn(void *object)
{
    struct object *base = object;

    return base->conn ? base->conn : object;
}

enum err_domain object_err_domain(unsigned kind)
{
    return kinds[kind].domain;
}

/* Reset the thread's error, look at the pointer, tell when it is wrong. A wrong connection is an error of
 * what is looked for on it. */
static bool check_for(const void *object, unsigned kind, unsigned looked_for, const char *function)
{
    auto_err struct err err = {0};

    error_reset();
    if (object_check(object, kind, function, &err))
        return true;
    if (kind == KIND_CONNECT && looked_for)
        err.domain = kinds[looked_for].domain;
    error_raise(NULL, &err);
    return false;
}

static bool check(const void *object, unsigned kind, const char *function)
{
    return check_for(object, kind, OBJECT_NONE, function);
}

static int take_reference(void *object, unsigned kind, const char *function)
{
    if (!check(object, kind, function))
        return -1;
    object_ref(object);
    return 0;
}

static int give_reference(void *object, unsigned kind, const char *function)
{
    if (!check(object, kind, function))
        return -1;
    object_unref(object);
    return 0;
}

/* The object that another one belongs to, made once and kept by it. */
static void *parent_of(struct object *object, unsigned kind, const void *wire)
{
    pthread_mutex_lock(&texts);
    if (!object->parent)
        object->parent = object_new(object->conn, kind, wire);
    pthread_mutex_unlock(&texts);
    return object->parent;
}

/* The name stays the object's; a device has one parent for life. */
API const char *virNodeDeviceGetParent(virNodeDevicePtr dev)
{
    struct remote_node_device_get_parent_out out;
    struct remote_node_device_get_parent_in in;
    struct call call;
    char *text = NULL;

    if (!call_begin(&call, __func__, dev, OBJECT_NODE_DEVICE, PROCEDURE(remote, NODE_DEVICE_GET_PARENT)))
        return NULL;
    in.name = dev->wire.name;
    pthread_mutex_lock(&texts);
    if (!dev->object.text && call_run(&call, &in, &out) == 0)
        dev->object.text = mem_strdup(out.parent_name);
    text = dev->object.text;
    pthread_mutex_unlock(&texts);
    call_end(&call);
    return text;
}

static bool present(const void *argument, const char *name, const char *function, unsigned kind)
{
    if (!argument)
        error_argument(NULL, function, object_err_domain(kind), name, "must not be NULL");
    return argument;
}

/* Machines were first, with a message of their own. */
static void wrong_uuid(unsigned looked_for, const char *function)
{
    if (looked_for == OBJECT_DOMAIN)
        error_refuse(NULL, function, ERR_FROM_DOMAIN, "uuidstr", "Invalid UUID");
    else
        error_argument(NULL, function, object_err_domain(looked_for), "uuidstr", "must be a valid UUID");
}

/* clang-format off */

/* Counting. */
#define COUNTED(type, kind)                                                                                  \
    API int type##Ref(type##Ptr object) { return take_reference(object, kind, __func__); }                   \
    API int type##Free(type##Ptr object) { return give_reference(object, kind, __func__); }
COUNTED(virDomain, OBJECT_DOMAIN)
COUNTED(virDomainSnapshot, OBJECT_DOMAIN_SNAPSHOT)
COUNTED(virDomainCheckpoint, OBJECT_DOMAIN_CHECKPOINT)
COUNTED(virNetwork, OBJECT_NETWORK)
COUNTED(virNetworkPort, OBJECT_NETWORK_PORT)
COUNTED(virStoragePool, OBJECT_STORAGE_POOL)
COUNTED(virStorageVol, OBJECT_STORAGE_VOL)
COUNTED(virNodeDevice, OBJECT_NODE_DEVICE)
COUNTED(virSecret, OBJECT_SECRET)
COUNTED(virInterface, OBJECT_INTERFACE)
COUNTED(virNWFilter, OBJECT_NWFILTER)
COUNTED(virNWFilterBinding, OBJECT_NWFILTER_BINDING)
COUNTED(virStream, KIND_STREAM)

/* Whose it is. Borrowed: lives as long as the object. */
#define CONNECTED(function, type, kind)                                                                      \
    API virConnectPtr function(type##Ptr object) { return check(object, kind, __func__) ? object->object.conn : NULL; }
CONNECTED(virDomainGetConnect, virDomain, OBJECT_DOMAIN)
CONNECTED(virDomainSnapshotGetConnect, virDomainSnapshot, OBJECT_DOMAIN_SNAPSHOT)
CONNECTED(virDomainCheckpointGetConnect, virDomainCheckpoint, OBJECT_DOMAIN_CHECKPOINT)
CONNECTED(virNetworkGetConnect, virNetwork, OBJECT_NETWORK)
CONNECTED(virStoragePoolGetConnect, virStoragePool, OBJECT_STORAGE_POOL)
CONNECTED(virStorageVolGetConnect, virStorageVol, OBJECT_STORAGE_VOL)
CONNECTED(virSecretGetConnect, virSecret, OBJECT_SECRET)
CONNECTED(virInterfaceGetConnect, virInterface, OBJECT_INTERFACE)

#define PARENT(function, type, kind, parent_type, parent_kind, member)                                       \
    API parent_type##Ptr function(type##Ptr object)                                                          \
    { return check(object, kind, __func__) ? parent_of(&object->object, parent_kind, &object->wire.member) : NULL; }
PARENT(virDomainSnapshotGetDomain, virDomainSnapshot, OBJECT_DOMAIN_SNAPSHOT, virDomain, OBJECT_DOMAIN, dom)
PARENT(virDomainCheckpointGetDomain, virDomainCheckpoint, OBJECT_DOMAIN_CHECKPOINT, virDomain, OBJECT_DOMAIN, dom)
PARENT(virNetworkPortGetNetwork, virNetworkPort, OBJECT_NETWORK_PORT, virNetwork, OBJECT_NETWORK, net)

/* Names and other texts of the reference. */
#define TEXT(function, type, kind, member)                                                                   \
    API const char *function(type##Ptr object) { return check(object, kind, __func__) ? object->wire.member : NULL; }
TEXT(virDomainGetName, virDomain, OBJECT_DOMAIN, name)
TEXT(virDomainSnapshotGetName, virDomainSnapshot, OBJECT_DOMAIN_SNAPSHOT, name)
TEXT(virDomainCheckpointGetName, virDomainCheckpoint, OBJECT_DOMAIN_CHECKPOINT, name)
TEXT(virNetworkGetName, virNetwork, OBJECT_NETWORK, name)
TEXT(virStoragePoolGetName, virStoragePool, OBJECT_STORAGE_POOL, name)
TEXT(virStorageVolGetName, virStorageVol, OBJECT_STORAGE_VOL, name)
TEXT(virStorageVolGetKey, virStorageVol, OBJECT_STORAGE_VOL, key)
TEXT(virNodeDeviceGetName, virNodeDevice, OBJECT_NODE_DEVICE, name)
TEXT(virSecretGetUsageID, virSecret, OBJECT_SECRET, usage_id)
TEXT(virInterfaceGetName, virInterface, OBJECT_INTERFACE, name)
TEXT(virInterfaceGetMACString, virInterface, OBJECT_INTERFACE, mac)
TEXT(virNWFilterGetName, virNWFilter, OBJECT_NWFILTER, name)
TEXT(virNWFilterBindingGetPortDev, virNWFilterBinding, OBJECT_NWFILTER_BINDING, portdev)
TEXT(virNWFilterBindingGetFilterName, virNWFilterBinding, OBJECT_NWFILTER_BINDING, filtername)

/* UUIDs: as bytes, as text, and looking up by text. */
#define UUIDS(type, kind)                                                                                    \
    API int type##GetUUID(type##Ptr object, unsigned char *uuid)                                             \
    {                                                                                                        \
        if (!check(object, kind, __func__) || !present(uuid, "uuid", __func__, kind)) return -1;             \
        memcpy(uuid, object->wire.uuid, UUID_SIZE);                                                          \
        return 0;                                                                                            \
    }                                                                                                        \
    API int type##GetUUIDString(type##Ptr object, char *buf)                                                 \
    {                                                                                                        \
        if (!check(object, kind, __func__) || !present(buf, "buf", __func__, kind)) return -1;               \
        uuid_format(object->wire.uuid, buf);                                                                 \
        return 0;                                                                                            \
    }
#define UUID_LOOKUP(type, looked_for, parent_type, parent_kind)                                              \
    API type##Ptr type##LookupByUUIDString(parent_type##Ptr parent, const char *uuidstr)                     \
    {                                                                                                        \
        uint8_t uuid[UUID_SIZE];                                                                             \
        if (!check_for(parent, parent_kind, looked_for, __func__) || !present(uuidstr, "uuidstr", __func__, looked_for)) return NULL; \
        if (uuid_parse(uuidstr, uuid) == 0) return type##LookupByUUID(parent, uuid);                         \
        wrong_uuid(looked_for, __func__);                                                                    \
        return NULL;                                                                                         \
    }
UUIDS(virDomain, OBJECT_DOMAIN)
UUIDS(virNetwork, OBJECT_NETWORK)
UUIDS(virNetworkPort, OBJECT_NETWORK_PORT)
UUIDS(virStoragePool, OBJECT_STORAGE_POOL)
UUIDS(virSecret, OBJECT_SECRET)
UUIDS(virNWFilter, OBJECT_NWFILTER)
UUID_LOOKUP(virDomain, OBJECT_DOMAIN, virConnect, KIND_CONNECT)
UUID_LOOKUP(virNetwork, OBJECT_NETWORK, virConnect, KIND_CONNECT)
UUID_LOOKUP(virNetworkPort, OBJECT_NETWORK_PORT, virNetwork, OBJECT_NETWORK)
UUID_LOOKUP(virStoragePool, OBJECT_STORAGE_POOL, virConnect, KIND_CONNECT)
UUID_LOOKUP(virSecret, OBJECT_SECRET, virConnect, KIND_CONNECT)
UUID_LOOKUP(virNWFilter, OBJECT_NWFILTER, virConnect, KIND_CONNECT)

/* clang-format on */

API unsigned int virDomainGetID(virDomainPtr domain)
{
    return check(domain, OBJECT_DOMAIN, __func__) ? (unsigned int)domain->wire.id : (unsigned int)-1;
}

API int virSecretGetUsageType(virSecretPtr secret)
{
    return check(secret, OBJECT_SECRET, __func__) ? secret->wire.usage_type : -1;
}

API int virConnectRef(virConnectPtr conn)
{
    return take_reference(conn, KIND_CONNECT, __func__);
}

/* How many references are left: 0 when the connection is gone, 1 and more when others still hold it. */
API int virConnectClose(virConnectPtr conn)
{
    unsigned left;

    if (!check(conn, KIND_CONNECT, __func__))
        return -1;
    left = atomic_load(&conn->object.references) - 1;
    object_unref(conn);
    return left ? 1 : 0;
}

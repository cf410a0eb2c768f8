/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_TEST
#include "testdriver/find.h"

#include "testdriver/snapshot.h"
#include "testdriver/storage.h"
#include "testdriver/vm.h"

static void *find_vm(struct req *rq, const struct wire_domain *wire)
{
    struct vm *vm = thing_by_uuid(&rq->world->vms, wire->uuid);
    char uuid[UUID_TEXT];

    if (!vm)
        err_set(rq->err, ERR_NO_DOMAIN, "no domain with matching uuid '%s' (%s)",
                uuid_format(wire->uuid, uuid), wire->name);
    return vm;
}

static void *find_snapshot(struct req *rq, const struct wire_domain_snapshot *wire)
{
    struct vm *vm = find_vm(rq, &wire->dom);
    struct moment_node *snapshot = vm ? moment_find(&vm->snapshots, wire->name) : NULL;

    if (vm && !snapshot)
        err_set(rq->err, ERR_NO_DOMAIN_SNAPSHOT, "no domain snapshot with matching name '%s'", wire->name);
    return snapshot;
}

static void *find_checkpoint(struct req *rq, const struct wire_domain_checkpoint *wire)
{
    struct vm *vm = find_vm(rq, &wire->dom);
    struct moment_node *checkpoint = vm ? moment_find(&vm->checkpoints, wire->name) : NULL;

    if (vm && !checkpoint)
        err_set(rq->err, ERR_NO_DOMAIN_CHECKPOINT, "no domain checkpoint with matching name '%s'",
                wire->name);
    return checkpoint;
}

static void *find_network(struct req *rq, const struct wire_network *wire)
{
    void *network = thing_by_uuid(&rq->world->networks, wire->uuid);

    if (!network)
        err_set(rq->err, ERR_NO_NETWORK, "no network with matching name '%s'", wire->name);
    return network;
}

static void *find_interface(struct req *rq, const struct wire_interface *wire)
{
    void *interface = thing_by_name(&rq->world->interfaces, wire->name);

    if (!interface)
        err_set(rq->err, ERR_NO_INTERFACE, "no interface with matching name '%s'", wire->name);
    return interface;
}

static void *find_pool(struct req *rq, const struct wire_storage_pool *wire)
{
    void *pool = thing_by_uuid(&rq->world->pools, wire->uuid);

    if (!pool)
        err_set(rq->err, ERR_NO_STORAGE_POOL, "no storage pool with matching name '%s'", wire->name);
    return pool;
}

static void *find_volume(struct req *rq, const struct wire_storage_vol *wire)
{
    struct pool *pool = thing_by_name(&rq->world->pools, wire->pool);
    struct volume *volume;

    if (!pool) {
        err_set(rq->err, ERR_NO_STORAGE_POOL, "no storage pool with matching name '%s'", wire->pool);
        return NULL;
    }
    if (!pool->thing.active) {
        err_set(rq->err, ERR_OPERATION_INVALID, "storage pool '%s' is not active", wire->pool);
        return NULL;
    }
    volume = volume_by_name(pool, wire->name);
    if (!volume)
        err_set(rq->err, ERR_NO_STORAGE_VOL, "no storage vol with matching name '%s'", wire->name);
    return volume;
}

int find_object(struct req *rq, const struct procedure *procedure, const void *in, void **ret)
{
    const void *wire = (const char *)in + procedure->object_at;

    if (procedure->object_at == PROCEDURE_NOWHERE)
        return 0;
    switch (procedure->object) {
    case OBJECT_DOMAIN:
        *ret = find_vm(rq, wire);
        break;
    case OBJECT_DOMAIN_SNAPSHOT:
        *ret = find_snapshot(rq, wire);
        break;
    case OBJECT_DOMAIN_CHECKPOINT:
        *ret = find_checkpoint(rq, wire);
        break;
    case OBJECT_NETWORK:
        *ret = find_network(rq, wire);
        break;
    case OBJECT_INTERFACE:
        *ret = find_interface(rq, wire);
        break;
    case OBJECT_STORAGE_POOL:
        *ret = find_pool(rq, wire);
        break;
    case OBJECT_STORAGE_VOL:
        *ret = find_volume(rq, wire);
        break;
    default:
        return 0;
    }
    return *ret ? 0 : -1;
}

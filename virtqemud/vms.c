/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Vms. A persistent domain's entry in the store points to its struct vm while there is one; a vm leaves the
 * maps with its last reference. Running vms hold a reference on themselves.
 */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/vms.h"

#include "base/time.h"
#include "protocol/remote.h"
#include "virtqemud/qemud.h"
#include "virtqemud/run.h"

struct vms *vms_new(void)
{
    return NEW(struct vms);
}

void vms_free(struct vms *vms)
{
    for (uint32_t i = 0; i < vms->by_uuid.room; i++) {
        struct vm *vm = vms->by_uuid.slots[i].value;

        if (!vm)
            continue;
        if (vm->run)
            run_abandon(vm->run);
        if (vm->entry)
            vm->entry->object = NULL;
        free(vm->name);
        free(vm);
    }
    map_done(&vms->by_name);
    uuid_map_done(&vms->by_uuid);
    number_map_done(&vms->by_id);
    free(vms);
}

struct vm *vms_add(struct vms *vms, const char *name, const uint8_t *uuid)
{
    struct vm *vm = NEW(struct vm);

    vm->refs = 1;
    vm->id = -1;
    vm->name = mem_strdup(name);
    memcpy(vm->uuid, uuid, UUID_SIZE);
    vm->state = API_DOMAIN_SHUTOFF;
    uuid_map_put(&vms->by_uuid, vm->uuid, vm);
    map_put(&vms->by_name, vm->name, vm);
    return vm;
}

void vms_remove(struct vms *vms, struct vm *vm)
{
    uuid_map_remove(&vms->by_uuid, vm->uuid);
    map_remove(&vms->by_name, vm->name);
    if (vm->entry)
        vm->entry->object = NULL;
}

struct vm *vms_of_entry(struct vms *vms, struct store_entry *entry)
{
    struct vm *vm = entry->object;

    if (vm)
        return vm_ref(vm);
    vm = vms_add(vms, entry->name, entry->facts.uuid);
    vm->entry = entry;
    entry->object = vm;
    return vm;
}

/* Without a reference; an entry of the store when it isn't in memory. */
static struct vm *find_name(struct vms *vms, const char *name, struct store_entry **ret_entry)
{
    struct vm *vm = map_get(&vms->by_name, name);

    *ret_entry = vm ? vm->entry : store_find_name(qemud.store, name);
    return vm ? vm : *ret_entry ? (*ret_entry)->object : NULL;
}

static struct vm *find_uuid(struct vms *vms, const uint8_t *uuid, struct store_entry **ret_entry)
{
    struct vm *vm = uuid_map_get(&vms->by_uuid, uuid);

    *ret_entry = vm ? vm->entry : store_find_uuid(qemud.store, uuid);
    return vm ? vm : *ret_entry ? (*ret_entry)->object : NULL;
}

struct vm *vms_find_uuid(struct vms *vms, const uint8_t *uuid, const char *name, struct err *err)
{
    struct store_entry *entry;
    struct vm *vm = find_uuid(vms, uuid, &entry);
    char text[UUID_TEXT];

    if (vm)
        return vm_ref(vm);
    if (entry)
        return vms_of_entry(vms, entry);
    if (name)
        err_set(err, ERR_NO_DOMAIN, "no domain with matching uuid '%s' (%s)", uuid_format(uuid, text), name);
    else
        err_set(err, ERR_NO_DOMAIN, "no domain with matching uuid '%s'", uuid_format(uuid, text));
    return NULL;
}

struct vm *vms_find_name(struct vms *vms, const char *name, struct err *err)
{
    struct store_entry *entry;
    struct vm *vm = find_name(vms, name, &entry);

    if (vm)
        return vm_ref(vm);
    if (entry)
        return vms_of_entry(vms, entry);
    err_set(err, ERR_NO_DOMAIN, "no domain with matching name '%s'", name);
    return NULL;
}

struct vm *vms_find_id(struct vms *vms, int32_t id, struct err *err)
{
    struct vm *vm = id < 0 ? NULL : number_map_get(&vms->by_id, (uint64_t)id);

    if (vm)
        return vm_ref(vm);
    err_set(err, ERR_NO_DOMAIN, "no domain with matching id %d", id);
    return NULL;
}

int vms_check_free(struct vms *vms, const char *name, const uint8_t *uuid, bool must_be_inactive,
                   struct vm **ret, struct err *err)
{
    struct store_entry *entry, *other;
    struct vm *vm = find_uuid(vms, uuid, &entry);
    char text[UUID_TEXT];

    *ret = NULL;
    if (vm || entry) {
        const char *old = vm ? vm->name : entry->name;

        if (strcmp(old, name))
            return err_set(err, ERR_OPERATION_FAILED, "domain '%s' is already defined with uuid %s", old,
                           uuid_format(uuid, text));
        if (must_be_inactive && vm && vm->run)
            return err_set(err, ERR_OPERATION_INVALID,
                           vm_is_active(vm) ? "domain '%s' is already active"
                                            : "domain '%s' is already being started",
                           name);
        *ret = vm ? vm_ref(vm) : vms_of_entry(vms, entry);
        return 0;
    }
    vm = find_name(vms, name, &other);
    if (vm || other)
        return err_set(err, ERR_OPERATION_FAILED, "domain '%s' already exists with uuid %s", name,
                       uuid_format(vm ? vm->uuid : other->facts.uuid, text));
    return 0;
}

int32_t vms_next_id(struct vms *vms)
{
    do
        vms->last_id = vms->last_id == INT32_MAX ? 1 : vms->last_id + 1;
    while (number_map_get(&vms->by_id, (uint64_t)vms->last_id));
    return vms->last_id;
}

void vms_activate(struct vms *vms, struct vm *vm, int32_t id)
{
    vm->id = id;
    if (id > vms->last_id)
        vms->last_id = id;
    number_map_put(&vms->by_id, (uint64_t)id, vm_ref(vm));
}

void vms_deactivate(struct vms *vms, struct vm *vm)
{
    if (vm->id < 0 || !number_map_remove(&vms->by_id, (uint64_t)vm->id))
        return;
    vm->id = -1;
    vm_unref(vm);
}

void vms_renamed(struct vms *vms, struct vm *vm, const char *name)
{
    map_remove(&vms->by_name, vm->name);
    free(vm->name);
    vm->name = mem_strdup(name);
    map_put(&vms->by_name, vm->name, vm);
}

uint32_t vms_count(const struct vms *vms, bool running)
{
    return vms->by_id.count + (running ? 0 : (uint32_t)store_count(qemud.store));
}

uint32_t vms_count_inactive(const struct vms *vms)
{
    uint32_t count = (uint32_t)store_count(qemud.store);
    const struct vm *vm;

    MAP_FOREACH(&vms->by_id, vm)
        count -= vm_is_persistent(vm);
    return count;
}

/* First the running ones, then the store's other entries. */
bool vms_next(struct vms *vms, struct vms_cursor *cursor)
{
    const struct number_map *running = &vms->by_id;
    const struct map *entries = store_entries(qemud.store);

    while (cursor->at < running->room)
        if ((cursor->vm = running->slots[cursor->at++].value)) {
            cursor->entry = cursor->vm->entry;
            return true;
        }
    if (cursor->running)
        return false;
    while (cursor->at < running->room + entries->room)
        if ((cursor->entry = entries->slots[cursor->at++ - running->room].value)) {
            cursor->vm = cursor->entry->object;
            if (!cursor->vm || !vm_is_active(cursor->vm))
                return true;
        }
    return false;
}

static void *object_find(struct req *rq, const void *wire, struct err *err)
{
    const struct wire_domain *domain = wire;

    return vms_find_uuid(qemud.vms, domain->uuid, domain->name, err);
}

static void object_unref(void *object)
{
    vm_unref(object);
}

static struct job *object_job(void *object)
{
    return &((struct vm *)object)->job;
}

static void describe(struct arena *arena, const char *name, const uint8_t *uuid, struct acl_object *ret)
{
    char text[UUID_TEXT];

    ret->title = arena_printf(arena, "domain '%s'", name);
    ret->attributes[0] = (struct acl_attribute){"domain_name", name};
    ret->attributes[1] = (struct acl_attribute){"domain_uuid", arena_strdup(arena, uuid_format(uuid, text))};
    ret->count = 2;
}

static void object_describe(struct arena *arena, const void *object, struct acl_object *ret)
{
    const struct vm *vm = object;

    describe(arena, vm->name, vm->uuid, ret);
}

int vms_check_access(struct req *rq, const char *name, const uint8_t *uuid)
{
    struct acl_object object = {0};

    describe(&rq->arena, name, uuid, &object);
    return req_check_described(rq, &object);
}

const struct object_type vms_object_type = {object_find, object_unref, object_job, object_describe};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods that find domains. Lists touch the index alone; names are copied before anybody may wait for an
 * access check. */
#define ERR_FROM ERR_FROM_QEMU
#include <fcntl.h>

#include "access/acl.h"
#include "base/file.h"
#include "base/map.h"
#include "base/str.h"
#include "virtqemud/method.h"
#include "virtqemud/qemud.h"

/* Pairs of filter bits: a group without a bit set lets everything through. */
enum {
    GROUP_ACTIVE = API_CONNECT_LIST_DOMAINS_ACTIVE | API_CONNECT_LIST_DOMAINS_INACTIVE,
    GROUP_PERSISTENT = API_CONNECT_LIST_DOMAINS_PERSISTENT | API_CONNECT_LIST_DOMAINS_TRANSIENT,
    GROUP_STATE = API_CONNECT_LIST_DOMAINS_RUNNING | API_CONNECT_LIST_DOMAINS_PAUSED |
                  API_CONNECT_LIST_DOMAINS_SHUTOFF | API_CONNECT_LIST_DOMAINS_OTHER,
    GROUP_SAVED = API_CONNECT_LIST_DOMAINS_MANAGEDSAVE | API_CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE,
    GROUP_AUTOSTART = API_CONNECT_LIST_DOMAINS_AUTOSTART | API_CONNECT_LIST_DOMAINS_NO_AUTOSTART,
    GROUP_SNAPSHOT = API_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT | API_CONNECT_LIST_DOMAINS_NO_SNAPSHOT,
    GROUP_CHECKPOINT = API_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT | API_CONNECT_LIST_DOMAINS_NO_CHECKPOINT,
    GROUP_ALL = GROUP_ACTIVE | GROUP_PERSISTENT | GROUP_STATE | GROUP_SAVED | GROUP_AUTOSTART |
                GROUP_SNAPSHOT | GROUP_CHECKPOINT,
};

/* The filter bits that are true of a domain, snapshots and saved images aside. */
static unsigned traits(const struct vms_cursor *at)
{
    const struct vm *vm = at->vm;
    unsigned traits = 0;

    traits |= vm && vm_is_active(vm) ? API_CONNECT_LIST_DOMAINS_ACTIVE : API_CONNECT_LIST_DOMAINS_INACTIVE;
    traits |= at->entry ? API_CONNECT_LIST_DOMAINS_PERSISTENT : API_CONNECT_LIST_DOMAINS_TRANSIENT;
    switch (vm ? vm->state : API_DOMAIN_SHUTOFF) {
    case API_DOMAIN_RUNNING:
        traits |= API_CONNECT_LIST_DOMAINS_RUNNING;
        break;
    case API_DOMAIN_PAUSED:
        traits |= API_CONNECT_LIST_DOMAINS_PAUSED;
        break;
    case API_DOMAIN_SHUTOFF:
        traits |= API_CONNECT_LIST_DOMAINS_SHUTOFF;
        break;
    default:
        traits |= API_CONNECT_LIST_DOMAINS_OTHER;
        break;
    }
    traits |= at->entry && at->entry->autostart ? API_CONNECT_LIST_DOMAINS_AUTOSTART
                                                : API_CONNECT_LIST_DOMAINS_NO_AUTOSTART;
    /* snapshots and checkpoints can't be made yet, so nothing has one */
    return traits | API_CONNECT_LIST_DOMAINS_NO_SNAPSHOT | API_CONNECT_LIST_DOMAINS_NO_CHECKPOINT;
}

static bool passes(unsigned traits, unsigned flags)
{
    static const unsigned groups[] = {GROUP_ACTIVE,    GROUP_PERSISTENT, GROUP_STATE,     GROUP_SAVED,
                                      GROUP_AUTOSTART, GROUP_SNAPSHOT,   GROUP_CHECKPOINT};

    for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
        if ((flags & groups[i]) && !(flags & groups[i] & traits))
            return false;
    return true;
}

/* The names that have a saved image, read from the directory once; the keys stay in *ret_names. */
static void find_saved(struct map *saved, char ***ret_names)
{
    if (file_list(AT_FDCWD, qemud.dirs.save, ret_names) < 0)
        return;
    for (char **name = *ret_names; *name; name++)
        if (str_ends(*name, ".save")) {
            (*name)[strlen(*name) - 5] = 0;
            map_put(saved, *name, *name);
        }
}

static void list_add(struct req *rq, struct found_domains *list, const struct vms_cursor *at)
{
    struct wire_domain *to = &list->v[list->count++];

    to->name = arena_strdup(&rq->arena, at->vm ? at->vm->name : at->entry->name);
    memcpy(to->uuid, at->vm ? at->vm->uuid : at->entry->facts.uuid, UUID_SIZE);
    to->id = at->vm ? at->vm->id : -1;
}

/* Drop what the caller may not see. */
static void list_filter_acl(struct req *rq, struct found_domains *list, const char *permission)
{
    uint32_t kept = 0;

    if (!acl_asks(rq))
        return;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct wire_domain *dom = &list->v[i];
        char uuid[UUID_TEXT];
        struct acl_object object = {.title = dom->name, .count = 2};

        object.attributes[0] = (struct acl_attribute){"domain_name", dom->name};
        object.attributes[1] = (struct acl_attribute){"domain_uuid", uuid_format(dom->uuid, uuid)};
        if (acl_allows(rq, "domain", permission, &object))
            list->v[kept++] = *dom;
    }
    list->count = kept;
}

struct found_domains method_find(struct req *rq, unsigned flags, const char *permission)
{
    struct found_domains list = {0};
    struct vms_cursor at = {.running = (flags & GROUP_ACTIVE) == API_CONNECT_LIST_DOMAINS_ACTIVE};
    struct map saved = {0};
    auto_strv char **names = NULL;

    if (!at.running)
        store_load_list(qemud.store);
    if (flags & GROUP_SAVED)
        find_saved(&saved, &names);
    list.v = ARENA_ARRAY(&rq->arena, struct wire_domain, vms_count(qemud.vms, at.running));
    while (vms_next(qemud.vms, &at)) {
        unsigned is = traits(&at);

        if (flags & GROUP_SAVED)
            is |= map_get(&saved, at.vm ? at.vm->name : at.entry->name)
                      ? API_CONNECT_LIST_DOMAINS_MANAGEDSAVE
                      : API_CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE;
        if (passes(is, flags))
            list_add(rq, &list, &at);
    }
    map_done(&saved);
    list_filter_acl(rq, &list, permission);
    return list;
}

struct found_domains method_find_named(struct req *rq, const struct wire_domain *names, uint32_t count,
                                       const char *permission)
{
    struct found_domains list = {.v = ARENA_ARRAY(&rq->arena, struct wire_domain, count)};

    for (uint32_t i = 0; i < count; i++) {
        auto_vm struct vm *vm = vms_find_uuid(qemud.vms, names[i].uuid, NULL, NULL);

        if (vm)
            list_add(rq, &list, &(struct vms_cursor){.vm = vm, .entry = vm->entry});
    }
    list_filter_acl(rq, &list, permission);
    return list;
}

static struct found_domains find(struct req *rq, unsigned flags)
{
    return method_find(rq, flags, "getattr");
}

static int m_list_all(struct req *rq, struct client *client,
                      const struct remote_connect_list_all_domains_in *in,
                      struct remote_connect_list_all_domains_out *out)
{
    struct found_domains list;

    if (method_flags(rq, in->flags, GROUP_ALL) < 0)
        return -1;
    list = find(rq, in->flags);
    out->ret = list.count;
    if (in->need_results) {
        out->domains.n = list.count;
        out->domains.v = list.v;
    }
    return 0;
}

static int m_num_active(struct req *rq, struct client *client,
                        const struct remote_connect_num_of_domains_in *in,
                        struct remote_connect_num_of_domains_out *out)
{
    out->num = (int32_t)find(rq, API_CONNECT_LIST_DOMAINS_ACTIVE).count;
    return 0;
}

static int m_num_defined(struct req *rq, struct client *client,
                         const struct remote_connect_num_of_defined_domains_in *in,
                         struct remote_connect_num_of_defined_domains_out *out)
{
    store_load_list(qemud.store);
    out->num = (int32_t)(acl_asks(rq) ? find(rq, API_CONNECT_LIST_DOMAINS_INACTIVE).count
                                      : vms_count_inactive(qemud.vms));
    return 0;
}

static int m_list_active(struct req *rq, struct client *client,
                         const struct remote_connect_list_domains_in *in,
                         struct remote_connect_list_domains_out *out)
{
    struct found_domains list = find(rq, API_CONNECT_LIST_DOMAINS_ACTIVE);

    out->ids.v = ARENA_ARRAY(&rq->arena, int32_t, list.count + 1);
    for (uint32_t i = 0; i < list.count && (int64_t)i < in->maxids; i++)
        out->ids.v[out->ids.n++] = list.v[i].id;
    return 0;
}

static int m_list_defined(struct req *rq, struct client *client,
                          const struct remote_connect_list_defined_domains_in *in,
                          struct remote_connect_list_defined_domains_out *out)
{
    struct found_domains list = find(rq, API_CONNECT_LIST_DOMAINS_INACTIVE);

    out->names.v = ARENA_ARRAY(&rq->arena, char *, list.count + 1);
    for (uint32_t i = 0; i < list.count && (int64_t)i < in->maxnames; i++)
        out->names.v[out->names.n++] = list.v[i].name;
    return 0;
}

/* A lookup's result must be visible to the caller; the row's check had no object yet. */
static int found(struct req *rq, struct vm *vm, struct wire_domain *ret)
{
    int r;

    if (!vm)
        return -1;
    r = req_check(rq, OBJECT_DOMAIN, vm);
    if (r == 0)
        *ret = method_reference(rq, vm);
    vm_unref(vm);
    return r;
}

static int m_by_id(struct req *rq, struct client *client, const struct remote_domain_lookup_by_id_in *in,
                   struct remote_domain_lookup_by_id_out *out)
{
    return found(rq, vms_find_id(qemud.vms, in->id, &rq->err), &out->dom);
}

static int m_by_name(struct req *rq, struct client *client, const struct remote_domain_lookup_by_name_in *in,
                     struct remote_domain_lookup_by_name_out *out)
{
    return found(rq, vms_find_name(qemud.vms, in->name, &rq->err), &out->dom);
}

static int m_by_uuid(struct req *rq, struct client *client, const struct remote_domain_lookup_by_uuid_in *in,
                     struct remote_domain_lookup_by_uuid_out *out)
{
    return found(rq, vms_find_uuid(qemud.vms, in->uuid, NULL, &rq->err), &out->dom);
}

const struct method list_methods[] = {
    METHOD(remote, CONNECT_LIST_ALL_DOMAINS, m_list_all),
    METHOD(remote, CONNECT_NUM_OF_DOMAINS, m_num_active),
    METHOD(remote, CONNECT_NUM_OF_DEFINED_DOMAINS, m_num_defined),
    METHOD(remote, CONNECT_LIST_DOMAINS, m_list_active),
    METHOD(remote, CONNECT_LIST_DEFINED_DOMAINS, m_list_defined),
    METHOD(remote, DOMAIN_LOOKUP_BY_ID, m_by_id),
    METHOD(remote, DOMAIN_LOOKUP_BY_NAME, m_by_name),
    METHOD(remote, DOMAIN_LOOKUP_BY_UUID, m_by_uuid),
    {0},
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods that find machines. */
#define ERR_FROM ERR_FROM_TEST
#include "testdriver/list.h"

#define BOTH(name) (VIR_CONNECT_LIST_DOMAINS_##name)

static const unsigned groups[] = {BOTH(ACTIVE) | BOTH(INACTIVE),
                                  BOTH(PERSISTENT) | BOTH(TRANSIENT),
                                  BOTH(RUNNING) | BOTH(PAUSED) | BOTH(SHUTOFF) | BOTH(OTHER),
                                  BOTH(MANAGEDSAVE) | BOTH(NO_MANAGEDSAVE),
                                  BOTH(AUTOSTART) | BOTH(NO_AUTOSTART),
                                  BOTH(HAS_SNAPSHOT) | BOTH(NO_SNAPSHOT),
                                  BOTH(HAS_CHECKPOINT) | BOTH(NO_CHECKPOINT)};
enum {
    ALL_FILTERS = BOTH(ACTIVE) | BOTH(INACTIVE) | BOTH(PERSISTENT) | BOTH(TRANSIENT) | BOTH(RUNNING) |
                  BOTH(PAUSED) | BOTH(SHUTOFF) | BOTH(OTHER) | BOTH(MANAGEDSAVE) | BOTH(NO_MANAGEDSAVE) |
                  BOTH(AUTOSTART) | BOTH(NO_AUTOSTART) | BOTH(HAS_SNAPSHOT) | BOTH(NO_SNAPSHOT) |
                  BOTH(HAS_CHECKPOINT) | BOTH(NO_CHECKPOINT)
};

static unsigned traits(const struct vm *vm)
{
    unsigned state = vm->state == VIR_DOMAIN_RUNNING   ? BOTH(RUNNING)
                     : vm->state == VIR_DOMAIN_PAUSED  ? BOTH(PAUSED)
                     : vm->state == VIR_DOMAIN_SHUTOFF ? BOTH(SHUTOFF)
                                                       : BOTH(OTHER);

    return state | either(vm_active(vm), BOTH(ACTIVE), BOTH(INACTIVE)) |
           either(vm->thing.persistent, BOTH(PERSISTENT), BOTH(TRANSIENT)) |
           either(vm->managed_save, BOTH(MANAGEDSAVE), BOTH(NO_MANAGEDSAVE)) |
           either(vm->thing.autostart, BOTH(AUTOSTART), BOTH(NO_AUTOSTART)) |
           either(!list_empty(&vm->snapshots), BOTH(HAS_SNAPSHOT), BOTH(NO_SNAPSHOT)) |
           either(!list_empty(&vm->checkpoints), BOTH(HAS_CHECKPOINT), BOTH(NO_CHECKPOINT));
}

struct found_vms vms_find(struct req *rq, unsigned filter)
{
    struct found_vms found = {0};
    struct vm *vm;

    LIST_FOREACH(&rq->world->vms, vm, thing.link)
        if (list_passes(traits(vm), filter, groups, ARRAY_SIZE(groups))) {
            found.v = arena_grow(rq->arena, found.v, found.n, sizeof(*found.v));
            found.v[found.n++] = vm;
        }
    return found;
}

static int m_list_all(struct req *rq, struct client *client,
                      const struct remote_connect_list_all_domains_in *in,
                      struct remote_connect_list_all_domains_out *out)
{
    struct found_vms found = vms_find(rq, in->flags);

    out->domains.v = ARENA_ARRAY(rq->arena, struct wire_domain, found.n);
    for (uint32_t i = 0; in->need_results && i < found.n; i++)
        out->domains.v[out->domains.n++] = vm_wire(found.v[i]);
    out->ret = found.n;
    return 0;
}

static int m_num(struct req *rq, struct client *client, const struct remote_connect_num_of_domains_in *in,
                 struct remote_connect_num_of_domains_out *out)
{
    out->num = (int32_t)vms_find(rq, BOTH(ACTIVE)).n;
    return 0;
}

static int m_num_defined(struct req *rq, struct client *client,
                         const struct remote_connect_num_of_defined_domains_in *in,
                         struct remote_connect_num_of_defined_domains_out *out)
{
    out->num = (int32_t)vms_find(rq, BOTH(INACTIVE)).n;
    return 0;
}

static int m_list(struct req *rq, struct client *client, const struct remote_connect_list_domains_in *in,
                  struct remote_connect_list_domains_out *out)
{
    struct found_vms found = vms_find(rq, BOTH(ACTIVE));

    out->ids.v = ARENA_ARRAY(rq->arena, int32_t, found.n);
    for (uint32_t i = 0; i < found.n && (int64_t)i < in->maxids; i++)
        out->ids.v[out->ids.n++] = found.v[i]->id;
    return 0;
}

static int m_list_defined(struct req *rq, struct client *client,
                          const struct remote_connect_list_defined_domains_in *in,
                          struct remote_connect_list_defined_domains_out *out)
{
    struct found_vms found = vms_find(rq, BOTH(INACTIVE));

    out->names.v = ARENA_ARRAY(rq->arena, char *, found.n);
    for (uint32_t i = 0; i < found.n && (int64_t)i < in->maxnames; i++)
        out->names.v[out->names.n++] = found.v[i]->thing.name;
    return 0;
}

static int m_by_id(struct req *rq, struct client *client, const struct remote_domain_lookup_by_id_in *in,
                   struct remote_domain_lookup_by_id_out *out)
{
    struct vm *vm;

    LIST_FOREACH(&rq->world->vms, vm, thing.link)
        if (vm_active(vm) && vm->id == in->id) {
            out->dom = vm_wire(vm);
            return 0;
        }
    return fail_plain(rq, ERR_NO_DOMAIN);
}

static int m_by_name(struct req *rq, struct client *client, const struct remote_domain_lookup_by_name_in *in,
                     struct remote_domain_lookup_by_name_out *out)
{
    struct vm *vm = thing_by_name(&rq->world->vms, in->name);

    if (!vm)
        return fail_plain(rq, ERR_NO_DOMAIN);
    out->dom = vm_wire(vm);
    return 0;
}

static int m_by_uuid(struct req *rq, struct client *client, const struct remote_domain_lookup_by_uuid_in *in,
                     struct remote_domain_lookup_by_uuid_out *out)
{
    struct vm *vm = thing_by_uuid(&rq->world->vms, in->uuid);

    if (!vm)
        return fail_plain(rq, ERR_NO_DOMAIN);
    out->dom = vm_wire(vm);
    return 0;
}

const struct method list_methods[] = {
    METHOD(remote, CONNECT_LIST_ALL_DOMAINS, m_list_all, ALL_FILTERS),
    METHOD(remote, CONNECT_NUM_OF_DOMAINS, m_num),
    METHOD(remote, CONNECT_NUM_OF_DEFINED_DOMAINS, m_num_defined),
    METHOD(remote, CONNECT_LIST_DOMAINS, m_list),
    METHOD(remote, CONNECT_LIST_DEFINED_DOMAINS, m_list_defined),
    METHOD(remote, DOMAIN_LOOKUP_BY_ID, m_by_id),
    METHOD(remote, DOMAIN_LOOKUP_BY_NAME, m_by_name),
    METHOD(remote, DOMAIN_LOOKUP_BY_UUID, m_by_uuid),
    {0},
};

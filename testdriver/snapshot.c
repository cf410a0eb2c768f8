/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods of snapshots. */
#define ERR_FROM ERR_FROM_TEST
#include "testdriver/snapshot.h"

#include "testdriver/event.h"

#define FILTER(name) (VIR_DOMAIN_SNAPSHOT_LIST_##name)

static const unsigned groups[] = {FILTER(METADATA) | FILTER(NO_METADATA), FILTER(LEAVES) | FILTER(NO_LEAVES),
                                  FILTER(INACTIVE) | FILTER(ACTIVE) | FILTER(DISK_ONLY),
                                  FILTER(INTERNAL) | FILTER(EXTERNAL)};
enum { ALL_FILTERS = 0x7ff };

static struct wire_domain_snapshot wire(const struct moment_node *node)
{
    return (struct wire_domain_snapshot){.name = node->def->name, .dom = vm_wire(node->vm)};
}

static bool is_external(const struct moment *def)
{
    if (def->memory == LOCATION_EXTERNAL)
        return true;
    for (size_t i = 0; i < def->n_disks; i++)
        if (def->disks[i]->location == LOCATION_EXTERNAL)
            return true;
    return false;
}

static unsigned traits(const struct moment_tree *tree, const struct moment_node *node, struct arena *arena)
{
    bool leaf = moment_below(tree, node, /* deep= */ false, arena).n == 0;
    int state = node->def->state;

    return FILTER(METADATA) | either(leaf, FILTER(LEAVES), FILTER(NO_LEAVES)) |
           (state == MOMENT_SHUTOFF     ? FILTER(INACTIVE)
            : state == MOMENT_DISK_ONLY ? FILTER(DISK_ONLY)
                                        : FILTER(ACTIVE)) |
           either(is_external(node->def), FILTER(EXTERNAL), FILTER(INTERNAL));
}

/* The first bit means: all, for what is below a snapshot; only roots, for a machine. */
static struct found_moments find(struct req *rq, struct vm *vm, const struct moment_node *from,
                                 unsigned flags)
{
    struct moment_tree tree = moment_tree(vm, false);
    bool first = flags & FILTER(ROOTS);
    struct found_moments found = moment_below(&tree, from, from ? first : !first, rq->arena), kept = found;

    kept.n = 0;
    for (uint32_t i = 0; i < found.n; i++)
        if (list_passes(traits(&tree, found.v[i], rq->arena), flags, groups, ARRAY_SIZE(groups)))
            kept.v[kept.n++] = found.v[i];
    return kept;
}

/* ---- making one ---- */

static int prepare(struct req *rq, struct vm *vm, struct moment *def, struct arena *arena, bool redefine)
{
    if (moment_settle(def, redefine, arena, rq->err) < 0)
        return -1;
    if (redefine && def->state < 0)
        return err_set_from(rq->err, ERR_FROM_DOMAIN_SNAPSHOT, ERR_XML_ERROR,
                            "missing state from existing snapshot");
    if (redefine && !def->domain)
        return err_set_from(rq->err, ERR_FROM_DOMAIN_SNAPSHOT, ERR_INTERNAL_ERROR,
                            "missing domain in snapshot");
    if (redefine)
        return 0;
    def->domain = domain_copy(arena, vm->def->domain);
    def->state = vm->state;
    if (!def->memory)
        def->memory = vm_active(vm) ? LOCATION_INTERNAL : LOCATION_NO;
    return moment_align(def, arena, /* checkpoint= */ false, LOCATION_INTERNAL, rq->err);
}

/* Put back: it takes the place of the one with that name. */
static void replace(const struct moment_tree *tree, struct moment_node *node)
{
    struct moment_node *old = moment_find(tree->list, node->def->name);

    if (!old)
        return;
    if (*tree->current == old)
        *tree->current = NULL;
    node->def->active = true;
    list_remove(&old->link);
    moment_free(old);
}

static int m_create(struct req *rq, struct vm *vm, const struct remote_domain_snapshot_create_xml_in *in,
                    struct remote_domain_snapshot_create_xml_out *out)
{
    struct moment_tree tree = moment_tree(vm, false);
    bool redefine = in->flags & VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE, was_current;
    bool current = !redefine || (in->flags & VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT);
    struct moment_node *node;

    if (!list_empty(&vm->checkpoints))
        return err_set(rq->err, ERR_OPERATION_UNSUPPORTED, "cannot create snapshot while checkpoint exists");
    if (!vm->thing.persistent && (in->flags & VIR_DOMAIN_SNAPSHOT_CREATE_HALT))
        return err_set(rq->err, ERR_OPERATION_INVALID, "cannot halt after transient domain snapshot");
    node = moment_new(vm);
    node->def = moment_parse(
        &node->arena, in->xml_desc, false, redefine,
        DOMAIN_PARSE_INACTIVE | (in->flags & VIR_DOMAIN_SNAPSHOT_CREATE_VALIDATE ? DOMAIN_PARSE_VALIDATE : 0),
        &vm_policy, rq->err);
    if (!node->def || prepare(rq, vm, node->def, &node->arena, redefine) < 0)
        goto failed;
    was_current = vm->current_snapshot && str_eq(vm->current_snapshot->def->name, node->def->name);
    if (redefine)
        replace(&tree, node);
    else if (vm->current_snapshot)
        node->def->parent = arena_strdup(&node->arena, vm->current_snapshot->def->name);
    if (moment_add(&tree, node, rq->err) < 0)
        goto failed;
    if (current || was_current)
        vm->current_snapshot = node;
    if (!redefine && (in->flags & VIR_DOMAIN_SNAPSHOT_CREATE_HALT) && vm_active(vm)) {
        vm_stop(vm, VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT);
        event_lifecycle(rq, vm, VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT);
    }
    out->snap = wire(node); /* its machine's name may be another definition's now */
    return 0;

failed:
    moment_free(node);
    return -1;
}

/* ---- looking ---- */

static int m_xml(struct req *rq, struct snapshot *snapshot,
                 const struct remote_domain_snapshot_get_xml_desc_in *in,
                 struct remote_domain_snapshot_get_xml_desc_out *out)
{
    auto_buf struct buf text = {0};

    moment_format(&text, snapshot->node.def, false, true,
                  DOMAIN_FORMAT_INACTIVE |
                      (in->flags & VIR_DOMAIN_SNAPSHOT_XML_SECURE ? DOMAIN_FORMAT_SECURE : 0));
    out->xml = arena_strdup(rq->arena, buf_text(&text));
    return 0;
}

static int m_num(struct req *rq, struct vm *vm, const struct remote_domain_snapshot_num_in *in,
                 struct remote_domain_snapshot_num_out *out)
{
    out->num = (int32_t)find(rq, vm, NULL, in->flags).n;
    return 0;
}

static int m_num_children(struct req *rq, struct snapshot *snapshot,
                          const struct remote_domain_snapshot_num_children_in *in,
                          struct remote_domain_snapshot_num_children_out *out)
{
    out->num = (int32_t)find(rq, snapshot->node.vm, &snapshot->node, in->flags).n;
    return 0;
}

static uint32_t names_of(struct req *rq, const struct found_moments *found, int max, char ***ret)
{
    uint32_t n = found->n < (uint32_t)(max < 0 ? 0 : max) ? found->n : (uint32_t)(max < 0 ? 0 : max);

    *ret = ARENA_ARRAY(rq->arena, char *, n);
    for (uint32_t i = 0; i < n; i++)
        (*ret)[i] = found->v[i]->def->name;
    return n;
}

static int m_names(struct req *rq, struct vm *vm, const struct remote_domain_snapshot_list_names_in *in,
                   struct remote_domain_snapshot_list_names_out *out)
{
    struct found_moments found = find(rq, vm, NULL, in->flags);

    out->names.n = names_of(rq, &found, in->maxnames, &out->names.v);
    return 0;
}

static int m_children_names(struct req *rq, struct snapshot *snapshot,
                            const struct remote_domain_snapshot_list_children_names_in *in,
                            struct remote_domain_snapshot_list_children_names_out *out)
{
    struct found_moments found = find(rq, snapshot->node.vm, &snapshot->node, in->flags);

    out->names.n = names_of(rq, &found, in->maxnames, &out->names.v);
    return 0;
}

static struct wire_domain_snapshot *wires(struct req *rq, const struct found_moments *found)
{
    struct wire_domain_snapshot *v = ARENA_ARRAY(rq->arena, struct wire_domain_snapshot, found->n);

    for (uint32_t i = 0; i < found->n; i++)
        v[i] = wire(found->v[i]);
    return v;
}

static int m_list_all(struct req *rq, struct vm *vm, const struct remote_domain_list_all_snapshots_in *in,
                      struct remote_domain_list_all_snapshots_out *out)
{
    struct found_moments found = find(rq, vm, NULL, in->flags);

    out->ret = (int32_t)found.n;
    out->snapshots.n = in->need_results ? found.n : 0;
    out->snapshots.v = wires(rq, &found);
    return 0;
}

static int m_list_children(struct req *rq, struct snapshot *snapshot,
                           const struct remote_domain_snapshot_list_all_children_in *in,
                           struct remote_domain_snapshot_list_all_children_out *out)
{
    struct found_moments found = find(rq, snapshot->node.vm, &snapshot->node, in->flags);

    out->ret = (int32_t)found.n;
    out->snapshots.n = in->need_results ? found.n : 0;
    out->snapshots.v = wires(rq, &found);
    return 0;
}

static int m_lookup(struct req *rq, struct vm *vm, const struct remote_domain_snapshot_lookup_by_name_in *in,
                    struct remote_domain_snapshot_lookup_by_name_out *out)
{
    struct moment_node *node = moment_find(&vm->snapshots, in->name);

    if (!node)
        return err_set(rq->err, ERR_NO_DOMAIN_SNAPSHOT, "no domain snapshot with matching name '%s'",
                       in->name);
    out->snap = wire(node);
    return 0;
}

static int m_has_current(struct req *rq, struct vm *vm,
                         const struct remote_domain_has_current_snapshot_in *in,
                         struct remote_domain_has_current_snapshot_out *out)
{
    out->result = vm->current_snapshot != NULL;
    return 0;
}

static int m_current(struct req *rq, struct vm *vm, const struct remote_domain_snapshot_current_in *in,
                     struct remote_domain_snapshot_current_out *out)
{
    if (!vm->current_snapshot)
        return err_set(rq->err, ERR_NO_DOMAIN_SNAPSHOT, "the domain does not have a current snapshot");
    out->snap = wire(vm->current_snapshot);
    return 0;
}

static int m_parent(struct req *rq, struct snapshot *snapshot,
                    const struct remote_domain_snapshot_get_parent_in *in,
                    struct remote_domain_snapshot_get_parent_out *out)
{
    const struct moment *def = snapshot->node.def;
    struct moment_node *parent = def->parent ? moment_find(&snapshot->node.vm->snapshots, def->parent) : NULL;

    if (!parent)
        return err_set(rq->err, ERR_NO_DOMAIN_SNAPSHOT, "snapshot '%s' does not have a parent", def->name);
    out->snap = wire(parent);
    return 0;
}

static int m_is_current(struct req *rq, struct snapshot *snapshot,
                        const struct remote_domain_snapshot_is_current_in *in,
                        struct remote_domain_snapshot_is_current_out *out)
{
    out->current = snapshot->node.vm->current_snapshot == &snapshot->node;
    return 0;
}

static int m_has_metadata(struct req *rq, struct snapshot *snapshot,
                          const struct remote_domain_snapshot_has_metadata_in *in,
                          struct remote_domain_snapshot_has_metadata_out *out)
{
    out->metadata = 1;
    return 0;
}

static int m_delete(struct req *rq, struct snapshot *snapshot,
                    const struct remote_domain_snapshot_delete_in *in,
                    struct remote_domain_snapshot_delete_out *out)
{
    struct moment_tree tree = moment_tree(snapshot->node.vm, false);
    bool only = in->flags & VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY;

    moment_delete(&tree, &snapshot->node, only || (in->flags & VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN), !only);
    return 0;
}

/* ---- going back ---- */

static void stopped(struct req *rq, struct vm *vm)
{
    vm_stop(vm, VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT);
    event_lifecycle(rq, vm, VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT);
}

static void started(struct req *rq, struct vm *vm)
{
    vm_start(rq->world, vm, VIR_DOMAIN_RUNNING_FROM_SNAPSHOT);
    event_lifecycle(rq, vm, VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_FROM_SNAPSHOT);
}

static void set_definition(struct vm *vm, const struct domain *domain)
{
    struct doc **place = vm_active(vm) ? &vm->newdef : &vm->def, *old = *place;

    *place = doc_copy(domain);
    doc_free(old);
    vm_renamed(vm);
}

/* To a moment at which it ran. */
static int revert_running(struct req *rq, struct vm *vm, const struct moment *def, unsigned flags)
{
    bool paused = flags & VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED ||
                  (def->state == VIR_DOMAIN_PAUSED && !(flags & VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING));

    if (vm_active(vm) && !(flags & VIR_DOMAIN_SNAPSHOT_REVERT_FORCE) &&
        domain_abi_compare(vm->def->domain, def->domain, rq->err) < 0) {
        rq->err->code = ERR_SNAPSHOT_REVERT_RISKY;
        return -1;
    }
    if (vm_active(vm))
        stopped(rq, vm);
    set_definition(vm, def->domain);
    started(rq, vm);
    if (paused) {
        vm->state = VIR_DOMAIN_PAUSED;
        vm->reason = VIR_DOMAIN_PAUSED_FROM_SNAPSHOT;
        event_lifecycle(rq, vm, VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_FROM_SNAPSHOT);
    }
    return 0;
}

static void revert_inactive(struct req *rq, struct vm *vm, const struct moment *def, unsigned flags)
{
    if (vm_active(vm))
        stopped(rq, vm);
    set_definition(vm, def->domain);
    if (!(flags & (VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING | VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED)))
        return;
    started(rq, vm);
    if (flags & VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED) {
        vm->state = VIR_DOMAIN_PAUSED;
        vm->reason = VIR_DOMAIN_PAUSED_FROM_SNAPSHOT;
        event_lifecycle(rq, vm, VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_FROM_SNAPSHOT);
    }
}

static int m_revert(struct req *rq, struct snapshot *snapshot,
                    const struct remote_domain_revert_to_snapshot_in *in,
                    struct remote_domain_revert_to_snapshot_out *out)
{
    struct vm *vm = snapshot->node.vm;
    const struct moment *def = snapshot->node.def;
    bool ran = def->state == VIR_DOMAIN_RUNNING || def->state == VIR_DOMAIN_PAUSED;
    bool start = in->flags & (VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING | VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED);

    if (!vm->thing.persistent && !ran && !start)
        return err_set(rq->err, ERR_OPERATION_INVALID,
                       "transient domain needs to request run or pause to revert to inactive snapshot");
    if (!(in->flags & VIR_DOMAIN_SNAPSHOT_REVERT_FORCE) && vm_active(vm) && !ran && start)
        return err_set(rq->err, ERR_SNAPSHOT_REVERT_RISKY, "must respawn guest to start inactive snapshot");
    if (ran) {
        if (revert_running(rq, vm, def, in->flags) < 0)
            return -1;
    } else {
        revert_inactive(rq, vm, def, in->flags);
    }
    vm->current_snapshot = &snapshot->node;
    return 0;
}

const struct method snapshot_methods[] = {
    METHOD(remote, DOMAIN_SNAPSHOT_CREATE_XML, m_create, 0x3cb),
    METHOD(remote, DOMAIN_SNAPSHOT_GET_XML_DESC, m_xml, VIR_DOMAIN_SNAPSHOT_XML_SECURE),
    METHOD(remote, DOMAIN_SNAPSHOT_NUM, m_num, ALL_FILTERS),
    METHOD(remote, DOMAIN_SNAPSHOT_NUM_CHILDREN, m_num_children, ALL_FILTERS),
    METHOD(remote, DOMAIN_SNAPSHOT_LIST_NAMES, m_names, ALL_FILTERS),
    METHOD(remote, DOMAIN_SNAPSHOT_LIST_CHILDREN_NAMES, m_children_names, ALL_FILTERS),
    METHOD(remote, DOMAIN_LIST_ALL_SNAPSHOTS, m_list_all, ALL_FILTERS),
    METHOD(remote, DOMAIN_SNAPSHOT_LIST_ALL_CHILDREN, m_list_children, ALL_FILTERS),
    METHOD(remote, DOMAIN_SNAPSHOT_LOOKUP_BY_NAME, m_lookup),
    METHOD(remote, DOMAIN_HAS_CURRENT_SNAPSHOT, m_has_current),
    METHOD(remote, DOMAIN_SNAPSHOT_CURRENT, m_current),
    METHOD(remote, DOMAIN_SNAPSHOT_GET_PARENT, m_parent),
    METHOD(remote, DOMAIN_SNAPSHOT_IS_CURRENT, m_is_current),
    METHOD(remote, DOMAIN_SNAPSHOT_HAS_METADATA, m_has_metadata),
    METHOD(remote, DOMAIN_SNAPSHOT_DELETE, m_delete,
           VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN | VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY),
    METHOD(remote, DOMAIN_REVERT_TO_SNAPSHOT, m_revert,
           VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING | VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED |
               VIR_DOMAIN_SNAPSHOT_REVERT_FORCE),
    {0},
};

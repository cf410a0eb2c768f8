/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods of checkpoints. */
#define ERR_FROM ERR_FROM_TEST
#include "testdriver/snapshot.h"

#define FILTER(name) (VIR_DOMAIN_CHECKPOINT_LIST_##name)

static struct wire_domain_checkpoint wire(const struct moment_node *node)
{
    return (struct wire_domain_checkpoint){.name = node->def->name, .dom = vm_wire(node->vm)};
}

static struct found_moments find(struct req *rq, struct vm *vm, const struct moment_node *from,
                                 unsigned flags)
{
    static const unsigned groups[] = {FILTER(LEAVES) | FILTER(NO_LEAVES)};
    struct moment_tree tree = moment_tree(vm, true);
    bool first = flags & FILTER(ROOTS);
    struct found_moments found = moment_below(&tree, from, from ? first : !first, rq->arena), kept = found;

    kept.n = 0;
    for (uint32_t i = 0; i < found.n; i++) {
        bool leaf = moment_below(&tree, found.v[i], /* deep= */ false, rq->arena).n == 0;

        if (list_passes(either(leaf, FILTER(LEAVES), FILTER(NO_LEAVES)), flags, groups, ARRAY_SIZE(groups)))
            kept.v[kept.n++] = found.v[i];
    }
    return kept;
}

static int m_create(struct req *rq, struct vm *vm, const struct remote_domain_checkpoint_create_xml_in *in,
                    struct remote_domain_checkpoint_create_xml_out *out)
{
    struct moment_tree tree = moment_tree(vm, true);
    bool redefine = in->flags & VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE;
    struct moment_node *node, *old;

    if (!redefine && !vm_active(vm))
        return err_set(rq->err, ERR_OPERATION_UNSUPPORTED, "cannot create checkpoint for inactive domain");
    if (!list_empty(&vm->snapshots))
        return err_set(rq->err, ERR_OPERATION_UNSUPPORTED, "cannot create checkpoint while snapshot exists");
    node = moment_new(vm);
    node->def =
        moment_parse(&node->arena, in->xml_desc, true, redefine, DOMAIN_PARSE_INACTIVE, &vm_policy, rq->err);
    if (!node->def || moment_settle(node->def, redefine, &node->arena, rq->err) < 0)
        goto failed;
    if (!node->def->domain)
        node->def->domain = domain_copy(&node->arena, vm->def->domain);
    if (moment_align(node->def, &node->arena, /* checkpoint= */ true, LOCATION_UNSET, rq->err) < 0)
        goto failed;
    old = redefine ? moment_find(&vm->checkpoints, node->def->name) : NULL;
    if (!redefine && vm->current_checkpoint)
        node->def->parent = arena_strdup(&node->arena, vm->current_checkpoint->def->name);
    if (old) {
        if (vm->current_checkpoint == old)
            vm->current_checkpoint = node;
        moment_free(old);
    }
    if (moment_add(&tree, node, rq->err) < 0)
        goto failed;
    if (!redefine)
        vm->current_checkpoint = node;
    out->checkpoint = wire(node);
    return 0;

failed:
    moment_free(node);
    return -1;
}

static int m_xml(struct req *rq, struct checkpoint *checkpoint,
                 const struct remote_domain_checkpoint_get_xml_desc_in *in,
                 struct remote_domain_checkpoint_get_xml_desc_out *out)
{
    auto_buf struct buf text = {0};

    moment_format(&text, checkpoint->node.def, true, !(in->flags & VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN),
                  DOMAIN_FORMAT_INACTIVE |
                      (in->flags & VIR_DOMAIN_CHECKPOINT_XML_SECURE ? DOMAIN_FORMAT_SECURE : 0));
    out->xml = arena_strdup(rq->arena, buf_text(&text));
    return 0;
}

static struct wire_domain_checkpoint *wires(struct req *rq, const struct found_moments *found)
{
    struct wire_domain_checkpoint *v = ARENA_ARRAY(rq->arena, struct wire_domain_checkpoint, found->n);

    for (uint32_t i = 0; i < found->n; i++)
        v[i] = wire(found->v[i]);
    return v;
}

static int m_list_all(struct req *rq, struct vm *vm, const struct remote_domain_list_all_checkpoints_in *in,
                      struct remote_domain_list_all_checkpoints_out *out)
{
    struct found_moments found = find(rq, vm, NULL, in->flags);

    out->ret = (int32_t)found.n;
    out->checkpoints.n = in->need_results ? found.n : 0;
    out->checkpoints.v = wires(rq, &found);
    return 0;
}

static int m_list_children(struct req *rq, struct checkpoint *checkpoint,
                           const struct remote_domain_checkpoint_list_all_children_in *in,
                           struct remote_domain_checkpoint_list_all_children_out *out)
{
    struct found_moments found = find(rq, checkpoint->node.vm, &checkpoint->node, in->flags);

    out->ret = (int32_t)found.n;
    out->checkpoints.n = in->need_results ? found.n : 0;
    out->checkpoints.v = wires(rq, &found);
    return 0;
}

static int m_lookup(struct req *rq, struct vm *vm,
                    const struct remote_domain_checkpoint_lookup_by_name_in *in,
                    struct remote_domain_checkpoint_lookup_by_name_out *out)
{
    struct moment_node *node = moment_find(&vm->checkpoints, in->name);

    if (!node)
        return err_set(rq->err, ERR_NO_DOMAIN_CHECKPOINT, "no domain checkpoint with matching name '%s'",
                       in->name);
    out->checkpoint = wire(node);
    return 0;
}

static int m_parent(struct req *rq, struct checkpoint *checkpoint,
                    const struct remote_domain_checkpoint_get_parent_in *in,
                    struct remote_domain_checkpoint_get_parent_out *out)
{
    const struct moment *def = checkpoint->node.def;
    struct moment_node *parent =
        def->parent ? moment_find(&checkpoint->node.vm->checkpoints, def->parent) : NULL;

    if (!parent)
        return err_set(rq->err, ERR_NO_DOMAIN_CHECKPOINT, "checkpoint '%s' does not have a parent",
                       def->name);
    out->parent = wire(parent);
    return 0;
}

static int m_delete(struct req *rq, struct checkpoint *checkpoint,
                    const struct remote_domain_checkpoint_delete_in *in,
                    struct remote_domain_checkpoint_delete_out *out)
{
    struct moment_tree tree = moment_tree(checkpoint->node.vm, true);
    bool only = in->flags & VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY;

    moment_delete(&tree, &checkpoint->node, only || (in->flags & VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN),
                  !only);
    return 0;
}

const struct method checkpoint_methods[] = {
    METHOD(remote, DOMAIN_CHECKPOINT_CREATE_XML, m_create, VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE),
    METHOD(remote, DOMAIN_CHECKPOINT_GET_XML_DESC, m_xml,
           VIR_DOMAIN_CHECKPOINT_XML_SECURE | VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN |
               VIR_DOMAIN_CHECKPOINT_XML_SIZE),
    METHOD(remote, DOMAIN_LIST_ALL_CHECKPOINTS, m_list_all, 0xf),
    METHOD(remote, DOMAIN_CHECKPOINT_LIST_ALL_CHILDREN, m_list_children, 0xf),
    METHOD(remote, DOMAIN_CHECKPOINT_LOOKUP_BY_NAME, m_lookup),
    METHOD(remote, DOMAIN_CHECKPOINT_GET_PARENT, m_parent),
    METHOD(remote, DOMAIN_CHECKPOINT_DELETE, m_delete,
           VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN | VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY |
               VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY),
    {0},
};

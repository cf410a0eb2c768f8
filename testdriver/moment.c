/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tree of moments that snapshots and checkpoints share: finding, walking, adding, removing. */
#define ERR_FROM ERR_FROM_TEST
#include "testdriver/snapshot.h"

#include "base/time.h"

struct moment_node *moment_find(const struct list *moments, const char *name)
{
    struct moment_node *node;

    LIST_FOREACH(moments, node, link)
        if (str_eq(node->def->name, name))
            return node;
    return NULL;
}

static void free_node(struct moment_node *node)
{
    list_remove(&node->link);
    arena_done(&node->arena);
    free(node);
}

static void free_list(struct list *moments)
{
    struct moment_node *node;

    LIST_FOREACH(moments, node, link)
        free_node(node);
}

void moments_free(struct vm *vm)
{
    free_list(&vm->snapshots);
    free_list(&vm->checkpoints);
    vm->current_snapshot = vm->current_checkpoint = NULL;
}

struct moment_tree moment_tree(struct vm *vm, bool checkpoint)
{
    return checkpoint ? (struct moment_tree){vm, &vm->checkpoints, &vm->current_checkpoint, true}
                      : (struct moment_tree){vm, &vm->snapshots, &vm->current_snapshot, false};
}

/* Below `parent` (NULL: roots), each before what is below it; deep: all of them. */
static void walk(const struct moment_tree *tree, const char *parent, bool deep, struct arena *arena,
                 struct found_moments *found)
{
    struct moment_node *node;

    LIST_FOREACH(tree->list, node, link) {
        if (!str_eq(node->def->parent, parent))
            continue;
        found->v = arena_grow(arena, found->v, found->n, sizeof(struct moment_node *));
        found->v[found->n++] = node;
        if (deep)
            walk(tree, node->def->name, deep, arena, found);
    }
}

struct found_moments moment_below(const struct moment_tree *tree, const struct moment_node *node, bool deep,
                                  struct arena *arena)
{
    struct found_moments found = {0};

    walk(tree, node ? node->def->name : NULL, deep, arena, &found);
    return found;
}

struct moment_node *moment_new(struct vm *vm)
{
    struct moment_node *node = NEW(struct moment_node);

    list_init(&node->link);
    node->vm = vm;
    return node;
}

void moment_free(struct moment_node *node)
{
    if (node)
        free_node(node);
}

/* A new one gets a name and a time; one that is put back has to have them. */
int moment_settle(struct moment *def, bool redefine, struct arena *arena, struct err *err)
{
    uint64_t now = time_real() / 1000000;

    if (!def->name && redefine)
        return err_set_from(err, ERR_FROM_DOMAIN_SNAPSHOT, ERR_XML_ERROR,
                            "a redefined snapshot must have a name");
    if (redefine && !def->created)
        return err_set_from(err, ERR_FROM_DOMAIN_SNAPSHOT, ERR_XML_ERROR,
                            "missing creationTime from existing snapshot");
    if (!redefine) {
        def->created = now;
        def->parent = NULL;
        def->domain = NULL;
    }
    if (!def->name)
        def->name = arena_printf(arena, "%llu", (unsigned long long)now);
    return 0;
}

int moment_add(const struct moment_tree *tree, struct moment_node *node, struct err *err)
{
    if (moment_find(tree->list, node->def->name))
        return err_set_from(err, ERR_FROM_DOMAIN, ERR_OPERATION_FAILED, "domain moment %s already exists",
                            node->def->name);
    list_append(tree->list, &node->link);
    return 0;
}

/* What is below becomes a child of the parent. */
static void adopt(const struct moment_tree *tree, const struct moment_node *gone, const char *parent)
{
    struct moment_node *node;

    LIST_FOREACH(tree->list, node, link)
        if (str_eq(node->def->parent, gone->def->name))
            node->def->parent = arena_strdup(&node->arena, parent);
}

void moment_delete(const struct moment_tree *tree, struct moment_node *node, bool children, bool itself)
{
    auto_arena struct arena arena = {0};
    struct moment_node *parent = node->def->parent ? moment_find(tree->list, node->def->parent) : NULL;

    if (children) {
        struct found_moments below = moment_below(tree, node, /* deep= */ true, &arena);

        for (uint32_t i = 0; i < below.n; i++) {
            if (below.v[i] == *tree->current)
                *tree->current = node;
            free_node(below.v[i]);
        }
    }
    if (!itself)
        return;
    if (*tree->current == node)
        *tree->current = parent;
    adopt(tree, node, node->def->parent);
    free_node(node);
}

int moment_load(struct world *world, struct vm *vm, const char *text, bool checkpoint, struct err *err)
{
    struct moment_tree tree = moment_tree(vm, checkpoint);
    struct moment_node *node = moment_new(vm);

    node->def = moment_parse(&node->arena, text, checkpoint, true, DOMAIN_PARSE_INACTIVE, &vm_policy, err);
    if (!node->def || moment_settle(node->def, /* redefine= */ true, &node->arena, err) < 0 ||
        moment_add(&tree, node, err) < 0) {
        moment_free(node);
        return -1;
    }
    if (!node->def->domain)
        node->def->domain = domain_copy(&node->arena, vm->def->domain);
    if (node->def->active)
        *tree.current = node;
    return 0;
}

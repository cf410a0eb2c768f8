/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Snapshots and checkpoints: a tree of moments for each machine. Both are kept alike, as nodes of their
 * machine's list. */
#pragma once

#include "model/moment.h"
#include "testdriver/vm.h"

/* struct snapshot and struct checkpoint of the protocol's methods begin alike. */
struct moment_node {
    struct list link;
    struct vm *vm;
    struct arena arena;
    struct moment *def; /* with the machine's definition in it */
};
struct snapshot {
    struct moment_node node;
};
struct checkpoint {
    struct moment_node node;
};

/* Which of the two trees of a machine. */
struct moment_tree {
    struct vm *vm;
    struct list *list;
    struct moment_node **current;
    bool checkpoint;
};
struct moment_tree moment_tree(struct vm *vm, bool checkpoint);

struct found_moments {
    struct moment_node **v;
    uint32_t n;
};
/* The children of node (NULL: the roots), or all below, parents first. */
struct found_moments moment_below(const struct moment_tree *tree, const struct moment_node *node, bool deep,
                                  struct arena *arena);

struct moment_node *moment_new(struct vm *vm);
void moment_free(struct moment_node *node);
/* Fill in what a new one doesn't say; refuse one that is redefined and says too little. */
int moment_settle(struct moment *def, bool redefine, struct arena *arena, struct err *err);
int moment_add(const struct moment_tree *tree, struct moment_node *node, struct err *err);
/* Forget all below it, and (itself) it, whose children then belong to its parent. */
void moment_delete(const struct moment_tree *tree, struct moment_node *node, bool children, bool itself);

struct moment_node *moment_find(const struct list *moments, const char *name);
/* All moments of the machine end. */
void moments_free(struct vm *vm);
/* Read what a file says about one: node is <domainsnapshot> or <domaincheckpoint>. */
int moment_load(struct world *world, struct vm *vm, const char *text, bool checkpoint, struct err *err);

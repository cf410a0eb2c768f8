/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tree: names under their parents, drawn with lines; in JSON a list of {name, parent}. */
#include "virsh/virsh.h"

struct tree {
    struct cmd *cmd;
    const char *const *names;
    const int *parents;
    size_t count;
    struct buf indent; /* what stands before the children of the node at hand */
};

/* The child of `parent` that follows `after`; -1: none. */
static int next_child(const struct tree *tree, int parent, int after)
{
    for (size_t i = (size_t)(after + 1); i < tree->count; i++)
        if (tree->parents[i] == parent)
            return (int)i;
    return -1;
}

static void print_node(struct tree *tree, int node, bool root, bool last)
{
    struct cmd *cmd = tree->cmd;
    size_t length = tree->indent.length;
    int child = next_child(tree, node, -1);

    print(cmd, "%s%s%s\n", buf_text(&tree->indent), root ? "" : "+- ", tree->names[node]);
    if (!root)
        buf_add_string(&tree->indent, last ? "  " : "| ");
    if (child < 0 && last)
        print(cmd, "%s\n", buf_text(&tree->indent)); /* a branch ends with a line of its own */
    buf_add_string(&tree->indent, "  ");
    if (child >= 0)
        print(cmd, "%s|\n", buf_text(&tree->indent));
    while (child >= 0) {
        int next = next_child(tree, node, child);

        print_node(tree, child, false, next < 0);
        child = next;
    }
    tree->indent.length = length;
    if (tree->indent.data)
        tree->indent.data[length] = '\0';
}

void print_tree(struct cmd *cmd, const char *const *names, const int *parents, size_t count)
{
    struct tree tree = {cmd, names, parents, count, {0}};

    layout(cmd, LAYOUT_NONE);
    open_array(cmd, NULL);
    for (size_t i = 0; i < count; i++) {
        open_object(cmd, NULL);
        field(cmd, "name", NULL, names[i]);
        field(cmd, "parent", NULL, parents[i] < 0 ? NULL : names[parents[i]]);
        close_one(cmd);
        if (parents[i] < 0)
            print_node(&tree, (int)i, true, true);
    }
    buf_done(&tree.indent);
}

void find_parents(const char *const *names, const char *const *parent_names, size_t count, int *ret_parents)
{
    for (size_t i = 0; i < count; i++) {
        ret_parents[i] = -1;
        for (size_t k = 0; k < count && parent_names[i] && ret_parents[i] < 0; k++)
            if (k != i && str_eq(names[k], parent_names[i]))
                ret_parents[i] = (int)k;
    }
}

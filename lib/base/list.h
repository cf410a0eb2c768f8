/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * List: doubly linked, the links live inside the objects. A head and an unlinked node both point to
 * themselves; list_remove may be called twice.
 */
#pragma once

#include <stdbool.h>

#include "base/mem.h"

struct list {
    struct list *next, *prev;
};

#define LIST_INIT(name)                                                                                      \
    {                                                                                                        \
        &(name), &(name)                                                                                     \
    }

static inline void list_init(struct list *node)
{
    node->next = node->prev = node;
}
static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}
static inline void list_insert_between_(struct list *node, struct list *prev, struct list *next)
{
    node->prev = prev;
    node->next = next;
    prev->next = node;
    next->prev = node;
}
/* At the end: first in, first out. */
static inline void list_append(struct list *head, struct list *node)
{
    list_insert_between_(node, head->prev, head);
}
static inline void list_prepend(struct list *head, struct list *node)
{
    list_insert_between_(node, head, head->next);
}
static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* The object that holds `node` as its `member`. */
#define LIST_ENTRY(node, type, member) CONTAINER_OF(node, type, member)
/* First object of the list, NULL when it is empty. */
#define LIST_FIRST(head, type, member) (list_empty(head) ? NULL : LIST_ENTRY((head)->next, type, member))
/* Walk all objects; the one at hand may be removed (and freed), no other one. */
#define LIST_FOREACH(head, object, member)                                                                   \
    for (struct list * UNIQUE(at) = (head)->next, *UNIQUE(next) = UNIQUE(at)->next;                          \
         UNIQUE(at) != (head) && ((object) = LIST_ENTRY(UNIQUE(at), __typeof__(*(object)), member), 1);      \
         UNIQUE(at) = UNIQUE(next), UNIQUE(next) = UNIQUE(at)->next)

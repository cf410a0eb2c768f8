/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/list.h"
#include "unit.h"

struct thing {
    int number;
    struct list links;
};

START_TEST(keeps_order)
{
    struct list head = LIST_INIT(head);
    struct thing things[4];
    struct thing *thing;
    int sum = 0;

    ck_assert_ptr_null(LIST_FIRST(&head, struct thing, links));
    for (int i = 0; i < 4; i++) {
        things[i].number = i;
        list_append(&head, &things[i].links);
    }
    LIST_FOREACH(&head, thing, links) {
        sum = sum * 10 + thing->number;
        /* the one at hand may go */
        if (thing->number == 1) {
            list_remove(&thing->links);
            memset(&thing->links, 0xff, sizeof(thing->links));
        }
    }
    ck_assert_int_eq(sum, 123);
    sum = 0;
    LIST_FOREACH(&head, thing, links)
        sum = sum * 10 + thing->number;
    ck_assert_int_eq(sum, 23);
    list_remove(&things[0].links);
    list_remove(&things[0].links);
    list_prepend(&head, &things[0].links);
    list_remove(&things[2].links);
    ck_assert_int_eq(LIST_FIRST(&head, struct thing, links)->number, 0);
    list_remove(&things[0].links);
    list_remove(&things[3].links);
    ck_assert(list_empty(&head));
}
END_TEST

START_TEST(walks_nest)
{
    struct list head = LIST_INIT(head);
    struct thing things[3], *outer, *inner;
    int pairs = 0;

    for (int i = 0; i < 3; i++)
        list_append(&head, &things[i].links);
    LIST_FOREACH(&head, outer, links)
        LIST_FOREACH(&head, inner, links)
            pairs++;
    ck_assert_int_eq(pairs, 9);
}
END_TEST

UNIT_MAIN("list", keeps_order, walks_nest)

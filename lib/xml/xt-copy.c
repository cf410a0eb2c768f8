/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copying an object by its table, and telling whether a guest could notice the difference between two. */
#define ERR_FROM ERR_FROM_DOMAIN
#include "xml/xt-private.h"

/* ---- copy ---- */

static void copy_rows(const struct xt_row *rows, struct arena *arena, const void *from, void *to);

static void copy_list(const struct xt_row *row, struct arena *arena, const void *from, void *to)
{
    void *const *items = *(void *const *const *)xt_at(from, row->offset);
    size_t count = *(const size_t *)xt_at(from, row->offset2), room = 1;
    void **copies;

    if (!count)
        return;
    /* arena_grow() must find room to the next power of two when the copy grows */
    while (room < count)
        room *= 2;
    copies = arena_alloc_array(arena, room, sizeof(void *));
    for (size_t i = 0; i < count; i++)
        copies[i] = xt_copy(row->table, arena, items[i]);
    *(void ***)xt_at(to, row->offset) = copies;
    *(size_t *)xt_at(to, row->offset2) = count;
}

static void copy_row(const struct xt_row *row, struct arena *arena, const void *from, void *to)
{
    const void *value = xt_at(from, row->offset);
    void *copy = xt_at(to, row->offset);
    const struct xt_row *arm;

    switch (row->kind) {
    case XT_KIND_ATTR:
    case XT_KIND_OWN:
    case XT_KIND_TEXT:
        if (row->type->copy)
            row->type->copy(arena, copy, value);
        else
            memcpy(copy, value, row->type->size);
        break;
    case XT_KIND_FLAG:
        *(bool *)copy = *(const bool *)value;
        copy_rows(row->rows, arena, from, to);
        break;
    case XT_KIND_GROUP:
        copy_rows(row->rows, arena, value, copy);
        break;
    case XT_KIND_CHILD:
        if (*(void *const *)value)
            *(void **)copy = xt_copy(row->table, arena, *(void *const *)value);
        break;
    case XT_KIND_LIST:
        copy_list(row, arena, from, to);
        break;
    case XT_KIND_UNION:
        arm = xt_arm_rows(row, from);
        if (arm)
            copy_rows(arm, arena, from, to);
        break;
    default: /* XT_KIND_HOOK */
        row->hook->copy(arena, copy, value);
    }
}

static void copy_rows(const struct xt_row *rows, struct arena *arena, const void *from, void *to)
{
    for (; rows->kind != XT_KIND_END; rows++)
        copy_row(rows, arena, from, to);
}

void *xt_copy(const struct xt_table *table, struct arena *arena, const void *object)
{
    void *copy = arena_alloc(arena, table->size);

    copy_rows(table->rows, arena, object, copy);
    return copy;
}

/* ---- compare ---- */

/* Where the walk is, for the message: the names from the root's table down. */
struct place {
    const struct place *up;
    const char *name;
    struct err *err;
};

static void add_place(const struct place *place, struct buf *text)
{
    if (place->up)
        add_place(place->up, text);
    if (!place->name)
        return;
    if (text->length)
        buf_add_char(text, ' ');
    buf_add_string(text, place->name);
}

static int differ(const struct place *place, const char *source, const char *target)
{
    auto_buf struct buf where = {0};

    add_place(place, &where);
    return err_set(place->err, ERR_CONFIG_UNSUPPORTED, "Target %s '%s' does not match source '%s'",
                   buf_text(&where), target, source);
}

static int compare_scalar(const struct place *place, const struct xt_row *row, const void *source,
                          const void *target)
{
    auto_buf struct buf was = {0}, is = {0};
    bool equal =
        row->type->equal ? row->type->equal(source, target) : !memcmp(source, target, row->type->size);

    if (equal || !(row->flags & XT_ABI))
        return 0;
    if (xt_given(row->type, source))
        row->type->format(&was, source, row->aux);
    if (xt_given(row->type, target))
        row->type->format(&is, target, row->aux);
    if (row->flags & XT_SECRET)
        return differ(place, "(secret)", "(secret)");
    return differ(place, buf_text(&was), buf_text(&is));
}

static int compare_rows(const struct place *up, const struct xt_row *rows, const void *source,
                        const void *target);

static int compare_list(const struct place *place, const struct xt_row *row, const void *source,
                        const void *target)
{
    void *const *was = *(void *const *const *)xt_at(source, row->offset);
    void *const *is = *(void *const *const *)xt_at(target, row->offset);
    size_t n_was = *(const size_t *)xt_at(source, row->offset2);
    size_t n_is = *(const size_t *)xt_at(target, row->offset2);
    auto_buf struct buf where = {0};

    if (n_was != n_is) {
        add_place(place, &where);
        return err_set(place->err, ERR_CONFIG_UNSUPPORTED, "Target %s count %zu does not match source %zu",
                       buf_text(&where), n_is, n_was);
    }
    for (size_t i = 0; i < n_was; i++)
        if (compare_rows(place, row->table->rows, was[i], is[i]) < 0)
            return -1;
    return 0;
}

static int compare_row(const struct place *place, const struct xt_row *row, const void *source,
                       const void *target)
{
    const void *was = xt_at(source, row->offset), *is = xt_at(target, row->offset);
    const struct xt_row *arm;
    bool abi = row->flags & XT_ABI;

    switch (row->kind) {
    case XT_KIND_ATTR:
    case XT_KIND_OWN:
    case XT_KIND_TEXT:
        return compare_scalar(place, row, was, is);
    case XT_KIND_FLAG:
        if (abi && *(const bool *)was != *(const bool *)is)
            return differ(place, *(const bool *)was ? "yes" : "no", *(const bool *)is ? "yes" : "no");
        return compare_rows(place, row->rows, source, target);
    case XT_KIND_GROUP:
        return compare_rows(place, row->rows, was, is);
    case XT_KIND_CHILD:
        was = *(void *const *)was;
        is = *(void *const *)is;
        if (!abi || (!was && !is))
            return 0;
        if (!was || !is)
            return differ(place, was ? "present" : "absent", is ? "present" : "absent");
        return compare_rows(place, row->table->rows, was, is);
    case XT_KIND_LIST:
        return abi ? compare_list(place, row, source, target) : 0;
    case XT_KIND_UNION:
        arm = xt_arm_rows(row, source);
        /* different arms: the discriminator's own row decides whether that matters */
        return arm && arm == xt_arm_rows(row, target) ? compare_rows(place->up, arm, source, target) : 0;
    default: /* XT_KIND_HOOK */
        return abi ? row->hook->compare(was, is, place->err) : 0;
    }
}

static int compare_rows(const struct place *up, const struct xt_row *rows, const void *source,
                        const void *target)
{
    for (; rows->kind != XT_KIND_END; rows++) {
        struct place place = {up, rows->name, up->err};

        if (compare_row(&place, rows, source, target) < 0)
            return -1;
    }
    return 0;
}

int xt_compare(const struct xt_table *table, const void *source, const void *target, struct err *err)
{
    struct place root = {NULL, table->name, err};

    return compare_rows(&root, table->rows, source, target);
}

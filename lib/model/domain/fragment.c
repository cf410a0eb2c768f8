/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_DOMAIN
#include "model/domain/fragment.h"

#include "base/str.h"

/* The row of a kind of device: a list, or the only one. */
static const struct xt_row *row_of(const char *element)
{
    for (const struct xt_row *row = devices_table_rows; row->kind; row++)
        if ((row->kind == XT_KIND_LIST || row->kind == XT_KIND_CHILD) && str_eq(row->name, element))
            return row;
    return NULL;
}

void **devices_list(const struct devices *devices, const char *element, size_t *ret_count)
{
    const struct xt_row *row = row_of(element);
    char *base = (char *)devices;

    *ret_count = 0;
    if (!row)
        return NULL;
    if (row->kind == XT_KIND_LIST) {
        *ret_count = *(size_t *)(base + row->offset2);
        return *(void ***)(base + row->offset);
    }
    *ret_count = *(void **)(base + row->offset) ? 1 : 0;
    return (void **)(base + row->offset);
}

void devices_add(struct devices *devices, struct arena *arena, const char *element, void *device)
{
    const struct xt_row *row = row_of(element);
    char *base = (char *)devices;

    if (row->kind == XT_KIND_LIST) {
        void ***list = (void ***)(base + row->offset);
        size_t *count = (size_t *)(base + row->offset2);

        *list = arena_grow(arena, *list, *count, sizeof(**list));
        (*list)[(*count)++] = device;
    } else {
        *(void **)(base + row->offset) = device;
    }
}

void devices_insert(struct devices *devices, struct arena *arena, const char *element, void *device,
                    size_t at)
{
    size_t count;
    void **list;

    devices_add(devices, arena, element, device);
    list = devices_list(devices, element, &count);
    if (at + 1 >= count)
        return;
    memmove(list + at + 1, list + at, (count - 1 - at) * sizeof(*list));
    list[at] = device;
}

void *devices_copy(struct arena *arena, const char *element, const void *device)
{
    return xt_copy(row_of(element)->table, arena, device);
}

void devices_remove(struct devices *devices, const char *element, const void *device)
{
    const struct xt_row *row = row_of(element);
    size_t count, at = 0;
    void **list = devices_list(devices, element, &count);

    while (at < count && list[at] != device)
        at++;
    if (at == count)
        return;
    if (row->kind == XT_KIND_LIST) {
        memmove(list + at, list + at + 1, (count - at - 1) * sizeof(*list));
        --*(size_t *)((char *)devices + row->offset2);
    } else {
        list[0] = NULL;
    }
}

void devices_replace(struct devices *devices, const char *element, const void *old, void *device)
{
    size_t count;
    void **list = devices_list(devices, element, &count);

    for (size_t i = 0; i < count; i++)
        if (list[i] == old)
            list[i] = device;
}

/* ---- one device ---- */

static int take_info(void *data, const struct device_visit *visit)
{
    *(struct device_info **)data = visit->info;
    return 1;
}

struct device_info *devices_info(const char *element, void *device)
{
    struct devices alone = {0};
    struct device_info *info = NULL;
    auto_arena struct arena scratch = {0};

    devices_add(&alone, &scratch, element, device);
    devices_foreach(&alone, take_info, &info);
    return info;
}

struct search {
    const char *alias;
    struct fragment *found;
};

static int match_alias(void *data, const struct device_visit *visit)
{
    struct search *search = data;

    if (!str_eq(visit->info->alias, search->alias))
        return 0;
    *search->found = (struct fragment){visit->kind, visit->device, visit->info};
    return 1;
}

bool devices_by_alias(struct devices *devices, const char *alias, struct fragment *ret)
{
    struct search search = {alias, ret};

    return devices_foreach(devices, match_alias, &search);
}

int fragment_parse(struct arena *arena, const char *xml, unsigned flags, struct fragment *ret,
                   struct err *err)
{
    struct xml_node *root = xml_parse(arena, xml, strlen(xml), "(device_definition)", NULL, err);
    struct xml_node around = {.name = "devices", .tag = "devices", .kind = XML_ELEMENT};
    struct xt_parse parse = {.arena = arena, .flags = flags, .err = err};
    struct devices *alone = ARENA_NEW(arena, struct devices);
    const struct xt_row *row;
    size_t count;
    void **list;

    if (!root)
        return -1;
    row = row_of(root->name);
    if (!row)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "unknown device type '%s'", root->name);
    around.first = around.last = root;
    if (xt_parse_node(&parse, &devices_table, &around, alone) < 0)
        return -1;
    list = devices_list(alone, row->name, &count);
    *ret = (struct fragment){row->name, count ? list[0] : NULL, NULL};
    if (!ret->device)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "unknown device type '%s'", root->name);
    ret->info = devices_info(ret->element, ret->device);
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fuzz/grow.h"

#include "base/str.h"
#include "model/domain/domain.h"

enum { DEPTH_MAX = 24 };

struct growth {
    const uint8_t *data, *end;
    struct buf *text;
    struct arena *arena;
    unsigned depth;
};

/* A number below limit; 0 when the input is used up, so that growth ends. */
static unsigned choose(struct growth *growth, unsigned limit)
{
    return growth->data < growth->end ? *growth->data++ % limit : 0;
}

/* ---- values ---- */

static const char *const any_words[] = {
    "x",    "1",   "0",   "7",    "4096",   "0x1f",  "0600", "a&lt;b&apos;", "/dev/x", "default", "auto",
    "pci",  "usb", "isa", "ccw",  "drive",  "ccid",  "raw",  "qcow2",        "none",   "reset",   "-1",
    "none", "yes", "on",  "unix", "memory", "52-60", "tcp",  "virtio",       "off",    "file",    "5900",
    "no",   "2",   "3",   "dimm", "unmap",  "ppc64", "hvm",  "0-3,7",        "10",     "1000",    "",
};

static const struct {
    const struct xt_type *type;
    const char *words[6];
} typed_words[] = {
    {&xt_u32, {"1", "7", "4095", "0", "100000", "4294967295"}},
    {&xt_count, {"1", "2", "1", "4", "8", "1"}},
    {&xt_size, {"1", "1024", "4096", "7", "1048576", "64"}},
    {&xt_size_kib, {"1", "1024", "4096", "7", "1048576", "64"}},
    {&xt_opt_u32, {"1", "0", "7", "10", "4095", "65535"}},
    {&xt_u64, {"1", "1000", "0", "4294967296", "100000", "7"}},
    {&xt_opt_u64, {"1", "0", "7", "1000", "18446744073709551615", "3"}},
    {&xt_opt_i64, {"-1", "0", "5", "1000", "-3600", "7"}},
    {&xt_opt_i32, {"-1", "0", "5", "1000", "99", "7"}},
    {&xt_kib, {"1024", "1", "2048", "4096", "65536", "0"}},
    {&xt_opt_kib, {"1024", "1", "0", "4096", "65536", "9007199254740991"}},
    {&xt_bytes, {"1", "512", "4096", "0", "65536", "7"}},
    {&xt_yesno, {"yes", "no", "yes", "no", "yes", "no"}},
    {&xt_yes, {"yes", "no", "yes", "no", "yes", "no"}},
    {&xt_onoff, {"on", "off", "on", "off", "on", "off"}},
    {&xt_bitmap, {"0", "0-3", "1,3", "0-7,^2", "5", "2"}},
    {&xt_mac,
     {"52:54:00:00:00:01", "52:54:00:aa:bb:cc", "02:00:00:00:00:07", "1:2:3:4:5:6", "52:54:00:00:00:09",
      "52:54:00:00:00:0a"}},
    {&xt_uuid,
     {"b5f3a1de-0c1d-4c41-a3a7-6a7f1b6c1e01", "b5f3a1de0c1d4c41a3a76a7f1b6c1e02",
      "11111111-2222-3333-4444-555555555555", "01234567-89ab-cdef-0123-456789abcdef",
      "01234567-89ab-cdef-0123-456789abcde0", "76543210-89ab-cdef-0123-456789abcdef"}},
};

static const char *word(struct growth *growth, const struct xt_row *row, void *base)
{
    const char *const *names = row->aux;
    unsigned count = 0, index;

    if (row->type == &xt_enum) {
        while (names[count + 1])
            count++;
        index = 1 + choose(growth, count);
        *(int *)((char *)base + row->offset) = (int)index; /* a union may ask for it */
        return names[index];
    }
    for (size_t i = 0; i < ARRAY_SIZE(typed_words); i++)
        if (typed_words[i].type == row->type)
            return typed_words[i].words[choose(growth, 6)];
    return any_words[choose(growth, ARRAY_SIZE(any_words))];
}

/* ---- elements ---- */

static void grow_element(struct growth *growth, const char *name, const struct xt_row *rows, void *base);

/* Parts without which no machine is accepted, although no single row demands them. */
static bool needed(const struct growth *growth, const struct xt_row *row)
{
    return growth->depth == 1 && row->name &&
           (str_eq(row->name, "memory") || str_eq(row->name, "os") || str_eq(row->name, "name"));
}

static bool wanted(struct growth *growth, const struct xt_row *row)
{
    return (row->flags & (XT_REQUIRED | XT_ALWAYS)) || row->kind == XT_KIND_OWN || needed(growth, row) ||
           choose(growth, 5) == 1 ||
           (row->name &&
            (str_eq(row->name, "type") || str_eq(row->name, "dev") || str_eq(row->name, "priority")));
}

static const struct xt_row *arm_of(const struct xt_row *row, const void *base)
{
    const struct xt_arm *arm;

    for (arm = row->arms; arm->rows; arm++)
        if (arm->value == *(const int *)((const char *)base + row->offset2))
            return arm->rows;
    return NULL;
}

static void grow_attrs(struct growth *growth, const struct xt_row *rows, void *base, const char **own)
{
    for (; rows->kind != XT_KIND_END; rows++) {
        if (rows->kind == XT_KIND_ATTR && wanted(growth, rows)) {
            buf_printf(growth->text, " %s='%s'", rows->name, word(growth, rows, base));
        } else if (rows->kind == XT_KIND_OWN && wanted(growth, rows)) {
            *own = word(growth, rows, base);
        } else if (rows->kind == XT_KIND_GROUP && !rows->name) {
            grow_attrs(growth, rows->rows, (char *)base + rows->offset, own);
        } else if (rows->kind == XT_KIND_UNION && arm_of(rows, base)) {
            grow_attrs(growth, arm_of(rows, base), base, own);
        }
    }
}

/* Hooks read what they like: attributes that they name, with words of all sorts. */
static void grow_hook(struct growth *growth, const struct xt_row *row)
{
    const char *const *known;

    if (!row->name || !wanted(growth, row))
        return;
    buf_printf(growth->text, "<%s", row->name);
    for (known = row->hook->known; known && *known; known++)
        if ((*known)[0] == '@' && choose(growth, 2))
            buf_printf(growth->text, " %s='%s'", *known + 1,
                       any_words[choose(growth, ARRAY_SIZE(any_words))]);
    buf_add_string(growth->text, "/>");
}

static void grow_child(struct growth *growth, const struct xt_row *row, void *base)
{
    const struct xt_table *table = row->table;

    for (unsigned i = 0; i < 3 && wanted(growth, row); i++) {
        grow_element(growth, row->name, table->rows, arena_alloc(growth->arena, table->size));
        if (row->kind != XT_KIND_LIST || growth->data >= growth->end)
            return;
    }
}

static void grow_children(struct growth *growth, const struct xt_row *rows, void *base)
{
    for (; rows->kind != XT_KIND_END; rows++)
        switch (rows->kind) {
        case XT_KIND_TEXT:
            if (wanted(growth, rows))
                buf_printf(growth->text, "<%s>%s</%s>", rows->name, word(growth, rows, base), rows->name);
            break;
        case XT_KIND_FLAG:
        case XT_KIND_GROUP:
            if (!rows->name)
                grow_children(growth, rows->rows, (char *)base + rows->offset);
            else if (wanted(growth, rows))
                grow_element(growth, rows->name, rows->rows,
                             (char *)base + (rows->kind == XT_KIND_GROUP ? rows->offset : 0));
            break;
        case XT_KIND_CHILD:
        case XT_KIND_LIST:
            grow_child(growth, rows, base);
            break;
        case XT_KIND_UNION:
            if (arm_of(rows, base))
                grow_children(growth, arm_of(rows, base), base);
            break;
        case XT_KIND_HOOK:
            grow_hook(growth, rows);
            break;
        default:
            break;
        }
}

static void grow_element(struct growth *growth, const char *name, const struct xt_row *rows, void *base)
{
    const char *own = NULL;

    buf_printf(growth->text, "<%s", name);
    if (growth->depth++ == 0)
        buf_add_string(growth->text, " xmlns:qemu='" NATIVE_URI "'");
    grow_attrs(growth, rows, base, &own);
    buf_add_char(growth->text, '>');
    buf_add_string(growth->text, own);
    if (!own && growth->depth < DEPTH_MAX)
        grow_children(growth, rows, base);
    buf_printf(growth->text, "</%s>\n", name);
    growth->depth--;
}

void grow_document(const struct xt_table *table, const uint8_t *data, size_t size, struct arena *arena,
                   struct buf *text)
{
    struct growth growth = {.data = data, .end = data + size, .text = text, .arena = arena};

    grow_element(&growth, table->name, table->rows, arena_alloc(arena, table->size));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The codec, with every type of the protocol: values are made from the same layouts that it walks. That the
 * layouts themselves are right is what test-protocol looks at.
 */
#include "rpc/xdr.h"

#include "protocol/remote.h"
#include "protocol/xdr-table.h"
#include "unit.h"

enum fill {
    FILL_EMPTY, /* zeros, empty strings and arrays, nothing optional */
    FILL_FULL,  /* two elements everywhere, everything optional is there */
    FILL_RANDOM,
};

struct array {
    uint32_t n;
    void *v;
};

static uint32_t seed = 1;

static uint32_t random_u32(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 3 ^ seed << 17;
}

static void fill_struct(struct arena *arena, unsigned type, char *value, enum fill fill);

static size_t size_of(const struct xdr_field *field)
{
    static const size_t sizes[] = {
        [XDR_KIND_I32] = 4,
        [XDR_KIND_I64] = 8,
        [XDR_KIND_CHAR] = 1,
        [XDR_KIND_UCHAR] = 1,
        [XDR_KIND_SHORT] = 2,
        [XDR_KIND_UUID] = 16,
        [XDR_KIND_STRING] = sizeof(char *),
    };

    return field->element == XDR_KIND_STRUCT ? xdr_types[field->type].size : sizes[field->element];
}

static char *text(struct arena *arena, enum fill fill)
{
    size_t length = fill == FILL_EMPTY ? 0 : fill == FILL_FULL ? 5 : random_u32() % 10;
    char *made = arena_alloc(arena, length + 1);

    for (size_t i = 0; i < length; i++)
        made[i] = (char)(1 + random_u32() % 255);
    return made;
}

static void fill_one(struct arena *arena, const struct xdr_field *field, unsigned kind, char *at,
                     enum fill fill)
{
    if (kind == XDR_KIND_STRUCT) {
        fill_struct(arena, field->type, at, fill);
    } else if (kind == XDR_KIND_STRING) {
        *(char **)at = text(arena, fill);
    } else if (fill != FILL_EMPTY) {
        for (size_t i = 0, size = size_of(field); i < size; i++)
            at[i] = (char)random_u32();
    }
}

static void fill_array(struct arena *arena, const struct xdr_field *field, struct array *array, uint32_t n,
                       enum fill fill)
{
    array->n = n;
    array->v = arena_alloc_array(arena, n, size_of(field));
    for (uint32_t i = 0; i < n; i++)
        fill_one(arena, field, field->element, (char *)array->v + i * size_of(field), fill);
}

static void fill_field(struct arena *arena, const struct xdr_field *field, char *value, enum fill fill)
{
    char *at = value + field->offset;
    uint32_t n = fill == FILL_EMPTY ? 0 : fill == FILL_FULL ? 2 : random_u32() % 4;

    switch (field->kind) {
    case XDR_KIND_BYTES:
    case XDR_KIND_ARRAY:
        fill_array(arena, field, (struct array *)at, n < field->bound ? n : field->bound, fill);
        break;
    case XDR_KIND_FIXED:
        for (uint32_t i = 0; i < field->bound; i++)
            fill_one(arena, field, field->element, at + i * size_of(field), fill);
        break;
    case XDR_KIND_STRING_OPTIONAL:
        *(char **)at = n ? text(arena, fill) : NULL;
        break;
    case XDR_KIND_OPTIONAL:
        *(char **)at = n ? arena_alloc(arena, size_of(field)) : NULL;
        if (n)
            fill_one(arena, field, field->element, *(char **)at, fill);
        break;
    default:
        fill_one(arena, field, field->kind, at, fill);
    }
}

static void fill_struct(struct arena *arena, unsigned type, char *value, enum fill fill)
{
    const struct xdr_type *layout = &xdr_types[type];
    const struct xdr_field *fields = &xdr_fields[layout->first];

    if (layout->is_union) {
        const struct xdr_field *arm = &fields[fill == FILL_RANDOM ? random_u32() % layout->count : 0];

        fill_field(arena, arm, value, fill);
        *(int32_t *)value = arm->value;
        return;
    }
    for (unsigned i = 0; i < layout->count; i++)
        fill_field(arena, &fields[i], value, fill);
}

/* Decode a copy of just these bytes, so that a sanitizer sees every byte read behind them. */
static ssize_t decode(unsigned type, const char *bytes, size_t length, void *value, struct arena *arena)
{
    char *exact = malloc(length ? length : 1);
    struct err err = {0};
    ssize_t used;

    memcpy(exact, bytes, length);
    used = xdr_decode(type, exact, length, value, arena, &err);
    ck_assert_int_eq(used < 0, err_is_set(&err));
    ck_assert(used >= 0 || err.code == ERR_RPC);
    err_clear(&err);
    free(exact);
    return used;
}

static void check_round_trip(unsigned type, const void *value)
{
    auto_buf struct buf first = {0}, again = {0};
    auto_arena struct arena arena = {0};
    char copy[1024];

    ck_assert_uint_le(xdr_types[type].size, sizeof(copy));
    ck_assert_int_eq(xdr_encode(type, value, &first, NULL), 0);
    ck_assert_uint_eq(first.length % 4, 0);
    ck_assert_uint_ge(first.length, xdr_types[type].wire_min);
    ck_assert_int_eq(decode(type, first.data, first.length, copy, &arena), (ssize_t)first.length);
    ck_assert_uint_le(arena.total, 2048 + 8 * first.length);
    ck_assert_int_eq(xdr_encode(type, copy, &again, NULL), 0);
    ck_assert_uint_eq(first.length, again.length);
    ck_assert_mem_eq(first.data, again.data, first.length);

    for (size_t length = 0; length < first.length; length++) {
        arena_reset(&arena);
        ck_assert_int_eq(decode(type, first.data, length, copy, &arena), -1);
    }
    buf_add(&first, "trailing", 8);
    ck_assert_int_eq(decode(type, first.data, first.length, copy, &arena), (ssize_t)again.length);
}

START_TEST(every_type_survives)
{
    for (unsigned type = XDR_NONE + 1; type < XDR_TYPE_MAX; type++) {
        for (unsigned i = 0; i < 8; i++) {
            auto_arena struct arena arena = {0};
            char *value = arena_alloc(&arena, xdr_types[type].size);

            fill_struct(&arena, type, value, i < FILL_RANDOM ? i : FILL_RANDOM);
            check_round_trip(type, value);
        }
    }
}
END_TEST

/* Where the count or length of a field stands: the first word that changes when there is something in the
 * field. */
static size_t place_of_count(const struct buf *without, const struct buf *with)
{
    size_t at = 0;

    while (without->data[at] == with->data[at])
        at++;
    return at & ~(size_t)3;
}

static void patch(struct buf *buf, size_t at, uint32_t number)
{
    number = __builtin_bswap32(number);
    memcpy(buf->data + at, &number, 4);
}

static void check_bound(unsigned type, const struct xdr_field *field)
{
    auto_arena struct arena arena = {0};
    auto_buf struct buf without = {0}, with = {0}, full = {0};
    char *value = arena_alloc(&arena, xdr_types[type].size), copy[1024];
    struct array *array = (struct array *)(value + field->offset);
    auto_err struct err err = {0};
    size_t at;

    fill_struct(&arena, type, value, FILL_EMPTY);
    if (xdr_types[type].is_union)
        *(int32_t *)value = field->value;
    ck_assert_int_eq(xdr_encode(type, value, &without, NULL), 0);

    fill_array(&arena, field, array, 1, FILL_EMPTY);
    ck_assert_int_eq(xdr_encode(type, value, &with, NULL), 0);
    at = place_of_count(&without, &with);

    /* as many as allowed go through; one more doesn't, neither out nor in */
    fill_array(&arena, field, array, field->bound, FILL_EMPTY);
    ck_assert_int_eq(xdr_encode(type, value, &full, NULL), 0);
    ck_assert_int_eq(decode(type, full.data, full.length, copy, &arena), (ssize_t)full.length);
    ck_assert_uint_eq(((struct array *)(copy + field->offset))->n, field->bound);
    array->n = field->bound + 1;
    ck_assert_int_eq(xdr_encode(type, value, &with, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.message, protocol_text + field->name));
    memset(buf_reserve(&full, 64), 0, 64);
    full.length += 64;
    patch(&full, at, field->bound + 1);
    ck_assert_int_eq(decode(type, full.data, full.length, copy, &arena), -1);
    patch(&full, at, UINT32_MAX);
    ck_assert_int_eq(decode(type, full.data, full.length, copy, &arena), -1);

    /* a count that the frame can't hold takes no memory */
    arena_reset(&arena);
    patch(&without, at, field->bound);
    ck_assert_int_eq(decode(type, without.data, without.length, copy, &arena), -1);
    ck_assert_uint_le(arena.total, 32 * 1024);
}

START_TEST(every_limit_holds)
{
    unsigned checked = 0;

    for (unsigned type = XDR_NONE + 1; type < XDR_TYPE_MAX; type++) {
        for (unsigned i = 0; i < xdr_types[type].count; i++) {
            const struct xdr_field *field = &xdr_fields[xdr_types[type].first + i];

            if (field->kind == XDR_KIND_ARRAY || field->kind == XDR_KIND_BYTES) {
                check_bound(type, field);
                checked++;
            }
        }
    }
    ck_assert_uint_gt(checked, 140);
}
END_TEST

START_TEST(strings)
{
    struct remote_domain_define_xml_in in = {0}, back;
    auto_arena struct arena arena = {0};
    auto_buf struct buf buf = {0};
    auto_err struct err err = {0};

    ck_assert_int_eq(xdr_encode(XDR_remote_domain_define_xml_in, &in, &buf, &err), -1);
    ck_assert_str_eq(err.message, "internal error: 'xml' has no value");
    err_clear(&err);

    in.xml = arena_alloc(&arena, WIRE_STRING_MAX + 2);
    memset(in.xml, 'x', WIRE_STRING_MAX);
    ck_assert_int_eq(xdr_encode(XDR_remote_domain_define_xml_in, &in, &buf, &err), 0);
    ck_assert_int_eq(decode(XDR_remote_domain_define_xml_in, buf.data, buf.length, &back, &arena),
                     4 + WIRE_STRING_MAX);
    ck_assert_str_eq(in.xml, back.xml);

    /* a failed encoding leaves the buffer as it was */
    in.xml[WIRE_STRING_MAX] = 'x';
    ck_assert_int_eq(xdr_encode(XDR_remote_domain_define_xml_in, &in, &buf, &err), -1);
    ck_assert_str_eq(err.message, "'xml' is 4194305 bytes long, at most 4194304 fit into a message");
    ck_assert_uint_eq(buf.length, 4 + WIRE_STRING_MAX);

    ck_assert_int_eq(decode(XDR_remote_domain_define_xml_in, "\0\0\0\3ab\0\0", 8, &back, &arena), -1);
    ck_assert_int_eq(decode(XDR_remote_domain_define_xml_in, "\0\0\0\2ab\1\2", 8, &back, &arena), 8);
    ck_assert_str_eq(back.xml, "ab");
}
END_TEST

START_TEST(oddities_of_real_peers)
{
    struct remote_node_get_security_model_out model = {.model = {3, (char *)"a\xffz"}};
    struct remote_connect_open_in open;
    struct wire_typed_param param;
    auto_arena struct arena arena = {0};
    auto_buf struct buf buf = {0};

    /* one char takes four bytes, with its sign */
    ck_assert_int_eq(xdr_encode(XDR_remote_node_get_security_model_out, &model, &buf, NULL), 0);
    ck_assert_uint_eq(buf.length, 20);
    ck_assert_mem_eq(buf.data,
                     "\0\0\0\3"
                     "\0\0\0a"
                     "\xff\xff\xff\xff"
                     "\0\0\0z"
                     "\0\0\0\0",
                     20);

    /* any number but 0 says that something optional is there */
    ck_assert_int_eq(decode(XDR_remote_connect_open_in,
                            "\0\0\1\0"
                            "\0\0\0\1"
                            "x\0\0\0"
                            "\0\0\0\2",
                            16, &open, &arena),
                     16);
    ck_assert_str_eq(open.name, "x");
    ck_assert_uint_eq(open.flags, 2);

    /* no such type of a typed parameter */
    ck_assert_int_eq(decode(XDR_wire_typed_param,
                            "\0\0\0\0"
                            "\0\0\0\10"
                            "\0\0\0\0",
                            12, &param, &arena),
                     -1);
    ck_assert_int_eq(decode(XDR_wire_typed_param,
                            "\0\0\0\0"
                            "\0\0\0\5"
                            "\0\0\0\0",
                            12, &param, &arena),
                     -1);
}
END_TEST

START_TEST(empty_struct)
{
    struct remote_connect_close_in in;
    auto_buf struct buf buf = {0};

    ck_assert_int_eq(remote_procedures[REMOTE_CONNECT_CLOSE].in, XDR_NONE);
    ck_assert_int_eq(xdr_encode(XDR_NONE, &in, &buf, NULL), 0);
    ck_assert_uint_eq(buf.length, 0);
    ck_assert_int_eq(decode(XDR_NONE, "abc", 3, &in, NULL), 0);
}
END_TEST

UNIT_MAIN("xdr", every_type_survives, every_limit_holds, strings, oddities_of_real_peers, empty_struct)

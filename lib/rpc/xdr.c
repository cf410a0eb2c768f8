/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rule: a value is read or written by its row alone. Structs nest by their layouts, which the generator
 * has proved to be finite and shallow, never by what the bytes say.
 */
#define ERR_FROM ERR_FROM_RPC
#include "rpc/xdr.h"

#include <endian.h>
#include <stddef.h>

#include "protocol/procedure.h"
#include "protocol/xdr-table.h"

/* What struct { uint32_t n; T *v; } looks like for every T. */
struct array {
    uint32_t n;
    void *v;
};

static size_t element_size(const struct xdr_field *field)
{
    switch ((enum xdr_kind)field->element) {
    case XDR_KIND_I64:
        return sizeof(uint64_t);
    case XDR_KIND_CHAR:
    case XDR_KIND_UCHAR:
        return 1;
    case XDR_KIND_SHORT:
        return sizeof(uint16_t);
    case XDR_KIND_UUID:
        return 16;
    case XDR_KIND_STRING:
        return sizeof(char *);
    case XDR_KIND_STRUCT:
        return xdr_types[field->type].size;
    default:
        return sizeof(uint32_t);
    }
}

static size_t element_wire_min(const struct xdr_field *field)
{
    switch ((enum xdr_kind)field->element) {
    case XDR_KIND_I64:
        return 8;
    case XDR_KIND_UUID:
        return 16;
    case XDR_KIND_STRUCT:
        return xdr_types[field->type].wire_min;
    default:
        return 4;
    }
}

static const char *field_name(const struct xdr_field *field)
{
    return protocol_text + field->name;
}

/* The field that a union's selector stands for, NULL: none. */
static const struct xdr_field *union_arm(const struct xdr_type *type, int32_t selector)
{
    for (unsigned i = 0; i < type->count; i++)
        if (xdr_fields[type->first + i].value == selector)
            return &xdr_fields[type->first + i];
    return NULL;
}

/* Encoding. */

struct encoder {
    struct buf *buf;
    struct err *err;
};

static int encode_struct(struct encoder *e, const struct xdr_type *type, const char *value);

static inline void put_u32(struct encoder *e, uint32_t number)
{
    uint32_t wire = htobe32(number);

    memcpy(buf_reserve(e->buf, 4), &wire, 4);
    e->buf->length += 4;
}

static inline void put_u64(struct encoder *e, uint64_t number)
{
    uint64_t wire = htobe64(number);

    memcpy(buf_reserve(e->buf, 8), &wire, 8);
    e->buf->length += 8;
}

static void put_bytes(struct encoder *e, const void *bytes, uint32_t length)
{
    size_t padded = ((size_t)length + 3) & ~(size_t)3;
    char *to = buf_reserve(e->buf, padded);

    if (padded) {
        memset(to + padded - 4, 0, 4);
        memcpy(to, bytes, length);
    }
    e->buf->length += padded;
}

static int put_string(struct encoder *e, const struct xdr_field *field, const char *text, uint32_t bound)
{
    size_t length;

    if (!text)
        return err_set(e->err, ERR_INTERNAL_ERROR, "'%s' has no value", field_name(field));
    length = strlen(text);
    if (length > bound)
        return err_set(e->err, ERR_RPC, "'%s' is %zu bytes long, at most %u fit into a message",
                       field_name(field), length, bound);
    put_u32(e, (uint32_t)length);
    put_bytes(e, text, (uint32_t)length);
    return 0;
}

static int too_many(struct err *err, const struct xdr_field *field, uint32_t count)
{
    return err_set(err, ERR_RPC, "'%s' has %u elements, at most %u fit into a message", field_name(field),
                   count, field->bound);
}

/* One value of a simple kind or a struct, as it stands in an array, behind a pointer or in place. */
static int encode_one(struct encoder *e, const struct xdr_field *field, enum xdr_kind kind, const char *at)
{
    switch (kind) {
    case XDR_KIND_I32:
        put_u32(e, *(const uint32_t *)at);
        return 0;
    case XDR_KIND_I64:
        put_u64(e, *(const uint64_t *)at);
        return 0;
    case XDR_KIND_CHAR:
        put_u32(e, (uint32_t)(int32_t) * (const signed char *)at);
        return 0;
    case XDR_KIND_UCHAR:
        put_u32(e, *(const uint8_t *)at);
        return 0;
    case XDR_KIND_SHORT:
        put_u32(e, *(const uint16_t *)at);
        return 0;
    case XDR_KIND_UUID:
        put_bytes(e, at, 16);
        return 0;
    case XDR_KIND_STRING:
        return put_string(e, field, *(char *const *)at,
                          field->kind == XDR_KIND_ARRAY ? WIRE_STRING_MAX : field->bound);
    default:
        return encode_struct(e, &xdr_types[field->type], at);
    }
}

static int encode_many(struct encoder *e, const struct xdr_field *field, const char *at, uint32_t count)
{
    size_t size = element_size(field);

    for (uint32_t i = 0; i < count; i++, at += size)
        if (encode_one(e, field, field->element, at) < 0)
            return -1;
    return 0;
}

static int encode_field(struct encoder *e, const struct xdr_field *field, const char *value)
{
    const char *at = value + field->offset;
    const struct array *array = (const void *)at;
    const void *pointer;

    switch ((enum xdr_kind)field->kind) {
    case XDR_KIND_BYTES:
        if (array->n > field->bound)
            return too_many(e->err, field, array->n);
        put_u32(e, array->n);
        put_bytes(e, array->v, array->n);
        return 0;
    case XDR_KIND_ARRAY:
        if (array->n > field->bound)
            return too_many(e->err, field, array->n);
        put_u32(e, array->n);
        return encode_many(e, field, array->v, array->n);
    case XDR_KIND_FIXED:
        return encode_many(e, field, at, field->bound);
    case XDR_KIND_STRING_OPTIONAL:
        pointer = *(char *const *)at;
        put_u32(e, pointer != NULL);
        return pointer ? put_string(e, field, pointer, field->bound) : 0;
    case XDR_KIND_OPTIONAL:
        pointer = *(void *const *)at;
        put_u32(e, pointer != NULL);
        return pointer ? encode_one(e, field, field->element, pointer) : 0;
    default:
        return encode_one(e, field, field->kind, at);
    }
}

static int encode_struct(struct encoder *e, const struct xdr_type *type, const char *value)
{
    const struct xdr_field *field = &xdr_fields[type->first];

    if (type->is_union) {
        int32_t selector = *(const int32_t *)value;

        field = union_arm(type, selector);
        if (!field)
            return err_set(e->err, ERR_INTERNAL_ERROR, "a value has type %d, which does not exist", selector);
        put_u32(e, (uint32_t)selector);
        return encode_field(e, field, value);
    }
    for (const struct xdr_field *end = field + type->count; field < end; field++)
        if (encode_field(e, field, value) < 0)
            return -1;
    return 0;
}

int xdr_encode(enum xdr_type_id type, const void *value, struct buf *buf, struct err *err)
{
    struct encoder e = {.buf = buf, .err = err};
    size_t length = buf->length;

    if (encode_struct(&e, &xdr_types[type], value) < 0) {
        buf->length = length;
        return -1;
    }
    if (buf->data)
        buf->data[buf->length] = '\0';
    return 0;
}

/* Decoding. */

struct decoder {
    const char *next, *end;
    struct arena *arena;
    struct err *err;
};

static int decode_struct(struct decoder *d, const struct xdr_type *type, char *value);

static inline size_t left(const struct decoder *d)
{
    return (size_t)(d->end - d->next);
}

static int broken(struct decoder *d, const struct xdr_field *field, const char *why)
{
    return err_set(d->err, ERR_RPC, "Unable to decode message payload: '%s' %s", field_name(field), why);
}

static int cut_short(struct decoder *d, const struct xdr_field *field)
{
    return broken(d, field, "is cut short");
}

static inline uint32_t get_u32(struct decoder *d)
{
    uint32_t wire;

    memcpy(&wire, d->next, 4);
    d->next += 4;
    return be32toh(wire);
}

static inline uint64_t get_u64(struct decoder *d)
{
    uint64_t wire;

    memcpy(&wire, d->next, 8);
    d->next += 8;
    return be64toh(wire);
}

/* The length of a run of bytes that is there in whole, with its padding. */
static int get_length(struct decoder *d, const struct xdr_field *field, uint32_t bound, uint32_t *ret)
{
    uint32_t length;

    if (left(d) < 4)
        return cut_short(d, field);
    length = get_u32(d);
    if (length > bound)
        return broken(d, field, "is longer than its limit");
    if (((size_t)length + 3) / 4 * 4 > left(d))
        return cut_short(d, field);
    *ret = length;
    return 0;
}

static int get_string(struct decoder *d, const struct xdr_field *field, uint32_t bound, char **ret)
{
    uint32_t length;

    if (get_length(d, field, bound, &length) < 0)
        return -1;
    if (memchr(d->next, '\0', length))
        return broken(d, field, "has a zero byte in its text");
    /* the empty text is shared: four bytes of a frame shall not cost a piece of the arena */
    *ret = length ? arena_strndup(d->arena, d->next, length) : (char *)"";
    d->next += ((size_t)length + 3) & ~(size_t)3;
    return 0;
}

static int get_bytes(struct decoder *d, const struct xdr_field *field, struct array *ret)
{
    uint32_t length;

    if (get_length(d, field, field->bound, &length) < 0)
        return -1;
    ret->n = length;
    ret->v = length ? arena_dup(d->arena, d->next, length) : NULL;
    d->next += ((size_t)length + 3) & ~(size_t)3;
    return 0;
}

static int decode_one(struct decoder *d, const struct xdr_field *field, enum xdr_kind kind, char *at)
{
    switch (kind) {
    case XDR_KIND_I64:
        if (left(d) < 8)
            return cut_short(d, field);
        *(uint64_t *)at = get_u64(d);
        return 0;
    case XDR_KIND_UUID:
        if (left(d) < 16)
            return cut_short(d, field);
        memcpy(at, d->next, 16);
        d->next += 16;
        return 0;
    case XDR_KIND_STRING:
        return get_string(d, field, field->kind == XDR_KIND_ARRAY ? WIRE_STRING_MAX : field->bound,
                          (char **)at);
    case XDR_KIND_STRUCT:
        return decode_struct(d, &xdr_types[field->type], at);
    default:
        break;
    }
    if (left(d) < 4)
        return cut_short(d, field);
    switch (kind) {
    case XDR_KIND_CHAR:
    case XDR_KIND_UCHAR:
        *(uint8_t *)at = (uint8_t)get_u32(d);
        break;
    case XDR_KIND_SHORT:
        *(uint16_t *)at = (uint16_t)get_u32(d);
        break;
    default:
        *(uint32_t *)at = get_u32(d);
    }
    return 0;
}

static int decode_many(struct decoder *d, const struct xdr_field *field, char *at, uint32_t count)
{
    size_t size = element_size(field);

    for (uint32_t i = 0; i < count; i++, at += size)
        if (decode_one(d, field, field->element, at) < 0)
            return -1;
    return 0;
}

static int decode_array(struct decoder *d, const struct xdr_field *field, struct array *array)
{
    uint32_t count;

    if (left(d) < 4)
        return cut_short(d, field);
    count = get_u32(d);
    if (count > field->bound)
        return broken(d, field, "has more elements than its limit");
    if (count > left(d) / element_wire_min(field))
        return cut_short(d, field);
    array->n = count;
    array->v = count ? arena_alloc_array(d->arena, count, element_size(field)) : NULL;
    return decode_many(d, field, array->v, count);
}

static int decode_field(struct decoder *d, const struct xdr_field *field, char *value)
{
    char *at = value + field->offset;

    switch ((enum xdr_kind)field->kind) {
    case XDR_KIND_BYTES:
        return get_bytes(d, field, (struct array *)at);
    case XDR_KIND_ARRAY:
        return decode_array(d, field, (struct array *)at);
    case XDR_KIND_FIXED:
        return decode_many(d, field, at, field->bound);
    case XDR_KIND_STRING_OPTIONAL:
    case XDR_KIND_OPTIONAL:
        if (left(d) < 4)
            return cut_short(d, field);
        *(void **)at = NULL;
        if (!get_u32(d))
            return 0;
        if (field->kind == XDR_KIND_STRING_OPTIONAL)
            return get_string(d, field, field->bound, (char **)at);
        *(void **)at = arena_alloc(d->arena, element_size(field));
        return decode_one(d, field, field->element, *(char **)at);
    default:
        return decode_one(d, field, field->kind, at);
    }
}

static int decode_struct(struct decoder *d, const struct xdr_type *type, char *value)
{
    const struct xdr_field *field = &xdr_fields[type->first];

    if (type->is_union) {
        const struct xdr_field *arm;
        int32_t selector;

        if (left(d) < 4)
            return cut_short(d, field);
        selector = (int32_t)get_u32(d);
        arm = union_arm(type, selector);
        if (!arm)
            return broken(d, field, "is of a type that does not exist");
        *(int32_t *)value = selector;
        return decode_field(d, arm, value);
    }
    for (const struct xdr_field *end = field + type->count; field < end; field++)
        if (decode_field(d, field, value) < 0)
            return -1;
    return 0;
}

ssize_t xdr_decode(enum xdr_type_id type, const void *bytes, size_t length, void *value, struct arena *arena,
                   struct err *err)
{
    /* nothing may come as a null pointer, which has no place behind it */
    const char *begin = length ? bytes : "";
    struct decoder d = {.next = begin, .end = begin + length, .arena = arena, .err = err};

    if (xdr_types[type].size)
        memset(value, 0, xdr_types[type].size);
    if (decode_struct(&d, &xdr_types[type], value) < 0)
        return -1;
    return d.next - begin;
}

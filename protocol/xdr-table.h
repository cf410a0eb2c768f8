/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The layouts of all structs that cross the wire, as the codec (lib/rpc/xdr.c) walks them. Everything refers
 * by index, not by pointer: the tables need no relocation and stay clean, shared pages of the file.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* How a value looks. In memory as the C type says; on the wire a multiple of four bytes, big-endian. */
enum xdr_kind {
    XDR_KIND_I32,             /* int32_t, uint32_t, enum */
    XDR_KIND_I64,             /* int64_t, uint64_t, double */
    XDR_KIND_CHAR,            /* char: four bytes on the wire, sign extended */
    XDR_KIND_UCHAR,           /* uint8_t: four bytes on the wire */
    XDR_KIND_SHORT,           /* uint16_t: four bytes on the wire */
    XDR_KIND_UUID,            /* uint8_t[16] */
    XDR_KIND_STRING,          /* char *, never NULL; length on the wire, no NUL in it */
    XDR_KIND_STRING_OPTIONAL, /* char *, may be NULL */
    XDR_KIND_BYTES,           /* struct { uint32_t n; uint8_t *v; }: one byte each */
    XDR_KIND_ARRAY,           /* struct { uint32_t n; T *v; } of `element` */
    XDR_KIND_FIXED,           /* T[bound] of `element` */
    XDR_KIND_OPTIONAL,        /* struct *, may be NULL */
    XDR_KIND_STRUCT,          /* a struct in place */
};

struct xdr_field {
    uint8_t kind;    /* enum xdr_kind */
    uint8_t element; /* enum xdr_kind of what an array or pointer leads to; else as kind */
    uint16_t offset;
    uint16_t type;  /* enum xdr_type_id of the struct; XDR_NONE for simple values */
    uint16_t name;  /* in protocol_text */
    uint32_t bound; /* most elements, or bytes of a string */
    int32_t value;  /* in a union: the selector's value for this arm */
};

struct xdr_type {
    uint16_t size;         /* sizeof the C struct */
    uint16_t first, count; /* its fields */
    uint16_t wire_min;     /* bytes that it takes on the wire at least */
    bool is_union;         /* int32_t type at offset 0 selects the one field that is there */
};

extern const struct xdr_field xdr_fields[];
extern const struct xdr_type xdr_types[];

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For test-protocol: reads lines "program number in|out HEX", decodes the bytes as that procedure's arguments
 * or results, and answers with the value encoded again and written as text.
 */
#include <inttypes.h>
#include <stdio.h>

#include "protocol/procedure.h"
#include "protocol/xdr-table.h"
#include "rpc/xdr.h"

struct array {
    uint32_t n;
    char *v;
};

/* By name: the tables of facts have no numbers for programs in their rows. */
extern const struct program remote_program, qemu_program, lxc_program, admin_program, keepalive_program,
    lock_program, log_program, lxcmonitor_program;
static const struct program *const programs[] = {&remote_program, &qemu_program,      &lxc_program,
                                                 &admin_program,  &keepalive_program, &lock_program,
                                                 &log_program,    &lxcmonitor_program};

static void dump_struct(unsigned type, const char *value);

static void dump_hex(const char *bytes, size_t length)
{
    if (!length)
        printf("empty");
    for (size_t i = 0; i < length; i++)
        printf("%02x", (uint8_t)bytes[i]);
}

/* The tables of layouts don't tell signed from unsigned (the wire doesn't either); random values stay
 * positive. */
static void dump_number(const struct xdr_field *field, unsigned kind, const char *at)
{
    switch (kind) {
    case XDR_KIND_I64:
        if (field->value == 5) /* the arm of typed_value that is a double */
            printf("%.17g", *(const double *)at);
        else
            printf("%" PRId64, *(const int64_t *)at);
        break;
    case XDR_KIND_CHAR:
        printf("%d", *(const signed char *)at);
        break;
    case XDR_KIND_UCHAR:
        printf("%u", *(const uint8_t *)at);
        break;
    case XDR_KIND_SHORT:
        printf("%u", *(const uint16_t *)at);
        break;
    default:
        printf("%" PRId32, *(const int32_t *)at);
    }
}

static size_t dump_one(const struct xdr_field *field, unsigned kind, const char *at)
{
    static const size_t sizes[] = {[XDR_KIND_I32] = 4,
                                   [XDR_KIND_I64] = 8,
                                   [XDR_KIND_CHAR] = 1,
                                   [XDR_KIND_UCHAR] = 1,
                                   [XDR_KIND_SHORT] = 2,
                                   [XDR_KIND_UUID] = 16,
                                   [XDR_KIND_STRING] = sizeof(char *)};

    if (kind == XDR_KIND_STRUCT) {
        dump_struct(field->type, at);
        return xdr_types[field->type].size;
    }
    if (kind == XDR_KIND_STRING)
        dump_hex(*(char *const *)at, strlen(*(char *const *)at));
    else if (kind == XDR_KIND_UUID)
        dump_hex(at, 16);
    else
        dump_number(field, kind, at);
    return sizes[kind];
}

static void dump_field(const struct xdr_field *field, const char *value)
{
    const char *at = value + field->offset;
    const struct array *array = (const void *)at;
    uint32_t n = 0;

    switch (field->kind) {
    case XDR_KIND_BYTES:
        dump_hex(array->v, array->n);
        break;
    case XDR_KIND_ARRAY:
    case XDR_KIND_FIXED:
        n = field->kind == XDR_KIND_FIXED ? field->bound : array->n;
        if (field->kind == XDR_KIND_ARRAY)
            at = array->v;
        putchar('[');
        for (uint32_t i = 0; i < n; i++) {
            if (i)
                putchar(' ');
            at += dump_one(field, field->element, at);
        }
        putchar(']');
        break;
    case XDR_KIND_STRING_OPTIONAL:
    case XDR_KIND_OPTIONAL:
        if (!*(char *const *)at)
            printf("none");
        else
            dump_one(field, field->element, field->kind == XDR_KIND_OPTIONAL ? *(char *const *)at : at);
        break;
    default:
        dump_one(field, field->kind, at);
    }
}

static void dump_struct(unsigned type, const char *value)
{
    const struct xdr_type *layout = &xdr_types[type];
    const struct xdr_field *fields = &xdr_fields[layout->first];

    if (layout->is_union) {
        int32_t selector = *(const int32_t *)value;
        unsigned i = 0;

        while (fields[i].value != selector)
            i++;
        printf("(%d ", selector);
        dump_field(&fields[i], value);
        putchar(')');
        return;
    }
    putchar('{');
    for (unsigned i = 0; i < layout->count; i++) {
        printf("%s%s=", i ? " " : "", protocol_text + fields[i].name);
        dump_field(&fields[i], value);
    }
    putchar('}');
}

static const struct procedure *find(const char *program, int number)
{
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
        if (!strcmp(programs[i]->name, program))
            return program_procedure(programs[i], number);
    return NULL;
}

static int answer(const char *program, int number, const char *side, char *hex)
{
    const struct procedure *procedure = find(program, number);
    unsigned type = procedure ? !strcmp(side, "in") ? procedure->in : procedure->out : XDR_NONE;
    auto_arena struct arena arena = {0};
    auto_buf struct buf buf = {0};
    auto_err struct err err = {0};
    size_t length = strlen(hex) / 2;
    char *value;

    if (!procedure)
        return -1;
    for (size_t i = 0; i < length; i++) {
        unsigned byte = 0;

        sscanf(hex + 2 * i, "%2x", &byte);
        hex[i] = (char)byte;
    }
    value = arena_alloc(&arena, xdr_types[type].size);
    if (xdr_decode(type, hex, length, value, &arena, &err) != (ssize_t)length ||
        xdr_encode(type, value, &buf, &err) < 0) {
        printf("%s\n", err.message ? err.message : "wrong length");
        return 0;
    }
    dump_hex(buf.data, buf.length);
    putchar(' ');
    dump_struct(type, value);
    putchar('\n');
    return 0;
}

int main(void)
{
    auto_free char *line = NULL;
    size_t room = 0;

    while (getline(&line, &room, stdin) > 0) {
        char program[20], side[4];
        int number, at = 0;

        if (sscanf(line, "%19s %d %3s %n", program, &number, side, &at) != 3 || !at)
            return EXIT_FAILURE;
        line[strcspn(line, "\n")] = '\0';
        if (answer(program, number, side, line + at) < 0)
            return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

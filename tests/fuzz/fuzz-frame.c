/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A frame from outside: header, then the payload as what the header says it is. What decodes must encode, and
 * what was encoded must come back as the same bytes.
 */
#include <stdlib.h>

#include "protocol/procedure.h"
#include "protocol/xdr-table.h"
#include "rpc/xdr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned payload_type(const struct wire_message_header *header)
{
    const struct program *program = program_find(header->prog);
    const struct procedure *procedure = program ? program_procedure(program, header->proc) : NULL;

    if (header->status == MESSAGE_STATUS_ERROR)
        return XDR_wire_error;
    if (header->type == MESSAGE_TYPE_STREAM_HOLE)
        return XDR_wire_stream_hole;
    if (!procedure || header->type == MESSAGE_TYPE_STREAM)
        return XDR_NONE;
    return header->type == MESSAGE_TYPE_REPLY || header->type == MESSAGE_TYPE_REPLY_WITH_FDS ? procedure->out
                                                                                             : procedure->in;
}

static void check(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena struct arena arena = {0}, again = {0};
    auto_buf struct buf first = {0}, second = {0};
    auto_err struct err err = {0};
    struct wire_message_header header;
    ssize_t used = xdr_decode(XDR_wire_message_header, data, size, &header, &arena, &err);
    unsigned type;
    void *value, *back;

    check((used < 0) == err_is_set(&err));
    if (used < 0)
        return 0;
    type = payload_type(&header);
    value = arena_alloc(&arena, xdr_types[type].size);
    back = arena_alloc(&again, xdr_types[type].size);
    size -= (size_t)used;
    used = xdr_decode(type, data + used, size, value, &arena, &err);
    check((used < 0) == err_is_set(&err));
    check(arena.total <= 4096 + 8 * size);
    if (used < 0)
        return 0;

    check((size_t)used <= size);
    check(xdr_encode(type, value, &first, NULL) == 0);
    check(first.length == (size_t)used);
    check(xdr_decode(type, first.data, first.length, back, &again, NULL) == used);
    check(xdr_encode(type, back, &second, NULL) == 0);
    check(second.length == first.length && (!first.length || !memcmp(first.data, second.data, first.length)));
    return 0;
}

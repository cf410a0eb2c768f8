/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frame: the 28 bytes before every payload, and the limits of the protocol. Layout: length (counts itself),
 * program, version, procedure, type, serial, status; each 4 bytes, big-endian.
 */
#pragma once

#include <stdint.h>
#include <string.h>

enum frame_type {
    FRAME_CALL = 0,
    FRAME_REPLY = 1,
    FRAME_MESSAGE = 2, /* event, keepalive */
    FRAME_STREAM = 3,
    FRAME_CALL_FDS = 4,
    FRAME_REPLY_FDS = 5,
    FRAME_HOLE = 6,
    FRAME_TYPE_MAX,
};

enum frame_status {
    FRAME_OK = 0,
    FRAME_ERROR = 1,
    FRAME_CONTINUE = 2, /* streams only */
};

enum {
    FRAME_HEADER = 28,        /* length word and header */
    FRAME_MAX = 33554432 + 4, /* greatest length word */
    FRAME_PAYLOAD_MAX = FRAME_MAX - FRAME_HEADER,
    FRAME_STREAM_CHUNK = 262120, /* what the oldest clients take as stream data */
    FRAME_FDS_MAX = 32,
};

struct frame_header {
    uint32_t program, version;
    int32_t procedure;
    uint32_t type, serial, status;
};

static inline uint32_t frame_get_u32(const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof(value));
    return __builtin_bswap32(value);
}

static inline void frame_put_u32(uint8_t *at, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(at, &value, sizeof(value));
}

/* bytes: FRAME_HEADER of them. */
static inline void frame_get(const uint8_t *bytes, struct frame_header *ret)
{
    ret->program = frame_get_u32(bytes + 4);
    ret->version = frame_get_u32(bytes + 8);
    ret->procedure = (int32_t)frame_get_u32(bytes + 12);
    ret->type = frame_get_u32(bytes + 16);
    ret->serial = frame_get_u32(bytes + 20);
    ret->status = frame_get_u32(bytes + 24);
}

static inline void frame_put(uint8_t *bytes, uint32_t length, const struct frame_header *header)
{
    frame_put_u32(bytes, length);
    frame_put_u32(bytes + 4, header->program);
    frame_put_u32(bytes + 8, header->version);
    frame_put_u32(bytes + 12, (uint32_t)header->procedure);
    frame_put_u32(bytes + 16, header->type);
    frame_put_u32(bytes + 20, header->serial);
    frame_put_u32(bytes + 24, header->status);
}

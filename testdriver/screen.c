/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guest's screen: a picture (PNG, one bit a pixel) of a grid in a frame, made when asked for. A PNG may
 * hold its pixels as they are, in blocks that say how long they are, so nothing is compressed here.
 */
#define ERR_FROM ERR_FROM_TEST
#include "testdriver/vm.h"

enum { WIDTH = 640, HEIGHT = 400, GRID = 40, ROW = 1 + WIDTH / 8, PIXELS = HEIGHT * ROW, BLOCK = 65535 };

static void put_u32(struct buf *buf, uint32_t value)
{
    const uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                             (uint8_t)value};

    buf_add(buf, bytes, sizeof(bytes));
}

static uint32_t crc32(const char *data, size_t length)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < length; i++) {
        crc ^= (uint8_t)data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static uint32_t adler32(const char *data, size_t length)
{
    enum { PRIME = 65521 };
    uint32_t a = 1, b = 0;

    for (size_t i = 0; i < length; i++) {
        a = (a + (uint8_t)data[i]) % PRIME;
        b = (b + a) % PRIME;
    }
    return b << 16 | a;
}

/* type has four letters. */
static void put_chunk(struct buf *png, const char *type, const struct buf *data)
{
    auto_buf struct buf body = {0};

    buf_add(&body, type, 4);
    buf_add(&body, data->data, data->length);
    put_u32(png, (uint32_t)data->length);
    buf_add(png, body.data, body.length);
    put_u32(png, crc32(body.data, body.length));
}

/* Rows, each behind a zero that says: not filtered. */
static void draw(struct buf *pixels)
{
    for (int y = 0; y < HEIGHT; y++) {
        buf_add_char(pixels, 0);
        for (int x = 0; x < WIDTH; x += 8) {
            uint8_t byte = 0;

            for (int bit = 0; bit < 8; bit++) {
                bool line = y % GRID == 0 || (x + bit) % GRID == 0 || y == HEIGHT - 1 || x + bit == WIDTH - 1;

                byte = (uint8_t)(byte << 1 | line);
            }
            buf_add_char(pixels, (char)byte);
        }
    }
}

/* The zlib stream of a picture that is short enough for one block. */
static void put_stored(struct buf *data, const struct buf *pixels)
{
    const uint16_t length = (uint16_t)pixels->length, inverse = (uint16_t)~length;
    const uint8_t head[] = {0x78,
                            0x01, /* zlib */
                            1,    /* the last block, stored */
                            (uint8_t)length,
                            (uint8_t)(length >> 8),
                            (uint8_t)inverse,
                            (uint8_t)(inverse >> 8)};

    _Static_assert(PIXELS <= BLOCK, "one block");
    buf_add(data, head, sizeof(head));
    buf_add(data, pixels->data, pixels->length);
    put_u32(data, adler32(pixels->data, pixels->length));
}

static int m_screenshot(struct req *rq, struct vm *vm, const struct remote_domain_screenshot_in *in,
                        struct remote_domain_screenshot_out *out)
{
    static const char signature[] = {'\x89', 'P', 'N', 'G', '\r', '\n', '\x1a', '\n'};
    static const char gray_one_bit[] = {1, 0, 0, 0, 0};
    auto_buf struct buf header = {0}, pixels = {0}, data = {0}, nothing = {0};
    struct buf *png = &rq->call->stream;

    put_u32(&header, WIDTH);
    put_u32(&header, HEIGHT);
    buf_add(&header, gray_one_bit, sizeof(gray_one_bit));
    draw(&pixels);
    put_stored(&data, &pixels);
    buf_add(png, signature, sizeof(signature));
    put_chunk(png, "IHDR", &header);
    put_chunk(png, "IDAT", &data);
    put_chunk(png, "IEND", &nothing);
    out->mime = (char *)"image/png";
    return 0;
}

static int m_security_label(struct req *rq, struct vm *vm,
                            const struct remote_domain_get_security_label_in *in,
                            struct remote_domain_get_security_label_out *out)
{
    static const char label[] = "libvirt-test";

    out->label.n = vm_active(vm) ? sizeof(label) : 1;
    out->label.v = arena_dup(rq->arena, vm_active(vm) ? label : "", out->label.n);
    out->enforcing = vm_active(vm);
    return 0;
}

static int m_launch_security(struct req *rq, struct vm *vm,
                             const struct remote_domain_get_launch_security_info_in *in,
                             struct remote_domain_get_launch_security_info_out *out)
{
    /* as for the scheduler: see there */
    return fail_flags(rq, in->flags | VIR_TYPED_PARAM_STRING_OKAY);
}

const struct method screen_methods[] = {
    METHOD(remote, DOMAIN_SCREENSHOT, m_screenshot),
    METHOD(remote, DOMAIN_GET_SECURITY_LABEL, m_security_label),
    METHOD(remote, DOMAIN_GET_LAUNCH_SECURITY_INFO, m_launch_security, ~0u),
    {0},
};

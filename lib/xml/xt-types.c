/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scalar types of the table engine: how text becomes a value and back. */
#define ERR_FROM ERR_FROM_XML
#include "xml/xt.h"

#include <errno.h>
#include <inttypes.h>

#include "base/enum.h"
#include "base/size.h"
#include "base/str.h"

enum { NUMBER_TEXT = 64, BITMAP_LIMIT = 1 << 16 };

static const char not_negative[] = "Expected non-negative integer value",
                  integer[] = "Expected integer value";

/* Numbers in documents may have blanks around them. Returns the number without them, in room, or NULL. */
static const char *strip(const char *text, char room[NUMBER_TEXT])
{
    size_t length;

    text += strspn(text, " \t\r\n");
    length = strcspn(text, " \t\r\n");
    if (length >= NUMBER_TEXT || text[length + strspn(text + length, " \t\r\n")])
        return NULL;
    memcpy(room, text, length);
    room[length] = '\0';
    return room;
}

/* ---- text ---- */

static int str_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    *(char **)value = arena_strdup(parse->arena, text);
    return 0;
}

static void str_format(struct buf *text, const void *value, const void *aux)
{
    buf_add_xml(text, *(char *const *)value);
}

static bool str_equal(const void *a, const void *b)
{
    return str_eq(*(char *const *)a, *(char *const *)b);
}

static void str_copy(struct arena *arena, void *to, const void *from)
{
    *(char **)to = arena_strdup(arena, *(char *const *)from);
}

const struct xt_type xt_str = {.name = "text",
                               .size = sizeof(char *),
                               .skip_empty = true,
                               .parse = str_parse,
                               .format = str_format,
                               .equal = str_equal,
                               .copy = str_copy};

/* ---- numbers ---- */

static int u32_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    char room[NUMBER_TEXT];

    text = strip(text, room);
    return text ? str_to_u32(text, value) : -EINVAL;
}

static int u64_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    char room[NUMBER_TEXT];

    text = strip(text, room);
    return text ? str_to_u64(text, value) : -EINVAL;
}

static void u32_format(struct buf *text, const void *value, const void *aux)
{
    buf_printf(text, "%" PRIu32, *(const uint32_t *)value);
}

static void u64_format(struct buf *text, const void *value, const void *aux)
{
    buf_printf(text, "%" PRIu64, *(const uint64_t *)value);
}

const struct xt_type xt_u32 = {.name = "number",
                               .expect = not_negative,
                               .size = sizeof(uint32_t),
                               .parse = u32_parse,
                               .format = u32_format};
const struct xt_type xt_count = {.name = "number from 1",
                                 .expect = not_negative,
                                 .size = sizeof(uint32_t),
                                 .parse = u32_parse,
                                 .format = u32_format};
const struct xt_type xt_u64 = {.name = "large number",
                               .expect = not_negative,
                               .size = sizeof(uint64_t),
                               .parse = u64_parse,
                               .format = u64_format};

/*
 * Numbers with a `set`: all have the same four functions around one reader of the plain number. Structs have
 * padding, so they are compared member by member.
 */
#define OPTIONAL(type, read, print)                                                                          \
    static int type##_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)          \
    {                                                                                                        \
        struct type *number = value;                                                                         \
        char room[NUMBER_TEXT];                                                                              \
        int r;                                                                                               \
                                                                                                             \
        text = strip(text, room);                                                                            \
        r = text ? read(text, &number->value) : -EINVAL;                                                     \
        number->set = r == 0;                                                                                \
        return r;                                                                                            \
    }                                                                                                        \
    static void type##_format(struct buf *text, const void *value, const void *aux)                          \
    {                                                                                                        \
        buf_printf(text, "%" print, ((const struct type *)value)->value);                                    \
    }                                                                                                        \
    static bool type##_given(const void *value)                                                              \
    {                                                                                                        \
        return ((const struct type *)value)->set;                                                            \
    }                                                                                                        \
    static bool type##_equal(const void *a, const void *b)                                                   \
    {                                                                                                        \
        const struct type *x = a, *y = b;                                                                    \
                                                                                                             \
        return x->set == y->set && (!x->set || x->value == y->value);                                        \
    }

OPTIONAL(opt_u32, str_to_u32, PRIu32)
OPTIONAL(opt_u64, str_to_u64, PRIu64)
OPTIONAL(opt_i32, str_to_i32, PRId32)
OPTIONAL(opt_i64, str_to_i64, PRId64)

#define OPTIONAL_TYPE(type, name_, expect_)                                                                  \
    const struct xt_type xt_##type = {.name = name_,                                                         \
                                      .expect = expect_,                                                     \
                                      .size = sizeof(struct type),                                           \
                                      .parse = type##_parse,                                                 \
                                      .format = type##_format,                                               \
                                      .given = type##_given,                                                 \
                                      .equal = type##_equal}

OPTIONAL_TYPE(opt_u32, "number", not_negative);
OPTIONAL_TYPE(opt_u64, "large number", not_negative);
OPTIONAL_TYPE(opt_i32, "signed number", integer);
OPTIONAL_TYPE(opt_i64, "large signed number", integer);

static int hex32_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    struct opt_u32 *number = value;
    char room[NUMBER_TEXT];
    int r;

    text = strip(text, room);
    r = text ? str_to_u32_base(text, 0, &number->value) : -EINVAL;
    number->set = r == 0;
    return r;
}

static int hex64_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    struct opt_u64 *number = value;
    char room[NUMBER_TEXT];
    int r;

    text = strip(text, room);
    r = text ? str_to_u64_base(text, 0, &number->value) : -EINVAL;
    number->set = r == 0;
    return r;
}

static void hex32_format(struct buf *text, const void *value, const void *aux)
{
    buf_printf(text, "0x%" PRIx32, ((const struct opt_u32 *)value)->value);
}

static void hex64_format(struct buf *text, const void *value, const void *aux)
{
    buf_printf(text, "0x%" PRIx64, ((const struct opt_u64 *)value)->value);
}

const struct xt_type xt_hex32 = {.name = "hexadecimal number",
                                 .expect = not_negative,
                                 .size = sizeof(struct opt_u32),
                                 .parse = hex32_parse,
                                 .format = hex32_format,
                                 .given = opt_u32_given,
                                 .equal = opt_u32_equal};
const struct xt_type xt_any_base = {.name = "number",
                                    .expect = not_negative,
                                    .size = sizeof(struct opt_u32),
                                    .parse = hex32_parse,
                                    .format = opt_u32_format,
                                    .given = opt_u32_given,
                                    .equal = opt_u32_equal};
const struct xt_type xt_hex64 = {.name = "large hexadecimal number",
                                 .expect = not_negative,
                                 .size = sizeof(struct opt_u64),
                                 .parse = hex64_parse,
                                 .format = hex64_format,
                                 .given = opt_u64_given,
                                 .equal = opt_u64_equal};

/* ---- sizes ---- */

static int scale(struct xt_parse *parse, const char *text, uint64_t none, uint64_t *ret)
{
    char room[NUMBER_TEXT];
    uint64_t value;
    int r;

    text = strip(text, room);
    r = text ? str_to_u64(text, &value) : -EINVAL;
    if (r < 0)
        return r;
    return size_scale(value, parse->unit, none, INT64_MAX, ret, parse->err) < 0 ? -ERANGE : 0;
}

static int size_value_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    return scale(parse, text, 1, value);
}

static int size_kib_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    return scale(parse, text, 1024, value);
}

static int size_mib_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    return scale(parse, text, 1024 * 1024, value);
}

/* How often 1024 divides the size, up to EiB. */
static unsigned unit_index(uint64_t bytes)
{
    unsigned index = 0;

    while (bytes && bytes % 1024 == 0 && index < 6) {
        bytes /= 1024;
        index++;
    }
    return index;
}

static const char *size_unit_name(const void *value)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

    return units[unit_index(*(const uint64_t *)value)];
}

static void size_value_format(struct buf *text, const void *value, const void *aux)
{
    uint64_t bytes = *(const uint64_t *)value;

    buf_printf(text, "%" PRIu64, bytes >> (10 * unit_index(bytes)));
}

static const char *unit_kib(const void *value)
{
    return "KiB";
}

static int kib_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    uint64_t bytes = 0;
    int r = scale(parse, text, 1024, &bytes);

    *(uint64_t *)value = bytes / 1024 + (bytes % 1024 != 0);
    return r;
}

static int opt_kib_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    struct opt_u64 *number = value;
    int r = kib_parse(parse, text, aux, &number->value);

    number->set = r == 0;
    return r;
}

#define SIZE_TYPE(type, parse_)                                                                              \
    const struct xt_type xt_##type = {.name = "size",                                                        \
                                      .expect = not_negative,                                                \
                                      .unit = size_unit_name,                                                \
                                      .size = sizeof(uint64_t),                                              \
                                      .parse = parse_,                                                       \
                                      .format = size_value_format}

SIZE_TYPE(size, size_value_parse);
SIZE_TYPE(size_kib, size_kib_parse);
SIZE_TYPE(size_mib, size_mib_parse);

static const char *unit_bytes(const void *value)
{
    return "bytes";
}

const struct xt_type xt_bytes = {.name = "size",
                                 .expect = not_negative,
                                 .unit = unit_bytes,
                                 .size = sizeof(uint64_t),
                                 .parse = size_value_parse,
                                 .format = u64_format};
const struct xt_type xt_kib = {.name = "size",
                               .expect = not_negative,
                               .unit = unit_kib,
                               .size = sizeof(uint64_t),
                               .parse = kib_parse,
                               .format = u64_format};
const struct xt_type xt_opt_kib = {.name = "size",
                                   .expect = not_negative,
                                   .unit = unit_kib,
                                   .size = sizeof(struct opt_u64),
                                   .parse = opt_kib_parse,
                                   .format = opt_u64_format,
                                   .given = opt_u64_given,
                                   .equal = opt_u64_equal};

/* ---- words ---- */

static int enum_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    int found = enum_find(aux, text);

    if (found < 0)
        return -EINVAL;
    *(int *)value = found;
    return 0;
}

static void enum_format(struct buf *text, const void *value, const void *aux)
{
    buf_add_xml(text, enum_name(aux, *(const int *)value));
}

const struct xt_type xt_enum = {
    .name = "word", .size = sizeof(int), .parse = enum_parse, .format = enum_format};

static const char *const yesno_names[] = {"", "yes", "no", NULL};
static const char *const onoff_names[] = {"", "on", "off", NULL};

static int yesno_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    return enum_parse(parse, text, yesno_names, value);
}

static void yesno_format(struct buf *text, const void *value, const void *aux)
{
    enum_format(text, value, yesno_names);
}

static int onoff_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    return enum_parse(parse, text, onoff_names, value);
}

static void onoff_format(struct buf *text, const void *value, const void *aux)
{
    enum_format(text, value, onoff_names);
}

static int yes_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    int word = 0, r = enum_parse(parse, text, yesno_names, &word);

    *(bool *)value = word == TRI_YES;
    return r;
}

static void yes_format(struct buf *text, const void *value, const void *aux)
{
    buf_add_string(text, *(const bool *)value ? "yes" : "no");
}

const struct xt_type xt_yesno = {
    .name = "yes|no", .size = sizeof(enum tristate), .parse = yesno_parse, .format = yesno_format};
const struct xt_type xt_onoff = {
    .name = "on|off", .size = sizeof(enum tristate), .parse = onoff_parse, .format = onoff_format};
const struct xt_type xt_yes = {
    .name = "yes|no", .size = sizeof(bool), .parse = yes_parse, .format = yes_format};

/* ---- identities ---- */

static int uuid_value_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    return uuid_parse(text, value);
}

static void uuid_value_format(struct buf *text, const void *value, const void *aux)
{
    char room[UUID_TEXT];

    buf_add_string(text, uuid_format(value, room));
}

static int mac_value_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    return mac_parse(text, value);
}

static void mac_value_format(struct buf *text, const void *value, const void *aux)
{
    char room[MAC_TEXT];

    buf_add_string(text, mac_format(value, room));
}

const struct xt_type xt_uuid = {.name = "UUID",
                                .expect = "Expected a UUID",
                                .size = UUID_SIZE,
                                .parse = uuid_value_parse,
                                .format = uuid_value_format};
const struct xt_type xt_mac = {.name = "MAC address",
                               .expect = "Expected a MAC address",
                               .size = sizeof(struct mac),
                               .parse = mac_value_parse,
                               .format = mac_value_format};

/* ---- sets of numbers ---- */

static int bitmap_value_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    struct bitmap *map = ARENA_NEW(parse->arena, struct bitmap);
    int r;

    map->arena = parse->arena;
    r = bitmap_parse(text, BITMAP_LIMIT, map);
    if (r == 0)
        *(struct bitmap **)value = map;
    return r;
}

static void bitmap_value_format(struct buf *text, const void *value, const void *aux)
{
    const struct bitmap *map = *(struct bitmap *const *)value;

    if (map)
        bitmap_format(map, text);
}

static bool bitmap_value_equal(const void *a, const void *b)
{
    const struct bitmap *x = *(struct bitmap *const *)a, *y = *(struct bitmap *const *)b;

    return x && y ? bitmap_eq(x, y) : x == y;
}

static void bitmap_value_copy(struct arena *arena, void *to, const void *from)
{
    const struct bitmap *map = *(struct bitmap *const *)from;
    struct bitmap *copy;

    if (!map)
        return;
    copy = ARENA_NEW(arena, struct bitmap);
    copy->arena = arena;
    bitmap_copy(copy, map);
    *(struct bitmap **)to = copy;
}

const struct xt_type xt_bitmap = {.name = "set of numbers",
                                  .expect = "Expected numbers and ranges as in '0-3,^2'",
                                  .size = sizeof(struct bitmap *),
                                  .parse = bitmap_value_parse,
                                  .format = bitmap_value_format,
                                  .equal = bitmap_value_equal,
                                  .copy = bitmap_value_copy};

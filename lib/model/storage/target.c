/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_STORAGE
#include "model/storage/target.h"

#include <errno.h>
#include <inttypes.h>

#include "base/str.h"

/* ---- scalars ---- */

XT_TYPE(mode, struct opt_u32);
XT_TYPE(owner, struct opt_u32);

static bool given(const void *value)
{
    return ((const struct opt_u32 *)value)->set;
}

static int mode_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    struct opt_u32 *mode = value;
    uint32_t number;

    if (str_to_u32_base(text, 8, &number) < 0 || number > 0777)
        return -EINVAL;
    *mode = (struct opt_u32){number, true};
    return 0;
}

static void mode_format(struct buf *text, const void *value, const void *aux)
{
    buf_printf(text, "0%" PRIo32, ((const struct opt_u32 *)value)->value);
}

const struct xt_type xt_mode = {.name = "octal mode",
                                .expect = "Expected octal permission bits",
                                .size = sizeof(struct opt_u32),
                                .parse = mode_parse,
                                .format = mode_format,
                                .given = given};

/* -1, also written as an unsigned number, is nobody in particular. */
static int owner_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    struct opt_u32 *owner = value;
    int64_t number;

    if (str_to_i64(text, &number) < 0 || number < -1 || number > UINT32_MAX)
        return -EINVAL;
    *owner = (struct opt_u32){(uint32_t)number, (uint32_t)number != UINT32_MAX};
    return 0;
}

static void owner_format(struct buf *text, const void *value, const void *aux)
{
    buf_printf(text, "%" PRIu32, ((const struct opt_u32 *)value)->value);
}

const struct xt_type xt_owner = {.name = "user or group number",
                                 .expect = "Expected a number from -1",
                                 .size = sizeof(struct opt_u32),
                                 .parse = owner_parse,
                                 .format = owner_format,
                                 .given = given};

static int timestamp_parse(struct xt_parse *parse, const char *text, const void *aux, void *value)
{
    struct timestamp *stamp = value;
    uint64_t seconds;

    if (str_take_u64(&text, &seconds) < 0 || seconds > INT64_MAX)
        return -EINVAL;
    stamp->time = (struct timespec){.tv_sec = (time_t)seconds};
    stamp->set = true;
    if (*text == '.') {
        long unit = 100000000;

        for (text++; *text >= '0' && *text <= '9' && unit; text++, unit /= 10)
            stamp->time.tv_nsec += (*text - '0') * unit;
    }
    return *text ? -EINVAL : 0;
}

static void timestamp_format(struct buf *text, const void *value, const void *aux)
{
    const struct timespec *time = &((const struct timestamp *)value)->time;

    buf_printf(text, "%" PRId64, (int64_t)time->tv_sec);
    if (time->tv_nsec)
        buf_printf(text, ".%09ld", time->tv_nsec);
}

static bool timestamp_given(const void *value)
{
    return ((const struct timestamp *)value)->set;
}

const struct xt_type xt_timestamp = {.name = "seconds",
                                     .expect = "Expected seconds since 1970",
                                     .size = sizeof(struct timestamp),
                                     .parse = timestamp_parse,
                                     .format = timestamp_format,
                                     .given = timestamp_given};

/* ---- tables ---- */

#define T struct permissions
XT_DEFINE_ROWS(permissions_table, "permissions", NULL, XT_TEXT(T, mode, "mode", mode, 0),
               XT_TEXT(T, owner, "owner", owner, 0), XT_TEXT(T, group, "group", owner, 0),
               XT_TEXT(T, label, "label", str, 0));
#undef T

#define T struct timestamps
XT_DEFINE_ROWS(timestamps_table, "timestamps", NULL, XT_TEXT(T, atime, "atime", timestamp, XT_LIVE),
               XT_TEXT(T, mtime, "mtime", timestamp, XT_LIVE), XT_TEXT(T, ctime, "ctime", timestamp, XT_LIVE),
               XT_TEXT(T, btime, "btime", timestamp, XT_LIVE));
#undef T

/* Exactly two slashes at the beginning stay: POSIX leaves their meaning to the system. */
char *path_sanitize(struct arena *arena, const char *path)
{
    char *clean, *end;

    if (!path)
        return NULL;
    clean = end = arena_alloc(arena, strlen(path) + 1);
    if (path[0] == '/' && path[1] == '/' && path[2] != '/')
        *end++ = *path++;
    for (; *path; path++)
        if (*path != '/' || path[1] != '/')
            *end++ = *path;
    if (end > clean + 1 && end[-1] == '/' && !(end == clean + 2 && clean[0] == '/'))
        end--;
    *end = '\0';
    return clean;
}

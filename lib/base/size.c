/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/size.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

uint64_t size_unit(const char *unit, uint64_t none)
{
    static const char letters[] = "kmgtpe";
    const char *letter;
    uint64_t base, bytes = 1;

    if (str_empty(unit))
        return none;
    if (str_eq_nocase(unit, "b") || str_eq_nocase(unit, "byte") || str_eq_nocase(unit, "bytes"))
        return 1;
    if (!unit[1] || str_eq_nocase(unit + 1, "ib"))
        base = 1024;
    else if (str_eq_nocase(unit + 1, "b"))
        base = 1000;
    else
        return 0;
    letter = strchr(letters, unit[0] | 0x20);
    if (!letter)
        return 0;
    for (const char *at = letters; at <= letter; at++)
        bytes *= base;
    return bytes;
}

int size_scale(uint64_t value, const char *unit, uint64_t none, uint64_t max, uint64_t *ret, struct err *err)
{
    uint64_t scale = size_unit(unit, none), bytes;

    if (!scale)
        return err_set(err, ERR_INVALID_ARG, "unknown suffix '%s'", unit);
    if (__builtin_mul_overflow(value, scale, &bytes) || bytes > max)
        return err_set(err, ERR_OVERFLOW, "value too large: %llu%s", (unsigned long long)value,
                       unit ? unit : "");
    *ret = bytes;
    return 0;
}

int size_parse(const char *text, uint64_t none, uint64_t max, uint64_t *ret, struct err *err)
{
    const char *at = text ? text : "";
    uint64_t value;
    int r = str_take_u64(&at, &value);

    if (r < 0)
        return err_set(err, r == -ERANGE ? ERR_OVERFLOW : ERR_INVALID_ARG, "could not parse size '%s'",
                       text ? text : "");
    at += strspn(at, " \t");
    return size_scale(value, at, none, max, ret, err);
}

void size_format(uint64_t bytes, struct buf *text)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double amount = (double)bytes;
    int unit = -1;

    if (bytes < 1024) {
        buf_printf(text, "%u B", (unsigned)bytes);
        return;
    }
    for (; amount >= 1024; unit++)
        amount /= 1024;
    buf_printf(text, "%.2f %s", amount, units[unit]);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Option: what was given, with the type that the command wants. */
#include <assert.h>
#include <errno.h>
#include <limits.h>

#include "base/file.h"
#include "base/size.h"
#include "virsh/frame.h"

enum { FILE_MAX = 10 << 20 };

static struct given *find(struct cmd *cmd, const char *name)
{
    assert(option_find(cmd->def, name));
    for (struct given *given = cmd->given; given; given = given->next)
        if (str_eq(given->option->name, name))
            return given;
    return NULL;
}

bool cmd_has(struct cmd *cmd, const char *option)
{
    return find(cmd, option) != NULL;
}

const char *cmd_raw(struct cmd *cmd, const char *option)
{
    struct given *given = find(cmd, option);
    return given ? given->value : NULL;
}

unsigned cmd_flags(struct cmd *cmd)
{
    unsigned flags = 0;
    for (struct given *given = cmd->given; given; given = given->next)
        if (given->option->kind == OPTION_FLAG)
            flags |= given->option->bits;
    return flags;
}

unsigned cmd_more_flags(struct cmd *cmd)
{
    unsigned flags = 0;
    for (struct given *given = cmd->given; given; given = given->next)
        flags |= given->option->more;
    return flags;
}

int cmd_filled(struct cmd *cmd)
{
    for (struct given *given = cmd->given; given; given = given->next)
        if (given->option->kind == OPTION_STRING && !*given->value && !(given->option->is & IS_EMPTY_OK) &&
            !str_eq(given->option->name, "domain"))
            return say_error(cmd, "Failed to get option '%s': Option argument is empty", given->option->name);
    return 0;
}

int cmd_string(struct cmd *cmd, const char *option, const char **ret)
{
    struct given *given = find(cmd, option);
    if (!given)
        return 0;
    if (!*given->value && !(given->option->is & IS_EMPTY_OK))
        return say_error(cmd, "Failed to get option '%s': Option argument is empty", option);
    *ret = given->value;
    return 1;
}

/* Decimal with what strtoull takes in front; wrap: negative ones turn into huge ones. */
static int to_unsigned(const char *text, unsigned long long max, bool wrap, unsigned long long *ret)
{
    char *end;
    errno = 0;
    bool negative = strchr(text, '-') != NULL;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || end == text || *end || (negative && !wrap))
        return -1;
    if (negative ? -value > max : value > max)
        return -1;
    *ret = value & max;
    return 0;
}

static int bad_number(struct cmd *cmd, const char *option, const char *text)
{
    return say_error(cmd, "Numeric value '%s' for <%s> option is malformed or out of range", text, option);
}

static int get_unsigned(struct cmd *cmd, const char *option, unsigned long long max, bool wrap,
                        unsigned long long *ret)
{
    const char *text = cmd_raw(cmd, option);
    if (!text)
        return 0;
    if (to_unsigned(text, max, wrap, ret) < 0)
        return bad_number(cmd, option, text);
    return 1;
}

static int get_signed(struct cmd *cmd, const char *option, long long min, long long max, long long *ret)
{
    const char *text = cmd_raw(cmd, option);
    if (!text)
        return 0;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value < min || value > max)
        return bad_number(cmd, option, text);
    *ret = value;
    return 1;
}

int cmd_int(struct cmd *cmd, const char *option, int *ret)
{
    long long value = *ret;
    int result = get_signed(cmd, option, INT_MIN, INT_MAX, &value);
    *ret = (int)value;
    return result;
}

int cmd_i64(struct cmd *cmd, const char *option, long long *ret)
{
    return get_signed(cmd, option, LLONG_MIN, LLONG_MAX, ret);
}

#define UNSIGNED(name, type, max, wrap)                                                                      \
    int name(struct cmd *cmd, const char *option, type *ret)                                                 \
    {                                                                                                        \
        unsigned long long value = *ret;                                                                     \
        int result = get_unsigned(cmd, option, max, wrap, &value);                                           \
        *ret = (type)value;                                                                                  \
        return result;                                                                                       \
    }
UNSIGNED(cmd_uint, unsigned, UINT_MAX, false)
UNSIGNED(cmd_u64, unsigned long long, ULLONG_MAX, false)
UNSIGNED(cmd_ulong, unsigned long, ULONG_MAX, false)
UNSIGNED(cmd_uint_wrap, unsigned, UINT_MAX, true)
UNSIGNED(cmd_u64_wrap, unsigned long long, ULLONG_MAX, true)
UNSIGNED(cmd_ulong_wrap, unsigned long, ULONG_MAX, true)

int to_scaled(struct cmd *cmd, const char *text, uint64_t scale, uint64_t max, unsigned long long *ret)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || end == text || strchr(text, '-'))
        return -1;
    uint64_t unit = size_unit(end, scale);
    if (!unit)
        return keep_text(cmd, "invalid argument: unknown suffix '%s'", end);
    if (value > max / unit)
        return keep_text(cmd, "numerical overflow: value too large: %s", text);
    *ret = value * unit;
    return 0;
}

int cmd_scaled(struct cmd *cmd, const char *option, uint64_t scale, uint64_t max, unsigned long long *ret)
{
    const char *text = cmd_raw(cmd, option);
    if (!text)
        return 0;
    if (to_scaled(cmd, text, scale, max, ret) < 0)
        return say_error(cmd, "Scaled numeric value '%s' for <%s> option is malformed or out of range", text,
                         option);
    return 1;
}

int cmd_timeout(struct cmd *cmd, const char *option, int *ret_ms)
{
    unsigned seconds = 0;
    int result = cmd_uint(cmd, option, &seconds);
    if (result <= 0)
        return result;
    if (!seconds || seconds > INT_MAX / 1000)
        return say_error(cmd, "Numeric value '%u' for <%s> option is malformed or out of range", seconds,
                         option);
    *ret_ms = (int)seconds * 1000;
    return 1;
}

const char *const *cmd_strings(struct cmd *cmd, const char *option)
{
    assert(option_find(cmd->def, option)->is & IS_REPEATED);
    size_t count = 0;
    free(cmd->strings);
    cmd->strings = NULL;
    for (struct given *given = cmd->given; given; given = given->next) {
        if (!str_eq(given->option->name, option))
            continue;
        cmd->strings = mem_resize_array(cmd->strings, count + 2, sizeof(*cmd->strings));
        cmd->strings[count++] = given->value;
    }
    if (!cmd->strings)
        cmd->strings = NEW_ARRAY(const char *, 1);
    cmd->strings[count] = NULL;
    return cmd->strings;
}

unsigned cmd_affect(struct cmd *cmd)
{
    static const struct {
        const char *name;
        unsigned bit;
    } rows[] = {{"config", VIR_DOMAIN_AFFECT_CONFIG},
                {"live", VIR_DOMAIN_AFFECT_LIVE},
                {"current", VIR_DOMAIN_AFFECT_CURRENT},
                {"persistent", VIR_DOMAIN_AFFECT_CONFIG}};
    unsigned flags = 0;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (option_find(cmd->def, rows[i].name) && cmd_has(cmd, rows[i].name))
            flags |= rows[i].bit;
    return flags;
}

const char *cmd_file(struct cmd *cmd, const char *option)
{
    const char *path = NULL;
    if (cmd_string(cmd, option, &path) <= 0)
        return NULL;
    struct buf text = {0};
    int result = file_read(AT_FDCWD, path, FILE_MAX, &text);
    if (result < 0) {
        buf_done(&text);
        keep_text(cmd, "Failed to open file '%s': %s", path, strerror(-result));
        return NULL;
    }
    buf_add_string(&text, "");
    return cmd_own_text(cmd, text.data ? buf_steal(&text) : mem_strdup(""));
}

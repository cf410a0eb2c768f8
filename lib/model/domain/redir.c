/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Redir: rows of <redirdev>, <redirfilter> and <hub>. */
#define ERR_FROM ERR_FROM_DOMAIN

#include "model/domain/redir.h"

#include "base/str.h"

/* "-1" is the old word for "any". */
static int parse_any(struct xt_parse *parse UNUSED, const char *text, const void *aux UNUSED, void *value)
{
    struct opt_u32 *number = value;
    uint32_t parsed;

    if (str_eq(text, "-1"))
        return 0;
    int r = str_to_u32_base(text, 0, &parsed);
    if (r == 0)
        *number = (struct opt_u32){parsed, true};
    return r;
}

static void format_byte(struct buf *text, const void *value, const void *aux UNUSED)
{
    buf_printf(text, "0x%02X", ((const struct opt_u32 *)value)->value);
}

static void format_word(struct buf *text, const void *value, const void *aux UNUSED)
{
    buf_printf(text, "0x%04X", ((const struct opt_u32 *)value)->value);
}

static bool any_given(const void *value)
{
    return ((const struct opt_u32 *)value)->set;
}

XT_TYPE(usb_byte, struct opt_u32);
XT_TYPE(usb_word, struct opt_u32);
const struct xt_type xt_usb_byte = {.name = "number",
                                    .size = sizeof(struct opt_u32),
                                    .parse = parse_any,
                                    .format = format_byte,
                                    .given = any_given};
const struct xt_type xt_usb_word = {.name = "number",
                                    .size = sizeof(struct opt_u32),
                                    .parse = parse_any,
                                    .format = format_word,
                                    .given = any_given};

static int rule_finish(struct xt_parse *parse, void *object)
{
    struct redirfilter_rule *rule = object;

    if (str_eq(rule->version, "-1"))
        rule->version = NULL;
    /* "9.4" is 9.40 in the BCD of USB */
    const char *dot = rule->version ? strchr(rule->version, '.') : NULL;
    if (dot && strlen(dot + 1) == 1)
        rule->version = arena_printf(parse->arena, "%s0", rule->version);
    return 0;
}

static int redirdev_finish(struct xt_parse *parse UNUSED, void *object)
{
    struct chardev_source *source = &((struct redirdev *)object)->source;

    if (source->type == CHARDEV_DBUS && !source->channel)
        source->channel = (char *)"org.qemu.usbredir";
    chardev_source_settle(source);
    return 0;
}

/* clang-format off */
#define T struct redirdev
XT_DEFINE(redirdev_table, "redirdev", redirdev_finish,
    XT_ATTR(T, bus, "bus", str, XT_ABI),
    XT_EMBED(T, source, NULL, chardev_source_table, 0),
    XT_EMBED(T, info, NULL, device_info_table, 0));
#undef T

XT_DECLARE(redirfilter_rule_table, struct redirfilter_rule);
#define T struct redirfilter_rule
XT_DEFINE(redirfilter_rule_table, "usbdev", rule_finish,
    XT_ATTR(T, usb_class, "class", usb_byte, XT_ABI),
    XT_ATTR(T, vendor, "vendor", usb_word, XT_ABI),
    XT_ATTR(T, product, "product", usb_word, XT_ABI),
    XT_ATTR(T, version, "version", str, XT_ABI),
    XT_ATTR(T, allow, "allow", yesno, XT_REQUIRED | XT_ABI));
#undef T

#define T struct redirfilter
XT_DEFINE(redirfilter_table, "redirfilter", NULL,
    XT_LIST(T, rules, n_rules, "usbdev", redirfilter_rule_table, XT_ABI));
#undef T

#define T struct hub
XT_DEFINE(hub_table, "hub", NULL,
    XT_ATTR(T, type, "type", str, XT_REQUIRED | XT_ABI),
    XT_EMBED(T, info, NULL, device_info_table, 0));
#undef T

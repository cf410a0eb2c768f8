/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values: forms of numbers and lists that several families share. */
#include "virsh/frame.h"

const char *size_text(struct cmd *cmd, unsigned long long bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double amount = (double)bytes;
    size_t unit = 0;

    for (; amount >= 1024 && unit + 1 < ARRAY_SIZE(units); unit++)
        amount /= 1024;
    return cmd_printf(cmd, "%.2f %s", amount, units[unit]);
}

void field_size(struct cmd *cmd, const char *key, const char *label, unsigned long long bytes, bool plain)
{
    const char *digits = cmd_printf(cmd, "%llu", bytes);

    field_as(cmd, key, label, digits, plain ? digits : size_text(cmd, bytes));
}

void field_verbatim(struct cmd *cmd, const char *key, const char *text)
{
    layout(cmd, LAYOUT_NONE);
    field(cmd, key, NULL, text);
    print(cmd, "%s", text);
}

char **split_list(const char *text)
{
    char **words = NULL;
    auto_buf struct buf word = {0};

    for (; *text; text++)
        if (*text != ',') {
            buf_add_char(&word, *text);
        } else if (text[1] == ',') {
            buf_add_char(&word, *text++);
        } else {
            words = strv_add(words, buf_text(&word));
            buf_reset(&word);
        }
    return strv_add(words, buf_text(&word));
}

void xml_attribute(struct buf *xml, const char *name, const char *value)
{
    buf_printf(xml, " %s='", name);
    buf_add_xml(xml, value);
    buf_add_char(xml, '\'');
}

void xml_text(struct buf *xml, const char *indent, const char *name, const char *text)
{
    buf_printf(xml, "%s<%s>", indent, name);
    buf_add_xml(xml, text);
    buf_printf(xml, "</%s>\n", name);
}

unsigned option_bits(struct cmd *cmd, const char *option)
{
    return option_find(cmd->def, option)->bits;
}

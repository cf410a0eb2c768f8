/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Out: fields as text and as JSON, from one description. */
#include <stdio.h>

#include "virsh/frame.h"

bool is_quiet(struct cmd *cmd)
{
    return cmd->shell->quiet;
}

bool is_json(struct cmd *cmd)
{
    return cmd->as_json;
}

void print(struct cmd *cmd, const char *format, ...)
{
    if (cmd->as_json || cmd->abandoned)
        return;
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
}

void say(struct cmd *cmd, const char *format, ...)
{
    auto_buf struct buf text = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    if (!cmd->as_json) {
        if (!cmd->shell->quiet)
            print(cmd, "%s", buf_text(&text));
        return;
    }
    auto_free char *line = buf_steal(&text);
    json_string(&cmd->json, "message", str_trim(line));
}

void layout(struct cmd *cmd, enum layout layout)
{
    cmd->layout = layout;
}

static void text_field(struct cmd *cmd, const char *label, const char *text)
{
    switch (cmd->layout) {
    case LAYOUT_INFO:
        print(cmd, "%-15s %s\n", label, text);
        break;
    case LAYOUT_WIDE:
        print(cmd, "%-20s %s\n", label, text);
        break;
    case LAYOUT_COLON:
        print(cmd, "%-15s: %s\n", label, text);
        break;
    case LAYOUT_BARE:
        print(cmd, "%s %s\n", label, text);
        break;
    case LAYOUT_VALUE:
        print(cmd, "%s\n", text);
        break;
    case LAYOUT_NONE:
        break;
    }
}

void field_as(struct cmd *cmd, const char *key, const char *label, const char *json, const char *text)
{
    if (cmd->as_json)
        json_raw(&cmd->json, key, json);
    else
        text_field(cmd, label, text);
}

void field(struct cmd *cmd, const char *key, const char *label, const char *value)
{
    if (cmd->as_json)
        json_string(&cmd->json, key, value);
    else
        text_field(cmd, label, value ? value : "");
}

static void field_digits(struct cmd *cmd, const char *key, const char *label, const char *digits,
                         const char *unit)
{
    auto_free char *text = mem_printf("%s%s", digits, unit ? unit : "");
    field_as(cmd, key, label, digits, text);
}

void field_number(struct cmd *cmd, const char *key, const char *label, long long value, const char *unit)
{
    auto_free char *digits = mem_printf("%lld", value);
    field_digits(cmd, key, label, digits, unit);
}

void field_u64(struct cmd *cmd, const char *key, const char *label, unsigned long long value,
               const char *unit)
{
    auto_free char *digits = mem_printf("%llu", value);
    field_digits(cmd, key, label, digits, unit);
}

void field_bool(struct cmd *cmd, const char *key, const char *label, bool value, const char *yes_no)
{
    const char *slash = strchr(yes_no, '/');
    auto_free char *yes = mem_strndup(yes_no, (size_t)(slash - yes_no));
    field_as(cmd, key, label, value ? "true" : "false", value ? yes : slash + 1);
}

void field_document(struct cmd *cmd, const char *key, const char *text)
{
    if (cmd->as_json)
        json_string(&cmd->json, key, text);
    else
        print(cmd, "%s\n", text);
}

const char *param_text(struct cmd *cmd, const virTypedParameter *param)
{
    switch (param->type) {
    case VIR_TYPED_PARAM_INT:
        return cmd_printf(cmd, "%d", param->value.i);
    case VIR_TYPED_PARAM_UINT:
        return cmd_printf(cmd, "%u", param->value.ui);
    case VIR_TYPED_PARAM_LLONG:
        return cmd_printf(cmd, "%lld", param->value.l);
    case VIR_TYPED_PARAM_ULLONG:
        return cmd_printf(cmd, "%llu", param->value.ul);
    case VIR_TYPED_PARAM_DOUBLE:
        return cmd_printf(cmd, "%f", param->value.d);
    case VIR_TYPED_PARAM_BOOLEAN:
        return param->value.b ? "yes" : "no";
    case VIR_TYPED_PARAM_STRING:
        return cmd_printf(cmd, "%s", param->value.s);
    default:
        return "";
    }
}

void field_param(struct cmd *cmd, const char *label, const virTypedParameter *param)
{
    const char *text = param_text(cmd, param);
    label = label ? label : param->field;
    if (param->type == VIR_TYPED_PARAM_STRING)
        field(cmd, param->field, label, text);
    else if (param->type == VIR_TYPED_PARAM_BOOLEAN)
        field_bool(cmd, param->field, label, param->value.b, "yes/no");
    else
        field_as(cmd, param->field, label, text, text);
}

void open_object(struct cmd *cmd, const char *key)
{
    if (!cmd->as_json)
        return;
    if (key && !cmd->json.depth)
        json_open(&cmd->json, NULL, '{');
    json_open(&cmd->json, key, '{');
}

void open_array(struct cmd *cmd, const char *key)
{
    if (!cmd->as_json)
        return;
    if (key && !cmd->json.depth)
        json_open(&cmd->json, NULL, '{');
    json_open(&cmd->json, key, '[');
}

void close_one(struct cmd *cmd)
{
    if (cmd->as_json)
        json_close(&cmd->json);
}

void end_document(struct cmd *cmd)
{
    if (cmd->as_json)
        json_end(&cmd->json, cmd->abandoned ? NULL : stdout);
}

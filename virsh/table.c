/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Table: rows of cells under titles; as wide as the widest cell, counted in columns of the terminal. Control
 * characters are shown as \xNN: a name can't write to the terminal.
 */
#include <assert.h>
#include <locale.h>
#include <wchar.h>

#include "virsh/frame.h"

struct column {
    char *key, *title;
    char type; /* 't'ext, '#', '?' */
    bool hidden;
    size_t width;
};

struct table {
    struct cmd *cmd;
    struct column *columns;
    size_t count, rows;
    char **cells; /* rows * count; NULL: none */
};

static void table_free(void *object)
{
    struct table *table = object;
    for (size_t i = 0; i < table->count; i++) {
        free(table->columns[i].key);
        free(table->columns[i].title);
    }
    for (size_t i = 0; i < table->count * table->rows; i++)
        free(table->cells[i]);
    free(table->columns);
    free(table->cells);
    free(table);
}

static void column_add(struct table *table, const char *text)
{
    table->columns = mem_resize_array(table->columns, table->count + 1, sizeof(*table->columns));
    struct column *column = &table->columns[table->count++];
    const char *colon = strchr(text, ':');
    assert(colon && colon != text);
    *column = (struct column){.type = 't', .hidden = *text == '!'};
    text += column->hidden;
    const char *end = colon;
    if (end[-1] == '#' || end[-1] == '?')
        column->type = *--end;
    column->key = mem_strndup(text, (size_t)(end - text));
    column->title = mem_strdup(colon + 1);
}

struct table *table_new_(struct cmd *cmd, const char *column, ...)
{
    struct table *table = NEW(struct table);
    table->cmd = cmd;
    va_list args;
    va_start(args, column);
    for (; column; column = va_arg(args, const char *))
        column_add(table, column);
    va_end(args);
    return cmd_own(cmd, table, table_free);
}

/* Printable form of a cell; *ret_width: columns that it takes. */
static char *cell_text(const char *text, size_t *ret_width)
{
    struct buf out = {0};
    mbstate_t state = {0};
    *ret_width = 0;
    for (size_t left = strlen(text); left;) {
        wchar_t wide;
        size_t used = mbrtowc(&wide, text, left, &state);
        if (used == (size_t)-1 || used == (size_t)-2 || wcwidth(wide) < 0 || *text == '\\') {
            memset(&state, 0, sizeof(state));
            bool plain = *text == '\\' && !(left >= 2 && text[1] == 'x');
            if (plain)
                buf_add_char(&out, *text);
            else
                buf_printf(&out, "\\x%02x", (unsigned char)*text);
            *ret_width += plain ? 1 : 4;
            used = 1;
        } else {
            buf_add(&out, text, used);
            *ret_width += (size_t)wcwidth(wide);
        }
        text += used;
        left -= used;
    }
    if (!out.data)
        buf_add_string(&out, "");
    return buf_steal(&out);
}

void table_row_(struct table *table, size_t count, const char *const *cells)
{
    assert(count == table->count);
    table->cells = mem_resize_array(table->cells, (table->rows + 1) * count, sizeof(*table->cells));
    for (size_t i = 0; i < count; i++)
        table->cells[table->rows * count + i] = mem_strdup(cells[i]);
    table->rows++;
}

static void print_json(struct table *table, const char *key)
{
    struct cmd *cmd = table->cmd;
    open_array(cmd, key);
    for (size_t row = 0; row < table->rows; row++) {
        open_object(cmd, NULL);
        for (size_t i = 0; i < table->count; i++) {
            struct column *column = &table->columns[i];
            const char *cell = table->cells[row * table->count + i];
            if (column->type != 't' && (!cell || !*cell || str_eq(cell, "-")))
                cell = NULL;
            if (cell && column->type == '#')
                json_raw(&cmd->json, column->key, cell);
            else if (cell && column->type == '?')
                json_raw(&cmd->json, column->key, strchr("ye", *cell) ? "true" : "false");
            else
                json_string(&cmd->json, column->key, cell);
        }
        close_one(cmd);
    }
    close_one(cmd);
}

/* One line; the last column isn't padded. */
static void print_line(struct table *table, char *const *cells)
{
    for (size_t i = 0, shown = 0; i < table->count; i++) {
        if (table->columns[i].hidden)
            continue;
        size_t width;
        auto_free char *text = cell_text(cells[i] ? cells[i] : "", &width);
        size_t next = i + 1;
        while (next < table->count && table->columns[next].hidden)
            next++;
        bool last = next == table->count;
        print(table->cmd, "%s%s%*s", shown++ ? "   " : " ", text,
              last ? 0 : (int)(table->columns[i].width - width), "");
    }
    print(table->cmd, "\n");
}

static void widen(struct column *column, const char *cell)
{
    size_t width;
    auto_free char *text = cell_text(cell ? cell : "", &width);
    (void)text;
    if (width > column->width)
        column->width = width;
}

void table_print(struct table *table, const char *key)
{
    if (table->cmd->as_json) {
        print_json(table, key);
        return;
    }
    bool header = !table->cmd->shell->quiet;
    size_t total = 0;
    auto_free char **titles = NEW_ARRAY(char *, table->count);
    for (size_t i = 0; i < table->count; i++) {
        struct column *column = &table->columns[i];
        titles[i] = column->title;
        if (header)
            widen(column, column->title);
        for (size_t row = 0; row < table->rows; row++)
            widen(column, table->cells[row * table->count + i]);
        total += column->hidden ? 0 : column->width + 3;
    }
    if (header) {
        print_line(table, titles);
        for (size_t i = 0; i < total; i++)
            print(table->cmd, "-");
        print(table->cmd, "\n");
    }
    for (size_t row = 0; row < table->rows; row++)
        print_line(table, &table->cells[row * table->count]);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looking at the tables themselves: are they sound, and what is in them. */
#include "xml/xt-private.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/str.h"

enum { NEST_MAX = 64, TABLES_MAX = 1024, PATH_MAX_LENGTH = 1024 };

/* ---- what each kind honours ---- */

enum { VISIBILITY = XT_LIVE | XT_INACTIVE_ONLY | XT_SECRET | XT_STATUS | XT_NO_MIGRATE };

static const struct {
    const char *name;
    unsigned flags;
    bool named, unnamed; /* may it have a name; may it have none */
} kinds[] = {
    [XT_KIND_ATTR] = {"attribute", VISIBILITY | XT_REQUIRED | XT_ABI | XT_ALWAYS | XT_IMPLIED, true, false},
    [XT_KIND_OWN] = {"own text", VISIBILITY | XT_REQUIRED | XT_ABI | XT_ALWAYS, false, true},
    [XT_KIND_TEXT] = {"element", VISIBILITY | XT_REQUIRED | XT_ABI | XT_ALWAYS, true, false},
    [XT_KIND_FLAG] = {"flag", VISIBILITY | XT_ABI, true, false},
    [XT_KIND_GROUP] = {"group", VISIBILITY | XT_REQUIRED | XT_ALWAYS | XT_SPREAD, true, true},
    [XT_KIND_CHILD] = {"struct", VISIBILITY | XT_REQUIRED | XT_ABI | XT_NO_ABI | XT_SPREAD, true, false},
    [XT_KIND_LIST] = {"list", VISIBILITY | XT_REQUIRED | XT_ABI | XT_NO_ABI | XT_SPREAD, true, false},
    [XT_KIND_UNION] = {"union", VISIBILITY, false, true},
    [XT_KIND_HOOK] = {"hook", VISIBILITY | XT_REQUIRED | XT_ABI, true, true},
};

static const struct {
    unsigned flag;
    const char *word;
} flag_words[] = {
    {XT_REQUIRED, "required"}, {XT_ABI, "abi"},
    {XT_LIVE, "live"},         {XT_SECRET, "secret"},
    {XT_STATUS, "status"},     {XT_INACTIVE_ONLY, "inactive-only"},
    {XT_ALWAYS, "always"},     {XT_NO_MIGRATE, "no-migrate"},
    {XT_IMPLIED, "implied"},   {XT_NO_ABI, "no-abi"},
    {XT_SPREAD, "spread"},
};

void xt_flag_words(unsigned flags, struct buf *text)
{
    bool more = false;

    for (size_t i = 0; i < ARRAY_SIZE(flag_words); i++) {
        if (!(flags & flag_words[i].flag))
            continue;
        buf_printf(text, "%s%s", more ? " " : "", flag_words[i].word);
        more = true;
    }
}

/* ---- check ---- */

/* It reads what another row describes. */
static bool is_place(const struct xt_row *row)
{
    return row->kind == XT_KIND_HOOK && row->hook == &xt_place_hook;
}

struct check {
    struct buf *problems;
    const struct xt_table *tables[TABLES_MAX]; /* seen */
    unsigned n_tables;
    bool sound;
};

/* One table: which enum members its rows have read so far. */
struct scope {
    const struct xt_table *table;
    uint32_t enums[512];
    unsigned n_enums;
};

/* One element: what names are taken in it. */
struct names {
    const struct xt_row *rows[512];
    unsigned count, children, own;
};

static void check_table(struct check *check, const struct xt_table *table);
static void check_rows(struct check *check, struct scope *scope, struct names *names,
                       const struct xt_row *rows, uint32_t base);

static void PRINTF(4, 5)
    problem(struct check *check, const struct scope *scope, const struct xt_row *row, const char *format, ...)
{
    va_list args;

    check->sound = false;
    buf_printf(check->problems, "%s: row '%s': ", scope->table->name, row->name ? row->name : "");
    va_start(args, format);
    buf_vprintf(check->problems, format, args);
    va_end(args);
    buf_add_char(check->problems, '\n');
}

static void check_flags(struct check *check, const struct scope *scope, const struct xt_row *row)
{
    unsigned extra = row->flags & ~kinds[row->kind].flags;
    auto_buf struct buf words = {0};

    if (row->type == &xt_yes) /* 'no' is the same as not given */
        extra |= row->flags & XT_REQUIRED;
    if (row->kind == XT_KIND_HOOK && !row->hook->compare)
        extra |= row->flags & XT_ABI;
    if (row->kind == XT_KIND_ATTR && row->type != &xt_yesno && row->type != &xt_onoff)
        extra |= row->flags & XT_IMPLIED;
    if (!row->name && (row->kind == XT_KIND_GROUP || row->kind == XT_KIND_HOOK))
        extra |= row->flags & (XT_REQUIRED | XT_ALWAYS | XT_SPREAD);
    if (extra) {
        xt_flag_words(extra, &words);
        problem(check, scope, row, "%s rows don't honour: %s", kinds[row->kind].name, buf_text(&words));
    }
    if ((row->flags & XT_LIVE) && (row->flags & XT_INACTIVE_ONLY))
        problem(check, scope, row, "live and inactive-only exclude each other");
}

static void check_inside(struct check *check, const struct scope *scope, const struct xt_row *row,
                         uint32_t offset, size_t size)
{
    if (offset + size > scope->table->size)
        problem(check, scope, row, "lies outside of the struct (another struct's row?)");
}

static void check_scalar(struct check *check, struct scope *scope, const struct xt_row *row, uint32_t base)
{
    const char *const *words = row->aux;

    check_inside(check, scope, row, base + row->offset, row->type->size);
    if (row->type != &xt_enum)
        return;
    if (!words || !words[0] || *words[0])
        problem(check, scope, row, "the first word of an enum must be \"\" (not given)");
    if (scope->n_enums < ARRAY_SIZE(scope->enums))
        scope->enums[scope->n_enums++] = base + row->offset;
}

/* Rows of a table, or of what it contains, that ask to be compared. */
static bool has_abi(const struct xt_row *rows)
{
    for (; rows->kind != XT_KIND_END; rows++) {
        const struct xt_arm *arm;

        if (rows->flags & XT_ABI)
            return true;
        if ((rows->kind == XT_KIND_FLAG || rows->kind == XT_KIND_GROUP) && has_abi(rows->rows))
            return true;
        if (rows->kind == XT_KIND_UNION)
            for (arm = rows->arms; arm->rows; arm++)
                if (has_abi(arm->rows))
                    return true;
    }
    return false;
}

static void check_subtable(struct check *check, struct scope *scope, const struct xt_row *row, uint32_t base)
{
    check_inside(check, scope, row, base + row->offset, sizeof(void *));
    if (row->kind == XT_KIND_LIST)
        check_inside(check, scope, row, base + row->offset2, sizeof(size_t));
    if (!(row->flags & (XT_ABI | XT_NO_ABI)) && has_abi(row->table->rows))
        problem(check, scope, row, "is neither abi nor no-abi, but '%s' has abi rows", row->table->name);
    check_table(check, row->table);
}

static void check_union(struct check *check, struct scope *scope, struct names *names,
                        const struct xt_row *row, uint32_t base)
{
    const struct xt_arm *arm;
    unsigned i;

    for (i = 0; i < scope->n_enums; i++)
        if (scope->enums[i] == base + row->offset2)
            break;
    if (i == scope->n_enums)
        problem(check, scope, row, "no row before it reads the union's discriminator");
    for (arm = row->arms; arm->rows; arm++) {
        struct names inside = *names; /* arms may repeat each other's names */

        check_rows(check, scope, &inside, arm->rows, base);
    }
}

static void check_hook(struct check *check, const struct scope *scope, const struct xt_row *row)
{
    if (!row->hook->parse || !row->hook->format || !row->hook->copy)
        problem(check, scope, row, "a hook needs parse, format and copy");
}

static void check_name(struct check *check, struct scope *scope, struct names *names,
                       const struct xt_row *row)
{
    bool attr = row->kind == XT_KIND_ATTR;

    if (is_place(row))
        return;
    if (row->name ? !kinds[row->kind].named : !kinds[row->kind].unnamed)
        problem(check, scope, row, "%s rows must%s have a name", kinds[row->kind].name,
                row->name ? " not" : "");
    if (row->kind == XT_KIND_OWN)
        names->own++;
    else if (row->name && !attr)
        names->children++;
    if (names->own > 1 || (names->own && names->children))
        problem(check, scope, row, "own text can't stand beside other text or elements");
    if (!row->name)
        return;
    for (unsigned i = 0; i < names->count; i++)
        if (str_eq(names->rows[i]->name, row->name) && (names->rows[i]->kind == XT_KIND_ATTR) == attr)
            problem(check, scope, row, "the name is there twice");
    if (names->count < ARRAY_SIZE(names->rows))
        names->rows[names->count++] = row;
}

static void check_row(struct check *check, struct scope *scope, struct names *names, const struct xt_row *row,
                      uint32_t base)
{
    struct names inside = {0};

    switch (row->kind) {
    case XT_KIND_FLAG:
        check_inside(check, scope, row, base + row->offset, sizeof(bool));
        check_rows(check, scope, &inside, row->rows, base);
        break;
    case XT_KIND_GROUP:
        check_rows(check, scope, row->name ? &inside : names, row->rows, base + row->offset);
        break;
    case XT_KIND_CHILD:
    case XT_KIND_LIST:
        check_subtable(check, scope, row, base);
        break;
    case XT_KIND_UNION:
        check_union(check, scope, names, row, base);
        break;
    case XT_KIND_HOOK:
        check_hook(check, scope, row);
        break;
    default:
        check_scalar(check, scope, row, base);
    }
}

static void check_rows(struct check *check, struct scope *scope, struct names *names,
                       const struct xt_row *rows, uint32_t base)
{
    for (; rows->kind != XT_KIND_END; rows++) {
        if (rows->kind > XT_KIND_HOOK) {
            problem(check, scope, rows, "kind %d does not exist", rows->kind);
            return;
        }
        check_name(check, scope, names, rows);
        check_flags(check, scope, rows);
        check_row(check, scope, names, rows, base);
    }
}

static void check_table(struct check *check, const struct xt_table *table)
{
    struct scope scope = {.table = table};
    struct names names = {0};

    for (unsigned i = 0; i < check->n_tables; i++)
        if (check->tables[i] == table)
            return;
    if (check->n_tables == TABLES_MAX) {
        check->sound = false;
        buf_printf(check->problems, "more than %d tables\n", (int)TABLES_MAX);
        return;
    }
    check->tables[check->n_tables++] = table;
    check_rows(check, &scope, &names, table->rows, 0);
}

bool xt_check_table(const struct xt_table *table, struct buf *problems)
{
    struct check check = {.problems = problems, .sound = true};

    check_table(&check, table);
    return check.sound;
}

/* ---- walk ---- */

struct walk {
    void (*visit)(void *data, const char *path, const struct xt_row *row);
    void *data;
    const struct xt_table *tables[NEST_MAX];
    unsigned depth;
    char path[PATH_MAX_LENGTH];
};

static void walk_rows(struct walk *walk, const struct xt_row *rows, size_t length);

static void walk_table(struct walk *walk, const struct xt_table *table, size_t length)
{
    for (unsigned i = 0; i < walk->depth; i++)
        if (walk->tables[i] == table)
            return;
    if (walk->depth == NEST_MAX)
        return;
    walk->tables[walk->depth++] = table;
    walk_rows(walk, table->rows, length);
    walk->depth--;
}

/* What a hook says that it reads. */
static void walk_known(struct walk *walk, const struct xt_row *row, size_t length)
{
    const char *const *known;

    for (known = row->hook->known; known && *known; known++) {
        snprintf(walk->path + length, sizeof(walk->path) - length, "/%s", *known);
        walk->visit(walk->data, walk->path, row);
        walk->path[length] = '\0';
    }
}

static void walk_row(struct walk *walk, const struct xt_row *row, size_t length)
{
    size_t inside = length;
    const struct xt_arm *arm;

    if (is_place(row))
        return;
    if (row->name)
        inside += (size_t)snprintf(walk->path + length, sizeof(walk->path) - length, "/%s%s",
                                   row->kind == XT_KIND_ATTR ? "@" : "", row->name);
    if (inside >= sizeof(walk->path))
        return;
    walk->visit(walk->data, walk->path, row);
    switch (row->kind) {
    case XT_KIND_FLAG:
    case XT_KIND_GROUP:
        walk_rows(walk, row->rows, inside);
        break;
    case XT_KIND_CHILD:
    case XT_KIND_LIST:
        walk_table(walk, row->table, inside);
        break;
    case XT_KIND_UNION:
        for (arm = row->arms; arm->rows; arm++)
            walk_rows(walk, arm->rows, inside);
        break;
    case XT_KIND_HOOK:
        walk_known(walk, row, inside);
        break;
    default:
        if (row->type->unit) {
            snprintf(walk->path + (row->kind == XT_KIND_ATTR ? length : inside), sizeof(walk->path) - inside,
                     "/@unit");
            walk->visit(walk->data, walk->path, row);
        }
    }
}

static void walk_rows(struct walk *walk, const struct xt_row *rows, size_t length)
{
    for (; rows->kind != XT_KIND_END; rows++) {
        walk_row(walk, rows, length);
        walk->path[length] = '\0';
    }
}

void xt_walk(const struct xt_table *table,
             void (*visit)(void *data, const char *path, const struct xt_row *row), void *data)
{
    struct walk walk = {.visit = visit, .data = data};
    size_t length = (size_t)snprintf(walk.path, sizeof(walk.path), "%s", table->name);

    walk_table(&walk, table, length);
}

/* ---- reference page ---- */

static void dump_row(void *data, const char *path, const struct xt_row *row)
{
    struct buf *text = data;
    const char *const *words;

    if (!row->name && row->kind != XT_KIND_OWN && row->kind != XT_KIND_HOOK)
        return;
    buf_printf(text, "%s\t%s\t", path, kinds[row->kind].name);
    if (row->kind == XT_KIND_ATTR || row->kind == XT_KIND_OWN || row->kind == XT_KIND_TEXT) {
        if (row->type == &xt_enum)
            for (words = (const char *const *)row->aux + 1; *words; words++)
                buf_printf(text, "%s%s", *words, words[1] ? "|" : "");
        else
            buf_add_string(text, row->type->name);
    }
    buf_add_char(text, '\t');
    xt_flag_words(row->flags, text);
    buf_add_char(text, '\n');
}

void xt_dump(const struct xt_table *table, struct buf *text)
{
    xt_walk(table, dump_row, text);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Xt: one constant table per kind of XML element drives parse, format, copy, ABI compare, reference page and
 * fuzz dictionary. The rows stand in the order in which libvirt prints; nested elements are nested rows:
 *
 *     struct target { char *dev; enum bus bus; bool removable; struct opt_u32 rate; };
 *     XT_DECLARE(target_table, struct target);             in the header
 *
 *     #define T struct target                               in the C file
 *     XT_DEFINE(target_table, "target", target_finish,
 *         XT_ATTR(T, dev, "dev", str, XT_REQUIRED | XT_ABI),
 *         XT_ENUM(T, bus, "bus", bus_names, XT_ABI),
 *         XT_FLAG(T, removable, "removable", 0),
 *         XT_GROUP("limits", 0,
 *             XT_ATTR(T, rate, "rate", opt_u32, 0)));
 *
 * The macros don't compile when the scalar type doesn't fit the member, or the table doesn't fit the pointer.
 * tests/unit/test-xt walks every table with xt_check_table(), which rejects a flag that a row's kind doesn't
 * honour.
 *
 * A parsed object lives in one arena; nothing in it is freed alone. Objects are plain structs: code may set
 * members directly. "Not given" is NULL, zero, enum value 0, or `.set == false`, according to the type; what
 * isn't given isn't printed. There is no static state: tables are usable from many threads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bitmap.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mac.h"
#include "base/uuid.h"
#include "xml/node.h"

/* ---- values ---- */

/* Numbers for which 0 is not the same as not given. */
struct opt_u32 {
    uint32_t value;
    bool set;
};
struct opt_i32 {
    int32_t value;
    bool set;
};
struct opt_u64 {
    uint64_t value;
    bool set;
};
struct opt_i64 {
    int64_t value;
    bool set;
};

/* Attributes with yes/no or on/off where "not given" means: the default. */
enum tristate { TRI_NONE, TRI_YES, TRI_NO, TRI_ON = TRI_YES, TRI_OFF = TRI_NO };
static inline enum tristate tri(bool yes)
{
    return yes ? TRI_YES : TRI_NO;
}

struct xt_parse;
struct xt_format;

/* A scalar: how text becomes a value and back. `aux` is the row's (an enum's names, else NULL). */
struct xt_type {
    const char *name;   /* for the reference page: "number" */
    const char *expect; /* ends the message about a bad value: "Expected integer value"; or NULL */
    size_t size;
    bool skip_empty;                        /* as text (not as attribute) "" is the same as not given */
    const char *(*unit)(const void *value); /* of sizes: what the attribute 'unit' prints, else NULL */
    /* 0 or -errno; parse->unit is the unit's text or NULL. */
    int (*parse)(struct xt_parse *parse, const char *text, const void *aux, void *value);
    void (*format)(struct buf *text, const void *value, const void *aux);
    bool (*given)(const void *value);                              /* NULL: any byte is set */
    bool (*equal)(const void *a, const void *b);                   /* NULL: bytewise */
    void (*copy)(struct arena *arena, void *to, const void *from); /* NULL: bytewise */
};

/* XT_TYPE(speed, struct speed) declares the scalar type `speed`: a `const struct xt_type xt_speed`. */
#define XT_TYPE(name, ctype)                                                                                 \
    typedef __typeof__(ctype) xt_##name##_c;                                                                 \
    extern const struct xt_type xt_##name

XT_TYPE(str, char *);
XT_TYPE(u32, uint32_t); /* decimal; 0 = not given */
XT_TYPE(u64, uint64_t);
XT_TYPE(count, uint32_t); /* 0 is refused */
XT_TYPE(opt_u32, struct opt_u32);
XT_TYPE(opt_i32, struct opt_i32);
XT_TYPE(opt_u64, struct opt_u64);
XT_TYPE(opt_i64, struct opt_i64);
XT_TYPE(hex32, struct opt_u32); /* any base on input, "0x1f" on output */
XT_TYPE(hex64, struct opt_u64);
XT_TYPE(any_base, struct opt_u32); /* any base on input, decimal on output */
XT_TYPE(yes, bool);                /* yes/no; printed ('yes') only when true */
XT_TYPE(yesno, enum tristate);
XT_TYPE(onoff, enum tristate);
XT_TYPE(kib, uint64_t); /* with unit; KiB in memory, on output and when no unit is given; rounded up */
XT_TYPE(opt_kib, struct opt_u64);
XT_TYPE(bytes, uint64_t); /* with unit; bytes, printed as unit='bytes' */
/* Sizes in bytes, printed in the largest unit that divides them; without unit they are in B, KiB, MiB. */
XT_TYPE(size, uint64_t);
XT_TYPE(size_kib, uint64_t);
XT_TYPE(size_mib, uint64_t);
XT_TYPE(uuid, uint8_t[UUID_SIZE]); /* all zero = not given */
XT_TYPE(mac, struct mac);          /* all zero = not given */
XT_TYPE(bitmap, struct bitmap *);  /* "0-3,^2"; NULL = not given */

/* ---- rows ---- */

enum xt_kind {
    XT_KIND_END,
    XT_KIND_ATTR,  /* name='value' */
    XT_KIND_OWN,   /* the element's own text */
    XT_KIND_TEXT,  /* <name>value</name> */
    XT_KIND_FLAG,  /* <name/> is true; may have rows of its own */
    XT_KIND_GROUP, /* <name> around rows of the same or an embedded struct; without name just the rows */
    XT_KIND_CHILD, /* <name> is a struct of its own, reached by a pointer */
    XT_KIND_LIST,  /* any number of <name>: a vector of pointers and a count */
    XT_KIND_UNION, /* the value of an enum row before it selects the rows */
    XT_KIND_HOOK,  /* plain C */
};

enum xt_flags {
    /*
     * Must be given; a LIST: at least one. Not for FLAG and UNION. Where a type takes 0 for not given, 0 is
     * refused, too (an opt_ type or XT_ALWAYS allows it).
     */
    XT_REQUIRED = 1 << 0,
    /* Must not change while the guest lives; see xt_compare(). */
    XT_ABI = 1 << 1,
    /* CHILD, LIST: nothing inside is compared, whatever its rows say. */
    XT_NO_ABI = 1 << 2,
    /* Belongs to a running object: neither read nor printed for an inactive one; and the opposite. */
    XT_LIVE = 1 << 3,
    XT_INACTIVE_ONLY = 1 << 4,
    /* Printed only with XT_FORMAT_SECURE. */
    XT_SECRET = 1 << 5,
    /* Only in the daemon's status file. */
    XT_STATUS = 1 << 6,
    /* Not printed with XT_FORMAT_MIGRATABLE. */
    XT_NO_MIGRATE = 1 << 7,
    /* ATTR of type yesno, onoff: an element without it means yes, on. */
    XT_IMPLIED = 1 << 8,
    /* Scalars: printed even when not given. GROUP: printed even when nothing is in it. */
    XT_ALWAYS = 1 << 9,
    /* GROUP, CHILD, LIST: when empty, with an end tag on the next line instead of <x/>. */
    XT_SPREAD = 1 << 10,
};

struct xt_arm {
    int value; /* of the discriminator */
    const struct xt_row *rows;
};

struct xt_hook {
    /* Once for each child element of the row's name; without name once, with the element itself. 0 or -1. */
    int (*parse)(struct xt_parse *parse, struct xml_node *node, void *object);
    void (*format)(struct xt_format *format, const void *object);
    /* Attributes for the start tag, if it has any: " name='value'". */
    void (*format_attrs)(struct xt_format *format, const void *object);
    void (*copy)(struct arena *arena, void *to, const void *from);
    int (*compare)(const void *source, const void *target, struct err *err); /* NULL: no XT_ABI */
    const char *const *known; /* what else it reads, for the reference page: "child", "child/@attr", NULL */
};

/* All pointers are to constant data. Offsets are relative to the struct of the enclosing table. */
struct xt_row {
    uint8_t kind;
    uint16_t flags;
    uint32_t offset;  /* of the member */
    uint32_t offset2; /* LIST: the count; UNION: the discriminator */
    const char *name;
    const struct xt_type *type; /* ATTR, OWN, TEXT */
    union {
        const void *aux;              /* ATTR, OWN, TEXT: for the type */
        const struct xt_row *rows;    /* FLAG, GROUP */
        const struct xt_table *table; /* CHILD, LIST */
        const struct xt_arm *arms;    /* UNION */
        const struct xt_hook *hook;   /* HOOK */
    };
};

struct xt_table {
    const char *name; /* of the element */
    size_t size;      /* of the struct */
    const struct xt_row *rows;
    /* Rules of one object alone, after its rows were read; may be NULL. 0, or negative with err set. */
    int (*finish)(struct xt_parse *parse, void *object);
};

/* clang-format off */
#define XT_DECLARE(table, stype)                                                                             \
    typedef stype table##_struct;                                                                            \
    extern const struct xt_table table
#define XT_DEFINE(table, element, finish_, ...)                                                              \
    const struct xt_table table = {element, sizeof(table##_struct), XT_ROWS(__VA_ARGS__), finish_}
#define XT_END {0}
#define XT_ROWS(...) ((const struct xt_row[]){__VA_ARGS__ __VA_OPT__(, ) XT_END})

/* The member's offset; an array of negative size when its type isn't the wanted one. */
#define XT_FITS(S, m, ...) ((uint32_t)offsetof(S, m) + 0 * sizeof(char[_Generic(&((S *)0)->m, __VA_ARGS__, default: -1)]))
#define XT_AT(S, m, type) XT_FITS(S, m, xt_##type##_c * : 1)
#define XT_AT_ENUM(S, m) XT_FITS(S, m, unsigned * : 1, int * : 1)

/* Scalars: member m of struct S as attribute, own text or child element. XT_ENUM*: an enum with its name table. */
#define XT_ATTR(S, m, n, t, f) {.kind = XT_KIND_ATTR, .flags = (f), .offset = XT_AT(S, m, t), .name = n, .type = &xt_##t}
#define XT_OWN(S, m, t, f) {.kind = XT_KIND_OWN, .flags = (f), .offset = XT_AT(S, m, t), .type = &xt_##t}
#define XT_TEXT(S, m, n, t, f) {.kind = XT_KIND_TEXT, .flags = (f), .offset = XT_AT(S, m, t), .name = n, .type = &xt_##t}
#define XT_ENUM(S, m, n, names, f)                                                                           \
    {.kind = XT_KIND_ATTR, .flags = (f), .offset = XT_AT_ENUM(S, m), .name = n, .type = &xt_enum, .aux = names}
#define XT_ENUM_OWN(S, m, names, f)                                                                          \
    {.kind = XT_KIND_OWN, .flags = (f), .offset = XT_AT_ENUM(S, m), .type = &xt_enum, .aux = names}
#define XT_ENUM_TEXT(S, m, n, names, f)                                                                      \
    {.kind = XT_KIND_TEXT, .flags = (f), .offset = XT_AT_ENUM(S, m), .name = n, .type = &xt_enum, .aux = names}

/* Presence of <n/> in a bool; more rows (of S) may follow. */
#define XT_FLAG(S, m, n, f, ...)                                                                             \
    {.kind = XT_KIND_FLAG, .flags = (f), .offset = XT_FITS(S, m, bool * : 1), .name = n, .rows = XT_ROWS(__VA_ARGS__)}
/* <n> around rows of the same struct. Printed when something in it is. */
#define XT_GROUP(n, f, ...) {.kind = XT_KIND_GROUP, .flags = (f), .name = n, .rows = XT_ROWS(__VA_ARGS__)}
/* Rows of another array (of the same struct), shared by several tables; n may be NULL: no element around them. */
#define XT_GROUP_OF(n, f, array) {.kind = XT_KIND_GROUP, .flags = (f), .name = n, .rows = array}
/* A struct inside S, described by tab's rows (XT_DECLAREd); n may be NULL. tab's finish isn't called. */
#define XT_EMBED(S, m, n, tab, f)                                                                            \
    {.kind = XT_KIND_GROUP, .flags = (f), .offset = XT_FITS(S, m, tab##_struct * : 1), .name = n, .rows = tab##_rows}
/* For XT_EMBED: a table whose rows others may embed. Declare with XT_DECLARE_ROWS. */
#define XT_DECLARE_ROWS(table, stype)                                                                        \
    XT_DECLARE(table, stype);                                                                                \
    extern const struct xt_row table##_rows[]
#define XT_DEFINE_ROWS(table, element, finish_, ...)                                                         \
    const struct xt_row table##_rows[] = {__VA_ARGS__, XT_END};                                              \
    const struct xt_table table = {element, sizeof(table##_struct), table##_rows, finish_}
/* <n> is a struct of its own: member m is a pointer, NULL when the element isn't there. */
#define XT_CHILD(S, m, n, tab, f)                                                                            \
    {.kind = XT_KIND_CHILD, .flags = (f), .offset = XT_FITS(S, m, tab##_struct * * : 1), .name = n, .table = &tab}
/* Each <n>: m is `struct x **`, count a size_t. */
#define XT_LIST(S, m, count, n, tab, f)                                                                      \
    {.kind = XT_KIND_LIST, .flags = (f), .offset = XT_FITS(S, m, tab##_struct * * * : 1),                    \
     .offset2 = XT_FITS(S, count, size_t * : 1), .name = n, .table = &tab}
/* The enum member m, parsed by a row before this one, selects the rows: XT_UNION(S, type, 0, XT_ARM(A, rows...), ...) */
#define XT_UNION(S, m, f, ...)                                                                               \
    {.kind = XT_KIND_UNION, .flags = (f), .offset2 = XT_AT_ENUM(S, m), .arms = (const struct xt_arm[]){__VA_ARGS__, {0}}}
#define XT_ARM(v, ...) {.value = (v), .rows = XT_ROWS(__VA_ARGS__)}
/* The hook's object is &member, or the whole struct with XT_HOOK_ALL. n may be NULL. */
#define XT_HOOK(S, m, n, h, f) {.kind = XT_KIND_HOOK, .flags = (f), .offset = offsetof(S, m), .name = n, .hook = &(h)}
#define XT_HOOK_ALL(n, h, f) {.kind = XT_KIND_HOOK, .flags = (f), .name = n, .hook = &(h)}

/* clang-format on */

extern const struct xt_type xt_enum;
/* The element as it was written, in a `struct xml_node *`: XT_HOOK(S, extra, "extra", xt_verbatim, 0). */
extern const struct xt_hook xt_verbatim;
/*
 * Where an element stands, kept for checks that run when the document is gone: XT_PLACE(S, place, NULL) of
 * the element around the row, XT_PLACE(S, place, "name") of the first <name> in it. Not printed; all zero in
 * what doesn't come from a document, and in copies.
 */
struct xt_place {
    const char *element;
    uint32_t line;
};
extern const struct xt_hook xt_place_hook;
#define XT_PLACE(S, m, n)                                                                                    \
    {                                                                                                        \
        .kind = XT_KIND_HOOK, .offset = XT_FITS(S, m, struct xt_place * : 1), .name = n,                     \
        .hook = &xt_place_hook                                                                               \
    }

/* ---- walking ---- */

/* Of one kind inside an element: a machine's processors are the most that one may name. */
enum { XT_LIST_MAX = 16384 };

enum xt_parse_flags {
    XT_PARSE_INACTIVE = 1 << 0, /* ignore LIVE rows */
    XT_PARSE_STATUS = 1 << 1,   /* read STATUS rows */
    XT_PARSE_VALIDATE = 1 << 2, /* unknown elements and attributes are an error (ERR_XML_INVALID_SCHEMA) */
    XT_PARSE_USER = 1 << 16,    /* bits from here on belong to the noun */
};

enum xt_format_flags {
    XT_FORMAT_SECURE = 1 << 0,
    XT_FORMAT_INACTIVE = 1 << 1,
    XT_FORMAT_MIGRATABLE = 1 << 2,
    XT_FORMAT_STATUS = 1 << 3,
    XT_FORMAT_USER = 1 << 16,
};

struct xt_parse {
    struct arena *arena; /* of the object */
    unsigned flags;
    const char *unit; /* for a type's parse function */
    bool placed;      /* the error says already where in the document it is */
    struct err *err;
};

struct xt_format {
    struct buf *text;
    unsigned flags;
    unsigned indent; /* in blanks */
};

/* How a document of a noun is read. */
struct xt_document {
    const struct xt_table *table;
    const char *what;                       /* "(domain_definition)", in messages */
    const struct xml_namespace *namespaces; /* or NULL */
};

/* The object, in arena, or NULL with err set. The root element must be the table's. */
void *xt_parse(const struct xt_document *document, struct arena *arena, const char *text, unsigned flags,
               struct err *err);
/* Hooks: read an element into a zeroed object by a table's rows (and its finish). 0 or -1. */
int xt_parse_node(struct xt_parse *parse, const struct xt_table *table, struct xml_node *node, void *object);
/* Errors at a place of the document: the line is added (to what a finish or a hook says, too). Always -1. */
int xt_error(struct xt_parse *parse, const struct xml_node *node, const char *format, ...) PRINTF(3, 4);
int xt_error_attr(struct xt_parse *parse, const struct xml_node *node, const char *attr, const char *value,
                  const struct xt_type *type);

/* Behind an error of a check that ran later: where its subject stands, when that is known. Always -1. */
int xt_add_place(struct err *err, const struct xt_place *place);

/* Append the element (its name; NULL: the table's) at the given indentation. */
void xt_format(const struct xt_table *table, struct buf *text, const void *object, unsigned flags,
               unsigned indent);
/* Hooks: the same, from where the format stands. */
void xt_format_node(struct xt_format *format, const struct xt_table *table, const char *name,
                    const void *object);
/* Hooks: one line at the current indentation; the text is taken as it is. */
void xt_format_line(struct xt_format *format, const char *text, ...) PRINTF(2, 3);

/* A deep copy of all that the rows describe; other members are zero. */
void *xt_copy(const struct xt_table *table, struct arena *arena, const void *object);

/*
 * Would a running guest notice? ABI scalars and flags must be equal, ABI children and lists must be there
 * alike, and are compared inside. 0, or -1 and ERR_CONFIG_UNSUPPORTED: "Target disk serial 'a' does not match
 * source 'b'".
 */
int xt_compare(const struct xt_table *table, const void *source, const void *target, struct err *err);

/* ---- looking at tables ---- */

/* Is the table sound? false with an explanation appended to problems. Walks everything below, too. */
bool xt_check_table(const struct xt_table *table, struct buf *problems);
/*
 * Visit every row below the table: path is "domain/os/type/@arch" ("/text()" isn't added for own text). A
 * table inside itself isn't entered again.
 */
void xt_walk(const struct xt_table *table,
             void (*visit)(void *data, const char *path, const struct xt_row *row), void *data);
/* The reference page: one line per row: path, kind, type or words, flags. */
void xt_dump(const struct xt_table *table, struct buf *text);
/* The words of flags: "required abi". */
void xt_flag_words(unsigned flags, struct buf *text);

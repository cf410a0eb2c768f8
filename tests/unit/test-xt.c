/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table engine on a noun of its own, and the self-check of every table of the model. */
#include "model/tables.h"
#include "unit.h"
#include "xml/xt.h"

/* ---- the noun ---- */

enum kind { KIND_UNSET, KIND_PATH, KIND_NET, KIND_MAX };
static const char *const kind_names[] = {"", "path", "net", NULL};

struct wheel {
    char *name;
    struct opt_i32 angle;
};
struct frame {
    uint32_t height;
    struct mac mac;
};
struct bike {
    uint8_t uuid[UUID_SIZE];
    char *name, *secret, *alias, *path, *host, *note, *once;
    struct opt_u32 port;
    enum kind kind;
    bool bell, loud;
    enum tristate light, pump, lock;
    uint64_t weight, load;
    struct bitmap *gears;
    struct frame frame;
    struct wheel *spare;
    struct wheel **wheels;
    size_t n_wheels;
    struct xml_node *extra;
    struct xt_place place, named;
};
XT_DECLARE(bike_table, struct bike);
XT_DECLARE(wheel_table, struct wheel);
XT_DECLARE_ROWS(frame_table, struct frame);

static int bike_finish(struct xt_parse *parse, void *object)
{
    const struct bike *bike = object;

    return bike->n_wheels > 2 ? err_set(parse->err, ERR_XML_ERROR, "%zu wheels", bike->n_wheels) : 0;
}

/* clang-format off */
#define W struct wheel
XT_DEFINE(wheel_table, "wheel", NULL,
    XT_ATTR(W, angle, "angle", opt_i32, 0),
    XT_OWN(W, name, str, XT_REQUIRED | XT_ABI));

#define F struct frame
XT_DEFINE_ROWS(frame_table, "frame", NULL,
    XT_ATTR(F, height, "height", u32, XT_ABI),
    XT_ATTR(F, mac, "mac", mac, 0));

#define T struct bike
XT_DEFINE(bike_table, "bike", bike_finish,
    XT_PLACE(T, place, NULL),
    XT_PLACE(T, named, "name"),
    XT_ENUM(T, kind, "kind", kind_names, XT_REQUIRED | XT_ABI),
    XT_TEXT(T, uuid, "uuid", uuid, 0),
    XT_TEXT(T, name, "name", str, XT_REQUIRED),
    XT_TEXT(T, secret, "secret", str, XT_SECRET),
    XT_TEXT(T, alias, "alias", str, XT_LIVE),
    XT_TEXT(T, note, "note", str, XT_STATUS),
    XT_TEXT(T, once, "once", str, XT_INACTIVE_ONLY | XT_NO_MIGRATE),
    XT_UNION(T, kind, 0,
        XT_ARM(KIND_PATH, XT_GROUP("source", 0, XT_ATTR(T, path, "path", str, XT_ABI))),
        XT_ARM(KIND_NET,
            XT_GROUP("source", 0,
                XT_ATTR(T, host, "host", str, XT_REQUIRED),
                XT_ATTR(T, port, "port", opt_u32, 0)))),
    XT_FLAG(T, bell, "bell", XT_ABI, XT_ATTR(T, loud, "loud", yes, 0)),
    XT_GROUP("light", 0, XT_ATTR(T, light, "state", onoff, XT_IMPLIED)),
    XT_GROUP("tools", 0,
        XT_ATTR(T, pump, "pump", yesno, 0),
        XT_ATTR(T, lock, "lock", yesno, 0)),
    XT_TEXT(T, weight, "weight", kib, 0),
    XT_GROUP("load", 0, XT_ATTR(T, load, "max", size, 0)),
    XT_TEXT(T, gears, "gears", bitmap, 0),
    XT_EMBED(T, frame, "frame", frame_table, 0),
    XT_CHILD(T, spare, "spare", wheel_table, XT_ABI),
    XT_LIST(T, wheels, n_wheels, "wheel", wheel_table, XT_ABI),
    XT_HOOK(T, extra, "extra", xt_verbatim, 0));
/* clang-format on */

static const struct xt_document bike_document = {&bike_table, "(bike)", NULL};

static const char whole[] = "<bike kind='net'>\n"
                            "  <uuid>8510b1a1-1afa-4da6-8111-785fae202c1e</uuid>\n"
                            "  <name>a &lt;b&gt; &amp; c</name>\n"
                            "  <secret>x</secret>\n"
                            "  <alias>bike0</alias>\n"
                            "  <source host='h' port='0'/>\n"
                            "  <bell loud='yes'/>\n"
                            "  <light state='off'/>\n"
                            "  <tools lock='no'/>\n"
                            "  <weight unit='KiB'>2048</weight>\n"
                            "  <load max='3' unit='MiB'/>\n"
                            "  <gears>0-3,7</gears>\n"
                            "  <frame height='5' mac='52:54:00:00:00:01'/>\n"
                            "  <spare>s</spare>\n"
                            "  <wheel angle='-5'>front</wheel>\n"
                            "  <wheel angle='0'>back</wheel>\n"
                            "  <extra>\n"
                            "    <any k=\"v\"/>\n"
                            "  </extra>\n"
                            "</bike>\n";

static struct bike *read_bike(struct arena *arena, const char *text, unsigned flags, struct err *err)
{
    return xt_parse(&bike_document, arena, text, flags, err);
}

static const char *print(struct arena *arena, const struct bike *bike, unsigned flags)
{
    auto_buf struct buf text = {0};

    xt_format(&bike_table, &text, bike, flags, 0);
    return arena_strdup(arena, buf_text(&text));
}

/* ---- reading and printing ---- */

START_TEST(round_trip)
{
    auto_arena struct arena arena = {0}, other = {0};
    auto_err struct err err = {0};
    struct bike *bike = read_bike(&arena, whole, 0, &err), *copy;

    ck_assert_msg(bike != NULL, "%s", err.message);
    ck_assert_str_eq(print(&arena, bike, XT_FORMAT_SECURE), whole);
    ck_assert_uint_eq(bike->load, 3 << 20);
    ck_assert(bike->port.set && bike->port.value == 0);
    copy = xt_copy(&bike_table, &other, bike);
    arena_done(&arena); /* the copy leans on nothing */
    ck_assert_str_eq(print(&other, copy, XT_FORMAT_SECURE), whole);
}
END_TEST

START_TEST(lenient_input)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    struct bike *bike =
        read_bike(&arena,
                  "<bike kind='path'><load unit='k' max=' 1 '/><weight unit='MB'>1</weight><unknown/>"
                  "<light/><tools/><source path='' host='ignored'/><name>first</name><name>second</name>"
                  "<gears>0-3,^2</gears><note>n</note></bike>",
                  0, &err);

    ck_assert_msg(bike != NULL, "%s", err.message);
    /* the first of two counts; an empty attribute is a value; 1 MB is rounded up to KiB */
    ck_assert_str_eq(print(&arena, bike, 0), "<bike kind='path'>\n"
                                             "  <name>first</name>\n"
                                             "  <source path=''/>\n"
                                             "  <light state='on'/>\n"
                                             "  <weight unit='KiB'>977</weight>\n"
                                             "  <load max='1' unit='KiB'/>\n"
                                             "  <gears>0-1,3</gears>\n"
                                             "</bike>\n");
}
END_TEST

START_TEST(visibility)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    static const char text[] =
        "<bike kind='path'><name>n</name><secret>s</secret><alias>a</alias><note>x</note>"
        "<once>o</once></bike>";
    struct bike *bike = read_bike(&arena, text, 0, &err);

    ck_assert(bike->alias && !bike->note && !bike->once);
    ck_assert_ptr_null(strstr(print(&arena, bike, 0), "secret"));
    ck_assert_ptr_nonnull(strstr(print(&arena, bike, XT_FORMAT_SECURE), "<secret>s</secret>"));
    ck_assert_ptr_nonnull(strstr(print(&arena, bike, 0), "alias"));
    ck_assert_ptr_null(strstr(print(&arena, bike, XT_FORMAT_INACTIVE), "alias"));
    bike = read_bike(&arena, text, XT_PARSE_INACTIVE | XT_PARSE_STATUS, &err);
    ck_assert(!bike->alias && bike->note && bike->once);
    ck_assert_ptr_null(strstr(print(&arena, bike, 0), "note"));
    ck_assert_ptr_nonnull(strstr(print(&arena, bike, XT_FORMAT_STATUS), "note"));
    ck_assert_ptr_nonnull(strstr(print(&arena, bike, XT_FORMAT_INACTIVE), "once"));
    ck_assert_ptr_null(strstr(print(&arena, bike, XT_FORMAT_INACTIVE | XT_FORMAT_MIGRATABLE), "once"));
}
END_TEST

START_TEST(bad_values)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"<trike/>", "expecting root element of 'bike', not 'trike'"},
        {"<bike/>", "Missing required attribute 'kind' in element 'bike' (line 1)"},
        {"<bike kind='x'/>", "Invalid value for attribute 'kind' in element 'bike': 'x'. (line 1)"},
        {"<bike kind=''/>", "Invalid value for attribute 'kind' in element 'bike': ''"},
        {"<bike kind='path'>\n</bike>", "Missing required element 'name' in element 'bike'"},
        {"<bike kind='net'><name>n</name>\n<source/></bike>",
         "Missing required attribute 'host' in element 'source' (line 2)"},
        {"<bike kind='path'><name>n</name>\n\n<frame height='-1'/></bike>",
         "Invalid value for attribute 'height' in element 'frame': '-1'. Expected non-negative integer value "
         "(line 3)"},
        {"<bike kind='path'><name>n</name><frame height='4294967296'/></bike>", "'4294967296'"},
        {"<bike kind='path'><name>n</name><frame mac='1'/></bike>", "Expected a MAC address"},
        {"<bike kind='path'><name>n</name><light state='maybe'/></bike>", "'maybe'"},
        {"<bike kind='path'><name>n</name><weight>1 2</weight></bike>",
         "Invalid value for element 'weight': '1 2'. Expected non-negative integer value"},
        {"<bike kind='path'><name>n</name><weight unit='parsec'>1</weight></bike>",
         "unknown suffix 'parsec'"},
        {"<bike kind='path'><name>n</name><weight unit='EiB'>16</weight></bike>", "value too large"},
        {"<bike kind='path'><name>n</name><weight>18446744073709551615</weight></bike>", "value too large"},
        {"<bike kind='path'><name>n</name><gears>4-1</gears></bike>",
         "invalid argument: Failed to parse bitmap '"},
        {"<bike kind='path'><name>n</name><gears>0-4294967295</gears></bike>",
         "invalid argument: Failed to parse bitmap '"},
        {"<bike kind='path'><name>n</name><uuid>1</uuid></bike>", "Expected a UUID"},
        {"<bike kind='path'><name>n</name><wheel angle='1'/></bike>", "Missing value of element 'wheel'"},
        {"<bike kind='path'><name>n</name><wheel>1</wheel><wheel>1</wheel><wheel>1</wheel></bike>",
         "3 wheels"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        auto_arena struct arena arena = {0};
        auto_err struct err err = {0};

        ck_assert_msg(!read_bike(&arena, cases[i].text, 0, &err), "accepted: %s", cases[i].text);
        ck_assert_msg(err_is_set(&err), "no reason: %s", cases[i].text);
        ASSERT_ERR(&err, err.code, cases[i].message);
    }
}
END_TEST

/* What a noun's own code says gets the place; later checks find it beside what was read. */
START_TEST(places)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0}, later = {0};
    const char *three =
        "<bike kind='path'><name>a</name>\n<wheel>a</wheel><wheel>b</wheel><wheel>c</wheel></bike>";
    struct bike *bike = read_bike(&arena, whole, 0, &err);
    const struct bike *copy = xt_copy(&bike_table, &arena, bike);

    ck_assert_str_eq(bike->place.element, "bike");
    ck_assert_uint_eq(bike->place.line, 1);
    ck_assert_str_eq(bike->named.element, "name");
    ck_assert_uint_eq(bike->named.line, 3);
    ck_assert_uint_eq(copy->named.line, 0);
    err_set(&later, ERR_XML_ERROR, "Name taken");
    ck_assert_int_eq(xt_add_place(&later, &copy->named), -1);
    ck_assert_str_eq(later.detail, "Name taken");
    xt_add_place(&later, &bike->named);
    ck_assert_str_eq(later.detail, "Name taken in element 'name' (line 3)");

    ck_assert(!read_bike(&arena, three, 0, &err));
    ck_assert_str_eq(err.detail, "3 wheels in element 'bike' (line 1)");
}
END_TEST

START_TEST(validation)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};

    ck_assert_msg(read_bike(&arena, whole, XT_PARSE_VALIDATE, &err) != NULL, "%s", err.message);
    ck_assert_ptr_null(
        read_bike(&arena, "<bike kind='path'><name>n</name>\n<motor/></bike>", XT_PARSE_VALIDATE, &err));
    ASSERT_ERR(&err, ERR_XML_INVALID_SCHEMA, "line 2: element 'motor' is not allowed in element 'bike'");
    ck_assert_ptr_null(read_bike(&arena, "<bike kind='path'><name>n</name><source host='h'/></bike>",
                                 XT_PARSE_VALIDATE, &err));
    ASSERT_ERR(&err, ERR_XML_INVALID_SCHEMA, "attribute 'host' is not allowed in element 'source'");
    ck_assert_ptr_null(
        read_bike(&arena, "<bike kind='path'><name>n</name><name>m</name></bike>", XT_PARSE_VALIDATE, &err));
    ASSERT_ERR(&err, ERR_XML_INVALID_SCHEMA, "element 'name'");
}
END_TEST

/* ---- comparing ---- */

static struct bike *fresh(struct arena *arena)
{
    auto_err struct err err = {0};

    return read_bike(arena, whole, 0, &err);
}

START_TEST(compare)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    struct bike *source = fresh(&arena), *target = fresh(&arena);

    ASSERT_OK(xt_compare(&bike_table, source, target, &err), &err);
    target->host = "elsewhere"; /* not part of the ABI */
    ASSERT_OK(xt_compare(&bike_table, source, target, &err), &err);

    target->frame.height = 6;
    ck_assert_int_lt(xt_compare(&bike_table, source, target, &err), 0);
    ASSERT_ERR(&err, ERR_CONFIG_UNSUPPORTED, "Target bike frame height '6' does not match source '5'");

    target = fresh(&arena);
    target->bell = false;
    ck_assert_int_lt(xt_compare(&bike_table, source, target, &err), 0);
    ASSERT_ERR(&err, ERR_CONFIG_UNSUPPORTED, "Target bike bell 'no' does not match source 'yes'");

    target = fresh(&arena);
    target->wheels[1]->name = "rear";
    ck_assert_int_lt(xt_compare(&bike_table, source, target, &err), 0);
    ASSERT_ERR(&err, ERR_CONFIG_UNSUPPORTED, "Target bike wheel 'rear' does not match source 'back'");

    target->n_wheels = 1;
    ck_assert_int_lt(xt_compare(&bike_table, source, target, &err), 0);
    ASSERT_ERR(&err, ERR_CONFIG_UNSUPPORTED, "Target bike wheel count 1 does not match source 2");

    target = fresh(&arena);
    target->spare = NULL;
    ck_assert_int_lt(xt_compare(&bike_table, source, target, &err), 0);
    ASSERT_ERR(&err, ERR_CONFIG_UNSUPPORTED, "Target bike spare 'absent' does not match source 'present'");
}
END_TEST

/* ---- the tables themselves ---- */

/* A table of one row, or of several, that must not pass. */
static void unsound(const struct xt_row *rows, const char *why)
{
    struct xt_table table = {"bike", sizeof(struct bike), rows, NULL};
    auto_buf struct buf problems = {0};

    ck_assert_msg(!xt_check_table(&table, &problems), "passed, but: %s", why);
    ck_assert_msg(strstr(buf_text(&problems), why) != NULL, "'%s' is not in '%s'", why, buf_text(&problems));
}

START_TEST(self_check)
{
    static const struct xt_hook empty_hook = {0};
    static const char *const no_unset[] = {"path", NULL};

    unsound(XT_ROWS(XT_GROUP("g", XT_ABI, XT_TEXT(T, name, "n", str, 0))), "group rows don't honour: abi");
    unsound(XT_ROWS(XT_FLAG(T, bell, "bell", XT_REQUIRED)), "flag rows don't honour: required");
    unsound(XT_ROWS(XT_ATTR(T, name, "n", str, XT_IMPLIED)), "attribute rows don't honour: implied");
    unsound(XT_ROWS(XT_HOOK(T, extra, "e", xt_verbatim, XT_ABI)), "hook rows don't honour: abi");
    unsound(XT_ROWS(XT_HOOK(T, extra, "e", empty_hook, 0)), "a hook needs parse, format and copy");
    unsound(XT_ROWS(XT_ATTR(T, name, "n", str, XT_LIVE | XT_INACTIVE_ONLY)), "exclude each other");
    unsound(XT_ROWS(XT_ATTR(T, name, "n", str, 0), XT_ATTR(T, path, "n", str, 0)), "the name is there twice");
    unsound(XT_ROWS(XT_OWN(T, name, str, 0), XT_TEXT(T, path, "p", str, 0)), "own text can't stand beside");
    unsound(XT_ROWS(XT_ENUM(T, kind, "kind", no_unset, 0)), "the first word of an enum must be \"\"");
    unsound(XT_ROWS(XT_LIST(T, wheels, n_wheels, "wheel", wheel_table, 0)), "is neither abi nor no-abi");
    unsound(XT_ROWS(XT_UNION(T, kind, 0, XT_ARM(KIND_PATH, XT_ATTR(T, path, "p", str, 0))),
                    XT_ENUM(T, kind, "kind", kind_names, 0)),
            "no row before it reads the union's discriminator");
    unsound(XT_ROWS({.kind = XT_KIND_ATTR, .offset = sizeof(struct bike), .name = "n", .type = &xt_str}),
            "lies outside of the struct");
    unsound(XT_ROWS({.kind = XT_KIND_TEXT, .type = &xt_str}), "element rows must have a name");
}
END_TEST

START_TEST(all_tables)
{
    auto_buf struct buf problems = {0};

    ck_assert_msg(xt_check_table(&bike_table, &problems), "%s", buf_text(&problems));
    for (const struct xt_table *const *table = model_tables; *table; table++)
        ck_assert_msg(xt_check_table(*table, &problems), "%s", buf_text(&problems));
}
END_TEST

START_TEST(dump)
{
    auto_buf struct buf text = {0};

    xt_dump(&bike_table, &text);
    ck_assert_ptr_nonnull(strstr(buf_text(&text), "bike/@kind\tattribute\tpath|net\trequired abi\n"));
    ck_assert_ptr_nonnull(strstr(buf_text(&text), "bike/secret\telement\ttext\tsecret\n"));
    ck_assert_ptr_nonnull(strstr(buf_text(&text), "bike/load/@unit\t"));
    ck_assert_ptr_nonnull(strstr(buf_text(&text), "bike/wheel/@angle\t"));
}
END_TEST

UNIT_MAIN("xt", round_trip, lenient_input, visibility, bad_values, places, validation, compare, self_check,
          all_tables, dump)

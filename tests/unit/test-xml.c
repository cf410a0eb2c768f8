/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Documents that people send: good ones, odd ones, and those that are meant to hurt. */
#include "unit.h"
#include "xml/node.h"

static const struct xml_namespace spaces[] = {{"own", "http://example.org/own"}, {0}};

static struct xml_node *parse(struct arena *arena, const char *text, struct err *err)
{
    return xml_parse(arena, text, strlen(text), "(test)", spaces, err);
}

START_TEST(tree)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    struct xml_node *root =
        parse(&arena,
              "<?xml version='1.0'?>\n<!-- before -->\n<a one='1 &amp; &lt;2&gt; &#x41;' two=\"'\">\n"
              "  <b>t<!-- c -->&lt;x&gt;</b>\n  <b/>\n <c> </c>\n</a>\n",
              &err);

    ck_assert_msg(root != NULL, "%s", err.message);
    ck_assert_str_eq(root->name, "a");
    ck_assert_uint_eq(root->line, 3);
    ck_assert_str_eq(xml_attr(root, "one"), "1 & <2> A");
    ck_assert_str_eq(xml_attr(root, "two"), "'");
    ck_assert_ptr_null(xml_attr(root, "three"));
    ck_assert_str_eq(xml_text(xml_child(root, "b"), &arena), "t<x>");
    ck_assert_str_eq(xml_text(xml_next(xml_child(root, "b"), "b"), &arena), "");
    ck_assert_uint_eq(xml_next(xml_child(root, "b"), "b")->line, 5);
    ck_assert_str_eq(xml_text(xml_child(root, "c"), &arena), " ");
    ck_assert_ptr_null(xml_child(root, "d"));
    ck_assert_ptr_eq(root->first, xml_child(root, "b")); /* no layout between elements */
}
END_TEST

START_TEST(foreign_names)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    struct xml_node *root = parse(&arena,
                                  "<a xmlns:x='http://example.org/own' xmlns:y='http://example.org/other'>"
                                  "<x:b k='v' y:k='w'/><y:b/><b xmlns='http://example.org/other'/></a>",
                                  &err);

    ck_assert_msg(root != NULL, "%s", err.message);
    ck_assert_ptr_nonnull(xml_child(root, "own:b"));
    ck_assert_ptr_null(xml_child(root, "b"));
    ck_assert_ptr_null(xml_child(root, "x:b"));
    ck_assert_ptr_null(xml_child(root, "y:b"));
    ck_assert_str_eq(xml_attr(xml_child(root, "own:b"), "k"), "v");
}
END_TEST

START_TEST(verbatim)
{
    static const char text[] = "<m>\n"
                               "  <x:a xmlns:x=\"http://example.org/x\" x:k=\"&lt;&quot;'\">\n"
                               "    <b>mixed <i>text</i> &amp; more</b>\n"
                               "    <!-- note -->\n"
                               "    <c><![CDATA[<raw>]]></c>\n"
                               "    <d/>\n"
                               "  </x:a>\n"
                               "</m>\n";
    auto_arena struct arena arena = {0}, other = {0};
    auto_err struct err err = {0};
    auto_buf struct buf out = {0};
    struct xml_node *root = parse(&arena, text, &err), *copy;

    ck_assert_msg(root != NULL, "%s", err.message);
    copy = xml_copy(&other, root);
    ck_assert(xml_eq(root, copy));
    arena_done(&arena);
    xml_format(copy, 0, &out);
    ck_assert_str_eq(buf_text(&out), text);
    copy->first->attrs->value = "http://example.org/y";
    root = parse(&arena, text, &err);
    ck_assert(!xml_eq(root, copy));
}
END_TEST

START_TEST(unused)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    struct xml_node *root = parse(&arena, "<a k='1'><b l='2'/>\n<c/></a>", &err);
    const struct xml_attr *attr;

    root->used = true;
    ck_assert_ptr_eq(xml_unused(root, &attr), root);
    ck_assert_str_eq(attr->name, "k");
    xml_attr(root, "k");
    ck_assert_ptr_eq(xml_unused(root, &attr), root->first);
    ck_assert_ptr_null(attr);
    xml_use_all(root->first);
    ck_assert_str_eq(xml_unused(root, &attr)->name, "c");
    xml_use_all(root);
    ck_assert_ptr_null(xml_unused(root, &attr));
}
END_TEST

static void refuse(const char *text, size_t length, enum err_code code, const char *message)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};

    ck_assert_msg(!xml_parse(&arena, text, length, "(test)", NULL, &err), "accepted: %.40s", text);
    ASSERT_ERR(&err, code, message);
    ck_assert_uint_lt(arena.total, 1024 * 1024); /* nothing big was built before the refusal */
}

START_TEST(broken)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "(test):1: Document is empty"},
        {"x", "(test):1: Start tag expected, '<' not found\nx\n^"},
        {"<a>\n<b></c></a>", "(test):2: Opening and ending tag mismatch: b line 2 and c"},
        {"<a x='1' x='2'/>", "Attribute x redefined"},
        {"<a>&nbsp;</a>", "Entity 'nbsp' not defined"},
        {"<a/><b/>", "Extra content at the end of the document"},
        {"<a>\x01</a>", "PCDATA invalid Char value 1"},
        {"<a>\xff\xfe</a>", "Input is not proper UTF-8"},
        {"<a b=''", "(test):1: "},
        {"<x:a/>", "Namespace prefix x on a is not defined"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        refuse(cases[i].text, strlen(cases[i].text), ERR_XML_DETAIL, cases[i].message);
}
END_TEST

START_TEST(document_types)
{
    static const char *const cases[] = {
        "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
        "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
        "<!DOCTYPE a [<!ENTITY % x SYSTEM 'http://127.0.0.1/'> %x;]><a/>",
        "<!DOCTYPE a [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'><!ENTITY c '&b;&b;&b;'>]><a>&c;</a>",
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        refuse(cases[i], strlen(cases[i]), ERR_XML_ERROR, "a document type (DTD) is not allowed");
}
END_TEST

/* count times begin, then middle, then count times end */
static void nest(struct buf *text, size_t count, const char *begin, const char *end)
{
    for (size_t i = 0; i < count; i++)
        buf_add_string(text, begin);
    for (size_t i = 0; i < count; i++)
        buf_add_string(text, end);
}

START_TEST(deep)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    auto_buf struct buf text = {0};

    nest(&text, XML_DEPTH_MAX, "<a>", "</a>");
    ck_assert_ptr_nonnull(xml_parse(&arena, text.data, text.length, "(test)", NULL, &err));
    buf_reset(&text);
    nest(&text, XML_DEPTH_MAX + 1, "<a>\n", "</a>");
    refuse(text.data, text.length, ERR_XML_ERROR, "(test):65: element 'a' is nested deeper than 64 levels");
    buf_reset(&text);
    nest(&text, 10000, "<a>", "</a>");
    refuse(text.data, text.length, ERR_XML_ERROR, "nested deeper");
}
END_TEST

/* An element with that many attributes; `before` stands in front of it. */
static void add_attrs(struct buf *text, const char *before, int count)
{
    buf_reset(text);
    buf_printf(text, "%s\n<a>\n<b", before);
    for (int i = 0; i < count; i++)
        buf_printf(text, " a%d='>='", i);
    buf_add_string(text, "/></a>");
}

START_TEST(many_attributes)
{
    static const char *const before[] = {"", "<!-- ' = -->", "<?pi don't ?>",
                                         "<?xml version='1.0' encoding='ISO-8859-1'?>"};
    auto_buf struct buf text = {0};

    for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
        auto_arena struct arena arena = {0};
        auto_err struct err err = {0};

        add_attrs(&text, before[i], 256);
        ck_assert_msg(parse(&arena, text.data, &err) != NULL, "%s", err.message);
        add_attrs(&text, before[i], 257);
        refuse(text.data, text.length, ERR_XML_ERROR, "(test):3: an element has more than 256 attributes");
    }
}
END_TEST

START_TEST(encodings)
{
    static const char text[] = "<?xml version='1.0' encoding='UTF-7'?><a/>";
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    struct xml_node *root = parse(&arena, "<?xml version='1.0' encoding='iso-8859-1'?><a b='\xe4'/>", &err);

    ck_assert_msg(root != NULL, "%s", err.message);
    ck_assert_str_eq(xml_attr(root, "b"), "\xc3\xa4");
    refuse(text, strlen(text), ERR_XML_ERROR, "(test):1: encoding 'UTF-7' is not supported; use UTF-8");
}
END_TEST

START_TEST(huge)
{
    auto_buf struct buf text = {0};

    memset(buf_reserve(&text, XML_SIZE_MAX + 1), ' ', XML_SIZE_MAX + 1);
    text.length = XML_SIZE_MAX + 1;
    refuse(text.data, text.length, ERR_XML_ERROR,
           "bytes are more than the 67108864 that a document may have");
}
END_TEST

UNIT_MAIN("xml", tree, foreign_names, verbatim, unused, broken, document_types, deep, many_attributes,
          encodings, huge)

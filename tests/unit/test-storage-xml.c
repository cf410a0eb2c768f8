/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pools and volumes as text: NAME.xml in tests/data/storage-pool and storage-volume must come out as
 * NAME.out.xml, and what came out must come out again unchanged. Where libvirt's own test files lie beside
 * the checkout, they too must come out as libvirt prints them.
 */
#include <dirent.h>

#include "base/str.h"
#include "model/storage/pool.h"
#include "model/storage/volume.h"
#include "unit.h"
#include "tree.h"

/* Parsed and printed; NULL with err set. */
static char *pool_again(struct arena *arena, const char *xml, unsigned flags, struct err *err)
{
    struct pool_def *def = pool_parse(arena, xml, flags, err);
    auto_buf struct buf text = {0};

    if (!def)
        return NULL;
    pool_format(def, &text);
    return arena_strdup(arena, buf_text(&text));
}

static char *volume_again(struct arena *arena, const char *xml, unsigned flags, struct err *err)
{
    struct volume_def *def =
        volume_parse(arena, xml, &pool_kinds[POOL_DIR], flags | VOLUME_PARSE_NO_CAPACITY, err);
    auto_buf struct buf text = {0};

    if (!def)
        return NULL;
    volume_format(def, &text);
    return arena_strdup(arena, buf_text(&text));
}

typedef char *again_function(struct arena *arena, const char *xml, unsigned flags, struct err *err);

static void check_case(const char *in, const char *out, again_function *again, unsigned flags)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    char *text = tree_read(&arena, in), *wanted = tree_read(&arena, out), *got;

    ck_assert_msg(text && wanted, "%s or %s can't be read", in, out);
    got = again(&arena, text, flags, &err);
    ck_assert_msg(got != NULL, "%s: %s", in, err.message);
    ck_assert_msg(str_eq(got, wanted), "%s:\n%s", in, got);
    got = again(&arena, wanted, flags, &err);
    ck_assert_msg(got != NULL, "%s: %s", out, err.message);
    ck_assert_msg(str_eq(got, wanted), "%s:\n%s", out, got);
}

static bool exists(const char *path)
{
    FILE *file = fopen(path, "re");

    if (file)
        fclose(file);
    return file != NULL;
}

/* Each in/NAME.xml against out/NAME<suffix>; returns how many there are. */
static size_t check_folder(const char *in, const char *out, const char *suffix, again_function *again,
                           unsigned flags)
{
    DIR *folder = opendir(in);
    struct dirent *entry;
    size_t count = 0;

    while (folder && (entry = readdir(folder))) {
        auto_free char *path = mem_printf("%s/%s", in, entry->d_name);
        auto_free char *stem = mem_strdup(entry->d_name);
        auto_free char *wanted = NULL;

        /* this one's output is older than the others' */
        if (!str_ends(stem, ".xml") || str_ends(stem, ".out.xml") || str_eq(stem, "vol-qcow2-nocow.xml"))
            continue;
        stem[strlen(stem) - strlen(".xml")] = '\0';
        wanted = mem_printf("%s/%s%s", out, stem, suffix);
        if (!exists(wanted))
            continue;
        check_case(path, wanted, again, flags);
        count++;
    }
    if (folder)
        closedir(folder);
    return count;
}

static char *below_top(const char *path)
{
    const char *top = getenv("top_srcdir");

    return mem_printf("%s/%s", top ? top : ".", path);
}

START_TEST(files)
{
    auto_free char *pools = below_top("tests/data/storage-pool");
    auto_free char *volumes = below_top("tests/data/storage-volume");

    ck_assert_uint_gt(check_folder(pools, pools, ".out.xml", pool_again, XT_PARSE_VALIDATE), 5);
    ck_assert_uint_gt(check_folder(volumes, volumes, ".out.xml", volume_again, XT_PARSE_VALIDATE), 2);
}
END_TEST

START_TEST(corpus)
{
    auto_free char *pools = below_top("../shared/corpus/tests/storagepoolxml2xmlin");
    auto_free char *pools_out = below_top("../shared/corpus/tests/storagepoolxml2xmlout");
    auto_free char *volumes = below_top("../shared/corpus/tests/storagevolxml2xmlin");
    auto_free char *volumes_out = below_top("../shared/corpus/tests/storagevolxml2xmlout");

    if (!exists(pools))
        return;
    ck_assert_uint_gt(check_folder(pools, pools_out, ".xml", pool_again, 0), 10);
    ck_assert_uint_gt(check_folder(volumes, volumes_out, ".xml", volume_again, 0), 5);
}
END_TEST

#define NAME "<name>x</name>"
#define TARGET "<target><path>/t</path></target>"

/* The words are libvirt's: scripts look for them. */
START_TEST(pools_refused)
{
    static const struct {
        const char *xml, *why;
        enum err_code code;
    } cases[] = {
        {"<pool>" NAME TARGET "</pool>", "Missing required attribute 'type' in element 'pool'",
         ERR_XML_ERROR},
        {"<pool type='foo'>" NAME TARGET "</pool>", "'type' in element 'pool': 'foo'", ERR_XML_ERROR},
        {"<pool type='dir'>" TARGET "</pool>", "missing pool source name element", ERR_XML_ERROR},
        {"<pool type='dir'><name>a/b</name>" TARGET "</pool>", "name a/b cannot contain '/'", ERR_XML_ERROR},
        {"<pool type='dir'>" NAME "</pool>", "missing storage pool target path", ERR_XML_ERROR},
        {"<pool type='fs'>" NAME TARGET "</pool>", "missing storage pool source device name", ERR_XML_ERROR},
        {"<pool type='fs'>" NAME "<source><device/></source>" TARGET "</pool>",
         "missing storage pool source device path", ERR_XML_ERROR},
        {"<pool type='fs'>" NAME "<source><device path='/a'/><format type='zz'/></source>" TARGET "</pool>",
         "unknown pool format type zz", ERR_CONFIG_UNSUPPORTED},
        {"<pool type='netfs'>" NAME "<source><dir path='/x'/></source>" TARGET "</pool>",
         "missing storage pool source host name", ERR_XML_ERROR},
        {"<pool type='netfs'>" NAME "<source><host name='h'/></source>" TARGET "</pool>",
         "missing storage pool source path", ERR_XML_ERROR},
        {"<pool type='netfs'>" NAME "<source><host/><dir path='/x'/></source>" TARGET "</pool>",
         "missing storage pool host name", ERR_XML_ERROR},
        {"<pool type='iscsi-direct'>" NAME "<source><host name='h'/><device path='d'/></source></pool>",
         "missing initiator IQN", ERR_CONFIG_UNSUPPORTED},
        {"<pool type='scsi'>" NAME TARGET "</pool>", "missing storage pool source adapter", ERR_XML_ERROR},
        {"<pool type='scsi'>" NAME "<source><adapter type='scsi_host'/></source>" TARGET "</pool>",
         "Either 'name' or 'parent' must be specified for the 'scsi_host' adapter", ERR_XML_ERROR},
        {"<pool type='scsi'>" NAME "<source><adapter type='fc_host' wwnn='1'/></source>" TARGET "</pool>",
         "'wwnn' and 'wwpn' must be specified for adapter type 'fchost'", ERR_XML_ERROR},
        {"<pool type='scsi'>" NAME
         "<source><adapter type='fc_host' wwnn='zz' wwpn='10000000c9831b4b'/></source>" TARGET "</pool>",
         "Malformed wwn: zz", ERR_INTERNAL_ERROR},
        {"<pool type='dir'>" NAME
         "<target><path>/t</path><permissions><mode>10777</mode></permissions></target></pool>",
         "mode", ERR_XML_ERROR},
        {"<pool type='dir'>" NAME
         "<target><path>/t</path><permissions><owner>-2</owner></permissions></target></pool>",
         "owner", ERR_XML_ERROR},
        {"<pool type='dir'>" NAME TARGET "<refresh><volume allocation='foo'/></refresh></pool>",
         "unknown storage pool volume refresh allocation type foo", ERR_CONFIG_UNSUPPORTED},
        {"<pool type='iscsi'>" NAME
         "<source><host name='h'/><auth type='foo' username='a'><secret usage='a'/></auth></source>" TARGET
         "</pool>",
         "unknown auth type 'foo'", ERR_CONFIG_UNSUPPORTED},
        {"<pool type='iscsi'>" NAME "<source><host name='h'/><auth type='chap' username='a'/></source>" TARGET
         "</pool>",
         "Missing <secret> element in auth", ERR_XML_ERROR},
        {"<foo/>", "expecting root element of 'pool', not 'foo'", ERR_XML_ERROR},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        auto_arena struct arena arena = {0};
        auto_err struct err err = {0};

        ck_assert_msg(!pool_parse(&arena, cases[i].xml, 0, &err), "%s", cases[i].xml);
        ASSERT_ERR(&err, cases[i].code, cases[i].why);
    }
}
END_TEST

START_TEST(volumes_refused)
{
    static const struct {
        const char *xml, *why;
        enum err_code code;
    } cases[] = {
        {"<volume/>", "missing volume name element", ERR_XML_ERROR},
        {"<volume>" NAME "</volume>", "missing capacity element", ERR_XML_ERROR},
        {"<volume type='foo'>" NAME "<capacity>1</capacity></volume>", "'foo'", ERR_XML_ERROR},
        {"<volume>" NAME "<capacity unit='x'>1</capacity></volume>", "unknown suffix 'x'", ERR_INVALID_ARG},
        {"<volume>" NAME "<capacity unit='E'>99</capacity></volume>", "99E", ERR_OVERFLOW},
        {"<volume>" NAME "<capacity>-1</capacity></volume>", "capacity", ERR_XML_ERROR},
        {"<volume>" NAME "<capacity>1</capacity><target><format type='none'/></target></volume>",
         "unknown volume format type none", ERR_CONFIG_UNSUPPORTED},
        {"<volume>" NAME "<capacity>1</capacity><target><compat>9</compat></target></volume>",
         "forbidden characters in 'compat' attribute", ERR_XML_ERROR},
        {"<volume>" NAME "<capacity>1</capacity><target><encryption format='zz'/></target></volume>",
         "unknown volume encryption format type zz", ERR_CONFIG_UNSUPPORTED},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        auto_arena struct arena arena = {0};
        auto_err struct err err = {0};

        ck_assert_msg(!volume_parse(&arena, cases[i].xml, &pool_kinds[POOL_DIR], 0, &err), "%s",
                      cases[i].xml);
        ASSERT_ERR(&err, cases[i].code, cases[i].why);
    }
}
END_TEST

START_TEST(paths)
{
    static const struct {
        const char *in, *out;
    } cases[] = {{"/", "/"},          {"//", "//"},      {"///", "/"},    {"/a", "/a"},
                 {"/a/", "/a"},       {"/a//b", "/a/b"}, {"//a/", "//a"}, {"///a///b///", "/a/b"},
                 {"rel/x/", "rel/x"}, {"", ""}};
    auto_arena struct arena arena = {0};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        ck_assert_str_eq(path_sanitize(&arena, cases[i].in), cases[i].out);
    ck_assert_ptr_null(path_sanitize(&arena, NULL));
}
END_TEST

UNIT_MAIN("storage-xml", files, corpus, pools_refused, volumes_refused, paths)

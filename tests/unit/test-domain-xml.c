/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Machines as text: tests/data/domain/NAME.xml must come out as NAME.out.xml (".inactive" in the name: as a
 * definition is read and shown), and what came out must come out again unchanged. Where libvirt's own test
 * files lie beside the checkout they are counted, too; tests/data/ratchet says how many must be right at
 * least.
 */
#include <dirent.h>

#include "base/file.h"
#include "base/str.h"
#include "model/domain/domain.h"
#include "unit.h"
#include "tree.h"

static const char *top(void)
{
    const char *folder = getenv("top_srcdir");

    return folder ? folder : ".";
}

/* Names of the *.xml files in a folder, sorted; NULL when there is no folder. */
static char **xml_files(const char *path)
{
    struct dirent **entries;
    char **names = NULL;
    int count = scandir(path, &entries, NULL, alphasort);

    for (int i = 0; i < count; i++) {
        if (str_ends(entries[i]->d_name, ".xml"))
            names = strv_add(names, entries[i]->d_name);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return names;
}

static const char *print(struct arena *arena, const struct domain *domain, unsigned flags)
{
    auto_buf struct buf text = {0};

    domain_format(&text, domain, flags);
    return arena_strdup(arena, buf_text(&text));
}

/* ---- our cases ---- */

static void check_case(const char *folder, const char *name)
{
    auto_arena struct arena arena = {0}, other = {0};
    auto_err struct err err = {0};
    bool inactive = strstr(name, ".inactive");
    unsigned parse = inactive ? DOMAIN_PARSE_INACTIVE | DOMAIN_PARSE_ABI_UPDATE : 0;
    unsigned format = DOMAIN_FORMAT_SECURE | (inactive ? DOMAIN_FORMAT_INACTIVE : 0);
    const char *stem = arena_strndup(&arena, name, strlen(name) - strlen(".xml"));
    const char *text = tree_read(&arena, arena_printf(&arena, "%s/%s", folder, name));
    const char *wanted = tree_read(&arena, arena_printf(&arena, "%s/%s.out.xml", folder, stem));
    struct domain *domain = domain_parse(&arena, text, parse, NULL, &err), *copy;

    ck_assert_msg(domain != NULL, "%s: %s", name, err.message);
    ck_assert_msg(wanted != NULL, "%s.out.xml is missing", stem);
    ck_assert_msg(str_eq(print(&arena, domain, format), wanted), "%s:\n%s", name,
                  print(&arena, domain, format));

    copy = domain_copy(&other, domain);
    ASSERT_OK(domain_abi_compare(domain, copy, &err), &err);
    ck_assert_msg(str_eq(print(&arena, copy, format), wanted), "copy of %s:\n%s", name,
                  print(&arena, copy, format));

    domain = domain_parse(&arena, wanted, parse | DOMAIN_PARSE_VALIDATE, NULL, &err);
    ck_assert_msg(domain != NULL, "%s again: %s", name, err.message);
    ck_assert_msg(str_eq(print(&arena, domain, format), wanted), "%s again:\n%s", name,
                  print(&arena, domain, format));
}

START_TEST(cases)
{
    auto_free char *folder = mem_printf("%s/tests/data/domain", top());
    auto_strv char **names = xml_files(folder);
    size_t count = 0;

    for (size_t i = 0; names && names[i]; i++) {
        if (str_ends(names[i], ".out.xml"))
            continue;
        check_case(folder, names[i]);
        count++;
    }
    ck_assert_uint_gt(count, 5);
}
END_TEST

/* ---- what must be refused ---- */

#define DOMAIN(more)                                                                                         \
    "<domain type='kvm'><name>n</name><os><type>hvm</type></os><memory>1</memory>" more "</domain>"

START_TEST(refused)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"<domain/>", "Missing required attribute 'type' in element 'domain'"},
        {"<domain type='toaster'/>", "Invalid value for attribute 'type' in element 'domain': 'toaster'"},
        {"<domain type='kvm'/>", "Missing required element 'name'"},
        {"<domain type='kvm'><name/></domain>", "Missing value of element 'name'"},
        {"<domain type='kvm'><name>../x</name><os><type>hvm</type></os><memory>1</memory></domain>",
         "name ../x cannot contain '/'"},
        {"<domain type='kvm'><name>..</name><os><type>hvm</type></os><memory>1</memory></domain>",
         "is not allowed"},
        {"<domain type='kvm'><name>a&#9;b</name><os><type>hvm</type></os><memory>1</memory></domain>",
         "control characters"},
        {"<domain type='kvm'><name>n</name><memory>1</memory></domain>", "os <type>"},
        {"<domain type='kvm'><name>n</name><os><type>hvm</type></os></domain>",
         "Memory size must be specified"},
        {DOMAIN("<uuid>00000000-0000</uuid>"), "'00000000-0000'. Expected a UUID"},
        {DOMAIN("<title>a\nb</title>"), "title can't contain newlines"},
        {DOMAIN("<vcpu>0x10</vcpu>"), "'0x10'. Expected non-negative integer value"},
        {DOMAIN("<vcpu>99999</vcpu>"), "99999"},
        {DOMAIN("<vcpu current='3'>2</vcpu>"),
         "maximum vCPU count must not be less than current vCPU count (2 < 3)"},
        {DOMAIN("<vcpu>2</vcpu><vcpus><vcpu id='2' enabled='yes'/></vcpus>"), "vcpu '2' is not present"},
        {DOMAIN("<iothreads>4294967295</iothreads>"), "invalid iothreads count '4294967295'"},
        {DOMAIN("<iothreadids><iothread id='1'/><iothread id='1'/></iothreadids>"),
         "duplicate iothread id '1'"},
        {DOMAIN("<cputune><period>1</period></cputune>"), "'period' must be in range [1000, 1000000]"},
        {DOMAIN("<cputune><vcpusched vcpus='0' scheduler='fifo'/></cputune>"), "Missing scheduler priority"},
        {DOMAIN("<cputune><iothreadpin iothread='7' cpuset='0'/></cputune>"), "Cannot find 'iothread' : 7"},
        {DOMAIN("<cpu><topology sockets='2' cores='2' threads='1'/></cpu>"),
         "doesn't match maximum vcpu count"},
        {DOMAIN("<cpu><topology sockets='4294967295' cores='4294967295' threads='4294967295'/></cpu>"),
         "doesn't match maximum vcpu count"},
        {DOMAIN("<cpu><numa><cell id='1' memory='1'/></numa></cpu>"), "non-contiguous"},
        {DOMAIN("<cpu><numa><cell cpus='0' memory='1'/><cell cpus='0' memory='1'/></numa></cpu>"), "overlap"},
        {DOMAIN("<cpu><numa><cell cpus='1' memory='1'/></numa></cpu>"), "exceed the <vcpu> count"},
        {DOMAIN("<memoryBacking><hugepages><page size='2048'/><page size='4'/></hugepages></memoryBacking>"),
         "two master hugepages"},
        {DOMAIN("<clock offset='absolute'/>"), "Missing required attribute 'start' in element 'clock'"},
        {DOMAIN("<seclabel type='static' model='dac'/>"), "security label is missing"},
        {DOMAIN("<seclabel model='a'/><seclabel model='a'/>"), "seclabel for model a is already provided"},
        {DOMAIN("<numatune><memnode cellid='0' nodeset='0'/></numatune>"),
         "Element 'memnode' is invalid without any guest NUMA cells"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        auto_arena struct arena arena = {0};
        auto_err struct err err = {0};

        ck_assert_msg(!domain_parse(&arena, bad[i].text, 0, NULL, &err), "accepted: %s", bad[i].text);
        ck_assert_msg(err_is_set(&err), "no reason: %s", bad[i].text);
        ASSERT_ERR(&err, err.code, bad[i].message);
    }
}
END_TEST

START_TEST(unknown_parts)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};

    ck_assert_ptr_nonnull(domain_parse(&arena, DOMAIN("<vcpus>\n<x/></vcpus>"), 0, NULL, &err));
    ck_assert_ptr_null(
        domain_parse(&arena, DOMAIN("<vcpus>\n<x/></vcpus>"), DOMAIN_PARSE_VALIDATE, NULL, &err));
    ASSERT_ERR(&err, ERR_XML_INVALID_SCHEMA, "line 2: element 'x' is not allowed in element 'vcpus'");
}
END_TEST

START_TEST(generated_identity)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    struct domain *one = domain_parse(&arena, DOMAIN("<genid/>"), 0, NULL, &err);
    struct domain *two = domain_parse(&arena, DOMAIN("<genid/>"), 0, NULL, &err);

    ck_assert(uuid_valid(one->uuid) && uuid_valid(one->genid));
    ck_assert(!uuid_eq(one->uuid, two->uuid) && !uuid_eq(one->genid, two->genid));
    ck_assert_int_lt(domain_abi_compare(one, two, &err), 0);
    ASSERT_ERR(&err, ERR_CONFIG_UNSUPPORTED, "Target domain uuid '");
}
END_TEST

START_TEST(metadata)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    struct domain *domain = domain_parse(&arena, DOMAIN(""), 0, NULL, &err);
    static const char uri[] = "http://example.org/inventory";

    ck_assert_ptr_null(domain_metadata(domain, uri, &arena));
    ASSERT_OK(domain_set_metadata(domain, &arena, uri, "inv", "<owner><name/></owner>", &err), &err);
    /* asked for by its namespace it comes back as it was given */
    ck_assert_str_eq(domain_metadata(domain, uri, &arena), "<owner>\n  <name/>\n</owner>");
    ASSERT_OK(domain_set_metadata(domain, &arena, uri, "inv", "<owner>x</owner>", &err), &err);
    ck_assert_ptr_nonnull(strstr(print(&arena, domain, 0),
                                 "  <metadata>\n    <inv:owner xmlns:inv=\"http://example.org/"
                                 "inventory\">x</inv:owner>\n  </metadata>\n"));
    ck_assert_int_lt(domain_set_metadata(domain, &arena, uri, "inv", "<broken", &err), 0);
    ASSERT_ERR(&err, ERR_XML_DETAIL, "(metadata_xml):1");
    ASSERT_OK(domain_set_metadata(domain, &arena, uri, NULL, NULL, &err), &err);
    /* as with libvirt, what was emptied stays as an empty element */
    ck_assert_ptr_nonnull(strstr(print(&arena, domain, 0), "  <metadata/>\n"));
    ck_assert_ptr_null(strstr(print(&arena, domain, 0), "owner"));
}
END_TEST

/* ---- libvirt's files ---- */

struct tally {
    const char *name, *from, *to;
    unsigned parse; /* RAW: only reading and printing are judged, not our defaults */
};

/* The number that tests/data/ratchet holds for a name; 0 without one. */
static unsigned ratchet(const char *name)
{
    auto_arena struct arena arena = {0};
    const char *text = tree_read(&arena, arena_printf(&arena, "%s/tests/data/ratchet", top()));
    const char *line = text ? strstr(text, arena_printf(&arena, "%s ", name)) : NULL;

    return line ? (unsigned)strtoul(line + strlen(name), NULL, 10) : 0;
}

static bool comes_out_right(const struct tally *tally, const char *from, const char *to, const char *name)
{
    auto_arena struct arena arena = {0};
    unsigned inactive = strstr(name, "inactive") ? XT_PARSE_INACTIVE : 0;
    const char *text = tree_read(&arena, arena_printf(&arena, "%s/%s", from, name));
    const char *wanted = tree_read(&arena, arena_printf(&arena, "%s/%s", to, name));
    struct domain *domain = domain_parse(&arena, text, tally->parse | inactive, NULL, NULL);

    if (!domain)
        return false;
    return str_eq(wanted ? wanted : text,
                  print(&arena, domain, DOMAIN_FORMAT_SECURE | (inactive ? DOMAIN_FORMAT_INACTIVE : 0)));
}

static void count_right(const struct tally *tally)
{
    auto_free char *from = mem_printf("%s/../shared/corpus/tests/%s", top(), tally->from);
    auto_free char *to = mem_printf("%s/../shared/corpus/tests/%s", top(), tally->to);
    auto_strv char **names = xml_files(from);
    unsigned right = 0, all = 0, wanted = ratchet(tally->name);

    if (!names)
        return; /* no corpus here */
    for (; names[all]; all++) {
        if (comes_out_right(tally, from, to, names[all]))
            right++;
        else if (getenv("VIREO_TEST_VERBOSE"))
            printf("%s differs: %s\n", tally->name, names[all]);
    }
    printf("%s %u of %u\n", tally->name, right, all);
    ck_assert_msg(right >= wanted, "%s fell from %u to %u; VIREO_TEST_VERBOSE=1 names them", tally->name,
                  wanted, right);
}

START_TEST(corpus)
{
    static const struct tally tallies[] = {
        {"domain-xml-reprinted", "qemuxml2xmloutdata", "qemuxml2xmloutdata", DOMAIN_PARSE_RAW},
        {"domain-xml-generic", "genericxml2xmlindata", "genericxml2xmloutdata", 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(tallies); i++)
        count_right(&tallies[i]);
}
END_TEST

UNIT_MAIN("domain-xml", cases, refused, unknown_parts, generated_identity, metadata, corpus)

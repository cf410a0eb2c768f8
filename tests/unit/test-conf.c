/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>

#include "base/log.h"
#include "base/str.h"
#include "conf/conf.h"
#include "unit.h"

static const char *const modes[] = {"", "legacy", "direct", NULL};

struct settings {
    bool audit;
    int32_t interval;
    uint32_t clients;
    uint64_t total, size, core;
    const char *group, *untouched;
    int mode;
    const char *const *names;
};

/* clang-format off */
static const struct conf_key keys[] = {
    CONF_ROW(struct settings, audit, CONF_BOOL, "1", .help = "Whether to audit."),
    CONF_ROW(struct settings, interval, CONF_I32, "5", .min = -1, .max = 100, .help = "Seconds between two pings; "
             "-1 means that no ping is ever sent, whatever the client may ask for in its own settings."),
    CONF_ROW(struct settings, clients, CONF_U32, "5000", .help = "Clients."),
    CONF_ROW(struct settings, total, CONF_U64, "7", .help = "Total."),
    CONF_ROW(struct settings, size, CONF_SIZE, "\"2 MiB\"", .help = "Size."),
    CONF_ROW(struct settings, core, CONF_LIMIT, "\"unlimited\"", .help = "Core."),
    CONF_ROW(struct settings, group, CONF_STRING, "\"libvirt\"", .help = "Group."),
    CONF_ROW(struct settings, untouched, CONF_STRING, NULL, .help = "Nothing by default."),
    CONF_ROW(struct settings, mode, CONF_ENUM, "\"direct\"", .names = modes, .help = "Mode."),
    CONF_ROW(struct settings, names, CONF_STRINGS, NULL, .help = "Names."),
    {.name = "old", .type = CONF_IGNORED},
    {0}};
/* clang-format on */

static void silent(const struct log_line *line, void *arg)
{
}

static int read_text(struct arena *arena, const char *text, struct settings *settings, struct err *err)
{
    log_set_output(silent, NULL);
    return conf_read(arena, keys, "/etc/x.conf", text, strlen(text), 0, settings, err);
}

START_TEST(defaults)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    struct settings settings = {.untouched = "mine"};
    bool found = true;

    ASSERT_OK(conf_read_file(&arena, keys, "/does/not/exist", 0, &settings, &found, &err), &err);
    ck_assert(!found);
    ck_assert(settings.audit);
    ck_assert_int_eq(settings.interval, 5);
    ck_assert_uint_eq(settings.clients, 5000);
    ck_assert_uint_eq(settings.size, 2 << 20);
    ck_assert_uint_eq(settings.core, UINT64_MAX);
    ck_assert_str_eq(settings.group, "libvirt");
    ck_assert_str_eq(settings.untouched, "mine");
    ck_assert_int_eq(settings.mode, 2);
    ck_assert_ptr_null(settings.names);
    ck_assert_int_lt(conf_read_file(&arena, keys, "/", 0, &settings, &found, &err), 0);
    ASSERT_ERR(&err, ERR_SYSTEM_ERROR, "cannot read configuration file '/'");
}
END_TEST

START_TEST(values)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    struct settings s = {0};

    ASSERT_OK(read_text(&arena,
                        "# comment\n\n  audit=0 # behind\ninterval = -1\r\nclients\t=\t4294967295\n"
                        "total = 9223372036854775807\nsize = 4096\ncore = 17\ngroup = 'it\"s'\n"
                        "untouched = \"\"\"two\n\"lines\n\"\"\"\nmode = \"legacy\"\n"
                        "names = [ # list\n \"a\",\n\n 'b' , ]\nold = 1\nunknown = 2\ninterval = 7",
                        &s, &err),
              &err);
    ck_assert(!s.audit);
    ck_assert_int_eq(s.interval, 7); /* the last one counts */
    ck_assert_uint_eq(s.clients, UINT32_MAX);
    ck_assert_uint_eq(s.total, INT64_MAX);
    ck_assert_uint_eq(s.size, 4096);
    ck_assert_uint_eq(s.core, 17);
    ck_assert_str_eq(s.group, "it\"s");
    ck_assert_str_eq(s.mode == 1 ? "legacy" : "", "legacy");
    ck_assert_str_eq(s.untouched, "two\n\"lines\n");
    ck_assert_str_eq(s.names[0], "a");
    ck_assert_str_eq(s.names[1], "b");
    ck_assert_ptr_null(s.names[2]);
    ASSERT_OK(read_text(&arena, "names = 'one'", &s, &err), &err);
    ck_assert_str_eq(s.names[0], "one");
    ck_assert_ptr_null(s.names[1]);
    ASSERT_OK(read_text(&arena, "names = []", &s, &err), &err);
    ck_assert_ptr_null(s.names[0]);
    ASSERT_OK(read_text(&arena, "", &s, &err), &err);
}
END_TEST

START_TEST(errors_say_where)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"\n= 1", "/etc/x.conf:2: expecting a name"},
        {"1a = 1", ":1: expecting a name"},
        {"audit 1", ":1: expecting an assignment"},
        {"audit =\n1", ":1: expecting a value"},
        {"audit = yes", ":1: expecting a value"},
        {"audit = 1 2", ":1: expecting the end of the line"},
        {"# x\n\ngroup = \"a\n\"", ":3: unterminated string"},
        {"group = '", ":1: unterminated string"},
        {"group = \"\"\"a\n\"\"\n", ":1: unterminated string"},
        {"group = \"\"\"a\nb\"\"\"\nx", ":3: expecting an assignment"},
        {"names = [\n'a'\n", ":3: list is not closed with ]"},
        {"names = ['a' 'b']", ":1: expecting a separator in the list"},
        {"names = [1]", ":1: expecting a string in the list"},
        {"clients = 99999999999999999999", ":1: expecting a number that fits"},
        {"clients = -", ":1: expecting a number that fits"},
        {"clients = 4294967296", "value 4294967296 for 'clients' parameter must be in range 0:4294967295"},
        {"clients = -1", "must be in range 0:4294967295"},
        {"interval = 101", "must be in range -1:100"},
        {"total = -1", "must be in range 0:"},
        {"audit = 2", "value for 'audit' parameter must be 0 or 1"},
        {"audit = 'x'", "expected 0 or 1 for 'audit' parameter"},
        {"\n\ngroup = 1", ":3: expected a string for 'group' parameter"},
        {"clients = '1'", "expected an integer for 'clients' parameter"},
        {"names = 1", "expected a string or string list for 'names' parameter"},
        {"mode = 'auto'", "unknown value 'auto' for 'mode' parameter"},
        {"size = '3 apples'", "'size' parameter: unknown suffix 'apples'"},
        {"core = 'endless'", "expected an integer or 'unlimited' for 'core' parameter"},
    };
    auto_err struct err err = {0};
    struct settings s;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        auto_arena struct arena arena = {0};

        ck_assert_msg(read_text(&arena, cases[i].text, &s, &err) < 0, "accepted: %s", cases[i].text);
        ASSERT_ERR(&err, ERR_CONF_SYNTAX, cases[i].message);
    }
}
END_TEST

START_TEST(unknown_keys_when_strict)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    struct settings s;

    ck_assert_int_lt(conf_read(&arena, keys, "f", "\nfoo = 1", 8, CONF_STRICT, &s, &err), 0);
    ASSERT_ERR(&err, ERR_CONF_SYNTAX, "f:2: unknown parameter 'foo'");
    ck_assert_int_lt(conf_read(&arena, keys, "f", "a\0b", 3, 0, &s, &err), 0);
    ASSERT_ERR(&err, ERR_CONF_SYNTAX, "NUL");
}
END_TEST

/* The sample with all comment marks of keys removed reads back as the defaults. */
START_TEST(sample_reads_back)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    auto_buf struct buf sample = {0}, active = {0};
    auto_strv char **lines = NULL;
    struct settings s = {0};

    conf_sample(keys, "Settings of the test", &sample);
    ck_assert_ptr_nonnull(strstr(sample.data, "\n# Seconds between two pings; -1 means"));
    ck_assert_ptr_nonnull(strstr(sample.data, "\n# From -1 to 100.\n#interval = 5\n"));
    ck_assert_ptr_null(strstr(sample.data, "old"));
    lines = str_split(sample.data, "\n");
    for (size_t i = 0; lines[i]; i++) {
        ck_assert_uint_le(strlen(lines[i]), 78);
        buf_printf(&active, "%s\n", lines[i][0] == '#' && lines[i][1] != ' ' ? lines[i] + 1 : lines[i]);
    }
    ASSERT_OK(conf_read(&arena, keys, "sample", active.data, active.length, CONF_STRICT, &s, &err), &err);
    ck_assert_uint_eq(s.clients, 5000);
}
END_TEST

START_TEST(generic_values)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    struct conf conf;
    static const char text[] = "a.b/c-d = 1\na.b/c-d = 'x'\nlist = ['p', \"q\"]";

    ASSERT_OK(conf_parse(&arena, "f", text, sizeof(text) - 1, &conf, &err), &err);
    ck_assert_uint_eq(conf.count, 3);
    ck_assert_int_eq(conf_get(&conf, "a.b/c-d")->kind, CONF_TEXT);
    ck_assert_uint_eq(conf_get(&conf, "list")->count, 2);
    ck_assert_uint_eq(conf_get(&conf, "list")->line, 3);
    ck_assert_ptr_null(conf_get(&conf, "none"));
}
END_TEST

UNIT_MAIN("conf", defaults, values, errors_say_where, unknown_keys_when_strict, sample_reads_back,
          generic_values)

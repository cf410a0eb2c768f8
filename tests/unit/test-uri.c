/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uri/uri.h"
#include "base/str.h"
#include "unit.h"

START_TEST(parts)
{
    static const struct {
        const char *text, *driver, *transport, *user, *host, *path;
        uint16_t port;
        const char *again; /* NULL: as it was */
    } cases[] = {
        {"qemu:///system", "qemu", NULL, NULL, NULL, "/system", 0, NULL},
        {"qemu+ssh://bob@host.example:2222/session", "qemu", "ssh", "bob", "host.example", "/session", 2222,
         NULL},
        {"qemu+tls://[2001:db8::1]/system", "qemu", "tls", NULL, "2001:db8::1", "/system", 0, NULL},
        {"qemu+tls://[2001:db8::1]:16514/system", "qemu", "tls", NULL, "2001:db8::1", "/system", 16514, NULL},
        {"qemu+tcp://[fe80::1%25eth0]/", "qemu", "tcp", NULL, "fe80::1%eth0", "/", 0, NULL},
        {"qemu+tcp://[fe80::1%eth0]/", "qemu", "tcp", NULL, "fe80::1%eth0", "/", 0,
         "qemu+tcp://[fe80::1%25eth0]/"},
        {"test:///default", "test", NULL, NULL, NULL, "/default", 0, NULL},
        {"test:///tmp/a%20b.xml", "test", NULL, NULL, NULL, "/tmp/a b.xml", 0, NULL},
        {"xen:", "xen", NULL, NULL, NULL, "", 0, NULL},
        {"xen://", "xen", NULL, NULL, NULL, "", 0, NULL},
        {"qemu+unix://%61lice%40home@/system", "qemu", "unix", "alice@home", NULL, "/system", 0,
         "qemu+unix://alice%40home@/system"},
        {"qemu://host:/system", "qemu", NULL, NULL, "host", "/system", 0, "qemu://host/system"},
        {"qemu:/embed", "qemu", NULL, NULL, NULL, "/embed", 0, NULL},
        {"QEMU:///system", "QEMU", NULL, NULL, NULL, "/system", 0, NULL},
        {"name", NULL, NULL, NULL, NULL, "name", 0, NULL},
        {"qemu:///sys\xc3\xa4", "qemu", NULL, NULL, NULL, "/sys\xc3\xa4", 0, "qemu:///sys%C3%A4"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        auto_arena struct arena arena = {0};
        auto_err struct err err = {0};
        auto_buf struct buf again = {0};
        struct uri uri = {0};

        ASSERT_OK(uri_parse(&arena, cases[i].text, &uri, &err), &err);
        ck_assert_pstr_eq(uri.driver, cases[i].driver);
        ck_assert_pstr_eq(uri.transport, cases[i].transport);
        ck_assert_pstr_eq(uri.user, cases[i].user);
        ck_assert_pstr_eq(uri.host, cases[i].host);
        ck_assert_pstr_eq(uri.path, cases[i].path);
        ck_assert_uint_eq(uri.port, cases[i].port);
        uri_format(&uri, &again);
        ck_assert_str_eq(buf_text(&again), cases[i].again ? cases[i].again : cases[i].text);
    }
}
END_TEST

START_TEST(parameters)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    auto_buf struct buf text = {0};
    struct uri uri;

    ASSERT_OK(uri_parse(&arena,
                        "qemu+ssh://h/system?keyfile=/a%2Fb&no_tty=1&&empty=&bare;Socket=%26x=y#end%20here",
                        &uri, &err),
              &err);
    ck_assert_uint_eq(uri.param_count, 5);
    ck_assert_str_eq(uri_param(&uri, "KeyFile"), "/a/b");
    ck_assert_str_eq(uri_param(&uri, "empty"), "");
    ck_assert_str_eq(uri_param(&uri, "bare"), "");
    ck_assert_str_eq(uri_param(&uri, "socket"), "&x=y");
    ck_assert_ptr_null(uri_param(&uri, "none"));
    ck_assert_str_eq(uri.fragment, "end here");
    uri_format(&uri, &text);
    ck_assert_str_eq(text.data,
                     "qemu+ssh://h/system?keyfile=/a/b&no_tty=1&empty=&bare=&Socket=%26x%3Dy#end%20here");
}
END_TEST

static bool is_remote_only(const char *name)
{
    return str_eq_nocase(name, "no_tty");
}

START_TEST(query_can_leave_parameters_out)
{
    auto_arena struct arena arena = {0};
    auto_err struct err err = {0};
    auto_buf struct buf text = {0};
    struct uri uri;

    ASSERT_OK(uri_parse(&arena, "qemu:///?no_tty=1&b=2&no_tty=3", &uri, &err), &err);
    uri_format_query(&uri, is_remote_only, &text);
    ck_assert_str_eq(buf_text(&text), "b=2");
}
END_TEST

START_TEST(refuses)
{
    static const char *const bad[] = {
        "",
        "://x",
        "1qemu:///system",
        "qe_mu:///system",
        "qemu+:///system",
        "+ssh:///system",
        "qemu://[",
        "qemu://[::1/system",
        "qemu://[::g]/system",
        "qemu://[::1]x/system",
        "qemu://[::1%]/system",
        "qemu://[::1%25a%20b]/system",
        "qemu://a b/system",
        "qemu://h:0/system",
        "qemu://h:65536/system",
        "qemu://h:-1/system",
        "qemu://h:1x/system",
        "qemu:///system?a=%zz",
        "qemu:///system?a=%4",
        "qemu:///%00",
        "qemu:///a b",
        "qemu:///a\nb",
        "qemu:///system?=x",
        "qemu:///system#a b",
        "qemu://u<@h/system",
        "qemu:///\x01",
        NULL,
    };
    auto_err struct err err = {0};
    struct uri uri;

    for (size_t i = 0; bad[i]; i++) {
        auto_arena struct arena arena = {0};

        ck_assert_msg(uri_parse(&arena, bad[i], &uri, &err) < 0, "accepted: %s", bad[i]);
        ASSERT_ERR(&err, ERR_INTERNAL_ERROR, "Unable to parse URI");
    }
}
END_TEST

UNIT_MAIN("uri", parts, parameters, query_can_leave_parameters_out, refuses)

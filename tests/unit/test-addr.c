/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "base/addr.h"
#include "unit.h"

static struct addr parse(const char *text)
{
    struct addr addr;

    ck_assert_msg(addr_parse(text, AF_UNSPEC, &addr) == 0, "'%s'", text);
    return addr;
}

static void assert_text(const struct addr *addr, const char *wanted)
{
    char text[ADDR_TEXT];

    ck_assert_str_eq(addr_format(addr, text), wanted);
}

START_TEST(parses)
{
    static const char *const bad[] = {"",          "1.2.3",      "1.2.3.256", "01.2.3.4x", "::g",
                                      "localhost", "1.2.3.4/24", "[::1]",     NULL};
    struct addr addr = parse("192.168.0.1");

    assert_text(&addr, "192.168.0.1");
    addr = parse("2001:db8:0:0::1");
    assert_text(&addr, "2001:db8::1");
    assert_text(&(struct addr){0}, "");
    ck_assert_int_eq(addr_parse("::1", AF_INET, &addr), -EINVAL);
    for (size_t i = 0; bad[i]; i++)
        ck_assert_msg(addr_parse(bad[i], AF_UNSPEC, &addr) == -EINVAL, "'%s'", bad[i]);
}
END_TEST

START_TEST(kinds)
{
    struct addr any = parse("::"), loop = parse("127.9.9.9"), six = parse("::1"), many = parse("239.0.0.1");

    ck_assert(addr_is_any(&any) && !addr_is_any(&six) && !addr_is_any(&(struct addr){0}));
    ck_assert(addr_is_loopback(&loop) && addr_is_loopback(&six) && !addr_is_loopback(&many));
    ck_assert(addr_is_multicast(&many) && !addr_is_multicast(&loop));
    ck_assert(addr_cmp(&loop, &many) < 0 && addr_cmp(&six, &many) > 0 && addr_eq(&six, &six));
}
END_TEST

START_TEST(networks)
{
    struct addr addr = parse("10.1.2.3"), net, other = parse("10.1.3.0"), mask = parse("255.255.255.0");
    unsigned prefix = 0;

    addr_network(&addr, 23, &net);
    assert_text(&net, "10.1.2.0");
    addr_broadcast(&addr, 23, &net);
    assert_text(&net, "10.1.3.255");
    ck_assert(addr_in_network(&addr, &other, 23) && !addr_in_network(&addr, &other, 24));
    ck_assert_int_eq(addr_netmask_to_prefix(&mask, &prefix), 0);
    ck_assert_uint_eq(prefix, 24);
    mask = parse("255.0.255.0");
    ck_assert_int_eq(addr_netmask_to_prefix(&mask, &prefix), -EINVAL);
    addr_prefix_to_netmask(AF_INET6, 65, &mask);
    assert_text(&mask, "ffff:ffff:ffff:ffff:8000::");
    ck_assert_int_eq(addr_parse_prefix("fd00::/8", &net, &prefix), 0);
    ck_assert_uint_eq(prefix, 8);
    ck_assert_int_eq(addr_parse_prefix("10.0.0.1", &net, &prefix), 0);
    ck_assert_uint_eq(prefix, 32);
    ck_assert_int_eq(addr_parse_prefix("10.0.0.0/33", &net, &prefix), -EINVAL);
    ck_assert_int_eq(addr_parse_prefix("10.0.0.0/", &net, &prefix), -EINVAL);
    ck_assert_int_eq(addr_parse_prefix("10.0.0.0/300", &net, &prefix), -EINVAL);
}
END_TEST

START_TEST(adding)
{
    struct addr addr = parse("10.0.0.255"), sum;

    ck_assert_int_eq(addr_add(&addr, 1, &sum), 0);
    assert_text(&sum, "10.0.1.0");
    addr = parse("255.255.255.255");
    ck_assert_int_eq(addr_add(&addr, 1, &sum), -ERANGE);
    addr = parse("::ffff");
    ck_assert_int_eq(addr_add(&addr, UINT64_MAX, &sum), 0);
    assert_text(&sum, "::1:0:0:0:fffe");
    ck_assert_int_eq(addr_add(&(struct addr){.family = AF_INET}, UINT64_C(1) << 32, &sum), -ERANGE);
}
END_TEST

START_TEST(sockaddrs)
{
    static const char *const texts[] = {"10.1.2.3", "fd00::5"};

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct addr addr = parse(texts[i]), back;
        struct sockaddr_storage storage;
        uint16_t port = 0;

        ck_assert_uint_gt(addr_to_sockaddr(&addr, 5900, &storage), 0);
        ck_assert_int_eq(addr_from_sockaddr((struct sockaddr *)&storage, &back, &port), 0);
        ck_assert(addr_eq(&addr, &back));
        ck_assert_uint_eq(port, 5900);
    }
}
END_TEST

UNIT_MAIN("addr", parses, kinds, networks, adding, sockaddrs)

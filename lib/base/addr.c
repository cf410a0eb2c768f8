/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/str.h"

int addr_parse(const char *text, int family, struct addr *ret)
{
    static const int families[] = {AF_INET, AF_INET6};

    for (size_t i = 0; text && i < ARRAY_SIZE(families); i++) {
        struct addr addr = {.family = families[i]};

        if (family != AF_UNSPEC && family != families[i])
            continue;
        if (inet_pton(families[i], text, addr.bytes) == 1) {
            *ret = addr;
            return 0;
        }
    }
    return -EINVAL;
}

const char *addr_format(const struct addr *addr, char text[ADDR_TEXT])
{
    if (addr->family == AF_UNSPEC || !inet_ntop(addr->family, addr->bytes, text, ADDR_TEXT))
        text[0] = '\0';
    return text;
}

int addr_parse_prefix(const char *text, struct addr *ret, unsigned *ret_prefix)
{
    const char *slash = text ? strchr(text, '/') : NULL;
    auto_free char *alone = mem_strndup(text, slash ? (size_t)(slash - text) : SIZE_MAX);
    struct addr addr;
    uint8_t prefix;

    if (addr_parse(alone, AF_UNSPEC, &addr) < 0)
        return -EINVAL;
    prefix = (uint8_t)addr_bits(&addr);
    if (slash && (str_to_u8(slash + 1, &prefix) < 0 || prefix > addr_bits(&addr)))
        return -EINVAL;
    *ret = addr;
    *ret_prefix = prefix;
    return 0;
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
    return addr_cmp(a, b) == 0;
}

int addr_cmp(const struct addr *a, const struct addr *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return memcmp(a->bytes, b->bytes, addr_bits(a) / 8);
}

unsigned addr_bits(const struct addr *addr)
{
    return addr->family == AF_INET ? 32 : addr->family == AF_INET6 ? 128 : 0;
}

bool addr_is_any(const struct addr *addr)
{
    return addr_bits(addr) && addr_eq(addr, &(struct addr){.family = addr->family});
}

bool addr_is_loopback(const struct addr *addr)
{
    static const struct addr six = {.family = AF_INET6, .bytes = {[15] = 1}};

    return addr->family == AF_INET ? addr->bytes[0] == 127 : addr_eq(addr, &six);
}

bool addr_is_multicast(const struct addr *addr)
{
    return addr->family == AF_INET ? addr->bytes[0] >> 4 == 14
                                   : addr->family == AF_INET6 && addr->bytes[0] == 0xff;
}

int addr_netmask_to_prefix(const struct addr *netmask, unsigned *ret_prefix)
{
    unsigned bits = addr_bits(netmask), prefix = 0;
    struct addr again;

    while (prefix < bits && netmask->bytes[prefix / 8] & 0x80 >> prefix % 8)
        prefix++;
    addr_prefix_to_netmask(netmask->family, prefix, &again);
    if (!bits || !addr_eq(netmask, &again))
        return -EINVAL;
    *ret_prefix = prefix;
    return 0;
}

void addr_prefix_to_netmask(int family, unsigned prefix, struct addr *ret)
{
    *ret = (struct addr){.family = family};
    for (unsigned i = 0; i < prefix && i < addr_bits(ret); i++)
        ret->bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
}

void addr_network(const struct addr *addr, unsigned prefix, struct addr *ret)
{
    struct addr mask;

    addr_prefix_to_netmask(addr->family, prefix, &mask);
    *ret = *addr;
    for (unsigned i = 0; i < sizeof(ret->bytes); i++)
        ret->bytes[i] &= mask.bytes[i];
}

void addr_broadcast(const struct addr *addr, unsigned prefix, struct addr *ret)
{
    struct addr mask;

    addr_prefix_to_netmask(addr->family, prefix, &mask);
    *ret = *addr;
    for (unsigned i = 0; i < addr_bits(addr) / 8; i++)
        ret->bytes[i] |= (uint8_t)~mask.bytes[i];
}

bool addr_in_network(const struct addr *addr, const struct addr *network, unsigned prefix)
{
    struct addr a, b;

    addr_network(addr, prefix, &a);
    addr_network(network, prefix, &b);
    return addr_bits(addr) && addr_eq(&a, &b);
}

int addr_add(const struct addr *addr, uint64_t n, struct addr *ret)
{
    struct addr sum = *addr;
    unsigned carry = 0;

    for (unsigned i = addr_bits(addr) / 8; i > 0; i--, n >>= 8) {
        unsigned byte = sum.bytes[i - 1] + (unsigned)(n & 0xff) + carry;

        sum.bytes[i - 1] = (uint8_t)byte;
        carry = byte >> 8;
    }
    if (carry || n)
        return -ERANGE;
    *ret = sum;
    return 0;
}

socklen_t addr_to_sockaddr(const struct addr *addr, uint16_t port, struct sockaddr_storage *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (addr->family == AF_INET) {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};

        memcpy(&to.sin_addr, addr->bytes, sizeof(to.sin_addr));
        memcpy(ret, &to, sizeof(to));
        return sizeof(to);
    }
    if (addr->family == AF_INET6) {
        struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

        memcpy(&to.sin6_addr, addr->bytes, sizeof(to.sin6_addr));
        memcpy(ret, &to, sizeof(to));
        return sizeof(to);
    }
    return 0;
}

int addr_from_sockaddr(const struct sockaddr *from, struct addr *ret, uint16_t *ret_port)
{
    struct addr addr = {.family = from->sa_family};

    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)from;

        memcpy(addr.bytes, &in->sin_addr, sizeof(in->sin_addr));
        *ret_port = ntohs(in->sin_port);
    } else if (from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const void *)from;

        memcpy(addr.bytes, &in->sin6_addr, sizeof(in->sin6_addr));
        *ret_port = ntohs(in->sin6_port);
    } else {
        return -EAFNOSUPPORT;
    }
    *ret = addr;
    return 0;
}

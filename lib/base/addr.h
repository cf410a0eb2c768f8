/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addr: IPv4 and IPv6 addresses and prefixes, numeric only (nothing here asks a name server). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

/* The zero value is "not given". */
struct addr {
    int family;        /* AF_UNSPEC, AF_INET, AF_INET6 */
    uint8_t bytes[16]; /* network order; IPv4 uses the first four, the rest is zero */
};
enum { ADDR_TEXT = 46 };

/* family AF_UNSPEC: either. 0 or -EINVAL. */
int addr_parse(const char *text, int family, struct addr *ret);
/* Into text; returns text; "" when not given. */
const char *addr_format(const struct addr *addr, char text[ADDR_TEXT]);
/* "ADDRESS/PREFIX"; without "/PREFIX" the prefix is all bits. 0 or -EINVAL. */
int addr_parse_prefix(const char *text, struct addr *ret, unsigned *ret_prefix);

bool addr_eq(const struct addr *a, const struct addr *b);
/* Order by family, then by value. */
int addr_cmp(const struct addr *a, const struct addr *b);
unsigned addr_bits(const struct addr *addr); /* 32, 128, or 0 */
bool addr_is_any(const struct addr *addr);   /* 0.0.0.0 or :: */
bool addr_is_loopback(const struct addr *addr);
bool addr_is_multicast(const struct addr *addr);

/* 255.255.255.0 -> 24; -EINVAL when the ones don't come first. */
int addr_netmask_to_prefix(const struct addr *netmask, unsigned *ret_prefix);
void addr_prefix_to_netmask(int family, unsigned prefix, struct addr *ret);
/* The first and the last address of the network that addr/prefix lies in. */
void addr_network(const struct addr *addr, unsigned prefix, struct addr *ret);
void addr_broadcast(const struct addr *addr, unsigned prefix, struct addr *ret);
bool addr_in_network(const struct addr *addr, const struct addr *network, unsigned prefix);
/* addr + n; -ERANGE when it wraps. */
int addr_add(const struct addr *addr, uint64_t n, struct addr *ret);

/* For bind and connect; returns the length used of ret. */
socklen_t addr_to_sockaddr(const struct addr *addr, uint16_t port, struct sockaddr_storage *ret);
int addr_from_sockaddr(const struct sockaddr *from, struct addr *ret, uint16_t *ret_port);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Updates of single parts of a network: an entry of a list is added, changed or removed. */
#pragma once

#include "model/network.h"

/* By the numbers of the API. */
enum network_command { NETWORK_MODIFY = 1, NETWORK_DELETE, NETWORK_ADD_LAST, NETWORK_ADD_FIRST };
enum network_section {
    NETWORK_SECTION_BRIDGE = 1,
    NETWORK_SECTION_DOMAIN,
    NETWORK_SECTION_IP,
    NETWORK_SECTION_DHCP_HOST,
    NETWORK_SECTION_DHCP_RANGE,
    NETWORK_SECTION_FORWARD,
    NETWORK_SECTION_FORWARD_INTERFACE,
    NETWORK_SECTION_FORWARD_PF,
    NETWORK_SECTION_PORTGROUP,
    NETWORK_SECTION_DNS_HOST,
    NETWORK_SECTION_DNS_TXT,
    NETWORK_SECTION_DNS_SRV,
    NETWORK_SECTION_MAX
};

/*
 * parent_index: which <ip> a DHCP entry belongs to, -1: the one that has DHCP already, or the first of its
 * family. arena: the definition's. 0, or negative with err set and def as it was.
 */
int network_update(struct network_def *def, struct arena *arena, unsigned command, unsigned section,
                   int parent_index, const char *xml, struct err *err);

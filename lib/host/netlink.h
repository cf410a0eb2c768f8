/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Netlink: one rtnetlink request and its acknowledgement. The kernel answers at once; nothing here waits. For
 * lib/host only.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct netlink_message {
    _Alignas(4) unsigned char bytes[1024];
    size_t length;
};

/* Begin a message of this type with the family's header (copied). Flags beside NLM_F_REQUEST | NLM_F_ACK. */
void netlink_begin(struct netlink_message *message, uint16_t type, uint16_t flags, const void *header,
                   size_t length);
void netlink_add(struct netlink_message *message, uint16_t attribute, const void *data, size_t length);
void netlink_add_string(struct netlink_message *message, uint16_t attribute, const char *text);
/* Attributes inside of an attribute: give what nest returned to netlink_unnest. */
size_t netlink_nest(struct netlink_message *message, uint16_t attribute);
void netlink_unnest(struct netlink_message *message, size_t nest);
/* Send and get the acknowledgement: 0 or the kernel's -errno. -EMSGSIZE: the attributes didn't fit. */
int netlink_talk(struct netlink_message *message);

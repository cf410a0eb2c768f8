/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/fd.h"

/* Room for length bytes at the end, aligned; NULL when there is none: the message is then marked as too long.
 */
static void *extend(struct netlink_message *message, size_t length)
{
    size_t at = NLMSG_ALIGN(message->length);

    if (length > sizeof(message->bytes) || at > sizeof(message->bytes) - length) {
        message->length = sizeof(message->bytes) + 1;
        return NULL;
    }
    memset(message->bytes + message->length, 0, at - message->length);
    message->length = at + length;
    return message->bytes + at;
}

void netlink_begin(struct netlink_message *message, uint16_t type, uint16_t flags, const void *header,
                   size_t length)
{
    struct nlmsghdr head = {.nlmsg_type = type, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags)};
    void *at;

    message->length = 0;
    memcpy(extend(message, sizeof(head)), &head, sizeof(head));
    at = extend(message, length);
    if (at)
        memcpy(at, header, length);
}

void netlink_add(struct netlink_message *message, uint16_t attribute, const void *data, size_t length)
{
    struct rtattr head = {.rta_len = (uint16_t)RTA_LENGTH(length), .rta_type = attribute};
    char *at = message->length > sizeof(message->bytes) ? NULL : extend(message, RTA_LENGTH(length));

    if (!at)
        return;
    memcpy(at, &head, sizeof(head));
    if (length)
        memcpy(at + RTA_LENGTH(0), data, length);
}

void netlink_add_string(struct netlink_message *message, uint16_t attribute, const char *text)
{
    netlink_add(message, attribute, text, strlen(text) + 1);
}

size_t netlink_nest(struct netlink_message *message, uint16_t attribute)
{
    size_t at = NLMSG_ALIGN(message->length);

    netlink_add(message, attribute, NULL, 0);
    return at;
}

void netlink_unnest(struct netlink_message *message, size_t nest)
{
    uint16_t length = (uint16_t)(message->length - nest);

    if (message->length <= sizeof(message->bytes))
        memcpy(message->bytes + nest + offsetof(struct rtattr, rta_len), &length, sizeof(length));
}

int netlink_talk(struct netlink_message *message)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    struct timeval limit = {.tv_sec =
                                2}; /* the kernel answers inside of send; this is against our own mistakes */
    union {
        struct nlmsghdr head;
        unsigned char bytes[4096];
    } answer;
    uint32_t length = (uint32_t)message->length;

    if (message->length > sizeof(message->bytes))
        return -EMSGSIZE;
    memcpy(message->bytes + offsetof(struct nlmsghdr, nlmsg_len), &length, sizeof(length));
    auto_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
        sendto(fd, message->bytes, message->length, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
        return -errno;
    ssize_t n = recv(fd, &answer, sizeof(answer), 0);

    if (n < 0)
        return -errno;
    if (!NLMSG_OK(&answer.head, (size_t)n) || answer.head.nlmsg_type != NLMSG_ERROR)
        return -EPROTO;
    return ((struct nlmsgerr *)NLMSG_DATA(&answer.head))->error;
}

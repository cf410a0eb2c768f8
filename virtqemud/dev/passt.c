/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Passt: a network for a guest without any right on the host: one helper process a card, which takes the
 * guest's packets apart and speaks with the world through its own sockets. It gets one end of a socket pair
 * and QEMU the other, so that neither needs a path, and each ends with the other.
 */
#define ERR_FROM ERR_FROM_QEMU

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "loop/fiber.h"
#include "virtqemud/dev/iface.h"

#define START_USEC SECONDS(20)
enum { WORDS_MAX = 64 };

/* addr%dev/first-last:to-to,~excluded */
static const char *ports_of(struct arena *arena, const struct port_forward *forward)
{
    auto_buf struct buf text = {0};

    if (forward->address)
        buf_add_string(&text, forward->address);
    if (forward->dev)
        buf_printf(&text, "%%%s", forward->dev);
    if (text.length)
        buf_add_char(&text, '/');
    if (!forward->n_ranges)
        buf_add_string(&text, "all");
    for (size_t i = 0; i < forward->n_ranges; i++) {
        const struct port_range *range = forward->ranges[i];

        buf_printf(&text, "%s%s%u", i ? "," : "", range->exclude == TRI_YES ? "~" : "", range->start);
        if (range->end)
            buf_printf(&text, "-%u", range->end);
        if (range->to)
            buf_printf(&text, ":%u", range->to);
        if (range->to && range->end)
            buf_printf(&text, "-%u", range->to + range->end - range->start);
    }
    return arena_strdup(arena, buf_text(&text));
}

static void add(const char **argv, size_t *n, const char *option, const char *value)
{
    if (*n + 2 >= WORDS_MAX || !value)
        return;
    argv[(*n)++] = option;
    argv[(*n)++] = value;
}

int passt_start(struct req *rq, struct build *build, const struct iface *iface)
{
    const char *argv[WORDS_MAX] = {"passt"};
    auto_fd int ours = -1, theirs = -1;
    size_t n = 1;
    char mac[MAC_TEXT];
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return err_system(&rq->err, errno, "cannot make a pair of sockets for passt");
    ours = pair[0];
    theirs = pair[1];
    add(argv, &n, "--fd", arena_printf(build->arena, "%d", theirs));
    add(argv, &n, "--mac-addr", mac_format(&iface->mac, mac));
    add(argv, &n, "--interface", iface->dev);
    add(argv, &n, "--log-file", iface->backend_logfile);
    for (size_t i = 0; i < iface->guest.n_ips; i++) {
        const struct iface_ip *ip = iface->guest.ips[i];

        add(argv, &n, "--address", ip->address);
        if (ip->prefix.set && !strchr(ip->address, ':'))
            add(argv, &n, "--netmask", arena_printf(build->arena, "%u", ip->prefix.value));
    }
    for (size_t i = 0; i < iface->n_forwards; i++) {
        const struct port_forward *forward = iface->forwards[i];

        add(argv, &n, str_eq(forward->proto, "udp") ? "--udp-ports" : "--tcp-ports",
            ports_of(build->arena, forward));
    }
    argv[n] = NULL;
    if (helper_run(rq, argv, &theirs, 1, START_USEC) < 0)
        return -1;
    return FD_TAKE(ours);
}

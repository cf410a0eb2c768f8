/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Iface-port: what is set on the host's end of a network card by the host's own tools: traffic limits (tc),
 * addresses (ip), a port of an Open vSwitch, the scripts of a definition; and VLANs of a bridge's port.
 */
#define ERR_FROM ERR_FROM_QEMU

#include <inttypes.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/str.h"
#include "loop/work.h"
#include "virtqemud/dev/iface.h"

#define TOOL_USEC SECONDS(10)
#define OVS_USEC SECONDS(30)
enum { WORDS_MAX = 32 };

/* Words of a command that grows. */
struct words {
    struct arena *arena;
    const char *v[WORDS_MAX];
    size_t n;
};

static void word(struct words *words, const char *format, ...) PRINTF(2, 3);
static void word(struct words *words, const char *format, ...)
{
    auto_buf struct buf text = {0};
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    if (words->n < WORDS_MAX - 1)
        words->v[words->n++] = arena_strdup(words->arena, buf_text(&text));
    words->v[words->n] = NULL;
}

static struct words words_of(struct req *rq, const char *const *list)
{
    struct words words = {.arena = &rq->arena};

    while (*list)
        words.v[words.n++] = *list++;
    return words;
}

#define WORDS(rq, ...) words_of((rq), (const char *const[]){__VA_ARGS__, NULL})

static int run(struct req *rq, const struct words *words, uint64_t usec)
{
    const struct child_spec spec = {.argv = words->v};
    struct buf said = {0};
    int r = child_check(rq, &spec, usec, &said);

    buf_done(&said);
    return r;
}

static void run_or_not(struct req *rq, const struct words *words, const char *what)
{
    if (run(rq, words, TOOL_USEC) < 0) {
        log_debug("%s: %s", what, rq->err.message);
        err_clear(&rq->err);
    }
}

/* ---- traffic limits ---- */

/* A class per packet's share of the rate: what htb gives one class before it serves the next. */
static uint64_t quantum(uint64_t average)
{
    enum { KIB = 1024, BITS = 8, FRAME = 1500 };
    uint64_t value = average * KIB / BITS / FRAME;

    return value ? value : 1;
}

/* To the guest: the host's end sends. */
static int limit_in(struct req *rq, const char *name, const struct rate *rate)
{
    struct words root =
        WORDS(rq, "tc", "qdisc", "add", "dev", name, "root", "handle", "1:", "htb", "default", "1");
    struct words class =
        WORDS(rq, "tc", "class", "add", "dev", name, "parent", "1:", "classid", "1:1", "htb");
    struct words fair =
        WORDS(rq, "tc", "qdisc", "add", "dev", name, "parent", "1:1", "handle", "2:", "sfq", "perturb", "10");

    word(&class, "rate");
    word(&class, "%" PRIu64 "kbps", rate->average);
    if (rate->peak) {
        word(&class, "ceil");
        word(&class, "%" PRIu64 "kbps", rate->peak);
    }
    if (rate->burst) {
        word(&class, "burst");
        word(&class, "%" PRIu64 "kb", rate->burst);
    }
    word(&class, "quantum");
    word(&class, "%" PRIu64, quantum(rate->average));
    if (run(rq, &root, TOOL_USEC) < 0 || run(rq, &class, TOOL_USEC) < 0)
        return -1;
    run_or_not(rq, &fair, "flows of a limited interface get no fair shares"); /* not in every kernel */
    return 0;
}

/* From the guest: the host's end receives, and drops what is too much. */
static int limit_out(struct req *rq, const char *name, const struct rate *rate)
{
    struct words ingress = WORDS(rq, "tc", "qdisc", "add", "dev", name, "ingress");
    struct words police = WORDS(rq, "tc", "filter", "add", "dev", name, "parent", "ffff:", "protocol", "all",
                                "u32", "match", "u32", "0", "0", "police", "rate");

    word(&police, "%" PRIu64 "kbps", rate->average);
    word(&police, "burst");
    word(&police, "%" PRIu64 "kb", rate->burst ? rate->burst : rate->average);
    word(&police, "mtu");
    word(&police, "64kb");
    word(&police, "drop");
    word(&police, "flowid");
    word(&police, ":1");
    return run(rq, &ingress, TOOL_USEC) < 0 ? -1 : run(rq, &police, TOOL_USEC);
}

int iface_set_bandwidth(struct req *rq, const char *name, const struct bandwidth *bandwidth)
{
    const struct words in = WORDS(rq, "tc", "qdisc", "del", "dev", name, "root");
    const struct words out = WORDS(rq, "tc", "qdisc", "del", "dev", name, "ingress");

    run_or_not(rq, &in, "no limit to remove");
    run_or_not(rq, &out, "no limit to remove");
    if (bandwidth && bandwidth->in && bandwidth->in->average && limit_in(rq, name, bandwidth->in) < 0)
        return -1;
    if (bandwidth && bandwidth->out && bandwidth->out->average && limit_out(rq, name, bandwidth->out) < 0)
        return -1;
    return 0;
}

/* ---- addresses and scripts ---- */

static uint32_t full_prefix(const char *address)
{
    return strchr(address, ':') ? 128 : 32;
}

int iface_add_addresses(struct req *rq, const struct iface *iface)
{
    for (size_t i = 0; i < iface->host.n_ips; i++) {
        const struct iface_ip *ip = iface->host.ips[i];
        struct words words = WORDS(rq, "ip", "addr", "add");
        uint32_t prefix = ip->prefix.set ? ip->prefix.value : full_prefix(ip->address);

        word(&words, ip->peer ? "%s" : "%s/%u", ip->address, prefix);
        if (ip->peer) {
            word(&words, "peer");
            word(&words, "%s/%u", ip->peer, prefix);
        }
        word(&words, "dev");
        word(&words, "%s", iface->target);
        if (run(rq, &words, TOOL_USEC) < 0)
            return -1;
    }
    for (size_t i = 0; i < iface->host.n_routes; i++) {
        const struct iface_route *route = iface->host.routes[i];
        struct words words = WORDS(rq, "ip", "route", "add");

        word(&words, "%s/%u", route->address,
             route->prefix.set ? route->prefix.value : full_prefix(route->address));
        if (route->gateway) {
            word(&words, "via");
            word(&words, "%s", route->gateway);
        }
        word(&words, "dev");
        word(&words, "%s", iface->target);
        if (route->metric.set) {
            word(&words, "metric");
            word(&words, "%u", route->metric.value);
        }
        if (run(rq, &words, TOOL_USEC) < 0)
            return -1;
    }
    return 0;
}

int iface_run_script(struct req *rq, const char *script, const char *name)
{
    const struct words words = WORDS(rq, script, name);

    return run(rq, &words, OVS_USEC);
}

/* ---- VLANs ---- */

int iface_set_vlans(const struct iface *iface, struct err *err)
{
    enum { FIRST_VLAN = 1 };
    const struct vlan *vlan = iface->vlan;

    if (!vlan || !vlan->n_tags)
        return 0;
    if (bridge_port_vlan_drop(iface->target, FIRST_VLAN, err) < 0)
        return -1;
    for (size_t i = 0; i < vlan->n_tags; i++) {
        const struct vlan_tag *tag = vlan->tags[i];
        unsigned flags = 0;

        if (vlan->trunk != TRI_YES || str_eq(tag->native_mode, "untagged"))
            flags = PORT_VLAN_PVID | PORT_VLAN_UNTAGGED;
        else if (tag->native_mode)
            flags = PORT_VLAN_PVID;
        if (bridge_port_vlan(iface->target, tag->id, flags, err) < 0)
            return -1;
    }
    return 0;
}

static void ovs_vlans(struct words *words, const struct vlan *vlan)
{
    const struct vlan_tag *native = NULL;
    auto_buf struct buf trunk = {0};

    if (!vlan || !vlan->n_tags)
        return;
    for (size_t i = 0; i < vlan->n_tags; i++) {
        if (vlan->tags[i]->native_mode)
            native = vlan->tags[i];
        buf_printf(&trunk, i ? ",%u" : "%u", vlan->tags[i]->id);
    }
    if (native) {
        word(words, "vlan_mode=native-%s", native->native_mode);
        word(words, "tag=%u", native->id);
    }
    if (vlan->trunk == TRI_YES)
        word(words, "trunk=%s", buf_text(&trunk));
    else if (!native)
        word(words, "tag=%u", vlan->tags[0]->id);
}

/* ---- Open vSwitch ---- */

void iface_leave_ovs(struct build *build, const char *name)
{
    const char *argv[] = {"ovs-vsctl", "--timeout=5", "--", "--if-exists", "del-port", name, NULL};

    build_remember_command(build, argv);
}

int iface_add_to_ovs(struct req *rq, struct build *build, const struct iface *iface)
{
    const struct virtual_port *port = iface->virtualport;
    struct words words = WORDS(rq, "ovs-vsctl", "--timeout=5", "--", "--if-exists", "del-port", iface->target,
                               "--", "add-port", iface->bridge, iface->target);
    char mac[MAC_TEXT], uuid[UUID_TEXT];
    struct err why = {0};

    ovs_vlans(&words, iface->vlan);
    word(&words, "--");
    word(&words, "set");
    word(&words, "Interface");
    word(&words, "%s", iface->target);
    word(&words, "external-ids:attached-mac=\"%s\"", mac_format(&iface->mac, mac));
    if (port->interfaceid)
        word(&words, "external-ids:iface-id=\"%s\"", port->interfaceid);
    word(&words, "external-ids:vm-id=\"%s\"", uuid_format(build->domain->uuid, uuid));
    if (port->profileid)
        word(&words, "external-ids:port-profile=\"%s\"", port->profileid);
    word(&words, "external-ids:iface-status=active");
    if (run(rq, &words, OVS_USEC) < 0) {
        err_set(&why, ERR_INTERNAL_ERROR, "Unable to add port %s to OVS bridge %s: %s", iface->target,
                iface->bridge, rq->err.message);
        err_clear(&rq->err);
        err_move(&rq->err, &why);
        return -1;
    }
    iface_leave_ovs(build, iface->target);
    return 0;
}

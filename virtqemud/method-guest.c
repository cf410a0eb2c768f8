/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Methods of what the guest's agent knows and changes inside: addresses, vCPUs, keys, sleep. Like those of
 * method-agent.c they hold no job of the machine. What the guest says of the whole of itself is in
 * method-guest-info.c.
 */
#define ERR_FROM ERR_FROM_QEMU
#include <fcntl.h>
#include <stdio.h>

#include "base/bitmap.h"
#include "base/file.h"
#include "base/mac.h"
#include "base/str.h"
#include "model/domain/domain.h"
#include "virtqemud/channel.h"
#include "virtqemud/method.h"
#include "virtqemud/params.h"
#include "virtqemud/run.h"
#include "virtqemud/status.h"

#define ASK_USEC SECONDS(10)

/* ---- addresses ---- */

enum { IPV4 = 0, IPV6 = 1, IFACES_MAX = 2048, ADDRS_MAX = 2048 };

static char *text_of(struct req *rq, struct json_object *object, const char *name)
{
    const char *text = json_string(object, name);

    return text ? arena_strdup(&rq->arena, text) : NULL;
}

/* The entry of an interface; "eth0:1" is another name of eth0. */
static struct wire_domain_interface *
entry_of(struct req *rq, struct remote_domain_interface_addresses_out *out, const char *name)
{
    size_t length = strcspn(name, ":");
    struct wire_domain_interface *entry;

    for (uint32_t i = 0; i < out->ifaces.n; i++)
        if (strlen(out->ifaces.v[i].name) == length && !strncmp(out->ifaces.v[i].name, name, length))
            return &out->ifaces.v[i];
    out->ifaces.v = arena_grow(&rq->arena, out->ifaces.v, out->ifaces.n, sizeof(*entry));
    entry = &out->ifaces.v[out->ifaces.n++];
    *entry = (struct wire_domain_interface){.name = arena_strndup(&rq->arena, name, length)};
    return entry;
}

static void add_address(struct req *rq, struct wire_domain_interface *entry, int32_t type, const char *text,
                        uint32_t prefix)
{
    if (entry->addrs.n >= ADDRS_MAX)
        return;
    entry->addrs.v = arena_grow(&rq->arena, entry->addrs.v, entry->addrs.n, sizeof(*entry->addrs.v));
    entry->addrs.v[entry->addrs.n++] =
        (struct wire_domain_ip_addr){type, arena_strdup(&rq->arena, text), prefix};
}

static int addresses_of_agent(struct req *rq, struct vm *vm,
                              struct remote_domain_interface_addresses_out *out)
{
    auto_json struct json_object *list = NULL;

    if (channel_agent_ask(rq, vm, "guest-network-get-interfaces",
                          "{\"execute\":\"guest-network-get-interfaces\"}", ASK_USEC, &list) < 0)
        return -1;
    for (size_t i = 0; i < json_count(list) && out->ifaces.n < IFACES_MAX; i++) {
        struct json_object *one = json_object_array_get_idx(list, i);
        struct json_object *addresses = json_get(one, "ip-addresses");
        const char *name = json_string(one, "name");
        struct wire_domain_interface *entry;

        if (str_empty(name))
            return err_set(&rq->err, ERR_INTERNAL_ERROR,
                           "QEMU agent didn't provide 'name' field of an interface");
        entry = entry_of(rq, out, name);
        if (!entry->hwaddr)
            entry->hwaddr = text_of(rq, one, "hardware-address");
        for (size_t k = 0; k < json_count(addresses); k++) {
            struct json_object *address = json_object_array_get_idx(addresses, k);
            const char *text = json_string(address, "ip-address");

            if (text)
                add_address(rq, entry, str_eq(json_string(address, "ip-address-type"), "ipv6") ? IPV6 : IPV4,
                            text, (uint32_t)json_uint(address, "prefix", 0));
        }
    }
    return 0;
}

/* What the host's own table of neighbours says of the machine's MACs: "10.0.0.5 0x1 0x2 52:54:.. * br0". */
static int addresses_of_arp(struct req *rq, const struct vm *vm,
                            struct remote_domain_interface_addresses_out *out)
{
    const struct devices *devices = &vm->run->domain->devices;
    auto_buf struct buf table = {0};
    int r = file_read(AT_FDCWD, "/proc/net/arp", 4 << 20, &table);

    if (r < 0)
        return err_system(&rq->err, r, "cannot read the host's table of neighbours");
    for (const char *line = strchr(buf_text(&table), '\n'); line && *++line; line = strchr(line, '\n')) {
        char address[64], mac[32], ours[MAC_TEXT];
        unsigned state;

        if (sscanf(line, "%63s %*s %x %31s", address, &state, mac) != 3 || !state)
            continue;
        for (size_t i = 0; i < devices->n_ifaces; i++) {
            const struct iface *iface = devices->ifaces[i];

            if (!iface->target || !str_eq_nocase(mac_format(&iface->mac, ours), mac))
                continue;
            struct wire_domain_interface *entry = entry_of(rq, out, iface->target);

            entry->hwaddr = arena_strdup(&rq->arena, ours);
            add_address(rq, entry, IPV4, address, 0);
        }
    }
    return 0;
}

static int addresses_of_leases(struct req *rq, const struct vm *vm)
{
    const struct devices *devices = &vm->run->domain->devices;

    for (size_t i = 0; i < devices->n_ifaces; i++)
        if (devices->ifaces[i]->type == IFACE_NETWORK)
            return err_set(
                &rq->err, ERR_OPERATION_UNSUPPORTED,
                "leases of virtual networks can't be asked for yet; the sources agent and arp can");
    return 0;
}

static int m_addresses(struct req *rq, struct vm *vm, const struct remote_domain_interface_addresses_in *in,
                       struct remote_domain_interface_addresses_out *out)
{
    enum { LEASE, AGENT, ARP };

    if (method_flags(rq, in->flags, 0) < 0 || vm_check_active(rq, vm) < 0)
        return -1;
    switch (in->source) {
    case LEASE:
        return addresses_of_leases(rq, vm);
    case AGENT:
        return addresses_of_agent(rq, vm, out);
    case ARP:
        return addresses_of_arp(rq, vm, out);
    default:
        return err_set(&rq->err, ERR_ARGUMENT_UNSUPPORTED, "Unknown IP address data source %u", in->source);
    }
}

/* ---- vCPUs, as the guest sees them ---- */

enum { GUEST_CPUS_MAX = 16384 };

struct guest_cpus {
    struct bitmap there, online, offlinable;
};

static void guest_cpus_done(struct guest_cpus *cpus)
{
    bitmap_done(&cpus->there);
    bitmap_done(&cpus->online);
    bitmap_done(&cpus->offlinable);
}

static int ask_cpus(struct req *rq, struct vm *vm, struct guest_cpus *ret)
{
    auto_json struct json_object *list = NULL;

    if (channel_agent_ask(rq, vm, "guest-get-vcpus", "{\"execute\":\"guest-get-vcpus\"}", ASK_USEC, &list) <
        0)
        return -1;
    for (size_t i = 0; i < json_count(list); i++) {
        struct json_object *one = json_object_array_get_idx(list, i);
        uint64_t id = json_uint(one, "logical-id", UINT64_MAX);

        if (id >= GUEST_CPUS_MAX)
            return err_set(&rq->err, ERR_INTERNAL_ERROR,
                           "malformed reply of guest-get-vcpus: 'logical-id' is missing or too large");
        bitmap_set(&ret->there, (uint32_t)id);
        if (json_flag(one, "online", false))
            bitmap_set(&ret->online, (uint32_t)id);
        if (json_flag(one, "can-offline", false))
            bitmap_set(&ret->offlinable, (uint32_t)id);
    }
    return 0;
}

/* Switch those of `which` on or off; the agent may do some and say how many: go on with the rest. */
static int switch_cpus(struct req *rq, struct vm *vm, const struct bitmap *which, bool on)
{
    size_t count = bitmap_weight(which), done = 0;

    while (done < count) {
        auto_json struct json_object *answer = NULL;
        auto_buf struct buf text = {0};
        size_t seen = 0;
        int64_t more;

        json_add(&text, "{'execute':'guest-set-vcpus','arguments':{'vcpus':[");
        BITMAP_FOREACH(which, id)
            if (seen++ >= done) {
                buf_add_string(&text, seen - 1 > done ? "," : "");
                buf_printf(&text, "{\"logical-id\":%zd,\"online\":%s}", id, on ? "true" : "false");
            }
        json_add(&text, "]}}");
        if (channel_agent_ask(rq, vm, "guest-set-vcpus", buf_text(&text), ASK_USEC, &answer) < 0)
            return -1;
        more = json_object_is_type(answer, json_type_int) ? json_object_get_int64(answer) : 0;
        if (more <= 0 || (size_t)more > count - done)
            return err_set(&rq->err, ERR_INTERNAL_ERROR, "guest agent reports less cpu than requested");
        done += (size_t)more;
    }
    return 0;
}

static int m_get_vcpus(struct req *rq, struct vm *vm, const struct remote_domain_get_guest_vcpus_in *in,
                       struct remote_domain_get_guest_vcpus_out *out)
{
    CLEANUP(guest_cpus_done) struct guest_cpus cpus = {0};
    const struct {
        const char *name;
        const struct bitmap *map;
    } rows[] = {{"vcpus", &cpus.there}, {"online", &cpus.online}, {"offlinable", &cpus.offlinable}};
    struct params params = {.arena = &rq->arena};

    if (method_flags(rq, in->flags, 0) < 0 || ask_cpus(rq, vm, &cpus) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        auto_buf struct buf text = {0};

        bitmap_format(rows[i].map, &text);
        params_string(&params, buf_text(&text), "%s", rows[i].name);
    }
    out->params.v = params.v;
    out->params.n = params.n;
    return 0;
}

static int m_set_vcpus(struct req *rq, struct vm *vm, const struct remote_domain_set_guest_vcpus_in *in,
                       struct remote_domain_set_guest_vcpus_out *out)
{
    CLEANUP(guest_cpus_done) struct guest_cpus cpus = {0};
    auto_bitmap struct bitmap wanted = {0};

    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    if (in->state != 0 && in->state != 1)
        return err_set_bare(&rq->err, ERR_INVALID_ARG, "unsupported state value");
    if (bitmap_parse(in->cpumap, GUEST_CPUS_MAX, &wanted) < 0 || bitmap_empty(&wanted))
        return err_set(&rq->err, ERR_INVALID_ARG, "Failed to parse bitmap '%s'", in->cpumap);
    if (ask_cpus(rq, vm, &cpus) < 0)
        return -1;
    if (!bitmap_contains(&cpus.there, &wanted))
        return err_set(&rq->err, ERR_INVALID_ARG, "guest does not have all of the vCPUs '%s'", in->cpumap);
    if (in->state)
        bitmap_subtract(&wanted, &cpus.online);
    else
        bitmap_and(&wanted, &cpus.online);
    if (!in->state && !bitmap_contains(&cpus.offlinable, &wanted))
        return err_set(&rq->err, ERR_INVALID_ARG, "the guest can't take all of the vCPUs '%s' offline",
                       in->cpumap);
    return switch_cpus(rq, vm, &wanted, in->state == 1);
}

int guest_count_vcpus(struct req *rq, struct vm *vm, bool maximum, int32_t *ret)
{
    CLEANUP(guest_cpus_done) struct guest_cpus cpus = {0};

    if (ask_cpus(rq, vm, &cpus) < 0)
        return -1;
    *ret = (int32_t)bitmap_weight(maximum ? &cpus.there : &cpus.online);
    return 0;
}

int guest_set_vcpus(struct req *rq, struct vm *vm, unsigned count)
{
    CLEANUP(guest_cpus_done) struct guest_cpus cpus = {0};
    auto_bitmap struct bitmap change = {0};
    size_t online;

    if (ask_cpus(rq, vm, &cpus) < 0)
        return -1;
    online = bitmap_weight(&cpus.online);
    if (count > bitmap_weight(&cpus.there))
        return err_set(&rq->err, ERR_INVALID_ARG,
                       "requested vcpu count is greater than the count of enabled vcpus "
                       "in the domain: %u > %zu",
                       count, bitmap_weight(&cpus.there));
    BITMAP_FOREACH(&cpus.there, id) {
        bool on = bitmap_get(&cpus.online, (uint32_t)id);

        if (online + bitmap_weight(&change) < count && count > online && !on)
            bitmap_set(&change, (uint32_t)id);
        if (count < online && online - bitmap_weight(&change) > count && on &&
            bitmap_get(&cpus.offlinable, (uint32_t)id))
            bitmap_set(&change, (uint32_t)id);
    }
    if (count < online && online - bitmap_weight(&change) != count)
        return err_set(&rq->err, ERR_OPERATION_FAILED, "Cannot offline enough CPUs");
    return switch_cpus(rq, vm, &change, count > online);
}

/* ---- keys ---- */

static int m_get_keys(struct req *rq, struct vm *vm,
                      const struct remote_domain_authorized_ssh_keys_get_in *in,
                      struct remote_domain_authorized_ssh_keys_get_out *out)
{
    enum { KEYS_MAX = 2048 };
    auto_json struct json_object *answer = NULL;
    struct json_object *keys;

    if (method_flags(rq, in->flags, 0) < 0 ||
        channel_agent_ask(rq, vm, "guest-ssh-get-authorized-keys",
                          json_text(&rq->arena,
                                    "{'execute':'guest-ssh-get-authorized-keys','arguments':{'username':%s}}",
                                    in->user),
                          ASK_USEC, &answer) < 0)
        return -1;
    keys = json_get(answer, "keys");
    if (!json_object_is_type(keys, json_type_array) || json_count(keys) > KEYS_MAX)
        return err_set(&rq->err, ERR_INTERNAL_ERROR,
                       "malformed return value of guest-ssh-get-authorized-keys");
    out->keys.v = ARENA_ARRAY(&rq->arena, char *, json_count(keys) + 1);
    for (size_t i = 0; i < json_count(keys); i++) {
        struct json_object *key = json_object_array_get_idx(keys, i);

        if (json_object_is_type(key, json_type_string))
            out->keys.v[out->keys.n++] = arena_strdup(&rq->arena, json_object_get_string(key));
    }
    return 0;
}

static int m_set_keys(struct req *rq, struct vm *vm,
                      const struct remote_domain_authorized_ssh_keys_set_in *in,
                      struct remote_domain_authorized_ssh_keys_set_out *out)
{
    enum { APPEND = 1, REMOVE = 2 };
    const char *name =
        in->flags & REMOVE ? "guest-ssh-remove-authorized-keys" : "guest-ssh-add-authorized-keys";
    auto_buf struct buf text = {0};

    if (method_flags(rq, in->flags, APPEND | REMOVE) < 0 ||
        method_flags_exclude(rq, in->flags, APPEND, "AUTHORIZED_SSH_KEYS_SET_APPEND", REMOVE,
                             "AUTHORIZED_SSH_KEYS_SET_REMOVE") < 0)
        return -1;
    if (!in->keys.n && !(in->flags & REMOVE))
        return err_set_bare(&rq->err, ERR_INVALID_ARG,
                            "keys in virDomainAuthorizedSSHKeysSet must not be NULL");
    json_add(&text, "{'execute':%s,'arguments':{'username':%s,'keys':[", name, in->user);
    for (uint32_t i = 0; i < in->keys.n; i++) {
        buf_add_string(&text, i ? "," : "");
        json_add_string(&text, in->keys.v[i]);
    }
    buf_add_string(&text, in->flags & REMOVE   ? "]}}"
                          : in->flags & APPEND ? "],\"reset\":false}}"
                                               : "],\"reset\":true}}");
    return channel_agent_ask(rq, vm, name, buf_text(&text), ASK_USEC, NULL);
}

/* ---- sleep, patience ---- */

/* An agent that put its guest to sleep says nothing: so much silence is success. */
#define SLEEP_USEC SECONDS(5)

static int m_suspend(struct req *rq, struct vm *vm, const struct remote_domain_pm_suspend_for_duration_in *in,
                     struct remote_domain_pm_suspend_for_duration_out *out)
{
    enum { TO_MEMORY, TO_DISK, HYBRID };
    static const char *const names[] = {"guest-suspend-ram", "guest-suspend-disk", "guest-suspend-hybrid"};
    struct agent_command command = {.usec = SLEEP_USEC, .ends_guest = true};

    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    if (in->duration)
        return err_set(&rq->err, ERR_ARGUMENT_UNSUPPORTED, "Duration not supported. Use 0 for now");
    if (in->target > HYBRID)
        return err_set(&rq->err, ERR_INVALID_ARG, "Unknown suspend target: %u", in->target);
    if (vm_check_active(rq, vm) < 0)
        return -1;
    if (in->target != TO_DISK && vm->run->domain->suspend_to_mem == TRI_NO)
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "S3 state is disabled for this domain");
    if (in->target == TO_DISK && vm->run->domain->suspend_to_disk == TRI_NO)
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "S4 state is disabled for this domain");
    command.name = names[in->target];
    command.text = json_text(&rq->arena, "{'execute':%s}", command.name);
    return channel_agent_run(rq, vm, &command, NULL);
}

static int m_set_timeout(struct req *rq, struct vm *vm,
                         const struct remote_domain_agent_set_response_timeout_in *in,
                         struct remote_domain_agent_set_response_timeout_out *out)
{
    if (method_flags(rq, in->flags, 0) < 0)
        return -1;
    if (in->timeout < -2)
        return err_set(&rq->err, ERR_INVALID_ARG, "guest agent timeout '%d' is less than the minimum '-2'",
                       in->timeout);
    out->result = 0;
    if (!vm_is_active(vm)) /* as with libvirt, it is for this run, and there is none */
        return 0;
    vm->run->agent_patience = (struct opt_i32){in->timeout, true};
    status_save(vm);
    return 0;
}

const struct method guest_methods[] = {
    METHOD(remote, DOMAIN_INTERFACE_ADDRESSES, m_addresses),
    METHOD(remote, DOMAIN_GET_GUEST_VCPUS, m_get_vcpus),
    METHOD(remote, DOMAIN_SET_GUEST_VCPUS, m_set_vcpus),
    METHOD(remote, DOMAIN_AUTHORIZED_SSH_KEYS_GET, m_get_keys),
    METHOD(remote, DOMAIN_AUTHORIZED_SSH_KEYS_SET, m_set_keys),
    METHOD(remote, DOMAIN_PM_SUSPEND_FOR_DURATION, m_suspend),
    METHOD(remote, DOMAIN_AGENT_SET_RESPONSE_TIMEOUT, m_set_timeout),
    {0},
};

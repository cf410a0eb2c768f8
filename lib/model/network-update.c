/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_NETWORK
#include "model/network-update.h"

#include "base/addr.h"
#include "base/str.h"

/* A list in the definition. */
struct update {
    struct network_def *def;
    struct arena *arena;
    unsigned command;
    int parent_index;
    struct err *err;
    void ***list;
    size_t *count;
    const struct network_ip *ip; /* of DHCP entries */
};

/* ---- entries that are the same ---- */

static bool both_eq(const char *a, const char *b)
{
    return a && b && str_eq(a, b);
}

static bool same_host(const void *a, const void *b)
{
    const struct network_host *one = a, *other = b;

    return (one->mac && other->mac && str_eq_nocase(one->mac, other->mac)) ||
           both_eq(one->name, other->name) || both_eq(one->ip, other->ip);
}

/* The same in all that `wanted` says. */
static bool match_host(const void *entry, const void *wanted)
{
    const struct network_host *host = entry, *want = wanted;

    return (!want->mac || (host->mac && str_eq_nocase(host->mac, want->mac))) &&
           (!want->name || str_eq(host->name, want->name)) && (!want->ip || str_eq(host->ip, want->ip));
}

/* For a change: the machine is known by its MAC, else by its name. */
static bool known_host(const void *entry, const void *wanted)
{
    const struct network_host *host = entry, *want = wanted;

    return (want->mac && host->mac && str_eq_nocase(host->mac, want->mac)) ||
           (want->name && str_eq(host->name, want->name));
}

static bool same_range(const void *a, const void *b)
{
    const struct network_range *one = a, *other = b;

    return str_eq(one->start, other->start) && str_eq(one->end, other->end);
}

static bool same_interface(const void *a, const void *b)
{
    return str_eq(((const struct network_if *)a)->dev, ((const struct network_if *)b)->dev);
}

static bool same_portgroup(const void *a, const void *b)
{
    return str_eq(((const struct network_portgroup *)a)->name, ((const struct network_portgroup *)b)->name);
}

static bool same_dns_host(const void *a, const void *b)
{
    const struct network_dns_host *one = a, *other = b;

    if (both_eq(one->ip, other->ip))
        return true;
    for (size_t i = 0; i < one->n_names; i++)
        for (size_t j = 0; j < other->n_names; j++)
            if (str_eq(one->names[i]->value, other->names[j]->value))
                return true;
    return false;
}

static bool same_txt(const void *a, const void *b)
{
    return str_eq(((const struct network_txt *)a)->name, ((const struct network_txt *)b)->name);
}

static bool same_srv(const void *a, const void *b)
{
    const struct network_srv *srv = a, *want = b;

    return (!want->domain || str_eq(srv->domain, want->domain)) &&
           (!want->service || str_eq(srv->service, want->service)) &&
           (!want->protocol || str_eq(srv->protocol, want->protocol)) &&
           (!want->target || str_eq(srv->target, want->target)) && (!want->port || srv->port == want->port) &&
           (!want->priority || srv->priority == want->priority) &&
           (!want->weight || srv->weight == want->weight);
}

/* ---- where they are ---- */

static int find_dhcp(struct update *update, const char *what)
{
    struct network_def *def = update->def;
    struct network_ip *ip = NULL;

    if (update->parent_index >= 0 && (size_t)update->parent_index >= def->n_ips)
        return err_set(update->err, ERR_OPERATION_INVALID,
                       "couldn't update %s entry - no <ip> element found at index %d in network '%s'", what,
                       update->parent_index, def->name);
    if (update->parent_index >= 0)
        ip = def->ips[update->parent_index];
    for (size_t i = 0; i < def->n_ips && !ip; i++)
        if (def->ips[i]->dhcp)
            ip = def->ips[i];
    if (!ip && def->n_ips)
        ip = def->ips[0];
    if (!ip)
        return err_set(update->err, ERR_OPERATION_INVALID,
                       "couldn't update %s entry - no <ip> element found in network '%s'", what, def->name);
    if (!ip->dhcp)
        ip->dhcp = ARENA_NEW(update->arena, struct network_dhcp);
    update->ip = ip;
    return 0;
}

static int find_hosts(struct update *update)
{
    if (find_dhcp(update, "dhcp host") < 0)
        return -1;
    update->list = (void ***)&update->ip->dhcp->hosts;
    update->count = &update->ip->dhcp->n_hosts;
    return 0;
}

static int find_ranges(struct update *update)
{
    if (find_dhcp(update, "dhcp range") < 0)
        return -1;
    update->list = (void ***)&update->ip->dhcp->ranges;
    update->count = &update->ip->dhcp->n_ranges;
    return 0;
}

static int find_interfaces(struct update *update)
{
    struct network_def *def = update->def;

    if (!def->forward)
        def->forward = ARENA_NEW(update->arena, struct network_forward);
    update->list = (void ***)&def->forward->interfaces;
    update->count = &def->forward->n_interfaces;
    return 0;
}

static int find_portgroups(struct update *update)
{
    update->list = (void ***)&update->def->portgroups;
    update->count = &update->def->n_portgroups;
    return 0;
}

static struct network_dns *dns_of(struct update *update)
{
    if (!update->def->dns)
        update->def->dns = ARENA_NEW(update->arena, struct network_dns);
    return update->def->dns;
}

static int find_dns_hosts(struct update *update)
{
    struct network_dns *dns = dns_of(update);

    update->list = (void ***)&dns->hosts;
    update->count = &dns->n_hosts;
    return 0;
}

static int find_txts(struct update *update)
{
    struct network_dns *dns = dns_of(update);

    update->list = (void ***)&dns->txts;
    update->count = &dns->n_txts;
    return 0;
}

static int find_srvs(struct update *update)
{
    struct network_dns *dns = dns_of(update);

    update->list = (void ***)&dns->srvs;
    update->count = &dns->n_srvs;
    return 0;
}

/* ---- rules of one entry ---- */

static int check_host(struct update *update, const void *entry)
{
    const struct network_host *host = entry;

    if (!host->mac && !host->name && !(host->ip && update->command == NETWORK_DELETE))
        return err_set(update->err, ERR_XML_ERROR,
                       "Static host definition in IPv4 network '%s' must have mac or name attribute",
                       update->def->name);
    return 0;
}

static int check_range(struct update *update, const void *entry)
{
    const struct network_range *range = entry;
    struct addr start, end, own, mask;
    unsigned prefix = 0;

    if (addr_parse(range->start ? range->start : "", AF_UNSPEC, &start) < 0 ||
        addr_parse(range->end ? range->end : "", AF_UNSPEC, &end) < 0)
        return err_set(update->err, ERR_XML_ERROR, "Missing 'start' or 'end' address of <range>");
    if (addr_parse(update->ip->address ? update->ip->address : "", AF_UNSPEC, &own) < 0)
        return 0;
    if (update->ip->prefix.set)
        prefix = update->ip->prefix.value;
    else if (addr_parse(update->ip->netmask ? update->ip->netmask : "", AF_INET, &mask) == 0)
        (void)addr_netmask_to_prefix(&mask, &prefix);
    if (prefix && (!addr_in_network(&start, &own, prefix) || !addr_in_network(&end, &own, prefix)))
        return err_set_from(update->err, ERR_FROM_NONE, ERR_INTERNAL_ERROR,
                            "range %s - %s is not entirely within network %s/%u", range->start, range->end,
                            update->ip->address, prefix);
    if (addr_cmp(&start, &end) > 0)
        return err_set_from(update->err, ERR_FROM_NONE, ERR_INTERNAL_ERROR, "range %s - %s is reversed ",
                            range->start, range->end);
    return 0;
}

static int check_portgroup(struct update *update, const void *entry)
{
    const struct network_portgroup *group = entry;

    if (group->is_default != TRI_YES || update->command == NETWORK_DELETE)
        return 0;
    for (size_t i = 0; i < update->def->n_portgroups; i++)
        if (update->def->portgroups[i]->is_default == TRI_YES &&
            !str_eq(update->def->portgroups[i]->name, group->name))
            return err_set(update->err, ERR_OPERATION_INVALID,
                           "a different portgroup entry in network '%s' is already set as the default. Only "
                           "one default is allowed.",
                           update->def->name);
    return 0;
}

/* ---- how messages call an entry ---- */

static void tell_host(struct buf *text, const void *entry)
{
    const struct network_host *host = entry;

    buf_printf(text, "<host mac='%s' name='%s' ip='%s'/>", host->mac ? host->mac : "",
               host->name ? host->name : "", host->ip ? host->ip : "");
}

static void tell_range(struct buf *text, const void *entry)
{
    const struct network_range *range = entry;

    buf_printf(text, "<range start='%s' end='%s'/>", range->start, range->end);
}

static void tell_interface(struct buf *text, const void *entry)
{
    buf_printf(text, "<interface dev='%s'>", ((const struct network_if *)entry)->dev);
}

static void tell_portgroup(struct buf *text, const void *entry)
{
    buf_printf(text, "<portgroup name='%s'>", ((const struct network_portgroup *)entry)->name);
}

/* ---- the sections ---- */

static const struct section {
    const char *name;             /* of the section */
    const char *element, *entry;  /* what an entry is, in XML and in messages */
    const struct xt_table *table; /* NULL: can't be updated */
    bool modify;
    bool (*same)(const void *entry, const void *given);  /* two of these can't be there */
    bool (*match)(const void *entry, const void *given); /* which one is removed; NULL: as same */
    bool (*known)(const void *entry, const void *given); /* which one is changed; NULL: as match */
    int (*find)(struct update *update);
    int (*check)(struct update *update, const void *entry);
    void (*tell)(struct buf *text, const void *entry); /* NULL: DNS records, with messages of their own */
} sections[NETWORK_SECTION_MAX] = {
    [NETWORK_SECTION_BRIDGE] = {.name = "bridge"},
    [NETWORK_SECTION_DOMAIN] = {.name = "domain"},
    [NETWORK_SECTION_IP] = {.name = "ip"},
    [NETWORK_SECTION_FORWARD] = {.name = "forward"},
    [NETWORK_SECTION_FORWARD_PF] = {.name = "forward pf"},
    [NETWORK_SECTION_DHCP_HOST] = {"dhcp host", "host", "dhcp host", &network_host_table, true, same_host,
                                   match_host, known_host, find_hosts, check_host, tell_host},
    [NETWORK_SECTION_DHCP_RANGE] = {"dhcp range", "range", "dhcp range", &network_range_table, false,
                                    same_range, NULL, NULL, find_ranges, check_range, tell_range},
    [NETWORK_SECTION_FORWARD_INTERFACE] = {"forward interface", "interface", "interface", &network_if_table,
                                           false, same_interface, NULL, NULL, find_interfaces, NULL,
                                           tell_interface},
    [NETWORK_SECTION_PORTGROUP] = {"portgroup", "portgroup", "portgroup", &network_portgroup_table, true,
                                   same_portgroup, NULL, NULL, find_portgroups, check_portgroup,
                                   tell_portgroup},
    [NETWORK_SECTION_DNS_HOST] = {"dns host", "host", "DNS HOST", &network_dns_host_table, false,
                                  same_dns_host, NULL, NULL, find_dns_hosts, NULL, NULL},
    [NETWORK_SECTION_DNS_TXT] = {"dns txt", "txt", "DNS TXT", &network_txt_table, false, same_txt, NULL, NULL,
                                 find_txts, NULL, NULL},
    [NETWORK_SECTION_DNS_SRV] = {"dns srv", "srv", "DNS SRV", &network_srv_table, false, same_srv, NULL, NULL,
                                 find_srvs, NULL, NULL},
};

static int refuse(struct update *update, const struct section *section, const void *entry, bool there)
{
    auto_buf struct buf text = {0};
    const char *network = update->def->name;

    if (there && section->same == same_txt)
        return err_set(update->err, ERR_OPERATION_INVALID,
                       "there is already a %s record with name '%s' in network %s", section->entry,
                       ((const struct network_txt *)entry)->name, network);
    if (there && !section->tell)
        return err_set(update->err, ERR_OPERATION_INVALID,
                       "there is already at least one %s record %s in network %s", section->entry,
                       section->same == same_srv ? "matching all specified fields" : "with a matching field",
                       network);
    if (!section->tell)
        return err_set(update->err, ERR_OPERATION_INVALID,
                       "couldn't locate a matching %s record in network %s", section->entry, network);
    section->tell(&text, entry);
    if (there)
        return err_set(update->err, ERR_OPERATION_INVALID,
                       "there is an existing %s entry in network '%s' that matches \"%s\"", section->entry,
                       network, buf_text(&text));
    if (section->find == find_hosts || section->find == find_ranges)
        return err_set(update->err, ERR_OPERATION_INVALID,
                       "couldn't locate a matching %s entry in network '%s'", section->entry, network);
    return err_set(update->err, ERR_OPERATION_INVALID,
                   "couldn't find %s %s entry in network '%s' matching %s",
                   strchr("aeiou", section->entry[0]) ? "an" : "a", section->entry, network, buf_text(&text));
}

static ssize_t find(const struct update *update, bool (*fits)(const void *, const void *), const void *given)
{
    for (size_t i = 0; i < *update->count; i++)
        if (fits((*update->list)[i], given))
            return (ssize_t)i;
    return -1;
}

static int add(struct update *update, const struct section *section, void *entry)
{
    void **list;
    size_t at;

    if (find(update, section->same, entry) >= 0)
        return refuse(update, section, entry, /* there= */ true);
    list = arena_grow(update->arena, *update->list, *update->count, sizeof(*list));
    at = update->command == NETWORK_ADD_FIRST ? 0 : *update->count;
    memmove(list + at + 1, list + at, (*update->count - at) * sizeof(*list));
    list[at] = entry;
    *update->list = list;
    ++*update->count;
    return 0;
}

static int modify(struct update *update, const struct section *section, void *entry)
{
    bool (*match)(const void *, const void *) = section->match ? section->match : section->same;
    ssize_t at = find(update, section->known ? section->known : match, entry);
    const struct network_host *host = entry;

    if (at < 0 && section->find == find_hosts)
        return err_set(
            update->err, ERR_OPERATION_INVALID,
            "couldn't locate an existing dhcp host entry with \"mac='%s'\" \"name='%s'\" \"ip='%s'\" "
            "in network '%s'",
            host->mac ? host->mac : "unknown", host->name ? host->name : "unknown",
            host->ip ? host->ip : "unknown", update->def->name);
    if (at < 0)
        return refuse(update, section, entry, /* there= */ false);
    (*update->list)[at] = entry;
    return 0;
}

static int delete (struct update *update, const struct section *section, const void *entry)
{
    ssize_t at = find(update, section->match ? section->match : section->same, entry);

    if (at < 0)
        return refuse(update, section, entry, /* there= */ false);
    memmove(*update->list + at, *update->list + at + 1,
            (*update->count - (size_t)at - 1) * sizeof(**update->list));
    --*update->count;
    return 0;
}

/* What became empty isn't there any more. */
static void tidy(struct network_def *def)
{
    const struct network_dns *dns = def->dns;

    if (dns && !dns->n_forwarders && !dns->n_txts && !dns->n_srvs && !dns->n_hosts && !dns->enable &&
        !dns->forward_plain)
        def->dns = NULL;
    for (size_t i = 0; i < def->n_ips; i++) {
        const struct network_dhcp *dhcp = def->ips[i]->dhcp;

        if (dhcp && !dhcp->n_ranges && !dhcp->n_hosts && !dhcp->bootp_file)
            def->ips[i]->dhcp = NULL;
    }
    if (def->forward)
        def->forward->dev = def->forward->n_interfaces ? def->forward->interfaces[0]->dev : NULL;
}

static void *read_entry(struct update *update, const struct section *section, const char *xml)
{
    auto_arena struct arena scratch = {0};
    struct xt_parse parse = {.arena = update->arena, .flags = XT_PARSE_INACTIVE, .err = update->err};
    struct xml_node *root = xml_parse(&scratch, xml, strlen(xml), "(network_definition)", NULL, update->err);
    void *entry;

    if (!root)
        return NULL;
    if (!str_eq(root->name, section->element)) {
        err_set(update->err, ERR_XML_ERROR,
                "unexpected element <%s>, expecting <%s>, while updating network '%s'", root->name,
                section->element, update->def->name);
        return NULL;
    }
    entry = arena_alloc(update->arena, section->table->size);
    return xt_parse_node(&parse, section->table, root, entry) < 0 ? NULL : entry;
}

int network_update(struct network_def *def, struct arena *arena, unsigned command, unsigned section_number,
                   int parent_index, const char *xml, struct err *err)
{
    struct update update = {
        .def = def, .arena = arena, .command = command, .parent_index = parent_index, .err = err};
    const struct section *section = section_number < NETWORK_SECTION_MAX ? &sections[section_number] : NULL;
    void *entry;
    int r;

    if (!section || !section->name)
        return err_set(err, ERR_OPERATION_UNSUPPORTED, "can't update unrecognized section of network");
    if (!section->table)
        return err_set(err, ERR_OPERATION_UNSUPPORTED, "can't update '%s' section of network '%s'",
                       section->name, def->name);
    if (command == NETWORK_MODIFY && !section->modify)
        return err_set(err, ERR_OPERATION_UNSUPPORTED, "%s%s cannot be modified, only added or deleted",
                       section->entry, section->tell ? "s" : " records");
    if (section->find(&update) < 0)
        return -1;
    entry = read_entry(&update, section, xml);
    r = !entry || (section->check && section->check(&update, entry) < 0) ? -1
        : command == NETWORK_MODIFY                                      ? modify(&update, section, entry)
        : command == NETWORK_DELETE                                      ? delete (&update, section, entry)
        : command == NETWORK_ADD_LAST || command == NETWORK_ADD_FIRST
            ? add(&update, section, entry)
            : err_set(err, ERR_OPERATION_UNSUPPORTED, "unrecognized network update command code %u", command);
    tidy(def);
    return r;
}

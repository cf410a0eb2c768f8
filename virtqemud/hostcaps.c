/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <capabilities>: the host, and the guests that the installed QEMU binaries can run. */
#define ERR_FROM ERR_FROM_QEMU
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "base/uuid.h"
#include "cpu/demand.h"
#include "host/cpu.h"
#include "host/kvm.h"
#include "host/machine.h"
#include "host/memory.h"
#include "virtqemud/cpu-model.h"
#include "virtqemud/domcaps.h"
#include "virtqemud/host.h"
#include "virtqemud/qemud.h"

enum { PAGE_SIZES = 16, CACHE_LEVEL = 3 };

static bool arch_is_x86(const char *arch)
{
    return str_eq(arch, "x86_64") || str_eq(arch, "i686");
}

/* Asking takes a virtual machine of its own and the answer doesn't change: once a daemon. */
static void format_counter(struct buf *xml)
{
    static uint64_t hz;
    static bool scaling, asked;

    if (!asked && kvm_tsc_read(&hz, &scaling) < 0)
        hz = 0;
    asked = true;
    if (hz)
        buf_printf(xml, "      <counter name='tsc' frequency='%llu' scaling='%s'/>\n", (unsigned long long)hz,
                   scaling ? "yes" : "no");
}

static void format_cpu(struct buf *xml)
{
    const struct x86_cpu *cpu = cpu_host();
    struct x86_question question = {.cpu = cpu, .host = true};
    struct x86_choice choice;
    struct host_topology topology;
    unsigned sizes[PAGE_SIZES], microcode = host_microcode_read(""), bits = host_physical_bits_read("");
    int count = host_page_sizes("", sizes, PAGE_SIZES);

    buf_printf(xml, "    <cpu>\n      <arch>%s</arch>\n", qemu_host_arch());
    bool named = cpu && x86_choose(&question, &choice);

    if (named) {
        buf_printf(xml, "      <model>%s</model>\n", choice.model->name);
        if (cpu->vendor)
            buf_printf(xml, "      <vendor>%s</vendor>\n", cpu->vendor);
        if (microcode)
            buf_printf(xml, "      <microcode version='%u'/>\n", microcode);
        buf_printf(xml, "      <signature family='%u' model='%u' stepping='%u'/>\n", cpu->family, cpu->model,
                   cpu->stepping);
    }
    format_counter(xml);
    if (host_topology_read("", &topology) == 0)
        buf_printf(xml, "      <topology sockets='%u' dies='%u' cores='%u' threads='%u'/>\n",
                   topology.sockets, topology.dies, topology.cores, topology.threads);
    if (bits)
        buf_printf(xml, "      <maxphysaddr mode='emulate' bits='%u'/>\n", bits);
    if (named)
        cpu_format_features(&choice, true, 6, xml);
    for (int i = 0; i < count; i++)
        buf_printf(xml, "      <pages unit='KiB' size='%u'/>\n", sizes[i]);
    buf_add_string(xml, "    </cpu>\n");
}

static void format_power(struct buf *xml)
{
    static const char *const names[] = {"suspend_mem", "suspend_disk", "suspend_hybrid"};
    unsigned targets = host_suspend_targets("");

    if (!targets) {
        buf_add_string(xml, "    <power_management/>\n");
        return;
    }
    buf_add_string(xml, "    <power_management>\n");
    for (int i = 0; i < SUSPEND_TARGET_MAX; i++)
        if (targets >> i & 1)
            buf_printf(xml, "      <%s/>\n", names[i]);
    buf_add_string(xml, "    </power_management>\n");
}

static void format_node_cpus(const struct host_node *node, const struct host_cpus *cpus, struct buf *xml)
{
    buf_printf(xml, "          <cpus num='%zu'>\n", bitmap_weight(&node->cpus));
    for (unsigned i = 0; i < cpus->count; i++) {
        const struct host_cpu *cpu = &cpus->cpu[i];
        auto_buf struct buf siblings = {0};

        if (!bitmap_get(&node->cpus, cpu->id))
            continue;
        bitmap_format(&cpu->siblings, &siblings);
        buf_printf(xml, "            <cpu id='%u' socket_id='%d' die_id='%d' core_id='%d' siblings='%s'/>\n",
                   cpu->id, cpu->socket < 0 ? 0 : cpu->socket, cpu->die < 0 ? 0 : cpu->die,
                   cpu->core < 0 ? 0 : cpu->core, buf_text(&siblings));
    }
    buf_add_string(xml, "          </cpus>\n");
}

static void format_node(const struct host_nodes *nodes, const struct host_node *node,
                        const struct host_cpus *cpus, struct buf *xml)
{
    unsigned sizes[PAGE_SIZES];
    int count = host_page_sizes("", sizes, PAGE_SIZES);

    buf_printf(xml, "        <cell id='%u'>\n", node->id);
    if (node->memory)
        buf_printf(xml, "          <memory unit='KiB'>%llu</memory>\n", (unsigned long long)node->memory);
    for (int i = 0; i < count; i++) {
        struct host_pages pages;

        if (host_pages_read("", nodes->fake ? -1 : (int)node->id, sizes[i], &pages) == 0)
            buf_printf(xml, "          <pages unit='KiB' size='%u'>%llu</pages>\n", sizes[i],
                       (unsigned long long)pages.total);
    }
    if (node->distances) {
        buf_add_string(xml, "          <distances>\n");
        for (unsigned i = 0; i < nodes->count; i++)
            buf_printf(xml, "            <sibling id='%u' value='%u'/>\n", nodes->node[i].id,
                       node->distances[i]);
        buf_add_string(xml, "          </distances>\n");
    }
    format_node_cpus(node, cpus, xml);
    buf_add_string(xml, "        </cell>\n");
}

static void format_topology(struct buf *xml)
{
    auto_host_nodes struct host_nodes nodes = {0};
    auto_host_cpus struct host_cpus cpus = {0};

    if (host_nodes_read("", &nodes) < 0 || host_cpus_read("", &cpus) < 0)
        return;
    buf_printf(xml, "    <topology>\n      <cells num='%u'>\n", nodes.count);
    for (unsigned i = 0; i < nodes.count; i++)
        format_node(&nodes, &nodes.node[i], &cpus, xml);
    buf_add_string(xml, "      </cells>\n    </topology>\n");
}

/* In the largest unit that leaves no remainder. */
static uint64_t pretty(uint64_t bytes, const char **ret_unit)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
    unsigned unit = 0;

    while (unit + 1 < ARRAY_SIZE(units) && bytes && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    *ret_unit = units[unit];
    return bytes;
}

static void format_caches(struct buf *xml)
{
    struct host_cache *caches = NULL;
    unsigned count = 0;

    if (host_caches_read("", CACHE_LEVEL, &caches, &count) < 0 || !count)
        return;
    buf_add_string(xml, "    <cache>\n");
    for (unsigned i = 0; i < count; i++) {
        const struct host_cache *cache = &caches[i];
        auto_buf struct buf cpus = {0};
        const char *unit;
        uint64_t size = pretty(cache->size, &unit);

        bitmap_format(&cache->cpus, &cpus);
        buf_printf(xml, "      <bank id='%u' level='%u' type='%s' size='%llu' unit='%s' cpus='%s'/>\n",
                   cache->id, cache->level,
                   cache->type == 'u'   ? "both"
                   : cache->type == 'd' ? "data"
                                        : "code",
                   (unsigned long long)size, unit, buf_text(&cpus));
    }
    buf_add_string(xml, "    </cache>\n");
    host_caches_free(caches, count);
}

static void format_security(struct buf *xml)
{
    buf_add_string(xml, "    <secmodel>\n      <model>none</model>\n      <doi>0</doi>\n    </secmodel>\n");
    if (!qemud.privileged)
        return; /* a user's daemon can't give files to others */
    buf_add_string(xml, "    <secmodel>\n      <model>dac</model>\n      <doi>0</doi>\n");
    for (int i = QEMU_ACCEL_MAX - 1; i >= 0; i--)
        buf_printf(xml, "      <baselabel type='%s'>+%u:+%u</baselabel>\n", qemu_accel_domain_type[i],
                   (unsigned)qemud.conf.user, (unsigned)qemud.conf.group);
    buf_add_string(xml, "    </secmodel>\n");
}

static void format_host(struct buf *xml)
{
    uint8_t uuid[UUID_SIZE];
    char text[UUID_TEXT];

    buf_add_string(xml, "  <host>\n");
    if (host_uuid("", NULL, NULL, uuid) == 0)
        buf_printf(xml, "    <uuid>%s</uuid>\n", uuid_format(uuid, text));
    format_cpu(xml);
    format_power(xml);
    buf_printf(xml, "    <iommu support='%s'/>\n",
               access("/sys/kernel/iommu_groups/0", F_OK) == 0 ? "yes" : "no");
    buf_add_string(
        xml,
        "    <migration_features>\n      <live/>\n      <uri_transports>\n        "
        "<uri_transport>tcp</uri_transport>\n"
        "        <uri_transport>rdma</uri_transport>\n      </uri_transports>\n    </migration_features>\n");
    format_topology(xml);
    format_caches(xml);
    format_security(xml);
    buf_add_string(xml, "  </host>\n\n");
}

static void format_machine(const struct qemu_machine *machine, struct buf *xml)
{
    const char *deprecated = machine->deprecated ? " deprecated='yes'" : "";

    buf_printf(xml, "      <machine maxCpus='%u'%s>%s</machine>\n", machine->max_cpus, deprecated,
               machine->name);
    if (machine->alias)
        buf_printf(xml, "      <machine canonical='%s' maxCpus='%u'%s>%s</machine>\n", machine->name,
                   machine->max_cpus, deprecated, machine->alias);
}

static void format_guest(const struct qemu_caps *caps, const struct qemu_arch *arch, struct buf *xml)
{
    const struct qemu_machine *first = qemu_caps_machine(caps, NULL);

    buf_printf(xml,
               "  <guest>\n    <os_type>hvm</os_type>\n    <arch name='%s'>\n      <wordsize>%d</wordsize>\n",
               arch->name, arch->bits);
    buf_printf(xml, "      <emulator>%s</emulator>\n", caps->binary);
    if (first)
        format_machine(first, xml);
    for (size_t i = 0; i < caps->machine_count; i++)
        if (&caps->machines[i] != first)
            format_machine(&caps->machines[i], xml);
    for (int i = 0; i < QEMU_ACCEL_MAX; i++)
        if (caps->accel[i].supported)
            buf_printf(xml, "      <domain type='%s'/>\n", qemu_accel_domain_type[i]);
    buf_add_string(xml, "    </arch>\n    <features>\n");
    if (str_eq(arch->name, "i686"))
        buf_add_string(xml, "      <pae/>\n      <nonpae/>\n");
    if (arch_is_x86(arch->name) || str_eq(arch->name, "aarch64"))
        buf_add_string(xml, "      <acpi default='on' toggle='yes'/>\n");
    if (arch_is_x86(arch->name))
        buf_add_string(xml, "      <apic default='on' toggle='no'/>\n");
    if (caps->accel[QEMU_ACCEL_TCG].cpu_count || caps->accel[QEMU_ACCEL_KVM].cpu_count)
        buf_add_string(xml, "      <cpuselection/>\n");
    buf_add_string(xml, "      <deviceboot/>\n      <disksnapshot default='on' toggle='no'/>\n    "
                        "</features>\n  </guest>\n\n");
}

int hostcaps_format(struct req *rq, struct buf *xml)
{
    buf_add_string(xml, "<capabilities>\n\n");
    format_host(xml);
    for (size_t i = 0; i < qemu_arch_count; i++) {
        auto_caps const struct qemu_caps *caps = NULL;
        const char *binary = qemu_binary_find(&rq->arena, qemu_arches[i].name);

        if (!binary)
            continue;
        if (qemu_caps_get(rq, binary, &caps) < 0) {
            if (fiber_cancelled(rq))
                return -1;
            log_warning("'%s' is left out of the capabilities: %s", binary, rq->err.message);
            err_clear(&rq->err); /* one broken binary must not hide the others */
            continue;
        }
        format_guest(caps, &qemu_arches[i], xml);
    }
    buf_add_string(xml, "</capabilities>\n");
    return 0;
}

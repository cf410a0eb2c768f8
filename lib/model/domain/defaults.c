/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a domain gets that its document doesn't say, as far as it holds for every driver. */
#define ERR_FROM ERR_FROM_DOMAIN
#include "model/domain/domain.h"

#include "base/enum.h"
#include "base/str.h"

/* ---- defaults ---- */

static void settle_identity(struct domain *domain)
{
    static const uint8_t none[UUID_SIZE];

    if (uuid_eq(domain->uuid, none))
        uuid_generate(domain->uuid);
    if (domain->has_genid && uuid_eq(domain->genid, none))
        uuid_generate(domain->genid);
}

/* Sum of the guest's NUMA cells; 0 without cells. */
static uint64_t cells_memory(const struct domain *domain)
{
    uint64_t sum = 0;

    for (size_t i = 0; domain->cpu && i < domain->cpu->n_cells; i++)
        sum += domain->cpu->cells[i]->memory;
    return sum;
}

/* Limits as high as this mean "none". */
static void drop_unlimited(struct opt_u64 *limit)
{
    if (limit->value >= INT64_MAX / 1024)
        limit->set = false;
}

/*
 * The memory at start is the sum of the cells when the document says nothing else, or when a definition is
 * new; the total has the plugged modules in it.
 */
static int settle_memory(struct domain *domain, unsigned flags, struct err *err)
{
    struct memory *memory = &domain->memory;
    uint64_t cells = cells_memory(domain), modules = 0;

    for (size_t i = 0; i < domain->devices.n_memdevs; i++)
        modules += domain->devices.memdevs[i]->size;
    if (cells && (!memory->total || (flags & DOMAIN_PARSE_ABI_UPDATE)))
        memory->total = cells + modules;
    if (modules && modules > memory->total)
        return err_set(err, ERR_XML_ERROR, "Total size of memory devices exceeds the total memory size");
    drop_unlimited(&domain->memtune.hard_limit);
    drop_unlimited(&domain->memtune.soft_limit);
    drop_unlimited(&domain->memtune.min_guarantee);
    drop_unlimited(&domain->memtune.swap_hard_limit);
    if (!memory->total)
        return err_set(err, ERR_XML_ERROR,
                       "Memory size must be specified via <memory> or in the <numa> configuration");
    if (!memory->current || memory->current > memory->total)
        memory->current = memory->total;
    if (!memory->max != !(memory->slots.set && memory->slots.value))
        return err_set(err, ERR_XML_ERROR,
                       "both maximum memory size and memory slot count must be specified");
    if (memory->max && memory->max < memory->total)
        return err_set(err, ERR_XML_ERROR,
                       "maximum memory size must be equal or greater than the actual memory size");
    return 0;
}

/* A guest without cells is node 0: pages for it are pages for all. */
static void settle_hugepages(struct domain *domain)
{
    for (size_t i = 0; i < domain->backing.n_pages; i++) {
        struct hugepage *page = domain->backing.pages[i];

        if (!(domain->cpu && domain->cpu->n_cells) && page->nodes && bitmap_last(page->nodes) == 0)
            page->nodes = NULL;
    }
}

static int settle_cpu(const struct domain *domain, struct err *err)
{
    const struct cpu *cpu = domain->cpu;
    uint64_t arranged;

    if (!cpu || !cpu->topology.sockets)
        return 0;
    arranged = (uint64_t)cpu->topology.sockets * cpu->topology.dies *
               (cpu->topology.clusters ? cpu->topology.clusters : 1) * cpu->topology.cores;
    if (arranged > VCPUS_MAX || arranged * cpu->topology.threads != domain->vcpus.max)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "CPU topology doesn't match maximum vcpu count");
    return 0;
}

static void add_boot(struct domain *domain, struct arena *arena, enum boot_device device)
{
    struct os *os = &domain->os;
    struct os_boot *boot = ARENA_NEW(arena, struct os_boot);

    boot->device = device;
    os->boots = arena_grow(arena, os->boots, os->n_boots, sizeof(void *));
    os->boots[os->n_boots++] = boot;
}

static bool any_boot_order(const struct devices *devices)
{
    for (size_t i = 0; i < devices->n_disks; i++)
        if (devices->disks[i]->info.boot_order)
            return true;
    for (size_t i = 0; i < devices->n_ifaces; i++)
        if (devices->ifaces[i]->info.boot_order)
            return true;
    for (size_t i = 0; i < devices->n_hostdevs; i++)
        if (devices->hostdevs[i]->info.boot_order)
            return true;
    for (size_t i = 0; i < devices->n_redirdevs; i++)
        if (devices->redirdevs[i]->info.boot_order)
            return true;
    return false;
}

static int settle_os(struct domain *domain, struct arena *arena, struct err *err)
{
    struct os *os = &domain->os;

    os_sort_features(os);
    if (!os->type && domain->bootloader)
        os->type = OS_XEN;
    if (!os->type)
        return err_set(err, ERR_XML_ERROR, "an os <type> must be specified");
    if (os->type != OS_HVM || domain->bootloader) { /* a firmware's matters */
        os->n_boots = 0;
        os->bootmenu = os->bios_serial = TRI_NONE;
        os->reboot_timeout.set = false;
    }
    if (any_boot_order(&domain->devices)) {
        if (os->n_boots)
            return err_set(err, ERR_CONFIG_UNSUPPORTED,
                           "per-device boot elements cannot be used together with "
                           "os/boot elements");
    } else if (os->type == OS_HVM && !os->n_boots && !domain->bootloader) {
        add_boot(domain, arena, BOOT_DISK);
    }
    if (os->bootmenu != TRI_YES && os->bootmenu_timeout.set)
        os->bootmenu_timeout.set = false;
    if (os->bootmenu_timeout.set && os->bootmenu_timeout.value > 65535)
        return err_set(err, ERR_CONFIG_UNSUPPORTED,
                       "invalid value for boot menu timeout, must be in range [0,65535]");
    if (os->reboot_timeout.set && (os->reboot_timeout.value < -1 || os->reboot_timeout.value > 65535))
        return err_set(err, ERR_CONFIG_UNSUPPORTED,
                       "invalid value for rebootTimeout, must be in range [-1,65535]");
    if (os->loader && os->loader->path && !os->loader->type)
        os->loader->type = LOADER_ROM;
    return 0;
}

/* Events are printed in the order in which libvirt counts them, each once. */
static int settle_perf(struct domain *domain, struct err *err)
{
    for (size_t i = 0; i < domain->n_perf; i++) {
        struct perf_event *event = domain->perf[i];
        int place = enum_find(perf_names, event->name);
        size_t at = i;

        if (place < 0)
            return err_set(err, ERR_XML_ERROR, "Invalid value for attribute 'name' in element 'event': '%s'.",
                           event->name);
        for (; at && enum_find(perf_names, domain->perf[at - 1]->name) > place; at--)
            domain->perf[at] = domain->perf[at - 1];
        domain->perf[at] = event;
        if (at && str_eq(domain->perf[at - 1]->name, event->name))
            return err_set(err, ERR_XML_ERROR, "perf event '%s' was already specified", event->name);
    }
    return 0;
}

static void settle_actions(struct domain *domain)
{
    if (domain->features.smm != TRI_ON)
        domain->features.tseg = 0;
    if (!domain->on_poweroff)
        domain->on_poweroff = ACTION_DESTROY;
    if (!domain->on_reboot)
        domain->on_reboot = ACTION_RESTART;
    if (!domain->on_crash)
        domain->on_crash = ACTION_DESTROY;
}

/* Rules that hold for whatever is read, from wherever. */
static int check_names(const struct domain *domain, struct err *err)
{
    if (str_empty(domain->name))
        return err_set(err, ERR_NO_NAME, NULL);
    if (strchr(domain->name, '/'))
        return err_set(err, ERR_XML_ERROR, "name %s cannot contain '/'", domain->name);
    if (str_has_control(domain->name))
        return err_set(err, ERR_XML_ERROR, "name '%s' contains control characters", domain->name);
    if (str_eq(domain->name, ".") || str_eq(domain->name, ".."))
        return err_set(err, ERR_XML_ERROR, "name '%s' is not allowed", domain->name);
    if (domain->title && strchr(domain->title, '\n'))
        return err_set(err, ERR_XML_ERROR, "Domain title can't contain newlines");
    if (!uuid_valid(domain->uuid))
        return err_set(err, ERR_INTERNAL_ERROR,
                       "the UUID of domain '%s' is not usable: all bytes are the same", domain->name);
    return 0;
}

int domain_post_parse(struct domain *domain, struct arena *arena, unsigned flags,
                      const struct domain_policy *policy, struct err *err)
{
    bool vcpus_auto = domain->vcpus.placement == PLACEMENT_AUTO;
    bool vcpus_anywhere = !domain->vcpus.placement && !domain->vcpus.cpus;

    settle_identity(domain);
    settle_hugepages(domain);
    settle_actions(domain);
    domain_clean_metadata(domain);
    if (vcpus_settle(&domain->vcpus, arena, err) < 0)
        return xt_add_place(err, domain->at.iothreads.line ? &domain->at.iothreads : &domain->at.vcpu);
    if (settle_memory(domain, flags, err) < 0)
        return xt_add_place(err, domain->memory.max ? &domain->at.maximum : &domain->at.memory);
    if (settle_perf(domain, err) < 0)
        return xt_add_place(err, &domain->at.perf);
    if (settle_cpu(domain, err) < 0)
        return xt_add_place(err, &domain->at.cpu);
    if (blkiotune_settle(&domain->blkiotune, err) < 0)
        return xt_add_place(err, &domain->at.blkiotune);
    if (numatune_settle(&domain->numatune, vcpus_auto, err) < 0)
        return xt_add_place(err, &domain->at.numatune);
    if (clock_settle(&domain->clock, err) < 0)
        return xt_add_place(err, &domain->at.clock);
    if (settle_os(domain, arena, err) < 0)
        return xt_add_place(err, &domain->at.os);
    if (devices_settle(&domain->devices, arena, err) < 0)
        return -1;
    /* an automatic place of the memory is the vCPUs', too, unless the document says where they are */
    if (domain->numatune.placement == PLACEMENT_AUTO && vcpus_anywhere)
        domain->vcpus.placement = PLACEMENT_AUTO;
    if (policy && policy->defaults && policy->defaults(domain, arena, flags, policy->data, err) < 0)
        return -1;
    if (check_names(domain, err) < 0)
        return xt_add_place(err, domain->title && strchr(domain->title, '\n') ? &domain->at.title
                                                                              : &domain->at.name);
    if (flags & DOMAIN_PARSE_STORED)
        return 0;
    if (domain_check(domain, err) < 0)
        return -1;
    return policy && policy->check ? policy->check(domain, flags, policy->data, err) : 0;
}

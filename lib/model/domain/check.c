/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Check: the rules between members of different nouns. Rules inside one noun stand in that noun's file. */
#define ERR_FROM ERR_FROM_DOMAIN
#include "model/domain/check.h"

#include "base/str.h"

static int check_cells(const struct domain *domain, struct err *err)
{
    const struct cpu *cpu = domain->cpu;

    for (size_t i = 0; cpu && i < cpu->n_cells; i++)
        if (cpu->cells[i]->cpus && bitmap_last(cpu->cells[i]->cpus) >= (ssize_t)domain->vcpus.max)
            return err_set(err, ERR_INTERNAL_ERROR, "CPU IDs in <numa> exceed the <vcpu> count (cell '%zu')",
                           i);
    return 0;
}

static int check_numatune(const struct domain *domain, struct err *err)
{
    const struct cpu *cpu = domain->cpu;

    if (domain->numatune.n_memnodes && !(cpu && cpu->n_cells))
        return err_set(err, ERR_XML_ERROR, "Element 'memnode' is invalid without any guest NUMA cells");
    if (!domain->idmap.n_uids != !domain->idmap.n_gids)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "uid and gid should be mapped both");
    for (size_t i = 0; i < domain->numatune.n_memnodes; i++)
        if (!cpu || domain->numatune.memnodes[i]->cell.value >= cpu->n_cells)
            return err_set(err, ERR_CONFIG_UNSUPPORTED, "numa guest-cell '%u' of memnode not found",
                           domain->numatune.memnodes[i]->cell.value);
    return 0;
}

/* Pages without nodes are for all nodes: there are only ones of one size. Nodes without pages don't matter.
 */
static int check_hugepages(const struct domain *domain, struct err *err)
{
    const struct memory_backing *backing = &domain->backing;
    size_t cells = domain->cpu ? domain->cpu->n_cells : 0;

    for (size_t i = 0; i < backing->n_pages; i++) {
        const struct hugepage *page = backing->pages[i];
        ssize_t last = page->nodes ? bitmap_last(page->nodes) : -1;

        if (!page->size)
            return err_set(err, ERR_XML_DETAIL, "hugepage size can't be zero");
        for (size_t j = 0; j < i; j++) {
            const struct hugepage *other = backing->pages[j];

            if (!page->nodes && !other->nodes)
                return err_set(err, ERR_XML_DETAIL, "two master hugepages detected: %llu and %llu",
                               (unsigned long long)page->size, (unsigned long long)other->size);
            if (page->nodes && other->nodes && bitmap_overlaps(page->nodes, other->nodes))
                return err_set(err, ERR_XML_DETAIL,
                               "nodeset attribute of hugepages of sizes %llu and %llu intersect",
                               (unsigned long long)page->size, (unsigned long long)other->size);
        }
        for (ssize_t node = (ssize_t)cells; node <= last; node++)
            if (bitmap_get(page->nodes, (uint32_t)node))
                return err_set(err, ERR_XML_DETAIL, "hugepages: node %zd not found", node);
    }
    return 0;
}

static int check_memdevs(const struct domain *domain, struct err *err)
{
    size_t cells = domain->cpu ? domain->cpu->n_cells : 0;

    for (size_t i = 0; i < domain->devices.n_memdevs; i++) {
        const struct memdev *memory = domain->devices.memdevs[i];

        if (!memory->node.set || memory->node.value < cells)
            continue;
        err_set(err, ERR_XML_DETAIL,
                "can't add memory backend for guest node '%u' as the guest has only '%zu' NUMA nodes "
                "configured",
                memory->node.value, cells);
        return xt_add_place(err, &memory->info.place);
    }
    return 0;
}

/* Whom the firmware asks first, second ...: each place once. */
static int check_boot_order(const struct domain *domain, struct err *err)
{
    const struct devices *devices = &domain->devices;
    auto_arena struct arena arena = {0};
    struct bitmap seen = {.arena = &arena};

#define TAKE_PLACES(list)                                                                                    \
    for (size_t i = 0; i < devices->n_##list; i++) {                                                         \
        uint32_t order = devices->list[i]->info.boot_order;                                                  \
        if (order && bitmap_get(&seen, order)) {                                                             \
            err_set(err, ERR_CONFIG_UNSUPPORTED, "boot order '%u' used for more than one device", order);    \
            return xt_add_place(err, &devices->list[i]->info.place);                                         \
        }                                                                                                    \
        if (order)                                                                                           \
            bitmap_set(&seen, order);                                                                        \
    }
    TAKE_PLACES(disks)
    TAKE_PLACES(ifaces)
    TAKE_PLACES(hostdevs)
    TAKE_PLACES(redirdevs)
#undef TAKE_PLACES
    return 0;
}

static int check_labels(const struct domain *domain, struct err *err)
{
    for (size_t i = 0; i < domain->n_seclabels; i++)
        for (size_t j = 0; j < i; j++)
            if (str_eq(domain->seclabels[i]->model, domain->seclabels[j]->model))
                return err_set(err, ERR_XML_DETAIL, "seclabel for model %s is already provided",
                               domain->seclabels[i]->model ? domain->seclabels[i]->model : "(none)");
    for (size_t i = 0; i < domain->n_seclabels; i++)
        if (domain->n_seclabels > 1 && !domain->seclabels[i]->model)
            return err_set(err, ERR_XML_ERROR, "missing security model when using multiple labels");
    return 0;
}

static int check_os(const struct domain *domain, struct err *err)
{
    const struct os *os = &domain->os;

    if (os->arch && !os_arch_known(os->arch))
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "Unknown architecture %s", os->arch);
    if (!os->firmware && (os->loader || os->nvram) && !(os->loader && os->loader->path))
        return err_set(err, ERR_XML_DETAIL, "no loader path specified and firmware auto selection disabled");
    if (os_wants_feature(os, FW_ENROLLED_KEYS) == TRI_YES && os_wants_feature(os, FW_SECURE_BOOT) == TRI_NO)
        return err_set(err, ERR_XML_DETAIL,
                       "firmware feature 'enrolled-keys' cannot be enabled when firmware feature "
                       "'secure-boot' is disabled");
    if (os->nvram && os->loader && os->loader->stateless == TRI_YES)
        return err_set(err, ERR_XML_DETAIL, "NVRAM%s is not permitted when loader is stateless",
                       os->nvram->template ? " template" : "");
    if (os->nvram && os->firmware == FIRMWARE_BIOS)
        return err_set(err, ERR_XML_DETAIL, "firmware type 'bios' does not support nvram");
    if (os->loader && os->loader->stateless == TRI_NO && os->firmware != FIRMWARE_EFI &&
        os->loader->type != LOADER_PFLASH)
        return err_set(err, ERR_XML_DETAIL, "Only %s permits NVRAM",
                       os->firmware ? "EFI firmware" : "pflash loader type");
    return 0;
}

static int check_sysinfo(const struct domain *domain, struct err *err)
{
    uint8_t uuid[UUID_SIZE];
    const char *text;

    for (size_t i = 0; i < domain->n_sysinfos; i++) {
        text = sysinfo_value(domain->sysinfos[i]->system, "uuid");
        if (!text)
            continue;
        if (uuid_parse(text, uuid) < 0)
            return err_set(err, ERR_XML_DETAIL, "malformed <sysinfo> uuid element");
        if (!uuid_eq(uuid, domain->uuid))
            return err_set(err, ERR_XML_DETAIL, "UUID mismatch between <uuid> and <sysinfo>");
    }
    return 0;
}

int domain_check(const struct domain *domain, struct err *err)
{
    if (vcpus_check(&domain->vcpus, err) < 0)
        return xt_add_place(err, domain->at.cputune.line ? &domain->at.cputune : &domain->at.vcpu);
    if (check_cells(domain, err) < 0)
        return xt_add_place(err, &domain->at.cpu);
    if (check_numatune(domain, err) < 0)
        return xt_add_place(err, &domain->at.numatune);
    if (check_os(domain, err) < 0)
        return xt_add_place(err, &domain->at.os);
    if (check_sysinfo(domain, err) < 0)
        return xt_add_place(err, &domain->at.sysinfo);
    if (check_hugepages(domain, err) < 0)
        return xt_add_place(err, &domain->at.backing);
    if (check_labels(domain, err) < 0)
        return xt_add_place(err, &domain->at.seclabel);
    if (check_memdevs(domain, err) < 0 || check_boot_order(domain, err) < 0)
        return -1;
    return check_devices(&domain->devices, err);
}

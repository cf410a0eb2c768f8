/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of <domain> itself, and the walks over it. */
#define ERR_FROM ERR_FROM_DOMAIN
#include "model/domain/domain.h"

#include "base/str.h"

const char *const domain_virt_names[] = {"",     "qemu",   "kqemu", "kvm",    "xen",    "lxc",
                                         "uml",  "openvz", "test",  "vmware", "hyperv", "vbox",
                                         "phyp", "vz",     "bhyve", "hvf",    NULL};
const char *const domain_action_names[] = {"",
                                           "destroy",
                                           "restart",
                                           "preserve",
                                           "rename-restart",
                                           "coredump-destroy",
                                           "coredump-restart",
                                           "preserve-running",
                                           NULL};
const char *const perf_names[] = {"cmt",
                                  "mbmt",
                                  "mbml",
                                  "cpu_cycles",
                                  "instructions",
                                  "cache_references",
                                  "cache_misses",
                                  "branch_instructions",
                                  "branch_misses",
                                  "bus_cycles",
                                  "stalled_cycles_frontend",
                                  "stalled_cycles_backend",
                                  "ref_cpu_cycles",
                                  "cpu_clock",
                                  "task_clock",
                                  "page_faults",
                                  "context_switches",
                                  "cpu_migrations",
                                  "page_faults_min",
                                  "page_faults_maj",
                                  "alignment_faults",
                                  "emulation_faults",
                                  NULL};
const char *const lock_action_names[] = {"", "poweroff", "restart", "pause", "ignore", NULL};

/* ---- hooks ---- */

/* The root declares the namespace qemu when elements of it follow. */
static int namespace_parse(struct xt_parse *parse, struct xml_node *node, void *object)
{
    return 0;
}

static void namespace_attrs(struct xt_format *format, const void *object)
{
    const struct domain *domain = object;

    if (native_given(&domain->native))
        buf_add_string(format->text, " xmlns:qemu='" NATIVE_URI "'");
}

static void namespace_format(struct xt_format *format, const void *object)
{
}

static void namespace_copy(struct arena *arena, void *to, const void *from)
{
}

static const struct xt_hook namespace_hook = {.parse = namespace_parse,
                                              .format = namespace_format,
                                              .format_attrs = namespace_attrs,
                                              .copy = namespace_copy};

/* ---- the table ---- */

/* clang-format off */
#define P struct perf_event
XT_DECLARE(perf_event_table, P);
XT_DEFINE(perf_event_table, "event", NULL,
    XT_ATTR(P, name, "name", str, XT_REQUIRED),
    XT_ATTR(P, enabled, "enabled", yesno, XT_REQUIRED));

#define T struct domain
XT_DEFINE_ROWS(domain_table, "domain", NULL,
    XT_PLACE(T, at.name, "name"),
    XT_PLACE(T, at.title, "title"),
    XT_PLACE(T, at.memory, "memory"),
    XT_PLACE(T, at.maximum, "maxMemory"),
    XT_PLACE(T, at.vcpu, "vcpu"),
    XT_PLACE(T, at.iothreads, "iothreads"),
    XT_PLACE(T, at.cputune, "cputune"),
    XT_PLACE(T, at.numatune, "numatune"),
    XT_PLACE(T, at.blkiotune, "blkiotune"),
    XT_PLACE(T, at.backing, "memoryBacking"),
    XT_PLACE(T, at.sysinfo, "sysinfo"),
    XT_PLACE(T, at.os, "os"),
    XT_PLACE(T, at.cpu, "cpu"),
    XT_PLACE(T, at.clock, "clock"),
    XT_PLACE(T, at.perf, "perf"),
    XT_PLACE(T, at.seclabel, "seclabel"),
    XT_ENUM(T, virt, "type", domain_virt_names, XT_REQUIRED | XT_ABI),
    XT_ATTR(T, id, "id", opt_u32, XT_LIVE),
    XT_HOOK_ALL(NULL, namespace_hook, 0),
    XT_TEXT(T, name, "name", str, XT_REQUIRED),
    XT_TEXT(T, uuid, "uuid", uuid, XT_ABI),
    XT_TEXT(T, hwuuid, "hwuuid", uuid, XT_ABI),
    XT_FLAG(T, has_genid, "genid", XT_ABI, XT_OWN(T, genid, uuid, XT_ABI)),
    XT_TEXT(T, title, "title", str, 0),
    XT_TEXT(T, description, "description", str, 0),
    XT_HOOK(T, metadata, "metadata", xt_verbatim, 0),
    XT_EMBED(T, memory, NULL, memory_table, 0),
    XT_EMBED(T, blkiotune, "blkiotune", blkiotune_table, 0),
    XT_EMBED(T, memtune, "memtune", memtune_table, 0),
    XT_EMBED(T, backing, "memoryBacking", memory_backing_table, 0),
    XT_EMBED(T, vcpus, NULL, vcpus_table, 0),
    XT_GROUP("throttlegroups", 0,
        XT_LIST(T, throttle_groups, n_throttle_groups, "throttlegroup", disk_iotune_table, 0)),
    XT_EMBED(T, numatune, "numatune", numatune_table, 0),
    XT_CHILD(T, resource, "resource", resource_table, 0),
    XT_LIST(T, sysinfos, n_sysinfos, "sysinfo", sysinfo_table, XT_ABI),
    XT_TEXT(T, bootloader, "bootloader", str, 0),
    XT_TEXT(T, bootloader_args, "bootloader_args", str, 0),
    XT_EMBED(T, os, "os", os_table, 0),
    XT_EMBED(T, idmap, "idmap", idmap_table, 0),
    XT_EMBED(T, features, "features", features_table, 0),
    XT_CHILD(T, cpu, "cpu", cpu_table, XT_ABI),
    XT_EMBED(T, clock, "clock", clock_table, 0),
    XT_ENUM_TEXT(T, on_poweroff, "on_poweroff", domain_action_names, 0),
    XT_ENUM_TEXT(T, on_reboot, "on_reboot", domain_action_names, 0),
    XT_ENUM_TEXT(T, on_crash, "on_crash", domain_action_names, 0),
    XT_ENUM_TEXT(T, on_lockfailure, "on_lockfailure", lock_action_names, 0),
    XT_GROUP("pm", 0,
        XT_GROUP("suspend-to-mem", 0, XT_ATTR(T, suspend_to_mem, "enabled", yesno, XT_ABI)),
        XT_GROUP("suspend-to-disk", 0, XT_ATTR(T, suspend_to_disk, "enabled", yesno, XT_ABI))),
    XT_GROUP("perf", 0, XT_LIST(T, perf, n_perf, "event", perf_event_table, 0)),
    XT_EMBED(T, devices, "devices", devices_table, XT_ALWAYS | XT_SPREAD),
    XT_LIST(T, seclabels, n_seclabels, "seclabel", seclabel_table, 0),
    XT_EMBED(T, native, NULL, native_table, 0),
    XT_GROUP("keywrap", 0, XT_LIST(T, keywrap, n_keywrap, "cipher", keywrap_cipher_table, XT_ABI)),
    XT_CHILD(T, launch, "launchSecurity", launch_table, XT_ABI),
    XT_GROUP("iommufd", 0,
        XT_ATTR(T, iommufd, "enabled", yesno, 0),
        XT_ATTR(T, iommufd_group, "fdgroup", str, 0)));
/* clang-format on */

static const struct xml_namespace namespaces[] = {{"qemu", NATIVE_URI}, {0}};

const struct xt_document domain_document = {&domain_table, "(domain_definition)", namespaces};

/* ---- walks ---- */

struct domain *domain_parse(struct arena *arena, const char *text, unsigned flags,
                            const struct domain_policy *policy, struct err *err)
{
    struct domain *domain = xt_parse(&domain_document, arena, text, flags, err);

    if (!domain || (flags & DOMAIN_PARSE_RAW))
        return domain;
    return domain_post_parse(domain, arena, flags, policy, err) < 0 ? NULL : domain;
}

void domain_format_indented(struct buf *text, const struct domain *domain, unsigned flags, unsigned indent)
{
    xt_format(&domain_table, text, domain, flags, indent);
}

void domain_format(struct buf *text, const struct domain *domain, unsigned flags)
{
    domain_format_indented(text, domain, flags, 0);
}

struct domain *domain_copy(struct arena *arena, const struct domain *domain)
{
    struct domain *copy = xt_copy(&domain_table, arena, domain);

    if (domain->vcpus.n_iothreads)
        vcpus_fill_iothreads(&copy->vcpus, arena);
    return copy;
}

int domain_abi_compare(const struct domain *source, const struct domain *target, struct err *err)
{
    if (!str_eq(source->name, target->name))
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "Target domain name '%s' does not match source '%s'",
                       target->name, source->name);
    return xt_compare(&domain_table, source, target, err);
}

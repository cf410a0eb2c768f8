/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The XML of <features>. */
#define ERR_FROM ERR_FROM_DOMAIN
#include "model/domain/features.h"

const char *const hyperv_mode_names[] = {"", "custom", "passthrough", "host-model", NULL};
const char *const ioapic_driver_names[] = {"", "qemu", "kvm", NULL};
const char *const gic_version_names[] = {"", "host", "2", "3", NULL};
const char *const msrs_unknown_names[] = {"", "ignore", "fault", NULL};
const char *const hpt_resizing_names[] = {"", "enabled", "disabled", "required", NULL};

/* clang-format off */
#define STATE(S, m, name, ...) \
    XT_GROUP(name, 0, XT_ATTR(S, m, "state", onoff, XT_REQUIRED | XT_ABI) __VA_OPT__(, ) __VA_ARGS__)
/* <name/> alone switches it on. */
#define SWITCH(S, m, name) XT_GROUP(name, 0, XT_ATTR(S, m, "state", onoff, XT_ABI | XT_IMPLIED))

#define H struct hyperv
XT_DECLARE(hyperv_table, H);
static int hyperv_finish(struct xt_parse *parse, void *object);
XT_DEFINE(hyperv_table, "hyperv", hyperv_finish,
    XT_ENUM(H, mode, "mode", hyperv_mode_names, XT_ABI),
    STATE(H, relaxed, "relaxed"),
    STATE(H, vapic, "vapic"),
    STATE(H, spinlocks, "spinlocks", XT_ATTR(H, spinlocks_retries, "retries", u32, XT_ABI)),
    STATE(H, vpindex, "vpindex"),
    STATE(H, runtime, "runtime"),
    STATE(H, synic, "synic"),
    STATE(H, stimer, "stimer", STATE(H, stimer_direct, "direct")),
    STATE(H, reset, "reset"),
    STATE(H, vendor_id, "vendor_id", XT_ATTR(H, vendor_id_value, "value", str, XT_ABI)),
    STATE(H, frequencies, "frequencies"),
    STATE(H, reenlightenment, "reenlightenment"),
    STATE(H, tlbflush, "tlbflush",
        STATE(H, tlbflush_direct, "direct"),
        STATE(H, tlbflush_extended, "extended")),
    STATE(H, ipi, "ipi"),
    STATE(H, evmcs, "evmcs"),
    STATE(H, avic, "avic"),
    STATE(H, emsr_bitmap, "emsr_bitmap"),
    STATE(H, xmm_input, "xmm_input"));

#define K struct kvm_features
XT_DECLARE(kvm_features_table, K);
static int kvm_finish(struct xt_parse *parse, void *object);
XT_DEFINE(kvm_features_table, "kvm", kvm_finish,
    STATE(K, hidden, "hidden"),
    STATE(K, hint_dedicated, "hint-dedicated"),
    STATE(K, poll_control, "poll-control"),
    STATE(K, pv_ipi, "pv-ipi"),
    STATE(K, dirty_ring, "dirty-ring", XT_ATTR(K, dirty_ring_size, "size", u32, XT_ABI)));

#define T struct features
XT_DEFINE_ROWS(features_table, "features", NULL,
    XT_FLAG(T, acpi, "acpi", XT_ABI),
    XT_FLAG(T, apic, "apic", XT_ABI, XT_ATTR(T, apic_eoi, "eoi", onoff, XT_ABI)),
    XT_FLAG(T, pae, "pae", XT_ABI),
    SWITCH(T, hap, "hap"),
    XT_FLAG(T, viridian, "viridian", XT_ABI),
    XT_FLAG(T, privnet, "privnet", 0),
    XT_CHILD(T, hyperv, "hyperv", hyperv_table, XT_ABI | XT_SPREAD),
    XT_CHILD(T, kvm, "kvm", kvm_features_table, XT_ABI | XT_SPREAD),
    SWITCH(T, pvspinlock, "pvspinlock"),
    XT_HOOK(T, capabilities, "capabilities", xt_verbatim, 0),
    SWITCH(T, pmu, "pmu"),
    SWITCH(T, vmport, "vmport"),
    XT_FLAG(T, gic, "gic", 0, XT_ENUM(T, gic_version, "version", gic_version_names, XT_ABI)),
    XT_GROUP("smm", 0,
        XT_ATTR(T, smm, "state", onoff, XT_ABI | XT_IMPLIED),
        XT_TEXT(T, tseg, "tseg", size_mib, XT_ABI)),
    XT_GROUP("ioapic", 0, XT_ENUM(T, ioapic, "driver", ioapic_driver_names, XT_ABI)),
    XT_GROUP("hpt", 0,
        XT_ENUM(T, hpt, "resizing", hpt_resizing_names, XT_ABI),
        XT_TEXT(T, hpt_maxpagesize, "maxpagesize", kib, XT_ABI)),
    SWITCH(T, vmcoreinfo, "vmcoreinfo"),
    SWITCH(T, htm, "htm"),
    SWITCH(T, nested_hv, "nested-hv"),
    XT_GROUP("msrs", 0, XT_ENUM(T, msrs, "unknown", msrs_unknown_names, XT_ABI)),
    SWITCH(T, ccf_assist, "ccf-assist"),
    XT_GROUP("xen", 0,
        STATE(T, xen_e820_host, "e820_host"),
        STATE(T, xen_passthrough, "passthrough", XT_ATTR(T, xen_passthrough_mode, "mode", str, XT_ABI))),
    XT_GROUP("cfpc", 0, XT_ATTR(T, cfpc, "value", str, XT_ABI)),
    XT_GROUP("sbbc", 0, XT_ATTR(T, sbbc, "value", str, XT_ABI)),
    XT_GROUP("ibs", 0, XT_ATTR(T, ibs, "value", str, XT_ABI)),
    XT_GROUP("tcg", 0, XT_TEXT(T, tb_cache, "tb-cache", opt_kib, 0)),
    XT_GROUP("async-teardown", 0, XT_ATTR(T, async_teardown, "enabled", yesno, XT_IMPLIED)),
    SWITCH(T, ras, "ras"),
    SWITCH(T, ps2, "ps2"),
    XT_GROUP("aia", 0, XT_ATTR(T, aia, "value", str, XT_ABI)),
    XT_FLAG(T, virtualization, "virtualization", XT_ABI));
/* clang-format on */

enum { SPINLOCKS_MIN = 0xfff, VENDOR_ID_MAX = 12, DIRTY_RING_MIN = 1024, DIRTY_RING_MAX = 65536 };

/* What belongs to a switch that is off is dropped. */
static int hyperv_finish(struct xt_parse *parse, void *object)
{
    struct hyperv *hyperv = object;

    if (!hyperv->mode)
        hyperv->mode = HYPERV_CUSTOM;
    if (hyperv->spinlocks != TRI_ON)
        hyperv->spinlocks_retries = 0;
    else if (!hyperv->spinlocks_retries)
        return err_set(parse->err, ERR_XML_ERROR,
                       "Missing required attribute 'retries' in element 'spinlocks'");
    else if (hyperv->spinlocks_retries < SPINLOCKS_MIN)
        return err_set(parse->err, ERR_XML_ERROR, "HyperV spinlock retry count must be at least %d",
                       (int)SPINLOCKS_MIN);
    if (hyperv->vendor_id != TRI_ON)
        hyperv->vendor_id_value = NULL;
    else if (!hyperv->vendor_id_value)
        return err_set(parse->err, ERR_XML_ERROR, "missing 'value' attribute for HyperV feature 'vendor_id'");
    else if (strlen(hyperv->vendor_id_value) > VENDOR_ID_MAX)
        return err_set(parse->err, ERR_XML_ERROR,
                       "HyperV vendor_id value must not be more than %d characters.", (int)VENDOR_ID_MAX);
    else if (strchr(hyperv->vendor_id_value, ','))
        return err_set(parse->err, ERR_XML_ERROR, "HyperV vendor_id value is invalid");
    if (hyperv->stimer != TRI_ON)
        hyperv->stimer_direct = TRI_NONE;
    if (hyperv->tlbflush != TRI_ON)
        hyperv->tlbflush_direct = hyperv->tlbflush_extended = TRI_NONE;
    return 0;
}

static int kvm_finish(struct xt_parse *parse, void *object)
{
    struct kvm_features *kvm = object;
    uint32_t size = kvm->dirty_ring_size;

    if (kvm->dirty_ring != TRI_ON)
        kvm->dirty_ring_size = 0;
    else if (size < DIRTY_RING_MIN || size > DIRTY_RING_MAX || (size & (size - 1)))
        return err_set(parse->err, ERR_XML_ERROR, "dirty ring must be power of 2 and ranges [%d, %d]",
                       (int)DIRTY_RING_MIN, (int)DIRTY_RING_MAX);
    return 0;
}

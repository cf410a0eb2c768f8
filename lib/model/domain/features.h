/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Features: switches of the machine and of the hypervisor; absent elements leave the hypervisor's default. */
#pragma once

#include "xml/xt.h"

enum hyperv_mode { HYPERV_MODE_UNSET, HYPERV_CUSTOM, HYPERV_PASSTHROUGH, HYPERV_HOST_MODEL, HYPERV_MODE_MAX };
extern const char *const hyperv_mode_names[];

enum ioapic_driver { IOAPIC_UNSET, IOAPIC_QEMU, IOAPIC_KVM, IOAPIC_DRIVER_MAX };
extern const char *const ioapic_driver_names[];

enum gic_version { GIC_UNSET, GIC_HOST, GIC_2, GIC_3, GIC_VERSION_MAX };
extern const char *const gic_version_names[];

enum msrs_unknown { MSRS_UNSET, MSRS_IGNORE, MSRS_FAULT, MSRS_UNKNOWN_MAX };
extern const char *const msrs_unknown_names[];

enum hpt_resizing { HPT_UNSET, HPT_ENABLED, HPT_DISABLED, HPT_REQUIRED, HPT_RESIZING_MAX };
extern const char *const hpt_resizing_names[];

/* Hyper-V enlightenments; all on/off. */
struct hyperv {
    enum hyperv_mode mode; /* custom when the element is there without a mode */
    enum tristate relaxed, vapic, spinlocks, vpindex, runtime, synic, stimer, stimer_direct, reset, vendor_id,
        frequencies, reenlightenment, tlbflush, tlbflush_direct, tlbflush_extended, ipi, evmcs, avic,
        emsr_bitmap, xmm_input;
    uint32_t spinlocks_retries;
    char *vendor_id_value;
};

struct kvm_features {
    enum tristate hidden, hint_dedicated, poll_control, pv_ipi, dirty_ring; /* on, off */
    uint32_t dirty_ring_size;
};

struct features {
    bool acpi, apic, pae, viridian, privnet;
    enum tristate apic_eoi, hap;
    struct hyperv *hyperv;
    struct kvm_features *kvm;
    enum tristate pvspinlock, pmu, vmport;
    char *capabilities_policy; /* containers */
    struct xml_node *capabilities;
    bool gic;
    enum gic_version gic_version;
    enum tristate smm;
    uint64_t tseg; /* bytes; 0: not given */
    enum ioapic_driver ioapic;
    enum hpt_resizing hpt;
    uint64_t hpt_maxpagesize; /* KiB */
    enum tristate vmcoreinfo, htm, nested_hv;
    enum msrs_unknown msrs;
    enum tristate ccf_assist;
    enum tristate xen_e820_host, xen_passthrough;
    char *xen_passthrough_mode;
    char *cfpc, *sbbc, *ibs;
    struct opt_u64 tb_cache;      /* KiB */
    enum tristate async_teardown; /* yes, no */
    enum tristate ras, ps2;
    char *aia;
    bool virtualization;
};
XT_DECLARE_ROWS(features_table, struct features);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Domain: a machine's whole definition, from <domain> down. One table per noun (os.h, cpu.h, disk.h ...) says
 * what its XML is; this header ties them together and gives the order of work:
 *
 *     domain_parse         text -> struct domain in an arena, with the defaults that hold for every driver
 *     policy->defaults     the driver's: devices that a machine type implies, models, addresses
 *     domain_check         rules between members that hold for every driver
 *     policy->check        the driver's
 *
 * domain_parse() runs them all. A struct domain is plain data: it may be changed and printed again. It ends
 * with its arena.
 */
#pragma once

#include "model/domain/clock.h"
#include "model/domain/cpu.h"
#include "model/domain/devices.h"
#include "model/domain/features.h"
#include "model/domain/memory.h"
#include "model/domain/native.h"
#include "model/domain/os.h"
#include "model/domain/security.h"
#include "model/domain/sysinfo.h"
#include "model/domain/tune.h"
#include "model/domain/vcpu.h"

enum domain_virt {
    VIRT_UNSET,
    VIRT_QEMU,
    VIRT_KQEMU,
    VIRT_KVM,
    VIRT_XEN,
    VIRT_LXC,
    VIRT_UML,
    VIRT_OPENVZ,
    VIRT_TEST,
    VIRT_VMWARE,
    VIRT_HYPERV,
    VIRT_VBOX,
    VIRT_PHYP,
    VIRT_VZ,
    VIRT_BHYVE,
    VIRT_HVF,
    DOMAIN_VIRT_MAX
};
extern const char *const domain_virt_names[];

/* What happens when the guest powers off, reboots or crashes. */
enum domain_action {
    ACTION_UNSET,
    ACTION_DESTROY,
    ACTION_RESTART,
    ACTION_PRESERVE,
    ACTION_RENAME_RESTART,
    ACTION_COREDUMP_DESTROY,
    ACTION_COREDUMP_RESTART,
    ACTION_PRESERVE_RUNNING,
    DOMAIN_ACTION_MAX
};
extern const char *const domain_action_names[];

enum lock_action {
    LOCK_ACTION_UNSET,
    LOCK_ACTION_POWEROFF,
    LOCK_ACTION_RESTART,
    LOCK_ACTION_PAUSE,
    LOCK_ACTION_IGNORE,
    LOCK_ACTION_MAX
};
extern const char *const lock_action_names[];

/* In the order in which they are printed and clients are told. */
extern const char *const perf_names[];

struct perf_event {
    char *name;
    enum tristate enabled; /* yes, no */
};

struct domain {
    enum domain_virt virt;
    struct opt_u32 id; /* live */
    char *name;
    uint8_t uuid[UUID_SIZE], hwuuid[UUID_SIZE];
    bool has_genid; /* <genid/> without a value gets one */
    uint8_t genid[UUID_SIZE];
    char *title, *description;
    struct xml_node *metadata; /* as the user wrote it */
    struct memory memory;
    struct blkiotune blkiotune;
    struct memtune memtune;
    struct memory_backing backing;
    struct vcpus vcpus;                   /* with iothreads and cputune */
    struct disk_iotune **throttle_groups; /* shared by disks that name them */
    size_t n_throttle_groups;
    struct numatune numatune;
    struct resource *resource;
    struct sysinfo **sysinfos;
    size_t n_sysinfos;
    char *bootloader, *bootloader_args;
    struct os os;
    struct idmap idmap;
    struct features features;
    struct cpu *cpu;
    struct clock clock;
    enum domain_action on_poweroff, on_reboot, on_crash;
    enum lock_action on_lockfailure;
    enum tristate suspend_to_mem, suspend_to_disk; /* yes, no */
    struct perf_event **perf;
    size_t n_perf;
    struct devices devices;
    struct seclabel **seclabels;
    size_t n_seclabels;
    struct keywrap_cipher **keywrap;
    size_t n_keywrap;
    struct launch *launch;
    enum tristate iommufd; /* yes, no */
    char *iommufd_group;
    struct native native;
    struct { /* where elements stand, for messages */
        struct xt_place name, title, memory, maximum, vcpu, iothreads, cputune, numatune, blkiotune, backing,
            sysinfo, os, cpu, clock, perf, seclabel;
    } at;
};
XT_DECLARE_ROWS(domain_table, struct domain);

/* How <domain> is read; for those who put a domain inside a document of their own (status file, snapshot). */
extern const struct xt_document domain_document;

/* What a driver adds. Any function may be NULL. They return negative with err set; data is theirs. */
struct domain_policy {
    int (*defaults)(struct domain *domain, struct arena *arena, unsigned flags, void *data, struct err *err);
    int (*check)(const struct domain *domain, unsigned flags, void *data, struct err *err);
    void *data;
};

enum domain_parse_flags {
    DOMAIN_PARSE_INACTIVE = XT_PARSE_INACTIVE, /* a definition, not a running machine */
    DOMAIN_PARSE_STATUS = XT_PARSE_STATUS,
    DOMAIN_PARSE_VALIDATE = XT_PARSE_VALIDATE,
    DOMAIN_PARSE_RAW = XT_PARSE_USER,             /* no defaults and no checks: what the document says */
    DOMAIN_PARSE_STORED = XT_PARSE_USER << 2,     /* was checked when it was stored: not again */
    DOMAIN_PARSE_ABI_UPDATE = XT_PARSE_USER << 1, /* a new definition: defaults may be the newest ones */
};

enum domain_format_flags {
    DOMAIN_FORMAT_SECURE = XT_FORMAT_SECURE,
    DOMAIN_FORMAT_INACTIVE = XT_FORMAT_INACTIVE,
    DOMAIN_FORMAT_MIGRATABLE = XT_FORMAT_MIGRATABLE,
    DOMAIN_FORMAT_STATUS = XT_FORMAT_STATUS,
};

/* NULL with err set when the text is no domain. policy may be NULL. */
struct domain *domain_parse(struct arena *arena, const char *text, unsigned flags,
                            const struct domain_policy *policy, struct err *err);
/* The parts of domain_parse() for a domain that was read otherwise (xt_parse_node with domain_table). */
int domain_post_parse(struct domain *domain, struct arena *arena, unsigned flags,
                      const struct domain_policy *policy, struct err *err);
int domain_check(const struct domain *domain, struct err *err);

/* Append the document; indent in blanks. */
void domain_format(struct buf *text, const struct domain *domain, unsigned flags);
void domain_format_indented(struct buf *text, const struct domain *domain, unsigned flags, unsigned indent);

struct domain *domain_copy(struct arena *arena, const struct domain *domain);
/* Could a guest started from source go on with target? 0, or -1: ERR_CONFIG_UNSUPPORTED names the difference.
 */
int domain_abi_compare(const struct domain *source, const struct domain *target, struct err *err);

/*
 * The user's element with that namespace URI in <metadata>, without the layout around it; NULL when there is
 * none. domain_set_metadata replaces, adds (key: the namespace prefix to use) or, with xml NULL, removes it.
 */
void domain_clean_metadata(struct domain *domain); /* drop what has no namespace, and all but one of each */
const char *domain_metadata(const struct domain *domain, const char *uri, struct arena *arena);
int domain_set_metadata(struct domain *domain, struct arena *arena, const char *uri, const char *key,
                        const char *xml, struct err *err);

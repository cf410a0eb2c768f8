/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Caps: what a QEMU binary can do. Asked once per binary by running it (some 0.2 s), kept on disk under the
 * binary's identity and in memory; a plain call never pays for it.
 *
 *     auto_caps const struct qemu_caps *caps = NULL;
 *     if (qemu_caps_get(rq, binary, &caps) < 0)
 *         return -1;
 *     if (qemu_caps_has(caps, QEMU_CAP_DEVICE_QXL)) ...
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/mem.h"

struct req;

enum qemu_cap {
#define QEMU_CAP(name, how, what) QEMU_CAP_##name,
#include "virtqemud/caps.def"
#undef QEMU_CAP
    QEMU_CAP_MAX
};

/* Index of struct qemu_caps.accel: who executes guest code. Named like <domain type=''>. */
enum qemu_accel { QEMU_ACCEL_TCG, QEMU_ACCEL_KVM, QEMU_ACCEL_MAX };
extern const char *const qemu_accel_domain_type[]; /* "qemu", "kvm" */

/* Hyper-V enlightenments in libvirt's words and order, NULL-terminated. */
extern const char *const qemu_hyperv_names[];

struct qemu_machine {
    const char *name;        /* "pc-q35-7.2" */
    const char *alias;       /* "q35", NULL: none */
    const char *default_cpu; /* QOM type name, "qemu64-x86_64-cpu"; NULL: QEMU doesn't say */
    const char *default_ram; /* id of the main memory backend, "pc.ram"; NULL */
    unsigned max_cpus;
    bool is_default, deprecated, hotpluggable_cpus, numa_mem_supported, acpi;
};

struct qemu_cpu_model {
    const char *name; /* as in -cpu */
    const char *type; /* QOM type name */
    bool usable;      /* this host and accelerator provide all of its features */
    bool deprecated;
    const char *blockers; /* the features that are missing here, QEMU's names, "a,b"; NULL: none */
};

/* A boolean CPU property of the best CPU that an accelerator offers here; names are QEMU's. */
struct qemu_cpu_feature {
    const char *name;
    bool value;
    bool migratable;
};

struct qemu_accel_caps {
    bool supported; /* the binary has it and this host can use it */
    struct qemu_cpu_model *cpus;
    size_t cpu_count;
    /* What `-cpu max` (TCG) or `-cpu host` (KVM) expands to; features is empty when QEMU can't tell. */
    struct qemu_cpu_feature *features;
    size_t feature_count;
    const char *cpu_vendor, *cpu_model_id; /* NULL: not told */
    unsigned cpu_family, cpu_model, cpu_stepping;
};

struct qemu_caps {
    const char *binary;
    const char *arch;    /* libvirt's name: "x86_64", "i686", "aarch64" ... */
    const char *package; /* distribution's version text, "" when QEMU has none */
    unsigned version;    /* 7002022 for 7.2.22 */
    uint64_t flags[(QEMU_CAP_MAX + 63) / 64];
    struct qemu_machine *machines; /* in QEMU's order */
    size_t machine_count;
    struct qemu_accel_caps accel[QEMU_ACCEL_MAX];
    bool sev, sgx;   /* the host offers it to guests */
    unsigned hyperv; /* enlightenments of the best accelerator, bits of qemu_hyperv_names */
    /* not for users */
    struct arena arena;
    unsigned refs;
};

/* How the daemon probes and where it keeps what it learnt. Strings must outlive the daemon's caps. */
struct qemu_caps_config {
    const char
        *cache_dir; /* "/var/cache/libvirt/qemu/capabilities"; made when missing; NULL: no disk cache */
    uid_t uid;      /* QEMU runs as this user for the probe; (uid_t)-1: as ours */
    gid_t gid;
    const char *run_dir; /* keeps the verdict on KVM until the next boot; NULL: tried once per daemon */
};

/* The caps of all binaries live in this module; main.c calls these two. */
void qemu_caps_init(const struct qemu_caps_config *config);
void qemu_caps_fini(void);

/*
 * The capabilities of a binary (absolute path). May wait for a probe when binary or host changed; others that
 * ask meanwhile wait for the same probe. Gives a reference; on failure rq->err says why (no such file, not
 * executable, what QEMU printed, took too long).
 */
int qemu_caps_get(struct req *rq, const char *binary, const struct qemu_caps **ret_caps);
/* Only what is in memory already; never waits, never sets an error. NULL: not known. Gives a reference. */
const struct qemu_caps *qemu_caps_peek(const char *binary);
const struct qemu_caps *qemu_caps_ref(const struct qemu_caps *caps);
void qemu_caps_unref(const struct qemu_caps *caps);

static inline void qemu_caps_unrefp(const struct qemu_caps **caps)
{
    qemu_caps_unref(*caps);
}
#define auto_caps CLEANUP(qemu_caps_unrefp)

static inline bool qemu_caps_has(const struct qemu_caps *caps, enum qemu_cap cap)
{
    return caps->flags[cap / 64] >> (cap % 64) & 1;
}
/* "DEVICE_QXL"; NULL out of range. */
const char *qemu_cap_name(enum qemu_cap cap);
/* Whether it has guests of this architecture: its own, or the 32-bit one beneath. */
bool qemu_caps_runs(const struct qemu_caps *caps, const char *arch);
/* Machine by name or alias; name NULL: the default machine. NULL: there is no such machine. */
const struct qemu_machine *qemu_caps_machine(const struct qemu_caps *caps, const char *name);
/* CPU model by QEMU's name; NULL: unknown. */
const struct qemu_cpu_model *qemu_caps_cpu(const struct qemu_caps *caps, enum qemu_accel accel,
                                           const char *name);

/* Architectures that QEMU emulates, by libvirt's names and in its order; the width of a word. */
struct qemu_arch {
    const char *name;
    int bits;
};
extern const struct qemu_arch qemu_arches[];
extern const size_t qemu_arch_count;
/* 0: no such architecture. */
int qemu_arch_bits(const char *name);

/*
 * The binary for guests of an architecture, as libvirt would choose it (PATH; on x86_64 hosts i686 guests use
 * qemu-system-i386). In the arena; NULL: none is installed.
 */
const char *qemu_binary_find(struct arena *arena, const char *arch);
/* The architecture of this host in libvirt's words; static. */
const char *qemu_host_arch(void);

/* Whether KVM runs guests on this host. */
struct kvm_verdict {
    bool usable;
    const char *why_not; /* NULL when usable: "/dev/kvm: Permission denied" ... */
};
/*
 * Tried once per boot with a tiny real guest in a child process (1 ms where KVM works); may wait up to a
 * second the first time. Never fails: whatever goes wrong is a reason why not. Lives as long as the daemon.
 */
const struct kvm_verdict *kvm_verdict_get(struct req *rq);
/* Set ERR_CONFIG_UNSUPPORTED "KVM is not usable on this host: ..." unless it is usable. */
int kvm_require(struct req *rq);

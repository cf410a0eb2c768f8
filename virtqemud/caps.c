/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The binaries that we know: in memory as long as the daemon lives, refreshed when the binary, its modules,
 * the kernel or the verdict on KVM changes. A lookup that finds the binary unchanged costs one stat.
 */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/caps.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/map.h"
#include "base/str.h"
#include "host/cpu.h"
#include "loop/job.h"
#include "virtqemud/caps-internal.h"

enum { FILE_MAX = 1 << 20 };

const char *const qemu_accel_domain_type[] = {"qemu", "kvm", NULL};

/* Where distributions keep QEMU's loadable modules: another set of modules is another set of devices. */
static const char *const module_dirs[] = {"/usr/lib/x86_64-linux-gnu/qemu", "/usr/lib/aarch64-linux-gnu/qemu",
                                          "/usr/lib64/qemu", "/usr/lib/qemu"};

struct entry {
    char *binary;
    struct job probing;
    struct stat stat;       /* of the binary when caps were taken */
    struct qemu_caps *caps; /* NULL: not known yet */
};

static struct {
    struct qemu_caps_config config;
    struct map entries;
    char *host; /* what beside the binary decides: kernel, microcode, our table */
} known = {.config = {.uid = (uid_t)-1, .gid = (gid_t)-1}};

void qemu_caps_init(const struct qemu_caps_config *config)
{
    known.config = *config;
    kvm_verdict_init(config);
}

void qemu_caps_fini(void)
{
    struct entry *entry;

    MAP_FOREACH(&known.entries, entry) {
        qemu_caps_unref(entry->caps);
        free(entry->binary);
        free(entry);
    }
    map_done(&known.entries);
    free(TAKE(known.host));
    kvm_verdict_fini();
}

const struct qemu_caps *qemu_caps_ref(const struct qemu_caps *caps)
{
    if (caps)
        ((struct qemu_caps *)caps)->refs++;
    return caps;
}

void qemu_caps_unref(const struct qemu_caps *shared)
{
    struct qemu_caps *caps = (struct qemu_caps *)shared;

    if (!caps || --caps->refs)
        return;
    arena_done(&caps->arena);
    free(caps);
}

const char *qemu_cap_name(enum qemu_cap cap)
{
    return cap < QEMU_CAP_MAX ? qemu_cap_rows[cap].name : NULL;
}

bool qemu_caps_runs(const struct qemu_caps *caps, const char *arch)
{
    return str_eq(arch, caps->arch) || (str_eq(arch, "i686") && str_eq(caps->arch, "x86_64"));
}

const struct qemu_machine *qemu_caps_machine(const struct qemu_caps *caps, const char *name)
{
    for (size_t i = 0; i < caps->machine_count; i++) {
        const struct qemu_machine *machine = &caps->machines[i];

        if (name ? str_eq(machine->name, name) || str_eq(machine->alias, name) : machine->is_default)
            return machine;
    }
    return NULL;
}

const struct qemu_cpu_model *qemu_caps_cpu(const struct qemu_caps *caps, enum qemu_accel accel,
                                           const char *name)
{
    const struct qemu_accel_caps *known_cpus = &caps->accel[accel];

    for (size_t i = 0; i < known_cpus->cpu_count; i++)
        if (str_eq(known_cpus->cpus[i].name, name))
            return &known_cpus->cpus[i];
    return NULL;
}

/* FNV-1a: only has to differ when the text differs, nobody attacks it. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}
static const uint64_t hash_start = UINT64_C(0xcbf29ce484222325);

static const char *host_identity(void)
{
    if (known.host)
        return known.host;
    uint64_t table = hash_start;
    struct utsname name;
    struct buf text = {0};

    for (int i = 0; i < QEMU_CAP_MAX; i++)
        table = hash_text(hash_text(table, qemu_cap_rows[i].name), qemu_cap_rows[i].what);
    uname(&name);
    buf_printf(&text, "%s %s %x %llx", name.release, name.version, host_microcode_read(""),
               (unsigned long long)table);
    for (size_t i = 0; i < ARRAY_SIZE(module_dirs); i++) {
        struct stat st;

        if (stat(module_dirs[i], &st) == 0)
            buf_printf(&text, " %lld.%09ld", (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    }
    known.host = buf_steal(&text);
    return known.host;
}

static char *identity_of(const struct stat *st, const char *kvm)
{
    return mem_printf("%llx:%llu %lld %lld.%09ld %lld.%09ld kvm=%s uid=%u %s", (unsigned long long)st->st_dev,
                      (unsigned long long)st->st_ino, (long long)st->st_size, (long long)st->st_mtim.tv_sec,
                      st->st_mtim.tv_nsec, (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec, kvm,
                      (unsigned)known.config.uid, host_identity());
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static struct entry *entry_of(const char *binary)
{
    struct entry *entry = map_get(&known.entries, binary);

    if (!entry) {
        entry = NEW(struct entry);
        entry->binary = mem_strdup(binary);
        (void)map_put(&known.entries, entry->binary, entry);
    }
    return entry;
}

static char *file_name(const char *binary)
{
    const char *name = strrchr(binary, '/');

    return mem_printf("%s-%016llx.caps", name ? name + 1 : binary,
                      (unsigned long long)hash_text(hash_start, binary));
}

static struct qemu_caps *load(const char *binary, const char *identity)
{
    auto_buf struct buf text = {0};
    auto_free char *name = file_name(binary);
    auto_free char *path = known.config.cache_dir ? mem_printf("%s/%s", known.config.cache_dir, name) : NULL;

    if (!path || file_read(AT_FDCWD, path, FILE_MAX, &text) < 0)
        return NULL;
    return caps_parse(buf_text(&text), text.length, identity);
}

/* Keep what was learnt; what comes back is the same in its compact form. */
static struct qemu_caps *store(struct qemu_caps *learnt, const char *identity)
{
    auto_buf struct buf text = {0};
    auto_free char *name = file_name(learnt->binary);

    caps_format(learnt, identity, &text);
    struct qemu_caps *caps = caps_parse(text.data, text.length, identity);

    if (!caps)
        return learnt; /* QEMU's names hold something that the file can't: memory alone has to do */
    if (known.config.cache_dir)
        caps_keep(known.config.cache_dir, name, text.data, text.length);
    qemu_caps_unref(learnt);
    malloc_trim(0); /* QEMU's answers are megabytes of small objects, and that once in a daemon's life */
    return caps;
}

static void remember(struct entry *entry, struct qemu_caps *caps, const struct stat *st)
{
    qemu_caps_unref(entry->caps);
    entry->caps = caps;
    entry->stat = *st;
}

const struct qemu_caps *qemu_caps_peek(const char *binary)
{
    struct entry *entry = map_get(&known.entries, binary);
    struct stat st;

    if (!entry || !entry->caps || stat(binary, &st) < 0 || !same_file(&entry->stat, &st))
        return NULL;
    return qemu_caps_ref(entry->caps);
}

static int learn(struct req *rq, struct entry *entry, const struct stat *st)
{
    const struct kvm_verdict *kvm = kvm_verdict_get(rq);
    auto_free char *identity = identity_of(st, kvm->usable ? "yes" : "no");
    struct qemu_caps *caps = load(entry->binary, identity);

    if (!caps) {
        caps = caps_new(entry->binary);
        if (caps_probe(rq, &known.config, kvm->usable, caps) < 0) {
            qemu_caps_unref(caps);
            return -1;
        }
        log_info("asked '%s' for its capabilities: version %u, %zu machines, KVM %s", entry->binary,
                 caps->version, caps->machine_count,
                 caps->accel[QEMU_ACCEL_KVM].supported ? "usable" : "not usable");
        caps = store(caps, identity);
    }
    remember(entry, caps, st);
    return 0;
}

int qemu_caps_get(struct req *rq, const char *binary, const struct qemu_caps **ret_caps)
{
    struct entry *entry = map_get(&known.entries, binary);
    struct stat st;
    int r = 0;

    if (stat(binary, &st) < 0)
        return err_system(&rq->err, errno, "Cannot check QEMU binary %s", binary);
    if (!entry || !entry->caps || !same_file(&entry->stat, &st)) {
        if (!S_ISREG(st.st_mode) || access(binary, X_OK) < 0)
            return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "QEMU binary '%s' is not an executable file",
                           binary);
        entry = entry_of(binary);
        if (job_take(rq, &entry->probing, entry->binary, "probe of its capabilities", SECONDS(60)) < 0)
            return -1;
        if (!entry->caps || !same_file(&entry->stat, &st)) /* nobody did it while we waited */
            r = learn(rq, entry, &st);
        job_give(rq, &entry->probing);
    }
    if (r == 0)
        *ret_caps = qemu_caps_ref(entry->caps);
    return r;
}

/* Architectures that QEMU emulates, in the order in which they are listed, and the width of a word. */
/* clang-format off */
const struct qemu_arch qemu_arches[] = {
    {"alpha", 64},       {"armv7l", 32},  {"aarch64", 64}, {"cris", 32},    {"i686", 32},       {"loongarch64", 64},
    {"m68k", 32},        {"microblaze", 32}, {"microblazeel", 32}, {"mips", 32}, {"mipsel", 32}, {"mips64", 64},
    {"mips64el", 64},    {"or32", 32},    {"parisc", 32},  {"ppc", 32},     {"ppc64", 64},      {"ppc64le", 64},
    {"riscv32", 32},     {"riscv64", 64}, {"s390x", 64},   {"sh4", 64},     {"sh4eb", 64},      {"sparc", 32},
    {"sparc64", 64},     {"x86_64", 64},  {"xtensa", 32},  {"xtensaeb", 32},
};
/* clang-format on */
const size_t qemu_arch_count = ARRAY_SIZE(qemu_arches);

int qemu_arch_bits(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(qemu_arches); i++)
        if (str_eq(qemu_arches[i].name, name))
            return qemu_arches[i].bits;
    return 0;
}

const char *qemu_host_arch(void)
{
    static struct utsname name;

    if (!*name.machine)
        uname(&name);
    if (name.machine[0] == 'i' && str_eq(name.machine + 2, "86"))
        return "i686";
    return name.machine;
}

const char *qemu_binary_find(struct arena *arena, const char *arch)
{
    /* libvirt's word for an architecture, QEMU's word in the name of the binary, where they differ */
    static const char *const words[][2] = {{"i686", "i386"},     {"armv7l", "arm"}, {"armv6l", "arm"},
                                           {"ppc64le", "ppc64"}, {"or32", "or1k"},  {"itanium", "ia64"}};
    static const char *const places[] = {"/usr/bin", "/usr/local/bin", "/usr/libexec"};
    const char *word = arch;

    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (str_eq(words[i][0], arch))
            word = words[i][1];
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        char *path = arena_printf(arena, "%s/qemu-system-%s", places[i], word);

        if (access(path, X_OK) == 0)
            return path;
    }
    /* Red Hat's one binary, for the host's own architecture */
    if (str_eq(arch, qemu_host_arch()) && access("/usr/libexec/qemu-kvm", X_OK) == 0)
        return "/usr/libexec/qemu-kvm";
    return NULL;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The checks. Names, order, levels and advice are those that virt-host-validate always printed: scripts and
 * installation guides compare them.
 */
#include "validate.h"

#include <linux/bpf.h>
#include <mntent.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/enum.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"

enum { TEXT_MAX = 4 << 20 };

/* What /proc/cpuinfo tells, and which machine it is. */
enum fact {
    VMX = 1 << 0, /* Intel's, AMD's and IBM's ways to run guests */
    SVM = 1 << 1,
    IBM_SIE = 1 << 2,
    SEV = 1 << 3,       /* AMD's encrypted guests */
    PROTECTED = 1 << 4, /* IBM's: facility 158 */
    X86 = 1 << 5,
    ARM = 1 << 6,
    POWER = 1 << 7,
    S390 = 1 << 8,
};

struct host {
    const struct validate *validate;
    unsigned facts;
    bool virtual; /* runs guests in hardware */
    bool iommu;   /* there is one */
};

enum verdict { PASS, FAIL, WARN, NOT_ASKED };
struct check {
    const char *what;
    enum verdict (*run)(struct host *host, const struct check *check, const char **advice);
    const char *argument;
    enum verdict otherwise; /* FAIL: such a host is not fit */
    const char *advice;
};

/* ---- looking ------------------------------------------------------------------------------------------- */

static char *place(const struct host *host, const char *path)
{
    return mem_printf("%s%s", host->validate->root, path);
}

static bool exists(const struct host *host, const char *path)
{
    auto_free char *full = place(host, path);

    return access(full, F_OK) == 0;
}

/* The content of a file; NULL when it can't be read. The caller frees. */
static char *content(const struct host *host, const char *path)
{
    auto_free char *full = place(host, path);
    auto_buf struct buf text = {0};

    return file_read(AT_FDCWD, full, TEXT_MAX, &text) == 0 ? mem_strdup(buf_text(&text)) : NULL;
}

static enum verdict judge(const struct check *check, bool holds)
{
    return holds ? PASS : check->otherwise;
}

static unsigned facts_of_cpu(const struct host *host)
{
    static const struct {
        const char *word;
        enum fact fact;
    } words[] = {{"vmx", VMX}, {"svm", SVM}, {"sie", IBM_SIE}, {"sev", SEV}, {"158", PROTECTED}};
    static const char *const keys[] = {"flags", "Features", "features", "facilities"};
    auto_free char *text = content(host, "/proc/cpuinfo");
    unsigned facts = 0;

    for (char *at = text, *line; (line = strsep(&at, "\n"));) {
        char *colon = strchr(line, ':');

        if (!colon)
            continue;
        *colon = '\0';
        const char *key = str_trim(line);
        bool listed = false;

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
            listed = listed || str_eq(key, keys[i]);
        auto_strv char **flags = listed ? str_split(colon + 1, " \t") : NULL;

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
            if (strv_has(flags, words[i].word))
                facts |= words[i].fact;
    }
    return facts;
}

static unsigned facts_of_arch(const char *arch)
{
    if (str_eq(arch, "x86_64") || (strlen(arch) == 4 && arch[0] == 'i' && str_ends(arch, "86")))
        return X86;
    if (str_after(arch, "aarch64") || str_after(arch, "arm"))
        return ARM;
    return str_after(arch, "ppc64") ? POWER : str_after(arch, "s390") ? S390 : 0;
}

/* ---- checks -------------------------------------------------------------------------------------------- */

static enum verdict device_exists(struct host *host, const struct check *check, const char **advice)
{
    return judge(check, exists(host, check->argument));
}

static enum verdict hardware(struct host *host, const struct check *check, const char **advice)
{
    host->virtual = host->facts & (VMX | SVM | IBM_SIE | POWER) ||
                    (host->facts & ARM && exists(host, "/dev/kvm"));
    return judge(check, host->virtual);
}

static enum verdict kvm_exists(struct host *host, const struct check *check, const char **advice)
{
    if (!host->virtual)
        return NOT_ASKED;
    if (host->facts & (VMX | SVM))
        *advice = "Check that the 'kvm-intel' or 'kvm-amd' modules are loaded & the BIOS has enabled "
                  "virtualization";
    return device_exists(host, check, advice);
}

static enum verdict kvm_opens(struct host *host, const struct check *check, const char **advice)
{
    auto_free char *full = place(host, check->argument);

    if (!host->virtual || access(full, F_OK) < 0)
        return NOT_ASKED;
    return judge(check, access(full, R_OK | W_OK) == 0);
}

static enum verdict kvm_of_power(struct host *host, const struct check *check, const char **advice)
{
    auto_free char *modules = content(host, "/proc/modules");

    if (!(host->facts & POWER))
        return NOT_ASKED;
    return judge(check, modules && strstr(modules, check->argument));
}

/* v1 mounts a hierarchy for each controller; v2's root says what it has. */
static enum verdict controller(struct host *host, const struct check *check, const char **advice)
{
    auto_free char *mounts_path = place(host, "/proc/mounts");
    FILE *mounts = setmntent(mounts_path, "r");
    bool found = false;

    for (struct mntent *mount; mounts && !found && (mount = getmntent(mounts));) {
        if (str_eq(mount->mnt_type, "cgroup"))
            found = hasmntopt(mount, check->argument) != NULL;
        if (!str_eq(mount->mnt_type, "cgroup2"))
            continue;
        auto_free char *list_path = mem_printf("%s/cgroup.controllers", mount->mnt_dir);
        auto_free char *list = content(host, list_path);
        auto_strv char **names = list ? str_split(list, " \n") : NULL;
        const char *name = str_eq(check->argument, "blkio")     ? "io"
                           : str_eq(check->argument, "cpuacct") ? "cpu" /* part of it there */
                                                                : check->argument;

        if (str_eq(name, "freezer")) /* part of the core */
            found = true;
        else if (!str_eq(name, "devices"))
            found = strv_has(names, name);
        else {
            auto_fd int dir = open(mount->mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            union bpf_attr query = {.query = {.target_fd = (unsigned)dir, .attach_type = BPF_CGROUP_DEVICE}};

            found = dir >= 0 && syscall(SYS_bpf, BPF_PROG_QUERY, &query, sizeof(query)) == 0;
        }
    }
    if (mounts)
        endmntent(mounts);
    return judge(check, found);
}

/* Which table of the firmware tells of an IOMMU, and how the kernel is told to use it. */
static enum verdict iommu_table(struct host *host, const struct check *check, const char **advice)
{
    host->iommu = exists(host, check->argument);
    return judge(check, host->iommu);
}

static enum verdict iommu_of_intel(struct host *host, const struct check *check, const char **advice)
{
    return host->facts & VMX ? iommu_table(host, check, advice) : NOT_ASKED;
}

static enum verdict iommu_of_amd(struct host *host, const struct check *check, const char **advice)
{
    return (host->facts & (VMX | SVM)) == SVM ? iommu_table(host, check, advice) : NOT_ASKED;
}

static enum verdict iommu_of_others(struct host *host, const struct check *check, const char **advice)
{
    if (host->facts & (VMX | SVM))
        return NOT_ASKED;
    if (host->facts & S390) {
        auto_free char *path = place(host, check->argument);
        auto_strv char **devices = NULL;

        if (file_list(AT_FDCWD, path, &devices) < 0)
            *advice = "Skipped - PCI support disabled";
        else if (!devices || !devices[0])
            *advice = "Skipped - No PCI devices are online";
        else
            host->iommu = true;
        return host->iommu ? NOT_ASKED : check->otherwise;
    }
    host->iommu = host->facts & POWER;
    return host->iommu ? NOT_ASKED : check->otherwise;
}

static enum verdict iommu_used(struct host *host, const struct check *check, const char **advice)
{
    auto_free char *path = place(host, check->argument);
    struct stat groups;

    if (!host->iommu)
        return NOT_ASKED;
    if (stat(path, &groups) < 0) {
        *advice = "IOMMU capability not compiled into kernel.";
        return check->otherwise;
    }
    if (host->facts & (VMX | SVM))
        *advice =
            host->facts & VMX
                ? "IOMMU appears to be disabled in kernel. Add intel_iommu=on to kernel cmdline arguments"
                : "IOMMU appears to be disabled in kernel. Add iommu=pt iommu=1 to kernel cmdline "
                  "arguments";
    return judge(check, groups.st_nlink > 2); /* a directory for each group */
}

static bool secure_ibm(struct host *host, const char **advice)
{
    static const char *const on[] = {"prot_virt=1",  "prot_virt=y",  "prot_virt=Y", "prot_virt=on",
                                     "prot_virt=ON", "prot_virt=oN", "prot_virt=On"};
    auto_free char *line = content(host, "/proc/cmdline");
    auto_strv char **words = line ? str_split(line, " \n") : NULL;

    if (!(host->facts & PROTECTED)) {
        *advice = "Hardware or firmware does not provide support for IBM Secure Execution";
        return false;
    }
    if (!exists(host, "/sys/firmware/uv")) {
        *advice = "IBM Secure Execution not supported by the currently used kernel";
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(on); i++)
        if (strv_has(words, on[i]))
            return true;
    *advice =
        "IBM Secure Execution appears to be disabled in kernel. Add prot_virt=1 to kernel cmdline arguments";
    return false;
}

static bool secure_amd(struct host *host, const char **advice)
{
    auto_free char *value = content(host, "/sys/module/kvm_amd/parameters/sev");

    if (!value)
        *advice = "AMD Secure Encrypted Virtualization not supported by the currently used kernel";
    else if (*value != '1' && *value != 'Y' && *value != 'y')
        *advice =
            "AMD Secure Encrypted Virtualization appears to be disabled in kernel. Add kvm_amd.sev=1 to "
            "the kernel cmdline arguments";
    else if (!exists(host, "/dev/sev"))
        *advice = "AMD Secure Encrypted Virtualization appears to be disabled in firmware.";
    else
        return true;
    return false;
}

static enum verdict secure_guests(struct host *host, const struct check *check, const char **advice)
{
    if (host->facts & S390)
        return judge(check, secure_ibm(host, advice));
    return judge(check, host->facts & SEV && secure_amd(host, advice));
}

static enum verdict kernel_release(struct host *host, const struct check *check, const char **advice)
{
    struct utsname kernel;
    uint64_t wanted, have;

    if (uname(&kernel) < 0 || !str_eq(kernel.sysname, "Linux"))
        return check->otherwise;
    const char *want = check->argument, *is = kernel.release;

    /* number by number; what follows the digits of a release ("-rc1") says nothing */
    while (str_take_u64(&want, &wanted) == 0) {
        if (str_take_u64(&is, &have) < 0 || have < wanted)
            return check->otherwise;
        if (have > wanted)
            break;
        want += *want == '.';
        is += *is == '.';
    }
    return PASS;
}

/* ---- tables -------------------------------------------------------------------------------------------- */

/* clang-format off */
#define DEVICE(path, otherwise, advice) {"if device " path " exists", device_exists, path, otherwise, advice}
#define CONTROLLER(name, otherwise)                                                                          \
    {"for cgroup '" name "' controller support", controller, name, otherwise,                                \
     "Enable '" name "' in kernel Kconfig file or mount/enable cgroup controller in your system"}
#define NAMESPACE(name, otherwise, advice)                                                                   \
    {"for namespace " name, device_exists, "/proc/self/ns/" name, otherwise, advice}
#define IOMMU(run, path, advice) {"for device assignment IOMMU support", run, path, WARN, advice}
#define NO_TABLE(name)                                                                                       \
    "No ACPI " name " table found, IOMMU either disabled in BIOS or not supported by this hardware platform"

static const struct check qemu_checks[] = {
    {"for hardware virtualization", hardware, NULL, FAIL,
     "Host not compatible with KVM; HW virtualization CPU features not found. Only emulated CPUs are available; "
     "performance will be significantly limited"},
    {"if device /dev/kvm exists", kvm_exists, "/dev/kvm", FAIL,
     "Check that CPU and firmware supports virtualization and kvm module is loaded"},
    {"if device /dev/kvm is accessible", kvm_opens, "/dev/kvm", FAIL,
     "Check /dev/kvm is world writable or you are in a group that is allowed to access it"},
    {"for PowerPC KVM module loaded", kvm_of_power, "kvm_hv", WARN, "Load kvm_hv for better performance"},
    DEVICE("/dev/vhost-net", WARN, "Load the 'vhost_net' module to improve performance of virtio networking"),
    DEVICE("/dev/net/tun", FAIL, "Load the 'tun' module to enable networking for QEMU guests"),
    CONTROLLER("cpu", WARN),
    CONTROLLER("cpuacct", WARN),
    CONTROLLER("cpuset", WARN),
    CONTROLLER("memory", WARN),
    CONTROLLER("devices", WARN),
    CONTROLLER("blkio", WARN),
    IOMMU(iommu_of_intel, "/sys/firmware/acpi/tables/DMAR", NO_TABLE("DMAR")),
    IOMMU(iommu_of_amd, "/sys/firmware/acpi/tables/IVRS", NO_TABLE("IVRS")),
    IOMMU(iommu_of_others, "/sys/bus/pci/devices", "Unknown if this platform has IOMMU support"),
    {"if IOMMU is enabled by kernel", iommu_used, "/sys/kernel/iommu_groups", WARN,
     "IOMMU appears to be disabled in kernel."},
    {"for secure guest support", secure_guests, NULL, WARN, "Unknown if this platform has Secure Guest support"},
    {0},
};

static const struct check lxc_checks[] = {
    {"for Linux >= 2.6.26", kernel_release, "2.6.26", FAIL, "Upgrade to a kernel supporting namespaces"},
    NAMESPACE("ipc", FAIL, "IPC namespace support is required"),
    NAMESPACE("mnt", FAIL, "Mount namespace support is required"),
    NAMESPACE("pid", FAIL, "PID namespace support is required"),
    NAMESPACE("uts", FAIL, "UTS namespace support is required"),
    NAMESPACE("net", WARN, "Network namespace support is recommended"),
    NAMESPACE("user", WARN, "User namespace support is recommended"),
    CONTROLLER("cpu", FAIL),
    CONTROLLER("cpuacct", FAIL),
    CONTROLLER("cpuset", FAIL),
    CONTROLLER("memory", FAIL),
    CONTROLLER("devices", FAIL),
    CONTROLLER("freezer", FAIL),
    CONTROLLER("blkio", FAIL),
    DEVICE("/sys/fs/fuse/connections", FAIL, "Load the 'fuse' module to enable /proc/ overrides"),
    {0},
};
/* clang-format on */

const char *const validate_kinds[] = {"qemu", "lxc", NULL};
static const struct {
    const char *title;
    const struct check *checks;
} kinds[] = {{"QEMU", qemu_checks}, {"LXC", lxc_checks}};

static void tell(const struct validate *validate, const char *title, const struct check *check,
                 enum verdict verdict, const char *advice)
{
    static const char *const words[] = {[PASS] = "PASS", [FAIL] = "FAIL", [WARN] = "WARN"};
    static const char *const colours[] = {[PASS] = "\033[32m", [FAIL] = "\033[31m", [WARN] = "\033[33m"};

    if (validate->quiet)
        return;
    fprintf(validate->out, "%6s: Checking %-60s: %s%s%s", title, check->what,
            validate->colour ? colours[verdict] : "", words[verdict], validate->colour ? "\033[0m" : "");
    if (verdict != PASS)
        fprintf(validate->out, " (%s)", advice);
    fputc('\n', validate->out);
}

bool validate_run(const struct validate *validate, const char *kind)
{
    int index = enum_find(validate_kinds, kind);
    struct host host = {.validate = validate};
    bool fit = true;

    host.facts = facts_of_arch(validate->arch) | facts_of_cpu(&host);
    for (const struct check *check = kinds[index].checks; check->what; check++) {
        const char *advice = check->advice;
        enum verdict verdict = check->run(&host, check, &advice);

        if (verdict != NOT_ASKED)
            tell(validate, kinds[index].title, check, verdict, advice);
        fit = fit && verdict != FAIL;
    }
    return fit;
}

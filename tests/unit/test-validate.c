/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The checks of virt-host-validate, on hosts that are small file trees. */
#include "unit.h"

#include "base/str.h"
#include "tools-user/validate.h"
#include "tree.h"

/* What is printed about a host; the caller frees. */
static char *report(const char *root, const char *arch, const char *kind, bool *ret_fit)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    struct validate validate = {root, arch, out, false, false};

    *ret_fit = validate_run(&validate, kind);
    fclose(out);
    return text;
}

/* Is there a line about `what` that ends like this? */
static bool told(const char *report, const char *what, const char *end)
{
    auto_free char *begin = mem_printf("Checking %s ", what);
    const char *line = strstr(report, begin);

    if (!line)
        return false;
    auto_free char *rest = mem_strndup(line, strcspn(line, "\n"));

    return str_ends(rest, end);
}

START_TEST(nothing_there)
{
    char *root = tree_make();
    bool fit;
    auto_free char *text = report(root, "x86_64", "qemu", &fit);

    ck_assert(!fit);
    ck_assert(strstr(text, "for hardware virtualization                                 : FAIL (Host not"));
    ck_assert(!strstr(text, "/dev/kvm"));
    ck_assert(told(text, "if device /dev/net/tun exists",
                   "FAIL (Load the 'tun' module to enable networking for QEMU guests)"));
    ck_assert(told(text, "for device assignment IOMMU support",
                   "WARN (Unknown if this platform has IOMMU support)"));
    ck_assert(!strstr(text, "if IOMMU is enabled"));
    tree_remove(root);
}
END_TEST

START_TEST(intel)
{
    char *root = tree_make();
    bool fit;

    tree_put(root, "proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vmx sse\n");
    tree_put(root, "proc/mounts",
             "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu,cpuacct 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw "
             "0 0\n");
    tree_put(root, "sys/fs/cgroup/unified/cgroup.controllers", "cpuset io\n");
    tree_put(root, "dev/kvm", "");
    tree_put(root, "dev/net/tun", "");
    tree_put(root, "sys/firmware/acpi/tables/DMAR", "");
    tree_put(root, "sys/kernel/iommu_groups/readme", "");
    auto_free char *text = report(root, "x86_64", "qemu", &fit);

    ck_assert(fit);
    ck_assert(told(text, "for hardware virtualization", ": PASS"));
    ck_assert(told(text, "if device /dev/kvm exists", ": PASS"));
    ck_assert(told(text, "for cgroup 'cpuacct' controller support", ": PASS"));
    ck_assert(told(text, "for cgroup 'blkio' controller support", ": PASS"));
    ck_assert(told(
        text, "for cgroup 'memory' controller support",
        "WARN (Enable 'memory' in kernel Kconfig file or mount/enable cgroup controller in your system)"));
    ck_assert(told(text, "for device assignment IOMMU support", ": PASS"));
    ck_assert(told(text, "if IOMMU is enabled by kernel", "Add intel_iommu=on to kernel cmdline arguments)"));
    tree_put(root, "sys/kernel/iommu_groups/0/type", "");
    auto_free char *again = report(root, "x86_64", "qemu", &fit);

    ck_assert(told(again, "if IOMMU is enabled by kernel", ": PASS"));
    tree_remove(root);
}
END_TEST

/* What AMD's encrypted guests need, step by step. */
START_TEST(amd)
{
    static const char secure[] = "for secure guest support";
    char *root = tree_make();
    bool fit;

    tree_put(root, "proc/cpuinfo", "flags : svm sev\n");
    auto_free char *none = report(root, "x86_64", "qemu", &fit);

    ck_assert(told(none, secure, "not supported by the currently used kernel)"));
    ck_assert(told(none, "for device assignment IOMMU support",
                   "WARN (No ACPI IVRS table found, IOMMU either disabled in BIOS or not supported by this "
                   "hardware platform)"));
    tree_put(root, "sys/module/kvm_amd/parameters/sev", "N\n");
    auto_free char *off = report(root, "x86_64", "qemu", &fit);

    ck_assert(told(off, secure, "Add kvm_amd.sev=1 to the kernel cmdline arguments)"));
    tree_put(root, "sys/module/kvm_amd/parameters/sev", "Y\n");
    auto_free char *on = report(root, "x86_64", "qemu", &fit);

    ck_assert(told(on, secure, "appears to be disabled in firmware.)"));
    tree_put(root, "dev/sev", "");
    auto_free char *whole = report(root, "x86_64", "qemu", &fit);

    ck_assert(told(whole, secure, ": PASS"));
    tree_remove(root);
}
END_TEST

START_TEST(mainframe)
{
    char *root = tree_make();
    bool fit;

    tree_put(root, "proc/cpuinfo", "features : esan3 sie\nfacilities : 0 1 158\n");
    tree_put(root, "proc/cmdline", "root=/dev/dasda1 prot_virt=1\n");
    tree_put(root, "sys/firmware/uv/prot_virt_host", "1\n");
    tree_put(root, "sys/bus/pci/devices/0000:00:00.0/class", "");
    auto_free char *text = report(root, "s390x", "qemu", &fit);

    ck_assert(told(text, "for hardware virtualization", ": PASS"));
    ck_assert(told(text, "for secure guest support", ": PASS"));
    ck_assert(
        told(text, "if IOMMU is enabled by kernel", "WARN (IOMMU capability not compiled into kernel.)"));
    tree_remove(root);
}
END_TEST

START_TEST(containers)
{
    char *root = tree_make();
    bool fit;

    tree_put(root, "proc/self/ns/ipc", "");
    auto_free char *text = report(root, "x86_64", "lxc", &fit);

    ck_assert(!fit);
    ck_assert(told(text, "for Linux >= 2.6.26", ": PASS"));
    ck_assert(told(text, "for namespace ipc", ": PASS"));
    ck_assert(told(text, "for namespace pid", "FAIL (PID namespace support is required)"));
    ck_assert(told(text, "for namespace user", "WARN (User namespace support is recommended)"));
    tree_remove(root);
}
END_TEST

UNIT_MAIN("validate", nothing_there, intel, amd, mainframe, containers)

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * <domainCapabilities>: what a domain on this host with this binary, machine and accelerator may use. The
 * lists of values are one table; whoever teaches the code a new device kind or model adds its row here.
 */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/domcaps.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/enum.h"
#include "base/file.h"
#include "base/str.h"
#include "cpu/demand.h"
#include "loop/work.h"
#include "model/domain/domain.h"
#include "virtqemud/cpu-model.h"
#include "virtqemud/firmware.h"
#include "virtqemud/qemud.h"

typedef const struct domcaps_question Q;

static bool is_x86(Q *q)
{
    return str_eq(q->caps->arch, "x86_64") || str_eq(q->caps->arch, "i686");
}

static bool machine_begins(Q *q, const char *prefix)
{
    return str_after(q->machine->name, prefix) != NULL;
}

/* Machines with an IDE controller of their own. */
static bool has_ide(Q *q)
{
    return machine_begins(q, "pc-i440fx") || str_eq(q->machine->name, "pc") ||
           str_eq(q->machine->name, "malta") || str_eq(q->machine->name, "g3beige") ||
           str_eq(q->machine->name, "mac99");
}

static bool has_usb(Q *q)
{
    return qemu_caps_has(q->caps, QEMU_CAP_DEVICE_PIIX3_UHCI) ||
           qemu_caps_has(q->caps, QEMU_CAP_DEVICE_USB_EHCI) ||
           qemu_caps_has(q->caps, QEMU_CAP_DEVICE_QEMU_XHCI);
}

/* The host can give devices to guests: an IOMMU with groups, and VFIO. */
static bool has_vfio(Q *q)
{
    return qemu_caps_has(q->caps, QEMU_CAP_DEVICE_VFIO_PCI) && access("/dev/vfio/vfio", F_OK) == 0 &&
           access("/sys/kernel/iommu_groups/0", F_OK) == 0;
}

static bool has_genid(Q *q)
{
    return qemu_caps_has(q->caps, QEMU_CAP_DEVICE_VMGENID);
}

enum { ANY = -1 }; /* instead of a flag: always, or as `when` says */

/* A section of the document, in order. */
/* clang-format off */
static const struct section {
    const char *name;
    int cap;
} sections[] = {
    {"disk", ANY},     {"graphics", ANY}, {"video", ANY}, {"hostdev", ANY}, {"rng", QEMU_CAP_DEVICE_VIRTIO_RNG},
    {"filesystem", ANY}, {"tpm", ANY},    {"redirdev", QEMU_CAP_DEVICE_USB_REDIR}, {"channel", ANY},
};
/* clang-format on */

/* A value of an enum of a section; value NULL: the enum is there, if need be empty. Rows of one enum stand
 * together. */
/* clang-format off */
static const struct value {
    const char *section, *list, *value;
    int cap;
    bool (*when)(Q *q);
} values[] = {
    {"disk", "diskDevice", "disk", ANY, NULL},
    {"disk", "diskDevice", "cdrom", ANY, NULL},
    {"disk", "diskDevice", "floppy", ANY, NULL},
    {"disk", "diskDevice", "lun", ANY, NULL},
    {"disk", "bus", "ide", ANY, has_ide},
    {"disk", "bus", "fdc", ANY, is_x86},
    {"disk", "bus", "scsi", ANY, NULL},
    {"disk", "bus", "virtio", ANY, NULL},
    {"disk", "bus", "usb", QEMU_CAP_DEVICE_USB_STORAGE, has_usb},
    {"disk", "bus", "sata", QEMU_CAP_DEVICE_ICH9_AHCI, NULL},
    {"disk", "model", "virtio", ANY, NULL},
    {"disk", "model", "virtio-transitional", QEMU_CAP_VIRTIO_NON_TRANSITIONAL, NULL},
    {"disk", "model", "virtio-non-transitional", QEMU_CAP_VIRTIO_NON_TRANSITIONAL, NULL},
    {"graphics", "type", NULL, ANY, NULL},
    {"graphics", "type", "sdl", QEMU_CAP_SDL, NULL},
    {"graphics", "type", "vnc", QEMU_CAP_VNC, NULL},
    {"graphics", "type", "spice", QEMU_CAP_SPICE, NULL},
    {"graphics", "type", "egl-headless", QEMU_CAP_EGL_HEADLESS, NULL},
    {"graphics", "type", "dbus", QEMU_CAP_DISPLAY_DBUS, NULL},
    {"video", "modelType", "vga", QEMU_CAP_DEVICE_VGA, NULL},
    {"video", "modelType", "cirrus", QEMU_CAP_DEVICE_CIRRUS_VGA, NULL},
    {"video", "modelType", "vmvga", QEMU_CAP_DEVICE_VMWARE_SVGA, NULL},
    {"video", "modelType", "qxl", QEMU_CAP_DEVICE_QXL, NULL},
    {"video", "modelType", "virtio", QEMU_CAP_DEVICE_VIRTIO_GPU, NULL},
    {"video", "modelType", "none", ANY, NULL},
    {"video", "modelType", "bochs", QEMU_CAP_DEVICE_BOCHS_DISPLAY, NULL},
    {"video", "modelType", "ramfb", QEMU_CAP_DEVICE_RAMFB, NULL},
    {"hostdev", "mode", "subsystem", ANY, NULL},
    {"hostdev", "startupPolicy", "default", ANY, NULL},
    {"hostdev", "startupPolicy", "mandatory", ANY, NULL},
    {"hostdev", "startupPolicy", "requisite", ANY, NULL},
    {"hostdev", "startupPolicy", "optional", ANY, NULL},
    {"hostdev", "subsysType", "usb", QEMU_CAP_DEVICE_USB_HOST, NULL},
    {"hostdev", "subsysType", "pci", ANY, NULL},
    {"hostdev", "subsysType", "scsi", QEMU_CAP_DEVICE_VIRTIO_SCSI, NULL},
    {"hostdev", "capsType", NULL, ANY, NULL},
    {"hostdev", "pciBackend", NULL, ANY, NULL},
    {"hostdev", "pciBackend", "default", ANY, has_vfio},
    {"hostdev", "pciBackend", "vfio", ANY, has_vfio},
    {"rng", "model", "virtio", ANY, NULL},
    {"rng", "model", "virtio-transitional", QEMU_CAP_VIRTIO_NON_TRANSITIONAL, NULL},
    {"rng", "model", "virtio-non-transitional", QEMU_CAP_VIRTIO_NON_TRANSITIONAL, NULL},
    {"rng", "backendModel", "random", QEMU_CAP_RNG_RANDOM, NULL},
    {"rng", "backendModel", "egd", QEMU_CAP_RNG_EGD, NULL},
    {"rng", "backendModel", "builtin", QEMU_CAP_RNG_BUILTIN, NULL},
    {"filesystem", "driverType", "path", ANY, NULL},
    {"filesystem", "driverType", "handle", ANY, NULL},
    {"filesystem", "driverType", "virtiofs", QEMU_CAP_DEVICE_VHOST_USER_FS, NULL},
    {"tpm", "model", "tpm-tis", QEMU_CAP_DEVICE_TPM_TIS, NULL},
    {"tpm", "model", "tpm-crb", QEMU_CAP_DEVICE_TPM_CRB, NULL},
    {"tpm", "model", "tpm-spapr", QEMU_CAP_DEVICE_TPM_SPAPR, NULL},
    {"tpm", "backendModel", "passthrough", QEMU_CAP_TPM_PASSTHROUGH, NULL},
    {"tpm", "backendModel", "emulator", QEMU_CAP_TPM_EMULATOR, NULL},
    {"tpm", "backendModel", "external", QEMU_CAP_TPM_EMULATOR, NULL},
    {"redirdev", "bus", "usb", ANY, NULL},
    {"channel", "type", "pty", ANY, NULL},
    {"channel", "type", "unix", ANY, NULL},
    {"channel", "type", "spicevmc", QEMU_CAP_SPICE, NULL},
};
/* clang-format on */

/* An open <enum>; closed when another begins. */
struct list {
    struct buf *xml;
    const char *name;
    int indent;
    bool filled;
};

static void list_end(struct list *list)
{
    if (list->name && list->filled)
        buf_printf(list->xml, "%*s</enum>\n", list->indent, "");
    else if (list->name)
        buf_add_string(list->xml, "/>\n");
    list->name = NULL;
}

static void list_begin(struct list *list, const char *name)
{
    list_end(list);
    list->name = name;
    list->filled = false;
    buf_printf(list->xml, "%*s<enum name='%s'", list->indent, "", name);
}

static void list_add(struct list *list, const char *value)
{
    if (!list->filled)
        buf_add_string(list->xml, ">\n");
    list->filled = true;
    buf_printf(list->xml, "%*s<value>%s</value>\n", list->indent + 2, "", value);
}

/* An enum whose values are known here, NULL-terminated. */
static void format_list(struct buf *xml, int indent, const char *name, const char *const *words)
{
    struct list list = {.xml = xml, .indent = indent};

    list_begin(&list, name);
    for (; *words; words++)
        list_add(&list, *words);
    list_end(&list);
}

static const char *const words_on_off[] = {"on", "off", NULL}, *const words_off[] = {"off", NULL};
static const char *const words_yes_no[] = {"yes", "no", NULL}, *const words_no[] = {"no", NULL};

/* Which TPM versions the installed swtpm can be; asked once per binary. */
static unsigned tpm_versions(struct req *rq)
{
    static struct timespec asked;
    static unsigned versions;
    struct stat st;
    auto_buf struct buf out = {0};

    if (stat("/usr/bin/swtpm_setup", &st) < 0 || access("/usr/bin/swtpm", X_OK) < 0)
        return 0;
    if (asked.tv_sec == st.st_ctim.tv_sec && asked.tv_nsec == st.st_ctim.tv_nsec)
        return versions;
    const char *const argv[] = {"/usr/bin/swtpm_setup", "--print-capabilities", NULL};

    if (child_check(rq, &(struct child_spec){.argv = argv}, SECONDS(10), &out) < 0) {
        err_clear(&rq->err); /* no emulator that works is a fact, not a failure */
        return 0;
    }
    versions =
        (strstr(buf_text(&out), "\"tpm-1.2\"") ? 1 : 0) | (strstr(buf_text(&out), "\"tpm-2.0\"") ? 2 : 0);
    asked = st.st_ctim;
    return versions;
}

static bool applies(Q *q, const struct value *row)
{
    return row->value && (row->cap == ANY || qemu_caps_has(q->caps, (enum qemu_cap)row->cap)) &&
           (!row->when || row->when(q));
}

static bool section_filled(Q *q, const struct section *section)
{
    if (section->cap != ANY)
        return qemu_caps_has(q->caps, (enum qemu_cap)section->cap);
    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        if (str_eq(values[i].section, section->name) && applies(q, &values[i]))
            return true;
    return false;
}

static void format_section(struct req *rq, Q *q, const struct section *section, struct buf *xml)
{
    struct list list = {.xml = xml, .indent = 6};

    if (!section_filled(q, section)) {
        buf_printf(xml, "    <%s supported='no'/>\n", section->name);
        return;
    }
    buf_printf(xml, "    <%s supported='yes'>\n", section->name);
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        if (!str_eq(values[i].section, section->name))
            continue;
        if (!str_eq(list.name, values[i].list))
            list_begin(&list, values[i].list);
        if (applies(q, &values[i]))
            list_add(&list, values[i].value);
    }
    unsigned versions =
        str_eq(section->name, "tpm") && qemu_caps_has(q->caps, QEMU_CAP_TPM_EMULATOR) ? tpm_versions(rq) : 0;

    if (versions) {
        list_begin(&list, "backendVersion");
        if (versions & 1)
            list_add(&list, "1.2");
        if (versions & 2)
            list_add(&list, "2.0");
    }
    list_end(&list);
    buf_printf(xml, "    </%s>\n", section->name);
}

/* Where no descriptor speaks of a machine: the images of the common packages. */
static void format_common_images(Q *q, struct buf *xml)
{
    static const char *const images[] = {
        "/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_CODE.secboot.fd",
        "/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF32_CODE.fd"};

    for (size_t i = 0; i < ARRAY_SIZE(images); i++)
        if (!!strstr(images[i], "OVMF/") == is_x86(q) && file_exists(images[i]))
            buf_printf(xml, "      <value>%s</value>\n", images[i]);
}

static void format_os(struct req *rq, Q *q, struct buf *xml)
{
    static const char *const types[] = {"rom", "pflash", NULL};
    struct list list = {.xml = xml, .indent = 4};
    struct firmwares firmwares;
    unsigned interfaces = 0;
    bool secure = false;

    firmwares_read(&rq->arena, firmware_dirs(&rq->arena, qemud.privileged), &firmwares);
    buf_add_string(xml, "  <os supported='yes'>\n");
    for (size_t i = 0; i < firmwares.count; i++)
        if (firmware_fits(&firmwares.list[i], q->arch, q->machine->name))
            interfaces |= firmwares.list[i].interfaces;
    list_begin(&list, "firmware");
    if (interfaces & 1u << FW_BIOS)
        list_add(&list, "bios");
    if (interfaces & 1u << FW_UEFI)
        list_add(&list, "efi");
    list_end(&list);
    buf_add_string(xml, "    <loader supported='yes'>\n");
    if (!interfaces)
        format_common_images(q, xml);
    for (size_t i = 0; i < firmwares.count; i++) {
        const struct firmware *firmware = &firmwares.list[i];
        bool known = false;

        if (!firmware_fits(firmware, q->arch, q->machine->name) || !file_exists(firmware->path))
            continue;
        for (size_t k = 0; k < i; k++)
            known |= str_eq(firmwares.list[k].path, firmware->path);
        if (!known) {
            buf_add_string(xml, "      <value>");
            buf_add_xml(xml, firmware->path);
            buf_add_string(xml, "</value>\n");
        }
        secure |= (firmware->features >> FW_SECURE & 1) && (firmware->features >> FW_REQUIRES_SMM & 1);
    }
    format_list(xml, 6, "type", types);
    format_list(xml, 6, "readonly", words_yes_no);
    format_list(xml, 6, "secure", secure ? words_yes_no : words_no);
    buf_add_string(xml, "    </loader>\n  </os>\n");
}

static void format_models(Q *q, struct buf *xml)
{
    const struct qemu_accel_caps *accel = &q->caps->accel[q->accel];
    bool any = false;

    for (size_t i = 0; i < accel->cpu_count; i++) {
        const struct qemu_cpu_model *cpu = &accel->cpus[i];
        const struct x86_model *model = is_x86(q) ? x86_model_find(cpu->name) : NULL;

        if (is_x86(q) ? !model : str_eq(cpu->name, "host") || str_eq(cpu->name, "max"))
            continue; /* users name models in our words */
        if (!any)
            buf_add_string(xml, "    <mode name='custom' supported='yes'>\n");
        any = true;
        buf_printf(xml, "      <model usable='%s'", is_x86(q) ? cpu->usable ? "yes" : "no" : "unknown");
        if (cpu->deprecated)
            buf_add_string(xml, " deprecated='yes'");
        if (is_x86(q))
            buf_printf(xml, " vendor='%s'", model->vendor ? model->vendor : "unknown");
        buf_printf(xml, ">%s</model>\n", cpu->name);
    }
    buf_add_string(xml, any ? "    </mode>\n" : "    <mode name='custom' supported='no'/>\n");
}

static void format_cpu(Q *q, struct buf *xml)
{
    bool migratable = qemu_caps_has(q->caps, QEMU_CAP_CPU_MIGRATABLE), max = false;
    const struct qemu_accel_caps *accel = &q->caps->accel[q->accel];
    struct x86_choice choice;
    struct x86_cpu cpu;

    for (size_t i = 0; i < accel->cpu_count; i++)
        max |= str_eq(accel->cpus[i].name, "max");
    buf_add_string(xml, "  <cpu>\n");
    if (q->accel == QEMU_ACCEL_KVM) {
        buf_add_string(xml, "    <mode name='host-passthrough' supported='yes'>\n");
        format_list(xml, 6, "hostPassthroughMigratable", migratable ? words_on_off : words_off);
        buf_add_string(xml, "    </mode>\n");
    } else {
        buf_add_string(xml, "    <mode name='host-passthrough' supported='no'/>\n");
    }
    if (max) {
        buf_add_string(xml, "    <mode name='maximum' supported='yes'>\n");
        format_list(xml, 6, "maximumMigratable", words_on_off);
        buf_add_string(xml, "    </mode>\n");
    } else {
        buf_add_string(xml, "    <mode name='maximum' supported='no'/>\n");
    }
    if (is_x86(q) && cpu_host_model(q->caps, q->accel, /* migratable: */ false, &cpu, &choice)) {
        buf_printf(
            xml, "    <mode name='host-model' supported='yes'>\n      <model fallback='forbid'>%s</model>\n",
            choice.model->name);
        if (cpu.vendor)
            buf_printf(xml, "      <vendor>%s</vendor>\n", cpu.vendor);
        cpu_format_features(&choice, false, 6, xml);
        buf_add_string(xml, "    </mode>\n");
    } else {
        buf_add_string(xml, "    <mode name='host-model' supported='no'/>\n");
    }
    format_models(q, xml);
    buf_add_string(xml, "  </cpu>\n");
}

static void format_features(Q *q, struct buf *xml)
{
    const struct {
        const char *name;
        bool supported;
    } rows[] = {
        {"gic", false}, /* of Arm machines; their versions aren't asked for yet */
        {"vmcoreinfo", qemu_caps_has(q->caps, QEMU_CAP_DEVICE_VMCOREINFO)},
        {"genid", has_genid(q)},
        {"backingStoreInput", true},
        {"backup", qemu_caps_has(q->caps, QEMU_CAP_BACKUP)},
        {"sev", false}, /* launch security isn't built yet */
        {"sgx", false},
    };
    struct list list = {.xml = xml, .indent = 6};

    buf_add_string(xml, "  <features>\n");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        buf_printf(xml, "    <%s supported='%s'/>\n", rows[i].name, rows[i].supported ? "yes" : "no");
    if (q->caps->hyperv) {
        buf_add_string(xml, "    <hyperv supported='yes'>\n");
        list_begin(&list, "features");
        for (int i = 0; qemu_hyperv_names[i]; i++)
            if (q->caps->hyperv >> i & 1)
                list_add(&list, qemu_hyperv_names[i]);
        list_end(&list);
        buf_add_string(xml, "    </hyperv>\n");
    }
    buf_add_string(xml, "  </features>\n");
}

void domcaps_format(struct req *rq, Q *q, struct buf *xml)
{
    struct list list = {.xml = xml, .indent = 4};

    buf_add_string(xml, "<domainCapabilities>\n  <path>");
    buf_add_xml(xml, q->caps->binary);
    buf_printf(xml, "</path>\n  <domain>%s</domain>\n  <machine>%s</machine>\n  <arch>%s</arch>\n",
               qemu_accel_domain_type[q->accel], q->machine->name, q->arch);
    buf_printf(xml, "  <vcpu max='%u'/>\n  <iothreads supported='yes'/>\n", q->machine->max_cpus);
    format_os(rq, q, xml);
    format_cpu(q, xml);
    buf_add_string(xml, "  <memoryBacking supported='yes'>\n");
    list_begin(&list, "sourceType");
    list_add(&list, "file");
    list_add(&list, "anonymous");
    if (qemu_caps_has(q->caps, QEMU_CAP_MEMORY_BACKEND_MEMFD))
        list_add(&list, "memfd");
    list_end(&list);
    buf_add_string(xml, "  </memoryBacking>\n  <devices>\n");
    for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
        format_section(rq, q, &sections[i], xml);
    buf_add_string(xml, "  </devices>\n");
    format_features(q, xml);
    buf_add_string(xml, "</domainCapabilities>\n");
}

/* An accelerator that this binary doesn't have, or can't use here. */
static int no_accel(struct req *rq, const struct qemu_caps *caps, const char *virt, const char *why)
{
    return err_set(&rq->err, ERR_INVALID_ARG, "Emulator '%s' does not support virt type '%s'%s%s",
                   caps->binary, virt, why ? ": " : "", why ? why : "");
}

static int resolve_accel(struct req *rq, const char *virt, const struct qemu_caps *caps, enum qemu_accel *ret)
{
    bool kvm = caps->accel[QEMU_ACCEL_KVM].supported, tcg = caps->accel[QEMU_ACCEL_TCG].supported;

    if (!virt) {
        *ret = kvm ? QEMU_ACCEL_KVM : QEMU_ACCEL_TCG;
        return 0;
    }
    int accel = enum_find(qemu_accel_domain_type, virt);

    if (accel < 0 || (accel == QEMU_ACCEL_TCG && !tcg))
        return no_accel(rq, caps, virt, NULL);
    if (accel == QEMU_ACCEL_KVM && !kvm)
        return no_accel(rq, caps, virt, kvm_verdict_get(rq)->why_not);
    *ret = (enum qemu_accel)accel;
    return 0;
}

int domcaps_resolve(struct req *rq, const char *binary, const char *arch, const char *machine,
                    const char *virt, const struct qemu_caps **ret_caps, struct domcaps_question *ret)
{
    auto_caps const struct qemu_caps *caps = NULL;
    struct domcaps_question question = {0};

    if (virt && enum_find(domain_virt_names, virt) < 0)
        return err_set(&rq->err, ERR_INVALID_ARG, "unknown virttype: %s", virt);
    if (arch && !qemu_arch_bits(arch))
        return err_set(&rq->err, ERR_INVALID_ARG, "unknown architecture: %s", arch);
    if (!binary) {
        binary = qemu_binary_find(&rq->arena, arch ? arch : qemu_host_arch());
        if (!binary)
            return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED,
                           "unable to find any emulator to serve '%s' architecture",
                           arch ? arch : qemu_host_arch());
    }
    if (qemu_caps_get(rq, binary, &caps) < 0)
        return -1;
    if (arch && !qemu_caps_runs(caps, arch))
        return err_set(&rq->err, ERR_INVALID_ARG, "Emulator '%s' does not support arch '%s'", caps->binary,
                       arch);
    if (resolve_accel(rq, virt, caps, &question.accel) < 0)
        return -1;
    question.machine = qemu_caps_machine(caps, machine);
    if (!question.machine && machine)
        return err_set(&rq->err, ERR_INVALID_ARG, "the machine '%s' is not supported by emulator '%s'",
                       machine, caps->binary);
    if (!question.machine)
        question.machine = &caps->machines[0]; /* architectures without a default */
    question.caps = caps;
    question.arch = arena_strdup(&rq->arena, arch ? arch : caps->arch);
    *ret_caps = TAKE(caps);
    *ret = question;
    return 0;
}

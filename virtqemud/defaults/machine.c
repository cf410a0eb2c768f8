/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Machine: emulator, machine type and CPU of a definition, and the devices that they imply. */
#define ERR_FROM ERR_FROM_QEMU

#include "base/str.h"
#include "virtqemud/defaults/defaults.h"

/* ---- emulator, machine, CPU ---- */

static void default_cpu(struct defaults *defaults, const struct qemu_machine *machine)
{
    struct domain *domain = defaults->domain;
    const char *type = machine ? machine->default_cpu : NULL;
    struct cpu *cpu = domain->cpu;
    static const char *const suffixes[] = {"-x86_64-cpu", "-i386-cpu"};
    size_t length;

    if (!type || (cpu && (cpu->mode || cpu->model)))
        return;
    length = strlen(type);
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
        if (str_ends(type, suffixes[i]))
            length -= strlen(suffixes[i]);
    if (!type[length])
        return;
    if (!cpu)
        cpu = domain->cpu = ARENA_NEW(defaults->arena, struct cpu);
    cpu->mode = CPU_CUSTOM;
    cpu->match = CPU_EXACT;
    cpu->check = CPU_CHECK_NONE;
    cpu->fallback = CPU_FALLBACK_FORBID;
    cpu->model = arena_strndup(defaults->arena, type, length);
}

/* A guest with the host's own CPU may move, unless it was promised a clock that can't. */
static void default_migratable(struct defaults *defaults)
{
    struct cpu *cpu = defaults->domain->cpu;

    if (!cpu || cpu->mode != CPU_HOST_PASSTHROUGH || cpu->migratable ||
        !defaults_can(defaults, QEMU_CAP_CPU_MIGRATABLE))
        return;
    cpu->migratable = TRI_YES;
    for (size_t i = 0; i < cpu->n_features; i++)
        if (str_eq(cpu->features[i]->name, "invtsc") && cpu->features[i]->policy == CPU_REQUIRE)
            cpu->migratable = TRI_NO;
}

/* vCPUs that are in no NUMA cell belong to the first. */
static void fill_first_cell(const struct domain *domain, struct arena *arena)
{
    const struct cpu *cpu = domain->cpu;
    struct bitmap placed = {.arena = arena};

    for (size_t i = 0; i < cpu->n_cells; i++)
        if (cpu->cells[i]->cpus)
            bitmap_or(&placed, cpu->cells[i]->cpus);
    for (uint32_t id = 0; id < domain->vcpus.max; id++) {
        if (bitmap_get(&placed, id))
            continue;
        if (!cpu->cells[0]->cpus)
            cpu->cells[0]->cpus = ARENA_NEW(arena, struct bitmap);
        cpu->cells[0]->cpus->arena = arena;
        bitmap_set(cpu->cells[0]->cpus, id);
    }
}

int defaults_machine(struct defaults *defaults)
{
    struct domain *domain = defaults->domain;
    const struct qemu_caps *caps = defaults->caps;
    const struct qemu_machine *machine = NULL;

    if (!domain->os.arch)
        domain->os.arch = arena_strdup(defaults->arena, caps ? caps->arch : qemu_host_arch());
    if (!domain->devices.emulator)
        domain->devices.emulator = caps ? arena_strdup(defaults->arena, caps->binary)
                                        : (char *)qemu_binary_find(defaults->arena, domain->os.arch);
    if (caps)
        machine = qemu_caps_machine(caps, domain->os.machine);
    /* an alias means something else after an upgrade: the definition keeps today's meaning */
    if (machine)
        domain->os.machine = arena_strdup(defaults->arena, machine->name);
    else if (!domain->os.machine && arch_is_x86(domain->os.arch))
        domain->os.machine = arena_strdup(defaults->arena, "pc");
    defaults->chipset = chipset_of(&domain->os);
    default_cpu(defaults, machine);
    cpu_default_check(domain->cpu, domain->virt == VIRT_QEMU, arch_is_x86(domain->os.arch));
    default_migratable(defaults);
    if (domain->cpu && domain->cpu->n_cells)
        fill_first_cell(domain, defaults->arena);
    return 0;
}

/* ---- implied devices ---- */

static bool has_controller(const struct defaults *defaults, enum controller_type type)
{
    for (size_t i = 0; i < defaults->devices->n_controllers; i++)
        if (defaults->devices->controllers[i]->type == type)
            return true;
    return false;
}

static void need(struct defaults *defaults, enum controller_type type, enum controller_model model)
{
    if (!devices_controller(defaults->devices, type, 0))
        devices_add_controller(defaults->devices, defaults->arena, type, 0, model);
}

static void usb_controller(struct defaults *defaults)
{
    struct devices *devices = defaults->devices;

    if (has_controller(defaults, CONTROLLER_USB))
        return;
    if (defaults->chipset == CHIPSET_I440FX) {
        need(defaults, CONTROLLER_USB, CMODEL_UNSET);
        return;
    }
    if (!defaults->caps)
        return;
    if (qemu_caps_has(defaults->caps, QEMU_CAP_DEVICE_QEMU_XHCI)) {
        need(defaults, CONTROLLER_USB, CMODEL_USB_QEMU_XHCI);
    } else if (qemu_caps_has(defaults->caps, QEMU_CAP_DEVICE_NEC_XHCI)) {
        need(defaults, CONTROLLER_USB, CMODEL_USB_NEC_XHCI);
    } else if (qemu_caps_has(defaults->caps, QEMU_CAP_DEVICE_ICH9_EHCI)) {
        /* a USB 2 controller and its three companions for slow devices, two ports each */
        devices_add_controller(devices, defaults->arena, CONTROLLER_USB, 0, CMODEL_USB_ICH9_EHCI1);
        for (uint32_t i = 0; i < 3; i++) {
            struct controller *companion = devices_add_controller(devices, defaults->arena, CONTROLLER_USB, 0,
                                                                  CMODEL_USB_ICH9_UHCI1 + i);
            companion->info.master_port = (struct opt_u32){2 * i, true};
        }
    }
}

static void add_input(struct defaults *defaults, enum input_type type, enum input_bus bus)
{
    struct devices *devices = defaults->devices;
    struct input *input;

    for (size_t i = 0; i < devices->n_inputs; i++)
        if (devices->inputs[i]->type == type && devices->inputs[i]->bus == bus)
            return;
    input = ARENA_NEW(defaults->arena, struct input);
    input->type = type;
    input->bus = bus;
    DEVICE_ADD(defaults->arena, devices, inputs, input);
}

enum audio_type defaults_audio_type(const struct devices *devices)
{
    /* where the sound of a display goes; one that the user sees on this host has no default */
    static const uint8_t of_graphics[GRAPHICS_TYPE_MAX] = {
        [GRAPHICS_VNC] = AUDIO_NONE,
        [GRAPHICS_SPICE] = AUDIO_SPICE,
        [GRAPHICS_DBUS] = AUDIO_DBUS,
    };
    enum audio_type type = devices->n_graphics ? AUDIO_UNSET : AUDIO_NONE;

    for (size_t i = 0; i < devices->n_graphics && !type; i++)
        type = of_graphics[devices->graphics[i]->type];
    return type;
}

static void default_audio(struct defaults *defaults)
{
    struct devices *devices = defaults->devices;
    enum audio_type type = defaults_audio_type(devices);
    struct audio *audio;

    if (devices->n_audios || !type)
        return;
    audio = ARENA_NEW(defaults->arena, struct audio);
    audio->id = 1;
    audio->type = type;
    DEVICE_ADD(defaults->arena, devices, audios, audio);
}

static void default_video(struct defaults *defaults)
{
    struct devices *devices = defaults->devices;
    struct video *video;

    if (!devices->n_graphics || devices->n_videos)
        return;
    video = ARENA_NEW(defaults->arena, struct video);
    video->heads = 1;
    video->primary = TRI_YES;
    DEVICE_ADD(defaults->arena, devices, videos, video);
}

int defaults_devices(struct defaults *defaults)
{
    struct devices *devices = defaults->devices;

    switch (defaults->chipset) {
    case CHIPSET_I440FX:
        usb_controller(defaults);
        need(defaults, CONTROLLER_PCI, CMODEL_PCI_ROOT);
        break;
    case CHIPSET_Q35:
        usb_controller(defaults);
        need(defaults, CONTROLLER_SATA, CMODEL_UNSET);
        need(defaults, CONTROLLER_PCI, CMODEL_PCIE_ROOT);
        break;
    case CHIPSET_ISA:
    case CHIPSET_OTHER:
        break;
    }
    if (defaults->chipset == CHIPSET_I440FX || defaults->chipset == CHIPSET_Q35) {
        const struct controller *root = devices_controller(devices, CONTROLLER_PCI, 0);
        enum controller_model wanted = defaults->chipset == CHIPSET_Q35 ? CMODEL_PCIE_ROOT : CMODEL_PCI_ROOT;

        if (root->model != wanted) {
            err_set(
                defaults->err, ERR_XML_ERROR,
                "The PCI controller with index='0' must be model='%s' for this machine type, but model='%s' "
                "was found instead",
                controller_model_names[wanted], controller_model_names[root->model]);
            return xt_add_place(defaults->err, &root->info.place);
        }
    }
    if (defaults->chipset && !devices->balloon) {
        devices->balloon = ARENA_NEW(defaults->arena, struct balloon);
        devices->balloon->model = BALLOON_VIRTIO;
    }
    if (arch_is_x86(defaults->domain->os.arch) && defaults->domain->features.ps2 != TRI_NO) {
        add_input(defaults, INPUT_MOUSE, INPUT_BUS_PS2);
        add_input(defaults, INPUT_KEYBOARD, INPUT_BUS_PS2);
    }
    default_audio(defaults);
    default_video(defaults);
    devices_add_implicit_controllers(devices, defaults->arena);
    return 0;
}

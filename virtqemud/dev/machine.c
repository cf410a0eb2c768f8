/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Machine: what QEMU is told before any device: type, accelerator, processors, clock, identity. */
#define ERR_FROM ERR_FROM_QEMU

#include "base/str.h"

#include <inttypes.h>
#include <time.h>

#include "virtqemud/defaults/defaults.h"
#include "virtqemud/dev/ram.h"

/* ---- -machine ---- */

static void machine_switch(struct buf *option, const char *name, enum tristate value)
{
    if (value)
        buf_printf(option, ",%s=%s", name, value == TRI_YES ? "on" : "off");
}

static bool has_model(const struct domain *domain, enum memdev_model model)
{
    for (size_t i = 0; i < domain->devices.n_memdevs; i++)
        if (domain->devices.memdevs[i]->model == model)
            return true;
    return false;
}

/* One backend is the whole main memory, unless cells have theirs. */
static const char *main_memory(const struct build *build)
{
    const struct qemu_machine *machine = qemu_caps_machine(build->caps, build->domain->os.machine);

    if (build->domain->cpu && build->domain->cpu->n_cells)
        return NULL;
    return machine ? machine->default_ram : NULL;
}

static int machine_option(struct build *build, struct err *err)
{
    const struct domain *domain = build->domain;
    const struct features *features = &domain->features;
    const struct timer *hpet = clock_timer(&domain->clock, TIMER_HPET);
    auto_buf struct buf option = {0};

    option_value(&option, domain->os.machine);
    buf_add_string(&option, ",usb=off");
    machine_switch(&option, "vmport", features->vmport);
    machine_switch(&option, "smm", features->smm);
    if (features->ioapic == IOAPIC_QEMU)
        buf_add_string(&option, ",kernel_irqchip=split");
    else if (features->ioapic == IOAPIC_KVM)
        buf_add_string(&option, ",kernel_irqchip=on");
    buf_printf(&option, ",dump-guest-core=%s", domain->memory.dump_core == TRI_YES ? "on" : "off");
    if (has_model(domain, MEMDEV_NVDIMM))
        buf_add_string(&option, ",nvdimm=on");
    if (main_memory(build))
        buf_printf(&option, ",memory-backend=%s", main_memory(build));
    if (chipset_of(&domain->os)) {
        if (features->acpi != true)
            buf_add_string(&option, ",acpi=off");
        if (hpet && hpet->present)
            machine_switch(&option, "hpet", hpet->present);
        machine_switch(&option, "i8042", features->ps2);
        for (size_t i = 0; i < domain->devices.n_sounds; i++)
            if (domain->devices.sounds[i]->model == SOUND_PCSPK && domain->devices.n_audios)
                buf_printf(&option, ",pcspk-audiodev=audio%u", domain->devices.audios[0]->id);
    }
    if (domain->os.loader && domain->os.loader->type == LOADER_PFLASH) {
        buf_add_string(&option, ",pflash0=libvirt-pflash0-format");
        if (domain->os.nvram)
            buf_add_string(&option, ",pflash1=libvirt-pflash1-format");
    }
    if (domain->os.bios_serial == TRI_YES) /* the firmware speaks on the serial line then */
        buf_add_string(&option, ",graphics=off");
    build_arg(build, "-machine", buf_text(&option));
    if (domain->launch)
        return err_set(err, ERR_NO_SUPPORT, "confidential guests (<launchSecurity>)");
    return 0;
}

static int accel_option(struct build *build, struct err *err)
{
    const struct features *features = &build->domain->features;

    switch (build->domain->virt) {
    case VIRT_KVM:
        if (features->kvm && features->kvm->dirty_ring == TRI_YES)
            build_argf(build, "-accel", "kvm,dirty-ring-size=%u", features->kvm->dirty_ring_size);
        else
            build_arg(build, "-accel", "kvm");
        return 0;
    case VIRT_QEMU:
        if (features->tb_cache.set)
            build_argf(build, "-accel", "tcg,tb-size=%" PRIu64, features->tb_cache.value / 1024);
        else
            build_arg(build, "-accel", "tcg");
        return 0;
    default:
        return err_set(err, ERR_INTERNAL_ERROR, "the QEMU binary does not support %s",
                       domain_virt_names[build->domain->virt]);
    }
}

/* ---- memory ---- */

static void numa_distances(struct build *build, const struct cpu *cpu)
{
    for (size_t i = 0; i < cpu->n_cells; i++)
        for (size_t j = 0; j < cpu->cells[i]->n_distances; j++) {
            const struct numa_distance *distance = cpu->cells[i]->distances[j];

            if (distance->value)
                build_argf(build, "-numa", "dist,src=%zu,dst=%u,val=%u", i, distance->id.value,
                           distance->value);
        }
}

static int numa_cells(struct build *build, struct err *err)
{
    const struct cpu *cpu = build->domain->cpu;

    for (size_t i = 0; cpu && i < cpu->n_cells; i++) {
        const struct numa_cell *cell = cpu->cells[i];
        auto_buf struct buf option = {0}, cpus = {0};
        const struct ram ram = {.id = arena_printf(build->arena, "ram-node%zu", i),
                                .size = cell->memory,
                                .access = cell->access,
                                .discard = cell->discard,
                                .cell = (int)i};

        if (cell->memory && build_ram(build, &ram, err) < 0)
            return -1;
        buf_printf(&option, "node,nodeid=%zu", i);
        if (cell->cpus) {
            bitmap_format(cell->cpus, &cpus);
            for (char *save = NULL, *range = strtok_r(cpus.length ? cpus.data : (char *)"", ",", &save);
                 range; range = strtok_r(NULL, ",", &save))
                buf_printf(&option, ",cpus=%s", range);
        }
        if (cell->memory)
            buf_printf(&option, ",memdev=%s", ram.id);
        build_arg(build, "-numa", buf_text(&option));
    }
    if (cpu)
        numa_distances(build, cpu);
    return 0;
}

/* What the modules hold is part of <memory>, but not of the machine's own. */
static uint64_t base_memory(const struct domain *domain)
{
    uint64_t size = domain->memory.total;

    for (size_t i = 0; i < domain->devices.n_memdevs; i++)
        if (domain->devices.memdevs[i]->size <= size)
            size -= domain->devices.memdevs[i]->size;
    return size;
}

int build_memory(struct build *build, struct err *err)
{
    const struct domain *domain = build->domain;
    uint64_t size = base_memory(domain), mib = (size + 1023) / 1024;

    if (!size)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "the machine has no memory");
    /* QEMU counts main memory in whole MiB */
    size = mib * 1024;
    if (domain->memory.max)
        build_argf(build, "-m", "size=%" PRIu64 "k,slots=%u,maxmem=%" PRIu64 "k", size,
                   domain->memory.slots.value, domain->memory.max);
    else
        build_argf(build, "-m", "size=%" PRIu64 "k", size);
    if (main_memory(build)) {
        const struct ram ram = {.id = main_memory(build), .size = size, .cell = -1, .main = true};

        if (build_ram(build, &ram, err) < 0)
            return -1;
    }
    build_argf(build, "-overcommit", "mem-lock=%s", domain->backing.locked ? "on" : "off");
    return 0;
}

/* ---- processors and threads ---- */

static void smp_option(struct build *build)
{
    const struct vcpus *vcpus = &build->domain->vcpus;
    const struct cpu *cpu = build->domain->cpu;
    auto_buf struct buf option = {0};

    buf_printf(&option, "%u", vcpus_online(vcpus));
    if (vcpus_online(vcpus) != vcpus->max)
        buf_printf(&option, ",maxcpus=%u", vcpus->max);
    if (cpu && cpu->topology.sockets)
        buf_printf(&option, ",sockets=%u,dies=%u,cores=%u,threads=%u", cpu->topology.sockets,
                   cpu->topology.dies ? cpu->topology.dies : 1, cpu->topology.cores, cpu->topology.threads);
    else
        buf_printf(&option, ",sockets=%u,cores=1,threads=1", vcpus->max);
    build_arg(build, "-smp", buf_text(&option));
}

static void iothreads(struct build *build)
{
    const struct vcpus *vcpus = &build->domain->vcpus;

    for (size_t i = 0; i < vcpus->n_iothreads; i++) {
        const struct iothread *thread = vcpus->iothreads[i];
        auto_props struct props props = {0};

        props_string(&props, "qom-type", "iothread");
        props_format(&props, "id", "iothread%u", thread->id);
        if (thread->pool_min.set)
            props_u64(&props, "thread-pool-min", thread->pool_min.value);
        if (thread->pool_max.set)
            props_u64(&props, "thread-pool-max", thread->pool_max.value);
        if (thread->poll_max.set)
            props_u64(&props, "poll-max-ns", thread->poll_max.value);
        if (thread->poll_grow.set)
            props_u64(&props, "poll-grow", thread->poll_grow.value);
        if (thread->poll_shrink.set)
            props_u64(&props, "poll-shrink", thread->poll_shrink.value);
        build_json(build, "-object", &props);
    }
}

/* ---- monitor ---- */

static void monitor_option(struct build *build)
{
    auto_props struct props props = {0};

    build_argf(build, "-chardev", "socket,id=charmonitor,fd=%d,server=on,wait=off", build->monitor_fd);
    if (!qemu_caps_has(build->caps, QEMU_CAP_MONITOR_QMP)) {
        build_arg(build, "-mon", "chardev=charmonitor,id=monitor,mode=control");
        return;
    }
    props_string(&props, "qom-type", "monitor-qmp");
    props_string(&props, "id", "monitor");
    props_string(&props, "chardev", "charmonitor");
    build_json(build, "-object", &props);
}

/* ---- clock ---- */

static void rtc_option(struct build *build)
{
    const struct clock *clock = &build->domain->clock;
    const struct timer *rtc = clock_timer(clock, TIMER_RTC), *pit = clock_timer(clock, TIMER_PIT);
    auto_buf struct buf option = {0};
    char stamp[32];
    struct tm tm;
    time_t now = time(NULL);
    bool date = true;

    buf_add_string(&option, "base=");
    switch (clock->offset) {
    case CLOCK_ABSOLUTE:
        now = (time_t)clock->start.value;
        break;
    case CLOCK_VARIABLE:
        now += (time_t)clock->adjustment.seconds;
        if (clock->basis == CLOCK_BASIS_LOCALTIME) {
            localtime_r(&now, &tm);
            now += tm.tm_gmtoff;
        }
        break;
    case CLOCK_TIMEZONE:
    case CLOCK_LOCALTIME:
        buf_add_string(&option, "localtime");
        if (clock->timezone)
            build_env(build, "TZ", clock->timezone);
        date = false;
        break;
    default:
        buf_add_string(&option, "utc");
        date = false;
        break;
    }
    if (date) {
        gmtime_r(&now, &tm);
        strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
        buf_add_string(&option, stamp);
    }
    if (rtc && rtc->track == TRACK_GUEST)
        buf_add_string(&option, ",clock=vm");
    else if (rtc && rtc->track == TRACK_REALTIME)
        buf_add_string(&option, ",clock=rt");
    if (rtc && rtc->tick == TICK_CATCHUP)
        buf_add_string(&option, ",driftfix=slew");
    build_arg(build, "-rtc", buf_text(&option));
    if (pit && (pit->tick == TICK_DELAY || pit->tick == TICK_DISCARD) && build->domain->virt == VIRT_KVM)
        build_argf(build, "-global", "kvm-pit.lost_tick_policy=%s",
                   pit->tick == TICK_DELAY ? "delay" : "discard");
}

static void sleep_states(struct build *build)
{
    const struct domain *domain = build->domain;
    const char *device = chipset_of(&domain->os) == CHIPSET_Q35 ? "ICH9-LPC" : "PIIX4_PM";

    if (!chipset_of(&domain->os))
        return;
    if (domain->suspend_to_mem)
        build_argf(build, "-global", "%s.disable_s3=%d", device, domain->suspend_to_mem == TRI_NO);
    if (domain->suspend_to_disk)
        build_argf(build, "-global", "%s.disable_s4=%d", device, domain->suspend_to_disk == TRI_NO);
    for (size_t i = 0; i < domain->devices.n_controllers; i++) {
        const struct controller *controller = domain->devices.controllers[i];

        if (controller->model == CMODEL_PCI_ROOT && controller->hotplug)
            build_argf(build, "-global", "PIIX4_PM.acpi-root-pci-hotplug=%s",
                       controller->hotplug == TRI_YES ? "on" : "off");
        if (controller->pcihole64.set)
            build_argf(build, "-global", "%s.pci-hole64-size=%" PRIu64 "K",
                       controller->model == CMODEL_PCIE_ROOT ? "q35-pcihost" : "i440FX-pcihost",
                       controller->pcihole64.value);
    }
}

/* ---- all ---- */

int build_machine(struct build *build, struct err *err)
{
    const struct domain *domain = build->domain;
    auto_buf struct buf name = {0};
    char uuid[UUID_TEXT];

    buf_add_string(&name, "guest=");
    option_value(&name, domain->name);
    buf_add_string(&name, ",debug-threads=on");
    build_arg(build, "-name", buf_text(&name));
    build_arg(build, "-S", NULL);
    if (build->incoming)
        build_arg(build, "-incoming", "defer");
    if (machine_option(build, err) < 0 || accel_option(build, err) < 0 || build_cpu(build, err) < 0)
        return -1;
    if (domain->features.tseg)
        build_argf(build, "-global", "mch.extended-tseg-mbytes=%" PRIu64, domain->features.tseg >> 20);
    if (build_memory(build, err) < 0)
        return -1;
    smp_option(build);
    iothreads(build);
    if (numa_cells(build, err) < 0)
        return -1;
    build_arg(build, "-uuid", uuid_format(domain->uuid, uuid));
    if (build_sysinfo(build, err) < 0)
        return -1;
    if (!domain->devices.n_graphics)
        build_arg(build, "-display", "none");
    build_arg(build, "-no-user-config", NULL);
    build_arg(build, "-nodefaults", NULL);
    if (build->monitor_fd > 0)
        monitor_option(build);
    rtc_option(build);
    /* a guest that powers off is ours to end: its reason must be known first */
    build_arg(build, "-no-shutdown", NULL);
    sleep_states(build);
    if (domain->has_genid) {
        auto_props struct props props = {0};

        props_string(&props, "driver", "vmgenid");
        props_string(&props, "guid", uuid_format(domain->genid, uuid));
        props_string(&props, "id", "vmgenid0");
        build_json(build, "-device", &props);
    }
    if (domain->features.vmcoreinfo == TRI_YES)
        build_arg(build, "-device", "vmcoreinfo");
    return build_boot(build, err);
}

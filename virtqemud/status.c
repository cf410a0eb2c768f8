/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The status of a run, written and read; what is in the document: status-xml.c. */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "model/domain/domain.h"
#include "virtqemud/build.h"
#include "virtqemud/caps.h"
#include "virtqemud/qemud.h"

static void fill_vcpus(const struct run *run, struct arena *arena, struct status *status)
{
    status->vcpus = ARENA_ARRAY(arena, struct status_vcpu *, run->count_vcpus + 1);
    for (unsigned i = 0; i < run->count_vcpus; i++)
        if (run->vcpus[i].online) {
            struct status_vcpu *vcpu = ARENA_NEW(arena, struct status_vcpu);

            vcpu->id = (struct opt_u32){i, true};
            vcpu->pid = (uint32_t)run->vcpus[i].thread;
            status->vcpus[status->n_vcpus++] = vcpu;
        }
}

/* The names of a chain's nodes, as build_storage gives them; the highest number of all. */
static void fill_nodes(struct arena *arena, struct storage *layer, uint32_t *last)
{
    static const char *const types[] = {"storage", "format"};

    for (; layer && layer->index.set; layer = layer->backing) {
        *last = layer->index.value > *last ? layer->index.value : *last;
        if (layer->nodes)
            continue;
        layer->nodes = ARENA_ARRAY(arena, struct node_name *, ARRAY_SIZE(types));
        layer->n_nodes = ARRAY_SIZE(types);
        for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
            layer->nodes[i] = ARENA_NEW(arena, struct node_name);
            layer->nodes[i]->type = (char *)types[i];
            layer->nodes[i]->name = arena_printf(arena, "libvirt-%u-%s", layer->index.value, types[i]);
        }
    }
}

/* All nodes have names, and all disks their place in QEMU's tree; returns the highest number of a node. */
static uint32_t fill_disks(struct run *run)
{
    const struct devices *devices = &run->domain->devices;
    uint32_t last = 0;

    for (size_t i = 0; i < devices->n_disks; i++) {
        struct disk *disk = devices->disks[i];

        fill_nodes(&run->arena, &disk->src, &last);
        if (!disk->qom && disk->info.alias)
            disk->qom =
                disk->bus == DISK_BUS_VIRTIO
                    ? arena_printf(&run->arena, "/machine/peripheral/%s/virtio-backend", disk->info.alias)
                    : disk->info.alias;
    }
    return last;
}

/* What libvirt must find in the file to take the machine over; what it wrote itself stays as it was. */
static void fill_for_libvirt(struct run *run, struct arena *arena, struct status *status)
{
    static const struct {
        const char *name;
        int cap;
    } rows[] = {
#define QEMU_CAP_ALWAYS (-1)
#define STATUS_FLAG(name, cap) {name, QEMU_CAP_##cap},
#include "virtqemud/status-flags.def"
    };
    const struct status *found = run->found;
    struct status_flag *flags;

    status->last_node = (struct opt_u32){fill_disks(run), true};

    if (found && found->n_flags) {
        status->flags = found->flags;
        status->n_flags = found->n_flags;
        status->mount_namespace = found->mount_namespace;
        status->logged_by_virtlogd = found->logged_by_virtlogd;
        status->remembers_owner = found->remembers_owner;
        if (status->last_node.value < found->last_node.value)
            status->last_node = found->last_node;
        status->last_fdset = found->last_fdset;
        return;
    }
    status->remembers_owner = qemud.privileged && qemud.conf.dynamic_ownership;
    if (!run->caps)
        return;
    flags = ARENA_ARRAY(arena, struct status_flag, ARRAY_SIZE(rows));
    status->flags = ARENA_ARRAY(arena, struct status_flag *, ARRAY_SIZE(rows));
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].cap < 0 || qemu_caps_has(run->caps, (enum qemu_cap)rows[i].cap)) {
            flags[status->n_flags].name = (char *)rows[i].name;
            status->flags[status->n_flags] = &flags[status->n_flags];
            status->n_flags++;
        }
}

int status_save(struct vm *vm)
{
    auto_arena struct arena arena = {0};
    auto_buf struct buf text = {0};
    struct run *run = vm->run;
    struct status status = {
        .state_name = (char *)status_state_name(vm->state),
        .reason_name = (char *)status_reason_name(vm->state, vm->reason),
        .pid = (uint32_t)run->pid,
        .start_time = run->start_time,
        .monitor_path = (char *)run->monitor_path,
        .monitor_type = (char *)"unix",
        .lib_dir = (char *)run->lib_dir,
        .channel_dir = (char *)run->channel_dir,
        .machine_name = (char *)run->machine_name,
        .balloon_kib = run->balloon_kib,
        .fake_reboot = run->fake_reboot,
        .autodestroy = run->autodestroy.client != NULL,
        .allow_reboot = TRI_YES,
        .domain = run->domain,
    };
    auto_free char *name = mem_printf("%s.xml", vm->name);
    auto_fd int dir = -1;
    int r;

    if (run->ended)
        return 0;
    fill_vcpus(run, &arena, &status);
    fill_for_libvirt(run, &arena, &status);
    status_format(&status, &text);
    dir = open(qemud.dirs.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    r = dir < 0 ? -errno : file_replace_lazy(dir, name, 0600, text.data, text.length);
    if (r < 0)
        log_error("cannot write '%s/%s': %s; domain '%s' would be lost when this daemon restarts",
                  qemud.dirs.state, name, strerror(-r), vm->name);
    if (r >= 0 && run->pid && !run->pid_file) {
        auto_free char *pid_name = mem_printf("%s.pid", vm->name), *pid = mem_printf("%d\n", run->pid);

        run->pid_file = file_replace_lazy(dir, pid_name, 0644, pid, strlen(pid)) >= 0;
    }
    return r;
}

static void remove_one(const char *path)
{
    if (unlink(path) < 0 && errno != ENOENT)
        log_warning("cannot remove '%s': %m", path);
}

void status_remove(const struct vm *vm)
{
    auto_free char *path = mem_printf("%s/%s.xml", qemud.dirs.state, vm->name);
    auto_free char *pid = mem_printf("%s/%s.pid", qemud.dirs.state, vm->name);

    /* the status last: while it is there, the next daemon knows that something is left to do */
    remove_one(pid);
    remove_one(path);
}

struct status *status_read(const char *name, struct arena *arena, struct err *err)
{
    auto_free char *path = mem_printf("%s/%s.xml", qemud.dirs.state, name);
    auto_buf struct buf text = {0};
    int r = file_read(AT_FDCWD, path, 16 << 20, &text);

    if (r < 0) {
        err_system(err, r, "cannot read '%s'", path);
        return NULL;
    }
    return status_parse(buf_text(&text), arena, err);
}

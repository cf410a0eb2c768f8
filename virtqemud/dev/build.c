/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Build: the steps of a start that devices have a part in, and what is undone at the end. */
#define ERR_FROM ERR_FROM_QEMU

#include "virtqemud/build.h"

#include <errno.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "loop/fiber.h"
#include "loop/loop.h"
#include "virtqemud/defaults/defaults.h"
#include "virtqemud/dev/chain.h"
#include "virtqemud/dev/hostdev.h"
#include "virtqemud/dev/iface.h"
#include "virtqemud/dev/kinds.h"
#include "virtqemud/dev/throttle.h"
#include "virtqemud/firmware.h"
#include "virtqemud/json.h"
#include "virtqemud/qemud.h"

struct build *build_new(struct arena *arena, struct domain *domain, const struct qemu_caps *caps)
{
    struct build *build = ARENA_NEW(arena, struct build);

    build->arena = arena;
    build->domain = domain;
    build->caps = caps;
    build->monitor_fd = -1;
    return build;
}

/* ---- before ---- */

/* Nodes of images are numbered from the last disk to the first, each chain from its top. */
void build_number_storage(struct storage *layer, uint32_t *next)
{
    if (storage_is_empty(layer)) /* a number for the medium to come */
        (*next)++;
    for (; layer && !storage_is_empty(layer); layer = layer->backing) {
        layer->index = (struct opt_u32){(*next)++, true};
        if (layer->data_store)
            build_number_storage(layer->data_store, next);
    }
}

int build_prepare(struct req *rq, struct build *build)
{
    struct domain *domain = build->domain;

    uint32_t next = 1;

    cpu_choose(build);
    defaults_aliases(domain, build->arena);
    if (chain_complete(rq, build, NULL) < 0)
        return -1;
    for (size_t i = domain->devices.n_disks; i-- > 0;)
        build_number_storage(&domain->devices.disks[i]->src, &next);
    if (firmware_choose(rq, build->arena, domain, qemud.dirs.nvram) < 0)
        return -1;
    if (!build->validate_only &&
        firmware_make_nvram(rq, domain, qemud.conf.user, qemud.conf.group, /* reset= */ false) < 0)
        return -1;
    if (kinds_prepare(rq, build) < 0)
        return -1;
    devices_sync_console(&domain->devices, build->arena);
    return 0;
}

/* ---- the command line ---- */

int build_command(struct req *rq, struct build *build)
{
    build_arg(build, build->domain->devices.emulator, NULL);
    if (build->master_key)
        build_arg(build, "-object",
                  json_text(build->arena, "{'qom-type':'secret','id':'masterKey0','format':'raw','file':%s}",
                            build->master_key));
    if (build_machine(build, &rq->err) < 0)
        return -1;
    throttle_groups(build);
    if (kinds_command(build, &rq->err) < 0)
        return -1;
    if (build->sandbox)
        build_arg(build, "-sandbox",
                  "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    build_native(build);
    build_arg(build, "-msg", "timestamp=on");
    build_terminate(build);
    return 0;
}

const char *build_fdset(struct build *build, int fd)
{
    unsigned set = build->count_fdsets++;

    build_argf(build, "-add-fd", "set=%u,fd=%d", set, build_pass_fd(build, fd));
    if (!build->fdset_fds) {
        build->fdset_fds = ARENA_NEW(build->arena, struct bitmap);
        build->fdset_fds->arena = build->arena;
    }
    bitmap_set(build->fdset_fds, (uint32_t)fd);
    return arena_printf(build->arena, "/dev/fdset/%u", set);
}

/* ---- undo ---- */

struct build_undo {
    struct build_undo *next;
    enum undo_kind kind;
    const char *name;
    const char *const *argv; /* UNDO_COMMAND */
    const void *owner;       /* the device that needed it; NULL: the machine */
    int pidfd;               /* UNDO_PORT: the port */
};

static struct build_undo *remember(struct build *build, enum undo_kind kind)
{
    struct build_undo *undo = ARENA_NEW(build->arena, struct build_undo);

    undo->next = build->undo;
    undo->kind = kind;
    undo->owner = build->owner;
    undo->pidfd = -1;
    build->undo = undo;
    return undo;
}

void build_remember(struct build *build, enum undo_kind kind, const char *name, int pidfd)
{
    struct build_undo *undo = remember(build, kind);

    undo->name = arena_strdup(build->arena, name);
    undo->pidfd = pidfd;
}

void build_remember_command(struct build *build, const char *const *argv)
{
    const char **copy;
    size_t n = 0;

    while (argv[n])
        n++;
    copy = ARENA_ARRAY(build->arena, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        copy[i] = arena_strdup(build->arena, argv[i]);
    remember(build, UNDO_COMMAND)->argv = copy;
}

struct build *build_found(struct arena *arena, struct domain *domain, const char *lib_dir)
{
    struct build *build = build_new(arena, domain, NULL);
    struct devices *devices = &domain->devices;

    build->lib_dir = lib_dir;
    build->id = domain->id.set ? (int32_t)domain->id.value : -1;
#define FOUND(list, found)                                                                                   \
    for (size_t i = 0; i < devices->n_##list; i++) {                                                         \
        build->owner = devices->list[i];                                                                     \
        found(build, (void *)devices->list[i]);                                                              \
    }
    FOUND(ifaces, iface_found)
    FOUND(graphics, graphics_found)
    FOUND(hostdevs, hostdev_found)
    for (size_t i = 0; i < devices->n_channels; i++) {
        build->owner = devices->channels[i];
        chardev_found(build, &devices->channels[i]->source);
    }
    FOUND(tpms, tpm_found)
    build->owner = NULL;
    return build;
}

/* The guest's driver lets go at once, and the host's next one may take its time: not for the loop to wait. */
static void pci_give_back_later(const char *address)
{
    const char *const argv[] = {"sh", "-c",
                                "cd /sys/bus/pci/devices/\"$0\" && echo > driver_override && "
                                "echo \"$0\" > driver/unbind; echo \"$0\" > /sys/bus/pci/drivers_probe",
                                address, NULL};

    helper_run_aside(argv);
}

static void undo_one(const struct build_undo *undo)
{
    auto_err struct err err = {0};

    switch (undo->kind) {
    case UNDO_FILE:
        if (unlink(undo->name) < 0 && errno != ENOENT)
            log_warning("cannot remove '%s': %m", undo->name);
        break;
    case UNDO_DIR:
        if (rmdir(undo->name) < 0 && errno != ENOENT && errno != ENOTEMPTY)
            log_warning("cannot remove directory '%s': %m", undo->name);
        break;
    case UNDO_TAP:
        /* a tap vanishes with its last user, a macvtap doesn't */
        if (iface_exists(undo->name) && iface_delete(undo->name, &err) < 0)
            log_warning("%s", err.message);
        break;
    case UNDO_OWNER:
        if (chown(undo->name, 0, 0) < 0 && errno != ENOENT)
            log_warning("cannot give '%s' back: %m", undo->name);
        break;
    case UNDO_PCI:
        pci_give_back_later(undo->name);
        break;
    case UNDO_PORT:
        bitmap_clear(&qemud.ports, (uint32_t)undo->pidfd);
        break;
    case UNDO_COMMAND:
        helper_run_aside(undo->argv);
        break;
    case UNDO_PROCESS:
        pidfd_send_signal(undo->pidfd, SIGTERM, NULL, 0);
        close(undo->pidfd);
        break;
    }
}

void build_close_fds(struct build *build)
{
    for (unsigned i = 0; i < build->count_fds; i++)
        close(build->fds[i]);
    build->count_fds = 0;
}

void build_undo(struct build *build)
{
    if (!build)
        return;
    build_close_fds(build);
    graphics_unlock_ports(build);
    for (struct build_undo *undo = build->undo; undo; undo = undo->next)
        undo_one(undo);
    build->undo = NULL;
}

void build_undo_of(struct build *build, const void *owner)
{
    for (struct build_undo **at = build ? &build->undo : NULL; at && *at;) {
        struct build_undo *undo = *at;

        if (undo->owner != owner) {
            at = &undo->next;
            continue;
        }
        *at = undo->next;
        undo_one(undo);
    }
}

void build_adopt(struct build *build, struct build *from, const void *owner)
{
    struct build_undo *reversed = NULL, *next;

    /* oldest first, so that the newest ends in front again */
    for (struct build_undo *undo = from->undo; undo; undo = next) {
        next = undo->next;
        undo->next = reversed;
        reversed = undo;
    }
    for (; reversed; reversed = reversed->next) {
        build->owner = owner;
        if (reversed->argv)
            build_remember_command(build, reversed->argv);
        else
            build_remember(build, reversed->kind, reversed->name, reversed->pidfd);
    }
    build->owner = NULL;
    from->undo = NULL;
}

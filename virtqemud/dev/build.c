/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Build: the steps of a start that devices have a part in, and what is undone at the end. */
#define ERR_FROM ERR_FROM_QEMU

#include "virtqemud/build.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "loop/fiber.h"
#include "loop/loop.h"
#include "virtqemud/defaults/defaults.h"
#include "virtqemud/dev/chain.h"
#include "virtqemud/dev/iface.h"
#include "virtqemud/dev/kinds.h"
#include "virtqemud/firmware.h"
#include "virtqemud/json.h"
#include "virtqemud/qemud.h"
#include "virtqemud/qmp.h"

#define QMP_USEC SECONDS(30)

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
static void number_storage(struct storage *layer, uint32_t *next)
{
    for (; layer && !storage_is_empty(layer); layer = layer->backing) {
        layer->index = (struct opt_u32){(*next)++, true};
        if (layer->data_store)
            number_storage(layer->data_store, next);
    }
}

int build_prepare(struct req *rq, struct build *build)
{
    struct domain *domain = build->domain;

    uint32_t next = 1;

    defaults_aliases(domain, build->arena);
    if (chain_complete(rq, build, NULL) < 0)
        return -1;
    for (size_t i = domain->devices.n_disks; i-- > 0;)
        number_storage(&domain->devices.disks[i]->src, &next);
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

static void native_arguments(struct build *build)
{
    const struct native *native = &build->domain->native;

    for (size_t i = 0; i < native->n_args; i++)
        build_arg(build, native->args[i]->value, NULL);
    for (size_t i = 0; i < native->n_envs; i++)
        build_env(build, native->envs[i]->name, native->envs[i]->value);
}

int build_command(struct req *rq, struct build *build)
{
    if (build->domain->native.n_overrides)
        return err_set(&rq->err, ERR_NO_SUPPORT,
                       "properties that replace those of a device (<qemu:override>)");
    build_arg(build, build->domain->devices.emulator, NULL);
    if (build_machine(build, &rq->err) < 0 || kinds_command(build, &rq->err) < 0)
        return -1;
    if (build->sandbox)
        build_arg(build, "-sandbox",
                  "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    native_arguments(build);
    build_arg(build, "-msg", "timestamp=on");
    build_terminate(build);
    return 0;
}

const char *build_fdset(struct build *build, int fd)
{
    unsigned set = build->count_fdsets++;

    build_argf(build, "-add-fd", "set=%u,fd=%d", set, build_pass_fd(build, fd));
    return arena_printf(build->arena, "/dev/fdset/%u", set);
}

/* ---- after ---- */

/* QEMU says which pty it got for which backend: "char" + alias. */
static void learn_pty(struct build *build, const char *label, const char *filename)
{
    struct devices *devices = &build->domain->devices;
    const char *alias = str_after(label, "char"), *path = str_after(filename, "pty:");

    if (!alias || !path)
        return;
#define LEARN(list)                                                                                          \
    for (size_t i = 0; i < devices->n_##list; i++)                                                           \
        if (str_eq(devices->list[i]->info.alias, alias))                                                     \
    devices->list[i]->source.path = arena_strdup(build->arena, path)
    LEARN(serials);
    LEARN(parallels);
    LEARN(channels);
    LEARN(consoles);
    LEARN(redirdevs);
    LEARN(smartcards);
    for (size_t i = 0; i < devices->n_consoles; i++)
        if (str_eq(devices->consoles[i]->info.alias, alias))
            devices->consoles[i]->tty = devices->consoles[i]->source.path;
}

static bool has_pty(const struct devices *devices)
{
    for (size_t i = 0; i < devices->n_serials; i++)
        if (devices->serials[i]->source.type == CHARDEV_PTY)
            return true;
    for (size_t i = 0; i < devices->n_parallels; i++)
        if (devices->parallels[i]->source.type == CHARDEV_PTY)
            return true;
    for (size_t i = 0; i < devices->n_channels; i++)
        if (devices->channels[i]->source.type == CHARDEV_PTY)
            return true;
    for (size_t i = 0; i < devices->n_consoles; i++)
        if (devices->consoles[i]->source.type == CHARDEV_PTY)
            return true;
    return false;
}

static int learn_ptys(struct req *rq, struct build *build, struct qmp *qmp)
{
    auto_json struct json_object *list = NULL;

    if (!has_pty(&build->domain->devices))
        return 0;
    if (qmp_call(rq, qmp, "query-chardev", NULL, &list, QMP_USEC) < 0)
        return -1;
    for (size_t i = 0; i < json_count(list); i++) {
        struct json_object *entry = json_object_array_get_idx(list, i);
        learn_pty(build, json_string(entry, "label"), json_string(entry, "filename"));
    }
    devices_sync_console(&build->domain->devices, build->arena);
    return 0;
}

static int set_password(struct req *rq, struct build *build, struct qmp *qmp, const struct graphics *graphics)
{
    bool vnc = graphics->type == GRAPHICS_VNC;
    const char *protocol = vnc ? "vnc" : "spice";
    const char *password = graphics->passwd ? graphics->passwd
                           : vnc            ? qemud.conf.vnc_password
                                            : qemud.conf.spice_password;
    const char *connected = graphics->connected ? graphics->connected : "keep";
    const char *when = "never";
    struct tm tm = {0};
    const char *args;

    if ((!vnc && graphics->type != GRAPHICS_SPICE) || !password)
        return 0;
    args = vnc ? json_text(&rq->arena, "{'protocol': %s, 'password': %s}", protocol, password)
               : json_text(&rq->arena, "{'protocol': %s, 'password': %s, 'connected': %s}", protocol,
                           password, connected);
    if (qmp_call(rq, qmp, "set_password", args, NULL, QMP_USEC) < 0)
        return -1;
    if (graphics->passwd_valid_to && strptime(graphics->passwd_valid_to, "%Y-%m-%dT%H:%M:%S", &tm))
        when = arena_printf(&rq->arena, "%lld", (long long)timegm(&tm));
    args = json_text(&rq->arena, "{'protocol': %s, 'time': %s}", protocol, when);
    return qmp_call(rq, qmp, "expire_password", args, NULL, QMP_USEC);
}

/* Limits are set through the monitor at any time, so at the start as well. */
static int set_iotune(struct req *rq, struct qmp *qmp, const struct disk *disk)
{
    const struct disk_iotune *tune = disk->iotune;
    const struct {
        const char *name;
        uint64_t value;
        bool always;
    } members[] = {
        {"bps", tune->total_bytes_sec, true},
        {"bps_rd", tune->read_bytes_sec, true},
        {"bps_wr", tune->write_bytes_sec, true},
        {"iops", tune->total_iops_sec, true},
        {"iops_rd", tune->read_iops_sec, true},
        {"iops_wr", tune->write_iops_sec, true},
        {"bps_max", tune->total_bytes_sec_max, false},
        {"bps_rd_max", tune->read_bytes_sec_max, false},
        {"bps_wr_max", tune->write_bytes_sec_max, false},
        {"iops_max", tune->total_iops_sec_max, false},
        {"iops_rd_max", tune->read_iops_sec_max, false},
        {"iops_wr_max", tune->write_iops_sec_max, false},
        {"iops_size", tune->size_iops_sec, false},
        {"bps_max_length", tune->total_bytes_sec_max_length, false},
        {"bps_rd_max_length", tune->read_bytes_sec_max_length, false},
        {"bps_wr_max_length", tune->write_bytes_sec_max_length, false},
        {"iops_max_length", tune->total_iops_sec_max_length, false},
        {"iops_rd_max_length", tune->read_iops_sec_max_length, false},
        {"iops_wr_max_length", tune->write_iops_sec_max_length, false},
    };
    auto_props struct props props = {0};

    disk_qdev(disk, &props);
    props_string(&props, "group", tune->group_name);
    for (size_t i = 0; i < ARRAY_SIZE(members); i++)
        if (members[i].always || members[i].value)
            props_u64(&props, members[i].name, members[i].value);
    return qmp_call(rq, qmp, "block_set_io_throttle", props_text(&props), NULL, QMP_USEC);
}

int build_started(struct req *rq, struct build *build, struct qmp *qmp)
{
    const struct devices *devices = &build->domain->devices;

    if (learn_ptys(rq, build, qmp) < 0)
        return -1;
    for (size_t i = 0; i < devices->n_graphics; i++)
        if (set_password(rq, build, qmp, devices->graphics[i]) < 0)
            return -1;
    for (size_t i = 0; i < devices->n_disks; i++)
        if (devices->disks[i]->iotune && !storage_is_empty(&devices->disks[i]->src) &&
            set_iotune(rq, qmp, devices->disks[i]) < 0)
            return -1;
    return 0;
}

/* ---- undo ---- */

struct build_undo {
    struct build_undo *next;
    enum undo_kind kind;
    const char *name;
    const char *const *argv; /* UNDO_COMMAND */
    int pidfd;
};

static struct build_undo *remember(struct build *build, enum undo_kind kind)
{
    struct build_undo *undo = ARENA_NEW(build->arena, struct build_undo);

    undo->next = build->undo;
    undo->kind = kind;
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
    for (size_t i = 0; i < devices->n_ifaces; i++)
        iface_found(build, devices->ifaces[i]);
    for (size_t i = 0; i < devices->n_channels; i++)
        chardev_found(build, &devices->channels[i]->source);
    for (size_t i = 0; i < devices->n_tpms; i++)
        tpm_found(build, devices->tpms[i]);
    return build;
}

void build_undo(struct build *build)
{
    if (!build)
        return;
    for (unsigned i = 0; i < build->count_fds; i++)
        close(build->fds[i]);
    build->count_fds = 0;
    for (struct build_undo *undo = build->undo; undo; undo = undo->next) {
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
        case UNDO_COMMAND:
            helper_run_aside(undo->argv);
            break;
        case UNDO_PROCESS:
            pidfd_send_signal(undo->pidfd, SIGTERM, NULL, 0);
            close(undo->pidfd);
            break;
        }
    }
    build->undo = NULL;
}

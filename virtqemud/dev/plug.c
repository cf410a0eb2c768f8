/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERR_FROM ERR_FROM_QEMU
#include "virtqemud/dev/plug.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "loop/fiber.h"
#include "virtqemud/dev/chain.h"
#include "virtqemud/dev/disk.h"
#include "virtqemud/dev/kinds.h"
#include "virtqemud/json.h"
#include "virtqemud/owner.h"
#include "virtqemud/qemud.h"
#include "virtqemud/qmp.h"
#include "virtqemud/run.h"

#define QMP_USEC SECONDS(30)

struct build *plug_build(struct req *rq, struct vm *vm, struct domain *domain, const struct qemu_caps *caps)
{
    struct build *build = build_new(&rq->arena, domain, caps);

    build->id = vm->id;
    build->lib_dir = arena_strdup(&rq->arena, vm->run->lib_dir);
    build->channel_dir =
        arena_printf(&rq->arena, "%s/%s", qemud.dirs.channel, strrchr(build->lib_dir, '/') + 1);
    build->privileged = qemud.privileged;
    build->plug = true;
    return build;
}

/* ---- options as commands ---- */

/* What an option is on the monitor, what takes it back, and under which name. */
struct command {
    const char *option, *add, *remove, *key;
};

static const struct command commands[] = {
    {"-device", "device_add", NULL, NULL},         {"-blockdev", "blockdev-add", "blockdev-del", "node-name"},
    {"-netdev", "netdev_add", "netdev_del", "id"}, {"-object", "object-add", "object-del", "id"},
    {"-chardev", NULL, "chardev-remove", "id"},
};

static const struct command *command_of(const char *option)
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        if (str_eq(commands[i].option, option))
            return &commands[i];
    return NULL;
}

/* "socket,id=charnet0,..." */
static const char *id_of_chardev(struct req *rq, const char *option)
{
    const char *id = strstr(option, ",id=");

    return id ? arena_strndup(&rq->arena, id + 4, strcspn(id + 4, ",")) : "";
}

/* Its options are the same words in QEMU's own command language, and answers are text. */
static int add_chardev(struct req *rq, struct qmp *qmp, const char *option)
{
    auto_json struct json_object *said = NULL;
    const char *args =
        json_text(&rq->arena, "{'command-line': %s}", arena_printf(&rq->arena, "chardev-add %s", option));

    if (qmp_call(rq, qmp, "human-monitor-command", args, &said, QMP_USEC) < 0)
        return -1;
    /* a pty says where it is, everything else is a complaint */
    if (said && *json_object_get_string(said) &&
        !str_after(json_object_get_string(said), "char device redirected"))
        return err_set(&rq->err, ERR_OPERATION_FAILED, "adding the backend failed: %s",
                       json_object_get_string(said));
    return 0;
}

static int add_fd(struct req *rq, struct qmp *qmp, const char *option)
{
    struct qmp_call call = {0};
    unsigned set;
    int fd;

    if (sscanf(option, "set=%u,fd=%d", &set, &fd) != 2)
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "unexpected option -add-fd %s", option);
    if (qmp_put_fd(rq, qmp, &call, "add-fd", json_text(&rq->arena, "{'fdset-id': %u}", set), fd) < 0)
        return -1;
    return qmp_take(rq, &call, NULL, QMP_USEC);
}

static int execute(struct req *rq, struct qmp *qmp, const char *option, const char *value)
{
    const struct command *command = command_of(option);

    if (str_eq(option, "-add-fd"))
        return add_fd(rq, qmp, value);
    if (str_eq(option, "-action") && str_after(value, "watchdog="))
        return qmp_call(rq, qmp, "set-action",
                        json_text(&rq->arena, "{'watchdog': %s}", str_after(value, "watchdog=")), NULL,
                        QMP_USEC);
    if (!command)
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED,
                       "a device that needs QEMU's option '%s' can't be plugged into a running machine",
                       option);
    if (!command->add)
        return add_chardev(rq, qmp, value);
    return qmp_call(rq, qmp, command->add, value, NULL, QMP_USEC);
}

/* What can't be removed stays behind, with a line in the log: the device itself is gone. */
static void take_back(struct req *rq, struct qmp *qmp, const char *option, const char *value)
{
    const struct command *command = command_of(option);
    auto_json struct json_object *object = NULL;
    const char *name;

    if (!command || !command->remove)
        return;
    if (command->add)
        object = json_read(value, strlen(value));
    name = command->add ? json_string(object, command->key) : id_of_chardev(rq, value);
    if (qmp_call(rq, qmp, command->remove,
                 arena_printf(&rq->arena, "{\"%s\":\"%s\"}", command->key, name ? name : ""), NULL,
                 QMP_USEC) < 0) {
        log_warning("%s '%s': %s", command->remove, name, rq->err.message);
        err_clear(&rq->err);
    }
}

/* Newest first; an error that is set already is kept. */
static void take_all_back(struct req *rq, struct qmp *qmp, const struct build *build, size_t count)
{
    struct err why = {0};

    err_move(&why, &rq->err);
    for (size_t i = count; i >= 2; i -= 2)
        take_back(rq, qmp, build->argv[i - 2], build->argv[i - 1]);
    err_move(&rq->err, &why);
}

/* Descriptors go to QEMU under the names that the options use. */
static int hand_over(struct req *rq, struct qmp *qmp, const struct build *build)
{
    for (unsigned i = 0; i < build->count_fds; i++) {
        struct qmp_call call = {0};
        const char *args = json_text(&rq->arena, "{'fdname': %s}", build_fd_name(build, build->fds[i]));

        if (build->fdset_fds && bitmap_get(build->fdset_fds, (uint32_t)build->fds[i]))
            continue; /* add-fd takes it */
        if (qmp_put_fd(rq, qmp, &call, "getfd", args, build->fds[i]) < 0 ||
            qmp_take(rq, &call, NULL, QMP_USEC) < 0)
            return -1;
    }
    return 0;
}

static int execute_all(struct req *rq, struct qmp *qmp, const struct build *build)
{
    size_t done = 0;
    int r = hand_over(rq, qmp, build);

    for (; r == 0 && done + 1 < build->count_argv; done += 2)
        r = execute(rq, qmp, build->argv[done], build->argv[done + 1]);
    if (r < 0)
        take_all_back(rq, qmp, build, done > 2 ? done - 2 : 0);
    return r;
}

/* ---- devices ---- */

static uint32_t next_node(const struct domain *domain)
{
    uint32_t last = 0;

    for (size_t i = 0; i < domain->devices.n_disks; i++)
        for (const struct storage *layer = &domain->devices.disks[i]->src; layer; layer = layer->backing)
            if (layer->index.set && layer->index.value > last)
                last = layer->index.value;
    return last + 1;
}

static bool is_file(const struct storage *layer)
{
    return (layer->type == STORAGE_FILE || layer->type == STORAGE_BLOCK) && layer->path;
}

/* Files of an image belong to QEMU's user while it uses them. */
static int own(struct req *rq, struct vm *vm, const struct storage *storage, bool shared)
{
    if (!qemud.privileged || !qemud.conf.dynamic_ownership)
        return 0;
    for (const struct storage *layer = storage; layer; layer = layer->backing)
        if (is_file(layer)) {
            if (owner_set_path(&rq->err, layer->path, shared) < 0)
                return -1;
            if (vm->run)
                vm->run->owned++;
        }
    return 0;
}

static void disown(struct vm *vm, const struct storage *storage, bool shared)
{
    if (!qemud.privileged || !qemud.conf.dynamic_ownership)
        return;
    for (const struct storage *layer = storage; layer; layer = layer->backing)
        if (is_file(layer)) {
            owner_restore_path(layer->path, shared);
            if (vm->run && vm->run->owned)
                vm->run->owned--;
        }
}

static int prepare_disk(struct req *rq, struct vm *vm, struct build *build, struct disk *disk)
{
    uint32_t next = next_node(build->domain);

    if (chain_complete(rq, build, disk) < 0)
        return -1;
    build_number_storage(&disk->src, &next);
    return own(rq, vm, &disk->src, disk->shareable || disk->readonly);
}

static bool is_disk(const char *element)
{
    return str_eq(element, "disk");
}

int plug_device(struct req *rq, struct vm *vm, struct build *build, const char *element, void *device)
{
    const struct dev_kind *kind = kind_by_name(element);
    struct qmp *qmp;
    int r = 0;

    if (!kind)
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "live attach of device '%s' is not supported",
                       element);
    build->owner = device;
    if (is_disk(element))
        r = prepare_disk(rq, vm, build, device);
    if (r == 0 && kind->prepare)
        r = kind->prepare(rq, build, device);
    if (r == 0)
        r = kind->command(build, device, &rq->err);
    qmp = r == 0 ? vm_monitor(rq, vm) : NULL;
    if (!qmp || execute_all(rq, qmp, build) < 0) {
        if (is_disk(element))
            disown(vm, &((struct disk *)device)->src, false);
        build_undo(build);
        return -1;
    }
    build_close_fds(build);
    return 0;
}

int unplug_request(struct req *rq, struct vm *vm, const char *alias)
{
    struct qmp *qmp = vm_monitor(rq, vm);

    return qmp ? qmp_call(rq, qmp, "device_del", json_text(&rq->arena, "{'id': %s}", alias), NULL, QMP_USEC)
               : -1;
}

void unplug_finish(struct req *rq, struct vm *vm, const char *element, void *device)
{
    const struct dev_kind *kind = kind_by_name(element);
    struct run *run = vm->run;
    struct build *build = plug_build(rq, vm, run->domain, run->caps);
    struct qmp *qmp = vm_monitor(rq, vm);

    /* the options that it had, once more, for their names; nothing is touched */
    build->validate_only = true;
    if (is_disk(element)) {
        const struct disk *disk = device;

        disown(vm, &disk->src, disk->shareable || disk->readonly);
    }
    if (!kind || (kind->prepare && kind->prepare(rq, build, device) < 0) ||
        kind->command(build, device, &rq->err) < 0)
        qmp = NULL;
    build_undo_of(run->build, device);
    if (qmp)
        take_all_back(rq, qmp, build, build->count_argv);
    else
        log_warning("what belongs to a device that is gone stays in QEMU: %s", rq->err.message);
    err_clear(&rq->err);
}

/* ---- media ---- */

static const char *drive_args(struct req *rq, const struct disk *disk, const char *more)
{
    auto_props struct props props = {0};
    const char *text;

    disk_qdev(disk, &props);
    text = props_text(&props);
    return arena_printf(&rq->arena, "%.*s%s}", (int)strlen(text) - 1, text, more);
}

static void start_over(struct build *build)
{
    build->count_argv = 0;
    build->secrets = NULL;
}

static int insert(struct req *rq, struct vm *vm, struct build *build, struct qmp *qmp, struct disk *disk)
{
    uint32_t next = next_node(build->domain);
    const char *node = NULL;

    start_over(build);
    if (chain_complete(rq, build, disk) < 0)
        return -1;
    if (storage_is_empty(&disk->src)) /* it may be missing, and is */
        return 0;
    build_number_storage(&disk->src, &next);
    if (own(rq, vm, &disk->src, true) < 0 || disk_prepare(rq, build, disk) < 0 ||
        build_storage(build, disk, &disk->src, disk->readonly, &node, &rq->err) < 0 ||
        execute_all(rq, qmp, build) < 0) {
        disown(vm, &disk->src, true);
        return -1;
    }
    if (qmp_call(rq, qmp, "blockdev-insert-medium",
                 drive_args(rq, disk, arena_printf(&rq->arena, ",\"node-name\":\"%s\"", node)), NULL,
                 QMP_USEC) < 0) {
        take_all_back(rq, qmp, build, build->count_argv);
        disown(vm, &disk->src, true);
        return -1;
    }
    return 0;
}

static void forget_medium(struct req *rq, struct vm *vm, struct build *build, struct qmp *qmp,
                          struct disk *disk)
{
    const char *node;

    if (storage_is_empty(&disk->src))
        return;
    start_over(build);
    build->validate_only = true;
    if (disk_prepare(rq, build, disk) == 0 &&
        build_storage(build, disk, &disk->src, disk->readonly, &node, &rq->err) == 0)
        take_all_back(rq, qmp, build, build->count_argv);
    build->validate_only = false;
    disown(vm, &disk->src, true);
}

int plug_medium(struct req *rq, struct vm *vm, struct build *build, struct disk *disk,
                const struct storage *medium, bool force)
{
    struct qmp *qmp = vm_monitor(rq, vm);

    if (!qmp || qmp_call(rq, qmp, "blockdev-open-tray", drive_args(rq, disk, force ? ",\"force\":true" : ""),
                         NULL, QMP_USEC) < 0)
        return -1;
    if (!storage_is_empty(&disk->src) &&
        qmp_call(rq, qmp, "blockdev-remove-medium", drive_args(rq, disk, ""), NULL, QMP_USEC) < 0)
        return -1;
    forget_medium(rq, vm, build, qmp, disk);
    disk->src = (struct storage){.type = STORAGE_FILE};
    if (!storage_is_empty(medium)) {
        disk->src = *medium;
        if (insert(rq, vm, build, qmp, disk) < 0) {
            disk->src = (struct storage){.type = STORAGE_FILE};
            return -1;
        }
    }
    return qmp_call(rq, qmp, "blockdev-close-tray", drive_args(rq, disk, ""), NULL, QMP_USEC);
}

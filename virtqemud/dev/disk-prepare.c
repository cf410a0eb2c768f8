/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disk-prepare: what a drive needs on the host before QEMU opens it: an overlay, a helper, its secrets. */
#define ERR_FROM ERR_FROM_QEMU

#include <errno.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "loop/fiber.h"
#include "virtqemud/dev/disk.h"
#include "virtqemud/dev/tls.h"

#define TOOL_USEC SECONDS(60)

/* Writes go to an image that ends with the machine. */
static int transient_overlay(struct req *rq, struct build *build, struct disk *disk)
{
    const struct storage *below = &disk->src;
    const char *path = arena_printf(build->arena, "%s.TRANSIENT-%s", below->path, build->domain->name);
    const char *format = storage_format_names[below->format ? below->format : FORMAT_RAW];
    const char *const argv[] = {"qemu-img",  "create", "-q",   "-f", "qcow2", "-b",
                                below->path, "-F",     format, path, NULL};
    struct storage *copy;

    if (below->type != STORAGE_FILE && below->type != STORAGE_BLOCK)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED,
                       "transient disk '%s' needs a file or block device as its source", disk->dst);
    if (disk->device != DISK_DISK)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "disk device type of '%s' doesn't support transient",
                       disk->dst);
    if (build->validate_only)
        return 0;
    if (access(path, F_OK) == 0)
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED,
                       "Overlay file '%s' for transient disk '%s' already exists", path, disk->dst);
    build_remember(build, UNDO_FILE, path, -1);
    if (helper_run(rq, argv, NULL, 0, TOOL_USEC) < 0)
        return -1;
    copy = ARENA_NEW(build->arena, struct storage);
    *copy = *below;
    copy->startup_policy = NULL;
    copy->reservations = NULL;
    disk->src = (struct storage){.type = STORAGE_FILE,
                                 .format = FORMAT_QCOW2,
                                 .path = (char *)path,
                                 .reservations = below->reservations,
                                 .backing = copy};
    return 0;
}

static int start_pr_helper(struct req *rq, struct build *build, const char *path)
{
    /* where QEMU's user can't write: the process that it names will be sent a signal by root */
    const char *pid_file = arena_printf(build->arena, "%s/%s-pr-helper0.pid", qemud.dirs.state,
                                        strrchr(build->lib_dir, '/') + strlen("/domain-"));
    const char *const argv[] = {qemud.conf.pr_helper, "-d", "-k", path, "-f", pid_file, NULL};
    auto_free char *line = NULL;
    uint32_t pid;
    int pidfd;

    build_remember(build, UNDO_FILE, path, -1);
    build_remember(build, UNDO_FILE, pid_file, -1);
    if (helper_run(rq, argv, NULL, 0, TOOL_USEC) < 0)
        return -1;
    if (file_read_line(AT_FDCWD, pid_file, &line) < 0 || str_to_u32(line, &pid) < 0 ||
        (pidfd = pidfd_open((pid_t)pid, 0)) < 0)
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "failed to get pid of pr-helper");
    build_remember(build, UNDO_PROCESS, NULL, pidfd);
    if (build->privileged && lchown(path, qemud.conf.user, qemud.conf.group) < 0)
        return err_system(&rq->err, errno, "Unable to set the owner of '%s'", path);
    return 0;
}

/* The helper that sends a guest's reservations to the disk, with rights that QEMU doesn't have. */
static int prepare_reservations(struct req *rq, struct build *build, const struct disk *disk)
{
    struct reservations *reservations = disk->src.reservations;

    if (reservations->managed != TRI_YES || reservations->path)
        return 0;
    reservations->type = (char *)"unix";
    reservations->mode = (char *)"client";
    reservations->path = arena_printf(build->arena, "%s/pr-helper0.sock", build->lib_dir);
    if (build->validate_only || build->pr_helper)
        return 0;
    build->pr_helper = true;
    return start_pr_helper(rq, build, reservations->path);
}

const char *disk_reservations(struct build *build, const struct disk *disk)
{
    const struct reservations *reservations = disk->src.reservations;
    auto_props struct props props = {0};
    bool managed = reservations && reservations->managed == TRI_YES;
    const char *id = managed ? "pr-helper0" : arena_printf(build->arena, "pr-helper-%s", disk->info.alias);

    if (!reservations || !reservations->path)
        return NULL;
    if (managed && build->pr_object)
        return id;
    build->pr_object |= managed;
    props_string(&props, "qom-type", "pr-manager-helper");
    props_string(&props, "id", id);
    props_string(&props, "path", reservations->path);
    build_json(build, "-object", &props);
    return id;
}

/* What each protocol calls its secrets. */
static enum secret_usage usage_of(const struct storage *storage)
{
    if (storage->protocol == NETPROTO_RBD)
        return SECRET_CEPH;
    return storage->protocol == NETPROTO_ISCSI ? SECRET_ISCSI : SECRET_VOLUME;
}

static int prepare_layer(struct req *rq, struct build *build, struct storage *layer)
{
    const struct storage_encryption *encryption = layer->encryption;
    bool nbd = layer->type == STORAGE_NETWORK && layer->protocol == NETPROTO_NBD;

    if (nbd && !layer->tls && qemud.conf.nbd_tls.on)
        layer->tls = TRI_YES;
    if (nbd && layer->tls == TRI_YES && tls_prepare(rq, build, layer, &qemud.conf.nbd_tls) < 0)
        return -1;

    if (layer->auth && secret_prepare(rq, build, layer->auth, &layer->auth->secret, usage_of(layer),
                                      layer->protocol == NETPROTO_RBD) < 0)
        return -1;
    if (!encryption)
        return 0;
    if (!str_eq(encryption->format, "luks") && !(str_eq(encryption->format, "qcow")))
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "encryption format '%s' is not supported by QEMU",
                       encryption->format);
    if (!encryption->n_secrets)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "an encrypted image needs a secret");
    for (size_t i = 0; i < encryption->n_secrets; i++)
        if (secret_prepare(rq, build, encryption->secrets[i], encryption->secrets[i], SECRET_VOLUME, false) <
            0)
            return -1;
    return 0;
}

int disk_prepare(struct req *rq, struct build *build, void *device)
{
    struct disk *disk = device;

    if (storage_is_empty(&disk->src) && !build->validate_only)
        disk->src.format = FORMAT_UNSET; /* of the medium that isn't there */
    if (disk->transient && transient_overlay(rq, build, disk) < 0)
        return -1;
    if (disk->src.reservations && prepare_reservations(rq, build, disk) < 0)
        return -1;
    if (!disk->src.auth)
        disk->src.auth = disk->auth;
    if (!disk->src.encryption)
        disk->src.encryption = disk->encryption;
    for (struct storage *layer = &disk->src; layer && layer->type; layer = layer->backing)
        if (prepare_layer(rq, build, layer) < 0)
            return -1;
    return 0;
}

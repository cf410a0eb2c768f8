/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Filesystem: directories of the host, by 9p inside QEMU or by a virtiofsd of its own. */
#define ERR_FROM ERR_FROM_QEMU

#include "base/str.h"
#include "virtqemud/dev/dev.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "virtqemud/qemud.h"

static const char *find_virtiofsd(const struct filesystem *fs)
{
    static const char *const places[] = {"/usr/libexec/virtiofsd", "/usr/lib/qemu/virtiofsd",
                                         "/usr/lib/virtiofsd"};

    if (fs->binary)
        return fs->binary;
    for (size_t i = 0; i < ARRAY_SIZE(places); i++)
        if (access(places[i], X_OK) == 0)
            return places[i];
    return NULL;
}

/* The first virtiofsd, in C, came with QEMU and has its own words. */
static bool is_old_virtiofsd(const char *path)
{
    return str_ends(path, "/qemu/virtiofsd");
}

static int start_virtiofsd(struct build *build, const struct filesystem *fs, const char *program,
                           struct err *err)
{
    auto_buf struct buf options = {0};
    const char *argv[24];
    size_t n = 0;
    char *log = arena_printf(build->arena, "%s/%s-%s-virtiofsd.log", qemud.dirs.log, build->domain->name,
                             fs->info.alias);
    int fd = build_listen(build, fs->socket, err), r;

    if (fd < 0)
        return -1;
    argv[n++] = program;
    argv[n++] = arena_printf(build->arena, "--fd=%d", fd);
    if (is_old_virtiofsd(program)) {
        buf_add_string(&options, "source=");
        option_value(&options, fs->dir);
        if (fs->cache)
            buf_printf(&options, ",cache=%s", fs->cache);
        if (fs->sandbox)
            buf_printf(&options, ",sandbox=%s", fs->sandbox);
        if (fs->xattr)
            buf_add_string(&options, fs->xattr == TRI_YES ? ",xattr" : ",no_xattr");
        if (fs->flock)
            buf_add_string(&options, fs->flock == TRI_YES ? ",flock" : ",no_flock");
        if (fs->posix_lock)
            buf_add_string(&options, fs->posix_lock == TRI_YES ? ",posix_lock" : ",no_posix_lock");
        argv[n++] = "-o";
        argv[n++] = buf_text(&options);
    } else {
        argv[n++] = "--shared-dir";
        argv[n++] = fs->dir;
        if (fs->cache)
            argv[n++] = arena_printf(build->arena, "--cache=%s", fs->cache);
        if (fs->sandbox)
            argv[n++] = arena_printf(build->arena, "--sandbox=%s", fs->sandbox);
        if (fs->xattr == TRI_YES)
            argv[n++] = "--xattr";
        if (!build->privileged && !fs->sandbox)
            argv[n++] = "--sandbox=namespace";
    }
    if (fs->thread_pool.set)
        argv[n++] = arena_printf(build->arena, "--thread-pool-size=%d", fs->thread_pool.value);
    argv[n] = NULL;
    build_remember(build, UNDO_FILE, fs->socket, -1);
    r = build_spawn(build, argv, &fd, 1, log, err);
    close(fd);
    return r;
}

static int filesystem_prepare(struct req *rq, struct build *build, void *device)
{
    struct filesystem *fs = device;
    const char *program;

    if (fs->driver != FS_DRIVER_VIRTIOFS || fs->socket)
        return 0;
    fs->socket = arena_printf(build->arena, "%s/%s-fs.sock", build->lib_dir, fs->info.alias);
    if (build->validate_only)
        return 0;
    program = find_virtiofsd(fs);
    if (!program)
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "Unable to find a satisfying virtiofsd");
    return start_virtiofsd(build, fs, program, &rq->err);
}

static int virtiofs_command(struct build *build, const struct filesystem *fs, struct err *err)
{
    auto_buf struct buf chardev = {0};
    auto_props struct props props = {0};

    buf_printf(&chardev, "socket,id=chr-vu-%s", fs->info.alias);
    option_add(&chardev, "path", fs->socket);
    build_arg(build, "-chardev", buf_text(&chardev));
    props_string(&props, "driver", "vhost-user-fs-pci");
    props_format(&props, "chardev", "chr-vu-%s", fs->info.alias);
    props_number(&props, "queue-size", fs->queue);
    props_string(&props, "tag", fs->target);
    props_number(&props, "bootindex", fs->info.boot_order);
    props_virtio(&props, &fs->virtio);
    if (props_info(build, &props, &fs->info, err) < 0)
        return -1;
    build_json(build, "-device", &props);
    return 0;
}

static int filesystem_command(struct build *build, void *device, struct err *err)
{
    static const char *const security[FS_ACCESS_MAX] = {"passthrough", "passthrough", "mapped", "none"};
    const struct filesystem *fs = device;
    auto_buf struct buf option = {0};
    auto_props struct props props = {0};

    if (fs->type != FS_MOUNT)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "only supports mount filesystem type");
    if (fs->driver == FS_DRIVER_VIRTIOFS)
        return virtiofs_command(build, fs, err);
    if (fs->driver && fs->driver != FS_DRIVER_PATH)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "Filesystem driver type not supported");
    buf_printf(&option, "local,security_model=%s", security[fs->access]);
    if (fs->wrpolicy)
        option_add(&option, "writeout", fs->wrpolicy);
    option_add(&option, "multidevs", str_eq(fs->multidevs, "default") ? NULL : fs->multidevs);
    if (fs->fmode.set)
        buf_printf(&option, ",fmode=%04o", fs->fmode.value);
    if (fs->dmode.set)
        buf_printf(&option, ",dmode=%04o", fs->dmode.value);
    buf_printf(&option, ",id=fsdev-%s", fs->info.alias);
    option_add(&option, "path", fs->dir);
    if (fs->readonly)
        buf_add_string(&option, ",readonly=on");
    build_arg(build, "-fsdev", buf_text(&option));
    props_string(&props, "driver", virtio_driver(build, "virtio-9p", fs->model));
    props_format(&props, "fsdev", "fsdev-%s", fs->info.alias);
    props_string(&props, "mount_tag", fs->target);
    props_virtio(&props, &fs->virtio);
    if (props_info(build, &props, &fs->info, err) < 0)
        return -1;
    build_json(build, "-device", &props);
    return 0;
}

const struct dev_kind kind_filesystem = {.name = "filesystem",
                                         DEV_LIST(filesystems),
                                         .prepare = filesystem_prepare,
                                         .command = filesystem_command};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Video: graphics cards; the first is the one that firmware uses, so it speaks VGA. */
#define ERR_FROM ERR_FROM_QEMU

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "virtqemud/dev/dev.h"
#include "virtqemud/qemud.h"

struct card {
    const char *primary, *secondary; /* NULL: can't be one */
};

static const struct card cards[VIDEO_TYPE_MAX] = {
    [VIDEO_VGA] = {"VGA", "secondary-vga"},
    [VIDEO_CIRRUS] = {"cirrus-vga", NULL},
    [VIDEO_VMVGA] = {"vmware-svga", NULL},
    [VIDEO_QXL] = {"qxl-vga", "qxl"},
    [VIDEO_VIRTIO] = {"virtio-vga", "virtio-gpu-pci"},
    [VIDEO_BOCHS] = {"bochs-display", "bochs-display"},
    [VIDEO_RAMFB] = {"ramfb", NULL},
};

static const char *virtio_card(const struct video *video)
{
    bool primary = video->primary == TRI_YES;

    if (str_eq(video->driver_name, "vhostuser"))
        return primary ? "vhost-user-vga" : "vhost-user-gpu-pci";
    if (video->accel3d == TRI_YES)
        return primary ? "virtio-vga-gl" : "virtio-gpu-gl-pci";
    return primary ? "virtio-vga" : "virtio-gpu-pci";
}

static void memory_props(const struct video *video, struct props *props)
{
    enum { KIB = 1024 };

    switch (video->type) {
    case VIDEO_QXL:
        props_u64(props, "max_outputs", video->heads);
        props_u64(props, "ram_size", (uint64_t)video->ram * KIB);
        props_u64(props, "vram_size", (uint64_t)video->vram * KIB);
        props_u64(props, "vram64_size_mb", video->vram64 / KIB);
        props_u64(props, "vgamem_mb", video->vgamem / KIB);
        break;
    case VIDEO_VIRTIO:
        props_u64(props, "max_outputs", video->heads);
        break;
    case VIDEO_VGA:
    case VIDEO_VMVGA:
        props_number(props, "vgamem_mb", video->vram / KIB);
        break;
    case VIDEO_BOCHS:
        props_number(props, "vgamem", (uint64_t)video->vram * KIB);
        break;
    default:
        break;
    }
}

static int video_command(struct build *build, void *device, struct err *err)
{
    const struct video *video = device;
    auto_props struct props props = {0};
    const char *driver;

    if (video->type == VIDEO_NONE)
        return 0;
    driver = video->primary == TRI_YES ? cards[video->type].primary : cards[video->type].secondary;
    if (video->type == VIDEO_VIRTIO)
        driver = virtio_card(video);
    if (!driver)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "video type '%s' is not supported%s",
                       video_type_names[video->type],
                       video->primary == TRI_YES ? "" : " for a secondary device");
    props_string(&props, "driver", driver);
    if (str_eq(video->driver_name, "vhostuser")) {
        build_argf(build, "-chardev", "socket,id=chr-vu-%s,fd=%d", video->info.alias, video->vhost_fd);
        props_format(&props, "chardev", "chr-vu-%s", video->info.alias);
    }
    memory_props(video, &props);
    props_tristate(&props, "blob", video->blob);
    props_tristate(&props, "edid", video->edid);
    if (video->res_x.set && video->res_y.set) {
        props_u64(&props, "xres", video->res_x.value);
        props_u64(&props, "yres", video->res_y.value);
    }
    props_virtio(&props, &video->virtio);
    if (props_info(build, &props, &video->info, err) < 0)
        return -1;
    build_json(build, "-device", &props);
    return 0;
}

/* A process of its own draws: what a guest's driver makes go wrong happens there. */
static int video_prepare(struct req *rq, struct build *build, void *device)
{
    static const char *const places[] = {"/usr/libexec/vhost-user-gpu", "/usr/lib/qemu/vhost-user-gpu"};
    struct video *video = device;
    const char *argv[8] = {NULL};
    size_t n = 1;
    int pair[2], r;

    if (!str_eq(video->driver_name, "vhostuser") || build->validate_only)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(places) && !argv[0]; i++)
        if (access(places[i], X_OK) == 0)
            argv[0] = places[i];
    if (!argv[0])
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED, "Unable to find a satisfying vhost-user-gpu");
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return err_system(&rq->err, errno, "cannot make a pair of sockets for vhost-user-gpu");
    video->vhost_fd = build_pass_fd(build, pair[0]);
    argv[n++] = arena_printf(build->arena, "--fd=%d", pair[1]);
    if (video->accel3d == TRI_YES)
        argv[n++] = "--virgl";
    if (video->rendernode)
        argv[n++] = arena_printf(build->arena, "--render-node=%s", video->rendernode);
    r = build_spawn(build, argv, &pair[1], 1,
                    arena_printf(build->arena, "%s/%s-%s-vhost-user-gpu.log", qemud.dirs.log,
                                 build->domain->name, video->info.alias),
                    &rq->err);
    close(pair[1]);
    return r;
}

const struct dev_kind kind_video = {
    .name = "video", DEV_LIST(videos), .prepare = video_prepare, .command = video_command};

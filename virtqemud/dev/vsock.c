/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Vsock: the host's end is a descriptor that carries the guest's number. */
#define ERR_FROM ERR_FROM_QEMU

#include "base/str.h"
#include "virtqemud/dev/dev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"

enum { FIRST_CID = 3, LAST_CID = 65535 };

static int set_cid(int fd, uint64_t cid)
{
    return ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &cid) < 0 ? -errno : 0;
}

static int vsock_prepare(struct req *rq, struct build *build, void *device)
{
    struct vsock *vsock = device;
    auto_fd int fd = -1;
    int r = 0;

    if (build->validate_only)
        return 0;
    fd = open("/dev/vhost-vsock", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "unable to open vhost-vsock device: %s",
                       strerror(errno));
    if (vsock->auto_cid != TRI_YES) {
        r = set_cid(fd, vsock->cid);
    } else {
        /* the kernel knows who has which */
        for (vsock->cid = FIRST_CID; vsock->cid < LAST_CID; vsock->cid++) {
            r = set_cid(fd, vsock->cid);
            if (r != -EADDRINUSE)
                break;
        }
    }
    if (r < 0)
        return err_system(&rq->err, r, "unable to set guest cid %u", vsock->cid);
    build->vsock_fd = build_pass_fd(build, FD_TAKE(fd));
    return 0;
}

static int vsock_command(struct build *build, void *device, struct err *err)
{
    const struct vsock *vsock = device;
    auto_props struct props props = {0};

    props_string(&props, "driver", virtio_driver(build, "vhost-vsock", vsock->model));
    props_u64(&props, "guest-cid", vsock->cid);
    if (build->vsock_fd)
        props_string(&props, "vhostfd", build_fd_name(build, build->vsock_fd));
    props_virtio(&props, &vsock->virtio);
    if (props_info(build, &props, &vsock->info, err) < 0)
        return -1;
    build_json(build, "-device", &props);
    return 0;
}

const struct dev_kind kind_vsock = {
    .name = "vsock", DEV_ONE(vsock), .prepare = vsock_prepare, .command = vsock_command};

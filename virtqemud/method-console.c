/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods that open a machine to people: consoles, channels, screens, as bytes over the client's connection.
 */
#define ERR_FROM ERR_FROM_QEMU
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/enum.h"
#include "base/fd.h"
#include "base/local.h"
#include "base/str.h"
#include "model/domain/domain.h"
#include "virtqemud/caps.h"
#include "virtqemud/console.h"
#include "virtqemud/method.h"
#include "virtqemud/qemud.h"
#include "virtqemud/qmp.h"

#define QMP_USEC SECONDS(30)

struct console *console_find(struct run *run, const char *path)
{
    struct console *console;

    LIST_FOREACH(&run->consoles, console, link)
        if (str_eq(console->path, path))
            return console;
    return NULL;
}

void console_let_go(struct run *run)
{
    struct console *console;

    LIST_FOREACH(&run->consoles, console, link)
        list_remove(&console->link);
}

static void on_closed(void *arg, int reason)
{
    struct console *console = arg;

    list_remove(&console->link);
    free(console);
}

/* Which one it is was said by QEMU, which isn't trusted: a pseudo terminal of its own user's, nothing else.
 */
static int open_terminal(const char *path)
{
    const uid_t owner = qemud.privileged ? qemud.conf.user : geteuid();
    auto_fd int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    if (!S_ISCHR(status.st_mode) || !isatty(fd))
        return -ENOTTY;
    return status.st_uid == owner ? FD_TAKE(fd) : -EPERM;
}

static int open_device(struct req *rq, const struct chardev *device)
{
    const struct chardev_source *source = &device->source;
    int fd;

    if (source->type != CHARDEV_PTY && source->type != CHARDEV_UNIX)
        return err_set(&rq->err, ERR_OPERATION_UNSUPPORTED,
                       "character device %s is not using a PTY or a unix socket", device->info.alias);
    if (!source->path)
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "character device %s has no path", device->info.alias);
    fd = source->type == CHARDEV_UNIX ? local_connect(source->path) : open_terminal(source->path);
    if (fd < 0)
        return err_system(&rq->err, fd, "unable to open tty or socket %s", source->path);
    return fd;
}

static int open_stream(struct req *rq, struct vm *vm, const struct chardev *device, bool force)
{
    struct run *run = vm->run;
    struct console *console = device->source.path ? console_find(run, device->source.path) : NULL;
    int fd;

    if (console && !force)
        return err_set(&rq->err, ERR_OPERATION_FAILED, "Active %s exists for this domain",
                       device->target == CHARTARGET_VIRTIO && device->target_name ? "channel stream"
                                                                                  : "console session");
    if (console) {
        list_remove(&console->link);
        stream_abort(console->stream, "another session took the console over");
    }
    fd = open_device(rq, device);
    if (fd < 0)
        return -1;
    console = NEW(struct console);
    list_init(&console->link);
    console->path = arena_strdup(&run->arena, device->source.path);
    console->stream = stream_pump(rq, fd, STREAM_BOTH, UINT64_MAX, on_closed, console);
    if (!console->stream) {
        free(console);
        return -1;
    }
    list_append(&run->consoles, &console->link);
    return 0;
}

/* By alias among all kinds; without a name the first console, else serial, else parallel. */
static const struct chardev *find_device(const struct devices *devices, const char *name)
{
    struct chardev *const *lists[] = {devices->consoles, devices->serials, devices->parallels};
    const size_t counts[] = {devices->n_consoles, devices->n_serials, devices->n_parallels};

    for (size_t l = 0; l < ARRAY_SIZE(lists); l++)
        for (size_t i = 0; i < counts[l]; i++)
            if (!name || str_eq(lists[l][i]->info.alias, name))
                return lists[l][i];
    return NULL;
}

static int m_open_console(struct req *rq, struct vm *vm, const struct remote_domain_open_console_in *in,
                          struct remote_domain_open_console_out *out)
{
    const char *name = str_empty(in->dev_name) ? NULL : in->dev_name;
    const struct chardev *device;

    if (method_flags(rq, in->flags, API_DOMAIN_CONSOLE_FORCE | API_DOMAIN_CONSOLE_SAFE) < 0 ||
        vm_check_active(rq, vm) < 0)
        return -1;
    device = find_device(&vm->run->domain->devices, name);
    if (!device && name)
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "cannot find character device %s", name);
    if (!device)
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "cannot find default console device");
    return open_stream(rq, vm, device, in->flags & API_DOMAIN_CONSOLE_FORCE);
}

static int m_open_channel(struct req *rq, struct vm *vm, const struct remote_domain_open_channel_in *in,
                          struct remote_domain_open_channel_out *out)
{
    const struct devices *devices;

    if (method_flags(rq, in->flags, API_DOMAIN_CHANNEL_FORCE) < 0 || vm_check_active(rq, vm) < 0)
        return -1;
    devices = &vm->run->domain->devices;
    for (size_t i = 0; i < devices->n_channels; i++) {
        const struct chardev *channel = devices->channels[i];

        if (!in->name || str_eq(channel->info.alias, in->name) || str_eq(channel->target_name, in->name))
            return open_stream(rq, vm, channel, in->flags & API_DOMAIN_CHANNEL_FORCE);
    }
    return err_set(&rq->err, ERR_INTERNAL_ERROR, "cannot find channel %s", in->name ? in->name : "(any)");
}

/* ---- screens ---- */

/*
 * QEMU writes the picture into memory of ours that it gets as a descriptor set: no file, no path that its
 * user must be able to write. The set's descriptor must have exactly the access mode that QEMU opens with.
 */
static int take_picture(struct req *rq, struct qmp *qmp, const char *more, int memory)
{
    auto_free char *path = mem_printf("/proc/self/fd/%d", memory);
    auto_fd int writer = open(path, O_WRONLY | O_CLOEXEC);
    auto_json struct json_object *set = NULL;
    struct qmp_call add = {0};
    unsigned id;
    int r;

    if (writer < 0)
        return err_system(&rq->err, errno, "cannot open memory for a screenshot");
    if (qmp_put_fd(rq, qmp, &add, "add-fd", NULL, writer) < 0 || qmp_take(rq, &add, &set, QMP_USEC) < 0)
        return -1;
    id = (unsigned)json_uint(set, "fdset-id", 0);
    r = qmp_call(rq, qmp, "screendump",
                 arena_printf(&rq->arena, "{\"filename\":\"/dev/fdset/%u\"%s}", id, more), NULL, QMP_USEC);
    if (!qmp_broken(qmp)) {
        struct err why = {0};

        err_move(&why, &rq->err);
        qmp_call(rq, qmp, "remove-fd", arena_printf(&rq->arena, "{\"fdset-id\":%u}", id), NULL, QMP_USEC);
        err_clear(&rq->err);
        err_move(&rq->err, &why);
    }
    return r;
}

static int m_screenshot(struct req *rq, struct vm *vm, const struct remote_domain_screenshot_in *in,
                        struct remote_domain_screenshot_out *out)
{
    struct qmp *qmp;
    auto_buf struct buf more = {0};
    auto_fd int memory = -1;
    const struct devices *devices;
    unsigned screen = in->screen;
    bool png;

    if (method_flags(rq, in->flags, 0) < 0 || !(qmp = vm_monitor(rq, vm)))
        return -1;
    devices = &vm->run->domain->devices;
    if (!devices->n_videos)
        return err_set(&rq->err, ERR_OPERATION_INVALID, "no screens to take screenshot from");
    if (screen) { /* heads are counted over all cards; the first head of the first card needs no name */
        size_t i = 0;

        for (; i < devices->n_videos; i++) {
            unsigned heads = devices->videos[i]->heads ? devices->videos[i]->heads : 1;

            if (screen < heads)
                break;
            screen -= heads;
        }
        if (i == devices->n_videos)
            return err_set(&rq->err, ERR_INVALID_ARG, "no such screen");
        json_add(&more, ",'device':%s,'head':%u", devices->videos[i]->info.alias, screen);
    }
    png = vm->run->caps && qemu_caps_has(vm->run->caps, QEMU_CAP_SCREENDUMP_PNG);
    if (png)
        json_add(&more, ",'format':'png'");
    memory = memfd_create("screenshot", MFD_CLOEXEC);
    if (memory < 0)
        return err_system(&rq->err, errno, "cannot make memory for a screenshot");
    if (take_picture(rq, qmp, buf_text(&more), memory) < 0)
        return -1;
    if (lseek(memory, 0, SEEK_SET) < 0)
        return err_system(&rq->err, errno, "cannot read the screenshot");
    if (!stream_pump(rq, FD_TAKE(memory), STREAM_TO_CLIENT, UINT64_MAX, NULL, NULL))
        return -1;
    out->mime = arena_strdup(&rq->arena, png ? "image/png" : "image/x-portable-pixmap");
    return 0;
}

/* ---- a display's connection as a descriptor ---- */

static int add_client(struct req *rq, struct vm *vm, uint32_t index, int fd, bool skip_auth)
{
    struct qmp *qmp = vm_monitor(rq, vm);
    const struct graphics *graphics;
    struct qmp_call pass = {0};
    const char *protocol;

    if (!qmp)
        return -1;
    if (index >= vm->run->domain->devices.n_graphics)
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "No graphics backend with index %u", index);
    graphics = vm->run->domain->devices.graphics[index];
    if (graphics->type != GRAPHICS_VNC && graphics->type != GRAPHICS_SPICE)
        return err_set(&rq->err, ERR_INTERNAL_ERROR, "Can only open VNC or SPICE graphics backends, not %s",
                       enum_name(graphics_type_names, (int)graphics->type));
    protocol = graphics->type == GRAPHICS_VNC ? "vnc" : "spice";
    if (qmp_put_fd(rq, qmp, &pass, "getfd", "{\"fdname\":\"graphicsfd\"}", fd) < 0 ||
        qmp_take(rq, &pass, NULL, QMP_USEC) < 0 || !(qmp = vm_monitor(rq, vm)))
        return -1;
    return qmp_call(rq, qmp, "add_client",
                    json_text(&rq->arena,
                              skip_auth ? "{'protocol':%s,'fdname':'graphicsfd','skipauth':true}"
                                        : "{'protocol':%s,'fdname':'graphicsfd','skipauth':false}",
                              protocol),
                    NULL, QMP_USEC);
}

static int m_open_graphics(struct req *rq, struct vm *vm, const struct remote_domain_open_graphics_in *in,
                           struct remote_domain_open_graphics_out *out)
{
    unsigned count;
    const int *fds = req_fds(rq, &count);

    if (method_flags(rq, in->flags, API_DOMAIN_OPEN_GRAPHICS_SKIPAUTH) < 0)
        return -1;
    if (count != 1)
        return err_set(&rq->err, ERR_INVALID_ARG, "one descriptor is needed, not %u", count);
    return add_client(rq, vm, in->idx, fds[0], in->flags & API_DOMAIN_OPEN_GRAPHICS_SKIPAUTH);
}

static int m_open_graphics_fd(struct req *rq, struct vm *vm,
                              const struct remote_domain_open_graphics_fd_in *in,
                              struct remote_domain_open_graphics_fd_out *out)
{
    int pair[2], r;

    if (method_flags(rq, in->flags, API_DOMAIN_OPEN_GRAPHICS_SKIPAUTH) < 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return err_system(&rq->err, errno, "cannot make a socket pair");
    r = add_client(rq, vm, in->idx, pair[1], in->flags & API_DOMAIN_OPEN_GRAPHICS_SKIPAUTH);
    close(pair[1]);
    if (r < 0)
        close(pair[0]);
    else
        req_add_fd(rq, pair[0]);
    return r;
}

const struct method console_methods[] = {
    METHOD(remote, DOMAIN_OPEN_CONSOLE, m_open_console),
    METHOD(remote, DOMAIN_OPEN_CHANNEL, m_open_channel),
    METHOD(remote, DOMAIN_SCREENSHOT, m_screenshot),
    METHOD(remote, DOMAIN_OPEN_GRAPHICS, m_open_graphics),
    METHOD(remote, DOMAIN_OPEN_GRAPHICS_FD, m_open_graphics_fd),
    {0},
};

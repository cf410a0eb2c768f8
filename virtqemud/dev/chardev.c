/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Chardev: backends (-chardev) for everything that carries bytes, and the devices in front of them: serial
 * and parallel ports, consoles, channels. Sockets that we serve and files that QEMU writes are opened here,
 * so that QEMU needs no right to their directories.
 */
#define ERR_FROM ERR_FROM_QEMU

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "virtqemud/dev/tls.h"

/* ---- the host's side ---- */

int prepare_chardev(struct req *rq, struct build *build, const char *alias UNUSED,
                    struct chardev_source *source, const char *auto_name)
{
    /* the default of a live definition is said */
    if (source->type == CHARDEV_TCP && !source->tls && (!build->validate_only || qemud.conf.chardev_tls.on))
        source->tls = tri(qemud.conf.chardev_tls.on);
    if (source->type == CHARDEV_TCP && source->tls == TRI_YES)
        return tls_prepare(rq, build, source, &qemud.conf.chardev_tls);
    if (source->type != CHARDEV_UNIX || source->path)
        return 0;
    if (!auto_name)
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "a unix socket needs a path");
    int r = build->validate_only ? 0
                                 : file_make_dir_given(build->channel_dir, 0750,
                                                       build->privileged ? qemud.conf.user : (uid_t)-1,
                                                       build->privileged ? qemud.conf.group : (gid_t)-1);
    if (r < 0)
        return err_system(&rq->err, r, "cannot create directory '%s'", build->channel_dir);
    build_remember(build, UNDO_DIR, build->channel_dir, -1);
    source->path = arena_printf(build->arena, "%s/%s", build->channel_dir, auto_name);
    source->mode = CHARMODE_BIND;
    return 0;
}

void chardev_found(struct build *build, const struct chardev_source *source)
{
    const char *slash = source->path ? strrchr(source->path, '/') : NULL;

    if (source->type != CHARDEV_UNIX || source->mode != CHARMODE_BIND || !slash)
        return;
    /* directories that hold anything else stay */
    build_remember(build, UNDO_DIR, arena_strndup(build->arena, source->path, (size_t)(slash - source->path)),
                   -1);
    build_remember(build, UNDO_FILE, source->path, -1);
}

/* ---- backends ---- */

static int file_backend(struct build *build, const struct chardev_source *source, struct buf *option,
                        struct err *err)
{
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | (source->append == TRI_YES ? O_APPEND : O_TRUNC);

    if (build->validate_only) {
        option_add(option, "path", source->path);
        return 0;
    }
    int fd = open(source->path, flags, 0600);
    if (fd < 0)
        return err_system(err, errno, "Unable to open file '%s'", source->path);
    option_add(option, "path", build_fdset(build, fd));
    buf_add_string(option, ",append=on");
    return 0;
}

/* Newer QEMUs count in milliseconds, and have no other word any more. */
void reconnect_options(const struct build *build, struct buf *option, const struct reconnect *reconnect)
{
    bool on = reconnect->enabled == TRI_YES;
    uint32_t ms = on ? reconnect->delay.set ? reconnect->delay.value : reconnect->timeout.value * 1000 : 0;

    if (!reconnect->enabled)
        return;
    if (qemu_caps_has(build->caps, QEMU_CAP_CHARDEV_RECONNECT_MS))
        buf_printf(option, ",reconnect-ms=%u", ms);
    else
        buf_printf(option, ",reconnect=%u", (ms + 999) / 1000);
}

static int unix_backend(struct build *build, const struct chardev_source *source, struct buf *option,
                        struct err *err)
{
    if (source->mode != CHARMODE_BIND) {
        option_add(option, "path", source->path);
        reconnect_options(build, option, &source->reconnect);
        return 0;
    }
    if (build->validate_only || build->plug) {
        option_add(option, "path", source->path);
        if (!build->validate_only)
            build_remember(build, UNDO_FILE, source->path, -1);
    } else {
        int fd = build_listen(build, source->path, err);
        if (fd < 0)
            return -1;
        buf_printf(option, ",fd=%d", build_pass_fd(build, fd));
        build_remember(build, UNDO_FILE, source->path, -1);
    }
    buf_add_string(option, ",server=on,wait=off");
    return 0;
}

/* id: "charserial0" */
static void tcp_backend(struct build *build, const char *id, const struct chardev_source *source,
                        struct buf *option)
{
    option_add(option, "host", source->host ? source->host : "");
    option_add(option, "port", source->service);
    if (source->protocol == CHARPROTO_TELNET)
        buf_add_string(option, ",telnet=on");
    if (source->mode == CHARMODE_BIND)
        buf_add_string(option, ",server=on,wait=off");
    else
        reconnect_options(build, option, &source->reconnect);
    if (source->tls == TRI_YES)
        option_add(option, "tls-creds",
                   tls_object(build, source, &qemud.conf.chardev_tls,
                              arena_printf(build->arena, "obj%s_tls0", id), id,
                              source->mode == CHARMODE_BIND));
}

int build_chardev(struct build *build, const char *id, const struct chardev_source *source, struct err *err)
{
    /* names of QEMU's backends; tcp and unix are both sockets */
    static const char *const backends[CHARDEV_TYPE_MAX] = {
        [CHARDEV_NULL] = "null",
        [CHARDEV_VC] = "vc",
        [CHARDEV_PTY] = "pty",
        [CHARDEV_DEV] = "serial",
        [CHARDEV_FILE] = "file",
        [CHARDEV_PIPE] = "pipe",
        [CHARDEV_STDIO] = "stdio",
        [CHARDEV_UDP] = "udp",
        [CHARDEV_TCP] = "socket",
        [CHARDEV_UNIX] = "socket",
        [CHARDEV_SPICEVMC] = "spicevmc",
        [CHARDEV_SPICEPORT] = "spiceport",
        [CHARDEV_VDAGENT] = "qemu-vdagent",
        [CHARDEV_DBUS] = "dbus",
    };
    auto_buf struct buf option = {0};
    int r = 0;

    if (!backends[source->type])
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "Unsupported char device type '%s'",
                       chardev_type_names[source->type]);
    buf_printf(&option, "%s,id=%s",
               source->type == CHARDEV_DEV && str_after(id, "charparallel") ? "parallel"
                                                                            : backends[source->type],
               id);
    switch (source->type) {
    case CHARDEV_DEV:
    case CHARDEV_PIPE:
        option_add(&option, "path", source->path);
        break;
    case CHARDEV_FILE:
        r = file_backend(build, source, &option, err);
        break;
    case CHARDEV_UDP:
        option_add(&option, "host", source->host ? source->host : "");
        option_add(&option, "port", source->service ? source->service : "0");
        if (source->bind_host || source->bind_service) {
            option_add(&option, "localaddr", source->bind_host ? source->bind_host : "");
            option_add(&option, "localport", source->bind_service ? source->bind_service : "0");
        }
        break;
    case CHARDEV_TCP:
        tcp_backend(build, id, source, &option);
        break;
    case CHARDEV_UNIX:
        r = unix_backend(build, source, &option, err);
        break;
    case CHARDEV_SPICEPORT:
    case CHARDEV_DBUS:
        option_add(&option, "name", source->channel);
        break;
    case CHARDEV_SPICEVMC:
        option_add(&option, "name",
                   str_after(id, "charredir")       ? "usbredir"
                   : str_after(id, "charsmartcard") ? "smartcard"
                                                    : "vdagent");
        break;
    case CHARDEV_VDAGENT:
        buf_printf(&option, ",name=vdagent,clipboard=%s,mouse=%s",
                   source->vdagent_clipboard == TRI_YES ? "on" : "off",
                   str_eq(source->vdagent_mouse, "client") ? "on" : "off");
        break;
    default:
        break;
    }
    if (r < 0)
        return -1;
    if (source->logfile) {
        int fd = -1;
        if (!build->validate_only) {
            fd = open(source->logfile,
                      O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY |
                          (source->logappend == TRI_NO ? O_TRUNC : O_APPEND),
                      0600);
            if (fd < 0)
                return err_system(err, errno, "Unable to open file '%s'", source->logfile);
        }
        option_add(&option, "logfile", fd < 0 ? source->logfile : build_fdset(build, fd));
        buf_add_string(&option, ",logappend=on");
    }
    build_arg(build, "-chardev", buf_text(&option));
    return 0;
}

/* ---- devices ---- */

static int backend_of(struct build *build, const struct chardev *dev, char **ret_id, struct err *err)
{
    *ret_id = arena_printf(build->arena, "char%s", dev->info.alias);
    return build_chardev(build, *ret_id, &dev->source, err);
}

static int serial_command(struct build *build, void *device, struct err *err)
{
    const struct chardev *dev = device;
    auto_props struct props props = {0};
    char *id;

    if (backend_of(build, dev, &id, err) < 0)
        return -1;
    props_string(&props, "driver", dev->target_model);
    props_string(&props, "chardev", id);
    switch (dev->target) {
    case CHARTARGET_ISA_SERIAL:
        if (dev->port.set && dev->port.value < 4)
            props_u64(&props, "index", dev->port.value);
        break;
    case CHARTARGET_USB_SERIAL:
    case CHARTARGET_PCI_SERIAL:
    case CHARTARGET_ISA_DEBUG:
        break;
    default:
        return err_set(err, ERR_CONFIG_UNSUPPORTED,
                       "serial device type '%s' is not supported by this machine",
                       chardev_target_names[dev->target]);
    }
    if (props_info(build, &props, &dev->info, err) < 0)
        return -1;
    build_json(build, "-device", &props);
    return 0;
}

static int serial_prepare(struct req *rq, struct build *build, void *device)
{
    struct chardev *dev = device;
    const char *name = dev->target_name ? dev->target_name : dev->info.alias;

    /* the name comes from the definition and must stay one path component */
    if (dev->source.type == CHARDEV_UNIX && !dev->source.path && !file_name_valid(name))
        return err_set(&rq->err, ERR_CONFIG_UNSUPPORTED, "channel name '%s' can't be a file name", name);
    return prepare_chardev(rq, build, dev->info.alias, &dev->source, name);
}

static int parallel_command(struct build *build, void *device, struct err *err)
{
    const struct chardev *dev = device;
    auto_props struct props props = {0};
    char *id;

    if (backend_of(build, dev, &id, err) < 0)
        return -1;
    props_string(&props, "driver", "isa-parallel");
    props_string(&props, "chardev", id);
    if (props_info(build, &props, &dev->info, err) < 0)
        return -1;
    build_json(build, "-device", &props);
    return 0;
}

static int channel_command(struct build *build, void *device, struct err *err)
{
    const struct chardev *dev = device;
    auto_props struct props props = {0};
    char *id;

    if (backend_of(build, dev, &id, err) < 0)
        return -1;
    if (dev->target == CHARTARGET_GUESTFWD) {
        props_string(&props, "type", "user");
        props_array(&props, "guestfwd");
        props_object(&props, NULL);
        props_format(&props, "str", "tcp:%s:%u-chardev:%s", dev->target_address, dev->target_port, id);
        props_end_object(&props);
        props_end_array(&props);
        props_string(&props, "id", dev->info.alias);
        build_json(build, "-netdev", &props);
        return 0;
    }
    if (dev->target != CHARTARGET_VIRTIO)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "channel target type '%s' is not supported by QEMU",
                       chardev_target_names[dev->target]);
    props_string(&props, "driver", "virtserialport");
    props_string(&props, "chardev", id);
    /* the agent of a desktop knows its channel by this name */
    props_string(&props, "name",
                 dev->target_name ? dev->target_name
                 : dev->source.type == CHARDEV_SPICEVMC || dev->source.type == CHARDEV_VDAGENT
                     ? "com.redhat.spice.0"
                     : NULL);
    if (props_info(build, &props, &dev->info, err) < 0)
        return -1;
    build_json(build, "-device", &props);
    return 0;
}

static int console_command(struct build *build, void *device, struct err *err)
{
    const struct chardev *dev = device;
    auto_props struct props props = {0};
    char *id;

    /* the serial port speaks for this one */
    if (dev->target == CHARTARGET_SERIAL)
        return 0;
    if (dev->target != CHARTARGET_VIRTIO)
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "unsupported console target type %s",
                       chardev_target_names[dev->target]);
    if (backend_of(build, dev, &id, err) < 0)
        return -1;
    props_string(&props, "driver", "virtconsole");
    props_string(&props, "chardev", id);
    if (props_info(build, &props, &dev->info, err) < 0)
        return -1;
    build_json(build, "-device", &props);
    return 0;
}

static int console_prepare(struct req *rq, struct build *build, void *device)
{
    const struct chardev *dev = device;

    return dev->target == CHARTARGET_SERIAL ? 0 : serial_prepare(rq, build, device);
}

const struct dev_kind kind_serial = {
    .name = "serial", DEV_LIST(serials), .prepare = serial_prepare, .command = serial_command};
const struct dev_kind kind_parallel = {
    .name = "parallel", DEV_LIST(parallels), .prepare = serial_prepare, .command = parallel_command};
const struct dev_kind kind_channel = {
    .name = "channel", DEV_LIST(channels), .prepare = serial_prepare, .command = channel_command};
const struct dev_kind kind_console = {
    .name = "console", DEV_LIST(consoles), .prepare = console_prepare, .command = console_command};

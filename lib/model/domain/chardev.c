/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Chardev: rows of serial, parallel, console and channel, and of the source that other devices share with
 * them. */
#define ERR_FROM ERR_FROM_DOMAIN

#include "model/domain/chardev.h"

#include "base/str.h"

const char *const chardev_type_names[] = {"",          "null",  "vc",           "pty",  "dev",  "file",
                                          "pipe",      "stdio", "udp",          "tcp",  "unix", "spicevmc",
                                          "spiceport", "nmdm",  "qemu-vdagent", "dbus", NULL};
const char *const chardev_protocol_names[] = {"", "raw", "telnet", "telnets", "tls", NULL};
const char *const chardev_mode_names[] = {"", "connect", "bind", NULL};
const char *const chardev_target_names[] = {
    "",          "isa-serial", "usb-serial", "pci-serial", "spapr-vio-serial", "system-serial", "sclp-serial",
    "isa-debug", "serial",     "xen",        "uml",        "virtio",           "lxc",           "openvz",
    "sclp",      "sclplm",     "guestfwd",   NULL};

bool chardev_source_same(const struct chardev_source *a, const struct chardev_source *b)
{
    return a->type == b->type && str_eq(a->path, b->path) && a->mode == b->mode && str_eq(a->host, b->host) &&
           str_eq(a->service, b->service) && str_eq(a->bind_host, b->bind_host) &&
           str_eq(a->bind_service, b->bind_service) && str_eq(a->channel, b->channel) &&
           str_eq(a->master, b->master) && str_eq(a->slave, b->slave);
}

/* ---- the two <source> elements of udp ---- */

static int udp_parse(struct xt_parse *parse, struct xml_node *node, void *object)
{
    struct chardev_source *source = object;
    const char *mode = xml_attr(node, "mode");
    bool bind = str_eq(mode, "bind");

    if (mode && !bind && !str_eq(mode, "connect"))
        return xt_error_attr(parse, node, "mode", mode, &xt_enum);
    char **host = bind ? &source->bind_host : &source->host;
    char **service = bind ? &source->bind_service : &source->service;
    *host = arena_strdup(parse->arena, xml_attr(node, "host"));
    *service = arena_strdup(parse->arena, xml_attr(node, "service"));
    return 0;
}

static void udp_line(struct xt_format *format, const char *mode, const char *host, const char *service)
{
    auto_buf struct buf text = {0};

    if (!host && !service)
        return;
    if (host) {
        buf_add_string(&text, " host='");
        buf_add_xml(&text, host);
        buf_add_char(&text, '\'');
    }
    if (service) {
        buf_add_string(&text, " service='");
        buf_add_xml(&text, service);
        buf_add_char(&text, '\'');
    }
    xt_format_line(format, "<source mode='%s'%s/>", mode, buf_text(&text));
}

static void udp_format(struct xt_format *format, const void *object)
{
    const struct chardev_source *source = object;

    udp_line(format, "bind", source->bind_host, source->bind_service);
    udp_line(format, "connect", source->host, source->service);
}

static void udp_copy(struct arena *arena, void *to, const void *from)
{
    const struct chardev_source *source = from;
    struct chardev_source *target = to;

    target->host = arena_strdup(arena, source->host);
    target->service = arena_strdup(arena, source->service);
    target->bind_host = arena_strdup(arena, source->bind_host);
    target->bind_service = arena_strdup(arena, source->bind_service);
}

static const struct xt_hook udp_hook = {.parse = udp_parse,
                                        .format = udp_format,
                                        .copy = udp_copy,
                                        .known = (const char *const[]){"@mode", "@host", "@service", NULL}};

/* Only udp has a second one, for the way back. */
static int sources_parse(struct xt_parse *parse, struct xml_node *node, void *object)
{
    struct xml_node *first = xml_child(node, "source");

    if (first && xml_next(first, "source") && ((struct chardev_source *)object)->type != CHARDEV_UDP)
        return err_set(parse->err, ERR_XML_ERROR, "only one source element is allowed for character device");
    return 0;
}

static void sources_format(struct xt_format *format, const void *object)
{
}

static void sources_copy(struct arena *arena, void *to, const void *from)
{
}

static const struct xt_hook sources_hook = {
    .parse = sources_parse, .format = sources_format, .copy = sources_copy};

/* ---- rules ---- */

void chardev_source_settle(struct chardev_source *source)
{
    switch (source->type) {
    case CHARDEV_TCP:
        if (!source->mode)
            source->mode = CHARMODE_CONNECT;
        if (!source->protocol)
            source->protocol = CHARPROTO_RAW;
        break;
    case CHARDEV_UNIX:
        if (!source->path)
            source->mode = CHARMODE_UNSET;
        else if (!source->mode)
            source->mode = CHARMODE_CONNECT;
        break;
    default:
        break;
    }
}

/* What a source of a type can't do without; in the order in which it is missed. */
int chardev_source_check(const struct chardev_source *source, bool named, struct err *err)
{
    const char *what = NULL;

    if (reconnect_check(&source->reconnect, err) < 0)
        return -1;
    switch (source->type) {
    case CHARDEV_DEV:
    case CHARDEV_FILE:
    case CHARDEV_PIPE:
        what = source->path ? NULL : "path";
        break;
    case CHARDEV_UNIX:
        what = source->path || named ? NULL : "path";
        break;
    case CHARDEV_TCP:
        what = !source->host ? "host" : !source->service ? "service" : NULL;
        break;
    case CHARDEV_UDP:
        what = source->service ? NULL : "service";
        break;
    case CHARDEV_SPICEPORT:
        if (!source->channel)
            return err_set(err, ERR_CONFIG_UNSUPPORTED, "Missing source channel attribute for char device");
        break;
    default:
        break;
    }
    return what ? err_set(err, ERR_INTERNAL_ERROR, "Missing source %s attribute for char device", what) : 0;
}

static int kind_finish(struct xt_parse *parse, struct chardev *dev, enum chardev_kind kind)
{
    dev->kind = kind;
    if (!dev->source.type)
        return err_set(parse->err, ERR_XML_ERROR, "missing source type for char device");
    chardev_source_settle(&dev->source);
    return 0;
}

static int serial_finish(struct xt_parse *parse, void *object)
{
    struct chardev *dev = object;

    if (dev->target >= CHARTARGET_SERIAL)
        return err_set(parse->err, ERR_XML_ERROR, "unknown target type '%s' specified for character device",
                       chardev_target_names[dev->target]);
    return kind_finish(parse, dev, CHARKIND_SERIAL);
}

static int parallel_finish(struct xt_parse *parse, void *object)
{
    return kind_finish(parse, object, CHARKIND_PARALLEL);
}

static int console_finish(struct xt_parse *parse, void *object)
{
    struct chardev *dev = object;

    if (dev->target && (dev->target < CHARTARGET_SERIAL || dev->target > CHARTARGET_SCLPLM))
        return err_set(parse->err, ERR_XML_ERROR, "unknown target type '%s' specified for character device",
                       chardev_target_names[dev->target]);
    if (!dev->target)
        dev->target = CHARTARGET_SERIAL;
    return kind_finish(parse, dev, CHARKIND_CONSOLE);
}

static int channel_finish(struct xt_parse *parse, void *object)
{
    struct chardev *dev = object;

    if (!dev->target)
        return err_set(parse->err, ERR_XML_ERROR, "target type must be specified for channel device");
    if (dev->target == CHARTARGET_GUESTFWD && !dev->target_address)
        return err_set(parse->err, ERR_XML_ERROR, "guestfwd channel does not define a target address");
    if (dev->target == CHARTARGET_GUESTFWD && !dev->target_port)
        return err_set(parse->err, ERR_XML_ERROR, "guestfwd channel does not define a target port");
    return kind_finish(parse, dev, CHARKIND_CHANNEL);
}

/* ---- rows ---- */

/* clang-format off */
#define T struct chardev_source
#define SECLABELS XT_LIST(T, seclabels, n_seclabels, "seclabel", source_seclabel_table, 0)
XT_DEFINE_ROWS(chardev_source_table, "source", NULL,
    XT_ENUM(T, type, "type", chardev_type_names, 0),
    XT_HOOK_ALL(NULL, sources_hook, 0),
    XT_UNION(T, type, 0,
        XT_ARM(CHARDEV_PTY, XT_GROUP("source", 0, XT_ATTR(T, path, "path", str, XT_LIVE), SECLABELS)),
        XT_ARM(CHARDEV_DEV, XT_GROUP("source", 0, XT_ATTR(T, path, "path", str, 0), SECLABELS)),
        XT_ARM(CHARDEV_PIPE, XT_GROUP("source", 0, XT_ATTR(T, path, "path", str, 0), SECLABELS)),
        XT_ARM(CHARDEV_FILE,
            XT_GROUP("source", 0,
                XT_ATTR(T, path, "path", str, 0),
                XT_ATTR(T, append, "append", onoff, 0),
                SECLABELS)),
        XT_ARM(CHARDEV_UDP, XT_HOOK_ALL("source", udp_hook, 0)),
        XT_ARM(CHARDEV_TCP,
            XT_GROUP("source", 0,
                XT_ENUM(T, mode, "mode", chardev_mode_names, 0),
                XT_ATTR(T, host, "host", str, 0),
                XT_ATTR(T, service, "service", str, 0),
                XT_ATTR(T, tls, "tls", yesno, 0),
                XT_EMBED(T, reconnect, "reconnect", reconnect_table, 0))),
        XT_ARM(CHARDEV_UNIX,
            XT_GROUP("source", 0,
                XT_ENUM(T, mode, "mode", chardev_mode_names, 0),
                XT_ATTR(T, path, "path", str, 0),
                SECLABELS,
                XT_EMBED(T, reconnect, "reconnect", reconnect_table, 0))),
        XT_ARM(CHARDEV_SPICEPORT, XT_GROUP("source", 0, XT_ATTR(T, channel, "channel", str, 0))),
        XT_ARM(CHARDEV_DBUS, XT_GROUP("source", 0, XT_ATTR(T, channel, "channel", str, 0))),
        XT_ARM(CHARDEV_NMDM,
            XT_GROUP("source", 0,
                XT_ATTR(T, master, "master", str, 0),
                XT_ATTR(T, slave, "slave", str, 0))),
        XT_ARM(CHARDEV_VDAGENT,
            XT_GROUP("source", 0,
                XT_GROUP("clipboard", 0, XT_ATTR(T, vdagent_clipboard, "copypaste", yesno, 0)),
                XT_GROUP("mouse", 0, XT_ATTR(T, vdagent_mouse, "mode", str, 0))))),
    XT_UNION(T, type, 0,
        XT_ARM(CHARDEV_TCP,
            XT_GROUP("protocol", 0, XT_ENUM(T, protocol, "type", chardev_protocol_names, 0)))),
    XT_GROUP("log", 0,
        XT_ATTR(T, logfile, "file", str, 0),
        XT_ATTR(T, logappend, "append", onoff, 0)));
#undef T

#define T struct chardev
XT_DEFINE(serial_table, "serial", serial_finish,
    XT_EMBED(T, source, NULL, chardev_source_table, 0),
    XT_GROUP("target", 0,
        XT_ENUM(T, target, "type", chardev_target_names, XT_ABI),
        XT_ATTR(T, port, "port", opt_u32, XT_ABI),
        XT_GROUP("model", 0, XT_ATTR(T, target_model, "name", str, XT_ABI))),
    XT_EMBED(T, info, NULL, device_info_table, 0));

XT_DEFINE(parallel_table, "parallel", parallel_finish,
    XT_EMBED(T, source, NULL, chardev_source_table, 0),
    XT_GROUP("target", 0,
        XT_ATTR(T, port, "port", opt_u32, XT_ABI)),
    XT_EMBED(T, info, NULL, device_info_table, 0));

XT_DEFINE(console_table, "console", console_finish,
    XT_EMBED(T, source, NULL, chardev_source_table, 0),
    XT_ATTR(T, tty, "tty", str, XT_LIVE),
    XT_GROUP("target", 0,
        XT_ENUM(T, target, "type", chardev_target_names, XT_ABI),
        XT_ATTR(T, port, "port", opt_u32, XT_ABI)),
    XT_EMBED(T, info, NULL, device_info_table, 0));

XT_DEFINE(channel_table, "channel", channel_finish,
    XT_EMBED(T, source, NULL, chardev_source_table, 0),
    XT_GROUP("target", 0,
        XT_ENUM(T, target, "type", chardev_target_names, XT_ABI),
        XT_UNION(T, target, 0,
            XT_ARM(CHARTARGET_GUESTFWD,
                XT_ATTR(T, target_address, "address", str, XT_ABI),
                XT_ATTR(T, target_port, "port", u32, XT_ABI)),
            XT_ARM(CHARTARGET_VIRTIO,
                XT_ATTR(T, target_name, "name", str, XT_ABI),
                XT_ATTR(T, state, "state", str, XT_LIVE)),
            XT_ARM(CHARTARGET_XEN,
                XT_ATTR(T, target_name, "name", str, XT_ABI),
                XT_ATTR(T, state, "state", str, XT_LIVE)))),
    XT_EMBED(T, info, NULL, device_info_table, 0));
#undef T

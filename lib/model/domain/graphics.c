/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Graphics: rows of <graphics>; what is written as attribute and as <listen> is made to agree. */
#define ERR_FROM ERR_FROM_DOMAIN

#include "model/domain/graphics.h"

#include "base/str.h"

const char *const graphics_type_names[] = {"",      "sdl",          "vnc",  "rdp", "desktop",
                                           "spice", "egl-headless", "dbus", NULL};
const char *const listen_type_names[] = {"", "address", "network", "socket", "none", NULL};
const char *const spice_channel_names[] = {"",         "main",   "display",   "inputs",   "cursor",
                                           "playback", "record", "smartcard", "usbredir", NULL};
const char *const spice_channel_mode_names[] = {"", "any", "secure", "insecure", NULL};

static bool has_network(const struct graphics *graphics)
{
    return graphics->type == GRAPHICS_VNC || graphics->type == GRAPHICS_SPICE ||
           graphics->type == GRAPHICS_RDP;
}

static int settle_listens(struct xt_parse *parse, struct graphics *graphics)
{
    struct graphics_listen *first;

    if (!graphics->n_listens) {
        first = ARENA_NEW(parse->arena, struct graphics_listen);
        first->type = graphics->socket ? LISTEN_SOCKET : LISTEN_ADDRESS;
        first->socket = graphics->socket;
        first->address = graphics->socket ? NULL : graphics->listen;
        graphics->listens = ARENA_ARRAY(parse->arena, struct graphics_listen *, 1);
        graphics->listens[0] = first;
        graphics->n_listens = 1;
    }
    first = graphics->listens[0];
    if (graphics->type == GRAPHICS_VNC && graphics->socket && first->type == LISTEN_SOCKET && first->socket &&
        !str_eq(graphics->socket, first->socket))
        return err_set(
            parse->err, ERR_CONFIG_UNSUPPORTED,
            "graphics 'socket' attribute '%s' must match 'socket' attribute of first listen element "
            "(found '%s')",
            graphics->socket, first->socket);
    if (graphics->type == GRAPHICS_VNC && graphics->socket &&
        (first->type == LISTEN_ADDRESS || first->type == LISTEN_SOCKET)) {
        /* the older word wins over an address */
        first->type = LISTEN_SOCKET;
        first->socket = graphics->socket;
        first->address = graphics->listen = NULL;
    }
    if (first->type == LISTEN_ADDRESS && graphics->listen && first->address &&
        !str_eq(graphics->listen, first->address))
        return err_set(
            parse->err, ERR_XML_ERROR,
            "graphics 'listen' attribute '%s' must match 'address' attribute of first listen element "
            "(found '%s')",
            graphics->listen, first->address);
    if (first->type == LISTEN_ADDRESS && !first->address)
        first->address = graphics->listen;
    if (first->type == LISTEN_NETWORK && parse->flags & XT_PARSE_INACTIVE)
        first->address = NULL; /* found out at each start */
    /* a spice server without any port is reached through the descriptors that clients pass */
    if (graphics->type == GRAPHICS_SPICE && first->type == LISTEN_ADDRESS && !first->address &&
        graphics->autoport != TRI_YES && !graphics->port.value && !graphics->tls_port.value)
        first->type = LISTEN_NONE;
    graphics->listen = first->type == LISTEN_ADDRESS || first->type == LISTEN_NETWORK ? first->address : NULL;
    graphics->socket = graphics->type == GRAPHICS_VNC && first->type == LISTEN_SOCKET ? first->socket : NULL;
    return 0;
}

static void settle_ports(struct xt_parse *parse, struct graphics *graphics)
{
    enum listen_type listen = graphics->listens[0]->type;

    if (listen == LISTEN_SOCKET || listen == LISTEN_NONE) {
        graphics->port = graphics->tls_port = graphics->websocket = (struct opt_i32){0};
        graphics->autoport = TRI_NONE;
        return;
    }
    switch (graphics->type) {
    case GRAPHICS_VNC:
        if (!graphics->autoport && (!graphics->port.set || graphics->port.value == -1))
            graphics->autoport = TRI_YES;
        if (graphics->port.value == -1)
            graphics->port = (struct opt_i32){0};
        break;
    case GRAPHICS_RDP:
        if (!graphics->autoport && !graphics->port.value)
            graphics->autoport = TRI_YES;
        break;
    case GRAPHICS_SPICE:
        if (graphics->port.value == -1 && graphics->tls_port.value == -1)
            graphics->autoport = TRI_YES;
        break;
    default:
        break;
    }
    if (graphics->autoport != TRI_YES)
        graphics->autoport = TRI_NO;
    else if (parse->flags & XT_PARSE_INACTIVE)
        graphics->port = graphics->tls_port = (struct opt_i32){0};
    if (graphics->type == GRAPHICS_VNC && graphics->autoport == TRI_YES && !graphics->port.value)
        graphics->port = (struct opt_i32){-1, true};
    if (graphics->type == GRAPHICS_RDP && graphics->autoport == TRI_YES && !graphics->port.value)
        graphics->port = (struct opt_i32){0, true};
    if (graphics->type == GRAPHICS_SPICE && !graphics->port.value)
        graphics->port = (struct opt_i32){0};
    if (graphics->type == GRAPHICS_SPICE && !graphics->tls_port.value)
        graphics->tls_port = (struct opt_i32){0};
}

/* Any mode is what a channel has when nothing is said. */
static void drop_any_channels(struct graphics *graphics)
{
    size_t kept = 0;

    for (size_t i = 0; i < graphics->n_channels; i++)
        if (graphics->channels[i]->mode != SPICE_MODE_ANY)
            graphics->channels[kept++] = graphics->channels[i];
    graphics->n_channels = kept;
}

static int graphics_finish(struct xt_parse *parse, void *object)
{
    struct graphics *graphics = object;

    if (!graphics->type)
        return err_set(parse->err, ERR_XML_ERROR, "missing graphics device type");
    if (graphics->passwd_valid_to && strlen(graphics->passwd_valid_to) != strlen("2010-04-09T15:51:00"))
        return err_set(parse->err, ERR_INVALID_ARG,
                       "cannot parse password validity time '%s', expect YYYY-MM-DDTHH:MM:SS",
                       graphics->passwd_valid_to);
    if (!graphics->passwd)
        graphics->passwd_valid_to = graphics->connected = NULL;
    if (graphics->type == GRAPHICS_VNC && graphics->connected && !str_eq(graphics->connected, "keep"))
        return err_set(parse->err, ERR_CONFIG_UNSUPPORTED, "VNC supports connected='keep' only");
    if (!has_network(graphics))
        return 0;
    drop_any_channels(graphics);
    if (settle_listens(parse, graphics) < 0)
        return -1;
    settle_ports(parse, graphics);
    return 0;
}

/* clang-format off */
XT_DECLARE(graphics_listen_table, struct graphics_listen);
#define T struct graphics_listen
XT_DEFINE(graphics_listen_table, "listen", NULL,
    XT_ENUM(T, type, "type", listen_type_names, XT_REQUIRED),
    XT_ATTR(T, address, "address", str, 0),
    XT_ATTR(T, network, "network", str, 0),
    XT_ATTR(T, socket, "socket", str, 0),
    XT_ATTR(T, autogenerated, "autoGenerated", yesno, XT_STATUS),
    XT_ATTR(T, from_config, "fromConfig", u32, XT_STATUS));
#undef T

XT_DECLARE(spice_channel_table, struct spice_channel);
#define T struct spice_channel
XT_DEFINE(spice_channel_table, "channel", NULL,
    XT_ENUM(T, name, "name", spice_channel_names, XT_REQUIRED),
    XT_ENUM(T, mode, "mode", spice_channel_mode_names, XT_REQUIRED));
#undef T

#define T struct graphics
#define PASSWORD                                                                                             \
        XT_ATTR(T, passwd, "passwd", str, XT_SECRET),                                                        \
        XT_ATTR(T, passwd_valid_to, "passwdValidTo", str, 0),                                                \
        XT_ATTR(T, connected, "connected", str, 0)
#define LISTENS XT_LIST(T, listens, n_listens, "listen", graphics_listen_table, 0)
#define WORD(member, element, attribute) XT_GROUP(element, 0, XT_ATTR(T, member, attribute, str, 0))
XT_DEFINE(graphics_table, "graphics", graphics_finish,
    XT_ENUM(T, type, "type", graphics_type_names, 0),
    XT_UNION(T, type, 0,
        XT_ARM(GRAPHICS_VNC,
            XT_ATTR(T, socket, "socket", str, 0),
            XT_ATTR(T, port, "port", opt_i32, 0),
            XT_ATTR(T, autoport, "autoport", yesno, 0),
            XT_ATTR(T, websocket, "websocket", opt_i32, 0),
            XT_ATTR(T, listen, "listen", str, 0),
            XT_ATTR(T, keymap, "keymap", str, 0),
            XT_ATTR(T, share_policy, "sharePolicy", str, 0),
            XT_ATTR(T, power_control, "powerControl", yesno, 0),
            XT_ATTR(T, wait, "wait", yesno, 0),
            PASSWORD,
            LISTENS,
            XT_GROUP("audio", 0, XT_ATTR(T, audio_id, "id", u32, 0))),
        XT_ARM(GRAPHICS_SPICE,
            XT_ATTR(T, port, "port", opt_i32, 0),
            XT_ATTR(T, tls_port, "tlsPort", opt_i32, 0),
            XT_ATTR(T, autoport, "autoport", yesno, 0),
            XT_ATTR(T, listen, "listen", str, 0),
            XT_ATTR(T, keymap, "keymap", str, 0),
            XT_ENUM(T, default_mode, "defaultMode", spice_channel_mode_names, 0),
            PASSWORD,
            LISTENS,
            XT_LIST(T, channels, n_channels, "channel", spice_channel_table, 0),
            WORD(image, "image", "compression"),
            WORD(jpeg, "jpeg", "compression"),
            WORD(zlib, "zlib", "compression"),
            WORD(playback, "playback", "compression"),
            WORD(streaming, "streaming", "mode"),
            WORD(mouse, "mouse", "mode"),
            XT_GROUP("clipboard", 0, XT_ATTR(T, copypaste, "copypaste", yesno, 0)),
            XT_GROUP("filetransfer", 0, XT_ATTR(T, filetransfer, "enable", yesno, 0)),
            XT_GROUP("gl", 0,
                XT_ATTR(T, gl, "enable", yesno, 0),
                XT_ATTR(T, rendernode, "rendernode", str, 0))),
        XT_ARM(GRAPHICS_RDP,
            XT_ATTR(T, port, "port", opt_i32, 0),
            XT_ATTR(T, autoport, "autoport", yesno, 0),
            XT_ATTR(T, replace_user, "replaceUser", yesno, 0),
            XT_ATTR(T, multi_user, "multiUser", yesno, 0),
            XT_ATTR(T, listen, "listen", str, 0),
            XT_ATTR(T, username, "username", str, 0),
            PASSWORD,
            LISTENS),
        XT_ARM(GRAPHICS_SDL,
            XT_ATTR(T, display, "display", str, 0),
            XT_ATTR(T, xauth, "xauth", str, 0),
            XT_ATTR(T, fullscreen, "fullscreen", yesno, 0),
            XT_GROUP("gl", 0, XT_ATTR(T, gl, "enable", yesno, 0))),
        XT_ARM(GRAPHICS_DESKTOP,
            XT_ATTR(T, display, "display", str, 0),
            XT_ATTR(T, fullscreen, "fullscreen", yesno, 0)),
        XT_ARM(GRAPHICS_EGL_HEADLESS,
            XT_GROUP("gl", 0, XT_ATTR(T, rendernode, "rendernode", str, 0))),
        XT_ARM(GRAPHICS_DBUS,
            XT_ATTR(T, p2p, "p2p", yesno, 0),
            XT_ATTR(T, dbus_address, "address", str, 0),
            XT_GROUP("gl", 0,
                XT_ATTR(T, gl, "enable", yesno, 0),
                XT_ATTR(T, rendernode, "rendernode", str, 0)),
            XT_GROUP("audio", 0, XT_ATTR(T, audio_id, "id", u32, 0)))));
#undef T

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keys that the files of all daemons share, in the order of the sample file. */
#include "loop/daemon.h"

#define ROW(member, type, fallback, ...) CONF_ROW(struct daemon_conf, member, type, fallback, __VA_ARGS__)
/* Kept so that files written for libvirt load without a warning that nobody can act on. */
#define GONE(key, why)                                                                                       \
    {                                                                                                        \
        .name = key, .type = CONF_IGNORED, .help = why                                                       \
    }

static const char auth_help[] =
    "How clients of this socket prove who they are: 'none' (the socket's mode decides), 'polkit' or "
    "'sasl'. Default: 'polkit' for the system's daemon, 'none' for a user's own. root and the daemon's "
    "own user are always let in.";

/* clang-format off */
const struct conf_key daemon_keys[] = {
    ROW(unix_sock_group, CONF_STRING, NULL,
        .help = "Group that owns the sockets. Counts when the daemon makes its own sockets; with socket "
                "activation the unit files say it."),
    ROW(unix_sock_ro_perms, CONF_STRING, NULL,
        .help = "Mode of the read-only socket, octal. Default: 0777. With socket activation: SocketMode= "
                "of the unit."),
    ROW(unix_sock_rw_perms, CONF_STRING, NULL,
        .help = "Mode of the main socket, octal. Default: 0777 when auth_unix_rw is 'polkit', else 0700. "
                "With socket activation: SocketMode= of the unit."),
    ROW(unix_sock_admin_perms, CONF_STRING, NULL,
        .help = "Mode of the admin socket, octal. Default: 0700. With socket activation: SocketMode= of "
                "the unit."),
    ROW(unix_sock_dir, CONF_STRING, NULL,
        .help = "Directory of the sockets. Default: /run/libvirt, or libvirt below XDG_RUNTIME_DIR for a "
                "user's own daemon. Clients look nowhere else unless they are told."),
    ROW(auth_unix_ro, CONF_STRING, NULL, .help = auth_help),
    ROW(auth_unix_rw, CONF_STRING, NULL, .help = auth_help),
    ROW(access_drivers, CONF_STRINGS, NULL,
        .help = "What decides about single actions and objects after a client was let in: [ \"polkit\" ] "
                "asks polkit with the actions org.libvirt.api.*. Default: nothing, a client may do what "
                "its socket allows."),
    ROW(sasl_allowed_username_list, CONF_STRINGS, NULL,
        .help = "Users that may come in by SASL; * and ? match. Default: everybody with a valid "
                "password. An empty list lets nobody in."),
    ROW(max_clients, CONF_U32, "5000", .min = 1, .max = 100000, .help = "Connections at the same time."),
    ROW(max_queued_clients, CONF_U32, "1000", .min = 1, .max = 100000,
        .help = "Connections that wait to be accepted (the kernel may keep fewer)."),
    ROW(max_anonymous_clients, CONF_U32, "20", .max = 100000,
        .help = "Connections that have not proved yet who they are; no more are accepted meanwhile. 0: "
                "no limit."),
    ROW(min_workers, CONF_U32, "5", .max = 10000,
        .help = "Kept for virt-admin: calls need no worker threads here."),
    ROW(max_workers, CONF_U32, "20", .min = 1, .max = 10000,
        .help = "Kept for virt-admin: calls need no worker threads here."),
    ROW(prio_workers, CONF_U32, "5", .max = 10000,
        .help = "Kept for virt-admin: calls need no worker threads here."),
    ROW(max_client_requests, CONF_U32, "5", .min = 1, .max = 100000,
        .help = "Calls of one connection that run at the same time; further ones wait in its socket."),
    ROW(admin_min_workers, CONF_U32, "5", .max = 10000, .help = "As min_workers, for the admin socket."),
    ROW(admin_max_workers, CONF_U32, "20", .min = 1, .max = 10000, .help = "As max_workers, for the admin socket."),
    ROW(admin_max_clients, CONF_U32, "5000", .min = 1, .max = 100000, .help = "As max_clients, for the admin socket."),
    ROW(admin_max_queued_clients, CONF_U32, "20", .min = 1, .max = 100000,
        .help = "As max_queued_clients, for the admin socket."),
    ROW(admin_max_client_requests, CONF_U32, "5", .min = 1, .max = 100000,
        .help = "As max_client_requests, for the admin socket."),
    ROW(log_level, CONF_U32, "3", .min = 1, .max = 4,
        .help = "What is logged: 1 debug, 2 information, 3 warnings, 4 errors."),
    ROW(log_filters, CONF_STRING, NULL,
        .help = "Other levels for some sources: \"LEVEL:MATCH ...\", for instance \"1:rpc 4:loop\"; the "
                "first match counts."),
    ROW(log_outputs, CONF_STRING, NULL,
        .help = "Where to: \"LEVEL:OUTPUT ...\" with stderr, journald, syslog:NAME or file:PATH, for "
                "instance \"3:syslog:virtd 1:file:/var/log/libvirt/debug.log\". Default: the journal "
                "where there is one."),
    ROW(audit_level, CONF_U32, "1", .max = 2,
        .help = "0: no audit records; 1: when the host has auditing on; 2: refuse to start when it is "
                "off."),
    ROW(audit_logging, CONF_BOOL, "0", .help = "1: audit records go to the log, too."),
    ROW(host_uuid, CONF_STRING, NULL,
        .help = "The host's UUID in capabilities, for hosts whose firmware says nothing useful."),
    ROW(host_uuid_source, CONF_STRING, "\"smbios\"",
        .help = "Where the host's UUID comes from when host_uuid isn't set: 'smbios' or 'machine-id'."),
    ROW(keepalive_interval, CONF_I32, "5", .min = -1, .max = 86400,
        .help = "A connection that is silent for so many seconds is asked whether it still lives; -1: "
                "never."),
    ROW(keepalive_count, CONF_U32, "5", .max = 1000,
        .help = "So many questions without an answer, and the connection is closed."),
    ROW(admin_keepalive_interval, CONF_I32, "5", .min = -1, .max = 86400,
        .help = "As keepalive_interval, for the admin socket."),
    ROW(admin_keepalive_count, CONF_U32, "5", .max = 1000, .help = "As keepalive_count, for the admin socket."),
    ROW(ovs_timeout, CONF_U32, "5", .max = 3600, .help = "Seconds that ovs-vsctl may take."),
    GONE("keepalive_required", "Has no meaning any more: all clients know keepalive."),
    GONE("admin_keepalive_required", "Has no meaning any more: all clients know keepalive."),
    {0},
};
/* clang-format on */

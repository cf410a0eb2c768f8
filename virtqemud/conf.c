/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * qemu.conf. Keys of parts that don't exist here yet are accepted with a warning, as unknown ones are: a
 * host's file must not keep the daemon from starting.
 */
#define ERR_FROM ERR_FROM_CONF
#include "virtqemud/conf.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "conf/conf.h"
#include "model/domain/native.h"
#include "virtqemud/save-image.h"

/* As in the file, before names become numbers. */
struct keys {
    const char *user, *group, *vnc_listen, *spice_listen, *vnc_password, *spice_password;
    bool dynamic_ownership, set_process_name, log_timestamp, security_default_confined, dump_guest_core;
    uint32_t max_processes, max_files;
    int32_t seccomp_sandbox;
    uint64_t max_core;
    uint32_t remote_display_port_min, remote_display_port_max;
    uint32_t remote_websocket_port_min, remote_websocket_port_max, keepalive_interval, keepalive_count;
    const char *const *cgroup_device_acl;
    const char *default_tls_x509_cert_dir, *default_tls_x509_secret_uuid;
    int32_t default_tls_x509_verify, vnc_tls_x509_verify, chardev_tls_x509_verify;
    const char *default_tls_priority, *vnc_tls_priority, *chardev_tls_priority, *nbd_tls_priority;
    bool vnc_auto_unix_socket, spice_auto_unix_socket, vnc_sasl, spice_sasl;
    const char *vnc_sasl_dir, *spice_sasl_dir, *pr_helper;
    int32_t deprecation_behavior;
    int32_t save_image_format, dump_image_format;
    bool auto_start_bypass_cache;
    bool vnc_tls, spice_tls, chardev_tls, nbd_tls;
    const char *vnc_tls_x509_cert_dir, *spice_tls_x509_cert_dir, *chardev_tls_x509_cert_dir,
        *nbd_tls_x509_cert_dir;
    const char *vnc_tls_x509_secret_uuid, *chardev_tls_x509_secret_uuid, *nbd_tls_x509_secret_uuid;
};

/* clang-format off */
const struct conf_key qemu_conf_keys[] = {
    CONF_ROW(struct keys, user, CONF_STRING, NULL, .help = "The user that QEMU runs as in the system instance: a name, or '+' and a number."),
    CONF_ROW(struct keys, group, CONF_STRING, NULL, .help = "The group that QEMU runs as in the system instance: a name, or '+' and a number."),
    CONF_ROW(struct keys, dynamic_ownership, CONF_BOOL, "1", .help = "Give image files to QEMU's user while a machine uses them, and back afterwards."),
    CONF_ROW(struct keys, set_process_name, CONF_BOOL, "1", .help = "Let QEMU name its process and threads after the machine."),
    CONF_ROW(struct keys, log_timestamp, CONF_BOOL, "1", .help = "QEMU's messages in the machine's log carry the time."),
    CONF_ROW(struct keys, security_default_confined, CONF_BOOL, "1", .help = "Confine machines whose definition doesn't say."),
    CONF_ROW(struct keys, dump_guest_core, CONF_BOOL, "0", .help = "A core dump of QEMU holds the guest's memory, too."),
    CONF_ROW(struct keys, seccomp_sandbox, CONF_I32, "-1", .min = -1, .max = 1, .help = "Run QEMU under its seccomp filter: 1 yes, 0 no, -1 where it can."),
    CONF_ROW(struct keys, max_processes, CONF_U32, "0", .help = "Limit of processes of QEMU's user; 0: as the daemon's own."),
    CONF_ROW(struct keys, max_files, CONF_U32, "0", .help = "Limit of descriptors of each QEMU; 0: as the daemon's own."),
    CONF_ROW(struct keys, max_core, CONF_LIMIT, "\"unlimited\"", .help = "Size limit of QEMU's core dumps in bytes."),
    CONF_ROW(struct keys, vnc_listen, CONF_STRING, "\"127.0.0.1\"", .help = "Where VNC displays listen when the definition doesn't say."),
    CONF_ROW(struct keys, spice_listen, CONF_STRING, "\"127.0.0.1\"", .help = "Where SPICE displays listen when the definition doesn't say."),
    CONF_ROW(struct keys, vnc_password, CONF_STRING, NULL, .help = "Password of VNC displays whose definition has none."),
    CONF_ROW(struct keys, spice_password, CONF_STRING, NULL, .help = "Password of SPICE displays whose definition has none."),
    CONF_ROW(struct keys, remote_display_port_min, CONF_U32, "5900", .min = 5900, .max = 65535, .help = "First port for displays."),
    CONF_ROW(struct keys, remote_display_port_max, CONF_U32, "65535", .min = 5900, .max = 65535, .help = "Last port for displays."),
    CONF_ROW(struct keys, remote_websocket_port_min, CONF_U32, "5700", .min = 5700, .max = 65535, .help = "First port for VNC over WebSockets."),
    CONF_ROW(struct keys, remote_websocket_port_max, CONF_U32, "65535", .min = 5700, .max = 65535, .help = "Last port for VNC over WebSockets."),
    CONF_ROW(struct keys, cgroup_device_acl, CONF_STRINGS, NULL, .help = "Devices that every QEMU may open where control groups can keep it from others. Not given: null, full, zero, random, urandom, ptmx, kvm, userfaultfd of /dev."),
    CONF_ROW(struct keys, keepalive_interval, CONF_U32, "5", .help = "Seconds between pings of a migration's peer."),
    CONF_ROW(struct keys, keepalive_count, CONF_U32, "5", .help = "Pings without an answer before the peer counts as dead."),
    CONF_ROW(struct keys, save_image_format, CONF_ENUM, "\"raw\"", .names = save_format_names, .help = "How states of saved machines are compressed: raw, gzip, bzip2, xz, lzop, zstd."),
    CONF_ROW(struct keys, dump_image_format, CONF_ENUM, "\"raw\"", .names = save_format_names, .help = "How dumps are compressed; those of memory alone have formats of their own."),
    CONF_ROW(struct keys, auto_start_bypass_cache, CONF_BOOL, "0", .help = "States of machines that start by themselves are read past the host's page cache."),
    CONF_ROW(struct keys, default_tls_x509_cert_dir, CONF_STRING, "\"/etc/pki/qemu\"", .help = "Certificates and key of TLS connections that have no directory of their own: ca-cert.pem, server-cert.pem, server-key.pem, client-cert.pem, client-key.pem."),
    CONF_ROW(struct keys, default_tls_x509_verify, CONF_I32, "-1", .min = -1, .max = 1, .help = "Clients of QEMU's TLS servers must show a certificate: 1 yes, 0 no, -1 all but those of VNC."),
    CONF_ROW(struct keys, default_tls_x509_secret_uuid, CONF_STRING, NULL, .help = "Secret that the server's key is encrypted with."),
    CONF_ROW(struct keys, vnc_tls, CONF_BOOL, "0", .help = "Use TLS for VNC displays."),
    CONF_ROW(struct keys, vnc_tls_x509_cert_dir, CONF_STRING, NULL, .help = "Certificates for VNC displays. Not given: /etc/pki/libvirt-vnc if there is one, else default_tls_x509_cert_dir."),
    CONF_ROW(struct keys, vnc_tls_x509_secret_uuid, CONF_STRING, NULL, .help = "Secret that the key for VNC displays is encrypted with. Not given: default_tls_x509_secret_uuid."),
    CONF_ROW(struct keys, vnc_tls_x509_verify, CONF_I32, "-1", .min = -1, .max = 1, .help = "Clients of VNC displays must show a certificate; -1: as default_tls_x509_verify says."),
    CONF_ROW(struct keys, spice_tls, CONF_BOOL, "0", .help = "Use TLS for SPICE displays."),
    CONF_ROW(struct keys, spice_tls_x509_cert_dir, CONF_STRING, NULL, .help = "Certificates for SPICE displays. Not given: /etc/pki/libvirt-spice if there is one, else default_tls_x509_cert_dir."),
    CONF_ROW(struct keys, chardev_tls, CONF_BOOL, "0", .help = "Use TLS for character devices over TCP, where the definition doesn't say."),
    CONF_ROW(struct keys, chardev_tls_x509_cert_dir, CONF_STRING, NULL, .help = "Certificates for character devices over TCP. Not given: /etc/pki/libvirt-chardev if there is one, else default_tls_x509_cert_dir."),
    CONF_ROW(struct keys, chardev_tls_x509_secret_uuid, CONF_STRING, NULL, .help = "Secret that the key for character devices over TCP is encrypted with. Not given: default_tls_x509_secret_uuid."),
    CONF_ROW(struct keys, chardev_tls_x509_verify, CONF_I32, "-1", .min = -1, .max = 1, .help = "Clients of character devices over TCP must show a certificate; -1: as default_tls_x509_verify says."),
    CONF_ROW(struct keys, nbd_tls, CONF_BOOL, "0", .help = "Use TLS for disks on NBD servers, where the definition doesn't say."),
    CONF_ROW(struct keys, nbd_tls_x509_cert_dir, CONF_STRING, NULL, .help = "Certificates for disks on NBD servers. Not given: /etc/pki/libvirt-nbd if there is one, else default_tls_x509_cert_dir."),
    CONF_ROW(struct keys, nbd_tls_x509_secret_uuid, CONF_STRING, NULL, .help = "Secret that the key for disks on NBD servers is encrypted with. Not given: default_tls_x509_secret_uuid."),
    CONF_ROW(struct keys, default_tls_priority, CONF_STRING, NULL, .help = "Algorithms of TLS connections in GnuTLS's words."),
    CONF_ROW(struct keys, vnc_tls_priority, CONF_STRING, NULL, .help = "Algorithms of TLS for VNC displays. Not given: default_tls_priority."),
    CONF_ROW(struct keys, chardev_tls_priority, CONF_STRING, NULL, .help = "Algorithms of TLS for character devices. Not given: default_tls_priority."),
    CONF_ROW(struct keys, nbd_tls_priority, CONF_STRING, NULL, .help = "Algorithms of TLS for disks on NBD servers. Not given: default_tls_priority."),
    CONF_ROW(struct keys, vnc_auto_unix_socket, CONF_BOOL, "0", .help = "VNC displays whose definition names no address listen on a socket of their own."),
    CONF_ROW(struct keys, vnc_sasl, CONF_BOOL, "0", .help = "Clients of VNC displays authenticate by SASL."),
    CONF_ROW(struct keys, vnc_sasl_dir, CONF_STRING, NULL, .help = "Where the SASL library looks for QEMU's settings (qemu.conf), for VNC."),
    CONF_ROW(struct keys, spice_auto_unix_socket, CONF_BOOL, "0", .help = "SPICE displays whose definition names no address listen on a socket of their own."),
    CONF_ROW(struct keys, spice_sasl, CONF_BOOL, "0", .help = "Clients of SPICE displays authenticate by SASL."),
    CONF_ROW(struct keys, spice_sasl_dir, CONF_STRING, NULL, .help = "Where the SASL library looks for QEMU's settings (qemu.conf), for SPICE."),
    CONF_ROW(struct keys, pr_helper, CONF_STRING, "\"qemu-pr-helper\"", .help = "The helper for SCSI reservations."),
    CONF_ROW(struct keys, deprecation_behavior, CONF_ENUM, "\"none\"", .names = native_deprecation_names, .help = "What QEMU does when it is told something deprecated: none, omit, reject, crash. A definition may say otherwise."),
    {0},
};
/* clang-format on */

/* Debian's names for the account; the first that exists. */
static const char *const default_users[] = {"libvirt-qemu", "qemu", NULL};
static const char *const default_groups[] = {"libvirt-qemu", "kvm", "qemu", NULL};

/* The largest one means "as it is" to the kernel: for QEMU that would be root. */
static bool is_number(const char *name, uint32_t *ret)
{
    return str_to_u32(name, ret) == 0 && *ret != UINT32_MAX;
}

static int find_user(const char *name, uid_t *ret, struct err *err)
{
    const struct passwd *entry;

    if (name && *name == '+' && is_number(name + 1, ret))
        return 0;
    if (name) {
        entry = getpwnam(name);
        if (!entry && is_number(name, ret))
            return 0;
        if (!entry)
            return err_set(err, ERR_INVALID_ARG, "qemu.conf: user '%s' doesn't exist", name);
        *ret = entry->pw_uid;
        return 0;
    }
    for (const char *const *guess = default_users; *guess; guess++)
        if ((entry = getpwnam(*guess))) {
            *ret = entry->pw_uid;
            return 0;
        }
    log_warning("no user 'libvirt-qemu' on this host: machines run as root until qemu.conf names a user");
    *ret = 0;
    return 0;
}

static int find_group(const char *name, gid_t *ret, struct err *err)
{
    const struct group *entry;

    if (name && *name == '+' && is_number(name + 1, ret))
        return 0;
    if (name) {
        entry = getgrnam(name);
        if (!entry && is_number(name, ret))
            return 0;
        if (!entry)
            return err_set(err, ERR_INVALID_ARG, "qemu.conf: group '%s' doesn't exist", name);
        *ret = entry->gr_gid;
        return 0;
    }
    for (const char *const *guess = default_groups; *guess; guess++)
        if ((entry = getgrnam(*guess))) {
            *ret = entry->gr_gid;
            return 0;
        }
    *ret = 0;
    return 0;
}

/* Of one kind: its own keys, then the default ones. verify: 1, 0, or -1 for what `usual` says. */
static struct qemu_tls tls_of(const struct keys *keys, struct arena *arena, const char *kind, bool on,
                              const char *dir, const char *secret, const char *priority, int verify,
                              bool usual)
{
    const char *own = arena_printf(arena, "/etc/pki/libvirt-%s", kind);

    if (verify < 0)
        verify = keys->default_tls_x509_verify;
    if (!dir)
        dir = access(own, F_OK) == 0 ? own : keys->default_tls_x509_cert_dir;
    return (struct qemu_tls){.on = on,
                             .priority = priority ? priority : keys->default_tls_priority,
                             .dir = dir,
                             .secret = secret ? secret : keys->default_tls_x509_secret_uuid,
                             .verify = verify < 0 ? usual : verify};
}

int qemu_conf_read(struct arena *arena, const char *path, bool privileged, struct qemu_conf *ret,
                   struct err *err)
{
    struct keys keys = {0};
    struct qemu_conf conf;

    if (conf_read_file(arena, qemu_conf_keys, path, 0, &keys, NULL, err) < 0)
        return -1;
    conf = (struct qemu_conf){
        .user = geteuid(),
        .group = getegid(),
        .dynamic_ownership = privileged && keys.dynamic_ownership,
        .set_process_name = keys.set_process_name,
        .seccomp_sandbox = keys.seccomp_sandbox != 0,
        .log_timestamp = keys.log_timestamp,
        .default_confined = keys.security_default_confined,
        .dump_guest_core = keys.dump_guest_core,
        .max_processes = keys.max_processes,
        .max_files = keys.max_files,
        .max_core = keys.max_core,
        .vnc_listen = keys.vnc_listen,
        .spice_listen = keys.spice_listen,
        .vnc_password = keys.vnc_password,
        .spice_password = keys.spice_password,
        .port_min = keys.remote_display_port_min,
        .port_max = keys.remote_display_port_max,
        .websocket_min = keys.remote_websocket_port_min,
        .websocket_max = keys.remote_websocket_port_max,
        .keepalive_interval = keys.keepalive_interval,
        .keepalive_count = keys.keepalive_count,
        .device_acl = keys.cgroup_device_acl,
        .vnc_auto_socket = keys.vnc_auto_unix_socket,
        .spice_auto_socket = keys.spice_auto_unix_socket,
        .vnc_sasl = keys.vnc_sasl,
        .spice_sasl = keys.spice_sasl,
        .vnc_sasl_dir = keys.vnc_sasl_dir,
        .spice_sasl_dir = keys.spice_sasl_dir,
        .pr_helper = keys.pr_helper,
        .deprecation = keys.deprecation_behavior,
        .save_format = keys.save_image_format,
        .dump_format = keys.dump_image_format,
        .auto_start_bypass_cache = keys.auto_start_bypass_cache,
        .vnc_tls =
            tls_of(&keys, arena, "vnc", keys.vnc_tls, keys.vnc_tls_x509_cert_dir,
                   keys.vnc_tls_x509_secret_uuid, keys.vnc_tls_priority, keys.vnc_tls_x509_verify, false),
        .spice_tls =
            tls_of(&keys, arena, "spice", keys.spice_tls, keys.spice_tls_x509_cert_dir, NULL, NULL, -1, true),
        .chardev_tls = tls_of(&keys, arena, "chardev", keys.chardev_tls, keys.chardev_tls_x509_cert_dir,
                              keys.chardev_tls_x509_secret_uuid, keys.chardev_tls_priority,
                              keys.chardev_tls_x509_verify, true),
        .nbd_tls = tls_of(&keys, arena, "nbd", keys.nbd_tls, keys.nbd_tls_x509_cert_dir,
                          keys.nbd_tls_x509_secret_uuid, keys.nbd_tls_priority, 1, true),
    };
    if (privileged &&
        (find_user(keys.user, &conf.user, err) < 0 || find_group(keys.group, &conf.group, err) < 0))
        return -1;
    *ret = conf;
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Chardev: a stream of bytes between guest and host: <serial>, <parallel>, <console>, <channel>, and, as a
 * source alone, inside <redirdev>, <smartcard>, <rng>, <interface type='vhostuser'>.
 */
#pragma once

#include "model/domain/storage.h"

enum chardev_type {
    CHARDEV_UNSET,
    CHARDEV_NULL,
    CHARDEV_VC,
    CHARDEV_PTY,
    CHARDEV_DEV,
    CHARDEV_FILE,
    CHARDEV_PIPE,
    CHARDEV_STDIO,
    CHARDEV_UDP,
    CHARDEV_TCP,
    CHARDEV_UNIX,
    CHARDEV_SPICEVMC,
    CHARDEV_SPICEPORT,
    CHARDEV_NMDM,
    CHARDEV_VDAGENT,
    CHARDEV_DBUS,
    CHARDEV_TYPE_MAX
};
extern const char *const chardev_type_names[];

enum chardev_protocol {
    CHARPROTO_UNSET,
    CHARPROTO_RAW,
    CHARPROTO_TELNET,
    CHARPROTO_TELNETS,
    CHARPROTO_TLS,
    CHARDEV_PROTOCOL_MAX
};
extern const char *const chardev_protocol_names[];

enum chardev_mode { CHARMODE_UNSET, CHARMODE_CONNECT, CHARMODE_BIND, CHARDEV_MODE_MAX };
extern const char *const chardev_mode_names[];

struct chardev_source {
    enum chardev_type type;
    char *path;                     /* dev, file, pipe, pty (live), unix */
    enum tristate append;           /* file: on, off */
    enum chardev_mode mode;         /* tcp, unix */
    char *host, *service;           /* tcp; udp: where to send */
    char *bind_host, *bind_service; /* udp */
    enum chardev_protocol protocol;
    enum tristate tls; /* yes, no */
    struct reconnect reconnect;
    char *channel;                   /* spiceport, dbus */
    char *master, *slave;            /* nmdm */
    char *vdagent_mouse;             /* server, client */
    enum tristate vdagent_clipboard; /* yes, no */
    char *logfile;
    enum tristate logappend; /* on, off */
    struct source_seclabel **seclabels;
    size_t n_seclabels;
};
/* Attribute type, <source>, <protocol>, <log>; devices embed it. */
XT_DECLARE_ROWS(chardev_source_table, struct chardev_source);

enum chardev_target {
    CHARTARGET_UNSET,
    CHARTARGET_ISA_SERIAL, /* serial */
    CHARTARGET_USB_SERIAL,
    CHARTARGET_PCI_SERIAL,
    CHARTARGET_SPAPR_VIO_SERIAL,
    CHARTARGET_SYSTEM_SERIAL,
    CHARTARGET_SCLP_SERIAL,
    CHARTARGET_ISA_DEBUG,
    CHARTARGET_SERIAL, /* console */
    CHARTARGET_XEN,
    CHARTARGET_UML,
    CHARTARGET_VIRTIO, /* console and channel */
    CHARTARGET_LXC,
    CHARTARGET_OPENVZ,
    CHARTARGET_SCLP,
    CHARTARGET_SCLPLM,
    CHARTARGET_GUESTFWD, /* channel */
    CHARDEV_TARGET_MAX
};
extern const char *const chardev_target_names[];

/* What kind of element it came from. */
enum chardev_kind { CHARKIND_SERIAL, CHARKIND_PARALLEL, CHARKIND_CONSOLE, CHARKIND_CHANNEL };

struct chardev {
    enum chardev_kind kind;
    struct chardev_source source;
    char *tty; /* console: the pty's path once more, as an attribute (live) */
    enum chardev_target target;
    struct opt_u32 port;
    char *target_model;   /* "isa-serial", "pl011", ... */
    char *target_name;    /* channel: org.qemu.guest_agent.0 */
    char *target_address; /* guestfwd */
    uint32_t target_port; /* guestfwd */
    char *state;          /* channel: connected, disconnected (live) */
    struct device_info info;
};
XT_DECLARE(serial_table, struct chardev);
XT_DECLARE(parallel_table, struct chardev);
XT_DECLARE(console_table, struct chardev);
XT_DECLARE(channel_table, struct chardev);

/* Same place on the host (type and address of the source). */
/* What holds when the document doesn't say; for those who embed a source. */
void chardev_source_settle(struct chardev_source *source);
/* Is all there that its type needs? named: a channel whose socket the host may name. */
int chardev_source_check(const struct chardev_source *source, bool named, struct err *err);
bool chardev_source_same(const struct chardev_source *a, const struct chardev_source *b);

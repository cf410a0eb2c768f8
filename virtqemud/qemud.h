/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Qemud: what the one virtqemud of this process has. Filled by main.c before anything else runs. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bitmap.h"
#include "base/map.h"
#include "rpc/server.h"
#include "store/store.h"

struct vms;
struct daemon;

/* Where things live; the last column of the comments is a user's own daemon. */
struct qemud_dirs {
    const char *config;  /* /etc/libvirt/qemu, $XDG_CONFIG_HOME/libvirt/qemu */
    const char *state;   /* /run/libvirt/qemu, $XDG_RUNTIME_DIR/libvirt/qemu/run */
    const char *lib;     /* /var/lib/libvirt/qemu, $XDG_CONFIG_HOME/libvirt/qemu/lib */
    const char *log;     /* /var/log/libvirt/qemu, $XDG_CACHE_HOME/libvirt/qemu/log */
    const char *cache;   /* /var/cache/libvirt/qemu, $XDG_CACHE_HOME/libvirt/qemu/cache */
    const char *nvram;   /* /var/lib/libvirt/qemu/nvram, $XDG_CONFIG_HOME/libvirt/qemu/nvram */
    const char *save;    /* .../save: managed save images */
    const char *hooks;   /* /etc/libvirt/hooks */
    const char *channel; /* .../channel/target: sockets of channels */
};

/* qemu.conf, as far as the daemon honours it. */
/* How QEMU shows who it is, and whom it believes, for one kind of connection. */
struct qemu_tls {
    bool on;              /* where the definition doesn't say */
    const char *dir;      /* of certificates and key */
    const char *priority; /* GnuTLS's words on algorithms; NULL: the host's own */
    const char *secret;   /* UUID of what the key is encrypted with; NULL: it isn't */
    bool verify;          /* servers: clients must show a certificate */
};

struct qemu_conf {
    uid_t user; /* QEMU runs as; our own in a session */
    gid_t group;
    bool dynamic_ownership, set_process_name, seccomp_sandbox, log_timestamp, default_confined,
        dump_guest_core;
    unsigned max_processes, max_files;
    uint64_t max_core; /* bytes; UINT64_MAX: unlimited */
    const char *vnc_listen, *spice_listen, *vnc_password, *spice_password;
    int save_format, dump_format; /* enum save_format */
    bool auto_start_bypass_cache;
    struct qemu_tls vnc_tls, spice_tls, chardev_tls, nbd_tls;
    bool vnc_auto_socket, spice_auto_socket, vnc_sasl, spice_sasl;
    const char *vnc_sasl_dir, *spice_sasl_dir, *pr_helper;
    int deprecation; /* enum native_deprecation, where the definition doesn't say */
    unsigned port_min, port_max, websocket_min, websocket_max;
    unsigned keepalive_interval, keepalive_count;
    const char *const *device_acl; /* that every QEMU may open; NULL: the usual ones */
};

struct qemud {
    bool privileged;
    struct qemud_dirs dirs;
    struct qemu_conf conf;
    struct daemon *daemon;
    struct server *server;
    struct store *store;
    struct vms *vms;
    struct bitmap ports;  /* that displays of running machines have */
    struct map live_cpus; /* what QEMU makes of words about processors, see dev/cpu-live.c */
};

extern struct qemud qemud;

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Status: the file that finds a running machine again after any end of the daemon: /run/libvirt/qemu/NAME.xml
 * (`<domstatus>`, as libvirt writes it, and read back from it), and NAME.pid beside it. Replaced atomically;
 * the directory is on a tmpfs that ends with the host, so nothing is fsynced.
 */
#pragma once

#include "virtqemud/run.h"
#include "xml/xt.h"

/* Write it now. Failure (-errno) is logged: a machine that is up runs all the same. */
int status_save(struct vm *vm);
void status_remove(const struct vm *vm);

struct status_vcpu {
    struct opt_u32 id;
    uint32_t pid;
};

struct status_flag {
    char *name;
};

struct status {
    char *state_name, *reason_name;
    unsigned state, reason; /* the same as numbers */
    uint32_t pid;           /* 0: QEMU was about to be executed */
    uint64_t start_time;    /* of the process; 0: written by stock libvirt, which doesn't say */
    char *monitor_path, *monitor_type;
    struct status_vcpu **vcpus;
    size_t n_vcpus;
    char *lib_dir, *channel_dir;
    char *machine_name; /* at machined */
    uint64_t balloon_kib;
    bool fake_reboot, autodestroy;
    /* What libvirt wants to know when it takes a machine over, or has told and wants to find again. */
    struct status_flag **flags;
    size_t n_flags;
    bool mount_namespace, logged_by_virtlogd, remembers_owner;
    struct opt_u32 last_node, last_fdset;
    enum tristate allow_reboot;
    struct domain *domain;
};
XT_DECLARE(status_table, struct status);

/* Read NAME.xml of the state directory into the arena. NULL with err set when it isn't understood. */
struct status *status_read(const char *name, struct arena *arena, struct err *err);

/* The same from its text, and the text again (secrets and all). */
struct status *status_parse(const char *text, struct arena *arena, struct err *err);
void status_format(const struct status *status, struct buf *text);

/* "running" and the reason's word, as the file and virsh have them; NULL: unknown. */
const char *status_state_name(unsigned state);
const char *status_reason_name(unsigned state, unsigned reason);
